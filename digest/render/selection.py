"""What differs from copy to copy: an edition as bits, and what follows for one selection of its items.

    Edition -> Outline (once)      Picked + Outline -> Selection -> numbers, counts, what is there

A view asks `when` and `field` for everything that may differ. `Answers` answers for one selection; `Questions` notes
the question and gives a mark in its place, so that one rendering serves every selection (see `digest.render.parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from copy import copy
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Protocol

from digest.model import Edition, Picked
from digest.render.tags import FIELD, Ordered, When

FEW = 5  # up to so many items, top stories would only say everything twice
HEADLINES = 3  # of a copy without top stories

Test = Callable[["Selection"], object]
Value = Callable[["Selection"], str]
Order = Callable[["Selection"], Sequence[int]]
Sameness = Callable[["Selection"], Hashable]  # what everything inside follows from: where it is equal, so is that


class Outline:
    """An edition as bits: bit k is its item k in reading order."""

    def __init__(self, edition: Edition) -> None:
        self.items = edition.items
        self.all = (1 << len(self.items)) - 1
        self.place = {item.story.key: place for place, item in enumerate(self.items)}
        self.sections = [section.key for section in edition.sections]
        self.themes = [[group.theme for group in section.groups] for section in edition.sections]
        self.groups: list[list[range]] = []  # places of the items, by section and group
        self.held: list[tuple[int, list[int]]] = []  # the same as bits: of each section, and of its groups
        start = 0
        for section in edition.sections:
            self.groups.append([])
            for group in section.groups:
                self.groups[-1].append(range(start, start + len(group.items)))
                start += len(group.items)
            bits = [self.bits(places) for places in self.groups[-1]]
            self.held.append((sum(bits), bits))
        self.choice = [self.place[key] for key in edition.choice if key in self.place]
        self.top = [self.place[key] for key in edition.top if key in self.place]
        self.publishers: dict[str, int] = {}
        for place, item in enumerate(self.items):
            for name in {article.publisher for article in item.story.articles} - {""}:
                self.publishers[name] = self.publishers.get(name, 0) | 1 << place
        self.grouped = lru_cache(maxsize=1024)(self._grouped)
        self.ordered = lru_cache(maxsize=1024)(self._ordered)

    def _ordered(self, picked_sections: tuple[str, ...]) -> tuple[int, ...]:
        """The order of the sections."""
        return tuple(Picked.order(self.sections, picked_sections))

    def _grouped(self, picked_themes: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        """The order of the groups of each section."""
        return tuple(tuple(Picked.order(themes, picked_themes)) for themes in self.themes)

    def bits(self, places: Iterable[int]) -> int:
        """A bitmap of these items."""
        return sum(1 << place for place in places)


class Selection:
    """What one copy holds, and what follows from it. Without `mail` it is the page for everyone.

    A copy that mail clients would clip is `showing` the first items of each section, and says how many more there are;
    its numbers and counts stay those of all that it holds.
    """

    def __init__(self, outline: Outline, picked: Picked, *, full: bool = True, mail: bool = True) -> None:
        self.outline = outline
        self.items = items = picked.items & outline.all
        self.count = items.bit_count()
        self.full = full
        self.mail = mail
        self.sections = outline.ordered(picked.sections)
        self.grouped = outline.grouped(picked.themes)
        self.shown = items
        self.keys: dict[int, Hashable] = {}  # answers to questions of sameness, by their number
        # As compose.narrowed says: no top stories where they would be all, and the editor's choice is not told twice.
        chosen = [place for place in outline.choice if items >> place & 1]
        top = [place for place in outline.top if items >> place & 1]
        top = [place for place in top if place not in chosen] if self.count > len(top) else []
        shown = full and self.count > FEW
        self.choice = outline.bits(chosen) if shown else 0
        self.top = outline.bits(top) if shown else 0
        self.featured = self.choice | self.top
        self.reading = list(self._reading())
        # Number of each item in this copy, from 1; 0 of those that are not in it.
        self.numbers = numbers = [0] * len(outline.items)
        for number, place in enumerate(chain.from_iterable(self.reading), start=1):
            numbers[place] = number
        # Places of what the copy leads with: editor's choice and top stories, else its first ones.
        self.headlines = [*chosen, *top] or list(islice(chain.from_iterable(self.reading), HEADLINES))
        # How many publishers its stories are from.
        self.publishers = sum([1 for held in outline.publishers.values() if held & items])

    def _reading(self) -> Iterator[list[int]]:
        """The places of its items as they are read, by section."""
        items, groups, held = self.items, self.outline.groups, self.outline.held
        for section in self.sections:
            here, by_group = held[section]
            if items & here:
                yield [
                    place
                    for group in self.grouped[section]
                    if items & by_group[group]
                    for place in groups[section][group]
                    if items >> place & 1
                ]

    def showing(self, most: int) -> Selection:
        """The same with at most so many items of each section shown."""
        fewer = copy(self)
        fewer.shown = self.outline.bits(place for places in self.reading for place in places[:most])
        fewer.keys = {}
        return fewer

    def groups(self, section: int) -> Sequence[int]:
        """The order of a section's groups."""
        return self.grouped[section]


class Pick(Protocol):
    """How a view says what may differ."""

    def when(self, test: Test, same: Sameness | None = None) -> Any:
        """A condition, for `when` and `each`. With `same`, what it holds is joined once for all that agree in it."""
        ...

    def field(self, value: Value) -> str:
        """A text that may be shown, and nothing else done with it."""
        ...

    def number(self, texts: Sequence[str], place: int) -> str:
        """The number that an item has in the copy, as one of these texts, none of them empty.

        It is filled in after what is round it was joined: it is not part of what is the same.
        """
        ...

    def ordered(self, values: Sequence[Any], order: Order) -> tuple[Any, ...]:
        """Things in the selection's order, for `each`."""
        ...


class Answers:
    """The answers for one selection: a rendering of it alone."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def when(self, test: Test, same: Sameness | None = None) -> bool:  # noqa: ARG002 - a rendering alone shares nothing
        """The answer."""
        return bool(test(self._selection))

    def field(self, value: Value) -> str:
        """The text."""
        return value(self._selection)

    def number(self, texts: Sequence[str], place: int) -> str:
        """The number's text."""
        return texts[self._selection.numbers[place]]

    def ordered(self, values: Sequence[Any], order: Order) -> tuple[Any, ...]:
        """The things in their order."""
        return tuple(values[place] for place in order(self._selection))


class Questions:
    """Notes what is asked, and gives marks: a rendering for all selections."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.tests: list[tuple[Test, Sameness | None]] = []
        self.values: list[Value | tuple[Sequence[str], int]] = []
        self.orders: list[Order] = []

    def when(self, test: Test, same: Sameness | None = None) -> When:
        """A condition without an answer."""
        self.tests.append((test, same))
        return When(self.token, len(self.tests) - 1)

    def field(self, value: Value) -> str:
        """A mark."""
        return self._mark(value)

    def number(self, texts: Sequence[str], place: int) -> str:
        """A mark."""
        return self._mark((texts, place))

    def _mark(self, asked: Value | tuple[Sequence[str], int]) -> str:
        self.values.append(asked)
        return f"{self.token}{FIELD}{len(self.values) - 1}z"

    def ordered(self, values: Sequence[Any], order: Order) -> tuple[Any, ...]:
        """The things as they stand in the edition, between marks."""
        self.orders.append(order)
        return Ordered.of(values, When(self.token, len(self.orders) - 1))
