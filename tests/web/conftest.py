"""A publication with one public edition, made once and copied for each test; and a browser that knows its pages."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html
from starlette.types import ASGIApp

from digest import desk
from digest.app import App, now
from digest.model import Consent, Period, Revision
from digest.settings import FILE
from digest.subscriptions import Reception, add
from digest.web import create_app

SETTINGS = """
[publication]
title = "Harbour Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road, Example City"
time_zone = "Asia/Shanghai"

[delivery]
site_file = "var/site.json"

[[sources]]
key = "desk"
kind = "folder"
location = "incoming"

[[sources]]
key = "own"
kind = "folder"
location = "own"
rights = "full"

[[digests]]
key = "weekly"
title = "Harbour Report"
[[digests.sections]]
key = "china-israel"
pair = ["CN", "IL"]
[[digests.sections]]
key = "guangdong"
region = "CN-GD"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""
SECOND = """
[[digests]]
key = "ports"
title = "Port Report"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""
STORY = """---
id: {id}
title: {title}
date: 2018-07-18T09:00:00+08:00
publisher: Harbour Wire
keywords: [{place}]
{url}
---

{text}
"""
EDITION = "weekly-2018-W29"


def _tell(folder: Path, key: str, title: str, place: str, text: str, *, url: str = "") -> None:
    folder.mkdir(exist_ok=True)
    story = STORY.format(id=key, title=title, place=place, text=text, url=f"url: {url}" if url else "")
    path = folder / f"{key}.md"
    path.write_text(story, encoding="utf-8")
    os.utime(path, (time.time() - 100, time.time() - 100))  # a file that may still be growing is left alone


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, App]:
    """The folder to copy, and an app whose gazetteer others share."""
    folder = tmp_path_factory.mktemp("publication")
    (folder / FILE).write_text(SETTINGS, encoding="utf-8")
    port = "The port of Guangzhou will unload ships at night. Exports to Israel may grow."
    _tell(
        folder / "incoming",
        "port",
        "Guangzhou port adds <b>a night shift</b>",
        "Guangzhou",
        port,
        url="https://wire.example.org/port",
    )
    _tell(
        folder / "own",
        "leaks",
        "Haifa start-up listens for leaks",
        "Haifa, Israel",
        "A start-up in Haifa, Israel, hears leaks in pipes.\n\nIt sells trade in sensors.",
    )
    with App.open(folder) as app:
        pipeline = app.pipeline
        pipeline.pick_up()
        pipeline.classify()
        revision = pipeline.compose(app.settings.digest(), Period.week("2018-W29", app.settings.zone))
        assert isinstance(revision, Revision)
        pipeline.approve(revision, by="test")
        pipeline.publish()
        return folder, app


class Browser:
    """Asks an ASGI application, one request at a time; follows nothing by itself."""

    def __init__(self, application: ASGIApp, client: str = "198.51.100.7") -> None:
        self.application = application
        self.client = client

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.application, client=(self.client, 1234))
            async with httpx.AsyncClient(transport=transport, base_url="https://weekly.example.com") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def head(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("HEAD", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)


class Here:
    """A publication under test: its app, a browser, the mails that went out, and a clock to turn."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.moment: datetime | None = None
        app.__dict__["reception"] = Reception(
            settings=app.settings,
            store=app.store,
            links=app.links,
            renderer=app.renderer,
            transport=app.transport,
            may_send=app.check_site,
            clock=self.clock,
        )
        self.browser = Browser(create_app(app))

    def clock(self) -> datetime:
        return self.moment or now()

    def form(self, name: str = "subscribe", age: float = 10) -> str:
        """A token of a form that was shown some seconds ago."""
        return self.app.links.form(name, now() - timedelta(seconds=age))

    def subscribe(self, address: str = "ada@example.net", **fields: object) -> int:
        sent = {"form": self.form(), "address": address, **fields}
        return self.browser.post("/subscribe", data=sent).status_code

    def settle(self) -> list[EmailMessage]:
        """Do what was asked for, and send what follows; every mail so far, in the order made."""
        self.app.reception.settle()
        self.app.reception.send_notices()
        return self.mails()

    def mails(self) -> list[EmailMessage]:
        folder = self.app.settings.state / "mail" / "new"
        found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.glob("*")]
        order = {one.message_id: one.id for one in self.app.store.notices.deliveries()}
        assert all(isinstance(one, EmailMessage) for one in found)
        return sorted(found, key=lambda one: order[str(one["Message-ID"])])

    def reader(self, address: str = "ada@example.net", digest: str = "weekly") -> int:
        """An active subscription."""
        add(self.app.store, address, [digest], consent=Consent(at=self.clock(), basis="import: test"), now=self.clock())
        return next(one.id for one in self.app.store.subscribers.of(address) if one.digest == digest)

    def state(self, address: str = "ada@example.net", digest: str = "weekly") -> str:
        return next((one.state.value for one in self.app.store.subscribers.of(address) if one.digest == digest), "")


def tree(text: str) -> Any:
    """A page as a tree (lxml's types name more than a page can give)."""
    return html.fromstring(text)


def link_in(mail: EmailMessage, word: str) -> str:
    """The path of the first link of a kind in the plain part of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(rf"https://weekly\.example\.com(/{word}/\S+)", part.get_content())
    assert found, part.get_content()
    return found[1]


@pytest.fixture
def make(published: tuple[Path, App], tmp_path: Path) -> Iterator[Callable[..., Here]]:
    """Makes a publication with more settings, and closes it at the end."""
    folder, shared = published
    opened: list[App] = []

    def make(more: str = "", **environ: str) -> Here:
        here = tmp_path / f"publication-{len(opened)}"
        shutil.copytree(folder, here)
        (here / FILE).write_text(SETTINGS + more, encoding="utf-8")
        app = App.open(here, environ)
        app.__dict__["places"] = shared.places
        app.__dict__["taxonomy"] = shared.taxonomy
        if not environ:  # the same templates and links: compiled once
            app.__dict__["renderer"] = shared.renderer
        opened.append(app)
        return Here(app)

    yield make
    for app in opened:
        app.__exit__(None, None, None)


@pytest.fixture(scope="session")
def still(published: tuple[Path, App], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A publication that tests only look at: the same for all of them."""
    folder, shared = published
    copy = tmp_path_factory.mktemp("still") / "publication"
    shutil.copytree(folder, copy)
    with App.open(copy) as app:
        for name in ("places", "taxonomy", "renderer"):
            app.__dict__[name] = getattr(shared, name)
        yield Here(app)


@pytest.fixture
def here(make: Callable[..., Here]) -> Here:
    return make()


def cancel(app: App) -> None:
    desk.cancel(app.store, EDITION, "a mistake", at=now())
