"""What operators decided about stories and editions: appended, undone, never changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from digest.errors import NotFound, StateError
from digest.store.database import AnyQuery, Database
from digest.store.payload import canonical
from digest.store.schema import decisions


class Act(StrEnum):
    """What an operator can do to a story or an edition."""

    PIN = "pin"
    DROP = "drop"
    TAKE = "take"
    MOVE = "move"
    RETITLE = "retitle"
    SUMMARIZE = "summarize"
    MERGE = "merge"
    SPLIT = "split"
    APPROVE = "approve"
    NOTE = "note"
    REFILE = "refile"
    CORRECT = "correct"
    HOLD = "hold"  # of an article: no edition uses it
    WITHDRAW = "withdraw"  # of an article: no edition uses it, and it is taken out of those that do


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One act of an operator. An empty digest or edition means: in every one of them.

    `payload` holds what the act needs, as plain JSON values: {"section": "x-gba"}, {"title": "…"}, {"note": "…"}.
    `id` is 0 until the store has numbered it.
    """

    act: Act
    by: str
    at: datetime
    story: str = ""  # key of a story, or uid of an article
    digest: str = ""
    edition: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)
    id: int = 0
    undone: datetime | None = None
    undone_by: str = ""


class Decisions:
    """`add`, `undo`, `effective`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, decision: Decision) -> int:
        """Keep a decision; its number."""
        values = {
            "act": decision.act.value,
            "by": decision.by,
            "at": decision.at,
            "story": decision.story,
            "digest": decision.digest,
            "edition": decision.edition,
            "payload": canonical(dict(decision.payload)),
        }
        with self._database.transaction() as connection:
            return int(connection.scalar(sa.insert(decisions).returning(decisions.c.id), values) or 0)

    def undo(self, number: int, by: str, at: datetime) -> None:
        """Take a decision back; it stays on record.

        Raises:
            NotFound: there is no such decision.
            StateError: it was taken back before.
        """
        with self._database.transaction() as connection:
            done = connection.execute(
                sa.update(decisions)
                .where(decisions.c.id == number, decisions.c.undone.is_(None))
                .values(undone=at, undone_by=by)
            ).rowcount
            if done:
                return
            known = connection.scalar(sa.select(decisions.c.id).where(decisions.c.id == number))
        if known is None:
            raise NotFound("decision", str(number))
        raise StateError(f"decision {number}", "undone", "undo it again")

    def effective(self, digest: str = "", edition: str = "") -> tuple[Decision, ...]:
        """What holds for an edition of a digest: not undone, the latest of each act on a story; in the order made."""
        query = (
            sa.select(decisions)
            .where(
                decisions.c.undone.is_(None),
                decisions.c.digest.in_(["", digest]),
                decisions.c.edition.in_(["", edition]),
            )
            .order_by(decisions.c.id)
        )
        latest: dict[tuple[str, str], Decision] = {}
        for decision in self._fetch(query):
            latest[decision.story, decision.act] = decision
        return tuple(sorted(latest.values(), key=lambda decision: decision.id))

    def about(self, edition: str, stories: Collection[str] = ()) -> tuple[Decision, ...]:
        """Every decision about an edition, and where editors put these articles in every edition; in the order made.

        Those that were taken back are there, too.
        """
        refiled = (decisions.c.act == Act.REFILE.value) & decisions.c.story.in_(sorted(stories))
        query = sa.select(decisions).where((decisions.c.edition == edition) | refiled).order_by(decisions.c.id)
        return self._fetch(query)

    def get(self, number: int) -> Decision:
        """A decision by its number.

        Raises:
            NotFound: there is none.
        """
        found = self._fetch(sa.select(decisions).where(decisions.c.id == number))
        if not found:
            raise NotFound("decision", str(number))
        return found[0]

    def barred(self) -> dict[str, Decision]:
        """Uid -> why an article may not be used: what holds of those that were held or withdrawn."""
        acts = [Act.HOLD.value, Act.WITHDRAW.value]
        query = sa.select(decisions).where(decisions.c.undone.is_(None), decisions.c.act.in_(acts))
        return {one.story: one for one in self._fetch(query.order_by(decisions.c.id))}

    def history(self, story: str = "") -> tuple[Decision, ...]:
        """Every decision (about a story), those taken back too; in the order made."""
        query = sa.select(decisions).order_by(decisions.c.id)
        return self._fetch(query.where(decisions.c.story == story) if story else query)

    def _fetch(self, query: AnyQuery) -> tuple[Decision, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Decision(
                id=row.id,
                act=Act(row.act),
                by=row.by,
                at=row.at,
                story=row.story,
                digest=row.digest,
                edition=row.edition,
                payload=json.loads(row.payload),
                undone=row.undone,
                undone_by=row.undone_by,
            )
            for row in rows
        )
