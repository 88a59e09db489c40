"""Approval: what preflight says, the hash of what was seen, who approved already; also from the link of a proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.errors import Blocked, LinkError, StateError
from digest.model import Permission
from digest.web.console.editions import HERE
from digest.web.console.editionviews import EditionViewer
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.doors import Visit

LIFETIME: Final = timedelta(days=14)  # of the link of a proof


def add_pages(frame: Frame) -> None:
    """The page that asks for approval, and the approval."""
    viewer = EditionViewer(frame)
    app, store = frame.site.app, frame.site.store

    def approve_page(
        request: Request, visit: Visit, edition: str, seen: str, *, problem: str = "", override: str = ""
    ) -> Response:
        revision = app.desk.revision(edition)
        names = [one.by for one in app.desk.approvals(edition)]
        rule = frame.site.settings.digest(revision.edition.digest)
        context = {
            "edition": viewer.edition(revision, visit),
            "tab": "",
            "found": app.desk.preflight(edition),
            "seen": seen,
            "changed": bool(seen) and not revision.hash.startswith(seen),
            "two": rule.second_person,
            "names": names,
            "editor": app.desk.last_editor(edition) if rule.second_person else "",
            "readers": store.reports.audience(revision.edition.digest),
            "problem": problem,
            "override": override,
        }
        return frame.page(request, "edition-approve.html", context, here=HERE, status=409 if problem else 200)

    @frame.get("/editions/{edition}/approve", Permission.EDITIONS_APPROVE)
    def to_approve(request: Request, visit: Visitor, edition: str) -> Response:
        return approve_page(request, visit, edition, "")

    @frame.post("/editions/{edition}/approve", Permission.EDITIONS_APPROVE)
    def approve(request: Request, visit: Visitor, form: Filled, edition: str) -> Response:
        override = form.one("override").strip() if form.one("all_the_same") else ""
        try:
            done = app.desk.approve(edition, by=visit.actor, content_hash=form.one("hash"), override=override)
        except (Blocked, StateError) as error:
            said = str(error)
            return approve_page(
                request,
                visit,
                edition,
                form.one("hash"),
                problem=said[:1].upper() + said[1:],
                override=form.one("override"),
            )
        if not done.complete:
            return frame.redirect(
                f"/editions/{edition}", note=f"Your approval is noted. It waits for {done.waits_for}."
            )
        return frame.redirect(f"/editions/{edition}", done=f"Approved: revision {done.revision.number}.")

    @frame.get("/approve/{token}", Permission.EDITIONS_APPROVE)
    def from_mail(request: Request, visit: Visitor, token: str) -> Response:
        """The link of a proof: it shows the page to the operator whom it was sent to, and approves nothing."""
        try:
            edition, seen = frame.site.links.read_approval(token, visit.operator.address, frame.site.clock(), LIFETIME)
        except LinkError as error:
            remedy = "Open the edition from the list, or have a proof sent to yourself."
            return frame.problem(request, 410 if error.expired else 403, f"{error}.", remedy)
        return approve_page(request, visit, edition, seen)
