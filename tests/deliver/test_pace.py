"""How fast: the limit, and how it gives way and comes back. Seconds are numbers here."""

from __future__ import annotations

import bisect

import pytest

from digest.deliver.pace import DomainRate, Pace, Paces, speaks_of_load
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


def test_a_slow_limit_gives_way_without_growing() -> None:
    pace = Pace(0.2)
    pace.slow_down(0)
    assert pace.rate <= 0.2


def test_leave_that_was_not_used_is_put_back() -> None:
    pace = Pace(1)
    assert not pace.take(0)
    pace.put_back()
    assert not pace.take(0)
    assert pace.take(0) == 1


def test_runs_that_follow_each_other_have_no_first_message_each() -> None:
    assert sum(sent(Pace(1, first=0.0), start, 0.9) for start in range(10)) == 0
    paces = Paces(1, [DomainRate(domains=("big.example",), rate=1)], first=0.0)
    assert paces.whole.take(5) == 1
    assert paces.room("reader@big.example", 5) == 1
    assert paces.room("reader@big.example", 6) == 0


class Queue:
    """Copies for one domain and their slots, as a campaign keeps them: by when they fall due."""

    def __init__(self, paces: Paces, copies: int, domain: str = "big.example") -> None:
        self.paces = paces
        self.due = [(0.0, f"reader{number}@{domain}") for number in range(copies)]
        self.sent: list[tuple[float, str]] = []
        self.put_off = 0

    def run(self, until: float, late: float = 0.0) -> None:
        """Take the copies as they fall due, each a little late."""
        while self.due and self.due[0][0] + late < until:
            at, address = self.due.pop(0)
            wait = self.paces.room(address, at + late)
            if wait:
                self.put_off += 1
                bisect.insort(self.due, (at + late + wait, address))
            else:
                self.sent.append((at + late, address))


def test_a_groups_domains_share_their_limit_and_others_have_none() -> None:
    paces = Paces(0, [DomainRate(domains=("Big.example", "huge.example"), rate=5)])
    assert paces.limits_domains
    assert not Paces(9).limits_domains
    assert paces.room("one@BIG.example", 0) == 0
    assert paces.room("two@huge.example", 0) > 0
    assert all(paces.room(f"r{n}@small.example", 0) == 0 for n in range(100))


@pytest.mark.parametrize("late", [0.0, 0.03])
@pytest.mark.parametrize("rate", [0.5, 10.0, 40.0])
def test_each_copy_has_a_slot_and_comes_back_once(rate: float, late: float) -> None:
    queue = Queue(Paces(0, [DomainRate(domains=("big.example",), rate=rate)]), 100)
    queue.run(50 / rate, late)
    assert len(queue.sent) == pytest.approx(50, abs=max(2, rate / 5) + 1)
    assert queue.put_off <= 105  # each once, when it was first seen; hardly any twice
    names = [address for _, address in queue.sent]
    if not late:
        assert names == [f"reader{number}@big.example" for number in range(len(names))]


def test_a_part_of_the_limit_holds_and_grows_at_once_when_the_others_are_gone() -> None:
    paces = Paces(0, [DomainRate(domains=("big.example",), rate=20)])
    queue = Queue(paces, 2000)
    paces.hold(0.25)
    queue.run(20)
    early = len(queue.sent)
    assert early == pytest.approx(100, abs=6)
    paces.hold(1.0)
    queue.run(40)
    assert len(queue.sent) - early == pytest.approx(400, abs=10)
    # What a part costs are copies that come back in vain: never more of them than the limit lets go.
    assert queue.put_off <= 2000 + 20 * 40


def test_a_group_that_is_told_to_slow_down_does_so_alone() -> None:
    paces = Paces(100, [DomainRate(domains=("big.example",), rate=20)])
    queue = Queue(paces, 400)
    queue.run(2)
    before = len(queue.sent)
    paces.slow_down("reader@big.example", 2)
    queue.run(3)
    assert len(queue.sent) - before <= 14
    assert paces.whole.rate == 100
    paces.slow_down("reader@small.example", 3)
    assert paces.whole.rate < 100
