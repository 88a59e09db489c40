"""`digest run`: one process that ticks, serves and sends, until it is asked to stop.

APScheduler only ticks. Each job runs in one of three threads (the newsroom, the sender, the letters), so that a long
campaign keeps no source waiting and nothing does the same work twice at a time. A job that fails is written down and
tried at its next tick; it never ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from digest.app import App
from digest.deliver import Halt, Halted
from digest.errors import ConfigError
from digest.logs import logger
from digest.metrics import Metrics
from digest.schedule.jobs import Jobs

Serve: TypeAlias = Callable[[App, asyncio.Event, Callable[[], None]], Awaitable[None]]

_CLOCK_EVERY: Final = 2.0  # seconds between two looks at the clock
_STEP: Final = 2.0  # seconds by which it may differ from the time that passed

log = logger("run")


@dataclass(frozen=True)
class _Plan:
    """A job, its thread, and how often it comes."""

    name: str
    work: Callable[[], None]
    thread: str
    every: float  # seconds


class Service:
    """The process.

    Args:
        app: the publication, opened; closed by the caller, after `run`.
        serve: the web server, until its event is set; None for none. It calls what it is given, from any thread, when a
            page asked for a mail, so that it leaves at once.
        clock: the time.
        only: names of the jobs to run; all of them when it is empty.
        monotonic: seconds that pass, however the clock is set.
    """

    def __init__(
        self,
        app: App,
        *,
        clock: Callable[[], datetime],
        serve: Serve | None = None,
        metrics: Metrics | None = None,
        only: Collection[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._clock = clock
        self._serve = serve
        self._monotonic = monotonic
        self._halt = Halt()
        self._metrics = metrics or Metrics()
        self._jobs = Jobs(app, clock=clock, halt=self._halt, metrics=self._metrics)
        self._threads = {
            name: ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
            for name in ("newsroom", "sender", "letters", "hub")
        }
        self._only = only
        self._running: set[asyncio.Future[None]] = set()
        self._called: set[str] = set()  # jobs that were called while they ran
        self._busy: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    @property
    def plans(self) -> tuple[_Plan, ...]:
        """What comes how often."""
        wanted = self._app.settings.operations
        plans = [
            _Plan("editions", self._jobs.editions, "newsroom", wanted.tick),
            _Plan("pick_up", self._jobs.pick_up, "newsroom", wanted.pickup_every),
            _Plan("publish", self._jobs.publish, "newsroom", wanted.tick),
            _Plan("ping", self._jobs.ping, "hub", wanted.tick),
            _Plan("send", self._jobs.send, "sender", wanted.tick),
            _Plan("letters", self._jobs.letters, "letters", min(wanted.tick, 5.0)),
            _Plan("tidy", self._jobs.tidy, "letters", wanted.tick),
        ]
        if self._app.inbox() is not None:
            plans.append(_Plan("inbox", self._jobs.inbox, "letters", self._app.settings.inbox.every))
        if self._app.bounce_box() is not None:
            plans.append(_Plan("bounces", self._jobs.bounces, "letters", self._app.settings.bounces.every))
        return tuple(plan for plan in plans if not self._only or plan.name in self._only)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then let what is in hand come to its end, and close.

        Raises:
            ConfigError: the web server cannot listen where settings say.
        """
        self._loop = asyncio.get_running_loop()
        server = asyncio.create_task(self._served(stop))
        watch = asyncio.create_task(self._watch_clock(stop))
        for plan in self.plans:
            # Nothing is ever too late to tick (misfire_grace_time), and what was missed is one tick (coalesce).
            self._scheduler.add_job(
                self._tick,
                "interval",
                args=[plan],
                id=plan.name,
                seconds=plan.every,
                next_run_time=datetime.now(UTC),  # noqa: TID251 - APScheduler's clock, not ours: it only ticks
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        log.info("running", digests=[rule.key for rule in self._app.settings.digests])
        try:
            await stop.wait()
        finally:
            log.info("stopping")
            self._scheduler.pause()
            self._halt.set()
            stop.set()
            watch.cancel()
            while self._running:
                await asyncio.wait(self._running)
            served, _ = await asyncio.gather(server, watch, return_exceptions=True)
            self._scheduler.shutdown(wait=False)
            for thread in self._threads.values():
                thread.shutdown()
            log.info("stopped")
        if isinstance(served, ConfigError):
            raise served

    async def _tick(self, plan: _Plan) -> None:
        """Run a job in its thread, and again if it was called meanwhile; what goes wrong becomes a row and a line."""
        self._busy.add(plan.name)
        try:
            called = True
            while called and not self._halt.asked:
                self._called.discard(plan.name)
                work = asyncio.get_running_loop().run_in_executor(self._threads[plan.thread], self._work, plan)
                self._running.add(work)
                try:
                    await asyncio.shield(work)
                finally:
                    self._running.discard(work)
                called = plan.name in self._called
        finally:
            self._busy.discard(plan.name)

    def wake(self, job: str = "letters") -> None:
        """Let a job run now and not at its next tick; from any thread, and without waiting."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._call, job)

    def _call(self, name: str) -> None:
        if name in self._busy:
            self._called.add(name)
        elif (job := self._scheduler.get_job(name)) is not None:
            job.modify(next_run_time=datetime.now(UTC))  # noqa: TID251 - APScheduler's clock, not ours

    def _work(self, plan: _Plan) -> None:
        if self._halt.asked:
            return
        try:
            with self._metrics.timed(plan.name):
                plan.work()
        except Halted:
            log.info("left for the next start", job=plan.name)
        except Exception as error:  # noqa: BLE001 - the edge: no job's failure may end the process
            self._note(plan.name, error)
        else:
            self._note(plan.name, None)

    def _note(self, job: str, error: Exception | None) -> None:
        """Write down how a job went, even where the store is what fails."""
        try:
            if error is None:
                self._jobs.succeeded(job)
            else:
                self._jobs.failed(job, error)
        except Exception as second:
            log.exception("cannot write down how a job went", job=job, error=str(second), first=str(error))

    async def _served(self, stop: asyncio.Event) -> None:
        """The web server; where it cannot run, the rest still does."""
        if self._serve is None:
            return
        try:
            await self._serve(self._app, stop, self.wake)
        except ConfigError:  # it cannot listen there: a person must know at once
            stop.set()
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._note("web", error)

    async def _watch_clock(self, stop: asyncio.Event) -> None:
        """Tick at once when the clock was set: APScheduler would wait for the old time to come again."""
        wall, passed = self._clock(), self._monotonic()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _CLOCK_EVERY)
            now, later = self._clock(), self._monotonic()
            step = (now - wall) - timedelta(seconds=later - passed)
            if abs(step.total_seconds()) > _STEP:
                log.warning("the clock was set", by_seconds=round(step.total_seconds()))
                self._wake()
            wall, passed = now, later

    def _wake(self) -> None:
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))  # noqa: TID251 - as above

    @contextlib.contextmanager
    def signals(self, stop: asyncio.Event) -> Iterator[None]:
        """SIGTERM and SIGINT set `stop`. Only in the main thread."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, stop.set)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def run(service: Service, ready: Callable[[], Any] = lambda: None) -> None:
    """Run a service until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    with service.signals(stop):
        ready()
        await service.run(stop)
