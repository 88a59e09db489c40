from __future__ import annotations

import asyncio
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from digest.deliver.catch import Catcher, serve
from digest.errors import ConfigError, DeliveryError

ANYWHERE = "0.0.0.0"  # noqa: S104 - to see it refused
MESSAGE = b"Subject: x\r\n\r\n.dot\r\nend\r\n"


def test_it_keeps_what_arrives_with_its_envelope(tmp_path: Path) -> None:
    with Catcher(tmp_path / "mail") as catcher, smtplib.SMTP(catcher.host, catcher.port, timeout=5) as client:
        client.sendmail("a@example.org", ["b@example.net", "c@example.net"], MESSAGE)
        client.sendmail("a@example.org", ["b@example.net"], MESSAGE)
    first, second = sorted((tmp_path / "mail/new").iterdir())
    assert first.read_bytes() == (
        b"Return-Path: <a@example.org>\nDelivered-To: b@example.net\nDelivered-To: c@example.net\n"
        b"Subject: x\n\n.dot\nend\n"
    )
    assert second.read_bytes().count(b"Delivered-To") == 1


def test_a_message_over_the_limit_is_refused(tmp_path: Path) -> None:
    with Catcher(tmp_path, size_limit=2000) as catcher, smtplib.SMTP(catcher.host, catcher.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@example.org", ["b@example.net"], MESSAGE + b"x" * 3000)
        client.sendmail("a@example.org", ["b@example.net"], MESSAGE)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_disk_that_is_full_defers(tmp_path: Path) -> None:
    with Catcher(tmp_path) as catcher, smtplib.SMTP(catcher.host, catcher.port, timeout=5) as client:
        (tmp_path / "new").rmdir()
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail("a@example.org", ["b@example.net"], MESSAGE)
    assert refusal.value.smtp_code == 452


def test_it_listens_to_the_loopback_unless_told(tmp_path: Path) -> None:
    for host in (ANYWHERE, "192.0.2.1", "mail.example.org"):
        with pytest.raises(ConfigError, match="only when told"), Catcher(tmp_path, host=host):
            pass
    with Catcher(tmp_path, host=ANYWHERE, expose=True) as catcher:
        assert catcher.port
    with Catcher(tmp_path, host="localhost") as catcher:
        assert catcher.port


def test_a_port_that_is_taken_and_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        Catcher(tmp_path) as catcher,
        pytest.raises(DeliveryError, match=f"cannot start at 127.0.0.1:{catcher.port}"),
        Catcher(tmp_path, port=catcher.port),
    ):
        pass
    (tmp_path / "file").write_text("x")
    with pytest.raises(DeliveryError, match="cannot start"), Catcher(tmp_path / "file"):
        pass


async def test_it_runs_in_the_foreground_until_stopped(tmp_path: Path) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    places: list[tuple[str, int]] = []

    def heard(host: str, port: int) -> None:
        places.append((host, port))
        ready.set()

    serving = asyncio.create_task(serve(tmp_path, port=0, ready=heard, stop=stop))
    await ready.wait()
    reader, writer = await asyncio.open_connection(*places[0])
    assert (await reader.readline()).startswith(b"220 ")
    writer.close()
    stop.set()
    await serving
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(*places[0])


SERVE = """
import asyncio, pathlib, sys
from digest.deliver.catch import serve
asyncio.run(serve(pathlib.Path(sys.argv[1]), port=0, ready=lambda host, port: print(port, flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_politely(tmp_path: Path, number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.sendmail("a@example.org", ["b@example.net"], MESSAGE)
            process.send_signal(number)
            assert process.wait(10) == 0
    assert len(list((tmp_path / "new").iterdir())) == 1
