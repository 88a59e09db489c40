"""Many digests in many zones, ticked by processes that restart while the clock jumps: each period once, in order."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest

from digest.model import DigestRule, Late, Period
from digest.periods import Run, runs
from digest.schedule import due
from digest.store import Known, RunState, Store
from tests.schedule.test_agenda import TIMES, WEEKS, ZONES

BEGAN = datetime(2018, 1, 3, tzinfo=UTC)
Decide = Callable[[Known], tuple[Sequence[tuple[str, Sequence[Run], bool]], Sequence[Run]]]


def decide(rule: DigestRule, zone: tzinfo, now: datetime) -> Decide:
    def what(known: Known) -> tuple[Sequence[tuple[str, Sequence[Run], bool]], Sequence[Run]]:
        agenda = due(rule, zone, since=known.since, now=now, settled=known.settled, alone=known.alone)
        return [(f"{rule.key}-{one.period.key}", one.runs, one.held) for one in agenda.due], agenda.lapsed

    return what


def settle(store: Store, rule: DigestRule, zone: tzinfo, now: datetime) -> None:
    reach = now - timedelta(days=rule.late_days)
    store.runs.settle(rule.key, now, reach=reach, decide=decide(rule, zone, now))


def slots(late: Late) -> list[tuple[DigestRule, ZoneInfo]]:
    return [
        (
            DigestRule(key=f"{zone.replace('/', '-').lower()}-{number}", title="T", weekday=day, at=wall, late=late),
            ZoneInfo(zone),
        )
        for zone in ZONES
        for number, (day, wall) in enumerate(TIMES)
    ]


def due_until(rule: DigestRule, zone: tzinfo, last: datetime) -> list[str]:
    """Keys of the periods that fall due from the beginning to an instant, in order."""
    return [run.period.key for run in takewhile(lambda run: run.at <= last, runs(rule, zone, BEGAN))]


def test_none_missed_none_doubled_in_313_weeks() -> None:
    """7 zones x 5 times x 313 weeks; the clock is put back an hour and forward a day, and ticks come when they like."""
    chance = random.Random(7)
    for rule, zone in slots(Late.EACH):
        settled: dict[str, int] = {}
        now = BEGAN
        keys: list[str] = []
        while now < BEGAN + timedelta(weeks=WEEKS):
            step = chance.choice([timedelta(hours=-1), timedelta(days=1), timedelta(0)])

            def is_settled(period: Period, done: dict[str, int] = settled) -> bool:
                return period.key in done

            found = due(rule, zone, since=max(BEGAN, now - timedelta(days=15)), now=now + step, settled=is_settled)
            assert found.lapsed == ()
            for one in found.due:
                (run,) = one.runs
                settled[run.period.key] = settled.get(run.period.key, 0) + 1
                keys.append(run.period.key)
            now += timedelta(hours=chance.randint(30, 200))
        wanted = due_until(rule, zone, now - timedelta(days=10))
        assert keys[: len(wanted)] == wanted
        assert set(settled.values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("late", [Late.EACH, Late.MERGE])
def test_the_store_keeps_count_over_restarts_and_jumps(url: str, late: Late) -> None:
    """The same through the store, over a spring and an autumn, with a new process every now and then."""
    chance = random.Random(3)
    digests = slots(late)[::3]
    now = BEGAN
    store = Store.open(url)
    store.migrate(site="a", now=BEGAN)
    while now < BEGAN + timedelta(weeks=48):
        if chance.random() < 0.1:
            store.close()
            store = Store.open(url)
        step = (
            chance.choice([timedelta(hours=-1), timedelta(days=1), timedelta(0), timedelta(0)])
            if now > BEGAN
            else timedelta(0)
        )
        with store.transaction():
            for rule, zone in digests:
                settle(store, rule, zone, now + step)
        now += timedelta(hours=chance.randint(60, 320))
    with store:
        for rule, zone in digests:
            rows = store.runs.latest(rule.key, limit=100)
            first = min(row.due for row in rows)
            wanted = due_until(rule, zone, max(row.due for row in rows))
            assert first >= BEGAN - timedelta(hours=1)
            assert sorted(row.period for row in rows)[-len(wanted) :] == sorted(wanted)
            assert {row.state for row in rows} == {RunState.OWED}
            claimed = [key for one in {row.edition for row in rows} for key in store.runs.claimed(one)]
            assert sorted(claimed) == sorted(row.period for row in rows)


def test_many_schedulers_at_once_claim_a_period_for_one_edition(url: str) -> None:
    rule, zone = replace(slots(Late.MERGE)[0][0], key="weekly"), ZoneInfo("Asia/Shanghai")
    with Store.open(url) as store:
        store.migrate(site="a", now=BEGAN)
        settle(store, rule, zone, BEGAN)
    barrier = threading.Barrier(6)

    def race(number: int) -> None:
        with Store.open(url) as mine:
            barrier.wait()
            for day in range(40):
                settle(mine, rule, zone, BEGAN + timedelta(days=day, minutes=number))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(race, range(6)))
    with Store.open(url) as store:
        rows = store.runs.latest("weekly")
        assert len({row.period for row in rows}) == len(rows) >= 5
        assert all(store.runs.claim("weekly", row.period, zone) is not None for row in rows)
        assert {one.period.key for one in store.runs.owed(zone)} <= {row.period for row in rows}
        store.runs.finish("weekly", rows[0].edition, RunState.MADE, BEGAN)
        assert store.runs.latest("weekly", states=[RunState.MADE])[0].edition == rows[0].edition
        assert store.runs.claim("weekly", "1999-W01", zone) is None
