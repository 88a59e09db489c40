"""What a person may ask for: all that is held about them, that it be erased, and a private feed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.model import DeliveryState, SubscriptionState
from digest.store.address import address_key
from digest.store.database import Database
from digest.store.logbook import fold_all
from digest.store.schema import (
    campaigns,
    consents,
    deliveries,
    notices,
    own_feeds,
    requests,
    subscribers,
    subscriptions,
)
from digest.store.subscribers import Subscribers

_WAITING: Final = [state.value for state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)]
_MANY: Final = 500  # at a time
_GONE: Final = "the subscriber was erased"


class People:
    """`everything`, `erase`; `open_feed`, `close_feed`, `feed`."""

    def __init__(self, database: Database, readers: Subscribers) -> None:
        self._database = database
        self._readers = readers

    # ---- data about a person

    def everything(self, address: str) -> dict[str, object]:
        """All that is held about an address, as plain JSON values; times are ISO 8601, in UTC."""
        key = address_key(address)
        fold_all(self._database)
        with self._database.reading() as connection:
            person = connection.execute(sa.select(subscribers).where(subscribers.c.key == key)).one_or_none()
            barred = self._readers.suppression(address)
            return {
                "address": person.address if person else address,
                "name": person.name if person else "",
                "known_since": _said(person.created) if person else None,
                "subscriptions": _subscriptions(connection, person.id) if person else [],
                "suppression": None
                if barred is None
                else {"cause": barred.cause, "evidence": barred.evidence, "at": _said(barred.at)},
                "copies": _rows(
                    connection,
                    sa.select(
                        campaigns.c.edition,
                        deliveries.c.state,
                        deliveries.c.reason,
                        deliveries.c.reply,
                        deliveries.c.attempts,
                        deliveries.c.name,
                        deliveries.c.preferences,
                        deliveries.c.message_id,
                        deliveries.c.claimed_at,
                        deliveries.c.finished_at,
                        deliveries.c.next_attempt_at,
                        deliveries.c["items"],
                    )
                    .join(campaigns, campaigns.c.id == deliveries.c.campaign)
                    .where(deliveries.c.key == key)
                    .order_by(deliveries.c.id),
                ),
                "other_mails": _rows(
                    connection,
                    sa.select(
                        notices.c.kind,
                        notices.c.state,
                        notices.c.reason,
                        notices.c.reply,
                        notices.c.language,
                        notices.c.message_id,
                        notices.c.created,
                        notices.c.finished_at,
                    )
                    .where(notices.c.key == key)
                    .order_by(notices.c.id),
                ),
                "open_requests": [
                    {"at": _said(at), "network": network, **payload}
                    for _, at, network, payload in _open_requests(connection, key)
                ],
            }

    def erase(self, address: str, at: datetime) -> int:
        """Forget a person: what is left is a keyed hash that bars an import, and ledger rows that name nobody.

        Copies and notices that have not left are skipped. A copy that is being sent this moment may still arrive.

        Args:
            address: whose data.
            at: now.

        Returns:
            How many subscriptions were erased.

        Raises:
            ValueError: the store was opened without fingerprints.
        """
        key = address_key(address)
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            self._readers.conceal(key, at)
            for number, _, _, _ in _open_requests(connection, key):
                connection.execute(sa.update(requests).where(requests.c.id == number).values(settled=at, payload=""))
            for table in (deliveries, notices):
                connection.execute(
                    sa.update(table)
                    .where(table.c.key == key, table.c.state.in_(_WAITING))
                    .values(state=DeliveryState.SKIPPED.value, reason=_GONE, finished_at=at, next_attempt_at=None)
                )
                nobody = sa.literal("erased:") + sa.cast(table.c.id, sa.Text)
                rest: dict[str, object] = {"key": nobody, "address": "", "name": "", "reply": ""}
                if table is notices:  # a cause holds a hash of the address
                    rest |= {"cause": nobody, "payload": "{}", "language": ""}
                else:
                    rest |= {"preferences": "{}", "items": None}
                connection.execute(sa.update(table).where(table.c.key == key).values(rest))
            person = sa.select(subscribers.c.id).where(subscribers.c.key == key).scalar_subquery()
            mine = sa.select(subscriptions.c.id).where(subscriptions.c.subscriber == person)
            for owned in (own_feeds, consents):
                connection.execute(sa.delete(owned).where(owned.c.subscription.in_(mine)))
            count = connection.execute(sa.delete(subscriptions).where(subscriptions.c.subscriber == person)).rowcount
            connection.execute(sa.delete(subscribers).where(subscribers.c.key == key))
        return count

    def forget_unconfirmed(self, before: datetime) -> int:
        """Forget subscriptions that were asked for and never confirmed, and who has no other; how many there were.

        Nobody consented, so that nothing of it is kept: whoever asks again is new.

        Args:
            before: those that nothing happened to since then.
        """
        pending = (subscriptions.c.state == SubscriptionState.PENDING.value) & (subscriptions.c.changed < before)
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            found = connection.execute(
                sa.select(subscriptions.c.id, subscriptions.c.subscriber).where(pending).limit(_MANY)
            ).all()
            numbers, persons = [row.id for row in found], {row.subscriber for row in found}
            for owned in (own_feeds, consents):
                connection.execute(sa.delete(owned).where(owned.c.subscription.in_(numbers)))
            connection.execute(sa.delete(subscriptions).where(subscriptions.c.id.in_(numbers)))
            others = sa.select(subscriptions.c.id).where(subscriptions.c.subscriber == subscribers.c.id).exists()
            alone = subscribers.c.id.in_(persons) & ~others
            keys = connection.execute(sa.select(subscribers.c.key).where(alone)).scalars().all()
            nobody = sa.literal("erased:") + sa.cast(notices.c.id, sa.Text)
            connection.execute(
                sa.update(notices)
                .where(notices.c.key.in_(keys), notices.c.state.not_in(_WAITING))
                .values(key=nobody, cause=nobody, address="", name="", reply="", payload="{}", language="")
            )
            connection.execute(sa.delete(subscribers).where(alone))
        return len(numbers)

    # ---- private feeds

    def open_feed(self, subscription: int, at: datetime) -> int:
        """The number of the private feed of a subscription; made when there is none."""
        with self._database.transaction() as connection:
            connection.execute(
                self._database.insert(own_feeds).values(subscription=subscription, created=at).on_conflict_do_nothing()
            )
            return int(
                connection.scalars(sa.select(own_feeds.c.id).where(own_feeds.c.subscription == subscription)).one()
            )

    def close_feed(self, subscription: int) -> bool:
        """Revoke the private feed of a subscription: its address never works again. Whether there was one."""
        with self._database.transaction() as connection:
            return bool(
                connection.execute(sa.delete(own_feeds).where(own_feeds.c.subscription == subscription)).rowcount
            )

    def feed_of(self, subscription: int) -> int:
        """The number of the private feed of a subscription; 0 when it has none."""
        with self._database.reading() as connection:
            query = sa.select(own_feeds.c.id).where(own_feeds.c.subscription == subscription)
            return int(connection.scalar(query) or 0)

    def reader_of(self, feed: int) -> int:
        """The subscription whose private feed has this number; 0 when it was revoked."""
        with self._database.reading() as connection:
            return int(connection.scalar(sa.select(own_feeds.c.subscription).where(own_feeds.c.id == feed)) or 0)


def _subscriptions(connection: Connection, person: int) -> list[dict[str, object]]:
    query = (
        sa.select(subscriptions, own_feeds.c.created.label("feed"))
        .outerjoin(own_feeds, own_feeds.c.subscription == subscriptions.c.id)
        .where(subscriptions.c.subscriber == person)
        .order_by(subscriptions.c.id)
    )
    return [
        {
            "digest": row.digest,
            "state": row.state,
            "reason": row.reason,
            "preferences": json.loads(row.preferences),
            "since": _said(row.created),
            "changed": _said(row.changed),
            "resumes": _said(row.resumes),
            "private_feed_since": _said(row.feed),
            "consents": _rows(
                connection,
                sa.select(consents.c.given, consents.c.at, consents.c.basis, consents.c.origin, consents.c.wording)
                .where(consents.c.subscription == row.id)
                .order_by(consents.c.id),
            ),
        }
        for row in connection.execute(query).all()
    ]


def _open_requests(connection: Connection, key: str) -> list[tuple[int, datetime, str, Mapping[str, object]]]:
    """Requests of an address that are not settled: few, since that takes seconds."""
    query = sa.select(requests).where(requests.c.settled.is_(None)).order_by(requests.c.id)
    found = [(row.id, row.at, row.network, json.loads(row.payload)) for row in connection.execute(query)]
    return [one for one in found if address_key(str(one[3].get("address", ""))) == key]


def _rows(connection: Connection, query: sa.Select[*tuple[object, ...]]) -> list[dict[str, object]]:
    return [{name: _plain(name, value) for name, value in row.items()} for row in connection.execute(query).mappings()]


def _plain(name: str, value: object) -> object:
    """What a column holds, as JSON has it; a bitmap of items as their numbers in the edition, from 1."""
    match value:
        case datetime():
            return _said(value)
        case bytes():
            return [8 * place + bit + 1 for place, byte in enumerate(value) for bit in range(8) if byte >> bit & 1]
        case str() if name == "preferences":
            return json.loads(value)
    return value


def _said(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
