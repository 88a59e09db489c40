"""Asks work to end, from any thread: a campaign lives in its own event loop, a signal arrives in another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Halted(Exception):  # noqa: N818 - no fault: what is left is done by the next call
    """Work ended early, because it was asked to."""


class Halt:
    """A switch that stays on. Copies in flight when it is set are finished and recorded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._calls: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """Whether it was set."""
        return self._asked.is_set()

    def set(self) -> None:
        """Ask everything that listens, and everything that will, to end."""
        with self._lock:
            self._asked.set()
            for loop, event in self._listeners:
                loop.call_soon_threadsafe(event.set)
            calls = tuple(self._calls)
        for call in calls:
            call()

    def then(self, call: Callable[[], None]) -> None:
        """Call this when it is set, in the thread that sets it; now, if it is set already."""
        with self._lock:
            self._calls.append(call)
            asked = self._asked.is_set()
        if asked:
            call()

    def forget(self, call: Callable[[], None]) -> None:
        """Take back what `then` was given."""
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is set; whether it is. Never in an event loop."""
        return self._asked.wait(seconds)

    def check(self) -> None:
        """Go on, unless it was set.

        Raises:
            Halted: it was.
        """
        if self.asked:
            raise Halted

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The items, one by one, until it is set.

        Raises:
            Halted: it was set, and there are more.
        """
        for item in items:
            self.check()
            yield item

    async def over(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives; it is broken off where it waits when this is set.

        Raises:
            Halted: it was set before the work was done.
        """
        with self.event() as ending:
            task, waiting = asyncio.ensure_future(work), asyncio.create_task(ending.wait())
            try:
                await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (task, waiting):
                    one.cancel()
                await asyncio.gather(task, waiting, return_exceptions=True)
        if task.cancelled():
            raise Halted
        return task.result()

    @contextmanager
    def event(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set when this is."""
        listener = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._listeners.add(listener)
            if self._asked.is_set():
                listener[1].set()
        try:
            yield listener[1]
        finally:
            with self._lock:
                self._listeners.discard(listener)
