"""Articles that try to run a script: none runs in a page, a feed, or a mail, as Chromium sees it.

The payloads go into every text of an article past all cleaning of the pick-up, so what is seen here is what the
renderer alone lets through.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from digest.app import App
from digest.model import Article, Evidence, Item, Judgement, Preferences, RegionTag, Rights, Role, ThemeGroup, ThemeTag
from tests.serving import serving
from tests.store.samples import make_edition
from tests.web.conftest import Here

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

PAYLOADS = [
    line
    for line in Path(__file__).with_name("hostile.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]
WHEN = datetime(2018, 7, 25, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
WEEK = "weekly-2018-W30"


def hostile(number: int, payload: str) -> Article:
    """An article that says its payload wherever it can say anything."""
    return Article(
        source="desk",
        id=f"hostile-{number}",
        title=f"Guangzhou {number} {payload}",
        paragraphs=(f"Guangzhou in Guangdong heard {payload} today. Trade may grow.", payload),
        language=payload if number % 7 == 0 else "en",
        origin=payload,
        first_seen=WHEN,
        published=WHEN + timedelta(minutes=number),
        publisher=f"{payload} {number}",
        section=payload,
        byline=payload,
        editor=payload,
        agency=payload,
        dateline=payload,
        keywords=("Guangzhou", payload),
        teaser=payload,
        url=payload if number % 2 else f"https://example.org/{payload}",
        rights=Rights.FULL,
    )


@pytest.fixture(scope="module")
def attacked(published: tuple[Path, App], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A publication whose newest edition holds nothing but attacks, a story for each."""
    folder, shared = published
    copy = tmp_path_factory.mktemp("hostile") / "publication"
    shutil.copytree(folder, copy)
    with App.open(copy) as app:
        for name in ("places", "taxonomy", "renderer"):
            app.__dict__[name] = getattr(shared, name)
        articles = [hostile(number, payload) for number, payload in enumerate(PAYLOADS)]
        made = make_edition("2018-W30", articles, number=2, note="\n\n".join(PAYLOADS))
        judged = [
            replace(item, story=replace(item.story, judgement=told(item), also=(articles[item.number - 2],)))
            for item in made.items
        ]
        section = replace(made.sections[0], groups=(ThemeGroup(theme="trade", items=tuple(judged)),))
        edition = replace(made, title=PAYLOADS[0], sections=(section,), top=tuple(one.story.key for one in judged[:3]))
        revision = app.store.editions.prepare(edition, app.renderer.materials("weekly-report"), WHEN).revision
        app.pipeline.approve(revision, by="test")
        app.pipeline.publish()
        yield Here(app)


def told(item: Item) -> Judgement:
    """A judgement whose summary and evidence attack too."""
    lead = item.story.lead
    evidence = (Evidence(where="title", text=lead.origin, rule="name", weight=0.5),)
    return Judgement(
        article=lead.uid,
        regions=(RegionTag(region="CN-GD", role=Role.PRIMARY, score=0.9, evidence=evidence),),
        themes=(ThemeTag(theme="trade", score=0.5, evidence=evidence),),
        summary=(lead.origin, f"Trade grows. {lead.origin}"),
    )


class Watch:
    """A page that remembers what ran, or was stopped from running only by the policy."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", self._console)
        page.on("request", self._request)

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if "Content Security" in message.text:
            self.seen.append(message.text)

    def _request(self, request: Request) -> None:
        if not self._ours(request.url):
            self.seen.append(request.url)

    @staticmethod
    def _ours(url: str) -> bool:
        return url.startswith(("http://127.0.0.1:", "about:"))

    def open(self, address: str) -> None:
        """Open a page, and do what sets handlers off: focus, pointer, scrolling."""
        self.page.goto(address, wait_until="load")
        self._stir(address)

    def show(self, html: str, what: str) -> None:
        """Show markup as a mail program without any policy would, that runs scripts."""
        self.page.goto("about:blank")  # so that no policy of the page before holds
        self.page.set_content(html, wait_until="load")
        self._stir(what)

    def _stir(self, what: str) -> None:
        self.page.mouse.move(300, 300)
        self.page.keyboard.press("Tab")
        self.page.wait_for_timeout(50)
        assert self.seen == [], (what, self.seen)


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    context = browser.new_context(viewport={"width": 800, "height": 900})
    yield Watch(context.new_page())
    context.close()


def test_the_watch_sees_what_runs(watch: Watch) -> None:
    with pytest.raises(AssertionError, match="dialog: 1"):
        watch.show("<p>x<img src=x onerror=alert(1)>", "a mail that was not cleaned")


def test_no_article_runs_a_script(attacked: Here, watch: Watch) -> None:
    app = attacked.app
    edition = app.store.editions.approved(WEEK).edition
    keys = [item.story.key for item in edition.items]
    with serving(app) as base:
        pages = ["/", "/editions/", f"/editions/{WEEK}.html", "/regions/CN-GD", "/themes/trade", "/search?q=guangzhou"]
        for address in (*pages, *(f"/stories/{key}" for key in keys[::16])):
            watch.open(f"{base}{address}")
        watch.open(f"{base}/feeds/")
        watch.open(f"{base}/search?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E")
    number = attacked.reader()
    app.store.subscribers.prefer(number, Preferences(), WHEN)
    mail, _ = app.pipeline.preview(app.store.editions.approved(WEEK), "ada@example.net")
    watch.show(mail, "the mail")


def test_no_entry_of_a_feed_runs_a_script(attacked: Here, watch: Watch) -> None:
    """A reader that puts the entries' markup into a page as it is."""
    content = (attacked.app.settings.state / "feeds" / "atom.xml").read_bytes()
    feed = etree.fromstring(content)
    parts = [
        element.text or ""
        for element in feed.iter("{*}content", "{*}summary", "{*}title")
        if element.get("type") == "html"
    ]
    assert parts
    watch.show("<!DOCTYPE html><body>" + "\n<hr>\n".join(parts), "entries of the feed")
    for link in feed.iter("{*}link", "{*}uri", "{*}id"):
        address = link.get("href") or link.text or ""
        assert address.startswith(("http://", "https://", "tag:", "urn:")), address
