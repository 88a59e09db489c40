"""Lists of editions, their revisions and their campaigns, a page at a time; without their content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.errors import NotFound
from digest.model import Edition, EditionState, Period, Revision
from digest.store.database import Database
from digest.store.keyset import page
from digest.store.listing import Listed, listed, listing
from digest.store.schema import campaigns, editions, revisions


@dataclass(frozen=True, kw_only=True)
class RevisionLine:
    """A frozen revision in a list."""

    number: int
    hash: str
    created: datetime
    approved: datetime | None
    approved_by: str


@dataclass(frozen=True, kw_only=True)
class CampaignLine:
    """A campaign in a list."""

    id: int
    edition: str
    title: str
    period: str
    state: EditionState
    audience: int
    started: datetime


class Shelf:
    """`editions`, `revisions`, `campaigns`: each newest first; `head` is one revision without its content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def editions(
        self,
        digest: str = "",
        states: Collection[EditionState] = (),
        *,
        before: Sequence[object] | None = None,
        limit: int = 50,
    ) -> tuple[Listed, ...]:
        """Editions by period, newest first; `before` is (start, id) of the last one seen."""
        keys = ((editions.c.starts, True), (editions.c.id, True))
        with self._database.reading() as connection:
            return tuple(map(listed, connection.execute(page(listing(digest, states), keys, before, limit))))

    def head(self, edition_id: str, number: int | None = None) -> Revision:
        """The newest revision of an edition, or the one of this number, with an edition that holds nothing.

        Raises:
            NotFound: there is none.
        """
        query = (
            sa.select(
                revisions.c.number,
                revisions.c.hash,
                revisions.c.created,
                revisions.c.approved,
                revisions.c.approved_by,
                editions.c.digest,
                editions.c.title,
                editions.c.starts,
                editions.c.ends,
                editions.c.period,
                editions.c.number.label("running"),
                editions.c.state,
                editions.c.reason,
            )
            .join_from(editions, revisions, revisions.c.edition == editions.c.id)
            .where(editions.c.id == edition_id)
            .order_by(revisions.c.number.desc())
            .limit(1)
        )
        if number is not None:
            query = query.where(revisions.c.number == number)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound("edition", edition_id if number is None else f"{edition_id} revision {number}")
        nothing = Edition(
            id=edition_id,
            digest=row.digest,
            title=row.title,
            period=Period(row.starts, row.ends, row.period),
            number=row.running or 0,
            sections=(),
        )
        return Revision(
            edition=nothing,
            number=row.number,
            hash=row.hash,
            created=row.created,
            state=EditionState(row.state),
            approved=row.approved,
            approved_by=row.approved_by,
            reason=row.reason,
        )

    def revisions(self, edition_id: str, *, limit: int = 100) -> tuple[RevisionLine, ...]:
        """The revisions of an edition, newest first."""
        query = (
            sa.select(
                revisions.c.number, revisions.c.hash, revisions.c.created, revisions.c.approved, revisions.c.approved_by
            )
            .where(revisions.c.edition == edition_id)
            .order_by(revisions.c.number.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(RevisionLine(**row) for row in connection.execute(query).mappings())

    def campaigns(self, *, before: int | None = None, limit: int = 50) -> tuple[CampaignLine, ...]:
        """Campaigns, newest first; `before` is the number of the last one seen."""
        query = (
            sa.select(
                campaigns.c.id,
                campaigns.c.edition,
                editions.c.title,
                editions.c.period,
                editions.c.state,
                campaigns.c.audience,
                campaigns.c.started,
            )
            .join(editions, editions.c.id == campaigns.c.edition)
            .order_by(campaigns.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(campaigns.c.id < before)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(CampaignLine(**{**row, "state": EditionState(row["state"])}) for row in rows)
