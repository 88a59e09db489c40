from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as markup

from digest.errors import TemplateError
from digest.model import Copy, Edition, Evidence, Length, RegionTag, Related, Rights, Role
from digest.render import Renderer
from digest.render.text import width
from tests.render import factory, golden


def sent(edition: Edition, **reader: object) -> Copy:
    return factory.renderer().copy(edition, factory.reader(**reader))


def tree(html: str) -> markup.HtmlElement:
    return markup.document_fromstring(html)


def words(html: str) -> str:
    return " ".join(tree(html).find("body").text_content().split())


# What it looks like ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(golden.made()))
def test_it_looks_as_it_did(name: str) -> None:
    """A wanted change: python -m tests.render.golden, and look at the difference."""
    assert golden.made()[name] == (golden.FOLDER / name).read_text(encoding="utf-8")


def test_forty_stories_fit() -> None:
    for language in ("en", "zh-Hans"):
        copy = sent(factory.large(40), language=language)
        assert copy.items == 40
        assert len(copy.html.encode()) <= 90_000


@pytest.mark.parametrize("length", list(Length))
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_structure(language: str, length: Length) -> None:
    copy = sent(factory.large(40), language=language, length=length)
    page = tree(copy.html)
    levels = [int(element.tag[1]) for element in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.get("lang") == language
    assert page.get("dir") == "ltr"
    assert all(table.get("role") == "presentation" for table in page.iter("table"))
    assert not list(page.iter("img", "svg", "script", "link", "iframe", "form", "input"))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for href in page.xpath("//a/@href"):
        assert re.match(r"https://|mailto:", href) or href.removeprefix("#") in ids, href
    assert all(link.text_content().strip() for link in page.iter("a"))
    assert not page.xpath("//table[@width or @height or @bgcolor or @align] | //td[@width or @height or @bgcolor]")


def test_the_markup_is_well_formed() -> None:
    html = sent(factory.large(40)).html
    open_tags: list[str] = []
    for tag in re.finditer(r"<!--.*?-->|<(/?)([a-z0-9]+)[^>]*>", html, re.DOTALL):
        if tag[2] in {None, "meta", "br"}:
            continue
        if tag[1]:
            assert open_tags.pop() == tag[2]
        else:
            open_tags.append(tag[2])
    assert open_tags == []
    assert html.startswith("<!DOCTYPE html>\n<html")


def test_outlook_and_the_dark_are_provided_for() -> None:
    html = sent(factory.small()).html
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 4
    assert '<table role="presentation" width="640"' in html
    head = html.partition("</head>")[0]
    for wanted in (
        "prefers-color-scheme: dark",
        "[data-ogsc]",
        "[data-ogsb]",
        "max-width: 520px",
        "!important",
        "Microsoft YaHei",
    ):
        assert wanted in head
    assert '<meta name="color-scheme" content="light dark">' in head
    inlined = html.partition("</head>")[2]
    assert "!important" not in inlined
    assert not re.search(r"(?:flex|grid|position|float|height)\s*:(?!\d+px)", re.sub(r"line-height:\d+px", "", inlined))


def _luminance(colour: str) -> float:
    if len(colour) == 4:
        colour = "#" + "".join(digit * 2 for digit in colour[1:])
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _pairs(element: markup.HtmlElement, colour: str, ground: str) -> Iterator[tuple[str, str, str]]:
    style = element.get("style") or ""
    colour = match[1] if (match := re.search(r"(?<!-)color:(#\w+)", style)) else colour
    ground = match[1] if (match := re.search(r"background-color:(#\w+)", style)) else ground
    if element.text and element.text.strip() and isinstance(element.tag, str) and "display:none" not in style:
        yield colour, ground, element.text.strip()
    for child in element:
        yield from _pairs(child, colour, ground)


def test_contrast_is_enough_to_read() -> None:
    """WCAG 2.2, 1.4.3 (AA): 4.5 to 1."""
    body = tree(sent(factory.small()).html).find("body")
    for colour, ground, text in _pairs(body, "#000000", "#ffffff"):
        light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (colour, ground, text)


def test_text_is_laid_out_in_72_columns() -> None:
    for language in ("en", "zh-Hans"):
        for line in sent(factory.large(40), language=language).text.split("\n"):
            assert width(line) <= 74 or line.strip().startswith("https://"), line
            assert line == line.rstrip()


def test_text_and_html_say_the_same() -> None:
    edition = factory.large(40)
    copy = sent(edition)
    said, plain = words(copy.html), " ".join(copy.text.split())
    for item in edition.items:
        assert item.story.lead.title in said
        assert re.sub(r"\s", "", item.story.lead.title) in re.sub(r"\s", "", plain)
        assert said.count(item.story.judgement.summary[0]) >= 1


def test_contents_count_what_is_there() -> None:
    copy = sent(factory.small())
    assert "6 stories · 4 publishers" in copy.text
    assert re.search(r"^Guangdong \.+ 3$", copy.text, re.MULTILINE)
    assert re.search(r"^Trade \.+ 2$", copy.text, re.MULTILINE)
    assert "6 stories · 4 publishers" in words(copy.html)
    rows = tree(copy.html).xpath("//tr[.//a[contains(@href, '#r-')]]")
    assert [
        words(row.text_content()) for row in rows if row.getparent().xpath("ancestor::div[@role='navigation']")
    ] == [
        "Guangdong 3",
        "Israel 3",
    ]


def test_rendering_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: opened.append(address))
    sent(factory.large(40), language="zh")
    assert opened == []


def test_the_same_edition_is_the_same_bytes() -> None:
    assert sent(factory.large(40)) == sent(factory.large(40))


# What an item shows ----------------------------------------------------------------------------------------------


def test_rights_of_a_headline_show_no_more() -> None:
    lead = factory.article("x", "A headline", rights=Rights.HEADLINE)
    copy = sent(factory.one(lead))
    assert "A headline" in copy.text
    for part in (copy.text, copy.html):
        assert lead.paragraphs[0][:30] not in part


def test_headlines_only_is_short() -> None:
    full, short = (sent(factory.large(40), length=length) for length in (Length.FULL, Length.HEADLINES))
    assert len(short.html) < len(full.html) * 0.75
    assert "Officials said" not in short.text + short.html
    assert "Why here" not in short.text
    assert "Top stories" not in words(short.html)
    assert short.text.count("[Editor’s choice]") == 1
    assert short.items == 40


def test_dates_are_those_of_the_publications_zone() -> None:
    late = datetime(2018, 7, 19, 20, 0, tzinfo=UTC)
    lead = factory.article("x", "A headline", published=late)
    assert "· 20 Jul" in sent(factory.one(lead)).text  # Shanghai
    london = factory.renderer(replace(factory.PUBLICATION, time_zone="Europe/London"))
    assert "· 19 Jul" in london.copy(factory.one(lead), factory.reader()).text
    assert (
        "· 31 Dec 2017"
        in london.copy(factory.one(replace(lead, published=datetime(2017, 12, 31, tzinfo=UTC))), factory.reader()).text
    )


def test_no_date_is_shown_where_there_is_none() -> None:
    assert "Harbour Times · Guangdong\n" in sent(factory.one(factory.article("x", "A headline", published=None))).text


@pytest.mark.parametrize(
    ("dateline", "language", "shown"),
    [
        ("JERUSALEM", "en", "Jerusalem"),
        ("JERUSALEM", "zh", "耶路撒冷"),
        ("广州", "en", "Guangzhou"),
        ("NOWHEREVILLE ON SEA", "en", "Nowhereville On Sea"),
        ("Nowhereville-les-Bains", "en", "Nowhereville-les-Bains"),
        ("", "en", "Guangdong"),
        ("", "zh", "广东"),
    ],
)
def test_places_are_named_in_the_readers_language(dateline: str, language: str, shown: str) -> None:
    copy = sent(factory.one(factory.article("x", "A headline", dateline=dateline)), language=language)
    assert f"Harbour Times · {shown} · " in copy.text


def test_publishers_are_named_by_what_is_known() -> None:
    def line(**changes: object) -> str:
        return sent(factory.one(factory.article("x", "A headline", **changes))).text

    assert "    Northern Wire · " in line(publisher="", agency="Northern Wire")
    assert "    news.example · " in line(publisher="", agency="")
    assert "    Guangdong · 20 Jul" in line(publisher="", agency="", url="")


def test_a_story_without_anything_but_a_title_stands() -> None:
    lead = factory.article("x", "Bare", publisher="", url="", published=None, paragraphs=())
    told = factory.story(lead, theme="")
    bare = replace(told, judgement=replace(told.judgement, regions=(), summary=()))
    edition = factory.edition((factory.section("CN-GD", bare, theme=""),))
    copy = sent(edition)
    assert "1.   Bare\n     https://digest.example/" in copy.text
    online = factory.renderer().online(edition, "en")
    assert re.search(r'<h3 class="headline"[^>]*>Bare</h3>', online)
    assert 'class="meta"' not in online


def test_others_are_named_once_and_not_the_lead() -> None:
    others = tuple(
        factory.article(str(number), "Again", publisher=name, url=url)
        for number, (name, url) in enumerate(
            [
                ("Levant Business", ""),
                ("Levant Business", "https://levant.example/"),
                ("Harbour Times", ""),
                ("Wire", "https://wire.example/"),
            ]
        )
    )
    copy = sent(factory.one(factory.article("x", "A headline"), also=others))
    assert "Also reported by Levant Business, Wire\n" in copy.text
    assert 'href="https://wire.example/"' in copy.html


def test_the_strongest_reasons_are_given() -> None:
    lead = factory.article("x", "A headline")
    told = factory.story(lead)
    tags = (
        RegionTag(region="JP", role=Role.PRIMARY, score=0.3),
        RegionTag(
            region="CN",
            role=Role.MENTIONED,
            score=0.1,
            evidence=(Evidence(where="text", text="nobody", rule="", weight=9),),
        ),
        RegionTag(
            region="CN-GD",
            role=Role.PRIMARY,
            score=1,
            evidence=(
                Evidence(where="text", text="weak", rule="", weight=0.1),
                Evidence(where="title", text="strong <b>", rule="", weight=0.5),
                Evidence(where="containment", text="inherited", rule="", weight=0.9),
            ),
        ),
    )
    story = replace(told, judgement=replace(told.judgement, regions=tags, themes=()))
    copy = sent(factory.edition((factory.section("CN-GD", story),)))
    assert "Why here: Guangdong: “strong <b>” (headline)\n" in copy.text
    assert "“strong &lt;b&gt;”" in copy.html
    assert (
        "收录理由：广东：“strong <b>”（标题）"
        in sent(factory.edition((factory.section("CN-GD", story),)), language="zh").text
    )


def test_a_chinese_item_is_marked_in_an_english_report_and_the_other_way_round() -> None:
    english, chinese = (tree(sent(factory.small(), language=language).html) for language in ("en", "zh-Hans"))
    assert {h.get("lang") for h in english.xpath("//*[contains(@class, 'headline')]")} == {None, "zh"}
    assert {h.get("lang") for h in chinese.xpath("//*[contains(@class, 'headline')]")} == {None, "en"}
    assert all("zh" in h.get("class") for h in english.xpath("//h4[@lang='zh']"))


@pytest.mark.parametrize("language", ["und", "", 'en"onclick=', "x", "en-GB", "EN"])
def test_a_language_that_says_nothing_is_not_marked(language: str) -> None:
    page = tree(sent(factory.one(factory.article("x", "A headline", language=language))).html)
    assert page.xpath("//*[contains(@class, 'headline')]/@lang") == []


# What an edition shows -------------------------------------------------------------------------------------------


def test_few_items_are_not_told_twice() -> None:
    edition = factory.small()
    few = replace(edition, sections=edition.sections[:1])
    text = sent(few).text
    assert "TOP STORIES" not in text
    assert "IN THIS EDITION" not in text
    assert text.count("Dongguan opens a trade office in Tel Aviv") == 2  # among what mattered, and in its place
    assert "[Editor’s choice]" in text


def test_an_edition_without_choice_note_or_top_stands() -> None:
    edition = replace(factory.large(8), top=(), choice=(), note="")
    copy = sent(edition)
    assert "TOP STORIES" not in copy.text
    assert copy.subject.endswith(edition.items[0].story.lead.title)


def test_an_edition_without_items_has_a_subject() -> None:
    copy = sent(factory.edition(()))
    assert copy.subject == "China Partners Weekly, 16–22 July 2018"
    assert copy.items == 0


def test_empty_sections_are_left_out_and_keys_stand_in_for_names() -> None:
    section = factory.section("JP", factory.story(factory.article("x", "A headline")), names={})
    empty = factory.section("US")
    copy = sent(factory.edition((empty, section)))
    assert "JAPAN\n=====" in copy.text
    assert "United States" not in copy.html


def test_a_section_of_cross_references_alone_is_not_counted() -> None:
    edition = factory.small()
    israel = replace(edition.sections[1], groups=())
    copy = sent(replace(edition, sections=(edition.sections[0], israel)))
    assert "ISRAEL\n======\n\nSee also:\n1.   Dongguan" in copy.text
    assert "IN THIS EDITION" not in copy.text
    assert tree(copy.html).xpath("//a[contains(@href, '#r-')]") == []


def test_a_publication_without_extras_stands() -> None:
    bare = replace(factory.PUBLICATION, tagline="", copyright="", feedback="", samples=False, url="")
    copy = factory.renderer(bare).copy(factory.small(), factory.reader())
    assert "Sample data" not in copy.text + copy.html
    assert "Feedback: weekly@digest.example" in copy.text
    assert "12 Harbour Road" in copy.html


def test_sample_data_is_said_so() -> None:
    copy = sent(factory.small())
    assert "* Sample data" in copy.text
    assert "Sample data" in words(copy.html)


def test_online_is_for_everyone() -> None:
    renderer = factory.renderer()
    page, text = renderer.online(factory.small(), "zh-CN"), renderer.online_text(factory.small(), "en")
    for part in (page, text):
        assert "unsubscribe" not in part.lower()
        assert "退订" not in part
        assert ".invalid" not in part
    assert 'lang="zh-Hans"' in page
    assert 'role="main"' in page
    assert f'id="s-{factory.small().items[0].story.key}"' in page
    assert "Dongguan opens a trade office in Tel Aviv" in text


def test_a_publication_at_another_address_links_to_its_own_editions() -> None:
    renderer = Renderer(
        publication=factory.PUBLICATION,
        template_folders=[factory.ROOT / "templates"],
        locale_folder=factory.ROOT / "locale",
        places=factory.places(),
        themes=factory.THEMES,
        token=lambda: "e" * 16,
    )
    assert (
        "https://digest.example/editions/weekly-2018-W15#s-77aa77aa77aa77aa"
        in renderer.copy(factory.small(), factory.reader()).text
    )
    assert renderer.language("zh-CN") == "zh-Hans"


# Hostile content -------------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>Gone",
    "{{ 7 * 7 }} {% include 'x' %}",
    "<!--[if mso]><style>@import url(http://127.0.0.1:9/)</style><![endif]-->",
    "a\x00b\x1b[31mc\u2028d\r\nSubject: e",
    "\u202eevil\u202c \u2067rtl",
    "https://m000.invalid/ %(title)s %s {0}",
    "--> ]]> &amp; &#x3c;script&#x3e;",
    "ｗｉｄｅ 广东 é̂̃̄̅ 👩‍👩‍👧‍👦",
]


def hostile(text: str) -> Edition:
    lead = factory.article(
        "x",
        text,
        publisher=text,
        dateline=text,
        language=text,
        url=f"https://news.example/{text}",
        paragraphs=(text, text),
    )
    told = factory.story(lead, also=(factory.article("y", text, publisher=f"{text}2", url=text),))
    related = Related(story=text, title=text, edition=text, period=text)
    edition = factory.edition((factory.section("CN-GD", replace(told, related=(related,)), names={"en": text}),))
    return replace(edition, title=text, note=text, choice=(told.key,))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_text(text: str) -> None:
    copy = sent(hostile(text), name=text)
    page = tree(copy.html)
    assert not list(page.iter("script", "img", "iframe", "object"))
    assert len(list(page.iter("h1"))) == 1
    assert len(page.xpath("//style")) == 1
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert all(re.match(r"https://|mailto:|#", href) for href in page.xpath("//a/@href"))
    for part in (copy.subject, copy.text.replace("\n", ""), copy.html.replace("\n", "")):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066\u2067]", part)
        assert part.count("\u2068") == part.count("\u2069")
    assert "\n" not in copy.subject
    assert "49" not in copy.text.replace("2049", "")


@settings(max_examples=12, deadline=None)
@given(st.text(min_size=1, max_size=120))
def test_no_text_breaks_a_mail(text: str) -> None:
    copy = sent(hostile(text), name=text)
    page = tree(copy.html)
    assert len(list(page.iter("h1"))) == 1
    assert not list(page.iter("script", "img"))
    assert len(copy.subject.splitlines()) == 1


def test_a_title_of_five_thousand_characters_is_cut_at_a_word() -> None:
    copy = sent(factory.one(factory.article("x", "harbour " * 625)))
    assert width(copy.subject) <= 150
    assert copy.subject.endswith("harbour…")
    assert max(map(len, copy.text.split("\n"))) <= 90
    shown = tree(copy.html).xpath("//h4[contains(@class, 'headline')]")[0].text_content()
    assert len(shown) <= 240
    assert shown.endswith("harbour…")


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u202e", "\x00"])
def test_an_empty_title_is_named(title: str) -> None:
    copy = sent(factory.one(factory.article("x", title)))
    assert "1.   (untitled)" in copy.text
    assert "(untitled)" in words(copy.html)
    assert "（无标题）" in sent(factory.one(factory.article("x", title)), language="zh").subject


def test_right_to_left_titles_are_fenced() -> None:
    copy = sent(factory.one(factory.article("x", "נמל חיפה פותח")))
    for part in (copy.text, copy.html):
        assert "\u2068נמל חיפה פותח\u2069" in part
    assert copy.subject == "\u2068China Partners Weekly, 16–22 July 2018: נמל חיפה פותח\u2069"


def test_a_link_that_may_not_stand_is_replaced_by_the_online_view() -> None:
    edition = factory.one(factory.article("x", "A headline", url="javascript:alert(1)"))
    copy = sent(edition)
    assert "javascript" not in copy.text + copy.html
    assert f"https://digest.example/editions/weekly-2018-W29.html#s-{edition.items[0].story.key}" in copy.html


# A publication's own templates -------------------------------------------------------------------------------------


def own(folder: Path, name: str, content: str) -> Path:
    path = folder / "email" / "weekly-report" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_one_file_may_be_overridden(tmp_path: Path) -> None:
    own(tmp_path, "subject.txt", "\n  Ours: {{ edition.week }}\n  & more\n")
    copy = factory.renderer(factory.PUBLICATION, tmp_path).copy(factory.small(), factory.reader())
    assert copy.subject == "Ours: 2018-W29 & more"
    assert "Dongguan" in copy.text


def test_an_empty_subject_is_refused(tmp_path: Path) -> None:
    path = own(tmp_path, "subject.txt", " \n ")
    with pytest.raises(TemplateError, match="subject is empty") as caught:
        factory.renderer(factory.PUBLICATION, tmp_path).copy(factory.small(), factory.reader())
    assert caught.value.where == str(path)


@pytest.mark.parametrize("name", ["body.txt", "body.html"])
def test_no_edition_leaves_without_an_unsubscribe_link(tmp_path: Path, name: str) -> None:
    path = own(tmp_path, name, "<p>{{ edition.title }}</p>")
    renderer = factory.renderer(factory.PUBLICATION, tmp_path)
    with pytest.raises(TemplateError, match="unsubscribe") as caught:
        renderer.copy(factory.small(), factory.reader())
    assert caught.value.where == str(path)


def test_a_stylesheet_that_loads_is_named_with_its_line(tmp_path: Path) -> None:
    path = own(tmp_path, "style.css", "p { color: red; }\n\n@import url(http://127.0.0.1:9/x.css);")
    with pytest.raises(TemplateError) as caught:
        factory.renderer(factory.PUBLICATION, tmp_path).copy(factory.small(), factory.reader())
    assert (caught.value.where, caught.value.line) == (str(path), 3)


def test_materials_are_all_that_shapes_the_mail(tmp_path: Path) -> None:
    before = factory.renderer().materials("weekly-report")
    assert before == factory.renderer().materials("weekly-report")
    folder = "email/weekly-report/"
    own_files = {name.removeprefix(folder) for name in before if name.startswith(folder)}
    assert own_files == {"adaptive.css", "style.css", "body.html", "body.txt", "subject.txt"}
    assert any(name.startswith("locale/zh_Hans") for name in before)
    path = own(tmp_path, "style.css", "p { color: red; }")
    after = factory.renderer(factory.PUBLICATION, tmp_path).materials("weekly-report")
    assert {name for name in after if after[name] != before[name]} == {folder + "style.css"}
    assert after[folder + "style.css"] == path.read_bytes()


def test_a_revision_is_rendered_with_what_it_was_frozen_with(tmp_path: Path) -> None:
    before = factory.renderer()
    materials = before.materials("weekly-report")
    own(tmp_path, "subject.txt", "changed since")
    own(tmp_path, "style.css", "p { color: red; }")
    now = factory.renderer(factory.PUBLICATION, tmp_path)
    assert now.copy(factory.small(), factory.reader()).subject == "changed since"
    for language in ("en", "zh"):
        reader = factory.reader(language=language)
        assert now.frozen(materials).copy(factory.small(), reader) == before.copy(factory.small(), reader)
    assert now.frozen(materials).materials("weekly-report") == materials


def test_materials_of_no_template_are_refused() -> None:
    with pytest.raises(TemplateError, match="no template"):
        factory.renderer().materials("monthly")
    with pytest.raises(TemplateError, match="no template"):
        factory.renderer().materials("../demo")


# Other mails -----------------------------------------------------------------------------------------------------


def test_a_notice_is_three_files_and_a_context(tmp_path: Path) -> None:
    folder = tmp_path / "email" / "hello"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ publication.title }}: {{ name }}", encoding="utf-8")
    (folder / "body.txt").write_text("{{ _('Unsubscribe') }} {{ name }}", encoding="utf-8")
    (folder / "body.html").write_text(
        "<html><body><p>{{ name }} {{ language.tag }}</p></body></html>", encoding="utf-8"
    )
    copy = factory.renderer(factory.PUBLICATION, tmp_path).mail("hello", {"name": "<Ada>"}, "zh")
    assert copy.subject == "South Gate Wire: <Ada>"
    assert copy.text == "退订 <Ada>\n"
    assert "&lt;Ada&gt; zh-Hans" in copy.html
    assert copy.language == "zh-Hans"
