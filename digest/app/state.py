"""What an installation keeps beside its settings: the state folder, its key, and what was changed at the desk."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from digest.errors import ConfigError, StoreError
from digest.settings import Settings
from digest.store import Store

_KEY_FILE: Final = "secret.key"
_NEAREST: Final = 64  # folders above one that is not there yet, at most


def make_state(settings: Settings) -> None:
    """Make the state folder.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"paths.state: {settings.state}: {error.strerror}") from error


def room_of(settings: Settings, note: Path) -> dict[str, int]:
    """Bytes that are free where Digest writes: in the state folder, and beside the database and the note of the fence.

    Args:
        settings: the publication's.
        note: the file of the fence.

    Returns:
        Folder -> bytes; of several folders on one file system only the first. A folder that cannot be looked at is left
        out: who writes there says what is wrong with it.
    """
    url = settings.store_url
    folders = [settings.state, note.parent]
    if url.startswith("sqlite:///"):
        folders.insert(1, Path(url.removeprefix("sqlite:///")).parent)
    room: dict[str, int] = {}
    seen: set[int] = set()
    for folder in folders:
        place = next((one for one in (folder, *folder.parents)[:_NEAREST] if one.is_dir()), folder)
        with suppress(OSError):
            device = place.stat().st_dev
            if device not in seen:
                seen.add(device)
                room[str(folder)] = shutil.disk_usage(place).free
    return room


def key_of(settings: Settings) -> str:
    """The key of the state folder, made at the first need and readable by its owner only.

    Raises:
        ConfigError: the file cannot be read or written, or holds no key.
    """
    make_state(settings)
    path = settings.state / _KEY_FILE
    if settings.store_url.startswith("postgresql") and not path.exists():
        raise ConfigError(
            f"links.secret: is not set, and there is no {path} (where machines share a store they share the key: "
            "set it, 32 characters or more, or copy the file from the first machine)"
        )
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if len(key) < 32:
        raise ConfigError(f"{path}: holds no key of at least 32 characters (restore it, or set links.secret)")
    return key


def _make_key(path: Path) -> None:
    """Make a key there, whole or not at all: one that a full disk cut off would be found at each later start."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the one
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def changed_at_desk(url: str) -> dict[str, str]:
    """Settings that operators changed at the desk; none where there is no store yet, or where it does not answer."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}
    try:
        with Store.open(url, wait=1) as store:
            return store.overrides.all()
    except (StoreError, ConfigError):
        return {}  # whoever needs the store says what is wrong with it
