"""Send by hand: pick up, compose, ask, approve, deliver, publish; and let `digest run` do it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from digest import deliver
from digest.app import App, now
from digest.cli.base import (
    FAILED,
    AsJson,
    By,
    actor,
    cli,
    console,
    opened,
    print_json,
    say,
    show,
    show_report,
)
from digest.cli.completion import DigestKey, EditionId
from digest.cli.editions import PeriodKey, which
from digest.cli.looking import warn
from digest.errors import InputError, NotFound
from digest.model import Claim, DeliveryState, EditionState, Preferences, Revision, Skipped


@cli.command()
def send(
    context: typer.Context,
    digest: DigestKey = "",
    period: PeriodKey = "",
    only: Annotated[list[str] | None, typer.Option(help="Send to this address only; may be given again.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would get what; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    override: Annotated[str, typer.Option(help="Why what preflight found may go out all the same.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Pick up, compose, and send an edition now. What was sent already is not sent again.

    Example: digest send --period 2018-W29 --dry-run
    """
    with opened(context) as app:
        rule, span = which(app, digest, period)
        done = app.pipeline.pick_up()
        app.pipeline.classify()
        tell = _quiet if as_json else say
        for problem in done.problems:
            tell(f"aside: {problem}", style="yellow")
        revision = app.pipeline.compose(rule, span)
        if isinstance(revision, Skipped):
            if as_json:
                print_json({"edition": None, "reason": revision.reason})
            tell(f"{rule.title} {span.key}: no edition: {revision.reason}", style="yellow")
            return
        if not as_json:
            _announce(app, revision)
            warn(app, revision)
        audience = _audience(app, revision, only)
        if dry_run:
            _show_audience(app, revision, audience, as_json=as_json)
            return
        if revision.state is EditionState.SENT:
            if as_json:
                print_json({"edition": revision.edition.id, "state": revision.state, "report": None, "files": 0})
            tell("It was sent. `digest deliveries` shows to whom.")
            return
        if revision.state in {EditionState.HELD, EditionState.PAUSED} or (
            rule.approval == "operator" and revision.approved is None
        ):
            act = "resume" if revision.state is EditionState.PAUSED else "approve"
            if as_json:
                print_json({"edition": revision.edition.id, "state": revision.state, "report": None, "files": 0})
            tell(f"It is {revision.state} and waits for `digest {act} {revision.edition.id}`.", style="yellow")
            raise typer.Exit(FAILED)
        if not yes and as_json:
            raise InputError("nobody can be asked", remedy="add --yes to send it, or --dry-run to look")
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Send it to {len(audience)} readers?"):
            say("Nothing was sent.")
            return
        if revision.approved is None:
            app.desk.approve(revision.edition.id, by=actor(by), content_hash=revision.hash, override=override)
        report = _send(app, revision, only, len(audience), quiet=as_json)
        published = app.pipeline.publish()
        if as_json:
            state = app.store.editions.state(revision.edition.id)
            print_json({"edition": revision.edition.id, "state": state, "report": report, "files": published.files})
        else:
            show_report(report, app.settings.zone, f"`digest send --period {revision.edition.period.key}`")
            say(f"{published.files} files published, {len(published.changed)} of them changed, in {app.settings.state}")
        if report.stopped or report.refused:
            raise typer.Exit(FAILED)


def _quiet(_text: str = "", style: str = "") -> None:
    """Say nothing: a program reads what is printed."""


@cli.command("send-now")
def send_now(context: typer.Context, edition: EditionId, by: By = "", as_json: AsJson = False) -> None:
    """Let `digest run` send an approved edition now, and not when it is due. Returns at once."""
    with opened(context) as app:
        app.desk.send_now(edition, by=actor(by))
        if as_json:
            print_json(app.store.editions.get(edition))
        else:
            say(f"{edition} goes out: `digest status` shows how far it has come")


def _announce(app: App, revision: Revision) -> None:
    edition = revision.edition
    say(
        f"{edition.title} no. {edition.number}, {edition.period.key}: {len(edition.items)} stories ({revision.state})",
        style="bold",
    )
    for section in edition.sections:
        say(f"  {section.names.get('en', section.key)}: {len(section.items)}")
    mail = app.settings.mail
    say(
        f"  to {mail.host}:{mail.port} ({mail.security})"
        if mail.host
        else f"  to the Maildir {app.settings.state / mail.maildir}"
    )


def _audience(app: App, revision: Revision, only: list[str] | None) -> list[Claim]:
    """Who would get a copy now; once the campaign has begun, whose copy is still to come."""
    edition_id = revision.edition.id
    message_id = app.pipeline.message_id(edition_id)
    open_copies: set[str] | None = None
    if revision.state in {EditionState.SENDING, EditionState.PAUSED, EditionState.SENT}:
        waiting = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
        open_copies = {one.address for one in app.store.campaigns.deliveries(edition_id, states=waiting, limit=10**9)}
    claims = [
        Claim(
            delivery=0,
            edition=edition_id,
            subscription=one.id,
            address=one.address,
            name=one.name,
            preferences=one.preferences,
            attempts=1,
            message_id=message_id(one.id),
        )
        for one in app.store.subscribers.audience(revision.edition.digest)
        if open_copies is None or one.address in open_copies
    ]
    if only is None:
        return claims
    wanted = {address.casefold() for address in only}
    missing = wanted - {claim.address.casefold() for claim in claims}
    if missing:
        raise NotFound(
            "active reader of this digest", ", ".join(sorted(missing)), "`digest subscribers list` shows them"
        )
    return [claim for claim in claims if claim.address.casefold() in wanted]


def _show_audience(app: App, revision: Revision, audience: list[Claim], *, as_json: bool) -> None:
    make = app.pipeline.maker(revision, now())
    rows = []
    for claim in audience:
        made = make(claim)
        size = 0 if isinstance(made, Skipped) else len(made.content)
        reason = made.reason if isinstance(made, Skipped) else ""
        if as_json:
            print_json({"address": claim.address, "preferences": claim.preferences, "bytes": size, "skipped": reason})
        rows.append((claim.address, _choice(claim.preferences), f"skipped: {reason}" if reason else f"{size:,} bytes"))
    if not as_json:
        say(f"Nothing was sent. It would go to {len(rows)} readers:")
        show("", ("reader", "chose", "copy"), rows)


def _choice(preferences: Preferences) -> str:
    chosen = [*preferences.regions, *preferences.themes, preferences.language]
    return ", ".join(part for part in chosen if part) or "everything"


def _send(app: App, revision: Revision, only: list[str] | None, total: int, *, quiet: bool) -> deliver.Report:
    if quiet:
        return app.pipeline.deliver(revision.edition.id, only=only)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("sending", total=total)

        def moved(progress: deliver.Progress) -> None:
            finished = progress.accepted + progress.refused + progress.uncertain + progress.skipped
            note = f"waiting: {progress.why}" if progress.waiting else "sending"
            bar.update(task, completed=finished, description=note)

        return app.pipeline.deliver(revision.edition.id, only=only, progress=moved)
