"""Copies, and the fate of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from digest.model.subscribers import Preferences


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What one subscriber gets: subject and both bodies, before headers and encoding."""

    subject: str
    text: str
    html: str
    language: str = "en"
    items: int = 0  # number of items in it
    unsubscribe: str = ""  # absolute URL of the one-click target


class EncodedCopy(NamedTuple):
    """What one subscriber gets, its bodies encoded once for all: pieces that a join makes the bodies of.

    A tuple, because there is one for each copy: a frozen dataclass takes five times as long to make.

    Each joined body is UTF-8 as quoted-printable (RFC 2045, 6.7) with CRLF, ends on a line end, and has no line over 76
    octets and none that starts with "." or "From " (see `digest.quoted`). Nobody looks at it again.
    """

    subject: str
    text: Sequence[bytes]
    html: Sequence[bytes]
    language: str = "en"
    items: int = 0
    unsubscribe: str = ""


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
    until: datetime | None = None  # nothing was tried: its domain's limit left no room before then


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


class BounceCause(StrEnum):
    """Why an accepted copy came back. Only the first two count against an address, the second when it goes on."""

    HARD = "hard"  # no such mailbox, no such domain
    SOFT = "soft"  # not now, and given up
    FULL = "full"  # the mailbox is full: it may be emptied
    OURS = "ours"  # a fault of ours: policy, spam, size, content


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """A copy came back after a server had accepted it: whom it did not reach, why, and the words of who said so."""

    cause: BounceCause
    reply: Reply
    recipient: str = ""  # as the report names it; never what decides whose copy it was


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What an accepted copy held: items of an edition's revision, as `Picked.bitmap` writes them."""

    edition: str
    revision: int
    items: bytes


class Claim(NamedTuple):  # and no dataclass: it takes a third of the time to make, for every copy
    """One copy that this process, and no other, may now send."""

    delivery: int
    edition: str
    subscription: int
    address: str
    name: str
    preferences: Preferences  # frozen when the campaign started
    attempts: int  # this one included, from 1
    message_id: str  # with angle brackets; the same at every attempt
    received: tuple[Received, ...] = ()  # in other digests, where that was asked for


class Record(NamedTuple):
    """What became of a claimed copy. `again_at` is set for Deferred (when to try again) and for nothing else.

    `items` says which items of the revision were in it, as `Picked.bitmap` writes them; kept when it was accepted.
    """

    delivery: int
    outcome: Outcome
    at: datetime
    revision: int = 0
    again_at: datetime | None = None
    items: bytes = b""
