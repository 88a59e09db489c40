"""One jail for all, and a source to pick up from."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.jail import Jail
from digest.model import Article, Source, SourceKind
from digest.pickup import read_document

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    with Jail() as jail:
        yield jail


@pytest.fixture
def read(jail: Jail) -> Callable[..., tuple[Article, ...]]:
    """Read a document of a folder source; keywords go into the source."""

    def reading(data: bytes | str, name: str = "page.txt", **fields: Any) -> tuple[Article, ...]:
        source = Source(**{"key": "drop", "kind": SourceKind.FOLDER, "location": "in", **fields})
        raw = data.encode() if isinstance(data, str) else data
        return read_document(raw, name, source, now=NOW, zone=UTC, jail=jail)

    return reading
