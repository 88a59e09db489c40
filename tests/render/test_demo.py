from __future__ import annotations

from dataclasses import replace

from lxml import html as markup

from tests.render import factory


def test_the_demo_page_shows_all_and_links_only_below_itself() -> None:
    page = factory.renderer().page("demo/index.html", {"demo": factory.demo()})
    tree = markup.document_fromstring(page)
    assert [element.tag for element in tree.iter("h1", "h2", "h3")] == ["h1", "h2", "h2", "h2", "h2", "h3", "h2"]
    assert not list(tree.iter("script", "link", "img"))
    assert {frame.get("sandbox") for frame in tree.iter("iframe")} == {""}
    assert [frame.get("src") for frame in tree.iter("iframe")] == ["mails/ada-2018-W29.html"] * 2
    assert [frame.get("width") for frame in tree.iter("iframe")] == ["360", "720"]
    ids = {element.get("id") for element in tree.iter()}
    for link in tree.iter("a"):
        href = link.get("href") or ""
        assert "//" not in href
        assert not href.startswith("#") or href[1:] in ids
    assert "Ada &lt;b&gt;Chen&lt;/b&gt;" in page
    assert "=\n&lt;script&gt;</pre>" in page
    for text in ("keyword line: “Dongguan”", "primary", "0.92", "250 2.0.0 Ok", "told by an earlier edition", "26"):
        assert text in page


def test_the_demo_page_of_nothing_stands() -> None:
    empty = replace(factory.demo(), facts=(), mails=(), feeds=(), editions=(), ledger=())
    assert "The ledger" in factory.renderer().page("demo/index.html", {"demo": empty}, "zh")


def test_paths_that_lead_elsewhere_are_dropped() -> None:
    demo = factory.demo()
    mail = replace(demo.mails[0], html="https://evil.example/", message="/etc/passwd")
    page = factory.renderer().page("demo/index.html", {"demo": replace(demo, mails=(mail,))})
    assert "evil.example" not in page
    assert "passwd" not in page
    assert "the whole message" not in page
