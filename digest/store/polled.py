"""What the polls of live sources came to, day by day: the history that an operator looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.schema import polled

_COUNTS: Final = ("asked", "unmodified", "failed", "fresh", "edited", "held")


@dataclass(frozen=True, kw_only=True)
class PollDay:
    """One day (UTC) of a source: how often it was asked, how often nothing had changed or it failed, what came."""

    source: str
    day: date
    asked: int = 1
    unmodified: int = 0
    failed: int = 0
    fresh: int = 0
    edited: int = 0
    held: int = 0


class PollDays:
    """`add`, `of`, `forget`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, days: Iterable[PollDay]) -> None:
        """Count polls to what their days have already."""
        rows = [asdict(one) for one in days]
        if not rows:
            return
        row = self._database.insert(polled)
        with self._database.transaction() as connection:
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=[polled.c.source, polled.c.day],
                    set_={name: polled.c[name] + row.excluded[name] for name in _COUNTS},
                ),
                rows,
            )

    def of(self, source: str, since: date) -> tuple[PollDay, ...]:
        """The days of a source on which it was asked, from one day on, the oldest first."""
        query = sa.select(polled).where(polled.c.source == source, polled.c.day >= since).order_by(polled.c.day)
        with self._database.reading() as connection:
            return tuple(PollDay(**row) for row in connection.execute(query).mappings())

    def forget(self, before: date) -> int:
        """Forget what lies before a day; how many rows that were."""
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(polled).where(polled.c.day < before)).rowcount
