"""Who asked for a subscription and never confirmed it is forgotten; nobody else is."""

from datetime import timedelta

from digest.model import DeliveryState, SubscriptionState
from digest.schedule.jobs import NOTICES, UNCONFIRMED
from digest.store import Store
from digest.subscriptions import Wish

from .conftest import World


def states(store: Store, address: str) -> list[SubscriptionState]:
    return [one.state for one in store.subscribers.of(address)]


def test_what_nobody_confirmed_is_forgotten(world: World) -> None:
    store, reception = world.app.store, world.app.reception
    asked = "asked@example.org"
    reception.ask(Wish(address=asked, language="en", digests=("weekly",)), network="203.0.113.0/24", origin="")
    world.jobs.letters()
    assert states(store, asked) == [SubscriptionState.PENDING]
    (notice,) = store.notices.deliveries(asked)
    world.now += UNCONFIRMED
    world.jobs.tidy()
    assert states(store, asked) == [SubscriptionState.PENDING]
    world.now += UNCONFIRMED / 30
    world.jobs.tidy()
    assert states(store, asked) == []
    assert store.notices.deliveries(asked) == ()
    assert store.notices.get(notice.id).address == ""
    assert states(store, "reader0@example.org") == [SubscriptionState.ACTIVE]
    world.jobs.tidy()  # nothing is left to do

    reception.ask(Wish(address=asked, language="en", digests=("weekly",)), network="203.0.113.0/24", origin="")
    world.jobs.letters()
    assert states(store, asked) == [SubscriptionState.PENDING]
    assert len([mail for mail in world.mails() if asked in mail]) == 2


def test_old_notices_and_settled_requests_are_forgotten_and_what_waits_is_kept(world: World) -> None:
    store, reception = world.app.store, world.app.reception
    reader = "reader0@example.org"
    reception.ask(Wish(address=reader, language="en"), network="203.0.113.0/24", origin="")
    world.jobs.letters()
    assert [one.state for one in store.notices.deliveries(reader)] == [DeliveryState.ACCEPTED]
    reception.notify("link", reader, "en", world.now, cause="waits")
    world.now += NOTICES
    world.jobs.tidy()
    assert len(store.notices.deliveries(reader)) == 2
    world.now += timedelta(days=1)
    world.jobs.tidy()
    (left,) = store.notices.deliveries(reader)
    assert left.state is DeliveryState.QUEUED
    with store._database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM requests").scalar() == 0
