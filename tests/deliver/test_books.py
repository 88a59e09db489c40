"""The group commit: who is waited for, what is recorded when nobody asks, and what a failed commit does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.deliver.books import Bookkeeper
from digest.deliver.loop import run_in_loop
from digest.errors import StoreError
from digest.model import Accepted, Claim, DeliveryState, Record, Reply
from tests.deliver.ledger import TestLedger

SESSIONS = 4


class Watched(TestLedger):
    """Keeps what each commit was asked for; fails where it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.commits: list[tuple[int, int, int]] = []  # records, claims wanted, bodies that leave
        self.fails = 0

    def exchange(
        self, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int] = ()
    ) -> Sequence[Claim]:
        self.commits.append((len(records), wanted, len(leaving)))
        if self.fails:
            self.fails -= 1
            raise StoreError("the disk is full")
        return super().exchange(records, wanted, now, leaving)


@pytest.fixture
def ledger(tmp_path: Path) -> Watched:
    ledger = Watched(tmp_path / "ledger.db")
    ledger.fill(f"r{n}@example.net" for n in range(40))
    return ledger


@asynccontextmanager
async def kept(ledger: Watched) -> AsyncIterator[Bookkeeper]:
    with ThreadPoolExecutor(max_workers=1) as thread:
        yield Bookkeeper(ledger, lambda: datetime.now(UTC), thread, sessions=SESSIONS)


def accepted(claim: Claim) -> Record:
    return Record(delivery=claim.delivery, outcome=Accepted(reply=Reply(code=250)), at=datetime.now(UTC))


async def claimed(*answers: asyncio.Future[Claim | None]) -> list[Claim]:
    return [claim for claim in await asyncio.gather(*answers) if claim is not None]


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what it waits for happens inside the bookkeeper, which tells nobody
        await asyncio.sleep(0)


def hurries(books: Bookkeeper) -> bool:
    """Whether its next commit waits for nobody."""
    return books._haste > 0


@pytest.mark.parametrize("runner", [asyncio.run, run_in_loop])
def test_sessions_that_come_one_after_the_other_share_a_commit(ledger: Watched, runner: Callable[..., object]) -> None:
    async def ask_later(books: Bookkeeper, turns: int) -> Claim | None:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await books.exchange(want=True)

    async def work() -> None:
        async with kept(ledger) as books:
            claims = await asyncio.gather(*(ask_later(books, turns) for turns in range(SESSIONS)))
            for claim in claims:
                assert claim is not None
                books.note(accepted(claim))
            await claimed(*(books.exchange(want=True) for _ in range(SESSIONS)))
            await books.finish()

    runner(work())
    assert ledger.commits == [(0, SESSIONS, 0), (SESSIONS, SESSIONS, 0)]


async def test_who_does_not_come_is_not_waited_for_again_and_again(ledger: Watched) -> None:
    async with kept(ledger) as books:
        [claim] = await claimed(books.exchange(want=True))  # waits for three that never come
        assert hurries(books)
        hurried = 0
        while hurries(books):  # then nobody is waited for, for a while
            hurried += 1
            [claim] = await claimed(books.exchange(want=True, leaving=claim.delivery))
        assert hurried == len(ledger.commits) - 1 > 1
        books.note(accepted(claim))
        await books.finish()
    assert ledger.commits[-1] == (1, 0, 0)


async def test_all_came_but_so_late_that_it_is_not_worth_it(ledger: Watched) -> None:
    async with kept(ledger) as books:
        await claimed(*(books.exchange(want=True) for _ in range(SESSIONS)))
        assert not hurries(books)
        books._took = 1e-9  # as if a commit took no time: then every wait is too long
        books._began -= 1
        answers = [books.exchange(want=True)]
        await asyncio.sleep(0)
        await claimed(*answers, *(books.exchange(want=True) for _ in range(SESSIONS - 1)))
        assert hurries(books)
        await books.finish()
    assert ledger.commits == [(0, SESSIONS, 0)] * 2


async def test_an_outcome_is_recorded_without_anybody_asking(ledger: Watched) -> None:
    async with kept(ledger) as books:
        one, two, three = await claimed(*(books.exchange(want=True) for _ in range(3)))
        books.note(accepted(one))
        await books.finish()
        assert ledger.row("r0@example.net")[0] == DeliveryState.ACCEPTED
        answer = books.exchange(want=False)  # while this one is under way, another comes to its end
        await until(lambda: books._under_way)
        books.note(accepted(two))
        assert await answer is None
        await books.finish()
        books.note(accepted(three))
        assert await books.call(lambda: ledger.row("r2@example.net")[0]) == DeliveryState.ACCEPTED
        await books.finish()
    assert ledger.commits == [(0, 3, 0), (1, 0, 0), (0, 0, 0), (1, 0, 0), (1, 0, 0)]


async def test_when_a_commit_failed_no_body_leaves_and_what_was_noted_is_tried_once_more(ledger: Watched) -> None:
    async with kept(ledger) as books:
        [claim] = await claimed(books.exchange(want=True))
        ledger.fails = 1
        books.note(accepted(claim))
        await until(lambda: books._error is not None)
        with pytest.raises(StoreError, match="full"):
            await books.exchange(want=True, leaving=claim.delivery)
        assert len(ledger.commits) == 2
        await books.finish()
    assert ledger.row("r0@example.net")[0] == DeliveryState.ACCEPTED


async def test_who_was_cancelled_claims_nothing(ledger: Watched) -> None:
    async with kept(ledger) as books:
        gone, there = books.exchange(want=True, leaving=None), books.exchange(want=True)
        gone.cancel()
        assert await there is not None
        late = books.exchange(want=True)
        await until(lambda: books._under_way)
        late.cancel()
        await books.finish()
    assert ledger.commits == [(0, 1, 0), (0, 1, 0)]
