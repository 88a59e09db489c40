"""Machines behind bad networks: packets late and lost, partitions longer than a lease, answers that never come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.engine import Work
from tests.faults.fleet import EDITION, Server, fleet, settle, until
from tests.faults.wire import Wire, wires

pytestmark = pytest.mark.heavy
SESSIONS = 6
LEASE = 12  # seconds, as the fleet sets it


@pytest.fixture(scope="module")
def net() -> Iterator[tuple[Server, list[Wire]]]:
    """Three machines, 5 ms from PostgreSQL and the mail server, of whose packets 1 in 100 is lost."""
    with wires(3, delay=0.005, loss=0.01) as made, Server() as server:
        server.listen([made[0].here])
        yield server, made


@pytest.mark.parametrize("fault", ["cut", "deafen"])
def test_a_partition_longer_than_the_lease(tmp_path: Path, net: tuple[Server, list[Wire]], fault: str) -> None:
    server, made = net
    url, readers = server.url(f"partition_{fault}", made[0].here), 800
    with fleet(tmp_path / "p", url, readers=readers, host=made[0].here, pause=0.01, engine_copies=60) as found:
        with found.open() as app:
            app.engine.ask(Work.SEND, EDITION)
        machines = [found.start("run", inside=made[0].inside), *(found.start(inside=wire.inside) for wire in made[1:])]
        faults = 0
        for place, share in ((1, 0.1), (2, 0.35), (1, 0.6)):
            until(lambda share=share: found.sink.count > readers * share)  # type: ignore[misc]  # mypy and defaults
            getattr(made[place], fault)()
            at, since = found.sink.count, time.monotonic()
            time.sleep(LEASE * 1.5)
            until(lambda at=at: found.sink.count > at or found.state().value == "sent")  # type: ignore[misc]  # same
            made[place].heal()
            faults += 1
            print(f"{fault}: {found.sink.count - at} copies in {time.monotonic() - since:.0f} s beside it")
        found.sent()
        doubles = settle(found, readers, in_flight=faults * SESSIONS)
        assert all(process.poll() is None for process in machines)
        print(f"{faults} partitions ({fault}), {doubles} doubles")


def test_the_scheduler_is_cut_off_and_another_one_goes_on(tmp_path: Path, net: tuple[Server, list[Wire]]) -> None:
    """The machine with the scheduler's turn is gone without a word, for longer than PostgreSQL waits for it."""
    server, made = net
    url, readers = server.url("scheduler", made[0].here), 600
    with fleet(tmp_path / "p", url, readers=readers, host=made[0].here, pause=0.01, engine_copies=60) as found:
        machines = [found.start("run", inside=wire.inside) for wire in made[:2]]
        until(lambda: found.sink.count > 100)
        made[0].cut()
        found.sent()
        made[0].heal()
        settle(found, readers, in_flight=SESSIONS)
        time.sleep(5)
        assert all(process.poll() is None for process in machines)
        assert found.sink.count <= readers + SESSIONS
