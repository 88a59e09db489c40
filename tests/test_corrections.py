"""What an edition tells of earlier ones: corrections, once, and what was read most."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import cli, desk
from digest.app import App, now
from digest.errors import InputError, NotFound, StateError
from digest.model import Edition, EditionState, Period, Revision
from digest.settings import FILE
from tests.harbour import SETTINGS

STORIES = {
    "2018-07-10": "Guangzhou port adds a night shift",
    "2018-07-18": "Haifa drops a paper form",
    "2018-07-25": "Tel Aviv opens a tram line",
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / FILE).write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "incoming").mkdir()
    for day, title in STORIES.items():
        path = tmp_path / "incoming" / f"{day}.md"
        path.write_text(
            f"---\ntitle: {title}\ndate: {day}T09:00:00+00:00\n---\n{title}, it was said.\n", encoding="utf-8"
        )
        os.utime(path, (1_500_000_000, 1_500_000_000))
    with App.open(tmp_path) as opened:
        opened.pipeline.pick_up()
        opened.pipeline.classify()
        yield opened


def composed(app: App, week: str) -> Edition:
    revision = app.pipeline.compose(app.settings.digests[0], Period.week(week, app.settings.zone))
    assert isinstance(revision, Revision)
    return revision.edition


def sent(app: App, week: str) -> Edition:
    edition = composed(app, week)
    app.pipeline.approve(app.store.editions.get(edition.id), by="test")
    app.store.editions.move(edition.id, EditionState.SENDING, now())
    app.store.editions.move(edition.id, EditionState.SENT, now())
    return edition


def test_a_correction_stands_in_the_next_edition_and_in_no_later_one(app: App) -> None:
    first = sent(app, "2018-W28")
    (item,) = first.items
    desk.correct(app.store, first.id, item.story.key, " It was a day shift. ", by="test", at=now())
    second = composed(app, "2018-W29")
    (correction,) = second.corrections
    assert (correction.title, correction.text) == ("Guangzhou port adds a night shift", "It was a day shift.")
    assert (correction.edition, correction.period) == (first.id, "2018-W28")
    assert composed(app, "2018-W29") == second
    page, text = app.pipeline.preview(app.store.editions.get(second.id))
    assert "It was a day shift." in page
    assert "It was a day shift." in text
    sent(app, "2018-W29")
    assert composed(app, "2018-W30").corrections == ()
    desk.correct(app.store, first.id, item.story.key, "It was two shifts.", by="test", at=now())
    assert [one.text for one in composed(app, "2018-W30").corrections] == ["It was two shifts."]


def test_only_what_is_out_is_corrected(app: App) -> None:
    draft = composed(app, "2018-W28")
    key = draft.items[0].story.key
    with pytest.raises(StateError, match="correct it"):
        desk.correct(app.store, draft.id, key, "x", by="test", at=now())
    sent(app, "2018-W28")
    with pytest.raises(NotFound):
        desk.correct(app.store, draft.id, "nothing", "x", by="test", at=now())
    with pytest.raises(InputError):
        desk.correct(app.store, draft.id, key, " ", by="test", at=now())


def test_a_correction_is_made_on_the_command_line(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    first = sent(app, "2018-W28")
    key = first.items[0].story.key
    assert cli.run(["-C", str(app.settings.folder), "correct", first.id, key, "It was a day shift."]) == 0
    assert "The next edition tells it" in capsys.readouterr().out
    assert len(composed(app, "2018-W29").corrections) == 1


def test_what_was_read_most_in_the_period_is_told(app: App) -> None:
    first = sent(app, "2018-W28")
    (item,) = first.items
    period = Period.week("2018-W29", app.settings.zone)
    for _ in range(2):
        app.store.reads.add(item.story.key, period.start.date())
    assert composed(app, "2018-W29").most_read == (), "too few"
    app.store.reads.add(item.story.key, period.last_day)
    app.store.reads.add(composed(app, "2018-W29").items[0].story.key, period.start.date())
    (told,) = composed(app, "2018-W29").most_read
    assert (told.story, told.title, told.edition) == (item.story.key, item.story.lead.title, first.id)
    assert composed(app, "2018-W30").most_read == (), "another week"
