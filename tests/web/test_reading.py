"""Pages to read, as a browser and a feed reader ask for them."""

from __future__ import annotations

import gzip
import itertools
import os
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from lxml import etree, html

from digest.model import Story
from tests.web.conftest import EDITION, Here, cancel, tree

FEED = "/feeds/atom.xml"


def stories(here: Here) -> dict[str, Story]:
    edition = here.app.store.editions.approved(EDITION).edition
    return {item.story.lead.title: item.story for item in edition.items}


def test_the_first_page_shows_the_latest_edition_and_how_to_get_it(still: Here) -> None:
    page = still.browser.get("/")
    assert page.status_code == 200
    assert "Harbour Report" in page.text
    assert f"/editions/{EDITION}.html" in page.text
    assert "/subscribe" in page.text
    assert "Haifa start-up listens for leaks" in page.text
    assert 'type="application/atom+xml" href="/feeds/atom.xml"' in page.text


def test_what_came_from_outside_is_text(still: Here) -> None:
    for path in ("/", f"/editions/{EDITION}.html", *(f"/stories/{one.key}" for one in stories(still).values())):
        page = still.browser.get(path).text
        assert "<b>" not in page
        assert "<script" not in page


def test_before_the_first_edition_the_pages_say_so(make: Callable[..., Here]) -> None:
    here = make()
    cancel(here.app)
    for path in ("/", "/editions/"):
        page = here.browser.get(path)
        assert page.status_code == 200
        assert "has not come out yet" in page.text


def test_the_archive_lists_editions_by_year(still: Here) -> None:
    page = still.browser.get("/editions/")
    assert "2018" in page.text
    assert f"/editions/{EDITION}.html" in page.text
    assert still.browser.get("/editions").status_code == 200


def test_an_edition_online_is_the_published_file(still: Here) -> None:
    page = still.browser.get(f"/editions/{EDITION}.html")
    written = tree((still.app.settings.state / "editions" / f"{EDITION}.html").read_text(encoding="utf-8"))
    shown = tree(page.text)
    for nav in shown.xpath("//nav[@class='site-bar']"):
        assert nav.xpath(".//a[@href='/editions/']") or nav.xpath(".//a[@rel]")
        nav.drop_tree()
    assert " ".join(shown.body.text_content().split()) == " ".join(written.body.text_content().split())
    assert shown.xpath("//meta[@property='og:title']/@content") == ["Harbour Report, 16–22 July 2018"]
    assert shown.xpath("//link[@rel='canonical']/@href") == [f"https://weekly.example.com/editions/{EDITION}.html"]
    assert "style-src 'unsafe-inline'" in page.headers["content-security-policy"]
    text = still.browser.get(f"/editions/{EDITION}.txt")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"


def test_links_lead_to_anchors_that_are_there(still: Here) -> None:
    page = tree(still.browser.get(f"/editions/{EDITION}.html").text)
    for story in stories(still).values():
        assert page.get_element_by_id(still.app.links.story(EDITION, story.key).partition("#")[2]) is not None


def test_an_edition_whose_mails_go_out_first_is_there_already(here: Here) -> None:
    written = here.browser.get(f"/editions/{EDITION}.html").content
    for kind in ("html", "txt"):
        (here.app.settings.state / "editions" / f"{EDITION}.{kind}").unlink()
    assert here.browser.get(f"/editions/{EDITION}.html").content == written
    assert here.browser.get(f"/editions/{EDITION}.txt").status_code == 200


def test_a_cancelled_edition_is_gone_with_its_stories(here: Here) -> None:
    key = next(iter(stories(here).values())).key
    cancel(here.app)
    page = here.browser.get(f"/editions/{EDITION}.html")
    assert page.status_code == 410
    assert "withdrawn" in page.text
    assert here.browser.get(f"/stories/{key}").status_code == 404


def test_a_draft_is_not_public(here: Here) -> None:
    here.app.store.editions.move(EDITION, here.app.store.editions.state(EDITION).DRAFT, here.clock())
    assert here.browser.get(f"/editions/{EDITION}.html").status_code == 404
    assert "Haifa" not in here.browser.get("/").text


def test_a_story_shows_what_its_rights_allow(still: Here) -> None:
    own, wire = (next(story for title, story in stories(still).items() if word in title) for word in ("Haifa", "port"))
    page = still.browser.get(f"/stories/{own.key}").text
    assert "It sells trade in sensors." in page
    assert "/regions/" in page
    page = still.browser.get(f"/stories/{wire.key}").text
    assert 'href="https://wire.example.org/port"' in page
    assert "noopener" in page


@pytest.mark.parametrize(("path", "name"), [("/regions/CN-GD", "Guangdong"), ("/regions/CN", "China")])
def test_a_region_has_a_page_with_its_feeds(still: Here, path: str, name: str) -> None:
    page = still.browser.get(path)
    assert page.status_code == 200
    assert f"<h1>{name}</h1>" in page.text
    assert "night shift" in page.text
    assert f'href="/feeds{path}/atom.xml"' in page.text
    assert still.browser.get(f"/feeds{path}/atom.xml").status_code == 200


def test_a_region_without_news_says_so(still: Here) -> None:
    page = still.browser.get("/regions/BR")
    assert page.status_code == 200
    assert "No story so far." in page.text
    assert "/feeds/regions/BR" not in page.text


def test_every_theme_has_a_page(still: Here) -> None:
    for theme in still.app.taxonomy:
        page = still.browser.get(f"/themes/{theme.id}")
        assert page.status_code == 200
        assert f'href="/feeds/themes/{theme.id}/atom.xml"' in page.text
    themes = {tag.theme for story in stories(still).values() for tag in story.judgement.themes}
    assert any("/stories/" in still.browser.get(f"/themes/{theme}").text for theme in themes)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/stories/0000000000000000",
        "/regions/XX",
        "/themes/none",
        "/editions/weekly-1999-W01.html",
        f"/editions/{EDITION}",
        "/editions/..%2Fsecret.html",
        "/feeds/none.xml",
        "/feeds/../secret.key",
        "/feeds/%2e%2e/digest.sqlite3",
        "/feeds/..%2f..%2fdigest.toml",
        "/feeds/regions",
        "/feeds/.atom.xml.new",
        "/static/other.css",
    ],
)
def test_what_is_not_there_is_not_found(still: Here, path: str) -> None:
    answer = still.browser.get(path)
    assert answer.status_code == 404
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# ---- feeds


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("atom.xml", "application/atom+xml; charset=utf-8"),
        ("rss.xml", "application/rss+xml; charset=utf-8"),
        ("feed.json", "application/feed+json"),
        ("index.opml", "text/x-opml; charset=utf-8"),
    ],
)
def test_a_feed_is_its_file_with_its_media_type(still: Here, name: str, kind: str) -> None:
    answer = still.browser.get(f"/feeds/{name}")
    assert answer.content == (still.app.settings.state / "feeds" / name).read_bytes()
    assert answer.headers["content-type"] == kind
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "max-age" in answer.headers["cache-control"]


def test_an_unchanged_feed_is_answered_with_304(still: Here) -> None:
    first = still.browser.get(FEED)
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert not tag.startswith("W/")
    for asked in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
    ):
        again = still.browser.get(FEED, headers=asked)
        assert again.status_code == 304, asked
        assert again.content == b""
        assert again.headers["etag"] == tag
        assert "content-type" not in again.headers
    for asked in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": modified},  # the tag decides
        {"If-Modified-Since": "Mon, 01 Jan 2018 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert still.browser.get(FEED, headers=asked).status_code == 200, asked


def test_each_encoding_has_its_own_tag(still: Here) -> None:
    plain = still.browser.get(FEED, headers={"Accept-Encoding": "identity"})
    packed = still.browser.get(FEED, headers={"Accept-Encoding": "br;q=0.5, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert plain.headers["etag"] != packed.headers["etag"]
    assert "Accept-Encoding" in plain.headers["vary"]
    for header in ("gzip;q=0", "zstd", "gzip;q=x", "*;q=0"):
        assert "content-encoding" not in still.browser.get(FEED, headers={"Accept-Encoding": header}).headers
    assert still.browser.get(FEED, headers={"Accept-Encoding": "*"}).headers["content-encoding"] == "br"
    assert gzip.decompress(gzip.compress(b"x")) == b"x"


def test_a_changed_feed_is_seen(here: Here) -> None:
    first = here.browser.get(FEED)
    path = here.app.settings.state / "feeds" / "atom.xml"
    path.write_bytes(path.read_bytes() + b"<!-- more -->")
    os.utime(path, (1_900_000_000, 1_900_000_000))
    second = here.browser.get(FEED, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.content.endswith(b"<!-- more -->")
    assert parsedate_to_datetime(second.headers["last-modified"]).timestamp() == 1_900_000_000


def test_a_symbolic_link_is_not_followed(here: Here) -> None:
    (here.app.settings.state / "feeds" / "key.txt").symlink_to(here.app.settings.state / "secret.key")
    assert here.browser.get("/feeds/key.txt").status_code == 404


def test_every_feed_in_the_list_is_served(still: Here) -> None:
    outline: Any = etree.fromstring(still.browser.get("/feeds/index.opml").content)
    urls = outline.xpath("//@xmlUrl")
    assert len(urls) > 20
    for url in urls:
        assert still.browser.get(url).status_code == 200, url


# ---- all of them


def test_head_is_get_without_a_body(still: Here) -> None:
    for path in ("/", FEED, f"/editions/{EDITION}.html", "/subscribe", "/healthz", "/nothing"):
        got, head = still.browser.get(path), still.browser.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]


def test_a_page_has_a_tag_and_is_not_sent_twice(still: Here) -> None:
    first = still.browser.get("/")
    assert still.browser.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    chinese = still.browser.get("/", headers={"Accept-Language": "zh", "If-None-Match": first.headers["etag"]})
    assert chinese.status_code == 200


@pytest.mark.parametrize(
    ("path", "header", "tag"),
    [
        ("/", "", "en"),
        ("/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("/", "fr, de;q=0.9, zh-TW;q=0.5", "zh-Hans"),
        ("/", "en;q=0.5, zh;q=0.9", "zh-Hans"),
        ("/", "zh;q=0, en", "en"),
        ("/", "zh;q=much, *", "en"),
        ("/?lang=zh-Hans", "en", "zh-Hans"),
        ("/?lang=xx", "en", "en"),
        ("/?lang=%3Cscript%3E", "", "en"),
    ],
)
def test_a_page_speaks_the_readers_language(still: Here, path: str, header: str, tag: str) -> None:
    page = still.browser.get(path, headers={"Accept-Language": header})
    assert f'<html lang="{tag}"' in page.text
    assert "Accept-Language" in page.headers["vary"]


def test_the_chosen_language_stays_with_the_links(still: Here) -> None:
    page = still.browser.get("/?lang=zh-Hans").text
    assert "/subscribe?lang=zh-Hans" in page
    assert "订阅" in still.browser.get("/subscribe?lang=zh-Hans").text


def test_the_stylesheet_is_named_by_its_content_and_kept(still: Here) -> None:
    page = tree(still.browser.get("/").text)
    path = page.xpath("//link[@rel='stylesheet']/@href")[0]
    sheet = still.browser.get(path)
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in sheet.headers["cache-control"]


def test_a_publication_below_a_path_answers_with_and_without_it(make: Callable[..., Here]) -> None:
    here = make(DIGEST_PUBLICATION_URL="https://example.com/news")
    for path in ("/", "/news", "/news/"):
        page = here.browser.get(path)
        assert page.status_code == 200, path
        assert 'href="/news/subscribe"' in page.text
    assert here.browser.get("/news/feeds/atom.xml").status_code == 200
    assert here.browser.get("/newsroom").status_code == 404


def test_robots_may_read_and_not_act(still: Here) -> None:
    text = still.browser.get("/robots.txt").text
    assert "Disallow: /unsubscribe" in text
    assert still.browser.get("/favicon.ico").status_code == 204


def _labels(page: Any) -> set[str]:
    return {label.get("for") for label in page.iter("label") if label.get("for")}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/editions/",
        "/subscribe",
        "/preferences",
        "/regions/CN",
        "/nothing",
        "/unsubscribe",
        "/preferences/",
        "/confirm",
    ],
)
def test_pages_have_landmarks_headings_and_labels(still: Here, path: str) -> None:
    number = still.reader()
    urls = {
        "/unsubscribe": still.app.links.unsubscribe(number),
        "/preferences/": still.app.links.preferences(number),
        "/confirm": still.app.links.confirm([number], still.clock()),
    }
    page = tree(still.browser.get(urls.get(path, path)).text)
    assert len(page.xpath("//main")) == len(page.xpath("//h1")) == len(page.xpath("//title")) == 1
    assert page.get("lang") == "en"
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for field in page.xpath("//input[not(@type='hidden')] | //select"):
        assert field.get("id") in _labels(page) or field.xpath("ancestor::label"), html.tostring(field)
    for reference in page.xpath("//@aria-labelledby | //@aria-describedby"):
        assert set(reference.split()) <= set(ids)
    levels = [int(one.tag[1]) for one in page.xpath("//h1|//h2|//h3|//h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert not page.xpath("//@style | //style | //script | //@onclick | //img")
    assert all(
        link.startswith(("/", "#", "https://weekly.example.com", "https://wire.example.org", "mailto:"))
        for link in page.xpath("//@href")
    )
