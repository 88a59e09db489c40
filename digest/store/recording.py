"""Recording, a part of the ledger: what became of copies, and whose addresses are suppressed for refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

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
_OPEN: Final = (DeliveryState.CLAIMED, DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
_RECORDED: Final = (
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

# A late record still tells the truth about a copy that was put back meanwhile; what is settled is never changed.
_RECORD: Final = (
    sa.update(deliveries)
    .where(
        deliveries.c.id == sa.bindparam("number"),
        deliveries.c.campaign == sa.bindparam("of"),
        sa.or_(*(deliveries.c.state == state.value for state in _OPEN)),
    )
    .values({name: sa.bindparam(name) for name in _RECORDED})
)

# PostgreSQL takes the records of a commit as arrays, in one statement: two to three times as fast as one for each.
_ARRAYS: Final[Mapping[str, Any]] = {
    "number": sa.BigInteger,
    "of": sa.BigInteger,
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
}
_NEW: Final = (
    sa.func.unnest(*(sa.cast(sa.bindparam(name), ARRAY(kind)) for name, kind in _ARRAYS.items()))
    .table_valued(*_ARRAYS, name="recorded")
    .render_derived()
)
_RECORD_ARRAYS: Final = (
    sa.update(deliveries)
    .where(
        deliveries.c.id == _NEW.c.number,
        deliveries.c.campaign == _NEW.c.of,
        sa.or_(*(deliveries.c.state == state.value for state in _OPEN)),
    )
    .values({name: _NEW.c[name] for name in _RECORDED})
)

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
    """Writes down outcomes of one campaign's copies."""

    def __init__(self, database: Database, campaign: int, policy: RefusalPolicy) -> None:
        self._database = database
        self._campaign = campaign
        self._policy = policy
        self._record = database.prepare(_RECORD if database.is_sqlite else _RECORD_ARRAYS)

    def write(self, cursor: DBAPICursor, records: Sequence[Record]) -> None:
        """Record outcomes; one for a copy that is accepted, refused or skipped already changes nothing."""
        rows = [self._row(record) for record in records]
        if self._database.is_sqlite:
            self._record.many(cursor, rows)
        else:
            self._record.run(cursor, {name: [row[name] for row in rows] for name in rows[0]})

    def _row(self, record: Record) -> dict[str, object]:
        again_at = due_again(record)
        time = self._database.time
        return {
            **_cells(record.outcome, again=again_at is not None),
            "number": record.delivery,
            "of": self._campaign,
            "revision": record.revision,
            "finished_at": None if again_at else time(record.at),
            "next_attempt_at": time(again_at) if again_at else None,
            "items": (record.items or None) if isinstance(record.outcome, Accepted) else None,
        }

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


@lru_cache(maxsize=256)  # servers say the same few things again and again
def _cells(outcome: Outcome, *, again: bool) -> Mapping[str, object]:
    """The columns that say what became of a copy."""
    state, reason = _STATES[type(outcome)], ""
    code, status, reply = 0, "", ""
    if isinstance(outcome, Skipped):
        reason = outcome.reason
    else:
        code, status, reply = outcome.reply.code, outcome.reply.status, outcome.reply.text
    if isinstance(outcome, Uncertain) and again:
        state, reason = DeliveryState.DEFERRED.value, "it may have arrived: sent again"
    return {
        "state": state,
        "reason": _clean(reason),
        "code": code,
        "status": _clean(status),
        "reply": _clean(reply),
        "ours": isinstance(outcome, Refused) and outcome.ours,
    }


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
    return text[:_REPLY_LIMIT].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
