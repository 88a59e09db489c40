"""Articles, editions and readers of our own making, for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.model import (
    Article,
    Consent,
    Edition,
    Evidence,
    Item,
    Judgement,
    LeftOut,
    Period,
    Preferences,
    RegionTag,
    Related,
    Role,
    Section,
    Story,
    ThemeGroup,
    ThemeTag,
)
from digest.store import Campaign, Store, Wanted

NOW = datetime(2018, 7, 23, 8, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
CONSENT = Consent(at=NOW, basis="double opt-in", origin="form", text="Yes, write to me weekly.")


def make_article(number: int = 1, **changes: object) -> Article:
    values: dict[str, object] = {
        "source": "wire",
        "id": f"entry-{number}",
        "title": f"Harbour {number} opens 港口",
        "paragraphs": ("The harbour opened on Monday.", "Ships “came” at once."),
        "language": "en",
        "origin": f"wire/{number}.txt",
        "first_seen": NOW,
        "published": datetime(2018, 7, 18, 9, 30, tzinfo=SHANGHAI) + timedelta(minutes=number),
        "publisher": "Harbour Post",
        "keywords": ("Dongguan", "Israel"),
    }
    return Article(**(values | changes))  # type: ignore[arg-type]  # a table of fields, checked when it runs


def make_judgement(article: Article, theme: str = "trade") -> Judgement:
    evidence = (Evidence(where="title", text="Harbour", rule="name", weight=0.25),)
    return Judgement(
        article=article.uid,
        regions=(RegionTag(region="CN-GD", role=Role.PRIMARY, score=0.9, evidence=evidence),),
        themes=(ThemeTag(theme=theme, score=0.5, evidence=evidence),),
        summary=("The harbour opened on Monday.",),
    )


def make_edition(
    week: str = "2018-W29", articles: Sequence[Article] = (), *, number: int = 1, digest: str = "weekly", note: str = ""
) -> Edition:
    items = tuple(
        Item(
            number=place,
            story=Story(
                key=article.uid,
                lead=article,
                judgement=make_judgement(article),
                related=(Related(story="ab", title="Before", edition="weekly-2018-W15", period="2018-W15"),),
            ),
            theme="trade",
            score=0.5,
            why=("first section that matches",),
        )
        for place, article in enumerate(articles, 1)
    )
    section = Section(
        key="gd", names={"zh": "广东", "en": "Guangdong"}, groups=(ThemeGroup(theme="trade", items=items),)
    )
    return Edition(
        id=f"{digest}-{week}",
        digest=digest,
        title="The Weekly",
        period=Period.week(week, SHANGHAI),
        number=number,
        sections=(section,) if items else (),
        top=tuple(item.story.key for item in items[:1]),
        left_out=(LeftOut(story="cd", title="Old", reason="too old"),),
        note=note,
    )


def readers(count: int, digest: str = "weekly", **changes: object) -> list[Wanted]:
    return [
        Wanted(
            address=f"reader{number}@example.org",
            digest=digest,
            consent=CONSENT,
            name=f"Reader {number}",
            preferences=Preferences(regions=("CN-GD",)) if number % 2 else Preferences(),
            **changes,  # type: ignore[arg-type]  # fields of Wanted
        )
        for number in range(count)
    ]


def message_id(subscription: int) -> str:
    return f"<{subscription}@example.org>"


def start_campaign(store: Store, count: int, week: str = "2018-W29") -> Campaign:
    """An approved edition and a campaign to `count` readers."""
    store.subscribers.put(readers(count), NOW)
    edition = make_edition(week, [make_article(int(week[-2:]))])
    revision = store.editions.prepare(edition, {"body.html": b"<p>"}, NOW).revision
    store.editions.approve(edition.id, revision.hash, "operator", NOW)
    return store.campaigns.start(edition.id, message_id, NOW, key_id="k1")
