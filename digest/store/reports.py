"""What became of a campaign, counted: by state and reason, by domain, who left because of it, how often it was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from digest.model import DeliveryState, SubscriptionState
from digest.store.database import AnyQuery, Database
from digest.store.logbook import fold_all
from digest.store.schema import campaigns, deliveries, editions, reads, subscriptions, suppressions

MOST: Final = 100_000  # copies that one look counts by reason or domain
TROUBLE: Final = (
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
        """Why copies of an edition were not accepted, the most frequent first; of the first `MOST` of them.

        What servers say is grouped by its codes, so that a reply that names each address is one reason.
        """
        some = self._some(edition_id, TROUBLE)
        said = sa.case(
            (some.c.status != "", some.c.status), (some.c.code != 0, sa.cast(some.c.code, sa.Text)), else_=""
        )
        # What the reader chose stands in brackets: without it, all whom one rule left out are one reason.
        bracket = self._at(some.c.reason, " (")
        kind = sa.case((bracket > 0, sa.func.substr(some.c.reason, 1, bracket - 1)), else_=some.c.reason)
        own = sa.case((some.c.state == DeliveryState.SKIPPED.value, kind), else_="")
        count = sa.func.count()
        columns = (sa.func.min(some.c.reason).label("reason"), sa.func.min(some.c.reply).label("reply"))
        query = (
            sa.select(some.c.state, said.label("said"), own.label("own"), count.label("n"), *columns)
            .group_by(some.c.state, said, own)
            .order_by(count.desc(), said)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Reason(
                state=DeliveryState(row.state),
                reason=" ".join(filter(None, (row.said, row.own or row.reply or row.reason))),
                copies=row.n,
            )
            for row in rows
        )

    def domains(self, edition_id: str, *, limit: int = 20) -> tuple[DomainTally, ...]:
        """What servers did not take, by the domain of the address, the largest first; of the first `MOST` of them.

        A copy that waits because its reader chose the time is no trouble with a server, nor one that was skipped.
        """
        some = self._some(edition_id, [state for state in TROUBLE if state is not DeliveryState.SKIPPED], tried=True)
        # A key holds one "@" that splits it: no local part with another one is let in (digest.store.address).
        domain = sa.func.substr(some.c.key, self._at(some.c.key, "@") + 1)
        query = sa.select(domain.label("domain"), some.c.state, sa.func.count().label("n")).group_by(
            domain, some.c.state
        )
        found: dict[str, dict[DeliveryState, int]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.domain, {})[DeliveryState(row.state)] = row.n
        tallies = [DomainTally(domain=name, copies=copies) for name, copies in found.items()]
        return tuple(sorted(tallies, key=lambda one: (-sum(one.copies.values()), one.domain))[:limit])

    def _at(self, text: sa.ColumnElement[str], sought: str) -> sa.ColumnElement[int]:
        """Where something stands in a text, from 1; 0 where it does not."""
        find = sa.func.instr if self._database.is_sqlite else sa.func.strpos
        return find(text, sought, type_=sa.Integer)

    def _some(self, edition_id: str, states: Collection[DeliveryState], *, tried: bool = False) -> sa.Subquery:
        """Copies of an edition in these states, `MOST` of them at most: what a page can wait for."""
        fold_all(self._database)
        columns = (deliveries.c.key, deliveries.c.state, deliveries.c.reason, deliveries.c.code, deliveries.c.status)
        campaign = sa.select(campaigns.c.id).where(campaigns.c.edition == edition_id).scalar_subquery()
        query = sa.select(*columns, deliveries.c.reply).where(
            deliveries.c.campaign == campaign, deliveries.c.state.in_([state.value for state in states])
        )
        if tried:
            query = query.where(deliveries.c.attempts > 0)
        return query.limit(MOST).subquery()

    def left(self, edition_id: str, until: datetime) -> int:
        """How many who were written to in a campaign left that digest since it began, and before this time."""
        campaign = _campaign(edition_id)
        return self._count(
            sa.select(sa.func.count())
            .select_from(subscriptions)
            .join(campaign, campaign.c.digest == subscriptions.c.digest)
            .where(
                subscriptions.c.state == SubscriptionState.ENDED.value,
                subscriptions.c.changed >= campaign.c.started,
                subscriptions.c.changed < until,
                sa.exists().where(
                    deliveries.c.subscription == subscriptions.c.id, deliveries.c.campaign == campaign.c.id
                ),
            )
        )

    def complaints(self, edition_id: str, until: datetime) -> int:
        """How many who were written to in a campaign complained since it began, and before this time."""
        campaign = _campaign(edition_id)
        return self._count(
            sa.select(sa.func.count())
            .select_from(suppressions)
            .join(campaign, sa.true())
            .where(
                suppressions.c.cause == "complaint",
                suppressions.c.at >= campaign.c.started,
                suppressions.c.at < until,
                sa.exists().where(deliveries.c.key == suppressions.c.key, deliveries.c.campaign == campaign.c.id),
            )
        )

    def _count(self, query: AnyQuery) -> int:
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def visits(self, stories: Collection[str], first: date, last: date) -> dict[date, int]:
        """Readings of the pages of these stories, day by day, both ends included; days without any are not there."""
        query = (
            sa.select(reads.c.day, sa.func.sum(reads.c.count).label("n"))
            .where(reads.c.day >= first, reads.c.day <= last, reads.c.story.in_(sorted(stories)))
            .group_by(reads.c.day)
            .order_by(reads.c.day)
        )
        with self._database.reading() as connection:
            return {row.day: int(row.n) for row in connection.execute(query)}


def _campaign(edition_id: str) -> sa.Subquery:
    """The campaign of an edition, with its digest: one row, or none."""
    return (
        sa.select(campaigns.c.id, campaigns.c.started, editions.c.digest)
        .join(editions, editions.c.id == campaigns.c.edition)
        .where(campaigns.c.edition == edition_id)
        .subquery()
    )
