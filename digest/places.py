"""The tree of regions: codes, names, parents; the compiled gazetteer stands behind it.

Codes: UN M49 numbers for the world and its subregions ("001", "142", "030"), ISO 3166-1 alpha-2 for countries ("CN"),
ISO 3166-2 for divisions ("CN-GD"), "g<GeoNames id>" for cities ("g1812545"), "x-<word>" for an operator's groupings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

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


class Places:
    """The tree, with an operator's groupings in it. Made once, by `load`."""

    @classmethod
    def load(cls, groupings: Iterable[Grouping] = ()) -> Places:
        """Read the compiled gazetteer that ships with the package and add the groupings."""
        raise NotImplementedError(groupings)

    def find(self, code: str) -> Place | None:
        """The place of a code, or None."""
        raise NotImplementedError(code)

    def resolve(self, text: str) -> Place | None:
        """The place that a person means by a code or by an English or Chinese name ("Guangdong", "广东", "CN-GD")."""
        raise NotImplementedError(text)

    def name(self, code: str, language: str = "en") -> str:
        """The name to show; the code itself when it is unknown."""
        raise NotImplementedError(code, language)

    def parents(self, code: str) -> tuple[str, ...]:
        """What it lies in, nearest first, up to the world: g1812545 -> CN-GD, CN, 030, 142, 001. No groupings."""
        raise NotImplementedError(code)

    def country(self, code: str) -> str:
        """The ISO 3166-1 code of the country that it is or lies in; "" above countries and for groupings."""
        raise NotImplementedError(code)

    def within(self, code: str, region: str) -> bool:
        """Whether a place is a region or lies in it; groupings contain what lies in any of their members."""
        raise NotImplementedError(code, region)
