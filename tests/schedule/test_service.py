"""The process: ticks, stops cleanly in the middle of a campaign, goes on after a kill, and survives its jobs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from digest import subscriptions, web
from digest.app import App
from digest.deliver import Catcher
from digest.errors import ConfigError, DeliveryError
from digest.model import DeliveryState, EditionState, Period
from digest.schedule import Service, run
from digest.schedule.jobs import PROBLEMS
from tests.schedule.conftest import MakeWorld, World

ROOT = Path(__file__).parent.parent.parent
EDITION = "weekly-2018-W29"


async def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come"
        await asyncio.sleep(0.02)


async def test_it_ticks_and_stops(make: MakeWorld) -> None:
    world = make(now="2018-07-20T12:00:00")
    world.readers(2)
    service = Service(world.app, clock=world.clock, metrics=world.metrics)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(lambda: bool(world.app.store.articles.unjudged("none")) or world.metrics.text().count(b"editions") > 0)
    await until(lambda: b'digest_job_seconds_count{job="send"}' in world.metrics.text())
    world.now = datetime(2018, 7, 23, tzinfo=UTC)
    await until(lambda: len(world.mails()) == 2)
    stop.set()
    began = time.monotonic()
    await work
    assert time.monotonic() - began < 600  # it does not wait for what is far off
    assert world.state("W29") is EditionState.SENT


async def test_a_clock_that_is_set_back_does_not_stop_the_ticks(make: MakeWorld) -> None:
    world = make(operations_tick="3600", operations_pickup_every="3600")
    world.readers(1)
    service = Service(world.app, clock=world.clock, monotonic=lambda: 0.0)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(lambda: service._jobs._published != "")
    world.now = datetime(2018, 7, 23, tzinfo=UTC)
    await until(lambda: world.app.store.runs.latest() != ())
    stop.set()
    await work


async def test_a_job_that_fails_is_written_down_and_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(world.app, clock=world.clock)
    failures = iter([DeliveryError("no room"), ConfigError("no certificate"), ZeroDivisionError("oh")])

    def fails(_only: str) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    monkeypatch.setattr(service._jobs, "send", fails)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    store = world.app.store

    def resolved() -> list[str]:
        return [one.what for one in store.sources.problems(PROBLEMS, resolved=True) if one.resolved]

    await until(lambda: len(resolved()) == 3)
    stop.set()
    await work
    assert store.sources.problems(PROBLEMS) == ()
    assert set(resolved()) == {"DeliveryError: no room", "ConfigError: no certificate", "ZeroDivisionError: oh"}
    assert "send fails" in world.alarms()


async def test_where_even_the_store_fails_it_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(world.app, clock=world.clock)
    tried = []

    def fails(*_given: object) -> None:
        tried.append(1)
        raise DeliveryError("the disk is gone")

    monkeypatch.setattr(service._jobs, "send", fails)
    monkeypatch.setattr(service._jobs, "failed", fails)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(lambda: len(tried) >= 4)
    stop.set()
    await work


async def test_the_web_server_runs_beside_and_its_failure_is_told(world: World) -> None:
    served = []

    async def serve(app: App, stop: asyncio.Event, _wake: Callable[[], None]) -> None:
        served.append(app)
        if len(served) == 1:
            raise RuntimeError("boom")
        if len(served) == 2:
            raise ConfigError("cannot listen")
        await stop.wait()

    stop = asyncio.Event()
    work = asyncio.create_task(Service(world.app, clock=world.clock, serve=serve).run(stop))
    await until(lambda: any(one.origin == "web" for one in world.app.store.sources.problems(PROBLEMS)))
    stop.set()
    await work
    with pytest.raises(ConfigError, match="listen"):
        await Service(world.app, clock=world.clock, serve=serve).run(asyncio.Event())
    third = asyncio.create_task(
        run(Service(world.app, clock=world.clock, serve=serve), lambda: served.append(world.app))
    )
    await until(lambda: len(served) == 4)
    os.kill(os.getpid(), signal.SIGTERM)
    await third


async def test_what_a_page_asks_for_is_sent_at_once_by_the_one_job_that_sends(make: MakeWorld) -> None:
    world = make(operations_tick="3600", operations_pickup_every="3600", web_port="0")
    found: list[str] = []

    async def serve(app: App, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        await web.serve(app, stop, wake, ready=lambda host, port: found.append(f"http://{host}:{port}"))

    service = Service(world.app, clock=world.clock, serve=serve, only=("letters",))
    service.wake()  # before it runs: nothing happens
    assert [plan.name for plan in service.plans] == ["letters"]
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(lambda: bool(found))
    form = world.app.links.form("subscribe", datetime.now(UTC) - timedelta(seconds=10))
    async with httpx.AsyncClient(base_url=found[0], trust_env=False) as client:
        answer = await client.post("/subscribe", data={"form": form, "address": "ada@example.net"})
    assert answer.status_code == 200
    await until(lambda: len(world.mails()) == 1)
    stop.set()
    await work
    service.wake()  # after its end: nothing happens


async def test_a_job_that_is_called_while_it_runs_runs_again(make: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make(operations_tick="3600")
    service = Service(world.app, clock=world.clock)
    runs: list[int] = []
    at_work, go_on = threading.Event(), threading.Event()

    def tidy() -> None:
        runs.append(1)
        at_work.set()
        go_on.wait(20)

    monkeypatch.setattr(service._jobs, "tidy", tidy)
    service._only = ("tidy",)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(at_work.is_set)
    service.wake("tidy")
    service.wake("tidy")
    service.wake("letters")  # which does not run here
    await asyncio.sleep(0.1)
    assert len(runs) == 1
    go_on.set()
    await until(lambda: len(runs) == 2)
    await until(lambda: not world.app.engine.busy)  # type: ignore[attr-defined]  # the embedded one's
    at_work.clear()
    service.wake("tidy")
    await until(at_work.is_set)
    stop.set()
    await work
    assert len(runs) == 3


async def test_a_job_that_was_broken_off_is_no_failure(make: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    service = Service(world.app, clock=world.clock)
    begun = threading.Event()

    def publishing() -> None:
        begun.set()
        while True:
            service._halt.check()

    monkeypatch.setattr(service._jobs, "publish", publishing)
    service._only = ("publish",)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    await until(begun.is_set)
    stop.set()
    await work
    assert world.app.store.sources.problems(PROBLEMS) == ()


def approved(folder: Path, readers: int) -> None:
    """An edition that is approved and due, for so many readers."""
    world = World(folder)
    with world.app:
        lines = ["address", *(f"reader{number}@example.org" for number in range(readers))]
        subscriptions.import_csv(
            world.app.store,
            "\n".join(lines).encode(),
            places=world.app.places,
            themes={},
            digests=["weekly"],
            now=world.now,
            basis="test",
        )
        world.jobs.pick_up()
        revision = world.app.pipeline.compose(
            world.app.settings.digest(), Period.week("2018-W29", world.app.settings.zone)
        )
        world.app.pipeline.approve(revision, by="test")  # type: ignore[arg-type]  # it is not skipped
        world.now = datetime.now(UTC)
        world.app.store.runs.by_hand("weekly", revision.edition.period, EDITION, world.now)  # type: ignore[union-attr]  # same


def start(folder: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {
        "DIGEST_MAIL_HOST": "127.0.0.1",
        "DIGEST_MAIL_PORT": str(port),
        "DIGEST_MAIL_SECURITY": "none",
        "DIGEST_MAIL_SESSIONS": "2",
        "DIGEST_OPERATIONS_LOG_FORMAT": "json",
        **more,
    }
    command = [sys.executable, "-m", "digest", "-C", str(folder), "run"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environ, stderr=log)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """What a test started; nothing of it outlives the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait(20)


def caught(folder: Path) -> list[str]:
    """Whom the mails are to, the operator's left out."""
    found = []
    for path in (folder / "caught" / "new").iterdir():
        with path.open() as file:
            found += [line.split(":")[1].strip() for line in file if line.startswith("Delivered-To:")]
    return [address for address in found if address.startswith("reader")]


def count(folder: Path) -> int:
    return sum(1 for _ in (folder / "caught" / "new").iterdir())


def wait_for(condition: Callable[[], bool], pause: float = 0.01, seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(pause)


@pytest.mark.slow
def test_stopped_in_the_middle_and_killed_in_the_middle_it_goes_on(
    folder: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    total, slowly = 100, {"DIGEST_MAIL_RATE": "50"}  # a second: so that there is a middle
    approved(folder, total)
    with Catcher(folder / "caught") as catcher:
        processes.append(process := start(folder, catcher.port, **slowly))
        wait_for(lambda: count(folder) >= 10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        with App.open(folder) as app:
            tally = app.store.campaigns.tally(EDITION)
        stopped = len(caught(folder))
        assert tally[DeliveryState.CLAIMED] == 0, "copies in flight were finished and recorded"
        assert tally[DeliveryState.ACCEPTED] == stopped <= total - 20
        processes.append(process := start(folder, catcher.port, **slowly))
        wait_for(lambda: count(folder) >= stopped + 10)
        process.kill()
        process.wait(20)
        processes.append(process := start(folder, catcher.port))
        wait_for(lambda: '"complete": true' in (folder / "log").read_text(), pause=0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    with App.open(folder) as app:
        assert app.store.editions.state(EDITION) is EditionState.SENT
    reached = caught(folder)
    assert set(reached) == {f"reader{number}@example.org" for number in range(total)}
    assert len(reached) - total <= 2, "at most one copy for each session that was killed"
    log = (folder / "log").read_text()
    assert "@example" not in log
    assert '"event": "stopped"' in log


def test_times_are_the_stores_not_the_schedulers(world: World) -> None:
    assert all(
        timedelta(seconds=plan.every) <= timedelta(minutes=1) for plan in Service(world.app, clock=world.clock).plans
    )
