"""The same tasks in this process, and in a queue on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import procrastinate
import psycopg
import pytest
import structlog
from structlog.testing import LogCapture

from digest.engine import Embedded, Engine, Task, Work, engine_for, tables
from digest.engine import queue as queueing
from digest.engine.queue import Queue
from tests.store.conftest import MakeUrl


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come"
        await asyncio.sleep(0.02)


class Hands:
    """Does tasks: notes them, and waits where it is told to."""

    def __init__(self) -> None:
        self.done: list[Task] = []
        self.begun: list[Task] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, task: Task) -> None:
        self.begun.append(task)
        assert self.go_on.wait(60)
        self.done.append(task)


@asynccontextmanager
async def running(engine: Engine, hands: Hands, works: Collection[Work] = tuple(Work)) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(engine.run(hands, works, stop))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        hands.go_on.set()
        stop.set()
        await work


@pytest.fixture(scope="module")
def url(postgresql: MakeUrl) -> str:
    return postgresql("engine")


def queue(url: str, *, lease: float = 30) -> Queue:
    made = engine_for(url, lease=lease, concurrency=2)
    assert isinstance(made, Queue)
    return made


def jobs(url: str, *works: Work) -> list[tuple[object, ...]]:
    """The jobs that there are of these kinds: (kind, state)."""
    query = "SELECT queue_name, status::text FROM procrastinate_jobs WHERE queue_name = ANY(%s) ORDER BY id"
    with psycopg.connect(tables.prepare(url)) as connection:
        return connection.execute(query, ([work.value for work in works],)).fetchall()


async def test_embedded_it_is_done_here_in_lanes_and_asked_for_twice_done_once_more() -> None:
    engine = engine_for("sqlite:///x.sqlite3", lease=30, concurrency=2)
    assert isinstance(engine, Embedded)
    assert not engine.apart
    engine.ask(Work.TIDY)  # nobody works yet: a tick asks again
    hands = Hands()
    async with running(engine, hands, (Work.TIDY, Work.LETTERS, Work.SEND)):
        hands.go_on.clear()
        engine.ask(Work.TIDY)
        await until(lambda: bool(hands.begun))
        for _ in range(3):
            engine.ask(Work.TIDY)
        engine.ask(Work.LETTERS)  # of the same lane
        engine.ask(Work.SEND, "a")  # of another one
        engine.ask(Work.PING)  # which is not done here
        await until(lambda: len(hands.begun) == 2)
        assert hands.begun == [Task(Work.TIDY), Task(Work.SEND, "a")]
        assert engine.busy
        hands.go_on.set()
        await until(lambda: len(hands.done) == 4 and not engine.busy)
    assert sorted(hands.done, key=repr) == sorted(
        [Task(Work.TIDY), Task(Work.TIDY), Task(Work.LETTERS), Task(Work.SEND, "a")], key=repr
    )
    engine.ask(Work.TIDY)  # after the end: nothing
    engine.close()


async def test_what_is_asked_for_waits_in_the_queue_once_until_somebody_does_it(url: str) -> None:
    asker, worker, hands = queue(url), queue(url), Hands()
    assert asker.apart
    for _ in range(3):
        asker.ask(Work.DELIVER, "weekly-2018-W29/1")
    asker.ask(Work.DELIVER, "weekly-2018-W29/251")
    asker.ask(Work.PING)
    asker.ask(Work.PUBLISH)  # each machine's own: it never waits in the queue
    await asyncio.to_thread(asker.close)
    asker.ask(Work.TIDY)  # it was closed: a tick asks again
    assert jobs(url, *Work) == [("deliver", "todo"), ("deliver", "todo"), ("ping", "todo")]
    async with running(worker, hands, (Work.DELIVER, Work.PUBLISH)):
        await until(lambda: len(hands.done) == 2)
        worker.ask(Work.PUBLISH)
        await until(lambda: Task(Work.PUBLISH) in hands.done)
    assert {task.what for task in hands.done if task.work is Work.DELIVER} == {
        "weekly-2018-W29/1",
        "weekly-2018-W29/251",
    }
    assert jobs(url, *Work) == [("ping", "todo")], "what is done leaves no row"
    async with running(worker, hands, (Work.PING,)):
        await until(lambda: Task(Work.PING) in hands.done)
    await asyncio.to_thread(worker.close)


async def test_a_worker_begins_again_when_its_connections_are_cut(url: str) -> None:
    engine, hands = queue(url), Hands()
    async with running(engine, hands, (Work.TIDY,)):
        engine.ask(Work.TIDY)
        await until(lambda: len(hands.done) == 1)
        with psycopg.connect(tables.prepare(url), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        engine.ask(Work.TIDY)  # this one may be lost: its connection was cut, too
        await asyncio.sleep(0.5)
        engine.ask(Work.TIDY)
        await until(lambda: len(hands.done) >= 2)
    await asyncio.to_thread(engine.close)


async def test_a_job_whose_worker_died_is_done_by_another(url: str) -> None:
    dead = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=tables.prepare(url), min_size=1))
    engine, hands = queue(url, lease=1), Hands()
    async with dead.open_async():
        gone = await dead.job_manager.register_worker()
        for what in ("left", "asked for again"):
            engine.ask(Work.ERASE, what)
        await until(lambda: len(jobs(url, Work.ERASE)) == 2)
        for _ in range(2):
            assert await dead.job_manager.fetch_job(queues=["erase"], worker_id=gone) is not None
        engine.ask(Work.ERASE, "asked for again")
        await until(lambda: len(jobs(url, Work.ERASE)) == 3)
        await dead.connector.execute_query_async(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
        )
    async with running(engine, hands, (Work.ERASE,)):
        await until(lambda: {task.what for task in hands.done} == {"left", "asked for again"})
        await until(lambda: not jobs(url, Work.ERASE))
    await asyncio.to_thread(engine.close)


async def test_where_nobody_answers_asking_neither_waits_nor_fails_and_working_waits(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = LogCapture()  # whatever another test set the log up for
    monkeypatch.setattr(queueing, "log", structlog.wrap_logger(None, processors=[said]))
    engine = queue(f"postgresql+psycopg://nobody@127.0.0.1:{unused_tcp_port}/nothing")
    engine.ask(Work.SEND)
    hands = Hands()
    async with running(engine, hands, (Work.SEND,)):
        await asyncio.sleep(0.3)
    await asyncio.to_thread(engine.close)
    assert {"could not ask for work", "the queue cannot be reached"} <= {entry["event"] for entry in said.entries}
    assert hands.done == []


def test_the_tables_are_made_once_and_brought_up_to_date(postgresql: MakeUrl) -> None:
    url = postgresql("versions")
    found = tables.prepare(url)
    assert "versions_queue" in found
    with psycopg.connect(found) as connection:
        [applied] = connection.execute("SELECT count(*) FROM digest_applied").fetchone() or (0,)
        newest = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
        connection.execute("DELETE FROM digest_applied WHERE migration = %s", (newest,))
    assert tables.prepare(url) == found
    with psycopg.connect(found) as connection:
        assert connection.execute("SELECT count(*) FROM digest_applied").fetchone() == (applied,)
