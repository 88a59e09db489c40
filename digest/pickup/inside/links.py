"""Where a page says that its feeds are, by lxml."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree
from lxml import html as lxml_html

_FEED_TYPE: Final = re.compile(r"(?:application|text)/(?:(?:rss|atom|rdf)\+xml|(?:feed\+)?json|xml)\b", re.IGNORECASE)
_FEED_WORD: Final = re.compile(r"(?:^|[/._?=&-])(?:rss|atom|feeds?|rdf)(?:\d*(?:$|[/._?=&-])|\.xml)", re.IGNORECASE)
_MOST: Final = 50


def find(data: bytes) -> dict[str, Any]:
    """The feeds of a page given as UTF-8.

    Returns:
        {"base": str, "named": [{"url", "title"}], "linked": [{"url", "title"}], "problem": str}: `named` are those of
        <link rel="alternate">, `linked` what an ordinary link calls a feed; both as written, in the page's order.
    """
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        tree = lxml_html.fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError) as error:
        return {"base": "", "named": [], "linked": [], "problem": f"not readable as HTML: {error}"}
    base = next((str(node.get("href")) for node in tree.iter("base") if node.get("href")), "")
    named = [
        {"url": node.get("href", "").strip(), "title": (node.get("title") or "").strip()}
        for node in tree.iter("link")
        if {"alternate", "feed"} & set((node.get("rel") or "").lower().split())
        and ("feed" in (node.get("rel") or "").lower().split() or _FEED_TYPE.match((node.get("type") or "").strip()))
    ]
    linked = [
        {"url": node.get("href", "").strip(), "title": _words(node)[:200]}
        for node in tree.iter("a")
        if _FEED_WORD.search(node.get("href", "")) or (_words(node).lower() in {"rss", "atom", "feed"})
    ]
    return {
        "base": base,
        "named": [one for one in named if one["url"]][:_MOST],
        "linked": [one for one in linked if one["url"]][:_MOST],
        "problem": "",
    }


def _words(node: etree._Element) -> str:
    return " ".join("".join(map(str, node.itertext())).split())
