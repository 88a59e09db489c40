"""Brings the tables up to date with alembic, from code: no alembic.ini, no command line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from digest.errors import StoreError
from digest.store.database import Database

_LOCK: Final = 0x4469676573746D  # any number that only Digest's migrations use


def migrate(database: Database) -> None:
    """Run the migrations that are missing, all in one transaction; two processes at once wait for each other.

    Raises:
        StoreError: a migration failed and nothing was changed, or the store was made by a newer version.
    """
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config = configuration(connection)
        scripts = ScriptDirectory.from_config(config)
        here = MigrationContext.configure(connection).get_current_revision()
        if here == scripts.get_current_head():
            return
        if here is not None and here not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError(
                f"the store was made by a newer version of Digest (migration {here} is unknown here; "
                "update Digest, or restore a backup made by this version)"
            )
        command.upgrade(config, "head")


def configuration(connection: Connection) -> Config:
    """Alembic's settings, for a connection in a transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
