"""What happened, in order: people's acts and what became of editions; as pages, and as a stream.

GET /api/v1/events?after=eyJ...          the page behind a cursor; an empty one means: nothing new yet
GET /api/v1/events/stream                the same as server-sent events, each with its cursor as its id
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from digest.app import App
from digest.model import Permission
from digest.store import Event
from digest.web.api import paging
from digest.web.api.paging import After, Limit
from digest.web.api.routing import Routes

STREAM: Final = "text/event-stream"
_LOOK: Final = 1.0  # seconds between two looks
_BEAT: Final = 15.0  # seconds of silence after which a comment shows that the line is open
_LONGEST: Final = 3600


class EventBody(BaseModel):
    """One thing that happened."""

    cursor: str = Field(description="To go on behind this one.")
    at: datetime
    kind: str = Field(description="An act (edition.approve), or what a thing became (edition.approved).")
    subject: str
    by: str = Field(description="Who, of an act; empty of what it led to.")
    details: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> EventBody:
        """An event."""
        return cls(
            cursor=paging.write(event.id),
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            by=event.by,
            details=dict(event.details),
        )


class EventPage(BaseModel):
    """A page of what happened, oldest first."""

    items: list[EventBody]
    next: str = Field(description="Cursor to ask with the next time, also where nothing was new.")


def add_routes(routes: Routes, app: App) -> None:
    """The journal."""
    events = app.store.events

    @routes.get("/events", Permission.EVENTS_READ, tags=["events"])
    def list_events(limit: Limit = 100, after: After = "") -> EventPage:
        """What happened, oldest first; go on with `next` for ever."""
        (behind,) = paging.read(after, int) or (0,)
        rows = events.after(behind, limit)
        return EventPage(items=[EventBody.of(one) for one in rows], next=paging.write(rows[-1].id if rows else behind))

    @routes.get(
        "/events/stream",
        Permission.EVENTS_READ,
        gives=(STREAM,),
        response_class=Response,
        answers={200: {"content": {STREAM: {"schema": {"type": "string"}}}}},
        tags=["events"],
    )
    async def stream_events(
        request: Request,
        after: After = "",
        last_event_id: Annotated[str, Header(alias="Last-Event-ID", max_length=300, pattern="^[A-Za-z0-9_-]*$")] = "",
        seconds: Annotated[
            int, Query(ge=0, le=_LONGEST, description="After so long it ends; a client asks again by itself.")
        ] = 300,
    ) -> Response:
        """What happens from now on, or from a cursor on, as server-sent events."""
        known = paging.read(last_event_id or after, int)
        begin = known[0] if known else await run_in_threadpool(events.newest)

        async def tell() -> AsyncIterator[str]:
            behind, end, quiet = begin, time.monotonic() + seconds, time.monotonic()
            yield "retry: 2000\n\n"
            while True:
                for event in await run_in_threadpool(events.after, behind, 100):
                    said = EventBody.of(event)
                    text = json.dumps(said.model_dump(mode="json"), ensure_ascii=False)
                    yield f"id: {said.cursor}\nevent: {said.kind}\ndata: {text}\n\n"
                    behind, quiet = event.id, time.monotonic()
                if time.monotonic() >= end or await request.is_disconnected():
                    return
                if time.monotonic() - quiet >= _BEAT:
                    quiet = time.monotonic()
                    yield ": nothing new\n\n"
                await asyncio.sleep(_LOOK)

        return StreamingResponse(tell(), media_type=STREAM, headers={"Cache-Control": "no-store"})
