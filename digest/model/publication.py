"""Who publishes, what is picked up, what goes out: what digest.toml says (settings reads these from it)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

_SETTING: Mapping[str, object] = {"extra": "forbid"}  # for the validation in settings


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Who publishes: what stands in the masthead, the colophon and the From line."""

    __pydantic_config__ = _SETTING

    title: str
    """Name of the publication, as in the masthead."""
    url: str
    """Public address of its pages, without a trailing slash; one-click unsubscription needs https."""
    sender: str
    """E-mail address in From; its domain is also that of List-Id and Message-ID."""
    sender_name: str = ""
    """Name shown beside the sender; the title when empty."""
    postal_address: str
    """Postal address in the colophon of every mail, on one line."""
    feedback: str = ""
    """E-mail address for readers' answers (Reply-To); the sender when empty."""
    copyright: str = ""
    """Copyright line of the colophon and the feeds."""
    language: str = "en"
    """Language of the interface where a reader chose none (BCP 47: en, zh-Hans)."""
    time_zone: str = "UTC"
    """Time zone of periods, due times and dates shown (IANA name)."""
    tagline: str = ""
    """One line under the title."""
    samples: bool = False
    """True marks every mail and page as made of sample data."""


class SourceKind(StrEnum):
    """Where articles are picked up from."""

    FOLDER = "folder"
    FEED = "feed"
    API = "api"


class Rights(StrEnum):
    """How much of an article may be shown."""

    HEADLINE = "headline"
    SUMMARY = "summary"
    FULL = "full"


class Intake(StrEnum):
    """What becomes of a file that was picked up from a folder."""

    IN_PLACE = "in-place"  # left where it is and remembered
    CLAIM = "claim"  # moved by an atomic rename to taken/


@dataclass(frozen=True, kw_only=True)
class Source:
    """What articles are picked up from."""

    __pydantic_config__ = _SETTING

    key: str
    """Short name, unique, never to be changed: articles are known by it."""
    kind: SourceKind
    """folder: a drop folder; feed: a feed document (RSS, Atom, JSON Feed), in a file or at a web address; api: programs
    send its articles (docs/api.md)."""
    location: str = ""
    """Path of the folder or file, below the publication's folder; or the feed's http or https address; none for api."""
    publisher: str = ""
    """Publisher of articles that do not name one."""
    language: str = ""
    """Language of articles that do not name one (BCP 47); detected when empty."""
    time_zone: str = ""
    """Time zone of time stamps without one; else the publisher's if known, else the publication's."""
    rights: Rights = Rights.SUMMARY
    """How much of its articles may be shown: headline, summary (with a link), or full."""
    intake: Intake = Intake.IN_PLACE
    """in-place: files stay and are remembered; claim: files are moved to taken/ by an atomic rename."""
    weight: float = 1.0
    """Weight of its stories in ranking; 1 is ordinary."""
    url: str = ""
    """Base for links of pages that carry relative ones."""
    patterns: tuple[str, ...] = ("**/*.txt", "**/*.md", "**/*.html", "**/*.htm", "**/*.json")
    """File names that are picked up (glob patterns below the folder)."""
    full_text: bool = False
    """Fetch the page of each new article and take its text; only where rights = "full" and the feed is on the web."""

    @property
    def sent(self) -> bool:
        """Whether its articles are sent to us: there is nothing to look at."""
        return self.kind is SourceKind.API

    @property
    def live(self) -> bool:
        """Whether it is asked over the network."""
        return self.kind is SourceKind.FEED and self.location.lower().startswith(("http://", "https://"))


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """An operator's own region, made of others: Greater Bay Area, ASEAN."""

    __pydantic_config__ = _SETTING

    code: str
    """Starts with `x-`: x-gba."""
    names: Mapping[str, str]
    """Language -> name to show."""
    members: tuple[str, ...]
    """Codes of the regions it is made of."""


@dataclass(frozen=True, kw_only=True)
class SectionRule:
    """One heading of a digest and what stands below it. Exactly one of region, pair, elsewhere is set."""

    __pydantic_config__ = _SETTING

    key: str
    """Short name, unique in its digest."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Language -> heading; the name of the region(s) when empty."""
    region: str = ""
    """Code of a region at any level, or of a grouping: CN-GD, CN, 030, x-gba."""
    pair: tuple[str, str] | None = None
    """Two codes: stories in which one is primary and the other primary or counterpart."""
    elsewhere: bool = False
    """True takes whatever no other section took."""


class Below(StrEnum):
    """What becomes of a copy under the digest's minimum of items."""

    SKIP = "skip"
    SHORT = "short"


class Late(StrEnum):
    """What becomes of periods that fell due while nothing ran."""

    MERGE = "merge"  # one edition that claims all of them
    EACH = "each"  # an edition for each
    NONE = "none"  # only the newest gets its edition


class AtDeadline(StrEnum):
    """What becomes of an edition that nobody approved when it is due."""

    HOLD = "hold"
    SEND = "send"


@dataclass(frozen=True, kw_only=True)
class DigestRule:
    """A recurring report of a publication, as digest.toml defines it."""

    __pydantic_config__ = _SETTING

    key: str
    """Short name, unique, never to be changed: editions are known by it."""
    title: str
    """Name of the report, as in the masthead and the subject."""
    frequency: str = "weekly"
    """How often: daily, weekly, monthly, or rrule (see rule)."""
    weekday: int = 0
    """weekly: the day it is due after its week has ended: monday to sunday, or 0 (Monday) to 6."""
    day: int = 1
    """monthly: the day of the next month it is due; 31 is the last day of a shorter month too."""
    at: time = time(8, 0)
    """Local time it is due."""
    rule: str = ""
    """rrule: the days it is due, as RFC 5545 writes them: FREQ=MONTHLY;BYDAY=1SA is every first Saturday."""
    starting: date = date(2018, 1, 1)
    """rrule: the day from which the rule counts, for INTERVAL=2 and the like."""
    late: Late = Late.MERGE
    """After a downtime: merge (one edition for all periods that were missed), each, or none (only the newest)."""
    late_days: int = 21
    """How many days ago a period may have fallen due and still get its edition."""
    grace_hours: int = 24
    """How many hours after its due time an edition may still start by itself; later it is held for an operator."""
    template: str = "weekly-report"
    """Folder below templates/email/."""
    sections: tuple[SectionRule, ...] = ()
    """Headings, in order; a story stands under the first that its primary region matches."""
    minimum_items: int = 1
    """An edition or copy with fewer items is not sent."""
    below_minimum: Below = Below.SKIP
    """What becomes of a copy under the minimum: skip, or short (sent all the same)."""
    leave_out_received: bool = False
    """Leave out of a copy what its reader already received in another digest."""
    top_stories: int = 3
    """How many stories stand at the top."""
    lateness_days: int = 7
    """How many days before the period a story may have appeared and still be news."""
    approval: str = "deadline"
    """deadline: goes out by itself when due; operator: waits for an operator who approves it."""
    second_person: bool = False
    """Approval takes two operators: neither who approved first nor who changed the edition last can be the second."""
    at_deadline: AtDeadline = AtDeadline.HOLD
    """approval = "operator": what becomes of an edition that nobody approved when it is due: hold (it waits, and an
    operator is told), or send (unless preflight objects)."""
