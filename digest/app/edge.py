"""Where the time, the environment and the program's own version come in: the one place of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Final

DISTRIBUTION: Final = "digest-publisher"  # as pyproject.toml names it


def now() -> datetime:
    """The time, in UTC: the one clock of the program."""
    return datetime.now(UTC)  # noqa: TID251 - the edge where time comes in


def version() -> str:
    """The version of this program; "0" in a checkout that was never installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "0"


def environment() -> Mapping[str, str]:
    """The process's environment: the one place where it is read."""
    return os.environ  # noqa: TID251 - the edge where the environment comes in
