"""Raw text pages: each page of pages/ beside what must come out of it, and the two real ones of seeds/."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digest.errors import PickupError
from digest.model import Article

Read = Callable[..., tuple[Article, ...]]
PAGES = sorted((Path(__file__).parent / "pages").glob("*.txt"))
SEEDS = Path(__file__).parents[2] / "seeds"


def _told(article: Article) -> dict[str, Any]:
    told = vars(article).copy()
    told["published"] = article.published.isoformat() if article.published else None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_gives_its_article_and_nothing_else(page: Path, read: Read) -> None:
    expected = json.loads(page.with_suffix(".json").read_text("utf-8"))
    (article,) = read(page.read_bytes(), page.name)
    told = _told(article)
    assert {name: told[name] for name in expected} == expected


FURNITURE = re.compile(
    r"Send feedback|Copyright|subscribe|CKFI|in the business of|TOP STORIES|MOST VIEWED|CHOICE|EXPLORE|PlayerClose|\d{30}|Source:"
)


def _china_knowledge(read: Read, change: Callable[[str], str] = str) -> Article:
    text = (SEEDS / "000_634055cfa7829ccb.txt").read_text("utf-8")
    (article,) = read(change(text), "000_634055cfa7829ccb.txt")
    return article


def _xinhua(read: Read, change: Callable[[str], str] = str) -> Article:
    text = (SEEDS / "001_5d18b08078a62310.txt").read_text("utf-8")
    (article,) = read(change(text), "001_5d18b08078a62310.txt")
    return article


def test_the_china_knowledge_seed(read: Read) -> None:
    article = _china_knowledge(read)
    assert article.title == "A small city in southern China is looking to Israel to help transform into innovation hub"
    assert (article.publisher, article.section, article.agency) == (
        "China Knowledge",
        "Macro · Govt",
        "China Knowledge",
    )
    assert article.published is not None
    assert article.published.isoformat() == "2018-07-20T01:32:33+08:00"
    assert article.keywords == ("Dongguan", "Israel", "Guangdong")
    assert article.language == "en"
    assert article.origin == "000_634055cfa7829ccb.txt"
    assert len(article.paragraphs) == 8
    assert article.paragraphs[0].startswith("Amid the escalating trade conflict")
    assert article.paragraphs[-1].endswith("logistical and cultural adjustments to the city.")
    assert not FURNITURE.search(" ".join(article.paragraphs))


def test_the_xinhua_seed(read: Read) -> None:
    article = _xinhua(read)
    assert article.title == "China's \"Silicon Valley\" to open liaison office in Israel's Tel Aviv"
    assert (article.publisher, article.agency, article.editor, article.dateline) == (
        "Xinhua",
        "Xinhua",
        "yan",
        "JERUSALEM",
    )
    assert article.published is not None
    assert article.published.isoformat() == "2018-04-10T04:16:48+08:00"
    assert len(article.paragraphs) == 10
    assert article.paragraphs[0].startswith("China's Zhongguancun Science Park")
    assert article.paragraphs[-1].startswith('He added that it is "the innovation')
    assert not FURNITURE.search(" ".join(article.paragraphs))


@pytest.mark.parametrize("seed", [_china_knowledge, _xinhua])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: re.sub(r"\n+", "\n", text),
        lambda text: re.sub(r"\n+", "\n\n", text),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n \t  "),
        lambda text: text.replace("\n\n", "\n\u00a0\n\u3000"),
        lambda text: text.replace("\n", "\u2028"),
        lambda text: "\ufeff" + text + "\n\n\n",
        lambda text: text.replace('"', "&quot;").replace("'", "&#39;"),
    ],
    ids=[
        "no blank lines",
        "all blank lines",
        "crlf",
        "indented",
        "foreign spaces",
        "line separators",
        "mark",
        "references",
    ],
)
def test_the_seeds_in_other_clothes_are_the_same(
    seed: Callable[..., Article], change: Callable[[str], str], read: Read
) -> None:
    assert seed(read, change).content_hash == seed(read).content_hash


@pytest.mark.parametrize(
    "gone",
    [
        "Macro · Govt\n", "Dongguan, Israel, Guangdong\n", "2018/07/20 01:32:33\n", "Jul 20, 2018 (China Knowledge) - ",
        "Source: Xinhua| 2018-04-10 04:16:48|Editor: yan\n", "JERUSALEM, April 9 (Xinhua) -- ", "Video PlayerClose\n", "Copyright © 2018\n",
        "To access our page on Bloomberg, type CKFI", "EXPLORE XINHUANET\n",
    ],
)  # fmt: skip
def test_a_page_without_one_of_its_marks_keeps_title_and_text(gone: str, read: Read) -> None:
    for seed in (_china_knowledge, _xinhua):
        whole, cut = seed(read), seed(read, lambda text: text.replace(gone, ""))
        assert (cut.title, cut.paragraphs) == (whole.title, whole.paragraphs)


def test_a_source_says_what_the_page_does_not(read: Read) -> None:
    text = "Ferry sinks at its mooring\n2019-02-03 04:05\nA ferry sank at its mooring on Sunday, but nobody was aboard, the port said.\n"
    (article,) = read(text, publisher="Harbour News", time_zone="Europe/Oslo", language="en")
    assert article.publisher == "Harbour News"
    assert article.published is not None
    assert article.published.isoformat() == "2019-02-03T04:05:00+01:00"
    (article,) = read(text, publisher="Xinhua")
    assert article.published is not None
    assert article.published.isoformat() == "2019-02-03T04:05:00+08:00"


def test_the_sources_zone_goes_before_the_publishers(read: Read) -> None:
    text = (SEEDS / "001_5d18b08078a62310.txt").read_text("utf-8")
    (article,) = read(text, time_zone="UTC")
    assert article.published is not None
    assert article.published.isoformat() == "2018-04-10T04:16:48+00:00"
    with pytest.raises(PickupError, match="time zone 'Mars/Base' does not exist"):
        read(text, time_zone="Mars/Base")


def test_a_dateline_without_a_year_dates_a_page_that_has_no_stamp(read: Read) -> None:
    page = "Dam opens its gates\nLAGOS, {day} (Xinhua) -- The dam opened two of its gates on Monday after a week of rain, engineers said."
    (article,) = read(page.format(day="May 20"))  # it is June 2021
    assert article.published is not None
    assert article.published.isoformat() == "2021-05-20T00:00:00+08:00"
    (article,) = read(page.format(day="November 20"))  # of which year, nobody can tell
    assert article.published is None


def test_dates_in_the_far_future_are_not_believed(read: Read) -> None:
    (article,) = read(
        "Dam opens its gates\n2031-01-01 10:00\nThe dam opened two of its gates on Monday after a week of rain."
    )
    assert article.published is None


def test_a_page_without_a_title_is_called_by_its_first_sentence(read: Read) -> None:
    (article,) = read("The dam opened two of its gates on Monday after a week of rain. Nobody was hurt.\n")
    assert article.title == "The dam opened two of its gates on Monday after a week of rain"
    assert article.paragraphs == ("The dam opened two of its gates on Monday after a week of rain. Nobody was hurt.",)


@pytest.mark.parametrize(
    "text",
    ["Home\nWorld\nBusiness\nSports\n", "Share\nPrint\n\n", "Copyright © 2020\n", "© 2020 X. All rights reserved."],
)
def test_pages_without_text_are_refused_with_the_remedy(text: str, read: Read) -> None:
    with pytest.raises(PickupError) as caught:
        read(text, "menu.txt")
    assert caught.value.where == "menu.txt"
    assert "no article text" in caught.value.what
    assert caught.value.remedy


def test_a_page_too_long_for_an_article_is_refused(read: Read) -> None:
    with pytest.raises(PickupError, match="lines or"):
        read("A line that says something of no use.\n" * 12_000)


def test_words_about_newsletters_in_a_story_stay(read: Read) -> None:
    told = (
        "Readers must subscribe before they may comment, the paper announced on Monday, and many were angry about it.",
        '"Share it with your friends," the editor said.',
        "More news about the plan is expected in May, according to two people who have read it.",
        "Advertisement is a word that the new law does not define, a judge said.",
        "Top stories sell papers, she said.",
    )
    (article,) = read("Paper closes its comment pages\n" + "\n".join(told))
    assert article.paragraphs == told


def test_several_pages_in_one_file_are_one_text(read: Read) -> None:
    page = (
        "Mill town waits for rain\nBy Jane Doe\n"
        "The mill town has had no rain since March, and its river is a path of stones that children walk on.\n"
        "[1] [2] Next\nMill town waits for rain\n"
        "The mayor has asked the province for water by train. It would cost more than the mill earns in a week.\n"
    )
    (article,) = read(page)
    assert (article.title, article.byline, len(article.paragraphs)) == ("Mill town waits for rain", "Jane Doe", 2)


def test_a_list_of_other_stories_inside_the_text_is_left_out(read: Read) -> None:
    page = (
        "Ports reopen after storm\nMANILA (AP) — Ports in the north reopened on Friday after the storm had passed, the coast guard said.\n"
        "Related:\nStorm nears the coast\nFerries cancelled\n"
        "Some 3,000 passengers had been stranded since Wednesday, it said.\nThe next storm is expected on Sunday.\n"
    )
    (article,) = read(page)
    assert article.paragraphs == (
        "Ports in the north reopened on Friday after the storm had passed, the coast guard said.",
        "Some 3,000 passengers had been stranded since Wednesday, it said.",
        "The next storm is expected on Sunday.",
    )


def test_old_wires_wrapped_and_indented(read: Read) -> None:
    page = (
        "SUGAR EXPORTS TO RISE, TRADERS SAY\n\n"
        "    Sugar exports from the islands will rise by a tenth this year, the\n"
        "traders who buy most of it said, because a new mill has opened on the\n"
        "eastern shore.\n"
        "    They expect to ship 210,000 tonnes before the rains, and as much as\n"
        "a third of that would go to buyers in the north who had none from the\n"
        "islands last year.\n"
    )
    (article,) = read(page)
    assert len(article.paragraphs) == 2
    assert article.paragraphs[0].endswith("because a new mill has opened on the eastern shore.")
    assert article.paragraphs[1].startswith("They expect to ship 210,000 tonnes")


def test_labelled_lines_fill_the_fields(read: Read) -> None:
    page = (
        "Title: Dry dock to reopen\nSection: Shipping\nURL: https://example.org/dock?utm_source=x\nPublisher: Harbour News\n"
        "Keywords: docks; Bergen; ships\nDate: 3 May 2021\nAuthor: Jane Doe\n\n"
        "The dry dock will reopen in June after two years of repairs, its owner said on Monday.\n"
    )
    (article,) = read(page)
    assert article.title == "Dry dock to reopen"
    assert (article.section, article.publisher, article.byline) == ("Shipping", "Harbour News", "Jane Doe")
    assert article.keywords == ("docks", "Bergen", "ships")
    assert article.id == article.url == "https://example.org/dock"


def test_two_articles_told_by_their_bylines_and_credits(read: Read) -> None:
    page = (
        "Tin falls on weak orders\nLONDON, May 3 (Reuters) - Tin fell to its lowest in a month on Monday as orders from makers of solder were weak.\n"
        "Stocks rose by 40 tonnes.\n(Reporting by Jane Doe; additional reporting by A Roe; Editing by Ann Poe and Bo Moe)\n"
    )
    (article,) = read(page)
    assert (article.byline, article.editor) == ("Jane Doe", "Ann Poe and Bo Moe")
    assert article.paragraphs[-1] == "Stocks rose by 40 tonnes."


def test_one_page_takes_little_time(read: Read) -> None:
    page = "\n".join(
        ["2018-07-20 09:15 | Share | Home | World"] * 400
        + [f"The dam opened gate {number} of its gates on Monday, he said." for number in range(50)]
    )
    assert len(read(page)[0].paragraphs) == 50


def test_a_title_loses_the_names_of_its_site(read: Read) -> None:
    text = "\nThe mill by the river will open again in June, its owner said on Monday, after two years.\n"
    (article,) = read("Mill to open again in June - Xinhua | English.news.cn" + text)
    assert (article.title, article.publisher) == ("Mill to open again in June", "Xinhua")
    (article,) = read("Mill to open again in June | Harbour people" + text)
    assert article.title == "Mill to open again in June | Harbour people"


def test_the_name_of_a_publisher_may_be_a_subhead(read: Read) -> None:
    page = (
        "Two papers to merge\nBy Jane Doe\nTwo papers of the coast will merge in June, their owners said on Monday, after two years of losses.\n"
        "China Daily\nThe larger of them was founded in a shed behind the fish market, and still has its first press.\n"
        "Source: Harbour News\nNobody will lose their work, they said, and the readers will have a thicker paper.\n"
    )
    (article,) = read(page)
    assert article.paragraphs[1] == "China Daily"
    assert len(article.paragraphs) == 4


def test_a_dateline_over_nothing_is_no_article(read: Read) -> None:
    with pytest.raises(PickupError, match="no article text"):
        read("Title of a page\nRead next\n(Xinhua)\n")


def test_a_stamp_far_above_is_not_the_head_of_the_text(read: Read) -> None:
    menu = "\n".join(f"Menu item {number}" for number in range(40))
    text = "\n".join(
        f"Mill {number} by the river will open again in June, its owner said on Monday." for number in range(6)
    )
    (article,) = read(f"November 20, 2020\n{menu}\nMill to open again in June\n{text}\n")
    assert article.title == "Mill to open again in June"
    assert len(article.paragraphs) == 6


def test_a_bullet_before_the_first_sentence_is_not_the_text(read: Read) -> None:
    page = (
        "Advert of ours that says that we are the best of all in what we do, and that we have been for years.\n"
        "Mill to open again in June\nThe mill by the river will open again in June, its owner said on Monday, after two years.\n"
        "It will grind wheat for the whole of the coast, as it did before the flood of two years ago.\n"
    )
    (article,) = read(page)
    assert article.title == "Mill to open again in June"
    assert article.paragraphs[0].startswith("The mill by the river")


def test_a_short_story_under_a_long_advertisement(read: Read) -> None:
    advert = (
        "China Knowledge is in the business of providing business solutions and products on China. Within the Group it has "
        "financial terminal, publishing, newswires, research and a wide range of consulting services for foreign businesses.\n"
    )
    rest = "Copyright © 2021\nSend feedback or comments to: desk@example.org\nTo access our page on Bloomberg, type CKFI <GO>\n"
    story = "Consumer · Retail\nOrchard bears first apples\n2021/05/03 09:15:00\nBeijing, Fruit (000001.SZ), BABA:US\n{line}An orchard near Beijing has borne its first apples, growers said.\n\nThe trees were planted by schoolchildren in 2015\n\n"
    for line in ("", "May 03, 2021 (China Knowledge) -- "):
        (article,) = read(advert + story.format(line=line) + rest)
        assert (article.title, article.section) == ("Orchard bears first apples", "Consumer · Retail")
        assert article.keywords == ("Beijing", "Fruit (000001.SZ)", "BABA:US")
        assert article.paragraphs == (
            "An orchard near Beijing has borne its first apples, growers said.",
            "The trees were planted by schoolchildren in 2015",
        )


def test_a_note_of_rates_and_bullets_of_a_standfirst(read: Read) -> None:
    page = (
        "Orchard bears first apples after drought\n* Trees were planted by schoolchildren in 2015, and most were given up\n"
        "* Growers hope to sell the fruit in the next year\nJane Doe\nPublished: 9:15pm, 3 May 2021\n"
        "An orchard of 40 trees near the capital has borne its first apples after a drought, growers said on Monday.\n"
        "They sold for 40 yuan each.\n($1 = 6.4750 Chinese yuan renminbi)\nReporting by Jane Doe; Editing by Ann Poe\n"
    )
    (article,) = read(page)
    assert (
        article.teaser
        == "Trees were planted by schoolchildren in 2015, and most were given up · Growers hope to sell the fruit in the next year"
    )
    assert article.paragraphs[1:] == ("They sold for 40 yuan each.", "($1 = 6.4750 Chinese yuan renminbi)")


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ("China", ("China",)),
        ("Hong Kong", ("Hong Kong",)),
        ("Hong Kong, Macau, Guangdong", ("Hong Kong", "Macau", "Guangdong")),
        ("Hong Kong, Inner Mongolia", ("Hong Kong", "Inner Mongolia")),
        ("Sichuan, U.S.", ("Sichuan", "U.S.")),
        ("", ()),
    ],
)
def test_the_places_below_a_china_knowledge_headline(keywords: str, expected: tuple[str, ...], read: Read) -> None:
    article = _china_knowledge(read, lambda text: text.replace("Dongguan, Israel, Guangdong", keywords))
    assert (article.keywords, article.byline) == (expected, "")
    assert article.section == "Macro · Govt"


def test_names_below_a_headline_are_keywords_only_if_the_text_speaks_of_them(read: Read) -> None:
    page = "Mill to reopen in spring\n2019-02-03 04:05\n{}\nA mill in Ghent that makes flour for half of Flanders will reopen in spring, its owner said.\n"
    (article,) = read(page.format("Ghent, Flanders"))
    assert (article.keywords, article.byline) == (("Ghent", "Flanders"), "")
    (article,) = read(page.format("Jane Doe, John Roe"))
    assert (article.keywords, article.byline) == ((), "Jane Doe, John Roe")


@pytest.mark.parametrize(
    ("above", "below", "title"),
    [
        ("Small lenders in county towns", "find new customers at home", "Small lenders in county towns find new customers at home"),
        ("Ministers meet on an island for", "Talks about the price of eels", "Ministers meet on an island for Talks about the price of eels"),
        ("County drops its fee for stalls", "Two years of grace", "County drops its fee for stalls"),
    ],
)  # fmt: skip
def test_a_headline_broken_in_two_is_one(above: str, below: str, title: str, read: Read) -> None:
    (article,) = read(
        f"{above}\n{below}\nSource: Xinhua| 2018-11-14 15:00:00|Editor: yan\n\nZHENGZHOU, Nov. 14 (Xinhua) -- Small lenders in county"
        " towns and the ministers on the island said that the fee for stalls drops to the price of eels on Monday.\n"
    )
    assert article.title == title


@pytest.mark.parametrize(
    "unit", ["lines that go on and never stop at all\n", "a" * 400 + " (Xinhua/\n", "BEIJING, July 1 (Xinhua) --\n"]
)
def test_pages_of_odd_lines_end_soon(unit: str, read: Read) -> None:
    with pytest.raises(PickupError):
        read(unit * (250_000 // len(unit)))


def test_a_page_saved_with_its_tags_is_read_without_them(read: Read) -> None:
    page = """Ferry link reopens after storm
<div class="meta">Source: Xinhua| 2019-10-03 08:15:00|Editor: yan</div>
<script>
var shown = "Ferries are sold out, the port said on Thursday.";
</script>
<p>COLOMBO, Oct. 3 (Xinhua) -- A ferry link to Lanka<601999> reopened on <b>Thursday</b>, the port &amp; its owner said.</p>
<p>The first boat carried 140 people<br/>and it was full at 3 < 4.</p>
<p>TOP STORIES</p>
"""
    (article,) = read(page)
    assert article.title == "Ferry link reopens after storm"
    assert (article.dateline, article.editor, article.agency) == ("COLOMBO", "yan", "Xinhua")
    assert article.paragraphs[0] == "A ferry link to Lanka<601999> reopened on Thursday, the port & its owner said."
    assert not any("sold out" in text or "TOP" in text for text in article.paragraphs)


def test_chinese_that_was_read_with_the_wrong_encoding_is_told_so(read: Read) -> None:
    garbled = ("上海一家公司表示，\n" * 40).encode("gbk").decode("cp1252", "replace")
    with pytest.raises(PickupError, match="wrong encoding"):
        read(garbled)
