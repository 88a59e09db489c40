"""What the API answered under a key that its caller chose, so that a request sent twice is done once.

begin ──fresh──> the act ──> keep          a second one with the same key gets the same answer
  └─ the answer kept | Mismatch | still under way
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.payload import canonical
from digest.store.schema import answers

KEPT: Final = timedelta(days=7)
UNDER_WAY: Final = timedelta(minutes=5)  # after so long, whoever began has died: its acts may be repeated


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer as it went out."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Begun(StrEnum):
    """Why there is no answer to give again."""

    FRESH = "fresh"  # nobody asked before: do it, then `keep`
    OTHER = "other"  # the key was used for another request
    UNDER_WAY = "under-way"  # the first one is not answered yet


class Answers:
    """`begin`, `keep`, `drop`, `forget`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: str, key: str, request: str, at: datetime) -> Answer | Begun:
        """Take a key for a request, or get what was answered under it.

        Args:
            owner: whose key it is: two callers may choose the same.
            key: as the caller chose it.
            request: stands for the request: its method, path and body, hashed.
            at: the time.
        """
        mine = (answers.c.owner == owner) & (answers.c.key == key)
        with self._database.transaction() as connection:
            connection.execute(
                sa.delete(answers).where(mine, answers.c.status.is_(None), answers.c.at < at - UNDER_WAY)
            )
            row = self._database.insert(answers).values(owner=owner, key=key, request=request, at=at)
            fresh = connection.scalar(row.on_conflict_do_nothing().returning(answers.c.key))
            if fresh is not None:
                return Begun.FRESH
            known = connection.execute(sa.select(answers).where(mine)).one()
        if known.request != request:
            return Begun.OTHER
        if known.status is None:
            return Begun.UNDER_WAY
        return Answer(status=known.status, headers=json.loads(known.headers), body=bytes(known.body))

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        """Keep the answer of a request that was begun."""
        values = {"status": answer.status, "headers": canonical(dict(answer.headers)), "body": answer.body}
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(answers).where(answers.c.owner == owner, answers.c.key == key).values(**values)
            )

    def drop(self, owner: str, key: str) -> None:
        """Give a key back: its request came to nothing, and may be mended and sent again."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(answers).where(answers.c.owner == owner, answers.c.key == key))

    def forget(self, now: datetime) -> int:
        """Drop what was answered too long ago to be asked again; how many."""
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(answers).where(answers.c.at < now - KEPT)).rowcount
