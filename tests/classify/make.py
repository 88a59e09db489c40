"""Articles, judgements and stories made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.model import (
    Article,
    Edition,
    Evidence,
    Item,
    Judgement,
    Period,
    RegionTag,
    Role,
    Section,
    Story,
    ThemeGroup,
    ThemeTag,
)

MONDAY = datetime(2018, 7, 16, 9, tzinfo=UTC)


def article(title: str = "A headline", *paragraphs: str, hours: float = 0, **fields: Any) -> Article:
    """An article of our own; `hours` after Monday of 2018-W29."""
    moment = MONDAY + timedelta(hours=hours)
    known: dict[str, Any] = {
        "source": "test",
        "id": title,
        "language": "en",
        "origin": "test.md",
        "first_seen": moment,
        "published": moment,
    } | fields
    return Article(title=title, paragraphs=paragraphs, **known)


def judgement(
    of: Article, *, primary: Iterable[str] = (), counterpart: Iterable[str] = (), themes: Iterable[str] = ()
) -> Judgement:
    """A judgement made by hand, with every score at 0.8."""
    tags = [(code, Role.PRIMARY) for code in primary] + [(code, Role.COUNTERPART) for code in counterpart]
    evidence = (Evidence(where="title", text="nothing", rule="by hand"),)
    return Judgement(
        article=of.uid,
        regions=tuple(RegionTag(region=code, role=role, score=0.8, evidence=evidence) for code, role in tags),
        themes=tuple(ThemeTag(theme=theme, score=0.8) for theme in themes),
        summary=(),
    )


def story(lead: Article, **tags: Any) -> Story:
    """A story of one article."""
    return Story(key=lead.uid, lead=lead, judgement=judgement(lead, **tags))


def edition(week: str, *stories: Story) -> Edition:
    """An edition that carries these stories, in one section."""
    items = tuple(Item(number=n, story=one, theme="", score=1.0) for n, one in enumerate(stories, 1))
    section = Section(key="all", names={}, groups=(ThemeGroup(theme="", items=items),))
    return Edition(
        id=f"weekly-{week}",
        digest="weekly",
        title="Weekly",
        period=Period.week(week, UTC),
        number=1,
        sections=(section,),
    )
