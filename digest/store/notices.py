"""Notices: single mails outside editions (confirm, welcome, link), each with a unique cause, and their ledger.

The ledger keeps the same order as that of campaigns (ledger.py): a notice is claimed, committed, sent, recorded. So a
crash can leave only claimed ones in doubt, and they go out again with the same Message-ID.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound
from digest.model import Claim, Deferred, Delivery, DeliveryState, Preferences, Record, Skipped, Uncertain
from digest.store.address import address_key
from digest.store.database import AnyRow, Database
from digest.store.payload import canonical
from digest.store.schema import notices, suppressions

_QUEUED, _CLAIMED, _ACCEPTED, _DEFERRED, _REFUSED, _UNCERTAIN, _, _SKIPPED = DeliveryState
_OPEN: Final = (_QUEUED, _CLAIMED, _DEFERRED, _UNCERTAIN)
_REPLY_LIMIT: Final = 500


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A single mail. `kind` names its templates; `values` are what its coordinator needs to write it, plain JSON.

    `cause` says why it is sent, once: "confirm:<address>:2018-07-23". A second notice of a cause is none.
    """

    cause: str
    kind: str
    address: str
    created: datetime
    name: str = ""
    language: str = ""
    subscription: int = 0  # that it is about; 0 for none
    values: Mapping[str, object] = field(default_factory=dict)


class Notices:
    """`add`, `get`, `count`, `deliveries`, `forget`; `ledger` for whoever sends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, notice: Notice, message_id: str) -> bool:
        """Queue a notice, unless there is one of its cause; whether it was queued."""
        with self._database.transaction() as connection:
            made = connection.scalar(
                self._database.insert(notices)
                .values(
                    cause=notice.cause,
                    kind=notice.kind,
                    subscription=notice.subscription,
                    key=address_key(notice.address),
                    address=notice.address,
                    name=notice.name,
                    language=notice.language,
                    payload=canonical(dict(notice.values)),
                    message_id=message_id,
                    state=_QUEUED.value,
                    created=notice.created,
                )
                .on_conflict_do_nothing()
                .returning(notices.c.id)
            )
        return made is not None

    def get(self, number: int) -> Notice:
        """A notice by the number of its delivery.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(notices).where(notices.c.id == number)).one_or_none()
        if row is None:
            raise NotFound("notice", str(number))
        return Notice(
            cause=row.cause,
            kind=row.kind,
            address=row.address,
            created=row.created,
            name=row.name,
            language=row.language,
            subscription=row.subscription,
            values=json.loads(row.payload),
        )

    def count(self, address: str, kind: str, since: datetime) -> int:
        """How many notices of a kind were made for an address since a time."""
        query = sa.select(sa.func.count()).where(
            notices.c.key == address_key(address), notices.c.kind == kind, notices.c.created > since
        )
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def waiting(self, now: datetime, *, kind: str = "") -> bool:
        """Whether a notice (of a kind) is due, or was claimed by a process that may have died."""
        query = sa.select(notices.c.id).where(
            sa.or_(
                notices.c.state.in_([_QUEUED.value, _CLAIMED.value]),
                sa.and_(notices.c.state == _DEFERRED.value, notices.c.next_attempt_at <= now),
            )
        )
        if kind:
            query = query.where(notices.c.kind == kind)
        with self._database.reading() as connection:
            return connection.scalar(query.limit(1)) is not None

    def deliveries(self, address: str = "", *, cause: str = "", limit: int = 100) -> tuple[Delivery, ...]:
        """What became of notices (to an address, of a cause), in the order made; `edition` holds the kind."""
        query = sa.select(notices).order_by(notices.c.id).limit(limit)
        if address:
            query = query.where(notices.c.key == address_key(address))
        if cause:
            query = query.where(notices.c.cause == cause)
        with self._database.reading() as connection:
            return tuple(
                Delivery(
                    id=row.id,
                    edition=row.kind,
                    subscription=row.subscription,
                    address=row.address,
                    state=DeliveryState(row.state),
                    message_id=row.message_id,
                    attempts=row.attempts,
                    reason=row.reason,
                    reply=row.reply,
                    claimed_at=row.claimed_at,
                    finished_at=row.finished_at,
                    next_attempt_at=row.next_attempt_at,
                )
                for row in connection.execute(query)
            )

    def came_back(self, number: int, reason: str, reply: str, at: datetime) -> bool:
        """Write down that a notice came back after a server had taken it; whether it is known, and had left.

        Args:
            number: of its delivery.
            reason: why, in a few words.
            reply: what the server said.
            at: now.
        """
        left = notices.c.state.in_([_ACCEPTED.value, _UNCERTAIN.value, DeliveryState.BOUNCED.value])
        with self._database.transaction() as connection:
            changed = connection.execute(
                sa.update(notices)
                .where(notices.c.id == number, left)
                .values(
                    state=DeliveryState.BOUNCED.value,
                    reason=_clean(f"{reason}: it came back on {at:%Y-%m-%d}"),
                    reply=_clean(reply),
                )
            )
            return changed.rowcount == 1

    def forget(self, before: datetime) -> int:
        """Drop notices that came to their end and were made before a time; how many. What waits is kept."""
        ended = notices.c.state.not_in([_QUEUED.value, _CLAIMED.value, _DEFERRED.value])
        with self._database.transaction() as connection:
            return connection.execute(sa.delete(notices).where(ended, notices.c.created < before)).rowcount

    def ledger(self, *, kind: str = "") -> NoticeLedger:
        """The ledger of all notices, or of a kind, for one process that sends; keep others out with `Store.hold`."""
        return NoticeLedger(self._database, kind)


class NoticeLedger:
    """Claims and records notices. Implements `digest.deliver.ledger.Ledger`; not for several threads."""

    def __init__(self, database: Database, kind: str = "") -> None:
        self._database = database
        self._kind = notices.c.kind == kind if kind else sa.true()

    def exchange(
        self,
        records: Sequence[Record],
        wanted: int,
        now: datetime,
        leaving: Sequence[int] = (),  # noqa: ARG002 - of the protocol; a claimed notice counts as leaving anyway
    ) -> Sequence[Claim]:
        """Record outcomes and claim up to `wanted` due notices, in one durable commit.

        A notice to an address that was suppressed meanwhile is recorded as skipped.
        """
        with self._database.transaction() as connection:
            for record in records:
                connection.execute(_RECORD, _row(record))
            claims: list[Claim] = []
            while len(claims) < wanted:
                rows = connection.execute(_DUE.where(self._kind), {"now": now, "wanted": wanted - len(claims)}).all()
                for row in rows:
                    if row.cause_of_suppression is not None:
                        reason = f"suppressed: {row.cause_of_suppression}"
                        connection.execute(_SKIP, {"number": row.id, "reason": reason, "now": now})
                    else:
                        connection.execute(_CLAIM, {"number": row.id, "now": now})
                        claims.append(_claim(row))
                if not rows:
                    break
        return claims

    def next_due(self) -> datetime | None:
        """When the next deferred notice falls due; None when nothing waits."""
        query = sa.select(sa.func.min(notices.c.next_attempt_at)).where(notices.c.state == _DEFERRED.value, self._kind)
        with self._database.reading() as connection:
            due: datetime | None = connection.scalar(query)
        return due

    def recover(self, now: datetime, *, resend: bool) -> int:
        """Deal with notices that a dead process had claimed: queue them again, or mark them uncertain. How many."""
        values: dict[str, object] = (
            {"state": _QUEUED.value, "reason": "sent again: it may have arrived"}
            if resend
            else {"state": _UNCERTAIN.value, "reason": "it may have arrived", "finished_at": now}
        )
        with self._database.transaction() as connection:
            return connection.execute(
                sa.update(notices).where(notices.c.state == _CLAIMED.value, self._kind).values(**values)
            ).rowcount


_DUE: Final = (
    sa.select(notices, suppressions.c.cause.label("cause_of_suppression"))
    .outerjoin(suppressions, suppressions.c.key == notices.c.key)
    .where(
        sa.or_(
            notices.c.state == _QUEUED.value,
            sa.and_(notices.c.state == _DEFERRED.value, notices.c.next_attempt_at <= sa.bindparam("now")),
        )
    )
    .order_by(notices.c.id)
    .limit(sa.bindparam("wanted"))
    .with_for_update(of=notices, skip_locked=True)
)
_CLAIM: Final = (
    sa.update(notices)
    .where(notices.c.id == sa.bindparam("number"))
    .values(
        state=_CLAIMED.value,
        attempts=notices.c.attempts + 1,
        claimed_at=sa.bindparam("now"),
        next_attempt_at=None,
    )
)
_SKIP: Final = (
    sa.update(notices)
    .where(notices.c.id == sa.bindparam("number"))
    .values(state=_SKIPPED.value, reason=sa.bindparam("reason"), finished_at=sa.bindparam("now"), next_attempt_at=None)
)
_RECORDED: Final = ("state", "reason", "reply", "finished_at", "next_attempt_at")
_RECORD: Final = (
    sa.update(notices)
    .where(notices.c.id == sa.bindparam("number"), notices.c.state.in_([state.value for state in _OPEN]))
    .values(
        {name: sa.bindparam(f"new_{name}") for name in ("state", "reason", "reply", "finished_at", "next_attempt_at")}
    )
)


def _row(record: Record) -> dict[str, object]:
    """A record as the columns it sets."""
    outcome, again = record.outcome, record.again_at
    state, reason = _STATES[type(outcome).__name__], ""
    if isinstance(outcome, Uncertain) and again is not None:
        state, reason = _DEFERRED, "it may have arrived: sent again"
    elif isinstance(outcome, Deferred):
        again = again or record.at
    else:
        again = None
    if isinstance(outcome, Skipped):
        reason, reply = outcome.reason, ""
    else:
        reply = str(outcome.reply)
    return {
        "number": record.delivery,
        "new_state": state.value,
        "new_reason": _clean(reason),
        "new_reply": _clean(reply),
        "new_finished_at": None if again else record.at,
        "new_next_attempt_at": again,
    }


_STATES: Final[Mapping[str, DeliveryState]] = {
    "Accepted": _ACCEPTED,
    "Deferred": _DEFERRED,
    "Refused": _REFUSED,
    "Uncertain": _UNCERTAIN,
    "Skipped": _SKIPPED,
}


def _claim(row: AnyRow) -> Claim:
    return Claim(
        delivery=row.id,
        edition="",
        subscription=row.subscription,
        address=row.address,
        name=row.name,
        preferences=Preferences(language=row.language),
        attempts=row.attempts + 1,
        message_id=row.message_id,
    )


def _clean(text: str) -> str:
    """What every database can keep: no NUL, no lone surrogates, bounded."""
    return text[:_REPLY_LIMIT].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
