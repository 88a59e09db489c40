"""Who works the desk, what they may do, and in whose name an act is noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class Permission(StrEnum):
    """What a route needs, what a role holds, and what a token is limited to: one vocabulary for console and API."""

    DESK_READ = "desk:read"
    ARTICLES_READ = "articles:read"
    ARTICLES_WRITE = "articles:write"
    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    EDITIONS_READ = "editions:read"
    EDITIONS_WRITE = "editions:write"
    EDITIONS_APPROVE = "editions:approve"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_SEND = "campaigns:send"
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    EVENTS_READ = "events:read"
    SETTINGS_READ = "settings:read"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"  # operators and settings
    ACCOUNT = "account"  # one's own password, sessions and tokens: never a token's


class OperatorRole(StrEnum):
    """What an operator does at the desk; each role may do all that the one before it may."""

    EDITOR = "editor"
    PUBLISHER = "publisher"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that this role may do."""
        return _HELD[self]


_EDITOR: Final = frozenset({
    Permission.DESK_READ, Permission.ARTICLES_READ, Permission.ARTICLES_WRITE, Permission.SOURCES_READ,
    Permission.EDITIONS_READ, Permission.EDITIONS_WRITE, Permission.CAMPAIGNS_READ, Permission.EVENTS_READ,
    Permission.ACCOUNT,
})  # fmt: skip
_PUBLISHER: Final = _EDITOR | {
    Permission.EDITIONS_APPROVE, Permission.CAMPAIGNS_SEND, Permission.SUBSCRIBERS_READ, Permission.SUBSCRIBERS_WRITE,
    Permission.SOURCES_WRITE, Permission.SETTINGS_READ, Permission.AUDIT_READ,
}  # fmt: skip
_HELD: Final[Mapping[OperatorRole, frozenset[Permission]]] = {
    OperatorRole.EDITOR: _EDITOR,
    OperatorRole.PUBLISHER: _PUBLISHER,
    OperatorRole.ADMIN: _PUBLISHER | {Permission.ADMIN},
}
SCOPES: Final = frozenset(Permission) - {Permission.ACCOUNT}  # what a token can be limited to


class OperatorState(StrEnum):
    """Whether an operator can sign in."""

    INVITED = "invited"  # has no password yet
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A person who works the desk. No secret of theirs is here."""

    id: int
    address: str
    name: str
    role: OperatorRole
    state: OperatorState
    created: datetime
    second_factor: bool = False  # signs in with a code of an app besides
    seen: datetime | None = None  # when they last signed in


@dataclass(frozen=True, kw_only=True)
class Session:
    """One signed-in browser of an operator. `passed` is false until the code of the second factor was given."""

    id: int
    operator: int
    created: datetime
    seen: datetime
    network: str
    agent: str
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a program signs in with; acts for its operator, within its scopes."""

    id: int
    operator: int
    name: str
    scopes: frozenset[Permission]
    created: datetime
    expires: datetime | None
    used: datetime | None
    ended: datetime | None


class Via(StrEnum):
    """The front by which an act came."""

    CONSOLE = "console"
    CLI = "cli"
    API = "api"
    SYSTEM = "system"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """In whose name something is done, and how they came in.

    Attributes:
        name: as it stands on record: an operator's address, a name at a terminal, a job.
        via: the front.
        origin: whence: the network of who asks; "" where there is none.
        operator: their number; None who is no operator of the console.
    """

    name: str
    via: Via
    origin: str = ""
    operator: int | None = None

    def __str__(self) -> str:
        return self.name

    @classmethod
    def system(cls, job: str) -> Actor:
        """The program itself, in one of its jobs."""
        return cls(name=job, via=Via.SYSTEM)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the audit log: who did what to what, when, and whence. Appended, never changed."""

    id: int
    at: datetime
    actor: Actor
    act: str  # "edition.approve"
    object: str  # id of what was acted on; never an address of a reader
    details: Mapping[str, Any] = field(default_factory=dict)
