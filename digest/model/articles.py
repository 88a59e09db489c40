"""Articles, and what an editor would decide about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from digest.model.publication import Rights


@dataclass(frozen=True, kw_only=True)
class Article:
    """One item as picked up: plain paragraphs and fields, no foreign HTML. Keyed by source and id.

    Every text is plain Unicode (NFC), free of control characters; a paragraph holds no line break. Times are aware.
    """

    source: str  # key of the source
    id: str  # identity within the source: id, else link, else content
    title: str
    paragraphs: tuple[str, ...]
    language: str  # BCP 47: "en", "zh", "und"
    origin: str  # file name below the source, or URL: where an operator finds it again
    first_seen: datetime
    published: datetime | None = None
    publisher: str = ""
    section: str = ""  # the publisher's section line as printed: "Macro · Govt"
    byline: str = ""
    editor: str = ""
    agency: str = ""  # of the dateline or the source line: "Xinhua"
    dateline: str = ""  # place of filing as printed: "JERUSALEM"
    keywords: tuple[str, ...] = ()
    teaser: str = ""  # the publisher's own short text, when it gives one
    url: str = ""
    rights: Rights = Rights.SUMMARY
    weight: float = 1.0
    version: int = 1  # 1 is the first; the store counts

    @cached_property
    def uid(self) -> str:
        """Sixteen hex digits that stand for (source, id) in URLs, feeds and the store; never change."""
        return hashlib.sha256(f"{self.source}\x00{self.id}".encode()).hexdigest()[:16]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over what a reader could see; equal hashes mean that nothing was edited."""
        parts = (
            self.title,
            *self.paragraphs,
            self.published.isoformat() if self.published else "",
            self.publisher,
            self.section,
            self.byline,
            self.url,
            self.teaser,
            *self.keywords,
        )
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()

    @property
    def when(self) -> datetime:
        """What counts as its date: published, or first seen when it carries no date."""
        return self.published or self.first_seen


class Role(StrEnum):
    """What a region is to an article."""

    PRIMARY = "primary"
    COUNTERPART = "counterpart"
    MENTIONED = "mentioned"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Why a tag is there: where it was seen, the words, the rule, and what it weighed."""

    where: str  # keywords, dateline, title, lead, text, section, containment, operator
    text: str
    rule: str
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RegionTag:
    """A region of an article. `region` is a code of places.py."""

    region: str
    role: Role
    score: float  # 0 to 1
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ThemeTag:
    """A theme of an article. `theme` is an id of the taxonomy."""

    theme: str
    score: float  # 0 to 1
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What classify decided about one article: where it belongs, and how it is summed up.

    `summary` holds one or two whole sentences of the article, verbatim. Regions and themes come best first.
    """

    article: str  # uid
    regions: tuple[RegionTag, ...]
    themes: tuple[ThemeTag, ...]
    summary: tuple[str, ...]

    def places(self, *roles: Role) -> tuple[str, ...]:
        """Codes of the regions with one of these roles, best first."""
        return tuple(tag.region for tag in self.regions if tag.role in roles)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A theme of the taxonomy. `phrases` map a word or phrase to its weight; a negative weight speaks against it.

    `weight` is what its stories count for in ranking; 1 is ordinary.
    """

    id: str
    names: Mapping[str, str]  # language -> name
    iptc: tuple[str, ...] = ()  # IPTC Media Topic ids: "medtop:20000209"
    sections: tuple[str, ...] = ()  # publishers' section labels that mean it: "Macro · Govt"
    phrases: Mapping[str, float] = field(default_factory=dict)
    description: str = ""
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Related:
    """An earlier story that this one follows up."""

    story: str  # key
    title: str
    edition: str  # id of the edition that carried it
    period: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Articles that tell the same thing: one leads, the others are "also reported by".

    `key` is the uid of the article that was seen first and stays when others join.
    """

    key: str
    lead: Article
    judgement: Judgement
    also: tuple[Article, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def articles(self) -> tuple[Article, ...]:
        """The lead and the others."""
        return (self.lead, *self.also)
