"""What a list shows of an edition: a row without the content, as Editions and Shelf read it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.model import EditionState
from digest.store.database import AnyRow
from digest.store.schema import editions, revisions


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A line of a list of editions, without the content. `revision` is the newest one's number."""

    id: str
    digest: str
    period: str
    starts: datetime
    ends: datetime
    number: int  # 0 while skipped
    title: str
    state: EditionState
    reason: str
    changed: datetime
    revision: int


def listing(digest: str = "", states: Collection[EditionState] = ()) -> sa.Select[Any]:
    """Editions of one digest ("" for all) in these states (none for all), in no order."""
    newest = sa.select(sa.func.max(revisions.c.number)).where(revisions.c.edition == editions.c.id).scalar_subquery()
    query = sa.select(editions, newest.label("revision"))
    if digest:
        query = query.where(editions.c.digest == digest)
    if states:
        query = query.where(editions.c.state.in_([state.value for state in states]))
    return query


def listed(row: AnyRow) -> Listed:
    """A row of `listing`."""
    return Listed(
        id=row.id,
        digest=row.digest,
        period=row.period,
        starts=row.starts,
        ends=row.ends,
        number=row.number or 0,
        title=row.title,
        state=EditionState(row.state),
        reason=row.reason,
        changed=row.changed,
        revision=row.revision,
    )
