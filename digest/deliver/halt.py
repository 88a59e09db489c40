"""Asks runs of campaigns to end, from any thread: a run lives in its own event loop, a signal arrives in another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Halt:
    """A switch that stays on. Copies in flight when it is set are finished and recorded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

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
