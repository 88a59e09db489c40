"""Documents of each format: what becomes of their fields, and what is said of bad ones."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.errors import PickupError
from digest.jail import Jail, Limits
from digest.model import Article, Intake, Rights, Source, SourceKind
from digest.pickup import document, read_document
from digest.pickup import read as read_all
from digest.pickup.inside import feeds as feeds_inside
from digest.pickup.inside import html as html_inside
from digest.pickup.inside import markdown as markdown_inside

from .conftest import NOW

Read = Callable[..., tuple[Article, ...]]

MARKDOWN = """---
id: port-7
title: "Norway: the port's new crane"
date: 2021-05-03 09:15
publisher: Harbour News
url: https://Example.org/crane?utm_source=mail#top
section: Shipping
keywords: [Norway, cranes, Norway]
country: NO
language: en-GB
byline: Jane Doe
editor: Ann Poe
teaser: A crane that lifts twice as much.
---

# The crane

OSLO, May 3 (Harbour News) — The port has a *new* crane, says [its owner](https://example.org/owner).
It lifts twice as much.

![a crane](crane.jpg)

> "It is tall," a sailor said.

- one
- two

| a | b |
|---|---|
| 1 | 2 |

<div>Raw <script>alert(1)</script>markup</div>

```
code stays
```
"""


def test_markdown_with_front_matter(read: Read) -> None:
    (article,) = read(MARKDOWN, "crane.md", rights=Rights.FULL, weight=2.0)
    assert (article.id, article.title, article.publisher) == ("port-7", "Norway: the port's new crane", "Harbour News")
    assert article.published == datetime(2021, 5, 3, 9, 15, tzinfo=UTC)
    assert (article.url, article.section, article.keywords) == (
        "https://example.org/crane",
        "Shipping",
        ("Norway", "cranes"),
    )
    assert (article.language, article.byline, article.editor) == ("en", "Jane Doe", "Ann Poe")
    assert (article.dateline, article.agency) == ("OSLO", "Harbour News")
    assert article.teaser == "A crane that lifts twice as much."
    assert (article.rights, article.weight, article.first_seen, article.source) == (Rights.FULL, 2.0, NOW, "drop")
    assert article.paragraphs == (
        "The port has a new crane, says its owner. It lifts twice as much.",
        '"It is tall," a sailor said.',
        "one",
        "two",
        "a | b",
        "1 | 2",
        "Raw markup",
        "code stays",
    )


def test_markdown_without_front_matter_is_called_by_its_heading(read: Read) -> None:
    (article,) = read("# The crane\r\n\r\nThe port has a new crane.\r\n", "crane.md")
    assert (article.title, article.paragraphs, article.id) == (
        "The crane",
        ("The port has a new crane.",),
        "file:crane.md",
    )


def test_front_matter_makes_any_text_markdown(read: Read) -> None:
    (article,) = read("---\ntitle: The crane\nkeywords: Oslo, cranes\n---\nIt is tall.\n", "crane.txt")
    assert (article.title, article.keywords, article.paragraphs) == ("The crane", ("Oslo", "cranes"), ("It is tall.",))


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("---\ntitle: [a\n---\nx", "front matter", 2),
        ("---\ntitle: a\nx", "not closed", 1),
        ("---\n- a\n- b\n---\nx", "not a list of 'name: value' lines", 2),
        ("---\na: &x [1]\nb: *x\n---\nx", "aliases", 3),
        ("---\na: \x07\n---\nx", "front matter", 1),
        ("---\na: " + "[" * 5000 + "\n---\nx", "", None),
        ("---\na: " + "x" * 70_000 + "\n---\nx", "longer than", 1),
        ("---\ntitle: a\ndate: soon\n---\nx", "'soon' is not a date", None),
        ("---\ntitle: a\n---\n", "a title but no text", None),
        ("---\nkeywords: a\n---\n", "neither a title nor a text", None),
    ],
)
def test_bad_markdown_is_named(text: str, what: str, line: int | None, read: Read) -> None:
    with pytest.raises(PickupError) as caught:
        read(text, "sub/bad.md")
    assert what in caught.value.what
    assert caught.value.where == "sub/bad.md"
    assert caught.value.remedy
    assert line is None or caught.value.line == line


def test_a_bomb_of_aliases_is_refused_before_it_grows(read: Read) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    with pytest.raises(PickupError, match="aliases"):
        read(f"---\n{bomb}---\nx", "bomb.md")


HTML = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html lang="en-US"><head><title>Crane arrives - Harbour News</title>
<meta property="article:published_time" content="2021-05-03T10:00:00+02:00">
<meta property="og:site_name" content="Harbour News"><meta name="author" content="By Jane Doe">
<meta name="keywords" content="cranes, Oslo;ports"><meta property="article:section" content="Shipping">
<meta name="description" content="A crane that lifts &amp; turns."><link rel="canonical" href="/news/crane?fbclid=1">
</head><body><nav><a href="/">Home</a> <a href="/w">World</a></nav>
<article><h1>Crane arrives &amp; works</h1>
<p>OSLO, May 3 (Harbour News) -- The port has a new crane, which lifts twice as much as the old one did in its best days.</p>
<p>The owner said on Monday that it would pay for itself within nine years, if the winters are mild.</p>
<p>Sailors have given it a name, and it is not a polite one. (Xinhua)</p></article>
<aside><a href="/x">Most read</a></aside><footer>Copyright 2021 Harbour News</footer></body></html>"""


def test_html_with_meta_elements(read: Read) -> None:
    (article,) = read(HTML, "crane.html", url="https://example.org/")
    assert article.title == "Crane arrives & works"
    assert article.published is not None
    assert article.published.isoformat() == "2021-05-03T10:00:00+02:00"
    assert (article.publisher, article.byline, article.section) == ("Harbour News", "Jane Doe", "Shipping")
    assert article.keywords == ("cranes", "Oslo", "ports")
    assert article.teaser == "A crane that lifts & turns."
    assert article.url == article.id == "https://example.org/news/crane"
    assert article.dateline == "OSLO"
    assert len(article.paragraphs) == 3
    assert article.paragraphs[0].startswith("The port has a new crane")


LINKED = {
    "@graph": [
        {"@type": "WebSite", "name": "no"},
        {
            "@type": ["NewsArticle"],
            "headline": "Crane arrives",
            "datePublished": "2021-05-03T10:00:00Z",
            "author": [{"name": "Jane Doe"}, {"name": "John Roe"}],
            "publisher": {"name": "Xinhua"},
            "editor": "Ann Poe",
            "articleSection": ["Shipping", "World"],
            "keywords": "cranes,Oslo",
            "inLanguage": {"@value": "en"},
        },
    ]
}


def test_html_with_linked_data(read: Read) -> None:
    page = (
        "<html><head><script type='application/ld+json'>{broken</script><script type='application/ld+json'>[1,"
        + json.dumps({"@graph": 3})
        + "]</script><script type='application/ld+json'>"
        + json.dumps(LINKED)
        + "</script><script>var x</script></head><body><p>The port has a new crane, which lifts twice as much.</p></body></html>"
    )
    (article,) = read(page, "crane.htm")
    assert (article.title, article.byline, article.editor) == ("Crane arrives", "Jane Doe, John Roe", "Ann Poe")
    assert (article.publisher, article.section, article.keywords) == ("Xinhua", "Shipping", ("cranes", "Oslo"))
    assert article.paragraphs == ("The port has a new crane, which lifts twice as much.",)


def test_html_without_a_zone_uses_the_publishers(read: Read) -> None:
    page = "<html><meta name=pubdate content='2021-05-03 10:00'><body><h1>Crane</h1><p>The port has a new crane, which lifts more.</p></body></html>"
    (article,) = read(page, "a.html", publisher="Xinhua")
    assert article.published is not None
    assert article.published.isoformat() == "2021-05-03T10:00:00+08:00"
    (article,) = read(page, "a.html", publisher="Xinhua", time_zone="UTC")
    assert article.published == datetime(2021, 5, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "page", ["<html><body></body></html>", "<html><body><img src=x></body></html>", "<!-- x --><html>"]
)
def test_html_without_text_is_refused(page: str, read: Read) -> None:
    with pytest.raises(PickupError, match=r"no article text|not readable"):
        read(page, "a.html")


def test_json_of_our_own_form(read: Read) -> None:
    (article,) = read(
        json.dumps(
            {
                "id": 7, "title": "Crane <b>arrives</b>", "text": "One.\n\nTwo.", "published": "2021-05-03", "publisher": "Harbour News", "section": "Shipping",
                "author": {"name": "Jane Doe"}, "editor": "Ann Poe", "keywords": ["Oslo", {"name": "cranes"}], "language": "en", "summary": "Short.", "dateline": "OSLO",
                "agency": "AP", "url": "https://example.org/7",
            }
        ),
        "a.json",
        time_zone="Europe/Oslo",
    )  # fmt: skip
    assert (article.id, article.title, article.paragraphs) == ("7", "Crane arrives", ("One.", "Two."))
    assert article.published is not None
    assert article.published.isoformat() == "2021-05-03T00:00:00+02:00"
    assert (article.byline, article.editor, article.teaser, article.keywords) == (
        "Jane Doe",
        "Ann Poe",
        "Short.",
        ("Oslo", "cranes"),
    )
    assert (article.dateline, article.agency, article.origin) == ("OSLO", "AP", "a.json")


@pytest.mark.parametrize(
    ("fields", "paragraphs"),
    [
        ({"paragraphs": ["One.", 2, None, {"value": "Three."}]}, ("One.", "2", "Three.")),
        ({"content": ["One.", "Two."]}, ("One.", "Two.")),
        ({"text": "<p>One.</p><p>Two.</p>"}, ("One.", "Two.")),
        ({"content_html": "<p>One.<script>x</script></p>"}, ("One.",)),
        ({"body_xhtml": "<p>One.</p>", "body_text": "  "}, ("One.",)),
        (
            {
                "bodies": [
                    {"contenttype": "text/html", "value": "<p>A</p>"},
                    {"contenttype": "text/plain", "value": "One.\nTwo."},
                    3,
                ]
            },
            ("One.", "Two."),
        ),
        ({"bodies": [{"contenttype": "text/html", "value": "<p>One.</p>"}]}, ("One.",)),
        ({"bodies": [], "teaser": "Only this."}, ()),
    ],
)
def test_json_texts(fields: dict[str, Any], paragraphs: tuple[str, ...], read: Read) -> None:
    (article,) = read(json.dumps({"title": "Crane", **fields}), "a.json")
    assert article.paragraphs == paragraphs


def test_ninjs(read: Read) -> None:
    item = {
        "uri": "urn:newsml:example:7", "type": "text", "versioncreated": "2021-05-03T10:00:00Z", "pubstatus": "usable", "language": "en-US",
        "headlines": [{"role": "short", "value": "No"}, {"role": "main", "value": "Crane arrives"}], "by": "Jane Doe",
        "bodies": [{"role": "main", "contenttype": "text/html", "value": "<p>OSLO (AP) — One.</p>"}], "infosources": [{"name": "AP"}],
        "subjects": [{"name": "shipping", "uri": "x"}], "descriptions": [{"role": "summary", "value": "Short."}],
    }  # fmt: skip
    (article,) = read(json.dumps(item), "a.ninjs")
    assert (article.id, article.title, article.byline, article.publisher) == (
        "urn:newsml:example:7",
        "Crane arrives",
        "Jane Doe",
        "AP",
    )
    assert (article.keywords, article.teaser, article.dateline, article.paragraphs) == (
        ("shipping",),
        "Short.",
        "OSLO",
        ("One.",),
    )
    with pytest.raises(PickupError, match="pubstatus is 'canceled'"):
        read(json.dumps({**item, "pubstatus": "canceled"}), "a.json")


def test_a_json_feed(read: Read) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": "Harbour News", "language": "en", "authors": [{"name": "Desk"}],
        "items": [
            {"id": "1", "url": "https://example.org/1", "title": "Crane", "content_html": "<p>One.</p>", "date_published": "2021-05-03T10:00:00Z", "tags": ["a"]},
            {"id": "2", "content_text": "Two without a title."},
        ],
    }  # fmt: skip
    one, two = read(json.dumps(feed), "feed.json", kind=SourceKind.FEED)
    assert (one.id, one.publisher, one.byline, one.origin) == ("1", "Harbour News", "Desk", "feed.json, entry 1")
    assert (two.title, two.paragraphs) == ("Two without a title.", ("Two without a title.",))


def test_one_bad_entry_does_not_stop_the_rest(jail: Jail) -> None:
    entries = [
        {"title": "A", "text": "One."},
        7,
        {},
        {"title": "B", "text": "x", "date": "soon"},
        {"title": "C", "text": "Two.", "id": True},
    ]
    source = Source(key="drop", kind=SourceKind.FOLDER, location="in")
    reading = read_all(json.dumps(entries).encode(), "list.json", source, now=NOW, zone=UTC, jail=jail)
    assert [article.title for article in reading.articles] == ["A", "C"]
    assert [problem.where for problem in reading.problems] == [
        "list.json, entry 2",
        "list.json, entry 3",
        "list.json, entry 4",
    ]
    assert all(problem.remedy for problem in reading.problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": \n oops}', "not JSON"), ("[" * 100_000, "nested too deeply"), ('{"a": ' + "9" * 5000 + "}", "a number is too long"), ("[]", "an empty list"),
        ("[3]", "not an object"), ("7", "not an object"), (json.dumps([{}] * 5001), "5001 entries"), ('{"title": "x"}', "a title but no text"),
    ],
)  # fmt: skip
def test_bad_json_is_named(text: str, what: str, read: Read) -> None:
    with pytest.raises(PickupError, match=what) as caught:
        read(text, "bad.json")
    assert caught.value.where.startswith("bad.json")
    assert caught.value.remedy
    if what == "not JSON":
        assert caught.value.line == 2


RSS = """<?xml version="1.0" encoding="gb2312"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>港口新闻</title><link>https://example.org/</link><language>zh-cn</language>
<item><title>港口 &amp;amp; 码头</title><link>https://example.org/1?utm_source=rss</link><guid isPermaLink="false">g1</guid>
<description>&lt;p&gt;短文。&lt;/p&gt;</description><content:encoded>&lt;p&gt;第一段。&lt;script&gt;x&lt;/script&gt;&lt;/p&gt;&lt;p&gt;第二段。&lt;/p&gt;</content:encoded>
<pubDate>Mon, 03 May 2021 09:15:00 +0800</pubDate><category>航运</category><dc:creator>张三</dc:creator></item>
<item><title>Same id</title><guid isPermaLink="false">g1</guid><description>Other text.</description></item>
<item><title>Same id</title><guid isPermaLink="false">g1</guid><description>The very same.</description></item>
<item><link>javascript:alert(1)</link><title>&lt;script&gt;alert(1)&lt;/script&gt;No id</title></item>
<item><pubDate>x</pubDate></item>
</channel></rss>"""


def test_rss(jail: Jail) -> None:
    source = Source(key="feed", kind=SourceKind.FEED, location="feed.xml")
    reading = read_all(RSS.encode("gb18030"), "feed.xml", source, now=NOW, zone=UTC, jail=jail)
    first, second, bare = reading.articles
    assert (first.id, first.title, first.publisher, first.language) == ("g1", "港口 & 码头", "港口新闻", "zh")
    assert first.paragraphs == ("第一段。", "第二段。")
    assert (first.teaser, first.url, first.keywords, first.section, first.byline) == (
        "短文。",
        "https://example.org/1",
        ("航运",),
        "航运",
        "张三",
    )
    assert first.published is not None
    assert first.published.isoformat() == "2021-05-03T09:15:00+08:00"
    assert second.id.startswith("g1#")
    assert (bare.title, bare.url, bare.paragraphs) == ("No id", "", ())
    assert bare.id.startswith("text:")
    assert [problem.where for problem in reading.problems] == ["feed.xml, entry 5"]


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Harbour News</title><id>urn:x</id>
<entry><id>tag:example.org,2021:1</id><title type="html">Crane &amp;lt;3</title><link href="https://example.org/1"/>
<updated>2021-05-03T10:00:00Z</updated><author><name>Jane Doe</name></author><summary type="text">Plain &lt; text.
Second line.</summary></entry></feed>"""


def test_atom(read: Read) -> None:
    (article,) = read(ATOM, "feed.atom")
    assert (article.id, article.title, article.paragraphs) == (
        "tag:example.org,2021:1",
        "Crane <3",
        ("Plain < text.", "Second line."),
    )
    assert article.published == datetime(2021, 5, 3, 10, tzinfo=UTC)
    assert (article.byline, article.publisher, article.teaser) == ("Jane Doe", "Harbour News", "")


def test_feeds_are_known_by_their_look_and_broken_ones_give_what_they_hold(jail: Jail) -> None:
    source = Source(key="feed", kind=SourceKind.FOLDER, location="in")
    broken = RSS.replace("</channel></rss>", "<item><title>Cut").replace("gb2312", "utf-8")
    reading = read_all(broken.encode(), "feed.txt", source, now=NOW, zone=UTC, jail=jail)
    assert len(reading.articles) >= 3
    assert reading.problems[0].what.startswith("not well-formed")
    assert reading.problems[0].line


@pytest.mark.parametrize("text", ["<rss><channel></channel>", "<x/>", "no feed at all", '{"version": 3'])
def test_what_is_no_feed_is_named(text: str, read: Read) -> None:
    with pytest.raises(PickupError) as caught:
        read(text, "feed.xml", kind=SourceKind.FEED)
    assert caught.value.remedy


def test_an_empty_feed_is_not_an_error(read: Read) -> None:
    assert read('<rss version="2.0"><channel><title>x</title></channel></rss>', "feed.xml") == ()


def test_feeds_read_no_files_and_expand_nothing(read: Read) -> None:
    evil = (
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        '<rss version="2.0"><channel><title>x</title><item><title>T &f; &b;</title><description>root</description></item></channel></rss>'
    )
    (article,) = read(evil, "feed.xml")
    assert ":0:0:" not in article.title
    assert "haha" not in article.title


def test_a_bomb_costs_only_its_document() -> None:
    attributes = " ".join(f"a{number}='1'" for number in range(120_000))
    bomb = f'<rss version="2.0"><channel><item><title {attributes}>x&nbsp;</title></item></channel></rss>'
    source = Source(key="feed", kind=SourceKind.FEED, location="feed.xml")
    with Jail(Limits(cpu_seconds=1, wall_seconds=5)) as jail:
        with pytest.raises(PickupError, match=r"too much for its parser \(time"):
            read_document(bomb.encode(), "feed.xml", source, now=NOW, zone=UTC, jail=jail)
        assert len(read_document(ATOM.encode(), "feed.xml", source, now=NOW, zone=UTC, jail=jail)) == 1


def test_limits_of_files_and_articles(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PickupError, match="at most 10000000 are read"):
        read(b"x" * 10_000_001)
    for empty in (b"", b" \n\t "):
        with pytest.raises(PickupError, match="empty"):
            read(empty)
    with pytest.raises(PickupError, match="split it into articles"):
        read(json.dumps({"title": "x", "paragraphs": ["a b"] * 5001}), "a.json")
    monkeypatch.setattr("digest.pickup.feed._MAX_ENTRIES", 1)
    source = Source(key="drop", kind=SourceKind.FOLDER, location="in")
    with Jail() as jail:
        reading = read_all(RSS.encode("gb18030"), "feed.xml", source, now=NOW, zone=UTC, jail=jail)
    assert len(reading.articles) == 1
    assert "the first 1 were taken" in reading.problems[0].what


def test_long_fields_are_cut_and_odd_ones_cleaned(read: Read) -> None:
    (article,) = read(
        json.dumps(
            {
                "title": "A \u202eb " * 200,
                "text": "x\u0000y.",
                "keywords": [f"k{n}" for n in range(99)],
                "section": "s" * 999,
                "id": "i" * 900,
            }
        ),
        "a.json",
    )
    assert len(article.title) <= 400
    assert "\u202e" not in article.title
    assert article.paragraphs == ("xy.",)
    assert len(article.keywords) == 50
    assert len(article.section) == 200
    assert article.id.startswith("sha256:")


# Identity: what an operator does to a file must do what they mean.


def test_an_edited_file_is_a_new_version_of_its_article(read: Read) -> None:
    page = "Crane arrives\n2021-05-03 10:00\nThe port has a new crane, which lifts twice as much as the old one.\n"
    (before,), (after,) = read(page), read(page.replace("arrives", "has arrived").replace("twice", "three times"))
    assert before.id == after.id == "file:page.txt"
    assert before.uid == after.uid
    assert before.content_hash != after.content_hash


def test_a_claimed_file_may_be_called_what_it_likes(read: Read) -> None:
    page = "Crane arrives\n2021-05-03 10:00\nThe port has a new crane, which lifts twice as much as the old one.\n"
    (first,), (again,) = (
        read(page, "a.txt", intake=Intake.CLAIM),
        read(page.replace("twice", "thrice"), "b.txt", intake=Intake.CLAIM),
    )
    (other,) = read(page.replace("Crane arrives", "Crane falls"), "a.txt", intake=Intake.CLAIM)
    assert first.id == again.id != other.id


def test_an_address_goes_before_a_name_and_an_id_before_both(read: Read) -> None:
    text = {"title": "Crane", "text": "One.", "url": "https://example.org/1?utm_medium=x", "id": "seven"}
    assert read(json.dumps(text), "a.json")[0].id == "seven"
    del text["id"]
    assert read(json.dumps(text), "b.json")[0].id == "https://example.org/1"
    del text["url"]
    assert read(json.dumps(text), "c.json")[0].id == "file:c.json"
    assert read(json.dumps([text, {**text, "title": ""}]), "c.json")[0].id.startswith("text:")


def test_a_page_without_an_address_is_linked_below_its_source(read: Read) -> None:
    text = json.dumps({"title": "Crane", "text": "One."})
    assert (
        read(text, "sub/ü.json", url="https://example.org/files/")[0].url == "https://example.org/files/sub/%C3%BC.json"
    )
    assert read(text, "a.json", url="https://example.org/home")[0].url == "https://example.org/home"
    assert read(text, "a.json")[0].url == ""


def test_a_signature_of_another_agency_stays(read: Read) -> None:
    (article,) = read(json.dumps({"title": "x", "paragraphs": ["BEIJING (AP) — One.", "Two. (Xinhua)"]}), "a.json")
    assert (article.agency, article.paragraphs) == ("AP", ("One.", "Two. (Xinhua)"))
    (article,) = read(json.dumps({"title": "x", "paragraphs": ["One.", "Two. (Xinhua)"]}), "a.json")
    assert (article.agency, article.publisher, article.paragraphs) == ("Xinhua", "Xinhua", ("One.", "Two."))


# The parsers of the jail, in this process, so that their lines are seen.


def test_the_parsers_in_the_open() -> None:
    feed = feeds_inside.parse(RSS.replace('encoding="gb2312"', "").encode())
    assert [entry["id"] for entry in feed["entries"][:1]] == ["g1"]
    assert feeds_inside.parse(b"<rss><channel>")["problem"]
    assert feeds_inside.parse(ATOM.encode())["entries"][0]["summary"] == {
        "html": False,
        "text": "Plain < text.\nSecond line.",
    }
    page = html_inside.extract(HTML.split("?>", 1)[1].encode())
    assert page["title"] == "Crane arrives & works"
    assert page["paragraphs"][0] == "Crane arrives & works"  # the headline is dropped by the reader
    linked = f"<script type='application/ld+json'>{json.dumps(LINKED)}</script><script type='application/ld+json'>[1]</script>"
    linked += "<script type='application/ld+json'>{</script><script type='application/ld+json'>{\"@graph\": 3}</script><p>A b.</p>"
    assert html_inside.extract(linked.encode())["byline"] == "Jane Doe, John Roe"
    assert html_inside.extract(linked.encode())["paragraphs"] == ["A b."]
    assert html_inside.extract(b"")["problem"]
    assert html_inside._of_linked_data({"keywords": 3})["keywords"] == []
    assert markdown_inside.parse(MARKDOWN.encode())["heading"] == "The crane"
    for bad in (
        "---\nx",
        "---\na: [\n---\n",
        "---\n- a\n---\n",
        "---\na: &x 1\nb: *x\n---\n",
        "---\n" + "a" * 70_000 + "\n---\n",
        "---\na: \x07\n---\n",
    ):
        assert markdown_inside.parse(bad.encode())["problem"]
    assert markdown_inside.parse(("---\na: " + "[" * 3000 + "\n---\n").encode())["problem"]
    assert markdown_inside.parse(b"---\n---\n    code\n")["paragraphs"] == [{"text": "code\n", "html": False}]


def test_formats_are_told_by_look_where_the_name_does_not_say() -> None:
    source = Source(key="drop", kind=SourceKind.FOLDER, location="in")
    feed = Source(key="feed", kind=SourceKind.FEED, location="x")
    told = [
        document._format("<!DOCTYPE html><p>", "a.txt", source), document._format("<html>", "a.xml", source), document._format('{"a": 1}', "a", source),
        document._format("<?xml version='1.0'?><rdf:RDF>", "a", source), document._format("words", "a.bin", source), document._format("[]", "a", feed),
        document._format("words", "a", feed), document._format("---\ntitle: x\n---", "a", source),
    ]  # fmt: skip
    assert told == ["html", "html", "json", "feed", "page", "json", "feed", "markdown"]


def feed_of(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>N</title>{"".join(f"<item>{item}</item>" for item in items)}</channel></rss>'


def test_addresses_keep_the_place_on_the_page(read: Read) -> None:
    links = ["/log#v2", "/log#v1", "/a#comments", "/b#xtor=RSS-1", "/c#", "/d#:~:text=x"]
    articles = read(feed_of(*(f"<title>{n}</title><link>https://a.example{n}</link>" for n in links)), "feed.xml")
    assert [article.url.removeprefix("https://a.example") for article in articles] == [
        "/log#v2",
        "/log#v1",
        "/a",
        "/b",
        "/c",
        "/d",
    ]
    assert len({article.id for article in articles}) == len(links)
    (article,) = read(feed_of("<title>t</title><link>http://[x</link>"), "feed.xml", url="https://a.example/")
    assert article.url == "https://a.example/feed.xml"


def test_text_that_would_run_if_nobody_escaped_it(read: Read) -> None:
    article, _ = read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title type="text">The &lt;script&gt; tag &lt; 2</title>'
        '<author><name>&lt; svg onload=x</name></author><category term="&amp;lt;iframe&gt;"/>'
        '<content type="text">a &lt;IMG src=x onError=y&gt; &lt;b&gt; &lt; / script&gt;</content></entry><entry><title>2</title></entry></feed>',
        "feed.xml",
    )
    assert article.title == "The ‹script> tag < 2"
    assert article.byline == "‹ svg onload=x"
    assert article.keywords == ("‹iframe>",)
    assert article.paragraphs == ("a ‹IMG src=x onError=y> <b> ‹ / script>",)


def test_descriptions_that_forgot_to_close_their_tags(read: Read) -> None:
    for well_formed in ("", "<broken>"):
        (article,) = read(
            feed_of(f"<title>t</title><description>One.&lt;br clear=all&gt;Two.</description>{well_formed}"), "feed.xml"
        )
        assert article.paragraphs == ("One.", "Two.")


@pytest.mark.parametrize("bomb", ["<!---->" * 60, "<!---->" * 20_000, "<?a>" * 20_000, "<!doctype a>" * 20_000])
def test_what_a_document_is_costs_no_more_than_reading_it(read: Read, bomb: str) -> None:
    with pytest.raises(PickupError):
        read(bomb, "a.xml")
    with contextlib.suppress(PickupError):
        read(bomb, "a")
