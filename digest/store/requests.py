"""What readers asked for on the public pages, until it is settled; and how often each network asks.

A request is one row, whatever its address is to us: so writing it tells nobody whether the address is known. Once it
is settled, only its time and network are kept, for a day, to be counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.payload import canonical
from digest.store.schema import requests

_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it was made. `payload` holds plain JSON values; the coordinator knows what they mean."""

    id: int
    network: str
    at: datetime
    payload: Mapping[str, object]


class Requests:
    """`add`, `open`, `settle`, `forget`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, payload: Mapping[str, object], network: str, at: datetime, *, window: timedelta, each: int, together: int
    ) -> bool:
        """Keep a request, unless its network sent `each` or all networks `together` within the window; whether."""
        since = requests.c.at > at - window
        total = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((requests.c.network == network, 1), else_=0)), 0)
        ).where(since)
        with self._database.transaction() as connection:
            self._database.serialize(requests)
            everyone, own = connection.execute(total).one()
            if everyone >= together or own >= each:
                return False
            connection.execute(
                sa.insert(requests).values(network=network, at=at, payload=canonical(dict(payload)), settled=None)
            )
        return True

    def open(self, limit: int = 100) -> tuple[Request, ...]:
        """Requests that are not settled, oldest first."""
        query = sa.select(requests).where(requests.c.settled.is_(None)).order_by(requests.c.id).limit(limit)
        with self._database.reading() as connection:
            return tuple(
                Request(id=row.id, network=row.network, at=row.at, payload=json.loads(row.payload))
                for row in connection.execute(query)
            )

    def settle(self, request: int, at: datetime) -> bool:
        """Note that a request is settled and forget what it said; whether this call did (or another process had).

        Call it first in the transaction that does what the request asks for.
        """
        with self._database.transaction() as connection:
            done = connection.execute(
                sa.update(requests)
                .where(requests.c.id == request, requests.c.settled.is_(None))
                .values(settled=at, payload="")
            ).rowcount
        return bool(done)

    def forget(self, now: datetime) -> None:
        """Drop settled requests that no limit counts any more."""
        query = sa.delete(requests).where(requests.c.settled.is_not(None), requests.c.at < now - _KEPT)
        with self._database.transaction() as connection:
            connection.execute(query)
