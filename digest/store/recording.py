"""Recording, a part of the ledger: what became of copies, and whose addresses are suppressed for refusals.

`logbook.py` says when rows are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import Accepted, Deferred, DeliveryState, Outcome, Record, Refused, Skipped, Uncertain
from digest.store.database import AnyRow, Database
from digest.store.schema import campaigns, deliveries, suppressions

_REPLY_LIMIT: Final = 500  # characters of a server's reply that are kept
_CHUNK: Final = 1000

_STATES: Final = {
    Accepted: DeliveryState.ACCEPTED.value,
    Deferred: DeliveryState.DEFERRED.value,
    Refused: DeliveryState.REFUSED.value,
    Uncertain: DeliveryState.UNCERTAIN.value,
    Skipped: DeliveryState.SKIPPED.value,
}
_ACCEPTED: Final = DeliveryState.ACCEPTED.value
_OPEN: Final = (DeliveryState.CLAIMED, DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
# A copy's end, as a tuple in this order. Times are as the database's driver takes them.
WAITS: Final = "it waits for its slot: its domain has a limit"
RECORDED: Final = (
    "number",
    "state",
    "revision",
    "reason",
    "code",
    "status",
    "reply",
    "ours",
    "finished_at",
    "next_attempt_at",
    "items",
)
Row: TypeAlias = tuple[Any, ...]

# PostgreSQL takes the rows of a commit as arrays, in one statement: two to three times as fast as one for each.
_WRITTEN: Final[Mapping[str, Any]] = {
    "number": sa.BigInteger,
    "state": sa.Text,
    "revision": sa.Integer,
    "reason": sa.Text,
    "code": sa.Integer,
    "status": sa.Text,
    "reply": sa.Text,
    "ours": sa.Boolean,
    "finished_at": sa.DateTime(timezone=True),
    "next_attempt_at": sa.DateTime(timezone=True),
    "items": sa.LargeBinary,
    "claims": sa.Integer,
    "claimed": sa.DateTime(timezone=True),
}
_SINGLE: Final = {name: sa.bindparam(name, type_=sa.types.to_instance(kind)) for name, kind in _WRITTEN.items()}
_MANY: Final = (
    sa.func.unnest(*(sa.cast(sa.bindparam(name), ARRAY(kind)) for name, kind in _WRITTEN.items()))
    .table_valued(*_WRITTEN, name="recorded")
    .render_derived()
)


def is_in(states: Iterable[DeliveryState]) -> sa.ColumnElement[bool]:
    """Whether a copy that is named by its number is in one of these states; no index of states is looked at for that.

    With old statistics PostgreSQL takes the queue of a campaign for few rows, and would look at all of it in each
    commit. "+ 0" on a campaign does the same.
    """
    unindexed = deliveries.c.state + sa.literal_column("''")
    return sa.or_(*(unindexed == state.value for state in states))


def _writing(value: Mapping[str, Any]) -> sa.Update:
    """A late record still tells the truth about a copy that was put back meanwhile; what is settled stays."""
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == value["number"],
            deliveries.c.campaign + 0 == sa.bindparam("of"),
            is_in(_OPEN),
        )
        .values({name: value[name] for name in RECORDED[1:]})
        .values(
            attempts=deliveries.c.attempts + value["claims"],
            claimed_at=sa.func.coalesce(value["claimed"], deliveries.c.claimed_at),
        )
    )


def writing(database: Database) -> Callable[[DBAPICursor, int, Sequence[Row]], None]:
    """What writes the ends of a campaign's copies into their rows.

    Rows are `RECORDED`, how many claims are to be counted with it, and when the last of them was made. One for a copy
    that is accepted, refused or skipped already changes nothing.
    """
    if database.is_sqlite:
        single, names = database.prepare(_writing(_SINGLE)), ("of", *_WRITTEN)

        def write(cursor: DBAPICursor, campaign: int, rows: Sequence[Row]) -> None:
            single.many(cursor, names, ((campaign, *row) for row in rows))

        return write
    many = database.prepare(_writing(dict(_MANY.c)))

    def write_arrays(cursor: DBAPICursor, campaign: int, rows: Sequence[Row]) -> None:
        if rows:
            columns = map(list, zip(*rows, strict=True))
            many.run(cursor, {"of": campaign, **dict(zip(_WRITTEN, columns, strict=True))})

    return write_arrays


_HISTORY: Final = (
    sa.select(
        deliveries.c.key,
        deliveries.c.state,
        deliveries.c.code,
        deliveries.c.status,
        deliveries.c.reply,
        deliveries.c.finished_at,
        campaigns.c.edition,
    )
    .join_from(deliveries, campaigns, campaigns.c.id == deliveries.c.campaign)
    .where(
        deliveries.c.state.in_(
            [DeliveryState.ACCEPTED.value, DeliveryState.REFUSED.value, DeliveryState.BOUNCED.value]
        ),
        sa.not_(deliveries.c.ours),
        sa.not_(deliveries.c.reason.startswith("soft:")),  # of those that came back (bounces.py) only hard ones count
    )
    .order_by(deliveries.c.finished_at, deliveries.c.id)
)


@dataclass(frozen=True, kw_only=True)
class RefusalPolicy:
    """When permanent refusals suppress an address: `count` of them, for different editions on different days (UTC).

    Only those since its last accepted copy count, and none for which the fault was ours.
    """

    count: int = 2


class Recorder:
    """What outcomes of copies come to: their rows, and addresses that are suppressed for refusals."""

    def __init__(self, database: Database, policy: RefusalPolicy) -> None:
        self._database = database
        self._policy = policy

    def row(self, record: Record) -> Row:
        """An outcome as `RECORDED` has it."""
        outcome, time = record.outcome, self._database.time
        if type(outcome) is Accepted:  # nearly all are
            reply, items = outcome.reply, record.items or None
            cells = "", reply.code, _clean(reply.status), _clean(reply.text), False, time(record.at), None, items
            return (record.delivery, _ACCEPTED, record.revision, *cells)
        again_at = due_again(record)
        state, *said = _cells(record.outcome, again=again_at is not None)
        when = (time(record.at), None) if again_at is None else (None, time(again_at))
        return (record.delivery, state, record.revision, *said, *when, None)

    def suppress(self, connection: Connection, refused: Sequence[Record]) -> None:
        """Suppress the addresses whose permanent refusals have reached the policy's count."""
        at = {record.delivery: record.at for record in refused}
        for start in range(0, len(refused), _CHUNK):
            numbers = [record.delivery for record in refused[start : start + _CHUNK]]
            query = sa.select(deliveries.c.key, deliveries.c.id).where(
                deliveries.c.id.in_(numbers), deliveries.c.state == DeliveryState.REFUSED.value
            )
            of_number = {row.key: row.id for row in connection.execute(query)}
            history: dict[str, list[AnyRow]] = defaultdict(list)
            for row in connection.execute(_HISTORY.where(deliveries.c.key.in_(of_number))):
                history[row.key].append(row)
            for key, rows in history.items():
                counted = _counted(rows)
                if len({row.finished_at.date() for row in counted}) >= self._policy.count:
                    evidence = "; ".join(f"{row.edition}: {row.code} {row.status} {row.reply}" for row in counted)
                    connection.execute(
                        self._database.insert(suppressions)
                        .values(key=key, cause="refused", evidence=evidence, at=at[of_number[key]])
                        .on_conflict_do_nothing()
                    )


def due_again(record: Record) -> datetime | None:
    """When a copy is to be tried again; None: it has come to its end."""
    if isinstance(record.outcome, Deferred):
        return record.again_at or record.at
    return record.again_at if isinstance(record.outcome, Uncertain) else None


def _cells(outcome: Outcome, *, again: bool) -> tuple[object, ...]:
    """The columns that say what became of a copy: state, reason, code, status, reply, ours."""
    state = _STATES[type(outcome)]
    if isinstance(outcome, Skipped):
        return state, _clean(outcome.reason), 0, "", "", False
    reply, reason = outcome.reply, ""
    if isinstance(outcome, Deferred) and outcome.until is not None:
        reason = WAITS
    if isinstance(outcome, Uncertain) and again:
        state, reason = DeliveryState.DEFERRED.value, "it may have arrived: sent again"
    ours = isinstance(outcome, Refused) and outcome.ours
    return state, reason, reply.code, _clean(reply.status), _clean(reply.text), ours


def _counted(rows: Sequence[AnyRow]) -> list[AnyRow]:
    """The refusals of an address since its last accepted copy; one edition has one row."""
    counted: list[AnyRow] = []
    for row in rows:
        if row.state == DeliveryState.ACCEPTED.value:
            counted.clear()
        else:
            counted.append(row)
    return counted


def _clean(text: str) -> str:
    """What every database can keep: no NUL, no lone surrogates, bounded."""
    if text.isascii() and "\x00" not in text:
        return text[:_REPLY_LIMIT]
    return text[:_REPLY_LIMIT].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
