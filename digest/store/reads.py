"""How often the page of each story was read, day by day: numbers and nothing else. For "Most read"."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from digest.store.database import Database
from digest.store.schema import reads


class Reads:
    """`add`, `most`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, story: str, day: date) -> None:
        """Count one reading of a story's page."""
        with self._database.transaction() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            row = dialect.insert(reads).values(story=story, day=day, count=1)
            connection.execute(
                row.on_conflict_do_update(index_elements=["day", "story"], set_={"count": reads.c.count + 1})
            )

    def most(self, stories: Collection[str], first: date, last: date, *, limit: int, least: int) -> tuple[str, ...]:
        """Which of these stories were read most, from one day to another, both included; the most read first.

        Args:
            stories: keys.
            first: a local date.
            last: another.
            limit: how many at most.
            least: how often a story must have been read.
        """
        total = sa.func.sum(reads.c.count)
        query = (
            sa.select(reads.c.story)
            .where(reads.c.day >= first, reads.c.day <= last)
            .group_by(reads.c.story)
            .having(total >= least)
            .order_by(total.desc(), reads.c.story)
        )
        with self._database.reading() as connection:
            found = [row.story for row in connection.execute(query) if row.story in stories]
        return tuple(found[:limit])
