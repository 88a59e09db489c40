"""What has been public in feeds: entries, archive pages, and what the WebSub hub was told.

Entries and pages are kept as they were written; what they mean is digest.publish's business.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.store.database import Database
from digest.store.schema import feed_editions, feed_entries, feed_pages, hub_pings

Documents = Mapping[str, bytes]
"""File name -> content, of a page in every format."""


@dataclass(frozen=True, kw_only=True)
class PageKept:
    """A page of a feed's archive, without its content. `through` is `updated` of its last entry."""

    folder: str
    number: int
    through: datetime


@dataclass(frozen=True, kw_only=True)
class Ping:
    """What became of telling the hub that a feed changed. `failed` is why it did not work; `due` when it is tried."""

    topic: str
    changed: datetime
    attempts: int
    due: datetime | None
    told: datetime | None
    failed: str


class Feeds:
    """The journal of the feeds, their archives, and the pings of the hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def serialize(self) -> None:
        """Inside a transaction: let no other process write the journal until its end."""
        self._database.serialize(feed_entries)

    # ---- the journal

    def entries(self, ids: Collection[str] | None = None) -> list[str]:
        """Entries as they were kept, all or those of these ids; in no order."""
        with self._database.reading() as connection:
            if ids is None:
                return list(connection.scalars(sa.select(feed_entries.c.payload)))
            wanted = sorted(ids)
            parts = (wanted[start : start + 500] for start in range(0, len(wanted), 500))
            return [
                payload
                for part in parts
                for payload in connection.scalars(sa.select(feed_entries.c.payload).where(feed_entries.c.id.in_(part)))
            ]

    def keep(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keep entries (id, payload); those that are known are written over."""
        values = [{"id": name, "payload": payload} for name, payload in rows]
        if not values:
            return
        query = self._database.insert(feed_entries)
        query = query.on_conflict_do_update(index_elements=["id"], set_={"payload": query.excluded.payload})
        with self._database.transaction() as connection:
            connection.execute(query, values)

    def marks(self) -> dict[str, str]:
        """Id of each edition that the journal has looked at -> how it was then; "" -> whose feeds they are."""
        with self._database.reading() as connection:
            return {row.edition: row.mark for row in connection.execute(sa.select(feed_editions))}

    def mark(self, edition: str, mark: str) -> None:
        """Note how an edition was when the journal looked at it."""
        query = self._database.insert(feed_editions).values(edition=edition, mark=mark)
        query = query.on_conflict_do_update(index_elements=["edition"], set_={"mark": mark})
        with self._database.transaction() as connection:
            connection.execute(query)

    def forget(self) -> None:
        """Begin anew: the publication moved to another address, and all ids with it."""
        with self._database.transaction() as connection:
            for table in (feed_entries, feed_editions, feed_pages, hub_pings):
                connection.execute(sa.delete(table))

    # ---- archives

    def pages(self) -> list[PageKept]:
        """Every page of every archive, by folder and number; without content."""
        query = sa.select(feed_pages.c.folder, feed_pages.c.number, feed_pages.c.through)
        with self._database.reading() as connection:
            return [
                PageKept(folder=row.folder, number=row.number, through=row.through)
                for row in connection.execute(query.order_by(feed_pages.c.folder, feed_pages.c.number))
            ]

    def page(self, folder: str, number: int) -> Documents:
        """The content of a page; empty when there is none."""
        query = sa.select(feed_pages.c.documents).where(feed_pages.c.folder == folder, feed_pages.c.number == number)
        with self._database.reading() as connection:
            found = connection.scalar(query)
        return {} if found is None else {name: text.encode() for name, text in json.loads(found).items()}

    def add_page(self, page: PageKept, ids: Collection[str], documents: Documents) -> None:
        """Keep a new page of an archive, with the ids of what stands in it."""
        with self._database.transaction() as connection:
            connection.execute(
                sa.insert(feed_pages).values(
                    folder=page.folder,
                    number=page.number,
                    through=page.through,
                    ids=json.dumps(list(ids)),
                    documents=_text(documents),
                )
            )

    def pages_with(self, entry: str) -> list[tuple[str, int]]:
        """Folder and number of the pages in which an entry stands."""
        query = sa.select(feed_pages.c.folder, feed_pages.c.number).where(
            feed_pages.c.ids.contains(json.dumps(entry), autoescape=True)
        )
        with self._database.reading() as connection:
            return [(row.folder, row.number) for row in connection.execute(query)]

    def rewrite_page(self, folder: str, number: int, documents: Documents) -> None:
        """Change a page: only to take out of it what was withdrawn."""
        query = sa.update(feed_pages).where(feed_pages.c.folder == folder, feed_pages.c.number == number)
        with self._database.transaction() as connection:
            connection.execute(query.values(documents=_text(documents)))

    # ---- the hub

    def owe(self, topics: Iterable[str], at: datetime) -> None:
        """Note that these feeds (absolute addresses) changed and the hub is to be told."""
        fresh = {"changed": at, "attempts": 0, "due": at, "failed": ""}
        with self._database.transaction() as connection:
            for topic in topics:
                query = self._database.insert(hub_pings).values(topic=topic, **fresh)
                connection.execute(query.on_conflict_do_update(index_elements=["topic"], set_=fresh))

    def owed(self, now: datetime, limit: int = 100) -> list[Ping]:
        """What the hub is to be told now, the oldest first."""
        query = sa.select(hub_pings).where(hub_pings.c.due <= now).order_by(hub_pings.c.due, hub_pings.c.topic)
        return self._pings(query.limit(limit))

    def pings(self) -> list[Ping]:
        """All that the hub was told or is to be told: the failed ones first, then the newest."""
        query = sa.select(hub_pings).order_by(
            (hub_pings.c.failed == "").asc(), hub_pings.c.changed.desc(), hub_pings.c.topic
        )
        return self._pings(query)

    def told(self, ping: Ping, at: datetime) -> None:
        """The hub took it; unless the feed changed meanwhile, that was all."""
        query = sa.update(hub_pings).where(hub_pings.c.topic == ping.topic, hub_pings.c.changed == ping.changed)
        with self._database.transaction() as connection:
            connection.execute(query.values(told=at, due=None, failed="", attempts=ping.attempts + 1))

    def failed(self, ping: Ping, why: str, again: datetime | None) -> None:
        """The hub did not take it: tried again then, or (None) not before the next change."""
        query = sa.update(hub_pings).where(hub_pings.c.topic == ping.topic, hub_pings.c.changed == ping.changed)
        with self._database.transaction() as connection:
            connection.execute(query.values(due=again, failed=why, attempts=ping.attempts + 1))

    def _pings(self, query: sa.Select[tuple[object, ...]]) -> list[Ping]:
        with self._database.reading() as connection:
            return [
                Ping(
                    topic=row.topic,
                    changed=row.changed,
                    attempts=row.attempts,
                    due=row.due,
                    told=row.told,
                    failed=row.failed,
                )
                for row in connection.execute(query)
            ]


def _text(documents: Documents) -> str:
    return json.dumps({name: content.decode() for name, content in documents.items()}, ensure_ascii=False)
