"""Pages of a large publication: 1 million subscribers, 100 thousand stories; how long one page takes.

    python -m benchmarks.pages [--subscribers N] [--stories N] [--json]

The store is filled with rows as the program writes them (subscribers by SQL, editions through the store), then each page
is asked for over loopback from the server that `digest web` runs, one request at a time, with other addresses each time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from digest.app import App
from digest.model import (
    Article,
    Edition,
    EditionState,
    Item,
    Judgement,
    Period,
    Preferences,
    RegionTag,
    Role,
    Section,
    Story,
    ThemeGroup,
    ThemeTag,
)
from digest.store.schema import consents, subscribers, subscriptions
from digest.store.subscribers import PREFERENCES
from tests.serving import serving

GOAL_MEDIAN, GOAL_99 = 50.0, 200.0  # ms, ../shared/goals.md
PER_EDITION = 40
SETTINGS = """
[publication]
title = "Large Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road, Example City"
time_zone = "Asia/Shanghai"
[delivery]
site_file = "var/site.json"
[[digests]]
key = "weekly"
title = "Large Report"
[[digests.sections]]
key = "guangdong"
region = "CN-GD"
[[digests.sections]]
key = "elsewhere"
elsewhere = true
"""
WORDS = [
    "port",
    "ship",
    "trade",
    "energy",
    "water",
    "steel",
    "chip",
    "court",
    "school",
    "bank",
    "tax",
    "rail",
    "farm",
    "fair",
    "deal",
    "plan",
    "leak",
    "grid",
    "toll",
    "yard",
]
CHINESE = ["广东", "以色列", "港口", "贸易", "能源", "创新", "企业", "合作", "东莞", "投资"]


def fill_subscribers(app: App, count: int) -> None:
    """Rows as a sign-up leaves them, in bulk."""
    at = datetime(2018, 1, 1, tzinfo=UTC)
    chosen = PREFERENCES.dump(Preferences(regions=("CN-GD",)))
    with app.store._database.transaction() as connection:  # noqa: SLF001 - a million rows, past the one-by-one ways
        for start in range(1, count + 1, 50_000):
            numbers = range(start, min(start + 50_000, count + 1))
            address = [f"reader{n}@example.net" for n in numbers]
            connection.execute(
                sa.insert(subscribers),
                [{"id": n, "key": one, "address": one, "created": at} for n, one in zip(numbers, address, strict=True)],
            )
            connection.execute(
                sa.insert(subscriptions),
                [
                    {
                        "id": n,
                        "subscriber": n,
                        "digest": "weekly",
                        "state": "active",
                        "preferences": chosen,
                        "created": at,
                        "changed": at,
                    }
                    for n in numbers
                ],
            )
            connection.execute(
                sa.insert(consents),
                [{"subscription": n, "given": True, "at": at, "basis": "double opt-in"} for n in numbers],
            )


def fill_stories(app: App, count: int) -> None:
    """Editions of a daily digest, forty stories each, the last of which is the newest."""
    editions = count // PER_EDITION
    zone = app.settings.zone
    first = datetime(2011, 1, 3, tzinfo=zone)
    materials = app.renderer.materials("weekly-report")
    with app.store.transaction():
        for place in range(editions):
            start = first + timedelta(days=place)
            period = Period.day(start.date().isoformat(), zone)
            items = tuple(_item(place, number, start) for number in range(1, PER_EDITION + 1))
            edition = Edition(
                id=f"weekly-{period.key}",
                digest="weekly",
                title="Large Report",
                period=period,
                number=place + 1,
                sections=(
                    Section(
                        key="guangdong", names={"en": "Guangdong"}, groups=(ThemeGroup(theme="trade", items=items),)
                    ),
                ),
                top=tuple(item.story.key for item in items[:3]),
            )
            revision = app.store.editions.prepare(edition, materials, start).revision
            app.store.editions.approve(edition.id, revision.hash, "benchmark", start)
        app.store.archive.sync(
            app.store.editions.approvals([EditionState.APPROVED]), lambda code: (code, *app.places.parents(code))
        )


def _item(place: int, number: int, start: datetime) -> Item:
    seed = place * PER_EDITION + number
    words = [WORDS[(seed * step) % len(WORDS)] for step in (1, 3, 7)]
    chinese = CHINESE[seed % len(CHINESE)]
    article = Article(
        source="wire",
        id=str(seed),
        title=f"{words[0]} {words[1]} in Guangzhou number{seed} {chinese}",
        paragraphs=tuple(f"The {word} of Guangzhou said so on day {seed}. " * 6 for word in words),
        language="en",
        origin=f"wire/{seed}",
        first_seen=start,
        published=start + timedelta(minutes=number),
        publisher=f"Wire {seed % 9}",
        url=f"https://wire.example.org/{seed}",
    )
    judgement = Judgement(
        article=article.uid,
        regions=(RegionTag(region="CN-GD", role=Role.PRIMARY, score=0.9),),
        themes=(ThemeTag(theme="trade" if seed % 2 else "energy", score=0.8),),
        summary=(f"The {words[2]} of Guangzhou said so on day {seed}.",),
    )
    return Item(
        number=number, story=Story(key=article.uid, lead=article, judgement=judgement), theme="trade", score=0.5
    )


def measure(base: str, make: Callable[[int], str], times: int) -> list[float]:
    """Milliseconds of each request, on one connection."""
    host = base.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    found = []
    for turn in range(times):
        path = make(turn)
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (path, answer.status)
    connection.close()
    return found


def main() -> None:
    """Fill, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--stories", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="digest-pages-") as folder:
        (Path(folder) / "digest.toml").write_text(SETTINGS, encoding="utf-8")
        with App.open(Path(folder)) as app:
            began = time.perf_counter()
            fill_subscribers(app, wanted.subscribers)
            fill_stories(app, wanted.stories)
            print(f"filled in {time.perf_counter() - began:.0f} s")
            rows = ask(app, wanted.subscribers, wanted.times)
    print(f"{'page':<24}{'median ms':>12}{'99th ms':>10}")
    for name, (median, high) in rows.items():
        print(f"{name:<24}{median:>12.1f}{high:>10.1f}{'' if median <= GOAL_MEDIAN and high <= GOAL_99 else '  over'}")
    if wanted.json:
        print(
            json.dumps({"family": "pages", "subscribers": wanted.subscribers, "stories": wanted.stories, "pages": rows})
        )


def ask(app: App, readers: int, times: int) -> dict[str, tuple[float, float]]:
    """Page -> median and 99th percentile."""
    editions = [one.id for one in app.store.editions.list()]
    stories = app.store.archive.newest(5_000)
    links = app.links

    shown = [editions[(turn * 13) % len(editions)] for turn in range(20)]
    for edition in shown:  # what publishing writes, for those that are asked for
        place = app.settings.state / "editions" / f"{edition}.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(app.pipeline.preview(app.store.editions.approved(edition))[0], encoding="utf-8")

    def path(url: str) -> str:
        return url.removeprefix(app.settings.publication.url)

    pages: dict[str, Callable[[int], str]] = {
        "home": lambda _turn: "/",
        "archive": lambda _turn: "/editions/",
        "archive, an old page": lambda turn: f"/editions/?before={editions[(turn * 7) % len(editions) // 2]}",
        "edition": lambda turn: f"/editions/{shown[turn % len(shown)]}.html",
        "story": lambda turn: f"/stories/{stories[(turn * 17) % len(stories)]}",
        "region": lambda turn: f"/regions/CN-GD?before={(1 << 61) - turn}",
        "search, a common word": lambda turn: f"/search?q={WORDS[turn % len(WORDS)]}",
        "search, a rare word": lambda turn: f"/search?q=number{turn * 97}",
        "search, two and a theme": lambda turn: f"/search?q={WORDS[turn % 20]}+{WORDS[(turn * 3) % 20]}&theme=energy",
        "search, Chinese": lambda turn: f"/search?q={_quoted(CHINESE[turn % len(CHINESE)])}&before={(1 << 61) - turn}",
        "subscribe": lambda _turn: "/subscribe",
        "preferences": lambda turn: path(links.preferences(1 + (turn * 7919) % readers)),
        "unsubscribe": lambda turn: path(links.unsubscribe(1 + (turn * 7919) % readers)),
        "my data": lambda turn: path(links.preferences(1 + (turn * 7919) % readers)) + "/data",
    }
    found = {}
    with serving(app) as base:
        for name, make in pages.items():
            measure(base, make, 3)
            taken = sorted(measure(base, make, times))
            found[name] = (statistics.median(taken), taken[max(0, int(len(taken) * 0.99) - 1)])
    return found


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


if __name__ == "__main__":
    main()
