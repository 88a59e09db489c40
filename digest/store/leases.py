"""Leases: who sends a range of a campaign, until when, and with which part of the limits. For several machines.

    free ──take──> held ──renew──> held ──give_back──> free, due again or done
                     └──(nobody renews)──> free, for who takes it with the next turn

A holder renews its lease long before it ends. One that is dead, cut off or frozen does not, and its range is free for
others; the turn (ranges.py) keeps what comes back of it from sending. Leases are counted by the database's clock, which
all holders share; so it does not matter what the machines take the time to be.

Limits are shared out with the leases. Each holder has a part of them: all parts of held leases together are never more
than the whole, because a part is given, in a transaction that nobody runs beside, from what the others leave. Who comes
gets little at first; the others come down to their fair part when they renew, and it goes up when it does. A lease that
ended counts no more, so who cannot renew must stop by itself before that: see `digest.pipeline.holding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.model import DeliveryState
from digest.store.database import Database
from digest.store.ranges import Span, divide, next_turn
from digest.store.schema import campaigns, deliveries, ranges

_LIMITS: Final = 0x446967657374_11  # any number that only the sharing of limits locks
_AT_ONCE: Final = (DeliveryState.QUEUED.value, DeliveryState.CLAIMED.value)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A range that is held."""

    edition: str
    campaign: int
    span: Span


@dataclass(frozen=True, kw_only=True)
class Part:
    """A holder's part of the limits until it renews: of each rate, 0 to 1; and so many sessions."""

    share: float
    sessions: int


class Leases:
    """`spread`, then `take`, `renew`, `part` and `give_back`; `free`, `untouched`, `left` and `done` read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spread(self, edition_id: str, parts: int, now: datetime) -> None:
        """Divide a campaign into so many ranges that are due, unless it is divided and being sent.

        Args:
            edition_id: of an edition whose campaign has started.
            parts: how many, at most.
            now: the time.
        """
        with self._database.transaction() as connection:
            self._database.serialize(campaigns)
            campaign = _campaign(connection, edition_id)
            mine = ranges.c.campaign == campaign
            held = sa.or_(ranges.c.due.is_not(None), ranges.c.until > _now(self._database, connection))
            if connection.scalar(sa.select(sa.func.count()).where(mine, held)):
                return
            divide(connection, campaign, parts)
            connection.execute(sa.update(ranges).where(mine).values(due=now))

    def take(self, edition_id: str, now: datetime, seconds: float, first: int | None = None) -> Lease | None:
        """Hold a range that is free and due: the one that begins there, or the one due for longest; None: none is.

        Args:
            edition_id: of an edition whose campaign was spread.
            now: the time, by which copies fall due.
            seconds: for which it is held, unless it is renewed.
            first: the number with which the range begins; None for any.
        """
        with self._database.transaction() as connection:
            campaign = _campaign(connection, edition_id)
            present = _now(self._database, connection)
            query = (
                sa.select(ranges.c.first, ranges.c.last)
                .where(ranges.c.campaign == campaign, _is_free(present), ranges.c.due <= now)
                .order_by(ranges.c.due, ranges.c.first)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            row = connection.execute(query if first is None else query.where(ranges.c.first == first)).one_or_none()
            if row is None:
                return None
            turn = next_turn(connection, campaign)
            connection.execute(
                sa.update(ranges)
                .where(ranges.c.campaign == campaign, ranges.c.first == row.first)
                .values(turn=turn, until=present + timedelta(seconds=seconds), share=0.0, sessions=0)
            )
        return Lease(edition=edition_id, campaign=campaign, span=Span(first=row.first, last=row.last, turn=turn))

    def renew(self, lease: Lease, seconds: float) -> bool:
        """Hold a range for longer, from now on for so many seconds; False: it was lost.

        Waits for nobody: neither for the commits of its own copies, nor for other holders.
        """
        with self._database.transaction() as connection:
            present = _now(self._database, connection)
            until = present + timedelta(seconds=seconds)
            return connection.execute(sa.update(ranges).where(_its(lease)).values(until=until)).rowcount == 1

    def part(self, lease: Lease, sessions: int) -> Part:
        """The holder's part of the limits, from now on; nothing when the range was lost.

        Sessions are given once, and stay: connections that are open do not close for others. 0 of them: the others have
        them all, so ask again.

        Args:
            lease: what `take` gave.
            sessions: how many there may be at once, over all holders.
        """
        with self._database.transaction() as connection:
            if not self._database.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LIMITS)))
            present = _now(self._database, connection)
            mine = _its(lease)
            own = connection.scalar(sa.select(ranges.c.sessions).where(mine))
            if own is None:
                return Part(share=0.0, sessions=0)
            others, given, busy = connection.execute(
                sa.select(
                    sa.func.count(),
                    sa.func.coalesce(sa.func.sum(ranges.c.share), 0.0),
                    sa.func.coalesce(sa.func.sum(ranges.c.sessions), 0),
                ).where(ranges.c.until > present, sa.not_(mine))
            ).one()
            part = Part(
                share=max(0.0, min(1 / (others + 1), 1 - given)),
                sessions=own or max(0, min(max(1, sessions // (others + 1)), sessions - busy)),
            )
            connection.execute(sa.update(ranges).where(mine).values(share=part.share, sessions=part.sessions))
        return part

    def give_back(self, lease: Lease, now: datetime) -> None:
        """Let a range go, and note when it is due again, if anything of it is left. Nothing when it was lost."""
        with self._database.transaction() as connection:
            its = (
                deliveries.c.campaign == lease.campaign,
                deliveries.c.id.between(lease.span.first, lease.span.last),
            )
            queued = connection.scalar(
                sa.select(deliveries.c.id).where(*its, deliveries.c.state.in_(_AT_ONCE)).limit(1)
            )
            due = now
            if queued is None:
                deferred = deliveries.c.state == DeliveryState.DEFERRED.value
                due = connection.scalar(sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(*its, deferred))
            connection.execute(sa.update(ranges).where(_its(lease)).values(until=None, share=0.0, sessions=0, due=due))

    # ---- read

    def free(self, edition_id: str, now: datetime) -> tuple[int, ...]:
        """Where the ranges begin that are due and that nobody holds; what has been due for longest comes first."""
        with self._database.reading() as connection:
            campaign = _campaign(connection, edition_id)
            present = _now(self._database, connection)
            return tuple(
                connection.scalars(
                    sa.select(ranges.c.first)
                    .where(ranges.c.campaign == campaign, _is_free(present), ranges.c.due <= now)
                    .order_by(ranges.c.due, ranges.c.first)
                )
            )

    def untouched(self, edition_id: str, now: datetime) -> bool:
        """Whether a range that is free and due has copies that nobody has looked at yet."""
        with self._database.reading() as connection:
            campaign = _campaign(connection, edition_id)
            queued = sa.select(deliveries.c.id).where(
                deliveries.c.campaign == campaign,
                deliveries.c.state == DeliveryState.QUEUED.value,
                deliveries.c.id.between(ranges.c.first, ranges.c.last),
            )
            present = _now(self._database, connection)
            query = sa.select(ranges.c.first).where(
                ranges.c.campaign == campaign, _is_free(present), ranges.c.due <= now, queued.exists()
            )
            return connection.scalar(query.limit(1)) is not None

    def left(self, edition_id: str, now: datetime) -> int:
        """How many ranges are held, or due now."""
        with self._database.reading() as connection:
            campaign = _campaign(connection, edition_id)
            present = _now(self._database, connection)
            return int(
                connection.scalar(
                    sa.select(sa.func.count()).where(
                        ranges.c.campaign == campaign, sa.or_(ranges.c.due <= now, ranges.c.until > present)
                    )
                )
                or 0
            )

    def done(self, edition_id: str) -> bool:
        """Whether every range has come to its end, so that it is worth a look whether the campaign has."""
        with self._database.reading() as connection:
            campaign = _campaign(connection, edition_id)
            present = _now(self._database, connection)
            open_ = sa.or_(ranges.c.due.is_not(None), ranges.c.until > present)
            return not connection.scalar(sa.select(sa.func.count()).where(ranges.c.campaign == campaign, open_))


def _campaign(connection: Connection, edition_id: str) -> int:
    return int(connection.execute(sa.select(campaigns.c.id).where(campaigns.c.edition == edition_id)).scalar_one())


def _its(lease: Lease) -> sa.ColumnElement[bool]:
    span = lease.span
    return sa.and_(ranges.c.campaign == lease.campaign, ranges.c.first == span.first, ranges.c.turn == span.turn)


def _is_free(present: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(ranges.c.until.is_(None), ranges.c.until <= present)


def _now(database: Database, connection: Connection) -> datetime:
    """The time by the database's clock."""
    if database.is_sqlite:
        text: str = connection.exec_driver_sql("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    present: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return present
