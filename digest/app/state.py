"""What an installation keeps beside its settings: the state folder, its key, and what was changed at the desk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from digest.errors import ConfigError, StoreError
from digest.settings import Settings
from digest.store import Store

_KEY_FILE: Final = "secret.key"


def make_state(settings: Settings) -> None:
    """Make the state folder.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"paths.state: {settings.state}: {error.strerror}") from error


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
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_text(encoding="ascii").strip()
        else:
            key = secrets.token_hex(32)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(key + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if len(key) < 32:
        raise ConfigError(f"{path}: holds no key of at least 32 characters (restore it, or set links.secret)")
    return key


def changed_at_desk(url: str) -> dict[str, str]:
    """Settings that operators changed at the desk; none where there is no store yet, or where it does not answer."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}
    try:
        with Store.open(url, wait=1) as store:
            return store.overrides.all()
    except (StoreError, ConfigError):
        return {}  # whoever needs the store says what is wrong with it
