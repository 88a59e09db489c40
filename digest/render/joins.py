"""Joins of parts: what a selection gets of a body that was cut.

A plan is bytes, shared with other plans, and the fields of a reader between them. What a choice came to is kept, by
what it follows from: a selection that nobody had before costs little more than to look those up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from digest.quoted import SOFT, piece
from digest.render.parts import Choice, Cutter, Fixed, Kind, Loop, Node, Number, Piece, Shared, Value
from digest.render.personal import Field, Values
from digest.render.selection import Questions, Selection

KEPT_CHOICES: Final = 12_000_000  # octets of joined choices kept at hand, of one body
_KEPT_VALUES: Final = 65_536
_FIELDS: Final = tuple(Field)


class Joined:
    """What a choice came to: line ends before it, its bytes and open fields, line ends after it."""

    __slots__ = ("after", "before", "late", "own", "pieces")

    def __init__(
        self,
        before: int,
        pieces: tuple[Piece, ...],
        after: int,
        late: tuple[tuple[int, Sequence[bytes], int], ...] = (),
        own: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self.before = before
        self.pieces = pieces
        self.after = after
        self.late = late  # places of the numbers that each selection fills, of what texts, of which items
        self.own = own  # places of a reader's fields, and which they are


@dataclass(frozen=True, slots=True)
class Plan:
    """A body of one selection: bytes, and the fields of a reader between them."""

    pieces: tuple[bytes, ...]
    own: tuple[tuple[int, int], ...]  # places of a reader's fields, and which they are

    def fill(self, values: Values) -> list[bytes]:
        """The body of one reader, in pieces; `values` are encoded."""
        made = list(self.pieces)
        for place, which in self.own:
            made[place] = values[which]
        return made

    def room(self, field: int, enough: int) -> int:
        """Octets of the body as a reader's client has it, decoded, when each field of a reader takes `field`.

        What is not above `enough` while it is encoded is not looked at more closely.
        """
        fields = field * len(self.own)
        size = sum(map(len, self.pieces)) + fields
        if size <= enough:
            return size
        whole = b"".join(self.pieces)
        return size - 2 * whole.count(b"=") - whole.count(b"\n")  # "=C3" is one, "=" CRLF nothing, CRLF a line feed


class Body:
    """One body of a rendering, cut and encoded, for all readers who share the fields in `common`."""

    def __init__(
        self, kind: Kind, nodes: tuple[Node, ...], slots: int, common: Mapping[Field, str] | None = None
    ) -> None:
        self.kind = kind
        self.nodes = nodes
        # By how many line ends are wanted: so many as a piece wants after it, and the next one before it.
        self._joints = (SOFT, *(b"\r\n" * min(lines, kind.lines) for lines in range(1, 2 * kind.lines + 1)))
        self._encoded: dict[str, bytes] = {}
        self._quoted: dict[str, bytes] = {}
        self._tables: dict[int, tuple[bytes, ...]] = {}
        self._shared: list[dict[Hashable, Joined]] = [{} for _ in range(slots)]  # what choices came to
        self._kept = 0  # octets of that
        self._common = {name: self.encode(value, True) for name, value in (common or {}).items()}
        self._settled = self._settle(nodes)

    @classmethod
    def cut(cls, rendering: str, kind: Kind, questions: Questions, where: str) -> Body:
        """A rendering, cut at its marks.

        Raises:
            TemplateError: a mark was damaged.
        """
        cutter = Cutter(kind, questions, where)
        return cls(kind, cutter.cut(rendering), cutter.slots)

    def bound(self, common: Mapping[Field, str]) -> Body:
        """The same for readers who share these fields, which are then no longer open."""
        return Body(self.kind, self.nodes, len(self._shared), common)

    def fields(self) -> set[Field]:
        """The fields of a reader that it has anywhere."""
        return set(_fields(self.nodes))

    def plan(self, selection: Selection) -> Plan:
        """What a selection gets of it."""
        out: list[Piece] = []
        own: list[tuple[int, int]] = []
        self._walk(self._settled, selection, out, own, -1)
        out.append(b"\r\n")  # a body ends with one line end, whatever it ended with
        return Plan(tuple(cast("list[bytes]", out)), tuple(own))

    def encode(self, value: str, quoted: bool) -> bytes:  # noqa: FBT001 - the inner loop: keywords cost
        """A field's text as a piece of this body. Those that follow from a selection come again and again."""
        known = self._quoted if quoted else self._encoded
        encoded = known.get(value)
        if encoded is None:
            if len(known) >= _KEPT_VALUES:
                known.clear()
            encoded = known[value] = piece(self.kind.quote(value) if quoted else self.kind.escape(value))
        return encoded

    def _settle(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """The tree for these readers: their fields are filled in, and fixed pieces that follow each other are one."""
        lines, settled = self.kind.lines, list[Node]()
        for node in nodes:
            made = node
            if isinstance(node, Field):
                made = Fixed(0, known, 0) if (known := self._common.get(node)) else node
            elif isinstance(node, Shared):
                made = replace(node, choice=self._settled_choice(node.choice))
            elif isinstance(node, Choice):
                made = self._settled_choice(node)
            elif isinstance(node, Loop):
                made = replace(node, each=self._settle(node.each))
            elif isinstance(node, Fixed):
                made = Fixed(min(node.before, lines), node.core, min(node.after, lines))
            last = settled[-1] if settled else None
            if isinstance(made, Fixed) and isinstance(last, Fixed) and last.core:
                between = min(last.after + made.before, lines)
                if made.core:
                    settled[-1] = Fixed(last.before, last.core + self._joints[between] + made.core, made.after)
                else:
                    settled[-1] = replace(last, after=between)
            else:
                settled.append(made)
        return tuple(settled)

    def _settled_choice(self, choice: Choice) -> Choice:
        return replace(choice, then=self._settle(choice.then), otherwise=self._settle(choice.otherwise))

    def _walk(
        self,
        nodes: Sequence[Node],
        selection: Selection,
        out: list[Piece],
        own: list[tuple[int, int]] | None,
        pending: int,
    ) -> int:
        """Append what these nodes give; how many line ends come after it.

        Args:
            nodes: a part of the tree.
            selection: what is wanted of it.
            out: where to.
            own: where to note places of a reader's fields; None: those and numbers stay open in `out`.
            pending: line ends that wait before the next piece; -1: nothing came yet.
        """
        joints, lines, keys, shared = self._joints, self.kind.lines, selection.keys, self._shared
        for node in nodes:  # the kinds that are most come first
            if type(node) is Shared:
                key = keys.get(node.number)
                if key is None:
                    key = keys[node.number] = node.same(selection)
                joined = shared[node.slot].get(key)
                if joined is None:
                    joined = self._join(node, key, selection)
                pieces = joined.pieces
                if not pieces:
                    if joined.before and pending >= 0:
                        pending = min(pending + joined.before, lines)
                    continue
                if pending >= 0:
                    out.append(joints[pending + joined.before])
                pending = joined.after
                if own is None:
                    out += pieces
                    continue
                start = len(out)
                out += pieces
                if joined.late:
                    numbers = selection.numbers
                    for place, table, item in joined.late:
                        out[start + place] = table[numbers[item]]
                for place, which in joined.own:
                    out[start + place] = b""
                    own.append((start + place, which))
            elif type(node) is Fixed:
                if node.core:
                    if pending >= 0:
                        out.append(joints[pending + node.before])
                    out.append(node.core)
                    pending = node.after
                elif pending >= 0:
                    pending = min(pending + node.before, lines)
            elif type(node) is Choice:
                branch = node.then if node.test(selection) else node.otherwise
                if branch:
                    pending = self._walk(branch, selection, out, own, pending)
            elif type(node) is Loop:
                each = node.each
                pending = self._walk([each[place] for place in node.order(selection)], selection, out, own, pending)
            else:
                if type(node) is Value:
                    if not (text := node.of(selection)):
                        continue
                    core: Piece = self.encode(text, node.quoted)
                elif type(node) is Number:
                    core = node if own is None else self._table(node)[selection.numbers[node.place]]
                else:
                    core = node
                if pending >= 0:
                    out.append(joints[pending])
                if own is not None and isinstance(core, Field):
                    own.append((len(out), _FIELDS.index(core)))
                    core = b""
                out.append(core)
                pending = 0
        return pending

    def _table(self, number: Number) -> tuple[bytes, ...]:
        """The texts of a number, encoded."""
        table = self._tables.get(id(number.texts))
        if table is None:
            table = self._tables[id(number.texts)] = tuple(piece(self.kind.escape(text)) for text in number.texts)
        return table

    def _join(self, node: Shared, key: Hashable, selection: Selection) -> Joined:
        """What a choice comes to, kept for the next selection that agrees in what it follows from."""
        choice = node.choice
        out: list[Piece] = []
        branch = choice.then if choice.test(selection) else choice.otherwise
        after = self._walk(branch, selection, out, None, 0)
        if out:
            pieces = _merged(out[1:])
            made = Joined(
                self._joints.index(cast("bytes", out[0])),
                pieces,
                after,
                tuple((at, self._table(one), one.place) for at, one in enumerate(pieces) if isinstance(one, Number)),
                tuple((at, _FIELDS.index(one)) for at, one in enumerate(pieces) if isinstance(one, Field)),
            )
            self._kept += sum(len(one) for one in pieces if isinstance(one, bytes))
        else:
            made = Joined(after, (), 0)
        if self._kept > KEPT_CHOICES:
            self._kept = 0
            for kept in self._shared:
                kept.clear()
        self._shared[node.slot][key] = made
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
        elif isinstance(node, Shared):
            yield from _fields([node.choice])
        elif isinstance(node, Choice):
            yield from _fields((*node.then, *node.otherwise))
        elif isinstance(node, Loop):
            yield from _fields(node.each)
