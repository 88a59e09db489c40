"""What a digest owes now: pure. What was settled lives in the store and comes in as a question.

An edition is owed for each period that fell due since the digest began and is not settled. So an edition that was sent
ahead by hand leaves no hole behind it, and a clock that is set back makes nothing due again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from digest.model import DigestRule, Late, Period
from digest.periods import Run, runs


@dataclass(frozen=True, kw_only=True)
class Due:
    """An edition that is owed now.

    Attributes:
        runs: the periods that it covers, oldest first; several after a downtime.
        held: it comes later than the grace, so an operator decides whether it still goes out.
    """

    runs: tuple[Run, ...]
    held: bool

    @property
    def period(self) -> Period:
        """What the edition covers; it has the key of the newest period."""
        return Period.spanning([run.period for run in self.runs])


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


def due(
    rule: DigestRule,
    zone: tzinfo,
    *,
    since: datetime,
    now: datetime,
    settled: Callable[[Period], bool],
    alone: Callable[[Period], bool] = lambda _period: False,
) -> Agenda:
    """What a digest owes now, by the `late`, `late_days` and `grace_hours` of its rule.

    Args:
        rule: the digest.
        zone: the zone of its periods and due times.
        since: what fell due before is not owed: when the digest began, or what an earlier tick has dealt with.
        now: the present.
        settled: whether a period has its edition, or has lapsed.
        alone: whether a period has an edition of its own already that is not out: it is never merged with others.

    Raises:
        ConfigError: the digest's frequency is not known, or its rule cannot be read.
    """
    present = now.astimezone(UTC)
    oldest = present - timedelta(days=rule.late_days)
    owed: list[Run] = []
    lapsed: list[Run] = []
    for run in runs(rule, zone, min(since.astimezone(UTC), present)):
        at = run.at.astimezone(UTC)
        if at > present:
            upcoming = run
            break
        if not settled(run.period):
            (owed if at >= oldest else lapsed).append(run)
    if rule.late is Late.NONE:
        lapsed, owed = lapsed + owed[:-1], owed[-1:]
    overdue = present - timedelta(hours=rule.grace_hours)
    return Agenda(
        due=tuple(
            Due(runs=bundle, held=bundle[-1].at.astimezone(UTC) < overdue)
            for bundle in _bundles(owed, alone if rule.late is Late.MERGE else lambda _period: True)
        ),
        lapsed=tuple(lapsed),
        next=upcoming,
    )


def _bundles(owed: list[Run], alone: Callable[[Period], bool]) -> list[tuple[Run, ...]]:
    """The runs by edition: neighbours in one, but what stands alone."""
    bundles: list[list[Run]] = []
    joins = False
    for run in owed:
        single = alone(run.period)
        if joins and not single and bundles[-1][-1].period.end == run.period.start:
            bundles[-1].append(run)
        else:
            bundles.append([run])
        joins = not single
    return [tuple(bundle) for bundle in bundles]
