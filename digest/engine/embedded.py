"""The engine of one process: who asks for work does it, in a thread for each lane."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from digest.engine.tasks import LANES, Perform, Task, Work


class Embedded:
    """Does in this process what is asked for while `run` does; what is asked for before or after is left to ticks."""

    apart = False

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._works: frozenset[Work] = frozenset()
        self._perform: Perform = lambda _task: None
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._doing: dict[Task, asyncio.Task[None]] = {}
        self._again: set[Task] = set()  # asked for while they were done
        self._stop = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether anything is being done."""
        return bool(self._doing)

    def ask(self, work: Work, what: str = "") -> None:
        """As `Engine.ask`."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._begin, Task(work, what))

    async def run(self, perform: Perform, works: Collection[Work], stop: asyncio.Event) -> None:
        """As `Engine.run`."""
        self._perform, self._works, self._stop = perform, frozenset(works), stop
        self._threads = {
            lane: ThreadPoolExecutor(max_workers=1, thread_name_prefix=lane)
            for lane, its in LANES.items()
            if self._works.intersection(its)
        }
        self._loop = asyncio.get_running_loop()
        try:
            await stop.wait()
        finally:
            while self._doing:
                await asyncio.wait(self._doing.values())
            self._loop = None
            for thread in self._threads.values():
                thread.shutdown()

    def close(self) -> None:
        """Nothing is kept."""

    def _begin(self, task: Task) -> None:
        if task.work not in self._works or self._stop.is_set():
            return
        if task in self._doing:
            self._again.add(task)
            return
        self._doing[task] = asyncio.create_task(self._do(task))

    async def _do(self, task: Task) -> None:
        """Do a task in the thread of its lane, and again if it was asked for meanwhile."""
        lane = next(lane for lane, its in LANES.items() if task.work in its)
        try:
            while not self._stop.is_set():
                self._again.discard(task)
                await asyncio.get_running_loop().run_in_executor(self._threads[lane], self._perform, task)
                if task not in self._again:
                    return
        finally:
            self._doing.pop(task, None)
