"""Days, weeks, months and rules: each period once, whatever the clocks do; keys and due times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from digest.errors import ConfigError, PeriodError
from digest.model import DigestRule, Period
from digest.periods import next_runs, period_before, period_named, period_of, problems, runs
from tests.schedule.test_agenda import TIMES, ZONES

ZONE = ZoneInfo("Asia/Shanghai")
DAILY = DigestRule(key="daily", title="Daily", frequency="daily", at=time(8))
MONTHLY = DigestRule(key="monthly", title="Monthly", frequency="monthly", at=time(8))
SATURDAYS = DigestRule(key="rule", title="Rule", frequency="rrule", rule="FREQ=MONTHLY;BYDAY=1SA", at=time(9))
RULES = (DAILY, replace(DAILY, frequency="weekly"), replace(MONTHLY, day=31), SATURDAYS, replace(SATURDAYS, rule="FREQ=DAILY"))  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def shown(rule: DigestRule, now: str, count: int = 3) -> list[tuple[str, str]]:
    return [(run.period.key, f"{run.at:%m-%d %H:%M}") for run in next_runs(rule, ZONE, at(now), count)]


def test_daily() -> None:
    assert shown(DAILY, "2018-07-20T08:00:00") == [
        ("2018-07-20", "07-21 08:00"), ("2018-07-21", "07-22 08:00"), ("2018-07-22", "07-23 08:00")]  # fmt: skip
    assert period_named(DAILY, "2018-07-20", ZONE) == Period(
        at("2018-07-20T00:00:00"), at("2018-07-21T00:00:00"), "2018-07-20"
    )
    assert period_before(DAILY, at("2018-07-20T03:00:00"), ZONE).key == "2018-07-19"


def test_monthly_on_the_last_day_of_short_months_too() -> None:
    assert shown(MONTHLY, "2018-07-01T08:00:00", 2) == [("2018-07", "08-01 08:00"), ("2018-08", "09-01 08:00")]
    assert shown(replace(MONTHLY, day=31), "2019-01-01T00:00:00") == [
        ("2018-12", "01-31 08:00"), ("2019-01", "02-28 08:00"), ("2019-02", "03-31 08:00")]  # fmt: skip
    assert period_named(MONTHLY, "2018-12", ZONE).last_day == date(2018, 12, 31)


def test_every_first_saturday_from_one_due_time_to_the_next() -> None:
    assert shown(SATURDAYS, "2018-07-07T09:00:00", 2) == [("2018-08-04", "08-04 09:00"), ("2018-09-01", "09-01 09:00")]
    july = period_named(SATURDAYS, "2018-07-07", ZONE)
    assert july == Period(at("2018-06-02T09:00:00"), at("2018-07-07T09:00:00"), "2018-07-07")
    assert period_before(SATURDAYS, at("2018-07-07T09:00:00"), ZONE) == july
    assert period_of(SATURDAYS, at("2018-07-07T08:59:59"), ZONE) == july


def test_a_rule_counts_from_its_first_day() -> None:
    fortnightly = replace(SATURDAYS, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", starting=date(2018, 7, 9))
    assert [key for key, _ in shown(fortnightly, "2018-01-01T00:00:00")] == ["2018-07-09", "2018-07-23", "2018-08-06"]
    assert period_of(fortnightly, at("2018-01-01T00:00:00"), ZONE).start == at("2018-07-08T00:00:00")


@pytest.mark.parametrize(
    ("rule", "key"),
    [(DAILY, "2018-W29"), (DAILY, "2018-02-30"), (MONTHLY, "2018-13"), (MONTHLY, "2018-07-01"), (MONTHLY, "9999-12"),
     (SATURDAYS, "2018-07-08"), (SATURDAYS, "July"), (SATURDAYS, "20180707"), (SATURDAYS, "0001-01-01")],
)  # fmt: skip
def test_keys_that_name_no_period(rule: DigestRule, key: str) -> None:
    with pytest.raises(PeriodError):
        period_named(rule, key, ZONE)


def test_a_day_that_the_clocks_left_out() -> None:
    apia = ZoneInfo("Pacific/Apia")
    with pytest.raises(PeriodError, match="2011-12-30"):
        Period.day("2011-12-30", apia)
    keys = [run.period.key for run in islice(runs(DAILY, apia, datetime(2011, 12, 29, 20, tzinfo=UTC)), 3)]
    assert keys == ["2011-12-29", "2011-12-31", "2012-01-01"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.frequency} {rule.rule}")
def test_periods_follow_each_other_and_each_is_due_once(zone: str, rule: DigestRule) -> None:
    """Most of a year (of months: two), with both changes of the clocks in it."""
    tz = ZoneInfo(zone)
    for weekday, wall in TIMES[1:3]:
        there = replace(rule, weekday=weekday, at=wall)
        found = list(
            islice(runs(there, tz, datetime(2018, 3, 1, tzinfo=UTC)), 24 if rule.frequency == "monthly" else 250)
        )
        keys = [run.period.key for run in found]
        assert len(set(keys)) == len(keys)
        for before, after in pairwise(found):
            assert before.period.end.astimezone(UTC) == after.period.start.astimezone(UTC)
            assert before.at.astimezone(UTC) < after.at.astimezone(UTC)
            assert before.at.astimezone(UTC) >= before.period.end.astimezone(UTC)
            assert period_named(there, before.period.key, tz) == before.period
            assert period_of(there, before.period.start, tz) == before.period
            assert before.at.astimezone(tz).fold == 0 or before.at == before.period.end


def test_a_period_knows_its_times_in_another_zone() -> None:
    week = Period.week("2018-W29", ZONE)
    assert week.astimezone(UTC).start == week.start
    assert week.astimezone(UTC).start.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"frequency": "hourly"}, "frequency 'hourly'"),
        ({"weekday": 7}, "weekday 7"),
        ({"day": 0}, "day 0"),
        ({"at": time(8, tzinfo=UTC)}, "carries a zone"),
        ({"late_days": 0}, "late_days 0"),
        ({"grace_hours": 0}, "grace_hours 0"),
        ({"rule": "FREQ=DAILY"}, "only read with"),
        ({"frequency": "rrule"}, "rule ''"),
        ({"frequency": "rrule", "rule": "every Saturday"}, "write it as"),
        ({"frequency": "rrule", "rule": "FREQ=DAILY;COUNT=3"}, "write it as"),
        ({"frequency": "rrule", "rule": "FREQ=HOURLY"}, "FREQ is one of"),
        ({"frequency": "rrule", "rule": "FREQ=MONTHLY;BYDAY=9XX"}, "BYDAY"),
        ({"frequency": "rrule", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "no day that there is"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(changes: dict[str, object], problem: str) -> None:
    rule = replace(DigestRule(key="a", title="A"), **changes)  # type: ignore[arg-type]  # fields of many kinds
    (said,) = problems(rule)
    assert problem in said


def test_sound_schedules() -> None:
    for rule in (*RULES, MONTHLY, replace(SATURDAYS, rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")):
        assert list(problems(rule)) == []


def test_a_rule_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="digest 'rule'"):
        period_of(replace(SATURDAYS, rule="FREQ=NEVER"), at("2018-07-07T09:00:00"), ZONE)
    with pytest.raises(ConfigError, match="names no day"):
        period_of(replace(SATURDAYS, rule="FREQ=DAILY;UNTIL=20180201"), at("2018-07-07T09:00:00"), ZONE)
    assert timedelta(0) < period_of(SATURDAYS, at("2018-07-07T09:00:00"), ZONE).end - at("2018-07-07T09:00:00")
