"""One rendering for all copies: cut at its marks, each part encoded once, joined for each selection.

    rendering ── cut ──> nodes ── encode ──> Body ── walk(Selection) ──> Plan ── fill(links of a reader) ──> bytes

A rendering holds everything that any copy may show, between marks (see `digest.render.tags`). It is cut into a tree:
fixed pieces, fields, choices, loops. What a selection wants of it is a walk through that tree; readers with one
selection share its outcome, a `Plan`, in which only their own fields are open.

No piece holds the line ends that it begins and ends with: they are made at the join, one or at most so many as the
kind of body has in a row, exactly as in a rendering of that selection alone. Where two pieces meet within a line, a
soft break of quoted-printable stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Final, final

from digest.errors import TemplateError
from digest.quoted import piece
from digest.render.personal import REMAINDER, Field
from digest.render.selection import Questions, Selection
from digest.render.tags import CLOSE, DONE, FIELD, LOOP, OPEN, OTHERWISE

_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """A kind of body. `lines` is how many line ends may follow each other."""

    lines: int
    escape: Callable[[str], str]  # text between tags
    quote: Callable[[str], str]  # text in an attribute

    def tidy(self, text: str) -> str:
        """A rendering without trailing blanks and needless empty lines: what joins of parts are equal to."""
        text = re.sub(rf"\n{{{self.lines + 1},}}", "\n" * self.lines, _BLANKS.sub("", text))
        return text.strip("\n") + "\n"


def _in_attribute(text: str) -> str:
    return escape(text, quote=False).replace('"', "&quot;")


TEXT: Final = Kind(lines=2, escape=str, quote=str)
HTML: Final = Kind(lines=1, escape=partial(escape, quote=False), quote=_in_attribute)  # as lxml writes them


# What a rendering is cut into ------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class Fixed:
    """The same in all copies: `core` is encoded; before and after it stand so many line ends."""

    before: int
    core: bytes
    after: int


@final
@dataclass(frozen=True, slots=True)
class Value:
    """A field that follows from the selection."""

    of: Callable[[Selection], str]
    quoted: bool  # it stands in an attribute


@final
@dataclass(frozen=True, slots=True)
class Number:
    """The number that an item has in the copy, as one of `texts`: not part of what choices keep joined."""

    texts: Sequence[str]
    place: int


@final
@dataclass(frozen=True, slots=True)
class Choice:
    """One of two, by the selection."""

    test: Callable[[Selection], object]
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@final
@dataclass(frozen=True, slots=True)
class Shared:
    """A choice that keeps what it came to, for all selections that agree in what it follows from."""

    choice: Choice
    same: Callable[[Selection], Hashable]
    number: int  # of the question: a selection answers it once for all bodies
    slot: int  # where a body keeps it


@final
@dataclass(frozen=True, slots=True)
class Loop:
    """Choices in the selection's order."""

    order: Callable[[Selection], Sequence[int]]
    each: tuple[Node, ...]


Node = Fixed | Value | Number | Field | Choice | Shared | Loop
Piece = bytes | Field | Number


def marks(token: str) -> re.Pattern[str]:
    """The marks of a rendering: kind and number, or the name of a reader's own field.

    What may stand before the token, "https://" or "<!--", is left out: a pattern that begins as it is written is found
    many times faster.
    """
    return re.compile(rf"{token}(?:([a-z])(\d+)z|x([a-z]+)x)(?:-->|\.invalid/?)?")


class Cutter:
    """Cuts one rendering."""

    def __init__(self, kind: Kind, questions: Questions, where: str) -> None:
        self._kind = kind
        self._questions = questions
        self._where = where
        self._waiting: list[str | tuple[str, str]] = []  # pieces and marks, the next one last
        self._within = False  # a tag
        self._known: dict[str, Fixed] = {}  # stories of a kind have the same markup
        self.slots = 0  # choices that keep what they come to

    def cut(self, rendering: str) -> tuple[Node, ...]:
        """The tree of a rendering.

        Raises:
            TemplateError: a mark was damaged: a field went through a filter, or stands where markup changes it.
        """
        found = marks(self._questions.token).split(rendering)
        for place in range(0, len(found), 4):
            text = found[place]
            if place + 1 < len(found):
                text = text.removesuffix("https://" if text.endswith("https://") else "<!--")
            if self._questions.token[:REMAINDER] in text.lower():
                raise self._damaged("a field was changed by a filter, or a mark stands where none may")
            self._waiting.append(text)
            if place + 1 < len(found):
                self._waiting.append((found[place + 1] or FIELD, found[place + 2] or found[place + 3]))
        self._waiting.reverse()
        nodes, end = self._nodes()
        if end is not None or self._waiting:
            raise self._damaged("a part ends that did not begin")
        return nodes

    def _nodes(self) -> tuple[tuple[Node, ...], tuple[str, str] | None]:
        """Everything up to a mark that ends or divides what it is in; and that mark."""
        nodes: list[Node] = []
        while self._waiting:
            one = self._waiting.pop()
            if isinstance(one, str):
                if one:
                    if self._kind is HTML and ("<" in one or ">" in one):
                        self._within = one.rfind("<") > one.rfind(">")
                    nodes.append(self._fixed(one))
                continue
            kind, name = one
            if kind == FIELD:
                nodes.append(self._field(name))
            elif kind == OPEN:
                nodes.append(self._choice(name))
            elif kind == LOOP:
                nodes.append(self._loop(name))
            else:
                return tuple(nodes), one
        return tuple(nodes), None

    def _fixed(self, text: str) -> Fixed:
        if (known := self._known.get(text)) is None:
            known = self._known[text] = self._encoded(text)
        return known

    def _encoded(self, text: str) -> Fixed:
        core = text.strip("\n")
        if not core:
            return Fixed(len(text), b"", 0)
        before = len(text) - len(text.lstrip("\n"))
        after = len(text) - len(text.rstrip("\n"))
        if "\n" in core:
            tidy = self._kind.tidy(f"{core}{'' if after else chr(0)}")[:-1].rstrip(chr(0))
        else:
            tidy = core.rstrip(" \t") if after else core
        return Fixed(before, piece(tidy), after)

    def _field(self, name: str) -> Value | Number | Field:
        if not name.isdigit():
            if name == Field.RECEIVES and self._within:
                raise self._damaged("what a reader receives stands in an attribute")
            return Field(name)
        asked = self._questions.values[int(name)]
        return Number(*asked) if isinstance(asked, tuple) else Value(asked, self._within)

    def _choice(self, name: str) -> Choice | Shared:
        then, end = self._nodes()
        otherwise: tuple[Node, ...] = ()
        if end == (OTHERWISE, name):
            otherwise, end = self._nodes()
        if end != (CLOSE, name):
            raise self._damaged("a part does not end where it should")
        test, same = self._questions.tests[int(name)]
        choice = Choice(test, then, otherwise)
        if same is None:
            return choice
        self.slots += 1
        return Shared(choice, same, int(name), self.slots - 1)

    def _loop(self, name: str) -> Loop:
        each, end = self._nodes()
        if end != (DONE, name):
            raise self._damaged("a part does not end where it should")
        choices = [node for node in each if not (isinstance(node, Fixed) and not node.core)]
        if not all(isinstance(node, Choice | Shared) for node in choices):
            raise self._damaged("something stands between the parts of a loop")
        return Loop(self._questions.orders[int(name)], tuple(choices))

    def _damaged(self, what: str) -> TemplateError:
        return TemplateError(
            what,
            where=self._where,
            remedy="show fields as they are, close markup in the part that opens it; docs/templates.md has the rules",
        )
