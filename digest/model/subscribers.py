"""Subscribers: what they chose, and that they agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
