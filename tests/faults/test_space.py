"""Disks that are full in the middle of a campaign, and have room again: on real small file systems."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digest.engine import Work
from digest.model import EditionState
from tests.faults.fleet import EDITION, ROOT, Fleet, Server, Sink, fleet, settle, until
from tests.faults.space import Disk, disk

pytestmark = pytest.mark.heavy
SESSIONS = 6
LOG_LIMIT = 200_000  # bytes that a machine may log while nothing can be kept


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # PostgreSQL is another user
    with disk(tmp_path / "disk", 200) as found:
        yield found


def status(found: Fleet) -> tuple[int, str]:
    """What an operator is told meanwhile."""
    done = subprocess.run(
        [sys.executable, "-m", "digest", "-C", str(found.folder), "status"],
        env={**os.environ, **found.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def stay_full(small: Disk, seconds: float) -> None:
    """Whatever is freed meanwhile is taken, too."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        small.fill()
        time.sleep(0.2)


def size(found: Fleet) -> int:
    return sum(path.stat().st_size for path in found.folder.glob("machine-*.log"))


def starve(found: Fleet, small: Disk, seconds: float = 10) -> str:
    """Fill the disk until nothing more leaves; what the operator is told. Nobody dies, and nobody spins."""
    before = size(found)
    stay_full(small, seconds)
    at = found.sink.count
    stay_full(small, 3)
    assert found.sink.count <= at + SESSIONS, "copies leave that cannot be written down"
    code, said = status(found)
    assert code == 1, said
    assert size(found) - before < LOG_LIMIT
    assert all(process.poll() is None for process in found.processes)
    return said


def test_the_disk_of_sqlite_and_of_everything_else_is_full(small: Disk) -> None:
    readers = 1200
    folder = small.path / "p"
    with fleet(folder, f"sqlite:///{folder}/var/digest.sqlite3", readers=readers, pause=0.01) as found:
        found.start("run")
        until(lambda: found.sink.count > 200)
        said = starve(found, small)
        assert f"nothing is free in {folder}" in said or "the disk is full" in said
        at = found.sink.count
        small.fill(leave=20_000)  # a little: some is kept, and it is full again
        time.sleep(2)
        small.empty()
        found.sent()
        assert found.sink.count > at
        settle(found, readers, in_flight=2 * SESSIONS)
        assert "disk is full" in found.logs() or "No space left" in found.logs()


def test_killed_on_a_full_disk_it_starts_on_it_and_goes_on(small: Disk) -> None:
    readers = 600
    folder = small.path / "p"
    with fleet(folder, f"sqlite:///{folder}/var/digest.sqlite3", readers=readers, pause=0.01) as found:
        first = found.start("run")
        until(lambda: found.sink.count > 200)
        stay_full(small, 2)
        first.kill()
        first.wait()
        stay_full(small, 1)
        second = found.start("run")
        stay_full(small, 8)
        small.empty()
        if second.poll() is not None:  # systemd starts it again; it must not have ended as if settings were wrong (2)
            assert second.returncode == 1
            found.start("run")
        found.sent()
        settle(found, readers, in_flight=2 * SESSIONS)


def test_the_disk_of_postgresql_is_full(small: Disk, tmp_path: Path) -> None:
    readers = 2000
    with Server(small.path) as server, fleet(tmp_path / "p", server.url("full"), readers=readers, pause=0.01) as found:
        found.start("run")
        found.start()
        until(lambda: found.sink.count > 200)
        assert "disk is full" in starve(found, small)
        small.empty()
        server.ensure()  # a server that cannot write its log ends; an operator starts it again
        found.sent()
        settle(found, readers, in_flight=3 * SESSIONS)


def test_the_folder_of_mail_and_pages_is_full(small: Disk, tmp_path: Path) -> None:
    """The database lies elsewhere; while no server is set, mail is files of the state folder, as pages are."""
    readers = 300
    with Sink() as sink:
        found = Fleet(
            tmp_path / "p", f"sqlite:///{tmp_path}/digest.sqlite3", sink, mail_host="", paths_state=str(small.path)
        )
        found.prepare(readers)
        box = small.path / "mail" / "new"
        try:
            found.start("run")
            until(lambda: box.is_dir() and len(list(box.iterdir())) > 50)
            said = starve(found, small, 6)
            assert "No space left on device" in said
            assert "nothing is free in" in said
            with found.open() as app:
                assert app.store.sources.problems("digest run")
            small.empty()
            found.sent()
            assert len(list(box.iterdir())) == readers  # a repeated attempt replaces its file
            assert not list((small.path / "mail" / "tmp").iterdir())
            until((small.path / "feeds").is_dir)
            assert not [path for path in small.path.rglob(".*") if path.is_file() and "written" not in path.name]
        finally:
            found.stop()


def test_figures_tell_how_much_room_there_is(small: Disk) -> None:
    folder = small.path / "p"
    with Sink() as sink:
        found = Fleet(folder, f"sqlite:///{folder}/var/digest.sqlite3", sink)
        found.prepare(1)
        with found.open() as app:
            small.fill(leave=3_000_000)
            standing: Any = app.standing()
            [(_, free)] = standing.cramped.items()
            assert 0 < free <= 3_000_000
            assert f'digest_disk_free_bytes{{folder="{folder}/var"}}'.encode() in app.metrics.text()
            app.engine.ask(Work.SEND, EDITION)
            assert app.store.editions.state(EDITION) is EditionState.APPROVED
            assert json.dumps(dict(standing.cramped))
