"""The parsers of pages' links and of lists, called here as the jail's child calls them."""

from __future__ import annotations

from digest.pickup.inside import links, opml


def test_links_of_a_page() -> None:
    page = (
        '<html><head><base href="/b/"><base><link rel="Alternate stylesheet" type="application/rss+xml; charset=x" href=" f ">'
        '<link rel="feed" href="g" title=" G "><link rel="alternate" type="text/css" href="c"><link rel="alternate" href="n">'
        '<link rel="alternate" type="application/atom+xml"></head>'
        '<body><a href="/rss2">x</a><a href="/x"> RSS </a><a href="/grass">no</a><a>feed</a></body></html>'
    )
    assert links.find(page.encode()) == {
        "base": "/b/",
        "named": [{"url": "f", "title": ""}, {"url": "g", "title": "G"}],
        "linked": [{"url": "/rss2", "title": "x"}, {"url": "/x", "title": "RSS"}],
        "problem": "",
    }
    assert links.find(b"")["problem"].startswith("not readable")


def test_outlines_of_a_list() -> None:
    found = opml.parse(
        b'<opml>\n<body><outline text="Folder"><outline TITLE="A" text="B" xmlUrl=" u " htmlUrl="h" type="RSS"/></outline>'
        b'\n<outline text="C"/></body></opml>'
    )
    assert found["problem"] == ""
    assert found["outlines"] == [
        {"line": 2, "title": "A", "url": "u", "page": "h", "kind": "rss"},
        {"line": 3, "title": "C", "url": "", "page": "", "kind": ""},
    ]
    many = b"<opml>" + b"<outline/>" * 20_005 + b"</opml>"
    assert len(opml.parse(many)["outlines"]) == 20_000
    assert opml.parse(b"<x/>")["problem"] == "not an OPML list: <x>"
    assert "not well-formed" in opml.parse(b"<opml>")["problem"]
    assert opml.parse(b'<!DOCTYPE x [<!ENTITY a "b">]><opml/>')["problem"] == "it declares a document type"
