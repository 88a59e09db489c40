"""The life of the feeds: what was approved is written down, set, laid out as files, and mirrored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from digest import publish
from digest.classify import Taxonomy
from digest.compose import select
from digest.deliver import Halt, Halted
from digest.errors import Busy, ConfigError, StateError
from digest.fetch import Fetcher
from digest.links import Links
from digest.model import EditionState, Preferences, Revision, Skipped
from digest.places import Places
from digest.publish import Catalogue, Feed, Journal, Moved, Shelf, Standing, Told, Writer
from digest.publishing.files import copy, settle, write, written
from digest.publishing.hub import Hub
from digest.render import FeedEntryView, FeedGroupView, FeedLinkView, FeedPageView, Renderer
from digest.settings import Settings
from digest.store import Listed, PageKept, Store

PUBLIC: Final = (EditionState.APPROVED, EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)
_HOLD: Final = "feeds"  # what only one process of an installation writes at a time
_PATIENCE: Final = 60.0  # seconds to wait for that one
_PAGE, _SHEET, _LIST = "index.html", "feeds/style.css", "feeds/index.opml"
_FORMATS: Final = (("Atom", publish.ATOM), ("RSS", publish.RSS), ("JSON", publish.JSON))
_OWN_EDITIONS: Final = 10  # editions that a reader's own feed looks through


@dataclass(frozen=True, kw_only=True)
class Published:
    """What publishing came to."""

    files: int
    changed: tuple[str, ...]  # paths below the folder
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedLine:
    """A feed in a list."""

    group: str
    path: str
    title: str
    address: str  # of its Atom document
    entries: int
    pages: int  # of its archive
    updated: datetime | None


class Press:
    """The feeds of one publication.

    Args:
        settings: who publishes what.
        store: where editions and the journal are kept.
        places: the tree of regions.
        taxonomy: the themes.
        renderer: renders the pages beside feeds.
        links: addresses.
        fetcher: makes the HTTP client by which the hub is told.
        clock: the time; only for the hub.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        places: Places,
        taxonomy: Taxonomy,
        renderer: Renderer,
        links: Links,
        fetcher: Callable[[], Fetcher],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._store = store
        self._places = places
        self._renderer = renderer
        self.hub = Hub(settings.feeds.hub, store=store, fetcher=fetcher, clock=clock)
        self._whole = False  # whether this process has looked at every page of the archives
        self.catalogue = Catalogue(
            settings.publication,
            places=places,
            themes=tuple(taxonomy),
            digests=settings.digests,
            limit=settings.feeds.entries,
            hub=settings.feeds.hub,
            edition_url=links.online,
        )

    # ---- what was approved

    def moved(self) -> list[Moved]:
        """The editions that were approved, corrected or taken back since the feeds were last published."""
        return list(self._moves())

    def _moves(self) -> Iterator[Moved]:
        marks = self._store.feeds.marks()
        if marks.get("", self.catalogue.base) != self.catalogue.base:
            marks = {}
        public = self._store.editions.approvals(PUBLIC)
        for listed in self._store.editions.list():
            seen, number = int(marks.get(listed.id, 0)), public.get(listed.id, 0)
            if seen != number:
                yield self._moved(listed, seen, number)

    def _moved(self, listed: Listed, seen: int, number: int) -> Moved:
        """What became of an edition between the revision that was seen and the one that is public; 0 for none."""
        if not number:
            return Moved(edition=listed.id, gone=listed.changed)
        found = [self._store.editions.get(listed.id, each) for each in range(seen + 1, number + 1)]
        return Moved(
            edition=listed.id,
            revisions=tuple(revision for revision in found if revision.approved is not None),
            before=self._store.editions.get(listed.id, seen) if seen else None,
        )

    def _public(self, edition: str) -> Revision | None:
        try:
            return self._store.editions.approved(edition)
        except StateError:
            return None

    # ---- publish

    def publish(self, *, stop: Halt | None = None) -> Published:
        """Take in what moved, and write the files below the state folder whose bytes changed.

        Args:
            stop: breaks it off between two files; what is left is for the next call.

        Raises:
            Busy: another process has been at it for a minute.
            Halted: it was asked to stop.
        """
        halt, changed = stop or Halt(), list[str]()
        with self._alone(halt):
            try:
                return self._published(changed, halt)
            except Halted:
                self._whole = False  # the next call looks at every page again
                self._owe(changed)
                raise

    def _published(self, changed: list[str], halt: Halt) -> Published:
        """As `publish`; the paths of files that it wrote go to `changed`, however it ends."""
        writer = Writer(cleaned=True)
        feeds, pages = self._take(writer, halt)
        files = dict(halt.each(self._documents(feeds, writer)))
        if not self._whole:
            pages = {(page.folder, page.number) for page in self._store.feeds.pages()}
        paths = set(files) | {
            f"{page.folder}/archive/{page.number}/{name}"
            for page in self._store.feeds.pages()
            for name in publish.MEDIA_TYPES
        }
        root = self._settings.state
        for folder, number in halt.each(sorted(pages | self._missing(root))):
            documents = self._store.feeds.page(folder, number)
            files |= {f"{folder}/archive/{number}/{name}": content for name, content in documents.items()}
        for path, content in halt.each(files.items()):
            if write(root / path, content):
                changed.append(path)
        self._set_pages(feeds, changed, halt)
        paths |= {f"{one.path}/{_PAGE}" for one in feeds}
        removed = settle(root, paths)
        self._whole = True
        self._owe(changed)
        return Published(files=len(paths), changed=tuple(changed), removed=removed)

    def _owe(self, changed: Sequence[str]) -> None:
        """Note of which documents the hub is to be told: those of feeds, not of their archives."""
        self.hub.owe(
            f"{self.catalogue.base}/{path}"
            for path in changed
            if path.rpartition("/")[2] in publish.MEDIA_TYPES and "/archive/" not in path
        )

    def _take(self, writer: Writer, halt: Halt) -> tuple[list[Standing], set[tuple[str, int]]]:
        """Every feed as it stands now, and the archive pages (folder, number) that are new or lost an entry."""
        kept = self._store.feeds
        pages: set[tuple[str, int]] = set()
        with self._store.transaction():
            kept.serialize()
            moved = list(halt.each(self._moves()))
            if kept.marks().get("", self.catalogue.base) != self.catalogue.base:
                kept.forget()
            kept.mark("", self.catalogue.base)
            journal = Journal(map(publish.loaded, kept.entries()))
            changed = journal.take(moved, self.catalogue.scribe, self._public)
            kept.keep((told.entry.id, publish.dumped(told)) for told in changed)
            for one in moved:
                kept.mark(one.edition, str(one.revisions[-1].number if one.revisions else 0))
            for told in halt.each(changed):
                if told.gone:
                    pages |= self._withdraw(told)
            shelves = {
                page.folder: Shelf(pages=page.number, through=page.through) for page in kept.pages()
            }  # by number: the last one of a folder counts
            feeds = self.catalogue.feeds(journal, shelves)
            for feed in halt.each(feeds):
                for page in halt.each(feed.pages):
                    place = PageKept(folder=feed.path, number=page.number, through=page.through)
                    kept.add_page(place, page.ids, dict(writer.documents(page.feed)))
                    pages.add((feed.path, page.number))
        return feeds, pages

    def _withdraw(self, told: Told) -> set[tuple[str, int]]:
        """Take an entry out of the archive pages in which it stands; which these are."""
        places = self._store.feeds.pages_with(told.entry.id)
        for folder, number in places:
            documents = self._store.feeds.page(folder, number)
            bare = {name: publish.without(name, content, told.tombstone) for name, content in documents.items()}
            self._store.feeds.rewrite_page(folder, number, bare)
        return set(places)

    def _missing(self, root: Path) -> set[tuple[str, int]]:
        return {
            (page.folder, page.number)
            for page in self._store.feeds.pages()
            if not all((root / page.folder / f"archive/{page.number}" / name).exists() for name in publish.MEDIA_TYPES)
        }

    def _documents(self, feeds: Sequence[Standing], writer: Writer) -> Iterator[tuple[str, bytes]]:
        for one in feeds:
            for name, content in writer.documents(one.feed):
                yield f"{one.path}/{name}", content
        groups: dict[str, list[Feed]] = {}
        for one in feeds:
            groups.setdefault(self.catalogue.word(one.group), []).append(one.feed)
        yield _LIST, publish.opml(self._settings.publication.title, groups)
        yield _SHEET, self._renderer.source("web/style.css").encode()

    # ---- pages for people

    def _set_pages(self, feeds: Sequence[Standing], changed: list[str], halt: Halt) -> None:
        """Write the pages beside the feeds that changed, or that have none; `changed` gets the paths of these."""
        root, moved = self._settings.state, frozenset(changed)
        for one in halt.each(feeds):
            path = f"{one.path}/{_PAGE}"
            known = self._whole and (root / path).exists()
            its = {f"{one.path}/{publish.ATOM}"} | ({_LIST} if one.path == "feeds" else set())
            if not (known and its.isdisjoint(moved)) and write(root / path, self._page(one, feeds).encode()):
                changed.append(path)

    def _page(self, one: Standing, feeds: Sequence[Standing]) -> str:
        groups: list[FeedGroupView] = []
        start = f"{self._settings.publication.title} – "
        if one.path == "feeds":
            for name in dict.fromkeys(each.group for each in feeds):
                lines = [
                    FeedLinkView(
                        name=each.feed.title.removeprefix(start),
                        href=f"{each.path.removeprefix('feeds').lstrip('/')}/".lstrip("/"),
                    )
                    for each in feeds
                    if each.group == name and each.path != "feeds"
                ]
                if lines:
                    groups.append(FeedGroupView(name=self.catalogue.word(name), feeds=tuple(lines)))
        view = FeedPageView(
            title=one.feed.title,
            address=f"{one.feed.folder}/",
            home=f"{self.catalogue.base}/",
            up="../" * one.path.count("/"),
            formats=tuple((title, name, publish.MEDIA_TYPES[name]) for title, name in _FORMATS),
            entries=tuple(
                FeedEntryView(
                    title=entry.title,
                    href=entry.url,
                    author=entry.author,
                    date=entry.published.date().isoformat(),
                    language=entry.language,
                )
                for entry in one.feed.entries
            ),
        )
        return self._renderer.page("feeds/page.html", {"feed": view, "groups": tuple(groups)})

    # ---- elsewhere

    def mirror(self, folder: Path) -> Published:
        """Publish, and write the same files into another folder, for a CDN; files that are the same are not touched.

        What we wrote there before and is published no more is removed; nothing else is.

        Raises:
            ConfigError: the folder cannot be written.
        """
        self.publish()
        root = self._settings.state
        paths = written(root)
        try:
            changed = tuple(path for path in paths if copy(root / path, folder / path))
            removed = settle(folder, set(paths))
        except OSError as error:
            raise ConfigError(f"{error.filename or folder}: {error.strerror} (name a folder to write to)") from error
        return Published(files=len(paths), changed=changed, removed=removed)

    def lines(self) -> list[FeedLine]:
        """Every feed as it was last published."""
        journal = Journal(map(publish.loaded, self._store.feeds.entries()))
        shelves = {page.folder: Shelf(pages=page.number, through=page.through) for page in self._store.feeds.pages()}
        return [
            FeedLine(
                group=one.group,
                path=one.path,
                title=one.feed.title,
                address=f"{one.feed.folder}/{publish.ATOM}",
                entries=len(one.feed.entries),
                pages=shelves.get(one.path, Shelf()).pages,
                updated=None if one.feed.updated == publish.NEVER else one.feed.updated,
            )
            for one in self.catalogue.feeds(journal, shelves)
        ]

    def own_feed(self, digest: str, preferences: Preferences, address: str) -> tuple[bytes, datetime]:
        """A reader's own feed: stories of the latest editions of a digest that their selection takes.

        Args:
            digest: key of the digest.
            preferences: as for copies: regions AND themes.
            address: where the feed stands; it holds the reader's token.

        Returns:
            The Atom document, and when anything in it last changed.
        """
        wanted: dict[str, None] = {}
        names = [name for name in self._store.editions.approvals(PUBLIC) if name.startswith(f"{digest}-")]
        for name in names[:_OWN_EDITIONS]:
            edition = self._store.editions.approved(name).edition
            if edition.digest == digest and not isinstance(
                chosen := select(edition, preferences, self._places), Skipped
            ):
                wanted |= dict.fromkeys(item.story.key for item in chosen.items)
        scribe = self.catalogue.scribe
        rows = self._store.feeds.entries([scribe.id(publish.STORIES, key) for key in wanted])
        told = [one for one in map(publish.loaded, rows) if not one.gone]
        feed = self.catalogue.own(told, address=address, title=self._settings.digest(digest).title)
        return Writer(cleaned=True).atom(feed), feed.updated

    def owe_all(self) -> None:
        """Note that the hub is to be told of every feed anew."""
        if self._settings.feeds.hub:
            addresses = [line.address.rpartition("/")[0] for line in self.lines()]
            self.hub.owe(f"{address}/{name}" for address in addresses for name in publish.MEDIA_TYPES)

    @contextmanager
    def _alone(self, halt: Halt) -> Iterator[None]:
        """Wait for another process that publishes, and keep others out."""
        with ExitStack() as held:
            until = time.monotonic() + _PATIENCE
            while True:
                try:
                    held.enter_context(self._store.hold(_HOLD))
                    break
                except Busy:
                    halt.check()
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.1)
            yield
