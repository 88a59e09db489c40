from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import alembic.autogenerate
import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from digest.errors import Busy, ConfigError, StoreError
from digest.model import Article
from digest.store import Store
from digest.store.database import Database
from digest.store.migrating import HEAD, configuration, migrate
from digest.store.payload import Payload, canonical
from digest.store.schema import metadata
from tests.store.samples import NOW, make_article

ROOT = Path(__file__).parents[2]
_BY_HAND = ("archive_words", "card_words", "subscribers_by_bytes")


def test_migrations_make_exactly_the_tables_of_the_schema(url: str) -> None:
    database = Database(url)
    migrate(database)
    with database.transaction() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "target_metadata": metadata,
                # FTS5's own tables, and indexes that only PostgreSQL has, stand in the migration alone.
                "include_object": lambda _thing, name, *_more: not any(one in str(name) for one in _BY_HAND),
            },
        )
        assert alembic.autogenerate.compare_metadata(context, metadata) == []
        assert {"deliveries", "editions", "alembic_version"} <= set(sa.inspect(connection).get_table_names())
    database.close()


def test_the_newest_migration_is_known_without_alembic(url: str) -> None:
    database = Database(url)
    with database.transaction() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_current_head() == HEAD
    database.close()


def test_migrating_again_changes_nothing_and_the_site_stays(store: Store) -> None:
    assert store.migrate(site="another", now=NOW) == "site-1"
    assert store.site() == "site-1"


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    with Store.open(url) as store:
        store.migrate(site="a", now=NOW)
        with store._database.transaction() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(sa.text("UPDATE compatible SET oldest = '9999'"))
        with pytest.raises(StoreError, match="newer version of Digest"):
            store.migrate(site="a", now=NOW)


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process: `code` sees the arguments in sys.argv, and what it prints is its answer."""
    imports = "import sys, time; from datetime import UTC, datetime; from digest.store import Store; "
    return subprocess.Popen(
        [sys.executable, "-c", imports + code, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_processes_that_start_together_make_one_store(url: str) -> None:
    code = (
        "store = Store.open(sys.argv[1]); "
        "print(store.migrate(site=sys.argv[2], now=datetime(2018, 7, 23, tzinfo=UTC))); store.close()"
    )
    processes = [_python(code, url, site) for site in "ab"]
    sites = [process.communicate(timeout=60)[0] for process in processes]
    assert len(set(sites)) == 1
    assert [process.returncode for process in processes] == [0, 0]


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "digest.sqlite3"
    with Store.open(f"sqlite:///{path}") as store:
        with store._database.reading() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
    assert path.stat().st_mode & 0o777 == 0o600


def test_times_are_aware_both_ways(store: Store) -> None:
    store.subscribers.suppress("a@example.org", "operator", "", NOW.astimezone())
    [suppression] = store.subscribers.suppressions()
    assert suppression.at == NOW
    assert suppression.at.utcoffset() == NOW.utcoffset()
    with pytest.raises(StoreError, match="no time zone"):
        store.subscribers.suppress("b@example.org", "operator", "", NOW.replace(tzinfo=None))


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.articles.save(make_article(1), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.articles.versions(make_article(1).uid) == ()
    with store.transaction():
        store.articles.save(make_article(1), NOW)
        with pytest.raises(RuntimeError):
            fail()  # the inner one is undone alone
        assert store.articles.get(make_article(1).uid).article.version == 1
    assert len(store.articles.versions(make_article(1).uid)) == 1


def test_a_writer_waits_for_another_thread(store: Store) -> None:
    entered = threading.Event()

    def write() -> None:
        with store.transaction():
            store.articles.save(make_article(1), NOW)
            entered.set()
            time.sleep(0.2)

    thread = threading.Thread(target=write)
    thread.start()
    entered.wait(10)
    store.articles.save(make_article(1, title="Edited"), NOW)
    thread.join()
    assert [article.version for article in store.articles.versions(make_article(1).uid)] == [1, 2]


def test_waiting_too_long_says_what_to_do(url: str) -> None:
    with Store.open(url) as first, Store.open(url, wait=0.1) as second:
        first.migrate(site="a", now=NOW)
        with first.transaction():
            first.articles.save(make_article(1), NOW)
            with pytest.raises(StoreError, match="another process has been writing for too long"):
                second.articles.save(make_article(2), NOW)
        second.articles.save(make_article(2), NOW)


def test_a_store_without_tables_says_so(url: str) -> None:
    with Store.open(url) as store, pytest.raises(StoreError, match="tables are missing"):
        store.site()


def test_a_full_disk_says_so_and_keeps_what_was_committed(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as store:
        store.migrate(site="a", now=NOW)
        store.articles.save(make_article(1), NOW)
        with store._database.reading() as connection:  # the same connection comes back from the pool
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="disk is full"):
            store.articles.save(make_article(2, paragraphs=("x" * 100_000,)), NOW)
        assert len(store.articles.between(NOW.replace(year=2017), NOW)) == 1


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is a letter, not a database " * 100)
    with Store.open(f"sqlite:///{path}") as store, pytest.raises(StoreError, match="no database of Digest"):
        store.site()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="may this user write there"):
        Store.open(f"sqlite:///{tmp_path / 'file' / 'a.db'}")


def test_an_unknown_failure_is_told_in_the_drivers_words(store: Store) -> None:
    with pytest.raises(StoreError, match=r"failed: .*nothing_at_all"), store._database.reading() as connection:
        connection.execute(sa.text("SELECT nothing_at_all()"))


def test_no_server_says_so_and_hides_the_password(tmp_path: Path) -> None:
    with (
        Store.open(f"postgresql://me:geheim@/db?host={tmp_path}") as store,
        pytest.raises(StoreError, match="no connection to the server") as caught,
    ):
        store.site()
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "nonsense", ""])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        Store.open(url)


def test_the_error_does_not_tell_addresses(store: Store) -> None:
    table = metadata.tables["suppressions"]
    values = {"key": "secret@example.org", "cause": None, "at": NOW}
    with pytest.raises(StoreError) as caught, store._database.transaction() as connection:
        connection.execute(sa.insert(table).values(values))
    assert "[" not in str(caught.value) or "parameters" not in str(caught.value.__cause__).replace("hidden", "")


def test_a_lock_keeps_others_out_until_it_ends(store: Store) -> None:
    with store.hold("send weekly-2018-W29"):
        with pytest.raises(Busy, match="send weekly-2018-W29"), store.hold("send weekly-2018-W29"):
            pass  # pragma: no cover - never entered
        with store.hold("send another"):
            pass
    with store.hold("send weekly-2018-W29"):
        pass


def test_a_lock_dies_with_its_process(url: str) -> None:
    code = "store = Store.open(sys.argv[1])\nwith store.hold('send'): print('held', flush=True); time.sleep(60)"
    process = _python(code, url)
    with process, Store.open(url) as store:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy), store.hold("send"):
            pass  # pragma: no cover - never entered
        process.kill()
        process.wait(10)
        for _ in range(100):  # the server needs a moment to see that its client is gone
            try:
                with store.hold("send"):
                    return
            except Busy:
                time.sleep(0.05)
        pytest.fail("still held")  # pragma: no cover - the failure itself


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"digest-publisher\[postgresql\]"):
        Store.open("postgresql://localhost/db")


def test_json_is_deterministic_and_reads_back() -> None:
    article = make_article(1)
    payload: Payload[Article] = Payload(Article)
    text = payload.dump(article)
    again = payload.load(text)
    assert again == article
    assert again.content_hash == article.content_hash  # the zone of `published` is kept
    assert payload.dump(again) == text
    assert "港口" in text
    assert canonical({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'


def test_a_damaged_row_says_so() -> None:
    with pytest.raises(StoreError, match="a stored Article cannot be read"):
        Payload(Article).load('{"source": 1}')


def test_foreign_rows_are_seen_by_plain_sqlite(tmp_path: Path) -> None:
    """The file is an ordinary one: whoever inherits it can read it without us."""
    path = tmp_path / "a.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate(site="mine", now=NOW)
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("SELECT id FROM site").fetchall() == [("mine",)]
    finally:
        connection.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has no sessions
def test_a_lost_session_is_replaced(url: str) -> None:
    with Store.open(url) as store:
        store.migrate(site="a", now=NOW)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        assert store.site() == "a"
