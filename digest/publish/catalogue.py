"""Which feeds a publication has, and what stands in them. docs/feeds.md lists them.

feeds/{atom.xml,rss.xml,feed.json}              its stories
feeds/editions/...                              its editions
feeds/regions/<code>/...                        stories about what lies in a region
feeds/themes/<id>/...                           stories of a theme
feeds/sections/<digest>/<key>/...               what stood under the heading of a pair, such as China and Israel
feeds/<...>/archive/<number>/...                what each of them showed before, page by page
feeds/index.opml                                all of them, for a reader to import
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from digest.clean import canonical_url
from digest.model import DigestRule, Publication, Theme
from digest.places import Level, Places
from digest.publish.entries import Scribe, named
from digest.publish.feed import NEVER, Feed
from digest.publish.journal import EDITIONS, STORIES, Told

_LEVELS = (Level.GROUPING, Level.COUNTRY, Level.DIVISION)  # a city or a continent has a feed only as a section
_WORDS: Mapping[str, Mapping[str, str]] = {
    "stories": {"en": "Stories", "zh": "新闻"},
    "editions": {"en": "Editions", "zh": "各期"},
    "regions": {"en": "Regions", "zh": "地区"},
    "themes": {"en": "Themes", "zh": "主题"},
    "sections": {"en": "Sections", "zh": "栏目"},
}


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The archive of a feed: how many pages it has, and up to when they tell (`updated` of the last entry)."""

    pages: int = 0
    through: datetime = NEVER


@dataclass(frozen=True, kw_only=True)
class Page:
    """A new archive page: its number, up to when it tells, the ids that stand in it, and what is to be written."""

    number: int
    through: datetime
    ids: tuple[str, ...]
    feed: Feed


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A feed as it stands now: its group ("regions"), its path, its subscription document, and new archive pages."""

    group: str
    path: str  # "feeds/regions/CN"
    feed: Feed
    pages: tuple[Page, ...]


class Catalogue:
    """The feeds of one publication.

    Args:
        publication: who publishes.
        places: the tree of regions.
        themes: the taxonomy, in its order; each theme has a feed, even while it is empty.
        digests: the digests; each section's region or pair has a feed, even while it is empty.
        limit: the most entries in a subscription document.
        hub: address of a WebSub hub; "" for none.
        edition_url: id of an edition -> its page; `<publication.url>/editions/<id>` when None.
        story_url: key of a story -> its page, for articles without a page of their own;
            `<publication.url>/stories/<key>` when None.
    """

    def __init__(
        self,
        publication: Publication,
        *,
        places: Places,
        themes: Sequence[Theme] = (),
        digests: Sequence[DigestRule] = (),
        limit: int = 100,
        hub: str = "",
        edition_url: Callable[[str], str] | None = None,
        story_url: Callable[[str], str] | None = None,
    ) -> None:
        self._publication = publication
        self._places = places
        self._themes = themes
        self._digests = digests
        self._limit = limit
        self._hub = hub
        self._groupings = [place.code for place in places if place.level is Level.GROUPING]
        self.base = (canonical_url(publication.url) or publication.url).rstrip("/")
        self.scribe = Scribe(
            publication=publication,
            places=places,
            themes={theme.id: theme.names for theme in themes},
            edition_url=edition_url or (lambda edition: f"{self.base}/editions/{quote(edition, safe='')}"),
            story_url=story_url or (lambda story: f"{self.base}/stories/{quote(story, safe='')}"),
        )

    def word(self, group: str) -> str:
        """The heading of a group of feeds, in the publication's language."""
        return named(_WORDS[group], self._publication.language)

    def feeds(self, journal: Iterable[Told], shelves: Mapping[str, Shelf]) -> list[Standing]:
        """Every feed as it stands now. The same journal and shelves give the same feeds.

        Args:
            journal: every entry that has been public, the newest first.
            shelves: path of a feed -> its archive, for those that have one.
        """
        told = tuple(journal)
        stories = [one for one in told if one.kind == STORIES]
        by_region: dict[str, set[str]] = {}
        by_theme: dict[str, list[Told]] = {}
        by_section: dict[str, list[Told]] = {}
        for one in stories:
            for code in one.regions:
                by_region.setdefault(code, set()).add(one.entry.id)
            for theme in one.themes:
                by_theme.setdefault(theme, []).append(one)
            for section in dict.fromkeys(one.carriers.values()):
                by_section.setdefault(section, []).append(one)
        tags = frozenset(by_region)

        def about(code: str) -> list[Told]:
            ids = set[str]().union(*(by_region[tag] for tag in tags if self._places.within(tag, code)))
            return [one for one in stories if one.entry.id in ids]

        def standing(group: str, name: str, title: str, entries: Sequence[Told]) -> Standing:
            return self._standing(group, name, title, entries, shelves)

        language = self._publication.language
        return [
            standing("stories", "", "", stories),
            standing("editions", "editions", self.word("editions"), [one for one in told if one.kind == EDITIONS]),
            *(
                standing(
                    "sections",
                    f"sections/{slug(digest.key)}/{slug(section.key)}",
                    named(section.names, language) or " – ".join(map(self.scribe.region, section.pair)),
                    by_section.get(f"{digest.key}/{section.key}", []),
                )
                for digest in self._digests
                for section in digest.sections
                if section.pair is not None
            ),
            *(
                standing("regions", f"regions/{slug(code)}", self.scribe.region(code), about(code))
                for code in self._regions(tags)
            ),
            *(
                standing("themes", f"themes/{slug(theme.id)}", self.scribe.theme(theme.id), by_theme.get(theme.id, []))
                for theme in self._themes
            ),
        ]

    def own(self, entries: Iterable[Told], *, address: str, title: str) -> Feed:
        """The feed of one reader's selection.

        Args:
            entries: what stands in it, in any order.
            address: where its Atom document stands. Its id comes from it, so it is as private.
            title: what is added to the publication's.
        """
        rows = sorted(entries, key=lambda one: one.entry.updated, reverse=True)
        name = hashlib.sha256(address.encode()).hexdigest()[:32]
        feed = self._feed(self.scribe.id("feeds/own", name), address.rpartition("/")[0], title, rows[: self._limit])
        return replace(feed, address=address)

    # ---- one feed

    def _standing(
        self, group: str, name: str, title: str, told: Sequence[Told], shelves: Mapping[str, Shelf]
    ) -> Standing:
        path = "/".join(part for part in ("feeds", name) if part)
        folder = f"{self.base}/{path}"
        shelf = shelves.get(path, Shelf())
        feed_id = self.scribe.id("feeds", name)
        rows = [one for one in told if one.entry.updated > shelf.through]
        pages: list[Page] = []
        while len(rows) > self._limit:
            # Half a document at a time: what has just come stays in the subscription document for a while.
            size = max(1, self._limit // 2)
            cut, rows = rows[-size:], rows[:-size]
            number = shelf.pages + 1
            feed = self._feed(feed_id, f"{folder}/archive/{number}", title, cut)
            pages.append(
                Page(
                    number=number,
                    through=cut[0].entry.updated,
                    ids=tuple(one.entry.id for one in cut),
                    feed=replace(feed, current=folder, older=f"{folder}/archive/{shelf.pages}" if shelf.pages else ""),
                )
            )
            shelf = Shelf(pages=number, through=cut[0].entry.updated)
        feed = replace(
            self._feed(feed_id, folder, title, rows),
            hub=self._hub,
            older=f"{folder}/archive/{shelf.pages}" if shelf.pages else "",
            complete=not shelf.pages,
        )
        return Standing(group=group, path=path, feed=feed, pages=tuple(pages))

    def _feed(self, feed_id: str, folder: str, title: str, rows: Iterable[Told]) -> Feed:
        rows = tuple(rows)
        publication = self._publication
        return Feed(
            id=feed_id,
            folder=folder,
            url=f"{self.base}/",
            title=" – ".join(part for part in (publication.title, title) if part),
            subtitle=publication.tagline,
            author=publication.sender_name or publication.title,
            rights=publication.copyright,
            language=publication.language,
            entries=tuple(one.entry for one in rows if not one.gone),
            gone=tuple(one.tombstone for one in rows if one.gone),
        )

    def _regions(self, tags: frozenset[str]) -> Sequence[str]:
        """The regions with a feed: those of the sections, then groupings, countries and divisions that have stories."""
        sections = [section.region for digest in self._digests for section in digest.sections if section.region]
        find, within = self._places.find, self._places.within
        known = {place.code: place for tag in tags if (place := find(tag)) is not None}
        around = {code for place in known.values() for code in (place.code, *self._places.parents(place.code))}
        around.update(code for code in self._groupings if any(within(tag, code) for tag in tags))
        ranked = sorted(
            (_LEVELS.index(place.level), place.code)
            for place in map(find, around)
            if place is not None and place.level in _LEVELS
        )
        canonical = [place.code if (place := find(code)) is not None else code for code in sections]
        return tuple(dict.fromkeys((*canonical, *(code for _, code in ranked))))


def slug(name: str) -> str:
    """A name as one segment of a path, safe for files and URLs."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)
