"""A small real ledger on SQLite, with the rules of the protocol; the store has its own, which tests/store tries."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from digest.model import (
    Accepted,
    Claim,
    Deferred,
    DeliveryState,
    Preferences,
    Record,
    Refused,
    Skipped,
    Uncertain,
)

STATES = {
    Accepted: DeliveryState.ACCEPTED,
    Deferred: DeliveryState.DEFERRED,
    Refused: DeliveryState.REFUSED,
    Uncertain: DeliveryState.UNCERTAIN,
    Skipped: DeliveryState.SKIPPED,
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, name TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0, ours INTEGER NOT NULL DEFAULT 0, reply TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 0, leaving INTEGER NOT NULL DEFAULT 0, again_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS due ON delivery (again_at, id) WHERE state IN ('queued', 'deferred');
"""


class TestLedger:
    """One campaign in one file; each exchange is one transaction, durable (synchronous=FULL) when it returns."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000;" + SCHEMA)
        self.exchanges = 0

    def fill(self, addresses: Iterable[str], name: str = "Reader") -> None:
        with self.db:
            self.db.execute("BEGIN")
            self.db.executemany("INSERT INTO delivery (address, name) VALUES (?, ?)", ((a, name) for a in addresses))
            self.db.execute("COMMIT")

    def exchange(
        self, records: Sequence[Record], wanted: int, now: datetime, leaving: Sequence[int] = ()
    ) -> Sequence[Claim]:
        self.exchanges += 1
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                done = self._write(record)
                assert done == 1, f"{record} is of a copy that was not claimed"
            for number in leaving:
                cursor = self.db.execute("UPDATE delivery SET leaving=1 WHERE id=? AND state='claimed'", (number,))
                assert cursor.rowcount == 1, f"{number} leaves and was not claimed"
            claims = self._claim(wanted, now) if wanted else []
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
        return claims

    def _write(self, record: Record) -> int:
        outcome = record.outcome
        reply = outcome.reason if isinstance(outcome, Skipped) else str(outcome.reply)
        assert (record.again_at is not None) == isinstance(outcome, Deferred)
        untried = isinstance(outcome, Deferred) and outcome.until is not None
        return self.db.execute(
            "UPDATE delivery SET attempts=attempts-?, state=?, reply=?, ours=?, revision=?, again_at=?"
            " WHERE id=? AND state='claimed'",
            (
                untried,
                STATES[type(outcome)],
                reply,
                isinstance(outcome, Refused) and outcome.ours,
                record.revision,
                record.again_at.timestamp() if record.again_at else 0,
                record.delivery,
            ),
        ).rowcount

    def _claim(self, wanted: int, now: datetime) -> list[Claim]:
        rows = self.db.execute(
            "SELECT id, address, name, attempts FROM delivery WHERE state IN ('queued', 'deferred') AND again_at <= ?"
            " ORDER BY again_at, id LIMIT ?",
            (now.timestamp(), wanted),
        ).fetchall()
        self.db.executemany(
            "UPDATE delivery SET state='claimed', leaving=0, attempts=attempts+1 WHERE id=?",
            ((row[0],) for row in rows),
        )
        return [claim(row[1], name=row[2], delivery=row[0], attempts=row[3] + 1) for row in rows]

    def next_due(self) -> datetime | None:
        row = self.db.execute("SELECT min(again_at) FROM delivery WHERE state IN ('queued', 'deferred')").fetchone()
        return None if row[0] is None else datetime.fromtimestamp(row[0], UTC)

    def recover(self, now: datetime, *, resend: bool) -> int:
        state = DeliveryState.QUEUED if resend else DeliveryState.UNCERTAIN
        found = self.db.execute("UPDATE delivery SET state='queued' WHERE state='claimed' AND NOT leaving").rowcount
        return found + self.db.execute("UPDATE delivery SET state=? WHERE state='claimed'", (state,)).rowcount

    # What tests ask.

    def states(self) -> dict[str, int]:
        return dict(Counter(row[0] for row in self.db.execute("SELECT state FROM delivery")))

    def row(self, address: str) -> tuple[str, int, str, bool]:
        """state, attempts, reply, ours"""
        state, attempts, reply, ours = self.db.execute(
            "SELECT state, attempts, reply, ours FROM delivery WHERE address=?", (address,)
        ).fetchone()
        return state, attempts, reply, bool(ours)

    def in_doubt(self) -> int:
        """Copies whose body had left when their process died."""
        return int(self.db.execute("SELECT count(*) FROM delivery WHERE state='claimed' AND leaving").fetchone()[0])

    def addresses(self, state: str) -> set[str]:
        return {row[0] for row in self.db.execute("SELECT address FROM delivery WHERE state=?", (state,))}


def claim(address: str, *, name: str = "Reader", delivery: int = 1, attempts: int = 1) -> Claim:
    return Claim(
        delivery=delivery,
        edition="weekly/2018-W29",
        subscription=delivery,
        address=address,
        name=name,
        preferences=Preferences(),
        attempts=attempts,
        message_id=f"<edition.{delivery}@news.example.org>",
    )
