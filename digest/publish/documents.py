"""Feeds as documents: Atom (RFC 4287), RSS 2.0, JSON Feed 1.1, and OPML 2.0 of many feeds.

The bytes of a document depend on the feed alone: no clock, no version of a library, no locale. Whatever the texts
hold, a document is written: control characters, lone surrogates and unsafe markup are left out, and a link that is no
web address is not written.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, TypeVar

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from digest.clean import canonical_url, plain, safe_html
from digest.publish.feed import ATOM, JSON, NEVER, RSS, Entry, Feed

_GENERATOR = "Digest"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_UNTITLED = "—"


class Writer:
    """Writes many feeds; an entry that stands in several is prepared once per format. Not for several threads."""

    def __init__(self) -> None:
        self._atom: dict[Entry, _AtomEntry] = {}
        self._rss: dict[Entry, _RssItem] = {}
        self._json: dict[Entry, Mapping[str, object]] = {}

    def atom(self, feed: Feed) -> bytes:
        """The feed as Atom 1.0 (RFC 4287)."""
        entries = [_kept(self._atom, entry, _atom_entry) for entry in _distinct(feed)]
        document: bytes = _frame(feed, ATOM, entries).atom_str()
        return document + b"\n"

    def rss(self, feed: Feed) -> bytes:
        """The feed as RSS 2.0, with Dublin Core for authors and an Atom link to itself."""
        items = [_kept(self._rss, entry, _rss_item) for entry in _distinct(feed)]
        document: bytes = _frame(feed, RSS, items).rss_str()
        return document + b"\n"

    def json_feed(self, feed: Feed) -> bytes:
        """The feed as JSON Feed 1.1."""
        document: dict[str, object] = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": _title(feed.title),
            "home_page_url": canonical_url(feed.url),
            "feed_url": f"{feed.folder}/{JSON}",
            "description": plain(feed.subtitle),
            "authors": [{"name": plain(feed.author)}] if plain(feed.author) else [],
            "language": _language(feed.language),
            "items": [_kept(self._json, entry, _json_item) for entry in _distinct(feed)],
        }
        # An empty array of items is content; other empty members say nothing.
        kept = {key: value for key, value in document.items() if value or key == "items"}
        return json.dumps(kept, ensure_ascii=False, indent=1).encode() + b"\n"


def atom(feed: Feed) -> bytes:
    """One feed as Atom 1.0 (RFC 4287)."""
    return Writer().atom(feed)


def rss(feed: Feed) -> bytes:
    """One feed as RSS 2.0."""
    return Writer().rss(feed)


def json_feed(feed: Feed) -> bytes:
    """One feed as JSON Feed 1.1."""
    return Writer().json_feed(feed)


def opml(title: str, groups: Mapping[str, Iterable[Feed]]) -> bytes:
    """An OPML 2.0 list of feeds under headings; a reader imports it and follows the Atom documents.

    Args:
        title: what the list is called.
        groups: heading -> its feeds, in order. Groups without feeds are left out.
    """
    lists = {heading: tuple(feeds) for heading, feeds in groups.items()}
    newest = max((feed.updated for feeds in lists.values() for feed in feeds), default=NEVER)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        "<head>",
        f"<title>{escape(_title(title))}</title>",
        f"<dateModified>{_rfc822(newest)}</dateModified>",
        "</head>",
        "<body>",
    ]
    for heading, feeds in lists.items():
        if not feeds:
            continue
        lines.append(f'<outline text="{escape(_title(heading))}">')
        for feed in feeds:
            name = escape(_title(feed.title))
            lines.append(
                f'<outline type="rss" text="{name}" title="{name}" xmlUrl="{escape(feed.folder)}/{ATOM}"'
                f' htmlUrl="{escape(_page(feed))}"/>'
            )
        lines.append("</outline>")
    lines += ["</body>", "</opml>", ""]
    return "\n".join(lines).encode()


# --------------------------------------------------------------------------------------------------------------
# Atom and RSS, by feedgen


class _AtomEntry(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An Atom entry in its own language, built once and copied into each feed.

    feedgen 1.0.0 forgets every attribute of an entry's links but the address, which makes them all alternates; so the
    attributes are set here.
    """

    language = ""
    _built: Any = None

    def atom_entry(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        """The element."""
        if self._built is None:
            self._built = super().atom_entry(extensions)
            for element, link in zip(self._built.iterchildren("link"), self.link() or (), strict=True):
                for name in ("rel", "type", "title"):
                    if link.get(name):
                        element.set(name, link[name])
            if self.language:
                self._built.set(_XML_LANG, self.language)
        return copy.deepcopy(self._built)


class _RssItem(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An RSS item, built once and copied into each feed.

    feedgen formats dates by switching the locale of the whole process, which is not safe beside other threads; so the
    date is written here.
    """

    date = NEVER
    _built: Any = None

    def rss_entry(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        """The element."""
        if self._built is None:
            self._built = super().rss_entry(extensions)
            _add(self._built, len(self._built), "pubDate", _rfc822(self.date))
        return copy.deepcopy(self._built)


class _Generator(FeedGenerator):  # type: ignore[misc]  # feedgen has no types
    """feedgen's generator without its clock, its locale switching and its version."""

    def __init__(self, updated: datetime) -> None:
        super().__init__()
        self.updated(_utc(updated))
        self._date = _rfc822(updated)
        # What is set here feedgen formats by switching the locale, and it sets it to "now" by itself.
        self._FeedGenerator__rss_lastBuildDate = None
        self.generator(_GENERATOR)

    def _create_rss(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        root, document = super()._create_rss(extensions)
        _add(root[0], 3, "lastBuildDate", self._date)  # after title, link and description
        return root, document


def _frame(feed: Feed, name: str, entries: Iterable[FeedEntry]) -> _Generator:
    """A feed for feedgen to write."""
    generator = _Generator(feed.updated)
    if name == RSS:
        generator.load_extension("dc", atom=False)
    generator.id(feed.id)
    generator.title(_title(feed.title))
    generator.subtitle(plain(feed.subtitle) or _title(feed.title))
    if name == RSS:
        generator.description(plain(feed.subtitle) or _title(feed.title))
    generator.link(href=_page(feed), rel="alternate", type="text/html")
    media = "application/atom+xml" if name == ATOM else "application/rss+xml"
    generator.link(href=f"{feed.folder}/{name}", rel="self", type=media)
    generator.author(name=plain(feed.author) or _title(feed.title))
    if plain(feed.rights):
        generator.rights(plain(feed.rights))
    generator.language(_language(feed.language) or "en")
    for entry in entries:
        generator.add_entry(entry, order="append")
    return generator


def _atom_entry(entry: Entry) -> _AtomEntry:
    made = _AtomEntry()
    made.language = _language(entry.language)
    made.published(_utc(entry.published))
    if plain(entry.author):
        made.author(name=plain(entry.author))
    for other in entry.related:
        if url := canonical_url(other.url):
            made.link(href=url, rel="related", title=_title(other.title))
    _fill(made, entry)
    return made


def _rss_item(entry: Entry) -> _RssItem:
    made = _RssItem()
    made.date = entry.published
    made.load_extension("dc", atom=False)
    if plain(entry.author):
        made.dc.dc_creator(plain(entry.author))
    if _language(entry.language):
        made.dc.dc_language(_language(entry.language))
    _fill(made, entry)
    return made


def _fill(made: FeedEntry, entry: Entry) -> None:
    """What an entry has in both formats."""
    made.id(entry.id)
    made.title(_title(entry.title))
    made.updated(_utc(entry.updated))
    if url := canonical_url(entry.url):
        made.link(href=url, rel="alternate", type="text/html")
    if plain(entry.summary):
        made.summary(plain(entry.summary))
    made.content(_content(entry), type="html")
    for category in entry.categories:
        made.category(
            term=plain(category.term), scheme=category.scheme, label=plain(category.label) or plain(category.term)
        )


def _add(parent: Any, place: int, name: str, text: str) -> None:
    """Put an element with a text into another; feedgen's elements come from lxml, which lives in pickup."""
    element = parent.makeelement(name)
    element.text = text
    parent.insert(place, element)


# --------------------------------------------------------------------------------------------------------------
# JSON


def _json_item(entry: Entry) -> Mapping[str, object]:
    item: dict[str, object] = {
        "id": entry.id,
        "url": canonical_url(entry.url),
        "title": _title(entry.title),
        "content_html": _content(entry),
        "summary": plain(entry.summary),
        "date_published": _rfc3339(entry.published),
        "date_modified": _rfc3339(entry.updated),
        "authors": [{"name": plain(entry.author)}] if plain(entry.author) else [],
        "tags": list(dict.fromkeys(plain(category.label) or plain(category.term) for category in entry.categories)),
        "language": _language(entry.language),
    }
    return {key: value for key, value in item.items() if value}


# --------------------------------------------------------------------------------------------------------------
# Texts, links and times


Made = TypeVar("Made")


def _kept(cache: dict[Entry, Made], entry: Entry, make: Callable[[Entry], Made]) -> Made:
    if entry not in cache:
        cache[entry] = make(entry)
    return cache[entry]


def _distinct(feed: Feed) -> Iterable[Entry]:
    """The entries, each id once (RFC 4287, 4.1.1)."""
    entries: dict[str, Entry] = {}
    for entry in feed.entries:
        entries.setdefault(entry.id, entry)
    return entries.values()


def _title(text: str) -> str:
    """A title is never blank: Atom wants one and feedgen insists."""
    return plain(text) or _UNTITLED


def _content(entry: Entry) -> str:
    """The content as safe HTML; an entry without any says at least its headline (Atom without a link, JSON Feed)."""
    markup = _NOT_XML.sub("", safe_html(entry.html))
    return markup or f"<p>{escape(plain(entry.summary) or _title(entry.title))}</p>"


def _page(feed: Feed) -> str:
    """The page of a feed, which RSS must name; a feed's own folder when it has none."""
    return canonical_url(feed.url) or f"{feed.folder}/"


# Whatever is not a character of XML 1.0, production 2: lxml refuses a document for one of them.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def _language(tag: str) -> str:
    """A language tag (RFC 5646), or "" for none, an ill-formed one, or one that says "undetermined"."""
    return tag if tag != "und" and _LANGUAGE.fullmatch(tag) else ""


def _utc(moment: datetime) -> datetime:
    """The instant in UTC to the second: the same bytes whatever zone the store gave it back in."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 at an edge of the earth
        moment = moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=0)


def _rfc822(moment: datetime) -> str:
    """Thu, 19 Jul 2018 17:32:33 +0000: English in every locale."""
    return format_datetime(_utc(moment))


def _rfc3339(moment: datetime) -> str:
    return _utc(moment).isoformat().replace("+00:00", "Z")
