"""What the store keeps of live sources, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import NotFound, PickupError
from digest.model import Condition, Source, SourceKind, SourceState
from digest.store import Store
from tests.store.samples import NOW

SOURCE = Source(key="port", kind=SourceKind.FEED, location="https://n.example/feed", language="zh")
STATE = SourceState(key="port", location=SOURCE.location, etag='"1"', rhythm=timedelta(hours=6), next_poll=NOW)


def test_added_sources_are_kept_and_dropped_with_what_is_known_of_them(store: Store) -> None:
    store.sources.keep(SOURCE, NOW)
    store.sources.keep(replace(SOURCE, weight=2.0), NOW)
    store.sources.save_state(STATE)
    store.sources.remember_entries("port", {"a": "1"}, NOW)
    store.sources.report("port", "answer", PickupError("down"), NOW)
    assert store.sources.kept() == (replace(SOURCE, weight=2.0),)
    store.sources.drop("port", NOW)
    assert store.sources.kept() == ()
    assert store.sources.states() == {}
    assert store.sources.seen("port") == {}
    assert store.sources.problems() == ()
    with pytest.raises(NotFound):
        store.sources.drop("port", NOW)


def test_states_come_back_as_they_were(store: Store) -> None:
    store.sources.save_state(STATE)
    later = replace(STATE, failures=2, error="down", last_poll=NOW)
    store.sources.save_state(later)
    assert store.sources.states() == {"port": later}
    assert [(one.state.key, one.condition) for one in store.sources.health(NOW)] == [("port", Condition.FAILING)]


def test_exactly_what_a_source_shows_is_remembered(store: Store) -> None:
    store.sources.remember_entries("port", {f"id-{n}": "1" for n in range(1200)}, NOW)
    store.sources.remember_entries("other", {"x": "1"}, NOW)
    shown = {f"id-{n}": "2" if n % 2 else "1" for n in range(1100, 1250)}
    store.sources.remember_entries("port", shown, NOW)
    assert store.sources.seen("port") == shown
    store.sources.remember_entries("port", shown, NOW)
    assert store.sources.seen("other") == {"x": "1"}
