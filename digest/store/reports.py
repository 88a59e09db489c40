"""What became of a campaign, counted: by state and reason, by domain, who left because of it, how often it was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.model import DeliveryState, SubscriptionState
from digest.store.database import AnyQuery, Database
from digest.store.schema import campaigns, deliveries, editions, reads, subscriptions, suppressions

_LEFT = "unsubscribed"  # what the reason of who left begins with
TROUBLE = (
    DeliveryState.DEFERRED,
    DeliveryState.REFUSED,
    DeliveryState.BOUNCED,
    DeliveryState.UNCERTAIN,
    DeliveryState.SKIPPED,
)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """So many copies came to one end for one reason."""

    state: DeliveryState
    reason: str
    copies: int


@dataclass(frozen=True, kw_only=True)
class DomainTally:
    """What became of the copies to one domain of addresses."""

    domain: str
    copies: Mapping[DeliveryState, int] = field(default_factory=dict)

    def of(self, *states: DeliveryState) -> int:
        """Copies in these states."""
        return sum(self.copies.get(state, 0) for state in states)


class Reports:
    """`audience`, `reasons`, `domains`, `left`, `complaints`, `visits`: nothing of it names a reader."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def audience(self, digest: str) -> int:
        """How many subscriptions of a digest run; counted in an index."""
        query = (
            sa.select(sa.func.count())
            .select_from(subscriptions)
            .where(subscriptions.c.digest == digest, subscriptions.c.state == SubscriptionState.ACTIVE.value)
        )
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def reasons(self, edition_id: str, *, limit: int = 50) -> tuple[Reason, ...]:
        """Why copies of an edition were not accepted, the most frequent first.

        What servers say is grouped by its codes, so that a reply that names each address is one reason.
        """
        said = sa.case(
            (deliveries.c.status != "", deliveries.c.status),
            (deliveries.c.code != 0, sa.cast(deliveries.c.code, sa.Text)),
            else_="",
        )
        own = sa.case((deliveries.c.state == DeliveryState.SKIPPED.value, deliveries.c.reason), else_="")
        count = sa.func.count()
        query = (
            sa.select(deliveries.c.state, said.label("said"), own.label("own"), count.label("n"),
                      sa.func.min(deliveries.c.reason).label("reason"), sa.func.min(deliveries.c.reply).label("reply"))
            .join(campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(campaigns.c.edition == edition_id, deliveries.c.state.in_([state.value for state in TROUBLE]))
            .group_by(deliveries.c.state, said, own)
            .order_by(count.desc(), said)
            .limit(limit)
        )  # fmt: skip
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Reason(
                state=DeliveryState(row.state),
                reason=" ".join(filter(None, (row.said, row.reason if row.own or not row.reply else row.reply))),
                copies=row.n,
            )
            for row in rows
        )

    def domains(
        self, edition_id: str, *, states: Collection[DeliveryState] = TROUBLE, limit: int = 20
    ) -> tuple[DomainTally, ...]:
        """What became of the copies in these states, by the domain of the address; the largest first."""
        # A key is an address normalized, so it has one "@" that matters: the last one. Nobody's local part holds one
        # that was let in (digest.addresses), so the first is the last.
        at = sa.func.instr if self._database.is_sqlite else sa.func.strpos
        domain = sa.func.substr(deliveries.c.key, at(deliveries.c.key, "@") + 1)
        count = sa.func.count()
        query = (
            sa.select(domain.label("domain"), deliveries.c.state, count.label("n"))
            .join(campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(campaigns.c.edition == edition_id, deliveries.c.state.in_([state.value for state in states]))
            .group_by(domain, deliveries.c.state)
        )
        found: dict[str, dict[DeliveryState, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.domain, {})[DeliveryState(row.state)] = row.n
        tallies = [DomainTally(domain=name, copies=copies) for name, copies in found.items()]
        return tuple(sorted(tallies, key=lambda one: (-sum(one.copies.values()), one.domain))[:limit])

    def left(self, edition_id: str, until: datetime) -> int:
        """How many who were written to in a campaign left that digest since it began, and before this time."""
        return self._count(
            sa.select(sa.func.count())
            .select_from(deliveries)
            .join(campaigns, campaigns.c.id == deliveries.c.campaign)
            .join(subscriptions, subscriptions.c.id == deliveries.c.subscription)
            .where(
                campaigns.c.edition == edition_id,
                subscriptions.c.state == SubscriptionState.ENDED.value,
                subscriptions.c.reason.startswith(_LEFT),
                subscriptions.c.changed >= campaigns.c.started,
                subscriptions.c.changed < until,
                subscriptions.c.digest
                == sa.select(editions.c.digest).where(editions.c.id == edition_id).scalar_subquery(),
            ),
        )

    def complaints(self, edition_id: str, until: datetime) -> int:
        """How many who were written to in a campaign complained since it began, and before this time."""
        return self._count(
            sa.select(sa.func.count())
            .select_from(suppressions)
            .join(deliveries, deliveries.c.key == suppressions.c.key)
            .join(campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(
                campaigns.c.edition == edition_id,
                suppressions.c.cause.startswith("complain"),
                suppressions.c.at >= campaigns.c.started,
                suppressions.c.at < until,
            ),
        )

    def _count(self, query: AnyQuery) -> int:
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def visits(self, stories: Collection[str], first: date, last: date) -> dict[date, int]:
        """Readings of the pages of these stories, day by day, both ends included; days without any are not there."""
        with self._database.reading() as connection:
            return self._visits(connection, stories, first, last)

    @staticmethod
    def _visits(connection: Connection, stories: Collection[str], first: date, last: date) -> dict[date, int]:
        query = (
            sa.select(reads.c.day, sa.func.sum(reads.c.count).label("n"))
            .where(reads.c.day >= first, reads.c.day <= last, reads.c.story.in_(sorted(stories)))
            .group_by(reads.c.day)
            .order_by(reads.c.day)
        )
        return {row.day: int(row.n) for row in connection.execute(query)}
