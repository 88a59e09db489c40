"""GET, HEAD and OPTIONS of every route change nothing about anyone; nothing of the site speaks with other sites."""

from __future__ import annotations

import re
import warnings

import sqlalchemy as sa
from fastapi import FastAPI

from digest import subscriptions
from digest.app import now
from digest.store.schema import metadata
from digest.web.doors import GUARDED
from tests.web.conftest import EDITION, Here, link_in, tree

COUNTED = {"reads"}  # how often a story was read: a number per story and day, of nobody


def routes(here: Here) -> set[str]:
    """Every path that is open to the public, as it is written in its routes."""
    application = here.browser.application
    assert isinstance(application, FastAPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD share a function, and so a name
        found = set(application.openapi()["paths"])
    found = {path for path in found if not path.startswith(GUARDED)}  # these are walked in tests/console
    assert len(found) > 20
    return found


def everything(here: Here) -> dict[str, object]:
    with here.app.store._database.reading() as connection:
        return {
            name: connection.execute(sa.select(table)).all()
            for name, table in metadata.tables.items()
            if name not in COUNTED
        }


def everyone(here: Here) -> tuple[int, str]:
    """A reader, one who left, and one who was asked; the number of the first and the confirming link of the last."""
    number = here.reader()
    subscriptions.leave(here.app.store, here.reader("left@example.net"), now())
    here.app.store.people.open_feed(number, now())
    here.subscribe("pending@example.net")
    (mail,) = here.settle()
    return number, link_in(mail, "confirm")


def test_looking_changes_nothing(here: Here) -> None:
    number, confirm = everyone(here)
    links, store = here.app.links, here.app.store
    story = here.app.store.archive.newest(1)[0]
    preferences = links.preferences(number)
    visits = {
        "/": ["/", "/?lang=zh-Hans"],
        "/editions": ["/editions"],
        "/editions/": ["/editions/", "/editions/?before=x"],
        "/editions/{name}": [f"/editions/{EDITION}.html", f"/editions/{EDITION}.txt"],
        "/search": ["/search", "/search?q=port", "/search?region=CN-GD&theme=trade&before=99"],
        "/stories/{key}": [f"/stories/{story}"],
        "/regions/{code}": ["/regions/CN-GD"],
        "/themes/{theme}": ["/themes/trade"],
        "/static/{name}": ["/static/x.css"],
        "/robots.txt": ["/robots.txt"],
        "/sitemap.xml": ["/sitemap.xml"],
        "/favicon.ico": ["/favicon.ico"],
        "/feeds/own/{token}.xml": [links.own_feed(store.people.feed_of(number))],
        "/subscribe": ["/subscribe?address=ada@example.net&act=save"],
        "/confirm/{token}": [confirm],
        "/unsubscribe/{token}": [f"{links.unsubscribe(number)}?act=leave", links.unsubscribe(number + 1)],
        "/undo": ["/undo"],
        "/preferences": ["/preferences"],
        "/preferences/{token}": [f"{preferences}?act=pause", links.preferences(number + 1)],
        "/preferences/{token}/data": [f"{preferences}/data"],
        "/preferences/{token}/erase": [f"{preferences}/erase"],
        "/healthz": ["/healthz"],
        "/readyz": ["/readyz"],
    }
    assert set(visits) == routes(here), "a new route must be walked here too"
    before = everything(here)
    for addresses in visits.values():
        for address in addresses:
            for method in ("GET", "HEAD", "OPTIONS", "GET"):
                assert here.browser.ask(method, address).status_code < 500
    assert everything(here) == before


def test_pages_load_nothing_from_elsewhere_and_run_nothing(here: Here) -> None:
    number, confirm = everyone(here)
    links = here.app.links
    story = here.app.store.archive.newest(1)[0]
    pages = ["/", "/editions/", f"/editions/{EDITION}.html", "/search?q=port", f"/stories/{story}", "/regions/CN-GD",
             "/subscribe", "/preferences", confirm, links.unsubscribe(number), links.preferences(number),
             f"{links.preferences(number)}/erase", "/nothing"]  # fmt: skip
    for address in pages:
        answer = here.browser.get(address)
        page = tree(answer.text)
        assert page.xpath("//script|//iframe|//object|//embed|//base|//@onclick|//@onload|//@onerror") == [], address
        for source in page.xpath("//@src|//link[@rel='stylesheet']/@href|//form/@action"):
            assert source.startswith("/"), (address, source)
            assert not source.startswith("//"), (address, source)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "'unsafe-eval'" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_address_stands_in_a_link_or_a_log(here: Here, caplog: object) -> None:
    number, _ = everyone(here)
    for address in (here.app.links.preferences(number), here.app.links.unsubscribe(number)):
        page = tree(here.browser.get(address).text)
        assert not [link for link in page.xpath("//@href|//@action") if re.search("ada(@|%40)", link.lower())]
    here.app.links.preferences(number)
    assert "ada@" not in caplog.text  # type: ignore[attr-defined] # pytest's


def test_pages_of_a_search_follow_each_other(here: Here) -> None:
    first = here.browser.get("/search?region=CN-GD")
    assert "Guangzhou port adds" in first.text
    assert first.headers["x-robots-tag"] == "noindex"
    assert "Nothing was found" in here.browser.get("/search?q=zzzz").text
    assert "Enter a word" in here.browser.get("/search").text
    assert "Enter a word" in here.browser.get("/search?region=nowhere&theme=nothing").text
    found, following = here.app.pipeline.store.archive.find(limit=2), 0
    assert len(found) == 2
    assert following == 0
    assert here.browser.get(f"/regions/CN-GD?before={found[0].number}").status_code == 200
    assert "No story so far" in here.browser.get("/regions/CN-GD?before=1").text
    hostile = here.browser.get("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%00")
    assert "<script>" not in hostile.text


def test_the_sitemap_names_what_is_public(here: Here) -> None:
    text = here.browser.get("/sitemap.xml").text
    assert f"https://weekly.example.com/editions/{EDITION}.html</loc><lastmod>" in text
    assert "https://weekly.example.com/regions/CN-GD</loc>" in text
    assert text.count("/stories/") == 2
    robots = here.browser.get("/robots.txt").text
    assert "Sitemap: https://weekly.example.com/sitemap.xml" in robots
    assert "Disallow: /preferences/" in robots
    assert here.browser.get("/sitemap.xml").headers["etag"] == here.browser.get("/sitemap.xml").headers["etag"]
