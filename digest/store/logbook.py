"""The logbook: what a fast sender has done since it last wrote its copies' rows. One line for each commit.

    exchange ── line ──> logbook ── fold, every hundred copies ──> deliveries

A copy's row lives in a table with three indexes, and changes three times (claimed, leaves, recorded). Between two
claims from the queue, a commit appends one line instead, which says the same and is as durable; `fold` writes each
row once, with what its lines came to. Whoever asks about deliveries, or acts on them, folds first, so nobody sees the
difference; a sender that died has left its lines, and who recovers its copies folds them.

A line is JSON: the time of its claims, the deliveries that were claimed, those whose bodies left, and the rows of those
that came to an end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.ranges import Span, still_ours
from digest.store.recording import RECORDED, WAITS, Row, is_in, writing
from digest.store.schema import deliveries, logbook

BODY_OUT: Final = 354  # RFC 5321's "start mail input": the last word of the server before the body left

_ITEMS: Final = RECORDED.index("items")
_REASON: Final = RECORDED.index("reason")

_as_line: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_LINES: Final = sa.delete(logbook).where(logbook.c.campaign == sa.bindparam("of"))

# PostgreSQL takes what a commit says of copies under way as arrays, in one statement, as it does their ends.
_SAID: Final[Mapping[str, Any]] = {
    "number": sa.BigInteger,
    "claims": sa.Integer,
    "claimed": sa.DateTime(timezone=True),
    "word": sa.Integer,
}
_SAID_OF_MANY: Final = (
    sa.func.unnest(*(sa.cast(sa.bindparam(name), ARRAY(kind)) for name, kind in _SAID.items()))
    .table_valued(*_SAID, name="said")
    .render_derived()
)


def _under_way(said: Mapping[str, Any]) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == said["number"],
            deliveries.c.campaign + 0 == sa.bindparam("of"),
            is_in([DeliveryState.QUEUED, DeliveryState.CLAIMED]),
        )
        .values(
            state=DeliveryState.CLAIMED.value,
            attempts=deliveries.c.attempts + said["claims"],
            claimed_at=sa.func.coalesce(said["claimed"], deliveries.c.claimed_at),
            code=said["word"],
            next_attempt_at=None,
        )
    )


class Logbook:
    """The lines of one campaign."""

    def __init__(self, database: Database, campaign: int, span: Span | None = None) -> None:
        """`span` is for who writes lines; who only folds has none."""
        self._database = database
        self._campaign = campaign
        self._lines = database.prepare(_LINES.returning(logbook.c.id, logbook.c.line))
        single = {name: sa.bindparam(name, type_=sa.types.to_instance(kind)) for name, kind in _SAID.items()}
        self._under_way = database.prepare(_under_way(single if database.is_sqlite else dict(_SAID_OF_MANY.c)))
        self._write = writing(database)
        if span is not None:
            line = sa.select(sa.literal(campaign), sa.bindparam("line", type_=sa.Text))
            ours = line.select_from(still_ours(campaign, span).subquery())
            self._append = database.prepare(sa.insert(logbook).from_select(["campaign", "line"], ours))

    def append(
        self, cursor: DBAPICursor, time: object, claimed: Sequence[int], leaving: Sequence[int], rows: Iterable[Row]
    ) -> bool:
        """Write a line; False, and nothing was written, when the span is held by another."""
        ended = [row if row[_ITEMS] is None else (*row[:_ITEMS], row[_ITEMS].hex()) for row in rows]
        return self._append.run(cursor, {"line": _as_line((time, claimed, leaving, ended))}) == 1

    def fold(self, cursor: DBAPICursor, leaving: Iterable[int] = (), rows: Iterable[Row] = ()) -> None:
        """Write down what the lines say, and then these, in the copies' rows; the lines are gone with that."""
        claimed: dict[int, str] = {}
        left: dict[int, str] = {}
        ended: dict[int, Row] = {}
        for _, line in sorted(self._lines.rows(cursor, {"of": self._campaign})):
            time, given, out, done = json.loads(line)
            claimed |= dict.fromkeys(given, time)
            left |= dict.fromkeys(out, "")
            ended |= {row[0]: (*row[:_ITEMS], row[_ITEMS] and bytes.fromhex(row[_ITEMS])) for row in done}
        left |= dict.fromkeys(leaving, "")
        finished = (*ended.values(), *rows)
        # The claims of the others are counted with their ends.
        under_way = (claimed | left).keys() - {row[0] for row in finished}
        self._note(
            cursor,
            [
                (number, int(number in claimed), claimed.get(number), BODY_OUT if number in left else 0)
                for number in sorted(under_way)
            ],
        )
        done = [
            # A copy that was only told to wait was not tried.
            (*row, int(row[0] in claimed) - (row[_REASON] == WAITS), claimed.get(row[0]))
            for row in finished
        ]
        self._write(cursor, self._campaign, done)

    def _note(self, cursor: DBAPICursor, said: Sequence[tuple[object, ...]]) -> None:
        """Write which copies are claimed, and whose bodies left."""
        if self._database.is_sqlite:
            self._under_way.many(cursor, ("of", *_SAID), [(self._campaign, *one) for one in said])
        elif said:
            columns = map(list, zip(*said, strict=True))
            self._under_way.run(cursor, {"of": self._campaign, **dict(zip(_SAID, columns, strict=True))})


def fold_all(database: Database) -> None:
    """Fold every campaign's lines: for who reads deliveries, or acts on them."""
    with database.reading() as connection:
        waiting = connection.scalars(sa.select(logbook.c.campaign).distinct()).all()
    if waiting:
        with database.transaction() as connection:
            for campaign in waiting:
                Logbook(database, campaign).fold(connection.connection.cursor())
