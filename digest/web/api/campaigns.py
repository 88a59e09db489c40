"""Campaigns: the sending of one edition. An edition has one, so its id is the campaign's, too."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from digest.app import App, now
from digest.errors import NotFound
from digest.model import Delivery, DeliveryState, EditionState, Permission
from digest.store import Campaign
from digest.web.api import paging
from digest.web.api.callers import Caller
from digest.web.api.desk import Reason
from digest.web.api.paging import After, Limit, Page
from digest.web.api.routing import Routes
from digest.web.api.shapes import Address, InPath, Key, Sent

_LEFT: Final = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)
_READ_FOR: Final = timedelta(weeks=4)
_WAITING: Final = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)


class Start(Sent):
    """Which edition to send."""

    edition: Key


class Resend(Sent):
    """Which copies to send again: of these readers, or all that were refused or are uncertain."""

    addresses: list[Address] = Field(default=[], max_length=1000)


class Resolve(Sent):
    """Whose copy arrived; all uncertain ones if left out."""

    address: Address | None = None


class CampaignBody(BaseModel):
    """How far a campaign has come. `tally` counts its copies by state."""

    edition: str
    state: EditionState = Field(description="Of the edition: approved means that it has not begun.")
    reason: str
    started: datetime | None
    audience: int
    left: int = Field(description="Copies that have not come to their end.")
    next_due: datetime | None = Field(description="When the first deferred copy is tried again.")
    tally: dict[DeliveryState, int]


class DeliveryBody(BaseModel):
    """One copy: who it is for, and what became of it."""

    id: int
    edition: str
    subscription: int
    address: str
    state: DeliveryState
    message_id: str
    revision: int
    attempts: int
    reason: str
    reply: str
    claimed_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None

    @classmethod
    def of(cls, one: Delivery) -> DeliveryBody:
        """A row of the ledger."""
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class ReasonBody(BaseModel):
    """So many copies came to one end for one reason."""

    state: DeliveryState
    reason: str
    copies: int


class DomainBody(BaseModel):
    """What became of the copies to one domain of addresses."""

    domain: str
    copies: dict[DeliveryState, int]


class ReportBody(BaseModel):
    """What a campaign came to, without naming anybody."""

    campaign: CampaignBody
    reasons: list[ReasonBody] = Field(description="Why copies were not accepted, the most frequent first.")
    domains: list[DomainBody] = Field(description="Where most of them were not.")
    left: int = Field(description="Readers who left the digest since.")
    complaints: int
    visits: dict[date, int] = Field(description="Readings of its stories' pages in the four weeks since, day by day.")


class Count(BaseModel):
    """How many copies."""

    copies: int


def add_routes(routes: Routes, app: App) -> None:
    """Campaigns and what is done with them."""
    store = app.store

    def body_of(edition: str) -> CampaignBody:
        revision = store.editions.get(edition)
        campaign = _begun(app, edition)
        tally = dict.fromkeys(DeliveryState, 0) if campaign is None else store.campaigns.tally(edition)
        left = sum(tally[state] for state in _WAITING)
        queue = next((one for one in store.campaigns.queues() if one.edition == edition), None) if left else None
        return CampaignBody(
            edition=edition,
            state=revision.state,
            reason=revision.reason,
            started=campaign.started if campaign else None,
            audience=campaign.audience if campaign else 0,
            left=left,
            next_due=queue.next_due if queue else None,
            tally=tally,
        )

    @routes.get("/campaigns", Permission.CAMPAIGNS_READ, tags=["campaigns"])
    def list_campaigns(
        request: Request, response: Response, limit: Limit = 10, after: After = ""
    ) -> Page[CampaignBody]:
        """Campaigns that have begun, newest period first."""
        behind = paging.read(after, str)
        ids = [one.id for one in store.editions.list(states=_LEFT)]
        ids = ids[ids.index(behind[0]) + 1 :] if behind and behind[0] in ids else [] if behind else ids
        page, cursor = paging.page(request, response, ids[: limit + 1], limit, lambda edition: (edition,))
        return Page(items=[body_of(edition) for edition in page], next=cursor)

    @routes.post(
        "/campaigns", Permission.CAMPAIGNS_SEND, status=202, keyed="must", problems=(404, 409), tags=["campaigns"]
    )
    def start_campaign(response: Response, visit: Caller, body: Start) -> CampaignBody:
        """Send an approved edition now: whoever sends takes it up, and this answers at once.

        The same Idempotency-Key gets the same answer, and sends nothing twice.
        """
        app.desk.send_now(body.edition, by=visit.actor)
        response.headers["Location"] = f"{app.settings.publication.url}/api/v1/campaigns/{body.edition}"
        return body_of(body.edition)

    @routes.get("/campaigns/{edition}", Permission.CAMPAIGNS_READ, problems=(404,), tags=["campaigns"])
    def get_campaign(edition: InPath) -> CampaignBody:
        """How far a campaign has come, and what is left."""
        return body_of(edition)

    @routes.post("/campaigns/{edition}/pause", Permission.CAMPAIGNS_SEND, problems=(404, 409), tags=["campaigns"])
    def pause_campaign(visit: Caller, edition: InPath, body: Reason) -> CampaignBody:
        """Stop sending; copies in flight come to their end."""
        app.desk.pause(edition, body.reason, by=visit.actor)
        return body_of(edition)

    @routes.post(
        "/campaigns/{edition}/resume", Permission.CAMPAIGNS_SEND, takes=(), problems=(404, 409), tags=["campaigns"]
    )
    def resume_campaign(visit: Caller, edition: InPath) -> CampaignBody:
        """Go on with what is left."""
        app.desk.resume(edition, by=visit.actor)
        return body_of(edition)

    @routes.post("/campaigns/{edition}/cancel", Permission.CAMPAIGNS_SEND, problems=(404, 409), tags=["campaigns"])
    def cancel_campaign(visit: Caller, edition: InPath, body: Reason) -> CampaignBody:
        """End a campaign: what is out stays out, the rest is skipped."""
        app.desk.cancel(edition, body.reason, by=visit.actor)
        return body_of(edition)

    @routes.get("/campaigns/{edition}/deliveries", Permission.CAMPAIGNS_READ, problems=(404,), tags=["campaigns"])
    def list_deliveries(
        request: Request,
        response: Response,
        edition: InPath,
        state: Annotated[list[DeliveryState], Query(max_length=8)] = [],  # noqa: B006 - FastAPI copies it
        limit: Limit = paging.LIMIT,
        after: After = "",
    ) -> Page[DeliveryBody]:
        """Who got what and when, with the server's last reply."""
        store.editions.state(edition)  # one that has not begun has none
        (behind,) = paging.read(after, int) or (0,)
        rows = store.campaigns.deliveries(edition, states=state, after=behind, limit=limit + 1)
        page, cursor = paging.page(request, response, rows, limit, lambda one: (one.id,))
        return Page(items=[DeliveryBody.of(one) for one in page], next=cursor)

    @routes.get("/campaigns/{edition}/report", Permission.CAMPAIGNS_READ, problems=(404,), tags=["campaigns"])
    def report_campaign(edition: InPath) -> ReportBody:
        """What a campaign came to: copies by reason and domain, who left, who complained, what was read."""
        campaign, until = store.campaigns.get(edition), now()
        stories = [item.story.key for item in store.editions.get(edition).edition.items]
        first = campaign.started.astimezone(app.settings.zone).date()
        return ReportBody(
            campaign=body_of(edition),
            reasons=[
                ReasonBody(state=one.state, reason=one.reason, copies=one.copies)
                for one in store.reports.reasons(edition)
            ],
            domains=[DomainBody(domain=one.domain, copies=dict(one.copies)) for one in store.reports.domains(edition)],
            left=store.reports.left(edition, until),
            complaints=store.reports.complaints(edition, until),
            visits=store.reports.visits(stories, first, first + _READ_FOR),
        )

    @routes.post("/campaigns/{edition}/resend", Permission.CAMPAIGNS_SEND, problems=(404, 409), tags=["campaigns"])
    def resend_campaign(visit: Caller, edition: InPath, body: Resend) -> Count:
        """Send copies again, with the Message-IDs that they had: of these readers, or all that failed."""
        return Count(copies=app.desk.resend(edition, body.addresses or None, by=visit.actor))

    @routes.post("/campaigns/{edition}/resolve", Permission.CAMPAIGNS_SEND, problems=(404,), tags=["campaigns"])
    def resolve_campaign(visit: Caller, edition: InPath, body: Resolve) -> Count:
        """Say of copies that may or may not have arrived that they did."""
        return Count(copies=app.desk.resolve(edition, body.address or "", by=visit.actor))


def _begun(app: App, edition: str) -> Campaign | None:
    try:
        return app.store.campaigns.get(edition)
    except NotFound:
        return None
