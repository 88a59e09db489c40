"""Addresses that nobody may write to; and those that were erased, of which only a keyed hash is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound
from digest.store.address import address_key
from digest.store.database import AnyRow, Database
from digest.store.schema import suppressions

Fingerprints = Callable[[str], Sequence[str]]
ERASED: Final = "erased"  # the cause of those who asked for it: their own act alone lets them in again


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """An address that must not be written to: `key` is its `address_key`, or what stands for it once it is erased."""

    key: str
    cause: str  # "refused", "complaint", "operator", "erased"
    evidence: str
    at: datetime


class Suppressions:
    """`suppress`, `lift`, `suppression`, `suppressions`; the part of `Subscribers` that knows no subscription.

    Args:
        database: where they are kept.
        fingerprints: from an address's key to what stands for it when it is erased, the one to write first.
    """

    def __init__(self, database: Database, fingerprints: Fingerprints) -> None:
        self._database = database
        self._fingerprints = fingerprints

    def suppress(self, address: str, cause: str, evidence: str, at: datetime) -> None:
        """Let no digest write to this address any more; the first cause stays."""
        with self._database.transaction() as connection:
            connection.execute(
                self._database.insert(suppressions)
                .values(key=address_key(address), cause=cause, evidence=evidence, at=at)
                .on_conflict_do_nothing()
            )

    def lift(self, address: str) -> None:
        """Let this address be written to again.

        Raises:
            NotFound: it is not suppressed.
        """
        with self._database.transaction() as connection:
            query = sa.delete(suppressions).where(suppressions.c.key.in_(self._marks(address_key(address))))
            if not connection.execute(query).rowcount:
                raise NotFound("suppression", address)

    def conceal(self, key: str, at: datetime) -> None:
        """Keep of an address only a keyed hash that bars it: for the reason that it was barred for, or as erased.

        Raises:
            ValueError: the store was opened without fingerprints.
        """
        marks = self._fingerprints(key)
        if not marks:
            raise ValueError("the store was opened without fingerprints, and cannot forget an address")
        with self._database.transaction() as connection:
            known = self._suppressed({key}).get(key)
            connection.execute(sa.delete(suppressions).where(suppressions.c.key.in_(self._marks(key))))
            connection.execute(
                self._database.insert(suppressions).values(
                    key=marks[0],
                    cause=known.cause if known else ERASED,
                    evidence="",  # a server's words may hold the address
                    at=known.at if known else at,
                )
            )

    def welcome(self, key: str) -> None:
        """Forget that an address was erased: its owner came back. Other reasons stay."""
        with self._database.transaction() as connection:
            connection.execute(
                sa.delete(suppressions).where(suppressions.c.key.in_(self._marks(key)), suppressions.c.cause == ERASED)
            )

    def suppression(self, address: str) -> Suppression | None:
        """Why this address must not be written to, or None."""
        key = address_key(address)
        return self._suppressed({key}).get(key)

    def suppressions(self) -> tuple[Suppression, ...]:
        """Every suppression, newest first."""
        query = sa.select(suppressions).order_by(suppressions.c.at.desc(), suppressions.c.key)
        with self._database.reading() as connection:
            return tuple(_suppression(row) for row in connection.execute(query))

    def suppressed(
        self, cause: str = "", *, after: tuple[datetime, str] | None = None, limit: int = 50
    ) -> tuple[Suppression, ...]:
        """Suppressions (of one cause), newest first, page by page.

        Args:
            cause: as it is kept; "" for all.
            after: time and key of the last one of the page before.
            limit: how many.
        """
        query = sa.select(suppressions).order_by(suppressions.c.at.desc(), suppressions.c.key.desc()).limit(limit)
        if cause:
            query = query.where(suppressions.c.cause == cause)
        if after is not None:
            at, key = after
            older = (suppressions.c.at == at) & (suppressions.c.key < key)
            query = query.where(suppressions.c.at <= at, (suppressions.c.at < at) | older)
        with self._database.reading() as connection:
            return tuple(_suppression(row) for row in connection.execute(query))

    def suppression_count(self) -> int:
        """How many addresses are suppressed."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(suppressions)) or 0

    def _suppressed(self, keys: Collection[str]) -> dict[str, Suppression]:
        owners = {mark: key for key in keys for mark in self._marks(key)}
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(suppressions).where(suppressions.c.key.in_(owners)))
            return {owners[row.key]: _suppression(row) for row in rows}

    def _marks(self, key: str) -> tuple[str, ...]:
        return (key, *self._fingerprints(key))


def _suppression(row: AnyRow) -> Suppression:
    return Suppression(key=row.key, cause=row.cause, evidence=row.evidence, at=row.at)
