"""The press: what is published, archived, withdrawn, mirrored and told to a hub; with a real store, files and server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import feedparser
import pytest
from lxml import etree
from starlette.types import Receive, Scope, Send

from digest.app import App, now
from digest.deliver import Halt, Halted
from digest.errors import ConfigError
from digest.model import Preferences, Rights
from digest.publishing import Pinged
from tests.publish.rules import ATOM, check_json
from tests.publish.validator import AT, FH, complaints
from tests.publish.world import Served, World, served, tale, world


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with world(tmp_path_factory.mktemp("lender")) as made:
        yield made.app


@pytest.fixture
def here(lender: App, tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "here", like=lender) as made:
        yield made


def links(document: bytes) -> dict[str, str]:
    root = etree.fromstring(document)
    top = root if root.tag == f"{ATOM}feed" else root[0]
    return {f"{link.get('rel')}": f"{link.get('href')}" for link in top.findall(f"{ATOM}link")}


def titles(document: bytes) -> list[str]:
    return [entry.title for entry in feedparser.parse(document).entries]


def walk(here: World, folder: str = "feeds", name: str = "atom.xml") -> Iterator[bytes]:
    """A feed's documents, the newest first, by their own links."""
    document = here.file(f"{folder}/{name}")
    while True:
        yield document
        older = links(document).get("prev-archive")
        if older is None:
            return
        document = here.file(older.removeprefix("https://news.example/"))


def sound(here: World) -> None:
    """Every document that is published is valid."""
    for path, (content, _) in here.files().items():
        name, url = path.rpartition("/")[2], f"https://news.example/{path}"
        if name in {"atom.xml", "rss.xml"}:
            assert complaints(content, url) == [], url
        elif name == "feed.json":
            check_json(content, url, len(json.loads(content)["items"]))


def test_a_feed_has_archives_that_do_not_change(here: World) -> None:
    here.carry("2018-W29", *(tale(f"a{number}", number) for number in range(4)))
    first = here.app.press.publish()
    assert "feeds/atom.xml" in first.changed
    assert "feeds/regions/CN-GD/index.html" in first.changed
    assert here.app.press.publish().changed == ()
    assert etree.fromstring(here.file("feeds/atom.xml")).find(f"{FH}complete") is not None
    here.carry("2018-W30", *(tale(f"b{number}", number) for number in range(6)))
    here.app.press.publish()
    pages = list(walk(here))
    assert [titles(page) for page in pages] == [
        ["About b0", "About b1", "About b2", "About b3"],
        ["About b4", "About b5", "About a0"],
        ["About a1", "About a2", "About a3"],
    ]
    assert links(pages[0])["prev-archive"] == "https://news.example/feeds/archive/2/atom.xml"
    assert links(pages[1])["current"] == "https://news.example/feeds/atom.xml"
    assert [titles(page) for page in walk(here, name="rss.xml")] == [titles(page) for page in pages]
    assert json.loads(here.file("feeds/feed.json"))["next_url"] == "https://news.example/feeds/archive/2/feed.json"
    kept = {path: found for path, found in here.files().items() if "/archive/" in path}
    here.carry("2018-W31", *(tale(f"c{number}", number) for number in range(6)))
    here.app.press.publish()
    after = here.files()
    assert {path: after[path] for path in kept} == kept  # bytes and times
    sound(here)


def test_a_correction_is_told_again_and_no_archive_is_touched(here: World) -> None:
    old = [tale(f"a{number}", number) for number in range(4)]
    here.carry("2018-W29", *old)
    here.carry("2018-W30", *(tale(f"b{number}", number) for number in range(4)))
    here.app.press.publish()
    before = here.files()
    better = replace(old[3], lead=replace(old[3].lead, title="About a3, corrected"))
    here.correct("2018-W29", *old[:3], better)
    published = here.app.press.publish()
    after = here.files()
    assert titles(here.file("feeds/atom.xml"))[0] == "About a3, corrected"
    assert {path for path in after if "/archive/" in path and before.get(path) != after[path]} == set()
    found = [feedparser.parse(page).entries for page in walk(here)]
    told = [(entry.title, entry.published, entry.updated) for page in found for entry in page if "a3" in entry.title]
    assert [title for title, _, _ in told] == ["About a3, corrected", "About a3"]
    assert told[0][1] == told[1][1]
    assert told[0][2] > told[1][2]
    untouched = {path for path in after if before.get(path, (b"", 0))[1] == after[path][1]}
    assert untouched == set(after) - set(published.changed)
    sound(here)


def test_what_is_withdrawn_leaves_a_tombstone_and_no_word(here: World) -> None:
    here.carry("2018-W29", *(tale(f"a{number}", number) for number in range(5)))
    here.carry("2018-W30", *(tale(f"b{number}", number) for number in range(4)))
    here.app.press.publish()
    assert any(b"About a4" in page for page in list(walk(here))[1:])
    here.correct("2018-W29", *(tale(f"a{number}", number) for number in range(4)))
    here.cancel("2018-W30")
    here.app.press.publish()
    gone = tale("a4").key
    for path, (content, _) in here.files().items():
        assert b"About a4" not in content, path
        assert b"About b" not in content, path
    stones = [stone.get("ref") for page in walk(here) for stone in etree.fromstring(page).iter(f"{AT}deleted-entry")]
    assert f"tag:news.example,2026:stories/{gone}" in stones
    assert len(set(stones)) == 5
    (left,) = feedparser.parse(here.file("feeds/editions/atom.xml")).entries
    assert "W29" in left.title
    sound(here)
    here.carry("2018-W31", tale("b0"))  # another edition brings one of them back
    here.app.press.publish()
    assert "About b0" in titles(here.file("feeds/atom.xml"))
    sound(here)


def test_another_process_goes_on_where_this_one_stopped(here: World) -> None:
    here.carry("2018-W29", *(tale(f"a{number}", number) for number in range(4)))
    here.carry("2018-W30", *(tale(f"b{number}", number) for number in range(4)))
    here.app.press.publish()
    before = here.files()
    again = here.again()
    assert again.app.press.publish().changed == ()
    lost = again.app.settings.state / "feeds/archive/1/rss.xml"
    lost.unlink()
    assert again.app.press.publish().changed == ("feeds/archive/1/rss.xml",)
    assert {path: content for path, (content, _) in again.files().items()} == {
        path: content for path, (content, _) in before.items()
    }
    again.app.__exit__(None, None, None)


def test_a_folder_for_a_cdn_holds_the_same_files(here: World, tmp_path: Path) -> None:
    target = tmp_path / "cdn"
    here.carry("2018-W29", tale("a"), section="china-israel")
    first = here.app.press.mirror(target)
    assert first.files == len(here.files()) == len(first.changed)
    for path, (content, written) in here.files().items():
        assert (target / path).read_bytes() == content
        assert (target / path).stat().st_mtime_ns == written
    (target / "feeds" / "theirs.txt").write_text("not ours")
    assert here.app.press.mirror(target).changed == ()
    here.carry("2018-W30", tale("b"))
    assert set(here.app.press.mirror(target).changed) < set(first.changed)
    text = (here.folder / "digest.toml").read_text(encoding="utf-8")
    (here.folder / "digest.toml").write_text(text.replace('key = "china-israel"\npair = ["CN", "IL"]', 'key = "japan"\nregion = "JP"'))  # fmt: skip
    again = here.again()
    done = again.app.press.mirror(target)
    assert "feeds/sections/weekly/china-israel/atom.xml" in done.removed
    assert not (target / "feeds/sections").exists()
    assert not (here.app.settings.state / "feeds/sections").exists()
    assert (target / "feeds" / "theirs.txt").exists()
    (target / "feeds/.written.json").write_text('["feeds/../../x", 7, "y", "feeds/theirs.txt"]')
    assert again.app.press.mirror(target).removed == ("feeds/theirs.txt",)
    (target / "feeds/.written.json").write_text("{")
    assert again.app.press.mirror(target).removed == ()
    again.app.__exit__(None, None, None)


def test_a_folder_that_cannot_be_written(here: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="name a folder"):
        here.app.press.mirror(tmp_path / "file" / "below")


def test_rights_and_language_of_every_feed(lender: App, tmp_path: Path) -> None:
    with world(tmp_path / "zh", language="zh-Hans", like=lender) as here:
        here.carry("2018-W29", tale("a", rights=Rights.HEADLINE))
        here.app.press.publish()
        page = here.file("feeds/regions/CN-GD/index.html").decode()
        assert "Our Weekly – 广东" in page
        assert "订阅源" in page
        assert "First we wrote" not in page
        root = here.file("feeds/index.html").decode()
        assert 'href="regions/CN-GD/"' in root
        assert 'href="../' not in root
        assert '<link rel="stylesheet" href="../../style.css">' in page
        sound(here)


def test_another_address_begins_anew(here: World) -> None:
    here.carry("2018-W29", tale("a"))
    here.app.press.publish()
    text = (here.folder / "digest.toml").read_text(encoding="utf-8")
    (here.folder / "digest.toml").write_text(text.replace("https://news.example", "https://other.example/news"))
    again = here.again()
    again.app.__dict__.pop("renderer")
    again.app.press.publish()
    (entry,) = feedparser.parse(again.file("feeds/atom.xml")).entries
    assert entry.id == f"tag:other.example,2026:news/stories/{tale('a').key}"
    again.app.__exit__(None, None, None)


def test_a_readers_own_feed(here: World) -> None:
    israel = replace(tale("plain"), judgement=replace(tale("plain").judgement, regions=()))
    here.carry("2018-W29", tale("a"), israel)
    here.carry("2018-W30", tale("b"))
    here.app.press.publish()
    address = "https://news.example/feeds/own/token.xml"
    document, updated = here.app.press.own_feed("weekly", Preferences(regions=("IL",)), address)
    assert titles(document) == ["About b", "About a"]
    assert links(document)["self"] == address
    assert here.app.press.own_feed("weekly", Preferences(regions=("IL",)), address) == (document, updated)
    public = {entry.id: entry.updated for entry in feedparser.parse(here.file("feeds/atom.xml")).entries}
    for entry in feedparser.parse(document).entries:
        assert public[entry.id] == entry.updated
    none, _ = here.app.press.own_feed("weekly", Preferences(themes=("culture",)), address)
    assert titles(none) == []
    assert feedparser.parse(none).feed.id == feedparser.parse(document).feed.id


def test_which_feeds_there_are(here: World) -> None:
    here.carry("2018-W29", *(tale(f"a{number}", number) for number in range(8)))
    here.app.press.publish()
    lines = {line.path: line for line in here.app.press.lines()}
    assert lines["feeds"].pages == 1
    assert (lines["feeds"].entries, lines["feeds"].address) == (5, "https://news.example/feeds/atom.xml")
    assert lines["feeds/editions"].updated is not None
    assert lines["feeds/themes/culture"].updated is None


class Hub:
    """A small WebSub hub: takes pings as PubSubHubbub 0.4 says, and fetches what changed from no one."""

    def __init__(self) -> None:
        self.status = 204
        self.told: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"].decode()
        form = parse_qs(body)
        assert (scope["method"], form["hub.mode"]) == ("POST", ["publish"])
        if self.status == 204:
            self.told += form["hub.url"]
        headers = [(b"location", b"http://127.0.0.1:1/")] if self.status == 307 else []
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def test_the_hub_is_told_of_what_changed_and_of_nothing_else(lender: App, tmp_path: Path) -> None:
    hub = Hub()

    def make(_: Served) -> Hub:
        return hub

    with served(tmp_path, make) as server, world(
        tmp_path / "here", hub=f"http://127.0.0.1:{server.port}/", like=lender
    ) as here:  # fmt: skip
        press, pings = here.app.press, here.app.store.feeds
        few = [f"https://news.example/feeds/{name}" for name in ("atom.xml", "rss.xml")]
        here.carry("2018-W29", tale("a"))
        press.publish()
        assert links(here.file("feeds/atom.xml"))["hub"] == f"http://127.0.0.1:{server.port}/"
        while asyncio.run(press.hub.ping()).told:
            pass
        documents = [path for path in here.files() if path.endswith(("/atom.xml", "/rss.xml", "/feed.json"))]
        assert sorted(hub.told) == sorted(f"https://news.example/{path}" for path in documents)
        press.publish()
        assert asyncio.run(press.hub.ping()) == Pinged()
        hub.told.clear()
        hub.status = 503
        pings.owe(few, here.at)
        assert asyncio.run(press.hub.ping()) == Pinged(failed=2)
        assert asyncio.run(press.hub.ping()) == Pinged()  # not due yet
        first = pings.pings()[0]
        assert (first.attempts, "503" in first.failed, first.told is not None) == (1, True, True)
        for status, why in ((307, "leads elsewhere"), (410, "410")):
            hub.status = status
            pings.owe(few, here.at)
            asyncio.run(press.hub.ping())
            assert why in pings.pings()[0].failed
        hub.status = 204
        press.owe_all()
        assert len(pings.owed(now(), 1000)) == len(documents)
        pings.owe(few, here.at)
        asyncio.run(press.hub.ping())
        assert set(few) < set(hub.told)


def test_a_ping_is_given_up_and_begins_anew_with_the_next_change(lender: App, tmp_path: Path) -> None:
    with world(tmp_path / "here", hub="http://127.0.0.1:9/", like=lender) as here:
        pings, topic = here.app.store.feeds, "https://news.example/feeds/atom.xml"
        pings.owe([topic], here.at)
        moment = here.at
        for attempt in range(1, 7):
            (ping,) = pings.owed(moment)
            assert ping.attempts == attempt - 1
            here.app.press.hub.__dict__["_clock"] = lambda moment=moment: moment
            assert asyncio.run(here.app.press.hub.ping()).failed == 1
            moment += timedelta(days=1)
        assert pings.owed(moment) == []
        assert pings.pings()[0].failed
        pings.owe([topic], moment)
        assert [ping.attempts for ping in pings.owed(moment)] == [0]
        pings.told(replace(pings.pings()[0], changed=here.at), moment)  # of a change before: that is not all
        assert len(pings.owed(moment)) == 1


def test_a_hub_that_is_away_is_asked_once(lender: App, tmp_path: Path) -> None:
    with world(tmp_path / "here", hub="http://127.0.0.1:9/", like=lender) as here:
        here.carry("2018-W29", tale("a"))
        here.app.press.publish()
        done = asyncio.run(here.app.press.hub.ping())
        assert done.failed > 3
        assert {ping.failed for ping in here.app.store.feeds.pings() if ping.attempts} != {""}


class Soon(Halt):
    """Is set when it has been looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    @property
    def asked(self) -> bool:
        """Whether it was set by now."""
        self.looks -= 1
        return self.looks < 0


def test_stopped_anywhere_the_next_call_publishes_the_rest(lender: App, tmp_path: Path) -> None:
    with world(tmp_path / "whole", like=lender) as here:
        for week in (29, 30):
            here.carry(f"2018-W{week}", *(tale(f"a{week}-{number}", number) for number in range(5)))
        here.app.press.publish()
        whole = {path: found[0] for path, found in here.files().items()}
    with world(tmp_path / "here", like=lender, hub="https://hub.example/") as here:
        for week in (29, 30):
            here.carry(f"2018-W{week}", *(tale(f"a{week}-{number}", number) for number in range(5)))
        looks = stops = 0
        while True:  # each time stopped a little later than the time before
            looks += 9
            try:
                last = here.app.press.publish(stop=Soon(looks))
                break
            except Halted:
                stops += 1
        assert stops > 20
        assert not here.app.press.moved()
        assert here.app.press.publish().changed == ()
        assert set(last.changed) < set(whole), "what was written before it was stopped was not written again"
        assert here.files().keys() == whole.keys()
        feeds = [path for path in whole if path.endswith((".xml", ".json")) and "/archive/" not in path]
        told = {ping.topic.removeprefix("https://news.example/") for ping in here.app.store.feeds.owed(now(), 1000)}
        assert told == {path for path in feeds if not path.endswith("index.opml")}, "the hub hears of all of them"


def test_asked_to_stop_it_waits_for_nobody(lender: App, tmp_path: Path) -> None:
    stop = Halt()
    stop.set()
    with world(tmp_path / "here", like=lender, hub="http://127.0.0.1:9/") as here:
        here.carry("2018-W29", tale("a"))
        with here.app.store.hold("feeds"), pytest.raises(Halted):
            here.app.press.publish(stop=stop)
        here.app.press.publish()
        with pytest.raises(Halted):
            asyncio.run(here.app.press.hub.ping(stop=stop))
        assert len(here.app.store.feeds.owed(now(), 1000)) > 3


def test_without_a_hub_nothing_is_owed(here: World) -> None:
    here.carry("2018-W29", tale("a"))
    here.app.press.publish()
    assert asyncio.run(here.app.press.hub.ping()).told == 0
    here.app.press.owe_all()
    assert here.app.store.feeds.pings() == []
    assert os.listdir(here.app.settings.state / "feeds")  # noqa: PTH208 - names only
