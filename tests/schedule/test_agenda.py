"""Due times: exactly one a week in every zone, and what is owed after a downtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ConfigError
from digest.model import DigestRule, Late, Period
from digest.periods import due_at, next_runs, period_of, runs
from digest.schedule import Agenda, Due, due

ZONE = ZoneInfo("Asia/Shanghai")
RULE = DigestRule(key="weekly", title="Weekly", weekday=0, at=time(8))

ZONES = (
    "Europe/Brussels",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Santiago",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Asia/Shanghai",
)
TIMES = ((6, time(2, 30)), (4, time(0, 0)), (6, time(0, 30)), (0, time(0, 0)), (0, time(8, 0)))
WEEKS = 313


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def agenda(now: str, last: str = "", *, since: str = "2018-01-01T00:00:00", done: tuple[str, ...] = (),
           alone: tuple[str, ...] = (), **changes: object) -> Agenda:  # fmt: skip
    """What the weekly digest owes, when everything up to a week (and some others) is settled."""
    return due(
        replace(RULE, **changes),  # type: ignore[arg-type]  # fields of many kinds
        ZONE,
        since=at(since),
        now=at(now),
        settled=lambda period: period.key <= last or period.key in done,
        alone=lambda period: period.key in alone,
    )


def weeks(one: Due) -> list[str]:
    return [run.period.key for run in one.runs]


@pytest.mark.parametrize("zone", ZONES)
def test_every_week_is_due_exactly_once(zone: str) -> None:
    """2018 to 2023, with every change of the clocks in them."""
    tz = ZoneInfo(zone)
    for weekday, wall in TIMES:
        rule = replace(RULE, weekday=weekday, at=wall)
        period = Period.week("2018-W01", tz)
        before = period.start.astimezone(UTC)
        for _ in range(WEEKS):
            moment = due_at(rule, period, tz)
            instant = moment.astimezone(UTC)
            end = period.end.astimezone(UTC)
            assert before < instant or (before == instant and period.key == "2018-W01")
            assert end <= instant < end + timedelta(days=7, hours=1)
            local = instant.astimezone(tz)
            assert (local.weekday(), local.time() >= wall) == (weekday, True)
            assert local.time() == wall or (instant - timedelta(seconds=1)).astimezone(tz).replace(
                tzinfo=None
            ) < datetime.combine(local.date(), wall)
            assert local.fold == 0
            before, period = instant, Period.week_of(period.end, tz)


def _among(told: list[str]) -> Callable[[Period], bool]:
    return lambda period: period.key in told


class TestDue:
    def test_nothing_before_the_time_and_everything_from_it_on(self) -> None:
        early = agenda("2018-07-23T07:59:59", "2018-W28")
        assert (early.due, early.lapsed, early.next.period.key) == ((), (), "2018-W29")
        (one,) = agenda("2018-07-23T08:00:00", "2018-W28").due
        assert (weeks(one), one.runs[0].at, one.held) == (["2018-W29"], at("2018-07-23T08:00:00"), False)
        assert one.period == Period.week("2018-W29", ZONE)

    def test_a_week_with_an_edition_is_not_owed(self) -> None:
        found = agenda("2018-07-24T08:00:00", "2018-W29")
        assert (found.due, found.next.period.key) == ((), "2018-W30")

    def test_an_edition_sent_ahead_by_hand_leaves_no_hole_behind_it(self) -> None:
        found = agenda("2018-07-23T09:00:00", "2018-W28", done=("2018-W31",))
        assert [weeks(one) for one in found.due] == [["2018-W29"]]

    def test_later_than_the_grace_it_is_held(self) -> None:
        assert not agenda("2018-07-24T08:00:00", "2018-W28").due[0].held
        assert agenda("2018-07-24T08:00:01", "2018-W28").due[0].held
        assert not agenda("2018-07-25T08:00:00", "2018-W28", grace_hours=72).due[0].held

    def test_after_a_downtime_one_edition_claims_all(self) -> None:
        found = agenda("2018-07-23T08:00:00", "2018-W25")
        (one,) = found.due
        assert (weeks(one), one.held, found.lapsed) == (["2018-W26", "2018-W27", "2018-W28", "2018-W29"], False, ())
        assert one.period == Period(at("2018-06-25T00:00:00"), at("2018-07-23T00:00:00"), "2018-W29")

    def test_what_has_an_edition_of_its_own_is_not_merged(self) -> None:
        found = agenda("2018-07-23T08:00:00", "2018-W25", alone=("2018-W27",))
        assert [(weeks(one), one.held) for one in found.due] == [
            (["2018-W26"], True),
            (["2018-W27"], True),
            (["2018-W28", "2018-W29"], False),
        ]

    def test_only_neighbours_are_merged(self) -> None:
        found = agenda("2018-07-23T08:00:00", "2018-W25", done=("2018-W28",))
        assert [weeks(one) for one in found.due] == [["2018-W26", "2018-W27"], ["2018-W29"]]

    def test_what_is_older_than_the_limit_lapses_and_is_told(self) -> None:
        found = agenda("2018-07-23T09:00:00", "2018-W20")
        assert [weeks(one) for one in found.due] == [["2018-W27", "2018-W28", "2018-W29"]]
        assert [run.period.key for run in found.lapsed] == [f"2018-W{week}" for week in range(21, 27)]
        assert agenda("2018-07-23T09:00:00", "2018-W20", late_days=365).lapsed == ()

    def test_or_each_gets_its_own(self) -> None:
        found = agenda("2018-07-23T09:00:00", "2018-W27", late=Late.EACH)
        assert [(weeks(one), one.held) for one in found.due] == [(["2018-W28"], True), (["2018-W29"], False)]

    def test_or_none_but_the_newest(self) -> None:
        found = agenda("2018-07-23T09:00:00", "2018-W26", late=Late.NONE)
        assert [weeks(one) for one in found.due] == [["2018-W29"]]
        assert [run.period.key for run in found.lapsed] == ["2018-W27", "2018-W28"]

    def test_a_digest_that_just_began_owes_nothing_old(self) -> None:
        assert agenda("2018-07-25T09:00:00", since="2018-07-25T08:00:00").due == ()
        (one,) = agenda("2018-07-30T09:00:00", since="2018-07-25T08:00:00").due
        assert weeks(one) == ["2018-W30"]
        (both,) = agenda("2018-08-06T09:00:00", since="2018-07-25T08:00:00").due
        assert weeks(both) == ["2018-W30", "2018-W31"]

    def test_a_beginning_in_the_future_is_a_clock_that_was_wrong(self) -> None:
        (one,) = agenda("2018-07-23T08:00:00", since="2019-01-01T00:00:00").due
        assert weeks(one) == ["2018-W29"]

    def test_bad_words(self) -> None:
        hourly = replace(RULE, frequency="hourly")
        with pytest.raises(ConfigError, match="frequency 'hourly'"):
            due(hourly, ZONE, since=at("2018-07-23T09:00:00"), now=at("2018-07-23T09:00:00"), settled=lambda _: False)
        with pytest.raises(ConfigError, match="digest 'weekly'"):
            period_of(hourly, at("2018-07-23T09:00:00"), ZONE)

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(ZONES).map(ZoneInfo),
        st.sampled_from(TIMES),
        st.sampled_from(["daily", "weekly", "monthly", "rrule"]),
        st.lists(st.integers(1, 60 * 24 * 30), min_size=3, max_size=12),
        st.sampled_from(Late),
    )
    def test_every_period_is_made_or_told_whenever_the_ticks_come(
        self, zone: ZoneInfo, when: tuple[int, time], frequency: str, gaps: list[int], late: Late
    ) -> None:
        rule = replace(
            RULE, weekday=when[0], at=when[1], frequency=frequency, rule="FREQ=WEEKLY;BYDAY=TU,SA", late=late
        )
        began = now = datetime(2018, 2, 1, tzinfo=UTC)
        told: list[str] = []
        for minutes in gaps:
            now += timedelta(minutes=minutes)
            found = due(rule, zone, since=began, now=now, settled=_among(told))
            settled = sorted(
                [run for one in found.due for run in one.runs] + list(found.lapsed), key=lambda run: run.at
            )
            told += [run.period.key for run in settled]
            assert all(run.at <= now for run in settled)
            assert found.next.at > now
        wanted = runs(rule, zone, began)
        assert told == [next(wanted).period.key for _ in told]


class TestNextRuns:
    def test_five_by_default(self) -> None:
        runs = next_runs(RULE, ZONE, at("2018-07-23T08:00:00"))
        assert [run.period.key for run in runs] == ["2018-W30", "2018-W31", "2018-W32", "2018-W33", "2018-W34"]
        assert runs[0].at == at("2018-07-30T08:00:00")
        assert next_runs(RULE, ZONE, at("2018-07-23T07:59:59"), 1)[0].period.key == "2018-W29"

    def test_a_sunday_after_the_week(self) -> None:
        sunday = replace(RULE, weekday=6, at=time(18))
        assert next_runs(sunday, ZONE, at("2018-07-22T17:00:00"), 2)[0].period.key == "2018-W28"
        assert next_runs(sunday, ZONE, at("2018-07-22T18:00:00"), 2)[0].period.key == "2018-W29"
