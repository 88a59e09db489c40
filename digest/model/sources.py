"""How a live source does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Condition(StrEnum):
    """How a live source does."""

    NEW = "new"  # not asked yet
    OK = "ok"
    QUIET = "quiet"  # it answers, but brings nothing, for longer than is usual for it
    HELD = "held"  # it shows old items as new; they wait for the operator
    FAILING = "failing"
    GONE = "gone"  # it said so (410), and is not asked any more
    STOPPED = "stopped"  # by an operator, until they let it go on


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
    stopped: str = ""  # why an operator has it not asked; "" while it is

    @property
    def url(self) -> str:
        """Where it is asked."""
        return self.moved_to or self.location

    def condition(self, now: datetime) -> Condition:
        """How it does. Quiet is four times its rhythm without anything new, and a day at least."""
        if self.stopped:
            return Condition.STOPPED
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
