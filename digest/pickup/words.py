"""The words that pick-up knows: publishers, labels of fields, sections, frequent words. They stand in words.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    read: Mapping[str, Mapping[str, str]] = tomllib.loads(
        files("digest.pickup").joinpath("words.toml").read_text("utf-8")
    )
    return {table: {key: value.replace("\n", "") for key, value in lists.items()} for table, lists in read.items()}


def pattern(table: str, key: str = "all") -> str:
    """A list as one regular expression of alternatives."""
    return _tables()[table][key]


def lists(table: str) -> Mapping[str, tuple[str, ...]]:
    """The lists of a table, item by item."""
    return {key: tuple(value.split("|")) for key, value in _tables()[table].items()}


def words(table: str) -> frozenset[str]:
    """All items of a table."""
    return frozenset(item for items in lists(table).values() for item in items)
