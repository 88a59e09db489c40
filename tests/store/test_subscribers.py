from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.errors import NotFound, StateError
from digest.model import Consent, Length, Preferences, SubscriptionState
from digest.store import Fate, Store, Wanted, address_key
from tests.store.samples import CONSENT, NOW, readers

LATER = NOW + timedelta(hours=1)
ADA = Wanted(address="Ada@example.org", digest="weekly", consent=CONSENT, name="Ada")


def put(store: Store, *wanted: Wanted) -> list[Fate]:
    return list(store.subscribers.put(wanted, NOW))


def test_a_subscription_is_added_then_unchanged_then_updated(store: Store) -> None:
    assert put(store, ADA) == [Fate.ADDED]
    assert put(store, ADA) == [Fate.UNCHANGED]
    chosen = Preferences(regions=("CN-GD",), themes=("trade",), language="zh-Hans", length=Length.HEADLINES)
    changed = Wanted(address="ADA@example.org", digest="weekly", consent=CONSENT, name="Ada L.", preferences=chosen)
    assert put(store, changed) == [Fate.UPDATED]
    [kept] = store.subscribers.of("ada@EXAMPLE.org")
    assert (kept.address, kept.name, kept.preferences) == ("Ada@example.org", "Ada L.", chosen)
    assert (kept.state, kept.consent) == (SubscriptionState.ACTIVE, CONSENT)
    assert store.subscribers.get(kept.id) == kept
    assert [given for given, _ in store.subscribers.consents(kept.id)] == [True, True]


def test_a_name_is_not_lost_by_one_without(store: Store) -> None:
    put(store, ADA)
    assert put(store, Wanted(address="ada@example.org", digest="weekly", consent=CONSENT)) == [Fate.UNCHANGED]
    assert store.subscribers.of("ada@example.org")[0].name == "Ada"


def test_one_person_may_have_several_digests(store: Store) -> None:
    monthly = Wanted(address="ada@example.org", digest="monthly", consent=CONSENT)
    assert put(store, ADA, monthly, ADA) == [Fate.ADDED, Fate.ADDED, Fate.UNCHANGED]
    found = store.subscribers.of("ada@example.org")
    assert [one.digest for one in found] == ["monthly", "weekly"]
    assert len({one.subscriber for one in found}) == 1


def test_who_left_is_never_revived(store: Store) -> None:
    put(store, ADA)
    [ada] = store.subscribers.of("ada@example.org")
    store.subscribers.change(ada.id, SubscriptionState.ENDED, LATER, "unsubscribed")
    assert put(store, ADA) == [Fate.LEFT]
    [kept] = store.subscribers.of("ada@example.org")
    assert kept.state is SubscriptionState.ENDED
    assert list(store.subscribers.audience("weekly")) == []
    withdrawn = store.subscribers.consents(ada.id)[-1]
    assert withdrawn == (False, Consent(at=LATER, basis="withdrawn", origin="unsubscribed"))
    assert kept.consent == CONSENT  # what was agreed to stays on record


def test_a_suppressed_address_is_not_taken(store: Store) -> None:
    store.subscribers.suppress("ADA@example.org", "complaint", "abuse report 7", NOW)
    store.subscribers.suppress("ada@example.org", "operator", "later", LATER)
    assert put(store, ADA, readers(1)[0]) == [Fate.SUPPRESSED, Fate.ADDED]
    assert put(store, ADA) == [Fate.SUPPRESSED]
    assert store.subscribers.of("ada@example.org") == ()
    suppression = store.subscribers.suppression("Ada@Example.org")
    assert suppression is not None
    assert (suppression.key, suppression.cause, suppression.evidence) == (
        "ada@example.org", "complaint", "abuse report 7",
    )  # fmt: skip
    store.subscribers.lift("ada@example.org")
    assert store.subscribers.suppression("ada@example.org") is None
    assert put(store, ADA) == [Fate.ADDED]
    with pytest.raises(NotFound, match="suppression"):
        store.subscribers.lift("ada@example.org")


def test_a_pending_subscription_is_confirmed_by_a_consent(store: Store) -> None:
    pending = Wanted(
        address="ada@example.org", digest="weekly", consent=CONSENT, name="Ada", state=SubscriptionState.PENDING
    )
    assert put(store, pending) == [Fate.ADDED]
    assert list(store.subscribers.audience("weekly")) == []
    assert put(store, pending) == [Fate.UNCHANGED]
    assert put(store, ADA) == [Fate.UPDATED]
    assert len(list(store.subscribers.audience("weekly"))) == 1


def test_states_change_only_along_the_drawn_ways(store: Store) -> None:
    put(store, ADA)
    [ada] = store.subscribers.of("ada@example.org")
    for state in (SubscriptionState.PAUSED, SubscriptionState.ACTIVE, SubscriptionState.ENDED):
        assert store.subscribers.change(ada.id, state, NOW).state is state
        assert store.subscribers.change(ada.id, state, NOW).state is state
    with pytest.raises(StateError, match="is ended: cannot make it active"):
        store.subscribers.change(ada.id, SubscriptionState.ACTIVE, NOW)
    with pytest.raises(StateError, match="change its preferences"):
        store.subscribers.prefer(ada.id, Preferences(), NOW)
    assert len(store.subscribers.consents(ada.id)) == 2


def test_preferences_are_replaced(store: Store) -> None:
    put(store, ADA)
    [ada] = store.subscribers.of("ada@example.org")
    chosen = Preferences(themes=("energy",))
    assert store.subscribers.prefer(ada.id, chosen, LATER).preferences == chosen


def test_the_audience_is_streamed_page_by_page(store: Store) -> None:
    put(store, *readers(25), *readers(3, "monthly"))
    store.subscribers.suppress("reader3@example.org", "refused", "", NOW)
    ended = store.subscribers.of("reader4@example.org")[0]
    store.subscribers.change(ended.id, SubscriptionState.ENDED, NOW)
    for page in (1, 7, 22, 23, 24, 1000):
        found = list(store.subscribers.audience("weekly", page=page))
        assert len(found) == 23
        assert [one.id for one in found] == sorted({one.id for one in found})
    assert len(list(store.subscribers.every(page=10))) == 28
    assert len(list(store.subscribers.every("weekly", [SubscriptionState.ENDED]))) == 1
    assert store.subscribers.count("weekly")[SubscriptionState.ACTIVE] == 24
    assert store.subscribers.count() == {
        SubscriptionState.ACTIVE: 27,
        SubscriptionState.ENDED: 1,
        SubscriptionState.PENDING: 0,
        SubscriptionState.PAUSED: 0,
    }


def test_many_at_once_go_in_by_chunks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.subscribers._PAGE", 4)
    wanted = readers(10)
    assert put(store, *wanted, *wanted) == [Fate.ADDED] * 10 + [Fate.UNCHANGED] * 10
    assert put(store) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADA@example.org", "ada@EXAMPLE.ORG"),
        ("straße@example.org", "STRASSE@example.org"),
        ("é@x.org", "e\u0301@x.org"),
    ],
)
def test_addresses_are_compared_without_case(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    acts: tuple[Callable[[], object], ...] = (
        lambda: store.subscribers.get(9),
        lambda: store.subscribers.change(9, SubscriptionState.ENDED, NOW),
        lambda: store.subscribers.prefer(9, Preferences(), NOW),
    )
    for act in acts:
        with pytest.raises(NotFound, match="no subscription '9'"):
            act()
    assert store.subscribers.of("nobody@example.org") == ()
    assert store.subscribers.consents(9) == ()
