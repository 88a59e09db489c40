"""CSS into `style` attributes: the only place that knows premailer. What it must not be given, stylesheets.py says.

premailer reads CSS with cssutils, which fetches `@import` even with `allow_network=False`. So a stylesheet that could
make anything fetch anything is refused before it comes near: ours are the only ones there are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from copy import deepcopy
from functools import lru_cache
from typing import Any, ClassVar, Final

from digest.errors import TemplateError
from digest.render.stylesheets import check_stylesheet, is_particular

# premailer keeps 128 of what it parsed: a report has more selectors and styles, and would be parsed again at each run.
# It reads this when it is imported.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "4096")  # noqa: TID251 - an option of a library, not a setting of ours

from lxml import etree
from premailer import Premailer

_SHEETS: Final = 64  # kept at hand, read

# premailer would turn widths and colours into attributes: "auto" and "100%" become wrong ones, the rest obsolete ones.
_NO_ATTRIBUTES = ["align", "bgcolor", "height", "valign", "width"]
_FOREIGN = re.compile(
    r"<\s*(?:script|iframe|object|embed|base|form|svg|link|img|video|audio|source)\b|\son[a-z]+\s*=|http-equiv\s*=",
    re.IGNORECASE,
)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.IGNORECASE | re.DOTALL)
_STYLE_ATTRIBUTE = re.compile(r"""\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_INLINED = re.compile(r"""\sstyle=(?:"[^"]*"|'[^']*')""")
_CLASS = re.compile(r'\sclass="([^"]*)"')


def inline(html: str, where: str) -> str:
    """A rendered mail with its first stylesheets in `style` attributes; those marked data-premailer="ignore" stay.

    Classes that no remaining stylesheet names are dropped: Gmail clips at 102 KB. A rule looks at an element and what
    it is in, never at its neighbours: those may be missing from a copy.

    Args:
        html: the whole document; escaped, so that markup in it is the template's.
        where: the template's file, for messages.

    Raises:
        TemplateError: the template holds CSS or markup that could load something or run.
    """
    for css in _styles(html):
        check_stylesheet(css, where)
    for tag in set(_TAG.findall(html)):
        if match := _FOREIGN.search(tag):
            raise TemplateError(
                f"a mail may not hold '{match[0].strip()}'", where=where, remedy="a mail loads nothing and runs nothing"
            )
    inlined = _inlined(html)
    named = set(re.findall(r"\.([A-Za-z_][\w-]*)", " ".join(_STYLE.findall(inlined))))
    tight = lru_cache(maxsize=None)(lambda tag: _tighten(tag, named))  # most tags of a report come again and again
    return _TAG.sub(lambda tag: tight(tag[0]), inlined)


def _inlined(html: str) -> str:
    """A document with its rules in attributes.

    A rule looks at an element and what it is in. So premailer is shown each kind of element once, in each kind of
    place: a report of 400 stories takes no longer than one of four. Where a rule could tell apart what looks the same
    here (by an id, an attribute, its neighbours), it is shown the whole.
    """
    document: Any = etree.fromstring(html.strip(), etree.HTMLParser()).getroottree()
    root, head = document.getroot(), document.find("head")
    styles = list(root.iter("style"))
    rules = " ".join(style.text or "" for style in styles if style.get("data-premailer") != "ignore")
    if not is_particular(rules) and head is not None and all(style.getparent() is head for style in styles):
        kinds = etree.Element(root.tag, dict(root.attrib))
        kinds.append(deepcopy(head))
        same: list[tuple[Any, Any]] = [(root, kinds)]
        for element in root:
            if element is not head:
                _kinds(element, kinds, {}, same)
        _premailer(kinds)
        for element, kind in same:
            if style := kind.get("style"):
                element.set("style", style)
        root.replace(head, kinds[0])
    else:
        _premailer(root)
    # A parsed document has a doctype, whether it was written or not.
    whole = document if html.strip().startswith(document.docinfo.doctype) else root
    made: str = etree.tostring(whole, method="html", encoding="utf-8").decode()
    return made


def _kinds(element: Any, place: Any, known: dict[Any, tuple[Any, dict[Any, Any]]], same: list[tuple[Any, Any]]) -> None:
    """Note of what kind an element and all in it are; a kind that is new gets its place among the others."""
    if not isinstance(element.tag, str):  # a comment
        return
    looks = (element.tag, element.get("class"), element.get("style"))
    if looks not in known:
        attributes = {name: value for name, value in zip(("class", "style"), looks[1:], strict=True) if value}
        known[looks] = etree.SubElement(place, element.tag, attributes), {}
    kind, inside = known[looks]
    same.append((element, kind))
    for child in element:
        _kinds(child, kind, inside, same)


def _premailer(root: Any) -> None:
    _Inliner(
        root,
        allow_network=False,
        disable_basic_attributes=_NO_ATTRIBUTES,
        disable_validation=True,  # it would warn of mso- properties, which Outlook needs
        disable_link_rewrites=True,
        align_floating_images=False,
        cache_css_parsing=True,
    ).transform(pretty_print=False)


class _Inliner(Premailer):  # type: ignore[misc] # it comes without types
    """premailer, which also keeps what rules a stylesheet has: it only keeps the parsed sheet, and writes it anew."""

    _read: ClassVar[dict[tuple[str, int], tuple[list[Any], list[Any]]]] = {}

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        found = self._read.get((css_body, ruleset_index))
        if found is None:
            if len(self._read) >= _SHEETS:
                self._read.clear()
            found = self._read[css_body, ruleset_index] = super()._parse_style_rules(css_body, ruleset_index)
        return list(found[0]), list(found[1])


def _styles(html: str) -> Iterable[str]:
    yield from _STYLE.findall(html)
    for tag in _TAG.findall(html):
        yield from _STYLE_ATTRIBUTE.findall(tag)


def _tighten(tag: str, named: set[str]) -> str:
    """A tag without unused classes and without spaces between declarations: a fifth of a mail's bytes."""

    def kept(match: re.Match[str]) -> str:
        names = [name for name in match[1].split() if name in named]
        return f' class="{" ".join(names)}"' if names else ""

    tag = _CLASS.sub(kept, tag)
    return _INLINED.sub(lambda style: re.sub(r"([;,])\s+", r"\1", style[0]), tag)
