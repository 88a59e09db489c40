"""Live sources as an OPML list (2.0), as feed readers take it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from digest.model import Source


def opml_of(title: str, sources: Iterable[Source]) -> bytes:
    """The list; the same sources give the same bytes. What it holds is plain text, and escaped here."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">']
    lines += [f"<head><title>{escape(title)}</title></head>", "<body>"]
    for source in sources:
        name, url = escape(source.publisher or source.key), escape(source.location)
        lines.append(f'<outline type="rss" text="{name}" title="{name}" xmlUrl="{url}"/>')
    return "\n".join((*lines, "</body>", "</opml>", "")).encode()
