"""Several processes of one publication on a real PostgreSQL: one edition, each copy once, every machine its own pages."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.cli import run
from digest.deliver import Halt, Progress
from digest.engine import Work
from digest.errors import ConfigError, StateError, StoreError
from digest.model import EditionState, Source, SourceKind
from digest.pipeline.holding import Hold
from digest.schedule import Service
from digest.settings import FILE
from digest.sources import Part
from digest.store import Store
from tests.engine.test_engine import until
from tests.feed_server import FeedServer, answer
from tests.schedule.conftest import SETTINGS, World, story
from tests.store.conftest import MakeUrl

ID = "weekly-2018-W29"
KEY = "a-key-that-is-the-same-on-every-machine"
_names = (f"machines_{number}" for number in itertools.count())

MakeMachine = Callable[..., World]


@pytest.fixture
def machine(tmp_path: Path, postgresql: MakeUrl) -> Iterator[MakeMachine]:
    """Makes one machine after the other: a folder each, one store."""
    opened: list[World] = []
    url = postgresql(next(_names))

    def make(**more: str) -> World:
        folder = tmp_path / f"machine-{len(opened)}"
        (folder / "incoming").mkdir(parents=True)
        (folder / FILE).write_text(SETTINGS, encoding="utf-8")
        story(folder, "port")
        given = {
            "store_url": url,
            "links_secret": KEY,
            "delivery_site_file": str(folder / "site.json"),
            "engine_copies": "2",
            **more,
        }
        opened.append(World(folder, {f"DIGEST_{name.upper()}": value for name, value in given.items()}))
        return opened[-1]

    yield make
    for world in opened:
        world.app.__exit__(None, None, None)


async def test_two_machines_tick_and_work_and_there_is_one_edition_and_a_copy_for_each(machine: MakeMachine) -> None:
    worlds = [machine(), machine()]
    worlds[0].readers(9)
    for world in worlds:
        world.now = datetime(2018, 7, 20, 4, tzinfo=UTC)
    stop = asyncio.Event()
    services = [Service(world.app, clock=world.clock, metrics=world.metrics) for world in worlds]
    work = [asyncio.create_task(service.run(stop)) for service in services]
    try:
        store = worlds[0].app.store
        await until(lambda: bool(store.articles.unjudged("none")))
        for world in worlds:
            await until(lambda world=world: b'digest_job_seconds_count{job="send"}' in _texts(worlds))  # type: ignore[misc]  # mypy and defaults
        for world in worlds:
            world.now = datetime(2018, 7, 23, tzinfo=UTC)
        await until(lambda: bool(store.editions.list()) and store.editions.state(ID) is EditionState.SENT, 120)
        await until(lambda: all((world.app.settings.state / f"editions/{ID}.html").exists() for world in worlds))
        await until(lambda: all((world.app.settings.state / "feeds/atom.xml").exists() for world in worlds))
    finally:
        stop.set()
        await asyncio.gather(*work)
    mails = [mail for world in worlds for mail in world.mails() if "Harbour" in mail or "Delivered-To: reader" in mail]
    to = sorted(line for mail in mails for line in mail.splitlines() if line.startswith("Delivered-To: reader"))
    assert to == [f"Delivered-To: reader{number}@example.org" for number in range(9)]
    assert [one.state.value for one in store.runs.latest()] == ["made"]


def _texts(worlds: list[World]) -> bytes:
    return b"".join(world.metrics.text() for world in worlds)


def approved(world: World, readers: int) -> None:
    world.readers(readers)
    world.compose("W29")
    world.app.pipeline.approve(world.app.store.editions.get(ID), by="test")


def test_sending_by_hand_takes_part_beside_the_workers(machine: MakeMachine) -> None:
    one, other = machine(), machine()
    approved(one, 6)
    [first, *rest] = one.app.pipeline.hand_out(ID)
    assert len(rest) == 2
    told: list[Progress] = []
    report = other.app.pipeline.take_range(ID, first, stop=Halt(), progress=told.append)
    assert report is not None
    assert (report.accepted, told[-1].accepted) == (2, 2)
    assert other.app.pipeline.take_range(ID, first, stop=Halt(), progress=told.append) is None, "it is done"
    report = one.app.pipeline.deliver(ID, progress=told.append)
    assert (report.accepted, told[-1].accepted, report.complete) == (4, 4, True)
    assert one.app.store.editions.state(ID) is EditionState.SENT
    assert one.app.store.campaigns.resend(ID, one.now, addresses=["reader3@example.org"]) == 1
    firsts = one.app.pipeline.hand_out(ID)
    for first in firsts:
        other.app.pipeline.take_range(ID, first, stop=Halt(), progress=told.append)
    assert one.app.store.editions.state(ID) is EditionState.SENT
    assert len(one.mails()) + len(other.mails()) == 7


def test_who_was_asked_to_stop_gives_the_range_back(machine: MakeMachine) -> None:
    world = machine()
    approved(world, 4)
    firsts = world.app.pipeline.hand_out(ID)
    halt = Halt()
    halt.set()
    report = world.app.pipeline.take_range(ID, firsts[0], stop=halt, progress=lambda _progress: None)
    assert report is not None
    assert report.stopped
    assert world.app.store.leases.free(ID, world.now) == firsts
    report = world.app.pipeline.deliver(ID, stop=halt)
    assert report.accepted == 0


def test_a_hold_is_lost_with_its_lease_and_by_its_own_clock(machine: MakeMachine) -> None:
    world = machine()
    approved(world, 4)
    world.app.pipeline.hand_out(ID)
    store: Store = world.app.store
    clock = [0.0]
    lease = store.leases.take(ID, world.now, 60)
    assert lease is not None
    stop = Halt()
    with Hold(store, lease, seconds=60, sessions=4, stop=stop, monotonic=lambda: clock[0]) as hold:
        assert (hold.sessions(), hold.share()) == (4, 1.0)
        clock[0] = 51.0  # a sixth before the lease ends for others
        assert hold.share() == 0.0
        assert hold.lost
        assert hold.halt.asked
    assert not stop.asked
    with Hold(store, lease, seconds=0.3, sessions=4, stop=stop, monotonic=lambda: 0.0) as hold:
        store.campaigns.take_over(ID, lease.span)
        assert hold.halt.wait(60)
        assert hold.lost
        assert hold.sessions() == 0


def test_machines_with_another_key_are_told_so(machine: MakeMachine, tmp_path: Path) -> None:
    one, other = machine(), machine(links_secret="another-key-that-is-long-enough-as-such")
    approved(one, 2)
    [first] = one.app.pipeline.hand_out(ID)
    with pytest.raises(StateError, match=r"same links\.secret"):
        other.app.pipeline.take_range(ID, first, stop=Halt(), progress=lambda _progress: None)
    with pytest.raises(ConfigError, match="copy the file from the first machine"):
        machine(links_secret="")


def test_a_machine_more_may_send_and_a_restored_database_may_not(machine: MakeMachine) -> None:
    one, other = machine(), machine()
    approved(one, 2)
    one.app.pipeline.deliver(ID)
    store = one.app.store
    assert store.binding.armed().startswith("1 ")
    other.app.check_site()  # a new machine: the store's mark is right
    assert machine().app.unarmed() == ""
    mark = store.binding.armed()
    store.binding.arm(mark.replace(store.binding.identity(), "7.8.9"))  # as a dump has it that was restored elsewhere
    with pytest.raises(StateError, match="a copy of the database"):
        other.app.check_site()
    store.binding.arm(mark)
    _back(one.app.store)
    with pytest.raises(StateError, match="restored from a backup"):
        one.app.check_site()
    with pytest.raises(StateError, match="copy of the database"):
        other.app.check_site()  # it noted nothing that says so, and was told
    other.app.fence.arm(other.app.pipeline.standing())
    for world in (one, other, machine()):
        world.app.check_site()


def _back(store: Store) -> None:
    """The store as a backup had it: before its last attempts."""
    with store._database.transaction() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET attempts = 0")


def test_workers_need_postgresql_and_tasks_that_there_are(
    tmp_path: Path, machine: MakeMachine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    assert run(["-C", str(folder), "worker"]) == 2
    assert "workers need PostgreSQL" in capsys.readouterr().err
    assert run(["-C", str(folder), "worker", "--tasks", "deliver,digging"]) == 1
    assert "digging: no such task" in capsys.readouterr().err


async def test_what_fronts_ask_for_is_done(machine: MakeMachine) -> None:
    world = machine()
    await asyncio.to_thread(approved, world, 2)
    stop = asyncio.Event()
    works = set(Work) - {Work.PICK_UP}
    work = asyncio.create_task(
        Service(world.app, clock=world.clock, metrics=world.metrics, works=works, scheduler=False).run(stop)
    )
    try:
        world.app.engine.ask(Work.COMPOSE, "weekly/2018-W28")
        world.app.engine.ask(Work.ERASE, "reader0@example.org")
        world.app.engine.ask(Work.POLL)
        store = world.app.store
        await until(lambda: store.editions.find("weekly", "2018-W28") is not None)
        await until(lambda: not store.subscribers.of("reader0@example.org"))
        world.app.send_soon(ID)
        await until(lambda: store.editions.state(ID) is EditionState.SENT)
    finally:
        stop.set()
        await work
    assert len(world.mails()) == 1


def test_copies_that_wait_for_their_domains_keep_no_other_range_waiting(machine: MakeMachine) -> None:
    slow = '[{"domains": ["example.org"], "rate": 0.001}]'
    limited, other = machine(mail_limits=slow, delivery_linger="0"), machine()
    approved(limited, 6)
    [*_, last] = limited.app.pipeline.hand_out(ID)
    for _ in range(2):
        report = limited.app.pipeline.sending.take_range(ID, stop=Halt())
        assert report is not None
        assert (report.accepted, report.deferred, report.stopped) == (0, 0, "")
        assert report.next_due is not None
    assert limited.app.store.leases.free(ID, limited.now) == (last,)
    rows = limited.app.store.campaigns.deliveries(ID)
    assert sorted((row.state.value, row.attempts) for row in rows) == [("deferred", 0)] * 4 + [("queued", 0)] * 2
    # Where no limit holds any more, nobody waits for the slots that it gave.
    other.now = limited.now + timedelta(hours=1)
    assert other.app.pipeline.deliver(ID).accepted == 6
    assert other.app.store.editions.state(ID) is EditionState.SENT


def test_many_live_sources_are_asked_in_parts_by_whoever_is_free(
    machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.sources.live.SOURCES_PER_PART", 1)
    with contextlib.ExitStack() as opened:
        servers = [opened.enter_context(FeedServer(host=f"127.0.8.{number}")) for number in range(1, 5)]
        allow = json.dumps([one.allow[0] for one in servers])
        worlds = [machine(fetch_allow=allow), machine(fetch_allow=allow)]
        for number, one in enumerate(servers):
            one.routes["/feed"] = answer("<rss version='2.0'><channel/></rss>")
            source = Source(key=f"feed-{number}", kind=SourceKind.FEED, location=one.url("/feed"), publisher="Wire")
            worlds[0].app.store.sources.keep(source, worlds[0].now)
        live, jobs = worlds[0].app.live, worlds[0].jobs
        parts = live.due()
        assert len(parts) > 1
        assert [Part.read(str(part)) for part in parts] == list(parts)
        asked: list[str] = []
        monkeypatch.setattr(worlds[0].app.engine, "ask", lambda _work, what="": asked.append(what))
        jobs.pick_up()  # asks for each part, and asks nobody itself
        assert asked == list(map(str, parts))
        assert not any(one.requests for one in servers)
        with worlds[1].app.store.hold(parts[0].name):
            jobs.poll(asked[0])  # another machine is at it
            assert live.due() == parts
            monkeypatch.setattr("digest.schedule.jobs.POLLS_WAIT", 0.5)
            jobs._fresh()  # an edition is due: what nobody is at is asked here, and the rest is waited for
            assert live.due() == parts[:1]
        seen = worlds[1].app.live._wanted(lambda _one: True)[parts[0]]
        jobs.poll(asked[0])
        assert live.due() == ()
        assert worlds[1].app.live._again(seen, lambda one: one.state.next_poll is None) == []
        jobs.poll(asked[0])  # comes twice
        assert [one.paths() for one in servers] == [["/feed"]] * 4
        worlds[0].halt.set()
        assert live.ask(everyone=True, stop=lambda: True).asked == 0


def test_a_machine_tells_that_the_server_has_room(machine: MakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    world = machine()
    assert world.app.standing().full == ""
    monkeypatch.setattr("digest.store.room._SPILL", sa.text("SELECT 1/0"))
    with pytest.raises(StoreError, match="division by zero"):
        world.app.standing()
    # What a full disk says; a real one is in tests/faults/test_space.py.
    full = "DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
    monkeypatch.setattr("digest.store.room._SPILL", sa.text(full))
    assert "the disk is full" in world.app.standing().full
