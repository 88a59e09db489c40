"""Copies that came back after a server had taken them, and the addresses that are suppressed for it.

A bounced delivery keeps when its copy left (`finished_at`); its reason says when it came back and why. Hard bounces
count with the refusals within a session (recording.py), soft ones by themselves, the rest against nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.model import Bounce, BounceCause, Delivery, DeliveryState
from digest.store.campaigns import Campaigns
from digest.store.database import AnyRow, Database
from digest.store.logbook import fold_all
from digest.store.schema import campaigns, deliveries, suppressions

_KEPT: Final = 500  # characters of what the server said
_IN_DOUBT: Final = {DeliveryState.ACCEPTED.value, DeliveryState.UNCERTAIN.value}
_WORSE: Final = (BounceCause.OURS, BounceCause.FULL, BounceCause.SOFT, BounceCause.HARD)
_SHOWN: Final = 50  # campaigns that are looked through for their bounces


class Fate(StrEnum):
    """What became of a report."""

    BOUNCED = "bounced"
    KNOWN = "known already"
    EARLY = "the copy is still being recorded"  # look again later
    AGAIN = "the copy is being sent again"
    NEVER = "the copy never arrived"  # refused or skipped: nothing can come back
    GONE = "there is no such copy any more"  # or its reader was erased, and nothing about them is written down


@dataclass(frozen=True, kw_only=True)
class BouncePolicy:
    """When copies that come back suppress an address.

    Hard ones: `hard` of them, refusals within a session included, for different editions on different days (UTC). Soft
    ones: `soft` in a row over `over` at least. An accepted copy that did not come back begins both counts anew.
    """

    hard: int = 2
    soft: int = 5
    over: timedelta = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Returned:
    """A delivery as a returned mail found it."""

    id: int
    edition: str
    subscription: int
    address: str
    message_id: str


class Bounces:
    """`find`, `find_by_message`; `record`; `latest`, `share`."""

    def __init__(self, database: Database, kept: Campaigns) -> None:
        self._database = database
        self._campaigns = kept

    def find(self, delivery: int) -> Returned | None:
        """The delivery of a number, or None."""
        return self._one(deliveries.c.id == delivery)

    def find_by_message(self, subscription: int, message_id: str) -> Returned | None:
        """The delivery to a subscription that has this Message-ID, or None."""
        return self._one((deliveries.c.subscription == subscription) & (deliveries.c.message_id == message_id))

    def record(self, delivery: int, bounce: Bounce, at: datetime, policy: BouncePolicy) -> tuple[Fate, bool]:
        """Write down that a copy came back; what became of the report, and whether the address is suppressed for it.

        A graver cause replaces a milder one of the same copy; nothing else is changed twice.
        """
        with self._database.transaction() as connection:
            fold_all(self._database)
            query = sa.select(deliveries.c.state, deliveries.c.key, deliveries.c.reason).where(
                deliveries.c.id == delivery
            )
            row = connection.execute(query.with_for_update()).one_or_none()
            fate = _fate(row, bounce.cause)
            if row is None or fate is not Fate.BOUNCED:
                return fate, False
            reply = bounce.reply
            connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.id == delivery)
                .values(
                    state=DeliveryState.BOUNCED.value,
                    reason=f"{bounce.cause.value}: it came back on {at:%Y-%m-%d}",
                    code=reply.code,
                    status=reply.status,
                    reply=reply.text[:_KEPT],
                    ours=bounce.cause in {BounceCause.OURS, BounceCause.FULL},
                    finished_at=sa.func.coalesce(deliveries.c.finished_at, sa.bindparam("back", at)),
                    next_attempt_at=None,
                )
            )
            return fate, self._suppress(connection, row.key, at, policy)

    def latest(self, *, edition: str = "", limit: int = 100) -> tuple[Delivery, ...]:
        """Bounced deliveries (of an edition), those of the newest campaign first."""
        query = sa.select(campaigns.c.edition).order_by(campaigns.c.id.desc()).limit(_SHOWN)
        with self._database.reading() as connection:
            named = [edition] if edition else list(connection.scalars(query))
        found: list[Delivery] = []
        for one in named:
            found += self._campaigns.deliveries(one, states=[DeliveryState.BOUNCED], limit=limit - len(found))
            if len(found) == limit:
                break
        return tuple(found)

    def share(self, edition: str) -> tuple[int, int]:
        """How many copies of an edition came back for a fault of ours, of how many that servers took."""
        of = sa.select(campaigns.c.id).where(campaigns.c.edition == edition).scalar_subquery()
        taken = [DeliveryState.ACCEPTED.value, DeliveryState.BOUNCED.value]
        ours = deliveries.c.reason.startswith(f"{BounceCause.OURS.value}:", autoescape=True)
        query = sa.select(
            sa.func.count().filter((deliveries.c.state == DeliveryState.BOUNCED.value) & ours), sa.func.count()
        ).where(deliveries.c.campaign == of, deliveries.c.state.in_(taken))
        with self._database.reading() as connection:
            back, all_taken = connection.execute(query).one()
        return int(back), int(all_taken)

    def _one(self, which: sa.ColumnElement[bool]) -> Returned | None:
        query = (
            sa.select(deliveries, campaigns.c.edition)
            .join_from(deliveries, campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(which)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Returned(
            id=row.id,
            edition=row.edition,
            subscription=row.subscription,
            address=row.address,
            message_id=row.message_id,
        )

    def _suppress(self, connection: Connection, key: str, at: datetime, policy: BouncePolicy) -> bool:
        hard, soft = _counts(_history(connection, key))
        days = {row.finished_at.date() for row in hard}
        enough = len(days) >= policy.hard or (
            len(soft) >= policy.soft and soft[-1].finished_at - soft[0].finished_at >= policy.over
        )
        if not enough:
            return False
        counted = hard if len(days) >= policy.hard else soft
        evidence = "; ".join(f"{row.edition}: {row.code or ''} {row.status} {row.reply}".strip() for row in counted)
        return bool(
            connection.execute(
                self._database.insert(suppressions)
                .values(key=key, cause="bounced", evidence=evidence, at=at)
                .on_conflict_do_nothing()
            ).rowcount
        )


def _fate(row: AnyRow | None, cause: BounceCause) -> Fate:
    if row is None or row.key.startswith("erased:"):
        return Fate.GONE
    if row.state in _IN_DOUBT:
        return Fate.BOUNCED
    if row.state == DeliveryState.BOUNCED.value:
        before = BounceCause(row.reason.partition(":")[0])
        return Fate.BOUNCED if _WORSE.index(cause) > _WORSE.index(before) else Fate.KNOWN
    if row.state == DeliveryState.CLAIMED.value:
        return Fate.EARLY
    return Fate.AGAIN if row.state in {DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value} else Fate.NEVER


def _history(connection: Connection, key: str) -> Iterator[AnyRow]:
    """Every copy of an address that came to its end at a server, in the order in which they left."""
    ends = [DeliveryState.ACCEPTED.value, DeliveryState.REFUSED.value, DeliveryState.BOUNCED.value]
    query = (
        sa.select(deliveries, campaigns.c.edition)
        .join_from(deliveries, campaigns, campaigns.c.id == deliveries.c.campaign)
        .where(deliveries.c.key == key, deliveries.c.state.in_(ends), sa.not_(deliveries.c.ours))
        .order_by(deliveries.c.finished_at, deliveries.c.id)
    )
    yield from connection.execute(query)


def _counts(rows: Iterator[AnyRow]) -> tuple[Sequence[AnyRow], Sequence[AnyRow]]:
    """The hard and the soft ones since the last copy that was accepted and did not come back."""
    hard: list[AnyRow] = []
    soft: list[AnyRow] = []
    for row in rows:
        if row.state == DeliveryState.ACCEPTED.value:
            hard.clear()
            soft.clear()
        elif row.reason.startswith(BounceCause.SOFT.value):
            soft.append(row)
        else:
            hard.append(row)
    return hard, soft
