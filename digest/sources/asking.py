"""Live sources are asked: what came is settled against what is known, and kept with the state for the next time.

    due -> ask -> settle against what is known -> pages of what is new -> kept, with the state for the next time
           |
           +-> failed, gone, held, quiet: a problem that the operator sees, until it is over

`digest.pickup.poll` and `.arrivals` decide, `.live` fetches and reads, the store remembers.
One bad source costs itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Self, TypeVar

from digest.addresses import Target, read
from digest.errors import InputError, PickupError
from digest.fetch import Answer, Failed, Fetched, Fetcher, Gone, NotModified
from digest.model import Article, Condition, Rights, Source, SourceState
from digest.pickup import Reading, arrivals, poll
from digest.pickup.live import Reader
from digest.store import Change, PollDay, Store

T = TypeVar("T")

PAST: Final = 1000  # stored articles of a source that a newcomer is held against
PAGES: Final = 50  # pages of articles that one poll of a source fetches at most
_ANSWER, _HELD, _QUIET, _ENTRIES = "answer", "held", "quiet", "entries"  # origins of a source's problems
_LOOK: Final = 0.25  # seconds between two looks whether to stop


@dataclass(kw_only=True)
class Polled:
    """What asking came to."""

    asked: int = 0
    unmodified: int = 0  # answered that nothing changed
    new: int = 0
    edited: int = 0
    unchanged: int = 0
    held: int = 0
    problems: list[InputError] = field(default_factory=list)

    def count(self, change: Change) -> None:
        """Count one article that was saved."""
        self.new += change is Change.NEW
        self.edited += change is Change.EDITED
        self.unchanged += change is Change.UNCHANGED


@dataclass(frozen=True, kw_only=True)
class _Brought:
    """What a source brought this time."""

    source: Source
    state: SourceState  # before
    reading: Reading
    answer: Fetched
    forms: Mapping[str, str]  # id of each entry -> the form in which it is taken


class Round:
    """Sources are asked once, several at a time.

    Args:
        store: where states and articles are kept.
        clock: the time.
        random: numbers from 0 to 1.
        reader: what fetches and reads, for a fetcher.
        done: what is counted.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Callable[[], datetime],
        random: Callable[[], float],
        reader: Callable[[Fetcher], Reader],
        done: Polled,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._reader = reader
        self._done = done
        self._clerk = _Clerk(store, clock)

    async def ask(
        self, fetcher: Callable[[], Fetcher], sources: Iterable[tuple[Source, SourceState]], stop: Callable[[], bool]
    ) -> None:
        """Ask sources, until all are asked or `stop` says so."""
        queue = iter(sources)
        with self._clerk as clerk:
            async with fetcher() as opened:
                reader = self._reader(opened)

                async def work() -> None:
                    for source, state in queue:  # one iterator for all: each takes the next
                        if stop():
                            return
                        await self._ask_one(source, state, reader)

                await _until([asyncio.create_task(work()) for _ in range(opened.limits.at_once * 2)], stop)
            await clerk.flush()

    async def _ask_one(self, source: Source, state: SourceState, reader: Reader) -> None:
        done, clerk = self._done, self._clerk
        asked = await reader.ask(source, state.url, etag=state.etag, last_modified=state.last_modified)
        now, jitter = self._clock(), self._random()
        done.asked += 1
        match asked.result:
            case Failed(what=what, retry_after=wait):
                after = poll.failed(state, what, now=now, jitter=jitter, retry_after=wait)
                await clerk.do(self._fail, state, what, after)
            case Gone():
                what = "it is gone for good (410) and not asked any more"
                await clerk.do(self._fail, state, what, poll.gone(state, now))
            case NotModified() as answer:
                done.unmodified += 1
                state = poll.unchanged(_moved(state, answer), now=now, jitter=jitter, fresh_for=answer.max_age)
                if state.condition(now) is Condition.QUIET:
                    await clerk.do(self._keep_quiet, state, now)
                else:
                    await clerk.unchanged(state)
            case Fetched() as answer:
                if asked.reading is None:
                    what = asked.error.what if asked.error else "it cannot be read"
                    after = poll.failed(state, what, now=now, jitter=jitter)
                    await clerk.do(self._fail, state, what, after)
                else:
                    await self._take(source, state, asked.reading, answer, reader)

    def _fail(self, before: SourceState, what: str, after: SourceState) -> None:
        """Record that a source did not answer, or not with anything that can be used."""
        remedy = (
            f"take it out, or let `digest sources accept {before.key}` ask it again"
            if after.gone
            else f"it is asked again by itself; `digest sources check {before.key}` shows what it answers now"
        )
        error = PickupError(f"source '{before.key}': {what}", where=before.url, remedy=remedy)
        with self._store.transaction():
            self._store.sources.save_state(after)
            self._store.sources.report(before.key, _ANSWER, error, self._clock())
            self._store.polled.add([PollDay(source=before.key, day=_day(self._clock()), failed=1)])
        self._done.problems.append(error)

    def _keep_quiet(self, state: SourceState, now: datetime) -> None:
        with self._store.transaction():
            self._keep(state, now)
            self._store.polled.add([PollDay(source=state.key, day=_day(now), unmodified=1)])

    def _keep(self, state: SourceState, now: datetime) -> None:
        """Keep the state of a source that answered, and let the operator know if it has been quiet for too long."""
        with self._store.transaction():
            self._store.sources.save_state(state)
            self._store.sources.resolve(state.key, _ANSWER, now)
            if state.condition(now) is Condition.QUIET and state.last_new is not None:
                error = PickupError(
                    f"source '{state.key}': nothing new since {state.last_new:%Y-%m-%d}",
                    where=state.url,
                    remedy="look whether its publisher moved; `digest sources list` shows how it does",
                )
                self._store.sources.report(state.key, _QUIET, error, now)
                self._done.problems.append(error)
            else:
                self._store.sources.resolve(state.key, _QUIET, now)

    async def _take(
        self, source: Source, state: SourceState, reading: Reading, answer: Fetched, reader: Reader
    ) -> None:
        """Keep what is new and edited, hold what is suspicious, and remember what the source shows now."""
        forms = {article.id: arrivals.signature(article, full_text=source.full_text) for article in reading.articles}
        brought = _Brought(source=source, state=state, reading=reading, answer=answer, forms=forms)
        settled = await self._clerk.do(self._settle, brought)
        take, again = await self._whole(source, state, settled.take, reader)
        await self._clerk.do(self._keep_taken, brought, take, again, settled.held)

    def _keep_taken(self, brought: _Brought, take: list[Article], again: set[str], held: tuple[Article, ...]) -> None:
        """What a poll brought, with the state for the next one, in one transaction."""
        source, state, reading, forms = brought.source, brought.state, brought.reading, brought.forms
        answer, now, new, edited = brought.answer, self._clock(), 0, 0
        waiting = again | {article.id for article in held}
        with self._store.transaction():
            seen = self._store.sources.seen(source.key)
            for saved in self._store.articles.save_all(take, now):
                self._done.count(saved.change)
                new += saved.change is Change.NEW
                edited += saved.change is Change.EDITED
            self._done.unchanged += sum(seen.get(entry) == form for entry, form in forms.items())
            self._store.sources.remember_entries(
                source.key, {entry: form for entry, form in forms.items() if entry not in waiting}, now
            )
            self._report_held(state, held, now)
            self._report_entries(state, reading.problems, now)
            state = poll.brought(
                _moved(state, answer),
                new=new,
                dates=[article.published for article in reading.articles if article.published],
                now=now,
                jitter=self._random(),
                fresh_for=answer.max_age,
            )
            state = replace(
                state,
                etag="" if again else answer.etag,  # pages that did not answer are tried again: the feed must come too
                last_modified="" if again else answer.last_modified,
                held=len(held),
                accepted=False,
            )
            self._keep(state, now)
            self._store.polled.add(
                [PollDay(source=source.key, day=_day(now), fresh=new, edited=edited, held=len(held))]
            )

    def _settle(self, brought: _Brought) -> arrivals.Arrivals:
        """What of the entries that a source shows is news."""
        source, state, forms = brought.source, brought.state, brought.forms
        seen = self._store.sources.seen(source.key)
        changed = [article for article in brought.reading.articles if seen.get(article.id) != forms[article.id]]
        if not changed:
            return arrivals.Arrivals(take=())
        ids = {entry for article in changed for entry in (article.id, arrivals.reissued(article))}
        found = self._store.articles.some([replace(changed[0], id=entry).uid for entry in ids])
        known = {one.article.id: one.article for one in found.values()}
        strange = any(article.id not in known for article in changed)
        return arrivals.settle(
            changed,
            shown=forms.keys(),
            known=known,
            remembered=seen.keys(),
            past=self._store.articles.latest(source.key, PAST) if strange else (),
            since=state.last_ok,
            accepted=state.accepted,
        )

    async def _whole(
        self, source: Source, state: SourceState, take: Iterable[Article], reader: Reader
    ) -> tuple[list[Article], set[str]]:
        """Articles with the text of their pages where the source's rights allow it; ids to be tried again next time."""
        if not (source.full_text and source.rights is Rights.FULL):
            return list(take), set()
        target = read(state.url)
        inside = isinstance(target, Target) and reader.fetcher.guard.excepts(target)
        whole: list[Article] = []
        again: set[str] = set()
        for number, article in enumerate(take):
            if number >= PAGES:
                whole.append(article)
                again.add(article.id)
                continue
            found, settled = await reader.whole(article, source, inside=inside)
            whole.append(found)
            if not settled:
                again.add(article.id)
        return whole, again

    def _report_held(self, state: SourceState, held: tuple[Article, ...], now: datetime) -> None:
        if not held:
            self._store.sources.resolve(state.key, _HELD, now)
            return
        self._done.held += len(held)
        error = PickupError(
            f"source '{state.key}': {len(held)} old items came as new and are held ('{held[0].title[:60]}' ...)",
            where=state.url,
            remedy=f"look at the feed; `digest sources accept {state.key}` takes them",
        )
        self._store.sources.report(state.key, _HELD, error, now)
        self._done.problems.append(error)

    def _report_entries(self, state: SourceState, problems: tuple[PickupError, ...], now: datetime) -> None:
        if problems:
            self._store.sources.report(state.key, _ENTRIES, problems[0], now)
            self._done.problems += problems
        else:
            self._store.sources.resolve(state.key, _ENTRIES, now)


class _Clerk:
    """Who writes down what was asked, in a thread of its own: transactions belong to one.

    Connections that are being made must not wait for disks: a loop that stands still lets them time out.
    Answers that nothing changed, which most are, are kept many at a time; a crash before only means asking again.
    """

    MANY: Final = 200

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="polling")
        self._states: list[SourceState] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown()

    async def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def unchanged(self, state: SourceState) -> None:
        """Keep the state of a source that answered that nothing changed, now or a little later."""
        self._states.append(state)
        if len(self._states) >= self.MANY:
            await self.flush()

    async def flush(self) -> None:
        """Keep the states that wait."""
        states, self._states = self._states, []
        if states:
            await self.do(self._keep, states)

    def _keep(self, states: list[SourceState]) -> None:
        with self._store.transaction():
            self._store.sources.save_states(states)
            day = _day(self._clock())
            self._store.polled.add([PollDay(source=state.key, day=day, unmodified=1) for state in states])
            answered = {state.key for state in states}
            for problem in self._store.sources.problems():
                if problem.source in answered and problem.origin in {_ANSWER, _QUIET}:
                    self._store.sources.resolve(problem.source, problem.origin, self._clock())


async def _until(workers: list[asyncio.Task[None]], stop: Callable[[], bool]) -> None:
    """Wait for workers; when asked to stop, break them off. The first error ends them all."""
    waiting = set(workers)
    try:
        while waiting and not stop():
            done, waiting = await asyncio.wait(waiting, timeout=_LOOK, return_when=asyncio.FIRST_EXCEPTION)
            for worker in done:
                worker.result()
    finally:
        for worker in waiting:
            worker.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _moved(state: SourceState, answer: Answer) -> SourceState:
    """The source at its new address, when a permanent redirect led there and somebody answered."""
    if not answer.moved_to or answer.moved_to == state.url:
        return state
    return replace(state, moved_to="" if answer.moved_to == state.location else answer.moved_to)
