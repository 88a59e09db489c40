"""What happened, in order, for programs that follow it: people's acts, and what became of editions.

Written in the transaction of the change itself, so that there is no change without its row and no row without its
change. Acts are those of the audit log (audit.py), which stays the record of who did what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.payload import canonical
from digest.store.schema import events


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        id: grows with time.
        at: when.
        kind: "<noun>.<verb>" of an act ("edition.approve"), "<noun>.<state>" of what it became ("edition.approved").
        subject: the thing's id.
        by: who, of an act; "" of what it led to.
        details: plain JSON values.
    """

    id: int
    at: datetime
    kind: str
    subject: str
    by: str
    details: Mapping[str, object]


class Events:
    """`append`, `after`, `newest`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, kind: str, subject: str, details: Mapping[str, object], at: datetime, *, by: str = "") -> None:
        """Write down what happens, inside the transaction that makes it.

        Numbers are given in the order of commits: a reader who is at number n has missed none below.
        """
        with self._database.transaction() as connection:
            self._database.serialize(events)
            connection.execute(
                sa.insert(events).values(at=at, kind=kind, subject=subject, by=by, details=canonical(dict(details)))
            )

    def newest(self) -> int:
        """The number of the newest event; 0 when nothing has happened."""
        with self._database.reading() as connection:
            return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0))) or 0)

    def after(self, number: int, limit: int) -> tuple[Event, ...]:
        """What came after an event's number, oldest first."""
        query = sa.select(events).where(events.c.id > number).order_by(events.c.id).limit(limit)
        with self._database.reading() as connection:
            return tuple(
                Event(
                    id=row.id,
                    at=row.at,
                    kind=row.kind,
                    subject=row.subject,
                    by=row.by,
                    details=json.loads(row.details),
                )
                for row in connection.execute(query)
            )
