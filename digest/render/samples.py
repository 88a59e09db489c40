"""Sample data on which templates are tried: an edition with all that one can show, and what each notice is given.

The texts are ours and harmless to read; among them is everything that a hostile source could send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from digest.model import (
    Article,
    Correction,
    CrossReference,
    Edition,
    Evidence,
    Item,
    Judgement,
    MostRead,
    Period,
    Preferences,
    RegionTag,
    Related,
    Rights,
    Role,
    Section,
    Story,
    ThemeGroup,
    ThemeTag,
)
from digest.render.personal import Reader

EDITION: Final = "weekly-2018-W29"
HOSTILE: Final = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'single' {{ 7 * 7 }} {% include 'x' %} %(x)s",
    "\u202egnp.evil\u202c right \u200f\u05e9\u05dc\u05d5\u05dd left",
    "control \x00\x07\x1b[31m\u0085\u2028 characters",
    "]]><!--[if mso]><v:rect><![endif]--> </style></title></td></table>",
    "long " * 1000,
    "Unbroken" * 100,
    "",
)
_SENTENCES: Final = (
    "Officials said that the first applications would be answered within ten working days, not six weeks as until now.",
    "Two thirds of the firms asked in June want to stay; the others name rents and a lack of engineers.",
)
_TITLES: Final = (
    ("Dongguan opens a trade office in Tel Aviv", "CN-GD", "trade"),
    ("A chip maker in Shenzhen doubles its clean room and hires four hundred", "CN-GD", "technology"),
    ("广东银行加大对小微企业的贷款投放", "CN-GD", "finance"),
    ("Haifa drops a paper form that nobody read", "IL", "trade"),
    ("Desalination plant passes its first audit", "IL", "energy"),
    ("Heat pumps spread faster than plumbers in Jiangsu", "CN", "energy"),
)


def reader(**changes: Any) -> Reader:
    """Somebody who chose a region and a theme."""
    given: dict[str, Any] = {
        "name": "Ada Chen",
        "online_url": f"https://digest.example/editions/{EDITION}.html",
        "preferences_url": "https://digest.example/preferences/token",
        "unsubscribe_url": "https://digest.example/unsubscribe/token",
        "feed_url": "https://digest.example/feeds/atom.xml",
        "preferences": Preferences(regions=("CN-GD", "IL"), themes=("trade",)),
    }
    return Reader(**{**given, **changes})


def edition(titles: tuple[str, ...] = (), repeat: int = 1) -> Edition:
    """An edition with everything that one can show.

    Args:
        titles: put over the first stories; the others keep theirs.
        repeat: how many times its six stories stand in it.
    """
    told = [_story(number, *_TITLES[number % len(_TITLES)]) for number in range(len(_TITLES) * repeat)]
    told = [
        replace(one, lead=replace(one.lead, title=titles[place])) if place < len(titles) else one
        for place, one in enumerate(told)
    ]
    sections: list[Section] = []
    number = 0
    for region in ("CN-GD", "IL", "CN"):
        groups: dict[str, list[Item]] = {}
        for one in told:
            if one.judgement.places(Role.PRIMARY) == (region,):
                number += 1
                theme = one.judgement.themes[0].theme
                groups.setdefault(theme, []).append(
                    Item(number=number, story=one, theme=theme, score=1.0, pinned=one is told[0])
                )
        made = tuple(ThemeGroup(theme=theme, items=tuple(items)) for theme, items in groups.items())
        sections.append(Section(key=region, names={}, groups=made))
    first = told[0]
    line = CrossReference(story=first.key, number=1, title=first.lead.title, section="CN-GD")
    sections[1] = replace(sections[1], cross_references=(line,))
    return Edition(
        id=EDITION,
        digest="weekly",
        title="Weekly Report",
        period=Period.week("2018-W29", ZoneInfo("Asia/Shanghai")),
        number=29,
        sections=tuple(sections),
        top=(told[1].key, told[3].key),
        choice=(first.key,),
        corrections=(
            Correction(
                story="ab" * 8,
                title="Beijing plans a liaison office",
                text="The office opens in May, not in March.",
                edition="weekly-2018-W15",
                period="2018-W15",
            ),
        ),
        most_read=(
            MostRead(
                story="ab" * 8, title="Beijing plans a liaison office", edition="weekly-2018-W15", period="2018-W15"
            ),
        ),
        note="A quiet week at the ports, a busy one at the banks.\n\nThe desk is closed on Friday.",
    )


def notices() -> Mapping[str, Mapping[str, object]]:
    """What each single mail is given, by its name."""
    digests = [
        {
            "title": "Weekly Report",
            "preferences": "https://digest.example/preferences/token",
            "unsubscribe": "https://digest.example/unsubscribe/token",
        }
    ]
    paragraphs = ["The server refused three copies.", "`digest deliveries` shows them: https://digest.example/console"]
    return {
        "confirm": {"digests": digests, "link": "https://digest.example/confirm/token", "days": 7},
        "welcome": {"digests": digests},
        "link": {"digests": digests},
        "goodbye": {"digests": digests, "link": "https://digest.example/subscribe"},
        "alarm": {"subject": "3 copies were refused", "paragraphs": paragraphs},
        "notice": {"subject": "The report moves to Tuesday", "paragraphs": paragraphs, "digests": digests},
        "proof": {
            "edition": {
                "id": EDITION,
                "title": "Weekly Report",
                "period": "16–22 July 2018",
                "stories": 26,
                "readers": 1200,
                "hash": "0123456789ab",
            },
            "due": "23 July 2018, 08:00",
            "problems": ["A copy takes 104,000 bytes: Gmail shows 102,400."],
            "preview": f"https://digest.example/editions/{EDITION}.html",
            "approve": "https://digest.example/console/editions/" + EDITION,
        },
        "correction": {
            "edition": {"title": "Weekly Report", "period": "16–22 July 2018"},
            "corrections": [
                {
                    "title": "Haifa drops a paper form that nobody read",
                    "text": "The form was dropped in July, not in June.",
                    "href": "https://digest.example/stories/0123456789abcdef",
                }
            ],
            "online": f"https://digest.example/editions/{EDITION}.html",
            "digests": digests,
        },
    }


def _story(number: int, title: str, region: str, theme: str) -> Story:
    chinese = not title.isascii()
    lead = Article(
        source="sample",
        id=f"sample-{number}",
        title=title,
        paragraphs=_SENTENCES,
        language="zh" if chinese else "en",
        origin=f"sample-{number}.txt",
        first_seen=datetime(2018, 7, 19, 9, tzinfo=UTC),
        published=datetime(2018, 7, 19, 8, tzinfo=UTC) if number % 4 else None,
        publisher="南方经济观察" if chinese else "Harbour Times",
        dateline="HAIFA" if region == "IL" else "",
        url="" if number % 6 == 3 else f"https://news.example/2018/07/{number}/a-story-with-a-long-address.html",
        rights=Rights.HEADLINE if number % 6 == 4 else Rights.SUMMARY,
    )
    seen = Evidence(where="title", text=title[:12], rule="name", weight=0.7)
    judgement = Judgement(
        article=lead.uid,
        regions=(RegionTag(region=region, role=Role.PRIMARY, score=0.9, evidence=(seen,)),),
        themes=(ThemeTag(theme=theme, score=0.8, evidence=(seen,)),),
        summary=("有关部门表示，首批申请将在十个工作日内答复。",) if chinese else _SENTENCES,
    )
    also = (replace(lead, id=f"also-{number}", publisher="Levant Business", url="https://levant.example/1"),)
    earlier = Related(
        story="ab" * 8, title="Beijing plans a liaison office", edition="weekly-2018-W15", period="2018-W15"
    )
    return Story(
        key=lead.uid,
        lead=lead,
        judgement=judgement,
        also=also if number % 2 == 0 else (),
        related=(earlier,) if number % 3 == 0 else (),
    )
