"""The sources' desk: each looked at, tried, asked, stopped and let go on, found and taken in, taken out.

The console, the API and the CLI call `app.source_desk`. Nothing here asks who may: a front has checked that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from digest.errors import InputError, NotFound
from digest.model import Actor, Article, Condition, Rights, Source, SourceKind
from digest.pickup.discover import Discovered
from digest.pickup.live import Asked
from digest.settings import Settings
from digest.sources import Listed, LiveSources, Polled, Standing, opml_of
from digest.store import PollDay, Problem, Store

HISTORY: Final = timedelta(days=60)  # how far back a source's polls are shown
_LATEST: Final = 20  # articles that are shown


@dataclass(frozen=True, kw_only=True)
class SourceLook:
    """All that the desk knows of a live source.

    Attributes:
        standing: how it does.
        days: what its polls came to, the oldest day first; days on which it was not asked are missing.
        problems: what went wrong, newest first; what is over too.
        latest: its newest articles.
    """

    standing: Standing
    days: tuple[PollDay, ...]
    problems: tuple[Problem, ...]
    latest: tuple[Article, ...]


class SourceDesk:
    """The acts. Made by digest.app, which alone knows how to wire them."""

    def __init__(self, *, settings: Settings, store: Store, live: LiveSources, clock: Callable[[], datetime]) -> None:
        """Introduce the rooms to each other."""
        self._settings = settings
        self._store = store
        self._live = live
        self._clock = clock

    # ---- looking

    def list(self, text: str = "", condition: Condition | None = None) -> Sequence[Standing]:
        """Live sources whose key, publisher or address holds a text, in a condition; the ones in trouble first."""
        wanted = text.casefold().strip()
        found = [
            one
            for one in self._live.standings(self._clock())
            if condition in {None, one.condition}
            and any(wanted in said.casefold() for said in (one.source.key, one.source.publisher, one.state.url))
        ]
        return sorted(found, key=lambda one: (_TROUBLE.index(one.condition), one.source.key))

    def folders(self) -> Sequence[Source]:
        """The sources that are no live ones, as the settings have them."""
        return [source for source in self._settings.sources if not source.live]

    def look(self, key: str) -> SourceLook:
        """All that is known of a live source.

        Raises:
            NotFound: there is none of this key.
        """
        since: date = (self._clock() - HISTORY).astimezone(UTC).date()
        return SourceLook(
            standing=self._live.get(key),
            days=self._store.polled.of(key, since),
            problems=self._store.sources.problems(key, resolved=True),
            latest=self._store.articles.latest(key, _LATEST),
        )

    def test(self, key: str) -> Asked:
        """What a source answers now; nothing is kept.

        Raises:
            NotFound: there is none of this key.
        """
        standing = self._live.get(key)
        return self._live.look(standing.state.url, standing.source)

    def find(self, url: str) -> Discovered:
        """The feed at or behind an address, and what it would bring; nothing is kept.

        Raises:
            PickupError: there is none.
        """
        return self._live.find(url.strip())

    # ---- acts

    def add(
        self, url: str, *, key: str = "", publisher: str = "", rights: Rights = Rights.SUMMARY, by: Actor
    ) -> Source:
        """Find the feed at or behind an address, and keep it as a source.

        Raises:
            InputError: there is no feed, or its key or address is taken.
        """
        found = self.find(url)
        names = [article.publisher for article in found.reading.articles if article.publisher]
        publisher = publisher.strip() or (max(set(names), key=names.count) if names else "")
        key = key.strip() or self._live.key_for(publisher, found.url)
        source = Source(key=key, kind=SourceKind.FEED, location=found.url, publisher=publisher, rights=rights)
        with self._store.transaction():
            self._live.add(source)
            self._note(by, "add", key, {"url": found.url, "rights": rights.value})
        return source

    def remove(self, key: str, *, by: Actor) -> None:
        """Forget an added source; its articles stay.

        Raises:
            InputError: it stands in digest.toml.
            NotFound: there is none of this key.
        """
        with self._store.transaction():
            self._live.remove(key)
            self._note(by, "remove", key)

    def poll(self, key: str, *, by: Actor) -> Polled:
        """Ask a source now, and keep what it brings; outside of an event loop.

        Raises:
            Busy: sources are being asked this moment.
            NotFound: there is none of this key.
        """
        polled = self._live.ask(only=key)
        self._note(by, "poll", key, {"new": polled.new, "edited": polled.edited, "problems": len(polled.problems)})
        return polled

    def stop(self, key: str, reason: str, *, by: Actor) -> None:
        """Do not ask a source until it is let go on.

        Raises:
            InputError: no reason is given.
            NotFound: there is none of this key.
        """
        if not reason.strip():
            raise InputError("no reason", remedy="say why, for who looks at it later")
        with self._store.transaction():
            self._live.stop(key, reason.strip())
            self._note(by, "stop", key, {"reason": reason.strip()})

    def go_on(self, key: str, *, by: Actor) -> None:
        """Ask a source again that was stopped.

        Raises:
            NotFound: there is none of this key.
        """
        with self._store.transaction():
            self._live.stop(key, "")
            self._note(by, "go-on", key)

    def accept(self, key: str, *, by: Actor) -> int:
        """Let the next poll take what is held; also asks a source again that said it was gone. How many were held.

        Raises:
            NotFound: there is none of this key.
        """
        with self._store.transaction():
            held = self._live.accept(key)
            self._note(by, "accept", key, {"held": held})
        return held

    def import_opml(
        self, data: bytes, name: str, *, rights: Rights = Rights.SUMMARY, keep: bool, by: Actor
    ) -> tuple[Listed, ...]:
        """Keep the feeds of an OPML list, or only say what would become of each line.

        Raises:
            PickupError: it is no such list.
        """
        with self._store.transaction():
            lines = self._live.import_opml(data, name, rights=rights, dry_run=not keep)
            if keep:
                self._note(by, "import", name, {"kept": sum(not line.why for line in lines)})
        return lines

    def export_opml(self) -> bytes:
        """Every live source as an OPML list."""
        return opml_of(self._settings.publication.title, self._live.all())

    def retry(self, source: str, origin: str, *, by: Actor) -> None:
        """Pick a file up again at the next pick-up, as if it were new.

        Raises:
            NotFound: it was never picked up.
        """
        if source not in {one.key for one in self._settings.sources}:
            raise NotFound("source", source)
        with self._store.transaction():
            self._store.sources.forget(source, origin)
            self._note(by, "retry", source, {"origin": origin})

    def _note(self, by: Actor, act: str, key: str, details: dict[str, object] | None = None) -> None:
        self._store.audit.add(by, f"source.{act}", key, details, at=self._clock())


_TROUBLE: Final = (
    Condition.FAILING,
    Condition.HELD,
    Condition.GONE,
    Condition.QUIET,
    Condition.STOPPED,
    Condition.NEW,
    Condition.OK,
)
