"""When a source is asked: pure decisions, a year of them in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Condition, SourceState
from digest.pickup import poll

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW = SourceState(key="a", location="http://a.example/feed")


def answered(
    state: SourceState, now: datetime = NOW, *, new: int = 0, jitter: float = 0.5, **more: object
) -> SourceState:
    keywords = {"dates": (), "fresh_for": None, **more}
    return poll.brought(state, new=new, now=now, jitter=jitter, **keywords)  # type: ignore[arg-type]  # a test's shorthand


def test_a_source_is_due_at_once_and_then_when_its_time_has_come() -> None:
    assert poll.due(NEW, NOW)
    state = answered(NEW)
    assert not poll.due(state, NOW)
    assert state.next_poll is not None
    assert poll.due(state, state.next_poll)
    assert not poll.due(replace(state, gone=NOW, next_poll=None), NOW + DAY)


def test_the_first_answer_sets_the_pace_by_the_dates_it_shows() -> None:
    daily = [NOW - DAY * number for number in range(10)]
    assert answered(NEW, dates=daily).interval == 6 * HOUR
    assert answered(NEW, dates=daily).rhythm == DAY
    weekly = [NOW - 7 * DAY * number for number in range(10)]
    assert answered(NEW, dates=weekly).interval == DAY
    quick = [NOW - timedelta(minutes=number) for number in range(10)]
    assert answered(NEW, dates=quick).interval == timedelta(minutes=15)
    assert answered(NEW, dates=[NOW + DAY, NOW]).interval == HOUR
    assert poll.rhythm_of([NOW] * 5, NOW) is None


@pytest.mark.parametrize(
    ("gap", "low", "high"), [(HOUR, 15, 30), (8 * HOUR, 60, 300), (DAY, 180, 900), (30 * DAY, 1200, 1440)]
)
def test_the_interval_follows_how_often_something_new_comes(gap: timedelta, low: int, high: int) -> None:
    """A year of a source that brings something every `gap`."""
    state, now, published, intervals, polls = answered(NEW), NOW, NOW, [], 0
    while now < NOW + 90 * DAY:
        assert state.next_poll is not None
        now = state.next_poll
        count = (now - published) // gap
        published += count * gap
        state = answered(state, now, new=count)
        polls += 1
        intervals.append(state.interval.total_seconds() / 60)
    steady = sorted(intervals[len(intervals) // 2 :])
    assert low <= steady[len(steady) // 2] <= high


@given(
    st.lists(
        st.tuples(st.sampled_from(["new", "none", "same", "fail", "busy"]), st.floats(0, 1)), min_size=1, max_size=60
    )
)
def test_whatever_happens_a_source_is_asked_again_within_a_day(steps: list[tuple[str, float]]) -> None:
    state, now = NEW, NOW
    for step, jitter in steps:
        match step:
            case "new":
                state = answered(state, now, new=3, jitter=jitter, fresh_for=timedelta(days=400))
            case "none":
                state = answered(state, now, jitter=jitter, fresh_for=timedelta(0))
            case "same":
                state = poll.unchanged(state, now=now, jitter=jitter, fresh_for=None)
            case "fail":
                state = poll.failed(state, "down", now=now, jitter=jitter)
            case _:
                state = poll.failed(state, "busy", now=now, jitter=jitter, retry_after=timedelta(days=365))
        assert state.next_poll is not None
        assert timedelta(minutes=13) <= state.next_poll - now <= DAY
        now = state.next_poll


def test_errors_back_off_and_are_forgotten_by_an_answer() -> None:
    state, waits, now = answered(NEW), [], NOW
    for _ in range(9):
        state = poll.failed(state, "no connection", now=now, jitter=0.5)
        assert state.next_poll is not None
        waits.append(state.next_poll - now)
        now = state.next_poll
    assert waits[:4] == [HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR]
    assert waits[-1] == DAY
    assert (state.failures, state.error) == (9, "no connection")
    assert state.condition(now) is Condition.FAILING
    state = answered(state, now)
    assert (state.failures, state.error) == (0, "")


def test_retry_after_is_kept_to_whatever_the_jitter() -> None:
    state = poll.failed(answered(NEW), "429", now=NOW, jitter=0.0, retry_after=3 * HOUR)
    assert state.next_poll == NOW + 3 * HOUR
    assert poll.failed(NEW, "503", now=NOW, jitter=0.5, retry_after=timedelta(0)).next_poll == NOW + HOUR


def test_what_the_server_calls_fresh_is_not_asked_for_again() -> None:
    state = answered(NEW, dates=[NOW - HOUR * n for n in range(5)], fresh_for=3 * HOUR)
    assert state.next_poll == NOW + 3 * HOUR
    assert state.interval == timedelta(minutes=15)


def test_gone_is_the_only_end() -> None:
    state = poll.gone(answered(NEW), NOW)
    assert state.condition(NOW) is Condition.GONE
    assert not poll.due(state, NOW + 1000 * DAY)
    assert answered(state, NOW + DAY).gone is None


def test_how_a_source_does() -> None:
    assert NEW.condition(NOW) is Condition.NEW
    daily = answered(NEW, dates=[NOW - DAY * number for number in range(10)], new=10)
    assert daily.condition(NOW + 3 * DAY) is Condition.OK
    assert daily.condition(NOW + 5 * DAY) is Condition.QUIET
    assert replace(daily, held=3).condition(NOW) is Condition.HELD
    assert answered(NEW).condition(NOW + 100 * DAY) is Condition.OK  # nobody knows what is usual for it
    again = answered(daily, NOW + DAY, new=1, dates=[NOW - 3 * DAY * number for number in range(10)])
    assert again.rhythm == DAY * 0.7 + 3 * DAY * 0.3
    assert answered(answered(NEW), NOW + 4 * HOUR, new=2).rhythm == 2 * HOUR


def test_a_first_answer_may_be_not_modified() -> None:
    state = poll.unchanged(NEW, now=NOW, jitter=0.5, fresh_for=None)
    assert (state.last_ok, state.last_new) == (NOW, NOW)
    assert state.condition(NOW) is Condition.OK
