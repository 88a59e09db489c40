"""The audit log: who did what, when and whence. Rows are added and read; the database itself refuses anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from digest.model import Actor, Entry, Via
from digest.store.database import Database
from digest.store.events import Events
from digest.store.payload import canonical
from digest.store.schema import audit


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; an empty field asks for nothing.

    Attributes:
        who: the actor's name, whole.
        act: an act ("edition.approve"), or what it begins with ("edition").
        object: what was acted on, whole.
        via: a front.
        since: from this time on.
        until: before this time.
    """

    who: str = ""
    act: str = ""
    object: str = ""
    via: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """`add`, `page`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        actor: Actor,
        act: str,
        object: str = "",  # noqa: A002 - the log's word
        details: Mapping[str, object] | None = None,
        *,
        at: datetime,
    ) -> int:
        """Note an act; call it in the transaction of the act itself, so that there is never one without the other.

        Args:
            actor: in whose name.
            act: "<noun>.<verb>", in small letters.
            object: id of what was acted on; never an address of a reader.
            details: small plain JSON; no secrets.
            at: when.
        """
        values = {
            "at": at,
            "who": actor.name,
            "operator": actor.operator,
            "via": actor.via.value,
            "origin": actor.origin,
            "act": act,
            "object": object,
            "details": canonical(dict(details or {})),
        }
        with self._database.transaction() as connection:
            Events(self._database).append(act, object, details or {}, at, by=actor.name)  # for programs that follow
            return int(connection.scalar(sa.insert(audit).returning(audit.c.id), values) or 0)

    def page(self, wanted: AuditFilter, *, before: int | None = None, limit: int = 50) -> tuple[Entry, ...]:
        """Entries, newest first; `before` is the number of the last one seen."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
        if wanted.who:
            query = query.where(audit.c.who == wanted.who)
        if wanted.act:
            # A range, not LIKE: the index serves it in both databases, and nothing needs escaping.
            query = query.where(
                sa.or_(audit.c.act == wanted.act, audit.c.act.between(wanted.act + ".", wanted.act + "/"))
            )
        if wanted.object:
            query = query.where(audit.c.object == wanted.object)
        if wanted.via:
            query = query.where(audit.c.via == wanted.via)
        if wanted.since is not None:
            query = query.where(audit.c.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(audit.c.at < wanted.until)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Entry(
                id=row.id,
                at=row.at,
                actor=Actor(name=row.who, via=Via(row.via), origin=row.origin, operator=row.operator),
                act=row.act,
                object=row.object,
                details=json.loads(row.details),
            )
            for row in rows
        )
