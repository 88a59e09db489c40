"""Subscribers: what they chose, and that they agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from digest.model.periods import local_instant


class Length(StrEnum):
    """How much of each story a reader wants."""

    FULL = "full"
    HEADLINES = "headlines"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a reader wants their copies, and how often. No choice means each, as soon as it goes out.

    Raises:
        ValueError: there is no such day or hour, or `every` is below 1.
    """

    day: int | None = None  # 0 is Monday, as in datetime.weekday
    hour: int | None = None  # 0 to 23 of the reader's clock; midnight where only a day is chosen
    zone: str = ""  # IANA name; "" is the publication's
    every: int = 1  # 2 is every second edition, by its running number

    def __post_init__(self) -> None:
        if not (self.day in {None, *range(7)} and self.hour in {None, *range(24)} and self.every >= 1):
            raise ValueError(f"no such timing: {self}")

    def takes(self, number: int) -> bool:
        """Whether the edition with this running number is one of those that the reader wants."""
        return number % self.every == 0

    def wait(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The first instant from a moment on that has the chosen day and hour, within a week; None for at once.

        A moment within the chosen hour is soon enough. In a gap of the clock the first instant after it counts, of a
        time that comes twice the first.

        Args:
            moment: when copies begin to go out.
            zone: what `zone` names, or the publication's.
        """
        if self.day is None and self.hour is None:
            return None
        local = moment.astimezone(zone)
        if self.day in {None, local.weekday()} and self.hour in {None, local.hour}:
            return None
        for later in range(9):
            day = local.date() + timedelta(days=later)
            if self.day in {None, day.weekday()}:
                instant = local_instant(day, time(self.hour or 0), zone)
                if instant.astimezone(UTC) >= moment.astimezone(UTC):
                    return instant
        raise AssertionError("a week has every day")  # pragma: no cover - nine days hold each weekday after today


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What a subscriber chose. No choice means all. Regions AND themes."""

    regions: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    language: str = ""  # of the interface; "" is the publication's
    length: Length = Length.FULL
    timing: Timing | None = None


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
    resumes: datetime | None = None  # when a pause ends by itself
