"""`digest sources` and `digest pickup URL`, as a user meets them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digest import cli
from tests.feed_server import FeedServer, answer
from tests.live.conftest import item, rss

SETTINGS = """
[publication]
title = "Weekly"
url = "https://weekly.example"
sender = "a@weekly.example"
postal_address = "x"

[fetch]
allow = ["127.0.0.1:{port}"]

[[digests]]
key = "weekly"
title = "Weekly"
[[digests.sections]]
key = "all"
elsewhere = true
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def digest(server: FeedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "digest.toml").write_text(SETTINGS.replace("{port}", str(server.port)))
    server.routes |= {
        "/": answer('<html><head><link rel=alternate type="application/rss+xml" href="/feed"></head></html>'),
        "/feed": answer(rss(item(1), item(2, pubDate=None), {"link": ""}), etag='"1"', content_type="text/xml"),
        "/article": answer("<html><body><h1>T</h1><p>" + "A long paragraph of text. " * 20 + "</p></body></html>"),
    }

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["-C", str(tmp_path), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_source_from_its_sites_address_to_its_articles(digest: Run, server: FeedServer) -> None:
    code, out, _ = digest("sources", "add", server.url("/"), "--dry-run")
    assert code == 0
    assert "Port of Shenzhen, day 1" in out
    assert "would be left out" in out
    assert digest("sources", "list")[1].endswith("None: `digest sources add URL` adds one.\n")
    code, out, _ = digest(
        "sources", "add", server.url("/"), "--yes", "--key", "port", "--rights", "full", "--language", "en"
    )
    assert (code, "kept as 'port'" in out) == (0, True)
    code, out, err = digest("pickup")
    assert out == "2 new, 0 edited, 0 unchanged; 2 judged\n"
    assert (code, "neither a title nor a text" in err) == (1, True)
    assert digest("pickup", "--all")[1] == "0 new, 0 edited, 2 unchanged; 0 judged\n"
    rows = [json.loads(line) for line in digest("sources", "list", "--json")[1].splitlines()]
    assert [(row["condition"], row["added"], row["source"]["rights"]) for row in rows] == [("ok", True, "full")]
    assert "port" in digest("sources", "list")[1]
    assert digest("sources", "remove", "port")[0] == 0


def test_nothing_is_kept_unless_somebody_says_so(
    digest: Run, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = digest("sources", "add", server.url("/"))
    assert (code, "add --yes" in err) == (1, True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda _: False)
    assert "nothing was kept" in digest("sources", "add", server.url("/"))[1]
    monkeypatch.setattr("typer.confirm", lambda _: True)
    assert "kept as 'harbour-news'" in digest("sources", "add", server.url("/"))[1]


def test_further_feeds_of_a_page_are_named(digest: Run, server: FeedServer) -> None:
    link = '<link rel=alternate type="application/rss+xml" href="{}">'
    server.routes["/"] = answer(f"<html><head>{link.format('/feed')}{link.format('/second')}</head></html>")
    code, out, _ = digest("sources", "add", server.url("/"), "--dry-run")
    assert (code, f"the page names further feeds: {server.url('/second')}" in out) == (0, True)


def test_a_pipe_given_as_a_file_is_refused_and_not_waited_for(digest: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    code, _, err = digest("pickup", "--dry-run", str(tmp_path / "pipe.txt"))
    assert code == 1
    assert "pipe.txt: a pipe, not a file" in err
    assert "standard input: -" in err


def test_check_shows_what_a_source_answers(digest: Run, server: FeedServer) -> None:
    digest("sources", "add", server.url("/"), "--yes")
    code, out, _ = digest("sources", "check")
    assert code == 0
    assert 'ETag:          "1"' in out
    assert "no date" in out
    server.routes["/other"] = answer(rss(item(1)), last_modified="x", cache_control="max-age=60")
    server.routes["/feed"] = answer(status="301 Moved", location="/other")
    _, out, _ = digest("sources", "check", "harbour-news")
    assert f"moved to:      {server.url('/other')}" in out
    assert "none: each poll fetches all of it" in out
    shown = json.loads(digest("sources", "check", "--json")[1])
    assert shown["result"]["outcome"] == "Fetched"
    assert "body" not in shown["result"]
    for status, what in (("410 Gone", "gone for good"), ("500 Oh", "answers 500")):
        server.routes["/feed"] = answer(status=status)
        code, _, err = digest("sources", "check", "harbour-news")
        assert (code, what in err) == (1, True)
    server.routes["/feed"] = answer("junk")
    code, out, err = digest("sources", "check", "--json")
    assert (code, "error" in json.loads(out)["result"]) == (1, True)
    assert digest("sources", "check")[0] == 1


def test_accept_and_lists(digest: Run, server: FeedServer, tmp_path: Path) -> None:
    outlines = f'<outline text="A" xmlUrl="{server.url("/feed")}"/><outline text="B"/>'
    (tmp_path / "list.opml").write_text(f"<opml><body>{outlines}</body></opml>")
    code, out, err = digest("sources", "import", str(tmp_path / "list.opml"))
    assert (code, out.splitlines()[-1]) == (1, "1 kept, 1 not")
    assert "list.opml:1: B: names no feed" in err
    rows = digest("sources", "import", str(tmp_path / "list.opml"), "--json", "--dry-run")[1].splitlines()
    assert len([json.loads(row) for row in rows]) == 2
    assert "is asked again" in digest("sources", "accept", "a")[1]
    assert digest("sources", "accept", "b")[0] == 1
    code, _, err = digest("sources", "import", str(tmp_path / "none.opml"))
    assert (code, "No such file" in err) == (1, True)
    (tmp_path / "empty.opml").write_text("<opml><body/></opml>")
    assert digest("sources", "import", str(tmp_path / "empty.opml")) == (0, "0 kept, 0 not\n", "")


def test_pickup_reads_files_and_addresses_alike_and_keeps_nothing(
    digest: Run, server: FeedServer, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("# Title\n\nSome text of an article.\n")
    documents = [
        server.url("/feed"),
        str(tmp_path / "a.md"),
        server.url("/article"),
        "http://10.0.0.1/",
        "nul\0",
        "gone.txt",
    ]
    code, out, err = digest("pickup", "--dry-run", "--json", *documents, server.url("/nowhere"))
    assert code == 1
    titles = [json.loads(line)["title"] for line in out.splitlines()]
    assert titles[:3] == ["Port of Shenzhen, day 1", "Port of Shenzhen, day 2", "Title"]
    assert len(titles) == 4
    for what in ("10.0.0.1", "gone.txt", "null", "404", "neither a title"):
        assert what in err
    server.routes["/gone"] = answer(status="410 Gone")
    assert "gone for good" in digest("pickup", server.url("/gone"))[2]
    digest("sources", "add", server.url("/"), "--yes")
    _, out, _ = digest("pickup", "--dry-run")
    assert "Port of Shenzhen, day 2" in out
    assert digest("sources", "list", "--json")[1].count('"condition": "new"') == 1


def test_settings_are_checked(digest: Run, tmp_path: Path) -> None:
    settings = (tmp_path / "digest.toml").read_text()
    (tmp_path / "digest.toml").write_text(
        settings.replace('"127.0.0.1:', '"no good", "127.0.0.1:')
        + '[[sources]]\nkey = "a"\nkind = "feed"\nlocation = "http://10.0.0.1/feed"\nfull_text = true\n'
        + '[[sources]]\nkey = "b"\nkind = "folder"\nlocation = "in"\nfull_text = true\n'
    )
    code, _, err = digest("sources", "list")
    assert code == 2
    for what in ("fetch.allow: 'no good'", "full_text without rights", "full_text is for feeds"):
        assert what in err
    (tmp_path / "digest.toml").write_text(
        settings + '[[sources]]\nkey = "a"\nkind = "feed"\nlocation = "http://10.0.0.1/feed"\n'
    )
    code, _, err = digest("sources", "list")
    assert (code, "not the public internet" in err) == (2, True)


def test_certificates_must_be_there(digest: Run, server: FeedServer, tmp_path: Path) -> None:
    path = tmp_path / "digest.toml"
    path.write_text(path.read_text().replace("[fetch]", '[fetch]\ncertificates = "ca.pem"'))
    code, _, err = digest("pickup", server.url("/feed"))
    assert (code, "ca.pem: no such file" in err) == (2, True)


def test_the_list_of_exceptions_may_come_from_the_environment(
    digest: Run, server: FeedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "digest.toml"
    path.write_text(path.read_text().replace("allow", "#allow"))
    assert digest("pickup", server.url("/feed"))[0] == 1
    monkeypatch.setenv("DIGEST_FETCH_ALLOW", f"news.intranet, 127.0.0.1:{server.port}")
    assert "Port of Shenzhen" in digest("pickup", server.url("/feed"))[1]
