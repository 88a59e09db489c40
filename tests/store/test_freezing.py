"""An audience is frozen page by page: it may break off anywhere, and the reader list lives on meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from digest.errors import StateError
from digest.links import Key, Links
from digest.model import DeliveryState, EditionState, Preferences, SubscriptionState, Timing
from digest.store import Store, logbook, recording
from digest.store.database import Database
from digest.store.freezing import Freezer
from digest.store.schema import deliveries, editions, subscribers
from tests.store.conftest import MakeUrl
from tests.store.samples import NOW, make_article, make_edition, message_id, readers

ID = "weekly-2018-W29"
PAGE = 3


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Ten readers of an edition that is approved; pages of three."""
    monkeypatch.setattr("digest.store.freezing.PAGE", PAGE)
    links = Links("https://weekly.example.com", [Key.of("o" * 40)])
    with Store.open(url, fingerprints=links.fingerprints) as opened:
        opened.migrate(site="site-1", now=NOW)
        prepare(opened, 10)
        yield opened


def prepare(store: Store, count: int) -> None:
    store.subscribers.put(readers(count), NOW)
    revision = store.editions.prepare(make_edition(articles=[make_article()]), {}, NOW).revision
    store.editions.approve(ID, revision.hash, "operator", NOW)


def freezer(store: Store, make: Callable[[int], str] = message_id) -> Freezer:
    return Freezer(store._database, ID, "weekly", make, lambda _preferences: None)


def number(store: Store, reader: int) -> int:
    [one] = store.subscribers.of(f"reader{reader}@example.org")
    return one.id


def written_to(store: Store) -> Counter[str]:
    """Who a sender claims."""
    ledger, found = store.campaigns.ledger(ID), Counter[str]()
    while claims := ledger.exchange((), 4, NOW):
        found.update(claim.address for claim in claims)
    return found


def names(*numbers: int) -> Counter[str]:
    return Counter(f"reader{one}@example.org" for one in numbers)


def test_it_goes_on_where_it_broke_off(store: Store) -> None:
    def fails(subscription: int) -> str:
        if subscription == number_of_eighth:
            raise RuntimeError("broken off")
        return message_id(subscription)

    number_of_eighth = number(store, 7)
    with pytest.raises(RuntimeError, match="broken off"):
        store.campaigns.start(ID, fails, NOW)
    campaign = store.campaigns.get(ID)
    assert (campaign.whole, campaign.audience) == (False, 6)  # two pages
    assert store.editions.state(ID) is EditionState.SENDING
    campaign = store.campaigns.start(ID, message_id, NOW + timedelta(hours=1))
    assert (campaign.whole, campaign.audience, campaign.started) == (True, 10, NOW)
    assert not freezer(store).page()
    assert written_to(store) == names(*range(10))


_KILLED = """
import os, signal, sys
from digest.store import Store, freezing
from tests.store.conftest import MakeUrl
from tests.store.samples import NOW, message_id

def dies(subscription, seen=[]):
    seen.append(subscription)
    if len(seen) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return message_id(subscription)

freezing.PAGE = 3
with Store.open(sys.argv[1]) as store:
    store.campaigns.start("weekly-2018-W29", dies, NOW)
"""


def test_a_kill_in_its_middle_leaves_nobody_out_and_writes_to_nobody_twice(store: Store, url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, url], check=False, env={**os.environ, "PYTHONPATH": "."})
    assert killed.returncode == -signal.SIGKILL
    assert not store.campaigns.get(ID).whole
    assert not store.campaigns.finish(ID, NOW)  # also when all that is there has been sent
    assert store.campaigns.start(ID, message_id, NOW).audience == 10
    assert written_to(store) == names(*range(10))
    assert {one.message_id for one in store.campaigns.deliveries(ID)} == {
        message_id(number(store, one)) for one in range(10)
    }


def test_several_that_freeze_take_a_page_each(store: Store) -> None:
    threads = [threading.Thread(target=store.campaigns.start, args=(ID, message_id, NOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.campaigns.get(ID).audience == 10
    assert written_to(store) == names(*range(10))


def test_what_the_reader_list_does_meanwhile(store: Store) -> None:
    """Frozen are readers 0 to 2; each thing happens to one of them, and to one who comes later."""
    store.campaigns.begin(ID, NOW, key_id="k1")
    assert freezer(store).page()
    for reader in (0, 3):
        store.subscribers.change(number(store, reader), SubscriptionState.ENDED, NOW)
    for reader in (1, 4):
        store.people.erase(f"reader{reader}@example.org", NOW)
    for reader in (2, 5):
        store.subscribers.prefer(number(store, reader), Preferences(themes=("energy",)), NOW)
    store.subscribers.suppress("reader6@example.org", "complaint", "", NOW)
    store.subscribers.change(number(store, 7), SubscriptionState.PAUSED, NOW)
    store.subscribers.put(readers(12)[10:], NOW)  # two more sign up
    store.subscribers.change(number(store, 7), SubscriptionState.ACTIVE, NOW)  # and one comes back in time
    assert store.campaigns.start(ID, message_id, NOW).audience == 3 + 4
    assert written_to(store) == names(2, 5, 7, 8, 9)
    found = {one.address: one for one in store.campaigns.deliveries(ID)}
    assert found["reader0@example.org"].state is found[""].state is DeliveryState.SKIPPED
    assert found[""].reason == "the subscriber was erased"
    with store._database.reading() as connection:
        chosen = dict(
            connection.execute(
                sa.select(deliveries.c.address, deliveries.c.preferences).where(
                    deliveries.c.preferences.contains("energy")
                )
            ).all()
        )
    assert set(chosen) == {"reader5@example.org"}  # 2 was frozen with what held then


def test_who_is_erased_beside_a_page_is_in_no_row(store: Store) -> None:
    """An erasure waits for the page, and finds what it wrote; else a name would stay behind."""
    eraser = threading.Thread(target=store.people.erase, args=("reader1@example.org", NOW))

    def slowly(subscription: int) -> str:
        if not eraser.ident:
            eraser.start()
            eraser.join(0.2)
        return message_id(subscription)

    store.campaigns.start(ID, slowly, NOW)
    eraser.join()
    addresses = {one.address for one in store.campaigns.deliveries(ID)}
    assert "reader1@example.org" not in addresses
    assert len(addresses) == 10  # one of them empty
    assert written_to(store) == names(0, *range(2, 10))


def test_an_address_that_changed_hands_gets_one_copy(store: Store) -> None:
    store.campaigns.begin(ID, NOW)
    assert freezer(store).page()
    with store._database.transaction() as connection:
        for reader, key in ((0, "elsewhere@example.org"), (5, "reader0@example.org")):
            connection.execute(
                sa.update(subscribers)
                .where(subscribers.c.key == f"reader{reader}@example.org")
                .values(key=key, address=key)
            )
    assert store.campaigns.start(ID, message_id, NOW).audience == 9
    assert written_to(store) == names(0, 1, 2, 3, 4, 6, 7, 8, 9)


def test_who_chose_a_time_waits_for_it(store: Store) -> None:
    later = NOW + timedelta(hours=5)
    for reader in (1, 4):
        store.subscribers.prefer(number(store, reader), Preferences(timing=Timing(hour=13)), NOW)
    store.campaigns.start(ID, message_id, NOW, wait=lambda preferences: later if preferences.timing else None)
    assert written_to(store) == names(0, 2, 3, *range(5, 10))
    [queue] = store.campaigns.queues()
    assert (queue.queued, queue.claimed, queue.deferred, queue.next_due) == (0, 8, 2, later)


def test_a_cancellation_ends_it(store: Store) -> None:
    store.campaigns.begin(ID, NOW)
    assert freezer(store).page()
    store.editions.move(ID, EditionState.CANCELLED, NOW)
    store.campaigns.end(ID, "the edition was cancelled", NOW)
    assert not freezer(store).page()
    with pytest.raises(StateError, match="cancelled"):
        store.campaigns.start(ID, message_id, NOW)
    assert store.campaigns.tally(ID)[DeliveryState.SKIPPED] == 3 == sum(store.campaigns.tally(ID).values())
    assert not written_to(store)


def test_a_cancellation_in_a_page_ends_it_after_that(store: Store) -> None:
    def cancels(subscription: int) -> str:
        if subscription == number_of_fifth:
            with store.transaction():
                store.editions.move(ID, EditionState.CANCELLED, NOW)
        return message_id(subscription)

    number_of_fifth = number(store, 4)
    with pytest.raises(StateError, match="is cancelled"):
        store.campaigns.start(ID, cancels, NOW)
    assert store.campaigns.get(ID).audience == 6
    assert not written_to(store)


@pytest.mark.parametrize("died", [False, True])
def test_a_program_that_knows_no_pages_does_not_end_it(store: Store, died: bool) -> None:
    """It takes the first page for all, sends it and marks the edition as sent; the rest follows all the same."""
    store.campaigns.begin(ID, NOW)
    assert freezer(store).page()
    with store._database.transaction() as connection:
        connection.execute(sa.update(editions).values(state=EditionState.SENT.value))
    if not died:
        assert freezer(store).page()
    store.campaigns.start(ID, message_id, NOW)
    assert store.editions.state(ID) is EditionState.SENDING
    assert written_to(store) == names(*range(10))


# ---- how many copies are in each state


def attempts(database: Database) -> int:
    """Those that are over."""
    claimed = sa.case((deliveries.c.state == DeliveryState.CLAIMED.value, 1), else_=0)
    with database.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.sum(deliveries.c.attempts - claimed))) or 0)


def end_and_fail(store: Store) -> None:
    with store.transaction():
        store.campaigns.end(ID, "not at all", NOW)
        raise RuntimeError


def test_counts_follow_every_act(store: Store) -> None:
    def right() -> dict[DeliveryState, int]:
        assert store.campaigns.tally(ID) == store.campaigns.recount(ID)
        assert store.campaigns.progress()[1] == attempts(store._database)
        return {state: n for state, n in store.campaigns.tally(ID).items() if n}

    store.campaigns.begin(ID, NOW)
    assert right() == {}
    store.campaigns.start(ID, message_id, NOW)
    assert right() == {DeliveryState.QUEUED: 10}
    ledger = store.campaigns.ledger(ID)
    assert len(ledger.exchange((), 4, NOW)) == 4
    assert right() == {DeliveryState.QUEUED: 6, DeliveryState.CLAIMED: 4}
    store.people.erase("reader9@example.org", NOW)
    with pytest.raises(RuntimeError):
        end_and_fail(store)
    assert right() == {DeliveryState.QUEUED: 5, DeliveryState.CLAIMED: 4, DeliveryState.SKIPPED: 1}
    store.campaigns.ledger(ID).recover(NOW, resend=False)
    store.campaigns.end(ID, "enough", NOW)
    assert right() == {DeliveryState.SKIPPED: 10}
    assert store.campaigns.resend(ID, NOW, addresses=["reader1@example.org", "reader2@example.org"]) == 2
    assert right() == {DeliveryState.QUEUED: 2, DeliveryState.SKIPPED: 8}
    with store._database.transaction() as connection:
        connection.execute(sa.delete(deliveries).where(deliveries.c.key == "reader3@example.org"))
        connection.execute(sa.delete(deliveries).where(deliveries.c.key == "nobody"))
    assert right() == {DeliveryState.QUEUED: 2, DeliveryState.SKIPPED: 7}


# ---- what a commit of a sender looks at


def test_a_commit_looks_at_its_own_copies_only_however_old_the_statistics(postgresql: MakeUrl) -> None:
    """PostgreSQL takes a campaign that it has not analysed for few rows: then an index of its queue looks cheap."""
    with Store.open(postgresql("sending_plans")) as store:
        store.migrate(site="plans", now=NOW)
        prepare(store, 10)
        store.campaigns.start(ID, message_id, NOW)
        for made, given, columns in (
            (recording._writing, recording._MANY, recording._WRITTEN),
            (logbook._under_way, logbook._SAID_OF_MANY, logbook._SAID),
        ):
            statement = store._database.prepare(made(dict(given.c)))
            with store._database.quick() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute(
                    f"EXPLAIN {statement._text}", statement._bind({"of": 1, **{name: [] for name in columns}})
                )
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "pk_deliveries" in plan, plan
