"""Mail that came back: read it now, and list whose copies it was."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.app import now
from digest.cli.base import cli, opened, print_json, say, show
from digest.errors import StateError
from digest.model import BounceCause

_MEANING = {
    BounceCause.HARD: "no such mailbox: counts against the address",
    BounceCause.SOFT: "not now: counts when it goes on",
    BounceCause.FULL: "mailbox full: counts against nobody",
    BounceCause.OURS: "a fault of ours: counts against nobody",
}


@cli.command()
def bounces(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(help="An edition's id; the newest ones if left out.")] = "",
    read: Annotated[bool, typer.Option("--read", help="Look into the bounce mailbox first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of text.")] = False,
) -> None:
    """List the copies that came back after a server had taken them, and why. `digest run` reads them by itself."""
    with opened(context) as app:
        if read:
            app.check_site()
            found = app.returned.read()
            if found is None:
                remedy = "set bounces.maildir or bounces.host"
                raise StateError("the bounce mailbox", "not set", "read it", remedy)
            if as_json:
                print_json(found)
            else:
                said = ", ".join(f"{count} {cause}" for cause, count in sorted(found.causes.items()))
                say(f"read: {said or 'nothing new'}; {found.suppressed} addresses suppressed")
        rows = app.store.bounces.latest(edition=edition, limit=limit)
        if as_json:
            for row in rows:
                print_json(row)
            return
        zone = app.settings.zone
        show(
            "",
            ("no.", "edition", "reader", "sent", "cause", "the server said"),
            [
                (
                    row.id,
                    row.edition,
                    row.address,
                    row.finished_at.astimezone(zone) if row.finished_at else "",
                    row.reason,
                    row.reply,
                )
                for row in rows
            ],
        )
        causes = {row.reason.partition(":")[0] for row in rows}
        for cause, meaning in _MEANING.items():
            if cause.value in causes:
                say(f"{cause.value}: {meaning}")
        if not rows:
            say(f"No copy came back (as of {now().astimezone(zone):%Y-%m-%d %H:%M}).")
