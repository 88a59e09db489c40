"""The queue's tables: procrastinate's own, in a schema of their own beside the store's, and which version they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_LOCK: Final = 0x4469676573_71  # any number that only this locks
# A dead connection is noticed within half a minute, on both sides.
_ALIVE: Final = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def prepare(url: str) -> str:
    """Make the queue's tables, or bring them up to date; the connection string by which they are found.

    Two processes at once wait for each other. A version that is newer than this program's is left as it is.

    Args:
        url: the store's.

    Raises:
        psycopg.Error: the database does not answer, or this user may not make a schema there.
    """
    given = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1), **_ALIVE)
    with psycopg.connect(make_conninfo("", **given)) as connection:
        row = connection.execute("SELECT current_schema()").fetchone()
        beside = row[0] if row else None
        schema = "digest_queue" if beside in {None, "public"} else f"{beside}_queue"
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
        connection.execute("CREATE TABLE IF NOT EXISTS digest_applied (migration text PRIMARY KEY)")
        _migrate(connection)
    options = f"{given.get('options') or ''} -csearch_path={schema}".strip()
    return make_conninfo("", **{**given, "options": options})


def _migrate(connection: psycopg.Connection) -> None:
    known = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    applied = {row[0] for row in connection.execute("SELECT migration FROM digest_applied")}
    if not applied:
        connection.execute(SchemaManager.get_schema())
    for script in known:
        if script.name not in applied:
            if applied:
                connection.execute(script.read_text(encoding="utf-8").encode())
            connection.execute("INSERT INTO digest_applied VALUES (%s)", (script.name,))
