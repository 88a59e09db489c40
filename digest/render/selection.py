"""What differs from copy to copy: an edition as bits, and what follows for one selection of its items.

    Edition -> Outline (once)      Picked + Outline -> Selection -> numbers, counts, what is there

A view asks `when` and `field` for everything that may differ. `Answers` answers for one selection; `Questions` notes
the question and gives a mark in its place, so that one rendering serves every selection (see `digest.render.parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
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
        start = 0
        for section in edition.sections:
            self.groups.append([])
            for group in section.groups:
                self.groups[-1].append(range(start, start + len(group.items)))
                start += len(group.items)
        self.choice = [self.place[key] for key in edition.choice if key in self.place]
        self.top = [self.place[key] for key in edition.top if key in self.place]
        self.publishers: dict[str, int] = {}
        for place, item in enumerate(self.items):
            for name in {article.publisher for article in item.story.articles} - {""}:
                self.publishers[name] = self.publishers.get(name, 0) | 1 << place
        self.reading = lru_cache(maxsize=1024)(self._reading)
        self.grouped = lru_cache(maxsize=1024)(self._grouped)

    def _grouped(self, picked_themes: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        """The order of the groups of each section."""
        return tuple(tuple(Picked.order(themes, picked_themes)) for themes in self.themes)

    def _reading(self, picked_sections: tuple[str, ...], picked_themes: tuple[str, ...]) -> tuple[int, ...]:
        """The places of all items in a copy's order."""
        return tuple(
            place
            for section in Picked.order(self.sections, picked_sections)
            for group in Picked.order(self.themes[section], picked_themes)
            for place in self.groups[section][group]
        )

    def bits(self, places: Iterable[int]) -> int:
        """A bitmap of these items."""
        return sum(1 << place for place in places)


class Selection:
    """What one copy holds, and what follows from it. Without `mail` it is the page for everyone.

    A copy that mail clients would clip shows the first `most` items of each section, and says how many more there are;
    its numbers and counts stay those of all that it holds.
    """

    def __init__(
        self, outline: Outline, picked: Picked, *, full: bool = True, mail: bool = True, most: int | None = None
    ) -> None:
        self.outline = outline
        self.picked = picked
        self.items = items = picked.items & outline.all
        self.count = items.bit_count()
        self.full = full
        self.mail = mail
        self.sections = picked.order(outline.sections, picked.sections)
        # As compose.narrowed says: no top stories where they would be all, and the editor's choice is not told twice.
        chosen = [place for place in outline.choice if items >> place & 1]
        top = [place for place in outline.top if items >> place & 1]
        top = [place for place in top if place not in chosen] if self.count > len(top) else []
        self._first = [*chosen, *top]
        shown = full and self.count > FEW
        self.choice = outline.bits(chosen) if shown else 0
        self.top = outline.bits(top) if shown else 0
        self.featured = self.choice | self.top
        self.shown = items if most is None else outline.bits(self._first_of_sections(most))

    def _first_of_sections(self, most: int) -> Iterator[int]:
        """The places of the first items of each section, in this copy's order."""
        for section in self.sections:
            groups = self.outline.groups[section]
            held = (place for group in self.groups(section) for place in groups[group] if self.items >> place & 1)
            yield from islice(held, most)

    @cached_property
    def numbers(self) -> list[int]:
        """The number of each item in this copy, from 1; 0 of those that are not in it."""
        items = self.items
        numbers = [0] * len(self.outline.items)
        reading = self.outline.reading(self.picked.sections, self.picked.themes)
        for number, place in enumerate((place for place in reading if items >> place & 1), start=1):
            numbers[place] = number
        return numbers

    def groups(self, section: int) -> Sequence[int]:
        """The order of a section's groups."""
        return self.outline.grouped(self.picked.themes)[section]

    @cached_property
    def headlines(self) -> list[int]:
        """Places of the items that a copy leads with: editor's choice and top stories, else its first ones."""
        if self._first:
            return self._first
        numbers = self.numbers
        first = [place for place, number in enumerate(numbers) if 0 < number <= HEADLINES]
        return sorted(first, key=numbers.__getitem__)

    @cached_property
    def publishers(self) -> int:
        """How many publishers its stories are from."""
        return sum(1 for held in self.outline.publishers.values() if held & self.items)


class Pick(Protocol):
    """How a view says what may differ."""

    def when(self, test: Test, same: Sameness | None = None) -> Any:
        """A condition, for `when` and `each`. With `same`, what it holds is joined once for all that agree in it."""
        ...

    def field(self, value: Value, *, late: bool = False) -> str:
        """A text that may be shown, and nothing else done with it.

        A `late` one, never empty, is filled in after what is round it was joined: it is not part of what is the same.
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

    def field(self, value: Value, *, late: bool = False) -> str:  # noqa: ARG002 - a rendering alone shares nothing
        """The text."""
        return value(self._selection)

    def ordered(self, values: Sequence[Any], order: Order) -> tuple[Any, ...]:
        """The things in their order."""
        return tuple(values[place] for place in order(self._selection))


class Questions:
    """Notes what is asked, and gives marks: a rendering for all selections."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.tests: list[tuple[Test, Sameness | None]] = []
        self.values: list[tuple[Value, bool]] = []
        self.orders: list[Order] = []

    def when(self, test: Test, same: Sameness | None = None) -> When:
        """A condition without an answer."""
        self.tests.append((test, same))
        return When(self.token, len(self.tests) - 1)

    def field(self, value: Value, *, late: bool = False) -> str:
        """A mark."""
        self.values.append((value, late))
        return f"{self.token}{FIELD}{len(self.values) - 1}z"

    def ordered(self, values: Sequence[Any], order: Order) -> tuple[Any, ...]:
        """The things as they stand in the edition, between marks."""
        self.orders.append(order)
        return Ordered.of(values, When(self.token, len(self.orders) - 1))
