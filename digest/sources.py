"""A live source's life: found, kept, asked when it is due, moved, held, dropped. The rooms, introduced to each other.

    due -> ask -> settle against what is known -> pages of what is new -> kept, with the state for the next time
           |
           +-> failed, gone, held, quiet: a problem that the operator sees, until it is over

`digest.pickup.poll` and `.arrivals` decide, `.live` fetches and reads, the store remembers.
One bad source costs itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from digest.addresses import Guard, Refused, Target, read
from digest.errors import InputError, NotFound, PickupError
from digest.fetch import Answer, Failed, Fetched, Fetcher, Gone, NotModified
from digest.jail import Jail
from digest.model import Article, Condition, Rights, Source, SourceKind, SourceState
from digest.pickup import Reading, arrivals, poll
from digest.pickup.discover import Discovered, find_feed
from digest.pickup.live import Asked, Reader
from digest.settings import Settings
from digest.store import Change, Store

POLLING: Final = "polling"  # what only one process of an installation does at a time
PAST: Final = 1000  # stored articles of a source that a newcomer is held against
PAGES: Final = 50  # pages of articles that one poll of a source fetches at most
_ANSWER, _HELD, _QUIET, _ENTRIES = "answer", "held", "quiet", "entries"  # origins of a source's problems
_OPML: Final = "digest.pickup.inside.opml:parse"
_MAX_LIST: Final = 5_000_000  # bytes of an OPML list


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
class Standing:
    """A live source, what is known of it, and how it does."""

    source: Source
    state: SourceState
    condition: Condition
    added: bool  # by `digest sources add`, not in digest.toml


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What became of one line of a list of feeds."""

    line: int
    title: str
    url: str
    key: str = ""  # of the source that was kept, or is known already
    why: str = ""  # it was not kept; empty when it was


class LiveSources:
    """The live sources of a publication. Made by app.py.

    Args:
        settings: with the sources of digest.toml, which go before added ones of the same key.
        store: where added sources, states and articles are kept.
        jail: where parsers run.
        fetcher: makes a client for one event loop.
        clock: the time.
        random: numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        jail: Jail,
        fetcher: Callable[[], Fetcher],
        clock: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._jail = jail
        self._fetcher = fetcher
        self._clock = clock
        self._random = random

    # ---- which there are

    def all(self) -> tuple[Source, ...]:
        """Those of digest.toml, then those that were added."""
        given = tuple(source for source in self._settings.sources if source.live)
        taken = {source.key for source in self._settings.sources}
        return (*given, *(source for source in self._store.sources.kept() if source.key not in taken))

    def standings(self, now: datetime) -> tuple[Standing, ...]:
        """All of them, with how they do."""
        given = {source.key for source in self._settings.sources}
        states = self._store.sources.states()
        return tuple(
            Standing(source=source, state=state, condition=state.condition(now), added=source.key not in given)
            for source in self.all()
            for state in [_state(source, states.get(source.key))]
        )

    def get(self, key: str) -> Standing:
        """One of them.

        Raises:
            NotFound: there is none of this key.
        """
        for standing in self.standings(self._clock()):
            if standing.source.key == key:
                return standing
        raise NotFound("live source", key, "`digest sources list` shows them")

    # ---- asking

    def ask(self, *, everyone: bool = False, only: str = "") -> Polled:
        """Ask the sources that are due, and keep what they bring. Runs its own event loop.

        Args:
            everyone: those too that are not due; and those that are gone, to see whether they came back.
            only: the key of the one that is meant, due or not.

        Raises:
            Busy: another process is asking.
            NotFound: there is no source of this key.
        """
        if only:
            wanted = [self.get(only)]
        else:
            now = self._clock()
            wanted = [one for one in self.standings(now) if everyone or poll.due(one.state, now)]
        if not wanted:
            return Polled()
        with self._store.hold(POLLING):
            return asyncio.run(self._ask(wanted))

    async def _ask(self, standings: list[Standing]) -> Polled:
        done = Polled()
        queue = iter(standings)
        async with self._fetcher() as fetcher:

            async def work() -> None:
                for standing in queue:  # one iterator for all: each takes the next
                    await self._ask_one(standing, fetcher, done)

            await asyncio.gather(*(work() for _ in range(min(len(standings), fetcher.limits.at_once * 2))))
        return done

    async def _ask_one(self, standing: Standing, fetcher: Fetcher, done: Polled) -> None:
        source, state = standing.source, standing.state
        reader = self._reader(fetcher)
        asked = await reader.ask(source, state.url, etag=state.etag, last_modified=state.last_modified)
        now, jitter = self._clock(), self._random()
        done.asked += 1
        match asked.result:
            case Failed(what=what, retry_after=wait):
                self._fail(state, what, done, poll.failed(state, what, now=now, jitter=jitter, retry_after=wait))
            case Gone():
                self._fail(state, "it is gone for good (410) and not asked any more", done, poll.gone(state, now))
            case NotModified() as answer:
                done.unmodified += 1
                state = poll.unchanged(_moved(state, answer), now=now, jitter=jitter, fresh_for=answer.max_age)
                self._keep(state, now, done)
            case Fetched() as answer:
                if asked.reading is None:
                    what = asked.error.what if asked.error else "it cannot be read"
                    self._fail(state, what, done, poll.failed(state, what, now=now, jitter=jitter))
                else:
                    await self._take(standing, asked.reading, answer, reader, done)

    def _reader(self, fetcher: Fetcher) -> Reader:
        return Reader(fetcher=fetcher, jail=self._jail, now=self._clock(), zone=self._settings.zone)

    def _fail(self, before: SourceState, what: str, done: Polled, after: SourceState) -> None:
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
        done.problems.append(error)

    def _keep(self, state: SourceState, now: datetime, done: Polled) -> None:
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
                done.problems.append(error)
            else:
                self._store.sources.resolve(state.key, _QUIET, now)

    async def _take(
        self,
        standing: Standing,
        reading: Reading,
        answer: Fetched,
        reader: Reader,
        done: Polled,
    ) -> None:
        """Keep what is new and edited, hold what is suspicious, and remember what the source shows now."""
        source, state, shown = standing.source, standing.state, reading.articles
        seen = self._store.sources.seen(source.key)
        forms = {article.id: arrivals.signature(article, full_text=source.full_text) for article in shown}
        changed = [article for article in shown if seen.get(article.id) != forms[article.id]]
        settled = self._settle(source, state, changed, forms.keys(), seen)
        take, again = await self._whole(source, state, settled.take, reader)
        now, new = self._clock(), 0
        waiting = again | {article.id for article in settled.held}
        with self._store.transaction():
            for article in take:
                change = self._store.articles.save(article, now).change
                done.count(change)
                new += change is Change.NEW
            done.unchanged += len(shown) - len(changed)
            self._store.sources.remember_entries(
                source.key, {entry: form for entry, form in forms.items() if entry not in waiting}, now
            )
            self._report_held(state, settled.held, now, done)
            self._report_entries(state, reading.problems, now, done)
            state = poll.brought(
                _moved(state, answer),
                new=new,
                dates=[article.published for article in shown if article.published],
                now=now,
                jitter=self._random(),
                fresh_for=answer.max_age,
            )
            state = replace(
                state,
                etag="" if again else answer.etag,  # pages that did not answer are tried again: the feed must come too
                last_modified="" if again else answer.last_modified,
                held=len(settled.held),
                accepted=False,
            )
            self._keep(state, now, done)

    def _settle(
        self, source: Source, state: SourceState, changed: list[Article], shown: Collection[str], seen: dict[str, str]
    ) -> arrivals.Arrivals:
        if not changed:
            return arrivals.Arrivals(take=())
        ids = {entry for article in changed for entry in (article.id, arrivals.reissued(article))}
        found = self._store.articles.some([replace(changed[0], id=entry).uid for entry in ids])
        known = {one.article.id: one.article for one in found.values()}
        strange = any(article.id not in known for article in changed)
        return arrivals.settle(
            changed,
            shown=shown,
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

    def _report_held(self, state: SourceState, held: tuple[Article, ...], now: datetime, done: Polled) -> None:
        if not held:
            self._store.sources.resolve(state.key, _HELD, now)
            return
        done.held += len(held)
        error = PickupError(
            f"source '{state.key}': {len(held)} old items came as new and are held ('{held[0].title[:60]}' ...)",
            where=state.url,
            remedy=f"look at the feed; `digest sources accept {state.key}` takes them",
        )
        self._store.sources.report(state.key, _HELD, error, now)
        done.problems.append(error)

    def _report_entries(
        self, state: SourceState, problems: tuple[PickupError, ...], now: datetime, done: Polled
    ) -> None:
        if problems:
            self._store.sources.report(state.key, _ENTRIES, problems[0], now)
            done.problems += problems
        else:
            self._store.sources.resolve(state.key, _ENTRIES, now)

    # ---- what an operator does

    def find(self, url: str) -> Discovered:
        """Find the feed at or behind an address, and what it would bring.

        Raises:
            PickupError: there is none.
        """

        async def finding() -> Discovered:
            async with self._fetcher() as fetcher:
                return await find_feed(url, self._reader(fetcher))

        return asyncio.run(finding())

    def try_out(self, key: str) -> tuple[Standing, Asked]:
        """Ask a source as if for the first time; nothing is kept.

        Raises:
            NotFound: there is none of this key.
        """
        standing = self.get(key)
        return standing, self.look(standing.state.url, standing.source)

    def look(self, url: str, source: Source) -> Asked:
        """Fetch and read one document; nothing is kept."""

        async def looking() -> Asked:
            async with self._fetcher() as fetcher:
                return await self._reader(fetcher).ask(source, url)

        return asyncio.run(looking())

    def add(self, source: Source) -> None:
        """Keep a live source beside those of digest.toml.

        Raises:
            InputError: its key or address is taken, or cannot be used.
        """
        self._check(source, self._register())
        self._store.sources.keep(source, self._clock())

    def _register(self) -> dict[str, str]:
        """Address -> key of every live source; other sources stand under their key."""
        register = {source.key: source.key for source in self._settings.sources}
        for standing in self.standings(self._clock()):
            register |= dict.fromkeys((standing.source.location, standing.state.url), standing.source.key)
        return register

    def _check(self, source: Source, register: Mapping[str, str]) -> None:
        if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", source.key):
            raise InputError(f"'{source.key}' is no key", remedy="use lower-case letters, digits and hyphens")
        if source.location in register:
            same = register[source.location]
            raise InputError(f"it is picked up already, as '{same}'", where=source.location, remedy="nothing to do")
        if source.key in register.values():
            raise InputError(f"there is a source '{source.key}' already", remedy="give another one with --key")
        if isinstance(refused := Guard(self._settings.fetch.allow).check(source.location), Refused):
            raise InputError(refused.what, where=source.location, remedy="name a public feed, or see fetch.allow")
        if source.full_text and source.rights is not Rights.FULL:
            raise InputError("the whole text needs the right to show it", remedy="add --rights full")

    def key_for(self, title: str, url: str) -> str:
        """A key that is free, by the title of a feed or else its host."""
        return _free_key(title, url, set(self._register().values()))

    def remove(self, key: str) -> None:
        """Forget an added source; its articles stay.

        Raises:
            InputError: it stands in digest.toml.
            NotFound: there is none of this key.
        """
        if any(source.key == key for source in self._settings.sources):
            raise InputError(f"source '{key}' stands in digest.toml", remedy="take it out there")
        self._store.sources.drop(key, self._clock())

    def accept(self, key: str) -> int:
        """Let the next poll of a source take what is held; how many items were held.

        Raises:
            NotFound: there is none of this key.
        """
        state = self.get(key).state
        self._store.sources.save_state(
            replace(state, accepted=True, etag="", last_modified="", next_poll=None, gone=None)
        )
        return state.held

    def import_opml(self, data: bytes, name: str, *, rights: Rights, dry_run: bool = False) -> tuple[Listed, ...]:
        """Keep the feeds of an OPML list; none is asked yet. What became of each line.

        Raises:
            PickupError: it is no such list.
            JailError: the parser was stopped.
        """
        if len(data) > _MAX_LIST:
            raise PickupError(f"{len(data)} bytes, at most {_MAX_LIST} are read", where=name, remedy="split it")
        found = self._jail.run(_OPML, data)
        if found["problem"]:
            raise PickupError(found["problem"], where=name, line=found["line"], remedy="export the list again as OPML")
        listed: list[Listed] = []
        register = self._register()
        for outline in found["outlines"]:
            url, title = outline["url"], " ".join(outline["title"].split())[:200]
            line = Listed(line=outline["line"], title=title, url=url)
            if not url:
                listed.append(replace(line, why="names no feed (xmlUrl)"))
                continue
            key = _free_key(title, url, set(register.values()))
            source = Source(key=key, kind=SourceKind.FEED, location=url, publisher=title, rights=rights)
            try:
                self._check(source, register)
            except InputError as error:
                listed.append(replace(line, key=register.get(url, ""), why=error.what))
                continue
            register[url] = key
            if not dry_run:
                self._store.sources.keep(source, self._clock())
            listed.append(replace(line, key=key))
        return tuple(listed)


def _state(source: Source, known: SourceState | None) -> SourceState:
    """What is known of a source; nothing when its address was changed by hand."""
    if known is None or known.location != source.location:
        return SourceState(key=source.key, location=source.location)
    return known


def _moved(state: SourceState, answer: Answer) -> SourceState:
    """The source at its new address, when a permanent redirect led there and somebody answered."""
    if not answer.moved_to or answer.moved_to == state.url:
        return state
    return replace(state, moved_to="" if answer.moved_to == state.location else answer.moved_to)


def _free_key(title: str, url: str, taken: Collection[str]) -> str:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    words = re.findall(r"[a-z0-9]+", title.lower()) or re.findall(r"[a-z0-9]+", host) or ["source"]
    key = "-".join(words)[:40].strip("-")
    return next(free for number in count(1) if (free := key if number == 1 else f"{key}-{number}") not in taken)
