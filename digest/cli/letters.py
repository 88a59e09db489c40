"""Mails about one edition: its proof for the operator, and what was wrong in it for who got the story."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from digest.app import App, now
from digest.cli.acts import Story
from digest.cli.base import FAILED, AsJson, By, actor, cli, opened, print_json, say
from digest.cli.completion import EditionId
from digest.deliver import Report
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
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Mail an edition's newest revision to its operator as readers will get it, with the hash to approve it by."""
    with opened(context) as app:
        alarm = app.settings.operations.alarm
        if not to and not alarm:
            raise ConfigError("nobody to send it to (give --to ADDRESS, or set operations.alarm)")
        revision = app.store.editions.get(edition)
        sent = app.desk.prove(edition, to or [alarm], by=actor(by), language=language, reader=reader)
        for one in sent:
            if as_json:
                print_json(one)
            else:
                say(f"{one.address}: {one.state}{f': {why}' if (why := one.reason or one.reply) else ''}")
        if not as_json:
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
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Say what was wrong in an edition that is out: the next edition of its digest tells it under "Corrections"."""
    with opened(context) as app:
        app.desk.correct(edition, story, text, by=actor(by))
        tell = say if not as_json else _quiet
        tell("The next edition tells it.")
        told = _mail(app, edition, story, text, yes=yes, tell=tell) if mail else None
        if as_json:
            readers, queued, report = told or (0, 0, None)
            print_json({"edition": edition, "story": story, "readers": readers, "queued": queued, "report": report})
        if told is not None and told[2] is not None and (told[2].stopped or told[2].refused):
            raise typer.Exit(FAILED)


def _mail(
    app: App, edition: str, story: str, text: str, *, yes: bool, tell: Callable[[str], None]
) -> tuple[int, int, Report | None]:
    """Mail a correction to who got the story: how many they are, how many were queued now, and what came of it."""
    app.check_site()
    count = sum(1 for _ in app.letters.readers(edition, story))
    tell(f"{count} readers got the story, and still read this digest.")
    if not count:
        return 0, 0, None
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Mail the correction to {count} readers?"):
        tell("Nothing was mailed.")
        return count, 0, None
    queued, report = app.letters.tell(edition, story, text.strip(), at=now())
    tell(f"{queued} corrections queued; {count - queued} readers had been told before.")
    if report is not None:
        tell(f"{report.accepted} accepted, {report.deferred} deferred, {report.refused} refused")
    elif queued:
        tell("Another process is sending notices: it sends these, too.")
    return count, queued, report


def _quiet(_text: str) -> None:
    """Say nothing: a program reads what is printed."""
