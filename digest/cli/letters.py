"""Mails about one edition: its proof for the operator, and what was wrong in it for who got the story."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from digest import desk
from digest.app import now
from digest.cli.base import FAILED, cli, opened, operator, say
from digest.cli.editions import EditionId, Story
from digest.errors import ConfigError
from digest.model import DeliveryState


@cli.command()
def proof(
    context: typer.Context,
    edition: EditionId,
    to: Annotated[
        list[str] | None, typer.Option(help="Whom to; operations.alarm if left out. May be given again.")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Of the interface, such as zh-Hans; the publication's if left out.")
    ] = "",
    reader: Annotated[str, typer.Option(help="Show what this reader's address gets; everything if left out.")] = "",
) -> None:
    """Mail an edition's newest revision to its operator as readers will get it, with the hash to approve it by."""
    with opened(context) as app:
        alarm = app.settings.operations.alarm
        if not to and not alarm:
            raise ConfigError("nobody to send it to (give --to ADDRESS, or set operations.alarm)")
        revision = app.store.editions.get(edition)
        sent = app.letters.prove(revision, to or [alarm], language=language, reader=reader, at=now())
        for one in sent:
            say(f"{one.address}: {one.state}{f': {why}' if (why := one.reason or one.reply) else ''}")
        say(f"revision {revision.number}: `digest approve {edition} --hash {revision.hash[:12]}`")
        fine = {DeliveryState.ACCEPTED, DeliveryState.QUEUED}  # queued: another process is sending notices, also this
        if any(one.state not in fine for one in sent):
            raise typer.Exit(FAILED)


@cli.command()
def correct(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    text: Annotated[str, typer.Argument(help="What is right, in a sentence.")],
    mail: Annotated[bool, typer.Option("--mail", help="Mail it to who got the story, too, once each.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before mailing.")] = False,
) -> None:
    """Say what was wrong in an edition that is out: the next edition of its digest tells it under "Corrections"."""
    with opened(context) as app:
        desk.correct(app.store, edition, story, text, by=operator(), at=now())
        say("The next edition tells it.")
        if not mail:
            return
        app.check_site()
        count = sum(1 for _ in app.letters.readers(edition, story))
        say(f"{count} readers got the story, and still read this digest.")
        if not count:
            return
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Mail the correction to {count} readers?"):
            say("Nothing was mailed.")
            return
        queued, report = app.letters.tell(edition, story, text.strip(), at=now())
        say(f"{queued} corrections queued; {count - queued} readers had been told before.")
        if report is not None:
            say(f"{report.accepted} accepted, {report.deferred} deferred, {report.refused} refused")
            if report.stopped or report.refused:
                raise typer.Exit(FAILED)
        elif queued:
            say("Another process is sending notices: it sends these, too.")
