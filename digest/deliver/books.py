"""Speaks to the ledger for all sessions of a run: group commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from time import perf_counter
from typing import Final, NamedTuple, ParamSpec, TypeAlias, TypeVar

from digest.deliver.ledger import Ledger
from digest.model import Claim, Record

_LEAST: Final = 0.004  # seconds: loops count in milliseconds, from when this turn of theirs began
_PATIENCE: Final = 3  # times what a commit takes
_HASTE: Final = 16  # commits that wait for nobody, after one that waited too long

_P = ParamSpec("_P")
_T = TypeVar("_T")

Answer: TypeAlias = "asyncio.Future[Claim | None]"


class _Ask(NamedTuple):
    """What a session asks of the ledger; `answer` comes when it is committed."""

    leaving: int | None  # the delivery whose body leaves when this is committed
    want: bool  # one more claim
    answer: Answer


class Bookkeeper:
    """Speaks to the ledger for all sessions: what comes while one commit runs goes into the next.

    Commits run one after the other in a thread, so that the loop goes on with other sessions while the disk is waited
    for. Half of what a commit costs is the same for one copy and for ten: so it waits a moment until all sessions have
    asked, for as long as that does not take longer than some commits. Where it does (the server is far, or
    slow), nobody is waited for: it would only lengthen the time in which copies are in doubt.
    """

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime], thread: ThreadPoolExecutor, *, sessions: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sessions = sessions
        self._ledger = ledger
        self._clock = clock
        self._thread = thread
        self._noted: list[Record] = []  # to be recorded with the next commit
        self._asked: list[_Ask] = []
        self._next: asyncio.Handle | None = None  # the next commit is about to begin
        self._under_way = False
        self._haste = 0  # so many commits wait for nobody
        self._first = 0.0  # when the first that is waiting asked
        self._began = 0.0  # when the commit under way did
        self._took = _LEAST  # seconds of the last commit
        self._resting = asyncio.Event()  # nothing is to be written, and no commit is under way
        self._resting.set()
        self._unrecorded: list[Record] = []  # their commit failed
        self._error: BaseException | None = None  # by this

    def note(self, record: Record) -> None:
        """Record an outcome with the next commit; it begins soon, whether a session asks for it or not."""
        self._noted.append(record)
        if self._resting.is_set():
            self._resting.clear()
            self._next = self._loop.call_later(_LEAST, self._commit)

    def exchange(self, *, want: bool, leaving: int | None = None) -> Answer:
        """Note whose body leaves, and claim one due copy if wanted; done when that is committed."""
        answer: Answer = self._loop.create_future()
        if self._error is not None:
            answer.set_exception(self._error)
            return answer
        if not self._asked:
            self._first = perf_counter()
        self._asked.append(_Ask(leaving, want, answer))
        self._resting.clear()
        if not self._under_way and len(self._asked) in (1, self._sessions):
            self._prepare()
        return answer

    async def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """A blocking call, in the ledger's thread, after what was noted before it is recorded."""
        while self._noted:
            if not self._under_way:
                self._commit()
            await self._resting.wait()
        return await self._loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def finish(self) -> None:
        """Let commits under way end; try once more to record what a failed one left (raises what the ledger raises)."""
        await self._resting.wait()
        records, self._unrecorded = self._unrecorded, []
        if records:
            await self.call(self._ledger.exchange, records, 0, self._clock())

    def _prepare(self) -> None:
        """Begin the next commit: at the end of this turn of the loop, or when all have asked, or are late."""
        if self._next is not None:
            self._next.cancel()
        if len(self._asked) >= self._sessions or self._haste:
            self._next = self._loop.call_soon(self._commit)
        else:
            self._next = self._loop.call_later(max(self._took, _LEAST), self._commit_late)

    def _commit_late(self) -> None:
        """Somebody was waited for, and did not come."""
        self._haste = _HASTE
        self._commit()

    def _commit(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        began = perf_counter()
        if self._haste:
            self._haste -= 1
        elif self._asked and began - max(self._first, self._began + self._took) > _PATIENCE * self._took:
            self._haste = _HASTE
        self._began = began
        self._under_way = True
        asked, self._asked = self._asked, []
        records, self._noted = self._noted, []
        leaving = [ask.leaving for ask in asked if ask.leaving is not None and not ask.answer.done()]
        wanted = sum(ask.want and not ask.answer.done() for ask in asked)

        def done(commit: Future[Sequence[Claim]]) -> None:
            self._loop.call_soon_threadsafe(self._committed, asked, records, commit)

        self._thread.submit(self._ledger.exchange, records, wanted, self._clock(), leaving).add_done_callback(done)

    def _committed(self, asked: Sequence[_Ask], records: Sequence[Record], commit: Future[Sequence[Claim]]) -> None:
        self._under_way = False
        self._took = perf_counter() - self._began
        error = commit.exception()
        claims = iter(() if error is not None else commit.result())
        if error is not None:
            self._unrecorded += records
            self._error = error
        for ask in asked:
            if ask.answer.done():  # its session was cancelled
                continue
            if error is not None:
                ask.answer.set_exception(error)
            else:
                ask.answer.set_result(next(claims, None) if ask.want else None)
        if self._asked:
            self._prepare()
        elif self._noted:
            self._next = self._loop.call_later(_LEAST, self._commit)
        else:
            self._resting.set()
