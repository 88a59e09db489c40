"""Entries and feeds with nothing left in them that a format could choke on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

from digest.clean import canonical_url, plain, safe_html
from digest.publish.feed import Category, Entry, Feed, Link

_UNTITLED = "—"
# Whatever is not a character of XML 1.0, production 2. A carriage return would come back as a line feed.
_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def cleaned_feed(feed: Feed, entries: Iterable[Entry]) -> Feed:
    """The feed with safe texts and these entries, each id once (RFC 4287, 4.1.1)."""
    name = title(feed.title)
    once: dict[str, Entry] = {}
    for entry in entries:
        once.setdefault(entry.id, entry)
    return replace(
        feed,
        url=page(feed),
        title=name,
        subtitle=plain(feed.subtitle) or name,
        author=plain(feed.author) or name,
        rights=plain(feed.rights),
        language=_language(feed.language) or "en",
        entries=tuple(once.values()),
        hub=canonical_url(feed.hub),
    )


def cleaned_entry(entry: Entry) -> Entry:
    """The entry with each text one safe line, each link a web one, its content cut down to safe tags."""
    categories = [replace(one, term=plain(one.term), label=plain(one.label)) for one in entry.categories]
    links = [(canonical_url(one.url), title(one.title)) for one in entry.related]
    return replace(
        entry,
        url=canonical_url(entry.url),
        title=title(entry.title),
        published=utc(entry.published),
        updated=utc(entry.updated),
        html=_content(entry),
        summary=plain(entry.summary),
        author=plain(entry.author),
        language=_language(entry.language),
        categories=tuple(_labelled(one) for one in categories if one.term),
        related=tuple(Link(url=url, title=name) for url, name in links if url),
    )


def title(text: str) -> str:
    """A title is never blank: Atom wants one, and readers have something to click."""
    return plain(text) or _UNTITLED


def page(feed: Feed) -> str:
    """The page of a feed, which RSS must name; a feed's own folder when it has none."""
    return canonical_url(feed.url) or f"{feed.folder}/"


def utc(moment: datetime) -> datetime:
    """The instant in UTC to the millisecond: the same bytes whatever zone the store gave it back in."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 at an edge of the earth
        moment = moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _labelled(category: Category) -> Category:
    return category if category.label else replace(category, label=category.term)


def _content(entry: Entry) -> str:
    """The content as safe HTML; an entry without any says at least its headline (Atom without a link, JSON Feed)."""
    markup = _NOT_XML.sub("", safe_html(entry.html))
    return markup or f"<p>{escape(plain(entry.summary) or title(entry.title))}</p>"


def _language(tag: str) -> str:
    """A language tag (RFC 5646), or "" for none, an ill-formed one, or one that says "undetermined"."""
    return tag if tag != "und" and _LANGUAGE.fullmatch(tag) else ""
