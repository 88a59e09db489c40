"""What every group of commands shares: the application, its one global option, and how things are printed."""

from __future__ import annotations

import dataclasses
import getpass
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from digest.app import App, version
from digest.deliver import Report
from digest.model import Actor, Via

FAILED: Final = 1
USAGE: Final = 2

# Into a file or a pipe, a row of a table stays one line, however long: programs read lines.
console: Final = Console(width=None if sys.stdout.isatty() else 1000)
error_console: Final = Console(stderr=True)

cli: Final = typer.Typer(
    help="Pick up news, compose it by region and theme into a weekly report, mail it, and publish feeds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or settings.",
)


AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text: one document, or one line for each.")]
By = Annotated[str, typer.Option("--by", help="Who says so, for the record; the user of this machine if left out.")]


@dataclasses.dataclass
class Where:
    """What the global options said."""

    folder: Path


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"digest {version()}")
        raise typer.Exit


@cli.callback()
def options(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--folder", "-C", envvar="DIGEST_FOLDER", help="The publication's folder.")
    ] = Path(),
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version, and end.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    context.obj = Where(folder=folder)


def opened(context: typer.Context, overrides: Mapping[str, str] | None = None) -> App:
    """The publication that the command is about; close it with `with`.

    Args:
        context: of the command.
        overrides: environment variables that options stand for.

    Raises:
        ConfigError: settings are wrong.
    """
    where: Where = context.obj
    return App.open(where.folder, overrides)


def operator() -> str:
    """Who is at this terminal, for the record."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"


def actor(name: str = "") -> Actor:
    """Who is at this terminal, for the audit log; `name` is what they said with --by."""
    return Actor(name=name or operator(), via=Via.CLI)


def show_report(report: Report, zone: ZoneInfo, again: str) -> None:
    """What a run of sending came to, for a person; `again` is the command that goes on with what is left."""
    say(
        f"{report.accepted} accepted, {report.deferred} deferred, {report.refused} refused, "
        f"{report.uncertain} uncertain, {report.skipped} skipped"
    )
    for refusal in report.refusals:
        say(f"  refused: {refusal}", style="yellow")
    if report.stopped:
        say(f"stopped: {report.stopped}", style="red")
    if report.next_due is not None:
        say(f"next try at {report.next_due.astimezone(zone):%Y-%m-%d %H:%M}: {again} goes on", style="yellow")


def say(text: str = "", style: str = "") -> None:
    """One line for a person. Nothing in it is markup: titles and addresses come from outside."""
    console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """One line about what went wrong, on standard error."""
    error_console.print(f"digest: {text}", style="red", markup=False, highlight=False, soft_wrap=True)


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table for a person."""
    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    console.print(table)


def print_json(value: object) -> None:
    """One JSON document (or one line of JSON lines) for a program; never wrapped, never coloured."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False))


def _cell(value: object) -> str:
    """Text as it is; `rich` would read "[...]" as markup."""
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%d %H:%M")
    return ("" if value is None else str(value)).replace("[", "\\[")


def _plain(value: Any) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
