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
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.ranges import Span, still_ours
from digest.store.recording import RECORDED, WAITS, Row, writing
from digest.store.schema import deliveries, logbook

BODY_OUT: Final = 354  # RFC 5321's "start mail input": the last word of the server before the body left

_ITEMS: Final = RECORDED.index("items")
_REASON: Final = RECORDED.index("reason")

_as_line: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_LINES: Final = sa.delete(logbook).where(logbook.c.campaign == sa.bindparam("of"))

_UNDER_WAY: Final = (
    sa.update(deliveries)
    .where(
        deliveries.c.id == sa.bindparam("number"),
        deliveries.c.campaign == sa.bindparam("of"),
        sa.or_(*(deliveries.c.state == state.value for state in (DeliveryState.QUEUED, DeliveryState.CLAIMED))),
    )
    .values(
        state=DeliveryState.CLAIMED.value,
        attempts=deliveries.c.attempts + sa.bindparam("claims"),
        claimed_at=sa.func.coalesce(
            sa.bindparam("claimed", type_=deliveries.c.claimed_at.type), deliveries.c.claimed_at
        ),
        code=sa.bindparam("word"),
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
        self._under_way = database.prepare(_UNDER_WAY)
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
        self._under_way.many(
            cursor,
            ("of", "number", "claims", "claimed", "word"),
            [
                (self._campaign, number, int(number in claimed), claimed.get(number), BODY_OUT if number in left else 0)
                for number in sorted(under_way)
            ],
        )
        done = [
            # A copy that was only told to wait was not tried.
            (*row, int(row[0] in claimed) - (row[_REASON] == WAITS), claimed.get(row[0]))
            for row in finished
        ]
        self._write(cursor, self._campaign, done)


def fold_all(database: Database) -> None:
    """Fold every campaign's lines: for who reads deliveries, or acts on them."""
    with database.reading() as connection:
        waiting = connection.scalars(sa.select(logbook.c.campaign).distinct()).all()
    if waiting:
        with database.transaction() as connection:
            for campaign in waiting:
                Logbook(database, campaign).fold(connection.connection.cursor())
