"""Editions: compose, look, approve, send by hand, and see what became of each copy."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from digest import deliver, desk
from digest.app import App, now
from digest.cli.base import FAILED, cli, console, opened, operator, print_json, say, show, show_report
from digest.cli.live import HOST, LivePreview, server
from digest.errors import ConfigError, NotFound
from digest.model import Claim, DeliveryState, DigestRule, Edition, EditionState, Period, Preferences, Revision, Skipped
from digest.periods import period_before, period_named
from digest.publishing import write

DigestKey = Annotated[str, typer.Option("--digest", help="Which digest; not needed where there is one.")]
PeriodKey = Annotated[
    str,
    typer.Option(
        "--period",
        help="Year and ISO week, such as 2018-W29 (a day 2018-07-20 or a month 2018-07 of digests that have them); "
        "the last full one if left out.",
    ),
]
EditionId = Annotated[str, typer.Argument(help="An edition's id, such as weekly-2018-W29.")]
Story = Annotated[str, typer.Argument(help="A story's key, as `digest preview` lists it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


def _which(app: App, digest: str, period: str) -> tuple[DigestRule, Period]:
    rule = app.settings.digest(digest)
    if period:
        return rule, period_named(rule, period, app.settings.zone)
    return rule, period_before(rule, now(), app.settings.zone)


@cli.command()
def send(
    context: typer.Context,
    digest: DigestKey = "",
    period: PeriodKey = "",
    only: Annotated[list[str] | None, typer.Option(help="Send to this address only; may be given again.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would get what; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Pick up, compose, and send an edition now. What was sent already is not sent again."""
    with opened(context) as app:
        rule, span = _which(app, digest, period)
        done = app.pipeline.pick_up()
        app.pipeline.classify()
        for problem in done.problems:
            say(f"aside: {problem}", style="yellow")
        revision = app.pipeline.compose(rule, span)
        if isinstance(revision, Skipped):
            say(f"{rule.title} {span.key}: no edition: {revision.reason}", style="yellow")
            return
        _announce(app, revision)
        _warn(app, revision)
        audience = _audience(app, revision, only)
        if dry_run:
            _show_audience(app, revision, audience)
            return
        if revision.state is EditionState.SENT:
            say("It was sent. `digest deliveries` shows to whom.")
            return
        if revision.state in {EditionState.HELD, EditionState.PAUSED} or (
            rule.approval == "operator" and revision.approved is None
        ):
            act = "resume" if revision.state is EditionState.PAUSED else "approve"
            say(f"It is {revision.state} and waits for `digest {act} {revision.edition.id}`.", style="yellow")
            raise typer.Exit(FAILED)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Send it to {len(audience)} readers?"):
            say("Nothing was sent.")
            return
        app.pipeline.approve(revision, by=operator())
        report = _send(app, revision, only, len(audience))
        again = f"`digest send --period {revision.edition.period.key}`"
        show_report(report, app.settings.zone, again)
        published = app.pipeline.publish()
        say(f"{published.files} files published, {len(published.changed)} of them changed, in {app.settings.state}")
        if report.stopped or report.refused:
            raise typer.Exit(FAILED)


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


def _show_audience(app: App, revision: Revision, audience: list[Claim]) -> None:
    make = app.pipeline.maker(revision, now())
    rows = []
    for claim in audience:
        made = make(claim)
        fate = f"skipped: {made.reason}" if isinstance(made, Skipped) else f"{len(made.content):,} bytes"
        rows.append((claim.address, _choice(claim.preferences), fate))
    say(f"Nothing was sent. It would go to {len(rows)} readers:")
    show("", ("reader", "chose", "copy"), rows)


def _choice(preferences: Preferences) -> str:
    chosen = [*preferences.regions, *preferences.themes, preferences.language]
    return ", ".join(part for part in chosen if part) or "everything"


def _send(app: App, revision: Revision, only: list[str] | None, total: int) -> deliver.Report:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("sending", total=total)

        def moved(progress: deliver.Progress) -> None:
            finished = progress.accepted + progress.refused + progress.uncertain + progress.skipped
            note = f"waiting: {progress.why}" if progress.waiting else "sending"
            bar.update(task, completed=finished, description=note)

        return app.pipeline.deliver(revision.edition.id, only=only, progress=moved)


@cli.command()
def preview(
    context: typer.Context,
    edition: Annotated[str, typer.Argument(help="An edition's id; the digest's last one if left out.")] = "",
    digest: DigestKey = "",
    period: PeriodKey = "",
    reader: Annotated[str, typer.Option(help="Show the copy of this reader's address.")] = "",
    text: Annotated[bool, typer.Option("--text", help="Print the plain text instead.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    live: Annotated[
        bool,
        typer.Option("--live", help="Serve it on this machine at phone and desktop width, anew after every change."),
    ] = False,
    port: Annotated[int, typer.Option(help="Port of --live; 0 takes a free one and prints it.")] = 0,
) -> None:
    """Compose a draft (if there is none) and open it as its readers will see it; list its stories with their keys."""
    with opened(context) as app:
        if not edition:
            rule, span = _which(app, digest, period)
            app.pipeline.pick_up()
            app.pipeline.classify()
            revision = app.pipeline.compose(rule, span)
            if isinstance(revision, Skipped):
                say(f"{rule.title} {span.key}: no edition: {revision.reason}", style="yellow")
                return
        else:
            revision = app.store.editions.get(edition)
        page, plain = app.pipeline.preview(revision, reader)
        if text:
            typer.echo(plain)
            return
        _list_items(app, revision.edition)
        _warn(app, revision)
        path = app.settings.state / "preview" / f"{revision.edition.id}.html"
        write(path, page.encode())
        write(path.with_suffix(".txt"), plain.encode())
        say(f"{revision.state}, revision {revision.number}, hash {revision.hash[:12]}: {path}")
        if browser and sys.stdout.isatty():
            webbrowser.open(Path(path).resolve().as_uri())
    if live:
        _serve(LivePreview(context.obj.folder.resolve(), revision.edition.id, reader), port, browser=browser)


def _serve(preview: LivePreview, port: int, *, browser: bool) -> None:
    with server(preview, port) as serving:
        url = f"http://{HOST}:{serving.server_address[1]}/"
        say(f"{url} shows it, and again after every change of a template, a style or the settings (Ctrl-C ends it)")
        if browser and sys.stdout.isatty():
            webbrowser.open(url)
        serving.serve_forever(poll_interval=0.2)


def _warn(app: App, revision: Revision) -> None:
    """Say before anybody approves it what mail clients will not show of it."""
    for warning in app.pipeline.warnings(revision):
        say(f"careful: {warning}", style="yellow")


def _list_items(app: App, edition: Edition) -> None:
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


@cli.command("editions")
def list_editions(context: typer.Context, digest: DigestKey = "", as_json: AsJson = False) -> None:
    """List editions, newest first, with their states."""
    with opened(context) as app:
        found = app.store.editions.list(digest)
        if as_json:
            for one in found:
                print_json(one)
            return
        show(
            "",
            ("edition", "no.", "state", "revision", "changed", "reason"),
            [
                (
                    one.id,
                    one.number or "",
                    one.state,
                    one.revision,
                    one.changed.astimezone(app.settings.zone),
                    one.reason,
                )
                for one in found
            ],
        )


@cli.command()
def approve(
    context: typer.Context,
    edition: EditionId,
    content_hash: Annotated[str, typer.Option("--hash", help="Approve only if its hash begins so.")] = "",
) -> None:
    """Approve an edition's newest revision: what stands in it then is what leaves."""
    with opened(context) as app:
        _warn(app, app.store.editions.get(edition))
        revision = desk.approve(app.store, edition, by=operator(), at=now(), content_hash=content_hash)
        say(f"{edition} revision {revision.number} is approved: {revision.hash[:12]}")


@cli.command()
def hold(context: typer.Context, edition: EditionId, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Keep an edition from going out until it is approved again."""
    with opened(context) as app:
        desk.hold(app.store, edition, reason, at=now())
        say(f"{edition} is held")


@cli.command()
def cancel(context: typer.Context, edition: EditionId, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """End an edition; its stories are free for the next one. Copies that are out stay out."""
    with opened(context) as app:
        desk.cancel(app.store, edition, reason, at=now())
        say(f"{edition} is cancelled")


@cli.command()
def pin(context: typer.Context, edition: EditionId, story: Story) -> None:
    """Make a story the editor's choice of a draft."""
    with opened(context) as app:
        desk.pin(app.store, edition, story, by=operator(), at=now())
        _recompose(app, edition)


@cli.command()
def drop(
    context: typer.Context, edition: EditionId, story: Story, reason: Annotated[str, typer.Option(help="Why.")] = ""
) -> None:
    """Leave a story out of a draft."""
    with opened(context) as app:
        desk.drop(app.store, edition, story, reason, by=operator(), at=now())
        _recompose(app, edition)


@cli.command()
def move(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    section: Annotated[str, typer.Argument(help="A section's key.")],
) -> None:
    """Put a story of a draft under another section."""
    with opened(context) as app:
        rule = app.settings.digest(app.store.editions.get(edition).edition.digest)
        keys = [one.key for one in rule.sections]
        if section not in keys:
            raise ConfigError(f"no section '{section}' in digest '{rule.key}' (there are: {', '.join(keys)})")
        desk.move(app.store, edition, story, section, by=operator(), at=now())
        _recompose(app, edition)


@cli.command()
def retitle(
    context: typer.Context,
    edition: EditionId,
    story: Story,
    title: Annotated[str, typer.Argument(help="The headline.")],
) -> None:
    """Print another headline over a story of a draft."""
    with opened(context) as app:
        desk.retitle(app.store, edition, story, title, by=operator(), at=now())
        _recompose(app, edition)


@cli.command()
def note(
    context: typer.Context,
    edition: EditionId,
    text: Annotated[str, typer.Argument(help="Plain text; empty takes it away.")],
) -> None:
    """Set the editor's note of a draft."""
    with opened(context) as app:
        desk.note(app.store, edition, text, by=operator(), at=now())
        _recompose(app, edition)


@cli.command()
def undo(context: typer.Context, edition: EditionId, story: Story) -> None:
    """Take back what was decided about a story of a draft."""
    with opened(context) as app:
        count = desk.undo(app.store, edition, story, by=operator(), at=now())
        say(f"{count} decisions taken back")
        _recompose(app, edition)


def _recompose(app: App, edition_id: str) -> None:
    before = app.store.editions.get(edition_id)
    rule = app.settings.digest(before.edition.digest)
    revision = app.pipeline.compose(rule, before.edition.period)
    if isinstance(revision, Skipped):
        say(f"{edition_id}: no edition any more: {revision.reason}", style="yellow")
        return
    say(f"{edition_id} is at revision {revision.number}, hash {revision.hash[:12]}")
    _list_items(app, revision.edition)


@cli.command()
def publish(context: typer.Context) -> None:
    """Write the feeds and online editions of everything approved; files whose bytes do not change stay as they are."""
    with opened(context) as app:
        published = app.pipeline.publish()
        say(f"{published.files} files in {app.settings.state}, {len(published.changed)} of them changed")
        for path in published.changed:
            say(f"  {path}")
