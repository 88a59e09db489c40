"""Telling the hub which feeds changed (WebSub, section 7), until it takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.deliver import Halt
from digest.fetch import Fetched, Fetcher
from digest.store import Store

_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))


@dataclass(frozen=True, kw_only=True)
class Pinged:
    """What telling the hub came to, in feeds."""

    told: int = 0
    failed: int = 0


class Hub:
    """What the hub is still to be told, kept in the store.

    Args:
        url: the hub's; "" where there is none, and nothing is owed.
        store: where it is kept.
        fetcher: makes the HTTP client.
        clock: the time.
    """

    def __init__(
        self, url: str, *, store: Store, fetcher: Callable[[], Fetcher], clock: Callable[[], datetime]
    ) -> None:
        self._hub = url
        self._store = store
        self._fetcher = fetcher
        self._clock = clock

    def owe(self, topics: Iterable[str]) -> None:
        """Note that the hub is to be told of these addresses."""
        if self._hub:
            self._store.feeds.owe(list(topics), self._clock())

    async def ping(self, *, stop: Halt | None = None) -> Pinged:
        """Tell the hub which feeds changed (WebSub, 7); what it does not take is tried again, more and more rarely.

        The protocol leaves open how a hub is told; all that are known take the form that PubSubHubbub 0.4 described.

        Raises:
            Halted: it was asked to stop; the hub is told of the rest by the next call.
        """
        return await (stop or Halt()).over(self._ping())

    async def _ping(self) -> Pinged:
        told = failed = 0
        owed = self._store.feeds.owed(self._clock()) if self._hub else []
        if not owed:
            return Pinged()
        async with self._fetcher() as fetcher:
            down = ""  # what is wrong with the hub itself: the rest of the feeds would fare no better
            for ping in owed:
                form = {"hub.mode": "publish", "hub.url": ping.topic, "hub.topic": ping.topic}
                answer = None if down else await fetcher.post(self._hub, form)
                if isinstance(answer, Fetched):
                    self._store.feeds.told(ping, self._clock())
                    told += 1
                    continue
                if answer is not None and answer.reason not in {"status", "size", "protocol"}:
                    down = answer.what
                why = answer.what if answer is not None else down
                left = _DELAYS[ping.attempts :]
                self._store.feeds.failed(ping, why, self._clock() + left[0] if left else None)
                failed += 1
        return Pinged(told=told, failed=failed)
