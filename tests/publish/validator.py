"""The rules of the W3C's feed validator that a feed of ours could break, and RFC 5005's and 6721's; errors and warnings alike.

The validator itself is on no package index. Each rule names what it would report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree, html

ATOM = "{http://www.w3.org/2005/Atom}"
FH = "{http://purl.org/syndication/history/1.0}"
AT = "{http://purl.org/atompub/tombstones/1.0}"
_KNOWN = {
    "http://www.w3.org/2005/Atom",
    "http://purl.org/dc/elements/1.1/",
    "http://purl.org/dc/terms/",
    "http://purl.org/rss/1.0/modules/content/",
    "http://purl.org/syndication/history/1.0",
    "http://purl.org/atompub/tombstones/1.0",
}
_RELS = {"alternate", "related", "self", "hub", "current", "first", "next", "prev-archive"}  # IANA's, those we use
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}:[A-Za-z0-9._~!$&'()*+,;=:@/%-]+")  # RFC 4151
_SAFE = {"p", "a", "ul", "ol", "li", "h3", "em", "strong", "div", "br", "blockquote", "abbr"}
_CHANNEL = ("title", "link", "description", "language", "copyright", "lastBuildDate", "generator")
_ITEM = ("title", "link", "description", "pubDate", "guid")


def complaints(document: bytes, url: str) -> list[str]:
    """What the validator would say of an Atom or RSS document that stands at this address."""
    root = etree.fromstring(document)
    if not document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<'):
        return ["no declaration of XML and UTF-8"]
    found = list(_everywhere(root)) + list(_atom(root, url) if root.tag == f"{ATOM}feed" else _rss(root, url))
    return found + list(_history(root))


def _everywhere(root: etree._Element) -> Iterator[str]:
    for element in root.iter():
        space = etree.QName(element).namespace
        if space and space not in _KNOWN:
            yield f"UndefinedElement: {element.tag}"
        language = element.get("{http://www.w3.org/XML/1998/namespace}lang")
        if language is not None and not _LANGUAGE.fullmatch(language):
            yield f"InvalidLanguage: {language}"
        text = element.text or ""
        if text != text.strip() and not list(element):
            yield f"UnexpectedWhitespace: {element.tag}"
        if "�" in (element.text or ""):
            yield f"BadCharacters: {element.tag}"
    for link in root.iter(f"{ATOM}link"):
        if link.get("rel") not in _RELS:
            yield f"UnregisteredAtomLinkRel: {link.get('rel')}"
        yield from _absolute(link.get("href"), "InvalidLink")
    for spatial in root.iter("{http://purl.org/dc/terms/}spatial"):
        if not spatial.text:
            yield "MissingContent: dcterms:spatial"


def _atom(root: etree._Element, url: str) -> Iterator[str]:
    yield from _once(root, ("id", "title", "updated", "subtitle", "author", "generator"))
    yield from _own(root, url, "application/atom+xml")
    entries = root.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") or "" for entry in entries]
    if len(set(ids)) < len(ids):
        yield "DuplicateEntries"
    yield from (f"InvalidTAG: {one}" for one in [*ids, root.findtext(f"{ATOM}id") or ""] if not _TAG.fullmatch(one))
    moments = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    if len(set(moments)) < len(moments):
        yield "DuplicateUpdated"
    for moment in [*(one.text or "" for one in root.iter(f"{ATOM}updated", f"{ATOM}published"))]:
        yield from _rfc3339(moment)
    for person in root.iter(f"{ATOM}author"):
        if not person.findtext(f"{ATOM}name"):
            yield "MissingElement: name"
    for category in root.iter(f"{ATOM}category"):
        if not category.get("term") or not _TAG.fullmatch(f"{category.get('scheme')}"):
            yield "InvalidCategory"
    for entry in entries:
        yield from _once(entry, ("id", "title", "updated", "published", "content"))
        alternates = [link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
        if len(alternates) > 1:
            yield "DuplicateAtomLink"
        if not alternates and entry.find(f"{ATOM}content") is None:
            yield "MissingAlternateLink"
        published = datetime.fromisoformat(entry.findtext(f"{ATOM}published") or "")
        if published > datetime.fromisoformat(entry.findtext(f"{ATOM}updated") or ""):
            yield "UpdatedBeforePublished"
        content = entry.find(f"{ATOM}content")
        if content is None or content.get("type") != "html":
            yield "InvalidTextType"
        else:
            yield from _markup(content.text or "")
    for stone in root.iter(f"{AT}deleted-entry"):
        if set(stone.attrib) != {"ref", "when"} or stone.get("ref") in ids or not _TAG.fullmatch(f"{stone.get('ref')}"):
            yield f"bad tombstone: {stone.attrib!r}"
        yield from _rfc3339(f"{stone.get('when')}")


def _rss(root: etree._Element, url: str) -> Iterator[str]:
    if (root.tag, root.get("version")) != ("rss", "2.0") or len(root) != 1:
        yield "InvalidRSSVersion"
    channel = root[0]
    for name in _CHANNEL:
        if len(channel.findall(name)) != 1 and name != "copyright":
            yield f"MissingElement: channel {name}"
    if not _LANGUAGE.fullmatch(channel.findtext("language") or ""):
        yield "InvalidLanguage: channel"
    if {child.tag for child in channel if "{" not in child.tag} - {*_CHANNEL, "item"}:
        yield "UndefinedElement: channel"
    yield from _absolute(channel.findtext("link"), "InvalidFullLink")
    yield from _own(channel, url, "application/rss+xml")
    guids = [guid.text for guid in channel.iter("guid")]
    if len(set(guids)) < len(guids):
        yield "DuplicateValue: guid"
    for moment in channel.iter("lastBuildDate", "pubDate"):
        text = moment.text or ""
        parsed = parsedate_to_datetime(text)
        if format_datetime(parsed, usegmt=True) != text:  # weekday and all
            yield f"InvalidRFC2822Date: {text}"
        if parsed > datetime.now(UTC):
            yield f"ImplausibleDate: {text}"
    for item in channel.iter("item"):
        if {child.tag for child in item if "{" not in child.tag} - {*_ITEM, "category"}:
            yield "UndefinedElement: item"
        for name in ("title", "description", "guid", "pubDate"):
            if len(item.findall(name)) != 1 or not item.findtext(name):
                yield f"MissingElement: item {name}"
        guid = item.find("guid")
        if guid is None or guid.get("isPermaLink") != "false" or not _TAG.fullmatch(guid.text or ""):
            yield "InvalidPermalink"
        if item.find("link") is not None:
            yield from _absolute(item.findtext("link"), "InvalidFullLink")
        yield from _markup(item.findtext("description") or "")
        yield from _markup(item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or "")
        yield from _rfc3339(item.findtext("{http://purl.org/dc/terms/}modified") or "")


def _history(root: etree._Element) -> Iterator[str]:
    """RFC 5005, 2 to 4."""
    links: dict[str, list[str]] = {}
    top = root if root.tag == f"{ATOM}feed" else root[0]
    for link in top.findall(f"{ATOM}link"):
        links.setdefault(f"{link.get('rel')}", []).append(f"{link.get('href')}")
    archive, complete = top.find(f"{FH}archive") is not None, top.find(f"{FH}complete") is not None
    if any(len(links.get(rel, ())) > 1 for rel in ("current", "prev-archive", "next", "first")):
        yield "a relation of paging stands twice"
    if complete and (archive or "prev-archive" in links or "next" in links):
        yield "a complete feed has pages"
    if archive and ("current" not in links or "hub" in links):
        yield "an archive page without its feed, or with a hub"
    if links.get("prev-archive") != links.get("next"):
        yield "paging and archives disagree"
    if not archive and not complete and "prev-archive" not in links:
        yield "nothing tells where the rest is"


def _once(parent: etree._Element, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if len(parent.findall(f"{ATOM}{name}")) != 1:
            yield f"MissingElement or DuplicateElement: {name}"


def _own(parent: etree._Element, url: str, media_type: str) -> Iterator[str]:
    own = [link for link in parent.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if [(link.get("href"), link.get("type")) for link in own] != [(url, media_type)]:
        yield f"MissingSelf or SelfDoesntMatchLocation: {url}"


def _rfc3339(text: str) -> Iterator[str]:
    if not _DATE.fullmatch(text):
        yield f"InvalidRFC3339Date: {text}"
    elif datetime.fromisoformat(text) > datetime.now(UTC):
        yield f"FutureDate: {text}"


def _absolute(url: str | None, name: str) -> Iterator[str]:
    parts = urlsplit(url or "")
    if parts.scheme not in {"http", "https"} or not parts.netloc or not (url or "").isascii() or " " in (url or ""):
        yield f"{name}: {url}"


def _markup(markup: str) -> Iterator[str]:
    if not markup:
        return
    for element in html.fromstring(f"<div>{markup}</div>").iter():
        if element.tag not in _SAFE:
            yield f"SecurityRisk: {element.tag}"
        if set(element.attrib) - {"href", "rel", "title"}:
            yield f"SecurityRiskAttr: {element.attrib!r}"
        if "href" in element.attrib:
            if str(element.get("href")).startswith("mailto:"):
                continue
            yield from (f"ContainsRelRef: {one}" for one in _absolute(element.get("href"), "href"))
