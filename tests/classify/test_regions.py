"""Where an article belongs: the traps that a list of names falls into, in sentences of our own, and the two seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.classify.regions import Regions
from digest.model import Article, RegionTag, Role
from digest.places import Places
from tests.classify.make import article
from tests.growth import STEP, assert_linear

PLACES = Places.load()
REGIONS = Regions(PLACES)
SEEDS = Path(__file__).parent.parent.parent / "seeds"


def tags(of: Article) -> dict[Role, list[str]]:
    found: dict[Role, list[str]] = {role: [] for role in Role}
    for tag in REGIONS.judge(of):
        found[tag.role].append(tag.region)
    return found


def countries(*texts: str, **fields: Any) -> set[str]:
    """The countries (or what lies above them) that the tags of an article lie in, whatever their role."""
    of = article(*texts, **fields)
    return {PLACES.country(tag.region) or tag.region for tag in REGIONS.judge(of)}


def primary(*texts: str, **fields: Any) -> list[str]:
    return tags(article(*texts, **fields))[Role.PRIMARY]


def tag_of(region: str, *texts: str, **fields: Any) -> RegionTag:
    return next(tag for tag in REGIONS.judge(article(*texts, **fields)) if tag.region == region)


class TestTheSeeds:
    def test_a_small_city_in_southern_china(self) -> None:
        lines = (SEEDS / "000_634055cfa7829ccb.txt").read_text("utf-8").splitlines()
        text = [line for line in lines[6 : lines.index("Copyright © 2018")] if line]
        of = article(
            lines[2], *text, publisher="China Knowledge", section=lines[1], keywords=tuple(lines[4].split(", "))
        )
        found = tags(of)
        assert found[Role.PRIMARY] == ["g1812545"]  # Dongguan, in Guangdong, in China
        assert found[Role.COUNTERPART] == ["IL"]
        mentioned = found[Role.MENTIONED]
        assert {"US", "g292223", "g5391959", "g993800", "JP-13", "g1795565", "g1809858", "HK", "x-gba"} <= set(
            mentioned
        )
        assert "PH" not in {PLACES.country(code) for code in mentioned}
        chain = [item.text for item in REGIONS.judge(of)[0].evidence if item.where == "containment"]
        assert chain == ["Guangdong", "China", "Eastern Asia", "Asia"]

    def test_a_liaison_office_in_tel_aviv(self) -> None:
        lines = (SEEDS / "001_5d18b08078a62310.txt").read_text("utf-8").splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("JERUSALEM"))
        text = [line for line in lines[start : lines.index("TOP STORIES")] if line]
        text[0] = text[0].partition(" -- ")[2]
        of = article(lines[0], *text, publisher="Xinhuanet", agency="Xinhua", dateline="JERUSALEM")
        found = tags(of)
        assert found[Role.PRIMARY] == ["CN-BJ"]
        assert found[Role.COUNTERPART] == ["g293397"]
        assert "US" not in {PLACES.country(code) for code in found[Role.MENTIONED]}


class TestNamesOfOtherThings:
    @pytest.mark.parametrize(
        "texts",
        [
            ("Turkey prices rise before the holiday", "Shoppers paid more for turkey and for turkey sandwiches."),
            (
                "Shops report good sales in March and May",
                "August was slow. Nice weather helped, a reading of the data says.",
            ),
            (
                "A patent sold",
                "The firm paid 3 million U.S. dollars, some of it in Hong Kong dollars and Japanese yen.",
            ),
            ("The mark falls", "Dealers sold German marks and Korean won for Swiss francs."),
            (
                "Languages at work",
                "She speaks Chinese and English, he learned French, and the form is English-language.",
            ),
            ("What we ate", "French fries, Turkish delight, a Danish pastry, Brazil nuts and Peking duck."),
            ("Pets", "A German shepherd, a Siamese cat, two guinea pigs and an Irish setter."),
            (
                "The paper has a new editor",
                "The New York Times and the South China Morning Post said so; so did China Daily.",
            ),
            ("Card fees rise", "American Express raised its fees. American Express Co said it had to."),
            ("Metals", "Copper closed higher on the London Metal Exchange and the New York Stock Exchange."),
            ("Ship hits pier", "The frigate HMS Norfolk and the tanker Houston were damaged."),
            ("Forty points", "Michael Jordan led the team. Jordan was tired. Mr. Jordan said so himself."),
            ("A singer and a writer", "Whitney Houston sang, Jack London wrote, and Sydney Pollack filmed it."),
            ("Two painters", "Andrew Dallas drew what Paris Weller painted; Ms. Florence Oduya bought it."),
            ("Where they live", "The shop is on London Road, not far from Paris Street."),
            ("A sculptor", "Mr. Lincoln and Judge Boston met Stratford-upon-Avon fans of Bin Al-Hassan."),
            ("MOBILE PHONE MAKER CUTS JOBS", "It was a matter of reading between the lines."),
            ("Lessons", "Chinese lessons and Thai-speaking guides were on offer, and Spanish translations."),
            ("Papers", "The Houston Chronicle and the Bangkok Gazette reported it."),
            ("How to sleep better", "Drink less coffee and go to bed early."),
        ],
    )
    def test_are_no_places(self, texts: tuple[str, ...]) -> None:
        assert countries(*texts) == set()

    def test_the_publisher_and_the_agency_are_not(self) -> None:
        text = "Ghana Wire reports that shares fell, as Ghana Wire said before."
        assert countries("Shares fall", text, publisher="Ghana Wire") == set()
        assert countries("Shares fall", text) == {"GH"}

    def test_but_a_country_that_marks_or_wins_is(self) -> None:
        assert primary("Norway marks its day", "Brazil won the cup.") == ["NO"]
        assert "BR" in countries("Norway marks its day", "Brazil won the cup.")

    def test_a_turkey_that_acts_is_a_nation(self) -> None:
        assert primary(
            "Turkey closes a strait", "Ankara said on Monday that Turkey had to, whatever a turkey costs."
        ) == ["TR"]

    def test_a_silicon_valley_of_somewhere_else_is_not_in_america(self) -> None:
        assert countries("China's Silicon Valley opens an office", 'It is "China\'s own "Silicon Valley".') == {"CN"}
        assert countries("The Paris of the East", "Shanghai was the Paris of the East.") == {"CN"}
        assert countries("Silicon Valley hires", "Silicon Valley firms hire again.") == {"US"}

    def test_the_sea_is_not_the_country_beside_it(self) -> None:
        assert (
            countries("Ships collide", "Two ships collided in the South China Sea, far from the Indian Ocean.") == set()
        )


class TestNamesakes:
    @pytest.mark.parametrize(
        ("texts", "code"),
        [
            (("Peach farmers in Georgia fear frost", "Growers near Atlanta and Macon said so."), "US-GA"),
            (("Georgia signs a treaty", "The government in Tbilisi said Georgia would ratify it."), "GE"),
            (("Niger closes its border with Nigeria", "Niger said so on Monday."), "NE"),
            (("Guinea-Bissau holds an election", "Voters in Guinea-Bissau went to the polls."), "GW"),
            (("Equatorial Guinea finds oil", "Equatorial Guinea announced it."), "GQ"),
            (("Guinea mines bauxite", "Guinea exports most of it."), "GN"),
            (("Papua New Guinea sells coffee", "Papua New Guinea's exports rose."), "PG"),
            (("Rebels advance in Congo", "The Democratic Republic of the Congo sent troops."), "CD"),
            (("Congo votes", "The Republic of the Congo counts votes in Brazzaville."), "CG"),
            (("South Korea raises rates", "The Bank of Korea said so in Seoul."), "KR"),
            (("North Korea fires a rocket", "Pyongyang said it was a test."), "KP"),
            (("Dominica plants bananas", "Dominica lost its crop to a storm."), "DM"),
            (("Dominican Republic builds a port", "The Dominican Republic borrows for it."), "DO"),
            (("New Jersey bans bags", "Lawmakers in New Jersey voted for it."), "US-NJ"),
            (("Jersey raises taxes", "The island of Jersey did not say why."), "JE"),
            (
                ("Growers of apples in Washington state", "Washington farmers near Yakima and Spokane sold more."),
                "US-WA",
            ),
            (("Northern Ireland votes", "Northern Ireland goes to the polls."), "GB-NIR"),
            (("Ireland votes", "Irish voters go to the polls."), "IE"),
            (("Namibia mines diamonds", "Namibian miners found a large one."), "NA"),
            (("Norway raises rates", "Norwegian banks follow."), "NO"),
            (("New Mexico sues", "New Mexico went to court."), "US-NM"),
            (("Paris, Texas, has a new mayor", "The mayor of Paris, Texas, was sworn in."), "g4717560"),
            (("Vancouver, Wash., plans a bridge", "It would cross the river."), "g5814616"),
            (("Cornwall counts its visitors", "Cornwall had more of them."), "GB-CON"),
        ],
    )
    def test_are_told_apart(self, texts: tuple[str, ...], code: str) -> None:
        assert primary(*texts) == [code]

    @pytest.mark.parametrize(
        ("dateline", "code"),
        [
            ("BIRMINGHAM, Ala., May 3 -", "g4049979"),
            ("GREENWICH, Conn.", "g4835003"),
            ("ST. PAUL, Minn., Feb 26 -", "g5045360"),
            ("VANCOUVER, Wash.", "g5814616"),
            ("READING, England", "g2639577"),
            ("LONDON, Ontario", "g6058560"),
        ],
    )
    def test_in_a_dateline_the_state_decides(self, dateline: str, code: str) -> None:
        town = PLACES.name(code)
        found = primary(
            f"{town} council meets", f"The council of {town} met, and {town} has a budget.", dateline=dateline
        )
        assert [PLACES.country(region) for region in found] == [PLACES.country(code)]

    @pytest.mark.parametrize(
        ("old", "code"),
        [("Peking", "CN-BJ"), ("Bombay", "g1275339"), ("Burma", "MM"), ("Saigon", "g1566083"), ("Zaire", "CD")],
    )
    def test_old_names_are_known(self, old: str, code: str) -> None:
        assert primary(f"{old} builds a port", f"The port of {old} will be large.") == [code]

    def test_accents_do_not_matter(self) -> None:
        assert primary("São Paulo builds", "São Paulo and Sao Paulo are one.") == ["g3448439"]
        assert primary("ZÜRICH BAUT", "") == primary("ZURICH BUILDS", "") == ["g2657896"]

    def test_capitals_in_a_headline(self) -> None:
        found = tags(article("TEL AVIV FIRMS LOOK TO CHINA", "ISRAELI FIRMS OPEN OFFICES IN SHANGHAI"))
        assert found[Role.PRIMARY] == ["g293397"]
        assert found[Role.COUNTERPART] == ["CN"]

    def test_a_small_town_needs_support(self) -> None:
        assert countries("A fair opens", "The fair in Florin drew thousands.") == set()
        assert primary("A fair opens", "The fair in Elgin, Illinois, drew thousands to Elgin.") == ["g4890864"]


class TestPeopleAndSeats:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("Israeli firms hire", "IL"),
            ("Brazilian exports rise", "BR"),
            ("Dutch growers sell tulips", "NL"),
            ("Filipinos vote", "PH"),
            ("Swiss voters say no", "CH"),
            ("The Kremlin denies a report", "RU"),
            ("White House delays a decision", "US"),
            ("Downing Street is silent", "GB"),
            ("Bundesbank holds rates", "DE"),
            ("Knesset votes on a budget", "IL"),
            ("European Commission fines a chip maker", "x-eu"),
        ],
    )
    def test_stand_for_their_country(self, text: str, code: str) -> None:
        assert primary(text, f"{text}, it was said.") == [code]

    def test_a_capital_that_speaks_is_a_government(self) -> None:
        found = tags(
            article("Beijing warns Washington over tariffs", "Beijing said it would answer if Washington imposed them.")
        )
        assert found[Role.PRIMARY] == ["CN"]
        assert found[Role.COUNTERPART] == ["US"]

    def test_a_capital_where_people_walk_is_a_city(self) -> None:
        assert primary("Parks open in Beijing", "Thousands walked in the parks of Beijing.") == ["CN-BJ"]

    def test_the_home_of_an_organisation_weighs_less(self) -> None:
        within = tag_of("JP-13", "A plant closes", "Tokyo Electric Power Co closed a plant.")
        named = tag_of("JP-13", "A plant closes", "A plant in Tokyo closed.")
        assert within.score < named.score
        assert within.evidence[0].rule == "in the name of an organisation"


class TestRoles:
    def test_who_acts_is_primary_and_whom_it_acts_on_counterpart(self) -> None:
        found = tags(article("Vietnam opens its market to Chile", "Vietnam and Chile signed a treaty on trade."))
        assert found[Role.PRIMARY] == ["VN"]
        assert found[Role.COUNTERPART] == ["CL"]
        found = tags(article("Chile sells wine to Vietnam", "Chile and Vietnam agreed on wine. Vietnam pays."))
        assert found[Role.PRIMARY] == ["CL"]
        assert found[Role.COUNTERPART] == ["VN"]

    def test_what_is_named_in_passing_is_mentioned(self) -> None:
        found = tags(
            article(
                "Kenya plants a million trees",
                "Kenya plants trees on its hills.",
                "Kenyan farmers water them.",
                "A similar plan was tried in Spain, in Peru and in Nepal.",
            )
        )
        assert found[Role.PRIMARY] == ["KE"]
        assert found[Role.COUNTERPART] == []
        assert set(found[Role.MENTIONED]) == {"ES", "NP", "PE"}

    def test_the_place_of_filing_is_not_the_subject(self) -> None:
        found = tags(
            article("Canada sells bonds", "Canadian officials agreed. Canada needs money.", dateline="LONDON, May 3")
        )
        assert found == {Role.PRIMARY: ["CA"], Role.COUNTERPART: [], Role.MENTIONED: ["GB"]}

    def test_unless_nothing_else_is_named(self) -> None:
        (tag,) = REGIONS.judge(article("Water rises", "Water rose in the streets.", dateline="BOMBAY, Aug 3 -"))
        assert (tag.region, tag.role) == ("IN", Role.PRIMARY)
        assert tag.evidence[0].rule == "place of filing"

    def test_the_most_specific_place_stands_for_what_it_lies_in(self) -> None:
        text = "Shenzhen, in Guangdong, builds a port. Shenzhen is a city of China."
        (tag,) = REGIONS.judge(article("Shenzhen builds a port", text))
        assert tag.region == "g1795565"
        assert [item.rule for item in tag.evidence if item.where == "containment"] == [
            "lies in CN-GD", "lies in CN", "lies in 030", "lies in 142",
        ]  # fmt: skip

    def test_a_country_with_many_places_stands_for_itself(self) -> None:
        found = primary("China builds ports", "China builds in Shenzhen, Ningbo, Qingdao and Dalian.")
        assert found == ["CN"]

    def test_keywords_of_the_publisher_decide(self) -> None:
        found = tags(
            article("An office opens", "Spain and Peru may follow, and Spain wants to.", keywords=("Chengdu", "France"))
        )
        assert set(found[Role.PRIMARY] + found[Role.COUNTERPART]) == {"g1815286", "FR"}

    def test_a_keyword_that_is_no_place_says_nothing(self) -> None:
        assert countries("An office opens", "It is large.", keywords=("Technology", "French cooking")) == {"FR"}

    def test_best_comes_first(self) -> None:
        found = REGIONS.judge(article("Kenya and Uganda build a road", "Kenya pays. Uganda builds. Rwanda watches."))
        roles = [list(Role).index(tag.role) for tag in found]
        assert roles == sorted(roles)
        assert all(0 < tag.score <= 1 for tag in found)

    def test_every_tag_has_evidence(self) -> None:
        for tag in REGIONS.judge(article("Kenya and Uganda build a road", "In Nairobi, Kenyan firms hired.")):
            assert all(item.text and item.rule and item.where for item in tag.evidence)
            assert any(item.weight > 0 for item in tag.evidence)


class TestDatelines:
    @pytest.mark.parametrize(
        "text",
        [
            "NAIROBI, May 3 (Xinhua) -- Rain fell.",
            "NAIROBI (Reuters) - Rain fell.",
            "NAIROBI — Rain fell.",
            "Nairobi, May 3, 2018 - Rain fell.",
            "Storm over the lake NAIROBI (AP) Rain fell.",
        ],
    )
    def test_at_the_head_of_the_text(self, text: str) -> None:
        (tag,) = REGIONS.judge(article("Rain falls", text))
        assert tag.region == "KE"
        assert tag.evidence[0].where == "dateline"

    @pytest.mark.parametrize(
        "text", ["Jul 20, 2018 (Some Publisher) - Rain fell.", "UPDATE - Rain fell.", "RAIN - It fell."]
    )
    def test_not_of_a_place(self, text: str) -> None:
        assert countries("Rain falls", text) == set()

    def test_that_says_nothing(self) -> None:
        assert countries("Rain falls", "It fell.", dateline="NOWHEREVILLE") == set()


class TestChinese:
    @pytest.mark.parametrize(
        ("texts", "main", "other"),
        [
            (("中国与以色列签署自由贸易协定", "新华社北京4月9日电 中国和以色列周一在北京签署协定。"), ["CN"], ["IL"]),
            (("深圳发布人工智能计划", "深圳市政府表示，将投资五百亿元。"), ["g1795565"], []),
            (("東莞市與特拉維夫合作", "東莞市代表團訪問特拉維夫。"), ["g1812545"], ["g293397"]),
            (("中美经贸磋商继续", "双方表示，磋商富有成效。"), ["CN"], ["US"]),
            (("日韩首脑会谈举行", "双方讨论贸易。"), ["JP"], ["KR"]),
            (("中以合作论坛开幕", "论坛讨论水处理技术。"), ["CN"], ["IL"]),
            (("粤港澳大湾区规划公布", "大湾区将加强合作。"), ["x-gba"], []),
            (("克里姆林宫否认报道", "俄方表示，报道不实。"), ["RU"], []),
        ],
    )
    def test_names(self, texts: tuple[str, ...], main: list[str], other: list[str]) -> None:
        found = tags(article(*texts, language="zh"))
        assert found[Role.PRIMARY] == main
        assert found[Role.COUNTERPART] == other

    @pytest.mark.parametrize(
        "texts",
        [
            ("公司发布年报", "其中以出口为主，其中法人股东占一半。"),
            ("人民币走强", "一美元兑换不到七元，欧元和日元走弱。"),
            ("报纸更换主编", "纽约时报和南华早报报道，北京时间今晨宣布。"),
            ("铜价上涨", "伦敦金属交易所铜价上涨。"),
        ],
    )
    def test_traps(self, texts: tuple[str, ...]) -> None:
        assert countries(*texts, language="zh") == set()

    def test_a_dateline_is_the_place_of_filing(self) -> None:
        found = tags(article("肯尼亚植树", "新华社伦敦5月3日电 肯尼亚今年植树一百万棵，肯尼亚政府说。", language="zh"))
        assert found[Role.PRIMARY] == ["KE"]
        assert found[Role.MENTIONED] == ["GB"]

    def test_a_pair_before_and_after_a_name(self) -> None:
        found = tags(article("论坛开幕", "中美关系和以色列无关，俄乌冲突也是。中美双方都这样说。", language="zh"))
        assert set(found[Role.PRIMARY] + found[Role.COUNTERPART] + found[Role.MENTIONED]) == {
            "CN",
            "US",
            "IL",
            "RU",
            "UA",
        }

    def test_a_dateline_of_an_agency_alone_says_nothing(self) -> None:
        assert countries("论坛开幕", "论坛今天开幕。", language="zh", dateline="新华社") == set()

    def test_a_dateline_field_and_keywords(self) -> None:
        found = tags(article("论坛开幕", "论坛今天开幕。", language="zh", dateline="东莞", keywords=("以色列",)))
        assert found[Role.PRIMARY] == ["IL"]
        assert found[Role.MENTIONED] == ["CN"]


class TestHostileInput:
    @pytest.mark.parametrize(
        "text",
        [
            "China " * 200_000,
            "A" * 1_200_000,
            "Paris, Texas " * 100_000,
            "A. " * 400_000,
            "中美" * 500_000,
            "\u0301é" * 400_000,
            " - " * 400_000,
        ],
    )
    def test_ten_megabytes_on_one_line_cost_no_more_than_a_long_article(self, text: str) -> None:
        def judge(text: str) -> None:
            REGIONS.judge(article(text, text, keywords=(text,), dateline=text, publisher="China"))

        assert_linear(judge, text, text * STEP)

    def test_many_places_of_one_country(self) -> None:
        towns = [place.names["en"] for place in PLACES if place.parent == "US-CA"][:1500]
        found = REGIONS.judge(article("California lists its towns", ", ".join(towns)))
        assert found[0].region == "US-CA"

    def test_empty_paragraphs_without_end(self) -> None:
        assert REGIONS.judge(article("", *[""] * 100_000)) == ()

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=300), st.lists(st.text(max_size=200), max_size=3), st.text(max_size=60))
    def test_any_text_gets_an_answer(self, title: str, paragraphs: list[str], dateline: str) -> None:
        of = article(title, *paragraphs, dateline=dateline, keywords=(title,), publisher=dateline)
        found = REGIONS.judge(of)
        assert all(tag.region in PLACES for tag in found)
        assert [tag.role for tag in found].count(Role.PRIMARY) <= 3
        assert found == REGIONS.judge(of)


class TestWhatAnEditorWouldNotBelieve:
    def test_a_city_by_the_short_form_of_its_name(self) -> None:
        found = tags(
            article(
                "British shipyard to build ships for wind farms",
                "A shipyard in Hull in northern England will build eight ships, its owner said on Tuesday.",
                keywords=("Britain", "Hull", "wind power"),
            )
        )
        assert found[Role.PRIMARY] == ["g2645425"]  # Kingston upon Hull, not Hull in Quebec
        assert countries("Ferries from Hull", "Ferries from Hull sail twice a day.") == {"GB"}
        assert countries("Flats in Goyang", "Rents in Goyang fell, agents in Seoul said.") == {"KR"}

    def test_in_a_list_of_the_worlds_cities_each_means_the_one_that_everybody_means(self) -> None:
        text = (
            "Americans fly to Dubai, Johannesburg, Tokyo and Vancouver more often, U.S. airlines said in San Francisco."
        )
        assert "CA" in countries("U.S. airlines add flights", text)

    @pytest.mark.parametrize(
        ("title", "text", "expected"),
        [
            (
                "Victoria bans plastic bags",
                "The Australian state of Victoria bans thin bags from November.",
                ["AU-VIC"],
            ),
            ("West Java lends boats", "The Indonesian province of West Java lends boats to its fishermen.", ["ID-JB"]),
            ("Mobile elects a mayor", "The city of Mobile in Alabama has a new mayor.", ["g4076598"]),
        ],
    )
    def test_a_place_that_is_called_one(self, title: str, text: str, expected: list[str]) -> None:
        assert primary(title, text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "Singer Lea Jordan has signed for five albums, and Jordan will tour with them.",
            "Jordan, 24, has signed for five albums.",
        ],
    )
    def test_a_person_by_occupation_or_age(self, text: str) -> None:
        assert primary("Jordan signs for five albums", text) == []

    def test_a_likeness_names_no_place(self) -> None:
        assert countries("Silicon Valley of India runs dry", "Bengaluru has water for two hours a day.") == {"IN"}


def test_traditional_characters_name_the_same_places() -> None:
    plain = primary("台湾半导体厂赴日本设厂", "台湾一家半导体厂宣布在日本熊本设厂。", language="zh")
    assert (
        plain == primary("台灣半導體廠赴日本設廠", "台灣一家半導體廠宣布在日本熊本設廠。", language="zh-Hant") == ["TW"]
    )
    pair = tags(article("中韓經貿磋商", "中韓兩國代表團重啟磋商。", language="zh-Hant"))
    assert pair == tags(article("中韩经贸磋商", "中韩两国代表团重启磋商。", language="zh"))
    assert pair[Role.PRIMARY] == ["CN"]
    assert pair[Role.COUNTERPART] == ["KR"]
