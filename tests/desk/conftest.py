"""A publication with an edition that is out and a draft of the next, copied for each test that changes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app import App
from tests.desk.publication import begin, moved


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begin(tmp_path_factory.mktemp("desk") / "weekly")


@pytest.fixture(scope="session")
def like(begun: Path) -> Iterator[App]:
    """What takes long to make, and is the same for every copy."""
    with App.open(begun) as opened:
        yield opened


@pytest.fixture
def app(begun: Path, like: App, tmp_path: Path) -> Iterator[App]:
    with App.open(moved(begun, tmp_path / "copy")) as opened:
        for name in ("places", "taxonomy", "judge", "renderer"):
            opened.__dict__[name] = getattr(like, name)
        yield opened
