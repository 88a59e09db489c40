"""What the elements of feeds are called, by namespace, and which field of an entry each of them fills."""

from __future__ import annotations

from typing import Any, Final

ATOM: Final = "http://www.w3.org/2005/atom"  # in lower case, as all namespaces here
# Namespaces (in lower case) by the prefix under which their elements are known here; Atom's and RSS's have none.
_KNOWN: Final = {
    "": "",
    ATOM: "",
    "http://purl.org/atom/ns#": "",
    "http://backend.userland.com/rss": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://purl.org/rss/1.0/modules/rss091#": "",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.w3.org/2000/svg": "svg",
    "http://www.w3.org/1998/math/mathml": "mathml",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
FIELDS: Final = {
    "title": "title", "dc:title": "title", "media:title": "media title",
    "link": "link",
    "guid": "id", "id": "id",
    "description": "description", "dc:description": "description", "media:description": "description",
    "itunes:summary": "summary", "summary": "summary",
    "content": "content", "content:encoded": "encoded", "fullitem": "encoded",
    "pubdate": "published", "published": "published", "issued": "published", "dcterms:issued": "published",
    "updated": "updated", "modified": "updated", "dc:date": "updated", "dcterms:modified": "updated",
    "lastbuilddate": "updated",
    "created": "created", "dcterms:created": "created",
    "author": "author", "managingeditor": "author", "dc:creator": "author", "dc:author": "author",
    "itunes:author": "author",
    "category": "tag", "keywords": "tag", "dc:subject": "tag", "itunes:category": "itunes tag",
    "media:category": "media tag",
    "itunes:keywords": "keywords", "media:keywords": "keywords",
    "source": "source", "language": "language", "dc:language": "language",
    "webmaster": "publisher", "dc:publisher": "publisher",
    "media:group": "group", "media:content": "group",
    "item": "item", "entry": "item", "channel": "channel", "image": "aside", "textinput": "aside",
    "body": "unsure", "xhtml:body": "unsure", "abstract": "unsure", "tags": "unsure", "dcterms:valid": "",
}  # fmt: skip


class Unsure(Exception):  # noqa: N818 - not a fault: the other parser's turn
    """The document is feedparser's."""


def name_of(node: Any) -> str:
    """What an element means here: its local name in lower case, with the prefix of a known module."""
    if not isinstance(node.tag, str):  # an entity that is not known
        raise Unsure
    namespace, _, local = node.tag.rpartition("}")
    prefix = _KNOWN.get(namespace[1:].lower())
    if prefix is None:
        prefix = "" if "backend.userland.com/rss" in namespace else (node.prefix or "").lower()
    return f"{prefix}:{local.lower()}" if prefix else local.lower()
