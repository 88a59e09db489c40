"""Claiming: which copies are due, and whose readers still want them. The part of the ledger that walks the queue.

The queue is walked by key: each claim goes on behind the last one, so that the hundredth thousand costs what the first
did. Deferred copies are looked for once a second, by when they fall due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import Claim, DeliveryState, EditionState, SubscriptionState
from digest.store.database import Database
from digest.store.schema import deliveries, editions, subscriptions, suppressions
from digest.store.subscribers import PREFERENCES

_LOOK_AGAIN: Final = timedelta(seconds=1)  # how often to look for deferrals that other processes recorded
_ACTIVE: Final = SubscriptionState.ACTIVE.value

_preferences: Final = lru_cache(maxsize=4096)(PREFERENCES.load)

# A literal, not a parameter: SQLite uses a partial index only when it can see the constant.
DEFERRED: Final = deliveries.c.state == sa.literal_column("'deferred'")

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

_SKIP: Final = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("number"))
    .values(
        state=DeliveryState.SKIPPED.value,
        reason=sa.bindparam("why"),
        finished_at=sa.bindparam("now"),
        next_attempt_at=None,
    )
)


class Claimer:
    """Takes due copies of a campaign, or of a part of it, for one process. `mark` and `back` undo what was rolled back.

    Args:
        database: where it is.
        mine: which deliveries.
        edition: only while it is "sending" is anything taken.
    """

    def __init__(self, database: Database, mine: sa.ColumnElement[bool], edition: str) -> None:
        self._database = database
        self._edition = edition
        self._cursor = 0  # number of the last delivery that was taken from the queue
        self._look: datetime | None = None  # when to look for deferred copies; None: now
        candidates = _CANDIDATES.where(mine, sending(edition))
        wanted: sa.BindParameter[int] = sa.bindparam("wanted")
        now: sa.BindParameter[datetime] = sa.bindparam("now")
        self._queued = database.prepare(
            candidates.where(deliveries.c.state == DeliveryState.QUEUED.value, deliveries.c.id > sa.bindparam("cursor"))
            .order_by(deliveries.c.id)
            .limit(wanted)
            .with_for_update(of=deliveries, skip_locked=True)
        )
        self._due = database.prepare(
            candidates.where(DEFERRED, deliveries.c.next_attempt_at <= now)
            .order_by(deliveries.c.next_attempt_at)
            .limit(wanted)
            .with_for_update(of=deliveries, skip_locked=True)
        )
        self._ahead = database.prepare(
            sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(
                mine, DEFERRED, deliveries.c.next_attempt_at > now
            )
        )
        self._claim = database.prepare(
            sa.update(deliveries)
            .where(database.among(deliveries.c.id))
            .values(
                state=DeliveryState.CLAIMED.value,
                attempts=deliveries.c.attempts + 1,
                claimed_at=now,
                next_attempt_at=None,
                code=0,
            )
        )
        self._skip = database.prepare(_SKIP)

    def mark(self) -> tuple[int, datetime | None]:
        """How far it has come, for `back`."""
        return self._cursor, self._look

    def back(self, mark: tuple[int, datetime | None]) -> None:
        """Its transaction was rolled back: what was taken since is still to be taken."""
        self._cursor, self._look = mark

    def rewind(self) -> None:
        """Begin at the start of the queue again."""
        self._cursor = 0

    def look_at(self, when: datetime) -> None:
        """A copy was deferred until then."""
        if self._look is None or when < self._look:
            self._look = when

    def take(self, cursor: DBAPICursor, wanted: int, now: datetime) -> list[Claim]:
        """Claim up to `wanted` due copies; skip those whose readers left or were suppressed meanwhile."""
        claims: list[Claim] = []
        skipped: list[dict[str, object]] = []
        at = self._database.time(now)
        if self._look is None or self._look <= now:
            rows = self._due.rows(cursor, {"now": at, "wanted": wanted})
            self._sort(rows, claims, skipped)
            # One look a time is enough: what is skipped is made up for from the queue, or at the next look.
            self._look = now if len(rows) == wanted else now + _LOOK_AGAIN
            [[ahead]] = self._ahead.rows(cursor, {"now": at})
            if ahead is not None:
                self.look_at(self._database.read_time(ahead))
        if len(claims) < wanted:
            from_start = self._cursor == 0
            self._take_queued(cursor, wanted, claims, skipped)
            if not claims and not from_start:  # another process may have put some back, behind us
                self._cursor = 0
                self._take_queued(cursor, wanted, claims, skipped)
        if skipped:
            self._skip.many(cursor, [{**row, "now": at} for row in skipped])
        if claims:
            self._claim.run(
                cursor, {"numbers": self._database.numbers([claim.delivery for claim in claims]), "now": at}
            )
        return claims

    def _take_queued(
        self, cursor: DBAPICursor, wanted: int, claims: list[Claim], skipped: list[dict[str, object]]
    ) -> None:
        while missing := wanted - len(claims):
            rows = self._queued.rows(cursor, {"cursor": self._cursor, "wanted": missing})
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
                skipped.append({"number": number, "why": _reason_to_skip(cause, state, because)})
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


def sending(edition: str) -> sa.ColumnElement[bool]:
    """Whether an edition is being sent: not paused, not cancelled."""
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
