"""Editions: sections, items, and the frozen revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
