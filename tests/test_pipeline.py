"""The sentence as a whole: what is frozen stays, what came late comes once, what failed is tried again."""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from digest import desk, subscriptions
from digest.app import App, now
from digest.deliver import Catcher
from digest.errors import DeliveryError, NotFound, StateError
from digest.model import Consent, DeliveryState, EditionState, Period, Preferences, Revision, Skipped
from digest.pipeline import policy_of
from digest.settings import FILE, shipped

ROOT = Path(__file__).parent.parent
SETTINGS = """
[publication]
title = "Harbour Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road, Example City"
time_zone = "Asia/Shanghai"

[delivery]
first_delay = 0.2
longest_delay = 0.2
linger = 5

[[sources]]
key = "desk"
kind = "folder"
location = "incoming"

[[digests]]
key = "weekly"
title = "Weekly"
[[digests.sections]]
key = "guangdong"
region = "CN-GD"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""
STORIES = {
    "port": ("Guangzhou port adds a night shift", "Guangzhou", "The port of Guangzhou will unload ships at night."),
    "leaks": (
        "Haifa start-up listens for leaks",
        "Haifa, Israel",
        "A start-up in Haifa, Israel, hears leaks in pipes.",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "incoming").mkdir()
    for key in STORIES:
        story(tmp_path, key)
    return tmp_path


def story(folder: Path, key: str, date: str = "2018-07-18T09:00:00+08:00", more: str = "", age: int = 100) -> None:
    title, place, text = STORIES[key]
    path = folder / "incoming" / f"{key}.md"
    path.write_text(
        f"---\nid: {key}\ntitle: {title}\ndate: {date}\npublisher: Harbour Wire\nkeywords: [{place}]\n"
        f"url: https://wire.example.org/{key}\n---\n\n{text} {more}\n",
        encoding="utf-8",
    )
    os.utime(path, (time.time() - age, time.time() - age))


@pytest.fixture
def app(folder: Path) -> Iterator[App]:
    with App.open(folder) as app:
        readers(app, 3)
        yield app


def readers(app: App, count: int, preferences: Preferences | None = None) -> None:
    for number in range(count):
        subscriptions.add(
            app.store,
            f"reader{number}@example.org",
            ["weekly"],
            consent=Consent(at=now(), basis="test"),
            now=now(),
            preferences=preferences,
        )


def composed(app: App, week: str = "2018-W29") -> Revision:
    app.pipeline.pick_up()
    app.pipeline.classify()
    revision = app.pipeline.compose(app.settings.digest(), Period.week(week, app.settings.zone))
    assert isinstance(revision, Revision)
    return revision


def titles(revision: Revision) -> set[str]:
    return {item.story.lead.title for item in revision.edition.items}


def test_the_whole_sentence(app: App) -> None:
    report = app.pipeline.run(app.settings.digest(), Period.week("2018-W29", app.settings.zone), by="test")
    assert not isinstance(report, Skipped)
    assert report.accepted == 3
    assert report.complete
    assert (app.settings.state / "feeds" / "atom.xml").exists()
    assert (app.settings.state / "editions" / "weekly-2018-W29.html").exists()
    assert app.store.editions.state("weekly-2018-W29") is EditionState.SENT


def test_a_week_without_news_is_skipped_with_the_reason_and_may_still_come(app: App) -> None:
    week = Period.week("2018-W40", app.settings.zone)
    skipped = app.pipeline.run(app.settings.digest(), week, by="test")
    assert isinstance(skipped, Skipped)
    assert app.store.editions.state("weekly-2018-W40") is EditionState.SKIPPED
    story(app.settings.folder, "leaks", "2018-10-03T09:00:00+08:00")
    assert titles(composed(app, "2018-W40")) == {STORIES["leaks"][0]}


def test_a_draft_that_loses_its_stories_is_skipped(app: App) -> None:
    edition = composed(app).edition
    for item in edition.items:
        desk.drop(app.store, edition.id, item.story.key, "withdrawn", by="test", at=now())
    again = app.pipeline.compose(app.settings.digest(), edition.period)
    assert isinstance(again, Skipped)
    assert app.store.editions.state(edition.id) is EditionState.SKIPPED


def test_a_draft_follows_the_news_until_it_is_approved(app: App) -> None:
    first = composed(app)
    assert composed(app) == first, "nothing new, nothing changed"
    story(app.settings.folder, "port", more="It adds 40 jobs.", age=50)
    second = composed(app)
    assert second.number == 2
    assert second.hash != first.hash
    app.pipeline.approve(second, by="test")
    story(app.settings.folder, "port", more="It adds 400 jobs.", age=20)
    assert composed(app).hash == second.hash, "what was approved stays"
    app.pipeline.deliver(second.edition.id)
    assert composed(app).state is EditionState.SENT


def test_what_came_late_goes_into_the_next_edition_once(app: App) -> None:
    late = app.settings.folder / "incoming" / "leaks.md"
    late.rename(app.settings.folder / "leaks.md")
    revision = composed(app)
    app.pipeline.approve(revision, by="test")
    app.pipeline.deliver(revision.edition.id)
    (app.settings.folder / "leaks.md").rename(late)
    following = composed(app, "2018-W30")
    assert titles(following) == {STORIES["leaks"][0]}
    app.pipeline.approve(following, by="test")
    app.pipeline.deliver(following.edition.id)
    period = Period.week("2018-W31", app.settings.zone)
    assert isinstance(app.pipeline.compose(app.settings.digest(), period), Skipped)


def test_a_failed_send_consumes_nothing(folder: Path) -> None:
    environ = {"DIGEST_MAIL_HOST": "127.0.0.1", "DIGEST_MAIL_SECURITY": "none"}
    with App.open(folder, {**environ, "DIGEST_MAIL_PORT": "1", "DIGEST_DELIVERY_LINGER": "0.1"}) as app:
        readers(app, 2)
        revision = composed(app)
        app.pipeline.approve(revision, by="test")
        report = app.pipeline.deliver(revision.edition.id)
        assert (report.accepted, report.refused) == (0, 0)
        assert not report.complete
    with Catcher(folder / "caught") as catcher:
        time.sleep(0.3)
        with App.open(folder, {**environ, "DIGEST_MAIL_PORT": str(catcher.port)}) as app:
            again = composed(app)
            assert again.hash == revision.hash
            assert app.pipeline.deliver(again.edition.id).accepted == 2
    assert len(list((folder / "caught" / "new").iterdir())) == 2


def test_templates_are_frozen_with_the_revision(app: App) -> None:
    revision = composed(app)
    app.pipeline.approve(revision, by="test")
    before = app.pipeline.preview(revision)
    own = app.settings.folder / "templates" / "email" / "weekly-report"
    shutil.copytree(shipped("templates") / "email" / "weekly-report", own)
    subject = own / "subject.txt"
    subject.write_text("CHANGED " + subject.read_text(encoding="utf-8"), encoding="utf-8")
    with App.open(app.settings.folder) as later:
        assert later.pipeline.preview(revision) == before
        later.pipeline.deliver(revision.edition.id)
        story(app.settings.folder, "port", "2018-07-25T09:00:00+08:00")
    sent = [path.read_text() for path in (app.settings.state / "mail" / "new").iterdir()]
    assert len(sent) == 3
    assert not any("CHANGED" in mail for mail in sent)


def test_a_copy_has_the_same_bytes_at_every_attempt(app: App) -> None:
    revision = composed(app)
    app.pipeline.approve(revision, by="test")
    campaign = app.store.campaigns.start(revision.edition.id, app.pipeline.message_id(revision.edition.id), now())
    (claim,) = app.store.campaigns.ledger(revision.edition.id).exchange([], 1, now())
    with App.open(app.settings.folder) as later:
        one = app.pipeline.maker(revision, campaign.started)(claim)
        other = later.pipeline.maker(revision, campaign.started)(claim)
    assert one == other


def test_a_reader_of_nothing_in_it_is_skipped_with_the_reason(app: App) -> None:
    readers(app, 1, Preferences(regions=("JP",)))
    revision = composed(app)
    app.pipeline.approve(revision, by="test")
    report = app.pipeline.deliver(revision.edition.id)
    assert (report.accepted, report.skipped) == (2, 1)
    (skipped,) = app.store.campaigns.deliveries(states=[DeliveryState.SKIPPED])
    assert skipped.address == "reader0@example.org"
    assert "Japan" in skipped.reason
    with pytest.raises(StateError, match="skipped"):
        app.pipeline.preview(revision, "reader0@example.org")
    with pytest.raises(NotFound):
        app.pipeline.preview(revision, "stranger@example.org")


def test_what_a_reader_received_in_another_digest_is_left_out(folder: Path) -> None:
    israel = '[[digests]]\nkey = "israel"\ntitle = "Israel"\n[[digests.sections]]\nkey = "israel"\nregion = "IL"\n'
    text = SETTINGS.replace('title = "Weekly"\n', 'title = "Weekly"\nleave_out_received = true\n') + israel
    (folder / FILE).write_text(text, encoding="utf-8")
    with App.open(folder) as app:
        readers(app, 3)
        consent = Consent(at=now(), basis="test")
        for number in (0, 2):
            subscriptions.add(app.store, f"reader{number}@example.org", ["israel"], consent=consent, now=now())
        readers(app, 1, Preferences(regions=("IL",)))  # the first reader wants the weekly for Israel only
        week = Period.week("2018-W29", app.settings.zone)
        for key in ("israel", "weekly"):
            report = app.pipeline.run(app.settings.digest(key), week, by="test")
            assert not isinstance(report, Skipped)
            assert report.complete
        revision = app.store.editions.get("weekly-2018-W29")
        mails = {}
        for file in (app.settings.state / "mail" / "new").iterdir():
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = mail.get_body(("plain",))
            assert body is not None
            mails[str(mail["To"]).partition("@")[0], str(mail["List-Id"]).partition(".")[0]] = body.get_content()
        (skipped,) = app.store.campaigns.deliveries(states=[DeliveryState.SKIPPED])
        assert skipped.address == "reader0@example.org"
        assert "1 more came in another digest" in skipped.reason
        port, leaks = (STORIES[key][0] for key in ("port", "leaks"))
        weekly = {who: body for (who, digest), body in mails.items() if "weekly" in digest}
        assert {who: (port in body, leaks in body) for who, body in weekly.items()} == {
            "reader1": (True, True),  # who reads the weekly alone
            "reader2": (True, False),
        }
        assert leaks in app.pipeline.preview(revision, "reader2@example.org")[1], "a preview is of the edition"
        copies = app.store.people.everything("reader2@example.org")["copies"]
        assert isinstance(copies, list)
        assert {copy["edition"]: copy["items"] for copy in copies} == {
            "israel-2018-W29": [1],
            "weekly-2018-W29": None,  # nobody asks for it
        }


def test_a_source_that_is_gone_is_a_problem_and_not_the_end(app: App) -> None:
    shutil.rmtree(app.settings.folder / "incoming")
    done = app.pipeline.pick_up()
    assert "desk" in str(done.problems[0])
    assert app.store.sources.problems()[0].source == "desk"


def test_only_approved_editions_are_published(app: App) -> None:
    composed(app)
    app.pipeline.publish()
    assert STORIES["port"][0] not in (app.settings.state / "feeds" / "atom.xml").read_text(encoding="utf-8")
    app.pipeline.approve(composed(app), by="test")
    changed = app.pipeline.publish().changed
    assert "feeds/atom.xml" in changed
    assert STORIES["port"][0] in (app.settings.state / "feeds" / "atom.xml").read_text(encoding="utf-8")
    assert app.pipeline.publish().changed == ()


def test_a_transport_that_cannot_be_used_ends_the_run_and_keeps_the_copies(app: App) -> None:
    (app.settings.state / "mail").write_text("in the way", encoding="utf-8")
    revision = composed(app)
    app.pipeline.approve(revision, by="test")
    with pytest.raises(DeliveryError):
        app.pipeline.deliver(revision.edition.id)
    (app.settings.state / "mail").unlink()
    assert app.pipeline.deliver(revision.edition.id).accepted == 3


def test_the_policy_is_that_of_the_settings(app: App) -> None:
    policy = policy_of(app.settings)
    assert [delay.total_seconds() for delay in policy.delays] == [0.2]
    assert policy.linger.total_seconds() == 5
    assert policy.uncertain == "resend"
    assert policy.fault_share == 0.05


@pytest.mark.heavy  # tests/schedule/test_service.py does it to `digest run` in `make test`
def test_killed_in_the_middle_it_goes_on_and_nobody_is_left_out(folder: Path) -> None:
    with App.open(folder) as app:
        readers(app, 60)
    with Catcher(folder / "caught") as catcher:
        environ = os.environ | {
            "DIGEST_MAIL_HOST": "127.0.0.1",
            "DIGEST_MAIL_PORT": str(catcher.port),
            "DIGEST_MAIL_SECURITY": "none",
            "DIGEST_MAIL_SESSIONS": "2",
        }
        command = [sys.executable, "-m", "digest", "-C", str(folder), "send", "--period", "2018-W29", "--yes"]
        kills = 0
        for threshold in (5, 25):
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
            limit = datetime.now().timestamp() + 60
            while process.poll() is None and datetime.now().timestamp() < limit:
                if len(list((folder / "caught" / "new").iterdir())) >= threshold:
                    process.kill()
                    kills += 1
                    break
                time.sleep(0.002)
            process.wait(60)
        assert kills == 2, "it was to be killed in the middle"
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    mails = [path.read_text() for path in (folder / "caught" / "new").iterdir()]
    reached = [
        line.split(":")[1].strip() for mail in mails for line in mail.splitlines() if line.startswith("Delivered-To:")
    ]
    assert set(reached) == {f"reader{number}@example.org" for number in range(60)}
    assert len(reached) - 60 <= kills * 2, "at most one copy a session and kill"
    with App.open(folder) as app:
        tally = app.store.campaigns.tally("weekly-2018-W29")
        assert tally[DeliveryState.ACCEPTED] == 60
