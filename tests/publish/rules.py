"""What holds for every document that we publish: the formats' schemas, the validator's rules, and our own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
from jsonschema import Draft4Validator
from lxml import etree, html
from referencing import Registry
from referencing.jsonschema import DRAFT4

SCHEMAS = Path(__file__).parent / "schemas"
ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_GRAMMAR = etree.RelaxNG(etree.parse(str(SCHEMAS / "atom.rng")))


def _json_schema() -> Draft4Validator:
    schemas = [
        json.loads((SCHEMAS / name).read_text()) for name in ("jsonfeed-1.schema.json", "jsonfeed-1.1.schema.json")
    ]
    older = DRAFT4.create_resource(schemas[0])
    registry: Registry = Registry().with_resources(
        [("https://json.schemastore.org/feed-1.json", older), ("https://www.schemastore.org/feed-1.json", older)]
    )
    return Draft4Validator(schemas[1], registry=registry)


_JSON = _json_schema()


def absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and url.isascii() and " " not in url


def sound_markup(markup: str) -> None:
    """No relative links, nothing that runs, nothing that styles."""
    for element in html.fromstring(f"<div>{markup}</div>").iter():
        assert element.tag in {"div", "p", "a", "ul", "li", "h3"}
        assert set(element.attrib) <= {"href", "rel"}
        assert absolute(element.get("href", "https://a.example/"))


def fits_schema(document: bytes) -> bool:
    """Whether a document is Atom by the RELAX NG schema of RFC 4287."""
    return bool(_GRAMMAR.validate(etree.fromstring(document)))


def check_atom(document: bytes, self_url: str, entries: int) -> etree._Element:
    root = etree.fromstring(document)
    assert _GRAMMAR.validate(root), _GRAMMAR.error_log
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == self_url
    assert absolute(links["alternate"] or "")
    found = root.findall(f"{ATOM}entry")
    assert len(found) == entries
    ids = [element.text or "" for element in root.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("tag:") for one in ids)
    updated = [entry.findtext(f"{ATOM}updated") or "" for entry in found]
    newest = max(map(datetime.fromisoformat, updated), default=datetime(1970, 1, 1, tzinfo=UTC))
    assert datetime.fromisoformat(root.findtext(f"{ATOM}updated") or "") >= newest
    assert len(set(updated)) == len(updated), "two entries were updated at the same time"
    for entry in found:
        alternates = [link for link in entry.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
        assert len(alternates) <= 1
        assert all(absolute(link.get("href") or "") for link in entry.findall(f"{ATOM}link"))
        content = entry.find(f"{ATOM}content")
        assert content is not None
        assert content.get("type") == "html"
        sound_markup(content.text or "")
        title = entry.find(f"{ATOM}title")
        assert title is not None
        assert title.get("type", "text") == "text"
        assert title.text
        assert entry.findtext(f"{ATOM}published")
    _parses(document, entries, "atom10")
    return root


def check_rss(document: bytes, self_url: str, entries: int) -> etree._Element:
    root = etree.fromstring(document)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    for name in ("title", "link", "description", "language", "lastBuildDate", "generator"):
        assert channel.findtext(name), name
        assert len(channel.findall(name)) == 1
    own = channel.find(f"{ATOM}link")
    assert own is not None
    assert (own.get("rel"), own.get("href"), own.get("type")) == ("self", self_url, "application/rss+xml")
    assert channel.findtext("link") not in {None, "", self_url}, "a channel's link is its site, not the feed"
    assert absolute(channel.findtext("link") or "")
    items = channel.findall("item")
    assert len(items) == entries
    guids = [item.find("guid") for item in items]
    assert all(guid is not None and guid.get("isPermaLink") == "false" for guid in guids)
    assert len({guid.text for guid in guids if guid is not None}) == entries
    for item in items:
        assert item.findtext("title")
        assert item.findtext("description")
        assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo is not None
        assert item.findtext("link") is None or absolute(item.findtext("link") or "")
        assert item.find("author") is None  # it would have to be an address
        sound_markup(item.findtext(f"{CONTENT}encoded") or item.findtext("description") or "")
    parsedate_to_datetime(channel.findtext("lastBuildDate") or "")
    _parses(document, entries, "rss20")
    return root


def check_json(document: bytes, self_url: str, entries: int) -> dict[str, object]:
    feed: dict[str, object] = json.loads(document)
    _JSON.validate(feed)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == self_url
    items = feed["items"]
    assert isinstance(items, list)
    assert len(items) == len({item["id"] for item in items}) == entries
    for item in items:
        sound_markup(item["content_html"])
        assert absolute(item.get("url", "https://a.example/"))
        assert item["date_published"].endswith("Z")
        assert item["title"]
    return feed


def _parses(document: bytes, entries: int, version: str) -> None:
    """A reader of feeds finds every entry and nothing to complain of."""
    parsed = feedparser.parse(document)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert (parsed.version, len(parsed.entries)) == (version, entries)
    assert all(entry.get("published_parsed") and entry.get("id") for entry in parsed.entries)
