"""Migrations while an installation runs: what came since OLDEST only adds, and older programs go on beside it."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from digest.errors import StoreError
from digest.store import Store, migrating
from digest.store.database import Database
from digest.store.migrating import HEAD, OLDEST, configuration, is_current, migrate
from tests.store.samples import NOW

VERSIONS = Path(migrating.__file__).parent / "migrations" / "versions"
ADDS = {"create_table", "create_index", "add_column", "execute", "get_bind", "bulk_insert"}


def test_what_came_since_the_oldest_program_only_adds() -> None:
    """Programs of OLDEST run on these tables, so nothing that they know may be gone or mean something else."""
    newer = [path for path in sorted(VERSIONS.glob("0*.py")) if OLDEST < path.name[:4] <= HEAD]
    for path in newer:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "op":
                assert node.func.attr in ADDS, f"{path.name}: op.{node.func.attr} (raise OLDEST, or expand first)"
            if node.func.attr == "add_column":
                column = node.args[1]
                assert isinstance(column, ast.Call)
                given = {one.arg for one in column.keywords}
                nullable = any(
                    one.arg == "nullable" and isinstance(one.value, ast.Constant) and one.value.value
                    for one in column.keywords
                )
                assert nullable or "server_default" in given, f"{path.name}: an older program cannot fill {column.args}"


def sample(column: sa.Column[object], number: int) -> object:
    kind = column.type.python_type if not isinstance(column.type, sa.types.NullType) else str
    if column.name == "words":
        return "'word'"
    return {int: number, str: f"{column.name} {number}", bool: True, bytes: b"x", float: 0.5, date: NOW.date()}.get(
        kind, NOW
    )


@pytest.mark.parametrize("since", sorted({"0009", OLDEST}))
def test_a_program_of_an_older_version_reads_and_writes_the_newest_tables(url: str, tmp_path: Path, since: str) -> None:
    """The tables as that program knows them, taken from its own migrations, used on those of today."""
    before = Database(f"sqlite:///{tmp_path / 'before.sqlite3'}")
    with before.transaction() as connection:
        command.upgrade(configuration(connection), since)
    known = sa.MetaData()
    with before.reading() as connection:
        names = [name for name in sa.inspect(connection).get_table_names() if "_words" not in name]
        known.reflect(connection, only=[name for name in names if name != "alembic_version"])
    before.close()
    database = Database(url)
    migrate(database)
    with database.transaction() as connection:
        if database.is_sqlite:
            connection.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        for table in known.sorted_tables:
            today = sa.table(table.name, *(sa.column(one.name) for one in table.columns))
            types = {one["name"]: one["type"] for one in sa.inspect(connection).get_columns(table.name)}
            row = {}
            for column in table.columns:
                shaped: sa.Column[object] = sa.Column(column.name, types[column.name])
                row[column.name] = sample(shaped, 1)
            for foreign in table.foreign_keys:
                row[foreign.parent.name] = 1 if row[foreign.parent.name] == 1 else sample(foreign.column, 1)
            if table.name == "compatible":
                continue
            connection.execute(sa.insert(today).values({k: sa.bindparam(k, v, types[k]) for k, v in row.items()}))
            found = connection.execute(sa.select(*today.columns)).one()
            assert len(found) == len(table.columns)
    database.close()


def unknown(store: Store, head: str, oldest: str | None) -> None:
    """Make the tables those of a newer version."""
    with store._database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": head})
        connection.execute(sa.text("DELETE FROM compatible"))
        if oldest:
            connection.execute(sa.text("INSERT INTO compatible VALUES (1, :oldest)"), {"oldest": oldest})


def test_an_older_program_goes_on_where_the_newer_tables_let_it(store: Store) -> None:
    assert store.is_current()
    unknown(store, "9000", HEAD)
    assert store.migrate(site="another", now=NOW) == "site-1"
    assert store.is_current()
    for oldest in ("9000", None):
        unknown(store, "9000", oldest)
        with pytest.raises(StoreError, match="newer version of Digest"):
            store.migrate(site="another", now=NOW)
        assert not store.is_current()


def test_a_new_store_says_which_programs_may_run_on_it(store: Store) -> None:
    with store._database.reading() as connection:
        assert connection.scalar(sa.text("SELECT oldest FROM compatible")) == OLDEST


@pytest.mark.parametrize(("mark", "said"), [("copying", "digest store copy"), ("moved", "moved to nowhere")])
def test_a_store_that_is_copied_into_or_was_moved_is_no_store(store: Store, mark: str, said: str) -> None:
    with store._database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :mark"), {"mark": mark})
        connection.execute(sa.text("UPDATE site SET id = 'moved-1 to nowhere'"))
    assert not is_current(store._database)
    with pytest.raises(StoreError, match=said):
        store.migrate(site="x", now=NOW)
