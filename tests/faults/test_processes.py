"""Several sender processes on one real publication, one of which is killed: nobody left out, limits held over all."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from digest.app import App
from digest.cli import run
from digest.model import DeliveryState
from digest.pipeline import sending

READERS = 80
SESSIONS = 5


class Server:
    """Keeps what comes, slowly enough to be interrupted; counts connections at once."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []
        self.open = self.most = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd names it
        content = envelope.content
        assert isinstance(content, bytes)
        found = re.search(rb"^Message-ID: (\S+)", content, re.MULTILINE)
        assert found is not None
        self.kept.append((envelope.rcpt_tos[0], found[1].decode()))
        time.sleep(0.02)  # noqa: ASYNC251 - the server as a whole is slow
        return "250 kept"


class Counting(Controller):
    """Counts its connections."""

    handler: Server

    def factory(self) -> SMTP:
        handler = self.handler

        class Protocol(SMTP):
            def connection_made(self, transport: object) -> None:
                handler.open += 1
                handler.most = max(handler.most, handler.open)
                super().connection_made(transport)  # type: ignore[arg-type] # aiosmtpd's own annotation is narrower

            def connection_lost(self, error: Exception | None) -> None:
                handler.open -= 1
                super().connection_lost(error)

        return Protocol(handler, hostname="counting")


@pytest.fixture
def server(unused_tcp_port: int) -> Iterator[tuple[Server, int]]:
    handler = Server()
    controller = Counting(handler, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    yield handler, unused_tcp_port
    controller.stop()


def children() -> list[int]:
    """The sender processes of this one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == os.getpid() and b"send-range" in command:
            found.append(int(status.parent.name))
    return found


@pytest.mark.heavy
def test_a_killed_sender_process_is_replaced_and_nobody_is_left_out(
    server: tuple[Server, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    handler, port = server
    folder = tmp_path / "publication"
    assert run(["init", str(folder)]) == 0
    readers = tmp_path / "readers.csv"
    readers.write_text("address\n" + "".join(f"reader{n}@example.net\n" for n in range(READERS)))
    for name, value in {
        "MAIL_HOST": "127.0.0.1",
        "MAIL_PORT": str(port),
        "MAIL_SECURITY": "none",
        "MAIL_SESSIONS": str(SESSIONS),
        "DELIVERY_PROCESSES": "2",
        "DELIVERY_FIRST_DELAY": "0.1",
        "DELIVERY_SITE_FILE": str(tmp_path / "site.json"),
    }.items():
        monkeypatch.setenv(f"DIGEST_{name}", value)
    monkeypatch.setattr(sending, "COPIES_PER_SENDER", 10)
    assert run(["--folder", str(folder), "subscribers", "import", str(readers), "--basis", "test"]) == 0
    killed: list[int] = []

    def kill() -> None:
        while len(handler.kept) < 12:
            time.sleep(0.01)
        victims = children()
        assert len(victims) == 2
        os.kill(victims[0], signal.SIGKILL)
        killed.append(victims[0])

    killer = threading.Thread(target=kill)
    killer.start()
    code = run(["--folder", str(folder), "send", "--period", "2018-W29", "--yes"])
    killer.join()
    assert code == 0, capfd.readouterr()
    assert killed
    counts = Counter(to for to, _ in handler.kept)
    with App.open(folder) as app:
        rows = {row.address: row for row in app.store.campaigns.deliveries("weekly-2018-W29", limit=10**6)}
    sent = {address for address, row in rows.items() if row.state is DeliveryState.ACCEPTED}
    assert {f"reader{n}@example.net" for n in range(READERS)} <= set(rows)
    assert {row.state for row in rows.values()} <= {DeliveryState.ACCEPTED, DeliveryState.SKIPPED}
    assert set(counts) == sent
    assert sum(counts.values()) - len(counts) <= SESSIONS
    assert len({(to, identity) for to, identity in handler.kept}) == len(counts)  # the same Message-ID again
    assert handler.most <= SESSIONS
