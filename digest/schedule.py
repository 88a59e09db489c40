"""Which periods of a digest are due, and when: pure. The tick that asks comes with the scheduler.

No cron library decides: the period is a local ISO week, and it is due at the first instant at or after a wall time.
So each week is due exactly once, whatever the clocks of its zone do. What was done lives in the store and comes in as
the key of the last period that has an edition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import islice

from digest.errors import ConfigError
from digest.model import DigestRule, Period, local_instant


class Late(StrEnum):
    """What becomes of periods that fell due while nothing ran."""

    MERGE = "merge"  # one edition that claims all of them
    EACH = "each"  # an edition for each
    NONE = "none"  # only the newest gets its edition


@dataclass(frozen=True, kw_only=True)
class Run:
    """A period and the instant at which its edition is due."""

    period: Period
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Due:
    """An edition that is owed now.

    Attributes:
        runs: the periods that it covers, oldest first; several after a downtime.
        held: it comes later than the grace, so an operator decides whether it still goes out.
    """

    runs: tuple[Run, ...]
    held: bool


@dataclass(frozen=True, kw_only=True)
class Agenda:
    """What a tick finds.

    Attributes:
        due: the editions owed, oldest first.
        lapsed: periods that fell due and get no edition any more: an operator is told.
        next: the run after those.
    """

    due: tuple[Due, ...]
    lapsed: tuple[Run, ...]
    next: Run


def period_of(rule: DigestRule, moment: datetime, zone: tzinfo) -> Period:
    """The period of a digest in which an instant lies.

    Raises:
        ConfigError: the digest's frequency is not known.
    """
    if rule.frequency == "weekly":
        return Period.week_of(moment, zone)
    raise ConfigError(f"digest '{rule.key}': frequency '{rule.frequency}' is not known (weekly)")


def period_named(rule: DigestRule, key: str, zone: tzinfo) -> Period:
    """The period of a digest with this key.

    Raises:
        ConfigError: the digest's frequency is not known.
        PeriodError: there is no such period.
    """
    if rule.frequency == "weekly":
        return Period.week(key, zone)
    raise ConfigError(f"digest '{rule.key}': frequency '{rule.frequency}' is not known (weekly)")


def due_at(rule: DigestRule, period: Period, zone: tzinfo) -> datetime:
    """When the edition of a period is due: on the digest's weekday, at its time, at or after the period's end.

    A wall time that the clocks skip counts as the first instant after it; of one that they show twice, the first.
    """
    first = period.end.astimezone(zone).date()
    day = first + timedelta(days=(rule.weekday - first.weekday()) % 7)
    return local_instant(day, rule.at, zone)


def next_runs(rule: DigestRule, zone: tzinfo, now: datetime, count: int = 5) -> tuple[Run, ...]:
    """The next runs of a digest that fall due after now, soonest first."""
    return tuple(islice((run for run in _runs(rule, zone, _earlier(rule, zone, now)) if _is_after(run, now)), count))


def due(
    rule: DigestRule,
    zone: tzinfo,
    *,
    last: str | None,
    now: datetime,
    since: datetime | None = None,
    late: Late = Late.MERGE,
    late_limit: timedelta = timedelta(weeks=3),
    grace: timedelta = timedelta(hours=24),
) -> Agenda:
    """What a digest owes now.

    Args:
        rule: the digest.
        zone: the zone of its periods and due times.
        last: key of the newest period that has an edition (or was skipped); None when there is none yet.
        now: the present.
        since: when this digest began, for one without a `last`: what fell due before is not owed. Without it only
            the newest period that fell due is.
        late: what becomes of several owed periods.
        late_limit: how long ago a period may have fallen due and still be owed.
        grace: how long after its due time an edition may still start by itself.

    Raises:
        ConfigError: the digest's frequency is not known.
        PeriodError: `last` is not one of its periods.
    """
    if last is not None:
        start = period_of(rule, period_named(rule, last, zone).end, zone)
    elif since is not None:
        start = _earlier(rule, zone, since)
    else:
        start = _earlier(rule, zone, now)
    owed: list[Run] = []
    lapsed: list[Run] = []
    runs = _runs(rule, zone, start)
    upcoming = next(runs)
    while not _is_after(upcoming, now):
        if last is not None or since is None or upcoming.at.astimezone(UTC) >= since.astimezone(UTC):
            fresh = now.astimezone(UTC) - upcoming.at.astimezone(UTC) <= late_limit
            (owed if fresh else lapsed).append(upcoming)
        upcoming = next(runs)
    if last is None and since is None:
        owed, lapsed = owed[-1:], []
    if late is Late.NONE:
        lapsed, owed = lapsed + owed[:-1], owed[-1:]
    bundles = [tuple(owed)] if late is Late.MERGE and owed else [(run,) for run in owed]
    overdue = now.astimezone(UTC) - grace
    return Agenda(
        due=tuple(Due(runs=bundle, held=bundle[-1].at.astimezone(UTC) < overdue) for bundle in bundles),
        lapsed=tuple(lapsed),
        next=upcoming,
    )


def _runs(rule: DigestRule, zone: tzinfo, period: Period) -> Iterator[Run]:
    """The runs of a digest from a period on, without end."""
    while True:
        yield Run(period=period, at=due_at(rule, period, zone))
        period = period_of(rule, period.end, zone)


def _earlier(rule: DigestRule, zone: tzinfo, moment: datetime) -> Period:
    """A period two before that of an instant: no edition of an earlier one falls due after the instant.

    An edition is due within a week of its period's end.
    """
    period = period_of(rule, moment, zone)
    for _ in range(2):
        period = period_of(rule, period.start.astimezone(UTC) - timedelta(seconds=1), zone)
    return period


def _is_after(run: Run, now: datetime) -> bool:
    return run.at.astimezone(UTC) > now.astimezone(UTC)
