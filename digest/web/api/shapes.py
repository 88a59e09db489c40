"""How things look to programs: what is read is made of the model here, what is sent is checked here.

Names are those of the model and of `digest ... --json`. Times are ISO 8601 with an offset.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from digest.model import (
    Article,
    Correction,
    EditionState,
    Item,
    Judgement,
    LeftOut,
    Length,
    MostRead,
    Preferences,
    RegionTag,
    Revision,
    Role,
    Section,
    Subscription,
    SubscriptionState,
    ThemeTag,
    Timing,
)

_NO_NUL: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # what no database and no page takes

Line = Annotated[str, StringConstraints(max_length=500, pattern=_NO_NUL)]
Said = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x20\x7f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")
]  # not empty
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=_NO_NUL)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:@+-]+$")]
Address = Annotated[
    str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$")
]

InPath = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:@+-]+$")]
Number = Annotated[int, Path(ge=1, le=2**53)]
Words = Annotated[str, Query(max_length=200, pattern=_NO_NUL)]
QueryKey = Annotated[str, Query(max_length=200, pattern=r"^[A-Za-z0-9._:@+-]*$")]


class Sent(BaseModel):
    """A body that is sent: a field that is not known is a mistake, and said."""

    model_config = ConfigDict(extra="forbid")


# ---- articles


class ArticleBody(BaseModel):
    """One article in one version."""

    uid: str = Field(description="Stands for source and id everywhere.")
    source: str
    id: str
    version: int
    title: str
    paragraphs: list[str]
    teaser: str
    language: str
    published: datetime | None
    first_seen: datetime
    publisher: str
    section: str
    byline: str
    editor: str
    agency: str
    dateline: str
    keywords: list[str]
    url: str
    rights: str
    origin: str

    @classmethod
    def of(cls, article: Article) -> ArticleBody:
        """An article."""
        values = {name: getattr(article, name) for name in cls.model_fields}
        return cls(**{**values, "rights": article.rights.value})


class JudgementBody(BaseModel):
    """Where an article belongs, with the reasons."""

    regions: list[RegionTag]
    themes: list[ThemeTag]
    summary: list[str]

    @classmethod
    def of(cls, judgement: Judgement | None) -> JudgementBody | None:
        """A judgement; None before there is one."""
        if judgement is None:
            return None
        return cls(regions=list(judgement.regions), themes=list(judgement.themes), summary=list(judgement.summary))


class Refile(Sent):
    """Where an article belongs. What is left out stays as it was judged."""

    themes: list[Name] | None = Field(default=None, max_length=20, description="Ids or names, best first.")
    regions: dict[Name, Role] | None = Field(
        default=None, description="Code or name -> primary, counterpart, mentioned."
    )


# ---- editions


class ItemBody(BaseModel):
    """A story's place in an edition."""

    number: int
    story: str
    theme: str
    title: str
    publisher: str
    url: str
    articles: list[str] = Field(description="Uids; the first one leads.")
    score: float
    pinned: bool
    why: list[str]

    @classmethod
    def of(cls, item: Item) -> ItemBody:
        """An item."""
        lead = item.story.lead
        return cls(
            number=item.number,
            story=item.story.key,
            theme=item.theme,
            title=lead.title,
            publisher=lead.publisher,
            url=lead.url,
            articles=[article.uid for article in item.story.articles],
            score=item.score,
            pinned=item.pinned,
            why=list(item.why),
        )


class SectionBody(BaseModel):
    """A heading with its stories in reading order."""

    key: str
    names: dict[str, str]
    items: list[ItemBody]

    @classmethod
    def of(cls, section: Section) -> SectionBody:
        """A section."""
        return cls(key=section.key, names=dict(section.names), items=[ItemBody.of(one) for one in section.items])


class PeriodBody(BaseModel):
    """What an edition covers: from `start` up to, not including, `end`."""

    key: str
    start: datetime
    end: datetime


class EditionLine(BaseModel):
    """An edition in a list."""

    id: str
    digest: str
    title: str
    number: int
    period: PeriodBody
    state: EditionState
    reason: str
    changed: datetime
    revision: int


class EditionBody(BaseModel):
    """The newest revision of an edition: what its readers get, and what was left out, with the reasons."""

    id: str
    digest: str
    title: str
    number: int
    period: PeriodBody
    state: EditionState
    reason: str
    revision: int
    hash: str = Field(description="What is approved: SHA-256 over texts, templates and styles.")
    created: datetime
    approved: datetime | None
    approved_by: str
    note: str
    top: list[str]
    choice: list[str]
    sections: list[SectionBody]
    left_out: list[LeftOut]
    corrections: list[Correction]
    most_read: list[MostRead]

    @classmethod
    def of(cls, revision: Revision) -> EditionBody:
        """A revision."""
        edition = revision.edition
        period = edition.period
        return cls(
            id=edition.id,
            digest=edition.digest,
            title=edition.title,
            number=edition.number,
            period=PeriodBody(key=period.key, start=period.start, end=period.end),
            state=revision.state,
            reason=revision.reason,
            revision=revision.number,
            hash=revision.hash,
            created=revision.created,
            approved=revision.approved,
            approved_by=revision.approved_by,
            note=edition.note,
            top=list(edition.top),
            choice=list(edition.choice),
            sections=[SectionBody.of(one) for one in edition.sections],
            left_out=list(edition.left_out),
            corrections=list(edition.corrections),
            most_read=list(edition.most_read),
        )


# ---- readers


class TimingBody(Sent):
    """When a reader wants copies."""

    day: int | None = Field(default=None, ge=0, le=6, description="0 is Monday.")
    hour: int | None = Field(default=None, ge=0, le=23)
    zone: Line = ""
    every: int = Field(default=1, ge=1, le=52, description="2 is every second edition.")


class PreferencesBody(Sent):
    """What a reader chose; nothing chosen means everything."""

    regions: list[Name] = Field(default=[], max_length=200)
    themes: list[Name] = Field(default=[], max_length=200)
    language: Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z0-9-]*$")] = ""
    length: Length = Length.FULL
    timing: TimingBody | None = None

    @classmethod
    def of(cls, preferences: Preferences) -> PreferencesBody:
        """Preferences."""
        timing = preferences.timing
        return cls.model_construct(
            regions=list(preferences.regions),
            themes=list(preferences.themes),
            language=preferences.language,
            length=preferences.length,
            timing=None
            if timing is None
            else TimingBody.model_construct(day=timing.day, hour=timing.hour, zone=timing.zone, every=timing.every),
        )

    def timing_wanted(self) -> Timing | None:
        """The timing, as the model has it."""
        one = self.timing
        return None if one is None else Timing(day=one.day, hour=one.hour, zone=one.zone, every=one.every)


class SubscriberBody(BaseModel):
    """A person's tie to one digest."""

    id: int
    digest: str
    address: str
    name: str
    state: SubscriptionState
    resumes: datetime | None
    preferences: PreferencesBody
    consent: dict[str, Any] | None = Field(description="The latest: at, basis, origin, text.")

    @classmethod
    def of(cls, one: Subscription) -> SubscriberBody:
        """A subscription."""
        consent = one.consent
        return cls(
            id=one.id,
            digest=one.digest,
            address=one.address,
            name=one.name,
            state=one.state,
            resumes=one.resumes,
            preferences=PreferencesBody.of(one.preferences),
            consent=None
            if consent is None
            else {
                "at": consent.at.isoformat(),
                "basis": consent.basis,
                "origin": consent.origin,
                "text": consent.text,
            },
        )
