"""When to try again, give up, pause, stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.deliver.policy import Breaker, Policy, again_at, gives_up, too_many_faults

NOW = datetime(2018, 7, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 120), (500, 120)]
)
def test_delays_grow_and_from_the_fourth_keep_half_an_hour(attempts: int, minutes: int) -> None:
    assert again_at(attempts, NOW, Policy(), 0.5) == NOW + minutes * MINUTE


def test_chance_spreads_a_delay_round_itself() -> None:
    assert again_at(1, NOW, Policy(spread=0.2), 0.0) == NOW + 0.9 * MINUTE
    assert NOW + 1.09 * MINUTE < again_at(1, NOW, Policy(spread=0.2), 0.999) < NOW + 1.1 * MINUTE
    assert again_at(1, NOW, Policy(spread=0), 0.9) == NOW + MINUTE


def test_by_hand_the_first_delays_are_short_and_the_run_waits_for_them() -> None:
    policy = Policy.by_hand("hold")
    assert again_at(1, NOW, policy, 0.5) == NOW + timedelta(seconds=5)
    assert policy.delays[-1] == Policy().delays[-1]
    assert policy.linger == 2 * MINUTE
    assert policy.uncertain == "hold"


def test_giving_up_by_attempts_or_by_age() -> None:
    policy = Policy()
    assert not gives_up(199, NOW, NOW, policy)
    assert gives_up(200, NOW, NOW, policy)
    assert not gives_up(9, NOW + timedelta(days=3, hours=23), NOW, policy)
    assert gives_up(9, NOW + timedelta(days=4), NOW, policy)
    assert not gives_up(2, NOW + timedelta(days=9), NOW, policy)
    # The schedule itself lasts longer than the age allowed, so that age decides.
    whole = sum((again_at(n, NOW, policy, 0.5) - NOW for n in range(1, policy.attempts)), timedelta(0))
    assert whole > policy.give_up_after


def test_faults_stop_a_run_above_the_share_and_the_count() -> None:
    policy = Policy()
    assert not too_many_faults(4, 4, policy)
    assert too_many_faults(5, 5, policy)
    assert not too_many_faults(5, 100, policy)
    assert too_many_faults(6, 100, policy)


def test_the_breaker_opens_at_the_limit_doubles_for_probes_and_closes_at_a_reply() -> None:
    breaker = Breaker(Policy(failures=3, pause=timedelta(seconds=1), longest_pause=timedelta(seconds=5)))
    for _ in range(2):
        breaker.note(failed=True, said="no connection")
    assert not breaker.pause
    for _ in range(8):  # sessions that failed together count once
        breaker.note(failed=True, said="still none")
    assert breaker.pause == timedelta(seconds=1)
    assert breaker.last == "still none"
    pauses = []
    for _ in range(60):
        breaker.note(failed=True, said="none", probe=True)
        pauses.append(breaker.pause.total_seconds())
    assert pauses[:4] == [2, 4, 5, 5]
    assert pauses[-1] == 5
    breaker.note(failed=False)
    assert not breaker.pause
