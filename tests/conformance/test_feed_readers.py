"""Outside feed readers poll our feeds over loopback: newsboat and rss2email, from Debian's packages.

The short form, with lemon24/reader, is tests/web/test_feeds.py.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publish.world import Served, World, served, tale, world

pytestmark = pytest.mark.heavy


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "here", entries=50) as made:
        made.carry("2018-W29", *(tale(f"a{number}", number) for number in range(5)))
        made.app.press.publish()
        yield made


def move_on(here: World) -> None:
    """One edit, and one addition."""
    stories = [tale(f"a{number}", number) for number in range(5)]
    better = tale("a3", 3, title="About a3, corrected")
    here.correct("2018-W29", *stories[:3], better, stories[4])
    here.carry("2018-W30", tale("b"))
    here.app.press.publish()


def statuses(server: Served) -> list[int]:
    found = [status for _, status, _ in server.log]
    server.log.clear()
    return found


@pytest.mark.skipif(shutil.which("newsboat") is None, reason="newsboat is not installed")
@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])  # one by one: newsboat keeps an id in one feed only
def test_newsboat(here: World, tmp_path: Path, name: str) -> None:
    with served(here.app.settings.state) as server:
        urls = tmp_path / "urls"
        urls.write_text(f"http://127.0.0.1:{server.port}/feeds/{name}\n", encoding="utf-8")
        cache, config = tmp_path / "cache.db", tmp_path / "config"
        config.write_text("", encoding="utf-8")

        def poll() -> list[str]:
            command = ["newsboat", "-u", str(urls), "-c", str(cache), "-C", str(config), "-x", "reload"]
            subprocess.run(command, check=True, capture_output=True, timeout=60, env={"HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "dumb", "PATH": "/usr/bin:/bin"})  # fmt: skip
            with sqlite3.connect(cache) as rows:
                found = rows.execute("SELECT title FROM rss_item WHERE deleted = 0").fetchall()
            rows.close()
            return sorted(title for (title,) in found)

        assert len(poll()) == 5
        assert len(poll()) == 5  # it forgets the validators of a feed's very first answer
        statuses(server)
        assert len(poll()) == 5
        assert statuses(server) == [304]
        time.sleep(1.1)  # newsboat drops an answer whose Last-Modified, in seconds, is the one that it knows
        move_on(here)
        assert poll() == ["About a0", "About a1", "About a2", "About a3, corrected", "About a4", "About b"]


@pytest.mark.skipif(shutil.which("r2e") is None, reason="rss2email is not installed")
def test_rss2email(here: World, tmp_path: Path) -> None:
    with served(here.app.settings.state) as server:
        maildir = tmp_path / "mail"
        config, data = tmp_path / "r2e.cfg", tmp_path / "r2e.json"

        def r2e(*words: str) -> None:
            command = ["r2e", "-c", str(config), "-d", str(data), *words]
            subprocess.run(command, check=True, capture_output=True, timeout=60, env={"HOME": str(tmp_path), "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"})  # fmt: skip

        r2e("new", "reader@example.org")
        text = config.read_text(encoding="utf-8").replace("email-protocol = sendmail", "email-protocol = maildir")
        config.write_text(text.replace("maildir-path = ~/Maildir", f"maildir-path = {maildir}"), encoding="utf-8")
        for folder in ("cur", "new", "tmp"):
            (maildir / "INBOX" / folder).mkdir(parents=True)
        r2e("add", "ours", f"http://127.0.0.1:{server.port}/feeds/atom.xml")
        r2e("run")
        assert len(list(maildir.rglob("new/*"))) == 5
        statuses(server)
        r2e("run")
        assert statuses(server) == [304]
        move_on(here)
        r2e("run")
        assert len(list(maildir.rglob("new/*"))) == 6  # it knows entries by id: an edit is no new mail
