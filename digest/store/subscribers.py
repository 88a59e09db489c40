"""Subscribers, their subscriptions and consents. Addresses that nobody may write to: suppressions.py."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound, StateError
from digest.model import Consent, Preferences, Subscription, SubscriptionState
from digest.store.address import address_key
from digest.store.database import AnyQuery, AnyRow
from digest.store.payload import Payload
from digest.store.schema import consents, subscribers, subscriptions, suppressions
from digest.store.suppressions import ERASED, Suppressions

PREFERENCES: Final[Payload[Preferences]] = Payload(Preferences)
_PAGE: Final = 1000

_PENDING, _ACTIVE, _PAUSED, _ENDED = SubscriptionState
_MOVES: Final = {
    _PENDING: (_ACTIVE, _ENDED),
    _ACTIVE: (_PAUSED, _ENDED),
    _PAUSED: (_ACTIVE, _ENDED),
    _ENDED: (),  # a new consent of the person begins anew; nothing else revives
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A subscription that shall exist. `address` is valid, its domain in ASCII (see `digest.subscriptions`)."""

    address: str
    digest: str
    consent: Consent
    name: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    state: SubscriptionState = SubscriptionState.ACTIVE
    own: bool = False  # the person's own wish: that they had their data erased does not stand against it


class Fate(StrEnum):
    """What became of a wanted subscription."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LEFT = "left"  # the person had left: not revived
    SUPPRESSED = "suppressed"  # nobody may write to this address


class Subscribers(Suppressions):
    """`put`, `change`, `prefer`, `wish`, `confirm`, `wake`; `get`, `of`, `every`, `audience`; `suppress`, `lift`."""

    # ---- subscriptions come, change and end

    def put(self, wanted: Sequence[Wanted], at: datetime) -> tuple[Fate, ...]:
        """Make these subscriptions exist, with this name and these preferences; one fate each, in order.

        Who left is not revived and a suppressed address is not taken. An existing subscription keeps its state,
        except that a pending one becomes active when `state` says so. A consent is kept when something is added,
        confirmed or changed. When several items want the same subscription, the first one counts.
        """
        fates: list[Fate] = []
        with self._database.transaction():
            self._database.serialize(subscriptions)
            for start in range(0, len(wanted), _PAGE):
                fates += self._put(wanted[start : start + _PAGE], at)
        return tuple(fates)

    def _put(self, wanted: Sequence[Wanted], at: datetime) -> list[Fate]:
        keys = [address_key(item.address) for item in wanted]
        causes = {key: one.cause for key, one in self._suppressed(set(keys)).items()}
        barred = [
            key in causes and not (item.own and causes[key] == ERASED) for key, item in zip(keys, wanted, strict=True)
        ]
        welcome = [(key, item) for key, item, out in zip(keys, wanted, barred, strict=True) if not out]
        ids = self._subscriber_ids(welcome, at)
        existing = self._existing(set(ids.values()))
        fates: list[Fate] = []
        added: dict[tuple[int, str], Wanted] = {}
        agreed: list[tuple[int, Consent]] = []
        for key, item, out in zip(keys, wanted, barred, strict=True):
            place = (ids.get(key, 0), item.digest)
            before = existing.get(place)
            if out:
                fates.append(Fate.SUPPRESSED)
            elif before is None:
                fates.append(Fate.UNCHANGED if place in added else Fate.ADDED)
                added.setdefault(place, item)
            elif before.state == _ENDED:
                fates.append(Fate.LEFT)
            elif self._update(before, item, at):
                fates.append(Fate.UPDATED)
                agreed.append((before.id, item.consent))
            else:
                fates.append(Fate.UNCHANGED)
        self._agree([*agreed, *self._insert(added, at)], given=True)
        return fates

    def _subscriber_ids(self, welcome: Sequence[tuple[str, Wanted]], at: datetime) -> dict[str, int]:
        rows: dict[str, dict[str, object]] = {}
        for key, item in welcome:
            domain = key.rpartition("@")[2]
            rows.setdefault(
                key, {"key": key, "address": item.address, "name": item.name, "created": at, "domain": domain}
            )
        if not rows:
            return {}
        with self._database.transaction() as connection:
            connection.execute(self._database.insert(subscribers).on_conflict_do_nothing(), list(rows.values()))
            query = sa.select(subscribers.c.key, subscribers.c.id).where(subscribers.c.key.in_(rows))
            return {row.key: row.id for row in connection.execute(query)}

    def _existing(self, owners: Collection[int]) -> dict[tuple[int, str], Subscription]:
        with self._database.reading() as connection:
            rows = connection.execute(_SUBSCRIPTION.where(subscriptions.c.subscriber.in_(owners)))
            return {(row.subscriber, row.digest): _subscription(row) for row in rows}

    def _update(self, before: Subscription, item: Wanted, at: datetime) -> bool:
        """Bring one subscription up to date; whether anything changed."""
        state = _ACTIVE if before.state == _PENDING and item.state == _ACTIVE else before.state
        name = item.name or before.name
        preferences = item.preferences
        if preferences.timing is None:  # lists do not know it: what the reader chose stays
            preferences = replace(preferences, timing=before.preferences.timing)
        if (state, name, preferences) == (before.state, before.name, before.preferences):
            return False
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.id == before.id)
                .values(state=state.value, preferences=PREFERENCES.dump(preferences), changed=at)
            )
            connection.execute(sa.update(subscribers).where(subscribers.c.id == before.subscriber).values(name=name))
        return True

    def _insert(self, added: dict[tuple[int, str], Wanted], at: datetime) -> list[tuple[int, Consent]]:
        if not added:
            return []
        rows = [
            {
                "subscriber": subscriber,
                "digest": digest,
                "state": item.state.value,
                "preferences": PREFERENCES.dump(item.preferences),
                "created": at,
                "changed": at,
            }
            for (subscriber, digest), item in added.items()
        ]
        with self._database.transaction() as connection:
            connection.execute(sa.insert(subscriptions), rows)
            query = sa.select(subscriptions.c.id, subscriptions.c.subscriber, subscriptions.c.digest).where(
                subscriptions.c.subscriber.in_({subscriber for subscriber, _ in added})
            )
            ids = {(row.subscriber, row.digest): row.id for row in connection.execute(query)}
        return [(ids[place], item.consent) for place, item in added.items()]

    def _agree(self, agreed: Sequence[tuple[int, Consent]], *, given: bool) -> None:
        if not agreed:
            return
        with self._database.transaction() as connection:
            connection.execute(
                sa.insert(consents),
                [
                    {
                        "subscription": number,
                        "given": given,
                        "at": consent.at,
                        "basis": consent.basis,
                        "origin": consent.origin,
                        "wording": consent.text,
                    }
                    for number, consent in agreed
                ],
            )

    def change(
        self,
        subscription: int,
        state: SubscriptionState,
        at: datetime,
        reason: str = "",
        *,
        resumes: datetime | None = None,
    ) -> Subscription:
        """Change the state of a subscription; nothing happens when it has that state already.

        Ending one records that consent was withdrawn, and keeps the row: an import must not revive it. A pause may
        have an end (`resumes`), and be given another one.

        Raises:
            NotFound: there is no such subscription.
            StateError: it has ended, or cannot become that.
        """
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            before = self.get(subscription)
            if before.state == state and (state != _PAUSED or before.resumes == resumes):
                return before
            if state != before.state and state not in _MOVES[before.state]:
                raise StateError(f"subscription {subscription}", before.state, f"make it {state}")
            connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.id == subscription)
                .values(state=state.value, reason=reason, changed=at, resumes=resumes)
            )
            if state == _ENDED:
                self._agree([(subscription, Consent(at=at, basis="withdrawn", origin=reason))], given=False)
        return self.get(subscription)

    def prefer(self, subscription: int, preferences: Preferences, at: datetime) -> Subscription:
        """Replace the preferences of a subscription.

        Raises:
            NotFound: there is no such subscription.
            StateError: it has ended.
        """
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            if self.get(subscription).state == _ENDED:
                raise StateError(f"subscription {subscription}", _ENDED, "change its preferences")
            connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.id == subscription)
                .values(preferences=PREFERENCES.dump(preferences), changed=at)
            )
        return self.get(subscription)

    def wake(self, now: datetime) -> int:
        """Make active again whose pause has come to its end; how many."""
        with self._database.transaction() as connection:
            return connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.resumes <= now, subscriptions.c.state == _PAUSED.value)
                .values(state=_ACTIVE.value, reason="", changed=now, resumes=None)
            ).rowcount

    def wish(self, subscription: int, preferences: Preferences, at: datetime) -> None:
        """Note what somebody who is not subscribed (pending, ended) would choose; it counts once they confirm.

        Nothing happens to a subscription that runs: only its owner changes that (`prefer`).
        """
        asleep = [_PENDING.value, _ENDED.value]
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.id == subscription, subscriptions.c.state.in_(asleep))
                .values(preferences=PREFERENCES.dump(preferences), changed=at)
            )

    def confirm(self, subscription: int, consent: Consent, at: datetime) -> bool:
        """Make a pending or ended subscription active, by the person's own consent; whether it was not yet.

        This is the one way back for somebody who left: call it for nothing but an act of their own.

        Raises:
            NotFound: there is no such subscription.
        """
        with self._database.transaction() as connection:
            self._database.serialize(subscriptions)
            before = self.get(subscription)
            if before.state not in {_PENDING, _ENDED}:
                return False
            self.welcome(address_key(before.address))
            connection.execute(
                sa.update(subscriptions)
                .where(subscriptions.c.id == subscription)
                .values(state=_ACTIVE.value, reason="", changed=at)
            )
            self._agree([(subscription, consent)], given=True)
        return True

    # ---- read

    def get(self, subscription: int) -> Subscription:
        """One subscription, with its latest consent.

        Raises:
            NotFound: there is none.
        """
        found = self._fetch(_SUBSCRIPTION.where(subscriptions.c.id == subscription))
        if not found:
            raise NotFound("subscription", str(subscription))
        return found[0]

    def of(self, address: str) -> tuple[Subscription, ...]:
        """Every subscription of an address, ended ones too, by digest."""
        query = _SUBSCRIPTION.where(subscribers.c.key == address_key(address))
        return self._fetch(query.order_by(subscriptions.c.digest))

    def consents(self, subscription: int) -> tuple[tuple[bool, Consent], ...]:
        """What was agreed to (True) and withdrawn (False) for a subscription, in order."""
        query = sa.select(consents).where(consents.c.subscription == subscription).order_by(consents.c.id)
        with self._database.reading() as connection:
            return tuple((row.given, _consent(row)) for row in connection.execute(query))

    def every(
        self, digest: str = "", states: Collection[SubscriptionState] = (), *, page: int = _PAGE
    ) -> Iterator[Subscription]:
        """Subscriptions (to one digest, in these states) in the order they were made; streamed by key, flat memory."""
        query = _SUBSCRIPTION.order_by(subscriptions.c.id).limit(page)
        if digest:
            query = query.where(subscriptions.c.digest == digest)
        if states:
            query = query.where(subscriptions.c.state.in_([state.value for state in states]))
        return self._stream(query, page)

    def audience(self, digest: str, *, page: int = _PAGE) -> Iterator[Subscription]:
        """Who gets a digest now: active and not suppressed; streamed by key, flat memory."""
        query = (
            _SUBSCRIPTION.outerjoin(suppressions, suppressions.c.key == subscribers.c.key)
            .where(
                subscriptions.c.digest == digest,
                subscriptions.c.state == _ACTIVE.value,
                suppressions.c.key.is_(None),
            )
            .order_by(subscriptions.c.id)
            .limit(page)
        )
        return self._stream(query, page)

    def count(self, digest: str = "") -> dict[SubscriptionState, int]:
        """How many subscriptions (to one digest) are in each state."""
        query = sa.select(subscriptions.c.state, sa.func.count().label("n")).group_by(subscriptions.c.state)
        if digest:
            query = query.where(subscriptions.c.digest == digest)
        with self._database.reading() as connection:
            found = {row.state: row.n for row in connection.execute(query)}
        return {state: found.get(state.value, 0) for state in SubscriptionState}

    def _stream(self, query: AnyQuery, page: int) -> Iterator[Subscription]:
        # A short view per page: a long one would keep SQLite's log from being written back.
        after = 0
        while True:
            found = self._fetch(query.where(subscriptions.c.id > after))
            yield from found
            if len(found) < page:
                return
            after = found[-1].id

    def _fetch(self, query: AnyQuery) -> tuple[Subscription, ...]:
        with self._database.reading() as connection:
            return tuple(_subscription(row) for row in connection.execute(query))


_latest_consent = (
    sa.select(sa.func.max(consents.c.id))
    .where(consents.c.subscription == subscriptions.c.id, consents.c.given)
    .correlate(subscriptions)
    .scalar_subquery()
)
_SUBSCRIPTION: Final[AnyQuery] = (
    sa.select(
        subscriptions.c.id,
        subscriptions.c.subscriber,
        subscriptions.c.digest,
        subscriptions.c.state,
        subscriptions.c.preferences,
        subscriptions.c.resumes,
        subscribers.c.address,
        subscribers.c.name,
        consents.c.at,
        consents.c.basis,
        consents.c.origin,
        consents.c.wording,
    )
    .join_from(subscriptions, subscribers, subscribers.c.id == subscriptions.c.subscriber)
    .outerjoin(consents, (consents.c.subscription == subscriptions.c.id) & (consents.c.id == _latest_consent))
)


def _subscription(row: AnyRow) -> Subscription:
    return Subscription(
        id=row.id,
        subscriber=row.subscriber,
        digest=row.digest,
        address=row.address,
        name=row.name,
        state=SubscriptionState(row.state),
        preferences=PREFERENCES.load(row.preferences),
        consent=None if row.at is None else _consent(row),
        resumes=row.resumes,
    )


def _consent(row: AnyRow) -> Consent:
    return Consent(at=row.at, basis=row.basis, origin=row.origin, text=row.wording)
