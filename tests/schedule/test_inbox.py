"""Leaving by mail: only a signed token acts; what is not for us stays, unread and unanswered."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from digest.deliver import Ignored, IMAPInbox, Leave, MaildirInbox, read_letter, subject_of
from digest.errors import DeliveryError
from digest.model import SubscriptionState
from tests.schedule.conftest import MakeWorld, World
from tests.schedule.imapd import TLS, Server

TOKEN = "ab12cd.7.abcdefghij0123456789"
NOT_OURS = "a1b2c3.7.AAAAAAAAAAAAAAAAAAAA"


def letter(subject: str, *more: str) -> bytes:
    lines = ["From: a@example.org", "To: leave@example.com", f"Subject: {subject}", *more, "", "Please."]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    "head",
    [
        letter(subject_of(TOKEN)),
        letter(f"Re: UNSUBSCRIBE   {TOKEN}"),
        letter(f"unsubscribe\r\n {TOKEN}"),
        letter(f"=?utf-8?q?unsubscribe_{TOKEN}?="),
        letter(subject_of(TOKEN), "Auto-Submitted: auto-generated"),
        letter(subject_of(TOKEN), "Auto-Submitted: no"),
    ],
)
def test_letters_that_ask_to_leave(head: bytes) -> None:
    assert read_letter(head) == Leave(TOKEN)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (letter("unsubscribe"), "subject"),
        (letter(""), "subject"),
        (letter(f"please unsubscribe {TOKEN} from all"), "subject"),
        (letter("unsubscribe reader0@example.org"), "subject"),
        (letter(f"=?no-such-charset?q?unsubscribe_{TOKEN}?="), "subject"),
        (letter("=?utf-8?b?////=?="), "subject"),
        (b"", "subject"),
        (b"\x00\xff\n\n", "subject"),
        (letter(subject_of(TOKEN), "Auto-Submitted: auto-replied; owner=x"), "automatic"),
        (letter(subject_of(TOKEN), "X-Autoreply: yes"), "automatic"),
        (letter(subject_of(TOKEN), "Precedence: auto_reply"), "automatic"),
        (letter(subject_of(TOKEN), "Content-Type: multipart/report; report-type=delivery-status"), "bounce"),
        (letter(subject_of(TOKEN), "Return-Path: <>"), "bounce"),
    ],
)
def test_letters_that_do_not(head: bytes, why: str) -> None:
    found = read_letter(head)
    assert isinstance(found, Ignored)
    assert why in found.reason


@pytest.fixture
def maildir(folder: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (folder / "leave" / part).mkdir(parents=True)
    return folder / "leave"


@pytest.fixture
def world(make: MakeWorld, maildir: Path) -> World:
    world = make(inbox_maildir="leave")
    world.readers(2)
    world.tick()
    world.tick("2018-07-23T08:00:00")
    return world


def tokens(world: World) -> dict[str, str]:
    """Address -> subject of the mailto link in its copy: what a mail program would send."""
    found = {}
    for mail in world.mails():
        to = re.search(r"^Delivered-To: (\S+)", mail, re.MULTILINE)
        link = re.search(r"<mailto:leave@example\.com\?subject=([^>\s]+)>", mail)
        assert to
        assert link
        found[to[1]] = unquote(link[1])
    return found


def states(world: World) -> list[SubscriptionState]:
    return [world.app.store.subscribers.get(number).state for number in (1, 2)]


def test_a_reader_leaves_by_the_link_of_their_own_copy(world: World, maildir: Path) -> None:
    (maildir / "new" / "1.host").write_bytes(letter(tokens(world)["reader0@example.org"]))
    (maildir / "new" / "2.host").write_bytes(letter("Hello, a question about your report"))
    (maildir / "cur" / "3.host:2,F").write_bytes(letter(subject_of(NOT_OURS)))
    (maildir / "new" / "4.host").write_bytes(letter(subject_of(world.app.links.unsubscribe(999).rpartition("/")[2])))
    (maildir / "new" / ".hidden").write_bytes(b"")
    world.jobs.inbox()
    assert states(world) == [SubscriptionState.ENDED, SubscriptionState.ACTIVE]
    assert {path.name for path in (maildir / "cur").iterdir()} == {"1.host:2,S", "3.host:2,F"}
    assert {path.name for path in (maildir / "new").iterdir()} == {"2.host", "4.host", ".hidden"}
    seen = world.app.store.sources.seen("inbox")
    assert (seen["1.host"], seen["3.host"], seen["4.host"]) == (
        "left", "its token is not ours", "the subscription is gone")  # fmt: skip
    figures = world.metrics.text().decode()
    assert 'digest_letters_total{fate="left"} 1.0' in figures
    assert 'digest_letters_total{fate="ignored"} 3.0' in figures
    before = len(world.mails())
    world.jobs.inbox()
    world.jobs.letters()
    assert len(world.mails()) == before, "nothing is answered"
    (maildir / "new" / "2.host").unlink()
    world.jobs.inbox()
    assert "2.host" not in world.app.store.sources.seen("inbox")
    assert world.metrics.text().decode() == figures


def test_a_maildir_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="no Maildir"), MaildirInbox(tmp_path):
        pass
    (tmp_path / "new").mkdir()
    with MaildirInbox(tmp_path) as inbox:
        (tmp_path / "new" / "a").write_bytes(letter("x"))
        (tmp_path / "new" / "b").mkdir()
        assert inbox.names() == ("a", "b")
        assert inbox.head("b") is None
        (tmp_path / "new" / "a").unlink()
        assert inbox.head("a") is None
        inbox.done("a")
        (tmp_path / "new" / "b").rmdir()
        (tmp_path / "new").rmdir()
        (tmp_path / "new").write_text("")
        with pytest.raises(DeliveryError, match="is no Maildir"):
            MaildirInbox(tmp_path).__enter__()


@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_from_an_imap_folder(world: World, make: MakeWorld, folder: Path, security: str) -> None:
    letters = {3: letter("Hello"), 5: letter(tokens(world)["reader1@example.org"])}
    shutil.copy(TLS / "cert.pem", folder / "authorities.pem")
    with Server(letters, security=security) as server:
        settings = {
            "host": "localhost",
            "port": str(server.port),
            "security": security,
            "username": "u",
            "password": 'p"w',
            "certificates": "" if security == "none" else "authorities.pem",
        }
        other = make(inbox_folder='Leave "here"', **{f"inbox_{key}": value for key, value in settings.items()})
        other.jobs.inbox()
        other.jobs.inbox()
    assert states(other) == [SubscriptionState.ACTIVE, SubscriptionState.ENDED]
    assert server.seen == {5}
    assert set(other.app.store.sources.seen("inbox")) == {"7.3", "7.5"}
    fetched = [command for command in server.said if "FETCH" in command]
    assert len(fetched) == 2
    assert all("BODY.PEEK[HEADER]" in command for command in fetched)
    assert not any("EXPUNGE" in command or "Deleted" in command for command in server.said)
    before = server.said[: next(place for place, command in enumerate(server.said) if command.startswith("LOGIN"))]
    assert ("STARTTLS" in before) == (security == "starttls")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_nobody_vouches_for_gets_no_password(security: str) -> None:
    with Server({1: letter("x")}, security=security) as server:
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            imap(server.port, security).__enter__()
        with imap(server.port, security, TLS / "cert.pem") as inbox:
            assert inbox.names() == ("7.1",)
    assert sum("LOGIN" in command for command in server.said) == 1


def imap(port: int, security: str = "none", ca_file: Path | None = None) -> IMAPInbox:
    return IMAPInbox("127.0.0.1", port, security=security, username="u", password="p", timeout=5, ca_file=ca_file)


def test_a_letter_that_is_gone() -> None:
    with Server({}) as server, imap(server.port) as inbox:
        assert inbox.names() == ()
        assert inbox.head("7.9") is None


@pytest.mark.parametrize("fail", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_server_that_refuses_is_told_in_our_words(fail: str) -> None:
    def all_of_it(port: int) -> None:
        with imap(port) as inbox:
            inbox.names()
            inbox.head("7.1")
            inbox.done("7.1")

    with Server({1: letter("x")}, fail=fail) as server, pytest.raises(DeliveryError, match=r"inbox\.host"):
        all_of_it(server.port)


def test_no_server_and_no_starttls() -> None:
    with Server({}) as server:
        with pytest.raises(DeliveryError, match=r"inbox\.host"):
            imap(server.port, "starttls").__enter__()
        with pytest.raises(DeliveryError, match=r"inbox\.host"):
            imap(server.port, "tls").__enter__()
    with pytest.raises(DeliveryError, match=r"inbox\.host"):
        imap(server.port).__enter__()
    with pytest.raises(DeliveryError, match="not open"):
        imap(server.port).names()


def test_without_an_inbox_there_is_nothing_to_do(make: MakeWorld) -> None:
    world = make()
    world.jobs.inbox()
    assert TLS.is_dir()
