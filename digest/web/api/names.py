"""Themes, regions and digests as callers write them: by id or code, or by a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from digest.app import App
from digest.errors import InputError, NotFound


def themes(app: App, names: Iterable[str], where: str) -> list[str]:
    """The ids of themes.

    Raises:
        InputError: there is none of this name.
    """
    found = []
    for name in names:
        theme = app.taxonomy.resolve(name)
        if theme is None:
            there = ", ".join(one.id for one in app.taxonomy)
            raise InputError(f"no theme '{name}'", where=where, remedy=f"there are: {there}")
        found.append(theme.id)
    return found


def regions(app: App, names: Iterable[str], where: str) -> list[str]:
    """The codes of regions.

    Raises:
        InputError: there is none of this name.
    """
    found = []
    for name in names:
        place = app.places.resolve(name)
        if place is None:
            raise InputError(f"no region '{name}'", where=where, remedy="write a code (CN-GD, IL, x-gba) or a name")
        found.append(place.code)
    return found


def filed(
    app: App, wanted: Iterable[str] | None, roles: Mapping[str, str] | None
) -> tuple[list[str] | None, dict[str, str] | None]:
    """Themes by id and regions by code, with their roles; None stays None.

    Raises:
        InputError: there is no such theme or region.
    """
    codes = None if roles is None else dict(zip(regions(app, roles, "regions"), roles.values(), strict=True))
    return None if wanted is None else themes(app, wanted, "themes"), codes


def digest_of(app: App, key: str) -> str:
    """The key of the digest that is meant; without one, of the only one.

    Raises:
        InputError: none is named, and there are several.
        NotFound: there is none of this key.
    """
    keys = [rule.key for rule in app.settings.digests]
    if not key and len(keys) == 1:
        return keys[0]
    if not key:
        raise InputError("which digest is it?", where="digest", remedy=f"name one: {', '.join(keys)}")
    if key not in keys:
        raise NotFound("digest", key, f"there are: {', '.join(keys)}")
    return key
