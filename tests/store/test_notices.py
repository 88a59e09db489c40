"""Notices and requests on both databases: once per cause, claimed before sent, counted per network."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.errors import NotFound
from digest.model import (
    Accepted,
    Consent,
    Deferred,
    DeliveryState,
    Outcome,
    Preferences,
    Record,
    Refused,
    Reply,
    Skipped,
    SubscriptionState,
    Uncertain,
)
from digest.store import Notice, Store, Wanted
from tests.store.samples import CONSENT, NOW

ADA = "Ada@example.net"
HOUR = timedelta(hours=1)
REPLY = Reply(code=250, text="queued\x00 as 7")


def add(store: Store, cause: str = "confirm:1", address: str = ADA, kind: str = "confirm") -> bool:
    notice = Notice(cause=cause, kind=kind, address=address, created=NOW, language="zh-Hans", values={"a": [1, "港"]})
    return store.notices.add(notice, f"<{cause}@example.net>")


def test_a_cause_makes_one_notice(store: Store) -> None:
    assert add(store)
    assert not add(store, address="other@example.net")
    assert store.notices.count("ada@EXAMPLE.net", "confirm", NOW - HOUR) == 1
    assert store.notices.count(ADA, "confirm", NOW) == 0
    assert store.notices.count(ADA, "link", NOW - HOUR) == 0


def test_a_notice_comes_back_as_it_was(store: Store) -> None:
    add(store)
    (delivery,) = store.notices.deliveries(ADA)
    notice = store.notices.get(delivery.id)
    assert (notice.kind, notice.address, notice.language, notice.values) == (
        "confirm",
        ADA,
        "zh-Hans",
        {"a": [1, "港"]},
    )
    assert notice.created == NOW
    with pytest.raises(NotFound):
        store.notices.get(999)


def test_what_is_claimed_is_claimed_once(store: Store) -> None:
    for number in range(3):
        add(store, f"c{number}")
    first, second = store.notices.ledger(), store.notices.ledger()
    claims = first.exchange([], 2, NOW)
    assert [claim.message_id for claim in claims] == ["<c0@example.net>", "<c1@example.net>"]
    assert (claims[0].attempts, claims[0].preferences) == (1, Preferences(language="zh-Hans"))
    assert [claim.message_id for claim in second.exchange([], 5, NOW)] == ["<c2@example.net>"]
    assert second.exchange([], 5, NOW) == []
    assert store.notices.waiting(NOW)  # claimed, by somebody who may have died


@pytest.mark.parametrize(
    ("outcome", "state", "reply", "reason"),
    [
        (Accepted(reply=REPLY), DeliveryState.ACCEPTED, "250 queued\ufffd as 7", ""),
        (Refused(reply=Reply(code=550, text="no")), DeliveryState.REFUSED, "550 no", ""),
        (Uncertain(reply=Reply(code=0)), DeliveryState.UNCERTAIN, "", ""),
        (Skipped(reason="left"), DeliveryState.SKIPPED, "", "left"),
        (Deferred(reply=Reply(code=451, text="busy")), DeliveryState.DEFERRED, "451 busy", ""),
    ],
)
def test_an_outcome_is_recorded(store: Store, outcome: Outcome, state: DeliveryState, reply: str, reason: str) -> None:
    add(store)
    ledger = store.notices.ledger()
    (claim,) = ledger.exchange([], 1, NOW)
    ledger.exchange([Record(delivery=claim.delivery, outcome=outcome, at=NOW)], 0, NOW)
    (delivery,) = store.notices.deliveries()
    assert (delivery.state, delivery.reply, delivery.reason) == (state, reply, reason)
    assert (delivery.finished_at is None) == (state is DeliveryState.DEFERRED)
    assert store.notices.waiting(NOW) == (state is DeliveryState.DEFERRED)


def test_what_is_settled_is_not_changed_by_a_late_record(store: Store) -> None:
    add(store)
    ledger = store.notices.ledger()
    (claim,) = ledger.exchange([], 1, NOW)
    for outcome in (Accepted(reply=REPLY), Refused(reply=Reply(code=550))):
        ledger.exchange([Record(delivery=claim.delivery, outcome=outcome, at=NOW)], 0, NOW)
    assert store.notices.deliveries()[0].state is DeliveryState.ACCEPTED


@pytest.mark.parametrize("outcome", [Deferred(reply=Reply(code=451)), Uncertain(reply=Reply(code=0))])
def test_a_deferred_notice_comes_when_it_is_due(store: Store, outcome: Outcome) -> None:
    add(store)
    ledger = store.notices.ledger()
    (claim,) = ledger.exchange([], 1, NOW)
    record = Record(delivery=claim.delivery, outcome=outcome, at=NOW, again_at=NOW + HOUR)
    assert ledger.exchange([record], 1, NOW) == []
    assert ledger.next_due() == NOW + HOUR
    assert not store.notices.waiting(NOW)
    assert store.notices.waiting(NOW + HOUR)
    (again,) = ledger.exchange([], 1, NOW + HOUR)
    assert (again.message_id, again.attempts) == (claim.message_id, 2)
    assert ledger.next_due() is None


@pytest.mark.parametrize(("resend", "state"), [(True, DeliveryState.QUEUED), (False, DeliveryState.UNCERTAIN)])
def test_what_a_dead_process_had_claimed_is_found(store: Store, resend: bool, state: DeliveryState) -> None:
    add(store)
    store.notices.ledger().exchange([], 1, NOW)
    assert store.notices.ledger().recover(NOW, resend=resend) == 1
    assert store.notices.deliveries()[0].state is state
    assert store.notices.ledger().recover(NOW, resend=resend) == 0


def test_nothing_is_claimed_for_a_suppressed_address(store: Store) -> None:
    add(store, "c1")
    add(store, "c2", address="other@example.net")
    store.subscribers.suppress(ADA, "complaint", "", NOW)
    assert [claim.address for claim in store.notices.ledger().exchange([], 1, NOW)] == ["other@example.net"]
    skipped = store.notices.deliveries(ADA)[0]
    assert (skipped.state, skipped.reason) == (DeliveryState.SKIPPED, "suppressed: complaint")


def test_requests_are_counted_by_network_and_forgotten(store: Store) -> None:
    def ask(network: str, after: timedelta = timedelta(0)) -> bool:
        return store.requests.add({"address": ADA}, network, NOW + after, window=HOUR, each=2, together=3)

    assert [ask("a"), ask("a"), ask("a"), ask("b"), ask("c")] == [True, True, False, True, False]
    assert ask("c", HOUR)
    first, *_ = store.requests.open()
    assert (first.network, first.at, first.payload) == ("a", NOW, {"address": ADA})
    assert store.requests.settle(first.id, NOW)
    assert not store.requests.settle(first.id, NOW)
    assert len(store.requests.open()) == 3
    store.requests.forget(NOW + timedelta(days=2))
    assert len(store.requests.open()) == 3  # what is not settled is never forgotten


def test_only_a_persons_own_consent_brings_them_back(store: Store) -> None:
    store.subscribers.put([Wanted(address=ADA, digest="weekly", consent=CONSENT, state=SubscriptionState.PENDING)], NOW)
    (one,) = store.subscribers.of(ADA)
    store.subscribers.wish(one.id, Preferences(regions=("IL",)), NOW)
    own = Consent(at=NOW, basis="double opt-in", origin="network", text="Yes.")
    assert store.subscribers.confirm(one.id, own, NOW)
    assert not store.subscribers.confirm(one.id, own, NOW)
    active = store.subscribers.get(one.id)
    assert (active.state, active.preferences.regions, active.consent) == (SubscriptionState.ACTIVE, ("IL",), own)
    store.subscribers.wish(one.id, Preferences(regions=("BR",)), NOW)  # somebody else's form
    assert store.subscribers.get(one.id).preferences.regions == ("IL",)
    store.subscribers.change(one.id, SubscriptionState.ENDED, NOW, "unsubscribed")
    assert store.subscribers.confirm(one.id, own, NOW)
    with pytest.raises(NotFound):
        store.subscribers.confirm(999, own, NOW)


def test_a_store_is_current_once_it_is_migrated(store: Store) -> None:
    assert store.is_current()
    assert store.editions.approvals([]) == {}
    assert store.editions.carrying("none") == ()
