"""Which feeds a publication has, and what stands in them. docs/feeds.md lists them.

feeds/{atom.xml,rss.xml,feed.json}              its stories
feeds/editions/...                              its editions
feeds/regions/<code>/...                        stories about what lies in a region
feeds/themes/<id>/...                           stories of a theme
feeds/sections/<digest>/<key>/...               what stood under the heading of a pair, such as China and Israel
feeds/index.opml                                all of them, for a reader to import
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from digest.clean import canonical_url
from digest.model import DigestRule, EditionState, Item, Publication, Revision, Role, Theme
from digest.places import Level, Places
from digest.publish.documents import Writer, opml
from digest.publish.entries import Scribe, named
from digest.publish.feed import ATOM, JSON, RSS, Entry, Feed

_LEVELS = (Level.GROUPING, Level.COUNTRY, Level.DIVISION)  # a city or a continent has a feed only as a section
_HIDDEN = frozenset({EditionState.CANCELLED, EditionState.SKIPPED})
_WORDS: Mapping[str, Mapping[str, str]] = {
    "stories": {"en": "Stories", "zh": "新闻"},
    "editions": {"en": "Editions", "zh": "各期"},
    "regions": {"en": "Regions", "zh": "地区"},
    "themes": {"en": "Themes", "zh": "主题"},
    "sections": {"en": "Sections", "zh": "栏目"},
}


@dataclass(frozen=True, kw_only=True)
class _Told:
    """A story as it stands now: its entry, and what it belongs to."""

    entry: Entry
    regions: frozenset[str]  # primary and counterpart
    themes: frozenset[str]
    sections: frozenset[str]  # "<digest>/<section>" of the editions that carry it


def catalogue(
    publication: Publication,
    revisions: Iterable[Revision],
    *,
    places: Places,
    themes: Sequence[Theme] = (),
    digests: Sequence[DigestRule] = (),
    limit: int = 100,
    edition_url: Callable[[str], str] | None = None,
    story_url: Callable[[str], str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Every document that a publication publishes, as (path, bytes). Paths are relative, with slashes.

    The same revisions give the same bytes, in whatever order they come.

    Args:
        publication: who publishes.
        revisions: all revisions of the editions whose stories the feeds can hold, superseded ones too: they tell when
            a story last changed. What was not approved, or was cancelled, is passed over.
        places: the tree of regions.
        themes: the taxonomy, in its order; each theme has a feed, even while it is empty.
        digests: the digests; each section's region or pair has a feed, even while it is empty.
        limit: the most entries in one feed.
        edition_url: id of an edition -> its page; `<publication.url>/editions/<id>` when None.
        story_url: key of a story -> its page, for articles without a page of their own;
            `<publication.url>/stories/<key>` when None.
    """
    base = (canonical_url(publication.url) or publication.url).rstrip("/")
    scribe = Scribe(
        publication=publication,
        places=places,
        themes={theme.id: theme.names for theme in themes},
        edition_url=edition_url or (lambda edition: f"{base}/editions/{quote(edition, safe='')}"),
        story_url=story_url or (lambda story: f"{base}/stories/{quote(story, safe='')}"),
    )
    histories = _histories(revisions)
    told = _stories(histories, scribe)
    tags = frozenset().union(*(one.regions for one in told))

    def feed(folder: str, title: str, entries: Iterable[Entry]) -> Feed:
        newest = sorted(entries, key=lambda entry: entry.published, reverse=True)  # stable: ties stay in order
        return Feed(
            id=scribe.id("feeds", folder),
            folder="/".join(part for part in (base, "feeds", folder) if part),
            url=f"{base}/",
            title=" – ".join(part for part in (publication.title, title) if part),
            subtitle=publication.tagline,
            author=publication.sender_name or publication.title,
            rights=publication.copyright,
            language=publication.language,
            entries=tuple(newest[:limit]),
        )

    def about(code: str) -> Iterator[Entry]:
        inside = {tag for tag in tags if places.within(tag, code)}
        return (one.entry for one in told if not inside.isdisjoint(one.regions))

    groups = {
        "stories": [feed("", "", (one.entry for one in told))],
        "editions": [feed("editions", _word("editions", publication), _editions(histories, scribe))],
        "sections": [
            feed(f"sections/{_slug(digest.key)}/{_slug(section.key)}", title, entries)
            for digest in digests
            for section in digest.sections
            if section.pair is not None
            for title in [named(section.names, publication.language) or " – ".join(map(scribe.region, section.pair))]
            for entries in [(one.entry for one in told if f"{digest.key}/{section.key}" in one.sections)]
        ],
        "regions": [
            feed(f"regions/{_slug(code)}", scribe.region(code), about(code)) for code in _regions(tags, digests, places)
        ],
        "themes": [
            feed(f"themes/{_slug(theme.id)}", scribe.theme(theme.id), entries)
            for theme in themes
            for entries in [(one.entry for one in told if theme.id in one.themes)]
        ],
    }
    writer = Writer()
    for one in (one for feeds in groups.values() for one in feeds):
        folder = one.folder.removeprefix(f"{base}/")
        yield f"{folder}/{ATOM}", writer.atom(one)
        yield f"{folder}/{RSS}", writer.rss(one)
        yield f"{folder}/{JSON}", writer.json_feed(one)
    yield "feeds/index.opml", opml(publication.title, {_word(key, publication): feeds for key, feeds in groups.items()})


def _histories(revisions: Iterable[Revision]) -> tuple[tuple[Revision, ...], ...]:
    """The approved revisions of each public edition, oldest first; the last of each is what is public now."""
    editions: dict[str, list[Revision]] = {}
    for revision in sorted(revisions, key=lambda revision: (revision.edition.id, revision.number)):
        editions.setdefault(revision.edition.id, []).append(revision)
    histories = [
        tuple(revision for revision in history if revision.approved is not None)
        for history in editions.values()
        if history[-1].state not in _HIDDEN
    ]
    return tuple(history for history in histories if history)


def _approved(revision: Revision) -> datetime:
    """When a revision of a history became public."""
    return revision.approved or revision.created


def _stories(histories: Iterable[Sequence[Revision]], scribe: Scribe) -> Sequence[_Told]:
    """Every story that an edition carries now, once, as it was last published."""
    histories = tuple(histories)
    carried: dict[str, set[str]] = {}
    for current in (history[-1].edition for history in histories):
        for section in current.sections:
            for item in section.items:
                carried.setdefault(item.story.key, set()).add(f"{current.digest}/{section.key}")
    told: dict[str, tuple[Entry, Item]] = {}
    timeline = sorted(
        (revision for history in histories for revision in history),
        key=lambda revision: (_approved(revision).astimezone(UTC), revision.edition.id, revision.number),
    )
    for revision in timeline:
        for item in revision.edition.items:
            if (key := item.story.key) in carried:
                entry = scribe.story(item, _approved(revision))
                told[key] = (_since(told[key][0] if key in told else None, entry), item)
    return tuple(
        _Told(
            entry=entry,
            regions=frozenset(item.story.judgement.places(Role.PRIMARY, Role.COUNTERPART)),
            themes=frozenset({item.theme, *(tag.theme for tag in item.story.judgement.themes)}),
            sections=frozenset(carried[key]),
        )
        for key, (entry, item) in sorted(told.items())
    )


def _since(before: Entry | None, entry: Entry) -> Entry:
    """The entry, updated only if it says something else than before."""
    return before if before is not None and replace(entry, updated=before.updated) == before else entry


def _editions(histories: Iterable[Sequence[Revision]], scribe: Scribe) -> Iterator[Entry]:
    """The entry of each public edition; the newest period first."""
    for history in sorted(histories, key=lambda history: history[0].edition.period.end, reverse=True):
        began = _approved(history[0])
        entry = scribe.edition(history[0].edition, began, began)
        for revision in history[1:]:
            entry = _since(entry, scribe.edition(revision.edition, began, _approved(revision)))
        yield entry


def _regions(tags: frozenset[str], digests: Iterable[DigestRule], places: Places) -> Sequence[str]:
    """The regions with a feed: those of the sections, then groupings, countries and divisions that have stories."""
    sections = [section.region for digest in digests for section in digest.sections if section.region]
    known = {place.code: place for tag in tags if (place := places.find(tag)) is not None}
    around = {code for place in known.values() for code in (place.code, *places.parents(place.code))}
    groupings = [place.code for place in places if place.level is Level.GROUPING]
    around.update(code for code in groupings if any(places.within(tag, code) for tag in tags))
    ranked = sorted(
        (_LEVELS.index(place.level), place.code)
        for place in map(places.find, around)
        if place is not None and place.level in _LEVELS
    )
    canonical = [place.code if (place := places.find(code)) is not None else code for code in sections]
    return tuple(dict.fromkeys((*canonical, *(code for _, code in ranked))))


def _slug(name: str) -> str:
    """A name as one segment of a path, safe for files and URLs."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def _word(key: str, publication: Publication) -> str:
    return named(_WORDS[key], publication.language)
