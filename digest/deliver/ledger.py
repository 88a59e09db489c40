"""What delivery asks of whoever keeps the record: one method that commits, so that claim and record are one act.

A copy is claimed (committed) before its envelope is written to the wire, noted as leaving (committed) before its body
is, and recorded after the final reply; the three travel together for three copies of a session that follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digest.model import Claim, Record

__all__ = ["Claim", "Ledger", "Record"]


class Ledger(Protocol):
    """The record of one campaign, kept by the store."""

    def exchange(
        self, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int] = ()
    ) -> Sequence[Claim]:
        """Record outcomes, note whose bodies leave, and claim up to `wanted` due copies, in one durable commit.

        Those who left or were suppressed since the campaign began are recorded as skipped, with the reason, and
        not claimed. An empty answer means that nothing is due now (see `next_due`). `leaving` are deliveries, claimed
        before: from this commit on they may have arrived, and what is claimed without it cannot have.
        """
        ...

    def next_due(self) -> datetime | None:
        """When the next deferred copy of the campaign falls due; None when nothing waits."""
        ...

    def recover(self, now: datetime, *, resend: bool) -> int:
        """Deal with copies that a dead process had claimed; how many.

        Those whose body had not left are queued again; those whose body had are in doubt: with `resend` they are queued
        again too, else they become uncertain.
        """
        ...
