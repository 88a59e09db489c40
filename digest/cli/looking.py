"""How editions are shown on a terminal: their stories with keys, what speaks against them, and as JSON."""

from __future__ import annotations

from digest.app import App
from digest.cli.base import print_json, say, show
from digest.model import Edition, Revision, Skipped


def show_composed(app: App, edition_id: str, came: Revision | Skipped, *, as_json: bool) -> None:
    """An edition as it is after an act, or why there is none any more."""
    if as_json:
        print_json(app.store.editions.get(edition_id) if isinstance(came, Skipped) else came)
        return
    if isinstance(came, Skipped):
        say(f"{edition_id}: no edition any more: {came.reason}", style="yellow")
        return
    say(f"{edition_id} is at revision {came.number}, hash {came.hash[:12]}")
    list_items(app, came.edition)


def list_items(app: App, edition: Edition) -> None:
    """Its stories with their keys, and what was left out and why."""
    rows = [
        (
            item.number,
            item.story.key,
            section.names.get("en", section.key),
            app.taxonomy.name(item.theme) if item.theme else "",
            item.story.lead.title,
        )
        for section in edition.sections
        for item in section.items
    ]
    show(f"{edition.title} {edition.period.key}", ("no.", "story", "section", "theme", "headline"), rows)
    if edition.left_out:
        show("Left out", ("story", "headline", "why"), [(one.story, one.title, one.reason) for one in edition.left_out])


def warn(app: App, revision: Revision) -> None:
    """Say before anybody approves it what mail clients will not show of it."""
    for warning in app.pipeline.warnings(revision):
        say(f"careful: {warning}", style="yellow")
