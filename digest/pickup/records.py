"""JSON: our own simple form, ninjs 1 to 3, JSON Feed, and lists of any of them.

    {"title": "...", "text": "one paragraph a line", "published": "2018-07-20T09:15:00+08:00", "keywords": ["Israel"]}

Names that are understood stand in `_NAMES`; the rest is ignored. An entry that cannot be used is a problem of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from digest.clean import html_paragraphs, html_to_text
from digest.errors import PickupError
from digest.pickup import dates
from digest.pickup.draft import Draft

_MAX_ENTRIES: Final = 5000
_LISTS: Final = ("items", "articles", "entries", "stories", "news", "_items")
# In order of preference: ours, JSON Feed's, ninjs'.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "guid", "uri", "identifier", "altid"),
    "title": ("title", "headline", "headlines", "name"),
    "url": ("url", "link", "external_url", "canonical_url"),
    "published": (
        "published", "date_published", "published_at", "datePublished", "date", "versioncreated", "firstcreated",
        "contentcreated", "date_modified", "versionCreated", "firstCreated",
    ),
    "publisher": ("publisher", "source", "infosources", "copyrightholder", "copyrightHolder"),
    "section": ("section", "category", "service"),
    "byline": ("byline", "author", "authors", "by", "bylines", "creator"),
    "editor": ("editor",),
    "agency": ("agency",),
    "dateline": ("dateline", "located", "location"),
    "keywords": ("keywords", "tags", "subject", "subjects"),
    "teaser": ("teaser", "summary", "description", "descriptions", "description_text", "abstract"),
    "language": ("language", "lang"),
}  # fmt: skip
_PLAIN: Final = ("text", "body", "content_text", "body_text", "content")
_MARKUP: Final = ("html", "content_html", "body_html", "body_xhtml", "body_xhtml5")
_TAGGED: Final = re.compile(r"</?(?:p|br|div|a|b|i|em|strong|ul|li|h\d|span|img)\b[^>]*>", re.IGNORECASE)
_LINES: Final = re.compile(r"\s*\n\s*")


def read(text: str, *, name: str, zone: tzinfo) -> tuple[list[Draft], list[PickupError]]:
    """The articles of a JSON document, and what is wrong with entries that are none.

    Raises:
        PickupError: it is not JSON, or holds nothing that could be an article.
    """
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise PickupError(
            f"not JSON: {error.msg} in column {error.colno}",
            where=name,
            line=error.lineno,
            remedy="mend the line, or check the file with a JSON tool",
        ) from None
    except (RecursionError, ValueError):
        raise PickupError(
            "not usable JSON: nested too deeply, or a number is too long",
            where=name,
            remedy="see docs/pickup.md for the form",
        ) from None
    entries, feed = _entries(document, name)
    drafts: list[Draft] = []
    problems: list[PickupError] = []
    for number, entry in enumerate(entries, start=1):
        where = f"{name}, entry {number}" if len(entries) > 1 or entries is not document else name
        try:
            drafts.append(_draft(entry, feed, where, zone, only=len(entries) == 1 and not _is_feed(feed)))
        except PickupError as error:
            problems.append(error)
    return drafts, problems


def _entries(document: Any, name: str) -> tuple[Sequence[Any], Mapping[str, Any]]:
    feed: Mapping[str, Any] = {}
    entries: Sequence[Any] = [document]
    if isinstance(document, list):
        entries = document
    elif isinstance(document, dict):
        for key in _LISTS:
            if isinstance(document.get(key), list) and not any(
                part in document for part in (*_PLAIN, *_MARKUP, "paragraphs", "bodies")
            ):
                entries, feed = document[key], document
                break
    if len(entries) > _MAX_ENTRIES:
        raise PickupError(
            f"{len(entries)} entries, at most {_MAX_ENTRIES} are taken", where=name, remedy="split the file"
        )
    if not entries and not feed:
        raise PickupError("an empty list: no article in it", where=name, remedy="see docs/pickup.md for the form")
    return entries, feed


def _is_feed(document: Mapping[str, Any]) -> bool:
    return "jsonfeed.org" in str(document.get("version", ""))


def _draft(entry: Any, feed: Mapping[str, Any], where: str, zone: tzinfo, *, only: bool) -> Draft:
    if not isinstance(entry, dict):
        raise PickupError(
            "not an object with a title and a text", where=where, remedy='write {"title": "...", "text": "..."}'
        )
    status = str(entry.get("pubstatus", "usable")).lower()
    if status not in {"usable", "stat:usable"}:
        raise PickupError(
            f"its pubstatus is '{status}': passed over",
            where=where,
            remedy="nothing to do if the publisher withdrew it",
        )
    values = {field: _first(entry, names) for field, names in _NAMES.items()}
    paragraphs = _paragraphs(entry)
    title = html_to_text(_words(values["title"]))
    if not title and not paragraphs:
        raise PickupError(
            "neither a title nor a text", where=where, remedy="see docs/pickup.md for the names of fields"
        )
    stamp = _words(values["published"])
    published = dates.read(stamp, zone) if stamp else None
    if stamp and published is None:
        raise PickupError(f"'{stamp[:60]}' is not a date", where=where, remedy="write it as 2018-07-20T09:15:00+08:00")
    is_feed = _is_feed(feed)
    return Draft(
        id=_words(values["id"]) if not isinstance(values["id"], bool) else "",
        title=title,
        paragraphs=paragraphs,
        url=_words(values["url"]),
        published=published,
        publisher=_words(values["publisher"]) or (_words(feed.get("title")) if is_feed else ""),
        section=_words(values["section"]),
        byline=_words(values["byline"]) or (_words(feed.get("authors") or feed.get("author")) if is_feed else ""),
        editor=_words(values["editor"]),
        agency=_words(values["agency"]),
        dateline=_words(values["dateline"]),
        keywords=tuple(_list(values["keywords"])),
        teaser=html_to_text(_words(values["teaser"])),
        language=_words(values["language"]) or _words(feed.get("language")),
        where="" if only else where,
    )


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((entry[name] for name in names if entry.get(name) not in (None, "", [], {})), "")


def _words(value: Any) -> str:
    """One line out of what JSON formats put into a field: text, number, {"name"}, {"value"}, or a list of these."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return _words(value.get("name") or value.get("value") or value.get("literal") or "")
    if isinstance(value, list):
        main = [
            each
            for each in value
            if isinstance(each, dict) and str(each.get("role", "")).lower() in {"main", "headline", "title"}
        ]
        if main:
            return _words(main[0])
        if value and isinstance(value[0], dict) and "value" in value[0]:  # ninjs 2: alternatives, the first is the best
            return _words(value[0])
        return ", ".join(word for word in map(_words, value[:20]) if word)
    return ""


def _list(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (word.strip() for word in re.split(r"[,，、;；]", value) if word.strip())
    elif isinstance(value, list):
        yield from (word for word in map(_words, value) if word)


def _paragraphs(entry: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(entry.get("paragraphs"), list):
        return tuple(word for word in map(_words, entry["paragraphs"]) if word)
    bodies = entry.get("bodies")
    if isinstance(bodies, list):
        usable = [body for body in bodies if isinstance(body, dict) and isinstance(body.get("value"), str)]
        usable.sort(key=lambda body: ("html" in str(body.get("contenttype", "")), -len(body["value"])))
        if usable:
            return _split(usable[0]["value"], html="html" in str(usable[0].get("contenttype", "")))
    for name in _PLAIN:
        value = entry.get(name)
        if isinstance(value, list):
            return tuple(word for word in map(_words, value) if word)
        if isinstance(value, str) and value.strip():
            return _split(value, html=bool(_TAGGED.search(value)))
    for name in _MARKUP:
        if isinstance(entry.get(name), str) and entry[name].strip():
            return _split(entry[name], html=True)
    return ()


def _split(text: str, *, html: bool) -> tuple[str, ...]:
    return html_paragraphs(text) if html else tuple(line for line in _LINES.split(text.strip()) if line)
