"""What a person may ask for: pauses that end, their data, to be forgotten, a private feed. On both databases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from digest.links import Key, Links
from digest.model import (
    Accepted,
    Consent,
    DeliveryState,
    Period,
    Preferences,
    Record,
    Reply,
    SubscriptionState,
    Timing,
)
from digest.store import ERASED, Fate, Notice, Store, Wanted
from digest.store.schema import metadata
from tests.store.samples import CONSENT, NOW, SHANGHAI, make_article, make_edition

ADA = "Ada@example.net"
OLD, NEW = Key.of("o" * 40), Key.of("n" * 40)
LINKS = Links("https://weekly.example.com", [OLD])


@pytest.fixture
def own(url: str) -> Store:
    opened = Store.open(url, fingerprints=LINKS.fingerprints)
    opened.migrate(site="site-1", now=NOW)
    return opened


def subscribe(store: Store, address: str = ADA, **more: object) -> Fate:
    return store.subscribers.put([Wanted(address=address, digest="weekly", consent=CONSENT, **more)], NOW)[0]  # type: ignore[arg-type] # a table of fields


def number_of(store: Store, address: str = ADA) -> int:
    return store.subscribers.of(address)[0].id


def everything_kept(store: Store) -> str:
    """The whole database as text, to look for what must not be there."""
    with store._database.reading() as connection:
        return repr([connection.execute(sa.select(table)).all() for table in metadata.sorted_tables])


def test_a_pause_ends_by_itself(own: Store) -> None:
    subscribe(own)
    number = number_of(own)
    later = NOW + timedelta(days=10)
    own.subscribers.change(number, SubscriptionState.PAUSED, NOW, "holiday", resumes=later)
    assert own.subscribers.get(number).resumes == later
    assert own.subscribers.wake(later - timedelta(seconds=1)) == 0
    own.subscribers.change(number, SubscriptionState.PAUSED, NOW, "holiday", resumes=later + timedelta(days=1))
    assert own.subscribers.wake(later) == 0  # it was given another end
    assert own.subscribers.wake(later + timedelta(days=1)) == 1
    one = own.subscribers.get(number)
    assert (one.state, one.resumes) == (SubscriptionState.ACTIVE, None)
    own.subscribers.change(number, SubscriptionState.PAUSED, NOW)
    assert own.subscribers.wake(NOW + timedelta(days=9999)) == 0  # a pause without an end waits for its reader
    own.close()


def test_who_left_in_a_pause_is_not_woken(own: Store) -> None:
    subscribe(own)
    number = number_of(own)
    own.subscribers.change(number, SubscriptionState.PAUSED, NOW, resumes=NOW)
    own.subscribers.change(number, SubscriptionState.ENDED, NOW)
    assert own.subscribers.wake(NOW + timedelta(days=1)) == 0
    own.close()


def test_an_import_leaves_the_chosen_time_alone(own: Store) -> None:
    subscribe(own, preferences=Preferences(timing=Timing(day=4, hour=18)))
    assert subscribe(own, preferences=Preferences(regions=("CN",))) is Fate.UPDATED
    chosen = own.subscribers.of(ADA)[0].preferences
    assert (chosen.regions, chosen.timing) == (("CN",), Timing(day=4, hour=18))
    own.close()


def campaign(store: Store, week: str = "2018-W29") -> None:
    revision = store.editions.prepare(make_edition(week, [make_article()]), {}, NOW).revision
    store.editions.approve(revision.edition.id, revision.hash, "test", NOW)
    store.campaigns.start(
        revision.edition.id,
        lambda number: f"<{number}@example.com>",
        NOW,
        wait=lambda preferences: preferences.timing.wait(NOW, SHANGHAI) if preferences.timing else None,
    )


def test_a_copy_waits_for_the_hour_that_its_reader_chose(own: Store) -> None:
    subscribe(own)
    subscribe(own, "bob@example.net", preferences=Preferences(timing=Timing(day=4, hour=18)))
    subscribe(own, "eve@example.net", preferences=Preferences(timing=Timing(every=2)))
    campaign(own)
    found = {one.address: one for one in own.campaigns.deliveries("weekly-2018-W29")}
    assert found[ADA].state is found["eve@example.net"].state is DeliveryState.QUEUED
    bob = found["bob@example.net"]
    assert (bob.state, bob.next_attempt_at) == (
        DeliveryState.DEFERRED,
        datetime(2018, 7, 27, 18, tzinfo=SHANGHAI),
    )
    ledger = own.campaigns.ledger("weekly-2018-W29")
    assert {claim.address for claim in ledger.exchange([], 10, NOW)} == {ADA, "eve@example.net"}
    assert ledger.next_due() == bob.next_attempt_at
    assert [claim.address for claim in ledger.exchange([], 10, NOW + timedelta(days=5))] == ["bob@example.net"]
    own.close()


@pytest.mark.parametrize(
    ("timing", "zone", "moment", "due"),
    [
        (Timing(), "UTC", "2018-07-23T08:30", None),
        (Timing(hour=8), "UTC", "2018-07-23T08:30", None),  # within the hour is soon enough
        (Timing(hour=7), "UTC", "2018-07-23T08:30", "2018-07-24T07:00"),
        (Timing(hour=9), "UTC", "2018-07-23T08:30", "2018-07-23T09:00"),
        (Timing(day=0), "UTC", "2018-07-23T08:30", None),  # a Monday
        (Timing(day=6), "UTC", "2018-07-23T08:30", "2018-07-29T00:00"),
        (Timing(day=0, hour=7), "UTC", "2018-07-23T08:30", "2018-07-30T07:00"),
        (Timing(day=6, hour=2), "Europe/Brussels", "2018-03-23T08:30", "2018-03-25T03:00"),  # 02:00 does not exist
        (Timing(day=6, hour=2), "Europe/Brussels", "2018-10-26T08:30", "2018-10-28T02:00"),  # the first of two
    ],
)
def test_when_a_chosen_time_comes(timing: Timing, zone: str, moment: str, due: str | None) -> None:
    local = ZoneInfo(zone)
    found = timing.wait(datetime.fromisoformat(moment).replace(tzinfo=local), local)
    assert (None if found is None else found.isoformat()[:16]) == due


@pytest.mark.parametrize("wrong", [{"day": 7}, {"day": -1}, {"hour": 24}, {"every": 0}])
def test_a_timing_that_no_clock_has_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no such timing"):
        Timing(**wrong)  # type: ignore[arg-type] # a table of fields


def test_every_nth_edition_is_taken() -> None:
    assert [number for number in range(1, 10) if Timing(every=4).takes(number)] == [4, 8]
    assert Timing().takes(7)
    assert Period.week("2018-W29", SHANGHAI).key  # the model's parts load together


# ---- all data of a person


def busy(store: Store) -> int:
    """A reader of whom everything is kept that can be."""
    subscribe(store, name="Ada L.", preferences=Preferences(regions=("CN",)))
    number = number_of(store)
    campaign(store)
    campaign(store, "2018-W30")
    notice = Notice(
        cause="confirm:hash-of-ada:1", kind="confirm", address=ADA, created=NOW, name="Ada L.", values={"a": 1}
    )
    store.notices.add(notice, "<n1@example.com>")
    store.requests.add(
        {"address": "ada@EXAMPLE.net", "digests": ["weekly"]},
        "198.51.100.0/24",
        NOW,
        window=timedelta(1),
        each=9,
        together=9,
    )
    store.requests.add({"address": "other@example.net"}, "x", NOW, window=timedelta(1), each=9, together=9)
    store.people.open_feed(number, NOW)
    return number


def test_a_person_can_have_all_that_is_held(own: Store) -> None:
    busy(own)
    own.subscribers.suppress(ADA, "complaint", "abuse report", NOW)
    told = json.loads(json.dumps(own.people.everything("ada@example.net")))
    assert (told["address"], told["name"], told["known_since"]) == (ADA, "Ada L.", NOW.isoformat())
    (subscription,) = told["subscriptions"]
    assert subscription["preferences"]["regions"] == ["CN"]
    assert subscription["private_feed_since"] == NOW.isoformat()
    assert subscription["consents"] == [
        {"given": True, "at": NOW.isoformat(), "basis": CONSENT.basis, "origin": "form", "wording": CONSENT.text}
    ]
    assert {copy["edition"] for copy in told["copies"]} == {"weekly-2018-W29", "weekly-2018-W30"}
    assert told["copies"][0]["preferences"]["regions"] == ["CN"]
    assert [mail["kind"] for mail in told["other_mails"]] == ["confirm"]
    assert [request["address"] for request in told["open_requests"]] == ["ada@EXAMPLE.net"]
    assert told["suppression"]["cause"] == "complaint"
    nobody = own.people.everything("nobody@example.net")
    assert nobody["subscriptions"] == nobody["copies"] == nobody["other_mails"] == []
    assert nobody["known_since"] is nobody["suppression"] is None
    own.close()


def test_what_was_in_a_copy_is_told_and_forgotten(own: Store) -> None:
    busy(own)
    ledger = own.campaigns.ledger("weekly-2018-W29")
    (claim,) = ledger.exchange((), 1, NOW)
    outcome = Accepted(reply=Reply(code=250))
    ledger.exchange([Record(delivery=claim.delivery, outcome=outcome, at=NOW, items=b"\x05\x80")], 0, NOW)
    told = json.loads(json.dumps(own.people.everything(ADA)))
    assert [copy["items"] for copy in told["copies"]] == [[1, 3, 16], None]
    own.people.erase(ADA, NOW)
    assert "x05" not in everything_kept(own)
    own.close()


def test_erased_is_forgotten_and_no_import_revives(own: Store) -> None:
    number = busy(own)
    subscribe(own, "bob@example.net")
    assert own.people.erase(ADA.lower(), NOW) == 1
    kept = everything_kept(own).casefold()
    for trace in ("ada", "hash-of-ada"):
        assert trace not in kept.replace("<built-in", "").replace("metadata", "")
    assert own.people.feed_of(number) == 0
    copies = own.campaigns.deliveries("weekly-2018-W29")
    assert [(one.address, one.state, one.reason) for one in copies] == [
        ("", DeliveryState.SKIPPED, "the subscriber was erased")
    ]
    assert [one.state for one in own.notices.deliveries()] == [DeliveryState.SKIPPED]
    assert [one.payload["address"] for one in own.requests.open()] == ["other@example.net"]
    assert subscribe(own) is Fate.SUPPRESSED
    assert own.subscribers.of(ADA) == ()
    assert own.subscribers.suppression(ADA).cause == ERASED  # type: ignore[union-attr] # it is there
    assert number_of(own, "bob@example.net")
    assert own.people.erase(ADA, NOW) == 0  # a second time changes nothing
    own.close()


def test_only_the_person_comes_back_after_an_erasure(own: Store) -> None:
    subscribe(own)
    own.people.erase(ADA, NOW)
    assert subscribe(own, state=SubscriptionState.PENDING, own=True) is Fate.ADDED
    assert subscribe(own) is Fate.SUPPRESSED  # an import meanwhile does not confirm it
    assert own.subscribers.confirm(number_of(own), Consent(at=NOW, basis="double opt-in"), NOW)
    assert own.subscribers.suppression(ADA) is None
    assert subscribe(own) is Fate.UNCHANGED
    own.close()


def test_a_complaint_outlives_the_erasure(own: Store) -> None:
    subscribe(own)
    own.subscribers.suppress(ADA, "complaint", f"report about {ADA}", NOW)
    own.people.erase(ADA, NOW + timedelta(days=1))
    assert subscribe(own, state=SubscriptionState.PENDING, own=True) is Fate.SUPPRESSED
    (left,) = own.subscribers.suppressions()
    assert (left.cause, left.evidence, left.at) == ("complaint", "", NOW)
    assert "ada" not in left.key.lower()
    own.subscribers.welcome("ada@example.net")  # coming back lifts an erasure, and nothing else
    assert own.subscribers.suppression(ADA) is not None
    own.subscribers.lift(ADA)
    assert own.subscribers.suppression(ADA) is None
    own.close()


def test_an_erasure_holds_when_keys_rotate(url: str, own: Store) -> None:
    subscribe(own)
    own.people.erase(ADA, NOW)
    own.close()
    rotated = Links("https://weekly.example.com", [NEW, OLD])
    with Store.open(url, fingerprints=rotated.fingerprints) as store:
        assert subscribe(store) is Fate.SUPPRESSED
        assert store.subscribers.suppression(ADA) is not None
    with Store.open(url, fingerprints=Links("https://weekly.example.com", [NEW]).fingerprints) as store:
        assert store.subscribers.suppression(ADA) is None  # without its key the hash tells nothing


def test_without_fingerprints_nothing_is_erased(store: Store) -> None:
    subscribe(store)
    with pytest.raises(ValueError, match="fingerprints"):
        store.people.erase(ADA, NOW)
    assert number_of(store)


def test_a_private_feed_is_one_per_subscription_and_its_number_never_returns(own: Store) -> None:
    subscribe(own)
    number = number_of(own)
    first = own.people.open_feed(number, NOW)
    assert own.people.open_feed(number, NOW) == first == own.people.feed_of(number)
    assert own.people.reader_of(first) == number
    assert own.people.close_feed(number)
    assert not own.people.close_feed(number)
    assert own.people.reader_of(first) == own.people.feed_of(number) == 0
    assert own.people.open_feed(number, NOW) > first
    own.close()
