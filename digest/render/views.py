"""What the templates see: frozen values, every text cleaned and cut, every link checked. docs/templates.md lists them.

What an edition's templates ask by `when` or `each` (`here`, `featured`, `told` and the like) has the type Any: it is an
answer, or a question (see `digest.render.selection`). Numbers and counts are texts to show, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

TONES: Final = 20  # colours of the chart; the one after them is that of stories without a theme


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """A name and where it leads; `href` may be ""."""

    name: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class EarlierView:
    """An earlier story in the online view of its edition."""

    title: str
    period: str
    href: str


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """A story as shown. `language` is "" when it is that of the interface; `level` is that of its heading, 3 or 4.

    What an edition's templates ask by `when` or `each` (`here`, `featured`, `told`) is of type Any: an answer, or a
    question (see `digest.render.selection`). What they may only show are `number` and `label`.
    """

    number: str
    key: str
    title: str
    language: str
    chinese: bool
    href: str  # the publisher's page; "" when there is none
    publisher: str
    place: str
    date: str
    also: tuple[LinkView, ...]
    summary: str  # "" for headlines only, by right
    choice: bool
    earlier: tuple[EarlierView, ...]
    why: str
    level: int = 3
    theme_place: int = -1  # of its theme in the taxonomy; -1 for none
    label: str = ""  # the number for text: five columns
    here: Any = True
    featured: Any = False  # its summary stands above, under editor's choice or top stories
    told: Any = True  # its summary and the like stand here


@dataclass(frozen=True, kw_only=True)
class BlockView:
    """Items under a heading of their own: editor's choice, top stories."""

    here: Any
    items: tuple[ItemView, ...]


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """The items of a section under one theme; `name` is "" for those without one."""

    name: str
    items: tuple[ItemView, ...]
    tone: int = TONES  # of its theme in the chart, from 0
    here: Any = True


@dataclass(frozen=True, kw_only=True)
class SeeAlsoView:
    """A line to a story that stands in another section."""

    number: str
    label: str
    key: str
    title: str
    section: str
    here: Any = True


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A heading with its stories. `filled` is whether there are any, and not only lines to others."""

    key: str
    name: str
    count: str
    line: str  # name and count in a line of the plain text
    groups: tuple[GroupView, ...]
    see_also: tuple[SeeAlsoView, ...]
    rest: str = ""  # "12 more stories of this section on the web"
    here: Any = True
    filled: Any = True
    more: Any = False  # whether there is such a rest: the copy would be longer than mail clients show

    @property
    def items(self) -> tuple[ItemView, ...]:
        """All its stories."""
        return tuple(item for group in self.groups for item in group.items)


@dataclass(frozen=True, kw_only=True)
class ThemeView:
    """A theme with the number of its stories. `place` is its place in the taxonomy."""

    id: str
    name: str
    place: int
    tone: int  # in the chart, from 0
    count: str
    line: str  # name and count in a line of the plain text
    here: Any = True


@dataclass(frozen=True, kw_only=True)
class HeadlineView:
    """A headline that a copy leads with. `anchor` is the id of its story in the copy."""

    title: str
    language: str
    anchor: str
    line: str  # the title in lines of the plain text
    stop: str  # what ends it, where headlines follow each other in a paragraph: ". ", or " " after its own mark
    here: Any = True


@dataclass(frozen=True, kw_only=True)
class CorrectionView:
    """What was wrong in an earlier edition, and what is right. The same in all copies."""

    title: str
    text: str
    period: str
    href: str


@dataclass(frozen=True, kw_only=True)
class PublicationView:
    """Who publishes."""

    title: str
    tagline: str
    url: str
    postal_address: str
    feedback: str  # an address
    copyright: str
    samples: bool


@dataclass(frozen=True, kw_only=True)
class EditionView:
    """An edition in one language. The counts are those of what is in it, in words or as a number to show."""

    id: str
    title: str
    number: str
    period: str
    week: str  # "2018-W29"
    note: tuple[str, ...]
    publication: PublicationView
    count: str  # "26"
    stories: str  # "26 stories"
    publishers: str  # "9 publishers"
    headline: str  # the first story's, for the subject
    preheader: str  # the headlines that it leads with, in a line
    matters: tuple[HeadlineView, ...]  # the same, one by one
    choice: BlockView
    top: BlockView
    sections: tuple[SectionView, ...]
    themes: tuple[ThemeView, ...]  # in the taxonomy's order
    most_read: tuple[EarlierView, ...]  # of earlier editions; the same in all copies
    corrections: tuple[CorrectionView, ...]
    here: Any = True  # whether there are stories at all
    several: Any = True  # whether the stories are of several publishers
    contents: Any = True  # whether there are several sections with stories
    full: Any = True  # whether it is more than headlines
