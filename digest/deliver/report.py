"""What a run says while it works, and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run has come. Counts are of outcomes: a copy deferred twice counts twice."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    uncertain: int = 0
    skipped: int = 0
    waiting: timedelta = timedelta(0)  # set while the run waits
    why: str = ""  # it waits

    def after(self, before: Report) -> Progress:
        """How far all has come, when this run began after that one had ended."""
        return replace(
            self,
            accepted=before.accepted + self.accepted,
            deferred=before.deferred + self.deferred,
            refused=before.refused + self.refused,
            uncertain=before.uncertain + self.uncertain,
            skipped=before.skipped + self.skipped,
        )


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run came to."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    uncertain: int = 0  # held, because they may have arrived
    skipped: int = 0
    recovered: int = 0  # copies that a dead process had claimed
    next_due: datetime | None = None  # when the next deferred copy falls due; None when nothing waits
    stopped: str = ""  # why the run ended while copies were left; "" when it did not
    faulty: bool = False  # it stopped for faults of ours: a person must look before it goes on
    refusals: tuple[str, ...] = ()  # the first different replies to refused copies, at most 20

    @property
    def complete(self) -> bool:
        """Whether every copy has come to its end."""
        return not self.stopped and self.next_due is None
