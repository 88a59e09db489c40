"""Live sources from the command line: find and add them, see how they do, move whole lists in."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from digest.app import now
from digest.cli.base import FAILED, AsJson, By, actor, cli, complain, opened, print_json, say, show
from digest.cli.completion import SourceKey, sources
from digest.errors import InputError
from digest.fetch import Failed, Fetched, Gone
from digest.model import Article, Rights, Source, SourceKind
from digest.pickup.discover import Discovered
from digest.pickup.live import Asked
from digest.sources import Standing

live = typer.Typer(
    help="Live sources: feeds on the web. Find and add them, see how they do, take out.", no_args_is_help=True
)
cli.add_typer(live, name="sources")

_SHOWN = 5  # articles of a preview


@live.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A feed, or a page of the site: its feed is found.")],
    key: Annotated[str, typer.Option(help="Short name, never to be changed; made of the title when left out.")] = "",
    publisher: Annotated[str, typer.Option(help="Publisher of articles that do not name one.")] = "",
    rights: Annotated[Rights, typer.Option(help="How much of its articles may be shown.")] = Rights.SUMMARY,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="Fetch the page of each new article; needs --rights full.")
    ] = False,
    language: Annotated[str, typer.Option(help="Language of articles that do not name one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing: show what it would bring.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Find the feed of an address, show what it would bring, and keep it as a source.

    Example: digest sources add https://www.example.com/business --rights summary
    """
    with opened(context) as app:
        found = app.live.find(url)
        title = _title(found)
        source = Source(
            key=key or app.live.key_for(title, found.url),
            kind=SourceKind.FEED,
            location=found.url,
            publisher=publisher or title,
            rights=rights,
            full_text=full_text,
            language=language,
        )
        if not as_json:
            _preview(found, source)
        if dry_run:
            if as_json:
                print_json({"source": source, "kept": False, "articles": len(found.reading.articles)})
            return
        if not yes and not as_json and sys.stdin.isatty() and not typer.confirm("Keep it?"):
            say("nothing was kept")
            return
        if not yes and (as_json or not sys.stdin.isatty()):
            raise InputError("nobody is there to be asked", remedy="add --yes to keep it, or --dry-run to look")
        with app.store.transaction():
            app.live.add(source)
            app.store.audit.add(actor(by), "source.add", source.key, {"location": source.location}, at=now())
    told = {"source": source, "kept": True, "articles": len(found.reading.articles)}
    _tell(told, f"kept as '{source.key}'; the next pick-up takes its articles", as_json=as_json)


def _title(found: Discovered) -> str:
    """The name of a feed, as most of its articles have it."""
    names = [article.publisher for article in found.reading.articles if article.publisher]
    return max(set(names), key=names.count) if names else ""


def _preview(found: Discovered, source: Source) -> None:
    articles = sorted(found.reading.articles, key=lambda article: article.when, reverse=True)
    say(f"{found.url}", style="bold")
    say(f"  key {source.key}, publisher {source.publisher or '(none)'}, rights {source.rights}")
    say(f"  {len(articles)} articles" + (", the latest:" if articles else " now"))
    for article in articles[:_SHOWN]:
        say(f"  {_date(article)}  {article.title}")
    for problem in found.reading.problems[:_SHOWN]:
        say(f"  would be left out: {problem}", style="yellow")
    if found.others:
        say("  the page names further feeds: " + ", ".join(found.others[:_SHOWN]))


def _date(article: Article) -> str:
    return article.published.strftime("%Y-%m-%d %H:%M") if article.published else "no date         "


@live.command("list")
def list_sources(context: typer.Context, as_json: AsJson = False) -> None:
    """List live sources: how each does, when it last answered, when it is asked again, and what went wrong."""
    moment = now()
    with opened(context) as app:
        standings = app.live.standings(moment)
    if as_json:
        for one in standings:
            print_json({"condition": one.condition, "added": one.added, "source": one.source, "state": one.state})
        return
    show(
        "",
        ("key", "how", "asked at", "last answer", "last new", "asked again", "every", "what is wrong"),
        [
            (
                one.source.key,
                one.condition,
                one.state.url,
                one.state.last_ok,
                one.state.last_new,
                "never" if one.state.gone else one.state.next_poll or "at once",
                _span(one.state.interval),
                one.state.error or (f"{one.state.held} old items held" if one.state.held else ""),
            )
            for one in standings
        ],
    )
    if not standings:
        say("None: `digest sources add URL` adds one.")


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


@live.command()
def check(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="A source's key; all of them when left out.", autocompletion=sources)] = "",
    as_json: AsJson = False,
) -> None:
    """Ask a source, or all, as if for the first time, and show what it answers; nothing is kept."""
    failed = False
    with opened(context) as app:
        standings = [app.live.get(key)] if key else list(app.live.standings(now()))
        for standing in standings:
            asked = app.live.look(standing.state.url, standing.source)
            failed |= asked.reading is None
            if as_json:
                print_json({"key": standing.source.key, "result": _bare(asked), "reading": asked.reading})
            else:
                _show_answer(standing, asked)
    if failed:
        raise typer.Exit(FAILED)


def _bare(asked: Asked) -> dict[str, object]:
    """An answer without its body."""
    result = asked.result
    names = (
        "url",
        "final",
        "moved_to",
        "etag",
        "last_modified",
        "content_type",
        "charset",
        "seconds",
        "reason",
        "what",
    )
    bare: dict[str, object] = {name: getattr(result, name) for name in names if getattr(result, name, "")}
    bare["outcome"] = type(result).__name__
    if isinstance(result, Fetched):
        bare["bytes"] = len(result.body)
        bare["headers"] = result.headers
    if asked.error is not None:
        bare["error"] = str(asked.error)
    return bare


def _show_answer(standing: Standing, asked: Asked) -> None:
    say()
    say(f"{standing.source.key}: {standing.state.url}", style="bold")
    result = asked.result
    if isinstance(result, Failed):
        complain(f"{standing.source.key}: {result.what}")
        return
    if isinstance(result, Gone):
        complain(f"{standing.source.key}: gone for good (410)")
        return
    if isinstance(result, Fetched):
        facts = {
            "answered by": result.final if result.final != standing.state.url else "",
            "moved to": result.moved_to,
            "type": " ".join(part for part in (result.content_type, result.charset) if part),
            "bytes": f"{len(result.body)} in {result.seconds:.2f} s",
            "ETag": result.etag or "none: each poll fetches all of it",
            "Last-Modified": result.last_modified,
            "fresh for": str(result.max_age) if result.max_age is not None else "",
        }
        for name, value in facts.items():
            if value:
                say(f"  {name + ':':<15}{value}")
    if asked.error is not None:
        complain(f"{standing.source.key}: {asked.error}")
    if asked.reading is not None:
        articles = sorted(asked.reading.articles, key=lambda article: article.when, reverse=True)
        say(f"  {'articles:':<15}{len(articles)}")
        for article in articles[:_SHOWN]:
            say(f"    {_date(article)}  {article.title}")
        for problem in asked.reading.problems:
            say(f"  {problem}", style="yellow")


@live.command()
def remove(context: typer.Context, key: SourceKey, by: By = "", as_json: AsJson = False) -> None:
    """Take out a source that was added; its articles stay."""
    with opened(context) as app:
        app.source_desk.remove(key, by=actor(by))
    _tell({"source": key, "removed": True}, f"'{key}' is not asked any more; its articles stay", as_json=as_json)


@live.command()
def accept(context: typer.Context, key: SourceKey, by: By = "", as_json: AsJson = False) -> None:
    """Let the next pick-up take items that are held; also asks a source again that said it was gone for good."""
    with opened(context) as app:
        held = app.source_desk.accept(key, by=actor(by))
    said = (
        f"the next pick-up takes them: {held} items were held"
        if held
        else f"'{key}' is asked again at the next pick-up"
    )
    _tell({"source": key, "held": held}, said, as_json=as_json)


@live.command()
def hold(
    context: typer.Context,
    key: SourceKey,
    reason: Annotated[str, typer.Option("--reason", help="Why, for who looks at it later.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Ask a source no more until it is released."""
    with opened(context) as app:
        app.source_desk.stop(key, reason, by=actor(by))
    _tell({"source": key, "held": True}, f"'{key}' is not asked until `digest sources release {key}`", as_json=as_json)


@live.command()
def release(context: typer.Context, key: SourceKey, by: By = "", as_json: AsJson = False) -> None:
    """Ask a source again that was held."""
    with opened(context) as app:
        app.source_desk.go_on(key, by=actor(by))
    _tell({"source": key, "held": False}, f"'{key}' is asked again at the next pick-up", as_json=as_json)


@live.command()
def poll(context: typer.Context, key: SourceKey, by: By = "", as_json: AsJson = False) -> None:
    """Ask a source now, due or not, and keep what it brings."""
    with opened(context) as app:
        came = app.source_desk.poll(key, by=actor(by))
        judged = app.pipeline.classify()
    said = f"{came.new} new, {came.edited} edited, {came.unchanged} unchanged; {judged} judged"
    told = {"source": key, "new": came.new, "edited": came.edited, "unchanged": came.unchanged}
    _tell({**told, "problems": [str(one) for one in came.problems]}, said, as_json=as_json)
    if came.problems:
        for problem in came.problems:
            complain(str(problem))
        raise typer.Exit(FAILED)


@live.command("export")
def export_list(context: typer.Context) -> None:
    """Write the live sources as an OPML list, for feed readers."""
    with opened(context) as app:
        typer.echo(app.source_desk.export_opml().decode(), nl=False)


def _tell(told: dict[str, object], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        say(sentence)


@live.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An OPML file, as feed readers export it.")],
    rights: Annotated[Rights, typer.Option(help="How much of their articles may be shown.")] = Rights.SUMMARY,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing: show what would happen.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Keep the feeds of an OPML list as sources. None is asked yet; each line says what became of it."""
    with opened(context) as app:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=str(file)) from error
        lines = app.source_desk.import_opml(data, file.name, rights=rights, keep=not dry_run, by=actor(by))
    for line in lines:
        if as_json:
            print_json(line)
        elif line.why:
            complain(f"{file.name}:{line.line}: {line.url or line.title or '(empty)'}: {line.why}")
        else:
            say(f"{file.name}:{line.line}: {line.key}: {line.url}")
    refused = sum(bool(line.why) for line in lines)
    if not as_json:
        say(f"{len(lines) - refused} {'would be kept' if dry_run else 'kept'}, {refused} not")
    if refused:
        raise typer.Exit(FAILED)
