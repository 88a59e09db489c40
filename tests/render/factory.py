"""Editions made by hand of our own sentences: a small one for golden files, and one of 40 stories for size and looks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from digest.model import (
    Article,
    CrossReference,
    Edition,
    Evidence,
    Item,
    Judgement,
    Period,
    Preferences,
    Publication,
    RegionTag,
    Related,
    Rights,
    Role,
    Section,
    Story,
    Theme,
    ThemeGroup,
    ThemeTag,
)
from digest.places import Places
from digest.render import (
    Demo,
    DemoDelivery,
    DemoEdition,
    DemoFact,
    DemoFile,
    DemoItem,
    DemoMail,
    DemoTag,
    Reader,
    Renderer,
)

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Asia/Shanghai")
PUBLICATION = Publication(
    title="South Gate Wire",
    url="https://digest.example",
    sender="weekly@digest.example",
    postal_address="South Gate Wire, 12 Harbour Road, Example City",
    feedback="desk@digest.example",
    copyright="© 2018 South Gate Wire. Stories belong to their publishers.",
    time_zone="Asia/Shanghai",
    tagline="Business and policy between China and its partners",
    samples=True,
)
THEMES = {
    theme.id: theme
    for theme in (
        Theme(id="macro", names={"en": "Macro & Government", "zh": "宏观与政府"}),
        Theme(id="trade", names={"en": "Trade", "zh": "贸易"}),
        Theme(id="technology", names={"en": "Technology", "zh": "科技"}),
        Theme(id="energy", names={"en": "Energy", "zh": "能源"}),
        Theme(id="finance", names={"en": "Finance", "zh": "金融"}),
    )
}
REGIONS = ("CN-GD", "CN", "035", "JP", "IL", "150", "US", "x-elsewhere")
_PUBLISHERS = (
    "Harbour Times",
    "Delta Economic Daily",
    "Northern Wire",
    "南方经济观察",
    "Levant Business",
    "Strait Review",
)
_TITLES = {
    "macro": (
        "{place} sets up a one-stop office for foreign firms",
        "Budget hearing in {place} turns on roads, schools and a debt ceiling",
    ),
    "trade": (
        "Exporters in {place} book more containers before the autumn fairs",
        "Customs in {place} drop a paper form that nobody read",
    ),
    "technology": (
        "A chip maker in {place} doubles its clean room and hires four hundred",
        "{place} universities share a laboratory for batteries",
    ),
    "energy": (
        "Wind farm off {place} feeds its first power into the grid",
        "Heat pumps spread faster than plumbers in {place}",
    ),
    "finance": ("Banks in {place} lend more to small workshops", "{place} opens its bond desk to overseas funds"),
}
_CHINESE = {
    "macro": "{place}设立外资企业一站式服务中心",
    "trade": "{place}出口企业赶在秋季展会前增订集装箱",
    "technology": "{place}芯片企业扩建洁净车间，新增四百个岗位",
    "energy": "{place}近海风电场首次并网发电",
    "finance": "{place}银行加大对小微企业的贷款投放",
}
_SENTENCES = (
    "Officials said that the first applications would be answered within ten working days, against six weeks until now.",
    "Two thirds of the firms asked in June want to stay; the others name rents and a lack of engineers.",
    "The plan is open for comment until the end of August and would take effect with the new fiscal year.",
    "Orders rose by 8.4 percent on the year before, the chamber said, most of them for machines and parts.",
    "Analysts expect the pace to slow once stocks are full, but not before the fourth quarter.",
)
_CHINESE_SENTENCES = (
    "有关部门表示，首批申请将在十个工作日内答复，而此前通常需要六周。",
    "商会称，订单同比增长百分之八点四，其中多数为机械设备和零部件。",
)


@lru_cache(maxsize=1)
def places() -> Places:
    return Places.load()


def article(key: str, title: str, **changes: Any) -> Article:
    given: dict[str, Any] = {
        "source": "sample",
        "id": key,
        "title": title,
        "paragraphs": _SENTENCES[:3],
        "language": "en",
        "origin": f"{key}.txt",
        "first_seen": datetime(2018, 7, 20, 9, tzinfo=UTC),
        "published": datetime(2018, 7, 19, 22, 30, tzinfo=UTC),
        "publisher": "Harbour Times",
        "url": f"https://news.example/{key}",
        **changes,
    }
    return Article(**given)


def story(lead: Article, region: str = "CN-GD", theme: str = "trade", **changes: Any) -> Story:
    space = "" if lead.language == "zh" else " "
    given: dict[str, Any] = {
        "key": lead.uid,
        "lead": lead,
        "judgement": Judgement(
            article=lead.uid,
            regions=(
                RegionTag(
                    region=region,
                    role=Role.PRIMARY,
                    score=0.9,
                    evidence=(
                        Evidence(where="text", text="the province", rule="name", weight=0.2),
                        Evidence(where="keywords", text=places().name(region), rule="name", weight=0.7),
                    ),
                ),
            ),
            themes=(
                ThemeTag(
                    theme=theme,
                    score=0.8,
                    evidence=(
                        Evidence(where="title", text=THEMES[theme].names["en"].lower(), rule="phrase", weight=0.5),
                    ),
                ),
            )
            if theme
            else (),
            summary=(lead.paragraphs[0], lead.paragraphs[1])
            if len(lead.paragraphs) > 1
            else (space.join(lead.paragraphs),),
        ),
        **changes,
    }
    return Story(**given)


def edition(sections: tuple[Section, ...], **changes: Any) -> Edition:
    given: dict[str, Any] = {
        "id": "weekly-2018-W29",
        "digest": "weekly",
        "title": "China Partners Weekly",
        "period": Period.week("2018-W29", ZONE),
        "number": 29,
        "sections": sections,
        **changes,
    }
    return Edition(**given)


def section(
    key: str, *stories: Story, theme: str = "trade", first: int = 1, names: dict[str, str] | None = None
) -> Section:
    items = tuple(Item(number=first + place, story=each, theme=theme, score=1.0) for place, each in enumerate(stories))
    given = {"en": places().name(key), "zh": places().name(key, "zh")} if names is None else names
    return Section(key=key, names=given, groups=(ThemeGroup(theme=theme, items=items),))


def one(lead: Article, **changes: Any) -> Edition:
    """An edition of one story."""
    return edition((section("CN-GD", story(lead, **changes)),))


def small() -> Edition:
    """Six stories with everything that an edition can show; what the golden files are made of."""
    names = {"en": "Guangdong", "zh": "广东"}
    office = story(
        article(
            "office",
            "Dongguan opens a trade office in Tel Aviv",
            keywords=("Dongguan", "Israel"),
            dateline="TEL AVIV",
        ),
        theme="macro",
        also=(article("office-2", "东莞在特拉维夫设办事处", language="zh", publisher="南方经济观察"),),
        related=(
            Related(
                story="77aa77aa77aa77aa",
                title="Beijing science park plans a liaison office in Tel Aviv",
                edition="weekly-2018-W15",
                period="2018-W15",
                why="same places",
            ),
        ),
    )
    containers = story(
        article("containers", _TITLES["trade"][0].format(place="Shenzhen"), publisher="Delta Economic Daily")
    )
    chinese = story(
        article(
            "xiaowei",
            "广东银行加大对小微企业的贷款投放",
            language="zh",
            publisher="南方经济观察",
            paragraphs=_CHINESE_SENTENCES,
            dateline="广州",
        ),
        theme="finance",
    )
    no_link = story(
        article("radio", "Port radio goes silent for an hour & nobody minds", url="", published=None, dateline="HAIFA"),
        "IL",
    )
    headline_only = story(
        article(
            "wire", "Desalination plant passes its first audit", rights=Rights.HEADLINE, publisher="Levant Business"
        ),
        "IL",
        "energy",
    )
    untitled = story(article("empty", "", published=datetime(2017, 12, 31, 23, tzinfo=UTC)), "IL", "")
    guangdong = Section(
        key="CN-GD",
        names=names,
        groups=(
            ThemeGroup(theme="macro", items=(Item(number=1, story=office, theme="macro", score=3, pinned=True),)),
            ThemeGroup(theme="trade", items=(Item(number=2, story=containers, theme="trade", score=2),)),
            ThemeGroup(theme="finance", items=(Item(number=3, story=chinese, theme="finance", score=1),)),
        ),
    )
    israel = Section(
        key="IL",
        names={},
        groups=(
            ThemeGroup(theme="trade", items=(Item(number=4, story=no_link, theme="trade", score=1),)),
            ThemeGroup(theme="energy", items=(Item(number=5, story=headline_only, theme="energy", score=1),)),
            ThemeGroup(theme="", items=(Item(number=6, story=untitled, theme="", score=1),)),
        ),
        cross_references=(CrossReference(story=office.key, number=1, title=office.lead.title, section="CN-GD"),),
    )
    return edition(
        (guangdong, israel),
        top=(containers.key, chinese.key),
        choice=(office.key,),
        note="A quiet week at the ports, a busy one at the banks.\n\nThe desk is closed on Friday.",
    )


def large(stories: int = 40) -> Edition:
    """Eight regions by five themes, some in Chinese, some told by several."""
    themes = tuple(THEMES)
    cells = itertools.islice(itertools.cycle(itertools.product(REGIONS, themes)), stories)
    made: dict[str, dict[str, list[Story]]] = {region: {theme: [] for theme in themes} for region in REGIONS}
    for number, (region, theme) in enumerate(cells):
        made[region][theme].append(_sample(number, region, theme))
    numbers: Iterator[int] = itertools.count(1)
    sections = tuple(
        Section(
            key=region,
            names={"en": "Elsewhere", "zh": "其他地区"} if region == "x-elsewhere" else {},
            groups=tuple(
                ThemeGroup(
                    theme=theme,
                    items=tuple(Item(number=next(numbers), story=each, theme=theme, score=1.0) for each in told),
                )
                for theme, told in groups.items()
                if told
            ),
        )
        for region, groups in made.items()
    )
    keys = [item.story.key for part in sections for item in part.items]
    return edition(
        sections,
        top=tuple(keys[7 % stories :: 11])[:3],
        choice=(keys[4 % stories],),
        note="A week of offices opened and forms dropped.",
    )


def _sample(number: int, region: str, theme: str) -> Story:
    known = places().find(region) is not None
    chinese = number % 7 == 3
    place = places().name(region, "zh" if chinese else "en") if known else ("海外" if chinese else "Montevideo")
    title = _CHINESE[theme] if chinese else _TITLES[theme][number % 2]
    sentences = _CHINESE_SENTENCES if chinese else (_SENTENCES[number % 5], _SENTENCES[(number + 2) % 5])
    lead = article(
        f"story-{number}",
        title.format(place=place),
        language="zh" if chinese else "en",
        paragraphs=sentences,
        publisher=_PUBLISHERS[3] if chinese else _PUBLISHERS[number % 6],
        published=datetime(2018, 7, 16, 6, tzinfo=UTC) + timedelta(hours=3 * number % 160),
        dateline="" if number % 3 else place.upper(),
        url="" if number % 9 == 8 else f"https://news.example/2018/07/{number}/a-story-with-a-long-address.html",
    )
    also = tuple(
        article(f"story-{number}-{other}", "The same, told again", publisher=_PUBLISHERS[(number + other) % 6])
        for other in range(1, 3 if number % 5 == 0 else 1)
    )
    related = (
        (
            Related(
                story="ab" * 8, title="The office that was only a plan", edition="weekly-2018-W15", period="2018-W15"
            ),
        )
        if number % 10 == 6
        else ()
    )
    return story(lead, region if known else "UY", theme, also=also, related=related)


def renderer(publication: Publication = PUBLICATION, *folders: Path) -> Renderer:
    counter = itertools.count()
    return Renderer(
        publication=publication,
        template_folders=(*folders, ROOT / "templates"),
        locale_folder=ROOT / "locale",
        places=places(),
        themes=THEMES,
        token=lambda: f"{next(counter):024x}",
        edition_url=lambda edition: f"https://digest.example/editions/{edition}.html",
    )


def reader(**changes: Any) -> Reader:
    given: dict[str, Any] = {
        "name": "Ada Chen",
        "language": "en",
        "online_url": "https://digest.example/editions/weekly-2018-W29.html",
        "preferences_url": "https://digest.example/preferences?k=one&t=two",
        "unsubscribe_url": "https://digest.example/unsubscribe?k=one&t=two",
        "feed_url": "https://digest.example/feeds/atom.xml",
        "preferences": Preferences(regions=("CN-GD", "IL"), themes=("trade",)),
        **changes,
    }
    return Reader(**given)


def demo() -> Demo:
    """The demo's page with one of everything, hostile names among them."""
    return Demo(
        title="Digest: the demo",
        lead="Two real articles and two dozen samples, from the drop folder to the inbox.",
        facts=(DemoFact(name="Articles picked up", value="26", note="2 real, 24 samples"),),
        mails=(
            DemoMail(
                edition="2018-W29",
                reader="Ada <b>Chen</b>",
                address="ada@example.org",
                subject="China Partners Weekly",
                choice="Guangdong, Israel · Trade",
                items=6,
                html="mails/ada-2018-W29.html",
                text="China Partners Weekly\n=====================\n<script>",
                message="mail/new/1",
            ),
        ),
        feeds=(DemoFile(name="Atom", path="feeds/atom.xml", note="2 editions"),),
        editions=(
            DemoEdition(
                id="weekly-2018-W29",
                title="No. 29",
                files=(DemoFile(name="online", path="editions/weekly-2018-W29.html"),),
                items=(
                    DemoItem(
                        number=1,
                        title="东莞在特拉维夫设办事处",
                        section="Guangdong",
                        theme="Macro & Government",
                        regions=(
                            DemoTag(
                                name="Guangdong", role="primary", score=0.92, evidence=("keyword line: “Dongguan”",)
                            ),
                        ),
                        themes=(DemoTag(name="Macro & Government", role="", score=0.7),),
                        why=("Stands under Guangdong: it is the primary region.", "Score 2.40."),
                        language="zh",
                    ),
                ),
                left_out=(("Port radio goes silent", "told by an earlier edition"),),
            ),
        ),
        ledger=(
            DemoDelivery(
                address="ada@example.org",
                edition="2018-W29",
                state="accepted",
                reply="250 2.0.0 Ok",
                message_id="<abc@digest.example>",
                at="2018-07-23 08:00:03",
                attempts=1,
            ),
        ),
    )
