"""Speaks to the ledger for all sessions of a run: group commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar

from digest.deliver.ledger import Ledger
from digest.model import Claim, Record

_SLOW = 0.001  # seconds
_PATIENCE = 0.5  # of what a commit takes

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Ask:
    """What a session asks of the ledger; `answer` comes when it is committed."""

    records: Sequence[Record]
    leaving: int | None  # the delivery whose body leaves when this is committed
    want: bool  # one more claim
    answer: asyncio.Future[Claim | None]


class Bookkeeper:
    """Speaks to the ledger for all sessions: what they ask for while one commit runs goes into the next."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime], thread: ThreadPoolExecutor, *, sessions: int
    ) -> None:
        self._sessions = sessions
        self._took = 0.0  # seconds of the last commit
        self._all_asked = asyncio.Event()
        self._ledger = ledger
        self._clock = clock
        self._thread = thread
        self._asked: list[_Ask] = []
        self._work: asyncio.Task[None] | None = None
        self.unrecorded: list[Record] = []  # their commit failed

    async def exchange(self, records: Sequence[Record], *, want: bool, leaving: int | None = None) -> Claim | None:
        """Record outcomes, note whose body leaves, and claim one due copy if wanted; back when that is committed."""
        answer: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._asked.append(_Ask(records, leaving, want, answer))
        if len(self._asked) >= self._sessions:
            self._all_asked.set()
        if self._work is None:
            self._work = asyncio.create_task(self._commit_all())
        return await answer

    async def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """A blocking call, in the ledger's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def finish(self) -> None:
        """Let commits under way end; try once more to record what a failed one left (raises what the ledger raises)."""
        if self._work is not None:
            await self._work
        records, self.unrecorded = self.unrecorded, []
        if records:
            await self.call(self._ledger.exchange, records, 0, self._clock())

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._asked:
            await self._gather()
            asked, self._asked = self._asked, []
            records = [record for ask in asked for record in ask.records]
            leaving = [ask.leaving for ask in asked if ask.leaving is not None and not ask.answer.done()]
            wanted = sum(ask.want and not ask.answer.done() for ask in asked)
            began = loop.time()
            try:
                claims = iter(await self.call(self._ledger.exchange, records, wanted, self._clock(), leaving))
            except Exception as error:  # noqa: BLE001 - handed to the sessions, which wait for it
                self.unrecorded += records
                for ask in asked:
                    if not ask.answer.done():
                        ask.answer.set_exception(error)
            else:
                for ask in asked:
                    if not ask.answer.done():
                        ask.answer.set_result(next(claims, None) if ask.want else None)
            self._took = loop.time() - began
        self._work = None

    async def _gather(self) -> None:
        """Where commits are slow, wait a little for the sessions that are about to ask: fuller commits are fewer.

        Else those that one commit sets free ask again while the next one runs, and each carries only half of them.
        """
        if self._took < _SLOW or len(self._asked) >= self._sessions:
            return
        self._all_asked.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_asked.wait(), self._took * _PATIENCE)
