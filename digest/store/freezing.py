"""Freezing: who is written to, as they are when their page is reached. Page by page, each in a commit of its own.

    begun ── page ──> page ── ... ──> frozen

`campaigns.frozen` is how far it has come, written by the commit that writes the page's deliveries; so it may break off
anywhere, and whoever starts the campaign next goes on, several at once too, a page each. Nobody is left out, nobody is
in it twice (the ledger's keys say so), and no transaction is longer than a page, whatever the audience.

Meanwhile the reader list lives on. Of who signs up, nobody is in it: pages end with the subscription that was the last
when the campaign began. Who leaves, pauses, is suppressed or erased before their page is not in it; after it, their
copy is skipped when it would be claimed, as ever. Preferences are those of the moment of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.model import DeliveryState, EditionState, Preferences, SubscriptionState
from digest.store.database import Database
from digest.store.schema import campaigns, deliveries, editions, subscribers, subscriptions, suppressions
from digest.store.subscribers import PREFERENCES

PAGE: Final = 20_000  # readers; ten megabytes of memory, and some tenths of a second
_TIMED: Final = '"timing":{'  # as payloads are written
_WAITS: Final = "its reader chose the time"
_COLUMNS: Final = ("subscription", "key", "address", "name", "preferences", "message_id", "state", "reason")

_READERS: Final = (
    subscriptions.join(subscribers, subscribers.c.id == subscriptions.c.subscriber)
    .outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
)  # fmt: skip
_WANTED: Final = sa.and_(
    subscriptions.c.digest == sa.bindparam("digest"),
    subscriptions.c.state == SubscriptionState.ACTIVE.value,
    suppressions.c.key.is_(None),
)
_PAGE_OF: Final = (
    sa.select(subscriptions.c.id)
    .select_from(_READERS)
    .where(_WANTED, subscriptions.c.id > sa.bindparam("after"), subscriptions.c.id <= sa.bindparam("through"))
    .order_by(subscriptions.c.id)
    .limit(sa.bindparam("wanted"))
)
_WHOLE: Final = (subscribers.c.key, subscribers.c.address, subscribers.c.name, subscriptions.c.preferences)


class Freezer:
    """Freezes the audience of one campaign.

    Args:
        database: where it is.
        edition: whose campaign has begun.
        digest: whose readers they are.
        make_message_id: from a subscription's id to its Message-ID, angle brackets included.
        wait: until when a reader wants to wait for their copy; it is deferred until then. None: at once.
    """

    def __init__(
        self,
        database: Database,
        edition: str,
        digest: str,
        make_message_id: Callable[[int], str],
        wait: Callable[[Preferences], datetime | None],
    ) -> None:
        self._database = database
        self._edition = edition
        self._digest = digest
        self._make_message_id = make_message_id
        self._wait = wait
        if database.is_sqlite:
            self._page_of = database.prepare(_PAGE_OF.add_columns(*_WHOLE))
            self._insert = database.prepare(
                database.insert(deliveries)
                .values({name: sa.bindparam(name) for name in ("campaign", *_COLUMNS, "next_attempt_at")})
                .on_conflict_do_nothing()
            )
        else:  # what the server has need not travel to us and back
            timed = sa.case((subscriptions.c.preferences.contains(_TIMED), subscriptions.c.preferences))
            self._page_of = database.prepare(_PAGE_OF.add_columns(timed))
            self._insert = database.prepare(_by_arrays(database))

    def page(self) -> bool:
        """Freeze the next page; whether there may be more.

        Raises:
            StoreError: the database failed; nothing of the page was kept.
        """
        with self._database.transaction() as connection:
            # Who is erased, or cancels the edition, has done so before this page, or finds all of it.
            self._database.keep_from_serializing(subscriptions, campaigns, editions)
            place = connection.execute(
                sa.select(campaigns.c.id, campaigns.c.frozen, campaigns.c.through)
                .where(campaigns.c.edition == self._edition)
                .with_for_update()
            ).one()
            state = connection.scalar(sa.select(editions.c.state).where(editions.c.id == self._edition))
            if place.frozen is None or state == EditionState.CANCELLED.value:
                return False
            cursor = connection.connection.cursor()
            asked = {"digest": self._digest, "after": place.frozen, "through": place.through or 0, "wanted": PAGE}
            rows = self._page_of.rows(cursor, asked)
            added = self._write(cursor, place.id, rows) if rows else 0
            whole = len(rows) < PAGE
            connection.execute(
                sa.update(campaigns)
                .where(campaigns.c.id == place.id)
                .values(audience=campaigns.c.audience + added, frozen=None if whole else rows[-1][0])
            )
            reopen(connection, self._edition)
        return not whole

    def _write(self, cursor: DBAPICursor, campaign: int, rows: Sequence[Any]) -> int:
        """One delivery for each; how many there were not yet."""
        made = self._make_message_id
        if self._database.is_sqlite:
            names = ("campaign", *_COLUMNS, "next_attempt_at")
            self._insert.many(
                cursor,
                names,
                (
                    (campaign, number, key, address, name, preferences, made(number), *self._begins(preferences))
                    for number, key, address, name, preferences in sorted(rows, key=itemgetter(1))  # see _by_arrays
                ),
            )
            return int(cursor.rowcount)
        late = {number: moment for number, text in rows if text for _, _, moment in (self._begins(text),) if moment}
        given = {
            "campaign": campaign,
            "digest": self._digest,
            "numbers": [row[0] for row in rows],
            "ids": [made(row[0]) for row in rows],
            "late": list(late),
            "moments": list(late.values()),
        }
        return self._insert.run(cursor, given)

    def _begins(self, preferences: str) -> tuple[str, str, object]:
        """A delivery's state, the reason and until when it waits."""
        moment = self._wait(PREFERENCES.load(preferences)) if _TIMED in preferences else None  # most chose none
        if moment is None:
            return DeliveryState.QUEUED.value, "", None
        return DeliveryState.DEFERRED.value, _WAITS, self._database.time(moment)


def reopen(connection: Connection, edition: str) -> None:
    """An edition that is not frozen to its end is not sent.

    A program of an older version, which knows no pages, takes the first ones for all of them.
    """
    its = (editions.c.id == edition, editions.c.state == EditionState.SENT.value)
    connection.execute(sa.update(editions).where(*its).values(state=EditionState.SENDING.value))


def _by_arrays(database: Database) -> sa.Insert:
    """Their rows, taken by the server from its own tables; who left meanwhile is not in it."""
    given = _table("given", {"numbers": sa.BigInteger, "ids": sa.Text})
    late = _table("later", {"late": sa.BigInteger, "moments": sa.DateTime(timezone=True)})
    at_once = late.c.moments.is_(None)
    chosen = (
        sa.select(
            sa.cast(sa.bindparam("campaign"), sa.BigInteger),
            subscriptions.c.id,
            *_WHOLE,
            given.c["ids"],
            sa.case((at_once, DeliveryState.QUEUED.value), else_=DeliveryState.DEFERRED.value),
            sa.case((at_once, ""), else_=_WAITS),
            late.c.moments,
        )
        .select_from(
            _READERS.join(given, given.c.numbers == subscriptions.c.id).outerjoin(
                late, late.c.late == subscriptions.c.id
            )
        )
        .where(_WANTED)
        # In the order of the widest index, whose pages are then written once for a page of readers, not once for each.
        .order_by(subscribers.c.key)
    )
    names = ["campaign", *_COLUMNS, "next_attempt_at"]
    return database.insert(deliveries).from_select(names, chosen).on_conflict_do_nothing()


def _table(name: str, columns: Mapping[str, Any]) -> sa.TableValuedAlias:
    """Arrays, as the columns of a table."""
    arrays = (sa.cast(sa.bindparam(column), ARRAY(kind)) for column, kind in columns.items())
    return sa.func.unnest(*arrays).table_valued(*columns, name=name).render_derived()
