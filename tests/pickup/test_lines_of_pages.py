"""What single lines of pages are: datelines, fields, furniture, prose."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.pickup import dateline, fields, furniture, prose, publishers
from digest.pickup.furniture import Part


@pytest.mark.parametrize(
    ("text", "place", "agency"),
    [
        ("JERUSALEM, April 9 (Xinhua) -- Talks began.", "JERUSALEM", "Xinhua"),
        ("Jul 20, 2018 (China Knowledge) - Talks began.", "", "China Knowledge"),
        ("BEIJING, July 3 (Reuters) - Talks began.", "BEIJING", "Reuters"),
        ("SHANGHAI (AP) — Talks began.", "SHANGHAI", "AP"),
        ("LONDON — Talks began.", "LONDON", ""),
        ("ROME — Talks began.", "ROME", ""),
        ("WASHINGTON, D.C., July 3 (AP) - Talks began.", "WASHINGTON, D.C.", "AP"),
        ("WASHINGTON, D.C. — Talks began.", "WASHINGTON, D.C.", ""),
        ("TEL AVIV, Israel (AP) — Talks began.", "TEL AVIV, Israel", "AP"),
        ("ST. PAUL, Minn. (AP) — Talks began.", "ST. PAUL, Minn.", "AP"),
        ("BEIJING/SHANGHAI (Reuters) - Talks began.", "BEIJING/SHANGHAI", "Reuters"),
        ("SÃO PAULO, 3 July (Reuters) - Talks began.", "SÃO PAULO", "Reuters"),
        ("SHENZHEN, July 3, 2018 /PRNewswire/ -- Talks began.", "SHENZHEN", "PRNewswire"),
        ("MOSCOW, April 9. /TASS/. Talks began.", "MOSCOW", "TASS"),
        ("New Delhi, July 3 (PTI) Talks began.", "New Delhi", "PTI"),
        ("Beijing (AFP) - Talks began.", "Beijing", "AFP"),
        ("BEIJING, April 9 -- Talks began.", "BEIJING", ""),
        ("(Reuters) - Talks began.", "", "Reuters"),
        ("(Beijing) — Talks began.", "Beijing", ""),
        ("新华社北京4月9日电（记者 张三）会谈开始。", "北京", "新华社"),
        ("中新网4月9日电 会谈开始。", "", "中新网"),
        ("法新社北京3日电 会谈开始。", "北京", "法新社"),
        ("北京4月9日电 会谈开始。", "北京", ""),
        ("本报北京7月20日电（记者王五）会谈开始。", "北京", ""),
        ("【财新网】（记者 张三）会谈开始。", "", "财新网"),
        ("（中央社記者王小明高雄8日電）會談開始。", "高雄", "中央社"),
        ("【大公報訊】記者陳大文報道：會談開始。", "", "大公報"),
        ("中证网讯（记者 张三）会谈开始。", "", "中证网"),
        ("e公司讯，会谈开始。", "", ""),
        ("SINGAPORE: Talks began.", "SINGAPORE", ""),
        ("LONDON/PARIS: Talks began.", "LONDON/PARIS", ""),
    ],
)
def test_datelines(text: str, place: str, agency: str) -> None:
    found = dateline.read(text)
    assert found is not None
    assert (found.place, found.agency) == (place, agency)
    assert found.rest in {"Talks began.", "会谈开始。", "會談開始。"}


@pytest.mark.parametrize(
    "text",
    [
        "NATO — the alliance — met.", "UPDATE 1 - Talks began.", "REVIEW (AP) — Talks began.", "China - The talks began.", "Xi'an - talks",
        "The company (Apple) - talks", "(But) — not so", "(But) - not so", "Zhang said (Reuters) - talks", "BEIJING, July 3 (Reuters) - ", "据新华社电 会谈", "",
        "(Two words) — not so", "DEADLINE: Talks began.", "London: talks",
    ],
)  # fmt: skip
def test_no_datelines(text: str) -> None:
    assert dateline.read(text) is None


def test_reporters_of_a_dateline() -> None:
    found = dateline.read("新华社耶路撒冷4月9日电（记者杜震 杨志望）会谈开始。")
    assert found is not None
    assert found.reporters == "杜震、杨志望"
    assert found.day == ("", "4", 9)
    assert dateline.reporters("记者 张 三") == "张三"
    assert dateline.reporters("本报记者张三、通讯员李四") == "张三、李四"


@pytest.mark.parametrize(
    ("text", "rest", "agency"),
    [
        ("He left. (Xinhua)", "He left.", "Xinhua"),
        ("He left. Enditem", "He left.", ""),
        ("他走了。（完）", "他走了。", ""),
        ("He left. (Xinhua) Enditem", "He left.", "Xinhua"),
        ("He left. (Apple)", "He left. (Apple)", ""),
        ("This is the END", "This is the END", ""),
        ("(Xinhua)", "", "Xinhua"),
        ("ENDS", "", ""),
        ("", "", ""),
    ],
)
def test_signatures(text: str, rest: str, agency: str) -> None:
    assert dateline.signature(text) == (rest, agency)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Source: Xinhua| 2018-04-10 04:16:48|Editor: yan", {"source": "Xinhua", "editor": "yan"}),
        ("2018年07月20日 09:15 来源：新华网", {"source": "新华网"}),
        ("By Jane Doe | China Daily | Updated: 2018-07-20 09:15", {"byline": "Jane Doe", "source": "China Daily"}),
        ("By Jane Doe in Oslo | Harbour News | Updated: 2018-07-20", {"byline": "Jane Doe", "source": "Harbour News"}),
        ("By JANE DOE and JOHN ROE", {"byline": "Jane Doe And John Roe".replace("And", "and")}),
        ("by Xinhua writer Li Xia", {"byline": "Li Xia"}),
        ("By staff reporters", {"byline": "staff reporters"}),
        ("(Reporting by Jane Doe in Oslo; Editing by Ann Poe)", {"byline": "Jane Doe in Oslo", "editor": "Ann Poe"}),
        ("Reporting by Jane Doe; Translated by Bo Moe", {"byline": "Jane Doe"}),
        ("Editor: Li Xia", {"editor": "Li Xia"}),
        ("责任编辑：张三", {"editor": "张三"}),
        ("(责编：张三、李四)", {"editor": "张三、李四"}),
        ("時間：2018-07-20 作者：李四 来源：人民日报", None),
        ("时间：2018-07-20 作者：李四 来源：人民日报", {"byline": "李四", "source": "人民日报"}),
        ("记者 张三 李四", {"byline": "张三、李四"}),
        ("http://www.example.cn 2020-05-01 10:11:12 来源: 经济日报", {"source": "经济日报"}),
        ("Tags: Israel, China; ports", {"keywords": ["Israel", "China", "ports"]}),
        ("关键词：东莞 以色列", {"keywords": ["东莞", "以色列"]}),
        ("(Xinhua)", {"agency": "Xinhua"}),
        ("The paper said on July 20, 2018 that it was so", None),
        ("Editor: The newspaper said that it would not be printed in the week that follows the feast.", None),
        ("Section: this is what we have said", None),
        ("By the time that he was there it had gone", None),
        ("Jane Doe", None),
        ("x" * 301, None),
        ("Published:", None),
    ],
)  # fmt: skip
def test_lines_of_fields(line: str, expected: dict[str, object] | None) -> None:
    found = fields.read(line)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected


def test_an_updated_stamp_is_not_the_published_one() -> None:
    found = fields.read("Published 20 July 2018 Updated 21 July 2018")
    assert found is not None
    assert found.published is not None
    assert found.updated is not None
    assert (found.published.moment.day, found.updated.moment.day) == (20, 21)
    found = fields.read("Last updated on 21 July 2018")
    assert found is not None
    assert found.published is None


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("Macro · Govt", "Macro · Govt"), ("Home > China > Economy", "China > Economy"), ("首页 > 国际 > 正文", "国际"), ("WORLD", "WORLD"),
        ("Home | World | China", ""), ("A | B | C | D | E", ""), ("China's gross - x", ""), ("Something else", ""), ("lower > case", ""),
        ("Economy.", ""), ("2018 > 2019", ""), ("Opinion / Letters", "Opinion / Letters"), ("", ""),
    ],
)  # fmt: skip
def test_section_lines(line: str, section: str) -> None:
    assert fields.section(line) == section


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("Dongguan, Israel, Guangdong", ["Dongguan", "Israel", "Guangdong"]), ("东莞，以色列，广东", ["东莞", "以色列", "广东"]), ("东莞 以色列", ["东莞", "以色列"]),
        ("港口城市擴建碼頭 預計兩年完工", []), ("Israel", []), ("A sentence, with a comma.", []), ("He said it, and left", []), ("x" * 201, []),
        ("one thing, two things, and a third that was long", []), ("这是一个非常非常长的关键词，还有一个", []), ("oil, gas, tin", []),
    ],
)  # fmt: skip
def test_keyword_lines(line: str, items: list[str]) -> None:
    assert fields.keyword_line(line) == items


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("Video PlayerClose", Part.ASIDE), ("Send feedback or comments to:", Part.STOP), ("Copyright © 2018", Part.STOP), ("TOP STORIES", Part.LIST),
        ("EDITOR’S CHOICE", Part.LIST), ("MOST VIEWED", Part.LIST), ("EXPLORE XINHUANET", Part.LIST), ("相关新闻", Part.LIST), ("010020070750000000000000", Part.ASIDE),
        ("To access our page on Bloomberg, type CKFI", Part.STOP), ("[1] [2] next", Part.ASIDE), ("上一页 1 2 下一页", Part.ASIDE), ("【纠错】", Part.STOP),
        ("Photo taken on May 3 shows a mill, officials said. (Xinhua/Li Xia)", Part.ASIDE), ("* ", Part.ASIDE), ("•", Part.ASIDE),
        ("We use cookies to improve your visit.", Part.ASIDE), ("Sign up for our newsletter", Part.ASIDE), ("Read more: a new mill", Part.ASIDE),
        ("More than 300 people were there.", None), ("The top story in China is told.", None), ('"Share it," he said.', None),
        ("Subscribe to no illusions, he warned.", None), ("x" * 500, None), ("", Part.ASIDE), ("Get well, he said.", None),
    ],
)  # fmt: skip
def test_furniture(line: str, part: Part | None) -> None:
    assert furniture.part(line) is part


@pytest.mark.parametrize(
    ("line", "is_prose"),
    [
        ("They did not say where.", True), ("Ports reopen after storm", False), ("* Watch the film now.", False), ("他们没有说在哪里，也没有说什么时候会再来。", True),
        ("港口重开", False), ("Officials named three places in which the work would begin before the winter and said that the first of them would be ready", True),
        ("The mill makes the following, of which two are new:", True), ("港口" * 30 + "，" + "码头" * 10 + "，还有", True), ("Sign. In. Now.", False),
    ],
)  # fmt: skip
def test_prose(line: str, is_prose: bool) -> None:
    assert prose.is_prose(line) is is_prose


def test_runs_end_where_furniture_is_enough() -> None:
    assert prose.runs([5, 5, -3, 5, -20, 1, -5, 7], 0, drop=15) == [(12, 0, 4), (1, 5, 6), (7, 7, 8)]
    assert prose.runs([5, -20, 9], 0, drop=10) == [(5, 0, 1), (9, 2, 3)]
    assert prose.runs([-1, -1], 0, drop=10) == []


def test_publishers_by_name() -> None:
    assert publishers.known("Xinhua News Agency")
    assert publishers.known("（新华社）")
    assert not publishers.known("Harbour News")
    assert publishers.known_start("South China Morning Post Publishers Ltd") == "South China Morning Post"
    assert publishers.known_start("Reuters.") == "Reuters"
    assert publishers.known_start("Harbour News") == ""
    assert str(publishers.zone_of("Xinhua")) == "Asia/Shanghai"
    assert publishers.zone_of("Reuters") is None


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("By AaZz.,:|·()（）【】-—/0123来源编辑记者月日电 \"'©"), max_size=80))
def test_any_line_can_be_recognised(line: str) -> None:
    fields.read(line)
    dateline.read(line)
    dateline.signature(line)
    furniture.part(line)
    fields.section(line)
    fields.keyword_line(line)
    fields.editor(line)
