"""The tree of regions: codes, names, parents; the compiled gazetteer stands behind it.

Codes: UN M49 numbers for the world and its subregions ("001", "142", "030"), ISO 3166-1 alpha-2 for countries ("CN"),
ISO 3166-2 for divisions ("CN-GD"), "g<GeoNames id>" for cities ("g1812545"), "x-<word>" for an operator's groupings.

Several codes may mean one place: CN-HK is HK, and a city that is a division of its country (Beijing, Berlin, Moscow) is
that division: g1816670 is CN-BJ. What lies in what follows ISO 3166-2 and UN M49; where these leave a choice to the
publisher (Hong Kong, Macao, Taiwan) it is an argument of `load`. docs/regions.md tells more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from digest.errors import ConfigError
from digest.model import Grouping


class Level(StrEnum):
    """How large a region is."""

    WORLD = "world"
    CONTINENT = "continent"
    SUBREGION = "subregion"
    COUNTRY = "country"
    DIVISION = "division"
    CITY = "city"
    GROUPING = "grouping"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node of the tree. `names` map a language ("en", "zh") to the name to show."""

    code: str
    level: Level
    names: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""  # code of what it lies in; "" for the world and for groupings
    population: int = 0
    aliases: tuple[str, ...] = ()  # other names in Latin letters: old ones, other spellings
    chinese: tuple[str, ...] = ()  # other Chinese names: traditional forms, long forms
    capital_of: str = ""  # code of the country whose capital it is


WITHIN: Mapping[str, str] = MappingProxyType({"HK": "CN", "MO": "CN"})
"""Which territories with a country code of their own lie in another country, by default (ISO 3166-2:CN)."""

GROUPINGS: tuple[Grouping, ...] = (
    Grouping(
        code="x-gba",  # Outline Development Plan of 18 February 2019: two territories and nine cities
        names={"en": "Greater Bay Area", "zh": "粤港澳大湾区"},
        members=(
            "HK", "MO", "g1809858", "g1795565", "g1790437", "g1811103", "g1806776", "g1812545", "g6986104",
            "g1806299", "g1784853",
        ),
    ),
    Grouping(
        code="x-yrd",  # Outline of the Integrated Regional Development of 1 December 2019
        names={"en": "Yangtze River Delta", "zh": "长三角"},
        members=("CN-SH", "CN-JS", "CN-ZJ", "CN-AH"),
    ),
    Grouping(code="x-jjj", names={"en": "Jing-Jin-Ji", "zh": "京津冀"}, members=("CN-BJ", "CN-TJ", "CN-HE")),
    Grouping(
        code="x-asean",  # eleven members since 26 October 2025
        names={"en": "ASEAN", "zh": "东盟"},
        members=("BN", "KH", "ID", "LA", "MY", "MM", "PH", "SG", "TH", "TL", "VN"),
    ),
    Grouping(
        code="x-eu",
        names={"en": "European Union", "zh": "欧盟"},
        members=(
            "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT",
            "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
        ),
    ),
    Grouping(
        code="x-gcc",
        names={"en": "Gulf Cooperation Council", "zh": "海湾阿拉伯国家合作委员会"},
        members=("BH", "KW", "OM", "QA", "SA", "AE"),
    ),
    Grouping(
        code="x-brics",  # members since January 2025
        names={"en": "BRICS", "zh": "金砖国家"},
        members=("BR", "RU", "IN", "CN", "ZA", "EG", "ET", "ID", "IR", "AE"),
    ),
)  # fmt: skip
"""Groupings that are always known; an operator's own of the same code takes the place of one. The Belt and Road is not
among them: no list of its members is agreed on."""


def fold(text: str) -> str:
    """A name as it is compared: without accents, case, punctuation: "São Paulo" and "SAO PAULO" are one."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", " ", plain.casefold()).strip()


class Places:
    """The tree, with groupings in it. Made once, by `load`; never changes.

    Groupings stand beside the tree: nothing has one as its parent, and `within` knows what lies in them.
    """

    def __init__(self, places: Mapping[str, Place], same: Mapping[str, str], groupings: Mapping[str, Grouping]) -> None:
        self._places = places
        self._same = same
        self._groupings = groupings
        self._parents: dict[str, tuple[str, ...]] = {}
        self._countries: dict[str, str] = {}
        self._names: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def load(cls, groupings: Iterable[Grouping] = (), within: Mapping[str, str] = WITHIN) -> Places:
        """Read the compiled gazetteer that ships with the package and add the groupings.

        Args:
            groupings: the operator's own; one with the code of a default grouping (`GROUPINGS`) takes its place.
            within: territories (ISO 3166-1 codes) and the country each lies in. One that is not named lies directly
                in its subregion of UN M49, as a country does: with {} Hong Kong and Macao stand beside China.

        Raises:
            ConfigError: a grouping has a bad code, no or unknown members, or contains itself; or `within` names
                something that is not a country.
        """
        own = tuple((one.code, tuple(one.names.items()), tuple(one.members)) for one in groupings)
        return _load(own, tuple(within.items()))

    def __iter__(self) -> Iterator[Place]:
        """Every place: from the world down to cities, then groupings; always in the same order."""
        return iter(self._places.values())

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, code: object) -> bool:
        """Whether there is a place with this code."""
        return code in self._places or code in self._same

    def find(self, code: str) -> Place | None:
        """The place of a code, or None. Its own `code` differs when several codes mean it (CN-HK: HK)."""
        return self._places.get(code) or self._places.get(self._same.get(code, ""))

    def resolve(self, text: str) -> Place | None:
        """The place that a person means by a code or by an English or Chinese name ("Guangdong", "广东", "CN-GD").

        A name to show wins over another name, then the larger kind of region, then more people.
        name. "Guangdong, China" and "Paris, Texas" name what it lies in.
        """
        text = text.strip()
        place = self.find(text) or self.find(text.upper()) or self.find(text.lower())
        if place is not None:
            return place
        name, _, outer = text.partition(",")
        found = self.named(text) or self.named(name)
        if outer.strip():
            around = self.resolve(outer)
            return next((found for found in found if around and self.within(found.code, around.code)), None)
        return found[0] if found else None

    def named(self, name: str) -> tuple[Place, ...]:
        """All places of an English or Chinese name (case and accents do not matter), most likely first."""
        if self._names is None:
            self._names = self._index()
        return tuple(self._places[code] for code in self._names.get(fold(name), ()))

    def name(self, code: str, language: str = "en") -> str:
        """The name to show; the English one when there is none in that language; the code itself when it is unknown."""
        place = self.find(code)
        if place is None:
            return code
        return place.names.get(language) or place.names.get(language.partition("-")[0]) or place.names["en"]

    def parents(self, code: str) -> tuple[str, ...]:
        """What it lies in, nearest first, up to the world: g1812545 -> CN-GD, CN, 030, 142, 001. No groupings."""
        known = self._parents.get(code)
        if known is None:
            place = self.find(code)
            parent = place.parent if place else ""
            known = (parent, *self.parents(parent)) if parent else ()
            self._parents[code] = known
        return known

    def country(self, code: str) -> str:
        """The ISO 3166-1 code of the country that it is or lies in; "" above countries and for groupings.

        A territory with a country code of its own (HK) is its own answer, whatever it lies in.
        """
        known = self._countries.get(code)
        if known is None:
            place = self.find(code)
            chain = (place.code, *self.parents(place.code)) if place else ()
            known = next((outer for outer in chain if self._places[outer].level is Level.COUNTRY), "")
            self._countries[code] = known
        return known

    def within(self, code: str, region: str) -> bool:
        """Whether a place is a region or lies in it; groupings contain what lies in any of their members.

        A grouping lies in a region when all its members do. Unknown codes lie in nothing but themselves.
        """
        code, region = self._same.get(code, code), self._same.get(region, region)
        if code == region:
            return True
        inner = self._groupings.get(code)
        if inner and all(self.within(member, region) for member in inner.members):
            return True
        if outer := self._groupings.get(region):
            return any(self.within(code, member) for member in outer.members)
        return region in self.parents(code)

    def members(self, grouping: str) -> tuple[str, ...]:
        """The codes that a grouping is made of; nothing for any other code."""
        found = self._groupings.get(grouping)
        return found.members if found else ()

    def _index(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, tuple[int, int, int]]] = {}
        order = {level: number for number, level in enumerate(Level)}
        for place in self._places.values():
            shown = set(place.names.values())
            for name in (*place.names.values(), *place.aliases, *place.chinese):
                rank = (int(name not in shown), order[place.level], -place.population)
                ranks = found.setdefault(fold(name), {})
                ranks[place.code] = min(rank, ranks.get(place.code, rank))
        return {name: tuple(sorted(ranks, key=lambda code: (ranks[code], code))) for name, ranks in found.items()}


def _read(text: str) -> tuple[dict[str, Place], dict[str, str]]:
    """The compiled file: a header with the number of its format, `=code<TAB>place` lines, one line per place."""
    header, _, body = text.partition("\n")
    if not header.startswith("#digest-gazetteer 1\t"):
        raise ConfigError("digest/gazetteer/places.tsv has another format than this version reads: reinstall Digest")
    places: dict[str, Place] = {}
    same: dict[str, str] = {}
    levels = {level.value: level for level in Level}
    for line in body.splitlines():
        if line.startswith("="):
            code, _, place = line[1:].partition("\t")
            same[code] = place
            continue
        code, level, parent, population, capital_of, english, chinese, aliases, other_chinese = line.split("\t")
        places[code] = Place(
            code=code,
            level=levels[level],
            names={"en": english, "zh": chinese} if chinese else {"en": english},
            parent=parent,
            population=int(population or 0),
            aliases=tuple(aliases.split("|")) if aliases else (),
            chinese=tuple(other_chinese.split("|")) if other_chinese else (),
            capital_of=capital_of,
        )
    return places, same


def _attach(places: dict[str, Place], within: Mapping[str, str]) -> None:
    """Hang territories below the countries that they lie in."""
    for territory, country in within.items():
        place, around = places.get(territory), places.get(country)
        levels = {place.level if place else None, around.level if around else None}
        if place is None or levels != {Level.COUNTRY} or territory == country or country in within:
            raise ConfigError(f"territory '{territory}' cannot lie in '{country}': both must be ISO 3166-1 codes")
        places[territory] = Place(**{**vars(place), "parent": country})


def _check(groupings: Mapping[str, Grouping], places: Mapping[str, Place], same: Mapping[str, str]) -> None:
    problems = []
    for grouping in groupings.values():
        if not re.fullmatch(r"x-[a-z0-9]+(-[a-z0-9]+)*", grouping.code):
            problems.append(f"grouping '{grouping.code}': its code must be x- and small letters, such as x-gba")
        if not grouping.members:
            problems.append(f"grouping '{grouping.code}' has no members: name the regions it is made of")
        problems += [
            f"grouping '{grouping.code}': no region has the code '{member}'"
            for member in grouping.members
            if member not in places and member not in same and member not in groupings
        ]
        if grouping.code in _reached(grouping.code, groupings):
            problems.append(f"grouping '{grouping.code}' contains itself")
    if problems:
        raise ConfigError(*problems)


def _reached(code: str, groupings: Mapping[str, Grouping]) -> set[str]:
    """The groupings that are members of a grouping, or of its members."""
    reached: set[str] = set()
    waiting = list(groupings[code].members)
    while waiting:
        member = waiting.pop()
        if member in groupings and member not in reached:
            reached.add(member)
            waiting += groupings[member].members
    return reached


@lru_cache(maxsize=4)  # a tree never changes: one for the whole process, whoever asks
def _load(
    own: tuple[tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]], ...], within: tuple[tuple[str, str], ...]
) -> Places:
    groupings = [Grouping(code=code, names=dict(names), members=members) for code, names, members in own]
    places, same = _read(resources.files("digest").joinpath("gazetteer", "places.tsv").read_text("utf-8"))
    _attach(places, dict(within))
    chosen = {grouping.code: grouping for grouping in (*GROUPINGS, *groupings)}
    _check(chosen, places, same)
    for grouping in chosen.values():
        names = {"en": grouping.code, **grouping.names}
        places[grouping.code] = Place(code=grouping.code, level=Level.GROUPING, names=names)
    return Places(places, same, chosen)
