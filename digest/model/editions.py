"""Editions: sections, items, and the frozen revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.model.articles import Story
from digest.model.periods import Period


@dataclass(frozen=True, kw_only=True)
class Item:
    """A story's place in an edition. `why` are sentences: section, rank, and what the operator did."""

    number: int  # from 1, in reading order
    story: Story
    theme: str  # id of the theme it stands under; "" for none
    score: float
    why: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, kw_only=True)
class ThemeGroup:
    """The items of a section that stand under one theme; `theme` is "" for those without one."""

    theme: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class CrossReference:
    """A "see also" line under a section: a story that stands elsewhere and has its counterpart here."""

    story: str  # key
    number: int  # of the item it points to
    title: str
    section: str  # key of the section where it stands


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading of an edition with its stories, by theme."""

    key: str
    names: Mapping[str, str]  # language -> name
    groups: tuple[ThemeGroup, ...]
    cross_references: tuple[CrossReference, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """All items of the section in reading order."""
        return tuple(item for group in self.groups for item in group.items)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A story that is not in the edition, and why."""

    story: str
    title: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What was wrong in an earlier edition, told in the next one."""

    story: str  # key
    title: str
    text: str  # what is right, plain text
    edition: str  # id of the edition that had it wrong
    period: str


@dataclass(frozen=True, kw_only=True)
class MostRead:
    """An earlier story whose page was read most in an edition's period."""

    story: str  # key
    title: str
    edition: str  # id of the edition that carried it
    period: str


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One digest's dated selection of stories, in sections. `id` is "<digest>-<period key>"."""

    id: str
    digest: str
    title: str
    period: Period
    number: int  # the digest's running number
    sections: tuple[Section, ...]
    top: tuple[str, ...] = ()  # keys of the top stories, best first
    choice: tuple[str, ...] = ()  # keys of the editor's choice (pinned)
    left_out: tuple[LeftOut, ...] = ()
    note: str = ""  # the editor's note, plain text
    corrections: tuple[Correction, ...] = ()
    most_read: tuple[MostRead, ...] = ()  # the most read first

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in reading order."""
        return tuple(item for section in self.sections for item in section.items)

    def find(self, story: str) -> Item | None:
        """The item of a story, or None."""
        return next((item for item in self.items if item.story.key == story), None)

    def picked(self, keys: tuple[str, ...]) -> Iterator[Item]:
        """The items of these stories, in this order; keys that are not here are passed over."""
        for key in keys:
            if (item := self.find(key)) is not None:
                yield item


@dataclass(frozen=True)
class Picked:
    """What of an edition goes into a copy, and in which order.

    `items` is a bitmap: bit k stands for the edition's item k in its reading order, from 0. Sections and themes that
    are named come first, in this order; the others follow as they stand in the edition.
    """

    items: int
    sections: tuple[str, ...] = ()  # keys
    themes: tuple[str, ...] = ()  # ids

    @property
    def count(self) -> int:
        """How many items."""
        return self.items.bit_count()

    @property
    def bitmap(self) -> bytes:
        """The items as bytes, to be kept: bit k is bit k % 8 of byte k // 8."""
        return self.items.to_bytes((self.items.bit_length() + 7) // 8, "little")

    @staticmethod
    def order(keys: Sequence[str], first: Sequence[str]) -> Sequence[int]:
        """Places of these keys: of those named first in that order, then of the others as they stand."""
        if not first:
            return range(len(keys))
        rank = {key: place for place, key in enumerate(first)}
        return sorted(range(len(keys)), key=lambda place: rank.get(keys[place], len(rank)))


class EditionState(StrEnum):
    """The life of an edition."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    HELD = "held"
    SENT = "sent"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """An edition frozen: what a reader gets is this and nothing else. `hash` covers texts, templates and CSS."""

    edition: Edition
    number: int  # from 1
    hash: str  # SHA-256, hex
    created: datetime
    state: EditionState = EditionState.DRAFT
    approved: datetime | None = None
    approved_by: str = ""
    reason: str = ""  # of held, skipped, cancelled
