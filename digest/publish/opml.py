"""OPML 2.0: a list of feeds, which a reader imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.utils import format_datetime
from html import escape

from digest.publish.cleaned import page, title, utc
from digest.publish.feed import ATOM, NEVER, Feed


def opml(name: str, groups: Mapping[str, Iterable[Feed]]) -> bytes:
    """An OPML 2.0 list of feeds under headings; a reader imports it and follows the Atom documents.

    Args:
        name: what the list is called.
        groups: heading -> its feeds, in order. Groups without feeds are left out.
    """
    lists = {heading: tuple(feeds) for heading, feeds in groups.items()}
    newest = max((feed.updated for feeds in lists.values() for feed in feeds), default=NEVER)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        "<head>",
        f"<title>{escape(title(name))}</title>",
        f"<dateModified>{format_datetime(utc(newest), usegmt=True)}</dateModified>",
        "</head>",
        "<body>",
    ]
    for heading, feeds in lists.items():
        if not feeds:
            continue
        lines.append(f'<outline text="{escape(title(heading))}">')
        for feed in feeds:
            text = escape(title(feed.title))
            lines.append(
                f'<outline type="rss" text="{text}" title="{text}" xmlUrl="{escape(feed.folder)}/{ATOM}"'
                f' htmlUrl="{escape(page(feed))}"/>'
            )
        lines.append("</outline>")
    lines += ["</body>", "</opml>", ""]
    return "\n".join(lines).encode()
