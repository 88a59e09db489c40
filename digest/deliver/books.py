"""Speaks to the ledger for all sessions of a run: group commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple, ParamSpec, TypeAlias, TypeVar

from digest.deliver.ledger import Ledger
from digest.model import Claim, Record

_SLOW = 0.002  # seconds
_PATIENCE = 0.5  # of what a commit takes

_P = ParamSpec("_P")
_T = TypeVar("_T")

Answer: TypeAlias = "asyncio.Future[Claim | None]"


class _Ask(NamedTuple):
    """What a session asks of the ledger; `answer` comes when it is committed."""

    records: Sequence[Record]
    leaving: int | None  # the delivery whose body leaves when this is committed
    want: bool  # one more claim
    answer: Answer


class Bookkeeper:
    """Speaks to the ledger for all sessions: what they ask for while one commit runs goes into the next.

    Commits run one after the other in a thread, so that the loop goes on with other sessions while the disk is waited
    for.
    """

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime], thread: ThreadPoolExecutor, *, sessions: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._thread = thread
        self._asked: list[_Ask] = []
        self._next: asyncio.Handle | None = None  # the next commit is about to begin
        self._began = 0.0  # when the commit under way did
        self._took = 0.0  # seconds of the last commit
        self._resting = asyncio.Event()  # nothing is asked, and no commit is under way
        self._resting.set()
        self.unrecorded: list[Record] = []  # their commit failed

    def exchange(self, records: Sequence[Record], *, want: bool, leaving: int | None = None) -> Answer:
        """Record outcomes, note whose body leaves, and claim one due copy if wanted; done when that is committed."""
        answer: Answer = self._loop.create_future()
        self._asked.append(_Ask(records, leaving, want, answer))
        if self._resting.is_set():
            self._resting.clear()
            self._prepare()
        elif len(self._asked) == self._sessions and isinstance(self._next, asyncio.TimerHandle):
            self._prepare()  # nobody is left to be waited for
        return answer

    async def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """A blocking call, in the ledger's thread."""
        return await self._loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def finish(self) -> None:
        """Let commits under way end; try once more to record what a failed one left (raises what the ledger raises)."""
        await self._resting.wait()
        records, self.unrecorded = self.unrecorded, []
        if records:
            await self.call(self._ledger.exchange, records, 0, self._clock())

    def _prepare(self) -> None:
        """Begin the next commit: at the end of this turn of the loop, in which other sessions may ask, too.

        Where commits are slow, a little later: fuller commits are fewer. Else the sessions that one commit sets free
        ask again while the next one runs, and each carries only half of them.
        """
        if self._next is not None:
            self._next.cancel()
        if self._took < _SLOW or len(self._asked) >= self._sessions:
            self._next = self._loop.call_soon(self._commit)
        else:
            self._next = self._loop.call_later(self._took * _PATIENCE, self._commit)

    def _commit(self) -> None:
        self._next = None
        asked, self._asked = self._asked, []
        records = [record for ask in asked for record in ask.records]
        leaving = [ask.leaving for ask in asked if ask.leaving is not None and not ask.answer.done()]
        wanted = sum(ask.want and not ask.answer.done() for ask in asked)
        self._began = self._loop.time()

        def done(commit: Future[Sequence[Claim]]) -> None:
            self._loop.call_soon_threadsafe(self._committed, asked, records, commit)

        self._thread.submit(self._ledger.exchange, records, wanted, self._clock(), leaving).add_done_callback(done)

    def _committed(self, asked: Sequence[_Ask], records: Sequence[Record], commit: Future[Sequence[Claim]]) -> None:
        self._took = self._loop.time() - self._began
        error = commit.exception()
        claims = iter(() if error is not None else commit.result())
        if error is not None:
            self.unrecorded += records
        for ask in asked:
            if ask.answer.done():  # its session was cancelled
                continue
            if error is not None:
                ask.answer.set_exception(error)
            else:
                ask.answer.set_result(next(claims, None) if ask.want else None)
        if self._asked:
            self._prepare()
        else:
            self._resting.set()


def drain(records: list[Record]) -> list[Record]:
    """What is in the list, which is empty then: it is now with the ledger, or with those that it failed to keep."""
    taken = records.copy()
    records.clear()
    return taken
