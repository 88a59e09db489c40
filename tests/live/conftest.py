"""A publication with live sources on a loopback server, a clock that can be set, and feeds to serve."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from digest.addresses import Guard
from digest.fetch import Fetcher, Limits
from digest.jail import Jail
from digest.model import Publication, Source, SourceKind
from digest.settings import FetchSettings, Settings
from digest.sources import LiveSources
from digest.store import Store
from tests.feed_server import FeedServer

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: float) -> None:
        self.now += timedelta(**length)


Item = dict[str, Any]


def item(number: int, **fields: Any) -> Item:
    day = NOW - timedelta(days=number)
    given = {
        "guid": f"id-{number}",
        "title": f"Port of Shenzhen, day {number}",
        "link": f"/articles/{number}",
        "pubDate": day.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "description": f"What happened at the port on day {number}.",
    }
    return {name: value for name, value in (given | fields).items() if value is not None}


def rss(*items: Item, title: str = "Harbour News") -> str:
    entries = "".join(
        "<item>" + "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in one.items()) + "</item>"
        for one in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{entries}</channel></rss>'


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    with Jail() as jail:
        yield jail


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with all its tables: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "digest.sqlite3"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate(site="s", now=NOW)
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    shutil.copy(empty_store, tmp_path)
    with Store.open(f"sqlite:///{tmp_path / 'digest.sqlite3'}") as store:
        yield store


Open = Callable[..., LiveSources]


@pytest.fixture
def sources(server: FeedServer, store: Store, jail: Jail, clock: Clock, tmp_path: Path) -> Open:
    """Live sources with these paths of the server in digest.toml, by key; keywords: `feed={"path": "/feed", ...}`."""

    def opened(*, allow: tuple[str, ...] = (), **given: dict[str, Any]) -> LiveSources:
        settings = Settings(
            folder=tmp_path,
            publication=Publication(
                title="Weekly", url="https://weekly.example", sender="a@weekly.example", postal_address="x"
            ),
            fetch=FetchSettings(allow=(*server.allow, *allow)),
            sources=tuple(
                Source(
                    **{
                        "key": key,
                        "kind": SourceKind.FEED,
                        "location": server.url(fields.pop("path", "/feed")),
                        **fields,
                    }
                )
                for key, fields in ((key, dict(value)) for key, value in given.items())
            ),
        )
        return LiveSources(
            settings=settings,
            store=store,
            jail=jail,
            fetcher=lambda: Fetcher(
                Guard(settings.fetch.allow), agent="Digest/test", clock=clock, limits=Limits(total=2, connect=1, read=1)
            ),
            clock=clock,
            random=lambda: 0.5,
        )

    return opened
