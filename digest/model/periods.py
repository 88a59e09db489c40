"""Periods of local time, and instants of wall times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil, floor

from digest.errors import PeriodError


def local_instant(day: date, wall: time, zone: tzinfo) -> datetime:
    """The instant of a wall time: the first at or after it in a gap, the first of two in a fold (PEP 495).

    Raises:
        OverflowError: the instant lies outside the years that Python knows.
    """
    naive = datetime.combine(day, wall.replace(tzinfo=None))
    first = naive.replace(tzinfo=zone, fold=0)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
        return first
    # In a gap, fold=1 gives an instant before it and fold=0 one after it. Clocks change on whole seconds, so the
    # first instant that exists is found by halving whole seconds between the two.
    low = floor(naive.replace(tzinfo=zone, fold=1).timestamp())
    high = ceil(first.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC).astimezone(zone)


_WEEK_KEY = re.compile(r"([0-9]{4})-W([0-9]{2})")
_DAY_KEY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_KEY = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, order=True)
class Period:
    """A half-open interval of local time that an edition covers: a day, an ISO 8601 week (Monday to Sunday), a month.

    The periods of a rule (`digest.periods`) go from one due time to the next, and have the key of the day they are due.
    """

    start: datetime
    end: datetime
    key: str  # "2018-07-20", "2018-W29", "2018-07"

    @classmethod
    def week(cls, key: str, zone: tzinfo) -> Period:
        """The ISO week "2018-W29" in a zone.

        Raises:
            PeriodError: the key is not an ISO week, or that year has no such week.
        """
        try:
            if (match := _WEEK_KEY.fullmatch(key)) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return cls._of_days(monday, monday + timedelta(days=7), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(
                f"'{key}' is not a week", remedy="write it as year and ISO week, for example 2018-W29"
            ) from None

    @classmethod
    def day(cls, key: str, zone: tzinfo) -> Period:
        """The day "2018-07-20" in a zone.

        Raises:
            PeriodError: the key is not a day, or the clocks of the zone left that day out.
        """
        try:
            if _DAY_KEY.fullmatch(key) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            first = date.fromisoformat(key)
            return cls._of_days(first, first + timedelta(days=1), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(f"'{key}' is not a day", remedy="write it as 2018-07-20") from None

    @classmethod
    def month(cls, key: str, zone: tzinfo) -> Period:
        """The month "2018-07" in a zone.

        Raises:
            PeriodError: the key is not a month.
        """
        try:
            if (match := _MONTH_KEY.fullmatch(key)) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            first = date(int(match[1]), int(match[2]), 1)
            return cls._of_days(first, (first + timedelta(days=31)).replace(day=1), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(f"'{key}' is not a month", remedy="write it as 2018-07") from None

    @classmethod
    def spanning(cls, periods: Sequence[Period]) -> Period:
        """One period over several that follow each other, oldest first. It has the key of the newest."""
        return cls(periods[0].start, periods[-1].end, periods[-1].key)

    @classmethod
    def week_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The week in which an instant lies, in a zone. Every instant lies in exactly one.

        Raises:
            PeriodError: the week lies outside the years that Python knows.
        """
        return cls._around(moment, zone, lambda day: cls.week("{:04d}-W{:02d}".format(*day.isocalendar()), zone))

    @classmethod
    def day_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The day in which an instant lies, in a zone."""
        return cls._around(moment, zone, lambda day: cls.day(day.isoformat(), zone))

    @classmethod
    def month_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The month in which an instant lies, in a zone."""
        return cls._around(moment, zone, lambda day: cls.month(day.isoformat()[:7], zone))

    @classmethod
    def _around(cls, moment: datetime, zone: tzinfo, period_of_day: Callable[[date], Period]) -> Period:
        local = moment.astimezone(zone).date()
        period = period_of_day(local)
        # Where clocks go back over a midnight, the evening comes twice: the period ended at the first midnight.
        return period if moment in period else period_of_day(local + timedelta(days=1))

    @classmethod
    def _of_days(cls, first: date, after: date, key: str, zone: tzinfo) -> Period:
        """From the first instant of a day to that of another.

        Raises:
            ValueError: there is no time between the two.
        """
        start, end = (local_instant(day, time(0, 0), zone) for day in (first, after))
        if start.astimezone(UTC) >= end.astimezone(UTC):
            raise ValueError(key)
        return cls(start, end, key)

    @property
    def last_day(self) -> date:
        """The last local date of the period."""
        # Through UTC: wall time less a microsecond is no instant where the end stands after a gap.
        return (self.end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(self.end.tzinfo).date()

    def astimezone(self, zone: tzinfo) -> Period:
        """The same period with its times in a zone."""
        return Period(self.start.astimezone(zone), self.end.astimezone(zone), self.key)

    def __contains__(self, moment: datetime) -> bool:
        """Whether an instant lies in the period."""
        # In UTC: two times of one zone compare by the clock on the wall, which shows some times twice.
        instant = moment.astimezone(UTC)
        return self.start.astimezone(UTC) <= instant < self.end.astimezone(UTC)
