"""Whether the server of the database has room to write.

An SQLite file's disk is this machine's, and is looked at as such (`digest.app`). A server's disk can only be asked
about by using it: a sort that does not fit into memory is written beside the tables. It changes nothing.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from digest.errors import StoreError
from digest.store.database import Database

_SPILL: Final = sa.text(  # some 500 kB
    "SELECT count(*) FROM"
    " (SELECT md5(n::text) AS word FROM generate_series(1, 8000) AS n ORDER BY word OFFSET 1) AS sorted"
)


def no_room(database: Database) -> str:
    """Why the server cannot write: its disk is full; "" where it can, and for SQLite.

    Raises:
        StoreError: it does not answer.
    """
    if database.is_sqlite:
        return ""
    try:
        with database.reading() as connection:
            connection.execute(sa.text("SET LOCAL work_mem = '64kB'"))
            connection.execute(_SPILL)
    except StoreError as error:
        if "the disk is full" in str(error):
            return str(error)
        raise
    return ""
