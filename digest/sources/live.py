"""The live sources of a publication: which there are, and what an operator does with them; `asking` asks them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Final
from urllib.parse import urlsplit
from zlib import crc32

from digest.addresses import Guard, Refused
from digest.deliver import run_in_loop
from digest.errors import Busy, InputError, NotFound, PickupError
from digest.fetch import Fetcher
from digest.jail import Jail
from digest.model import Condition, Rights, Source, SourceKind, SourceState
from digest.pickup import poll
from digest.pickup.discover import Discovered, find_feed
from digest.pickup.live import Asked, Reader
from digest.settings import Settings
from digest.sources.asking import Polled, Round
from digest.store import Store

POLLING: Final = "polling"  # what only one process of an installation does at a time
SOURCES_PER_PART: Final = 100
MOST_PARTS: Final = 16
_OPML: Final = "digest.pickup.inside.opml:parse"
_MAX_LIST: Final = 5_000_000  # bytes of an OPML list


@dataclass(frozen=True, order=True)
class Part:
    """So many parts have the live sources, and this is one of them: the sources of some hosts."""

    number: int = 0
    of_all: int = 1

    @classmethod
    def of(cls, url: str, parts: int) -> Part:
        """The part in which the host of an address is: on every machine the same."""
        return cls(crc32((urlsplit(url).hostname or "").encode()) % parts, parts)

    @property
    def name(self) -> str:
        """Of the lock that who asks it holds."""
        return POLLING if self.of_all == 1 else f"{POLLING}-{self}"

    def __str__(self) -> str:
        return f"{self.number}/{self.of_all}"

    @classmethod
    def read(cls, text: str) -> Part:
        """What `str` wrote.

        Raises:
            ValueError: it is none.
        """
        number, of_all = map(int, text.split("/"))
        return cls(number, of_all)


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
    """The live sources of a publication. Made by digest.app.

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

    def due(self) -> tuple[Part, ...]:
        """The parts of the sources in which some are due, for `ask`; one process at a time asks a part.

        Few sources are one part. Where several processes share the store, many are divided by their hosts, so that no
        host is asked by two at once.
        """
        return tuple(sorted(self._wanted(lambda one: poll.due(one.state, self._clock()))))

    def ask(
        self,
        *,
        everyone: bool = False,
        only: str = "",
        part: Part | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Polled:
        """Ask the sources that are due, and keep what they bring. Runs its own event loop.

        Args:
            everyone: those too that are not due; and those that are gone, to see whether they came back.
            only: the key of the one that is meant, due or not.
            part: one of `due`; None: of all parts, those that no other process asks.
            stop: whether to come to an end: what is under way is broken off, and asked again next time.

        Raises:
            Busy: another process is asking all that was meant.
            NotFound: there is no source of this key.
        """

        def meant(one: Standing) -> bool:
            return one.source.key == only if only else everyone or poll.due(one.state, self._clock())

        if only:
            self.get(only)
        done, busy = Polled(), []
        wanted = self._wanted(meant)
        for its in [part] if part in wanted else sorted(wanted) if part is None else ():
            try:
                with self._store.hold(its.name):
                    self._ask(self._again(wanted[its], meant), done, stop)
            except Busy as error:
                busy.append(error)
            if stop():
                break
        if busy and len(busy) == len(wanted if part is None else (part,)):
            raise busy[0]
        return done

    def _again(self, wanted: Sequence[Standing], meant: Callable[[Standing], bool]) -> Sequence[Standing]:
        """What is still meant, now that nobody else asks it: another process may have just done so."""
        if not self._store.shared:
            return wanted
        states = self._store.sources.states([one.source.key for one in wanted])
        now = self._clock()
        fresh = (replace(one, state=_state(one.source, states.get(one.source.key))) for one in wanted)
        return [replace(one, condition=one.state.condition(now)) for one in fresh if meant(one)]

    def _ask(self, wanted: Sequence[Standing], done: Polled, stop: Callable[[], bool]) -> None:
        if wanted:
            asking = Round(store=self._store, clock=self._clock, random=self._random, reader=self._reader, done=done)
            run_in_loop(asking.ask(self._fetcher, [(one.source, one.state) for one in wanted], stop))

    def _wanted(self, meant: Callable[[Standing], bool]) -> dict[Part, list[Standing]]:
        """The sources that are meant, by their parts."""
        standings = self.standings(self._clock())
        parts = min(max(1, len(standings) // SOURCES_PER_PART), MOST_PARTS) if self._store.shared else 1
        found: dict[Part, list[Standing]] = {}
        for one in standings:
            if meant(one):
                found.setdefault(Part.of(one.state.url, parts), []).append(one)
        return found

    def _reader(self, fetcher: Fetcher) -> Reader:
        return Reader(fetcher=fetcher, jail=self._jail, now=self._clock(), zone=self._settings.zone)

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

    def stop(self, key: str, reason: str) -> None:
        """Do not ask a source, for a reason; with an empty one, ask it again when it is due.

        Raises:
            NotFound: there is none of this key.
        """
        self._store.sources.save_state(replace(self.get(key).state, stopped=reason))

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


def _free_key(title: str, url: str, taken: Collection[str]) -> str:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    words = re.findall(r"[a-z0-9]+", title.lower()) or re.findall(r"[a-z0-9]+", host) or ["source"]
    key = "-".join(words)[:40].strip("-")
    return next(free for number in count(1) if (free := key if number == 1 else f"{key}-{number}") not in taken)
