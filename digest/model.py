"""The nouns of Digest: frozen dataclasses and enums. No I/O, no clock. docs/glossary.md explains each word.

They are named per stage, so that a type says how far the data has come:

    Source -> Article -> Judgement -> Story -> Edition -> Revision -> Copy -> Delivery
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from math import ceil, floor

from digest.errors import PeriodError

# --------------------------------------------------------------------------------------------------------------
# Who publishes, what is picked up, what goes out (settings.py reads these from digest.toml)


_SETTING: Mapping[str, object] = {"use_attribute_docstrings": True, "extra": "forbid"}  # for settings.py's validation


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
    """folder: a drop folder; feed: a feed document (RSS, Atom, JSON Feed), in a file or at a web address."""
    location: str
    """Path of the folder or file, below the publication's folder; or the feed's http or https address."""
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
    top_stories: int = 3
    """How many stories stand at the top."""
    lateness_days: int = 7
    """How many days before the period a story may have appeared and still be news."""
    approval: str = "deadline"
    """deadline: goes out by itself when due; operator: waits for `digest approve`."""


# --------------------------------------------------------------------------------------------------------------
# Time


def local_instant(day: date, wall: time, zone: tzinfo) -> datetime:
    """The instant of a wall time: the first at or after it in a gap, the first of two in a fold (PEP 495).

    Raises:
        OverflowError: the instant lies outside the years that Python knows.
    """
    naive = datetime.combine(day, wall.replace(tzinfo=None))
    first = naive.replace(tzinfo=zone, fold=0)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
        return first
    # In a gap, fold=1 gives an instant before it and fold=0 one after it. Clocks change on whole seconds, so the
    # first instant that exists is found by halving whole seconds between the two.
    low = floor(naive.replace(tzinfo=zone, fold=1).timestamp())
    high = ceil(first.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC).astimezone(zone)


_WEEK_KEY = re.compile(r"([0-9]{4})-W([0-9]{2})")
_DAY_KEY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_KEY = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, order=True)
class Period:
    """A half-open interval of local time that an edition covers: a day, an ISO 8601 week (Monday to Sunday), a month.

    The periods of a rule (`digest.periods`) go from one due time to the next, and have the key of the day they are due.
    """

    start: datetime
    end: datetime
    key: str  # "2018-07-20", "2018-W29", "2018-07"

    @classmethod
    def week(cls, key: str, zone: tzinfo) -> Period:
        """The ISO week "2018-W29" in a zone.

        Raises:
            PeriodError: the key is not an ISO week, or that year has no such week.
        """
        try:
            if (match := _WEEK_KEY.fullmatch(key)) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return cls._of_days(monday, monday + timedelta(days=7), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(
                f"'{key}' is not a week", remedy="write it as year and ISO week, for example 2018-W29"
            ) from None

    @classmethod
    def day(cls, key: str, zone: tzinfo) -> Period:
        """The day "2018-07-20" in a zone.

        Raises:
            PeriodError: the key is not a day, or the clocks of the zone left that day out.
        """
        try:
            if _DAY_KEY.fullmatch(key) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            first = date.fromisoformat(key)
            return cls._of_days(first, first + timedelta(days=1), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(f"'{key}' is not a day", remedy="write it as 2018-07-20") from None

    @classmethod
    def month(cls, key: str, zone: tzinfo) -> Period:
        """The month "2018-07" in a zone.

        Raises:
            PeriodError: the key is not a month.
        """
        try:
            if (match := _MONTH_KEY.fullmatch(key)) is None:
                raise ValueError  # noqa: TRY301 - one remedy for both
            first = date(int(match[1]), int(match[2]), 1)
            return cls._of_days(first, (first + timedelta(days=31)).replace(day=1), key, zone)
        except (ValueError, OverflowError):
            raise PeriodError(f"'{key}' is not a month", remedy="write it as 2018-07") from None

    @classmethod
    def spanning(cls, periods: Sequence[Period]) -> Period:
        """One period over several that follow each other, oldest first. It has the key of the newest."""
        return cls(periods[0].start, periods[-1].end, periods[-1].key)

    @classmethod
    def week_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The week in which an instant lies, in a zone. Every instant lies in exactly one.

        Raises:
            PeriodError: the week lies outside the years that Python knows.
        """
        return cls._around(moment, zone, lambda day: cls.week("{:04d}-W{:02d}".format(*day.isocalendar()), zone))

    @classmethod
    def day_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The day in which an instant lies, in a zone."""
        return cls._around(moment, zone, lambda day: cls.day(day.isoformat(), zone))

    @classmethod
    def month_of(cls, moment: datetime, zone: tzinfo) -> Period:
        """The month in which an instant lies, in a zone."""
        return cls._around(moment, zone, lambda day: cls.month(day.isoformat()[:7], zone))

    @classmethod
    def _around(cls, moment: datetime, zone: tzinfo, period_of_day: Callable[[date], Period]) -> Period:
        local = moment.astimezone(zone).date()
        period = period_of_day(local)
        # Where clocks go back over a midnight, the evening comes twice: the period ended at the first midnight.
        return period if moment in period else period_of_day(local + timedelta(days=1))

    @classmethod
    def _of_days(cls, first: date, after: date, key: str, zone: tzinfo) -> Period:
        """From the first instant of a day to that of another.

        Raises:
            ValueError: there is no time between the two.
        """
        start, end = (local_instant(day, time(0, 0), zone) for day in (first, after))
        if start.astimezone(UTC) >= end.astimezone(UTC):
            raise ValueError(key)
        return cls(start, end, key)

    @property
    def last_day(self) -> date:
        """The last local date of the period."""
        # Through UTC: wall time less a microsecond is no instant where the end stands after a gap.
        return (self.end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(self.end.tzinfo).date()

    def astimezone(self, zone: tzinfo) -> Period:
        """The same period with its times in a zone."""
        return Period(self.start.astimezone(zone), self.end.astimezone(zone), self.key)

    def __contains__(self, moment: datetime) -> bool:
        """Whether an instant lies in the period."""
        # In UTC: two times of one zone compare by the clock on the wall, which shows some times twice.
        instant = moment.astimezone(UTC)
        return self.start.astimezone(UTC) <= instant < self.end.astimezone(UTC)


# --------------------------------------------------------------------------------------------------------------
# Articles and what an editor would decide about them


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


# --------------------------------------------------------------------------------------------------------------
# Live sources


class Condition(StrEnum):
    """How a live source does."""

    NEW = "new"  # not asked yet
    OK = "ok"
    QUIET = "quiet"  # it answers, but brings nothing, for longer than is usual for it
    HELD = "held"  # it shows old items as new; they wait for the operator
    FAILING = "failing"
    GONE = "gone"  # it said so (410), and is not asked any more


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """What is known of a live source between two polls; the store keeps it."""

    key: str
    location: str  # as the settings had it; another one there begins anew
    moved_to: str = ""  # where a permanent redirect led
    etag: str = ""
    last_modified: str = ""
    interval: timedelta = timedelta(hours=1)
    rhythm: timedelta | None = None  # how far apart its articles usually are
    next_poll: datetime | None = None  # None: at once
    last_poll: datetime | None = None
    last_ok: datetime | None = None
    last_new: datetime | None = None  # when it last brought something new
    failures: int = 0  # in a row
    error: str = ""  # of the last poll
    gone: datetime | None = None
    held: int = 0  # items that wait for the operator
    accepted: bool = False  # the operator takes what is held; the next poll does so

    @property
    def url(self) -> str:
        """Where it is asked."""
        return self.moved_to or self.location

    def condition(self, now: datetime) -> Condition:
        """How it does. Quiet is four times its rhythm without anything new, and a day at least."""
        if self.gone is not None:
            return Condition.GONE
        if self.failures:
            return Condition.FAILING
        if self.held:
            return Condition.HELD
        if self.last_ok is None:
            return Condition.NEW
        if self.rhythm is not None and self.last_new is not None:
            patience = max(self.rhythm * 4, timedelta(days=1))
            return Condition.QUIET if now - self.last_new > patience else Condition.OK
        return Condition.OK


# --------------------------------------------------------------------------------------------------------------
# Editions


@dataclass(frozen=True, kw_only=True)
class Item:
    """A story's place in an edition. `why` are sentences: section, rank, and what the operator did."""

    number: int  # from 1, in reading order
    story: Story
    theme: str  # id of the theme it stands under; "" for none
    score: float
    why: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, kw_only=True)
class ThemeGroup:
    """The items of a section that stand under one theme; `theme` is "" for those without one."""

    theme: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class CrossReference:
    """A "see also" line under a section: a story that stands elsewhere and has its counterpart here."""

    story: str  # key
    number: int  # of the item it points to
    title: str
    section: str  # key of the section where it stands


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading of an edition with its stories, by theme."""

    key: str
    names: Mapping[str, str]  # language -> name
    groups: tuple[ThemeGroup, ...]
    cross_references: tuple[CrossReference, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """All items of the section in reading order."""
        return tuple(item for group in self.groups for item in group.items)


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A story that is not in the edition, and why."""

    story: str
    title: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Edition:
    """One digest's dated selection of stories, in sections. `id` is "<digest>-<period key>"."""

    id: str
    digest: str
    title: str
    period: Period
    number: int  # the digest's running number
    sections: tuple[Section, ...]
    top: tuple[str, ...] = ()  # keys of the top stories, best first
    choice: tuple[str, ...] = ()  # keys of the editor's choice (pinned)
    left_out: tuple[LeftOut, ...] = ()
    note: str = ""  # the editor's note, plain text

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in reading order."""
        return tuple(item for section in self.sections for item in section.items)

    def find(self, story: str) -> Item | None:
        """The item of a story, or None."""
        return next((item for item in self.items if item.story.key == story), None)

    def picked(self, keys: tuple[str, ...]) -> Iterator[Item]:
        """The items of these stories, in this order; keys that are not here are passed over."""
        for key in keys:
            if (item := self.find(key)) is not None:
                yield item


class EditionState(StrEnum):
    """The life of an edition."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    HELD = "held"
    SENT = "sent"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """An edition frozen: what a reader gets is this and nothing else. `hash` covers texts, templates and CSS."""

    edition: Edition
    number: int  # from 1
    hash: str  # SHA-256, hex
    created: datetime
    state: EditionState = EditionState.DRAFT
    approved: datetime | None = None
    approved_by: str = ""
    reason: str = ""  # of held, skipped, cancelled


# --------------------------------------------------------------------------------------------------------------
# Subscribers


class Length(StrEnum):
    """How much of each story a reader wants."""

    FULL = "full"
    HEADLINES = "headlines"


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What a subscriber chose. No choice means all. Regions AND themes."""

    regions: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    language: str = ""  # of the interface; "" is the publication's
    length: Length = Length.FULL


class SubscriptionState(StrEnum):
    """The life of a subscription."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Consent:
    """When, how, from where and to which text a person agreed; an import names its basis."""

    at: datetime
    basis: str  # "double opt-in", "import: contract", ...
    origin: str = ""  # file and line, network, operator
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A person's tie to one digest."""

    id: int
    subscriber: int
    digest: str
    address: str
    name: str
    state: SubscriptionState
    preferences: Preferences
    consent: Consent | None = None


# --------------------------------------------------------------------------------------------------------------
# Copies and deliveries


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What one subscriber gets: subject and both bodies, before headers and encoding."""

    subject: str
    text: str
    html: str
    language: str = "en"
    items: int = 0  # number of items in it
    unsubscribe: str = ""  # absolute URL of the one-click target


class DeliveryState(StrEnum):
    """The fate of one copy."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    BOUNCED = "bounced"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's last word: RFC 5321 reply code, RFC 3463 enhanced status, text. Code 0: no reply was read."""

    code: int
    text: str = ""
    status: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code) if self.code else "", self.status, self.text) if part)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The server took responsibility (2xx after the final dot)."""

    reply: Reply


@dataclass(frozen=True, kw_only=True)
class Deferred:
    """Not now: 4xx, no connection. Tried again."""

    reply: Reply


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Never: 5xx, or an address that cannot be written to."""

    reply: Reply
    ours: bool = False  # for a fault of ours (policy, spam, 5.7.x): counts against no address


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """The body was out when the connection was lost: it may have arrived."""

    reply: Reply


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Nothing was sent, for this reason."""

    reason: str


Outcome = Accepted | Deferred | Refused | Uncertain | Skipped


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One row of the ledger."""

    id: int
    edition: str
    subscription: int
    address: str
    state: DeliveryState
    message_id: str = ""
    revision: int = 0
    attempts: int = 0
    reason: str = ""
    reply: str = ""
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One copy that this process, and no other, may now send."""

    delivery: int
    edition: str
    subscription: int
    address: str
    name: str
    preferences: Preferences  # frozen when the campaign started
    attempts: int  # this one included, from 1
    message_id: str  # with angle brackets; the same at every attempt


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of a claimed copy. `again_at` is set for Deferred (when to try again) and for nothing else."""

    delivery: int
    outcome: Outcome
    at: datetime
    revision: int = 0
    again_at: datetime | None = None
