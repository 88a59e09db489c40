"""A copied folder or a restored backup under `digest run`: it sends nothing by itself until an operator arms it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from digest import web
from digest.app import App
from digest.cli import run
from digest.model import EditionState
from digest.schedule import Service
from digest.schedule.jobs import ARMED, PROBLEMS
from digest.subscriptions import Wish
from tests.schedule.conftest import MakeWorld, World, story
from tests.schedule.test_service import until

EDITION = "weekly-2018-W29"
MONDAY = datetime(2018, 7, 23, tzinfo=UTC)


def asked(world: World, address: str) -> None:
    wish = Wish(address=address, language="en", digests=("weekly",))
    assert world.app.reception.ask(wish, network="203.0.113.0/24", origin="")


def restored(world: World, make: MakeWorld, folder: Path) -> World:
    """The installation as it stands after its backup of Friday was put back on Monday, when all had been sent."""
    backup = folder.parent / f"{folder.name}.backup"
    world.app.store.close()
    shutil.copytree(folder, backup)
    sent = make()
    sent.tick("2018-07-23T08:00:00")
    assert sent.state("W29") is EditionState.SENT
    assert len(sent.mails()) == 3
    sent.app.store.close()
    shutil.rmtree(folder)
    backup.rename(folder)
    return make(web_port="0", operations_web="true")


def copied(world: World, _make: MakeWorld, folder: Path) -> World:
    """A copy of the folder that somebody starts beside the original."""
    world.app.store.close()
    copy = folder.parent / f"{folder.name}.copy"
    shutil.copytree(folder, copy)
    return World(copy, {"DIGEST_WEB_PORT": "0"})


@pytest.mark.parametrize("happened", [restored, pytest.param(copied, marks=pytest.mark.heavy)])
async def test_it_makes_and_sends_nothing_until_it_is_armed(
    world: World,
    make: MakeWorld,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    happened: Callable[[World, MakeWorld, Path], World],
) -> None:
    asked(world, "new@example.org")
    here = await asyncio.to_thread(happened, world, make, folder)  # it runs loops of its own
    where = str(here.app.settings.folder)
    here.now = MONDAY + timedelta(hours=1)
    store = here.app.store
    addresses: list[str] = []
    service = Service(here.app, clock=here.clock, serve=_serving(addresses), metrics=here.app.metrics)
    stop = asyncio.Event()
    work = asyncio.create_task(service.run(stop))
    try:
        await until(lambda: bool(addresses))
        await until(lambda: len(here.mails()) == 1)  # the alarm
        await until(lambda: b'digest_job_seconds_count{job="send"}' in here.app.metrics.text())
        (alarm,) = here.mails()
        assert "Delivered-To: ops@example.com" in alarm
        assert "digest arm" in alarm
        assert store.runs.latest() == ()
        assert not store.editions.list()
        assert [one.origin for one in store.sources.problems(PROBLEMS)] == [ARMED]
        waiting = store.notices.deliveries("new@example.org")
        assert [one.attempts for one in waiting] == [0], "a sign-up is taken in, and its mail waits"
        assert await asyncio.to_thread(run, ["-C", where, "status"]) == 1
        assert "not armed    nothing is sent" in capsys.readouterr().out
        assert b"digest_armed 0.0" in here.app.metrics.text()
        async with httpx.AsyncClient(base_url=addresses[0], trust_env=False) as reader:
            ready = await reader.get("/readyz")
            assert (ready.status_code, ready.json()["sending"]) == (200, "not armed")
            assert (await reader.get("/")).status_code == 200
            assert (await reader.get("/subscribe")).status_code == 200
        here.now += timedelta(minutes=5)
        await asyncio.sleep(0.5)  # some ticks
        assert len(here.mails()) == 1, "told once, and nothing else left"

        assert await asyncio.to_thread(run, ["-C", where, "arm"]) == 0
        await until(lambda: sum("Delivered-To: reader" in mail for mail in here.mails()) == 3)
        await until(lambda: any("Delivered-To: new@" in mail for mail in here.mails()))
        await until(lambda: here.state("W29") is EditionState.SENT)
        await until(lambda: store.sources.problems(PROBLEMS) == ())
        assert b"digest_armed 1.0" in here.app.metrics.text()
    finally:
        stop.set()
        await work
        here.app.__exit__(None, None, None)


def _serving(addresses: list[str]) -> Callable[[App, asyncio.Event, Callable[[], None]], Awaitable[None]]:
    async def serve(app: App, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        await web.serve(app, stop, wake, ready=lambda host, port: addresses.append(f"http://{host}:{port}"))

    return serve


def test_each_job_that_leaves_the_house_waits_for_the_operator(world: World, make: MakeWorld, folder: Path) -> None:
    (folder / "leave" / "new").mkdir(parents=True)
    world.app.store.close()
    copy = copied(world, make, folder)
    with copy.app:
        story(copy.app.settings.folder, "leaks")
        copy.now = MONDAY
        for job in (copy.jobs.editions, copy.jobs.send, copy.jobs.ping, copy.jobs.inbox):
            job()
        assert not copy.app.store.editions.list()
        assert len(copy.alarms()) == 1
        copy.now += timedelta(days=1)
        copy.jobs.send()
        assert len(copy.alarms()) == 2, "once a day"
    original = make()
    original.tick("2018-07-23T08:00:00")
    assert original.state("W29") is EditionState.SENT
