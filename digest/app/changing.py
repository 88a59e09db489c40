"""Settings that are changed at the desk: kept in the store, laid over digest.toml at the next start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from digest.errors import ConfigError, InputError, NotFound, StateError
from digest.model import Actor
from digest.settings import CHANGEABLE, FILE, Settings, load
from digest.store import Store


def change_setting(
    settings: Settings,
    store: Store,
    path: str,
    value: str | None,
    *,
    by: Actor,
    at: datetime,
    surroundings: Mapping[str, str],
) -> None:
    """Let a setting be another one from the next start on, for every process.

    Args:
        settings: as they are now.
        store: where the change is kept.
        path: "operations.alarm": one of those that may be changed at the desk.
        value: as text; None: what digest.toml says.
        by: who changes it.
        at: when.
        surroundings: the environment, against which the value is tried.

    Raises:
        InputError: the value will not do.
        NotFound: it may not be changed at the desk.
        StateError: the environment says what it is.
    """
    if path not in CHANGEABLE:
        raise NotFound("setting", path, f"change it in {FILE}")
    if (origin := settings.origins.get(path, "")).startswith(("environment", "file ")):
        raise StateError(path, f"set by the {origin}", "change it", "change it there")
    kept = store.overrides.all()
    wanted = {name: text for name, text in {**kept, path: value}.items() if text is not None}
    try:
        load(settings.folder, surroundings, wanted)
    except ConfigError as error:
        raise InputError("; ".join(error.problems)) from None
    with store.transaction():
        store.overrides.set(path, value, by.name, at)
        details = {"before": kept.get(path, ""), "after": value or ""}
        store.audit.add(by, "setting.change", path, details, at=at)
