"""The quick reader of feeds against feedparser: it says the same, or leaves the document to it."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.pickup import plain, samples, utf8
from digest.pickup.inside import feeds, quick

RSS = '<rss version="2.0" {spaces}><channel {channel}><title>News</title>{head}{items}</channel></rss>'
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:x="http://unknown.example/"'
)


def rss(*items: str, head: str = "", channel: str = "") -> bytes:
    entries = "".join(f"<item>{one}</item>" for one in items)
    return RSS.format(spaces=SPACES, head=head, items=entries, channel=channel).encode()


def atom(*entries: str, head: str = "", root: str = "") -> bytes:
    inside = "".join(f"<entry>{one}</entry>" for one in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {root}><title>A</title>{head}{inside}</feed>'.encode()


def rdf(item: str, space: str = "http://purl.org/rss/1.0/") -> bytes:
    return (
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{space}"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>R</title></channel>'
        f'<image><title>No</title></image><item rdf:about="http://a.example/1">{item}</item></rdf:RDF>'
    ).encode()


ITEM = "<title>T</title><link>http://a.example/1</link>"
SAME = {
    "plain": rss(f"{ITEM}<guid>http://a.example/1</guid><pubDate>Mon, 01 Jun 2026 10:00:00 GMT</pubDate>"),
    "no title": rss("<description>Only text</description>"),
    "guid as link": rss("<title>T</title><guid>http://a.example/g</guid>"),
    "guid that is no link": rss("<title>T</title><guid isPermaLink='false'>g</guid>"),
    "guid before an empty link": rss("<guid>http://a.example/g</guid><link/>"),
    "link twice": rss("<link>http://a.example/1</link><atom:link href='http://a.example/2'/>"),
    "links of other kinds": rss("<atom:link rel='self' href='/s'/><atom:link rel='alternate' type='text/plain' href='/p'/>"),
    "link with entities": rss("<link>http://a.example/?a=1&amp;amp;b=2&amp;c;</link>"),
    "two titles": rss("<title>First</title><title>Second</title><dc:title>Third</dc:title>"),
    "empty title first": rss("<title/><title>Second</title>"),
    "titles in media": rss("<media:group><media:title>Deep</media:title></media:group><title>Shallow</title>"),
    "title only in media": rss("<media:content><media:title>Deep</media:title></media:content>"),
    "marked-up titles": rss("<title>&lt;b&gt;bold&lt;/b&gt; move</title>", "<title>AT&amp;amp;T</title>", "<title>1 &lt; 2</title>"),
    "title with unknown marks": rss("<title>&lt;foo&gt;x&lt;/foo&gt; &amp;bar;</title>"),
    "description twice": rss("<description>One</description><description>Two &lt;b&gt;b&lt;/b&gt;</description>"),
    "content and description": rss("<content:encoded><![CDATA[<p>a</p><p>b</p>]]></content:encoded><description>d</description>"),
    "description and media": rss("<description>d</description><media:description>m</media:description>"),
    "summaries": rss("<itunes:summary>s</itunes:summary><description>d</description>", "<summary>a</summary><summary>b</summary>"),
    "dates": rss("<dc:date>2026-06-01</dc:date><dcterms:created>2026-05-01</dcterms:created><dcterms:modified>2026-07-01</dcterms:modified>"),
    "authors": rss("<author>a@b.example (A)</author>", "<dc:creator>One</dc:creator><dc:creator>Two</dc:creator>", "<itunes:author>I</itunes:author>"),
    "tags": rss(
        "<category>A</category><category domain='d'>B</category><category>A</category><dc:subject>C</dc:subject>"
        "<media:category label='L'>M</media:category><itunes:keywords>x, y,,</itunes:keywords><media:keywords>z</media:keywords>"
        "<itunes:category text='I'/><category/>"
    ),
    "source": rss("<source url='http://s.example/'>Wire</source>", "<dc:publisher>P</dc:publisher>"),
    "languages": rss("<dc:language>fr</dc:language>", "<content:encoded xml:lang='de_AT'>c</content:encoded>", head="<language>en-us</language>", channel='xml:lang="es"'),
    "unknown elements": rss("<x:thing><title>Not this</title></x:thing><title>This</title>"),
    "Latin-1 that was UTF-8": rss("<title>CafÃ© du coin</title><description>â\u20ac\u2122</description>"),
    "Windows' characters": rss("<title>It&#146;s &#x93;here&#x94; \u0081</title>"),
    "old RSS": RSS.replace("2.0", "0.91").format(spaces="", head="", items=f"<item>{ITEM}</item>", channel="").encode(),
    "strange version": RSS.replace("2.0", "9").format(spaces="", head="", items=f"<item>{ITEM}</item>", channel="").encode(),
    "image and text input": rss(ITEM, head="<image><title>I</title><link>x</link></image><textInput><title>N</title></textInput><link>http://a.example/</link>"),
    "RDF": rdf(f"{ITEM}<dc:date>2026-06-01</dc:date><description>d</description>"),
    "RDF 0.9": rdf(ITEM, "http://my.netscape.com/rdf/simple/0.9/"),
    "Atom": atom(
        "<id>tag:1</id><title type='html'>&lt;i&gt;T&lt;/i&gt;</title><link href='http://a.example/1'/><updated>2026-06-01T00:00:00Z</updated>"
        "<published>2026-05-01T00:00:00Z</published><author><name>N</name><email>e@e.example</email></author><summary>s</summary>"
        "<content type='html'>&lt;p&gt;c&lt;/p&gt;</content><category term='t' label='L'/><category term='u'/>"
    ),
    "Atom with XHTML": atom(
        "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>A &amp; <b class='x'>B</b></div></title>"
        "<content type='xhtml'><x:div xmlns:x='http://www.w3.org/1999/xhtml'><x:p>One</x:p><x:p>Two</x:p></x:div></content>"
    ),
    "Atom without a link": atom("<id>http://a.example/1</id><title>T</title>"),
    "Atom with a source": atom("<title>T</title><source><id>x</id><title>Elsewhere</title></source><author><uri>u</uri></author>"),
    "Atom with text that is XML": atom("<title>T</title><content type='application/xhtml+xml'>a &lt; b</content>"),
    "Atom text with marks": atom("<title>&lt;b&gt;not bold&lt;/b&gt;</title><summary type='text'>a &lt;b&gt;</summary>"),
    "Atom with a base": atom("<title>T</title><link href='1'/><id>x</id>", root='xml:base="http://a.example/"'),
    "Atom and languages": atom("<title>T</title><content xml:lang=''>x</content>", root='xml:lang="zh-CN"'),
    "Atom 0.3": b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>A</title><entry><title>T</title><issued>2026</issued>'
    b'<modified>2027</modified><created>2025</created><content type="text/html" mode="escaped">&lt;p&gt;x&lt;/p&gt;</content></entry></feed>',
    "nothing in it": rss(),
}  # fmt: skip
LEFT = {
    "not well-formed": b"<rss><channel><item></channel></rss>",
    "entities of HTML": rss("<title>a&nbsp;b</title>"),
    "entities of its own": b'<!DOCTYPE rss [<!ENTITY a "b">]><rss version="2.0"><channel><item><title>&a;</title></item></channel></rss>',
    "no feed": b"<html><body/></html>",
    "RDF of nobody": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
    "Atom of nobody": b"<feed><entry/></feed>",
    "markup in a title": rss("<title>a <b>b</b></title>"),
    "markup in a date": rss("<pubDate>a <b>b</b></pubDate>"),
    "author with loose text": atom("<author>x<name>y</name></author>"),
    "base64": atom("<content type='image/png'>aGVsbG8=</content>"),
    "escaped as base64": b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><content mode="base64">aGk=</content></entry></feed>',
    "a body": rss("<body xmlns='http://www.w3.org/1999/xhtml'><p>x</p></body>"),
    "declarations in text": rss("<description>&lt;!DOCTYPE x</description>"),
    "an old base": rss("<link>x</link>", channel='base="http://a.example/"'),
    "categories in categories": rss("<itunes:category text='a'><itunes:category text='b'/></itunes:category>"),
    "a link to nowhere": rss("<link href=''/>"),
    "deep": b"<rss>" + b"<a>" * 300 + b"</a>" * 300 + b"</rss>",
}  # fmt: skip


def said(feed: dict[str, Any]) -> object:
    return feed["link"], feed["language"], feed["problem"], plain(feed)


@pytest.mark.parametrize("name", SAME)
def test_it_says_what_feedparser_says(name: str) -> None:
    ours = quick.parse(SAME[name])
    assert ours is not None
    assert said(ours) == said(feeds.by_feedparser(SAME[name]))
    assert feeds.parse(SAME[name]) == ours


@pytest.mark.parametrize("name", LEFT)
def test_what_it_is_not_sure_of_is_left_to_feedparser(name: str) -> None:
    assert quick.parse(LEFT[name]) is None
    assert feeds.parse(LEFT[name]) == feeds.by_feedparser(LEFT[name])


def test_feeds_as_they_are_found() -> None:
    for kind, data in samples().items():
        document = utf8(data)
        ours = quick.parse(document)
        assert ours is not None, kind
        assert said(ours) == said(feeds.by_feedparser(document)), kind


def test_more_entries_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_MOST", 2)
    assert quick.parse(rss(ITEM, ITEM)) is not None
    assert quick.parse(rss(ITEM, ITEM, ITEM)) is None
