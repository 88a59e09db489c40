"""The ledger of one campaign: claim and record in one commit. Implements `digest.deliver.ledger.Ledger`.

    queued ──claim──> claimed ──record──> accepted | refused | uncertain | skipped
       ^                 │   └──────────> deferred ──(due)──> claimed
       └────recover──────┘

A claimed row has code 0 until its body leaves, and 354 from then on: only the latter is in doubt after a crash.

The states above "record" are final, but for "uncertain", which `recover` may queue again. The queue is walked by key:
each claim goes on behind the last one, so that the hundredth thousand costs what the first did.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from digest.model import (
    Accepted,
    Claim,
    Deferred,
    DeliveryState,
    EditionState,
    Record,
    Refused,
    Skipped,
    SubscriptionState,
    Uncertain,
)
from digest.store.database import AnyRow, Database
from digest.store.schema import campaigns, deliveries, editions, subscriptions, suppressions
from digest.store.subscribers import PREFERENCES

_LOOK_AGAIN: Final = timedelta(seconds=1)  # how often to look for deferrals that other processes recorded
_REPLY_LIMIT: Final = 500  # characters of a server's reply that are kept
_CHUNK: Final = 1000
_BODY_OUT: Final = 354  # RFC 5321's "start mail input": the last word of the server before the body left

_preferences: Final = lru_cache(maxsize=4096)(PREFERENCES.load)


@dataclass(frozen=True, kw_only=True)
class RefusalPolicy:
    """When permanent refusals suppress an address: `count` of them, for different editions on different days (UTC).

    Only those since its last accepted copy count, and none for which the fault was ours.
    """

    count: int = 2


class CampaignLedger:
    """The record of one campaign, for one process that sends. Made by `Campaigns.ledger`; not for several threads."""

    def __init__(
        self,
        database: Database,
        campaign: int,
        edition: str,
        policy: RefusalPolicy,
        only: Collection[int] | None = None,
    ) -> None:
        self._database = database
        self._campaign = campaign
        self._edition = edition
        self._policy = policy
        self._cursor = 0  # number of the last delivery that was taken from the queue
        self._record_rows = database.prepare(_RECORD if database.is_sqlite else _RECORD_ARRAYS)
        self._claim_rows = database.prepare(_claim(database))
        self._leave_rows = database.prepare(_leave(database))
        self._look: datetime | None = None  # when to look for deferred copies; None: now
        mine = deliveries.c.campaign == campaign
        if only is not None:
            mine &= _among(database, "only", self._numbers(sorted(only)))
        self._mine = mine
        candidates = _CANDIDATES.where(mine, _sending(edition))
        self._queued = database.prepare(
            candidates.where(deliveries.c.state == DeliveryState.QUEUED.value, deliveries.c.id > sa.bindparam("cursor"))
            .order_by(deliveries.c.id)
            .limit(sa.bindparam("wanted"))
            .with_for_update(of=deliveries, skip_locked=True)
        )
        self._due = database.prepare(
            candidates.where(_DEFERRED, deliveries.c.next_attempt_at <= sa.bindparam("now"))
            .order_by(deliveries.c.next_attempt_at)
            .limit(sa.bindparam("wanted"))
            .with_for_update(of=deliveries, skip_locked=True)
        )

    def exchange(
        self, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int] = ()
    ) -> Sequence[Claim]:
        """Record outcomes, note whose bodies leave, and claim up to `wanted` due copies, in one durable commit.

        Those who left or were suppressed since the campaign began are recorded as skipped, with the reason, and not
        claimed. Nothing is claimed while the edition is not "sending" (paused, cancelled). A record for a copy that
        is accepted, refused or skipped already changes nothing.
        """
        cursor, look = self._cursor, self._look
        try:
            with self._database.transaction() as connection:
                if records:
                    self._record(connection, records)
                if leaving:
                    self._leave_rows.run(connection, {"numbers": self._numbers(leaving)})
                return self._claim(connection, wanted, now) if wanted > 0 else ()
        except BaseException:
            self._cursor, self._look = cursor, look  # what was rolled back is still to be taken
            raise

    def next_due(self) -> datetime | None:
        """When the next deferred copy falls due; None when nothing waits, or the edition is not "sending"."""
        query = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(
            self._mine, _DEFERRED, _sending(self._edition)
        )
        with self._database.reading() as connection:
            due: datetime | None = connection.scalar(query)
        return due

    def recover(self, now: datetime, *, resend: bool) -> int:
        """Deal with copies that a dead process had claimed; how many. Call it while `Store.hold` keeps others out.

        Those whose body had not left are queued again as if nothing had been. Of the others, with `resend` they are
        queued again, and so are those that ended uncertain before; else they become uncertain.
        """
        states = [DeliveryState.CLAIMED.value, *([DeliveryState.UNCERTAIN.value] if resend else [])]
        doubtful: dict[str, object] = (
            {"state": DeliveryState.QUEUED.value, "reason": "sent again: it may have arrived", "finished_at": None}
            if resend
            else {
                "state": DeliveryState.UNCERTAIN.value,
                "reason": "the process that was sending it ended: it may have arrived",
                "finished_at": now,
            }
        )
        untouched = (deliveries.c.state == DeliveryState.CLAIMED.value) & (deliveries.c.code != _BODY_OUT)
        with self._database.transaction() as connection:
            found = connection.execute(
                sa.update(deliveries).where(self._mine, untouched).values(state=DeliveryState.QUEUED.value)
            ).rowcount
            found += connection.execute(
                sa.update(deliveries).where(self._mine, deliveries.c.state.in_(states)).values(**doubtful)
            ).rowcount
        self._cursor = 0
        return found

    # ---- record

    def _record(self, connection: Connection, records: Sequence[Record]) -> None:
        rows = [self._row(record) for record in records]
        if self._database.is_sqlite:
            self._record_rows.many(connection, rows)
        else:
            self._record_rows.run(connection, {name: [row[name] for row in rows] for name in rows[0]})
        refused = [record for record in records if isinstance(record.outcome, Refused) and not record.outcome.ours]
        if refused:
            self._suppress(connection, refused)

    def _row(self, record: Record) -> dict[str, object]:
        outcome = record.outcome
        again_at = record.again_at
        state = _STATES[type(outcome)]
        reason = ""
        if isinstance(outcome, Skipped):
            code, status, text, reason = 0, "", "", outcome.reason
        else:
            code, status, text = outcome.reply.code, outcome.reply.status, outcome.reply.text
        if isinstance(outcome, Deferred):
            again_at = again_at or record.at
        elif isinstance(outcome, Uncertain) and again_at is not None:
            state, reason = DeliveryState.DEFERRED.value, "it may have arrived: sent again"
        else:
            again_at = None
        if again_at is not None and (self._look is None or again_at < self._look):
            self._look = again_at
        return {
            "number": record.delivery,
            "of": self._campaign,
            "state": state,
            "revision": record.revision,
            "reason": _clean(reason),
            "code": code,
            "status": _clean(status),
            "reply": _clean(text),
            "ours": isinstance(outcome, Refused) and outcome.ours,
            "finished_at": None if again_at else self._database.time(record.at),
            "next_attempt_at": again_at and self._database.time(again_at),
        }

    def _numbers(self, numbers: Sequence[int]) -> object:
        return json.dumps(list(numbers)) if self._database.is_sqlite else list(numbers)

    def _suppress(self, connection: Connection, refused: Sequence[Record]) -> None:
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
                counted = self._counted(rows)
                if len({row.finished_at.date() for row in counted}) >= self._policy.count:
                    evidence = "; ".join(f"{row.edition}: {row.code} {row.status} {row.reply}" for row in counted)
                    connection.execute(
                        self._database.insert(suppressions)
                        .values(key=key, cause="refused", evidence=evidence, at=at[of_number[key]])
                        .on_conflict_do_nothing()
                    )

    @staticmethod
    def _counted(rows: Sequence[AnyRow]) -> list[AnyRow]:
        """The refusals of an address since its last accepted copy; one edition has one row."""
        counted: list[AnyRow] = []
        for row in rows:
            if row.state == DeliveryState.ACCEPTED.value:
                counted.clear()
            else:
                counted.append(row)
        return counted

    # ---- claim

    def _claim(self, connection: Connection, wanted: int, now: datetime) -> list[Claim]:
        claims: list[Claim] = []
        skipped: list[dict[str, object]] = []
        if self._look is None or self._look <= now:
            self._take_due(connection, wanted, now, claims, skipped)
        if len(claims) < wanted:
            from_start = self._cursor == 0
            self._take_queued(connection, wanted, claims, skipped)
            if not claims and not from_start:  # another process may have put some back, behind us
                self._cursor = 0
                self._take_queued(connection, wanted, claims, skipped)
        if skipped:
            connection.execute(_SKIP, [row | {"now": now} for row in skipped])
        if claims:
            at = self._database.time(now)
            numbers = self._numbers([claim.delivery for claim in claims])
            self._claim_rows.run(connection, {"numbers": numbers, "now": at})
        return claims

    def _take_due(
        self,
        connection: Connection,
        wanted: int,
        now: datetime,
        claims: list[Claim],
        skipped: list[dict[str, object]],
    ) -> None:
        # One look a time is enough: what is skipped is made up for from the queue, or at the next look.
        at = self._database.time(now)
        rows = self._due.rows(connection, {"now": at, "wanted": wanted})
        self._sort(rows, claims, skipped)
        self._look = now if len(rows) == wanted else now + _LOOK_AGAIN
        [[ahead]] = connection.execute(_NEXT, {"of": self._campaign, "now": now}).all()
        if ahead is not None and ahead < self._look:
            self._look = ahead

    def _take_queued(
        self, connection: Connection, wanted: int, claims: list[Claim], skipped: list[dict[str, object]]
    ) -> None:
        while missing := wanted - len(claims):
            rows = self._queued.rows(connection, {"cursor": self._cursor, "wanted": missing})
            self._sort(rows, claims, skipped)
            if rows:
                self._cursor = rows[-1][0]
            if len(rows) < missing:
                return

    def _sort(self, rows: Sequence[Any], claims: list[Claim], skipped: list[dict[str, object]]) -> None:
        """Who still wants it, and who does not."""
        edition = self._edition
        # Unpacked, not by name: this loop runs for every copy.
        for number, subscription, address, name, preferences, attempts, message_id, state, because, cause in rows:
            if cause is not None or state != _ACTIVE:
                skipped.append({"number": number, "reason": _reason_to_skip(cause, state, because)})
                continue
            claims.append(
                Claim(
                    delivery=number,
                    edition=edition,
                    subscription=subscription,
                    address=address,
                    name=name,
                    preferences=_preferences(preferences),
                    attempts=attempts + 1,
                    message_id=message_id,
                )
            )


_ACTIVE: Final = SubscriptionState.ACTIVE.value
_STATES: Final = {
    Accepted: DeliveryState.ACCEPTED.value,
    Deferred: DeliveryState.DEFERRED.value,
    Refused: DeliveryState.REFUSED.value,
    Uncertain: DeliveryState.UNCERTAIN.value,
    Skipped: DeliveryState.SKIPPED.value,
}

# A literal, not a parameter: SQLite uses a partial index only when it can see the constant.
_DEFERRED: Final = deliveries.c.state == sa.literal_column("'deferred'")

_CANDIDATES: Final = (
    sa.select(
        deliveries.c.id,
        deliveries.c.subscription,
        deliveries.c.address,
        deliveries.c.name,
        deliveries.c.preferences,
        deliveries.c.attempts,
        deliveries.c.message_id,
        subscriptions.c.state.label("subscription_state"),
        subscriptions.c.reason.label("subscription_reason"),
        suppressions.c.cause,
    )
    .select_from(deliveries)
    .outerjoin(subscriptions, subscriptions.c.id == deliveries.c.subscription)
    .outerjoin(suppressions, suppressions.c.key == deliveries.c.key)
)

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


def _claim(database: Database) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(_among(database))
        .values(
            state=DeliveryState.CLAIMED.value,
            attempts=deliveries.c.attempts + 1,
            claimed_at=sa.bindparam("now"),
            next_attempt_at=None,
            code=0,
        )
    )


def _leave(database: Database) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(_among(database), deliveries.c.state == DeliveryState.CLAIMED.value)
        .values(code=_BODY_OUT)
    )


def _among(database: Database, name: str = "numbers", value: object = None) -> sa.ColumnElement[bool]:
    """Whether a delivery is one of many: in one parameter, so that the statement is always the same."""
    if database.is_sqlite:
        given = sa.bindparam(name, value, sa.Text)
        numbers = sa.func.json_each(given).table_valued("value")
        return deliveries.c.id.in_(sa.select(numbers.c.value))
    return deliveries.c.id == sa.func.any(sa.bindparam(name, value, ARRAY(sa.BigInteger)))


_SKIP: Final = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("number"))
    .values(
        state=DeliveryState.SKIPPED.value,
        reason=sa.bindparam("reason"),
        finished_at=sa.bindparam("now"),
        next_attempt_at=None,
    )
)

_NEXT: Final = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(
    deliveries.c.campaign == sa.bindparam("of"), _DEFERRED, deliveries.c.next_attempt_at > sa.bindparam("now")
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
        deliveries.c.state.in_([DeliveryState.ACCEPTED.value, DeliveryState.REFUSED.value]), sa.not_(deliveries.c.ours)
    )
    .order_by(deliveries.c.finished_at, deliveries.c.id)
)


def _sending(edition: str) -> sa.ColumnElement[bool]:
    return (
        sa.select(editions.c.id)
        .where(editions.c.id == edition, editions.c.state == EditionState.SENDING.value)
        .exists()
    )


def _reason_to_skip(cause: str | None, state: str | None, because: str | None) -> str:
    if cause is not None:
        return f"suppressed: {cause}"
    if state is None:
        return "the subscriber was erased"
    return f"the subscription is {state}" + (f" ({because})" if because else "")


def _clean(text: str) -> str:
    """What every database can keep: no NUL, no lone surrogates, bounded."""
    text = text[:_REPLY_LIMIT]
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
