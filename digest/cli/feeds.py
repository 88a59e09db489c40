"""The feeds: which there are, files for a CDN, and what the hub was told."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.base import FAILED, AsJson, cli, opened, print_json, say, show

feeds = typer.Typer(help="Feeds: list them, write them for a CDN, tell the hub.", no_args_is_help=True)
cli.add_typer(feeds, name="feeds")


@feeds.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Every feed as it was last published: its address, entries, archive pages, and when it changed."""
    with opened(context) as app:
        lines = app.press.lines()
    if as_json:
        for line in lines:
            print_json(line)
        return
    columns = ("feed", "entries", "archive", "updated", "address")
    rows = [(one.title, one.entries, one.pages or "", one.updated, one.address) for one in lines]
    show("", columns, rows)


@feeds.command("write")
def write(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder that a CDN or a plain web server shows as the root.")],
    as_json: AsJson = False,
) -> None:
    """Publish, and write the same files below a folder; what is the same is not touched, what is stale removed."""
    with opened(context) as app:
        published = app.press.mirror(folder)
    if as_json:
        print_json({"files": published.files, "changed": published.changed, "removed": published.removed})
        return
    for path in published.changed:
        say(f"  {path}")
    for path in published.removed:
        say(f"  {path} (removed)")
    changed, removed = len(published.changed), len(published.removed)
    say(f"{published.files} files in {folder}, {changed} of them written, {removed} removed")


@feeds.command("hub")
def hub(
    context: typer.Context,
    now: Annotated[bool, typer.Option("--now", help="Tell it now what it is to be told.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Tell it of every feed anew, also where it failed for good.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What the WebSub hub was told of changed feeds, failures first (settings: feeds.hub)."""
    with opened(context) as app:
        if again:
            app.press.owe_all()
        done = asyncio.run(app.press.hub.ping()) if now or again else None
        pings = app.store.feeds.pings()
    if as_json:
        for ping in pings:
            print_json(dataclasses.asdict(ping))
    else:
        if not app.settings.feeds.hub:
            say("No hub is set (feeds.hub).")
        rows = [
            (one.topic, one.changed, one.told, one.attempts, one.failed or ("" if one.told else "to be told"))
            for one in pings
        ]
        show("", ("feed", "changed", "told", "attempts", "problem"), rows)
    if done is not None and done.failed:
        raise typer.Exit(FAILED)
