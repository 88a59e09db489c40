"""The connection: SQLite in WAL mode or PostgreSQL, its transactions and locks, and the driver's errors in our words.

A transaction belongs to a thread: what is called inside `transaction()` on the same thread joins it (as a savepoint),
so several writes become one. Never await inside one. Writing transactions begin IMMEDIATE on SQLite: two writers wait
for each other (30 s) instead of failing when the second one turns from reading to writing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Row, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from digest.errors import Busy, ConfigError, StoreError

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
AnyQuery: TypeAlias = "sa.Select[*tuple[Any, ...]]"

HELD_SECONDS: Final = 60.0  # for which a named lock on PostgreSQL outlives the last word of who holds it
WAIT_SECONDS: Final = 30  # how long a writer waits for another
# PostgreSQL lets go of the locks of a process that is frozen or cut off, and each side notices when the other is gone.
_GONE: Final = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "idle_in_transaction_session_timeout": 15_000,
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }.items()
)
_IDLE: Final = sa.text(  # older servers know no such limit
    "SELECT set_config('idle_session_timeout', :limit, false)"
    " WHERE current_setting('server_version_num')::int >= 140000"
)
_ALIVE: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


class Database:
    """One database and its pool of connections.

    Args:
        url: an SQLAlchemy URL: `sqlite:///path/to/file` or `postgresql+psycopg://user@host/name`.
        wait: seconds that a writer waits for another one before it gives up with a StoreError.

    Raises:
        ConfigError: the URL is none of the two kinds, or the driver is not installed.
        StoreError: the folder of the file cannot be made or written.
    """

    def __init__(self, url: str, *, wait: float = WAIT_SECONDS) -> None:
        self.url = _read_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._local = threading.local()
        if self.is_sqlite:
            _make_private_file(Path(str(self.url.database)))
            arguments: dict[str, Any] = {"timeout": wait}
        else:
            # What waits for a lock longer than this would otherwise wait for ever.
            given = self.url.query.get("options", "")  # the URL may carry options of its own, as a search_path
            options = f"{given} -c timezone=UTC -c lock_timeout={int(wait * 1000)} {_GONE}"
            arguments = {"connect_timeout": 10, "options": options, **_ALIVE}
        try:
            self._engine = sa.create_engine(
                self.url,
                connect_args=arguments,
                pool_pre_ping=not self.is_sqlite,
                hide_parameters=True,  # addresses must not stand in error messages
            )
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"store.url: the driver for PostgreSQL is not installed ({error.name}; "
                "install digest-publisher[postgresql])"
            ) from error
        dialect = self._engine.dialect
        self._driver_error: type[Exception] = dialect.loaded_dbapi.Error  # of what `Prepared` runs
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @property
    def driver_error(self) -> type[Exception]:
        """What the driver itself raises, where a statement does not go through SQLAlchemy."""
        return self._driver_error

    def close(self) -> None:
        """Close every connection of the pool."""
        self._let_go()
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Everything inside is committed together, durably, or not at all.

        Raises:
            StoreError: the database failed; nothing of this transaction was kept.
        """
        outer: Connection | None = getattr(self._local, "connection", None)
        if outer is not None:
            with self._own_words(), _savepoint(outer):
                yield outer
            return
        with (
            self._own_words(),
            self._engine.connect().execution_options(digest_writes=True) as connection,
            connection.begin(),
        ):
            self._local.connection = connection
            try:
                yield connection
            finally:
                self._local.connection = None

    @contextmanager
    def quick(self) -> Iterator[DBAPICursor]:
        """As `transaction`, for the few places that run for every copy: the driver's own cursor, for `Prepared`.

        Spares three quarters of what a transaction costs in SQLAlchemy; each thread keeps its connection. On a thread
        that is in a transaction, joins it.

        Raises:
            StoreError: the database failed; nothing of this transaction was kept.
        """
        if getattr(self._local, "connection", None) is not None:
            with self.transaction() as connection:
                yield connection.connection.cursor()
            return
        with self._own_words():
            kept: PoolProxiedConnection | None = getattr(self._local, "kept", None)
            if kept is None:
                kept = self._local.kept = self._engine.raw_connection()
            try:
                cursor = kept.cursor()
                if self.is_sqlite:
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                cursor.close()
                kept.commit()
            except BaseException:
                self._let_go()  # rolls back what was not committed
                raise

    def _let_go(self) -> None:
        """Give back the connection that `quick` keeps for this thread."""
        kept: PoolProxiedConnection | None = getattr(self._local, "kept", None)
        if kept is not None:
            self._local.kept = None
            kept.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view for reading; the thread's transaction when it is in one."""
        outer: Connection | None = getattr(self._local, "connection", None)
        if outer is not None:
            with self._own_words():
                yield outer
            return
        with self._own_words(), self._engine.connect() as connection:
            yield connection

    def serialize(self, table: sa.Table) -> None:
        """Let no other process write this table until the transaction ends; SQLite has one writer anyway."""
        if not self.is_sqlite:
            self._local.connection.execute(sa.text(f'LOCK TABLE "{table.name}" IN SHARE ROW EXCLUSIVE MODE'))

    def keep_from_serializing(self, *tables: sa.Table) -> None:
        """Let nobody `serialize` these tables until the transaction ends, and wait for who does; others write on."""
        if not self.is_sqlite:
            names = ", ".join(f'"{table.name}"' for table in tables)
            self._local.connection.execute(sa.text(f"LOCK TABLE {names} IN ROW EXCLUSIVE MODE"))

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold a named lock that ends with this process, however it ends: "send-weekly-2018-W29".

        An OS lock on a file beside the SQLite file; an advisory lock of a session on PostgreSQL, which also ends when
        the process says nothing for `HELD_SECONDS`: one that is frozen does not keep what all others wait for.

        Raises:
            Busy: another process or thread holds it.
        """
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        busy = "another process{} is at '{}' (wait until it ends, or stop it)"
        if self.is_sqlite:
            path = Path(f"{self.url.database}.{number & 0xFFFFFFFFFFFFFFFF:016x}.lock")
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                    raise Busy(busy.format(f" ({holder})" if holder else "", name)) from None
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
                yield
            finally:
                os.close(descriptor)
            return
        with self._own_words(), self._engine.connect() as connection:
            taken = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number)))
            connection.commit()  # the lock is the session's, and no transaction stays open meanwhile
            if not taken:
                raise Busy(busy.format("", name))
            try:
                with _alive(connection):
                    yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
                connection.commit()

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT, in the dialect of this database."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def prepare(self, statement: sa.Select[Any] | sa.UpdateBase) -> Prepared:
        """The statement compiled once, for a cursor of `quick`: spares SQLAlchemy's own cost.

        Values come and go as the driver has them: times in must have gone through `time`, and columns out must need no
        conversion. Every bound parameter without a value in the statement is named in each row.
        """
        return Prepared(statement.compile(dialect=self._engine.dialect))

    def mark(self, cursor: DBAPICursor) -> object | None:
        """Equal to an earlier one when nobody else has written since; None: this database cannot tell."""
        if not self.is_sqlite:
            return None
        cursor.execute("PRAGMA data_version")
        return cursor.connection, cursor.fetchall()  # it compares only within a connection

    def time(self, value: datetime) -> object:
        """A time as this database's driver takes it, for `Prepared`."""
        if not self.is_sqlite:
            return value
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return value.isoformat(" ", "microseconds")[:26]  # without the zone, as SQLAlchemy writes it

    @staticmethod
    def read_time(value: str | datetime) -> datetime:
        """A time as `Prepared` gives it."""
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value.astimezone(UTC)

    def among(
        self, column: sa.ColumnElement[int], name: str = "numbers", value: Sequence[int] | None = None
    ) -> sa.ColumnElement[bool]:
        """Whether a key is one of many: in one parameter, so that the statement is always the same (see `numbers`)."""
        given = None if value is None else self.numbers(value)
        if self.is_sqlite:
            many = sa.func.json_each(sa.bindparam(name, given, sa.Text)).table_valued("value")
            return column.in_(sa.select(many.c.value))
        return column == sa.func.any(sa.bindparam(name, given, postgresql.ARRAY(sa.BigInteger)))

    def numbers(self, values: Sequence[int]) -> object:
        """Keys, as the parameter of `among`."""
        return json.dumps(list(values)) if self.is_sqlite else list(values)

    @contextmanager
    def _own_words(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._driver_error) as error:
            raise StoreError(self._explain(error)) from error

    def _explain(self, error: Exception) -> str:
        """What happened and what to do about it."""
        cause = getattr(error, "orig", None) or error
        text = str(cause).strip() or type(cause).__name__
        where = self.url.database if self.is_sqlite else self.url.render_as_string(hide_password=True)
        state = getattr(cause, "sqlstate", None) or ""
        for signs, meaning in _MEANINGS:
            if any(sign in text or sign == state for sign in signs):
                return f"the store {where}: {meaning} [{text.splitlines()[0]}]"
        return f"the store {where} failed: {text.splitlines()[0]}"


class Prepared:
    """A statement for the driver itself."""

    def __init__(self, compiled: sa.Compiled) -> None:
        self._text = str(compiled)
        self._fixed = compiled.params
        self._order: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._pick = itemgetter(*self._order) if self._order else dict

    def _bind(self, row: Mapping[str, object]) -> Any:
        found = self._pick({**self._fixed, **row})
        return found if isinstance(found, tuple | dict) else (found,)

    def many(self, cursor: DBAPICursor, names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        """Run it for each row, whose values are given in the order of these names."""
        if not self._order:
            cursor.executemany(self._text, [self._bind(dict(zip(names, row, strict=True))) for row in rows])
            return
        others = [name for name in self._order if name not in names]
        place = {name: number for number, name in enumerate((*names, *others))}
        pick, fixed = itemgetter(*map(place.__getitem__, self._order)), tuple(self._fixed[name] for name in others)
        cursor.executemany(self._text, [pick(row + fixed) for row in rows])

    def rows(self, cursor: DBAPICursor, row: Mapping[str, object]) -> list[Any]:
        """Run it once; the rows that it gives."""
        cursor.execute(self._text, self._bind(row))
        return list(cursor.fetchall())

    def run(self, cursor: DBAPICursor, row: Mapping[str, object]) -> int:
        """Run it once; how many rows it changed."""
        cursor.execute(self._text, self._bind(row))
        return int(cursor.rowcount)


@contextmanager
def _alive(connection: Connection) -> Iterator[None]:
    """Say something now and then on a connection that holds a lock; the server ends it when nothing is said."""
    over = threading.Event()

    def speak() -> None:
        with suppress(SQLAlchemyError):  # it is gone, and with it the lock: who holds it hears of that at its end
            while not over.wait(HELD_SECONDS / 4):
                connection.scalar(sa.select(1))
                connection.commit()

    def until(seconds: float) -> None:
        connection.execute(_IDLE, {"limit": str(int(seconds * 1000))})
        connection.commit()

    until(HELD_SECONDS)
    speaker = threading.Thread(target=speak, name="lock", daemon=True)
    speaker.start()
    try:
        yield
    finally:
        over.set()
        speaker.join()
        until(0)


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    savepoint = connection.begin_nested()
    try:
        yield
    except BaseException:
        try:
            savepoint.rollback()
        except SQLAlchemyError:
            # A full disk makes SQLite end the whole transaction: nothing more may be written as if it still went on.
            connection.invalidate()
        raise
    savepoint.commit()


# Words of SQLite's messages, or SQLSTATE codes of PostgreSQL (Appendix A of its manual) -> what it means to a person.
_MEANINGS: Final = (
    (
        ("database is locked", "database table is locked", "55P03", "40P01"),
        "another process has been writing for too long (wait until it ends, or stop it; nothing was lost)",
    ),
    (
        ("database or disk is full", "disk I/O error", "53100"),
        "the disk is full or failing (make room, then run this again; what was committed is safe)",
    ),
    (
        ("unable to open database file", "readonly database"),
        "the file cannot be opened or written (does its folder exist, and may this user write there?)",
    ),
    (
        ("file is not a database", "malformed", "XX001", "XX002"),
        "this is no database of Digest, or it is damaged (restore it from a backup)",
    ),
    (
        ("no such table", "no such column", "42P01", "42703"),
        "its tables are missing or of another version than this program (migrate it)",
    ),
    (
        ("connection failed", "connection is bad", "refused", "connection timeout", "57P01", "57P03", "53300"),
        "no connection to the server (is it running, and is store.url right?)",
    ),
)


def _read_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError("store.url: not a database URL (write sqlite:///path or postgresql+psycopg://…)") from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername == "postgresql+psycopg":
        return url
    if url.get_backend_name() != "sqlite":
        raise ConfigError(f"store.url: cannot use {url.drivername} (write sqlite:///path or postgresql+psycopg://…)")
    if not url.database or url.database == ":memory:":
        raise ConfigError("store.url: SQLite needs a file, it would forget who got what (write sqlite:///path)")
    return url


def _make_private_file(path: Path) -> None:
    """Create the file before SQLite does, for its owner only: it holds addresses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(
            f"the store {path}: cannot be opened (does its folder exist, and may this user write there?) [{error}]"
        ) from error


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # Without this the driver begins transactions by itself, late and deferred; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # a claim must survive a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("digest_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
