"""From one database to another, SQLite or PostgreSQL: the whole store, exactly once, and only one of the two goes on.

    lock the old one ─> batches by key ─> numbers that come next ─> compare ─> close the old one ─> open the new one

While it is copied, nobody writes the old store (its pages stay readable), and the new one is no store yet: whatever
opens it is refused. Each batch is committed together with how far it got, so after a crash the same call goes on there;
what was written to the old store meanwhile shows in the comparison, and is copied anew. At the end the old
one is marked as moved, in the transaction that kept it still: nothing opens it any more, running senders lose their
ranges at their next commit, and running processes their right to send. Only then is the new one opened. Killed between
the two, neither sends, and the same call opens it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from digest.errors import StateError, StoreError
from digest.store.comparing import COPIED, Compared, Tell, batches, compare, count, nobody
from digest.store.database import Database
from digest.store.logbook import fold_all
from digest.store.migrating import COPYING, HEAD, MOVED, migrate, version
from digest.store.schema import articles, cards_due, deliveries, ranges, site, tallies

# Stands in the new store while it is copied into, and says how far each table got.
_progress: Final = sa.Table(
    "copying",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),  # a table, or "site", the id of the old store
    sa.Column("after", sa.Text, nullable=False),  # JSON: its last key; or the id
    sa.Column("rows", sa.Integer, nullable=False),
)
_SITE: Final = "site"
# Whoever held a range lost it, and the new store's senders need not wait for their leases to end.
_TAKEN: Final = sa.update(ranges).values(turn=ranges.c.turn + 1, until=None, share=0.0, sessions=0)


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What a copy came to."""

    tables: tuple[Compared, ...]
    rows: int  # copied by this call; what was there from an earlier one is not counted
    again: tuple[str, ...]  # tables that had changed since an earlier call broke off, and were copied anew
    moved: bool  # the old store is closed


class Copying:
    """One store copied to another.

    Args:
        old: where it is.
        new: where it goes: empty, or what an earlier call left unfinished.
        holds: locks that whoever sends or schedules takes (`Store.hold`): none of them may be at work.
        tell: is told how it goes on.
    """

    def __init__(self, old: Database, new: Database, *, holds: Sequence[str] = (), tell: Tell = nobody) -> None:
        self._old = old
        self._new = new
        self._holds = holds
        self._tell = tell

    @classmethod
    @contextlib.contextmanager
    def between(cls, old: str, new: str, *, holds: Sequence[str] = (), tell: Tell = nobody) -> Iterator[Self]:
        """A copying from URL to URL; both are closed with the block.

        Raises:
            ConfigError: one of them is no URL of a database that Digest can use.
        """
        with contextlib.closing(Database(old)) as source, contextlib.closing(Database(new)) as target:
            yield cls(source, target, holds=holds, tell=tell)

    def run(self, now: datetime, *, leave: str = "") -> Copied:
        """Copy what is not there yet, compare all of it, and let the new store take the old one's place.

        Args:
            now: the time.
            leave: an id for the new store; then the old one goes on, and the new one is a copy that sends nothing until
                an operator arms it.

        Raises:
            StateError: the new one holds something else; the old one is not of this version, or was moved before.
            StoreError: a database failed, or still differs after all was copied.
            Busy: a process is sending, or making editions.
        """
        if self._old.url == self._new.url:
            raise StateError("the target", "the store itself", "copy it there")
        with self._old.reading() as connection:
            here, owner = version(connection), _site(connection)
        if here == MOVED:
            return self._finish_move(owner, now)
        if here != HEAD:
            remedy = "run `digest store migrate` first" if here not in {"", COPYING} else ""
            raise StateError(f"the store {_shown(self._old)}", f"at migration {here or 'none'}", "copy it", remedy)
        with contextlib.ExitStack() as held:
            for name in self._holds:
                held.enter_context(self._old.hold(name))
            fold_all(self._old)  # what a sender left there is written down by its own database
            old = held.enter_context(self._old.transaction())
            self._keep_still(old)
            self._prepare(owner)
            rows = sum(self._copy_table(old, table) for table in COPIED)
            found, again = self._settle(old)
            self._number(old)
            if not leave:
                self._close(old, owner, now)
        self._open(leave or owner, now, moved=not leave)
        return Copied(tables=found, rows=rows, again=again, moved=not leave)

    def verify(self) -> tuple[Compared, ...]:
        """Compare every table of the two; nothing is changed.

        Raises:
            StoreError: a database failed, or has no tables of this version.
        """
        with self._old.reading() as old, self._new.reading() as new:
            return compare(old, new, self._tell)

    # ---- the old one

    def _keep_still(self, old: Connection) -> None:
        """Let nobody write it until the transaction ends. SQLite's began as the only writer."""
        if not self._old.is_sqlite:
            for table in COPIED:
                old.execute(sa.text(f'LOCK TABLE "{table.name}" IN SHARE MODE'))

    def _close(self, old: Connection, owner: str, now: datetime) -> None:
        place = f"to {_shown(self._new)} on {now:%Y-%m-%d}"
        old.execute(sa.update(site).values(id=f"moved-{owner} {place}"))
        old.execute(_TAKEN)
        _mark(old, MOVED)

    def _finish_move(self, moved: str, now: datetime) -> Copied:
        owner = moved.partition(" ")[0].removeprefix("moved-")
        with self._new.reading() as new:
            here = version(new)
            kept = _kept(new) if here == COPYING else {}
        if here != COPYING or kept.get(_SITE, ("", 0))[0] != owner:
            raise StateError(f"the store {_shown(self._old)}", moved.partition(" ")[2] or "moved", "copy it again")
        self._open(owner, now, moved=True)
        return Copied(tables=self.verify(), rows=0, again=(), moved=True)

    # ---- the new one

    def _prepare(self, owner: str) -> None:
        """Make its tables, unless an earlier call did; from then on it is no store for anybody else.

        Raises:
            StateError: it holds something else.
        """
        with self._new.reading() as new:
            here = version(new)
            strange = [] if here else sa.inspect(new).get_table_names()
            kept = _kept(new) if here == COPYING else {}
        if strange:
            raise _refusal(self._new, f"not empty (it has a table {strange[0]})")
        if here == COPYING:
            if kept.get(_SITE, ("", 0))[0] != owner:
                raise _refusal(self._new, "the unfinished copy of another store")
            return
        if here:
            raise _refusal(self._new, "a store already")
        with self._new.transaction() as new:
            migrate(self._new)
            _progress.create(new)
            new.execute(sa.insert(_progress).values(name=_SITE, after=owner, rows=0))
            _mark(new, COPYING)

    def _copy_table(self, old: Connection, table: sa.Table) -> int:
        """Copy the rows behind the last one that is there; how many."""
        with self._new.reading() as new:
            after, done = _kept(new).get(table.name, ("[]", 0))
        expected, copied = count(old, table), 0
        for rows in batches(old, table, _read_key(table, after)):
            with self._new.transaction() as new, _naming(self._new, table):
                self._write(new, table, rows)
                done += len(rows)
                _note(self._new, new, table, rows[-1], done)
            copied += len(rows)
            self._tell("copied", table.name, done, expected)
        return copied

    def _write(self, new: Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        names = [column.name for column in table.columns]
        if self._new.is_sqlite:
            new.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
            return
        listed = ", ".join(f'"{name}"' for name in names)
        with (
            contextlib.closing(new.connection.cursor()) as cursor,
            cursor.copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as out,
        ):
            for row in rows:
                out.write_row(row)

    def _settle(self, old: Connection) -> tuple[tuple[Compared, ...], tuple[str, ...]]:
        """Compare, and copy anew what was changed between two calls."""
        with self._new.reading() as new:
            found = compare(old, new, self._tell)
        again = [one.table for one in found if not one.same]
        if again:
            with self._new.transaction() as new:
                for table in reversed(COPIED):
                    if table.name in _with_children(again):
                        _empty(self._new, new, table)
                        new.execute(sa.delete(_progress).where(_progress.c.name == table.name))
            for table in COPIED:
                self._copy_table(old, table)
            with self._new.reading() as new:
                found = compare(old, new, self._tell)
        if different := [one.table for one in found if not one.same]:
            raise StoreError(f"{_shown(self._new)} differs in {', '.join(different)} (nothing was moved; try again)")
        return found, tuple(again)

    def _number(self, old: Connection) -> None:
        """Let numbers go on where they were in the old store: no number is ever given twice."""
        with self._new.transaction() as new:
            for table in COPIED:
                key = table.autoincrement_column
                if key is None or not isinstance(key.type, sa.Integer):
                    continue
                last = _last_number(self._old, old, table, key)
                if last:
                    _go_on_from(self._new, new, table, key, last)
            due = sa.select(articles.c.uid).where(articles.c.newest)
            new.execute(self._new.insert(cards_due).from_select(["article"], due).on_conflict_do_nothing())

    def _open(self, owner: str, now: datetime, *, moved: bool) -> None:
        with self._new.transaction() as new:
            new.execute(sa.insert(site).values(row=1, id=owner, created=now))
            if moved:
                new.execute(_TAKEN)
            _progress.drop(new)
            _mark(new, HEAD)


def _refusal(database: Database, what: str) -> StateError:
    return StateError(f"the target {_shown(database)}", what, "copy a store there", "give an empty database")


def _shown(database: Database) -> str:
    return database.url.render_as_string(hide_password=True)


def _site(connection: Connection) -> str:
    if not sa.inspect(connection).has_table(site.name):
        return ""
    return str(connection.scalar(sa.select(site.c.id)) or "")


def _mark(connection: Connection, mark: str) -> None:
    connection.execute(sa.text("UPDATE alembic_version SET version_num = :mark"), {"mark": mark})


def _kept(new: Connection) -> Mapping[str, tuple[str, int]]:
    return {row.name: (row.after, row.rows) for row in new.execute(sa.select(_progress))}


def _note(database: Database, new: Connection, table: sa.Table, row: Sequence[object], done: int) -> None:
    columns = list(table.columns)
    key = [row[columns.index(column)] for column in table.primary_key.columns]
    after = json.dumps([one.isoformat() if isinstance(one, date) else one for one in key])
    made = database.insert(_progress).values(name=table.name, after=after, rows=done)
    new.execute(
        made.on_conflict_do_update(
            index_elements=[_progress.c.name], set_={"after": made.excluded.after, "rows": made.excluded.rows}
        )
    )


def _read_key(table: sa.Table, after: str) -> list[object]:
    values = json.loads(after)
    return [
        date.fromisoformat(value) if isinstance(column.type, sa.Date) else value
        for column, value in zip(table.primary_key.columns, values, strict=False)
    ]


def _with_children(names: Sequence[str]) -> set[str]:
    """These tables and those whose rows point to them: no row may point to one that is gone."""
    found = set(names)
    for table in COPIED:  # in order of their dependence
        if any(foreign.column.table.name in found for foreign in table.foreign_keys):
            found.add(table.name)
    return found


def _empty(database: Database, new: Connection, table: sa.Table) -> None:
    """Take every row out, also of a table whose triggers let nobody: it is no store yet."""
    if table is deliveries:  # whose triggers do not count now
        new.execute(sa.delete(tallies))
    if not database.is_sqlite:
        new.execute(sa.text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        new.execute(sa.delete(table))
        new.execute(sa.text(f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER'))
        return
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    triggers = new.execute(query, {"table": table.name}).all()
    for name, _ in triggers:
        new.exec_driver_sql(f'DROP TRIGGER "{name}"')
    new.execute(sa.delete(table))
    for _, statement in triggers:
        new.exec_driver_sql(statement)


def _last_number(database: Database, old: Connection, table: sa.Table, key: sa.Column[Any]) -> int:
    """The highest number that was ever given."""
    given = int(old.scalar(sa.select(sa.func.coalesce(sa.func.max(key), 0))) or 0)
    if database.is_sqlite:
        counted = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        more = old.scalar(counted, {"table": table.name}) if _numbers_itself(table) else 0
    else:
        sequence = old.scalar(sa.select(sa.func.pg_get_serial_sequence(f'"{table.name}"', key.name)))
        more = old.scalar(sa.text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"))  # noqa: S608 - its own name
    return max(given, int(more or 0))


def _go_on_from(database: Database, new: Connection, table: sa.Table, key: sa.Column[Any], last: int) -> None:
    if not database.is_sqlite:
        new.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(f'"{table.name}"', key.name), last)))
    elif _numbers_itself(table):
        given = {"table": table.name, "last": last}
        new.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), given)
        new.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)"), given)


def _numbers_itself(table: sa.Table) -> bool:
    """Whether SQLite remembers the highest number that it gave, also when its row is gone."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


@contextlib.contextmanager
def _naming(database: Database, table: sa.Table) -> Iterator[None]:
    """Say in which table a row was that the new database cannot take, as one with a NUL character in its text."""
    try:
        yield
    except (SQLAlchemyError, ValueError, database.driver_error) as error:
        raise StoreError(f"a row of {table.name} cannot be written there: {str(error).splitlines()[0]}") from error
