"""Which periods a digest has, and when the edition of each is due: pure.

No cron library decides. A period is a local day, ISO week or month, or goes from one day of an RFC 5545 rule to the
next; it is due at the first instant at or after a wall time. So each is due exactly once, whatever the clocks do. Of a
rule only the *days* are taken: python-dateutil never sees a time or a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final

from dateutil.rrule import rrule, rrulestr

from digest.errors import ConfigError, PeriodError
from digest.model import DigestRule, Period, local_instant

FREQUENCIES: Final = ("daily", "weekly", "monthly", "rrule")
_PARTS: Final = ["FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "WKST"]
_DAILY_OR_RARER: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_PART: Final = re.compile(r"([A-Z]+)=([A-Z0-9,+-]+)")
_SECOND: Final = timedelta(seconds=1)
_MIDNIGHT: Final = time(0, 0)

# How long after its period's end an edition may fall due, and a period longer: from there on runs are looked for.
_REACH: Final = {"daily": timedelta(days=4), "weekly": timedelta(days=16), "monthly": timedelta(days=65)}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A period and the instant at which its edition is due."""

    period: Period
    at: datetime


def period_of(rule: DigestRule, moment: datetime, zone: tzinfo) -> Period:
    """The period of a digest in which an instant lies; before a rule's first day, the first one.

    Raises:
        ConfigError: the digest's frequency is not known, or its rule cannot be read.
    """
    match rule.frequency:
        case "daily":
            return Period.day_of(moment, zone)
        case "weekly":
            return Period.week_of(moment, zone)
        case "monthly":
            return Period.month_of(moment, zone)
        case "rrule":
            return _between_days(rule, moment, zone)
    raise ConfigError(f"digest '{rule.key}': frequency '{rule.frequency}' is not known ({', '.join(FREQUENCIES)})")


def period_named(rule: DigestRule, key: str, zone: tzinfo) -> Period:
    """The period of a digest with this key: 2018-07-20 of a day, 2018-W29, 2018-07; of a rule, the day it is due.

    Raises:
        ConfigError: the digest's frequency is not known, or its rule cannot be read.
        PeriodError: there is no such period.
    """
    match rule.frequency:
        case "daily":
            return Period.day(key, zone)
        case "weekly":
            return Period.week(key, zone)
        case "monthly":
            return Period.month(key, zone)
    try:
        day = date.fromisoformat(key)
        period = period_of(rule, local_instant(day, rule.at, zone).astimezone(UTC) - _SECOND, zone)
    except (ValueError, OverflowError):
        raise PeriodError(f"'{key}' is not a day", remedy="write it as 2018-07-20") from None
    if period.key != key:
        raise PeriodError(f"'{key}' is no day of {rule.rule}", remedy="`digest schedule` shows the next ones")
    return period


def period_before(rule: DigestRule, moment: datetime, zone: tzinfo) -> Period:
    """The newest period of a digest that has ended at an instant: what `digest send` sends."""
    return period_of(rule, period_of(rule, moment, zone).start.astimezone(UTC) - _SECOND, zone)


def due_at(rule: DigestRule, period: Period, zone: tzinfo) -> datetime:
    """When the edition of a period is due, at or after the period's end.

    Daily: at the digest's time; weekly: on its weekday; monthly: on its day of the next month; by rule: at the end.
    A wall time that the clocks skip counts as the first instant after it; of one that they show twice, the first.
    """
    if rule.frequency == "rrule":
        return period.end
    first = period.end.astimezone(zone).date()
    if rule.frequency == "weekly":
        first += timedelta(days=(rule.weekday - first.weekday()) % 7)
    elif rule.frequency == "monthly":
        following = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
        first = min(first.replace(day=1) + timedelta(days=rule.day - 1), following - timedelta(days=1))
    at = local_instant(first, rule.at, zone)
    # Where a midnight comes twice or never, the wall time may lie before the period's end.
    return max(at, period.end, key=lambda moment: moment.astimezone(UTC))


def runs(rule: DigestRule, zone: tzinfo, since: datetime) -> Iterator[Run]:
    """The runs of a digest that fall due at an instant or after it, soonest first, without end.

    Raises:
        ConfigError: the digest's frequency is not known, or its rule cannot be read.
    """
    start = since.astimezone(UTC)
    period = period_of(rule, start - _REACH.get(rule.frequency, _SECOND), zone)
    while True:
        run = Run(period=period, at=due_at(rule, period, zone))
        if run.at.astimezone(UTC) >= start:
            yield run
        period = period_of(rule, period.end, zone)


def next_runs(rule: DigestRule, zone: tzinfo, now: datetime, count: int = 5) -> tuple[Run, ...]:
    """The next runs of a digest that fall due after now, soonest first."""
    coming = (run for run in runs(rule, zone, now) if run.at.astimezone(UTC) > now.astimezone(UTC))
    return tuple(islice(coming, count))


def problems(rule: DigestRule) -> Iterator[str]:
    """What is wrong with a digest's schedule, in sentences."""
    if rule.frequency not in FREQUENCIES:
        yield f"frequency {rule.frequency!r} (one of {', '.join(FREQUENCIES)})"
    if not 0 <= rule.weekday <= 6:
        yield f"weekday {rule.weekday} (monday to sunday, or 0 to 6)"
    if not 1 <= rule.day <= 31:
        yield f"day {rule.day} (1 to 31)"
    if rule.at.tzinfo is not None:
        yield f"at {rule.at} carries a zone (times are local: publication.time_zone)"
    if rule.late_days < 1:
        yield f"late_days {rule.late_days} (must be at least 1)"
    if rule.grace_hours < 1:
        yield f"grace_hours {rule.grace_hours} (must be at least 1)"
    if rule.rule and rule.frequency != "rrule":
        yield f'rule {rule.rule!r} (is only read with frequency = "rrule")'
    if rule.frequency == "rrule":
        yield from _rule_problems(rule)


def _rule_problems(rule: DigestRule) -> Iterator[str]:
    written = [_PART.fullmatch(part) for part in rule.rule.split(";")]
    parts = {match[1]: match[2] for match in written if match}
    if not rule.rule or len(parts) < len(written) or set(parts) - set(_PARTS):
        yield f"rule {rule.rule!r} (write it as FREQ=MONTHLY;BYDAY=1SA, of {', '.join(_PARTS)}; the time is `at`)"
        return
    if parts.get("FREQ") not in _DAILY_OR_RARER:
        yield f"rule {rule.rule!r} (FREQ is one of {', '.join(_DAILY_OR_RARER)})"
        return
    try:
        never = _days(rule.rule, rule.starting).after(datetime.combine(rule.starting, _MIDNIGHT), inc=True) is None
    except ValueError as error:
        yield f"rule {rule.rule!r}: {error} (RFC 5545, 3.3.10)"
        return
    if never:
        yield f"rule {rule.rule!r} names no day that there is"


@lru_cache(maxsize=64)
def _days(rule: str, starting: date) -> rrule:
    """The days of a rule, as naive midnights; what was found once is kept."""
    found = rrulestr(rule, dtstart=datetime.combine(starting, _MIDNIGHT), cache=True)
    assert isinstance(found, rrule)  # noqa: S101 - a single RRULE never makes a set
    return found


def _between_days(rule: DigestRule, moment: datetime, zone: tzinfo) -> Period:
    """The period of a rule in which an instant lies: from one due time to the next."""
    try:
        days = _days(rule.rule, rule.starting)
    except ValueError as error:
        raise ConfigError(f"digest '{rule.key}': rule '{rule.rule}': {error} (RFC 5545, 3.3.10)") from None

    def due(day: datetime) -> datetime:
        return local_instant(day.date(), rule.at, zone)

    instant = moment.astimezone(UTC)
    # A day before and after: the wall time of the day may lie on either side of the instant.
    local = datetime.combine(moment.astimezone(zone).date(), _MIDNIGHT)
    last = days.before(local - timedelta(days=1), inc=True)
    day = days.after(last, inc=False) if last else days.after(datetime.combine(date.min, _MIDNIGHT), inc=True)
    while day is not None and due(day).astimezone(UTC) <= instant:
        last, day = day, days.after(day, inc=False)
    if day is None:
        raise ConfigError(f"digest '{rule.key}': rule '{rule.rule}' names no day any more")
    start = due(last) if last else local_instant(min(rule.starting, day.date() - timedelta(days=1)), _MIDNIGHT, zone)
    return Period(start, due(day), day.date().isoformat())
