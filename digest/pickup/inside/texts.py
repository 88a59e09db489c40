"""The texts of a feed's elements as feedparser gives them: repaired, marked up or not, or with the markup inside."""

from __future__ import annotations

import contextlib
import html
import html.entities
import re
from collections.abc import Iterator
from typing import Any, Final

from digest.pickup.inside.vocabulary import Unsure

# What feedparser takes for elements of HTML when it guesses whether a text is marked up.
_HTML: Final = frozenset({
    "a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "big", "blockquote", "br", "button",
    "canvas", "caption", "center", "cite", "code", "col", "colgroup", "command", "datagrid", "datalist", "dd", "del",
    "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "event-source", "fieldset", "figcaption", "figure",
    "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "input", "ins", "kbd",
    "keygen", "label", "legend", "li", "m", "map", "menu", "meter", "multicol", "nav", "nextid", "noscript", "ol",
    "optgroup", "option", "output", "p", "pre", "progress", "q", "s", "samp", "section", "select", "small", "sound",
    "source", "spacer", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "textarea", "tfoot", "th",
    "thead", "time", "tr", "tt", "u", "ul", "var", "video",
})  # fmt: skip
_CLOSED: Final = re.compile(r"</\w+>|&#?\w+;")
_TAG: Final = re.compile(r"</?(\w+)")
_WHOLE: Final = re.compile(r"</?(\w+)\b[^<>]*>")
_NAMED: Final = re.compile(r"&(\w+);")
_C1: Final = re.compile("[\x80-\x9f]")


def text_of(node: Any) -> str:
    """The text of an element that must not hold others."""
    if len(node):
        raise Unsure
    return (node.text or "").strip()


def repaired(text: str, *, odd: bool) -> str:
    """What feedparser repairs: Windows' characters in the place of C1 controls, UTF-8 that was read as Latin-1."""
    text = text.strip()
    if not odd or text.isascii():
        return text
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return "".join(map(_cp1252, text)) if _C1.search(text) else text


def _cp1252(char: str) -> str:
    if "\x80" <= char <= "\x9f":
        return char.encode("latin-1").decode("cp1252", "replace").replace("\ufffd", char)
    return char


def looks_like_html(text: str) -> bool:
    """Whether a text in RSS, where nobody can say it, is marked up: by feedparser's rule, or by one tag of HTML."""
    tags = _TAG.findall(text)
    if any(tag.lower() in _HTML for tag in tags) and any(tag.lower() in _HTML for tag in _WHOLE.findall(text)):
        return True
    if not _CLOSED.search(text) or any(tag.lower() not in _HTML for tag in tags):
        return False
    return all(name in html.entities.entitydefs for name in _NAMED.findall(text))


def inner(node: Any) -> str:
    """The markup inside an element, without prefixes, and without the <div> around it."""
    if (
        len(node) == 1
        and _local(node[0]) == "div"
        and not (node.text or "").strip()
        and not (node[0].tail or "").strip()
    ):
        node = node[0]
    return "".join(_pieces(node)).strip()


def _pieces(node: Any) -> Iterator[str]:
    yield _escaped(node.text or "")
    for child in node:
        name = _local(child)
        given = "".join(f' {key.rpartition("}")[2]}="{html.escape(value)}"' for key, value in child.attrib.items())
        yield f"<{name}{given}>"
        yield from _pieces(child)
        yield f"</{name}>{_escaped(child.tail or '')}"


def _local(node: Any) -> str:
    if not isinstance(node.tag, str):
        raise Unsure
    return str(node.tag).rpartition("}")[2].lower()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
