"""Which feeds there are, and what stands in them: rights, identity, corrections, regions and themes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest
from lxml import etree

from digest.model import (
    Article,
    DigestRule,
    Edition,
    EditionState,
    Item,
    Judgement,
    Period,
    Publication,
    RegionTag,
    Revision,
    Rights,
    Role,
    Section,
    SectionRule,
    Story,
    Theme,
    ThemeGroup,
    ThemeTag,
)
from digest.places import Places
from digest.publish import Catalogue, Feed, Journal, Moved, Writer, opml
from tests.publish.rules import ATOM, check_atom, check_json, check_rss

ZONE = ZoneInfo("Asia/Shanghai")
PLACES = Places.load()
PUBLICATION = Publication(
    title="Our Weekly",
    url="https://news.example",
    sender="desk@news.example",
    postal_address="1 Harbour Road",
    copyright="© Our Weekly",
    tagline="What matters",
    time_zone="Asia/Shanghai",
)
THEMES = (
    Theme(id="trade", names={"en": "Trade", "zh-Hans": "贸易"}),
    Theme(id="culture", names={"en": "Culture", "zh-Hans": "文化"}),
)
DIGEST = DigestRule(
    key="weekly",
    title="Weekly Report",
    sections=(
        SectionRule(key="china-israel", pair=("CN", "IL")),
        SectionRule(key="bay", region="x-gba"),
        SectionRule(key="china", region="CN"),
        SectionRule(key="asia", region="142"),
        SectionRule(key="elsewhere", elsewhere=True),
    ),
)
NOON = datetime(2018, 7, 20, 12, tzinfo=ZONE)
APPROVED = datetime(2018, 7, 23, 8, tzinfo=ZONE)


def article(name: str, **more: object) -> Article:
    values: dict[str, object] = {
        "source": "desk",
        "id": name,
        "title": f"About {name}",
        "paragraphs": (f"First we wrote of {name}.", "Then we wrote <more> & more."),
        "language": "en",
        "origin": f"{name}.txt",
        "first_seen": NOON,
        "published": NOON,
        "publisher": "Sample Wire",
        "url": f"https://wire.example/{name}",
        "teaser": f"Teaser of {name}.",
    }
    return Article(**(values | more))  # type: ignore[arg-type]  # keywords of many kinds


def story(
    lead: Article,
    primary: Sequence[str] = ("CN",),
    counterpart: Sequence[str] = (),
    themes: Sequence[str] = ("trade",),
    also: tuple[Article, ...] = (),
) -> Story:
    regions = [(code, Role.PRIMARY) for code in primary] + [(code, Role.COUNTERPART) for code in counterpart]
    judgement = Judgement(
        article=lead.uid,
        regions=(
            *(RegionTag(region=code, role=role, score=1) for code, role in regions),
            RegionTag(region="US", role=Role.MENTIONED, score=0.1),
        ),
        themes=tuple(ThemeTag(theme=theme, score=1) for theme in themes),
        summary=lead.paragraphs[:1],
    )
    return Story(key=lead.uid, lead=lead, judgement=judgement, also=also)


def edition(week: str, *stories: Story, section: str = "china", digest: str = "weekly", note: str = "") -> Edition:
    items = tuple(
        Item(number=number, story=one, theme=next((tag.theme for tag in one.judgement.themes), ""), score=1)
        for number, one in enumerate(stories, start=1)
    )
    part = Section(key=section, names={"en": "China & sea"}, groups=(ThemeGroup(theme="trade", items=items),))
    empty = Section(key="asia", names={"en": "Asia"}, groups=())
    return Edition(
        id=f"{digest}-{week}",
        digest=digest,
        title="Weekly Report",
        period=Period.week(week, ZONE),
        number=1,
        sections=(part, empty),
        note=note,
    )


def revision(made: Edition, number: int = 1, approved: datetime | None = APPROVED, **more: object) -> Revision:
    state = EditionState.DRAFT if approved is None else EditionState.APPROVED
    values: dict[str, object] = {"edition": made, "number": number, "hash": "0", "created": NOON, "state": state}
    return Revision(**(values | {"approved": approved} | more))  # type: ignore[arg-type]  # keywords of many kinds


def moved(*revisions: Revision) -> list[Moved]:
    """What the press makes of the revisions of editions: see Press.moved."""
    histories: dict[str, list[Revision]] = {}
    for one in sorted(revisions, key=lambda one: one.number):
        histories.setdefault(one.edition.id, []).append(one)
    return [
        Moved(edition=name, gone=APPROVED)
        if history[-1].state is EditionState.CANCELLED
        else Moved(edition=name, revisions=tuple(one for one in history if one.approved))
        for name, history in histories.items()
    ]


def publish(*revisions: Revision, publication: Publication = PUBLICATION, **more: object) -> dict[str, bytes]:
    arguments: dict[str, object] = {"places": PLACES, "themes": THEMES, "digests": (DIGEST,)}
    catalogue = Catalogue(publication, **(arguments | more))  # type: ignore[arg-type]  # keywords of many kinds
    journal, writer = Journal(), Writer()
    journal.take(moved(*revisions), catalogue.scribe)
    feeds = catalogue.feeds(journal, {})
    files = {f"{one.path}/{name}": content for one in feeds for name, content in writer.documents(one.feed)}
    groups: dict[str, list[Feed]] = {}
    for one in feeds:
        groups.setdefault(catalogue.word(one.group), []).append(one.feed)
    return files | {"feeds/index.opml": opml(publication.title, groups)}


def entries(files: dict[str, bytes], folder: str = "feeds") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(files[f"{folder}/feed.json"])["items"]
    return items


def titles(files: dict[str, bytes], folder: str = "feeds") -> list[str]:
    return [entry["title"] for entry in entries(files, folder)]


DONGGUAN = story(article("port"), ["g1812545"], ["IL"])
FLOWERS = story(article("flowers", published=NOON - timedelta(days=1)), ["JP"], themes=["culture"])
CITY = story(article("city", language="zh", paragraphs=("第一句。",), published=NOON - timedelta(days=2)), ["g1816670"])


class TestFeeds:
    def test_every_document_is_valid_and_says_where_it_is(self) -> None:
        files = publish(revision(edition("2018-W29", DONGGUAN, FLOWERS, CITY)))
        for path, document in files.items():
            name, url = path.rpartition("/")[2], f"https://news.example/{path}"
            folder = path.rpartition("/")[0]
            count = len(entries(files, folder)) if name != "index.opml" else 0
            if name == "atom.xml":
                root = check_atom(document, url, count)
                assert root.findtext(f"{ATOM}id") == f"tag:news.example,2026:{folder}"
            elif name == "rss.xml":
                check_rss(document, url, count)
            elif name == "feed.json":
                check_json(document, url, count)

    def test_which_there_are(self) -> None:
        files = publish(revision(edition("2018-W29", DONGGUAN, FLOWERS, CITY)))
        folders = list(dict.fromkeys(path.rpartition("/")[0] for path in files))
        assert folders[:3] == ["feeds", "feeds/editions", "feeds/sections/weekly/china-israel"]
        assert folders[3:6] == ["feeds/regions/x-gba", "feeds/regions/CN", "feeds/regions/142"]
        assert {"feeds/regions/CN-GD", "feeds/regions/CN-BJ", "feeds/regions/IL", "feeds/regions/JP"} < set(folders)
        assert not {"feeds/regions/US", "feeds/regions/g1812545", "feeds/regions/001", "feeds/regions/030"} & set(
            folders
        )
        assert folders[-2:] == ["feeds/themes/trade", "feeds/themes/culture"]
        assert len(files) == 3 * len(folders) + 1
        assert list(files)[-1] == "feeds/index.opml"

    def test_a_region_holds_what_lies_in_it(self) -> None:
        files = publish(revision(edition("2018-W29", DONGGUAN, FLOWERS, CITY)))
        expected = {
            "": ["About port", "About flowers", "About city"],
            "/regions/CN": ["About port", "About city"],
            "/regions/CN-GD": ["About port"],
            "/regions/x-gba": ["About port"],
            "/regions/IL": ["About port"],
            "/regions/142": ["About port", "About flowers", "About city"],
            "/themes/trade": ["About port", "About city"],
            "/themes/culture": ["About flowers"],
            "/sections/weekly/china-israel": [],
        }
        assert {folder: titles(files, f"feeds{folder}") for folder in expected} == expected
        assert feedparser.parse(files["feeds/regions/CN-GD/atom.xml"]).feed.title == "Our Weekly – Guangdong"
        assert feedparser.parse(files["feeds/themes/culture/atom.xml"]).feed.title == "Our Weekly – Culture"
        pair = feedparser.parse(files["feeds/sections/weekly/china-israel/atom.xml"])
        assert pair.feed.title == "Our Weekly – China – Israel"

    def test_a_pair_holds_what_stood_under_its_heading(self) -> None:
        files = publish(revision(edition("2018-W29", DONGGUAN, section="china-israel")))
        assert titles(files, "feeds/sections/weekly/china-israel") == ["About port"]
        other = publish(revision(edition("2018-W29", DONGGUAN, section="china-israel", digest="daily")))
        assert titles(other, "feeds/sections/weekly/china-israel") == []

    def test_a_section_of_an_unknown_region_has_an_empty_feed(self) -> None:
        odd = replace(DIGEST, sections=(SectionRule(key="odd", region="x-../odd"),))
        files = publish(revision(edition("2018-W29", DONGGUAN)), digests=(odd,))
        assert entries(files, "feeds/regions/x--odd") == []

    def test_nothing_published_yet(self) -> None:
        files = publish()
        assert set(files) > {"feeds/atom.xml", "feeds/editions/rss.xml", "feeds/regions/CN/feed.json"}
        assert entries(files) == []
        check_atom(files["feeds/atom.xml"], "https://news.example/feeds/atom.xml", 0)

    def test_opml_names_every_feed(self) -> None:
        files = publish(revision(edition("2018-W29", DONGGUAN)))
        root = etree.fromstring(files["feeds/index.opml"])
        urls = [line.get("xmlUrl", "") for line in root.findall("body/outline/outline")]
        assert [url.removeprefix("https://news.example/") for url in urls] == [
            path for path in files if path.endswith("atom.xml")
        ]
        headings = [line.get("text") for line in root.findall("body/outline")]
        assert headings == ["Stories", "Editions", "Sections", "Regions", "Themes"]

    def test_in_another_language(self) -> None:
        chinese = replace(PUBLICATION, language="zh-Hans")
        files = publish(revision(edition("2018-W29", DONGGUAN)), publication=chinese)
        assert feedparser.parse(files["feeds/themes/trade/atom.xml"]).feed.title == "Our Weekly – 贸易"
        assert feedparser.parse(files["feeds/regions/CN-GD/rss.xml"]).feed.title == "Our Weekly – 广东"
        assert feedparser.parse(files["feeds/editions/rss.xml"]).feed.language == "zh-Hans"

    def test_a_publication_below_a_path_has_its_own_ids(self) -> None:
        below = replace(PUBLICATION, url="https://News.example:8443/our/weekly/")
        files = publish(revision(edition("2018-W29", DONGGUAN)), publication=below)
        feed = json.loads(files["feeds/feed.json"])
        assert feed["feed_url"] == "https://news.example:8443/our/weekly/feeds/feed.json"
        assert feed["items"][0]["id"] == f"tag:news.example,2026:our/weekly/stories/{DONGGUAN.key}"

    def test_the_newest_come_first_and_no_more_than_the_limit(self) -> None:
        rows = [story(article(f"n{day}", published=NOON - timedelta(days=day))) for day in (3, 1, 2)]
        ties = sorted((story(article(f"t{number}")) for number in range(3)), key=lambda one: one.key)
        files = publish(revision(edition("2018-W29", *rows, *ties)), limit=5)
        assert titles(files) == [*(one.lead.title for one in ties), "About n1"]  # the rest is on an archive page
        assert titles(publish(revision(edition("2018-W29", *rows, *ties))))[3:] == ["About n1", "About n2", "About n3"]


class TestStories:
    def test_an_entry_is_complete(self) -> None:
        (entry,) = entries(publish(revision(edition("2018-W29", DONGGUAN))))
        assert entry == {
            "id": f"tag:news.example,2026:stories/{DONGGUAN.key}",
            "url": "https://wire.example/port",
            "title": "About port",
            "content_html": "<p>First we wrote of port.</p>"
            '<p><a href="https://wire.example/port" rel="noopener noreferrer nofollow">Sample Wire</a>, 2018-07-20</p>',
            "summary": "First we wrote of port.",
            "date_published": "2018-07-20T04:00:00Z",
            "date_modified": "2018-07-23T00:00:00Z",
            "authors": [{"name": "Sample Wire"}],
            "tags": ["Dongguan", "Israel", "Trade"],
            "language": "en",
        }
        parsed = feedparser.parse(publish(revision(edition("2018-W29", DONGGUAN)))["feeds/atom.xml"])
        assert [(tag.scheme, tag.term, tag.label) for tag in parsed.entries[0].tags] == [
            ("tag:news.example,2026:regions", "g1812545", "Dongguan"),
            ("tag:news.example,2026:regions", "IL", "Israel"),
            ("tag:news.example,2026:themes", "trade", "Trade"),
        ]

    @pytest.mark.parametrize(
        ("rights", "shown", "hidden"),
        [
            (Rights.HEADLINE, ["About port"], ["First we wrote", "Then we wrote", "Teaser"]),
            (Rights.SUMMARY, ["About port", "First we wrote"], ["Then we wrote"]),
            (Rights.FULL, ["First we wrote", "Then we wrote &lt;more&gt; &amp; more."], []),
        ],
    )
    def test_rights_are_respected(self, rights: Rights, shown: list[str], hidden: list[str]) -> None:
        files = publish(revision(edition("2018-W29", story(article("port", rights=rights)))))
        text = json.dumps(entries(files))
        assert all(phrase in text for phrase in shown)
        for document in files.values():
            assert not any(phrase.encode() in document for phrase in hidden)

    def test_without_a_summary_the_publishers_teaser_stands_in(self) -> None:
        bare = story(article("port", paragraphs=()))
        assert entries(publish(revision(edition("2018-W29", bare))))[0]["summary"] == "Teaser of port."

    def test_without_a_page_of_its_own_it_links_to_ours(self) -> None:
        bare = story(article("port", url="javascript:alert(1)", publisher="", agency="Wire One", byline="Pan"))
        (entry,) = entries(publish(revision(edition("2018-W29", bare))))
        assert entry["url"] == f"https://news.example/stories/{bare.key}"
        assert entry["content_html"].endswith("<p>Wire One, 2018-07-20</p>")
        assert entry["authors"] == [{"name": "Pan"}]
        (moved,) = entries(
            publish(revision(edition("2018-W29", bare)), story_url=lambda key: f"https://a.example/{key}.html")
        )
        assert moved["url"] == f"https://a.example/{bare.key}.html"

    def test_without_a_publisher_the_date_stands_alone(self) -> None:
        bare = story(article("port", url="", publisher=""))
        (entry,) = entries(publish(revision(edition("2018-W29", bare))))
        assert entry["content_html"].endswith("<p>2018-07-20</p>")
        assert entry["authors"] == [{"name": "Our Weekly"}]

    def test_who_else_reports_it(self) -> None:
        also = (
            article("b", publisher="Other Paper"),
            article("c", publisher="Other Paper"),
            article("d", publisher="Sample Wire"),
            article("e", publisher="Third & Last", url=""),
            article("f", publisher=""),
        )
        files = publish(revision(edition("2018-W29", story(article("port"), also=also))))
        text = entries(files)[0]["content_html"]
        assert 'Also reported by: <a href="https://wire.example/b"' in text
        assert text.endswith(">Other Paper</a>, Third &amp; Last</p>")
        assert text.count("Other Paper") == 1
        links = feedparser.parse(files["feeds/atom.xml"]).entries[0].links
        assert [(link.rel, link.href) for link in links] == [
            ("alternate", "https://wire.example/port"),
            ("related", "https://wire.example/b"),
        ]

    def test_chinese_beside_chinese(self) -> None:
        lead = article("城", language="zh-Hans", paragraphs=("第一句。", "第二句。"))
        judged = story(lead, also=(article("b", publisher="另一报"),))
        judged = replace(judged, judgement=replace(judged.judgement, summary=lead.paragraphs))
        (entry,) = entries(publish(revision(edition("2018-W29", judged))))
        assert entry["summary"] == "第一句。第二句。"
        assert "其他报道：" in entry["content_html"]

    def test_a_refiled_theme_counts(self) -> None:
        made = edition("2018-W29", FLOWERS)
        item = replace(made.items[0], theme="trade")
        section = replace(made.sections[0], groups=(ThemeGroup(theme="trade", items=(item,)),))
        files = publish(revision(replace(made, sections=(section,))))
        assert titles(files, "feeds/themes/trade") == titles(files, "feeds/themes/culture") == ["About flowers"]


class TestEditions:
    def test_an_entry_lists_the_headlines(self) -> None:
        (entry,) = entries(
            publish(revision(edition("2018-W29", DONGGUAN, FLOWERS, note="A <word>."))), "feeds/editions"
        )
        assert entry["id"] == "tag:news.example,2026:editions/weekly-2018-W29"
        assert entry["url"] == "https://news.example/editions/weekly-2018-W29"
        assert entry["title"] == "Weekly Report 2018-W29"
        assert entry["summary"] == "About port · About flowers"
        assert entry["content_html"].startswith("<p>A &lt;word&gt;.</p><h3>China &amp; sea</h3><ul><li><a href=")
        assert "Asia" not in entry["content_html"]
        assert entry["date_published"] == entry["date_modified"] == "2018-07-23T00:00:00Z"

    def test_its_page_can_be_elsewhere(self) -> None:
        files = publish(
            revision(edition("2018-W29", DONGGUAN)), edition_url=lambda one: f"https://a.example/{one}.html"
        )
        assert entries(files, "feeds/editions")[0]["url"] == "https://a.example/weekly-2018-W29.html"

    def test_the_editors_choice_and_the_top_come_first_in_the_summary(self) -> None:
        made = replace(edition("2018-W29", DONGGUAN, FLOWERS, CITY), top=(CITY.key,), choice=(FLOWERS.key,))
        (entry,) = entries(publish(revision(made)), "feeds/editions")
        assert entry["summary"] == "About flowers · About city"

    def test_the_newest_period_comes_first_even_when_approved_together(self) -> None:
        rows = [revision(edition(f"2018-W{week}", DONGGUAN)) for week in (15, 29, 22)]
        keys = [entry["title"][-3:] for entry in entries(publish(*rows), "feeds/editions")]
        assert keys == ["W29", "W22", "W15"]


class TestRevisions:
    def test_only_what_was_approved_is_public(self) -> None:
        made = edition("2018-W29", DONGGUAN)
        assert titles(publish(revision(made, approved=None))) == []
        cancelled = revision(made, 2, state=EditionState.CANCELLED)
        assert titles(publish(revision(made), cancelled)) == []
        corrected = revision(edition("2018-W29", FLOWERS), 2, approved=None)
        assert titles(publish(revision(made), corrected)) == ["About port"]

    def test_a_correction_updates_its_entry_and_no_other(self) -> None:
        first = revision(edition("2018-W29", DONGGUAN, FLOWERS))
        better = replace(FLOWERS, lead=replace(FLOWERS.lead, title="About many flowers"))
        later = APPROVED + timedelta(hours=3)
        second = revision(edition("2018-W29", DONGGUAN, better), 2, later)
        found = {entry["title"]: entry["date_modified"] for entry in entries(publish(first, second))}
        assert found == {"About port": "2018-07-23T00:00:00.001Z", "About many flowers": "2018-07-23T03:00:00Z"}
        (entry,) = entries(publish(first, second), "feeds/editions")
        assert (entry["date_published"], entry["date_modified"]) == ("2018-07-23T00:00:00Z", "2018-07-23T03:00:00Z")
        same = revision(edition("2018-W29", DONGGUAN, FLOWERS), 2, later)
        assert publish(first, same) == publish(first)

    def test_what_a_correction_takes_out_leaves_the_feeds(self) -> None:
        first = revision(edition("2018-W29", DONGGUAN, FLOWERS))
        second = revision(edition("2018-W29", DONGGUAN), 2, APPROVED + timedelta(hours=3))
        assert titles(publish(first, second)) == ["About port"]

    def test_a_story_of_two_digests_stands_once(self) -> None:
        other = revision(edition("2018-W29", DONGGUAN, digest="daily"), approved=APPROVED + timedelta(days=1))
        (entry,) = entries(publish(revision(edition("2018-W29", DONGGUAN)), other))
        assert entry["date_modified"] == "2018-07-23T00:00:00Z"

    def test_bytes_are_the_same_whatever_the_order_the_zone_or_the_day(self) -> None:
        rows = [revision(edition(f"2018-W{week}", DONGGUAN, FLOWERS, CITY)) for week in (15, 29)]
        moved = [
            replace(row, approved=row.approved and row.approved.astimezone(UTC), state=EditionState.SENT)
            for row in rows
        ]
        first = publish(*rows)
        time.sleep(1.1)
        assert list(publish(*moved[::-1]).items()) == list(first.items())


def test_ten_editions_of_many_regions_make_a_hundred_documents() -> None:
    codes = [*[place.code for place in PLACES if place.parent == "CN"][:16], "JP", "IL", "DE", "BR"]
    text = "We wrote a sentence that is about as long as a sentence of news is in the mean. "
    rows = [
        story(
            article(f"n{number}", paragraphs=(text, *[text * 4] * 6), rights=Rights.FULL),
            [codes[number % 20]],
            [codes[(number * 7) % 20]],
            [THEMES[number % 2].id],
        )
        for number in range(400)
    ]
    made = [revision(edition(f"2018-W{20 + week}", *rows[week * 40 : week * 40 + 40])) for week in range(10)]
    assert len(publish(*made)) > 80
