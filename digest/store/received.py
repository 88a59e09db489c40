"""What readers received in other digests: a part of the ledger, for digests that leave it out of their copies.

Looked up for all claims of a commit by one statement, along the key that is unique in each campaign.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import Claim, DeliveryState, Received
from digest.store.database import Database
from digest.store.schema import campaigns, deliveries, editions


class ReceivedElsewhere:
    """Tells with each claim which copies of other digests' editions its reader has.

    Only what was accepted before the campaign began counts: so a copy has the same bytes at every attempt.

    Args:
        database: where it is.
        others: the campaigns that count, as `other_campaigns` gives them: number -> edition.
        before: when the campaign began.
    """

    def __init__(self, database: Database, others: Mapping[int, str], before: datetime) -> None:
        self._database = database
        self._others = others
        self._before = database.time(before)
        mine, theirs = deliveries.alias("mine"), deliveries.alias("theirs")
        moment: sa.BindParameter[datetime] = sa.bindparam("before")
        held = theirs.c["items"]  # as an attribute it would be a method of the collection
        self._query = database.prepare(
            sa.select(mine.c.id, theirs.c.campaign, theirs.c.revision, held)
            .select_from(mine)
            .join(theirs, theirs.c.key == mine.c.key)
            .where(
                database.among(mine.c.id),
                database.among(theirs.c.campaign, "others", sorted(others)),
                theirs.c.state == DeliveryState.ACCEPTED.value,
                held.is_not(None),
                theirs.c.finished_at <= moment,
            )
            .order_by(mine.c.id, theirs.c.campaign)
        )

    def tell(self, cursor: DBAPICursor, claims: Sequence[Claim]) -> Sequence[Claim]:
        """The claims, each with what its reader received."""
        if not claims or not self._others:
            return claims
        numbers = self._database.numbers([claim.delivery for claim in claims])
        found: dict[int, list[Received]] = defaultdict(list)
        for number, campaign, revision, items in self._query.rows(cursor, {"numbers": numbers, "before": self._before}):
            found[number].append(Received(edition=self._others[campaign], revision=revision, items=bytes(items)))
        return [
            claim._replace(received=tuple(found[claim.delivery])) if claim.delivery in found else claim
            for claim in claims
        ]


def other_campaigns(connection: Connection, edition: str, campaign: int, since: datetime) -> dict[int, str]:
    """The campaigns before this one, of other digests' editions whose period ends after `since`: number -> edition."""
    own = sa.select(editions.c.digest).where(editions.c.id == edition).scalar_subquery()
    query = (
        sa.select(campaigns.c.id, campaigns.c.edition)
        .join(editions, editions.c.id == campaigns.c.edition)
        .where(editions.c.digest != own, editions.c.ends > since, campaigns.c.id < campaign)
    )
    return {row.id: row.edition for row in connection.execute(query)}
