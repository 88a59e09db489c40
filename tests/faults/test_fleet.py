"""Several workers on one PostgreSQL, some of which die: nobody is left out, hardly anybody gets a copy twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from digest.engine import Work
from tests.faults.fleet import EDITION, fleet, settle, until
from tests.store.conftest import MakeUrl


@pytest.mark.heavy  # half a minute; tests/engine has two machines in `make test`
def test_one_worker_is_killed_and_one_is_frozen_and_comes_back(tmp_path: Path, postgresql: MakeUrl) -> None:
    readers = 400
    with fleet(
        tmp_path / "p", postgresql("fleet_short"), readers=readers, pause=0.02, engine_copies=40, engine_lease=6
    ) as found:
        with found.open() as app:
            app.engine.ask(Work.SEND, EDITION)
        scheduler = found.start("run")
        killed, frozen = found.start(), found.start()
        until(lambda: found.sink.count > 60)
        killed.kill()
        frozen.send_signal(signal.SIGSTOP)
        at = found.sink.count
        until(lambda: found.sink.count > at + 100)
        frozen.send_signal(signal.SIGCONT)
        found.sent()
        settle(found, readers, in_flight=2 * 6)
        assert scheduler.poll() is None
        assert frozen.poll() is None
