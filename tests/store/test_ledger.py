from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from digest.deliver.ledger import Ledger
from digest.errors import NotFound, StateError, StoreError
from digest.model import (
    Accepted,
    Claim,
    Deferred,
    DeliveryState,
    EditionState,
    Outcome,
    Preferences,
    Received,
    Record,
    Refused,
    Reply,
    Skipped,
    SubscriptionState,
    Uncertain,
)
from digest.store import Campaign, CampaignLedger, RefusalPolicy, Store
from digest.store.ranges import Span
from digest.store.schema import metadata
from tests.store.samples import NOW, make_article, make_edition, message_id, readers, start_campaign

ID = "weekly-2018-W29"
OK = Accepted(reply=Reply(code=250, text="queued", status="2.0.0"))
LATER = Deferred(reply=Reply(code=451, text="try later", status="4.7.1"))
NEVER = Refused(reply=Reply(code=550, text="no such user", status="5.1.1"))
LOST = Uncertain(reply=Reply(code=0, text="connection lost"))


def record(claim: Claim, outcome: Outcome = OK, at: datetime = NOW, **more: object) -> Record:
    return Record(delivery=claim.delivery, outcome=outcome, at=at, revision=1, **more)  # type: ignore[arg-type]  # fields of Record


def send_all(ledger: Ledger, wanted: int = 4, now: datetime = NOW, outcome: Outcome = OK) -> list[Claim]:
    """What delivery does: each exchange records the last claims and takes the next."""
    everything: list[Claim] = []
    records: Sequence[Record] = ()
    while claims := ledger.exchange(records, wanted, now):
        everything += claims
        records = [record(claim, outcome, now) for claim in claims]
    return everything


def states(store: Store, edition: str = ID) -> dict[DeliveryState, int]:
    return {state: n for state, n in store.campaigns.tally(edition).items() if n}


# ---- the campaign


def test_a_campaign_freezes_its_audience_and_their_preferences(store: Store) -> None:
    campaign = start_campaign(store, 5)
    assert (campaign.edition, campaign.audience, campaign.revision, campaign.key_id) == (ID, 5, 1, "k1")
    assert campaign.started == NOW
    store.subscribers.put(readers(9), NOW)  # too late for this edition
    [first] = store.subscribers.of("reader1@example.org")
    store.subscribers.prefer(first.id, Preferences(themes=("energy",)), NOW)
    assert store.campaigns.start(ID, message_id, NOW + timedelta(days=1)) == campaign
    claims = send_all(store.campaigns.ledger(ID))
    assert len(claims) == 5
    [claim] = [claim for claim in claims if claim.address == "reader1@example.org"]
    assert claim == Claim(
        delivery=claim.delivery,
        edition=ID,
        subscription=first.id,
        address="reader1@example.org",
        name="Reader 1",
        preferences=Preferences(regions=("CN-GD",)),
        attempts=1,
        message_id=f"<{first.id}@example.org>",
    )


def test_a_campaign_is_streamed_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.freezing.PAGE", 3)
    assert start_campaign(store, 10).audience == 10
    assert len(send_all(store.campaigns.ledger(ID))) == 10


def test_who_is_suppressed_or_not_active_is_no_audience(store: Store) -> None:
    store.subscribers.put(readers(4), NOW)
    store.subscribers.suppress("reader0@example.org", "complaint", "", NOW)
    for number, state in ((1, SubscriptionState.ENDED), (2, SubscriptionState.PAUSED)):
        store.subscribers.change(store.subscribers.of(f"reader{number}@example.org")[0].id, state, NOW)
    assert start_campaign(store, 4).audience == 1


def test_only_an_approved_edition_is_sent(store: Store) -> None:
    store.editions.prepare(make_edition(), {}, NOW)
    with pytest.raises(StateError, match="approve it first"):
        store.campaigns.start(ID, message_id, NOW)
    with pytest.raises(NotFound):
        store.campaigns.start("weekly-2018-W50", message_id, NOW)
    with pytest.raises(NotFound, match="no campaign"):
        store.campaigns.ledger(ID)


def test_a_campaign_ends_when_nothing_waits(store: Store) -> None:
    start_campaign(store, 2)
    assert not store.campaigns.finish(ID, NOW)
    ledger = store.campaigns.ledger(ID)
    claims = ledger.exchange((), 2, NOW)
    assert not store.campaigns.finish(ID, NOW)
    ledger.exchange([record(claims[0]), record(claims[1], LATER, again_at=NOW + timedelta(hours=1))], 0, NOW)
    assert not store.campaigns.finish(ID, NOW)
    send_all(ledger, now=NOW + timedelta(hours=1))
    assert store.campaigns.finish(ID, NOW)
    assert store.editions.state(ID) is EditionState.SENT
    assert store.campaigns.finish(ID, NOW)
    with pytest.raises(StateError, match="is sent"):
        store.campaigns.start(ID, message_id, NOW)


def test_two_that_start_together_make_one_campaign(store: Store) -> None:
    store.subscribers.put(readers(20), NOW)
    revision = store.editions.prepare(make_edition(), {}, NOW).revision
    store.editions.approve(ID, revision.hash, "mei", NOW)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(store.campaigns.start(ID, message_id, NOW))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.audience for answer in answers] == [20] * 3
    assert states(store) == {DeliveryState.QUEUED: 20}


# ---- claim and record


def test_every_copy_is_claimed_once_and_recorded(store: Store) -> None:
    start_campaign(store, 10)
    claims = send_all(store.campaigns.ledger(ID), wanted=3)
    assert len({claim.subscription for claim in claims}) == len(claims) == 10
    assert states(store) == {DeliveryState.ACCEPTED: 10}
    delivery = store.campaigns.deliveries(address="READER3@example.org")[0]
    assert (delivery.state, delivery.attempts, delivery.revision) == (DeliveryState.ACCEPTED, 1, 1)
    assert (delivery.reply, delivery.reason) == ("250 2.0.0 queued", "")
    assert (delivery.claimed_at, delivery.finished_at, delivery.next_attempt_at) == (NOW, NOW, None)
    assert delivery.edition == ID


def test_a_claim_is_committed_before_it_is_given(url: str) -> None:
    with Store.open(url) as sender, Store.open(url) as other:
        sender.migrate(site="a", now=NOW)
        start_campaign(sender, 3)
        sender.campaigns.ledger(ID).exchange((), 2, NOW)
        assert states(other) == {DeliveryState.CLAIMED: 2, DeliveryState.QUEUED: 1}


def test_the_record_travels_in_the_commit_that_claims_the_next(store: Store) -> None:
    start_campaign(store, 2)
    ledger = store.campaigns.ledger(ID)
    [first] = ledger.exchange((), 1, NOW)
    [second] = ledger.exchange([record(first)], 1, NOW)
    assert first.delivery != second.delivery
    assert states(store) == {DeliveryState.ACCEPTED: 1, DeliveryState.CLAIMED: 1}


def test_several_senders_share_a_campaign_and_claim_each_copy_once(store: Store) -> None:
    start_campaign(store, 60)
    taken: list[list[Claim]] = []
    spans = store.campaigns.divide(ID, 2) * 2  # two senders on each range, which is more than is ever done

    def send(span: Span) -> None:
        taken.append(send_all(store.campaigns.ledger(ID, span=span), wanted=5))

    threads = [threading.Thread(target=send, args=[span]) for span in spans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(claim.delivery for claims in taken for claim in claims)
    assert len(counted) == 60
    assert set(counted.values()) == {1}
    assert states(store) == {DeliveryState.ACCEPTED: 60}


def test_what_was_rolled_back_is_claimed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    start_campaign(store, 3)
    ledger = store.campaigns.ledger(ID)

    def fail(*_: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(ledger._claimer._claim, "run", fail)
        with pytest.raises(StoreError, match="disk is full"):
            ledger.exchange((), 2, NOW)
    assert len(send_all(ledger)) == 3


def test_deferred_copies_come_again_when_they_are_due(store: Store) -> None:
    start_campaign(store, 3)
    ledger = store.campaigns.ledger(ID)
    first, second = ledger.exchange((), 2, NOW)
    due = NOW + timedelta(minutes=5)
    [third] = ledger.exchange([record(first, LATER, again_at=due), record(second)], 2, NOW)
    assert ledger.next_due() == due
    assert ledger.exchange([record(third)], 2, due - timedelta(seconds=1)) == []
    [again] = ledger.exchange((), 2, due)
    assert (again.delivery, again.attempts, again.message_id) == (first.delivery, 2, first.message_id)
    assert ledger.next_due() is None
    ledger.exchange([record(again)], 0, due)
    assert states(store) == {DeliveryState.ACCEPTED: 3}


def test_due_copies_go_before_the_queue_and_those_of_others_are_seen(store: Store) -> None:
    start_campaign(store, 6)
    [span] = store.campaigns.divide(ID, 1)
    mine, other = store.campaigns.ledger(ID, span=span), store.campaigns.ledger(ID, span=span)
    [first] = mine.exchange((), 1, NOW)
    [second] = other.exchange((), 1, NOW)
    other.exchange([record(second, LATER, again_at=NOW + timedelta(seconds=30))], 0, NOW)
    [next_one] = mine.exchange([record(first)], 1, NOW)
    [due] = mine.exchange([record(next_one)], 1, NOW + timedelta(seconds=40))
    assert due.delivery == second.delivery


def test_a_deferral_that_falls_due_within_the_second_is_not_passed_over(store: Store) -> None:
    start_campaign(store, 2)
    ledger = store.campaigns.ledger(ID)
    claims = ledger.exchange((), 2, NOW)
    soon, sooner = NOW + timedelta(milliseconds=900), NOW + timedelta(milliseconds=300)
    ledger.exchange([record(claims[0], LATER, again_at=soon), record(claims[1], LATER, again_at=sooner)], 0, NOW)
    [first] = ledger.exchange((), 2, sooner)
    [second] = ledger.exchange((), 2, soon)
    assert [first.delivery, second.delivery] == [claims[1].delivery, claims[0].delivery]


def test_many_due_at_once_are_all_taken(store: Store) -> None:
    start_campaign(store, 7)
    ledger = store.campaigns.ledger(ID)
    claims = ledger.exchange((), 7, NOW)
    due = NOW + timedelta(minutes=1)
    ledger.exchange([record(claim, LATER, again_at=due) for claim in claims], 0, NOW)
    assert len(send_all(ledger, wanted=2, now=due)) == 7


def test_a_deferral_without_a_time_is_due_at_once(store: Store) -> None:
    start_campaign(store, 1)
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    ledger.exchange([record(claim, LATER)], 0, NOW)
    assert ledger.next_due() == NOW


@pytest.mark.parametrize(
    ("outcome", "state", "reason", "reply"),
    [
        (NEVER, DeliveryState.REFUSED, "", "550 5.1.1 no such user"),
        (LOST, DeliveryState.UNCERTAIN, "", "connection lost"),
        (Skipped(reason="too few items"), DeliveryState.SKIPPED, "too few items", ""),
        (Accepted(reply=Reply(code=250, text="a\x00b\ud800é" + "x" * 999)), DeliveryState.ACCEPTED, "", None),
    ],
)
def test_outcomes_are_recorded(
    store: Store, outcome: Outcome, state: DeliveryState, reason: str, reply: str | None
) -> None:
    start_campaign(store, 1)
    send_all(store.campaigns.ledger(ID), outcome=outcome)
    [delivery] = store.campaigns.deliveries(ID)
    assert (delivery.state, delivery.reason, delivery.finished_at) == (state, reason, NOW)
    if reply is None:
        assert delivery.reply.startswith("250 a\ufffdb?é")
        assert len(delivery.reply) < 600
    else:
        assert delivery.reply == reply


def test_an_uncertain_copy_that_shall_be_sent_again_waits_like_a_deferred_one(store: Store) -> None:
    start_campaign(store, 1)
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    due = NOW + timedelta(minutes=1)
    ledger.exchange([record(claim, LOST, again_at=due)], 0, NOW)
    [delivery] = store.campaigns.deliveries(ID)
    assert (delivery.state, delivery.next_attempt_at) == (DeliveryState.DEFERRED, due)
    assert "may have arrived" in delivery.reason


def test_a_late_record_does_not_change_what_is_settled(store: Store) -> None:
    start_campaign(store, 1)
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    ledger.exchange([record(claim)], 0, NOW)
    ledger.exchange([record(claim, NEVER)], 0, NOW)
    assert states(store) == {DeliveryState.ACCEPTED: 1}
    assert store.subscribers.suppressions() == ()


def test_a_record_for_another_campaign_changes_nothing(store: Store) -> None:
    start_campaign(store, 1)
    start_campaign(store, 1, "2018-W30")
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    store.campaigns.ledger("weekly-2018-W30").exchange([record(claim)], 0, NOW)
    assert states(store) == {DeliveryState.CLAIMED: 1}


# ---- who left meanwhile


def test_who_left_or_was_suppressed_meanwhile_is_skipped_with_the_reason(store: Store) -> None:
    start_campaign(store, 6)
    ids = [store.subscribers.of(f"reader{number}@example.org")[0].id for number in range(6)]
    store.subscribers.change(ids[0], SubscriptionState.ENDED, NOW, "unsubscribed")
    store.subscribers.change(ids[1], SubscriptionState.PAUSED, NOW)
    store.subscribers.suppress("reader2@example.org", "complaint", "", NOW)
    claims = send_all(store.campaigns.ledger(ID), wanted=2)
    assert [claim.address for claim in claims] == [f"reader{number}@example.org" for number in (3, 4, 5)]
    skipped = store.campaigns.deliveries(ID, states=[DeliveryState.SKIPPED])
    assert [delivery.reason for delivery in skipped] == [
        "the subscription is ended (unsubscribed)",
        "the subscription is paused",
        "suppressed: complaint",
    ]
    assert all(delivery.finished_at == NOW for delivery in skipped)
    assert store.campaigns.finish(ID, NOW)


def test_who_leaves_while_deferred_is_not_written_to_again(store: Store) -> None:
    start_campaign(store, 1)
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    ledger.exchange([record(claim, LATER, again_at=NOW)], 0, NOW)
    store.subscribers.change(claim.subscription, SubscriptionState.ENDED, NOW)
    assert ledger.exchange((), 1, NOW) == []
    assert states(store) == {DeliveryState.SKIPPED: 1}


def test_an_erased_subscriber_is_skipped(store: Store) -> None:
    start_campaign(store, 1)
    with store._database.transaction() as connection:
        for table in ("consents", "subscriptions", "subscribers"):
            connection.execute(sa.delete(metadata.tables[table]))
    assert store.campaigns.ledger(ID).exchange((), 1, NOW) == []
    assert store.campaigns.deliveries(ID)[0].reason == "the subscriber was erased"


def test_a_paused_edition_gives_no_copies_until_it_goes_on(store: Store) -> None:
    start_campaign(store, 4)
    ledger = store.campaigns.ledger(ID)
    [claim] = ledger.exchange((), 1, NOW)
    store.editions.move(ID, EditionState.PAUSED, NOW)
    assert ledger.exchange([record(claim, LATER, again_at=NOW)], 2, NOW) == []
    assert ledger.next_due() is None  # so that the run ends
    store.campaigns.start(ID, message_id, NOW)
    assert len(send_all(ledger, now=NOW + timedelta(seconds=2))) == 4


# ---- some of them


def test_only_some_addresses_and_the_others_later(store: Store) -> None:
    start_campaign(store, 5)
    only = store.campaigns.ledger(ID, only=["READER3@example.org", "reader1@example.org"])
    assert [claim.address for claim in send_all(only, wanted=1)] == ["reader1@example.org", "reader3@example.org"]
    assert not store.campaigns.finish(ID, NOW)
    assert len(send_all(store.campaigns.ledger(ID))) == 3
    assert store.campaigns.finish(ID, NOW)
    with pytest.raises(NotFound, match=r"no reader of this edition 'x@example\.org'"):
        store.campaigns.ledger(ID, only=["x@example.org"])


# ---- after a crash


def test_claims_of_a_dead_process_are_sent_again(store: Store) -> None:
    start_campaign(store, 4)
    [dead, _] = store.campaigns.ledger(ID).exchange((), 2, NOW)
    ledger = store.campaigns.ledger(ID)
    assert ledger.recover(NOW, resend=True) == 2
    claims = send_all(ledger)
    assert len({claim.delivery for claim in claims}) == 4
    again = next(claim for claim in claims if claim.delivery == dead.delivery)
    assert (again.attempts, again.message_id) == (2, dead.message_id)
    assert ledger.recover(NOW, resend=True) == 0


@pytest.mark.parametrize("resend", [True, False])
def test_what_was_claimed_and_had_not_left_is_never_in_doubt(store: Store, resend: bool) -> None:
    start_campaign(store, 3)
    dead = store.campaigns.ledger(ID)
    first, _second = dead.exchange((), 2, NOW)
    dead.exchange((), 0, NOW, [first.delivery])
    ledger = store.campaigns.ledger(ID)
    assert ledger.recover(NOW, resend=resend) == 2
    assert states(store) == (
        {DeliveryState.QUEUED: 3} if resend else {DeliveryState.QUEUED: 2, DeliveryState.UNCERTAIN: 1}
    )
    again = ledger.exchange((), 3, NOW)  # a new claim begins anew: nothing has left
    assert len(again) == (3 if resend else 2)
    ledger.recover(NOW, resend=False)
    assert states(store).get(DeliveryState.UNCERTAIN, 0) == (0 if resend else 1)


def test_or_they_are_held_as_uncertain_until_somebody_says_resend(store: Store) -> None:
    start_campaign(store, 2)
    dead = store.campaigns.ledger(ID)
    [claim] = dead.exchange((), 1, NOW)
    dead.exchange((), 0, NOW, [claim.delivery])
    ledger = store.campaigns.ledger(ID)
    assert ledger.recover(NOW, resend=False) == 1
    assert len(send_all(ledger)) == 1
    [uncertain] = store.campaigns.deliveries(ID, states=[DeliveryState.UNCERTAIN])
    assert (uncertain.finished_at, "may have arrived" in uncertain.reason) == (NOW, True)
    assert ledger.recover(NOW, resend=False) == 0
    assert ledger.recover(NOW, resend=True) == 1
    assert len(send_all(ledger)) == 1
    assert states(store) == {DeliveryState.ACCEPTED: 2}


def test_rows_that_another_process_put_back_are_found(store: Store) -> None:
    start_campaign(store, 3)
    [span] = store.campaigns.divide(ID, 1)
    crashed, running = store.campaigns.ledger(ID, span=span), store.campaigns.ledger(ID, span=span)
    crashed.exchange((), 1, NOW)
    claims = running.exchange((), 2, NOW)
    crashed.recover(NOW, resend=True)  # all three are queued again, behind the running one's cursor
    assert len(running.exchange([record(claim) for claim in claims], 5, NOW)) == 1


# ---- refusals


def refuse(store: Store, week: int, at: datetime, outcome: Outcome = NEVER, *, count: int = 2) -> None:
    edition = f"2018-W{week}"
    start_campaign(store, 1, edition)
    send_all(store.campaigns.ledger(f"weekly-{edition}", policy=RefusalPolicy(count=count)), now=at, outcome=outcome)


DAY = timedelta(days=1)


def test_refusals_on_different_days_suppress_after_the_policys_count(store: Store) -> None:
    refuse(store, 20, NOW)
    assert store.subscribers.suppressions() == ()
    refuse(store, 21, NOW + 7 * DAY)
    [suppression] = store.subscribers.suppressions()
    assert (suppression.key, suppression.cause, suppression.at) == ("reader0@example.org", "refused", NOW + 7 * DAY)
    assert suppression.evidence == ("weekly-2018-W20: 550 5.1.1 no such user; weekly-2018-W21: 550 5.1.1 no such user")
    assert list(store.subscribers.audience("weekly")) == []


def test_refusals_on_one_day_count_once(store: Store) -> None:
    refuse(store, 20, NOW)
    refuse(store, 21, NOW)
    assert store.subscribers.suppressions() == ()


def test_one_refusal_suffices_when_the_policy_says_so(store: Store) -> None:
    refuse(store, 20, NOW, count=1)
    assert len(store.subscribers.suppressions()) == 1


def test_a_fault_of_ours_never_counts(store: Store) -> None:
    blocked = Refused(reply=Reply(code=554, text="spam", status="5.7.1"), ours=True)
    for number in range(4):
        refuse(store, 20 + number, NOW + number * DAY, blocked)
    refuse(store, 30, NOW + 30 * DAY)
    assert store.subscribers.suppressions() == ()


def test_an_accepted_copy_in_between_forgives(store: Store) -> None:
    refuse(store, 20, NOW)
    refuse(store, 21, NOW + 7 * DAY, OK)
    refuse(store, 22, NOW + 14 * DAY)
    assert store.subscribers.suppressions() == ()


# ---- lists


def test_deliveries_are_listed_by_pages(store: Store) -> None:
    start_campaign(store, 5)
    start_campaign(store, 5, "2018-W30")
    first = store.campaigns.deliveries(limit=3)
    rest = store.campaigns.deliveries(after=first[-1].id)
    assert len(first) + len(rest) == 10
    assert len(store.campaigns.deliveries("weekly-2018-W30")) == 5
    assert len(store.campaigns.deliveries(address="reader1@example.org")) == 2
    assert store.campaigns.deliveries(states=[DeliveryState.BOUNCED]) == ()
    assert store.campaigns.get(ID).audience == 5


def test_the_ledger_is_what_delivery_asks_for(store: Store) -> None:
    start_campaign(store, 1)
    ledger: Ledger = store.campaigns.ledger(ID)  # mypy holds the two against each other
    assert isinstance(ledger, CampaignLedger)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL plans by the size of the table
def test_the_queue_and_the_due_copies_are_found_by_index(store: Store) -> None:
    start_campaign(store, 3)
    ledger = store.campaigns.ledger(ID)
    with store._database.reading() as connection:
        for statement, index in (
            (ledger._claimer._queued, "ix_deliveries_campaign_state_id"),
            (ledger._claimer._due, "ix_deliveries_due"),
        ):
            values = statement._bind({"now": str(NOW), "cursor": 1, "wanted": 1})
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement._text}", values)
            assert any(f"INDEX {index}" in row[3] for row in plan)


# ---- ranges


@pytest.mark.parametrize("parts", [1, 3, 7, 100])
def test_ranges_cover_everyone_once(store: Store, parts: int) -> None:
    start_campaign(store, 10)
    spans = store.campaigns.divide(ID, parts)
    assert len(spans) <= min(parts, 10)
    taken = [claim.delivery for span in spans for claim in send_all(store.campaigns.ledger(ID, span=span))]
    assert len(taken) == len(set(taken)) == 10
    assert states(store) == {DeliveryState.ACCEPTED: 10}


def test_who_lost_a_range_can_neither_claim_nor_let_a_body_leave_nor_record(store: Store) -> None:
    start_campaign(store, 8)
    one, two = store.campaigns.divide(ID, 2)
    thought_dead, other = store.campaigns.ledger(ID, span=one), store.campaigns.ledger(ID, span=two)
    [first, second] = thought_dead.exchange((), 2, NOW)
    thought_dead.exchange((), 0, NOW, [first.delivery])
    [elsewhere] = other.exchange((), 1, NOW)

    heir = store.campaigns.ledger(ID, span=store.campaigns.take_over(ID, one))
    for records, wanted, leaving in (((), 1, ()), ((), 0, [second.delivery]), ([record(first)], 0, ())):
        with pytest.raises(StoreError, match=r"taken .* over"):
            thought_dead.exchange(records, wanted, NOW, leaving)
    with pytest.raises(StoreError, match=r"taken .* over"):
        thought_dead.recover(NOW, resend=True)

    assert heir.recover(NOW, resend=False) == 2  # the first may have arrived, the second cannot have
    assert states(store) == {
        DeliveryState.UNCERTAIN: 1,
        DeliveryState.QUEUED: 6,
        DeliveryState.CLAIMED: 1,
    }
    assert second.delivery in {claim.delivery for claim in send_all(heir)}
    other.exchange([record(elsewhere)], 0, NOW)  # the other range is not touched
    send_all(other)
    assert states(store) == {DeliveryState.ACCEPTED: 7, DeliveryState.UNCERTAIN: 1}


def test_dividing_anew_takes_every_range(store: Store) -> None:
    start_campaign(store, 4)
    before = [store.campaigns.ledger(ID, span=span) for span in store.campaigns.divide(ID, 2)]
    store.campaigns.divide(ID, 2)  # the same numbers again, with another turn
    for ledger in before:
        with pytest.raises(StoreError, match=r"taken .* over"):
            ledger.exchange((), 1, NOW)


def test_a_campaign_without_readers_is_one_range(store: Store) -> None:
    start_campaign(store, 0)
    [span] = store.campaigns.divide(ID, 4)
    assert send_all(store.campaigns.ledger(ID, span=span)) == []


# ---- what readers received in other digests


def send_with(store: Store, edition: str, items: Sequence[bytes], outcomes: Sequence[Outcome], at: datetime) -> None:
    """Send an edition's copies, which hold these items."""
    ledger = store.campaigns.ledger(edition)
    claims = ledger.exchange((), len(items), at)
    records = [
        record(*one, at, items=held) for one, held in zip(zip(claims, outcomes, strict=True), items, strict=True)
    ]
    ledger.exchange(records, 0, at)


def begin(store: Store, digest: str, week: str, at: datetime, count: int = 3) -> Campaign:
    store.subscribers.put(readers(count, digest), NOW)
    revision = store.editions.prepare(make_edition(week, [make_article(1)], digest=digest), {}, NOW).revision
    store.editions.approve(revision.edition.id, revision.hash, "mei", NOW)
    return store.campaigns.start(revision.edition.id, message_id, at)


def test_a_claim_tells_what_its_reader_received_in_other_digests(store: Store) -> None:
    hour = timedelta(hours=1)
    for digest in ("early", "daily", "next"):
        begin(store, digest, "2018-W29", NOW)
    begin(store, "daily", "2018-W20", NOW)
    send_with(store, "daily-2018-W29", [b"\x05", b"\x01\x80", b"\x07"], [OK, OK, NEVER], NOW + hour)
    send_with(store, "early-2018-W29", [b"\x02", b""], [OK, OK], NOW + hour)
    send_with(store, "daily-2018-W20", [b"\x01"] * 3, [OK] * 3, NOW + hour)  # too long ago to matter
    campaign = begin(store, "weekly", ID[-8:], NOW + 2 * hour, 5)
    send_with(store, "next-2018-W29", [b"\x01"] * 3, [OK] * 3, NOW + 3 * hour)  # after this one began
    since = make_edition("2018-W28").period.start
    ledger = store.campaigns.ledger(ID, received_since=since)
    claims = [*ledger.exchange((), 4, campaign.started), *ledger.exchange((), 4, campaign.started)]
    received = {claim.address.partition("@")[0]: claim.received for claim in claims}
    daily, early = "daily-2018-W29", "early-2018-W29"
    assert received == {
        "reader0": (
            Received(edition=early, revision=1, items=b"\x02"),
            Received(edition=daily, revision=1, items=b"\x05"),
        ),
        "reader1": (Received(edition=daily, revision=1, items=b"\x01\x80"),),
        "reader2": (),
        "reader3": (),
        "reader4": (),
    }
    assert not ledger.exchange((), 4, campaign.started)


def test_who_does_not_ask_is_told_nothing(store: Store) -> None:
    begin(store, "daily", "2018-W29", NOW)
    send_with(store, "daily-2018-W29", [b"\x01"] * 3, [OK] * 3, NOW)
    begin(store, "weekly", "2018-W29", NOW)
    claims = store.campaigns.ledger(ID).exchange((), 3, NOW)
    assert [claim.received for claim in claims] == [()] * 3


def test_how_far_sending_has_come_only_grows(store: Store) -> None:
    """The fence takes a store that has come less far than it noted for a backup that was restored."""
    start_campaign(store, 4)
    ledger = store.campaigns.ledger(ID)
    slot = Deferred(reply=Reply(code=0, text="its domain has no room"), until=NOW + timedelta(seconds=5))
    seen = [store.campaigns.progress()]
    claims = ledger.exchange((), 3, NOW)
    seen.append(store.campaigns.progress())
    more = ledger.exchange([record(claim, slot, again_at=slot.until) for claim in claims], 1, NOW)
    seen.append(store.campaigns.progress())
    ledger.exchange([record(claim, LATER, again_at=NOW + timedelta(hours=1)) for claim in more], 0, NOW)
    seen.append(store.campaigns.progress())
    later = NOW + timedelta(days=1)
    claims = ledger.exchange((), 4, later)
    seen.append(store.campaigns.progress())
    store.campaigns.ledger(ID).recover(later, resend=True)
    seen.append(store.campaigns.progress())
    send_all(store.campaigns.ledger(ID), now=later)
    seen.append(store.campaigns.progress())
    assert seen == sorted(seen)
    assert len(claims) == 4
    assert seen[-1][1] > seen[0][1]
