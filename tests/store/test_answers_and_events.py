"""What the API answered by a caller's key, and the journal of what happened; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import StoreError
from digest.model import Actor, Via
from digest.store import Answer, Begun, Store
from digest.store.answers import KEPT, UNDER_WAY

NOW = datetime(2018, 7, 23, 8, tzinfo=UTC)
ADA = Actor(name="ada@example.com", via=Via.API)


def test_the_same_request_gets_the_same_answer(store: Store) -> None:
    answers = store.answers
    assert answers.begin("token 1", "k", "request", NOW) is Begun.FRESH
    assert answers.begin("token 1", "k", "request", NOW) is Begun.UNDER_WAY
    assert answers.begin("token 1", "k", "another", NOW) is Begun.OTHER
    assert answers.begin("token 2", "k", "request", NOW) is Begun.FRESH, "keys are a caller's own"
    kept = Answer(status=202, headers={"location": "/x"}, body=b'{"a": 1}')
    answers.keep("token 1", "k", kept)
    assert answers.begin("token 1", "k", "request", NOW + timedelta(days=1)) == kept


def test_what_failed_or_died_may_be_asked_again(store: Store) -> None:
    answers = store.answers
    answers.begin("token 1", "failed", "r", NOW)
    answers.drop("token 1", "failed")
    assert answers.begin("token 1", "failed", "mended", NOW) is Begun.FRESH
    answers.begin("token 1", "died", "r", NOW)
    assert answers.begin("token 1", "died", "r", NOW + UNDER_WAY) is Begun.UNDER_WAY
    later = NOW + UNDER_WAY + timedelta(seconds=1)
    assert answers.begin("token 1", "died", "r", later) is Begun.FRESH
    assert answers.forget(NOW + KEPT) == 0
    assert answers.forget(later + KEPT + timedelta(seconds=1)) == 2


def test_what_happened_is_read_in_order_from_any_place_on(store: Store) -> None:
    events = store.events
    begun = events.newest()
    for number in range(3):
        events.append("edition.approved", f"weekly-{number}", {"n": number}, NOW)
    store.audit.add(ADA, "edition.approve", "weekly-3", {"hash": "0f"}, at=NOW)
    found = events.after(begun, 10)
    assert [one.subject for one in found] == ["weekly-0", "weekly-1", "weekly-2", "weekly-3"]
    assert [one.by for one in found] == ["", "", "", "ada@example.com"]
    assert found[-1].details == {"hash": "0f"}
    assert [one.subject for one in events.after(found[1].id, 1)] == ["weekly-2"]
    assert events.newest() == found[-1].id


def test_what_is_taken_back_did_not_happen(store: Store) -> None:
    before = store.events.newest()

    def fail() -> None:
        with store.transaction():
            store.audit.add(ADA, "edition.approve", "weekly", at=NOW)
            raise StoreError("the act itself failed")

    with pytest.raises(StoreError):
        fail()
    assert store.events.newest() == before
