"""Feeds as documents: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, with archives (RFC 5005) and tombstones (RFC 6721).

feedgen writes Atom and RSS; what it does not know is in extensions.py (docs/decisions/0075). The bytes of a document
depend on the feed alone: no clock, no version of a library, no locale. Whatever the texts hold, a document is written:
control characters, lone surrogates and unsafe markup are left out, and a link that is no web address is not written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.ext.dc import DcEntryExtension, DcExtension
from feedgen.feed import FeedGenerator

from digest.publish.cleaned import cleaned_entry, cleaned_feed
from digest.publish.extensions import Detail, History, Moment, Tombstones, Unsaid, rfc3339
from digest.publish.feed import ATOM, JSON, RSS, Entry, Feed, Tombstone

MEDIA_TYPES: Mapping[str, str] = {
    ATOM: "application/atom+xml",
    RSS: "application/rss+xml",
    JSON: "application/feed+json",
}
"""Of the formats, by file name."""

_GENERATOR = "Digest"
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


class Writer:
    """Writes many feeds; an entry that stands in several is prepared once per format. Not for several threads.

    Args:
        cleaned: whether entries are safe already: those that a journal keeps were cleaned when they came.
    """

    def __init__(self, *, cleaned: bool = False) -> None:
        self._cleaned_before = cleaned
        self._safe: dict[Entry, Entry] = {}
        self._built: dict[Entry, _Built] = {}

    def documents(self, feed: Feed) -> Iterator[tuple[str, bytes]]:
        """The feed in each format, with its file name."""
        feed = self._cleaned(feed)
        yield ATOM, self._atom(feed)
        yield RSS, self._rss(feed)
        yield JSON, self._json(feed)

    def atom(self, feed: Feed) -> bytes:
        """The feed as Atom 1.0 (RFC 4287)."""
        return self._atom(self._cleaned(feed))

    def rss(self, feed: Feed) -> bytes:
        """The feed as RSS 2.0, with Dublin Core for authors and an Atom link to itself."""
        return self._rss(self._cleaned(feed))

    def json_feed(self, feed: Feed) -> bytes:
        """The feed as JSON Feed 1.1."""
        return self._json(self._cleaned(feed))

    def _cleaned(self, feed: Feed) -> Feed:
        if self._cleaned_before:
            return cleaned_feed(feed, feed.entries)
        for entry in feed.entries:
            if entry not in self._safe:
                self._safe[entry] = cleaned_entry(entry)
        return cleaned_feed(feed, (self._safe[entry] for entry in feed.entries))

    def _atom(self, feed: Feed) -> bytes:
        document: bytes = self._generator(feed, ATOM).atom_str(pretty=True, xml_declaration=False)
        return _XML + document

    def _rss(self, feed: Feed) -> bytes:
        document: bytes = self._generator(feed, RSS).rss_str(pretty=True, xml_declaration=False)
        return _XML + document

    def _generator(self, feed: Feed, name: str) -> FeedGenerator:
        return _frame(feed, name, map(self._entry, feed.entries))

    def _entry(self, entry: Entry) -> _Built:
        built = self._built.get(entry)
        if built is None:
            built = self._built[entry] = _entry(entry)
        return built

    def _json(self, feed: Feed) -> bytes:
        document = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.url,
            "feed_url": f"{feed.folder}/{JSON}",
            **({"next_url": f"{feed.older}/{JSON}"} if feed.older else {}),
            "description": feed.subtitle,
            "authors": [{"name": feed.author}],
            "language": feed.language,
            **({"hubs": [{"type": "WebSub", "url": feed.hub}]} if feed.hub else {}),
            "items": [_json_item(entry) for entry in feed.entries],
        }
        return _dumped(document)


def atom(feed: Feed) -> bytes:
    """One feed as Atom 1.0 (RFC 4287)."""
    return Writer().atom(feed)


def rss(feed: Feed) -> bytes:
    """One feed as RSS 2.0."""
    return Writer().rss(feed)


def json_feed(feed: Feed) -> bytes:
    """One feed as JSON Feed 1.1."""
    return Writer().json_feed(feed)


def without(name: str, document: bytes, gone: Tombstone) -> bytes:
    """A document of ours without what was withdrawn; all other bytes stay. Atom gets a tombstone.

    Args:
        name: the document's file name, which tells its format.
        document: what `Writer` wrote.
        gone: what was withdrawn.
    """
    if name == JSON:
        loaded = json.loads(document)
        loaded["items"] = [item for item in loaded["items"] if item["id"] != gone.id]
        return _dumped(loaded)
    text, own = document.decode(), escape(gone.id, quote=False)
    tag, mark = ("item", f">{own}</guid>") if name == RSS else ("entry", f"<id>{own}</id>")
    place = text.find(mark)  # in texts, "<" is escaped
    if place < 0:
        return document
    start, end = text.rindex(f"<{tag}", 0, place), text.index(f"</{tag}>", place) + len(f"</{tag}>")
    if name == RSS:
        return (text[:start].rstrip() + text[end:]).encode()
    # The schema of RFC 4287 wants entries last: a tombstone stands where feedgen puts those that are known before.
    head = text[: text.index("<entry")].rstrip()
    stone = f'\n  <at:deleted-entry ref="{escape(gone.id)}" when="{rfc3339(gone.when)}"/>'
    return (head + stone + text[len(head) : start].rstrip() + text[end:]).encode()


# --------------------------------------------------------------------------------------------------------------
# Atom and RSS, by feedgen


class _Built(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An entry that feedgen builds once per format, however many feeds it stands in.

    A feed takes the element itself, out of the feed that had it before: that one is written already.
    """

    def __init__(self) -> None:
        super().__init__()
        self._elements: dict[str, Any] = {}

    def atom_entry(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        """The element, for one feed to take."""
        if ATOM not in self._elements:
            self._elements[ATOM] = super().atom_entry(extensions)
        return self._elements[ATOM]

    def rss_entry(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        """The element, for one feed to take."""
        if RSS not in self._elements:
            self._elements[RSS] = super().rss_entry(extensions)
        return self._elements[RSS]


def _entry(entry: Entry) -> _Built:
    """An entry for feedgen to build in both formats."""
    made = _Built()
    made.register_extension("dc", DcEntryExtension, atom=False)
    made.register_extension("detail", Detail)
    made.id(entry.id)
    made.title(entry.title)
    made.updated(Moment.of(entry.updated))
    if entry.url:
        made.link(href=entry.url, rel="alternate", type="text/html")
    for one in entry.related:
        made.link(href=one.url, rel="related", title=one.title)
    if entry.author:
        made.author(name=entry.author)
        made.dc.dc_creator(entry.author)  # RSS has only addresses for authors
    if entry.language:
        made.dc.dc_language(entry.language)
    for category in entry.categories:
        made.category(term=category.term, scheme=category.scheme, label=category.label)
    if entry.summary:
        # RSS says of a description that it is HTML: a summary is text, and is escaped once more than in Atom.
        made.description(escape(entry.summary, quote=False))
        made.summary(entry.summary)
    made.content(entry.html, type="html")
    detail: Detail = made.detail
    detail.published, detail.updated, detail.language = entry.published, entry.updated, entry.language
    detail.regions = [one.label for one in entry.categories if one.spatial]
    detail.links = made.link() or ()
    return made


def _frame(feed: Feed, name: str, entries: Iterable[FeedEntry]) -> FeedGenerator:
    """A feed for feedgen to write."""
    made = FeedGenerator()
    made.register_extension("history", History)
    made.register_extension("tombstones", Tombstones, rss=False)
    made.register_extension("dc", DcExtension, atom=False)
    made.id(feed.id)
    made.title(feed.title)
    made.subtitle(feed.subtitle)
    made.updated(Moment.of(feed.updated) if name == ATOM else Unsaid.of(feed.updated))
    made.author(name=feed.author)
    if feed.rights:
        made.rights(feed.rights)
    made.language(feed.language)
    made.generator(_GENERATOR)
    made.docs("")  # where RSS is told of helps nobody who reads it
    made.link([*_relations(feed, name), {"rel": "alternate", "type": "text/html", "href": feed.url}])
    history: History = made.history
    history.updated, history.links = feed.updated, made.link()
    history.archive, history.complete = bool(feed.current), feed.complete and not feed.current
    made.tombstones.gone = feed.gone
    for entry in entries:
        made.add_entry(entry, order="append")
    return made


def _relations(feed: Feed, name: str) -> Iterator[dict[str, str]]:
    """Where the document stands among the feed's (RFC 5005), and who tells of changes (WebSub).

    A page names the one before it and none after it: the one after it is not there yet when it is written, and a page
    that is written does not change. The server names that one in a header.
    """

    def link(rel: str, href: str) -> dict[str, str]:
        return {"rel": rel, "type": MEDIA_TYPES[name], "href": href}

    yield link("self", feed.address or f"{feed.folder}/{name}")
    if feed.current:
        yield link("current", f"{feed.current}/{name}")
        yield link("first", f"{feed.current}/{name}")
    if feed.older:
        yield link("prev-archive", f"{feed.older}/{name}")
        yield link("next", f"{feed.older}/{name}")
    if feed.hub:
        yield {"rel": "hub", "href": feed.hub}


# --------------------------------------------------------------------------------------------------------------
# JSON


def _json_item(entry: Entry) -> Mapping[str, object]:
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "summary": entry.summary,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": [{"name": entry.author}] if entry.author else [],
        "tags": list(dict.fromkeys(category.label for category in entry.categories)),
        "language": entry.language,
    }
    return {key: value for key, value in item.items() if value}


def _dumped(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"
