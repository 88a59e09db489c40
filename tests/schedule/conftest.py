"""A small publication with a clock that a test sets; its store on SQLite or PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import subscriptions
from digest.app import App
from digest.deliver import Halt
from digest.metrics import Metrics
from digest.model import Consent, EditionState, Period
from digest.schedule import Jobs
from digest.settings import FILE
from tests.store.conftest import postgresql, url  # noqa: F401 - fixtures

SETTINGS = """
[publication]
title = "Harbour Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road, Example City"
time_zone = "Asia/Shanghai"

[mail]
unsubscribe = "leave@example.com"

[operations]
alarm = "ops@example.com"
web = false
tick = 0.2
pickup_every = 0.2

[delivery]
first_delay = 0.2
longest_delay = 0.2
linger = 2

[[sources]]
key = "desk"
kind = "folder"
location = "incoming"

[[digests]]
key = "weekly"
title = "Weekly"
[[digests.sections]]
key = "all"
elsewhere = true
"""
STORIES = {
    "port": ("2018-07-18", "Guangzhou port adds a night shift", "The port of Guangzhou will unload ships at night."),
    "leaks": ("2018-07-11", "Haifa start-up listens for leaks", "A start-up in Haifa, Israel, hears leaks in pipes."),
    "rail": (
        "2018-07-25",
        "Railway opens to Zhuhai",
        "Trains run to Zhuhai from Monday, said the railway of Guangdong.",
    ),
}


def at(text: str) -> datetime:
    """A time in Shanghai, in UTC."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def story(folder: Path, key: str) -> None:
    day, title, text = STORIES[key]
    path = folder / "incoming" / f"{key}.md"
    path.write_text(
        f"---\nid: {key}\ntitle: {title}\ndate: {day}T09:00:00+08:00\npublisher: Harbour Wire\n"
        f"url: https://wire.example.org/{key}\n---\n\n{text}\n",
        encoding="utf-8",
    )
    os.utime(path, (time.time() - 100, time.time() - 100))


class World:
    """One process of an installation, whose clock stands still until a test moves it."""

    shared: dict[str, object] = {}  # noqa: RUF012 - what takes seconds to load and never changes

    def __init__(self, folder: Path, overrides: dict[str, str] | None = None, now: str = "2018-07-20T12:00:00") -> None:
        self.now = at(now)
        self.app = App.open(folder, overrides)
        for name in ("places", "taxonomy", "judge"):
            if name not in self.shared:
                self.shared[name] = getattr(self.app, name)
            self.app.__dict__[name] = self.shared[name]
        pipeline = self.app.pipeline
        pipeline.clock = pipeline.composing.clock = pipeline.sending.clock = self.clock
        self.app.reception._clock = self.clock
        self.app.returned._clock = self.clock
        self.halt = Halt()
        self.metrics = Metrics()
        self.jobs = Jobs(self.app, clock=self.clock, halt=self.halt, metrics=self.metrics)

    def clock(self) -> datetime:
        return self.now

    def tick(self, when: str = "", **step: float) -> None:
        """Set the clock, and run the jobs once."""
        self.now = at(when) if when else self.now + timedelta(**step)
        self.jobs.pick_up()
        self.jobs.editions()
        self.jobs.send()

    def readers(self, count: int) -> None:
        consent = Consent(at=self.now, basis="test")
        for number in range(count):
            subscriptions.add(self.app.store, f"reader{number}@example.org", ["weekly"], consent=consent, now=self.now)

    def state(self, week: str) -> EditionState:
        return self.app.store.editions.state(f"weekly-2018-{week}")

    def mails(self) -> list[str]:
        folder = self.app.settings.state / "mail" / "new"
        return [path.read_text() for path in folder.iterdir()] if folder.exists() else []

    def compose(self, week: str) -> str:
        """The draft of a week; its id."""
        self.jobs.pick_up()
        week = f"2018-{week}"
        self.app.pipeline.compose(self.app.settings.digest(), Period.week(week, self.app.settings.zone))
        return f"weekly-{week}"

    def alarms(self) -> list[str]:
        deliveries = self.app.store.notices.deliveries("ops@example.com")
        return [str(self.app.store.notices.get(one.id).values["subject"]) for one in deliveries]


MakeWorld = Callable[..., World]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A publication's folder with one story."""
    (tmp_path / FILE).write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "incoming").mkdir()
    story(tmp_path, "port")
    return tmp_path


@pytest.fixture
def make(folder: Path) -> Iterator[MakeWorld]:
    """Opens a process on the folder, as often as it is called; all end with the test."""
    opened: list[World] = []

    def open_one(**more: str) -> World:
        now = more.pop("now", "2018-07-20T12:00:00")
        opened.append(World(folder, {f"DIGEST_{key.upper()}": value for key, value in more.items()}, now))
        return opened[-1]

    yield open_one
    for world in opened:
        world.app.__exit__(None, None, None)


@pytest.fixture
def world(make: MakeWorld) -> World:
    """A process whose digest began on Friday, 20 July 2018, with three readers."""
    world = make()
    world.readers(3)
    world.tick()
    return world
