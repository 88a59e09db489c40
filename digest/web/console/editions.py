"""Editions: the list, and of one edition its stories, what was left out, preflight, and its history."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.desk import differences
from digest.errors import NotFound
from digest.model import EditionState, Permission, Revision, Skipped
from digest.periods import next_runs
from digest.store import Decision
from digest.web.console.editionviews import EditionViewer
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.listing import Column, Listing

HERE: Final = "editions"
_COLUMNS: Final = (
    Column("period", "Period"),
    Column("digest", "Edition"),
    Column("number", "No.", kind="number"),
    Column("state", "State"),
    Column("revision", "Revision", kind="number"),
    Column("changed", "Changed"),
)
_OPEN: Final = (EditionState.DRAFT, EditionState.HELD, EditionState.APPROVED, EditionState.PAUSED, EditionState.SENDING)
_MOST: Final = 2_000  # stories that were left out and are listed


def add_pages(frame: Frame) -> None:
    """The pages that show an edition; what is done to one is in editionacts.py."""
    viewer = EditionViewer(frame)
    store = frame.site.store

    def shown(request: Request, visit: Visitor, name: str, revision: Revision, **context: object) -> Response:
        """A page of an edition; its tab of preflight counts what is known without looking again."""
        found = frame.site.app.desk.known(revision)
        edition = viewer.edition(revision, visit, found)
        return frame.page(request, f"edition-{name}.html", {"edition": edition, "tab": name, **context}, here=HERE)

    @frame.get("/editions", Permission.EDITIONS_READ)
    def listed(request: Request, visit: Visitor) -> Response:
        wanted = request.query_params.get("state", "")
        states = _OPEN if wanted == "open" else tuple(state for state in EditionState if state.value == wanted)
        digest = request.query_params.get("digest", "")
        listing = Listing.read(request, _COLUMNS, sort="", prefix=frame.prefix)
        after = listing.after if listing.after is not None and len(listing.after) == 2 else None
        rows = store.shelf.editions(digest, states, before=after, limit=listing.limit + 1)
        listing = listing.shown(rows, lambda row: (row.starts, row.id))
        lines = [(row, viewer.period(row), frame.time(row.changed)) for row in listing.rows]
        now, zone = frame.site.clock(), frame.site.settings.zone
        coming = [
            (rule, run.period.key, frame.time(run.at), f"{rule.key}-{run.period.key}")
            for rule in frame.site.settings.digests
            for run in next_runs(rule, zone, now, 1)
        ]
        return frame.page(
            request,
            "editions.html",
            {
                "listing": listing,
                "lines": lines,
                "states": [(state.value, state.value, state.value == wanted) for state in EditionState],
                "wanted": wanted,
                "digests": [(rule.key, rule.title, rule.key == digest) for rule in frame.site.settings.digests],
                "coming": coming,
                "may_compose": visit.may(Permission.EDITIONS_WRITE),
            },
            here=HERE,
        )

    @frame.post("/editions", Permission.EDITIONS_WRITE)
    def compose(visit: Visitor, form: Filled) -> Response:
        """Pick up what is new, and compose a draft."""
        app = frame.site.app
        app.pipeline.pick_up()
        app.pipeline.classify()
        made = app.desk.draft(form.one("digest"), form.one("period").strip(), by=visit.actor)
        if isinstance(made, Skipped):
            return frame.redirect("/editions", note=f"There is no edition: {made.reason}")
        said = f"{made.edition.title} {made.edition.period.key}: {len(made.edition.items)} stories."
        return frame.redirect(f"/editions/{made.edition.id}", done=said)

    @frame.get("/editions/{edition}", Permission.EDITIONS_READ)
    def stories(request: Request, visit: Visitor, edition: str) -> Response:
        revision = frame.site.app.desk.revision(edition)
        sections = viewer.sections(revision, app_acts(edition), frame.site.app.desk.known(revision))
        return shown(request, visit, "stories", revision, sections=sections)

    def app_acts(edition: str) -> tuple[Decision, ...]:
        return frame.site.app.desk.acts(edition)

    @frame.get("/editions/{edition}/left-out", Permission.EDITIONS_READ)
    def left_out(request: Request, visit: Visitor, edition: str) -> Response:
        revision = frame.site.app.desk.revision(edition)
        words = request.query_params.get("q", "").strip().casefold()
        found = [
            one
            for one in viewer.left_out(revision.edition)
            if not words or words in one.title.casefold() or words in one.reason.casefold()
        ]
        return shown(
            request, visit, "left-out", revision, left=found[:_MOST], more=max(0, len(found) - _MOST), words=words
        )

    @frame.get("/editions/{edition}/preflight", Permission.EDITIONS_READ)
    def preflight(request: Request, visit: Visitor, edition: str) -> Response:
        revision = frame.site.app.desk.revision(edition)
        found = frame.site.app.desk.preflight(edition)
        return shown(request, visit, "preflight", revision, found=found, readers=readers(revision))

    def readers(revision: Revision) -> int:
        return store.reports.audience(revision.edition.digest)

    @frame.get("/editions/{edition}/history", Permission.EDITIONS_READ)
    def history(request: Request, visit: Visitor, edition: str) -> Response:
        revision = frame.site.app.desk.revision(edition)
        lines = store.shelf.revisions(edition)
        return shown(
            request,
            visit,
            "history",
            revision,
            revisions=[
                (line, frame.time(line.created), frame.time(line.approved) if line.approved else None) for line in lines
            ],
            before=[(str(line.number), f"revision {line.number}", place == 1) for place, line in enumerate(lines)],
            after=[(str(line.number), f"revision {line.number}", place == 0) for place, line in enumerate(lines)],
            acts=viewer.acts(app_acts(edition), revision.edition),
        )

    @frame.get("/editions/{edition}/difference", Permission.EDITIONS_READ)
    def difference(request: Request, visit: Visitor, edition: str) -> Response:
        newest = frame.site.app.desk.revision(edition)
        numbers = [_number(request.query_params.get(name, ""), fallback) for name, fallback in
                   (("before", max(1, newest.number - 1)), ("after", newest.number))]  # fmt: skip
        one, other = (frame.site.app.desk.revision(edition, number) for number in numbers)
        found = differences(one.edition, other.edition)
        lines = store.shelf.revisions(edition)
        return shown(
            request,
            visit,
            "difference",
            newest,
            found=found,
            one=one,
            other=other,
            before=[(str(line.number), f"revision {line.number}", line.number == one.number) for line in lines],
            after=[(str(line.number), f"revision {line.number}", line.number == other.number) for line in lines],
            templates=store.editions.materials(edition, one.number) != store.editions.materials(edition, other.number),
        )


def _number(text: str, fallback: int) -> int:
    if not text:
        return fallback
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise NotFound("revision", text[:40])
    return int(text)
