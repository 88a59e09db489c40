"""The desk of a large publication: 1 million subscribers, 100 thousand articles; how long one page takes.

    python -m benchmarks.console [--subscribers N] [--articles N] [--published N] [--times N] [--fresh] [--public] [--json]

The store is filled with rows as the program writes them and kept below var/ for the next run (--fresh makes it anew). Each
page is asked for over loopback from the server that `digest run` has, signed in, one request at a time, with other
addresses each time. `--public` asks the public pages of benchmarks/pages.py of the same store besides.
"""

# ruff: noqa: SLF001 - it fills tables behind the back of the store
from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import sqlalchemy as sa

from benchmarks import pages
from digest.app import App, now
from digest.model import Actor, EditionState, OperatorRole, Preferences, Via
from digest.store import Judged
from digest.store.articles import _ARTICLE, _JUDGEMENT
from digest.store.schema import (
    articles,
    campaigns,
    cards,
    cards_due,
    judgements,
)
from digest.store.subscribers import PREFERENCES
from tests.serving import serving

GOAL_MEDIAN, GOAL_99 = 50.0, 200.0  # ms, ../shared/goals.md
OPERATOR, PASSWORD = "ada@desk.example", "a sentence that nobody guesses"
NAMES = ("ada", "bob", "chen", "dana", "eli", "fang", "gita", "hugo", "ines", "jun")


def fill(app: App, readers: int, stories: int, published: int) -> None:
    """Everything, in bulk."""
    for what, do in (
        ("readers", lambda: fill_readers(app, readers)),
        ("editions", lambda: pages.fill_stories(app, published)),
        ("articles", lambda: fill_articles(app, stories)),
        ("campaign", lambda: fill_campaign(app, readers)),
        ("growth", app.store.growth.count),
    ):
        began = time.perf_counter()
        do()
        print(f"  {what:<10}{time.perf_counter() - began:>6.0f} s", flush=True)


# Rows are made by the database itself: a million of them in seconds.
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
_NAME = "(substr('ada bob chendanaeli fanggitahugoinesjun ', (i % 10) * 4 + 1, 4))"
_KEY = f"trim({_NAME}) || i || '@host' || (i % 997) || '.example.net'"
_WHEN = "strftime('%Y-%m-%d %H:%M:%f000', :now, '-' || ((:count - i) * 700 * 1440 / :count) || ' minutes')"
_STATE = "CASE i % 20 WHEN 17 THEN 'paused' WHEN 18 THEN 'pending' WHEN 19 THEN 'ended' ELSE 'active' END"


def run(app: App, statement: str, **values: object) -> None:
    with app.store._database.transaction() as connection:
        connection.execute(sa.text(statement), {"now": _text(now()), **values})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def address(number: int) -> str:
    return f"{NAMES[number % 10]}{number}@host{number % 997}.example.net"


def fill_readers(app: App, count: int) -> None:
    chosen = PREFERENCES.dump(Preferences())
    domain = "'host' || (i % 997) || '.example.net'"
    run(
        app,
        f"INSERT INTO subscribers (id, key, address, created, domain) {_NUMBERS}"
        f"SELECT i, {_KEY}, {_KEY}, {_WHEN}, {domain} FROM n",
        count=count,
    )
    run(
        app,
        f"INSERT INTO subscriptions (id, subscriber, digest, state, preferences, created, changed) {_NUMBERS}"
        f"SELECT i, i, 'weekly', {_STATE}, :chosen, {_WHEN}, {_WHEN} FROM n",
        count=count,
        chosen=chosen,
    )
    run(
        app,
        f"INSERT INTO consents (subscription, given, at, basis) {_NUMBERS}"
        f"SELECT i, 1, {_WHEN}, 'double opt-in' FROM n UNION ALL "
        f"SELECT i, 0, {_WHEN}, 'withdrawn' FROM n WHERE i % 20 = 19",
        count=count,
    )
    run(
        app,
        f"INSERT INTO suppressions (key, cause, evidence, at) {_NUMBERS}"
        f"SELECT 'gone' || {_KEY}, 'refused', '550 no such user', {_WHEN} FROM n WHERE i % 50 = 0",
        count=count,
    )
    assert app.store.subscribers.of(address(count // 2))


def fill_articles(app: App, count: int) -> None:
    """The articles of the editions, judged and carded."""
    zone = app.settings.zone
    first = datetime(2011, 1, 3, tzinfo=zone)
    sqlite = app.store._database.is_sqlite
    version = app.judge.version
    assert sqlite
    for place in range(0, count // pages.PER_EDITION, 50):
        found, judged, carded = [], [], []
        for day in range(place, min(place + 50, count // pages.PER_EDITION)):
            start = first + timedelta(days=day)
            for number in range(1, pages.PER_EDITION + 1):
                story = pages._item(day, number, start).story
                article, judgement = story.lead, story.judgement
                found.append(
                    {
                        "uid": article.uid,
                        "version": 1,
                        "newest": True,
                        "source": article.source,
                        "entry": article.id,
                        "content_hash": article.content_hash,
                        "dated": article.when,
                        "saved": start,
                        "payload": _ARTICLE.dump(article),
                    }
                )
                judged.append(
                    {
                        "article": article.uid,
                        "version": 1,
                        "classifier": version,
                        "at": start,
                        "payload": _JUDGEMENT.dump(judgement),
                    }
                )
                key = (int(article.when.timestamp()) << 20) + day * pages.PER_EDITION + number & ((1 << 62) - 1)
                carded.append(
                    app.store.cards._row(
                        Judged(article=article, judgement=judgement), key, set(), app.pipeline._regions_of
                    )
                )
        with app.store._database.transaction() as connection:
            connection.execute(sa.insert(articles), found)
            connection.execute(sa.insert(judgements), judged)
            connection.execute(sa.insert(cards), carded)
            connection.execute(sa.delete(cards_due))


def fill_campaign(app: App, count: int) -> None:
    """A campaign of the newest edition that everybody got."""
    newest = app.store.editions.list(limit=1)[0]
    at, chosen = now() - timedelta(days=3), PREFERENCES.dump(Preferences())
    with app.store._database.transaction() as connection:
        connection.execute(
            sa.insert(campaigns).values(id=1, edition=newest.id, revision=1, audience=count, started=at, key_id="")
        )
    run(
        app,
        "INSERT INTO deliveries (campaign, subscription, key, address, preferences, message_id, state, revision,"
        f" attempts, code, reply, claimed_at, finished_at) {_NUMBERS}"
        f"SELECT 1, i, {_KEY}, {_KEY}, :chosen, '<' || i || '@weekly.example.com>',"
        " CASE WHEN i % 500 = 0 THEN 'refused' ELSE 'accepted' END, 1, 1, 250, '250 2.0.0 queued', :at, :at FROM n",
        count=count,
        chosen=chosen,
        at=_text(at),
    )
    app.store.editions.move(newest.id, EditionState.SENDING, at)
    app.store.editions.move(newest.id, EditionState.SENT, at)


class Client:
    """A signed-in browser on one connection."""

    def __init__(self, base: str) -> None:
        self._connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=120)
        self._cookie = ""
        self._ask("GET", "/console/sign-in")
        _, headers = self._ask("POST", "/console/sign-in", urlencode({"address": OPERATOR, "password": PASSWORD}))
        self._cookie = headers["Set-Cookie"].partition(";")[0]

    def _ask(self, method: str, path: str, body: str = "") -> tuple[bytes, http.client.HTTPMessage]:
        headers = {"Cookie": self._cookie, "Sec-Fetch-Site": "same-origin"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in {200, 303}:
            raise RuntimeError(f"{path}: {answer.status} {content[:400]!r}")
        return content, answer.headers

    def get(self, path: str) -> bytes:
        return self._ask("GET", path)[0]


def measure(client: Client, make: Callable[[int], str], times: int) -> tuple[float, float, float]:
    """Median and 99th percentile in milliseconds; and the processor's, of server and client together, per page."""
    found, spent = [], 0.0
    for turn in range(-3, times):
        path = make(turn + 3)
        began, worked = time.perf_counter(), time.process_time()
        client.get(path)
        if turn >= 0:
            found.append((time.perf_counter() - began) * 1000)
            spent += time.process_time() - worked
    found.sort()
    return statistics.median(found), found[max(0, int(len(found) * 0.99) - 1)], spent * 1000 / times


def ask(app: App, readers: int, times: int) -> dict[str, tuple[float, float, float]]:
    """Page -> median, 99th percentile, processor time."""
    editions = [one.id for one in app.store.editions.list(limit=200)]
    uids = app.store.archive.newest(5_000)

    def deep(path: str, steps: int) -> list[str]:
        """Addresses of the pages that follow, as their links have them."""
        found = [path]
        for _ in range(steps):
            more = re.search(r'href="([^"]+)" rel="next"', client.get(found[-1]).decode())
            if more is None:
                break
            found.append(more[1].replace("&amp;", "&"))
        return found

    with serving(app) as base:
        client = Client(base)
        listed = deep("/console/articles", 20)
        persons = deep("/console/subscribers", 20)
        barred = deep("/console/subscribers/suppressions", 10)
        words, chinese = pages.WORDS, pages.CHINESE
        asked: dict[str, Callable[[int], str]] = {
            "today": lambda _: "/console",
            "articles": lambda turn: listed[turn % len(listed)],
            "articles, oldest first": lambda _: "/console/articles?sort=date",
            "articles, a common word": lambda turn: f"/console/articles?q={words[turn % len(words)]}",
            "articles, a rare word": lambda turn: f"/console/articles?q=number{turn * 97}",
            "articles, Chinese": lambda turn: f"/console/articles?q={quote(chinese[turn % len(chinese)])}",
            "articles, all filters": lambda turn: (
                f"/console/articles?q={words[turn % 20]}&theme=energy&region=CN-GD&source=wire&since=2012-0{turn % 9 + 1}-01"
            ),
            "articles, a mark": lambda _: "/console/articles?mark=held",
            "article": lambda turn: f"/console/articles/{uids[(turn * 17) % len(uids)]}",
            "filing rules": lambda _: "/console/articles/rules",
            "subscribers": lambda turn: persons[turn % len(persons)],
            "subscribers, a beginning": lambda turn: f"/console/subscribers?q={NAMES[turn % 10]}{turn * 31}",
            "subscribers, one letter": lambda turn: f"/console/subscribers?q={'abcdefghij'[turn % 10]}",
            "subscribers, a rare state": lambda turn: f"/console/subscribers?q={NAMES[turn % 10]}&state=pending",
            "subscribers, a domain": lambda turn: f"/console/subscribers?q=@host{turn % 997}.example.net",
            "subscribers, by state": lambda turn: f"/console/subscribers?state={('ended', 'paused')[turn % 2]}",
            "reader": lambda turn: f"/console/subscribers/{1 + (turn * 7919) % readers}",
            "suppressions": lambda turn: barred[turn % len(barred)],
            "growth": lambda _: "/console/subscribers/growth",
            "growth, the picture": lambda _: "/console/subscribers/growth.svg",
            "sources": lambda _: "/console/sources",
            "editions": lambda _: "/console/editions",
            "edition": lambda turn: f"/console/editions/{editions[(turn * 7) % len(editions)]}",
            "campaigns": lambda _: "/console/campaigns",
            "audit log": lambda _: "/console/audit",
        }
        found = {}
        for name, make in asked.items():
            found[name] = measure(client, make, times)
            print(f"  {name:<28}" + "".join(f"{figure:>8.1f}" for figure in found[name]), flush=True)
    return found


def opened(folder: Path, readers: int, stories: int, published: int, *, fresh: bool) -> App:
    """The store of these sizes, from the last run or made now."""
    done = folder / "filled"
    if fresh and folder.exists():
        shutil.rmtree(folder)
    if not done.exists():
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / "digest.toml").write_text(pages.SETTINGS, encoding="utf-8")
        with App.open(folder) as app:
            fill(app, readers, stories, published)
            one, _ = app.staff.add(OPERATOR, OperatorRole.ADMIN, by=Actor(name="benchmark", via=Via.CLI))
            app.staff.set_password(one.id, PASSWORD, by=Actor(name="benchmark", via=Via.CLI))
        done.write_text(datetime.now(UTC).isoformat(), encoding="utf-8")
    return App.open(folder)


def main() -> None:
    """Fill, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--published", type=int, default=20_000, help="articles of them that stand in editions")
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--public", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    folder = Path("var") / f"bench-console-{wanted.subscribers}-{wanted.articles}"
    with opened(folder, wanted.subscribers, wanted.articles, wanted.published, fresh=wanted.fresh) as app:
        rows = ask(app, wanted.subscribers, wanted.times)
        if wanted.public:
            public = pages.ask(app, wanted.subscribers, wanted.times)
            rows |= {f"public: {name}": (*value, 0.0) for name, value in public.items()}
    load = os.getloadavg()[0]
    print(f"load of the machine: {load:.1f} on {os.cpu_count()} processors")
    print(f"{'page':<34}{'median ms':>12}{'99th ms':>10}{'CPU ms':>10}")
    for name, (median, high, spent) in rows.items():
        over = "" if median <= GOAL_MEDIAN and high <= GOAL_99 else "  over"
        print(f"{name:<34}{median:>12.1f}{high:>10.1f}{spent:>10.1f}{over}")
    if wanted.json:
        sizes = {"subscribers": wanted.subscribers, "articles": wanted.articles, "published": wanted.published}
        goals = {"median": GOAL_MEDIAN, "p99": GOAL_99}
        print(json.dumps({"family": "console", **sizes, "load": load, "goals": goals, "pages": rows}))


if __name__ == "__main__":
    main()
