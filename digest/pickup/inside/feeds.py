"""RSS 0.9-2.0, RDF and Atom: well-formed ones by quick.py, all others by feedparser."""

from __future__ import annotations

import io
from typing import Any

from digest.pickup.inside import quick
from digest.pickup.inside.texts import looks_like_html


def parse(data: bytes) -> dict[str, Any]:
    """Parse a feed given as UTF-8.

    Returns:
        {"title", "link", "language", "entries": [...], "problem", "line"}; each entry has "id", "link", "title",
        "title_is_html", "content" and "summary" as {"html": bool, "text": str} or None, "published", "updated",
        "author",
        "publisher", "tags", "language". "problem" is "" when the document is well-formed.
    """
    return quick.parse(data) or by_feedparser(data)


def by_feedparser(data: bytes) -> dict[str, Any]:
    """The same by feedparser, which reads what is not well-formed and what nobody writes any more."""
    import feedparser  # noqa: PLC0415 - a tenth of a second that most children never need

    # Bytes only: feedparser opens a string as a path or a URL. Its sanitiser is quadratic; clean.py does that.
    feed = feedparser.parse(
        io.BytesIO(data),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=True,
    )
    problem, line = "", None
    if feed.bozo and not isinstance(feed.get("bozo_exception"), feedparser.CharacterEncodingOverride):
        error = feed.bozo_exception
        problem = str(getattr(error, "getMessage", lambda: error)())
        line = getattr(error, "getLineNumber", lambda: None)()
    return {
        "version": feed.get("version", ""),
        "title": feed.feed.get("title", ""),
        "link": feed.feed.get("link", ""),
        "language": feed.feed.get("language", ""),
        "entries": [_entry(entry, str(feed.get("version", ""))) for entry in feed.entries],
        "problem": problem,
        "line": line,
    }


def _entry(entry: Any, version: str) -> dict[str, Any]:
    rss = not version.startswith("atom")
    contents = [_text(content, rss=rss) for content in entry.get("content", [])]
    contents.sort(key=lambda content: -len(content["text"]))
    source = entry.get("source", {})
    return {
        "id": entry.get("id", ""),
        "link": entry.get("link", ""),
        "title": entry.get("title", ""),
        "title_is_html": entry.get("title_detail", {}).get("type") != "text/plain"
        or _is_markup(entry.get("title", ""), version),
        "content": contents[0] if contents else None,
        "summary": _text(entry["summary_detail"], rss=rss) if entry.get("summary_detail") else None,
        "published": entry.get("published") or entry.get("created") or "",
        "updated": dict.get(entry, "updated", ""),  # its own get() falls back on published, and warns
        "author": entry.get("author", ""),
        "publisher": (source.get("title", "") if source else "") or entry.get("publisher", ""),
        "tags": [tag.get("label") or tag.get("term") or "" for tag in entry.get("tags", [])],
        "language": (entry.get("content") or [{}])[0].get("language") or entry.get("language") or "",
    }


def _is_markup(title: str, version: str) -> bool:
    """Whether a title is HTML although it does not say so: in RSS nobody can (RSS 2.0 leaves it open)."""
    return not version.startswith("atom") and bool(quick.MARKUP.search(title))


def _text(detail: Any, *, rss: bool) -> dict[str, Any]:
    text = detail.get("value", "")
    html = detail.get("type") != "text/plain" or (rss and "<" in text and looks_like_html(text))
    return {"html": html, "text": text}
