"""The engine of several machines: tasks wait in PostgreSQL, beside the store, for any worker. The only procrastinate.

Procrastinate gives the queue, the waking of workers (LISTEN), heartbeats, and tells of jobs whose worker is dead. Its
tables lie in a schema of their own. What a task is about is claimed in the store, so that a job that runs twice does
nothing twice; here it is enough that none is forgotten for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from digest.engine.embedded import Embedded
from digest.engine.tasks import HERE, LANES, Perform, Task, Work
from digest.errors import ConfigError
from digest.logs import logger

try:
    import procrastinate
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.jobs import Status

    from digest.engine import tables
except ImportError as error:
    raise ConfigError(
        f"store.url: what PostgreSQL needs is not installed ({error.name}; install digest-publisher[postgresql])"
    ) from error

_TASK: Final = "digest"  # the one task that the queue knows; its arguments say the rest
_POLL: Final = 2.0  # seconds between two looks at the queue by who was not woken
_AGAIN: Final = 1.0  # seconds until a lane begins again, when the database has gone away
_PRIORITY: Final = {Work.LETTERS: 10, Work.ERASE: 10, Work.EDITIONS: 5, Work.SEND: 5}

log = logger("engine")


class Queue:
    """Tasks in PostgreSQL.

    Args:
        url: the store's.
        lease: seconds without a heartbeat after which a worker counts as dead.
        concurrency: ranges of campaigns that this process sends at once.
    """

    apart = True

    def __init__(self, url: str, *, lease: float, concurrency: int) -> None:
        self._url = url
        self._lease = lease
        self._concurrency = concurrency
        self._here = Embedded()
        self._asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ask")
        self._asker: procrastinate.App | None = None
        self._prepared: dict[str, Any] = {}
        # Its lines tell tasks, and so addresses; ours say what is wrong.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    # ---- asking

    def ask(self, work: Work, what: str = "") -> None:
        """As `Engine.ask`."""
        if work in HERE:
            self._here.ask(work, what)
            return
        with contextlib.suppress(RuntimeError):  # it was closed: a tick asks again
            self._asking.submit(self._defer, Task(work, what))

    def _defer(self, task: Task) -> None:
        try:
            self._open().configure_task(
                _TASK,
                queue=task.work.value,
                queueing_lock=f"{task.work}:{task.what}",
                priority=_PRIORITY.get(task.work, 0),
            ).defer(work=task.work.value, what=task.what)
        except AlreadyEnqueued:
            pass
        except Exception as error:  # noqa: BLE001 - the asker does not wait, and a tick asks again
            log.warning("could not ask for work", work=task.work.value, error=_cause(error))

    def _open(self) -> procrastinate.App:
        if self._asker is None:
            app = procrastinate.App(
                connector=procrastinate.SyncPsycopgConnector(**self._connection(), min_size=0, max_size=1, timeout=10)
            )
            app.open()
            self._asker = app
        return self._asker

    def close(self) -> None:
        """As `Engine.close`."""
        self._asking.shutdown(wait=True)
        if self._asker is not None:
            self._asker.close()
            self._asker = None

    def _connection(self) -> dict[str, Any]:
        """How to reach the queue's tables, which are made or brought up to date at the first need."""
        if not self._prepared:
            self._prepared = {"conninfo": tables.prepare(self._url)}
        return self._prepared

    # ---- working

    async def run(self, perform: Perform, works: Collection[Work], stop: asyncio.Event) -> None:
        """As `Engine.run`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._here.run(perform, HERE.intersection(works), stop))
            if not HERE.issuperset(works):
                group.create_task(self._there(perform, frozenset(works) - HERE, stop))

    async def _there(self, perform: Perform, works: frozenset[Work], stop: asyncio.Event) -> None:
        lanes = {lane: tuple(work for work in its if work in works) for lane, its in LANES.items()}
        lanes = {lane: its for lane, its in lanes.items() if its}
        threads = sum(map(self._width, lanes))
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="task") as pool:
            while not stop.is_set():
                try:
                    async with (
                        self._opened(perform, pool, connections=2 * len(lanes) + threads) as app,
                        asyncio.TaskGroup() as group,
                    ):
                        for lane, its in lanes.items():
                            group.create_task(self._lane(app, lane, its, stop))
                        group.create_task(self._take_up(app, stop))
                except Exception as error:  # noqa: BLE001 - the database is away: the process outlives that
                    log.warning("the queue cannot be reached", error=_cause(error))
                    await _pause(stop, _AGAIN)

    def _width(self, lane: str) -> int:
        return self._concurrency if Work.DELIVER in LANES[lane] else 1

    @contextlib.asynccontextmanager
    async def _opened(
        self, perform: Perform, pool: ThreadPoolExecutor, *, connections: int
    ) -> AsyncIterator[procrastinate.App]:
        connection = await asyncio.to_thread(self._connection)
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(**connection, min_size=1, max_size=connections, timeout=10)
        )

        @app.task(name=_TASK)
        async def _do(work: str, what: str) -> None:
            await asyncio.get_running_loop().run_in_executor(pool, perform, Task(Work(work), what))

        async with app.open_async():
            yield app

    async def _lane(self, app: procrastinate.App, lane: str, works: Collection[Work], stop: asyncio.Event) -> None:
        """Do the tasks of a lane; begin again when the database was away."""
        while not stop.is_set():
            worker = asyncio.create_task(
                app.run_worker_async(
                    name=lane,
                    queues=[work.value for work in works],
                    concurrency=self._width(lane),
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_POLL,
                    update_heartbeat_interval=self._lease / 3,
                    stalled_worker_timeout=self._lease,
                    delete_jobs="always",
                )
            )
            ending = asyncio.create_task(stop.wait())
            await asyncio.wait((worker, ending), return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            worker.cancel()  # it lets what is in hand come to its end
            [ended] = await asyncio.gather(worker, return_exceptions=True)
            if isinstance(ended, Exception):
                log.warning("a worker begins again", lane=lane, error=_cause(ended))
            await _pause(stop, _AGAIN)

    async def _take_up(self, app: procrastinate.App, stop: asyncio.Event) -> None:
        """Put jobs back whose worker is dead."""
        while not stop.is_set():
            await _pause(stop, self._lease)
            with contextlib.suppress(ConnectorException):  # next time
                for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._lease):
                    log.info("a worker died", job=job.id, work=job.queue)
                    try:
                        await app.job_manager.retry_job(job)
                    except ConnectorException:  # it was asked for again meanwhile, or is over
                        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def _cause(error: BaseException) -> str:
    """What is wrong, in the words of the database: procrastinate's own error only says that there was one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
