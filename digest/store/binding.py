"""What this very database is, and which one was armed: a copy of it carries the note of another. For several machines.

An SQLite file is bound by its folder (`digest.deliver.Fence`); for a database of a server, no folder says anything.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import sqlalchemy as sa

from digest.errors import StoreError
from digest.store.database import Database
from digest.store.schema import site

_SERVER: Final = "SELECT system_identifier::text FROM pg_control_system()"
_HERE: Final = "SELECT d.oid || '.' || 'site'::regclass::oid FROM pg_database d WHERE datname = current_database()"


class Binding:
    """`place`, `identity` and `armed` read; `arm` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self) -> str:
        """Where the database is: its URL, without a password."""
        url = self._database.url
        return url.set(password=None, query={}).render_as_string()

    def identity(self) -> str:
        """What of it no dump has that is restored elsewhere: the numbers of its server, of itself, and of a table."""
        server = "-"
        with suppress(StoreError), self._database.reading() as connection:  # some servers keep it to themselves
            server = str(connection.scalar(sa.text(_SERVER)))
        with self._database.reading() as connection:
            return f"{server}.{connection.scalar(sa.text(_HERE))}"

    def armed(self) -> str:
        """What `arm` was given last; "" for nothing yet."""
        with self._database.reading() as connection:
            return str(connection.scalar(sa.select(site.c.armed)) or "")

    def arm(self, mark: str) -> None:
        """Note what is armed."""
        with self._database.transaction() as connection:
            connection.execute(sa.update(site).values(armed=mark))
