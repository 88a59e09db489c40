"""Brings the tables up to date with alembic, from code: no alembic.ini, no command line.

A running installation is updated without a stop: migrations first expand (tables, columns with a default, indexes), so
that programs of the versions before go on beside newer ones; what they no longer need is taken away (contracted) by a
later version, once nobody runs them any more. `OLDEST` says how far back programs go on; the store carries it, so that
an older program that starts on newer tables knows whether it may (docs/operations.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.errors import StoreError
from digest.store.database import Database
from digest.store.schema import compatible

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0017"  # the newest migration; a test holds it against the folder
OLDEST: Final = (
    "0015"  # programs from this migration on may run on these tables; a test holds what came since against it
)
COPYING: Final = "copying"  # stands for a migration while a store is copied into these tables (copying.py)
MOVED: Final = "moved"  # the same, once it was copied from here and goes on there
_LOCK: Final = 0x4469676573746D  # any number that only Digest's migrations use


def migrate(database: Database) -> None:
    """Run the migrations that are missing, all in one transaction; two processes at once wait for each other.

    Nothing is done to the tables of a newer version that this one may still run on.

    Raises:
        StoreError: a migration failed and nothing was changed; the store is of a newer version that this one cannot
            run on; it is being copied into; or it was moved elsewhere.
    """
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        here = version(connection)
        if here == HEAD:
            return
        _refuse_marked(connection, here)
        from alembic import command  # noqa: PLC0415 - costs a third of a second, and is needed once per version
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - same

        config = configuration(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if here and here not in known:
            oldest = _oldest(connection)
            if oldest and oldest <= HEAD:
                return
            raise StoreError(
                f"the store was made by a newer version of Digest (migration {here} is unknown here"
                + (f", programs go on from {oldest} on, and this is {HEAD}" if oldest else "")
                + "; update Digest, or restore a backup made by this version)"
            )
        command.upgrade(config, "head")
        connection.execute(sa.delete(compatible))
        connection.execute(sa.insert(compatible).values(row=1, oldest=OLDEST))


def is_current(database: Database) -> bool:
    """Whether the tables are those of this version, or of a newer one on which it may run."""
    with database.reading() as connection:
        here = version(connection)
        return here == HEAD or (here > HEAD and here.isdecimal() and (_oldest(connection) or "9999") <= HEAD)


def version(connection: Connection) -> str:
    """The migration that the tables are at; empty for a new store."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or "")


def _oldest(connection: Connection) -> str:
    """From which migration on programs may run on these tables; empty where that is not said."""
    if not sa.inspect(connection).has_table(compatible.name):
        return ""
    return str(connection.scalar(sa.select(compatible.c.oldest)) or "")


def _refuse_marked(connection: Connection, here: str) -> None:
    if here == COPYING:
        raise StoreError(
            "the store is being copied into, or copying broke off (run the same `digest store copy` again: it goes on)"
        )
    if here == MOVED:
        site = str(connection.scalar(sa.text("SELECT id FROM site")) or "")
        raise StoreError(
            f"the store was moved{site.partition(' ')[2] and ' ' + site.partition(' ')[2]} (set store.url)"
        )


def configuration(connection: Connection) -> Config:
    """Alembic's settings, for a connection in a transaction."""
    from alembic.config import Config  # noqa: PLC0415 - same as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
