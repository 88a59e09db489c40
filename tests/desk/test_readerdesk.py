"""Readers, suppressions and sources at the desk, where the pages do not go; and `digest suppressions`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.app import App, now
from digest.cli import run
from digest.errors import InputError, NotFound, StateError
from digest.model import Actor, Condition, Source, SourceKind, SourceState, Via
from digest.pickup import poll
from digest.sources import opml_of
from digest.store import AuditFilter
from digest.web.console.articleviews import compared
from digest.web.console.lists import Waiting

ADA = Actor(name="ada@desk.example", via=Via.CLI)


def test_suppressions_from_the_command_line(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    store = app.store
    store.subscribers.suppress("eve@example.net", "complaint", "abuse report", now())
    store.subscribers.suppress("bob@example.org", "refused", "550 no such user", now())

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["--folder", str(app.settings.folder), "suppressions", *arguments]) == code
        return "".join(capsys.readouterr())

    assert "abuse report" in said("list")
    assert "eve@example.net" not in said("list", "--cause", "refused")
    assert "No address is suppressed" in said("list", "--cause", "erased")
    assert '"cause"' in said("list", "--json")
    assert "complaint since" in said("show", "eve@example.net")
    assert '"evidence"' in said("show", "eve@example.net", "--json")
    said("show", "ada@example.net", code=1)
    assert "evidence" in said("lift", "eve@example.net", "--reason", "she is nice", code=1)
    assert "lifted: complaint" in said("lift", "eve@example.net", "--reason", "asked", "--evidence", "her letter")
    assert "lifted: refused" in said("lift", "bob@example.org", "--reason", "the box is back")
    assert store.subscribers.suppression("bob@example.org") is None
    lifted = store.audit.page(AuditFilter(act="reader.lift"))
    assert [one.object for one in lifted] == [
        f"subscription {store.subscribers.of('bob@example.org')[0].id}",
        "subscription 0",
    ]


def test_who_reads_nothing_has_no_link_and_is_not_erased(app: App) -> None:
    desk = app.reader_desk
    with pytest.raises(NotFound):
        desk.send_link("nobody@example.net", by=ADA)
    with pytest.raises(NotFound):
        desk.erase("nobody@example.net", by=ADA)
    with pytest.raises(InputError):
        desk.suppress("ada@example.net", " ", by=ADA)
    look = desk.look("nobody@example.net")
    assert (look.name, look.subscriptions, look.deliveries) == ("", (), ())
    number = app.store.subscribers.of("ada@example.net")[0].id
    until = now() + timedelta(days=3)
    assert desk.pause(number, until=until, by=ADA).resumes == until
    assert desk.end(number, by=ADA).state == "ended"
    with pytest.raises(StateError):
        desk.pause(number, by=ADA)


def test_erased_is_lifted_only_with_evidence(app: App) -> None:
    app.reader_desk.erase("ada@example.net", by=ADA)
    with pytest.raises(StateError):
        app.reader_desk.lift("ada@example.net", "typo", by=ADA)
    assert app.reader_desk.lift("ada@example.net", "asked", evidence="a letter", by=ADA).cause == "erased"
    assert app.store.subscribers.suppression("ada@example.net") is None


def test_a_long_list_is_exported_in_pieces(app: App) -> None:
    rows = "address\n" + "".join(f"r{number}@example.net\n" for number in range(600))
    report = app.reader_desk.import_list(rows.encode(), "fair.csv", basis="fair", keep=True, by=ADA)
    assert report.imported == 600
    pieces = list(app.reader_desk.export(by=ADA))
    assert len(pieces) == 2
    assert "".join(pieces).count("\r\n") == 603


def test_a_source_that_was_stopped_is_not_asked(app: App) -> None:
    source = Source(key="wire", kind=SourceKind.FEED, location="https://wire.example.org/feed")
    app.store.sources.keep(source, now())
    app.source_desk.stop("wire", "they asked us to", by=ADA)
    (standing,) = app.source_desk.list("wire", Condition.STOPPED)
    assert not poll.due(standing.state, now())
    app.source_desk.go_on("wire", by=ADA)
    assert app.source_desk.list(condition=Condition.STOPPED) == []
    assert poll.due(app.source_desk.look("wire").standing.state, now())
    with pytest.raises(NotFound):
        app.source_desk.retry("nothing", "x.md", by=ADA)
    app.source_desk.retry("desk", "2018-07-17.md", by=ADA)
    assert "2018-07-17.md" not in app.store.sources.seen("desk")
    assert SourceState(key="x", location="y", stopped="why").condition(now()) is Condition.STOPPED


def test_names_in_a_list_of_sources_are_escaped() -> None:
    source = Source(key="a", kind=SourceKind.FEED, location="https://a.example/?x=1&y=2", publisher='<b> & "c"')
    assert b'text="&lt;b&gt; &amp; &quot;c&quot;"' in opml_of("T", [source])


def test_texts_are_compared_by_words_and_characters() -> None:
    same = " ".join(f"word{number}" for number in range(100))
    pieces = compared(f"one {same} 港口夜班", f"two {same} 港口早班")
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind != "same"] == [
        ("gone", "one "), ("new", "two "), ("gone", "夜"), ("new", "早"),
    ]  # fmt: skip
    assert " […] " in pieces[2].text


def test_lists_that_wait_are_forgotten_after_an_hour(app: App) -> None:
    waiting = Waiting(app.settings.state / "uploads")
    first = waiting.keep(b"one", now().timestamp())
    assert waiting.get(first) == b"one"
    assert (app.settings.state / "uploads" / first).stat().st_mode & 0o077 == 0
    second = waiting.keep(b"two", (now() + timedelta(hours=2)).timestamp())
    assert waiting.get(first) == b""
    assert waiting.get(second) == b"two"
    assert waiting.get("../../secret.key") == b""
