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
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final, cast

from digest.errors import TemplateError
from digest.quoted import piece
from digest.render.personal import REMAINDER, Field, Values
from digest.render.selection import Questions, Selection
from digest.render.tags import CLOSE, DONE, FIELD, LOOP, OPEN, OTHERWISE

SOFT: Final = b"=\r\n"
KEPT_CHOICES: Final = 12_000_000  # octets of joined choices kept at hand, of one body
_KEPT_VALUES: Final = 65_536
_FIELDS: Final = tuple(Field)
_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """A kind of body. `lines` is how many line ends may follow each other."""

    lines: int
    escape: Callable[[str], str]

    def tidy(self, text: str) -> str:
        """A rendering without trailing blanks and needless empty lines: what joins of parts are equal to."""
        text = re.sub(rf"\n{{{self.lines + 1},}}", "\n" * self.lines, _BLANKS.sub("", text))
        return text.strip("\n") + "\n"


TEXT: Final = Kind(lines=2, escape=str)
HTML: Final = Kind(lines=1, escape=escape)


# What a rendering is cut into ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same in all copies: `core` is encoded; before and after it stand so many line ends."""

    before: int
    core: bytes
    after: int


@dataclass(frozen=True, slots=True)
class Value:
    """A field that follows from the selection; a late one is not part of what choices keep joined."""

    of: Callable[[Selection], str]
    late: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two, by the selection."""

    test: Callable[[Selection], object]
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    same: Callable[[Selection], Hashable] | None = None  # what its content follows from
    joined: dict[Hashable, Joined] = field(default_factory=dict)  # its content, by that


@dataclass(frozen=True, slots=True)
class Joined:
    """What a choice came to: line ends before it, its bytes and open fields, line ends after it."""

    before: int
    pieces: tuple[Piece, ...]
    after: int
    late: tuple[tuple[int, Value], ...]  # places of the fields that each selection fills


@dataclass(frozen=True, slots=True)
class Loop:
    """Choices in the selection's order."""

    order: Callable[[Selection], Sequence[int]]
    each: tuple[tuple[Node, ...], ...]


Node = Fixed | Value | Field | Choice | Loop
Piece = bytes | Field | Value


def marks(token: str) -> re.Pattern[str]:
    """The marks of a rendering: kind and number, or the name of a reader's own field."""
    return re.compile(rf"(?:https://|<!--)?{token}(?:([a-z])(\d+)z|x([a-z]+)x)(?:-->|\.invalid/?)?")


class Cutter:
    """Cuts one rendering."""

    def __init__(self, kind: Kind, questions: Questions, where: str) -> None:
        self._kind = kind
        self._questions = questions
        self._where = where
        self._waiting: list[str | tuple[str, str]] = []  # pieces and marks, the next one last

    def cut(self, rendering: str) -> tuple[Node, ...]:
        """The tree of a rendering.

        Raises:
            TemplateError: a mark was damaged: a field went through a filter, or stands where markup changes it.
        """
        found = marks(self._questions.token).split(rendering)
        for place in range(0, len(found), 4):
            text = found[place]
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
                    nodes.append(self._fixed(one))
                continue
            kind, name = one
            if kind == FIELD:
                nodes.append(Value(*self._questions.values[int(name)]) if name.isdigit() else Field(name))
            elif kind == OPEN:
                nodes.append(self._choice(name))
            elif kind == LOOP:
                nodes.append(self._loop(name))
            else:
                return tuple(nodes), one
        return tuple(nodes), None

    def _fixed(self, text: str) -> Fixed:
        core = text.strip("\n")
        if not core:
            return Fixed(len(text), b"", 0)
        before = len(text) - len(text.lstrip("\n"))
        after = len(text) - len(text.rstrip("\n"))
        tidy = self._kind.tidy(f"{core}{'' if after else chr(0)}")[:-1].rstrip(chr(0))
        return Fixed(before, piece(tidy), after)

    def _choice(self, name: str) -> Choice:
        then, end = self._nodes()
        otherwise: tuple[Node, ...] = ()
        if end == (OTHERWISE, name):
            otherwise, end = self._nodes()
        if end != (CLOSE, name):
            raise self._damaged("a part does not end where it should")
        test, same = self._questions.tests[int(name)]
        return Choice(test, then, otherwise, same)

    def _loop(self, name: str) -> Loop:
        each, end = self._nodes()
        if end != (DONE, name):
            raise self._damaged("a part does not end where it should")
        choices = [node for node in each if not (isinstance(node, Fixed) and not node.core)]
        if not all(isinstance(node, Choice) for node in choices):
            raise self._damaged("something stands between the parts of a loop")
        return Loop(self._questions.orders[int(name)], tuple((node,) for node in choices))

    def _damaged(self, what: str) -> TemplateError:
        return TemplateError(
            what,
            where=self._where,
            remedy="show fields as they are, close markup in the part that opens it; docs/templates.md has the rules",
        )


# Joins -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """A body of one selection: bytes, and the fields of a reader between them."""

    pieces: tuple[bytes, ...]
    own: tuple[tuple[int, int], ...]  # places of a reader's fields, and which they are
    size: int  # octets of its bytes

    def fill(self, values: Values) -> list[bytes]:
        """The body of one reader, in pieces; `values` are encoded."""
        made = list(self.pieces)
        for place, which in self.own:
            made[place] = values[which]
        return made


class Body:
    """One body of a rendering, cut and encoded."""

    def __init__(self, kind: Kind, nodes: tuple[Node, ...]) -> None:
        self.kind = kind
        self.nodes = nodes
        self._joints = (SOFT, *(b"\r\n" * lines for lines in range(1, kind.lines + 1)))
        self._encoded: dict[str, bytes] = {}
        self._shared: list[Choice] = []  # that keep what they came to
        self._kept = 0  # octets of that

    @classmethod
    def cut(cls, rendering: str, kind: Kind, questions: Questions, where: str) -> Body:
        """A rendering, cut at its marks.

        Raises:
            TemplateError: a mark was damaged.
        """
        return cls(kind, Cutter(kind, questions, where).cut(rendering))

    def fields(self) -> set[Field]:
        """The fields of a reader that it has anywhere."""
        return set(_fields(self.nodes))

    def plan(self, selection: Selection) -> Plan:
        """What a selection gets of it."""
        out: list[Piece] = []
        self._walk(self.nodes, selection, out, -1)
        out.append(b"\r\n")  # a body ends with one line end, whatever it ended with
        own = tuple((place, _FIELDS.index(one)) for place, one in enumerate(out) if isinstance(one, Field))
        for place, _ in own:
            out[place] = b""
        pieces = cast("list[bytes]", out)
        return Plan(tuple(pieces), own, sum(map(len, pieces)))

    def encode(self, value: str) -> bytes:
        """A field's text as a piece of this body. Those that follow from a selection come again and again."""
        encoded = self._encoded.get(value)
        if encoded is None:
            if len(self._encoded) >= _KEPT_VALUES:
                self._encoded.clear()
            encoded = self._encoded[value] = piece(self.kind.escape(value))
        return encoded

    def _walk(
        self, nodes: tuple[Node, ...], selection: Selection, out: list[Piece], pending: int, *, keep: bool = False
    ) -> int:
        """Append what these nodes give; how many line ends come after it.

        Args:
            nodes: a part of the tree.
            selection: what is wanted of it.
            out: where to.
            pending: line ends that wait before the next piece; -1: nothing came yet.
            keep: whether late fields stay open.
        """
        joints, lines = self._joints, self.kind.lines
        for node in nodes:
            if isinstance(node, Fixed):
                if not node.core:
                    pending += node.before if pending >= 0 else 0
                    continue
                core: Piece = node.core
                before, after = node.before, node.after
            elif isinstance(node, Choice):
                branch = node.then if node.test(selection) else node.otherwise
                if not branch:
                    continue
                if node.same is None or keep:
                    pending = self._walk(branch, selection, out, pending, keep=keep)
                    continue
                joined = node.joined.get(key := node.same(selection)) or self._join(node, key, branch, selection)
                if not joined.pieces:
                    pending += joined.before if pending >= 0 else 0
                    continue
                if pending >= 0:
                    out.append(joints[min(pending + joined.before, lines)])
                start = len(out)
                out += joined.pieces
                for place, value in joined.late:
                    out[start + place] = self.encode(value.of(selection))
                pending = joined.after
                continue
            elif isinstance(node, Value):
                if keep and node.late:
                    core, before, after = node, 0, 0
                elif text := node.of(selection):
                    core, before, after = self.encode(text), 0, 0
                else:
                    continue
            elif isinstance(node, Field):
                core, before, after = node, 0, 0
            else:
                for place in node.order(selection):
                    pending = self._walk(node.each[place], selection, out, pending, keep=keep)
                continue
            if pending >= 0:
                out.append(joints[min(pending + before, lines)])
            out.append(core)
            pending = after
        return pending

    def _join(self, choice: Choice, key: Hashable, branch: tuple[Node, ...], selection: Selection) -> Joined:
        """What a branch comes to, kept for the next selection that agrees in what it follows from."""
        out: list[Piece] = []
        after = self._walk(branch, selection, out, 0, keep=True)
        if not out:
            return Joined(after, (), 0, ())
        pieces = _merged(out[1:])
        late = tuple((place, one) for place, one in enumerate(pieces) if isinstance(one, Value))
        made = Joined(self._joints.index(cast("bytes", out[0])), pieces, after, late)
        self._kept += sum(len(one) for one in pieces if isinstance(one, bytes))
        if self._kept > KEPT_CHOICES:
            self._kept = 0
            for one in self._shared:
                one.joined.clear()
        if not choice.joined:
            self._shared.append(choice)
        choice.joined[key] = made
        return made


def _merged(out: Sequence[Piece]) -> tuple[Piece, ...]:
    """Bytes that follow each other as one."""
    pieces: list[Piece] = []
    fixed: list[bytes] = []
    for one in out:
        if isinstance(one, bytes):
            fixed.append(one)
        else:
            pieces += [b"".join(fixed), one] if fixed else [one]
            fixed = []
    return (*pieces, b"".join(fixed)) if fixed else tuple(pieces)


def _fields(nodes: Sequence[Node]) -> Iterator[Field]:
    for node in nodes:
        if isinstance(node, Field):
            yield node
        elif isinstance(node, Choice):
            yield from _fields((*node.then, *node.otherwise))
        elif isinstance(node, Loop):
            yield from _fields([one for each in node.each for one in each])
