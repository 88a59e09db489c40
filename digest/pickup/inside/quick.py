"""Well-formed RSS 0.9x to 2.0, RDF and Atom 0.3 and 1.0 by lxml alone, in a thirtieth of feedparser's time.

It says what feedparser would say, or nothing: whatever it is not sure of (a document that is not well-formed, declares
entities, carries base64, or holds markup where text is expected) is feedparser's. A test holds the two against each
other on every kind of document. As there, what stands last counts, but of titles the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin

from lxml import etree

from digest.pickup.inside.texts import inner, looks_like_html, repaired, text_of
from digest.pickup.inside.vocabulary import ATOM, FIELDS, Unsure, name_of

_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
_RDF_ABOUT: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_VERSIONS: Final = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_PLAIN_TYPES: Final = {
    "text": "text/plain",
    "plain": "text/plain",
    "html": "text/html",
    "xhtml": "application/xhtml+xml",
}
_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_DECLARATION: Final = re.compile(r"<!(?!--|\[CDATA\[)")
_BAD_LINK: Final = re.compile(r"&([A-Za-z0-9_]+);")
_MOST: Final = 6000  # entries


def parse(data: bytes) -> dict[str, Any] | None:
    """The feed as `digest.pickup.inside.feeds.parse` gives it; None when feedparser should read it."""
    if b"<!ENTITY" in data:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
        return _Feed(root, data).read()
    except (etree.XMLSyntaxError, Unsure, ValueError):
        return None


class _Feed:
    """One document."""

    def __init__(self, root: Any, data: bytes) -> None:
        self.root = root
        self.based = b"base=" in data  # whether any address may be relative to another one than the document's
        self.spoken = b"lang=" in data  # whether any element may say its language
        # Whether there may be Latin letters (or C1 controls) that were meant to be something else.
        self.odd = b"\xc2" in data or b"\xc3" in data or b"&#" in data
        self.fields: dict[Any, str] = {}  # of the tags of this document
        self.version = self._version()
        self.atom = self.version.startswith("atom")
        self.head = _Item(self, root)
        self.entries: list[_Item] = []

    def _version(self) -> str:
        name, namespace = name_of(self.root), self.root.tag.rpartition("}")[0][1:].lower()
        spaces = {(uri or "").lower() for uri in self.root.nsmap.values()}
        match name:
            case "rss":
                given = self.root.get("version", "")
                return _VERSIONS.get(given) or ("rss20" if given.startswith("2.") else "rss")
            case "feed" if namespace == ATOM:
                return "atom10"
            case "feed" if namespace == "http://purl.org/atom/ns#" and self.root.get("version") == "0.3":
                return "atom03"
            case "rdf:rdf" if ATOM not in spaces:
                if "http://purl.org/rss/1.0/" in spaces:
                    return "rss10"
                if "http://my.netscape.com/rdf/simple/0.9/" in spaces:
                    return "rss090"
        raise Unsure

    def read(self) -> dict[str, Any]:
        lang = _lang(self.root, None)
        self.head.language = (lang or "").replace("_", "-")
        self._walk(self.root, lang)
        return {
            "version": self.version,
            "title": self.head.title[0],
            "link": self.head.where(),
            "language": self.head.language,
            "entries": [entry.result() for entry in self.entries],
            "problem": "",
            "line": None,
        }

    def field(self, node: Any) -> str:
        """What an element says; "" for one that says nothing that is kept."""
        tag = node.tag
        field = self.fields.get(tag)
        if field is None:
            field = self.fields[tag] = FIELDS.get(name_of(node), "")
        return field

    def _walk(self, parent: Any, lang: str | None) -> None:
        for node in parent:
            field = self.field(node)
            here = _lang(node, lang)
            if field == "item":
                if len(self.entries) >= _MOST:
                    raise Unsure
                entry = _Item(self, node)
                self.entries.append(entry)
                entry.read(node, here, 0)
            elif field == "channel":
                self._walk(node, here)
            elif field and field != "aside":
                self.head.take(node, field, here, 0)


class _Item:
    """What an entry says (or the feed itself), element by element."""

    link: str | None = None
    guid_link: str | None = None
    title: tuple[str, bool] = ("", False)
    title_depth = -1
    summary: dict[str, Any] | None = None
    has_summary = False
    published = ""
    updated = ""
    created = ""
    author = ""
    source = ""
    publisher = ""
    language = ""

    def __init__(self, feed: _Feed, node: Any) -> None:
        self.feed = feed
        self.id: str = node.get(_RDF_ABOUT) or ""
        self.contents: list[tuple[dict[str, Any], str | None]] = []  # with their languages
        self.tags: list[list[str | None]] = []

    def read(self, parent: Any, lang: str | None, depth: int) -> None:
        fields, spoken = self.feed.fields, self.feed.spoken
        for node in parent:
            field = fields.get(node.tag)
            if field is None:
                field = self.feed.field(node)
            if field:
                self.take(node, field, _lang(node, lang) if spoken else None, depth)

    def take(self, node: Any, field: str, lang: str | None, depth: int) -> None:
        handle = _HANDLERS.get(field)
        if handle is None:
            raise Unsure
        handle(self, node, lang, depth)

    def where(self) -> str:
        return (self.guid_link if self.link is None else self.link) or ""

    def result(self) -> dict[str, Any]:
        contents = self.contents
        return {
            "id": self.id,
            "link": self.where(),
            "title": self.title[0],
            "title_is_html": self.title[1],
            "content": max(
                (content for content, _ in contents), key=lambda content: len(content["text"]), default=None
            ),
            "summary": self.summary,
            "published": self.published or self.created,
            "updated": self.updated,
            "author": self.author,
            "publisher": self.source or self.publisher,
            "tags": [label or term or "" for term, _, label in self.tags],
            "language": (contents[0][1] if contents else "") or self.language,
        }

    # ---- elements

    def take_title(self, node: Any, _lang: str | None, depth: int) -> None:
        text, kind = self._content(node, "text/plain")
        if text and not -1 < self.title_depth <= depth:
            # In RSS nobody can say that a title is HTML (RSS 2.0 leaves it open): a tag says it.
            self.title = (
                text,
                kind != "text/plain" or (not self.feed.atom and "<" in text and bool(MARKUP.search(text))),
            )
            self.title_depth = depth

    def take_media_title(self, node: Any, lang: str | None, depth: int) -> None:
        before = self.title_depth
        self.take_title(node, lang, depth)
        self.title_depth = before

    def take_link(self, node: Any, _lang: str | None, _depth: int) -> None:
        given = {name.lower(): value for name, value in node.items()}
        href = given.get("url") or given.get("uri") or given.get("href")
        if href:
            rel = given.get("rel", "alternate").lower()
            kind = given.get("type", "application/atom+xml" if rel == "self" else "text/html").lower()
            if rel == "alternate" and _PLAIN_TYPES.get(kind, kind) in _HTML_TYPES:
                self.link = self._resolved(node, href)
            return
        if "href" in given:
            raise Unsure
        text = repaired(text_of(node), odd=self.feed.odd)
        text = self._resolved(node, text) if text else ""
        self.link = _BAD_LINK.sub(r"&\1", text.replace("&amp;", "&")) if "&" in text else text

    def take_id(self, node: Any, _lang: str | None, _depth: int) -> None:
        permanent = all(value == "true" for name, value in node.items() if name.lower() == "ispermalink")
        text = text_of(node)
        self.id = repaired(self._resolved(node, text) if permanent and text else text, odd=self.feed.odd)
        if permanent and self.guid_link is None and self.link is None:
            self.guid_link = self.id

    def take_description(self, node: Any, lang: str | None, _depth: int) -> None:
        if self.has_summary and not self.contents:
            self._add_content(node, "text/plain", lang)
        else:
            self._add_summary(node, "text/html")

    def take_summary(self, node: Any, lang: str | None, _depth: int) -> None:
        if self.has_summary and not self.contents:
            self._add_content(node, "text/plain", lang)
        else:
            self._add_summary(node, "text/plain")

    def take_content(self, node: Any, lang: str | None, _depth: int) -> None:
        self._add_content(node, "text/plain", lang)

    def take_encoded(self, node: Any, lang: str | None, _depth: int) -> None:
        self._add_content(node, "text/html", lang)

    def take_time(self, node: Any, _lang: str | None, _depth: int) -> None:
        setattr(self, self.feed.field(node), repaired(text_of(node), odd=self.feed.odd))

    def take_author(self, node: Any, _lang: str | None, _depth: int) -> None:
        if not len(node):
            self.author = repaired(text_of(node), odd=self.feed.odd)
            return
        said = {name_of(child): repaired(text_of(child), odd=self.feed.odd) for child in node}
        if (node.text or "").strip() or any((child.tail or "").strip() for child in node):
            raise Unsure
        name, email = said.get("name", ""), said.get("email", "")
        self.author = f"{name} ({email})" if name and email else name or email

    def take_tag(self, node: Any, _lang: str | None, _depth: int) -> None:
        given = dict(node.items())
        scheme = given.get("scheme", given.get("domain"))
        if scheme is None and self.feed.field(node) == "media tag":
            scheme = "http://search.yahoo.com/mrss/category_schema"
        self._add_tag(given.get("term"), scheme, given.get("label"))
        text = repaired(text_of(node), odd=self.feed.odd)
        if text and self.tags and not self.tags[-1][0]:
            self.tags[-1][0] = text
        elif text:
            self._add_tag(text, None, None)

    def take_itunes_tag(self, node: Any, _lang: str | None, _depth: int) -> None:
        if len(node):
            raise Unsure
        self._add_tag(node.get("text"), "http://www.itunes.com/", None)

    def take_keywords(self, node: Any, _lang: str | None, _depth: int) -> None:
        scheme = "http://www.itunes.com/" if name_of(node).startswith("itunes") else None
        for term in repaired(text_of(node), odd=self.feed.odd).split(","):
            if term.strip():
                self._add_tag(term.strip(), scheme, None)

    def take_source(self, node: Any, _lang: str | None, _depth: int) -> None:
        if len(node):  # Atom's: a feed in small
            small = _Item(self.feed, node)
            for child in node:
                if name_of(child) == "title":
                    small.take_title(child, None, 0)
            self.source = small.title[0]
        else:
            self.source = repaired(text_of(node), odd=self.feed.odd)

    def take_language(self, node: Any, _lang: str | None, _depth: int) -> None:
        self.language = repaired(text_of(node), odd=self.feed.odd)

    def take_publisher(self, node: Any, _lang: str | None, _depth: int) -> None:
        self.publisher = repaired(text_of(node), odd=self.feed.odd)

    def take_group(self, node: Any, lang: str | None, depth: int) -> None:
        self.read(node, lang, depth + 1)

    # ---- what they are made of

    def _add_summary(self, node: Any, default: str) -> None:
        text, kind = self._content(node, default)
        self.summary = {"html": kind != "text/plain", "text": text}
        self.has_summary = True

    def _add_content(self, node: Any, default: str, lang: str | None) -> None:
        text, kind = self._content(node, default)
        self.contents.append(({"html": kind != "text/plain", "text": text}, lang.replace("_", "-") if lang else lang))
        self.has_summary = self.has_summary or kind == "text/plain" or kind in _HTML_TYPES

    def _add_tag(self, term: str | None, scheme: str | None, label: str | None) -> None:
        tag = [term, scheme, label]
        if any(tag) and tag not in self.tags:
            self.tags.append(tag)

    def _content(self, node: Any, default: str) -> tuple[str, str]:
        """The text of an element that may hold markup, and its type."""
        kind = default
        if items := node.items():
            given = dict(items)
            kind = given.get("type", default).lower()
            kind = _PLAIN_TYPES.get(kind, kind)
            binary = not kind.startswith("text/") and not kind.endswith(("+xml", "/xml"))
            if binary or given.get("mode") == "base64":
                raise Unsure
        if len(node):
            if not kind.endswith("xml"):
                raise Unsure
            return inner(node), kind
        text = repaired(node.text or "", odd=self.feed.odd)
        if "<!" in text and _DECLARATION.search(text):  # nobody's markup: feedparser has its own way with it
            raise Unsure
        if kind.endswith("xml"):  # text that says it is XML is taken as its source would be written
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if kind == "text/plain" and not self.feed.atom and ("<" in text or "&" in text) and looks_like_html(text):
            kind = "text/html"
        return text, kind

    def _resolved(self, node: Any, url: str) -> str:
        if not self.feed.based:
            return url
        base = node.base or ""
        if any(name == "base" for ancestor in (node, *node.iterancestors()) for name in ancestor.attrib):
            raise Unsure
        return urljoin(base, url)


Handler = Callable[[_Item, Any, str | None, int], None]
_HANDLERS: Final[dict[str, Handler]] = {
    "title": _Item.take_title,
    "media title": _Item.take_media_title,
    "link": _Item.take_link,
    "id": _Item.take_id,
    "description": _Item.take_description,
    "summary": _Item.take_summary,
    "content": _Item.take_content,
    "encoded": _Item.take_encoded,
    "published": _Item.take_time,
    "updated": _Item.take_time,
    "created": _Item.take_time,
    "author": _Item.take_author,
    "tag": _Item.take_tag,
    "media tag": _Item.take_tag,
    "itunes tag": _Item.take_itunes_tag,
    "keywords": _Item.take_keywords,
    "source": _Item.take_source,
    "language": _Item.take_language,
    "publisher": _Item.take_publisher,
    "group": _Item.take_group,
}


def _lang(node: Any, inherited: str | None) -> str | None:
    if not node.attrib:
        return inherited
    given = node.get(f"{_XML}lang", node.get("lang"))
    return inherited if given is None else given or None
