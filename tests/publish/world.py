"""A publication with editions but without a newsroom: what the press, its readers and hubs are tried on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from digest.app import App
from digest.model import Edition, EditionState, Revision, Story
from digest.web.documents import Files
from digest.web.feeds import Feeds
from digest.web.guard import headers_of
from digest.web.serving import listen
from tests.publish.test_catalogue import APPROVED, NOON, article, edition, story

SETTINGS = """
[publication]
title = "Our Weekly"
tagline = "What matters"
url = "{url}"
sender = "desk@news.example"
postal_address = "1 Harbour Road"
copyright = "© Our Weekly"
language = "{language}"
time_zone = "Asia/Shanghai"
[feeds]
entries = {entries}
hub = "{hub}"
[fetch]
allow = ["127.0.0.1"]
[[digests]]
key = "weekly"
title = "Weekly Report"
[[digests.sections]]
key = "china-israel"
pair = ["CN", "IL"]
[[digests.sections]]
key = "china"
region = "CN"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""


@dataclass
class World:
    """A publication: `carry`, `correct` and `cancel` move editions, an hour after one another."""

    folder: Path
    app: App
    at: datetime = APPROVED
    revisions: dict[str, Revision] = field(default_factory=dict)

    def carry(self, week: str, *stories: Story, section: str = "china") -> Revision:
        """A new edition, approved and sent."""
        editions = self.app.store.editions
        made = editions.prepare(edition(week, *stories, section=section), {}, self._tick()).revision
        done = editions.approve(made.edition.id, made.hash, "test", self.at)
        editions.move(made.edition.id, EditionState.SENDING, self.at)
        self.revisions[week] = done
        return done

    def correct(self, week: str, *stories: Story, section: str = "china") -> Revision:
        """A correction of an edition, approved."""
        editions, old = self.app.store.editions, self.revisions[week]
        wanted: Edition = replace(edition(week, *stories, section=section), number=old.edition.number)
        made = editions.revise(wanted, {}, self._tick(), onto=old.number)
        self.revisions[week] = editions.approve(made.edition.id, made.hash, "test", self.at)
        return self.revisions[week]

    def cancel(self, week: str) -> None:
        """An edition is taken back."""
        self.app.store.editions.move(f"weekly-{week}", EditionState.CANCELLED, self._tick(), "a mistake")

    def file(self, path: str) -> bytes:
        """What is published at a path."""
        return (self.app.settings.state / path).read_bytes()

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Every published file: its bytes, and when it was written."""
        root = self.app.settings.state
        found = sorted(path for path in (root / "feeds").rglob("*") if path.is_file() and path.name[0] != ".")
        return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    def again(self) -> World:
        """The same publication, opened by another process."""
        app = App.open(self.folder)
        for name in ("places", "taxonomy", "renderer"):
            app.__dict__[name] = getattr(self.app, name)
        self.app.__exit__(None, None, None)
        return replace(self, app=app)

    def _tick(self) -> datetime:
        self.at += timedelta(hours=1)
        return self.at


def tale(name: str, day: int = 0, **more: object) -> Story:
    """A story with its own headline."""
    return story(article(name, published=NOON - timedelta(days=day), **more), ["CN-GD"], ["IL"])


@contextmanager
def world(folder: Path, *, url: str = "https://news.example", entries: int = 6, hub: str = "", language: str = "en",
          like: App | None = None) -> Iterator[World]:  # fmt: skip
    """A publication in an empty folder; `like` lends what takes long to load."""
    folder.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.format(url=url, entries=entries, hub=hub, language=language)
    (folder / "digest.toml").write_text(text, encoding="utf-8")
    app = App.open(folder)
    if like is not None:
        for name in ("places", "taxonomy"):
            app.__dict__[name] = getattr(like, name)
    made = World(folder, app)
    try:
        yield made
    finally:
        app.__exit__(None, None, None)


@dataclass
class Served:
    """A running server: where it listens, and what it answered: (path, status, request headers)."""

    port: int
    log: list[tuple[str, int, Mapping[str, str]]]


@contextmanager
def served(root: Path, make: Callable[[Served], ASGIApp] | None = None, hub: str = "") -> Iterator[Served]:
    """Published files (or an application) on loopback, by the real server, in a thread."""
    here = Served(0, [])
    up, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def told(message: object) -> None:
            if message["type"] == "http.response.start":  # type: ignore[index]  # ASGI's dictionaries
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                here.log.append((scope["path"], message["status"], headers))  # type: ignore[index]  # same
            await send(message)  # type: ignore[arg-type]  # same

        base = f"http://127.0.0.1:{here.port}"
        app = make(here) if make else Feeds(
            nothing, files=files, base=base, prefix="", hub=hub, headers=headers_of(https=False)
        )  # fmt: skip
        await app(scope, receive, told)

    files = Files(root)

    def ready(_host: str, port: int) -> None:
        here.port = port
        up.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen(logged, "127.0.0.1", 0, stop, ready))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(20)
    try:
        yield here
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
