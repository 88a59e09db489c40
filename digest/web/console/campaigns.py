"""Campaigns: how far one has come, live and without a script; pause, resume, cancel; afterwards the report."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from fastapi import Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest.model import DeliveryState, EditionState, Permission
from digest.store import Campaign
from digest.web.console.editionviews import EditionViewer
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.console.pictures import bars
from digest.web.listing import Column, Listing

HERE: Final = "campaigns"
_COLUMNS: Final = (
    Column("edition", "Edition"),
    Column("state", "State"),
    Column("audience", "Readers", kind="number"),
    Column("started", "Began"),
)
_MOVING: Final = frozenset({EditionState.SENDING, EditionState.PAUSED, EditionState.APPROVED})
_WAITING: Final = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
_WINDOW: Final = 60.0  # seconds over which a rate is taken
_EVERY: Final = 1.0  # seconds between two looks, and ten times what a look costs at least
_WATCHED: Final = 240.0  # seconds that one stream lasts; the browser asks again, and its session is looked at again
_WEEKS: Final = timedelta(weeks=4)  # after a campaign began, in which who leaves or complains is counted to it


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """How far a campaign has come, in words and figures; the names are those of data-field in the template."""

    state: str
    audience: str
    done: int
    total: int
    share: str
    accepted: str
    waiting: str
    deferred: str
    refused: str
    bounced: str
    uncertain: str
    skipped: str
    rate: str
    remaining: str
    over: bool


class _Pace:
    """How fast campaigns go, from what was seen of them; forgotten with the process, which harms nobody."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def rate(self, edition: str, done: int, now: float) -> float:
        """Copies that come to their end in a second; 0 while nothing is known."""
        seen = self._seen.setdefault(edition, deque(maxlen=512))
        if seen and done < seen[-1][1]:  # copies were queued again
            seen.clear()
        seen.append((now, done))
        while now - seen[0][0] > _WINDOW:
            seen.popleft()
        (first, before), (last, after) = seen[0], seen[-1]
        return (after - before) / (last - first) if last - first >= _EVERY / 2 else 0.0


def add_pages(frame: Frame) -> None:
    """The pages."""
    viewer = EditionViewer(frame)
    app, store = frame.site.app, frame.site.store
    pace = _Pace()

    def progress(edition: str) -> ProgressView:
        state = store.editions.state(edition)
        tally = store.campaigns.tally(edition)
        campaign = store.campaigns.get(edition)
        waiting = sum(tally[one] for one in _WAITING)
        done = campaign.audience - waiting
        rate = pace.rate(edition, done, time.monotonic())
        passed = (frame.site.clock() - campaign.started).total_seconds()
        rate = rate or (done / passed if state is EditionState.SENDING and passed > 0 else 0.0)
        on = state is EditionState.SENDING and waiting > 0
        ready = waiting - tally[DeliveryState.DEFERRED]
        return ProgressView(
            state=state.value,
            audience=f"{campaign.audience:,}",
            done=done,
            total=max(1, campaign.audience),
            share=f"{100 * done // max(1, campaign.audience)} %",
            accepted=f"{tally[DeliveryState.ACCEPTED]:,}",
            waiting=f"{waiting:,}",
            deferred=f"{tally[DeliveryState.DEFERRED]:,}",
            refused=f"{tally[DeliveryState.REFUSED]:,}",
            bounced=f"{tally[DeliveryState.BOUNCED]:,}",
            uncertain=f"{tally[DeliveryState.UNCERTAIN]:,}",
            skipped=f"{tally[DeliveryState.SKIPPED]:,}",
            rate=f"{rate:,.1f} a second" if on and rate else "–",
            remaining=_span(ready / rate) if on and rate and ready else "–",
            over=state not in _MOVING,
        )

    @frame.get("/campaigns", Permission.CAMPAIGNS_READ)
    def listed(request: Request) -> Response:
        listing = Listing.read(request, _COLUMNS, sort="", prefix=frame.prefix)
        before = listing.after[0] if listing.after and isinstance(listing.after[0], int) else None
        rows = store.shelf.campaigns(before=before, limit=listing.limit + 1)
        listing = listing.shown(rows, lambda row: (row.id,))
        lines = [(row, frame.time(row.started), frame.path(f"/campaigns/{row.edition}")) for row in listing.rows]
        return frame.page(request, "campaigns.html", {"listing": listing, "lines": lines}, here=HERE)

    @frame.get("/campaigns/{edition}", Permission.CAMPAIGNS_READ)
    def one(request: Request, visit: Visitor, edition: str) -> Response:
        revision = app.desk.revision(edition)
        context: dict[str, object] = {"edition": viewer.edition(revision, visit), "tab": "campaign", "progress": None}
        if revision.state is EditionState.APPROVED:  # handed over, and nobody has taken it up yet
            return frame.page(request, "campaign.html", {**context, "live": True}, here=HERE)
        campaign = store.campaigns.get(edition)
        now = progress(edition)
        context |= {
            "progress": now,
            "live": not now.over,
            "started": frame.time(campaign.started),
            "events": frame.path(f"/campaigns/{edition}/events"),
            "reasons": store.reports.reasons(edition),
            "domains": [
                (one.domain, one.of(DeliveryState.DEFERRED), one.of(DeliveryState.REFUSED, DeliveryState.BOUNCED),
                 one.of(DeliveryState.UNCERTAIN))
                for one in store.reports.domains(edition)
            ],
            "pictures": [
                (frame.path(f"/campaigns/{edition}/fates.svg"), "What became of the copies"),
                (frame.path(f"/campaigns/{edition}/visits.svg"), "Readings of its stories' pages, day by day"),
            ],
            "left": store.reports.left(edition, campaign.started + _WEEKS),
            "complaints": store.reports.complaints(edition, campaign.started + _WEEKS),
            "visits": list(_visits(campaign).items()),
            "may_send": visit.may(Permission.CAMPAIGNS_SEND),
        }  # fmt: skip
        return frame.page(request, "campaign.html", context, here=HERE)

    def _visits(campaign: Campaign) -> dict[str, int]:
        """Readings of the pages of its stories, by day: numbers and nothing else."""
        edition = app.desk.revision(campaign.edition, campaign.revision).edition
        zone = frame.site.settings.zone
        first = campaign.started.astimezone(zone).date()
        last = min(first + _WEEKS, frame.site.clock().astimezone(zone).date())
        found = store.reports.visits([item.story.key for item in edition.items], first, last)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return {f"{day.day} {day:%b}": found.get(day, 0) for day in days}

    @frame.get("/campaigns/{edition}/events", Permission.CAMPAIGNS_READ)
    async def events(edition: str) -> Response:
        await run_in_threadpool(store.campaigns.get, edition)  # 404 before the stream begins

        async def stream() -> AsyncIterator[bytes]:
            began = time.monotonic()
            last: ProgressView | None = None
            while time.monotonic() - began < _WATCHED:
                looked = time.monotonic()
                now = await run_in_threadpool(progress, edition)
                if now != last:
                    last = now
                    yield format_sse_event(data_str=json.dumps(asdict(now)), event="progress")
                else:
                    yield format_sse_event(comment="still here")
                if now.over:
                    yield format_sse_event(data_str="{}", event="over")
                    return
                await asyncio.sleep(max(_EVERY, 10 * (time.monotonic() - looked)))

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return EventSourceResponse(stream(), headers=headers)

    @frame.get("/campaigns/{edition}/fates.svg", Permission.CAMPAIGNS_READ)
    def fates(edition: str) -> Response:
        tally = store.campaigns.tally(edition)
        found = {state.value: count for state, count in tally.items() if count}
        return frame.svg(bars("What became of the copies", list(found), {"copies": list(found.values())}, across=True))

    @frame.get("/campaigns/{edition}/visits.svg", Permission.CAMPAIGNS_READ)
    def visits(edition: str) -> Response:
        found = _visits(store.campaigns.get(edition))
        return frame.svg(bars("Readings of its stories' pages", list(found), {"readings": list(found.values())}))

    @frame.post("/campaigns/{edition}/pause", Permission.CAMPAIGNS_SEND)
    def pause(visit: Visitor, form: Filled, edition: str) -> Response:
        app.desk.pause(edition, form.one("reason").strip() or f"paused by {visit.operator.name}", by=visit.actor)
        return frame.redirect(f"/campaigns/{edition}", done="Paused. Copies in flight come to their end.")

    @frame.post("/campaigns/{edition}/resume", Permission.CAMPAIGNS_SEND)
    def resume(visit: Visitor, edition: str) -> Response:
        app.desk.resume(edition, by=visit.actor)
        return frame.redirect(f"/campaigns/{edition}", done="It goes on.")


def _span(seconds: float) -> str:
    """How long something takes, roughly: "about 3 min"."""
    for size, word in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return (
                f"about {seconds / size:,.1f} {word}" if seconds < 10 * size else f"about {seconds / size:,.0f} {word}"
            )
    return f"about {max(1, round(seconds))} s"
