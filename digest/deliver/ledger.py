"""What delivery asks of whoever keeps the record: one method that commits, so that claim and record are one act.

design.md, "What must always hold", 3: a copy is claimed (committed) before its envelope is written to the wire, and
recorded after the final reply; the record travels in the commit that claims the session's next copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digest.model import Outcome, Preferences


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
    """What became of a claimed copy. `again_at` is set for Deferred (when to try again) and for nothing else.

    `suppress` asks that the address be suppressed for this permanent refusal once the policy's count is reached.
    """

    delivery: int
    outcome: Outcome
    at: datetime
    revision: int = 0
    again_at: datetime | None = None


class Ledger(Protocol):
    """The record of one campaign, kept by the store."""

    def exchange(self, records: Sequence[Record], wanted: int, now: datetime) -> Sequence[Claim]:
        """Record outcomes and claim up to `wanted` due copies, in one durable commit.

        Those who left or were suppressed since the campaign began are recorded as skipped, with the reason, and
        not claimed. An empty answer means that nothing is due now (see `next_due`).
        """
        ...

    def next_due(self) -> datetime | None:
        """When the next deferred copy of the campaign falls due; None when nothing waits."""
        ...

    def recover(self, now: datetime, *, resend: bool) -> int:
        """Deal with copies that a dead process had claimed: queue them again, or mark them uncertain. How many."""
        ...
