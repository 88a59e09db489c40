"""Several machines on one PostgreSQL, while everything around them breaks. `make faults` runs these."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_one_of_three_workers_is_killed_every_few_seconds_while_10000_copies_go_out(
    tmp_path: Path, server: Server
) -> None:
    readers, chance = 10_000, random.Random(9)
    with fleet(tmp_path / "p", server.url("killing"), readers=readers, engine_copies=250) as found:
        scheduler = found.start("run", "--no-worker")
        workers = [found.start() for _ in range(3)]
        begin(found)
        kills = 0
        while found.state().value != "sent":
            at, limit = found.sink.count, time.monotonic() + chance.uniform(2, 5)
            # So many copies later, or so many seconds, where something was sent at all: a slow machine has to come on.
            until(lambda at=at: found.sink.count > at + 100 or found.state().value == "sent")  # type: ignore[misc]  # mypy and defaults
            time.sleep(max(0, limit - time.monotonic()))
            at_work = [place for place, worker in enumerate(workers) if found.said(worker, "running")]
            if at_work and kills < 12:
                victim = chance.choice(at_work)
                workers[victim].kill()
                workers[victim].wait()
                workers[victim] = found.start()
                kills += 1
            assert scheduler.poll() is None
        assert kills >= 3
        doubles = settle(found, readers, in_flight=kills * SESSIONS)
        print(f"{kills} kills, {doubles} doubles")


def test_postgresql_is_restarted_and_connections_are_cut(tmp_path: Path, server: Server) -> None:
    readers = 3000
    with fleet(tmp_path / "p", server.url("restart"), readers=readers, pause=0.01, engine_copies=200) as found:
        for _ in range(2):
            found.start("run")
        begin(found)
        cuts = 0
        for share in (0.1, 0.25, 0.4):
            until(lambda share=share: found.sink.count > readers * share)  # type: ignore[misc]  # mypy and defaults
            with psycopg.connect(server.uri(), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )
            cuts += 1
        until(lambda: found.sink.count > readers * 0.55)
        server.restart()
        cuts += 1
        found.sent()
        doubles = settle(found, readers, in_flight=cuts * SESSIONS)
        assert all(process.poll() is None for process in found.processes)
        print(f"{cuts} cuts, {doubles} doubles")


def test_the_relay_dies_and_returns(tmp_path: Path, server: Server) -> None:
    readers = 1500
    with fleet(tmp_path / "p", server.url("relay"), readers=readers, pause=0.01, engine_copies=100) as found:
        for _ in range(2):
            found.start("run")
        begin(found)
        until(lambda: found.sink.count > 300)
        found.sink.rogue.down = True
        found.sink.drop()
        time.sleep(8)
        found.sink.rogue.down = False
        found.sent()
        doubles = settle(found, readers, in_flight=SESSIONS)
        print(f"{doubles} doubles")


def test_a_frozen_worker_comes_back_after_its_lease_and_clocks_differ_by_minutes(
    tmp_path: Path, server: Server
) -> None:
    readers = 2500
    with fleet(tmp_path / "p", server.url("frozen"), readers=readers, pause=0.01, engine_copies=150) as found:
        found.start("run", skew=300)
        found.start("run", skew=-240)
        frozen = found.start()
        begin(found)
        freezes = 0
        for share in (0.1, 0.3, 0.5):
            until(lambda share=share: found.sink.count > readers * share)  # type: ignore[misc]  # mypy and defaults
            frozen.send_signal(signal.SIGSTOP)
            time.sleep(20)  # more than a lease
            frozen.send_signal(signal.SIGCONT)
            freezes += 1
        found.sent()
        doubles = settle(found, readers, in_flight=freezes * SESSIONS)
        assert frozen.poll() is None
        print(f"{doubles} doubles")


def test_a_rolling_restart_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, server: Server) -> None:
    readers = 2500
    with fleet(tmp_path / "p", server.url("rolling"), readers=readers, pause=0.01, engine_copies=150) as found:
        machines = [found.start("run"), found.start("run"), found.start()]
        begin(found)
        for place, share in enumerate((0.1, 0.3, 0.5)):
            until(lambda share=share: found.sink.count > readers * share)  # type: ignore[misc]  # mypy and defaults
            machines[place].terminate()
            assert machines[place].wait(120) == 0
            machines[place] = found.start("run")
        found.sent()
        assert settle(found, readers, in_flight=0) == 0


@pytest.mark.parametrize("limit", ["mail_rate", "mail_limits"])
def test_the_rate_and_the_sessions_hold_over_all_workers(tmp_path: Path, server: Server, limit: str) -> None:
    readers, rate = 900, 60.0
    value = rate if limit == "mail_rate" else f'[{{"domains": ["example.net"], "rate": {rate}}}]'
    more: dict[str, Any] = {"engine_copies": 60, "mail_sessions": 4, limit: value}
    with fleet(tmp_path / "p", server.url(limit), readers=readers, pause=0.0, **more) as found:
        for _ in range(3):
            found.start("run")
        begin(found)
        until(lambda: found.sink.count > 0)
        found.sink.stamp()
        found.sent()
        settle(found, readers, in_flight=0)
        assert found.sink.rogue.most_at_once <= 4
        times = found.sink.times
        assert times[-1] - times[0] > 0.8 * len(times) / rate - 1, "the limit was not felt at all"
        for seconds in (1.0, 5.0):
            most = max(sum(1 for other in times if at <= other < at + seconds) for at in times)
            # Each of 3 holders may burst a tenth of a second's worth, or one copy, and twice that for a domain's
            # limit (docs/engine.md); and the sink stamps what it has, not what left.
            assert most <= rate * seconds + 2 * (max(rate / 10, 1) + 3) + rate * 0.5, most
