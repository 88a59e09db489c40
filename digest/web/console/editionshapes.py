"""What the pages of an edition are given, as their templates see it."""

from __future__ import annotations

from dataclasses import dataclass

from digest.web.console.frame import TimeView


@dataclass(frozen=True, kw_only=True)
class TabView:
    """A page of an edition."""

    key: str
    label: str
    href: str
    count: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class StepView:
    """Something that can be done with the edition now: a link to a page, or to one that asks before it does it."""

    label: str
    href: str
    kind: str = "plain"  # "" for what is usual now


@dataclass(frozen=True, kw_only=True)
class EditionView:
    """The frame of an edition: what every page of it says."""

    id: str
    title: str
    number: str
    period: str
    state: str
    reason: str
    hash: str
    short: str
    revision: int
    stories: int
    next: str  # what happens next, in a sentence
    steps: tuple[StepView, ...]
    tabs: tuple[TabView, ...]
    changeable: bool
    note: str
    path: str
    changed: TimeView | None = None


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """A story's line in a draft."""

    key: str
    number: int
    title: str
    href: str
    about: str  # publisher, date, how many more tell it
    why: str
    pinned: bool
    first: bool  # of its group
    last: bool
    touched: bool  # an operator changed something about it
    flags: tuple[str, ...] = ()  # what preflight says about it


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """The stories of a section that stand under one theme."""

    name: str
    items: tuple[ItemView, ...]


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A heading and what stands below it."""

    key: str
    name: str
    count: int
    groups: tuple[GroupView, ...]
    references: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TagView:
    """A region or theme of a story, with its evidence."""

    name: str
    code: str
    role: str
    score: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ArticleView:
    """An article of a story."""

    uid: str
    title: str
    publisher: str
    when: TimeView
    dated: bool
    leads: bool
    href: str
    url: str


@dataclass(frozen=True, kw_only=True)
class ActView:
    """Something that an operator decided. `form` is the number for taking it back; 0 where it was, or cannot be."""

    id: int
    who: str
    said: str
    details: str
    when: TimeView
    undone: str
    story: str
    title: str


@dataclass(frozen=True, kw_only=True)
class LeftOutView:
    """A story that is left out, and whether it can be taken in."""

    key: str
    title: str
    reason: str
    takeable: bool
