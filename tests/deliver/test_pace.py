"""How fast: the limit, and how it gives way and comes back. Seconds are numbers here."""

from __future__ import annotations

import pytest

from digest.deliver.pace import Pace, speaks_of_load
from digest.model import Reply


def sent(pace: Pace, start: float, seconds: float, least: float = 0.001) -> int:
    """How many a sender that takes leave whenever it may sends from `start` on."""
    now, count = start, 0
    while now < start + seconds:
        wait = pace.take(now)
        count += not wait
        now += max(wait, least)
    return count


@pytest.mark.parametrize("limit", [0.5, 5, 50, 400])
def test_the_limit_holds(limit: float) -> None:
    pace = Pace(limit)
    assert sent(pace, 100, 20) == pytest.approx(limit * 20, abs=max(2, limit / 8))


def test_no_limit_means_no_waiting() -> None:
    assert sent(Pace(0), 0, 1) >= 999


def test_a_pause_saves_up_no_burst() -> None:
    pace = Pace(10)
    sent(pace, 0, 1)
    assert sent(pace, 3600, 1) <= 12


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    pace = Pace(10)
    sent(pace, 1000, 1)
    assert sent(pace, 0, 1) <= 12


def test_it_gives_way_and_comes_back() -> None:
    pace = Pace(100)
    sent(pace, 0, 2)
    pace.slow_down(2)
    pace.slow_down(2.5)  # the same second: these were sent before we knew
    assert pace.rate == pytest.approx(50, rel=0.2)
    assert sent(pace, 2.5, 1) <= 62
    pace.slow_down(3.6)
    assert pace.rate <= 35
    sent(pace, 3.6, 30)
    assert pace.rate == 100


def test_without_a_limit_it_gives_way_to_what_really_left_and_the_limit_ends_again() -> None:
    pace = Pace(0)
    sent(pace, 0, 2, least=0.01)  # about 100 a second
    pace.slow_down(2)
    assert 20 < pace.rate < 80
    sent(pace, 2, 60)
    assert pace.rate == 0


def test_it_never_stops_altogether() -> None:
    pace = Pace(2)
    for second in range(20):
        pace.slow_down(second * 1.1)
    assert pace.rate >= 1
    assert sent(pace, 100, 10) >= 9


@pytest.mark.parametrize(
    ("reply", "load"),
    [
        (Reply(code=421, text="too many"), True),
        (Reply(code=451, status="4.7.1", text="slow down"), True),
        (Reply(code=452, text="out of resources"), True),
        (Reply(code=450, status="4.2.0", text="greylisted"), False),
        (Reply(code=450, status="4.1.8", text="no such domain now"), False),
        (Reply(code=552, status="5.2.2", text="full"), False),
        (Reply(code=0, text="lost"), False),
    ],
)
def test_what_speaks_of_load(reply: Reply, load: bool) -> None:
    assert speaks_of_load(reply) is load
