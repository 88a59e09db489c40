"""Brings the tables up to date with alembic, from code: no alembic.ini, no command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from digest.errors import StoreError
from digest.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0014"  # the newest migration; a test holds it against the folder
_LOCK: Final = 0x4469676573746D  # any number that only Digest's migrations use


def migrate(database: Database) -> None:
    """Run the migrations that are missing, all in one transaction; two processes at once wait for each other.

    Raises:
        StoreError: a migration failed and nothing was changed, or the store was made by a newer version.
    """
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        here = _version(connection)
        if here == HEAD:
            return
        from alembic import command  # noqa: PLC0415 - costs a third of a second, and is needed once per version
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - same

        config = configuration(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if here and here not in known:
            raise StoreError(
                f"the store was made by a newer version of Digest (migration {here} is unknown here; "
                "update Digest, or restore a backup made by this version)"
            )
        command.upgrade(config, "head")


def is_current(database: Database) -> bool:
    """Whether the tables are those of this version."""
    with database.reading() as connection:
        return _version(connection) == HEAD


def _version(connection: Connection) -> str:
    """The migration that the tables are at; empty for a new store."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or "")


def configuration(connection: Connection) -> Config:
    """Alembic's settings, for a connection in a transaction."""
    from alembic.config import Config  # noqa: PLC0415 - same as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
