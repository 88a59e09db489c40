"""Ranges over several machines: who holds what, until when, and with which part of the limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import StoreError
from digest.model import Accepted, Deferred, Record, Reply
from digest.store import Lease, Part, Store
from tests.store.samples import NOW, start_campaign

ID = "weekly-2018-W29"
LONG = 3600.0


def spread(store: Store, readers: int, parts: int) -> tuple[int, ...]:
    start_campaign(store, readers)
    store.leases.spread(ID, parts, NOW)
    return store.leases.free(ID, NOW)


def take(store: Store, seconds: float = LONG, first: int | None = None) -> Lease:
    lease = store.leases.take(ID, NOW, seconds, first)
    assert lease is not None
    return lease


def send(store: Store, lease: Lease, *, until: int | None = None) -> int:
    """Send what is due of a range; how many copies. The copy `until` is deferred for an hour."""
    ledger = store.campaigns.ledger(ID, span=lease.span)
    claims = ledger.exchange((), 100, NOW)
    records = [
        Record(delivery=claim.delivery, outcome=Accepted(reply=Reply(code=250)), at=NOW, revision=1)
        if claim.delivery != until
        else Record(
            delivery=claim.delivery,
            outcome=Deferred(reply=Reply(code=450)),
            at=NOW,
            revision=1,
            again_at=NOW + timedelta(hours=1),
        )
        for claim in claims
    ]
    ledger.exchange(records, 0, NOW)
    return len(claims)


def test_ranges_are_taken_one_by_one_and_given_back_when_they_are_done(store: Store) -> None:
    firsts = spread(store, 10, 3)
    assert len(firsts) == 3
    assert not store.leases.done(ID)
    one, two = take(store), take(store, first=firsts[2])
    assert (one.span.first, two.span.first) == (firsts[0], firsts[2])
    assert store.leases.take(ID, NOW, LONG, firsts[0]) is None, "it is held"
    assert store.leases.free(ID, NOW) == (firsts[1],)
    sent = send(store, one) + send(store, two)
    store.leases.give_back(one, NOW)
    store.leases.give_back(two, NOW)
    assert store.leases.free(ID, NOW) == (firsts[1],)
    assert store.leases.left(ID, NOW) == 1
    last = take(store)
    assert store.leases.left(ID, NOW) == 1, "a held one is left, too"
    assert sent + send(store, last) == 10
    store.leases.give_back(last, NOW)
    assert store.leases.done(ID)
    assert store.leases.take(ID, NOW, LONG) is None


def test_what_was_not_sent_is_due_at_once_and_what_was_deferred_when_it_falls_due(store: Store) -> None:
    spread(store, 4, 2)
    unsent, deferred = take(store), take(store)
    store.leases.give_back(unsent, NOW)
    assert store.leases.free(ID, NOW) == (unsent.span.first,)
    assert send(store, deferred, until=3) == 2
    store.leases.give_back(deferred, NOW)
    assert store.leases.free(ID, NOW) == (unsent.span.first,)
    assert store.leases.free(ID, NOW + timedelta(hours=1)) == (unsent.span.first, deferred.span.first)
    assert not store.leases.done(ID)


def test_who_does_not_renew_loses_the_range_and_can_send_no_more(store: Store) -> None:
    spread(store, 4, 1)
    frozen = take(store, seconds=-1)  # its time is over before it began
    ledger = store.campaigns.ledger(ID, span=frozen.span)
    [claim] = ledger.exchange((), 1, NOW)
    other = take(store)
    assert other.span == replace(frozen.span, turn=other.span.turn)
    assert other.span.turn > frozen.span.turn
    with pytest.raises(StoreError, match=r"taken .* over"):
        ledger.exchange((), 1, NOW, leaving=[claim.delivery])
    assert not store.leases.renew(frozen, LONG)
    assert store.leases.part(frozen, 8) == Part(share=0, sessions=0)
    store.leases.give_back(frozen, NOW)
    assert store.leases.free(ID, NOW) == (), "what it gives back is not its own any more"
    assert store.campaigns.ledger(ID, span=other.span).recover(NOW, resend=True) == 1
    assert send(store, other) == 4


def test_the_parts_of_all_holders_are_never_more_than_the_whole(store: Store) -> None:
    spread(store, 12, 4)
    held: list[Lease] = []
    parts = {}

    def renew(lease: Lease) -> None:
        assert store.leases.renew(lease, LONG)
        part = store.leases.part(lease, 7)
        parts[lease.span.first] = part
        assert sum(one.share for one in parts.values()) <= 1 + 1e-9
        assert sum(one.sessions for one in parts.values()) <= 7

    for _ in range(4):
        held.append(take(store))
        renew(held[-1])
        assert len(held) == 1 or parts[held[-1].span.first].share < 1 / len(held)
    assert parts[held[0].span.first].sessions == 7, "connections that are open do not close for others"
    for _ in range(2):
        for lease in held:
            renew(lease)
    assert [round(one.share, 6) for one in parts.values()] == [0.25] * 4, "after two renewals each has its fair part"
    store.leases.give_back(held[0], NOW)
    del parts[held[0].span.first]
    renew(held[1])
    assert parts[held[1].span.first].share == pytest.approx(1 / 3)
    assert parts[held[1].span.first].sessions == 7 // 3


def test_a_campaign_is_divided_anew_only_when_nothing_of_it_is_under_way(store: Store) -> None:
    firsts = spread(store, 9, 3)
    store.leases.spread(ID, 1, NOW)
    assert store.leases.free(ID, NOW) == firsts
    for _ in firsts:
        lease = take(store)
        send(store, lease)
        store.leases.spread(ID, 1, NOW)
        store.leases.give_back(lease, NOW)
    assert store.leases.done(ID)
    store.leases.spread(ID, 2, NOW)
    assert len(store.leases.free(ID, NOW)) == 2


def test_a_range_that_only_waits_gives_way_to_those_that_nobody_has_looked_at(store: Store) -> None:
    firsts = spread(store, 6, 3)
    ranges = [take(store, first=first) for first in firsts]
    for number, lease in enumerate(ranges):
        assert not store.leases.untouched(ID, NOW), "others hold what is left"
        ledger = store.campaigns.ledger(ID, span=lease.span)
        due = NOW + timedelta(seconds=3 - number)
        waits = [
            Record(
                delivery=one.delivery,
                outcome=Deferred(reply=Reply(code=0), until=due),
                at=NOW,
                revision=1,
                again_at=due,
            )
            for one in (ledger.exchange((), 10, NOW) if number else ())
        ]
        ledger.exchange(waits, 0, NOW)
    for lease in ranges:
        store.leases.give_back(lease, NOW)
    assert store.leases.untouched(ID, NOW)
    later = NOW + timedelta(seconds=5)
    assert store.leases.free(ID, later) == (firsts[0], firsts[2], firsts[1]), "the one due for longest first"
    assert take(store).span.first == firsts[0]
    assert not store.leases.untouched(ID, later), "the others have nothing but copies that wait"
