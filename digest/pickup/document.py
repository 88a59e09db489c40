"""One document -> articles: which format it is, which reader reads it, and what every article must be like.

bytes -> text (decode) -> drafts (page | markdown | html | records | feed) -> cleaned, dated, keyed articles
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urljoin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.clean import canonical_url, fingerprint, html_to_text, one_line, plain
from digest.errors import JailError, PickupError
from digest.jail import Jail
from digest.model import Article, Intake, Source, SourceKind
from digest.pickup import dateline, dates, feed, html, language, markdown, page, publishers, records
from digest.pickup.decode import text_of
from digest.pickup.draft import Draft

MAX_BYTES: Final = 10_000_000
_MAX_TEXT, _MAX_PARAGRAPHS = 1_000_000, 5_000
_MAX_TITLE, _MAX_FIELD, _MAX_TEASER, _MAX_ID, _MAX_KEYWORDS = 400, 200, 2_000, 500, 50

_FORMATS: Final = {
    ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html", ".json": "json",
    ".ninjs": "json", ".xml": "feed", ".rss": "feed", ".atom": "feed", ".rdf": "feed",
}  # fmt: skip
# Atomic groups: a hundred empty comments must not be tried in every way that they could be one.
_HTML: Final = re.compile(
    r"\s*(?>(?><!--.{0,2000}?-->)\s*)*+(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html\b|<head\b|<body\b)",
    re.IGNORECASE | re.DOTALL,
)
_FEED: Final = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?>(?><!--.{0,2000}?-->|<\?[^>]*>|<!doctype[^>]*>)\s*)*+<(?:\w+:)?(?:rss|feed|rdf)\b",
    re.IGNORECASE | re.DOTALL,
)
_RUNS: Final = re.compile(
    r"<(?=\s*/?\s*(?:script|style|iframe|frame|object|embed|applet|svg|math|link|meta|base|form)\b|[a-z][^<>]*[\s/\"']on\w+\s*=)",
    re.IGNORECASE,
)
# What names a place on a page: not what counts where readers come from, nor the foot of a story with its comments.
_ANCHOR: Final = re.compile(r"(?!(?:comments?|respond|top|content|main|rss|feed)$)[A-Za-z0-9._~-]{1,80}")
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\r?\n[\w\"'# ]")
_XML_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a document gave: its articles, and the entries that could not become any."""

    articles: tuple[Article, ...]
    problems: tuple[PickupError, ...] = ()


def read_document(
    data: bytes, name: str, source: Source, *, now: datetime, zone: tzinfo, jail: Jail
) -> tuple[Article, ...]:
    """Read one document; entries of a list or feed that cannot be used are left out (see `read` to learn of them).

    Args:
        data: the document's bytes.
        name: its name below the source, with "/" between folders; the extension says the format, failing that the text.
        source: where it comes from: stands in for publisher, language, time zone; gives rights and weight.
        now: becomes `first_seen`; dates further in the future are not believed.
        zone: of dates that name none, when neither the source nor a known publisher says better.
        jail: where parsers run.

    Raises:
        PickupError: it cannot become articles; says where, which line if known, and the remedy.
    """
    return read(data, name, source, now=now, zone=zone, jail=jail).articles


def read(
    data: bytes, name: str, source: Source, *, now: datetime, zone: tzinfo, jail: Jail, charset: str = ""
) -> Reading:
    """As `read_document`, with the entries that could not be used; `charset` is what the server said.

    Raises:
        PickupError: nothing of it can be used.
    """
    if len(data) > MAX_BYTES:
        raise PickupError(
            f"{len(data)} bytes, at most {MAX_BYTES} are read",
            where=name,
            remedy="split it, or give the text without pictures",
        )
    if not data.strip():
        raise PickupError("the file is empty", where=name, remedy="write it again, or take it away")
    text = text_of(data, name, charset)
    try:
        drafts, problems = _drafts(text, name, source, now=now, zone=zone, jail=jail)
    except JailError as error:
        raise PickupError(
            f"the document was too much for its parser ({error.reason}: {error.detail})"[:300],
            where=name,
            remedy="give it in a simpler form, for example as plain text",
        ) from error
    articles: list[Article] = []
    ids: set[str] = set()
    for draft in drafts:
        try:
            article = _article(draft, name, source, now=now, several=bool(draft.where))
        except PickupError as error:
            problems.append(error)
            continue
        if article.id in ids:  # a publisher that gives one id to several entries must not lose any
            article = replace(article, id=f"{article.id}#{fingerprint([article.title])[:16]}")
        if article.id not in ids:
            ids.add(article.id)
            articles.append(article)
    if not articles and problems:
        raise problems[0]
    return Reading(articles=tuple(articles), problems=tuple(problems))


# --------------------------------------------------------------------------------------------------------------
# Formats


def _format(text: str, name: str, source: Source) -> str:
    if source.live:  # a page is no feed: one that answers with a page must fail, not become an article
        return "json" if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")) else "feed"
    known = "" if "://" in name else _FORMATS.get(PurePosixPath(name).suffix.lower(), "")
    if known == "feed" and _HTML.match(text):
        return "html"
    if known and known != "feed":
        return known
    if _FEED.match(text) or known == "feed":
        return "feed"
    if _HTML.match(text):
        return "html"
    if source.kind is SourceKind.FEED:
        return "json" if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")) else "feed"
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return "json"
    return "markdown" if _FRONT_MATTER.match(text) else "page"


def _drafts(
    text: str, name: str, source: Source, *, now: datetime, zone: tzinfo, jail: Jail
) -> tuple[list[Draft], list[PickupError]]:
    named = _zone(source.time_zone, name)
    stamps = named or zone
    kind = _format(text, name, source)
    if kind == "json":
        return records.read(text, name=name, zone=named or publishers.zone_of(source.publisher) or zone)
    if kind == "feed":
        return feed.read(
            _XML_DECLARATION.sub("", text),
            name=name,
            zone=named or publishers.zone_of(source.publisher) or zone,
            jail=jail,
        )
    if kind == "markdown":
        return [markdown.read(text, name=name, zone=stamps, jail=jail)], []
    if kind == "html":
        return [
            html.read(_XML_DECLARATION.sub("", text), name=name, source=source, named=named, zone=zone, jail=jail)
        ], []
    return [
        page.read(text, name=name, zone=stamps, now=now, publisher=source.publisher, publisher_zone=named is None)
    ], []


def _zone(name: str, where: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise PickupError(
            f"its source's time zone '{name}' does not exist",
            where=where,
            remedy="write an IANA name, for example Asia/Shanghai",
        ) from None


# --------------------------------------------------------------------------------------------------------------
# What every article is like


def _article(draft: Draft, name: str, source: Source, *, now: datetime, several: bool) -> Article:
    where = draft.where or name
    draft = _without_dateline(draft)
    paragraphs = tuple(text for text in map(_harmless, draft.paragraphs) if text)
    title = one_line(_harmless(draft.title), _MAX_TITLE)
    if not title and paragraphs:
        title = one_line(paragraphs[0], 120)
    if not title:
        raise PickupError("neither a title nor a text", where=where, remedy="give it a title")
    if not paragraphs and not several and not draft.teaser:
        raise PickupError("a title but no text", where=where, remedy="write the text below the title")
    if sum(map(len, paragraphs)) > _MAX_TEXT or len(paragraphs) > _MAX_PARAGRAPHS:
        raise PickupError(
            f"more than {_MAX_TEXT} characters or {_MAX_PARAGRAPHS} paragraphs",
            where=where,
            remedy="split it into articles",
        )
    url = _link(draft.url, source.url)
    spoken = language.detect(" ".join((title, *paragraphs)), stated=draft.language, otherwise=source.language)
    return Article(
        source=source.key,
        id=_identity(draft, url, name, source, several=several),
        title=title,
        paragraphs=paragraphs,
        language=spoken,
        origin=where,
        first_seen=now,
        published=dates.plausible(draft.published, now),
        publisher=_field(draft.publisher) or _field(source.publisher) or _field(draft.agency),
        section=_field(draft.section),
        byline=_field(draft.byline),
        editor=_field(draft.editor),
        agency=_field(draft.agency),
        dateline=_field(draft.dateline),
        keywords=_keywords(draft.keywords),
        teaser=one_line(_harmless(draft.teaser), _MAX_TEASER),
        url=url or _page_url(source, name),
        rights=source.rights,
        weight=source.weight,
    )


def _field(value: str) -> str:
    return one_line(_harmless(value), _MAX_FIELD)


def _keywords(values: Iterable[str]) -> tuple[str, ...]:
    words = (one_line(_harmless(html_to_text(value)), 100) for value in values)
    return tuple(dict.fromkeys(word for word in words if word))[:_MAX_KEYWORDS]


def _harmless(text: str) -> str:
    """Text with another bracket before the name of an element that runs or loads.

    Text about `<script>` is text, and whoever shows it escapes it. Where somebody forgets to, it still does not run.
    """
    text = plain(text)
    return _RUNS.sub("‹", text) if "<" in text else text


def _link(url: str, base: str) -> str:
    """An entry's address in its one spelling, with its fragment where that leads to a place on the page."""
    try:
        whole = urljoin(base, url) if base and url else url
    except ValueError:  # brackets without a mate
        return ""
    link = canonical_url(whole)
    fragment = whole.partition("#")[2].strip()
    return f"{link}#{fragment}" if link and _ANCHOR.fullmatch(fragment) else link


def _without_dateline(draft: Draft) -> Draft:
    """The dateline's prefix and the wire's signature leave the text when, and only when, fields keep them."""
    if not draft.paragraphs:
        return draft
    changes: dict[str, Any] = {}
    first, *others = draft.paragraphs
    first = plain(first)
    filed = dateline.read(first) if not draft.dateline else None
    if filed is not None and (filed.place or filed.agency):
        first = filed.rest.lstrip(" -–—:，,")
        changes = {
            "dateline": filed.place,
            "agency": draft.agency or filed.agency,
            "byline": draft.byline or filed.reporters,
        }
    paragraphs = [first, *others]
    last, signed = dateline.signature(plain(paragraphs[-1]))
    if signed and (changes.get("agency") or draft.agency or signed) == signed:
        changes["agency"] = signed
        paragraphs[-1] = last
    return replace(draft, paragraphs=tuple(paragraphs), **changes)


def _identity(draft: Draft, url: str, name: str, source: Source, *, several: bool) -> str:
    """What stays when an article is edited: its id, else its address, else its place, else its words.

    The place of a document alone in its file, left where it is, is the file's name: an edit of the file is a new
    version. Of one that is claimed, and of an entry in a list, the place says nothing; its headline must do.
    """
    if stated := plain(draft.id):
        return stated if len(stated) <= _MAX_ID else f"sha256:{fingerprint([stated])}"
    if url:
        return url
    if several or source.intake is Intake.CLAIM or source.kind is not SourceKind.FOLDER:
        return f"text:{fingerprint([draft.title] if draft.title else draft.paragraphs)[:32]}"
    return f"file:{name}"


def _page_url(source: Source, name: str) -> str:
    """A link for an article that carries none: its file below the source's address, where that is a folder."""
    if "://" in name:
        return "" if source.live else canonical_url(name)
    if not source.url:
        return ""
    return canonical_url(source.url + quote(name) if source.url.endswith("/") else source.url)
