"""Subscriptions as the desk finds them: by the beginning of an address, by domain, digest and state; page by page.

Each page reads along an index and stops: on a list of a million readers as on one of ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import Final

import sqlalchemy as sa

from digest.model import SubscriptionState
from digest.store.address import address_key
from digest.store.database import AnyQuery, AnyRow, Database
from digest.store.schema import subscribers, subscriptions

_CHUNK: Final = 200  # addresses that are looked at together
_MOST: Final = 2000  # addresses that one page looks at; a rarer match comes on a later page


@dataclass(frozen=True, kw_only=True)
class Found:
    """A subscription as lists show it."""

    subscription: int
    subscriber: int
    address: str
    name: str
    digest: str
    state: SubscriptionState
    reason: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class FoundPage:
    """Some subscriptions, and where the next page begins: None where there is none."""

    rows: tuple[Found, ...]
    after: int | str | None


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Which subscriptions are sought; what is empty leaves all in.

    Attributes:
        text: the beginning of an address; or "@example.org": all of a domain.
        digest: key of a digest.
        state: of the subscription.
    """

    text: str = ""
    digest: str = ""
    state: SubscriptionState | None = None


class Finding:
    """`find`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, whom: Whom, digests: Sequence[str], *, after: int | str | None = None, limit: int = 50) -> FoundPage:
        """A page of subscriptions: the newest first, or by address where one was begun.

        Args:
            whom: which.
            digests: keys of every digest there is.
            after: where the page before ended.
            limit: how many; a page may have fewer and yet not be the last one.
        """
        text = address_key(whom.text.strip())
        if text.startswith("@") and len(text) > 1:
            return self._by_person(whom, _in_domain(text[1:]), subscribers.c.id, after, limit)
        if text:
            # Addresses in the order of their bytes: PostgreSQL has an index of that order, SQLite knows no other.
            key = subscribers.c.key if self._database.is_sqlite else subscribers.c.key.collate("C")
            begun = (key >= text) & (key < text + "\U0010ffff")
            return self._by_person(whom, begun, key, after, limit)
        return self._newest(whom, digests, after if isinstance(after, int) else None, limit)

    def _newest(self, whom: Whom, digests: Sequence[str], after: int | None, limit: int) -> FoundPage:
        """The newest subscriptions: each digest and state has an index in their order, which are merged."""
        query = _FOUND.order_by(subscriptions.c.id.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(subscriptions.c.id < after)
        narrowed = [query]
        if whom.digest or whom.state:
            states = [whom.state] if whom.state else list(SubscriptionState)
            narrowed = [
                query.where(subscriptions.c.digest == digest, subscriptions.c.state == state.value)
                for digest in ([whom.digest] if whom.digest else digests)
                for state in states
            ]
        with self._database.reading() as connection:
            several = [[_found(row) for row in connection.execute(one)] for one in narrowed]
        rows = list(islice(merge(*several, key=lambda one: -one.subscription), limit + 1))
        more = len(rows) > limit
        return FoundPage(rows=tuple(rows[:limit]), after=rows[limit - 1].subscription if more else None)

    def _by_person(
        self,
        whom: Whom,
        which: sa.ColumnElement[bool],
        order: sa.ColumnElement[int] | sa.ColumnElement[str],
        after: int | str | None,
        limit: int,
    ) -> FoundPage:
        """People along an index, some at a time, with those of their subscriptions that are sought."""
        people = sa.select(subscribers.c.id, order.label("at")).where(which).order_by(order).limit(_CHUNK)
        rows: list[Found] = []
        looked = 0
        with self._database.reading() as connection:
            while len(rows) < limit and looked < _MOST:
                chunk = connection.execute(people if after is None else people.where(order > after)).all()
                query = _FOUND.where(subscriptions.c.subscriber.in_([person.id for person in chunk]))
                if whom.digest:
                    query = query.where(subscriptions.c.digest == whom.digest)
                if whom.state:
                    query = query.where(subscriptions.c.state == whom.state.value)
                found = sorted(map(_found, connection.execute(query)), key=lambda one: (one.subscriber, one.digest))
                mine = {person: list(several) for person, several in groupby(found, key=lambda one: one.subscriber)}
                for person in chunk:  # a person's subscriptions stay on one page
                    rows += mine.get(person.id, [])
                    after = person.at
                    if len(rows) >= limit:
                        break
                else:
                    if len(chunk) < _CHUNK:
                        return FoundPage(rows=tuple(rows), after=None)
                looked += len(chunk)
        return FoundPage(rows=tuple(rows), after=after)


def _in_domain(name: str) -> sa.ColumnElement[bool]:
    return subscribers.c.domain == name


_FOUND: Final[AnyQuery] = sa.select(
    subscriptions.c.id,
    subscriptions.c.subscriber,
    subscriptions.c.digest,
    subscriptions.c.state,
    subscriptions.c.reason,
    subscriptions.c.created,
    subscribers.c.address,
    subscribers.c.name,
).join_from(subscriptions, subscribers, subscribers.c.id == subscriptions.c.subscriber)


def _found(row: AnyRow) -> Found:
    return Found(
        subscription=row.id,
        subscriber=row.subscriber,
        address=row.address,
        name=row.name,
        digest=row.digest,
        state=SubscriptionState(row.state),
        reason=row.reason,
        since=row.created,
    )
