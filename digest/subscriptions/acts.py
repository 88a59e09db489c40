"""What readers do themselves, each by a link of their own: confirm, choose, pause, read by feed, leave, come back.

Whoever holds the link may act; who that is, `digest.links` has checked. Every act may come twice: a second one changes
nothing. Consent that is given or withdrawn here is kept with its time, its origin and its text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from digest.errors import NotFound, StateError
from digest.model import Consent, Preferences, Subscription, SubscriptionState, Timing
from digest.store import Store, Wanted
from digest.subscriptions.person import BY_LINK, leave

RUNNING: Final = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED)
UNDO: Final = timedelta(hours=1)  # for so long somebody who left can take it back


def confirm(
    store: Store, subscriptions: Sequence[int], asked: datetime, *, consent: Consent
) -> tuple[Subscription, ...]:
    """Make subscriptions active that somebody asked for; those that became active now.

    Args:
        store: where they are kept.
        subscriptions: pending ones, or ended ones of somebody who comes back.
        asked: when the link was made. Who left after that stays out, whatever old mail is opened again.
        consent: as given now.
    """
    with store.transaction():
        found = [one for number in subscriptions if (one := _find(store, number)) is not None]
        wanted = [one for one in found if not _left_since(store, one.id, asked)]
        return tuple(
            store.subscribers.get(one.id) for one in wanted if store.subscribers.confirm(one.id, consent, consent.at)
        )


def choose(
    store: Store,
    subscription: int,
    preferences: Preferences,
    *,
    digests: Collection[str] | None = None,
    consent: Consent,
) -> Subscription:
    """Replace the preferences of a subscription; and let its reader have exactly these digests, unless None.

    A digest that comes new gets the same preferences.

    Raises:
        NotFound: there is no such subscription.
        StateError: it has ended.
    """
    now = consent.at
    with store.transaction():
        one = store.subscribers.prefer(subscription, preferences, now)
        if digests is not None:
            mine = {other.digest: other for other in store.subscribers.of(one.address)}
            for digest in digests:
                other = mine.get(digest)
                if other is None:
                    wanted = Wanted(
                        address=one.address,
                        digest=digest,
                        consent=consent,
                        name=one.name,
                        preferences=preferences,
                        own=True,
                    )
                    store.subscribers.put([wanted], now)
                else:
                    store.subscribers.confirm(other.id, consent, now)
            for other in mine.values():
                if other.digest not in digests and other.state in RUNNING:
                    leave(store, other.id, now)
        return store.subscribers.get(subscription)


def pause(store: Store, subscription: int, now: datetime, *, until: datetime | None = None) -> Subscription:
    """Send nothing of this digest until a time, or until the reader resumes; nothing happens where none runs.

    Raises:
        NotFound: there is no such subscription.
    """
    one = store.subscribers.get(subscription)
    if one.state not in RUNNING:
        return one
    return store.subscribers.change(subscription, SubscriptionState.PAUSED, now, "paused by the reader", resumes=until)


def read_by_feed(store: Store, subscription: int, now: datetime) -> Subscription:
    """Send nothing of this digest, and open a private feed of what its reader chose; nothing happens where none runs.

    Raises:
        NotFound: there is no such subscription.
    """
    with store.transaction():
        one = store.subscribers.get(subscription)
        if one.state not in RUNNING:
            return one
        store.people.open_feed(subscription, now)
        return store.subscribers.change(subscription, SubscriptionState.PAUSED, now, "reads by feed")


def read_less(store: Store, subscription: int, every: int, now: datetime) -> Subscription:
    """Send every n-th edition only; the other choices stay. Nothing happens to a subscription that has ended.

    Raises:
        NotFound: there is no such subscription.
    """
    with store.transaction():
        one = store.subscribers.get(subscription)
        if one.state not in RUNNING:
            return one
        timing = replace(one.preferences.timing or Timing(), every=every)
        return store.subscribers.prefer(subscription, replace(one.preferences, timing=timing), now)


def resume(store: Store, subscription: int, now: datetime) -> Subscription:
    """End a pause; nothing happens when there is none.

    Raises:
        NotFound: there is no such subscription.
    """
    one = store.subscribers.get(subscription)
    if one.state is not SubscriptionState.PAUSED:
        return one
    return store.subscribers.change(subscription, SubscriptionState.ACTIVE, now)


def leave_all(store: Store, subscription: int, now: datetime) -> tuple[Subscription, ...]:
    """End this subscription and every other one of the same person.

    Raises:
        NotFound: there is no such subscription.
    """
    with store.transaction():
        one = store.subscribers.get(subscription)
        others = [other for other in store.subscribers.of(one.address) if other.state is not SubscriptionState.ENDED]
        return tuple(leave(store, other.id, now) for other in others)


def can_undo(store: Store, subscription: int, now: datetime) -> bool:
    """Whether its reader left by a link, a short while ago, and may come back without a new sign-up."""
    one = _find(store, subscription)
    if one is None or one.state is not SubscriptionState.ENDED:
        return False
    given, last = store.subscribers.consents(subscription)[-1]
    return not given and last.origin == BY_LINK and now - last.at <= UNDO


def undo(store: Store, subscription: int, *, origin: str, now: datetime) -> Subscription:
    """Take leaving back, with the consent that was withdrawn; nothing happens when the subscription runs.

    Raises:
        NotFound: there is no such subscription.
        StateError: its reader did not leave by a link, or too long ago.
    """
    with store.transaction():
        one = store.subscribers.get(subscription)
        if one.state in RUNNING:
            return one
        if not can_undo(store, subscription, now):
            raise StateError(f"subscription {subscription}", one.state, "undo it", "subscribe again")
        text = one.consent.text if one.consent else ""
        consent = Consent(at=now, basis="leaving was taken back", origin=origin, text=text)
        store.subscribers.confirm(subscription, consent, now)
        return replace(one, state=SubscriptionState.ACTIVE, consent=consent)


def _left_since(store: Store, subscription: int, moment: datetime) -> bool:
    after = moment + timedelta(seconds=1)  # links know whole seconds
    return any(not given and consent.at >= after for given, consent in store.subscribers.consents(subscription))


def _find(store: Store, subscription: int) -> Subscription | None:
    try:
        return store.subscribers.get(subscription)
    except NotFound:
        return None
