"""Mails about an edition that are no copies: its proof, and corrections for who got the story. Real Maildir, real ledger."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from digest import cli, desk
from digest.app import App, now
from digest.errors import AddressError, InputError, NotFound, StateError
from digest.letters import PROOF, above
from digest.model import Copy, DeliveryState, Edition, Preferences, Revision, SubscriptionState
from digest.periods import period_named
from digest.settings import FILE
from digest.store import Wanted
from digest.subscriptions import erase
from digest.subscriptions.reception import SENDING
from tests.harbour import SETTINGS as HARBOUR
from tests.store.samples import CONSENT

SETTINGS = HARBOUR + '\n[operations]\nalarm = "desk@example.com"\n'
STORIES = {
    "2018-07-10": "Guangzhou port adds a night shift",
    "2018-07-11": "Haifa drops a paper form",
    "2018-07-18": "Tel Aviv opens a tram line",
}
READERS = {
    "all@example.net": Preferences(),
    "chinese@example.net": Preferences(language="zh-Hans"),
    "israel@example.net": Preferences(regions=("IL",)),
    "gone@example.net": Preferences(),
    "barred@example.net": Preferences(),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication with a sent edition, and a draft of the next."""
    folder = tmp_path_factory.mktemp("letters") / "weekly"
    folder.mkdir()
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    (folder / "incoming").mkdir()
    for day, title in STORIES.items():
        path = folder / "incoming" / f"{day}.md"
        path.write_text(
            f"---\ntitle: {title}\ndate: {day}T09:00:00+00:00\n---\n{title}, it was said.\n", encoding="utf-8"
        )
        os.utime(path, (1_500_000_000, 1_500_000_000))
    with App.open(folder) as app:
        wanted = [
            Wanted(address=address, digest="weekly", consent=CONSENT, preferences=chosen, name="Ada")
            for address, chosen in READERS.items()
        ]
        app.store.subscribers.put(wanted, now())
        rule = app.settings.digests[0]
        app.pipeline.run(rule, period_named(rule, "2018-W28", app.settings.zone), by="test")
        app.pipeline.compose(rule, period_named(rule, "2018-W29", app.settings.zone))
    shutil.rmtree(folder / "var" / "mail")
    return folder


@pytest.fixture
def app(begun: Path, tmp_path: Path) -> Iterator[App]:
    shutil.copytree(begun, tmp_path / "copy")
    assert cli.run(["-C", str(tmp_path / "copy"), "arm"]) == 0
    with App.open(tmp_path / "copy") as opened:
        yield opened


def run(app: App, *arguments: str) -> int:
    return cli.run(["-C", str(app.settings.folder), *arguments])


def mails(app: App) -> dict[str, EmailMessage]:
    """What lies in the Maildir, by whom it was delivered to."""
    found = {}
    for path in (app.settings.state / "mail" / "new").glob("*"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found[message["Delivered-To"]] = message
    return found


def bodies(message: EmailMessage) -> tuple[str, str]:
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert isinstance(html, EmailMessage)
    assert isinstance(text, EmailMessage)
    return html.get_content(), text.get_content()


def draft(app: App) -> Revision:
    return app.store.editions.get("weekly-2018-W29")


def ledger(app: App) -> list[tuple[int, DeliveryState, int]]:
    return [(one.id, one.state, one.attempts) for one in app.store.campaigns.deliveries()]


def story(app: App, title: str) -> str:
    edition: Edition = app.store.editions.get("weekly-2018-W28").edition
    return next(item.story.key for item in edition.items if title in item.story.lead.title)


# ---- proofs


def test_a_proof_is_the_report_below_what_to_approve(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    before = ledger(app)
    assert run(app, "proof", "weekly-2018-W29") == 0
    revision = draft(app)
    order = f"digest approve weekly-2018-W29 --hash {revision.hash[:12]}"
    assert order in capsys.readouterr().out
    ((address, message),) = mails(app).items()
    assert address == "desk@example.com"
    assert message["Subject"] == "Proof: Harbour Report, 16–22 July 2018"
    assert message["List-Unsubscribe"] is None
    assert message["List-Id"] is None
    html, text = bodies(message)
    report = app.letters.report(revision, "", "")
    for body, whole in ((html, report.html), (text, report.text)):
        assert order in body
        assert body.index(order) < body.index("Tel Aviv opens a tram line")
        head, mark, rest = whole.partition('<body class="page"') if body is html else ("", "", whole)
        head, rest = head + mark, rest.partition(">")[2] if mark else rest
        assert body.startswith(head)
        assert body.rstrip().endswith(rest.rstrip()), "the report stands in it as it is"
    assert html.count("<body") == html.count("</body>") == 1
    assert not re.search(r"^-- ?$", text[: text.index("Tel Aviv")], re.MULTILINE), "a signature"
    assert "Look at it" not in html, "a draft is not online"
    assert ledger(app) == before, "nothing of the edition's ledger is touched"
    assert draft(app) == revision
    assert run(app, "approve", "weekly-2018-W29", "--hash", revision.hash[:12]) == 0


def test_links_to_leave_in_a_proof_change_nothing(app: App) -> None:
    assert run(app, "proof", "weekly-2018-W29", "--to", "ed@example.org", "--reader", "israel@example.net") == 0
    html, text = bodies(mails(app)["ed@example.org"])
    (reader,) = app.store.subscribers.of("israel@example.net")
    numbers = {
        app.links.read_unsubscribe(token)
        for body in (html, text)
        for token in re.findall(r"/unsubscribe/([\w.-]+)", body)
    }
    assert len(numbers) == 1
    assert not any(one.id in numbers for one in app.store.subscribers.every())
    assert app.links.preferences(reader.id) not in html + text
    assert "Israel" in text, "what the reader chose"


@pytest.mark.heavy
def test_a_proof_is_asked_for_again_in_another_language_by_several(app: App) -> None:
    to = ("ed@example.org", " ed@example.org", "co@example.org")
    for _ in range(2):
        sent = app.letters.prove(draft(app), to, language="zh-CN", at=now())
        assert [one.state for one in sent] == [DeliveryState.ACCEPTED] * 2
    found = mails(app)
    assert set(found) == {"ed@example.org", "co@example.org"}
    assert found["ed@example.org"]["Content-Language"] == "zh-Hans"
    assert len(app.store.notices.deliveries()) == 4, "each asking is on record, once for each address"
    app.letters.prove(app.store.editions.get("weekly-2018-W28"), ["out@example.org"], at=now())
    assert "Look at it" in bodies(mails(app)["out@example.org"])[0], "it is online"


def test_what_cannot_be_proved_is_said_before_it_is_queued(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    revision, to = draft(app), ["ed@example.org"]
    with pytest.raises(InputError, match=r"no language 'fr'.*zh-Hans"):
        app.letters.prove(revision, to, language="fr", at=now())
    with pytest.raises(AddressError, match="nowhere"):
        app.letters.prove(revision, [*to, "nowhere"], at=now())
    with pytest.raises(NotFound, match="reader of this digest"):
        app.letters.prove(revision, to, reader="nobody@example.net", at=now())
    (one,) = app.store.subscribers.of("israel@example.net")
    app.store.subscribers.prefer(one.id, Preferences(regions=("BR",)), now())
    with pytest.raises(StateError, match="skipped"):
        app.letters.prove(revision, to, reader="israel@example.net", at=now())
    assert app.store.notices.deliveries() == ()
    app.store.subscribers.suppress("desk@example.com", "complaint", "test", now())
    assert run(app, "proof", "weekly-2018-W29") == 1
    assert "suppressed: complaint" in capsys.readouterr().out


def test_nobody_to_send_a_proof_to_is_wrong_usage(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    path = app.settings.folder / FILE
    path.write_text(SETTINGS.replace('alarm = "desk@example.com"', ""), encoding="utf-8")
    assert run(app, "proof", "weekly-2018-W29") == 2
    assert "--to ADDRESS" in capsys.readouterr().err


def test_a_copy_of_an_installation_sends_no_proof(app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(app.settings.folder, tmp_path / "other")
    assert cli.run(["-C", str(tmp_path / "other"), "proof", "weekly-2018-W29"]) == 1
    assert "digest arm" in capsys.readouterr().err


def test_a_proof_waits_for_who_is_sending_and_is_not_sent_of_what_changed(app: App) -> None:
    with app.store.hold(SENDING):
        assert run(app, "proof", "weekly-2018-W29") == 0, "the other process sends it"
        app.letters.prove(draft(app), ["gone@example.org"], reader="gone@example.net", at=now())
    assert mails(app) == {}
    erase(app.store, "gone@example.net", now())
    app.reception.send_notices(kind="alarm")
    assert mails(app) == {}, "of another kind"
    desk.note(app.store, "weekly-2018-W29", "Another word.", by="test", at=now())
    (changed,) = app.store.notices.deliveries("desk@example.com")
    app.reception.send_notices()
    (gone,) = app.store.notices.deliveries("gone@example.org")
    assert gone.state is DeliveryState.SKIPPED
    assert "gone@example.net" in gone.reason
    (sent,) = app.store.notices.deliveries("desk@example.com")
    assert (sent.id, sent.edition, sent.state) == (changed.id, PROOF, DeliveryState.ACCEPTED), "the note makes none yet"
    with app.store.hold(SENDING):
        app.letters.prove(draft(app), ["late@example.org"], at=now())
    app.pipeline.compose(app.settings.digests[0], draft(app).edition.period)
    app.reception.send_notices()
    (late,) = app.store.notices.deliveries("late@example.org")
    assert (late.state, late.reason) == (DeliveryState.SKIPPED, "the edition was changed meanwhile")


def test_mails_of_templates_without_a_body_are_joined_too() -> None:
    letter, report = (Copy(subject=one, text=f"{one}\n", html=f"<p>{one}</p>", language="en") for one in ("a", "b"))
    joined = above(letter, report)
    assert (joined.subject, joined.html) == ("a", "<p>a</p><p>b</p>")


# ---- corrections


def test_a_correction_is_mailed_once_to_who_got_the_story(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    port = story(app, "port")
    (gone,) = app.store.subscribers.of("gone@example.net")
    app.store.subscribers.change(gone.id, SubscriptionState.ENDED, now())
    app.store.subscribers.suppress("barred@example.net", "complaint", "test", now())
    late = Wanted(address="late@example.net", digest="weekly", consent=CONSENT, preferences=Preferences())
    app.store.subscribers.put([late], now())
    before = ledger(app)
    order = ("correct", "weekly-2018-W28", port, " It was a day shift. ", "--mail", "--yes")
    assert run(app, *order) == 0
    out = capsys.readouterr().out
    assert "2 readers got the story" in out
    assert "2 accepted" in out
    found = mails(app)
    assert set(found) == {"all@example.net", "chinese@example.net"}
    message = found["all@example.net"]
    (reader,) = app.store.subscribers.of("all@example.net")
    html, text = bodies(message)
    assert message["Subject"] == "Correction: Harbour Report, 9–15 July 2018"
    assert app.links.unsubscribe(reader.id) in message["List-Unsubscribe"]
    assert app.links.unsubscribe(reader.id) in html
    assert "It was a day shift." in text
    assert "Guangzhou port adds a night shift" in text
    assert app.links.story("weekly-2018-W28", port) in html
    assert found["chinese@example.net"]["Content-Language"] == "zh-Hans"
    assert run(app, *order) == 0
    assert "0 corrections queued; 2 readers had been told before" in capsys.readouterr().out
    assert len(app.store.notices.deliveries()) == 2
    assert ledger(app) == before
    assert run(app, *order[:3], "It was two shifts.", "--mail", "--yes") == 0
    assert len(app.store.notices.deliveries()) == 4, "another correction is another mail"


def test_who_leaves_before_a_correction_is_sent_does_not_get_it(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    form = story(app, "form")
    with app.store.hold(SENDING):
        assert run(app, "correct", "weekly-2018-W28", form, "Two forms.", "--mail", "--yes") == 0
    assert "Another process is sending notices" in capsys.readouterr().out
    (reader,) = app.store.subscribers.of("israel@example.net")
    app.store.subscribers.change(reader.id, SubscriptionState.PAUSED, now())
    app.reception.send_notices()
    assert set(mails(app)) == set(READERS) - {"israel@example.net"}
    (delivery,) = app.store.notices.deliveries("israel@example.net")
    assert delivery.state is DeliveryState.SKIPPED


def test_a_correction_without_mail_sends_none_nor_does_one_that_nobody_got(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    port = story(app, "port")
    found = list(app.store.accepted.of("weekly-2018-W28", page=2))
    preferences = {claim.address: claim.preferences for _, claim, _ in found}
    assert preferences.keys() == READERS.keys()
    assert {(number, items) for number, _, items in found} == {(1, None)}
    with contextlib.closing(sqlite3.connect(app.settings.state / "digest.sqlite3")) as database, database:
        database.execute("UPDATE deliveries SET items = x'00' WHERE address = 'chinese@example.net'")
    told = {one.address for one in app.letters.readers("weekly-2018-W28", port)}
    assert told == set(READERS) - {"chinese@example.net", "israel@example.net"}, "what is kept of a copy counts"
    assert preferences["israel@example.net"] == READERS["israel@example.net"]
    assert run(app, "correct", "weekly-2018-W28", port, "x") == 0
    with pytest.raises(NotFound):
        app.letters.tell("weekly-2018-W28", "nothing", "x", at=now())
    for address in READERS:
        (one,) = app.store.subscribers.of(address)
        app.store.subscribers.change(one.id, SubscriptionState.ENDED, now())
    assert run(app, "correct", "weekly-2018-W28", port, "x", "--mail", "--yes") == 0
    assert "0 readers got the story" in capsys.readouterr().out
    assert mails(app) == {}
