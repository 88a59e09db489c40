"""Feeds over HTTP, by the real server and real feed readers: what is known is not sent again, and nothing comes twice."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import brotli
import pytest
import reader

from digest.app import App
from tests.publish.validator import complaints
from tests.publish.world import Served, World, served, tale, world

HUB = "https://hub.example/"
BROWSER = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with world(tmp_path_factory.mktemp("lender")) as made:
        yield made.app


@pytest.fixture(scope="module")
def here(lender: App, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("feeds") / "here", like=lender) as made:
        made.carry("2018-W29", *(tale(f"a{number}", number) for number in range(6)))
        made.carry("2018-W30", *(tale(f"b{number}", number) for number in range(6)))
        made.app.press.publish()
        yield made


@pytest.fixture(scope="module")
def server(here: World) -> Iterator[Served]:
    with served(here.app.settings.state, hub=HUB) as running:
        yield running


def ask(
    server: Served, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, headers=dict(headers or {}))
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_each_encoding_has_its_bytes_and_its_tag(here: World, server: Served) -> None:
    plain = here.file("feeds/atom.xml")
    tags = set()
    for accepted, encoding in (
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0.1, gzip", "gzip"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("gzip;q=0, br;q=x", ""),
    ):
        status, headers, body = ask(server, "/feeds/atom.xml", {"Accept-Encoding": accepted})
        assert (status, headers.get("content-encoding", "")) == (200, encoding), accepted
        unpack = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[encoding]
        assert unpack(body) == plain
        assert headers["vary"] == "Accept-Encoding"
        assert int(headers["content-length"]) == len(body)
        tags.add(headers["etag"])
        for tag in (headers["etag"], f'"x", W/{headers["etag"]}', "*"):
            status, again, body = ask(server, "/feeds/atom.xml", {"Accept-Encoding": accepted, "If-None-Match": tag})
            assert (status, again["etag"], body) == (304, headers["etag"], b"")
    assert len(tags) == 3


def test_last_modified_serves_who_has_no_tag(server: Served) -> None:
    _, headers, _ = ask(server, "/feeds/rss.xml")
    for asked, status in (
        ({"If-Modified-Since": headers["last-modified"]}, 304),
        ({"If-Modified-Since": "Mon, 01 Jan 2018 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": headers["last-modified"], "If-None-Match": '"other"'}, 200),
    ):
        assert ask(server, "/feeds/rss.xml", asked)[0] == status, asked


def test_a_browser_is_sent_to_the_page_and_nobody_else(server: Served) -> None:
    status, headers, _ = ask(server, "/feeds/regions/CN-GD/atom.xml", BROWSER)
    assert (status, headers["location"], headers["cache-control"]) == (303, "/feeds/regions/CN-GD/", "no-store")
    status, headers, body = ask(server, "/feeds/regions/CN-GD/", BROWSER)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Our Weekly \xe2\x80\x93 Guangdong" in body
    assert b'href="atom.xml?raw"' in body
    assert headers["content-security-policy"].startswith("default-src 'none'")
    for asked in (
        {},
        {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"},
        {**BROWSER, "Sec-Fetch-Dest": "empty"},
        {**BROWSER, "Sec-Fetch-Mode": "cors"},
    ):
        status, headers, _ = ask(server, "/feeds/atom.xml", asked)
        assert (status, headers["content-type"]) == (200, "application/atom+xml; charset=utf-8"), asked
    assert ask(server, "/feeds/atom.xml?raw", BROWSER)[0] == 200
    assert ask(server, "/feeds/index.opml", BROWSER)[0] == 200
    status, headers, _ = ask(server, "/feeds")
    assert (status, headers["location"]) == (308, "/feeds/")
    assert b"All feeds" in ask(server, "/feeds/")[2]
    assert ask(server, "/feeds/style.css")[1]["content-type"] == "text/css; charset=utf-8"


def test_headers_name_the_hub_and_the_next_page(here: World, server: Served) -> None:
    base = f"http://127.0.0.1:{server.port}"
    _, headers, _ = ask(server, "/feeds/editions/feed.json")
    assert headers["link"] == f'<{base}/feeds/editions/feed.json>; rel="self", <{HUB}>; rel="hub"'
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    _, headers, _ = ask(server, "/feeds/archive/1/atom.xml")
    assert headers["link"] == f'<{base}/feeds/archive/2/atom.xml>; rel="next-archive"'
    assert headers["cache-control"] == "public, max-age=86400"
    last = max(int(path.name) for path in (here.app.settings.state / "feeds/archive").iterdir())
    assert "link" not in ask(server, f"/feeds/archive/{last}/atom.xml")[1]


def test_head_and_what_is_not_there(server: Served) -> None:
    status, headers, body = ask(server, "/feeds/atom.xml", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1000
    for path in (
        "/feeds/none/atom.xml",
        "/feeds/.written.json",
        "/feeds/../digest.sqlite3",
        "/feeds/archive/x/atom.xml",
        "/feeds/own/token.xml",
        "/other",
    ):
        assert ask(server, path)[0] == 404, path
    assert ask(server, "/feeds/atom.xml", method="POST")[0] == 404


def test_what_is_served_is_valid_where_it_stands(here: World, server: Served) -> None:
    for name in ("atom.xml", "rss.xml"):
        body = ask(server, f"/feeds/themes/trade/{name}")[2]
        assert complaints(body, f"https://news.example/feeds/themes/trade/{name}") == []
    assert json.loads(ask(server, "/feeds/feed.json")[2])["title"] == "Our Weekly"


def test_a_feed_reader_sees_each_story_once_for_years(lender: App, tmp_path: Path) -> None:
    """lemon24/reader: N entries, 304 at the second poll, one edit and one addition seen, nothing twice."""
    with world(tmp_path / "here", entries=50, like=lender) as here:
        stories = [tale(f"a{number}", number) for number in range(5)]
        here.carry("2018-W29", *stories)
        here.app.press.publish()
        with served(here.app.settings.state) as server, reader.make_reader(":memory:", feed_root="") as client:
            urls = [f"http://127.0.0.1:{server.port}/feeds/{name}" for name in ("atom.xml", "rss.xml", "feed.json")]
            for url in urls:
                client.add_feed(url)
            client.update_feeds(scheduled=False)
            assert [client.get_entry_counts(feed=url).total for url in urls] == [5, 5, 5]
            server.log.clear()
            client.update_feeds(scheduled=False)
            assert [status for _, status, _ in server.log] == [304] * 3
            better = tale("a3", 3, title="About a3, corrected")
            here.correct("2018-W29", *stories[:3], better, stories[4])
            here.carry("2018-W30", tale("b"))
            here.app.press.publish()
            done = {
                one.url: one.value
                for one in client.update_feeds_iter(scheduled=False)
                if not isinstance(one.value, Exception)
            }
            assert {(one.new, one.modified) for one in done.values() if one is not None} == {(1, 1)}
            for url in urls:
                seen = [entry.title or "" for entry in client.get_entries(feed=url)]
                assert sorted(seen) == [
                    "About a0",
                    "About a1",
                    "About a2",
                    "About a3, corrected",
                    "About a4",
                    "About b",
                ]
