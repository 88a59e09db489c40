"""Feeds as documents: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, with archives (RFC 5005) and tombstones (RFC 6721).

The bytes of a document depend on the feed alone: no clock, no version of a library, no locale. Whatever the texts
hold, a document is written: control characters, lone surrogates and unsafe markup are left out, and a link that is no
web address is not written. docs/decisions/0075 says why no library writes them.

Ids stand first in entries and items, so that `without` can take one out of a page that is written already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import format_datetime
from html import escape

from digest.publish.cleaned import cleaned_entry, cleaned_feed, utc
from digest.publish.feed import ATOM, JSON, RSS, Entry, Feed, Tombstone

MEDIA_TYPES: Mapping[str, str] = {
    ATOM: "application/atom+xml",
    RSS: "application/rss+xml",
    JSON: "application/feed+json",
}
"""Of the formats, by file name."""

_GENERATOR = "Digest"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_HISTORY = 'xmlns:fh="http://purl.org/syndication/history/1.0"'
_TERMS = 'xmlns:dcterms="http://purl.org/dc/terms/"'
_ATOM = f'xmlns="http://www.w3.org/2005/Atom" {_TERMS} {_HISTORY} xmlns:at="http://purl.org/atompub/tombstones/1.0"'
_RSS = (
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    f' xmlns:dc="http://purl.org/dc/elements/1.1/" {_TERMS} {_HISTORY}'
)


class Writer:
    """Writes many feeds; an entry that stands in several is prepared once per format. Not for several threads.

    Args:
        cleaned: whether entries are safe already: those that a journal keeps were cleaned when they came.
    """

    def __init__(self, *, cleaned: bool = False) -> None:
        self._cleaned_before = cleaned
        self._safe: dict[Entry, Entry] = {}
        self._written: dict[tuple[str, Entry], str] = {}

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

    def _of(self, name: str, entry: Entry) -> str:
        key = (name, entry)
        if key not in self._written:
            self._written[key] = _atom_entry(entry) if name == ATOM else _rss_item(entry)
        return self._written[key]

    def _atom(self, feed: Feed) -> bytes:
        lines = [
            f'{_XML}<feed {_ATOM} xml:lang="{feed.language}">',
            f"<id>{escape(feed.id)}</id>",
            f"<title>{escape(feed.title)}</title>",
            f"<subtitle>{escape(feed.subtitle)}</subtitle>",
            f"<updated>{_rfc3339(feed.updated)}</updated>",
            f"<author><name>{escape(feed.author)}</name></author>",
            *([f"<rights>{escape(feed.rights)}</rights>"] if feed.rights else []),
            f"<generator>{_GENERATOR}</generator>",
            f'<link rel="alternate" type="text/html" href="{escape(feed.url)}"/>',
            *_history(feed, ATOM, "link"),
            *(f'<at:deleted-entry ref="{escape(one.id)}" when="{_rfc3339(one.when)}"/>' for one in feed.gone),
            *(self._of(ATOM, entry) for entry in feed.entries),
            "</feed>\n",
        ]
        return "\n".join(lines).encode()

    def _rss(self, feed: Feed) -> bytes:
        lines = [
            f'{_XML}<rss version="2.0" {_RSS}>\n<channel>',
            f"<title>{escape(feed.title)}</title>",
            f"<link>{escape(feed.url)}</link>",
            f"<description>{escape(feed.subtitle)}</description>",
            f"<language>{feed.language}</language>",
            *([f"<copyright>{escape(feed.rights)}</copyright>"] if feed.rights else []),
            f"<lastBuildDate>{_rfc822(feed.updated)}</lastBuildDate>",
            f"<generator>{_GENERATOR}</generator>",
            *_history(feed, RSS, "atom:link"),
            *(self._of(RSS, entry) for entry in feed.entries),
            "</channel>\n</rss>\n",
        ]
        return "\n".join(lines).encode()

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
    """A document of ours without what was withdrawn; all other bytes stay. Atom gets the tombstone in its place.

    Args:
        name: the document's file name, which tells its format.
        document: what `Writer` wrote.
        gone: what was withdrawn.
    """
    if name == JSON:
        loaded = json.loads(document)
        loaded["items"] = [item for item in loaded["items"] if item["id"] != gone.id]
        return _dumped(loaded)
    text, own = document.decode(), re.escape(escape(gone.id))
    if name == RSS:
        return re.sub(rf"<item><guid [^>]*>{own}</guid>.*?</item>\n", "", text, flags=re.DOTALL).encode()
    stone = f'<at:deleted-entry ref="{escape(gone.id)}" when="{_rfc3339(gone.when)}"/>'
    return re.sub(rf"<entry[^>]*><id>{own}</id>.*?</entry>", lambda _: stone, text, flags=re.DOTALL).encode()


# --------------------------------------------------------------------------------------------------------------
# Parts


def _history(feed: Feed, name: str, link: str) -> Iterator[str]:
    """Where the document stands among the feed's (RFC 5005), and who tells of changes (WebSub).

    A page names the one before it and none after it: the one after it is not there yet when it is written, and a page
    that is written does not change. The server names that one in a header.
    """
    media = MEDIA_TYPES[name]
    yield f'<{link} rel="self" type="{media}" href="{escape(feed.address or f"{feed.folder}/{name}")}"/>'
    if feed.current:
        yield "<fh:archive/>"
        yield f'<{link} rel="current" type="{media}" href="{escape(feed.current)}/{name}"/>'
        yield f'<{link} rel="first" type="{media}" href="{escape(feed.current)}/{name}"/>'
    elif feed.complete:
        yield "<fh:complete/>"
    if feed.older:
        yield f'<{link} rel="prev-archive" type="{media}" href="{escape(feed.older)}/{name}"/>'
        yield f'<{link} rel="next" type="{media}" href="{escape(feed.older)}/{name}"/>'
    if feed.hub:
        yield f'<{link} rel="hub" href="{escape(feed.hub)}"/>'


def _atom_entry(entry: Entry) -> str:
    language = f' xml:lang="{entry.language}"' if entry.language else ""
    lines = [
        f"<entry{language}><id>{escape(entry.id)}</id>",
        f"<title>{escape(entry.title)}</title>",
        *([f'<link rel="alternate" type="text/html" href="{escape(entry.url)}"/>'] if entry.url else []),
        *(f'<link rel="related" href="{escape(one.url)}" title="{escape(one.title)}"/>' for one in entry.related),
        f"<published>{_rfc3339(entry.published)}</published>",
        f"<updated>{_rfc3339(entry.updated)}</updated>",
        *([f"<author><name>{escape(entry.author)}</name></author>"] if entry.author else []),
        *(
            f'<category term="{escape(one.term)}" scheme="{escape(one.scheme)}" label="{escape(one.label)}"/>'
            for one in entry.categories
        ),
        *_spatial(entry),
        *([f"<summary>{escape(entry.summary)}</summary>"] if entry.summary else []),
        f'<content type="html">{escape(entry.html)}</content>',
    ]
    return "\n".join(lines) + "\n</entry>"


def _rss_item(entry: Entry) -> str:
    lines = [
        f'<item><guid isPermaLink="false">{escape(entry.id)}</guid>',
        f"<title>{escape(entry.title)}</title>",
        *([f"<link>{escape(entry.url)}</link>"] if entry.url else []),
        f"<pubDate>{_rfc822(entry.published)}</pubDate>",
        f"<dcterms:modified>{_rfc3339(entry.updated)}</dcterms:modified>",
        *([f"<dc:creator>{escape(entry.author)}</dc:creator>"] if entry.author else []),
        *([f"<dc:language>{entry.language}</dc:language>"] if entry.language else []),
        *(f'<category domain="{escape(one.scheme)}">{escape(one.label)}</category>' for one in entry.categories),
        *_spatial(entry),
        # RSS says of a description that it is HTML: a summary is text, and is escaped once more than in Atom.
        f"<description>{escape(escape(entry.summary, quote=False) or entry.html)}</description>",
        *([f"<content:encoded>{escape(entry.html)}</content:encoded>"] if entry.summary else []),
    ]
    return "\n".join(lines) + "\n</item>"


def _spatial(entry: Entry) -> Iterator[str]:
    return (f"<dcterms:spatial>{escape(one.label)}</dcterms:spatial>" for one in entry.categories if one.spatial)


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


def _dumped(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _rfc3339(moment: datetime) -> str:
    moment = utc(moment)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _rfc822(moment: datetime) -> str:
    return format_datetime(utc(moment), usegmt=True)
