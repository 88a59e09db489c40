"""What of an edition one reader gets: by what they chose, and without what they had elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, reduce
from operator import or_

from digest.compose.order import names_of
from digest.model import Below, Edition, Picked, Preferences, Role, Section, Skipped
from digest.places import Places


def select(
    edition: Edition, preferences: Preferences, places: Places, *, minimum: int = 1, below: Below = Below.SKIP
) -> Edition | Skipped:
    """The edition that one reader chose, or why they get none: what `Chooser` picks, as an edition of its own."""
    picked = Chooser(edition, places, minimum=minimum, below=below).pick(preferences)
    if isinstance(picked, Skipped):
        return picked
    copy = narrowed(edition, picked)
    return edition if copy == edition else copy


class Chooser:
    """Which items of one edition its readers get. What it works out for one serves all with the same choice.

    No preference means all. A story is in when one of the regions and one of the themes that the reader chose match:
    a region matches what lies in it, by a primary or counterpart region of the story; a theme matches any theme of
    the story, and the one under which it stands. Sections follow the order of the regions that the reader chose, by
    the primary regions of the stories in them, and themes in a section that of the themes.
    """

    def __init__(self, edition: Edition, places: Places, *, minimum: int = 1, below: Below = Below.SKIP) -> None:
        """Look through an edition.

        Args:
            edition: the whole edition.
            places: the tree of regions.
            minimum: items under which a copy is not worth sending.
            below: what becomes of a copy under the minimum. An empty one is never sent.
        """
        self._edition = edition
        self._places = places
        self._minimum = minimum
        self._below = below
        items = edition.items
        self._all = (1 << len(items)) - 1
        self._primary: dict[str, int] = {}  # region -> items
        self._partner: dict[str, int] = {}
        self._theme: dict[str, int] = {}
        for bit, item in ((1 << place, item) for place, item in enumerate(items)):
            judgement = item.story.judgement
            for code in judgement.places(Role.PRIMARY):
                self._primary[code] = self._primary.get(code, 0) | bit
            for code in judgement.places(Role.PRIMARY, Role.COUNTERPART):
                self._partner[code] = self._partner.get(code, 0) | bit
            for theme in {item.theme, *(tag.theme for tag in judgement.themes)}:
                self._theme[theme] = self._theme.get(theme, 0) | bit
        self._sections: dict[str, int] = {}
        start = 0
        for section in edition.sections:
            size = len(section.items)
            self._sections[section.key] = ((1 << size) - 1) << start
            start += size
        self._in_region = lru_cache(maxsize=1024)(self._lies_in)
        self._chosen = lru_cache(maxsize=4096)(self._choose)

    def pick(self, preferences: Preferences, without: int = 0) -> Picked | Skipped:
        """What a reader gets.

        Args:
            preferences: the reader's regions and themes, in their order; the rest of them has no say here.
            without: a bitmap of items that they shall not get (they had them in another digest).
        """
        picked = self._chosen(preferences.regions, preferences.themes, without)
        count = picked.items.bit_count()  # as its `count`, without a call for each copy
        if not count or (count < self._minimum and self._below is Below.SKIP):
            had = (self._chosen(preferences.regions, preferences.themes, 0).items & without).bit_count()
            already = f", {had} more came in another digest" if had else ""
            found = f"{count} of {len(self._edition.items)} items {self._choice(preferences)}{already}"
            return Skipped(reason=f"{found}; the minimum is {max(self._minimum, 1)}")
        return picked

    def _choice(self, preferences: Preferences) -> str:
        choice = []
        if preferences.regions:
            choice.append("regions " + ", ".join(self._places.name(code) for code in preferences.regions))
        if preferences.themes:
            choice.append("themes " + ", ".join(preferences.themes))
        return f"match the reader's choice ({'; '.join(choice)})" if choice else "are in the edition"

    def _choose(self, regions: tuple[str, ...], themes: tuple[str, ...], without: int) -> Picked:
        items = self._all & ~without
        if regions:
            items &= reduce(or_, (self._in_region(region)[1] for region in regions))
        if themes:
            items &= reduce(or_, (self._theme.get(theme, 0) for theme in themes))
        return Picked(items, self._order(regions, items), tuple(dict.fromkeys(themes)))

    def _order(self, regions: tuple[str, ...], items: int) -> tuple[str, ...]:
        """Keys of the sections that have stories from the chosen regions, the region chosen first first."""
        ordered: dict[str, None] = {}
        for region in regions:
            wanted = self._in_region(region)[0] & items
            ordered.update((key, None) for key, held in self._sections.items() if held & wanted)
        return tuple(ordered)

    def _lies_in(self, region: str) -> tuple[int, int]:
        """Items with a primary region in this one; and with a primary or counterpart region in it."""
        return (
            reduce(or_, (held for code, held in self._primary.items() if self._places.within(code, region)), 0),
            reduce(or_, (held for code, held in self._partner.items() if self._places.within(code, region)), 0),
        )


def told_again(edition: Edition, other: Edition) -> tuple[int, ...]:
    """For each item of another edition, in its reading order: which items of this one tell its story, as a bitmap."""
    bits: dict[str, int] = {}
    for place, item in enumerate(edition.items):
        for name in names_of(item.story):
            bits[name] = bits.get(name, 0) | 1 << place
    return tuple(reduce(or_, (bits.get(name, 0) for name in names_of(item.story))) for item in other.items)


def narrowed(edition: Edition, picked: Picked) -> Edition:
    """A copy's edition: what was picked, in the order that was, numbered anew from 1. All of it is the edition."""
    kept = {item.story.key for place, item in enumerate(edition.items) if picked.items >> place & 1}
    sections = [
        replace(
            section,
            groups=tuple(
                replace(section.groups[place], items=items)
                for place in picked.order([group.theme for group in section.groups], picked.themes)
                if (items := tuple(item for item in section.groups[place].items if item.story.key in kept))
            ),
            cross_references=tuple(line for line in section.cross_references if line.story in kept),
        )
        for section in (
            edition.sections[place]
            for place in picked.order([section.key for section in edition.sections], picked.sections)
        )
    ]
    order = [item.story.key for section in sections for item in section.items]
    numbers = {key: number for number, key in enumerate(order, start=1)}
    top = tuple(key for key in edition.top if key in numbers)
    return replace(
        edition,
        sections=tuple(_numbered(one, numbers) for one in sections if one.groups or one.cross_references),
        top=top if len(numbers) > len(top) else (),
        choice=tuple(key for key in edition.choice if key in numbers),
    )


def _numbered(section: Section, numbers: Mapping[str, int]) -> Section:
    """The section with its stories under these numbers."""
    groups = tuple(
        replace(group, items=tuple(replace(item, number=numbers[item.story.key]) for item in group.items))
        for group in section.groups
    )
    lines = tuple(replace(line, number=numbers[line.story]) for line in section.cross_references)
    return replace(section, groups=groups, cross_references=lines)
