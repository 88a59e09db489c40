"""The audit log: filtered, page by page, and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from digest.model import Entry, Permission, Via, local_instant
from digest.store import AuditFilter
from digest.web.console.frame import Frame, TimeView
from digest.web.listing import Column, Listing

_COLUMNS: Final = (
    Column("at", "When"),
    Column("who", "Who"),
    Column("act", "Act"),
    Column("object", "What"),
    Column("details", "Details"),
    Column("via", "By"),
)
_PAGE: Final = 50
_BLOCK: Final = 1_000  # entries that an export reads at a time
_LONGEST: Final = 320
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """A line of the log; who, act and object each lead to all entries like it."""

    at: TimeView
    who: str
    who_href: str
    act: str
    act_href: str
    object: str
    object_href: str
    details: tuple[tuple[str, str], ...]
    via: str
    origin: str


def add_pages(frame: Frame) -> None:
    """The log and its export."""
    site = frame.site

    @frame.get("/audit", Permission.AUDIT_READ)
    def log(request: Request) -> Response:
        wanted, asked = _wanted(request)
        listing = Listing.read(request, _COLUMNS, sort="", limit=_PAGE, prefix=frame.prefix)
        before = listing.after[0] if listing.after and isinstance(listing.after[0], int) else None
        found = site.store.audit.page(wanted, before=before, limit=_PAGE + 1)
        listing = listing.shown(found, lambda one: (one.id,))
        context = {
            "listing": listing,
            "entries": [_view(frame, one) for one in listing.rows],
            "asked": asked,
            "fronts": [("", "any", not asked["via"]), *((via.value, via.value, asked["via"] == via) for via in Via)],
            "export": frame.path("/audit.csv", **{name: text for name, text in asked.items() if text}),
            "action": frame.path("/audit"),
        }
        return frame.page(request, "audit.html", context, here="audit")

    @frame.get("/audit.csv", Permission.AUDIT_READ)
    def export(request: Request) -> Response:
        wanted, _ = _wanted(request)
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="audit.csv"'}
        return StreamingResponse(_lines(wanted), media_type="text/csv; charset=utf-8", headers=headers)

    def _wanted(request: Request) -> tuple[AuditFilter, dict[str, str]]:
        """What the address asks for, and the same as text for the form."""
        asked = {
            name: request.query_params.get(name, "").strip()[:_LONGEST].replace("\x00", "")
            for name in ("who", "act", "object", "via", "since", "until")
        }
        last = _day(asked["until"])
        return AuditFilter(
            who=asked["who"],
            act=asked["act"],
            object=asked["object"],
            via=asked["via"],
            since=_start(_day(asked["since"])),
            until=_start(last + timedelta(days=1)) if last and last < date.max else None,
        ), asked

    def _start(day: date | None) -> datetime | None:
        return None if day is None else local_instant(day, datetime.min.time(), site.settings.zone).astimezone(UTC)

    def _lines(wanted: AuditFilter) -> Iterator[str]:
        """The log as CSV, a block at a time."""
        yield _row(("time", "who", "act", "object", "details", "via", "origin"))
        before: int | None = None
        while block := site.store.audit.page(wanted, before=before, limit=_BLOCK):
            for one in block:
                details = json.dumps(one.details, ensure_ascii=False) if one.details else ""
                at = one.at.isoformat(timespec="seconds")
                yield _row((at, one.actor.name, one.act, one.object, details, one.actor.via.value, one.actor.origin))
            before = block[-1].id


def _view(frame: Frame, one: Entry) -> EntryView:
    return EntryView(
        at=frame.time(one.at),
        who=one.actor.name,
        who_href=frame.path("/audit", who=one.actor.name),
        act=one.act,
        act_href=frame.path("/audit", act=one.act),
        object=one.object,
        object_href=frame.path("/audit", object=one.object),
        details=tuple((name, _said(value)) for name, value in one.details.items()),
        via=one.actor.via.value,
        origin=one.actor.origin,
    )


def _said(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _row(values: tuple[str, ...]) -> str:
    """A line that no spreadsheet reads as a formula."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        [f"'{value}" if value.startswith(_FORMULA) else value for value in values]
    )
    return line.getvalue()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min < day else None
