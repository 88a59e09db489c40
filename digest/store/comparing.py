"""Whether two stores hold the same: each table's count and hash, typed alike on SQLite and PostgreSQL.

A row's values are written in one form (times in UTC with microseconds, numbers in decimal, bytes as they are) and
hashed; a table's hash is the sum of its rows', so that the order of rows, which the databases see differently, means
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.store.schema import archive, archived, cards, cards_due, compatible, metadata, site, tallies

Tell = Callable[[str, str, int, int], None]  # "copied" or "compared", a table, rows so far, rows in all


def nobody(_done: str, _table: str, _rows: int, _of: int) -> None:
    """Tell nobody."""


# What is made of the rest, in the form of each database: filed again there by the next `digest run`, or by triggers.
DERIVED: Final = frozenset({archive, archived, cards, cards_due, tallies})
COPIED: Final[tuple[sa.Table, ...]] = tuple(
    table for table in metadata.sorted_tables if table not in DERIVED and table not in {site, compatible}
)
_MODULUS: Final = 1 << 128
_BYTES_AT_ONCE: Final = 4 << 20
_ROWS_AT_ONCE: Final = 5000
_FIRST: Final = 100


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One table in two stores: rows, and the sum of their hashes."""

    table: str
    rows: tuple[int, int]
    hashes: tuple[str, str]

    @property
    def same(self) -> bool:
        """Whether they hold the same rows."""
        return self.rows[0] == self.rows[1] and self.hashes[0] == self.hashes[1]


def compare(old: Connection, new: Connection, tell: Tell = nobody) -> tuple[Compared, ...]:
    """Every table of two stores, row by row; memory stays flat."""
    found = []
    for table in COPIED:
        mine, theirs = (summed(connection, table, tell) for connection in (old, new))
        found.append(Compared(table=table.name, rows=(mine[0], theirs[0]), hashes=(mine[1], theirs[1])))
    return tuple(found)


def summed(connection: Connection, table: sa.Table, tell: Tell = nobody) -> tuple[int, str]:
    """How many rows a table has, and the sum of their hashes."""
    rows = total = 0
    expected = count(connection, table)
    for batch in batches(connection, table, ()):
        for row in batch:
            total += int.from_bytes(hashlib.blake2b(_written(row), digest_size=16).digest(), "big")
        rows += len(batch)
        tell("compared", table.name, rows, expected)
    return rows, f"{total % _MODULUS:032x}"


def count(connection: Connection, table: sa.Table) -> int:
    """How many rows a table has."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def batches(connection: Connection, table: sa.Table, after: Sequence[object]) -> Iterator[Sequence[Sequence[Any]]]:
    """A table's rows in order of its key, behind the key `after`: so many at a time that they fit into a few MB."""
    keys = list(table.primary_key.columns)
    size = _FIRST
    places = [list(table.columns).index(key) for key in keys]
    while True:
        query = sa.select(table).order_by(*keys).limit(size)
        if after:
            values = [
                sa.bindparam(f"after_{key.name}", value, key.type) for key, value in zip(keys, after, strict=True)
            ]
            query = query.where(sa.tuple_(*keys) > sa.tuple_(*values))
        rows = connection.execute(query).all()
        if not rows:
            return
        yield rows
        after = [rows[-1][place] for place in places]
        weight = sum(len(value) for row in rows for value in row if isinstance(value, str | bytes)) // len(rows) + 1
        size = max(1, min(_ROWS_AT_ONCE, 4 * size, _BYTES_AT_ONCE // weight))


def _written(row: Sequence[object]) -> bytes:
    """A row's values in one form; each says its kind and length, so that no two rows are written alike."""
    out = bytearray()
    for value in row:
        mark, content = _WRITERS[type(value)](value)
        out += b"%c%d:" % (mark, len(content))
        out += content
    return bytes(out)


_WRITERS: Final[Mapping[type, Callable[[Any], tuple[bytes, bytes]]]] = {
    type(None): lambda _value: (b"-", b""),
    bool: lambda value: (b"?", b"1" if value else b"0"),
    int: lambda value: (b"i", b"%d" % value),
    float: lambda value: (b"f", repr(value).encode()),
    str: lambda value: (b"s", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: (b"b", value),
    memoryview: lambda value: (b"b", bytes(value)),
    datetime: lambda value: (b"t", value.isoformat(timespec="microseconds").encode()),
    date: lambda value: (b"d", value.isoformat().encode()),
}
