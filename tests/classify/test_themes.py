"""Which themes an article stands under, and the reasons given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.classify.taxonomy import load_taxonomy, parse_taxonomy
from digest.classify.themes import MOST, Themes
from digest.model import Article
from tests.classify.make import article
from tests.growth import STEP, assert_linear

SMALL = parse_taxonomy("""
[[theme]]
id = "trade"
names = { en = "Trade" }
sections = ["Trade", "Macro · Trade", "贸易"]
[theme.phrases]
5 = ["trade war", "WTO", "关税"]
3 = ["tariff", "agricultur*", "company"]
-5 = ["trade mark"]
1 = ["trade"]

[[theme]]
id = "technology"
names = { en = "Technology" }
sections = ["Tech"]
[theme.phrases]
5 = ["self-driving", "AI", "Silicon Valley", "5G手机"]
3 = ["trade mark", "software", "glitch"]

[[theme]]
id = "sport"
names = { en = "Sport" }
[theme.phrases]
5 = ["football"]

[[theme]]
id = "quiet"
names = { en = "Quiet" }
sections = ["Tech"]
""")


@pytest.fixture(scope="module")
def small() -> Themes:
    return Themes(SMALL)


@pytest.fixture(scope="module")
def shipped() -> Themes:
    return Themes(load_taxonomy())


def ids(themes: Themes, one: Article) -> list[str]:
    return [tag.theme for tag in themes.judge(one)]


@pytest.mark.parametrize(
    "text",
    [
        "A trade war looms.",
        "TRADE WAR LOOMS",
        "The trade-war went on.",
        "Two trade wars are on.",
        "The tariff's end.",
        "Tariffs rose.",
        "Companies met.",
        "An agriculturally minded town.",
        "The WTO met.",
        "中国降低关税后进口增加",
    ],
)
def test_words_are_found_in_any_case_with_plurals_and_endings(small: Themes, text: str) -> None:
    assert ids(small, article("Nothing", text)) == ["trade"]


@pytest.mark.parametrize(
    "text",
    [
        "A trade, war and peace.",  # a phrase does not reach over a comma
        "Retrade warm.",
        "The wto of old.",  # written with capitals, it means only those
        "Stariff and tariffing.",
        "A paid mail about claims.",
        "关于税",
    ],
)
def test_parts_of_words_and_other_spellings_are_not(small: Themes, text: str) -> None:
    assert ids(small, article("Nothing", text)) == []


def test_a_name_is_known_in_a_headline_in_capitals_too(small: Themes) -> None:
    assert ids(small, article("SILICON VALLEY LOOKS EAST")) == ["technology"]
    assert ids(small, article("A silicon valley of sorts")) == []
    assert ids(small, article("新款5G手机上市", language="zh")) == ["technology"]


def test_the_longer_phrase_counts_and_the_shorter_in_it_does_not(small: Themes) -> None:
    (tag,) = small.judge(article("A trade mark", "The trade mark is new software."))
    assert tag.theme == "technology"
    assert {evidence.text for evidence in tag.evidence} == {"trade mark", "software"}


def test_a_phrase_that_speaks_against_a_theme_is_shown_with_it(small: Themes) -> None:
    tags = small.judge(article("Tariffs and a trade war", "A trade mark is in the news.", "Tariffs rise."))
    trade = next(tag for tag in tags if tag.theme == "trade")
    against = next(evidence for evidence in trade.evidence if evidence.weight < 0)
    assert (against.text, against.rule) == ("trade mark", "phrase that speaks against it")


def test_title_counts_more_than_lead_and_lead_more_than_text(small: Themes) -> None:
    def score(one: Article) -> float:
        return small.judge(one)[0].score

    title = score(article("Football", "x", "y"))
    lead = score(article("x", "Football", "y"))
    text = score(article("x", "y", "Football"))
    keyword = score(article("x", "y", keywords=("Football",)))
    assert 0 < text < lead < title == keyword < 1
    assert score(article("Football", "Football", "Football football")) < 1


def test_evidence_says_where_and_what(small: Themes) -> None:
    (tag,) = small.judge(article("WTO meets", "Tariffs.", "Tariff again; trade.", section="Trade"))
    assert [(one.where, one.text) for one in tag.evidence] == [
        ("section", "Trade"),
        ("title", "WTO"),
        ("lead", "tariff"),
        ("text", "trade"),
    ]
    assert all(one.rule for one in tag.evidence)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("Macro · Trade", ["trade"]),
        ("trade", ["trade"]),
        ("Asia | Trade", ["trade"]),
        ("World > Tech", ["technology", "quiet"]),
        ("Companies - Tech", ["technology", "quiet"]),
        ("贸易", ["trade"]),
        ("Trader", []),
        ("Gardens", []),
    ],
)
def test_the_publishers_section_line_names_a_theme_whole_or_in_part(
    small: Themes, section: str, expected: list[str]
) -> None:
    assert ids(small, article("Nothing", "Nothing at all.", section=section)) == expected


def test_what_the_publisher_files_it_under_holds_against_louder_words(small: Themes) -> None:
    loud = article("Football", "Football.", "Football. A software.", section="Companies · Trade")
    assert ids(small, loud) == ["sport", "trade"]
    three = article("Football, self-driving, WTO", "WTO; self-driving; football.", section="World · Tech")
    assert ids(small, three) == ["technology", "trade", "quiet"]  # at most three, the publisher's among them


def test_an_article_of_several_themes_gets_several_and_one_of_none_gets_none(small: Themes) -> None:
    assert ids(small, article("Software hit by tariffs")) == ["trade", "technology"]
    assert ids(small, article("A quiet afternoon", "Nothing happened.")) == []
    assert ids(small, article("")) == []


def test_a_teaser_stands_in_for_a_text(small: Themes) -> None:
    assert ids(small, article("Nothing", teaser="A trade war looms.")) == ["trade"]


def test_a_taxonomy_without_phrases_judges_by_section_lines_only() -> None:
    bare = Themes(parse_taxonomy('[[theme]]\nid = "a"\nnames = { en = "A" }\nsections = ["A"]'))
    assert ids(bare, article("Anything", section="A")) == ["a"]
    assert ids(bare, article("Anything")) == []


def test_plural_forms() -> None:
    themes = Themes(
        parse_taxonomy(
            '[[theme]]\nid = "a"\nnames = { en = "A" }\n[theme.phrases]\n5 = ["tax", "box set", "ship match", "day", "bank"]'
        )
    )
    for text in ("box sets", "ship matches", "banks", "bank's"):
        assert ids(themes, article(text)) == ["a"], text
    for text in ("taxs", "taxes", "boxes set", "days off"):  # short words keep their one form
        assert ids(themes, article(text)) == [], text


CASES = {
    "Inflation slows as jobless rate falls": "macro",
    "Trade deficit widens as tariffs bite": "trade",
    "Chip maker unveils quantum computer": "technology",
    "Central bank cuts interest rate": "finance",
    "Bicycle maker's net profit doubles after merger": "companies",
    "Carmaker opens assembly plant": "industry",
    "Oil price climbs as crude oil output falls": "energy",
    "Copper mine reopens as smelter pays more": "metals",
    "River cleaned of pollution; wildlife returns": "environment",
    "Container ship delays ease at port": "transport",
    "House prices rise in rental housing squeeze": "property",
    "Wheat harvest spoiled by rain, farmers say": "agriculture",
    "Hospital tests vaccine on patients": "health",
    "Primary school pupils sit exams early": "education",
    "Prime minister calls general election": "politics",
    "Court convicts man of fraud": "law",
    "Trade union calls strike over minimum wage": "society",
    "Film festival honours singer's album": "culture",
    "Striker scores twice in football final": "sport",
    "Earthquake and floods hit coast": "disasters",
    "央行宣布下调存款准备金率，利率走低": "finance",
    "自贸区企业出口增长 海关简化手续": "trade",
    "机器人与人工智能实验室揭牌": "technology",
    "医院开设夜间门诊 患者称便": "health",
    "楼市回暖 房价连续三月上涨": "property",
    "地震救援队抵达灾区": "disasters",
    "球队客场夺冠 主帅称赞球员": "sport",
}


@pytest.mark.parametrize("title", CASES)
def test_the_shipped_taxonomy_knows_plain_cases(shipped: Themes, title: str) -> None:
    assert ids(shipped, article(title))[0] == CASES[title]


@pytest.mark.parametrize(
    ("title", "never"),
    [
        ("She won the gold medal", "metals"),
        ("A food bank on the river bank", "finance"),
        ("Wind farm goes up", "agriculture"),
        ("Palm oil harvest begins", "energy"),
        ("Computer virus spreads", "health"),
        ("Video game sells well", "sport"),
        ("Tennis court resurfaced", "law"),
        ("The business environment improves", "environment"),
        ("Intellectual property rules change", "property"),
        ("公司发展战略发布", "sport"),
    ],
)
def test_the_shipped_taxonomy_is_not_taken_in_by_double_meanings(shipped: Themes, title: str, never: str) -> None:
    assert never not in ids(shipped, article(title))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=40))
def test_any_text_can_be_judged(title: str, text: str, section: str) -> None:
    tags = Themes(SMALL).judge(article(title, text, section=section))
    assert len(tags) <= MOST
    assert all(0 < tag.score < 1 and tag.evidence for tag in tags)
    assert [tag.score for tag in tags] == sorted((tag.score for tag in tags), reverse=True)


def test_a_long_text_costs_no_more_than_its_beginning(shipped: Themes) -> None:
    small, large = (
        article("Trade war", *["Tariffs and exports rose again, and farmers wait. "] * times)
        for times in (20_000 // STEP, 20_000)
    )
    assert_linear(shipped.judge, small, large)


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Shares in London rise", "Shares rose for a third day, led by miners.", "finance"),
        ("LONDON SHARES RISE", "Shares in London rose for a third day on Friday, led by miners.", "finance"),
        ("Chinese buyers return to Sydney flats", "Buyers from China bought 900 flats in the first half, agents said.", "property"),
        ("Fair halls to get solar roofs", "The fair will put solar cells on nine halls.", "energy"),
        ("Shoemakers look to Ethiopia", "Shoemakers plan two plants near Addis Ababa, where wages are low.", "industry"),
        ("深圳无人机企业落户东莞", "企业宣布，将把无人机试飞场迁到东莞。", "technology"),
        ("台灣半導體廠赴日設廠", "台灣一家半導體廠宣布在日本熊本設廠。", "technology"),
        ("兩國重啟經貿磋商", "兩國代表團重啟經貿磋商，討論關稅。", "trade"),
    ],
)  # fmt: skip
def test_short_news_of_every_day(title: str, text: str, expected: str) -> None:
    tags = Themes(load_taxonomy()).judge(article(title, text))
    assert tags[0].theme == expected


def test_traditional_characters_are_the_same_words() -> None:
    themes = Themes(SMALL)
    plain, traditional = (
        themes.judge(article("新聞", text, section=section)) for text, section in (("关税", "贸易"), ("關稅", "貿易"))
    )
    assert [(tag.theme, tag.score) for tag in plain] == [(tag.theme, tag.score) for tag in traditional] != []
