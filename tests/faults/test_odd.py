"""Deaths that are less usual: sessions that PostgreSQL ends at random, a server that stands still, a relay that hangs."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from digest.engine import Work
from tests.faults.fleet import EDITION, Fleet, Server, fleet, settle, until

pytestmark = pytest.mark.heavy
SESSIONS = 6


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as found:
        yield found


def begin(found: Fleet) -> None:
    with found.open() as app:
        app.engine.ask(Work.SEND, EDITION)


def test_sessions_of_the_database_are_ended_at_random(tmp_path: Path, server: Server) -> None:
    readers, chance, ended = 1200, random.Random(9), 0
    with fleet(tmp_path / "p", server.url("ended"), readers=readers, pause=0.01, engine_copies=100) as found:
        machines = [found.start("run"), found.start()]
        begin(found)
        until(lambda: found.sink.count > 50)
        with psycopg.connect(server.uri(), autocommit=True) as connection:
            while found.sink.count < readers * 0.8 and ended < 25:
                pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
                ended += 1
                connection.execute("SELECT pg_terminate_backend(%s)", chance.choice(pids))
                time.sleep(chance.uniform(0.1, 0.6))
        found.sent()
        doubles = settle(found, readers, in_flight=ended * SESSIONS)
        assert all(machine.poll() is None for machine in machines)
        print(f"{ended} sessions ended, {doubles} doubles")


def test_postgresql_stands_still_for_longer_than_a_lease(tmp_path: Path, server: Server) -> None:
    """All its processes, as when its machine is paused; nobody sends meanwhile what it cannot write down."""
    readers = 800
    with fleet(tmp_path / "p", server.url("still"), readers=readers, pause=0.01, engine_copies=100) as found:
        machines = [found.start("run"), found.start()]
        begin(found)
        until(lambda: found.sink.count > 200)
        with server.still():
            time.sleep(2)
            at = found.sink.count
            time.sleep(40)
            assert found.sink.count <= at + SESSIONS
        found.sent()
        doubles = settle(found, readers, in_flight=2 * SESSIONS)
        assert all(machine.poll() is None for machine in machines)
        print(f"{doubles} doubles")


def test_a_relay_that_takes_connections_and_says_nothing(tmp_path: Path, server: Server) -> None:
    readers = 400
    with fleet(
        tmp_path / "p", server.url("hangs"), readers=readers, pause=0.01, engine_copies=100, mail_timeout=3
    ) as found:
        machines = [found.start("run"), found.start()]
        begin(found)
        until(lambda: found.sink.count > 100)
        found.sink.rogue.pause = 3600  # each message that comes now is never answered, nor is it kept
        time.sleep(12)
        at = found.sink.count
        found.sink.rogue.pause = 0.0
        found.sink.drop()
        found.sent()
        settle(found, readers, in_flight=2 * SESSIONS)
        assert at < readers
        assert all(machine.poll() is None for machine in machines)


def test_a_machine_without_room_for_temporary_files_and_one_that_is_told_to_end_while_replies_are_slow(
    tmp_path: Path, server: Server
) -> None:
    readers = 300
    with fleet(tmp_path / "p", server.url("slow"), readers=readers, pause=0.3, engine_copies=50) as found:
        no_room = found.start("run", environment={"TMPDIR": "/proc/nowhere"})
        ends = found.start()
        begin(found)
        until(lambda: found.sink.count > 60)
        ends.send_signal(signal.SIGTERM)
        assert ends.wait(60) == 0
        found.sent()
        assert settle(found, readers, in_flight=0) == 0
        assert no_room.poll() is None
