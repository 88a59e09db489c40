"""Finding the feed of a site, over a real server."""

from __future__ import annotations

import pytest

from digest.errors import PickupError
from tests.feed_server import FeedServer, answer
from tests.live.conftest import Open, item, rss

FEED = answer(rss(item(1)), content_type="application/rss+xml")


def page(*head: str, body: str = "") -> bytes:
    return answer(
        f"<!doctype html><html><head>{''.join(head)}</head><body>{body}</body></html>", content_type="text/html"
    )


def alternate(href: str, kind: str = "application/rss+xml", title: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" href="{href}" title="{title}">'


def test_an_address_that_is_a_feed(server: FeedServer, sources: Open) -> None:
    server.routes["/x"] = FEED
    found = sources().find(f"  {server.url('/x')} ")
    assert found.url == server.url("/x")
    assert [one.title for one in found.reading.articles] == ["Port of Shenzhen, day 1"]


def test_a_feed_that_moved_is_found_where_it_is(server: FeedServer, sources: Open) -> None:
    server.routes |= {"/old": answer(status="301 Moved", location="/x"), "/x": FEED}
    assert sources().find(server.url("/old")).url == server.url("/x")


def test_what_a_page_declares_goes_first_and_comments_last(server: FeedServer, sources: Open) -> None:
    server.routes |= {
        "/": page(
            '<base href="/blog/">',
            alternate("comments.xml", title="Comments on everything"),
            alternate("/style.css", "text/css"),
            alternate("http://[", "application/atom+xml"),
            alternate("javascript:alert(1)"),
            alternate("posts.xml#top"),
            alternate("posts.json", "application/feed+json"),
        ),
        "/blog/posts.xml": FEED,
        "/blog/comments.xml": FEED,
        "/feed": FEED,
    }
    found = sources().find(server.url("/"))
    assert found.url == server.url("/blog/posts.xml")
    assert found.others == (server.url("/blog/posts.json"), server.url("/blog/comments.xml"))


def test_links_that_look_like_feeds_and_then_the_usual_places(server: FeedServer, sources: Open) -> None:
    server.routes |= {
        "/linked": page(body='<a href="/about">About</a><a href="/news.rss.xml">x</a><a href="/abo">RSS</a>'),
        "/abo": FEED,
        "/bare": page(body="<p>nothing</p>"),
        "/feed.xml": FEED,
    }
    assert sources().find(server.url("/linked")).url == server.url("/abo")
    assert sources().find(server.url("/bare")).url == server.url("/feed.xml")


def test_json_feeds_are_found_too(server: FeedServer, sources: Open) -> None:
    document = '{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", "title": "One"}]}'
    server.routes |= {"/": page(alternate("/j", "application/feed+json")), "/j": answer(document)}
    assert sources().find(server.url("/")).url == server.url("/j")


@pytest.mark.parametrize(
    ("route", "what"),
    [
        (page(body="nothing"), "no feed found; tried"),
        (answer(b"\x00\x01" * 500), "no feed found"),
        (answer(b"<" * 300_000, content_type="text/html"), "no feed found"),
        (answer(status="410 Gone"), "gone for good"),
        (answer(status="500 Oh"), "answers 500"),
    ],
)
def test_nothing_behind_an_address(route: bytes, what: str, server: FeedServer, sources: Open) -> None:
    server.routes["/"] = route
    with pytest.raises(PickupError, match=what):
        sources().find(server.url("/"))


def test_a_page_never_leads_inside(server: FeedServer, sources: Open) -> None:
    server.routes["/"] = page(alternate("http://127.0.0.1:1/feed"), alternate("http://169.254.169.254/latest"))
    with pytest.raises(PickupError, match="no feed found"):
        sources().find(server.url("/"))


@pytest.mark.parametrize(
    "text", ["ftp://a.example", "http://", "", "feed://localhost/x", "feed:https://localhost/x", "localhost"]
)
def test_addresses_that_people_paste(text: str, sources: Open) -> None:
    with pytest.raises(PickupError):
        sources().find(text)
