"""HTML pages: the text by trafilatura, what the page says about itself by its meta elements and JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import trafilatura
from lxml import etree
from lxml import html as lxml_html
from trafilatura.settings import use_config

_TYPES: Final = frozenset(
    {"article", "newsarticle", "reportagenewsarticle", "analysisnewsarticle", "opinionnewsarticle", "blogposting"}
    | {"webpage", "report", "liveblogposting"}
)
# Names of meta elements by what they say, the best first.
_META: Final = {
    field: tuple(names.split())
    for field, names in {
        "published": "article:published_time og:published_time datepublished pubdate publishdate publish-date date"
        " dc.date dc.date.issued dcterms.created dcterms.issued parsely-pub-date og:article:published_time",
        "updated": "article:modified_time og:updated_time datemodified lastmod last-modified dcterms.modified",
        "publisher": "og:site_name application-name dc.publisher dcterms.publisher publisher source mediaid",
        "byline": "author article:author parsely-author dc.creator byl sailthru.author",
        "section": "article:section section parsely-section og:article:section channel",
        "keywords": "news_keywords keywords article:tag parsely-tags",
        "teaser": "og:description description twitter:description dc.description",
        "title": "og:title twitter:title dc.title headline",
        "language": "og:locale content-language dc.language language",
        "url": "og:url",
        "editor": "editor",
    }.items()
}


_PARAGRAPH: Final = 80  # characters from which a paragraph is no label
_LITTLE: Final = 600  # characters that may be less than the text
_MUCH_MORE: Final = 4.0


def extract(data: bytes) -> dict[str, Any]:
    """Extract an article from a page given as UTF-8.

    Returns:
        {"paragraphs": [str], "title", "published", "updated", "publisher", "byline", "section", "keywords": [str],
        "teaser", "language", "url", "editor", "said", "problem"}; a field that the page does not give is "" or [].
        "said" is how many characters its paragraphs have, whatever they belong to.
    """
    parser = lxml_html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True)
    try:
        tree = lxml_html.fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError) as error:
        return {"problem": f"not readable as HTML: {error}"}
    found = _described(tree)
    paragraphs = _text(data) or [
        text for node in tree.iter("p", "h2", "h3", "li", "blockquote") if (text := _words(node))
    ]
    said = sum(len(text) for node in tree.iter("p") if len(text := _words(node)) >= _PARAGRAPH)
    return {**found, "paragraphs": paragraphs, "said": said, "problem": ""}


def _words(node: Any) -> str:
    return " ".join(node.text_content().split())


def _text(data: bytes) -> list[str]:
    config = use_config()
    config.set("DEFAULT", "EXTRACTION_TIMEOUT", "0")  # its SIGALRM; the jail has a clock of its own
    page = data.decode("utf-8")

    def extracted(*, precision: bool) -> str:
        text = trafilatura.extract(
            page,
            favor_precision=precision,
            include_comments=False,
            include_tables=True,
            deduplicate=False,
            config=config,
        )
        return text or ""

    text = extracted(precision=True)
    if len(text) < _LITTLE:  # a notice in front of the text may have been taken for it
        more = extracted(precision=False)
        text = more if len(more) > _MUCH_MORE * len(text) else text
    return [line for line in text.split("\n") if line.strip()]


def _described(tree: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_META, "")
    metas: dict[str, list[str]] = {}
    for node in tree.iter("meta"):
        names = (node.get(attribute) for attribute in ("property", "name", "itemprop", "http-equiv"))
        name = next((name for name in names if name), "").strip().lower()
        if name and node.get("content", "").strip():
            metas.setdefault(name, []).append(node.get("content").strip())
    for data in _linked_data(tree):
        _take(found, _of_linked_data(data))
    _take(
        found,
        {
            field: next((metas[name][0] for name in names if name in metas), "")
            for field, names in _META.items()
            if field != "keywords"
        },
    )
    tags = found["keywords"] if isinstance(found["keywords"], list) else []
    for name in _META["keywords"]:
        if not tags:
            tags = [
                each for value in metas.get(name, []) for each in value.replace("，", ",").replace(";", ",").split(",")
            ]
    found["keywords"] = [tag.strip() for tag in tags if tag.strip()]
    link = next(
        (node.get("href", "") for node in tree.iter("link") if (node.get("rel") or "").lower() == "canonical"), ""
    )
    heading = next((_words(node) for node in tree.iter("h1")), "")
    title = next((_words(node) for node in tree.iter("title")), "")
    stamp = next((node.get("datetime") or node.text_content() for node in tree.iter("time")), "")
    _take(found, {"url": link, "title": heading or title, "published": stamp, "language": tree.get("lang", "")})
    if tree.get("lang"):
        found["language"] = tree.get("lang")
    found["page_title"] = title
    return found


def _take(found: dict[str, Any], more: dict[str, Any]) -> None:
    for field, value in more.items():
        if value and not found.get(field):
            found[field] = value


def _linked_data(tree: Any) -> Iterator[dict[str, Any]]:
    """The objects of JSON-LD that describe an article; broken ones are passed over."""
    for node in tree.iter("script"):
        if (node.get("type") or "").strip().lower() != "application/ld+json":
            continue
        try:
            data = json.loads(node.text_content(), strict=False)
        except (ValueError, RecursionError):
            continue
        for each in data if isinstance(data, list) else [data]:
            graph = each.get("@graph", [each]) if isinstance(each, dict) else []
            for item in graph if isinstance(graph, list) else []:
                kinds = item.get("@type", "") if isinstance(item, dict) else ""
                names = {str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])}
                if names & _TYPES:
                    yield item


def _of_linked_data(data: dict[str, Any]) -> dict[str, Any]:
    keywords = data.get("keywords", [])
    if isinstance(keywords, str):
        keywords = keywords.split(",")
    section = data.get("articleSection", "")
    return {
        "title": _name(data.get("headline")),
        "published": _name(data.get("datePublished")),
        "updated": _name(data.get("dateModified")),
        "publisher": _name(data.get("publisher")),
        "byline": _name(data.get("author")),
        "editor": _name(data.get("editor")),
        "section": _name(section[0] if isinstance(section, list) and section else section),
        "keywords": [str(word) for word in keywords if isinstance(word, str)] if isinstance(keywords, list) else [],
        "teaser": _name(data.get("description")),
        "language": _name(data.get("inLanguage")),
        "url": _name(data.get("url")),
    }


def _name(value: Any) -> str:
    """A name out of the shapes that schema.org allows: text, an object with a name, or a list of either."""
    if isinstance(value, list):
        return ", ".join(name for name in map(_name, value[:6]) if name)
    if isinstance(value, dict):
        return _name(value.get("name") or value.get("@value"))
    return value.strip() if isinstance(value, str) else ""
