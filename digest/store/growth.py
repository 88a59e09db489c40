"""Who came and who left, day by day: counted once from the consents, so that a chart costs nothing on a large list.

Somebody comes when they consent, and did not before or had withdrawn it; asking on the public form is not yet consent.
They leave when they withdraw it. Days are UTC. Who is erased later stays counted: a count names nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from digest.store.database import AnyRow, Database
from digest.store.schema import consents, growth, growth_seen, subscriptions, suppressions

_PAGE: Final = 5000
_TAIL: Final = 500  # consents that a page counts in passing
ASKED: Final = "form, not confirmed"  # the basis of what is no consent yet: its owner has not confirmed
_BOUNCED: Final = ("refused", "bounced")  # causes of suppressions


@dataclass(frozen=True, kw_only=True)
class GrowthWeek:
    """One week, by its Monday: who came, who left, and whose address was given up since mail to it came back."""

    week: date
    joined: int = 0
    left: int = 0
    bounced: int = 0


class Growth:
    """`count`, `weeks`, `running`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, limit: int = 100_000_000) -> int:
        """Count consents that are not counted yet, some thousands at a time; how many."""
        done = 0
        while done < limit:
            with self._database.transaction() as connection:
                self._database.serialize(growth_seen)
                rows = self._new(connection, _PAGE)
                if not rows:
                    break
                came, gone = _tally(rows)
                for digest, day in sorted({*came, *gone}):
                    row = self._database.insert(growth).values(
                        digest=digest, day=day, joined=came[digest, day], gone=gone[digest, day]
                    )
                    connection.execute(
                        row.on_conflict_do_update(
                            index_elements=[growth.c.digest, growth.c.day],
                            set_={name: growth.c[name] + row.excluded[name] for name in ("joined", "gone")},
                        )
                    )
                seen = self._database.insert(growth_seen).values(row=1, consent=rows[-1].id)
                connection.execute(
                    seen.on_conflict_do_update(
                        index_elements=[growth_seen.c.row], set_={"consent": seen.excluded.consent}
                    )
                )
                done += len(rows)
        return done

    def weeks(self, now: datetime, weeks: int = 26, digest: str = "") -> tuple[GrowthWeek, ...]:
        """The last weeks, oldest first, the running one too; of one digest or of all. Bounces are of all digests.

        What was not counted yet is counted in passing, as far as it is little.
        """
        today = now.astimezone(UTC).date()
        first = _monday(today) - timedelta(weeks=weeks - 1)
        query = sa.select(growth).where(growth.c.day >= first)
        joined: Counter[date] = Counter()
        left: Counter[date] = Counter()
        with self._database.reading() as connection:
            for row in connection.execute(query.where(growth.c.digest == digest) if digest else query):
                joined[_monday(row.day)] += row.joined
                left[_monday(row.day)] += row.gone
            for into, found in zip((joined, left), _tally(self._new(connection, _TAIL)), strict=True):
                for (name, day), number in found.items():
                    if digest in {"", name}:
                        into[_monday(day)] += number
            mondays = [first + timedelta(weeks=number) for number in range(weeks)]
            bounced = {monday: self._bounced(connection, monday) for monday in mondays}
        return tuple(
            GrowthWeek(week=monday, joined=joined[monday], left=left[monday], bounced=bounced[monday])
            for monday in mondays
        )

    def running(self) -> dict[str, int]:
        """How many subscriptions run for each digest, those that pause included."""
        query = sa.select(growth.c.digest, sa.func.sum(growth.c.joined - growth.c.gone).label("n"))
        with self._database.reading() as connection:
            found = Counter({row.digest: int(row.n) for row in connection.execute(query.group_by(growth.c.digest))})
            came, gone = _tally(self._new(connection, _TAIL))
        for (digest, _), number in came.items():
            found[digest] += number
        for (digest, _), number in gone.items():
            found[digest] -= number
        return dict(found)

    def _new(self, connection: sa.Connection, limit: int) -> Sequence[AnyRow]:
        """The first consents that are not counted yet, each with what held of its subscription before."""
        seen = connection.scalar(sa.select(growth_seen.c.consent)) or 0
        earlier = consents.alias("earlier")
        before = (
            sa.select(earlier.c.given)
            .where(
                earlier.c.subscription == consents.c.subscription,
                earlier.c.id < consents.c.id,
                earlier.c.basis != ASKED,
            )
            .order_by(earlier.c.id.desc())
            .limit(1)
            .correlate(consents)
            .scalar_subquery()
            .label("before")
        )
        query = (
            sa.select(
                consents.c.id,
                consents.c.at,
                (consents.c.basis != ASKED).label("counts"),
                consents.c.given,
                subscriptions.c.digest,
                before,
            )
            .join(subscriptions, subscriptions.c.id == consents.c.subscription)
            .where(consents.c.id > seen)
            .order_by(consents.c.id)
            .limit(limit)
        )
        return connection.execute(query).all()

    @staticmethod
    def _bounced(connection: sa.Connection, monday: date) -> int:
        start = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
        query = sa.select(sa.func.count()).where(
            suppressions.c.cause.in_(_BOUNCED),
            suppressions.c.at >= start,
            suppressions.c.at < start + timedelta(weeks=1),
        )
        return connection.scalar(query) or 0


def _tally(rows: Sequence[AnyRow]) -> tuple[Counter[tuple[str, date]], Counter[tuple[str, date]]]:
    """Who came and who left, by digest and day."""
    came: Counter[tuple[str, date]] = Counter()
    gone: Counter[tuple[str, date]] = Counter()
    for row in rows:
        place = row.digest, row.at.astimezone(UTC).date()
        if not row.counts:
            continue
        if row.given and not row.before:
            came[place] += 1
        elif not row.given and row.before:
            gone[place] += 1
    return came, gone


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
