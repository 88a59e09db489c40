"""What delivery asks of whoever keeps the record: one method that commits, so that claim and record are one act.

design.md, "What must always hold", 3: a copy is claimed (committed) before its envelope is written to the wire, and
recorded after the final reply; the record travels in the commit that claims the session's next copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digest.model import Claim, Record

__all__ = ["Claim", "Ledger", "Record"]


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
