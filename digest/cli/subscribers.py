"""Readers from the command line: lists in and out, one by one, and why somebody got no mail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from digest import subscriptions
from digest.app import App, now
from digest.cli.base import FAILED, AsJson, By, actor, cli, complain, opened, print_json, say, show
from digest.cli.completion import digests
from digest.errors import InputError, ListError, NotFound
from digest.model import Length, Preferences, Subscription, SubscriptionState
from digest.publishing import write

readers = typer.Typer(
    help="Readers: import and export lists, add and remove people, see who there is.", no_args_is_help=True
)
cli.add_typer(readers, name="subscribers")

DigestKey = Annotated[str, typer.Option("--digest", help="Only of this digest.", autocompletion=digests)]
Address = Annotated[str, typer.Argument(help="E-mail address.")]


@readers.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file; subscribers/README.md says how it looks.")],
    basis: Annotated[str, typer.Option(help="Basis of consent, for lines that name none.")] = "",
    whole: Annotated[bool, typer.Option("--whole", help="Import nothing if any line is refused.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing: show what would happen.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Import a list of readers. Lines with a fault are reported and stop no other; who left is never revived.

    Example: digest subscribers import readers.csv --basis "contract" --dry-run
    """
    with opened(context) as app:
        try:
            data = file.read_bytes()
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            raise ListError(what, where=str(file), remedy="give the path of a CSV file") from error
        report = app.reader_desk.import_list(data, file.name, basis=basis, whole=whole, keep=not dry_run, by=actor(by))
    if as_json:
        print_json(report)
        if report.refused:
            raise typer.Exit(FAILED)
        return
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
    by: By = "",
) -> None:
    """Write the active readers as a CSV file that `import` reads."""
    states = tuple(SubscriptionState) if everyone else (SubscriptionState.ACTIVE,)
    with opened(context) as app:
        lines = app.reader_desk.export(digest, states, by=actor(by))
        if file is None:
            for piece in lines:
                typer.echo(piece, nl=False)
            return
        content = "".join(lines)
    write(file, content.encode())
    say(f"{content.count(chr(10)) - 1} readers in {file}")


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
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Add a reader, or bring what is known of one up to date."""
    with opened(context) as app:
        preferences = Preferences(
            regions=tuple(_region(app, text) for text in region or ()),
            themes=tuple(_theme(app, text) for text in theme or ()),
            language=language,
            length=length,
        )
        fates = app.reader_desk.add(
            address,
            [app.settings.digest(key).key for key in digest] if digest else [rule.key for rule in app.settings.digests],
            basis=consent,
            name=name,
            preferences=preferences,
            by=actor(by),
        )
    if as_json:
        print_json({"fates": fates})
        return
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
    address: Address,
    digest: DigestKey = "",
    reason: Annotated[str, typer.Option(help="Why, for who looks at it later.")] = "removed by an operator",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """End a reader's subscriptions. They are remembered as ended, so that no import revives them."""
    with opened(context) as app:
        running = [one for one in _of(app, address, digest) if one.state is not SubscriptionState.ENDED]
        ended = [app.reader_desk.end(one.id, reason, by=actor(by)) for one in running]
    _tell(ended, f"{len(ended)} subscriptions ended", as_json=as_json)


@readers.command()
def pause(
    context: typer.Context, address: Address, digest: DigestKey = "", by: By = "", as_json: AsJson = False
) -> None:
    """Send a reader nothing until `resume`."""
    with opened(context) as app:
        active = [one for one in _of(app, address, digest) if one.state is SubscriptionState.ACTIVE]
        paused = [app.reader_desk.pause(one.id, by=actor(by)) for one in active]
    _tell(paused, f"{len(paused)} subscriptions paused", as_json=as_json)


@readers.command()
def resume(
    context: typer.Context, address: Address, digest: DigestKey = "", by: By = "", as_json: AsJson = False
) -> None:
    """Go on sending to a reader who paused."""
    with opened(context) as app:
        paused = [one for one in _of(app, address, digest) if one.state is SubscriptionState.PAUSED]
        active = [app.reader_desk.resume(one.id, by=actor(by)) for one in paused]
    _tell(active, f"{len(active)} subscriptions go on", as_json=as_json)


def _of(app: App, address: str, digest: str) -> list[Subscription]:
    found = [one for one in app.store.subscribers.of(address) if digest in {"", one.digest}]
    if not found:
        raise NotFound("subscriber", address, "`digest subscribers list` shows them")
    return found


def _tell(changed: list[Subscription], sentence: str, *, as_json: bool) -> None:
    if not as_json:
        say(sentence)
        return
    for one in changed:
        print_json(one)


@readers.command()
def data(context: typer.Context, address: Address) -> None:
    """Print all that is held about a person, as JSON: what they may ask for."""
    with opened(context) as app:
        typer.echo(json.dumps(subscriptions.told(app.store, address, now()), ensure_ascii=False, indent=2))


@readers.command()
def erase(
    context: typer.Context,
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Forget a person for good. A keyed hash stays, so that no import writes to them; they can come back themselves."""
    if not yes:
        typer.confirm("Erase everything that is held about this person? This cannot be undone", abort=True, err=as_json)
    with opened(context) as app:
        count = app.reader_desk.erase(address, by=actor(by))
    if as_json:
        print_json({"subscriptions": count})
    else:
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
def why(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Say what is known of an address, and why it got or did not get its copies."""
    with opened(context) as app:
        sentences = subscriptions.why(app.store, address)
        mine = app.store.subscribers.of(address)
    if as_json:
        print_json({"address": address, "why": sentences, "subscriptions": mine})
        return
    for sentence in sentences:
        say(sentence)
