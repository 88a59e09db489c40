"""Wiring: keys, transports, and the state folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from digest.app import App, now
from digest.app.outside import sender_of
from digest.deliver import MaildirTransport, SMTPTransport
from digest.errors import ConfigError, StoreError, TaxonomyError
from digest.settings import FILE, load, shipped
from digest.store import Span


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_bytes(shipped(FILE).read_bytes())
    return tmp_path


def test_the_clock_is_aware() -> None:
    assert now().utcoffset() is not None


def test_a_key_is_made_once_and_is_for_its_owner_only(folder: Path) -> None:
    with App.open(folder) as app:
        link = app.links.unsubscribe(7)
    key = folder / "var" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with App.open(folder) as app:
        assert app.links.unsubscribe(7) == link


def test_a_key_of_the_settings_needs_no_file(folder: Path) -> None:
    with App.open(folder, {"DIGEST_LINKS_SECRET": "n" * 40 + " " + "o" * 40}) as app:
        link = app.links.unsubscribe(7)
    assert not (folder / "var").exists()
    with App.open(folder, {"DIGEST_LINKS_SECRET": "o" * 40}) as app:
        older = app.links.unsubscribe(7)
    assert older != link
    with App.open(folder, {"DIGEST_LINKS_SECRET": "n" * 40 + " " + "o" * 40}) as app:
        assert app.links.read_unsubscribe(older.rpartition("/")[2]) == 7, "old links verify for ever"


def test_a_damaged_key_is_named(folder: Path) -> None:
    (folder / "var").mkdir()
    (folder / "var" / "secret.key").write_text("short", encoding="ascii")
    with App.open(folder) as app, pytest.raises(ConfigError, match=r"secret\.key: holds no key"):
        _ = app.links


def test_a_key_is_made_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with App.open(folder) as app, pytest.raises(ConfigError, match="No space left"):
            _ = app.links
    assert not [path.name for path in (folder / "var").glob("*secret*")]
    with App.open(folder) as app:
        first = app.links
    with App.open(folder) as app:
        assert app.links.unsubscribe(1) == first.unsubscribe(1)


def test_a_state_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "var").write_text("a file", encoding="ascii")
    with App.open(folder) as app, pytest.raises(ConfigError, match=r"paths\.state"):
        _ = app.store


def test_mail_goes_to_a_maildir_until_a_server_is_set(folder: Path) -> None:
    with App.open(folder) as app:
        assert isinstance(app.transport(), MaildirTransport)
    with App.open(folder, {"DIGEST_MAIL_HOST": "127.0.0.1", "DIGEST_MAIL_SECURITY": "none"}) as app:
        assert isinstance(app.transport(), SMTPTransport)


def test_a_password_is_not_sent_in_the_clear(folder: Path) -> None:
    environ = {"DIGEST_MAIL_HOST": "smtp.example.com", "DIGEST_MAIL_SECURITY": "none", "DIGEST_MAIL_USERNAME": "me"}
    with App.open(folder, environ) as app, pytest.raises(ConfigError, match="in the clear"):
        app.transport()


def test_a_taxonomy_of_ones_own(folder: Path) -> None:
    with App.open(folder, {"DIGEST_PATHS_TAXONOMY": "themes.toml"}) as app, pytest.raises((TaxonomyError, ConfigError)):
        _ = app.taxonomy


def test_a_database_that_is_none_is_named(folder: Path) -> None:
    (folder / "var").mkdir()
    (folder / "var" / "digest.sqlite3").write_bytes(b"this is not a database, whatever its name says" * 100)
    with App.open(folder) as app, pytest.raises(StoreError):
        _ = app.store


def test_each_process_that_sends_has_its_part_of_every_limit(folder: Path) -> None:
    given = {"DIGEST_MAIL_RATE": "9", "DIGEST_MAIL_LIMITS": '[{"domains": ["big.example"], "rate": 6}]'}
    with App.open(folder, {**given, "DIGEST_MAIL_SESSIONS": "4"}) as app:
        spans = [Span(first=first, last=first + 9, turn=1) for first in (0, 10, 20)]
        children = [
            sender_of(app.settings, "weekly-2018-W29", span, place, 3, surroundings={})
            for place, span in enumerate(spans)
        ]
    parts = [load(folder, child.environment).mail for child in children]
    assert [part.sessions for part in parts] == [2, 1, 1]
    assert [part.rate for part in parts] == [3, 3, 3]
    assert [(limit.domains, limit.rate) for part in parts for limit in part.limits] == [(("big.example",), 2.0)] * 3
