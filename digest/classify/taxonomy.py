"""The taxonomy: the themes that articles are filed under, read from a file that an operator may edit.

    taxonomy.toml | load_taxonomy -> Taxonomy(Theme, Theme, ...)

docs/taxonomy.md explains the file's form. Every fault in it is told with its line and the remedy; nothing is guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from digest.errors import TaxonomyError
from digest.model import Theme

MAX_WEIGHT = 10.0
MAX_RANK_WEIGHT = 5.0
_KEYS = frozenset({"id", "names", "description", "weight", "iptc", "sections", "phrases"})
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_IPTC = re.compile(r"medtop:\d{8}")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Taxonomy:
    """All themes, in the order of the file, which is the order in which a tie is broken."""

    themes: tuple[Theme, ...]

    def __iter__(self) -> Iterator[Theme]:
        return iter(self.themes)

    def __len__(self) -> int:
        return len(self.themes)

    def find(self, theme: str) -> Theme | None:
        """The theme of an id, or None."""
        return self._by_id.get(theme)

    def resolve(self, text: str) -> Theme | None:
        """The theme that a person means by an id or by a name in any language; capitals do not matter."""
        return self._by_name.get(_plain(text))

    def name(self, theme: str, language: str = "en") -> str:
        """The name to show: in the language, else its base language, else English, else any; the id if unknown."""
        found = self.find(theme)
        if found is None:
            return theme
        base = language.partition("-")[0]
        near = (name for tag, name in found.names.items() if tag.partition("-")[0] == base)
        return (
            found.names.get(language) or next(near, None) or found.names.get("en") or next(iter(found.names.values()))
        )

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """What the stories of each theme count for in ranking, by id."""
        return {theme.id: theme.weight for theme in self.themes}

    @cached_property
    def _by_id(self) -> Mapping[str, Theme]:
        return {theme.id: theme for theme in self.themes}

    @cached_property
    def _by_name(self) -> Mapping[str, Theme]:
        named = {_plain(name): theme for theme in reversed(self.themes) for name in theme.names.values()}
        return named | {theme.id: theme for theme in self.themes}


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a taxonomy file; without a path, the one that ships with the package.

    Raises:
        TaxonomyError: the file cannot be read, or is wrong: which file, which line, what, and the remedy.
    """
    where = str(path) if path else "taxonomy.toml of the package"
    try:
        text = path.read_text("utf-8") if path else _shipped()
    except OSError as error:
        raise TaxonomyError(
            f"cannot be read: {error.strerror or error}", where, remedy="check the path in digest.toml"
        ) from None
    except UnicodeDecodeError as error:
        raise TaxonomyError(f"is not UTF-8 (byte {error.start})", where, remedy="save it as UTF-8") from None
    return parse_taxonomy(text, where)


def parse_taxonomy(text: str, where: str = "taxonomy") -> Taxonomy:
    """The taxonomy in a text of TOML; `where` names it in errors.

    Raises:
        TaxonomyError: see `load_taxonomy`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        what = str(error)[: place.start()] if place else str(error)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise TaxonomyError(f"not TOML: {what}", where, line, "mend the line, or look at the one before it") from None
    return _Reader(text, where).read(document)


def _shipped() -> str:
    return resources.files("digest.classify").joinpath("taxonomy.toml").read_text("utf-8")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


class _Reader:
    """Checks one document. Keeps the text, because TOML's values do not remember their lines."""

    def __init__(self, text: str, where: str) -> None:
        self.lines = text.splitlines()
        self.where = where
        self.starts = [number for number, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*theme\s*]]", line)]

    def read(self, document: Mapping[str, Any]) -> Taxonomy:
        unknown = sorted(set(document) - {"theme"})
        if unknown:
            raise self.error(
                f"'{unknown[0]}' is not known here", self.line_of(unknown[0], 0), "only [[theme]] may stand"
            )
        tables = document.get("theme")
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            raise self.error("holds no theme", None, "begin each theme with a line [[theme]]")
        themes: list[Theme] = []
        for number, table in enumerate(tables):
            theme = self.theme(number, table)
            first = next((other for other in themes if other.id == theme.id), None)
            if first is not None:
                raise self.fault(number, "id", theme.id, f"the id '{theme.id}' is used twice", "give one another id")
            themes.append(theme)
        return Taxonomy(tuple(themes))

    def theme(self, number: int, table: Mapping[str, Any]) -> Theme:
        unknown = sorted(set(table) - _KEYS)
        if unknown:
            known = ", ".join(sorted(_KEYS))
            raise self.fault(number, unknown[0], "", f"'{unknown[0]}' is not known", f"a theme has: {known}")
        name = table.get("id")
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise self.fault(
                number, "id", "", f"the id {name!r} is not usable", "begin with a letter; then letters, digits, hyphens"
            )
        return Theme(
            id=name,
            names=self.names(number, table.get("names")),
            iptc=self.strings(number, "iptc", table.get("iptc", []), _IPTC, "write it as medtop:20000385"),
            sections=self.strings(number, "sections", table.get("sections", []), None, ""),
            phrases=self.phrases(number, table.get("phrases", {})),
            description=self.text(number, "description", table.get("description", "")),
            weight=self.rank_weight(number, table.get("weight", 1.0)),
        )

    def names(self, number: int, value: object) -> Mapping[str, str]:
        if not isinstance(value, dict) or not value:
            raise self.fault(number, "names", "", "the theme has no names", 'write names = { en = "…" }')
        for language, name in value.items():
            if not _LANGUAGE.fullmatch(language):
                raise self.fault(number, "names", language, f"'{language}' is no language", "use en, zh-Hans, …")
            if not isinstance(name, str) or not name.strip():
                raise self.fault(number, "names", language, f"the name in '{language}' is empty", "write a name")
        return dict(value)

    def text(self, number: int, key: str, value: object) -> str:
        if not isinstance(value, str) or "\n" in value:
            raise self.fault(number, key, "", f"'{key}' is not one line of text", "put it in quotes, on one line")
        return value

    def strings(
        self, number: int, key: str, value: object, form: re.Pattern[str] | None, remedy: str
    ) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.fault(number, key, "", f"'{key}' is not a list", f'write {key} = ["…", "…"]')
        for entry in value:
            if not isinstance(entry, str) or not entry.strip():
                raise self.fault(number, key, str(entry), f"'{key}' holds {entry!r}", "write texts in quotes")
            if form is not None and not form.fullmatch(entry):
                raise self.fault(number, key, entry, f"'{entry}' is not usable in '{key}'", remedy)
        return tuple(value)

    def phrases(self, number: int, value: object) -> Mapping[str, float]:
        if not isinstance(value, dict):
            raise self.fault(number, "phrases", "", "'phrases' is not a table", "write [theme.phrases] above them")
        found: dict[str, float] = {}
        for key, entries in value.items():
            weight = self.weight(number, key)
            for phrase in self.strings(number, key, entries, None, ""):
                if not any(char.isalnum() for char in phrase) or "*" in phrase[:-1]:
                    raise self.fault(
                        number, key, phrase, f"the phrase '{phrase}' is not usable", "letters; a star only at the end"
                    )
                if phrase in found:
                    raise self.fault(number, key, phrase, f"the phrase '{phrase}' has two weights", "take one away")
                found[phrase] = weight
        return found

    def rank_weight(self, number: int, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_RANK_WEIGHT:
            what, remedy = (
                f"the weight {value!r} is not usable",
                f"a number above 0, up to {MAX_RANK_WEIGHT:g}; 1 is ordinary",
            )
            raise self.fault(number, "weight", "", what, remedy)
        return float(value)

    def weight(self, number: int, key: str) -> float:
        try:
            weight = float(key)
        except ValueError:
            weight = 0.0
        if not 0 < abs(weight) <= MAX_WEIGHT:
            raise self.fault(
                number, key, "", f"'{key}' is no weight", f"a number from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}, not 0"
            )
        return weight

    # Where it stands

    def fault(self, number: int, key: str, entry: str, what: str, remedy: str) -> TaxonomyError:
        return self.error(what, self.place(number, key, entry), remedy)

    def error(self, what: str, line: int | None, remedy: str) -> TaxonomyError:
        return TaxonomyError(what, self.where, line, remedy)

    def place(self, number: int, key: str, entry: str) -> int | None:
        """The line of an entry in theme `number`: the last that holds it, else its key's, else the theme's first."""
        if number >= len(self.starts):  # themes written as one inline array: no lines to point at
            return None
        start = self.starts[number]
        end = self.starts[number + 1] - 1 if number + 1 < len(self.starts) else len(self.lines)
        key_line = self.line_of(key, start, end) or start
        within = (n for n in range(key_line, end + 1) if entry and entry in self.lines[n - 1])
        return next(within, key_line)

    def line_of(self, key: str, start: int, end: int | None = None) -> int | None:
        form = re.compile(rf"""\s*(?:\[+\s*(?:theme\s*\.\s*)?)?["']?{re.escape(key)}["']?\s*[=.\]]""")
        numbers = range(max(start, 1), (end or len(self.lines)) + 1)
        return next((number for number in numbers if form.match(self.lines[number - 1])), None)
