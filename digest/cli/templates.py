"""Templates from the command line: list them, copy one to change it, and check what mail clients will make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.app import App
from digest.cli.base import FAILED, AsJson, cli, opened, print_json, say, show
from digest.cli.completion import templates as names
from digest.errors import InputError, NotFound
from digest.publishing import write
from digest.render.check import Finding, Level, check
from digest.render.templates import Templates
from digest.settings import shipped

templates = typer.Typer(help="The looks of mails and pages: list, copy to change, check.", no_args_is_help=True)
cli.add_typer(templates, name="templates")

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: ""}


@templates.command("list")
def list_templates(context: typer.Context, as_json: AsJson = False) -> None:
    """List the files below templates/, and which of them are the publication's own."""
    with opened(context) as app:
        own = _own(app)
        found = app.renderer.templates
        rows = [(name, "own" if Path(found.file(name)[1]).is_relative_to(own) else "shipped") for name in found.names()]
        if as_json:
            for name, whose in rows:
                print_json({"file": name, "whose": whose})
            return
        show("", ("file", "whose"), rows)


@templates.command()
def copy(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="A file or folder below templates/, such as email/confirm.", autocompletion=names),
    ],
    force: Annotated[bool, typer.Option("--force", help="Write over the publication's own files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a shipped template into the publication's folder, where it stands for the shipped one from then on."""
    with opened(context) as app:
        own = _own(app)
        found = Templates([shipped("templates")])
        chosen = [one for one in found.names() if one == name or one.startswith(f"{name.rstrip('/')}/")]
        if not chosen:
            raise NotFound("template", name, "`digest templates list` shows them")
        there = [one for one in chosen if (own / one).exists()]
        if there and not force:
            raise InputError(
                f"{there[0]} is the publication's own already",
                where=str(own / there[0]),
                remedy="--force writes over it",
            )
        for one in chosen:
            write(own / one, found.file(one)[0].encode())
            if as_json:
                print_json({"file": own / one})
            else:
                say(str(own / one))


@templates.command("check")
def check_templates(
    context: typer.Context,
    notes: Annotated[bool, typer.Option("--notes", help="Also what some clients support in part.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Render every template on sample data, and tell what is broken and what a mail client will not support."""
    with opened(context) as app:
        used = dict.fromkeys(rule.template for rule in app.settings.digests)
        found = [one for one in check(app.renderer, tuple(used)) if notes or one.level is not Level.NOTE]
    failed = any(one.level is Level.ERROR or (strict and one.level is Level.WARNING) for one in found)
    for one in found:
        if as_json:
            print_json({"level": one.level, "template": one.template, "where": one.where, "what": one.what})
        else:
            say(_line(one), style=_STYLES[one.level])
    if not found and not as_json:
        say("Every template renders, and Gmail, Outlook, Apple Mail and Yahoo support what they use.", style="green")
    if failed:
        raise typer.Exit(FAILED)


def _line(finding: Finding) -> str:
    return f"{finding.level}: {finding.where or finding.template}: {finding.what}"


def _own(app: App) -> Path:
    return (app.settings.folder / app.settings.paths.templates).resolve()
