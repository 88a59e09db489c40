"""Readers: who they are, what they chose, lists in and out, and addresses that nobody may write to.

A subscription is named by its number, never by an address: addresses in paths end up in logs. Where a person is meant,
the address stands in the body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from digest import subscriptions
from digest.app import App, now
from digest.errors import InputError
from digest.model import Permission, Preferences, SubscriptionState
from digest.store.finding import Whom
from digest.subscriptions import ImportReport, LineReport
from digest.web.api import names, paging
from digest.web.api.callers import Caller
from digest.web.api.paging import After, Limit, Page
from digest.web.api.routing import Body, Routes
from digest.web.api.shapes import Address, Key, Line, Number, PreferencesBody, QueryKey, Said, Sent, SubscriberBody

CSV: Final = "text/csv"
_ROOM: Final = 64_000_000  # bytes of a list
_LIST: Final[dict[str, Any]] = {
    "required": True,
    "content": {CSV: {"schema": {"type": "string", "enum": ["address\r\nada@example.net\r\n", "address,name\r\n"]}}},
}


class Add(Sent):
    """A reader to add, or to bring up to date."""

    address: Address
    consent: Annotated[str, Field(min_length=3, max_length=500, description="How and where this person agreed.")]
    name: Line = ""
    digests: list[Key] = Field(default=[], max_length=50, description="All of them if left out.")
    preferences: PreferencesBody = PreferencesBody()


class Change(Sent):
    """What to change; a field that is left out stays."""

    preferences: PreferencesBody


class Pause(Sent):
    """Until when nothing is sent; for ever if left out."""

    until: datetime | None = None


class Reason(Sent):
    """Why."""

    reason: Line = ""


class Person(Sent):
    """Who is meant."""

    address: Address


class Suppress(Person):
    """Whom nobody shall write to, and why."""

    reason: Said


class Lift(Person):
    """Who may be written to again, and why."""

    reason: Said
    evidence: Line = Field(default="", description="That the person asked for it; needed after a complaint.")


class SubscriberLine(BaseModel):
    """A subscription in a list."""

    subscription: int = Field(description="Its number, by which it is acted on.")
    subscriber: int = Field(description="The person's; the same for all of their subscriptions.")
    address: str
    name: str
    digest: str
    state: SubscriptionState
    reason: str
    since: datetime


class Fates(BaseModel):
    """What became of each digest: added, updated, unchanged, left, suppressed."""

    fates: dict[str, str]


class Why(BaseModel):
    """A subscription, and why it got or did not get its copies."""

    subscription: SubscriberBody
    why: list[str]


class LineBody(BaseModel):
    """A line of a list, and why it did not go in."""

    line: int
    address: str
    reason: str

    @classmethod
    def of(cls, one: LineReport) -> LineBody:
        """A line."""
        return cls(line=one.line, address=one.address, reason=one.reason)


class ImportBody(BaseModel):
    """What an import did. `kept` is false for a dry run, or when nothing was to go in."""

    imported: int
    updated: int
    unchanged: int
    refused: list[LineBody]
    passed_over: list[LineBody]
    kept: bool

    @classmethod
    def of(cls, report: ImportReport) -> ImportBody:
        """A report."""
        return cls(
            imported=report.imported,
            updated=report.updated,
            unchanged=report.unchanged,
            refused=[LineBody.of(one) for one in report.refused],
            passed_over=[LineBody.of(one) for one in report.passed_over],
            kept=report.kept,
        )


class SuppressionBody(BaseModel):
    """An address that must not be written to; of somebody who was erased, a keyed hash of it."""

    key: str
    cause: str
    evidence: str
    at: datetime


class Erased(BaseModel):
    """How many subscriptions are gone."""

    subscriptions: int


class Weeks(BaseModel):
    """Who came and who left in a week."""

    week: str
    joined: int
    left: int
    bounced: int


def add_routes(routes: Routes, app: App) -> None:
    """Readers and what is done with them."""
    store = app.store

    @routes.get("/subscribers", Permission.SUBSCRIBERS_READ, tags=["subscribers"])
    def list_subscribers(
        request: Request,
        response: Response,
        text: Annotated[
            str,
            Query(
                max_length=254, pattern=r"^[^\s\x00-\x1f\x7f]*$", description="An address, its beginning, or @domain."
            ),
        ] = "",
        digest: QueryKey = "",
        state: Annotated[SubscriptionState | None, Query()] = None,
        limit: Limit = paging.LIMIT,
        after: After = "",
    ) -> Page[SubscriberLine]:
        """Find subscriptions: of one address, of a domain, of a digest, in a state."""
        (behind,) = _behind(after)
        found = app.reader_desk.find(Whom(text=text, digest=digest, state=state), after=behind, limit=limit)
        fields = SubscriberLine.model_fields
        items = [SubscriberLine(**{name: getattr(one, name) for name in fields}) for one in found.rows]
        cursor = "" if found.after is None else paging.write(found.after)
        return Page(items=items, next=paging.link(request, response, cursor))

    @routes.post("/subscribers", Permission.SUBSCRIBERS_WRITE, status=201, problems=(404,), tags=["subscribers"])
    def add_subscriber(visit: Caller, body: Add) -> Fates:
        """Add a reader, or bring what is known of one up to date. Who left, or is suppressed, is not revived."""
        digests = [names.digest_of(app, key) for key in body.digests] or [rule.key for rule in app.settings.digests]
        fates = app.reader_desk.add(
            body.address,
            digests,
            basis=body.consent,
            name=body.name,
            preferences=_preferences(app, body.preferences),
            by=visit.actor,
        )
        return Fates(fates={key: fate.value for key, fate in fates.items()})

    @routes.get("/subscribers/{number}", Permission.SUBSCRIBERS_READ, problems=(404,), tags=["subscribers"])
    def get_subscriber(number: Number) -> Why:
        """A subscription, and why its reader got or did not get each copy."""
        one = store.subscribers.get(number)
        return Why(subscription=SubscriberBody.of(one), why=list(app.reader_desk.look(one.address).why))

    @routes.patch("/subscribers/{number}", Permission.SUBSCRIBERS_WRITE, problems=(404, 409), tags=["subscribers"])
    def change_subscriber(visit: Caller, number: Number, body: Change) -> SubscriberBody:
        """Change what a reader chose, as they asked."""
        return SubscriberBody.of(app.reader_desk.prefer(number, _preferences(app, body.preferences), by=visit.actor))

    @routes.post("/subscribers/{number}/pause", Permission.SUBSCRIBERS_WRITE, problems=(404, 409), tags=["subscribers"])
    def pause_subscriber(visit: Caller, number: Number, body: Pause) -> SubscriberBody:
        """Send nothing until a time, or until it is resumed."""
        if body.until is not None and body.until.utcoffset() is None:
            raise InputError("a time without an offset", where="until", remedy="write 2018-07-20T09:00:00+08:00")
        app.reader_desk.pause(number, by=visit.actor, until=body.until)
        return SubscriberBody.of(store.subscribers.get(number))

    @routes.post(
        "/subscribers/{number}/resume",
        Permission.SUBSCRIBERS_WRITE,
        takes=(),
        problems=(404, 409),
        tags=["subscribers"],
    )
    def resume_subscriber(visit: Caller, number: Number) -> SubscriberBody:
        """Go on sending to a reader who paused."""
        app.reader_desk.resume(number, by=visit.actor)
        return SubscriberBody.of(store.subscribers.get(number))

    @routes.post("/subscribers/{number}/end", Permission.SUBSCRIBERS_WRITE, problems=(404, 409), tags=["subscribers"])
    def end_subscriber(visit: Caller, number: Number, body: Reason) -> SubscriberBody:
        """End a subscription. It is remembered as ended, so that no import revives it."""
        app.reader_desk.end(number, body.reason, by=visit.actor)
        return SubscriberBody.of(store.subscribers.get(number))

    @routes.post(
        "/subscribers/import", Permission.SUBSCRIBERS_WRITE, takes=(CSV,), room=_ROOM, body=_LIST, tags=["subscribers"]
    )
    def import_subscribers(
        visit: Caller,
        body: Body,
        basis: Annotated[str, Query(max_length=200, description="Basis of consent, for lines that name none.")] = "",
        whole: Annotated[bool, Query(description="Import nothing if any line is refused.")] = False,
        dry_run: Annotated[bool, Query(description="Keep nothing: say what would happen.")] = False,
    ) -> ImportBody:
        """Import a list (CSV). Lines with a fault are told and stop no other; who left is never revived."""
        done = app.reader_desk.import_list(body, "body", basis=basis, whole=whole, keep=not dry_run, by=visit.actor)
        return ImportBody.of(done)

    @routes.get(
        "/subscribers.csv",
        Permission.SUBSCRIBERS_READ,
        gives=(CSV,),
        response_class=Response,
        answers={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
        tags=["subscribers"],
    )
    def export_subscribers(
        visit: Caller,
        digest: QueryKey = "",
        everyone: Annotated[bool, Query(description="Pending, paused and ended ones too.")] = False,
    ) -> Response:
        """The active readers as a CSV list that the import reads, streamed."""
        states = tuple(SubscriptionState) if everyone else (SubscriptionState.ACTIVE,)
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="readers.csv"'}
        return StreamingResponse(
            app.reader_desk.export(digest, states, by=visit.actor), media_type=CSV, headers=headers
        )

    @routes.post("/subscribers/data", Permission.SUBSCRIBERS_READ, problems=(404,), tags=["subscribers"])
    def tell_subscriber(body: Person) -> dict[str, Any]:
        """All that is held about a person: what they may ask for."""
        return subscriptions.told(store, body.address, now())

    @routes.post("/subscribers/erase", Permission.SUBSCRIBERS_WRITE, problems=(404,), tags=["subscribers"])
    def erase_subscriber(visit: Caller, body: Person) -> Erased:
        """Forget a person for good. A keyed hash stays, so that no import writes to them."""
        return Erased(subscriptions=app.reader_desk.erase(body.address, by=visit.actor))

    @routes.get("/suppressions", Permission.SUBSCRIBERS_READ, tags=["subscribers"])
    def list_suppressions(
        request: Request,
        response: Response,
        cause: QueryKey = "",
        limit: Limit = paging.LIMIT,
        after: After = "",
    ) -> Page[SuppressionBody]:
        """Addresses that nobody may write to, newest first, with the evidence."""
        rows = app.reader_desk.suppressions(cause, after=paging.moment(after), limit=limit + 1)
        page, cursor = paging.page(request, response, rows, limit, lambda one: (one.at.isoformat(), one.key))
        items = [SuppressionBody(key=one.key, cause=one.cause, evidence=one.evidence, at=one.at) for one in page]
        return Page(items=items, next=cursor)

    @routes.post("/suppressions", Permission.SUBSCRIBERS_WRITE, status=204, tags=["subscribers"])
    def suppress_address(visit: Caller, body: Suppress) -> None:
        """Let no digest write to an address any more."""
        app.reader_desk.suppress(body.address, body.reason, by=visit.actor)

    @routes.post(
        "/suppressions/lift", Permission.SUBSCRIBERS_WRITE, status=204, problems=(404, 409), tags=["subscribers"]
    )
    def lift_suppression(visit: Caller, body: Lift) -> None:
        """Let an address be written to again."""
        app.reader_desk.lift(body.address, body.reason, evidence=body.evidence, by=visit.actor)

    @routes.get("/growth", Permission.SUBSCRIBERS_READ, tags=["subscribers"])
    def list_growth(digest: QueryKey = "", weeks: Annotated[int, Query(ge=1, le=260)] = 26) -> list[Weeks]:
        """Who came and who left, week by week."""
        return [
            Weeks(week=f"{one.week:%Y-%m-%d}", joined=one.joined, left=one.left, bounced=one.bounced)
            for one in app.reader_desk.growth(weeks, digest)
        ]


def _preferences(app: App, sent: PreferencesBody) -> Preferences:
    """What was sent as preferences, with regions and themes by code and id.

    Raises:
        InputError: there is no such region or theme.
    """
    return Preferences(
        regions=tuple(names.regions(app, sent.regions, "preferences.regions")),
        themes=tuple(names.themes(app, sent.themes, "preferences.themes")),
        language=sent.language,
        length=sent.length,
        timing=sent.timing_wanted(),
    )


def _behind(cursor: str) -> tuple[int | str | None]:
    """Where the page before ended: at a number, or at an address where one was begun.

    Raises:
        InputError: the cursor is none of ours.
    """
    try:
        return paging.read(cursor, int) or (None,)
    except InputError:
        return paging.read(cursor, str) or (None,)
