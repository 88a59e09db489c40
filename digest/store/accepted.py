"""The copies that servers accepted, as they were claimed: who got what of an edition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from digest.model import Claim, DeliveryState
from digest.store.database import Database
from digest.store.logbook import fold_all
from digest.store.schema import campaigns, deliveries
from digest.store.subscribers import PREFERENCES

_PAGE: Final = 5000


class AcceptedCopies:
    """`of` an edition."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, edition_id: str, *, page: int = _PAGE) -> Iterator[tuple[int, Claim, int | None]]:
        """Each accepted copy of an edition, streamed: its revision, its claim with the preferences of then, its items.

        The items are a bitmap, as in `Picked`; None where it was not kept.
        """
        columns = (
            "id",
            "subscription",
            "address",
            "name",
            "preferences",
            "attempts",
            "message_id",
            "revision",
            "items",
        )
        query = (
            sa.select(*(deliveries.c[name] for name in columns), campaigns.c.revision.label("first"))
            .join_from(deliveries, campaigns, campaigns.c.id == deliveries.c.campaign)
            .where(campaigns.c.edition == edition_id, deliveries.c.state == DeliveryState.ACCEPTED.value)
            .order_by(deliveries.c.id)
            .limit(page)
        )
        after = 0
        fold_all(self._database)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(deliveries.c.id > after)).all()
            for row in rows:
                claim = Claim(
                    delivery=row.id,
                    edition=edition_id,
                    subscription=row.subscription,
                    address=row.address,
                    name=row.name,
                    preferences=PREFERENCES.load(row.preferences),
                    attempts=row.attempts,
                    message_id=row.message_id,
                )
                items = None if row.items is None else int.from_bytes(row.items, "little")
                yield row.revision or row.first, claim, items
            if len(rows) < page:
                return
            after = rows[-1].id
