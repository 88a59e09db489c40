"""The three formats, by their schemas, by a reader, and under hostile texts."""

from __future__ import annotations

import json
import locale
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from digest.publish import ATOM as ATOM_NAME
from digest.publish import RSS as RSS_NAME
from digest.publish import Category, Entry, Feed, Link, Tombstone, Writer, atom, json_feed, opml, rss, without
from tests.publish.rules import ATOM, CONTENT, DC, XML_LANG, check_atom, check_json, check_rss
from tests.publish.validator import AT, FH

NOON = datetime(2018, 7, 20, 12, 0, 5, 999, tzinfo=timezone(timedelta(hours=8)))
ENTRY = Entry(
    id="tag:news.example,2026:stories/a",
    url="https://wire.example/a?b=1&c=2",
    title="Port & rail: a <new> line",
    published=NOON,
    updated=NOON + timedelta(hours=1),
    html='<p>A line &amp; a port.</p><p><a href="https://wire.example/a">Wire</a></p>',
    summary="A line & a port.",
    author="Pan Meiling",
    language="en",
    categories=(
        Category(scheme="tag:news.example,2026:regions", term="CN-GD", label="Guangdong"),
        Category(scheme="tag:news.example,2026:themes", term="transport", label="Transport & ports"),
    ),
    related=(Link(url="https://other.example/a", title="Other Paper"), Link(url="ftp://other.example/a", title="No")),
)
CHINESE = replace(
    ENTRY,
    id="tag:news.example,2026:stories/b",
    title="南沙港开通新航线",
    language="zh-Hans",
    summary="南沙港开通了新航线。",
    html="<p>南沙港开通了新航线。</p>",
    published=NOON - timedelta(days=1),
    updated=NOON,
)
FEED = Feed(
    id="tag:news.example,2026:feeds",
    folder="https://news.example/feeds",
    url="https://news.example/",
    title="Our Weekly",
    subtitle="What matters & where",
    author="The Desk",
    rights="© The Desk",
    language="en",
    entries=(ENTRY, CHINESE),
)


def links(root: etree._Element) -> set[tuple[str | None, ...]]:
    """Those of a feed, but its page."""
    found = (root if root.tag == f"{ATOM}feed" else root[0]).findall(f"{ATOM}link")
    assert len({one.get("rel") for one in found}) == len(found)
    return {(one.get("rel"), one.get("href"), one.get("type")) for one in found if one.get("rel") != "alternate"}


class TestFormats:
    def test_atom(self) -> None:
        root = check_atom(atom(FEED), "https://news.example/feeds/atom.xml", 2)
        assert root.get(XML_LANG) == "en"
        assert root.findtext(f"{ATOM}generator") == "Digest"
        assert root.findtext(f"{ATOM}subtitle") == "What matters & where"
        assert root.findtext(f"{ATOM}rights") == "© The Desk"
        assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Desk"
        first, second = root.findall(f"{ATOM}entry")
        assert first.findtext(f"{ATOM}title") == "Port & rail: a <new> line"
        assert first.findtext(f"{ATOM}updated") == "2018-07-20T05:00:05Z"
        assert first.findtext(f"{ATOM}published") == "2018-07-20T04:00:05Z"
        assert first.findtext(f"{ATOM}summary") == "A line & a port."
        assert first.findtext(f"{ATOM}author/{ATOM}name") == "Pan Meiling"
        assert [(link.get("rel"), link.get("href")) for link in first.findall(f"{ATOM}link")] == [
            ("alternate", "https://wire.example/a?b=1&c=2"),
            ("related", "https://other.example/a"),
        ]
        assert [(one.get("term"), one.get("label")) for one in first.findall(f"{ATOM}category")] == [
            ("CN-GD", "Guangdong"),
            ("transport", "Transport & ports"),
        ]
        assert (first.get(XML_LANG), second.get(XML_LANG)) == ("en", "zh-Hans")

    def test_rss(self) -> None:
        (channel,) = check_rss(rss(FEED), "https://news.example/feeds/rss.xml", 2)
        assert channel.findtext("copyright") == "© The Desk"
        assert channel.findtext("description") == "What matters & where"
        assert channel.findtext("lastBuildDate") == "Fri, 20 Jul 2018 05:00:05 GMT"
        first, second = channel.findall("item")
        assert first.findtext("title") == "Port & rail: a <new> line"
        assert first.findtext("pubDate") == "Fri, 20 Jul 2018 04:00:05 GMT"
        assert first.findtext("description") == "A line &amp; a port."  # which is HTML
        assert "A line &amp; a port." in (first.findtext(f"{CONTENT}encoded") or "")
        assert first.findtext(f"{DC}creator") == "Pan Meiling"
        assert second.findtext(f"{DC}language") == "zh-Hans"
        assert [one.text for one in first.findall("category")] == ["Guangdong", "Transport & ports"]

    def test_what_feedgen_does_not_know(self) -> None:
        """Pages of an archive, tombstones, a hub and regions, in both formats."""
        region, theme = ENTRY.categories
        front = replace(
            FEED,
            entries=(replace(ENTRY, categories=(replace(region, spatial=True), theme)),),
            gone=(Tombstone(id="tag:news.example,2026:stories/x", when=NOON),),
            older="https://news.example/feeds/archive/2",
            hub="https://hub.example/",
        )
        page = replace(front, gone=(), hub="", current=FEED.folder, complete=True)
        for write, name, media in ((atom, "atom.xml", "application/atom+xml"), (rss, "rss.xml", "application/rss+xml")):
            older = f"https://news.example/feeds/archive/2/{name}"
            own = f"https://news.example/feeds/{name}"
            root, archive = etree.fromstring(write(front)), etree.fromstring(write(page))
            assert links(root) == {
                ("self", own, media),
                ("prev-archive", older, media),
                ("next", older, media),
                ("hub", "https://hub.example/", None),
            }
            assert links(archive) == {
                ("self", own, media),
                ("current", own, media),
                ("first", own, media),
                ("prev-archive", older, media),
                ("next", older, media),
            }
            assert [one.text for one in root.iter("{http://purl.org/dc/terms/}spatial")] == ["Guangdong"]
            assert (len(list(root.iter(f"{FH}archive"))), len(list(archive.iter(f"{FH}archive")))) == (0, 1)
            assert list(archive.iter(f"{FH}complete")) == []  # what has pages behind it is not all
            stones = [(one.get("ref"), one.get("when")) for one in root.iter(f"{AT}deleted-entry")]
            gone = [("tag:news.example,2026:stories/x", "2018-07-20T04:00:05Z")]
            assert stones == (gone if write is atom else [])
            assert len(list(etree.fromstring(write(replace(front, complete=True))).iter(f"{FH}complete"))) == 1
        (item,) = etree.fromstring(rss(front)).iter("item")
        assert item.findtext("{http://purl.org/dc/terms/}modified") == "2018-07-20T05:00:05Z"
        related = etree.fromstring(atom(front)).findall(f"{ATOM}entry/{ATOM}link")[1]
        assert (related.get("title"), related.get("type")) == ("Other Paper", None)

    def test_json(self) -> None:
        feed = check_json(json_feed(FEED), "https://news.example/feeds/feed.json", 2)
        assert feed["authors"] == [{"name": "The Desk"}]
        assert feed["language"] == "en"
        items = feed["items"]
        assert isinstance(items, list)
        assert items[0] == {
            "id": "tag:news.example,2026:stories/a",
            "url": "https://wire.example/a?b=1&c=2",
            "title": "Port & rail: a <new> line",
            "content_html": items[0]["content_html"],
            "summary": "A line & a port.",
            "date_published": "2018-07-20T04:00:05Z",
            "date_modified": "2018-07-20T05:00:05Z",
            "authors": [{"name": "Pan Meiling"}],
            "tags": ["Guangdong", "Transport & ports"],
            "language": "en",
        }
        assert "南沙港".encode() in json_feed(FEED)

    def test_a_reader_sees_the_same_in_each(self) -> None:
        for document in (atom(FEED), rss(FEED)):
            parsed = feedparser.parse(document)
            assert parsed.feed.title == "Our Weekly"
            assert [entry.id for entry in parsed.entries] == [ENTRY.id, CHINESE.id]
            assert parsed.entries[0].link == ENTRY.url
            assert [tag.label or tag.term for tag in parsed.entries[0].tags] == ["Guangdong", "Transport & ports"]
            assert parsed.entries[1].title == "南沙港开通新航线"

    def test_a_bare_feed_is_valid(self) -> None:
        bare = Feed(id="tag:news.example,2026:feeds", folder="https://news.example/feeds", url="", title="")
        root = check_atom(atom(bare), "https://news.example/feeds/atom.xml", 0)
        assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
        check_rss(rss(bare), "https://news.example/feeds/rss.xml", 0)
        assert check_json(json_feed(bare), "https://news.example/feeds/feed.json", 0)["items"] == []

    def test_a_bare_entry_is_valid(self) -> None:
        bare = Entry(id="tag:news.example,2026:a", url="", title="", published=NOON, updated=NOON, language="und")
        feed = replace(FEED, entries=(bare,), language="no such language")
        root = check_atom(atom(feed), "https://news.example/feeds/atom.xml", 1)
        assert root.findtext(f"{ATOM}entry/{ATOM}content") == "<p>—</p>"
        assert root.find(f"{ATOM}entry").get(XML_LANG) is None  # type: ignore[union-attr]
        check_rss(rss(feed), "https://news.example/feeds/rss.xml", 1)
        check_json(json_feed(feed), "https://news.example/feeds/feed.json", 1)

    def test_an_id_stands_once(self) -> None:
        twice = replace(FEED, entries=(ENTRY, replace(ENTRY, title="Again"), CHINESE))
        assert atom(twice) == atom(FEED)
        assert rss(twice) == rss(FEED)
        assert json_feed(twice) == json_feed(FEED)

    def test_opml(self) -> None:
        other = replace(FEED, title='A "feed" & <more>', folder="https://news.example/feeds/regions/CN")
        document = opml("Our Weekly", {"Stories": [FEED], "None": [], "Regions": [other]})
        root = etree.fromstring(document)
        assert (root.tag, root.get("version")) == ("opml", "2.0")
        assert root.findtext("head/title") == "Our Weekly"
        assert root.findtext("head/dateModified") == "Fri, 20 Jul 2018 05:00:05 GMT"
        assert [outline.get("text") for outline in root.findall("body/outline")] == ["Stories", "Regions"]
        (line,) = root.findall("body/outline/outline")[1:]
        assert {str(name): value for name, value in line.attrib.items()} == {
            "type": "rss",
            "text": 'A "feed" & <more>',
            "title": 'A "feed" & <more>',
            "xmlUrl": "https://news.example/feeds/regions/CN/atom.xml",
            "htmlUrl": "https://news.example/",
        }


class TestWithout:
    @pytest.mark.parametrize("gone", [ENTRY, CHINESE])
    def test_all_other_lines_stay(self, gone: Entry) -> None:
        feed = replace(FEED, entries=tuple(replace(one, html=f"<p>{one.id}</p>") for one in FEED.entries))
        place = [one.id for one in feed.entries].index(gone.id)
        for name, document, tag in ((ATOM_NAME, atom(feed), "entry"), (RSS_NAME, rss(feed), "item")):
            lines = document.decode().splitlines()
            starts = [at for at, line in enumerate(lines) if line.lstrip().startswith(f"<{tag}")]
            ends = [at for at, line in enumerate(lines) if line.lstrip() == f"</{tag}>"]
            left = without(name, document, Tombstone(id=gone.id, when=NOON)).decode().splitlines()
            del lines[starts[place] : ends[place] + 1]
            if name == ATOM_NAME:
                stone = f'  <at:deleted-entry ref="{gone.id}" when="2018-07-20T04:00:05Z"/>'
                lines.insert(starts[0], stone)
            assert left == lines
        check_atom(without(ATOM_NAME, atom(feed), Tombstone(id=gone.id, when=NOON)), f"{FEED.folder}/atom.xml", 1)
        check_rss(without(RSS_NAME, rss(feed), Tombstone(id=gone.id, when=NOON)), f"{FEED.folder}/rss.xml", 1)

    def test_all_may_go(self) -> None:
        document = atom(FEED)
        for gone in FEED.entries:
            document = without(ATOM_NAME, document, Tombstone(id=gone.id, when=NOON))
        root = check_atom(document, f"{FEED.folder}/atom.xml", 0)
        assert len(root.findall(f"{AT}deleted-entry")) == 2

    def test_an_id_with_an_ampersand(self) -> None:
        feed = replace(FEED, entries=(replace(ENTRY, id="tag:news.example,2026:a&b"), CHINESE))
        stone = Tombstone(id="tag:news.example,2026:a&b", when=NOON)
        check_atom(without(ATOM_NAME, atom(feed), stone), f"{FEED.folder}/atom.xml", 1)
        check_rss(without(RSS_NAME, rss(feed), stone), f"{FEED.folder}/rss.xml", 1)


class TestBytes:
    def test_they_do_not_depend_on_the_time_or_the_writer(self) -> None:
        first = (atom(FEED), rss(FEED), json_feed(FEED))
        time.sleep(1.1)  # a date of now would be another
        writer = Writer()
        for _ in range(2):
            assert (writer.atom(FEED), writer.rss(FEED), writer.json_feed(FEED)) == first
        assert b"2026-" not in first[0].replace(b",2026:", b"")
        year = str(datetime.now(UTC).year).encode()
        assert year not in first[1].replace(b",2026:", b"")

    def test_they_do_not_depend_on_the_process(self) -> None:
        code = "from tests.publish.test_documents import *; import sys; sys.stdout.buffer.write(atom(FEED) + rss(FEED))"
        folder = Path(__file__).parents[2]
        for seed in ("1", "2"):  # of the order in which sets are walked
            other = subprocess.run(
                [sys.executable, "-c", code],
                cwd=folder,
                env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Shanghai", "LC_ALL": "C"},
                capture_output=True,
                check=True,
            )
            assert other.stdout == atom(FEED) + rss(FEED)

    def test_a_millisecond_is_told(self) -> None:
        entry = replace(ENTRY, updated=datetime(2018, 7, 20, 12, 0, 5, 7999, tzinfo=UTC))
        feed = replace(FEED, entries=(entry,))
        assert atom(feed).count(b"<updated>2018-07-20T12:00:05.007Z</updated>") == 2
        assert b"<dcterms:modified>2018-07-20T12:00:05.007Z<" in rss(feed)
        assert json.loads(json_feed(feed))["items"][0]["date_modified"] == "2018-07-20T12:00:05.007Z"

    def test_they_do_not_depend_on_the_zone_of_a_time(self) -> None:
        utc = tuple(
            replace(one, published=one.published.astimezone(UTC), updated=one.updated.astimezone(UTC))
            for one in FEED.entries
        )
        same = replace(FEED, entries=utc)
        assert (atom(same), rss(same), json_feed(same)) == (atom(FEED), rss(FEED), json_feed(FEED))

    def test_the_locale_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Dates are written without switching the locale of the process: beside other threads that is not safe."""

        def refuse(*_: object) -> str:
            raise AssertionError("the locale was touched")

        monkeypatch.setattr(locale, "setlocale", refuse)
        rss(FEED)
        atom(FEED)

    def test_writers_in_many_threads_agree(self) -> None:
        found: list[bytes] = []
        threads = [threading.Thread(target=lambda: found.append(atom(FEED) + rss(FEED))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(found) == {atom(FEED) + rss(FEED)}

    def test_a_change_of_one_entry_changes_that_entry_only(self) -> None:
        changed = replace(CHINESE, title="南沙港开通两条新航线", updated=NOON + timedelta(minutes=5))
        before, after = atom(FEED), atom(replace(FEED, entries=(ENTRY, changed)))
        assert before != after
        cut = re.compile(rb"<entry.*?</entry>", re.DOTALL)
        assert cut.findall(before)[0] == cut.findall(after)[0]
        assert cut.sub(b"", before) == cut.sub(b"", after)

    def test_the_same_entry_in_many_feeds_is_complete_in_each(self) -> None:
        writer = Writer()
        feeds = [replace(FEED, folder=f"https://news.example/feeds/{number}") for number in range(3)]
        for feed in feeds:
            check_atom(writer.atom(feed), f"{feed.folder}/atom.xml", 2)
            check_rss(writer.rss(feed), f"{feed.folder}/rss.xml", 2)
            assert writer.atom(feed) == atom(feed)


HOSTILE = [
    "a\x00b\x07c\x1bd\x85e\u2028f",
    "\ud800\udfff lone",
    "\ufffe\uffff non-characters",
    "<script>alert(1)</script>",
    "]]><!-- <![CDATA[ &amp; &#0; &bogus; %xx",
    "\u202eevil\u2066 rtl \u200f",
    "x" * 5000,
    "😀" * 2000,
    " \t\r\n ",
    '" onmouseover="alert(1)',
    "javascript:alert(1)",
]


class TestHostile:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_no_text_costs_a_feed(self, text: str) -> None:
        bad = Entry(
            id="tag:news.example,2026:bad",
            url=text,
            title=text,
            published=NOON,
            updated=NOON,
            html=f'<p onclick="x">{text}</p><a href="javascript:{text}">x</a><img src="http://a.example/x">',
            summary=text,
            author=text,
            language=text[:12],
            categories=(Category(scheme="tag:news.example,2026:themes", term=text, label=text),),
            related=(Link(url=text, title=text),),
        )
        feed = replace(
            FEED, title=text, subtitle=text, author=text, rights=text, language=text[:9], entries=(bad, ENTRY)
        )
        check_json(json_feed(feed), "https://news.example/feeds/feed.json", 2)
        check_rss(rss(feed), "https://news.example/feeds/rss.xml", 2)
        check_atom(atom(feed), "https://news.example/feeds/atom.xml", 2)
        etree.fromstring(opml(text, {text: [feed]}))

    def test_markup_in_a_title_is_text(self) -> None:
        feed = replace(FEED, entries=(replace(ENTRY, title="<b>Bold</b> & <script>x</script>"),))
        root = etree.fromstring(atom(feed))
        assert root.findtext(f"{ATOM}entry/{ATOM}title") == "<b>Bold</b> & <script>x</script>"
        assert len(root.findall(f"{ATOM}entry/{ATOM}title/*")) == 0
        assert feedparser.parse(atom(feed)).entries[0].title_detail.type == "text/plain"

    @pytest.mark.parametrize("year", [1, 9999])
    def test_the_ends_of_time(self, year: int) -> None:
        zone = timezone(timedelta(hours=9 if year == 1 else -9))
        moment = datetime(year, 1, 1, tzinfo=zone) if year == 1 else datetime(year, 12, 31, 23, tzinfo=zone)
        feed = replace(FEED, entries=(replace(ENTRY, published=moment),))
        assert etree.fromstring(atom(feed)).findtext(f"{ATOM}entry/{ATOM}published", "").startswith(f"{year:04d}-")
        assert f"{year:04d}".encode() in rss(feed)
        assert json.loads(json_feed(feed))["items"][0]["date_published"].startswith(f"{year:04d}-")

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=60))
    def test_any_text_at_all(self, title: str, summary: str, markup: str) -> None:
        entry = replace(ENTRY, title=title, summary=summary, html=markup, author=summary, related=())
        feed = replace(FEED, title=summary, entries=(entry,))
        etree.fromstring(atom(feed))
        etree.fromstring(rss(feed))
        json.loads(json_feed(feed))
