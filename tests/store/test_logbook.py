"""A fast sender writes lines; whoever asks finds the rows as if there were none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from digest.errors import StoreError
from digest.model import (
    Accepted,
    Claim,
    Deferred,
    DeliveryState,
    EditionState,
    Outcome,
    Record,
    Reply,
    SubscriptionState,
    Uncertain,
)
from digest.store import CampaignLedger, Store
from digest.store.schema import logbook
from tests.store.samples import NOW, start_campaign

ID = "weekly-2018-W29"
pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL cannot tell whether others wrote


def accepted(claim: Claim) -> Record:
    reply = Reply(code=250, text=f"queued as é{claim.delivery}", status="2.0.0")
    return Record(delivery=claim.delivery, outcome=Accepted(reply=reply), at=NOW, revision=1, items=b"\x05\x80")


def lines(store: Store) -> int:
    with store._database.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(logbook)) or 0


def send_fast(ledger: CampaignLedger, commits: int, wanted: int = 2) -> tuple[list[Claim], Sequence[Claim]]:
    """As a campaign does: each commit records the copies whose bodies are out, lets the next ones leave, and claims.

    What was recorded, what is out, and what is claimed at the end: so many commits after the first.
    """
    recorded: list[Claim] = []
    out: Sequence[Claim] = ()
    claims = ledger.exchange((), wanted, NOW)
    for _ in range(commits):
        following = ledger.exchange([accepted(one) for one in out], wanted, NOW, [one.delivery for one in claims])
        recorded += out
        out, claims = claims, following
    return recorded, (*out, *claims)


def test_nobody_sees_the_difference(store: Store) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    recorded, under_way = send_fast(ledger, 6)
    assert lines(store) > 1
    assert store.campaigns.tally(ID)[DeliveryState.ACCEPTED] == len(recorded) == 10
    assert lines(store) == 0
    rows = {row.id: row for row in store.campaigns.deliveries(ID)}
    for claim in recorded:
        row = rows[claim.delivery]
        assert (row.state, row.attempts, row.revision) == (DeliveryState.ACCEPTED, 1, 1)
        assert (row.claimed_at, row.finished_at, row.reply) == (NOW, NOW, f"250 2.0.0 queued as é{claim.delivery}")
    for claim in under_way:
        row = rows[claim.delivery]
        assert (row.state, row.attempts, row.claimed_at) == (DeliveryState.CLAIMED, 1, NOW)
    with store._database.reading() as connection:
        kept = connection.scalars(sa.text("SELECT DISTINCT items FROM deliveries WHERE state = 'accepted'")).all()
    assert kept == [b"\x05\x80"]


def test_everyone_gets_one_however_far_it_looks_ahead(store: Store) -> None:
    start_campaign(store, 300)
    ledger = store.campaigns.ledger(ID)
    taken: list[int] = []
    records: list[Record] = []
    while claims := ledger.exchange(records, 7, NOW):
        taken += [claim.delivery for claim in claims]
        records = [accepted(claim) for claim in claims]
    assert len(taken) == len(set(taken)) == 300
    assert store.campaigns.tally(ID)[DeliveryState.ACCEPTED] == 300


@pytest.mark.parametrize("resend", [True, False])
def test_lines_of_a_dead_sender_are_what_it_did(store: Store, resend: bool) -> None:
    start_campaign(store, 40)
    recorded, (*out, _, _) = send_fast(store.campaigns.ledger(ID), 6)
    assert lines(store)
    heir = store.campaigns.ledger(ID)
    assert heir.recover(NOW, resend=resend) == 4
    assert lines(store) == 0
    found = {row.id: row.state for row in store.campaigns.deliveries(ID)}
    in_doubt = DeliveryState.QUEUED if resend else DeliveryState.UNCERTAIN
    assert {one.delivery for one in recorded} == {
        one for one, is_in in found.items() if is_in is DeliveryState.ACCEPTED
    }
    assert {found[one.delivery] for one in out} == {in_doubt}
    assert sum(is_in is DeliveryState.QUEUED for is_in in found.values()) == 30 - (0 if resend else 2)


def test_who_took_a_range_over_stops_its_lines(store: Store) -> None:
    start_campaign(store, 40)
    [span] = store.campaigns.divide(ID, 1)
    thought_dead = store.campaigns.ledger(ID, span=span)
    recorded, _ = send_fast(thought_dead, 5)
    with store._database.quick() as cursor:  # on the sender's own connection, so that it cannot tell
        cursor.execute("UPDATE ranges SET turn = turn + 1")
    before = lines(store)
    with pytest.raises(StoreError, match=r"taken .* over"):
        thought_dead.exchange((), 1, NOW)
    assert lines(store) == before
    assert store.campaigns.tally(ID)[DeliveryState.ACCEPTED] == len(recorded)


def test_who_leaves_is_not_written_to_though_seen_ahead(store: Store) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    send_fast(ledger, 5)
    *_, last = ledger._claimer.place.ahead
    assert ledger._claimer.place.taken < len(ledger._claimer.place.ahead)
    store.subscribers.change(last.subscription, SubscriptionState.ENDED, NOW)
    rest: list[Claim] = []
    while claims := ledger.exchange((), 2, NOW):
        rest += claims
    assert last.delivery not in {claim.delivery for claim in rest}
    [skipped] = store.campaigns.deliveries(ID, states=[DeliveryState.SKIPPED])
    assert skipped.id == last.delivery


def test_a_pause_and_a_cancellation_hold_for_what_was_seen_ahead(store: Store) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    recorded, under_way = send_fast(ledger, 6)
    store.editions.move(ID, EditionState.PAUSED, NOW)
    assert not ledger.exchange((), 2, NOW)
    assert store.campaigns.end(ID, "cancelled", NOW) == 40 - len(recorded) - len(under_way)
    store.editions.move(ID, EditionState.SENDING, NOW)
    assert not ledger.exchange([accepted(one) for one in under_way], 2, NOW)
    found = {state: count for state, count in store.campaigns.tally(ID).items() if count}
    assert found == {DeliveryState.ACCEPTED: 14, DeliveryState.SKIPPED: 26}


def test_a_line_that_failed_is_taken_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    _, under_way = send_fast(ledger, 5)

    def full(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(ledger._logbook, "append", full)
        with pytest.raises(StoreError, match="disk is full"):
            ledger.exchange((), 2, NOW)
    seen = {claim.delivery for claim in under_way}
    again = ledger.exchange((), 2, NOW)
    assert [claim.delivery for claim in again] == [max(seen) + 1, max(seen) + 2]


@pytest.mark.parametrize(
    "outcome", [Deferred(reply=Reply(code=451, text="later")), Uncertain(reply=Reply(code=0, text="lost"))]
)
def test_what_is_deferred_in_a_line_comes_again_when_it_is_due(store: Store, outcome: Outcome) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    _, (out, *_) = send_fast(ledger, 5)
    due = NOW + timedelta(seconds=30)
    before = lines(store)
    ledger.exchange([Record(delivery=out.delivery, outcome=outcome, at=NOW, again_at=due)], 1, NOW)
    assert lines(store) == before + 1
    assert ledger.next_due() == due
    [again] = ledger.exchange((), 1, due)
    assert (again.delivery, again.attempts) == (out.delivery, 2)


def test_a_copy_that_waits_for_its_slot_was_not_tried(store: Store) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    send_fast(ledger, 3)
    claims = ledger.exchange((), 2, NOW)
    assert lines(store), "the claims are lines by now"
    slot = NOW + timedelta(minutes=5)
    waits = [
        Record(
            delivery=one.delivery, outcome=Deferred(reply=Reply(code=0), until=slot), at=NOW, revision=1, again_at=slot
        )
        for one in claims
    ]
    ledger.exchange(waits, 0, NOW)
    rows = {row.id: row for row in store.campaigns.deliveries(ID)}
    for claim in claims:
        row = rows[claim.delivery]
        assert (row.state, row.attempts, row.next_attempt_at) == (DeliveryState.DEFERRED, 0, slot)
        assert "slot" in row.reason
    # Whoever sends next begins with them: limits may be others by then.
    again = store.campaigns.ledger(ID)
    again.recover(NOW, resend=False)
    attempts = {one.delivery: one.attempts for one in again.exchange((), 100, NOW)}
    assert [attempts[one.delivery] for one in claims] == [1, 1]


def test_a_claim_counts_once_whether_its_end_comes_with_a_line_or_with_the_rows(store: Store) -> None:
    start_campaign(store, 40)
    ledger = store.campaigns.ledger(ID)
    recorded, under_way = send_fast(ledger, 5)
    ledger.exchange([accepted(one) for one in under_way], 0, NOW)  # wants nothing more: the rows are written
    assert not lines(store)
    sent = {one.delivery for one in (*recorded, *under_way)}
    assert {row.attempts for row in store.campaigns.deliveries(ID) if row.id in sent} == {1}
