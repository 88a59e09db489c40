"""What was picked up from where, so that nothing is picked up twice; live sources; problems an operator should see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.errors import InputError, NotFound
from digest.model import Condition, Source, SourceState
from digest.store.database import AnyRow, Database
from digest.store.payload import Payload
from digest.store.schema import origins, polls, problems, sources

_SOURCE: Final[Payload[Source]] = Payload(Source)
_STATE: Final[Payload[SourceState]] = Payload(SourceState)
_PAGE: Final = 500


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something from outside that could not be used, until it is resolved. `times` counts how often it was met."""

    id: int
    source: str
    origin: str
    what: str
    where: str = ""
    line: int | None = None
    remedy: str = ""
    first: datetime
    last: datetime
    times: int = 1
    resolved: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a live source does now."""

    state: SourceState
    condition: Condition


class Sources:
    """The sources' memory: `seen`, `remember`; live sources: `keep`, `states`, `health`; and `problems`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, source: str) -> dict[str, str]:
        """Origin -> signature of everything that was picked up from a source, failures included."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa.select(origins.c.origin, origins.c.signature).where(origins.c.source == source)
            )
            return {row.origin: row.signature for row in rows}

    def remember(self, source: str, origin: str, signature: str, at: datetime, error: InputError | None = None) -> None:
        """Keep in mind that an origin was picked up in this form.

        With an error its problem is listed (once, however often it is met); without one its problems are resolved.
        """
        with self._database.transaction() as connection:
            row = self._database.insert(origins).values(source=source, origin=origin, signature=signature, at=at)
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=[origins.c.source, origins.c.origin],
                    set_={"signature": row.excluded.signature, "at": row.excluded.at},
                )
            )
            if error is None:
                self.resolve(source, origin, at)
            else:
                self.report(source, origin, error, at)

    def remember_entries(self, source: str, signatures: Mapping[str, str], at: datetime) -> None:
        """Keep in mind exactly these entries of a live source: what it shows now, in the form that was taken."""
        with self._database.transaction() as connection:
            before = self.seen(source)
            gone = sorted(before.keys() - signatures.keys())
            for start in range(0, len(gone), _PAGE):
                page = gone[start : start + _PAGE]
                connection.execute(sa.delete(origins).where(origins.c.source == source, origins.c.origin.in_(page)))
            changed = [
                {"source": source, "origin": origin, "signature": signature, "at": at}
                for origin, signature in signatures.items()
                if before.get(origin) != signature
            ]
            if changed:
                row = self._database.insert(origins)
                connection.execute(
                    row.on_conflict_do_update(
                        index_elements=[origins.c.source, origins.c.origin],
                        set_={"signature": row.excluded.signature, "at": row.excluded.at},
                    ),
                    changed,
                )

    # ---- live sources

    def keep(self, source: Source, at: datetime) -> None:
        """Keep a live source that an operator added, or bring it up to date."""
        with self._database.transaction() as connection:
            row = self._database.insert(sources).values(key=source.key, payload=_SOURCE.dump(source), at=at)
            connection.execute(
                row.on_conflict_do_update(index_elements=[sources.c.key], set_={"payload": row.excluded.payload})
            )

    def drop(self, key: str, at: datetime) -> None:
        """Forget a live source that an operator added; its articles stay.

        Raises:
            NotFound: none of this key was added.
        """
        with self._database.transaction() as connection:
            if not connection.execute(sa.delete(sources).where(sources.c.key == key)).rowcount:
                raise NotFound("added source", key, "`digest sources list` shows them")
            connection.execute(sa.delete(polls).where(polls.c.source == key))
            connection.execute(sa.delete(origins).where(origins.c.source == key))
            still_open = (problems.c.source == key) & problems.c.resolved.is_(None)
            connection.execute(sa.update(problems).where(still_open).values(resolved=at))

    def kept(self) -> tuple[Source, ...]:
        """The live sources that operators added, by key."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(sources.c.payload).order_by(sources.c.key))
            return tuple(_SOURCE.load(row.payload) for row in rows)

    def states(self, keys: Sequence[str] | None = None) -> dict[str, SourceState]:
        """Key -> what is known of each live source that was ever polled or accepted; of all, or of these."""
        query = sa.select(polls.c.source, polls.c.payload).order_by(polls.c.source)
        pages = [None] if keys is None else [keys[start : start + _PAGE] for start in range(0, len(keys), _PAGE)]
        found: dict[str, SourceState] = {}
        with self._database.reading() as connection:
            for page in pages:
                rows = connection.execute(query if page is None else query.where(polls.c.source.in_(page)))
                found |= {row.source: _STATE.load(row.payload) for row in rows}
        return found

    def save_state(self, state: SourceState) -> None:
        """Keep what is known of a live source."""
        self.save_states((state,))

    def save_states(self, states: Sequence[SourceState]) -> None:
        """Keep what is known of live sources, of all or of none."""
        if not states:
            return
        with self._database.transaction() as connection:
            row = self._database.insert(polls)
            connection.execute(
                row.on_conflict_do_update(index_elements=[polls.c.source], set_={"payload": row.excluded.payload}),
                [{"source": state.key, "payload": _STATE.dump(state)} for state in states],
            )

    def health(self, now: datetime) -> tuple[Health, ...]:
        """How each live source does that was ever polled, by key."""
        return tuple(Health(state=state, condition=state.condition(now)) for state in self.states().values())

    # ---- problems

    def report(self, source: str, origin: str, error: InputError, at: datetime) -> None:
        """List a problem, or count it again when it is open already; another one of the same origin is replaced."""
        same = (
            (problems.c.source == source)
            & (problems.c.origin == origin)
            & (problems.c.what == error.what)
            & problems.c.resolved.is_(None)
        )
        with self._database.transaction() as connection:
            again = connection.execute(
                sa.update(problems)
                .where(same)
                .values(times=problems.c.times + 1, last=at, line=error.line, place=error.where)
            )
            if again.rowcount:
                return
            self.resolve(source, origin, at)
            connection.execute(
                sa.insert(problems).values(
                    source=source,
                    origin=origin,
                    what=error.what,
                    place=error.where,
                    line=error.line,
                    remedy=error.remedy,
                    first=at,
                    last=at,
                    times=1,
                )
            )

    def resolve(self, source: str, origin: str, at: datetime) -> int:
        """Mark the open problems of an origin as resolved. How many."""
        with self._database.transaction() as connection:
            return connection.execute(
                sa.update(problems)
                .where(problems.c.source == source, problems.c.origin == origin, problems.c.resolved.is_(None))
                .values(resolved=at)
            ).rowcount

    def forget(self, source: str, origin: str) -> None:
        """Pick an origin up again next time, as if it were new.

        Raises:
            NotFound: it was never picked up.
        """
        with self._database.transaction() as connection:
            gone = connection.execute(
                sa.delete(origins).where(origins.c.source == source, origins.c.origin == origin)
            ).rowcount
        if not gone:
            raise NotFound("origin", f"{source}: {origin}")

    def problems(self, source: str = "", *, resolved: bool = False) -> tuple[Problem, ...]:
        """Open problems, newest first, of one source or of all; with `resolved` those too that are settled."""
        query = sa.select(problems).order_by(problems.c.last.desc(), problems.c.id.desc())
        if source:
            query = query.where(problems.c.source == source)
        if not resolved:
            query = query.where(problems.c.resolved.is_(None))
        with self._database.reading() as connection:
            return tuple(_problem(row) for row in connection.execute(query))


def _problem(row: AnyRow) -> Problem:
    return Problem(
        id=row.id,
        source=row.source,
        origin=row.origin,
        what=row.what,
        where=row.place,
        line=row.line,
        remedy=row.remedy,
        first=row.first,
        last=row.last,
        times=row.times,
        resolved=row.resolved,
    )
