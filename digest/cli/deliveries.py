"""Deliveries: who got what, and what an operator does about it: send again, resolve, arm."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import Counter
from typing import Annotated

import typer

from digest.app import App, now
from digest.cli.base import FAILED, AsJson, By, actor, cli, opened, print_json, say, show, show_report
from digest.cli.completion import EditionId, editions
from digest.deliver import Halt, Progress, Report, speak
from digest.errors import DigestError, InputError
from digest.model import DeliveryState
from digest.store import Span

_FAILED = (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.BOUNCED)


@cli.command()
def deliveries(
    context: typer.Context,
    edition: Annotated[
        str, typer.Argument(help="An edition's id; all of them if left out.", autocompletion=editions)
    ] = "",
    address: Annotated[str, typer.Option(help="Only this reader's.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only what did not arrive, or may not have.")] = False,
    limit: Annotated[int, typer.Option(help="Rows at most.")] = 100,
    after: Annotated[int, typer.Option(help="Go on behind this number, the last one of the page before.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List who got what and when, with the server's last reply."""
    with opened(context) as app:
        found = app.store.campaigns.deliveries(
            edition, states=_FAILED if failed else (), address=address, after=after, limit=limit
        )
        if as_json:
            for one in found:
                print_json(one)
            return
        zone = app.settings.zone
        show(
            "",
            ("no.", "edition", "reader", "state", "tries", "when", "reply or reason"),
            [
                (
                    one.id,
                    one.edition,
                    one.address,
                    one.state,
                    one.attempts,
                    when.astimezone(zone) if (when := one.finished_at or one.claimed_at) else "",
                    "; ".join(part for part in (one.reason, one.reply) if part),
                )
                for one in found
            ],
        )
        counts = Counter(one.state for one in found)
        say(", ".join(f"{count} {state}" for state, count in counts.items()) or "No deliveries.")
        if len(found) == limit:
            say(f"There may be more: --after {found[-1].id}")


@cli.command()
def resend(
    context: typer.Context,
    edition: EditionId,
    address: Annotated[
        list[str] | None, typer.Option(help="This reader's copy, whatever became of it; may be given again.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every copy that was refused or is uncertain.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Send copies of an edition again, each with the Message-ID that it had: a mailbox that has it may fold the two."""
    if bool(address) == failed:
        raise InputError("say which copies", remedy="--failed, or --address for each reader")
    with opened(context) as app:
        if not yes and not typer.confirm(f"Send {'every failed copy' if failed else ', '.join(address or ())} again?"):
            say("Nothing was sent.")
            return
        count = app.desk.resend(edition, None if failed else address, by=actor(by))
        _again(app, edition, count, as_json=as_json)


@cli.command()
def resolve(
    context: typer.Context,
    edition: EditionId,
    outcome: Annotated[str, typer.Argument(help="accepted: it arrived. resend: send it again.")],
    address: Annotated[str, typer.Option(help="Only this reader's copy; all uncertain ones if left out.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Decide about copies that may or may not have arrived (uncertain), as after a crash with uncertain = "hold"."""
    with opened(context) as app:
        if outcome == "accepted":
            count = app.desk.resolve(edition, address, by=actor(by))
            if as_json:
                print_json({"edition": edition, "copies": count, "report": None})
            else:
                say(f"{count} are accepted now")
        elif outcome == "resend":
            uncertain = (DeliveryState.UNCERTAIN,)
            found = app.store.campaigns.deliveries(edition, states=uncertain, address=address, limit=10**9)
            count = app.desk.resend(edition, [one.address for one in found], by=actor(by)) if found else 0
            _again(app, edition, count, as_json=as_json)
        else:
            raise InputError(f"{outcome!r} is no outcome", remedy="write accepted or resend")


@cli.command()
def arm(context: typer.Context, by: By = "", as_json: AsJson = False) -> None:
    """Make this installation the one that sends, after a restore, or where a copy of it takes over."""
    with opened(context) as app:
        app.fence.arm(app.pipeline.standing())
        app.store.audit.add(actor(by), "installation.arm", at=now())
        if as_json:
            print_json({"folder": app.settings.folder, "noted": app.fence.file})
        else:
            say(f"{app.settings.folder} may send now (noted in {app.fence.file})")


@cli.command(name="send-range", hidden=True)
def send_range(context: typer.Context, edition: EditionId, first: int, last: int, turn: int) -> None:
    """Send one range of a campaign: what a sender starts. Says what it does as lines of JSON; ends with its input."""
    halt = Halt()

    def listen() -> None:
        while os.read(sys.stdin.fileno(), 1024):  # not through sys.stdin, whose lock would outlive the main thread
            pass
        halt.set()

    def tell(said: Progress | Report | BaseException) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more, and the input says so, too
            print(speak(said), flush=True)  # noqa: T201 - for the parent

    threading.Thread(target=listen, name="parent", daemon=True).start()
    with opened(context) as app:
        try:
            span = Span(first=first, last=last, turn=turn)
            tell(app.pipeline.deliver_range(edition, span, progress=tell, stop=halt))
        except DigestError as error:
            tell(error)
            raise typer.Exit(FAILED) from error


def _again(app: App, edition: str, count: int, *, as_json: bool) -> None:
    """Send what was queued again, and say what came of it."""
    report = app.pipeline.deliver(edition) if count else None
    if as_json:
        print_json({"edition": edition, "copies": count, "report": report})
    else:
        say(f"{count} to send again")
        if report is not None:
            show_report(report, app.settings.zone, "`digest send` for its period")
    if report is not None and (report.stopped or report.refused):
        raise typer.Exit(FAILED)
