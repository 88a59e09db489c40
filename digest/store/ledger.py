"""The ledger of one campaign: claim and record in one commit. Implements `digest.deliver.ledger.Ledger`.

    queued ──claim──> claimed ──record──> accepted | refused | uncertain | skipped
       ^                 │   └──────────> deferred ──(due)──> claimed
       └────recover──────┘

A claimed row has code 0 until its body leaves, and 354 from then on: only the latter is in doubt after a crash.

The states above "record" are final, but for "uncertain", which `recover` may queue again. `claiming.py` walks the
queue, `logbook.py` keeps what happens between two walks, `recording.py` writes down what became of copies,
`received.py` knows what readers have of other digests, `ranges.py` keeps senders of one campaign apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from digest.errors import StoreError
from digest.model import Claim, DeliveryState, Record, Refused
from digest.store.claiming import DEFERRED, Claimer, sending
from digest.store.database import Database
from digest.store.logbook import BODY_OUT, Logbook, fold_all
from digest.store.ranges import Span, still_ours
from digest.store.received import ReceivedElsewhere
from digest.store.recording import WAITS, Recorder, RefusalPolicy, due_again
from digest.store.schema import deliveries

__all__ = ["CampaignLedger", "RefusalPolicy"]


class CampaignLedger:
    """The record of one campaign, or of a span of it, for one process that sends. Not for several threads.

    Made by `Campaigns.ledger`. Once another sender has been given the span, every call raises StoreError: a process
    that was thought dead can neither claim a copy nor let a body leave.
    """

    def __init__(
        self,
        database: Database,
        campaign: int,
        edition: str,
        *,
        policy: RefusalPolicy,
        span: Span,
        only: Sequence[int] | None = None,
        elsewhere: ReceivedElsewhere | None = None,
    ) -> None:
        self._database = database
        self._edition = edition
        mine = (deliveries.c.campaign == campaign) & deliveries.c.id.between(span.first, span.last)
        if only is not None:
            mine &= database.among(deliveries.c.id, "only", only)
        self._mine = mine
        self._claimer = Claimer(database, mine, edition)
        self._logbook = Logbook(database, campaign, span)
        self._recorder = Recorder(database, policy)
        self._elsewhere = elsewhere
        self._ours = database.prepare(still_ours(campaign, span))

    def exchange(
        self, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int] = ()
    ) -> Sequence[Claim]:
        """Record outcomes, note whose bodies leave, and claim up to `wanted` due copies, in one durable commit.

        Those who left or were suppressed since the campaign began are recorded as skipped, with the reason, and not
        claimed. Nothing is claimed while the edition is not "sending" (paused, cancelled). A record for a copy that
        is accepted, refused or skipped already changes nothing.

        Raises:
            StoreError: the database failed, or another sender has taken over; nothing of this was kept.
        """
        place = self._claimer.place
        refused = [record for record in records if isinstance(record.outcome, Refused) and not record.outcome.ours]
        try:
            if not refused:
                with self._database.quick() as cursor:
                    return self._exchange(cursor, records, wanted, now, leaving)
            with self._database.transaction() as connection:
                cursor = connection.connection.cursor()
                claims = self._exchange(cursor, records, wanted, now, leaving)
                self._logbook.fold(cursor)  # what is judged are rows
                self._recorder.suppress(connection, refused)
                return claims
        except BaseException:
            self._claimer.back(place)
            raise

    def next_due(self) -> datetime | None:
        """When the next deferred copy falls due; None when nothing waits, or the edition is not "sending"."""
        query = sa.select(sa.func.min(deliveries.c.next_attempt_at)).where(self._mine, DEFERRED, sending(self._edition))
        fold_all(self._database)
        with self._database.reading() as connection:
            due: datetime | None = connection.scalar(query)
        return due

    def recover(self, now: datetime, *, resend: bool) -> int:
        """Deal with copies that a dead process had claimed; how many.

        Those whose body had not left are queued again as if nothing had been. Of the others, with `resend` they are
        queued again, and so are those that ended uncertain before; else they become uncertain. Those that waited for
        their slots are queued again, too: limits may have changed, or be another's part of them.
        """
        states = [DeliveryState.CLAIMED.value, *([DeliveryState.UNCERTAIN.value] if resend else [])]
        doubtful: dict[str, object] = (
            {"state": DeliveryState.QUEUED.value, "reason": "sent again: it may have arrived", "finished_at": None}
            if resend
            else {
                "state": DeliveryState.UNCERTAIN.value,
                "reason": "the process that was sending it ended: it may have arrived",
                "finished_at": now,
            }
        )
        untouched = (deliveries.c.state == DeliveryState.CLAIMED.value) & (deliveries.c.code != BODY_OUT)
        with self._database.transaction() as connection:
            cursor = connection.connection.cursor()
            self._fence(cursor)
            self._logbook.fold(cursor)
            connection.execute(
                sa.update(deliveries)
                .where(self._mine, DEFERRED, deliveries.c.reason == WAITS)
                .values(state=DeliveryState.QUEUED.value, reason="", next_attempt_at=None)
            )
            found = connection.execute(
                sa.update(deliveries).where(self._mine, untouched).values(state=DeliveryState.QUEUED.value)
            ).rowcount
            found += connection.execute(
                sa.update(deliveries).where(self._mine, deliveries.c.state.in_(states)).values(**doubtful)
            ).rowcount
        self._claimer.rewind()
        return found

    def _exchange(
        self, cursor: DBAPICursor, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int]
    ) -> Sequence[Claim]:
        rows = [self._recorder.row(record) for record in records]
        for again_at in filter(None, map(due_again, records)):
            self._claimer.look_at(again_at)
        claims = self._claimer.take_ahead(cursor, wanted, now) if wanted > 0 else ()
        if claims:
            numbers = [claim.delivery for claim in claims]
            if not self._logbook.append(cursor, self._database.time(now), numbers, leaving, rows):
                self._lost()
        else:
            self._fence(cursor)
            self._logbook.fold(cursor, leaving, rows)
            claims = self._claimer.walk(cursor, wanted, now) if wanted > 0 else ()
        return claims if self._elsewhere is None else self._elsewhere.tell(cursor, claims)

    def _fence(self, cursor: DBAPICursor) -> None:
        if not self._ours.rows(cursor, {}):
            self._lost()

    def _lost(self) -> NoReturn:
        raise StoreError(f"another sender has taken {self._edition} over: this one was thought dead, and stops")
