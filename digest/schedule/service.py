"""`digest run` and `digest worker`: a process that ticks, serves and works, until it is asked to stop.

APScheduler only ticks: each tick asks the engine for a job. The engine has it done, here or on another machine. A job
that fails is written down and asked for again at its next tick; it never ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from digest.app import App
from digest.deliver import Halt, Halted
from digest.engine import Task, Work
from digest.errors import ConfigError, StoreError
from digest.logs import logger
from digest.metrics import Metrics
from digest.schedule.jobs import Jobs

Serve: TypeAlias = Callable[[App, asyncio.Event, Callable[[], None]], Awaitable[None]]

_CLOCK_EVERY: Final = 2.0  # seconds between two looks at the clock
_SETTINGS_EVERY: Final = 3.0  # seconds between two looks at what operators changed
_STEP: Final = 2.0  # seconds by which it may differ from the time that passed

log = logger("run")


@dataclass(frozen=True)
class _Plan:
    """A job, and how often it is asked for."""

    name: Work
    every: float  # seconds


class Service:
    """The process.

    Args:
        app: the publication, opened; closed by the caller, after `run`.
        serve: the web server, until its event is set; None for none. It calls what it is given, from any thread, when a
            page asked for a mail, so that it leaves at once.
        clock: the time.
        only: names of the jobs to ask for and to do; all of them when it is empty.
        works: what this process does of what is asked for; all of it when None.
        scheduler: whether it asks for what is due.
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
        works: Collection[Work] | None = None,
        scheduler: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._clock = clock
        self._serve = serve
        self._monotonic = monotonic
        self._halt = Halt()
        self._metrics = metrics or Metrics()
        self._jobs = Jobs(app, clock=clock, halt=self._halt, metrics=self._metrics)
        self._engine = app.engine
        self._only = only
        self._works = frozenset(Work if works is None else works)
        self._ticks = scheduler
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    @property
    def plans(self) -> tuple[_Plan, ...]:
        """What comes how often."""
        settings = self._app.settings
        wanted = settings.operations
        plans = [
            _Plan(Work.EDITIONS, wanted.tick),
            _Plan(Work.PICK_UP, wanted.pickup_every),
            _Plan(Work.PUBLISH, wanted.tick),
            _Plan(Work.PING, wanted.tick),
            _Plan(Work.SEND, wanted.tick),
            _Plan(Work.LETTERS, min(wanted.tick, 5.0)),
            _Plan(Work.TIDY, wanted.tick),
        ]
        if self._app.inbox() is not None:
            plans.append(_Plan(Work.INBOX, settings.inbox.every))
        if self._app.bounce_box() is not None:
            plans.append(_Plan(Work.BOUNCES, settings.bounces.every))
        return tuple(plan for plan in plans if self._ticks and (not self._only or plan.name in self._only))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then let what is in hand come to its end, and close.

        Raises:
            ConfigError: the web server cannot listen where settings say.
        """
        works = {one for one in self._works if not self._only or one in self._only}
        work = asyncio.create_task(self._engine.run(self._perform, works, stop))
        await asyncio.sleep(0)  # it listens before anybody asks
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
            failed, *_ = await asyncio.gather(work, return_exceptions=True)
            served, _ = await asyncio.gather(server, watch, return_exceptions=True)
            self._scheduler.shutdown(wait=False)
            log.info("stopped")
        for error in (served, failed):
            if isinstance(error, ConfigError):
                raise error

    async def _tick(self, plan: _Plan) -> None:
        self._engine.ask(plan.name)

    def wake(self, job: str = Work.LETTERS) -> None:
        """Let a job run now and not at its next tick; from any thread, and without waiting."""
        self._engine.ask(Work(job))

    def _perform(self, task: Task) -> None:
        """Do a task; what goes wrong becomes a row and a line."""
        if self._halt.asked:
            return
        name = task.work.value
        try:
            with self._metrics.timed(name):
                self._jobs.do(task)
        except Halted:
            log.info("left for the next start", job=name)
        except Exception as error:  # noqa: BLE001 - the edge: no job's failure may end the process
            self._note(name, error)
        else:
            self._note(name, None)

    def _note(self, job: str, error: Exception | None) -> None:
        """Write down how a job went, even where the store is what fails."""
        try:
            if error is None:
                self._jobs.succeeded(job)
            else:
                self._jobs.failed(job, error)
        except StoreError as second:  # it says what is wrong, and does so at every tick
            log.error("cannot write down how a job went", job=job, error=str(second), first=str(error))  # noqa: TRY400 - the stack tells no more
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


async def run(
    service: Service,
    ready: Callable[[], Any] = lambda: None,
    *,
    changed: Callable[[], bool] = lambda: False,
    every: float = _SETTINGS_EVERY,
) -> bool:
    """Run a service until SIGTERM or SIGINT, or until its settings were changed; whether to start again with new ones.

    Args:
        service: the service.
        ready: called before it runs.
        changed: asked now and then, in a thread, whether the settings were changed.
        every: seconds between two times that it is asked.

    Raises:
        ConfigError: the web server cannot listen where settings say.
    """
    stop, again = asyncio.Event(), asyncio.Event()

    async def watch() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
            with contextlib.suppress(StoreError):  # whoever needs the store says what is wrong with it
                if not stop.is_set() and await asyncio.to_thread(changed):
                    log.info("settings were changed at the desk: starting again")
                    again.set()
                    stop.set()

    with service.signals(stop):
        ready()
        watching = asyncio.create_task(watch())
        await service.run(stop)
        await watching
    return again.is_set()
