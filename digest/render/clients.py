"""What a mail's HTML asks of mail clients, and which of them will not do it (caniemail.com's data, compiled).

    used(html)  ->  what it uses  ->  gaps(...)  ->  Gap(feature, clients, where it is used)

The table knows Gmail, Outlook, Apple Mail and Yahoo, each on its platforms, at their last tested version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Final

_FAMILIES: Final = {"gmail": "Gmail", "outlook": "Outlook", "apple-mail": "Apple Mail", "yahoo": "Yahoo"}
_PLATFORMS: Final = {
    "desktop-webmail": "web",
    "mobile-webmail": "mobile web",
    "outlook-com": "web",
    "ios": "iOS",
    "macos": "macOS",
    "android": "Android",
    "windows": "Windows",
}
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE: Final = re.compile(r"([^{};]+)\{([^{}]*)\}")
_AT_RULE: Final = re.compile(r"@([a-z-]+)\s*([^{;]*)")
_DECLARATION: Final = re.compile(r"([a-zA-Z-]+)\s*:\s*([^;]+)")
_UNIT: Final = re.compile(r"(?<![#\w-])-?\d*\.?\d+(%|[a-z]+)")
_FUNCTION: Final = re.compile(r"([a-z-]+)\(")
_WORD: Final = re.compile(r"!?[a-z-]+")
_PSEUDO: Final = re.compile(r"::?[a-z-]+")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A row of the table. `kind` says what `name` is: an element, an attribute, a property, ..."""

    kind: str
    name: str
    title: str
    missing: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    note: str = ""  # which part the partial ones know


@dataclass(frozen=True, kw_only=True)
class Use:
    """Something that a document uses. `sheet`: in a style element, which clients may drop whole."""

    kind: str
    name: str
    sheet: bool = False


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A feature that is used, and clients that lack it or know a part of it."""

    feature: Feature
    use: Use

    @property
    def clients(self) -> str:
        """Those that lack it, in words: "Gmail (iOS), Outlook (Windows, macOS)"."""
        return in_words(self.feature.missing)


def in_words(clients: tuple[str, ...]) -> str:
    """Clients by family: "Gmail (iOS, Android), Yahoo (web)"."""
    families: dict[str, list[str]] = {}
    for client in clients:
        family, _, platform = client.partition(".")
        families.setdefault(_FAMILIES[family], []).append(_PLATFORMS[platform])
    return ", ".join(f"{family} ({', '.join(dict.fromkeys(platforms))})" for family, platforms in families.items())


@lru_cache(maxsize=1)
def table() -> dict[tuple[str, str], tuple[Feature, ...]]:
    """The features by kind and name."""
    found: dict[tuple[str, str], tuple[Feature, ...]] = {}
    text = files("digest.render").joinpath("mailclients.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        kind, name, title, missing, partial, note = [*line.split("\t"), "", "", ""][:6]
        feature = Feature(
            kind=kind,
            name=name,
            title=title,
            missing=tuple(filter(None, missing.split(","))),
            partial=tuple(filter(None, partial.split(","))),
            note=note,
        )
        found[kind, name] = (*found.get((kind, name), ()), feature)
    return found


@lru_cache(maxsize=1)
def _pairs() -> dict[tuple[str, str], tuple[str, ...]]:
    """Element and attribute -> beginnings of its value that the table has a row for."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for kind, name in table():
        if kind == "pair":
            element, attribute, begin = name.split(" ")
            found[element, attribute] = (*found.get((element, attribute), ()), begin)
    return found


def gaps(html: str) -> tuple[Gap, ...]:
    """Everything in a document that some client lacks or knows in part, each once, in the order of its first use."""
    found: dict[tuple[str, bool], Gap] = {}
    for use in used(html):
        for feature in _features(use):
            if feature.missing or feature.partial:
                found.setdefault((feature.title, use.sheet), Gap(feature=feature, use=use))
    return tuple(found.values())


def used(html: str) -> tuple[Use, ...]:
    """What a document uses, each once. What stands in conditional comments is for one client, and passed over."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(reader.uses)


def _features(use: Use) -> tuple[Feature, ...]:
    """The rows that a use is about; a property without a row of its own is judged by its shorthand."""
    exact = table().get((use.kind, use.name), ())
    if exact or use.kind != "property":
        return exact
    shorter = use.name.rpartition("-")[0]
    return _features(Use(kind="property", name=shorter)) if shorter else ()


@dataclass
class _Reader(HTMLParser):
    uses: dict[Use, None] = field(default_factory=dict)
    in_sheet: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("element", tag)
        for name, value in attrs:
            self._note("attribute", name)
            for begin in _pairs().get((tag, name), ()):
                if (value or "").startswith(begin):
                    self._note("pair", f"{tag} {name} {begin}")
            if name == "style":
                self._declarations(value or "", sheet=False)
        self.in_sheet = tag == "style"

    def handle_endtag(self, _tag: str) -> None:
        self.in_sheet = False

    def handle_data(self, data: str) -> None:
        if self.in_sheet:
            self._sheet(_COMMENT.sub("", data))

    def _note(self, kind: str, name: str, *, sheet: bool = False) -> None:
        self.uses.setdefault(Use(kind=kind, name=name, sheet=sheet))

    def _sheet(self, css: str) -> None:
        for name, rest in _AT_RULE.findall(css):
            self._note("at-rule", name, sheet=True)
            for condition in re.findall(r"\(\s*-?([a-z-]+)", rest):
                self._note("at-rule", f"media {condition}", sheet=True)
        for selectors, declarations in _RULE.findall(css):
            for name in _selectors(selectors):
                self._note("selector", name, sheet=True)
            self._declarations(declarations, sheet=True)

    def _declarations(self, css: str, *, sheet: bool) -> None:
        for found in _DECLARATION.finditer(css):
            name, value = found[1].lower(), found[2].strip().lower()
            self._note("property", name, sheet=sheet)
            self._note("declaration", f"{name}:{value.removesuffix('!important').strip()}", sheet=sheet)
            bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", value)
            for kind, pattern in (("unit", _UNIT), ("function", _FUNCTION), ("word", _WORD)):
                for each in pattern.findall(bare):
                    self._note(kind, each, sheet=sheet)


def _selectors(selectors: str) -> Iterator[str]:
    """The names in the table that a selector uses."""
    yield from _PSEUDO.findall(selectors)
    bare = re.sub(r"\([^)]*\)", "", selectors)
    yield from (mark for mark in "+~>*&[" if mark in bare)
    if "#" in bare:
        yield "#"
    if re.search(r"\.[\w-]+\.[\w-]", bare):
        yield ".a.b"
