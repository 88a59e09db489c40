"""The whole store from one database to another: what is there, what comes next, who may go on; killed at any point."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.deliver import Fence, Standing
from digest.deliver.fence import COPY
from digest.errors import Busy, StateError, StoreError
from digest.store import Copying, Store
from digest.store.comparing import COPIED, DERIVED, batches, summed
from digest.store.database import Database
from digest.store.migrating import HEAD
from digest.store.schema import (
    Utc,
    articles,
    audit,
    campaigns,
    cards_due,
    deliveries,
    logbook,
    metadata,
    own_feeds,
    ranges,
    subscribers,
    tallies,
)
from tests.store.conftest import MakeUrl
from tests.store.samples import NOW

ROWS = 7
MANY = 2_500  # deliveries: several batches
_schemas = (f"copy_{number}" for number in itertools.count())


def value(column: sa.Column[object], number: int) -> object:
    """Something in this column that differs from row to row, with what databases see differently."""
    for foreign in column.foreign_keys:
        return value(foreign.column, number)
    kind = datetime if isinstance(column.type, Utc) else column.type.python_type
    samples: dict[type, object] = {
        int: number,
        str: f"{column.name} {number} Å “港” \\N \t % '{'x' * (number % 3)}",
        bool: number % 2 == 0,
        bytes: bytes(range(256)) + b"%d" % number,
        float: number / 3,
        date: date(2018, 7, 1) + timedelta(days=number),
        datetime: NOW + timedelta(days=number, microseconds=number),
    }
    if column.nullable and number % 3 == 0:
        return None
    return samples[kind]


def rows_like(table: sa.Table, number: int) -> dict[str, object]:
    return {column.name: value(column, number) for column in table.columns}


def fill(store: Store) -> None:
    """Rows in every table, whatever it is for."""
    with store._database.transaction() as connection:
        for table in COPIED:
            if table is not logbook:  # its lines are folded into rows before they are copied
                connection.execute(sa.insert(table), [rows_like(table, number) for number in range(1, ROWS + 1)])
        last = rows_like(deliveries, 1)
        more = [
            last | {"id": number, "campaign": 1 + number % ROWS, "subscription": number, "key": f"k{number}"}
            for number in range(ROWS + 1, MANY + 1)
        ]
        connection.execute(sa.insert(deliveries), more)
        connection.execute(sa.delete(own_feeds).where(own_feeds.c.id == ROWS))  # its number is never given again
        if not store._database.is_sqlite:  # rows that came with numbers have not moved what gives them
            for table in COPIED:
                key = table.autoincrement_column
                if key is not None:
                    sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', key.name)
                    connection.execute(sa.select(sa.func.setval(sequence, ROWS)))


def filled(old: str) -> None:
    with Store.open(old) as store:
        store.migrate(site="site-1", now=NOW)
        fill(store)


@pytest.fixture
def urls(postgresql: MakeUrl, tmp_path: Path) -> tuple[str, str]:
    """A store with rows in every table, and an empty database of the other kind. tests/faults has the way back."""
    here, there = f"sqlite:///{tmp_path / 'digest.sqlite3'}", postgresql(next(_schemas))
    filled(here)
    return here, there


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite"])
def both_ways(request: pytest.FixtureRequest, postgresql: MakeUrl, tmp_path: Path) -> tuple[str, str]:
    here, there = f"sqlite:///{tmp_path / 'digest.sqlite3'}", postgresql(next(_schemas))
    old, new = (here, there) if request.param.startswith("sqlite") else (there, here)
    filled(old)
    return old, new


def rows_of(url: str, table: sa.Table) -> list[object]:
    with closing(Database(url)) as database, database.reading() as connection:
        keys = list(table.primary_key.columns)
        return sorted((tuple(row) for row in connection.execute(sa.select(table).order_by(*keys))), key=repr)


def test_every_row_arrives_numbers_go_on_and_the_old_store_is_closed(both_ways: tuple[str, str]) -> None:
    old, new = both_ways
    told: list[tuple[str, str, int, int]] = []
    with Copying.between(old, new, tell=lambda *said: told.append(said)) as copying:
        done = copying.run(NOW)
        with pytest.raises(StateError, match="copy it again"):
            copying.run(NOW)
    assert done.moved
    assert not done.again
    assert done.rows == sum(one.rows[1] for one in done.tables) == (len(COPIED) - 2) * ROWS + MANY - 1
    assert all(one.same for one in done.tables)
    assert ("copied", "deliveries", MANY, MANY) in told
    assert ("compared", "deliveries", MANY, MANY) in told
    for table in COPIED:
        assert rows_of(old, table) == rows_of(new, table)
    with Store.open(new) as store:
        assert store.migrate(site="another", now=NOW) == "site-1"
        with store._database.transaction() as connection:
            assert set(connection.scalars(sa.select(cards_due.c.article))) == set(
                connection.scalars(sa.select(articles.c.uid).where(articles.c.newest))
            ), "what is made of the rest is made again"
            number = connection.scalar(
                sa.insert(own_feeds).values(subscription=ROWS, created=NOW).returning(own_feeds.c.id)
            )
            assert number == ROWS + 1, "not the number of the one that was taken away"
            person = sa.insert(subscribers).values(key="k", address="a", domain="", created=NOW)
            assert connection.scalar(person.returning(subscribers.c.id)) == ROWS + 1
    with Store.open(old) as store:
        assert not store.is_current()
        with pytest.raises(StoreError, match=r"was moved to .* on 2018-07-23 \(set store\.url\)"):
            store.migrate(site="another", now=NOW)


def test_who_ran_on_the_old_store_sends_no_more(urls: tuple[str, str], tmp_path: Path) -> None:
    """Its site is another one for the fence, and its ranges have the next turn."""
    old = urls[0]
    fence = Fence(tmp_path / "site.json")
    with Store.open(old) as running, Copying.between(*urls) as copying:
        before = Standing.here(running.site(), tmp_path, (1, 1))
        fence.arm(before)
        fence.check(lambda: before)
        turns = {row[1]: row[3] for row in rows_of(old, ranges)}  # type: ignore[index]
        copying.run(NOW)
        with pytest.raises(StateError, match="another publication"):
            fence.check(lambda: Standing.here(running.site(), tmp_path, (1, 1)))
    assert {row[1]: row[3] for row in rows_of(old, ranges)} == {key: turn + 1 for key, turn in turns.items()}  # type: ignore[index]
    with Copying.between(*urls) as copying:
        assert all(one.same for one in copying.verify())


def test_a_copy_beside_the_store_is_not_armed(urls: tuple[str, str], tmp_path: Path) -> None:
    old, new = urls
    with Copying.between(*urls) as copying:
        done = copying.run(NOW, leave=f"{COPY}77")
        assert not done.moved
        with Store.open(old) as store, Store.open(new) as other:
            assert store.migrate(site="x", now=NOW) == "site-1"
            assert other.migrate(site="x", now=NOW) == f"{COPY}77"
            fence = Fence(tmp_path / "other.json")
            with pytest.raises(StateError, match="not armed"):
                fence.check(lambda: Standing.here(other.site(), tmp_path, (0, 0)))
        assert all(one.same for one in copying.verify())


def test_the_comparison_sees_what_differs(urls: tuple[str, str]) -> None:
    _, new = urls
    with Copying.between(*urls) as copying:
        copying.run(NOW, leave=f"{COPY}77")
        with closing(Database(new)) as database, database.transaction() as connection:
            connection.execute(sa.update(campaigns).where(campaigns.c.id == 3).values(audience=0))
            connection.execute(sa.delete(own_feeds).where(own_feeds.c.id == 1))
        assert [one.table for one in copying.verify() if not one.same] == ["campaigns", "own_feeds"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("CREATE TABLE other (x INTEGER)", "not empty"),
        ("store", "a store already"),
        ("half", "unfinished copy of another store"),
    ],
)
def test_a_target_that_holds_something_else_is_refused(
    tmp_path: Path, postgresql: MakeUrl, make: str, said: str
) -> None:
    old, new = f"sqlite:///{tmp_path / 'a.sqlite3'}", postgresql(next(_schemas))
    with Store.open(old) as store:
        store.migrate(site="site-1", now=NOW)
    if make == "store":
        with Store.open(new) as other:
            other.migrate(site="site-2", now=NOW)
    elif make == "half":
        with Copying.between(old, new) as copying:
            copying._prepare("another")
    else:
        with closing(Database(new)) as database, database.transaction() as connection:
            connection.execute(sa.text(make))
    with Copying.between(old, new) as copying, pytest.raises(StateError, match=said):
        copying.run(NOW)
    with Store.open(old) as store:
        assert store.migrate(site="x", now=NOW) == "site-1", "the old one is as it was"


def test_what_cannot_be_copied_says_why(tmp_path: Path) -> None:
    empty, other = f"sqlite:///{tmp_path / 'empty.sqlite3'}", f"sqlite:///{tmp_path / 'other.sqlite3'}"
    with Copying.between(empty, other) as copying, pytest.raises(StateError, match="at migration none"):
        copying.run(NOW)
    with Copying.between(empty, empty) as copying, pytest.raises(StateError, match="itself"):
        copying.run(NOW)
    with Store.open(empty) as store:
        store.migrate(site="s", now=NOW)
        with store._database.transaction() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    with Copying.between(empty, other) as copying, pytest.raises(StateError, match="digest store migrate"):
        copying.run(NOW)


def test_nobody_may_be_sending_and_nobody_writes_meanwhile(urls: tuple[str, str]) -> None:
    old, new = urls
    with (
        Store.open(old) as sender,
        sender.hold("sending"),
        Copying.between(old, new, holds=["sending"]) as copying,
        pytest.raises(Busy),
    ):
        copying.run(NOW)
    refused = []

    def write(act: str, table: str, _rows: int, _of: int) -> None:
        if (act, table) == ("copied", "reads"):
            with Store.open(old, wait=0.2) as late:
                try:
                    late.reads.add("story", NOW.date())
                except StoreError as error:
                    refused.append(str(error))

    with Copying.between(old, new, tell=write) as copying:
        copying.run(NOW)
    assert refused
    assert "another process" in refused[0]


def test_text_that_postgresql_cannot_keep_is_named(tmp_path: Path, postgresql: MakeUrl) -> None:
    old, new = f"sqlite:///{tmp_path / 'a.sqlite3'}", postgresql(next(_schemas))
    with Store.open(old) as store:
        store.migrate(site="site-1", now=NOW)
        with store._database.transaction() as connection:
            connection.execute(sa.insert(subscribers).values(key="a\x00b", address="a", domain="", created=NOW))
    with Copying.between(old, new) as copying, pytest.raises(StoreError, match="a row of subscribers"):
        copying.run(NOW)


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from digest.store import Copying
act, table, number = sys.argv[3], sys.argv[4], int(sys.argv[5])
met = 0
def tell(*said):
    global met
    if said[:2] == (act, table):
        met += 1
        if met == number:
            os.kill(os.getpid(), signal.SIGKILL)
class Dies(Copying):
    def _open(self, owner, now, *, moved):
        os.kill(os.getpid(), signal.SIGKILL)
with (Dies if act == "opened" else Copying).between(sys.argv[1], sys.argv[2], tell=tell) as copying:
    copying.run(datetime(2018, 7, 23, 8, tzinfo=UTC))
"""


def killed(urls: tuple[str, str], act: str, table: str = "-", number: int = 1) -> None:
    """A copy in a process of its own, killed with SIGKILL at this point."""
    done = subprocess.run([sys.executable, "-c", KILLED, *urls, act, table, str(number)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.heavy  # killed once, at the worst moments, below
def test_killed_again_and_again_it_goes_on_where_it_was(urls: tuple[str, str]) -> None:
    old, new = urls
    killed(urls, "copied", "deliveries", 3)
    with Store.open(new) as half, pytest.raises(StoreError, match="digest store copy"):
        half.migrate(site="x", now=NOW)
    with Store.open(old) as store:  # the old one goes on meanwhile: in tables that were copied, and in one that was not
        assert store.migrate(site="x", now=NOW) == "site-1"
        with store._database.transaction() as connection:
            connection.execute(sa.update(campaigns).where(campaigns.c.id == 2).values(audience=12345))
            connection.execute(sa.delete(deliveries).where(deliveries.c.id == 1))
            connection.execute(
                sa.insert(audit).values(at=NOW, who="w", via="cli", act="a", object="o", details="{}", origin="")
            )
    killed(urls, "compared", "deliveries")
    told: list[tuple[str, str, int, int]] = []
    with Copying.between(old, new, tell=lambda *said: told.append(said)) as copying:
        done = copying.run(NOW)
        assert {"campaigns", "deliveries"} <= set(done.again)
        assert all(one.same for one in done.tables)
        assert all(one.same for one in copying.verify())
    assert rows_of(new, campaigns) == rows_of(old, campaigns)
    with closing(Database(new)) as database, database.reading() as connection:
        kept, counted = (
            connection.execute(
                sa.select(table.c.campaign, table.c.state, count, sa.func.sum(table.c.attempts))
                .group_by(table.c.campaign, table.c.state)
                .having(count > 0)
                .order_by(table.c.campaign, table.c.state)
            ).all()
            for table, count in ((tallies, sa.func.sum(tallies.c.copies)), (deliveries, sa.func.count()))
        )
    assert kept == counted


def test_killed_between_closing_the_old_and_opening_the_new_neither_goes_on(urls: tuple[str, str]) -> None:
    old, new = urls
    killed(urls, "opened")
    for url in urls:
        with Store.open(url) as store, pytest.raises(StoreError):
            store.migrate(site="x", now=NOW)
    with Copying.between(old, new) as copying:
        done = copying.run(NOW)
        assert done.moved
        assert all(one.same for one in done.tables)
    with Store.open(new) as store:
        assert store.migrate(site="x", now=NOW) == "site-1"
        assert store.is_current()


def test_hashes_do_not_depend_on_order_and_tell_kinds_apart(store: Store) -> None:
    rows = [{"day": date(2018, 7, day), "story": f"s{day}", "count": day} for day in range(1, 6)]
    table = metadata.tables["reads"]
    sums = []
    for order in (rows, rows[::-1]):
        with store._database.transaction() as connection:
            connection.execute(sa.delete(table))
            connection.execute(sa.insert(table), order)
            sums.append(summed(connection, table))
    assert sums[0] == sums[1]
    with store._database.transaction() as connection:
        connection.execute(sa.update(table).where(table.c.count == 3).values(count=4))
        assert summed(connection, table)[1] != sums[0][1]
        assert [len(batch) for batch in batches(connection, table, (date(2018, 7, 3), "s3"))] == [2]
    assert {table.name for table in DERIVED} == {"archive", "archived", "cards", "cards_due", "tallies"}
    assert HEAD >= "0015"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from digest.cli import run as command  # noqa: PLC0415
    from tests.harbour import SETTINGS  # noqa: PLC0415

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    (tmp_path / "digest.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "incoming").mkdir()
    where = ["-C", str(tmp_path), "store"]
    target = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    assert command([*where, "migrate"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert command([*where, "copy", target, "--leave", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["moved"] is False
    assert all(line.get("same", True) for line in lines)
    with closing(Database(target)) as database, database.transaction() as connection:
        connection.execute(sa.insert(subscribers).values(key="k", address="a", domain="", created=NOW))
    assert command([*where, "copy", target, "--verify"]) == 1
    assert "1 tables differ: subscribers" in capsys.readouterr().out
    assert command([*where, "copy", f"sqlite:///{tmp_path / 'third.sqlite3'}"]) == 0
    out = capsys.readouterr().out
    assert "hold the same" in out
    assert "set store.url" in out
    assert command([*where, "copy", target, "--leave"]) == 1
    assert command([*where, "migrate"]) == 1
    assert "was moved to sqlite" in capsys.readouterr().err
