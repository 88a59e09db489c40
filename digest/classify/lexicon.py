"""The words that may stand for a place: names from the gazetteer, and our own tables of demonyms, metonyms and traps.

One Aho-Corasick automaton reads running text, one reads lines in capitals (headlines, datelines), one reads Chinese.
Each keeps all senses of a word; which one is meant is decided with the whole article in view (regions.py).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from ahocorasick_rs import AhoCorasick, MatchKind

from digest.places import Level, Place, Places

CJK = re.compile(r"[\u3400-\u9fff]")
_KNOWN_CITY = 200_000  # people; a smaller city needs support from the text around it
_COUNTY = 1_500_000  # people that a county of a division counts for
_KNOWN_DIVISION = 1_500_000  # people in its cities; likewise
_DIVISIONS_KNOWN = frozenset({"US", "CA", "AU", "GB", "CN"})  # all of whose divisions are known by name alone
_PART_OF_NAME = 0.3  # how much less likely a part of its name means a city than the whole name does
_PAIRS = frozenset({"中美", "中非"})  # China and America, not Central America
_CAPITALS_FROM = 50_000  # smaller cities are not looked for in headlines in capitals
_CHINESE_FROM = 300_000  # Chinese names of smaller cities outside China are too often something else
_CHINESE_AT_HOME_FROM = 150_000


class Kind(StrEnum):
    """How a word stands for a place."""

    NAME = "name"
    DEMONYM = "demonym"
    METONYM = "metonym"
    COUNTY = "county"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Word:
    """A word and all that it may mean: codes of places, most prominent first. `common` words need support."""

    senses: tuple[str, ...]
    kind: Kind
    common: bool = False


def _folding() -> dict[int, str]:
    """One letter for one letter, so that positions stay: é -> e, typographic quotes and spaces -> plain ones."""
    table = {ord("’"): "'", ord("‘"): "'", ord("\u00a0"): " ", ord("\u2009"): " ", ord("\u202f"): " "}
    table |= dict(zip(map(ord, "øØłŁđĐıħĦ"), "oOlLdDihH", strict=True))
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if base != chr(code) and base.isascii():
            table[code] = base
    return table


_FOLDING = _folding()


def fold(text: str) -> str:
    """Text without accents, of the same length."""
    return text if text.isascii() else text.translate(_FOLDING)


def table(name: str) -> Iterator[list[str]]:
    """The rows of one of our tables; a line that starts with # is a comment."""
    text = resources.files("digest.classify").joinpath("words", name).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _counties() -> Iterator[list[str]]:
    """The counties of the United States: a name, then the divisions that have one."""
    text = resources.files("digest").joinpath("gazetteer", "counties.tsv").read_text("utf-8")
    yield from (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


_SIMPLER = str.maketrans(*(row[0] for row in table("traditional.tsv")))


def simplified(text: str) -> str:
    """Chinese text in simplified characters, one for one, so that positions stay; for looking up, not for showing."""
    return text.translate(_SIMPLER) if not text.isascii() and CJK.search(text) else text


def prominence(place: Place, inside: int = 0) -> float:
    """How likely a bare name means this place: about the logarithm of the people who live there, 3 to 10."""
    people = math.log10(max(place.population, inside, 1000))
    match place.level:
        case Level.COUNTRY:
            return people + 2.5 if place.population > 300_000 else people
        case Level.CITY:
            return people + (1.0 if place.capital_of else 0.0) + (1.0 if place.population > 1_000_000 else 0.0)
        case Level.DIVISION:
            return people + (1.0 if place.capital_of else 0.5 if place.population else -0.5)
        case _:
            return 9.0


def _known_in_chinese(place: Place, places: Places) -> bool:
    """Whether its Chinese name means the place: those of small towns are too often something else."""
    if place.level is not Level.CITY or place.capital_of or place.population >= _CHINESE_FROM:
        return True
    at_home = place.population >= _CHINESE_AT_HOME_FROM
    return at_home and places.country(place.code) in {"CN", "TW", "HK"}


class Lexicon:
    """All words, ready to be found in a text."""

    def __init__(self, places: Places) -> None:
        self.common = frozenset(name for row in table("common.tsv") for name in row)
        self._given = frozenset(name for row in table("first-names.tsv") for name in row)
        self._places = {place.code: place for place in places}
        self.abbreviations = {short: row[0] for row in table("abbreviations.tsv") for short in row[1:]}
        inside: dict[str, int] = {}
        self._inside = inside
        for place in places:
            if place.level is Level.CITY:
                inside[place.parent] = inside.get(place.parent, 0) + place.population
            elif place.level is Level.DIVISION and "-" in place.parent:
                inside[place.code] = _COUNTY  # its towns hang below the division around it
        self.prominence = {place.code: prominence(place, inside.get(place.code, 0)) for place in places}
        self._cities = frozenset(place.code for place in places if place.level is Level.CITY)
        self._shown = {place.code: fold(place.names["en"]).casefold() for place in places}
        latin, chinese = self._names(places)
        self._texts = _Automaton(latin)
        self._headlines = _Automaton(dict(self._capitals(latin, places)))
        self._datelines = {name.upper(): word for name, word in latin.items() if word.kind is Kind.NAME}
        self._chinese = _Automaton(chinese)

    def known(self, place: Place) -> bool:
        """Whether a place is known by its name alone; the others need support from the text around them."""
        match place.level:
            case Level.CITY:
                return place.population >= _KNOWN_CITY
            case Level.DIVISION:
                return place.parent in _DIVISIONS_KNOWN or self._inside.get(place.code, 0) >= _KNOWN_DIVISION
            case _:
                return True

    def dateline(self, name: str) -> Word | None:
        """The places of a name in a dateline, where small towns and common words are meant."""
        return self._datelines.get(name.upper())

    def find(self, text: str, *, capitals: bool = False) -> list[tuple[int, int, Word]]:
        """The words of a folded text, from left to right, the longest first: start, end, word. Linear in the text."""
        return list((self._headlines if capitals else self._texts).words(text))

    def find_chinese(self, text: str) -> list[tuple[int, int, Word]]:
        """The same for Chinese, which has no spaces between words."""
        return list(self._chinese.find(simplified(text)))

    def _names(self, places: Places) -> tuple[dict[str, Word], dict[str, Word]]:
        latin: dict[str, list[str]] = {}
        chinese: dict[str, list[str]] = {}
        counties: set[str] = set()
        for place in places:
            for name in (place.names["en"], *place.aliases):
                if 2 < len(name) and "(" not in name:  # noqa: SIM300 - length, not a constant
                    latin.setdefault(fold(name), []).append(place.code)
            if _known_in_chinese(place, places):
                for name in (place.names.get("zh", ""), *place.chinese):
                    if len(name) > 1 and "（" not in name and name not in _PAIRS:
                        chinese.setdefault(simplified(name), []).append(place.code)
        for name, *codes in _counties():
            latin.setdefault(name, codes)
            counties.add(name)
        latin |= {"UK": ["GB"], "U.K.": ["GB"], "U.S.": ["US"], "US": ["US"], "U.A.E.": ["AE"], "Korea": ["KR"]}
        words = {
            name: self._word(name, codes, Kind.COUNTY if name in counties and len(codes[0]) == 5 else Kind.NAME)
            for name, codes in latin.items()
        }
        han = {name: self._word(name, codes, Kind.NAME) for name, codes in chinese.items()}
        for name, codes, kind in self._ours():
            target = han if CJK.search(name) else words
            name = simplified(name)  # noqa: PLW2901 - as texts are looked up
            target[name] = self._word(name, codes, kind)
        return words, han

    def _ours(self) -> Iterator[tuple[str, list[str], Kind]]:
        for codes, *names in table("demonyms.tsv"):
            for name in names:
                yield fold(name), codes.split("|"), Kind.DEMONYM
                if re.search(r"(an|i|er|ite|ot|ne|us)$", name) and not name.endswith(("ese", "us")):
                    yield fold(name) + "s", codes.split("|"), Kind.DEMONYM
        for code, *names in table("metonyms.tsv"):
            for name in names:
                yield fold(name), [code], Kind.METONYM
        for row in table("ignored.tsv"):
            for name in row:
                yield fold(name.removesuffix("*")), [], Kind.IGNORED
                if name.endswith("*"):
                    yield fold(name.removesuffix("*")) + "s", [], Kind.IGNORED

    def _word(self, name: str, codes: list[str], kind: Kind) -> Word:
        senses = codes if len(codes) == 1 else sorted(set(codes), key=lambda code: (-self.likely(code, name), code))
        given = name in self._given and kind is Kind.NAME and not self.known(self._places[senses[0]])
        return Word(tuple(senses), kind, name in self.common or given)

    def likely(self, code: str, name: str) -> float:
        """A name to show is likelier meant than another name: Tel Aviv is the city before the district."""
        shown, name = self._shown.get(code, ""), name.casefold()
        likely = self.prominence.get(code, 9.0)
        if shown == name:
            return likely
        part = name in shown and code in self._cities and name in re.split(r"[ -]", shown)  # Hull of Kingston upon Hull
        return likely - (_PART_OF_NAME if part else 1.0)

    def _capitals(self, latin: dict[str, Word], places: Places) -> Iterator[tuple[str, Word]]:
        for name, word in latin.items():
            first = places.find(word.senses[0]) if word.senses else None
            small = first is not None and first.level is Level.CITY and first.population < _CAPITALS_FROM
            if name in self.common or (small and word.kind is Kind.NAME) or name in {"US", "Polish", "Pole", "Poles"}:
                continue  # in capitals these are "us", "polish", "poles" and towns nobody means
            yield name.upper(), word


class _Automaton:
    def __init__(self, words: dict[str, Word]) -> None:
        self._words = list(words.values())
        self._machine = AhoCorasick(list(words), matchkind=MatchKind.LeftmostLongest)

    def find(self, text: str) -> Iterator[tuple[int, int, Word]]:
        words = self._words
        for index, start, end in self._machine.find_matches_as_indexes(text):
            yield start, end, words[index]

    def words(self, text: str) -> Iterator[tuple[int, int, Word]]:
        """Only whole words."""
        size = len(text)
        for start, end, word in self.find(text):
            if (start == 0 or not text[start - 1].isalnum()) and (end == size or not text[end].isalnum()):
                yield start, end, word
