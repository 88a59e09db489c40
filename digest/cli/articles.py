"""Articles: pick them up, see what could not be, and print them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from digest import pickup
from digest.app import App, now
from digest.cli.base import FAILED, AsJson, cli, complain, opened, print_json, say, show
from digest.errors import InputError, PickupError
from digest.model import Article, Judgement, RegionTag, Source, SourceKind, ThemeTag
from digest.pickup.document import MAX_BYTES
from digest.pickup.live import Asked

STANDARD_INPUT: Final = Path("-")
_STANDALONE = Source(key="files", kind=SourceKind.FOLDER, location=".")
Documents = Annotated[
    list[str] | None,
    typer.Argument(help="Files, or http addresses, to read instead of the sources.", metavar="FILE|URL"),
]


@cli.command("pickup")
def pick_up(
    context: typer.Context,
    documents: Documents = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing: show what would be picked up.")] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Ask every live source now, due or not.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pick up new and edited articles from every source, and judge them. With files or addresses: read those only."""
    with opened(context) as app:
        if documents or dry_run:
            failed = _read_only(app, documents or [], as_json=as_json)
        else:
            done = app.pipeline.pick_up(everyone=everyone)
            judged = app.pipeline.classify()
            if as_json:
                print_json(done)
            else:
                say(f"{done.new} new, {done.edited} edited, {done.unchanged} unchanged; {judged} judged")
                for origin, why in done.waiting:
                    say(f"waits: {origin}: {why}")
                for problem in done.problems:
                    complain(f"aside: {problem}")
            failed = bool(done.problems)
    if failed:
        raise typer.Exit(FAILED)


def _read_only(app: App, documents: list[str], *, as_json: bool) -> bool:
    """Show the articles of documents, or of all sources as if for the first time; whether something was wrong."""
    failed = False
    for reading in _given(app, documents) if documents else _held(app):
        if isinstance(reading, InputError):
            failed = True
            complain(str(reading))
            continue
        for article in reading.articles:
            if as_json:
                print_json(article)
            else:
                show_article(article)
        for problem in reading.problems:
            failed = True
            complain(str(problem))
    return failed


def _given(app: App, documents: list[str]) -> Iterator[pickup.Reading | InputError]:
    """What documents hold, one by one: one that cannot be read stops no other."""
    for document in documents:
        if document.lower().startswith(("http://", "https://")):
            yield _asked(app.live.look(document, _STANDALONE), document)
            continue
        try:
            yield reading(app, Path(document))
        except InputError as error:
            yield error


def _held(app: App) -> Iterator[pickup.Reading | InputError]:
    """What all sources hold."""
    for source in app.settings.sources:
        if not source.live and not source.sent:
            held = pickup.look(source, app.settings.folder, now=now(), zone=app.settings.zone, jail=app.jail)
            yield from (reading for _origin, reading in held)
    for standing in app.live.standings(now()):
        yield _asked(app.live.look(standing.state.url, standing.source), standing.state.url)


def _asked(asked: Asked, url: str) -> pickup.Reading | InputError:
    what = getattr(asked.result, "what", "it is gone for good (410)")
    return asked.reading or asked.error or PickupError(what, where=url)


@cli.command()
def problems(context: typer.Context, as_json: AsJson = False) -> None:
    """List what could not be picked up, with the remedy; a file that is mended leaves the list by itself."""
    with opened(context) as app:
        found = app.store.sources.problems()
    if as_json:
        for problem in found:
            print_json(problem)
        return
    show(
        "",
        ("source", "file or entry", "what", "remedy"),
        [
            (one.source, f"{one.where or one.origin}" + (f":{one.line}" if one.line else ""), one.what, one.remedy)
            for one in found
        ],
    )
    if not found:
        say("Nothing: everything could be picked up.", style="green")


def reading(app: App, file: Path) -> pickup.Reading:
    """What a document holds; - is standard input.

    Raises:
        PickupError: it cannot be read, or is no article.
    """
    with open_document(file) as stream:
        data = stream.read(MAX_BYTES + 1)
    name = "standard input" if file == STANDARD_INPUT else file.name
    return pickup.read(data, name, _STANDALONE, now=now(), zone=app.settings.zone, jail=app.jail)


@contextlib.contextmanager
def open_document(file: Path) -> Iterator[IO[bytes]]:
    """A file, or standard input, to read bytes from.

    Raises:
        PickupError: it cannot be read.
    """
    if file.is_fifo() and file.parent != Path("/dev/fd"):  # opening one that nobody writes to would wait for ever
        raise PickupError("a pipe, not a file", where=str(file), remedy="give it as standard input: -")
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else file.open("rb") as stream:
            yield stream
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise PickupError(f"cannot be read: {what}", where=str(file)) from error


def show_article(article: Article, *, text: bool = True) -> None:
    """An article for a person: its fields, and its text unless told otherwise."""
    say()
    say(article.title or "(untitled)", style="bold")
    facts = {
        "uid": article.uid,
        "publisher": article.publisher,
        "published": article.published.isoformat() if article.published else "no date",
        "section": article.section,
        "keywords": ", ".join(article.keywords),
        "dateline": " ".join(
            part for part in (article.dateline, f"({article.agency})" if article.agency else "") if part
        ),
        "byline": article.byline,
        "editor": article.editor,
        "language": article.language,
        "link": article.url,
    }
    for name, value in facts.items():
        if value:
            say(f"  {name + ':':<11}{value}")
    if text:
        for paragraph in article.paragraphs:
            say()
            say(paragraph)


def show_judgement(app: App, judgement: Judgement) -> None:
    """A judgement for a person: each tag with its reasons."""
    for region in judgement.regions:
        chain = " < ".join(app.places.name(code) for code in (region.region, *app.places.parents(region.region)[:-1]))
        say(f"  {region.role:<12}{chain}  {region.score:.2f}", style="cyan")
        _show_evidence(region)
    if not judgement.regions:
        say("  about no place")
    for theme in judgement.themes:
        say(f"  theme       {app.taxonomy.name(theme.theme)} ({theme.theme})  {theme.score:.2f}", style="cyan")
        _show_evidence(theme)
    for sentence in judgement.summary:
        say(f"  summary     {sentence}")


def _show_evidence(tag: RegionTag | ThemeTag) -> None:
    for one in tag.evidence:
        say(f"      {one.where}: “{one.text}” ({one.rule}, {one.weight:+.2f})")
