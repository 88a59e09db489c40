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
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, TypeVar

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from digest.clean import canonical_url, plain, safe_html
from digest.publish.feed import ATOM, JSON, NEVER, RSS, Category, Entry, Feed, Link

_GENERATOR = "Digest"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_UNTITLED = "—"


class Writer:
    """Writes many feeds; an entry that stands in several is prepared once per format. Not for several threads."""

    def __init__(self) -> None:
        self._safe: dict[Entry, Entry] = {}
        self._atom: dict[Entry, _AtomEntry] = {}
        self._rss: dict[Entry, _RssItem] = {}

    def atom(self, feed: Feed) -> bytes:
        """The feed as Atom 1.0 (RFC 4287)."""
        feed = self._cleaned(feed)
        entries = [_kept(self._atom, entry, _AtomEntry) for entry in feed.entries]
        document: bytes = _frame(feed, ATOM, "application/atom+xml", entries).atom_str()
        return document + b"\n"

    def rss(self, feed: Feed) -> bytes:
        """The feed as RSS 2.0, with Dublin Core for authors and an Atom link to itself."""
        feed = self._cleaned(feed)
        items = [_kept(self._rss, entry, _RssItem) for entry in feed.entries]
        document: bytes = _frame(feed, RSS, "application/rss+xml", items).rss_str()
        return document + b"\n"

    def json_feed(self, feed: Feed) -> bytes:
        """The feed as JSON Feed 1.1."""
        feed = self._cleaned(feed)
        document = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.url,
            "feed_url": f"{feed.folder}/{JSON}",
            "description": feed.subtitle,
            "authors": [{"name": feed.author}],
            "language": feed.language,
            "items": [_json_item(entry) for entry in feed.entries],
        }
        return json.dumps(document, ensure_ascii=False).encode() + b"\n"

    def _cleaned(self, feed: Feed) -> Feed:
        """The feed with nothing left in it that a format could choke on, and each id once (RFC 4287, 4.1.1)."""
        title = _title(feed.title)
        entries: dict[str, Entry] = {}
        for entry in feed.entries:
            entries.setdefault(entry.id, _kept(self._safe, entry, _cleaned_entry))
        return replace(
            feed,
            url=_page(feed),
            title=title,
            subtitle=plain(feed.subtitle) or title,
            author=plain(feed.author) or title,
            rights=plain(feed.rights),
            language=_language(feed.language) or "en",
            entries=tuple(entries.values()),
        )


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
        f"<dateModified>{format_datetime(_utc(newest))}</dateModified>",
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

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.published(entry.published)
        if entry.author:
            self.author(name=entry.author)
        for other in entry.related:
            self.link(href=other.url, rel="related", title=other.title)
        _fill(self, entry)
        self._built = super().atom_entry()
        for element, link in zip(self._built.iterchildren("link"), self.link() or (), strict=True):
            for name in ("rel", "type", "title"):
                if link.get(name):
                    element.set(name, link[name])
        if entry.language:
            self._built.set(_XML_LANG, entry.language)

    def atom_entry(self, extensions: bool = True) -> Any:  # noqa: ARG002, FBT001, FBT002 - feedgen's signature
        """The element, for one feed to take."""
        return copy.deepcopy(self._built)


class _RssItem(FeedEntry):  # type: ignore[misc]  # feedgen has no types
    """An RSS item, built once and copied into each feed.

    feedgen formats dates by switching the locale of the whole process, which is not safe beside other threads; so the
    date is written here.
    """

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.load_extension("dc", atom=False)
        if entry.author:
            self.dc.dc_creator(entry.author)
        if entry.language:
            self.dc.dc_language(entry.language)
        _fill(self, entry)
        self._built = super().rss_entry()
        _add(self._built, len(self._built), "pubDate", format_datetime(entry.published))

    def rss_entry(self, extensions: bool = True) -> Any:  # noqa: ARG002, FBT001, FBT002 - feedgen's signature
        """The element, for one feed to take."""
        return copy.deepcopy(self._built)


class _Generator(FeedGenerator):  # type: ignore[misc]  # feedgen has no types
    """feedgen's generator without its clock, its locale switching and its version."""

    def __init__(self, updated: datetime) -> None:
        super().__init__()
        self.updated(_utc(updated))
        self._date = format_datetime(_utc(updated))
        # What is set here feedgen formats by switching the locale, and it sets it to "now" by itself.
        self._FeedGenerator__rss_lastBuildDate = None
        self.generator(_GENERATOR)

    def _create_rss(self, extensions: bool = True) -> Any:  # noqa: FBT001, FBT002 - feedgen's signature
        root, document = super()._create_rss(extensions)
        _add(root[0], 3, "lastBuildDate", self._date)  # after title, link and description
        return root, document


def _frame(feed: Feed, name: str, media: str, entries: Iterable[FeedEntry]) -> _Generator:
    """A feed for feedgen to write."""
    generator = _Generator(feed.updated)
    generator.load_extension("dc", atom=False)
    generator.id(feed.id)
    generator.title(feed.title)
    generator.description(feed.subtitle)
    generator.subtitle(feed.subtitle)
    generator.link(href=f"{feed.folder}/{name}", rel="self", type=media)
    generator.link(href=feed.url, rel="alternate", type="text/html")  # the last one is what RSS calls its link
    generator.author(name=feed.author)
    if feed.rights:
        generator.rights(feed.rights)
    generator.language(feed.language)
    for entry in entries:
        generator.add_entry(entry, order="append")
    return generator


def _fill(made: FeedEntry, entry: Entry) -> None:
    """What an entry has in both formats."""
    made.id(entry.id)
    made.title(entry.title)
    made.updated(entry.updated)
    if entry.url:
        made.link(href=entry.url, rel="alternate", type="text/html")
    if entry.summary:
        made.summary(entry.summary)
    made.content(entry.html, type="html")
    for category in entry.categories:
        made.category(term=category.term, scheme=category.scheme, label=category.label)


def _add(parent: Any, place: int, name: str, text: str) -> None:
    """Put an element with a text into another; feedgen's elements come from lxml, which lives in pickup."""
    element = parent.makeelement(name)
    element.text = text
    parent.insert(place, element)


# --------------------------------------------------------------------------------------------------------------
# JSON


def _json_item(entry: Entry) -> Mapping[str, object]:
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "summary": entry.summary,
        "date_published": _rfc3339(entry.published),
        "date_modified": _rfc3339(entry.updated),
        "authors": [{"name": entry.author}] if entry.author else [],
        "tags": list(dict.fromkeys(category.label for category in entry.categories)),
        "language": entry.language,
    }
    return {key: value for key, value in item.items() if value}


# --------------------------------------------------------------------------------------------------------------
# Texts, links and times

Made = TypeVar("Made")


def _kept(cache: dict[Entry, Made], entry: Entry, make: Callable[[Entry], Made]) -> Made:
    if entry not in cache:
        cache[entry] = make(entry)
    return cache[entry]


def _cleaned_entry(entry: Entry) -> Entry:
    """The entry with nothing left in it that a format could choke on: each text one safe line, each link a web one."""
    categories = [(one.scheme, plain(one.term), plain(one.label)) for one in entry.categories]
    links = [(canonical_url(one.url), _title(one.title)) for one in entry.related]
    return replace(
        entry,
        url=canonical_url(entry.url),
        title=_title(entry.title),
        published=_utc(entry.published),
        updated=_utc(entry.updated),
        html=_content(entry),
        summary=plain(entry.summary),
        author=plain(entry.author),
        language=_language(entry.language),
        categories=tuple(
            Category(scheme=scheme, term=term, label=label or term) for scheme, term, label in categories if term
        ),
        related=tuple(Link(url=url, title=title) for url, title in links if url),
    )


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


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
