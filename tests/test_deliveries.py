"""An operator's acts on deliveries, on a real publication that sends to a server that misbehaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dkim
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.app import App, now
from digest.cli import run
from digest.links import Links
from digest.model import DeliveryState, EditionState
from digest.store import Store

ID = "weekly-2018-W29"
SEND = ("send", "--period", "2018-W29", "--yes")


class Server:
    """Keeps what comes; refuses the recipients named."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.kept: list[tuple[str, str, bytes]] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.kept.append((str(envelope.mail_from), envelope.rcpt_tos[0], content))
        return "250 kept"


@pytest.fixture
def server(unused_tcp_port: int) -> Iterator[tuple[Server, int]]:
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    yield handler, unused_tcp_port
    controller.stop()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A publication with its readers and the draft of an edition, made once."""
    folder = tmp_path_factory.mktemp("begun") / "publication"
    assert run(["init", str(folder)]) == 0
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "dkim.pem").write_bytes(key)
    assert run(["--folder", str(folder), "subscribers", "import", "subscribers/sample-readers.csv"]) == 0
    assert run(["--folder", str(folder), "preview", "--period", "2018-W29", "--no-browser"]) == 0
    return folder


@pytest.fixture
def digest(
    begun: Path,
    tmp_path: Path,
    server: tuple[Server, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    folder = tmp_path / "publication"
    shutil.copytree(begun, folder)
    for name, value in {
        "MAIL_HOST": "127.0.0.1",
        "MAIL_PORT": str(server[1]),
        "MAIL_SECURITY": "none",
        "MAIL_RETURN_PATH": "bounce+{token}@weekly.example.com",
        "DKIM_KEY_FILE": "dkim.pem",
        "DELIVERY_SUPPRESS_AFTER": "9",
        "DELIVERY_SITE_FILE": str(tmp_path / "outside" / "site.json"),
    }.items():
        monkeypatch.setenv(f"DIGEST_{name}", value)

    def call(*arguments: str, at: Path = folder) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["--folder", str(at), *arguments])
        return code, *capsys.readouterr()

    return call


def test_from_a_refusal_to_a_copy_sent_again(
    digest: Callable[..., tuple[int, str, str]], server: tuple[Server, int], tmp_path: Path
) -> None:
    folder = tmp_path / "publication"
    handler, _ = server
    with App.open(folder) as app:
        victim, other = [one.address for one in app.store.subscribers.audience("weekly")][:2]
        links: Links = app.links
        signer = app.signer
    handler.refused.add(victim)
    code, out, _ = digest(*SEND)
    assert code == 1, out
    assert "1 refused" in out

    code, out, _ = digest("deliveries", ID, "--failed", "--json")
    [row] = [json.loads(line) for line in out.splitlines()]
    assert (row["address"], row["state"]) == (victim, "refused")
    assert "550 5.1.1 no such user" in digest("deliveries", ID, "--failed")[1]
    assert "There may be more: --after" in digest("deliveries", ID, "--limit", "2")[1]

    handler.refused.clear()
    before = len(handler.kept)
    code, out, err = digest("resend", ID, "--failed", "--yes")
    assert code == 0, out + err
    assert "1 to send again" in out
    assert [to for _, to, _ in handler.kept[before:]] == [victim]
    code, out, _ = digest("resend", ID, "--address", other, "--yes")
    assert code == 0
    twice = [content for _, to, content in handler.kept if to == other]
    assert len(twice) == 2
    assert twice[0] == twice[1]  # the same bytes, the same Message-ID
    assert digest("resend", ID, "--yes")[0] == 1
    assert "no reader" in digest("resend", ID, "--address", "nobody@example.com", "--yes")[2]
    with App.open(folder) as app:
        assert app.store.editions.state(ID) is EditionState.SENT

        # Each copy had a return path of its own, and a signature.
        assert signer is not None
        name, record = signer.record
        for sender, to, content in handler.kept:
            assert dkim.verify(
                content, dnsfunc=lambda asked, timeout=5: record.encode() if asked == f"{name}.".encode() else b""
            )
            local = sender.partition("@")[0]
            [delivery] = app.store.campaigns.deliveries(ID, address=to)
            assert links.read_return_path(local.removeprefix("bounce+")) == delivery.id


def test_what_is_uncertain_is_decided_by_an_operator(
    digest: Callable[..., tuple[int, str, str]],
    server: tuple[Server, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIGEST_DELIVERY_UNCERTAIN", "hold")
    folder = tmp_path / "publication"
    handler, _ = server
    with App.open(folder) as app:  # a process that died with three bodies out
        revision = app.store.editions.get(ID)
        app.pipeline.approve(revision, by="test")
        app.store.campaigns.start(ID, app.pipeline.message_id(ID), now())
        app.fence.arm(app.pipeline.standing())
        ledger = app.store.campaigns.ledger(ID)
        claims = ledger.exchange((), 3, now())
        ledger.exchange((), 0, now(), [claim.delivery for claim in claims])
    code, out, err = digest(*SEND)
    assert code == 0, out + err
    _, out, _ = digest("deliveries", ID, "--failed")
    assert "3 uncertain" in out
    sent = len(handler.kept)
    first, second, third = (claim.address for claim in claims)
    assert "1 are accepted now" in digest("resolve", ID, "accepted", "--address", first)[1]
    assert "1 to send again" in digest("resolve", ID, "resend", "--address", second)[1]
    assert [to for _, to, _ in handler.kept[sent:]] == [second]
    assert "0 to send again" in digest("resolve", ID, "resend", "--address", second)[1]
    assert digest("resolve", ID, "perhaps")[0] == 1
    assert "1 are accepted now" in digest("resolve", ID, "accepted")[1]
    with App.open(folder) as app:
        assert not app.store.campaigns.tally(ID)[DeliveryState.UNCERTAIN]
        assert third not in [to for _, to, _ in handler.kept]


def test_what_was_cancelled_is_skipped_and_paused_is_not_sent(
    digest: Callable[..., tuple[int, str, str]], server: tuple[Server, int], tmp_path: Path
) -> None:
    folder = tmp_path / "publication"
    handler, _ = server
    with App.open(folder) as app:
        app.pipeline.approve(app.store.editions.get(ID), by="test")
        app.store.campaigns.start(ID, app.pipeline.message_id(ID), now())
        app.fence.arm(app.pipeline.standing())
    assert digest("pause", ID)[0] == 0
    assert digest(*SEND)[0] == 1
    assert digest("cancel", ID)[0] == 0
    assert not handler.kept
    with App.open(folder) as app:
        tally = app.store.campaigns.tally(ID)
        assert tally[DeliveryState.SKIPPED] == sum(tally.values()) > 0
    assert "was cancelled" in digest("deliveries", ID)[1]
    assert digest("resend", ID, "--failed", "--yes")[0] == 1


def test_a_copied_folder_and_a_restored_store_do_not_send(
    digest: Callable[..., tuple[int, str, str]], server: tuple[Server, int], tmp_path: Path
) -> None:
    folder = tmp_path / "publication"
    handler, _ = server
    state = folder / "var"
    with Store.open(f"sqlite:///{state / 'digest.sqlite3'}"):
        pass
    backup = tmp_path / "backup"
    shutil.copytree(state, backup)
    assert digest(*SEND)[0] == 0
    sent = len(handler.kept)
    assert sent

    shutil.copytree(folder, tmp_path / "copy")
    code, _, err = digest("resend", ID, "--failed", "--address", "x", "--yes", at=tmp_path / "copy")
    assert code == 1
    code, _, err = digest("send", "--period", "2018-W15", "--yes", at=tmp_path / "copy")
    assert code == 1
    assert "a copy of the one at" in err

    for file in state.glob("digest.sqlite3*"):
        file.unlink()
    for file in backup.glob("digest.sqlite3*"):
        shutil.copy(file, state)
    code, _, err = digest(*SEND)
    assert code == 1
    assert "restored from a backup" in err
    assert len(handler.kept) == sent
    assert "may send now" in digest("arm")[1]
    assert digest(*SEND)[0] == 0
    assert len(handler.kept) == 2 * sent  # an operator said so: with the Message-IDs that they had
    ids = [content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0] for _, _, content in handler.kept]
    assert len(set(ids)) == sent


def test_check_prints_the_record_and_says_what_is_not_aligned(
    digest: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = digest("check")
    assert code == 0, err
    assert 'digest._domainkey.weekly.example.com. IN TXT "v=DKIM1; k=ed25519; p=' in out
    assert "better:" not in out
    monkeypatch.setenv("DIGEST_DKIM_DOMAIN", "example.net")
    monkeypatch.setenv("DIGEST_MAIL_RETURN_PATH", "bounces@example.net")
    out = digest("check")[1]
    assert out.count("better:") == 2
    monkeypatch.setenv("DIGEST_DKIM_ALGORITHM", "rsa-sha256")
    assert "but the key is for ed25519-sha256" in digest("check")[2]
    monkeypatch.setenv("DIGEST_DKIM_KEY_FILE", "gone.pem")
    assert "dkim.key_file: gone.pem" in digest("check")[2]
