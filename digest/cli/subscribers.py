"""Readers from the command line: lists in and out, one by one, and why somebody got no mail."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Annotated

import typer

from digest import subscriptions
from digest.app import App, now
from digest.cli.base import FAILED, cli, complain, opened, print_json, say, show
from digest.errors import InputError
from digest.model import Consent, Length, Preferences, SubscriptionState
from digest.publishing import write

readers = typer.Typer(
    help="Readers: import and export lists, add and remove people, see who there is.", no_args_is_help=True
)
cli.add_typer(readers, name="subscribers")

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
DigestKey = Annotated[str, typer.Option("--digest", help="Only of this digest.")]


@readers.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file; subscribers/README.md says how it looks.")],
    basis: Annotated[str, typer.Option(help="Basis of consent, for lines that name none.")] = "",
    whole: Annotated[bool, typer.Option("--whole", help="Import nothing if any line is refused.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing: show what would happen.")] = False,
) -> None:
    """Import a list of readers. Lines with a fault are reported and stop no other; who left is never revived."""
    with opened(context) as app:
        report = subscriptions.import_csv(
            app.store,
            file,
            places=app.places,
            themes={theme.id: theme for theme in app.taxonomy},
            digests=[rule.key for rule in app.settings.digests],
            now=now(),
            basis=basis,
            whole=whole,
            dry_run=dry_run,
        )
    for line in report.passed_over:
        say(f"passed over: {file.name}: {line}", style="yellow")
    for line in report.refused:
        complain(f"refused: {file.name}: {line}")
    kept = "" if report.kept else " (nothing was kept)"
    counts = f"{report.imported} new, {report.updated} updated, {report.unchanged} unchanged"
    say(f"{counts}, {len(report.refused)} refused{kept}")
    if report.refused:
        raise typer.Exit(FAILED)


@readers.command("export")
def export_list(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The file to write; standard output if left out.")] = None,
    digest: DigestKey = "",
    everyone: Annotated[bool, typer.Option("--all", help="Pending, paused and ended ones too.")] = False,
) -> None:
    """Write the active readers as a CSV file that `import` reads."""
    states = tuple(SubscriptionState) if everyone else (SubscriptionState.ACTIVE,)
    with opened(context) as app:
        out = io.StringIO(newline="")
        total = subscriptions.export_csv(app.store, out, digest=digest, states=states)
    if file is None:
        typer.echo(out.getvalue(), nl=False)
        return
    write(file, out.getvalue().encode())
    say(f"{total} readers in {file}")


@readers.command()
def add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="E-mail address.")],
    consent: Annotated[str, typer.Option(help="Basis of consent: how and where this person agreed.")],
    name: Annotated[str, typer.Option(help="Name.")] = "",
    digest: Annotated[
        list[str] | None, typer.Option(help="Digest; all of them if left out; may be given again.")
    ] = None,
    region: Annotated[list[str] | None, typer.Option(help="Region, by code or name; may be given again.")] = None,
    theme: Annotated[list[str] | None, typer.Option(help="Theme, by id or name; may be given again.")] = None,
    language: Annotated[str, typer.Option(help="Language of the interface: en, zh-Hans.")] = "",
    length: Annotated[Length, typer.Option(help="How much of each story.")] = Length.FULL,
) -> None:
    """Add a reader, or bring what is known of one up to date."""
    with opened(context) as app:
        preferences = Preferences(
            regions=tuple(_region(app, text) for text in region or ()),
            themes=tuple(_theme(app, text) for text in theme or ()),
            language=language,
            length=length,
        )
        fates = subscriptions.add(
            app.store,
            address,
            [app.settings.digest(key).key for key in digest] if digest else [rule.key for rule in app.settings.digests],
            consent=Consent(at=now(), basis=f"operator: {consent}", origin="command line"),
            now=now(),
            name=name,
            preferences=preferences,
        )
    for key, fate in fates.items():
        say(f"{key}: {fate}")


def _region(app: App, text: str) -> str:
    place = app.places.resolve(text)
    if place is None:
        raise InputError(f"no region '{text}'", where="--region", remedy="write a code (CN-GD, IL, x-gba) or a name")
    return place.code


def _theme(app: App, text: str) -> str:
    theme = app.taxonomy.resolve(text)
    if theme is None:
        known = ", ".join(one.id for one in app.taxonomy)
        raise InputError(f"no theme '{text}'", where="--theme", remedy=f"there are: {known}")
    return theme.id


@readers.command()
def remove(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="E-mail address.")],
    digest: DigestKey = "",
) -> None:
    """End a reader's subscriptions. They are remembered as ended, so that no import revives them."""
    with opened(context) as app:
        ended = subscriptions.remove(app.store, address, now(), digest=digest)
    say(f"{len(ended)} subscriptions ended")


@readers.command()
def data(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="E-mail address.")],
) -> None:
    """Print all that is held about a person, as JSON: what they may ask for."""
    with opened(context) as app:
        typer.echo(json.dumps(subscriptions.told(app.store, address, now()), ensure_ascii=False, indent=2))


@readers.command()
def erase(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="E-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a person for good. A keyed hash stays, so that no import writes to them; they can come back themselves."""
    if not yes:
        typer.confirm("Erase everything that is held about this person? This cannot be undone", abort=True)
    with opened(context) as app:
        count = subscriptions.erase(app.store, address, now())
    say(f"erased; {count} subscriptions are gone")


@readers.command("list")
def list_readers(
    context: typer.Context,
    digest: DigestKey = "",
    everyone: Annotated[bool, typer.Option("--all", help="Pending, paused and ended ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List readers and what they chose."""
    states = tuple(SubscriptionState) if everyone else (SubscriptionState.ACTIVE,)
    with opened(context) as app:
        found = app.store.subscribers.every(digest, states)
        if as_json:
            for one in found:
                print_json(one)
            return
        rows = [
            (
                one.address,
                one.name,
                one.digest,
                one.state,
                ", ".join(app.places.name(code) for code in one.preferences.regions) or "all",
                ", ".join(app.taxonomy.name(theme) for theme in one.preferences.themes) or "all",
                one.preferences.language,
                one.preferences.length,
            )
            for one in found
        ]
    show("", ("address", "name", "digest", "state", "regions", "themes", "language", "length"), rows)
    say(f"{len(rows)} readers")


@readers.command()
def why(context: typer.Context, address: Annotated[str, typer.Argument(help="E-mail address.")]) -> None:
    """Say what is known of an address, and why it got or did not get its copies."""
    with opened(context) as app:
        for sentence in subscriptions.why(app.store, address):
            say(sentence)
