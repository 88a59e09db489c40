"""Claiming: which copies are due, and whose readers still want them. The part of the ledger that walks the queue.

The queue is walked by key: each walk goes on behind the last one, so that the hundredth thousand costs what the first
did. Deferred copies are looked for once a second, by when they fall due.

While copies go out fast, a walk looks further ahead than what is wanted, and the next claims are taken from what it
saw: for as long as nobody else has written to the database, as it tells, that is what another look would see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
_FAST: Final = timedelta(seconds=0.25)  # what is used up sooner was too little
_FARTHEST: Final = 128  # copies
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


@dataclass(frozen=True)
class _Place:
    """How far a claimer has come."""

    cursor: int = 0  # number of the last delivery that was taken from the queue
    look: datetime | None = None  # when to look for deferred copies; None: now
    ahead: tuple[Claim, ...] = ()  # seen behind the cursor, and still wanted by their readers
    taken: int = 0  # of these
    mark: object | None = None  # of the database, when they were seen
    walked: datetime | None = None
    reach: int = 0  # how many copies the last walk asked for


class Claimer:
    """Takes due copies of a campaign, or of a part of it, for one process.

    `place` and `back` undo what was rolled back.

    Args:
        database: where it is.
        mine: which deliveries.
        edition: only while it is "sending" is anything taken.
    """

    def __init__(self, database: Database, mine: sa.ColumnElement[bool], edition: str) -> None:
        self._database = database
        self._edition = edition
        self.place = _Place()
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

    def back(self, place: _Place) -> None:
        """Its transaction was rolled back: what was taken since is still to be taken."""
        self.place = place

    def rewind(self) -> None:
        """Begin at the start of the queue again."""
        self.place = _Place(look=self.place.look)

    def look_at(self, when: datetime) -> None:
        """A copy was deferred until then."""
        if self.place.look is None or when < self.place.look:
            self.place = replace(self.place, look=when)

    def take_ahead(self, cursor: DBAPICursor, wanted: int, now: datetime) -> Sequence[Claim]:
        """Up to `wanted` copies that the last walk saw; the caller notes them as claimed. Empty: walk again."""
        place = self.place
        if place.look is None or place.look <= now or len(place.ahead) < place.taken + wanted:
            return ()
        if place.mark is None or place.mark != self._database.mark(cursor):
            return ()
        self.place = replace(place, taken=place.taken + wanted)
        return place.ahead[place.taken : place.taken + wanted]

    def walk(self, cursor: DBAPICursor, wanted: int, now: datetime) -> Sequence[Claim]:
        """Claim up to `wanted` due copies; skip those whose readers left or were suppressed meanwhile."""
        claims: list[Claim] = []
        skipped: list[tuple[int, str]] = []
        at = self._database.time(now)
        if self.place.look is None or self.place.look <= now:
            self._take_due(cursor, wanted, now, claims, skipped)
        if len(claims) < wanted:
            claims += self._take_queued(cursor, wanted - len(claims), now, skipped)
        if skipped:
            self._skip.many(cursor, ("number", "why", "now"), [(*row, at) for row in skipped])
        if claims:
            self._claim.run(
                cursor, {"numbers": self._database.numbers([claim.delivery for claim in claims]), "now": at}
            )
        return claims

    def _take_due(
        self, cursor: DBAPICursor, wanted: int, now: datetime, claims: list[Claim], skipped: list[tuple[int, str]]
    ) -> None:
        at = self._database.time(now)
        rows = self._due.rows(cursor, {"now": at, "wanted": wanted})
        self._sort(rows, claims, skipped)
        # One look a time is enough: what is skipped is made up for from the queue, or at the next look.
        self.place = replace(self.place, look=now if len(rows) == wanted else now + _LOOK_AGAIN)
        [[ahead]] = self._ahead.rows(cursor, {"now": at})
        if ahead is not None:
            self.look_at(self._database.read_time(ahead))

    def _take_queued(
        self, cursor: DBAPICursor, wanted: int, now: datetime, skipped: list[tuple[int, str]]
    ) -> Sequence[Claim]:
        """The next of the queue, and what lies behind them for `take_ahead`."""
        place = self.place
        unused = place.ahead[place.taken :]
        start = unused[0].delivery - 1 if unused else place.cursor  # what was seen before is looked at again
        reach, mark = wanted, self._database.mark(cursor)
        if mark is not None and place.walked is not None and now - place.walked < _FAST:
            # Farther when all of it was used; less far when somebody else wrote before that.
            far = 2 * place.reach if len(unused) < wanted else place.reach // 2
            reach = max(wanted, min(far, _FARTHEST))
        found, end = self._queue_from(cursor, start, reach, skipped)
        if not found and start:  # another process may have put some back, behind us
            found, end = self._queue_from(cursor, 0, reach, skipped)
        self.place = _Place(end, place.look, tuple(found), min(wanted, len(found)), mark, now, reach)
        return found[:wanted]

    def _queue_from(
        self, cursor: DBAPICursor, start: int, wanted: int, skipped: list[tuple[int, str]]
    ) -> tuple[list[Claim], int]:
        found: list[Claim] = []
        while missing := wanted - len(found):
            rows = self._queued.rows(cursor, {"cursor": start, "wanted": missing})
            self._sort(rows, found, skipped)
            if rows:
                start = rows[-1][0]
            if len(rows) < missing:
                break
        return found, start

    def _sort(self, rows: Sequence[Any], claims: list[Claim], skipped: list[tuple[int, str]]) -> None:
        """Who still wants it, and who does not."""
        edition = self._edition
        # Unpacked, not by name: this loop runs for every copy.
        for number, subscription, address, name, preferences, attempts, message_id, state, because, cause in rows:
            if cause is not None or state != _ACTIVE:
                skipped.append((number, _reason_to_skip(cause, state, because)))
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
