"""What preflight finds, on editions made up for it: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import Edition, Publication, Revision, Rights
from digest.preflight import Facts, Finding, Level, Look, examine
from tests.store.samples import NOW, make_article, make_edition

PUBLICATION = Publication(
    title="Weekly", url="https://weekly.example.com", sender="w@example.com", postal_address="1 Harbour Road"
)
UNSUBSCRIBE = "https://weekly.example.com/unsubscribe/t"
HTML = f'<h1 id="top">x</h1><a href="#top">up</a><a href="{UNSUBSCRIBE}">leave</a><a href="mailto:a@b.example">m</a>'


def sample() -> Edition:
    return make_edition(articles=[make_article(1), make_article(2)])


def look(html: str = HTML, text: str = "1 Harbour Road", **said: object) -> Look:
    return replace(Look(language="English", subject="S", html=html, text=text), **said)  # type: ignore[arg-type] # fields of many kinds


def facts(edition: Edition | None = None, **said: object) -> Facts:
    revision = Revision(edition=edition or sample(), number=1, hash="h", created=NOW)
    plain = Facts(
        revision=revision,
        publication=PUBLICATION,
        looks=(look(),),
        audience=3,
        unsubscribe=UNSUBSCRIBE,
        mailto="leave@example.com",
        signs="example.com",
        bounces="example.com",
        sections={section.key: "Heading" for section in revision.edition.sections},
    )
    return replace(plain, **said)  # type: ignore[arg-type] # fields of many kinds


def found(edition: Edition | None = None, **said: object) -> list[Finding]:
    return list(examine(facts(edition, **said)).findings)


def changed(**said: object) -> Edition:
    """An edition whose first story's lead is another."""
    edition = sample()
    item = edition.items[0]
    story = replace(item.story, lead=replace(item.story.lead, **said))  # type: ignore[arg-type] # fields of many kinds
    return with_story(edition, story)


def with_story(edition: Edition, story: object) -> Edition:
    section, *others = edition.sections
    group, *more = section.groups
    items = (replace(group.items[0], story=story), *group.items[1:])  # type: ignore[arg-type] # a story
    return replace(edition, sections=(replace(section, groups=(replace(group, items=items), *more)), *others))


def test_an_edition_that_is_well_has_nothing_against_it() -> None:
    checked = examine(facts())
    assert [str(one) for one in checked.findings if one.check not in {"dates", "summaries"}] == []
    assert checked.overridable


@pytest.mark.parametrize(
    ("html", "check", "words", "blocks"),
    [
        ('<a href="">x</a>', "links", "a link is empty", True),
        ('<a href="javascript:alert(1)">x</a>', "links", "leads nowhere", True),
        ('<a href="https://[x/">x</a>', "links", "leads nowhere", True),
        ('<a href="/about">x</a>', "links", "leads nowhere", True),
        ('<a href="https:///x">x</a>', "links", "names no server", True),
        ('<a href="#gone">x</a>', "links", "points nowhere in the mail", True),
        ('<a href="http://a.example/x">x</a>', "links", "links to http://a.example are not https", False),
        ('<a name="here"></a><a href="#here">x</a>', "", "", False),
        ('<img src="" alt="">', "images", "an image has no address", True),
        ('<img src="https://a.example/p.png">', "images", "no words", False),
        ('<img src="http://a.example/p.png" alt="x">', "images", "not fetched by https", False),
        ('<img src="https://a.example/p.png" alt="">', "", "", False),
    ],
)
def test_links_and_images(html: str, check: str, words: str, blocks: bool) -> None:
    some = [one for one in found(looks=(look(HTML + html), look(HTML + html))) if one.check in {"links", "images"}]
    if not check:
        assert some == []
        return
    (one,) = some  # once, and not once in each language
    assert (one.check, one.level is Level.BLOCKS) == (check, blocks)
    assert words in one.what


def test_size() -> None:
    (much,) = [one for one in found(looks=(look(HTML + "x" * 103_000),)) if one.check == "size"]
    assert (much.level, much.safe) == (Level.BLOCKS, True)
    (near,) = [one for one in found(looks=(look(HTML + "x" * 95_000),)) if one.check == "size"]
    assert near.level is Level.WARNS
    (cut,) = [one for one in found(looks=(look(trimmed=4),)) if one.check == "size"]
    assert "4 of" in cut.what


def test_a_template_that_does_not_render_blocks() -> None:
    broken = look(html="", text="", fault="body.html:3: 'x' is undefined")
    (one,) = [one for one in found(looks=(broken,), template=("English: no h1",)) if one.level is Level.BLOCKS]
    assert (one.check, one.safe) == ("template", False)
    assert next(one.check for one in found(template=("English: no h1",))) == "template"


@pytest.mark.parametrize(
    ("url", "level", "safe"),
    [
        ("", Level.BLOCKS, False),
        ("http://weekly.example.com/u/t", Level.BLOCKS, True),
        ("http://127.0.0.1:8080/u/t", Level.WARNS, False),
        ("http://localhost:8080/u/t", Level.WARNS, False),
    ],
)
def test_the_one_click_address(url: str, level: Level, safe: bool) -> None:
    html = HTML.replace(UNSUBSCRIBE, url or "https://weekly.example.com/")
    one = next(one for one in found(unsubscribe=url, looks=(look(html),)) if one.check == "unsubscribe")
    assert (one.level, one.safe) == (level, safe)


def test_a_mail_without_a_way_to_leave_blocks() -> None:
    some = [one for one in found(looks=(look("<p>x</p>"),), mailto="") if one.check == "unsubscribe"]
    assert [one.level for one in some] == [Level.BLOCKS, Level.WARNS]


def test_authentication() -> None:
    def said(**more: object) -> list[tuple[str, str]]:
        return [(one.level.value, one.where) for one in found(None, **more) if one.check == "authentication"]

    assert said(signature="dkim.key_file: no such file", signs="") == [("blocks", "dkim.key_file")]
    assert said(signs="") == [("warns", "dkim.key_file")]
    assert said(signs_aligned=False) == [("warns", "dkim.domain")]
    assert said(bounces_aligned=False) == [("warns", "mail.return_path")]


def test_sections() -> None:
    some = [one for one in found(sections={"a": "Asia", "b": "Europe"}) if one.check == "sections"]
    assert [one.what for one in some] == ["nothing stands under Asia, Europe"]
    empty = replace(sample(), sections=())
    (one,) = [one for one in found(edition=empty, sections={"a": "Asia"}) if one.check == "sections"]
    assert one.level is Level.BLOCKS


def test_repeats() -> None:
    item = sample().items[0]
    used = {item.story.lead.uid: "weekly-2018-W28"}
    (one,) = [one for one in found(used=used) if one.check == "repeats"]
    assert (one.level, one.safe, one.story) == (Level.BLOCKS, True, item.story.key)
    (one,) = [one for one in found(used=used, taken=frozenset({item.story.key})) if one.check == "repeats"]
    assert one.level is Level.WARNS


def test_a_story_that_stands_twice() -> None:
    edition = sample()
    twice = replace(edition, sections=(*edition.sections, *edition.sections))
    some = [one for one in found(edition=twice) if one.check == "repeats"]
    assert {one.level for one in some} == {Level.BLOCKS, Level.WARNS}
    assert any("two stories have this headline" in one.what for one in some)


def test_dates() -> None:
    edition = sample()
    said = {
        "no date": changed(published=None),
        "from after the period": changed(published=edition.period.end),
        "older than this digest takes": changed(published=edition.period.start - timedelta(days=9)),
    }
    for words, other in said.items():
        assert words in [one.what for one in found(edition=other) if one.check == "dates"], words


def test_summaries() -> None:
    edition = sample()
    story = edition.items[0].story

    def summaries(*summary: str, rights: Rights = Rights.SUMMARY) -> list[str]:
        other = replace(
            story, lead=replace(story.lead, rights=rights), judgement=replace(story.judgement, summary=summary)
        )
        return [one.what for one in found(edition=with_story(edition, other)) if one.story == story.key]

    assert "no summary" in summaries("  ")
    assert "no summary" not in summaries(rights=Rights.HEADLINE)
    assert any("no news" in one for one in summaries("Subscribe to our newsletter"))
    assert "no headline" in [one.what for one in found(edition=changed(title=" ")) if one.check == "summaries"]


def test_many_of_a_kind_are_counted() -> None:
    edition = sample()
    section = edition.sections[0]
    items = tuple(
        replace(
            edition.items[0],
            number=number,
            story=replace(edition.items[0].story, key=f"k{number}", lead=replace(make_article(number), published=None)),
        )
        for number in range(1, 9)
    )
    many = replace(edition, sections=(replace(section, groups=(replace(section.groups[0], items=items),)),))
    said = [one.what for one in found(edition=many) if one.check == "dates"]
    assert said.count("no date") == 5
    assert "3 more: no date" in said


def test_nobody_and_no_address() -> None:
    assert [one.level for one in found(audience=0) if one.check == "audience"] == [Level.WARNS]
    nowhere = replace(PUBLICATION, postal_address=" ")
    assert [one.level for one in found(publication=nowhere) if one.check == "address"] == [Level.BLOCKS]
    assert [one.level for one in found(looks=(look(text="x"),)) if one.check == "address"] == [Level.BLOCKS]


def test_a_finding_says_where_and_what_to_do() -> None:
    one = Finding(level=Level.BLOCKS, check="links", what="a link is empty", where="English", remedy="mend it")
    assert str(one) == "English: a link is empty (mend it)"
    assert str(replace(one, where="", remedy="")) == "a link is empty"
    checked = examine(facts(publication=replace(PUBLICATION, postal_address="")))
    assert not checked.overridable
    assert next(one.level for one in checked.findings) is Level.BLOCKS
