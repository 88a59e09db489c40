"""Text and markup from outside -> safe text; canonical URLs; fingerprints. Floor: knows no article and no stage.

Everything here is total: any string goes in, safe text comes out, nothing is raised. What comes out holds no control
characters, no lone surrogates, no direction overrides and no line breaks, so that it can stand in a header, an XML
document, a log line and a page (where it is still escaped).
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import idna
import nh3

# Never text: C0 and C1 controls (but white space), surrogates, non-characters, soft hyphens, zero-width spaces,
# direction marks, embeddings, overrides and isolates, invisible operators, byte order marks, annotations, tags.
_JUNK: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffc"
    "\U000e0000-\U000e007f"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
# Those of them (and of the spaces) that Python calls printable.
_UNSEEN: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc]")
# The two joiners shape Arabic, Indic and emoji; after anything else they only hide differences.
_JOINERS: Final = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]+"
)
_SPACE: Final = re.compile(r"[\s\x1c-\x1f\x85\u2028\u2029\u2800]+")


def plain(text: str, *, entities: bool = False) -> str:
    """One safe line: NFC, without junk, white space folded to single spaces, trimmed.

    Args:
        text: anything.
        entities: resolve character references first ("&amp;" -> "&"), for text that was markup.
    """
    if entities:
        text = html.unescape(text)
    if text.isprintable() and (text.isascii() or not _UNSEEN.search(text)):  # the common case needs no tables
        text = " ".join(text.split())
        return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
    text = _JUNK.sub("", _SPACE.sub(" ", text))
    text = unicodedata.normalize("NFC", _JOINERS.sub("", text))
    return _SPACE.sub(" ", text).strip()


def one_line(text: str, limit: int = 0) -> str:
    """Text for a header or a list: `plain`, and cut at a word within `limit` characters (0: no limit)."""
    text = plain(text)
    if limit <= 0 or len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word = cut.rpartition(" ")[0]
    return (word if len(word) > limit // 2 else cut).rstrip(" ,;:-–—") + "…"


# --------------------------------------------------------------------------------------------------------------
# Markup

_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
_DROPPED: Final = frozenset(
    [
        "script",
        "style",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "svg",
        "math",
        "title",
        "textarea",
        "select",
    ]
)
_TAG: Final = re.compile(r"<[^<>]*+>")

# What a fragment may keep: seventeen tags, links to http, https and mailto, nothing that runs, loads or overlays.
SAFE_TAGS: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "code",
        "em",
        "h3",
        "h4",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "sub",
        "sup",
        "ul",
    ]  # h1 and h2 belong to our pages
)


# The tokens of HTML that are not text (WHATWG HTML, 13.2.5): comments, declarations, tags with their attributes. Each
# quantifier is possessive and each token ends at the end of the text at the latest, so that reading is linear.
_TOKEN: Final = re.compile(
    r"""<(?:
      !--(?:-?>|(?s:.)*?(?:--!?>|\Z))
    | (?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)
      (?P<attributes>(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s"'>][^\s>]*+)?+)?+)*+)
      (?P<close>>|\Z)
    | [!?/][^>]*+(?:>|\Z)
    )""",
    re.VERBOSE,
)
_LINK: Final = re.compile(r"""\s(href|title)\s*=\s*("[^"]{0,4000}"|'[^']{0,4000}'|[^\s"'>]{1,4000})""", re.IGNORECASE)
_CODE: Final = frozenset({"script", "style"})
_MAX_MARKUP, _MAX_DEPTH = 2_000_000, 1_000
_VOID: Final = frozenset(
    {"p", "li", "dt", "dd", "br", "hr", "img", "input", "meta", "link", "td", "th", "tr", "col", "wbr", "b", "i"}
)


def _pieces(markup: str) -> Iterator[tuple[str, str, str, str]]:
    """A fragment of HTML as (text before, name of the tag, "/" of an end tag, attributes), without what is dropped.

    What stands in a script, a style or a frame is dropped with it. A frame that is never closed takes nothing along:
    feeds are full of `<iframe .../>`, after which a browser would show nothing more.
    """
    at, unclosed = 0, set()
    while (token := _TOKEN.search(markup, at)) is not None:
        text, name = markup[at : token.start()], (token["name"] or "").lower()
        at = token.end()
        if (
            name and not token["close"]
        ):  # a quotation mark that is never closed: only the tag goes, not all that follows
            cut = markup.find(">", token.start())
            yield text, "", "", ""
            yield from ((part, "br", "", "") for part in (_TAG.split(markup[cut + 1 :]) if cut >= 0 else ()))
            return
        if name in _DROPPED and not token["end"]:
            yield text, "", "", ""
            if name in unclosed or (name not in _CODE and token["attributes"].endswith("/")):
                continue
            end = re.compile(f"</{name}", re.IGNORECASE).search(markup, at)
            if end is not None:
                at = end.start()
            elif name in _CODE:
                return
            else:
                unclosed.add(name)
            continue
        yield text, name, token["end"] or "", token["attributes"] or ""
    yield markup[at:], "", "", ""


def html_paragraphs(markup: str) -> tuple[str, ...]:
    """The text of a fragment of HTML as plain paragraphs, one per block; scripts, styles and frames are left out."""
    blocks: list[str] = []
    line: list[str] = []
    for text, name, _end, _attributes in _pieces(markup):
        line.append(text)
        if name in _BLOCKS:
            blocks.append("".join(line))
            line = []
    blocks.append("".join(line))
    return tuple(text for block in blocks if (text := plain(block, entities=True)))


def html_to_text(markup: str) -> str:
    """The text of a fragment of HTML on one line."""
    if "<" not in markup and "&" not in markup:
        return plain(markup)
    return " ".join(html_paragraphs(markup))


def _spare(fragment: str) -> str | None:
    """A fragment with nothing but names of tags, addresses and titles; None for what no honest fragment is.

    html5ever needs quadratic time for elements thousands deep and for tags of thousands of attributes.
    """
    if len(fragment) > _MAX_MARKUP:
        return None
    kept: list[str] = []
    opened: Counter[str] = Counter()
    depth = 0
    for text, name, end, attributes in _pieces(fragment):
        kept.append(text.replace("<", "&lt;"))
        if not name:
            continue
        if name not in _VOID and (not end or opened[name]):
            opened[name] += -1 if end else 1
            depth += -1 if end else 1
            if depth > _MAX_DEPTH:
                return None
        links = {match[1]: match[2] for match in _LINK.finditer(attributes)} if name in {"a", "abbr"} else {}
        given = "".join(f' {key}="{html.escape(_bare(value))}"' for key, value in links.items())
        kept.append(f"<{end}{name if name.isalnum() else 'span'}{given}>")
    return "".join(kept)


def _bare(value: str) -> str:
    """An attribute's value, without quotation marks and character references."""
    return html.unescape(value[1:-1] if value[0] in "\"'" else value)


def safe_html(fragment: str) -> str:
    """A fragment of HTML cut down to an allow-list.

    Links keep http, https and mailto targets and get rel="noopener noreferrer nofollow"; images, forms, styles, frames,
    classes, ids and event handlers go.
    """
    spare = _spare(_JUNK.sub("", fragment))
    if spare is None:
        return html.escape(" ".join(html_paragraphs(fragment)))
    return nh3.clean(
        spare,
        tags=set(SAFE_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes={"a": {"href"}, "abbr": {"title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


# --------------------------------------------------------------------------------------------------------------
# URLs

_TRACKING: Final = re.compile(
    r"(?:utm_\w+|mc_[ce]id|[dfgt]clid|fbclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|_hsenc|_hsmi|mkt_tok|vero_id"
    r"|oly_(?:enc|anon)_id|wt_?mc|xtor|at_(?:medium|campaign|custom\d)|ns_(?:mchannel|source|campaign|linkname|fee)|spm|from_source|share_token|s_cid|cmpid|guccounter|guce_\w+)",
    re.IGNORECASE,
)
_SCHEMES: Final = {"http": 80, "https": 443}
_MAX_URL: Final = 2000  # characters; what mail clients and sitemaps agree on
_DNS_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*")
_ESCAPE: Final = re.compile(r"%([0-9a-fA-F]{2})")


def canonical_url(url: str) -> str:
    """The one spelling of a web address, or "" for anything that is not a safe one.

    http and https only; no user, password or backslash; host in lower case and ASCII (IDNA 2008, UTS 46); default port,
    fragment and tracking parameters dropped; what is not ASCII percent-encoded (RFC 3986).
    """
    url = url.strip()
    if not url or len(url) > _MAX_URL or "\\" in url or any(c.isspace() for c in url) or _JUNK.search(url):
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES or "@" in parts.netloc:
        return ""
    if not (host := _host(host)):
        return ""
    if port is not None and port != _SCHEMES[scheme]:
        host = f"{host}:{port}"
    query = "&".join(
        pair for pair in parts.query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])
    )
    return urlunsplit((scheme, host, _escaped(parts.path) or "/", _escaped(query), ""))


def _host(host: str) -> str:
    """A host name in ASCII, an IPv6 literal in brackets, or ""."""
    if ":" in host:
        return f"[{host.lower()}]"
    host = host.rstrip(".")
    try:
        host = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
    return host if _DNS_NAME.fullmatch(host) else ""


def _escaped(part: str) -> str:
    """A path or query with everything outside of RFC 3986's characters percent-encoded; escapes in upper case."""
    part = quote(part, safe="/:@!$&'()*+,;=-._~?%")
    return _ESCAPE.sub(lambda match: f"%{match[1].upper()}", re.sub(r"%(?![0-9a-fA-F]{2})", "%25", part))


# --------------------------------------------------------------------------------------------------------------
# Fingerprints

_NOT_WORD: Final = re.compile(r"[\W_]+")


def fingerprint(paragraphs: Iterable[str]) -> str:
    """SHA-256 (hex) over the letters and digits of a text: equal where only layout, case or punctuation differ."""
    digest = hashlib.sha256()
    for paragraph in paragraphs:
        digest.update(_NOT_WORD.sub("", unicodedata.normalize("NFKC", plain(paragraph)).casefold()).encode())
    return digest.hexdigest()
