"""What fell due and what became of it: one row per digest and period, so that nothing is made twice or forgotten.

    (nothing) ──settle──> owed ──finish──> made | skipped
              └─────────> lapsed

A scheduler asks what is due and writes it down in one transaction (`settle`); only then is an edition made of it. So
whoever comes second finds the row, and what a dead process left owed is made at the next tick.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.model import EditionState, Period
from digest.periods import Run
from digest.store.database import AnyRow, Database
from digest.store.schema import editions, runs, schedules

_OVER: Final = (EditionState.SENT.value, EditionState.CANCELLED.value)
_OWN: Final = tuple(
    state.value for state in (EditionState.APPROVED, EditionState.HELD, EditionState.SENDING, EditionState.PAUSED)
)
_LONGEST_WAIT: Final = timedelta(days=40)  # from the end of a period until its edition is due, and more


class RunState(StrEnum):
    """What became of a period that fell due."""

    OWED = "owed"  # its edition is to be made
    MADE = "made"  # it has an edition, whatever became of that
    SKIPPED = "skipped"  # there was not enough for one
    LAPSED = "lapsed"  # too late: it gets none


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the store knows when a digest's schedule is looked at.

    Attributes:
        since: what fell due before has been dealt with, or was before the digest's beginning.
        settled: whether a period is settled: by its key, or because its end lies in one that is (so that a weekly
            digest that becomes a daily one begins where it stopped).
        alone: whether a period has an edition that an operator has acted on: it is not merged with others.
    """

    since: datetime
    settled: Callable[[Period], bool]
    alone: Callable[[Period], bool]


@dataclass(frozen=True, kw_only=True)
class Owed:
    """An edition to be made: of one period, or of several that became one."""

    digest: str
    edition: str
    period: Period
    held: bool  # it comes later than the grace


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A row: a period that fell due, and what became of it. `edition` is "" where there is none."""

    digest: str
    period: str
    due: datetime
    state: RunState
    held: bool
    edition: str
    at: datetime


class Runs:
    """`settle` and `finish` write; `owed`, `sendable`, `edition_of`, `latest` read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(
        self,
        digest: str,
        now: datetime,
        *,
        reach: datetime,
        decide: Callable[[Known], tuple[Sequence[tuple[str, Sequence[Run], bool]], Sequence[Run]]],
    ) -> tuple[Run, ...]:
        """Write down what is due of a digest, in one transaction that no other process can run beside.

        Args:
            digest: its key.
            now: the time. A digest that is asked about for the first time begins now.
            reach: how far back from what was dealt with to look again, for a schedule that was changed.
            decide: from what the store knows: (edition id, its runs, whether it is held) of each edition owed, and
                the runs that lapse.

        Returns:
            The runs that lapsed, for an operator to be told.
        """
        with self._database.transaction() as connection:
            self._database.serialize(runs)
            known = self._known(connection, digest, now, reach)
            owed, lapsed = decide(known)
            for edition, several, held in owed:
                self._write(connection, digest, several, RunState.OWED, now, edition=edition, held=held)
            self._write(connection, digest, lapsed, RunState.LAPSED, now)
            connection.execute(sa.update(schedules).where(schedules.c.digest == digest).values(seen=now))
        return tuple(lapsed)

    def _known(self, connection: Connection, digest: str, now: datetime, reach: datetime) -> Known:
        connection.execute(
            self._database.insert(schedules).values(digest=digest, began=now, seen=now).on_conflict_do_nothing()
        )
        row = connection.execute(sa.select(schedules).where(schedules.c.digest == digest)).one()
        began, seen = row.began, row.seen
        if now < seen:
            # The clock was set back. What lapsed by a clock that was wrong has not lapsed.
            began = min(began, now)
            connection.execute(sa.update(schedules).where(schedules.c.digest == digest).values(began=began))
            connection.execute(
                sa.delete(runs).where(runs.c.digest == digest, runs.c.state == RunState.LAPSED.value, runs.c.at > now)
            )
        since = max(began, min(seen, reach))
        ended = since - _LONGEST_WAIT
        done = connection.execute(
            sa.select(runs.c.period, runs.c.starts, runs.c.ends).where(runs.c.digest == digest, runs.c.ends >= ended)
        ).all()
        made = connection.execute(
            sa.select(editions.c.period, editions.c.starts, editions.c.ends, editions.c.state).where(
                editions.c.digest == digest, editions.c.ends >= ended, editions.c.state.in_([*_OVER, *_OWN])
            )
        ).all()
        over = [one for one in made if one.state in _OVER]
        own = {one.period for one in made if one.state in _OWN}
        keys = {one.period for one in [*done, *over]}
        spans = [(one.starts, one.ends) for one in [*done, *over]]

        def settled(period: Period) -> bool:
            return period.key in keys or any(starts < period.end <= ends for starts, ends in spans)

        return Known(since=since, settled=settled, alone=lambda period: period.key in own)

    def by_hand(self, digest: str, period: Period, edition: str, now: datetime) -> None:
        """Note that a period's edition goes out to everyone because an operator says so; it is not owed any more."""
        with self._database.transaction() as connection:
            self._write(connection, digest, [Run(period=period, at=now)], RunState.MADE, now, edition=edition)
            connection.execute(
                sa.update(runs)
                .where(runs.c.digest == digest, runs.c.period == period.key, runs.c.state != RunState.MADE.value)
                .values(state=RunState.MADE.value, edition=edition, at=now)
            )

    def finish(self, digest: str, edition: str, state: RunState, now: datetime) -> None:
        """Note what became of an owed edition, for all its periods."""
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(runs)
                .where(runs.c.digest == digest, runs.c.edition == edition, runs.c.state == RunState.OWED.value)
                .values(state=state.value, at=now)
            )

    # ---- read

    def owed(self, zone: tzinfo) -> tuple[Owed, ...]:
        """The editions that are to be made, oldest first; their periods in a zone."""
        return self._bundles(runs.c.state == RunState.OWED.value, zone)

    def claim(self, digest: str, period: str, zone: tzinfo) -> Owed | None:
        """The edition that has claimed a period of a digest, with all the periods that it claimed; or None."""
        mine = sa.select(runs.c.edition).where(
            runs.c.digest == digest, runs.c.period == period, runs.c.state != RunState.LAPSED.value
        )
        found = self._bundles((runs.c.digest == digest) & (runs.c.edition == mine.scalar_subquery()), zone)
        return found[0] if found else None

    def _bundles(self, condition: sa.ColumnElement[bool], zone: tzinfo) -> tuple[Owed, ...]:
        query = sa.select(runs).where(condition).order_by(runs.c.due, runs.c.digest)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        bundles: dict[tuple[str, str], list[AnyRow]] = {}
        for row in rows:
            bundles.setdefault((row.digest, row.edition), []).append(row)
        return tuple(
            Owed(
                digest=digest,
                edition=edition,
                period=Period.spanning([Period(row.starts, row.ends, row.period) for row in bundle]).astimezone(zone),
                held=bundle[-1].held,
            )
            for (digest, edition), bundle in bundles.items()
        )

    def claimed(self, edition: str) -> tuple[str, ...]:
        """Keys of the periods that an edition has claimed, oldest first."""
        query = sa.select(runs.c.period).where(runs.c.edition == edition).order_by(runs.c.starts)
        with self._database.reading() as connection:
            return tuple(connection.scalars(query))

    def sendable(self) -> tuple[str, ...]:
        """Ids of the editions that are approved or being sent, and due (or sent to everyone by hand), oldest first.

        An edition that was approved before its time waits for it; a trial to a few addresses is nobody's order to
        send it to all.
        """
        query = (
            sa.select(editions.c.id)
            .join(runs, runs.c.edition == editions.c.id)
            .where(
                editions.c.state.in_([EditionState.APPROVED.value, EditionState.SENDING.value]),
                runs.c.state == RunState.MADE.value,
            )
            .group_by(editions.c.id)
            .order_by(sa.func.min(runs.c.due))
        )
        with self._database.reading() as connection:
            return tuple(connection.scalars(query))

    def latest(self, digest: str = "", *, states: Collection[RunState] = (), limit: int = 20) -> tuple[Settled, ...]:
        """What fell due last (of a digest, in these states), newest first."""
        query = sa.select(runs).order_by(runs.c.due.desc(), runs.c.period.desc()).limit(limit)
        if digest:
            query = query.where(runs.c.digest == digest)
        if states:
            query = query.where(runs.c.state.in_([state.value for state in states]))
        with self._database.reading() as connection:
            return tuple(_settled(row) for row in connection.execute(query))

    def _write(
        self,
        connection: Connection,
        digest: str,
        several: Sequence[Run],
        state: RunState,
        now: datetime,
        *,
        edition: str = "",
        held: bool = False,
    ) -> None:
        for run in several:
            row = self._database.insert(runs).values(
                digest=digest,
                period=run.period.key,
                starts=run.period.start,
                ends=run.period.end,
                due=run.at,
                state=state.value,
                held=held,
                edition=edition,
                at=now,
            )
            connection.execute(row.on_conflict_do_nothing())


def _settled(row: AnyRow) -> Settled:
    return Settled(
        digest=row.digest,
        period=row.period,
        due=row.due,
        state=RunState(row.state),
        held=row.held,
        edition=row.edition,
        at=row.at,
    )
