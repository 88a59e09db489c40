"""Editions: compose, look, check, approve; hold, open again, end; and what is published of them."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from digest.app import App, now
from digest.cli.base import FAILED, AsJson, By, actor, cli, opened, print_json, say, show
from digest.cli.completion import DigestKey, EditionId, editions
from digest.cli.live import HOST, LivePreview, server
from digest.cli.looking import list_items, warn
from digest.model import DigestRule, Period, Skipped
from digest.periods import period_before, period_named
from digest.publishing import write

PeriodKey = Annotated[
    str,
    typer.Option(
        "--period",
        help="Year and ISO week, such as 2018-W29 (a day 2018-07-20 or a month 2018-07 of digests that have them); "
        "the last full one if left out.",
    ),
]
Reason = Annotated[str, typer.Option(help="Why.")]


def which(app: App, digest: str, period: str) -> tuple[DigestRule, Period]:
    """The digest and the period that options name.

    Raises:
        ConfigError: there is no such digest.
        PeriodError: there is no such period.
    """
    rule = app.settings.digest(digest)
    if period:
        return rule, period_named(rule, period, app.settings.zone)
    return rule, period_before(rule, now(), app.settings.zone)


@cli.command()
def preview(
    context: typer.Context,
    edition: Annotated[
        str,
        typer.Argument(help="An edition's id; the digest's last one if left out.", autocompletion=editions),
    ] = "",
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
    as_json: AsJson = False,
) -> None:
    """Compose a draft (if there is none) and open it as its readers will see it; list its stories with their keys.

    Example: digest preview --period 2018-W29 --reader ada@example.com --text
    """
    with opened(context) as app:
        if not edition:
            rule, span = which(app, digest, period)
            app.pipeline.pick_up()
            app.pipeline.classify()
            revision = app.pipeline.compose(rule, span)
            if isinstance(revision, Skipped):
                if as_json:
                    print_json({"edition": None, "reason": revision.reason})
                else:
                    say(f"{rule.title} {span.key}: no edition: {revision.reason}", style="yellow")
                return
        else:
            revision = app.store.editions.get(edition)
        page, plain = app.pipeline.preview(revision, reader)
        if text:
            typer.echo(plain)
            return
        path = app.settings.state / "preview" / f"{revision.edition.id}.html"
        write(path, page.encode())
        write(path.with_suffix(".txt"), plain.encode())
        if as_json:
            print_json({"file": path, "warnings": list(app.pipeline.warnings(revision)), "revision": revision})
            return
        list_items(app, revision.edition)
        warn(app, revision)
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
def preflight(context: typer.Context, edition: EditionId, as_json: AsJson = False) -> None:
    """Say what speaks against sending an edition, and what to do about it. Ends with 1 when something blocks it."""
    with opened(context) as app:
        found = app.desk.preflight(edition)
    if as_json:
        print_json({"hash": found.hash, "blocks": bool(found.blocking), "findings": found.findings})
    else:
        for one in found.findings:
            style = "red" if one in found.blocking else "yellow"
            say(f"{one.level}: {one}", style=style)
        if not found.findings:
            say("Nothing speaks against it.", style="green")
    if found.blocking:
        raise typer.Exit(FAILED)


@cli.command()
def approve(
    context: typer.Context,
    edition: EditionId,
    content_hash: Annotated[str, typer.Option("--hash", help="Approve only if its hash begins so.")] = "",
    override: Annotated[str, typer.Option(help="Why what preflight found may go out all the same.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Approve an edition's newest revision: what stands in it then is what leaves.

    Example: digest approve weekly-2018-W29 --hash 4f1c09a2be77
    """
    with opened(context) as app:
        if not as_json:
            warn(app, app.store.editions.get(edition))
        came = app.desk.approve(edition, by=actor(by), content_hash=content_hash, override=override)
        if as_json:
            print_json({"complete": came.complete, "waits_for": came.waits_for, "revision": came.revision})
        elif came.complete:
            say(f"{edition} revision {came.revision.number} is approved: {came.revision.hash[:12]}")
        else:
            say(f"{edition} revision {came.revision.number} waits for {came.waits_for}", style="yellow")


@cli.command()
def hold(context: typer.Context, edition: EditionId, reason: Reason = "", by: By = "", as_json: AsJson = False) -> None:
    """Keep an edition from going out until it is approved again."""
    with opened(context) as app:
        app.desk.hold(edition, reason, by=actor(by))
        _became(app, edition, "is held", as_json=as_json)


@cli.command()
def reopen(context: typer.Context, edition: EditionId, by: By = "", as_json: AsJson = False) -> None:
    """Make an edition that is approved, held or cancelled a draft again."""
    with opened(context) as app:
        app.desk.reopen(edition, by=actor(by))
        _became(app, edition, "is a draft again", as_json=as_json)


@cli.command()
def cancel(
    context: typer.Context, edition: EditionId, reason: Reason = "", by: By = "", as_json: AsJson = False
) -> None:
    """End an edition; its stories are free for the next one. Copies that are out stay out."""
    with opened(context) as app:
        app.desk.cancel(edition, reason, by=actor(by))
        _became(app, edition, "is cancelled", as_json=as_json)


@cli.command()
def pause(
    context: typer.Context, edition: EditionId, reason: Reason = "", by: By = "", as_json: AsJson = False
) -> None:
    """Stop the sending of an edition after the copies in flight, until `digest resume`."""
    with opened(context) as app:
        app.desk.pause(edition, reason, by=actor(by))
        _became(app, edition, "is paused", as_json=as_json)


@cli.command()
def resume(context: typer.Context, edition: EditionId, by: By = "", as_json: AsJson = False) -> None:
    """Let the sending of a paused edition go on: `digest run` or `digest send` does."""
    with opened(context) as app:
        app.desk.resume(edition, by=actor(by))
        _became(app, edition, "goes on", as_json=as_json)


def _became(app: App, edition: str, what: str, *, as_json: bool) -> None:
    if not as_json:
        say(f"{edition} {what}")
        return
    revision = app.store.editions.get(edition)
    print_json({"edition": edition, "state": revision.state, "reason": revision.reason, "hash": revision.hash})


@cli.command()
def publish(context: typer.Context, as_json: AsJson = False) -> None:
    """Write the feeds and online editions of everything approved; files whose bytes do not change stay as they are."""
    with opened(context) as app:
        published = app.pipeline.publish()
        if as_json:
            print_json(published)
            return
        say(f"{published.files} files in {app.settings.state}, {len(published.changed)} of them changed")
        for path in published.changed:
            say(f"  {path}")
