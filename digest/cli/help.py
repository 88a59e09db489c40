"""`digest help`: a command's page, or what a word means and which commands have to do with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
import typer.main

from digest.cli.base import AsJson, cli, print_json, say, show
from digest.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What an operator may want to know that is no command: a paragraph, and the commands that it leads to."""

    title: str
    text: str
    commands: tuple[str, ...] = ()


TOPICS: Final[Mapping[str, Topic]] = {
    "weekly": Topic(
        title="From articles to the sent report",
        text="Pick up, look at the draft, change it, check it, approve it by its hash, "
        "send it. `digest run` does all of it by itself at the time that the digest's settings name; each step can be "
        "done by hand, again and again: what was done stays done.",
        commands=("pickup", "preview", "pin", "drop", "note", "preflight", "proof", "approve", "send", "status"),
    ),
    "exit-codes": Topic(
        title="What a command ends with",
        text="0: done. 1: failed, or something waits for you (status, preflight); what was done is kept, and the "
        "same command goes on. 2: wrong usage, wrong settings, or a period that does not exist. Errors go to standard "
        "error, as a sentence with where and what to do.",
        commands=("status", "preflight", "check"),
    ),
    "json": Topic(
        title="Output for programs",
        text="With --json a command prints JSON and nothing else on standard output: one document, or a line for each "
        "row of a list. Keys are those of docs/api.md and never change their meaning; times are ISO 8601 with an "
        "offset. What goes wrong stays a sentence on standard error, with the exit code.",
        commands=("editions", "deliveries", "events", "articles list", "subscribers list"),
    ),
    "completion": Topic(
        title="The shell completes",
        text="`digest --install-completion` teaches the shell that you use (bash, zsh, fish, PowerShell) to complete "
        "commands and options, ids of editions, keys of digests, sections and sources, and names of templates. "
        "`digest --show-completion` prints what it would write.",
    ),
    "record": Topic(
        title="Who did what",
        text="Every act is kept with who and when, in a log that the database itself lets nobody change. The name "
        "is that of the user of this machine, or what --by says.",
        commands=("acts", "events", "undo"),
    ),
    "folder": Topic(
        title="Which publication is meant",
        text="Every command works on the publication in this folder, or in the one named by --folder DIR (-C, or the "
        "variable DIGEST_FOLDER) before the command. Each setting can come from a variable DIGEST_<TABLE>_<NAME> "
        "(docs/settings.md).",
        commands=("init", "check"),
    ),
    "recovery": Topic(
        title="After a crash or a restore",
        text="After a crash, a restore or a fault: `digest status` says what waits. Copies that may have arrived "
        "are told by `deliveries --failed`; a campaign that was paused goes on with `resume`; a copy of an "
        "installation does not send until it is armed.",
        commands=("status", "problems", "deliveries", "resend", "resolve", "resume", "arm"),
    ),
}


@cli.command("help")
def show_help(
    topic: Annotated[
        list[str] | None,
        typer.Argument(help="A command (`sources add`) or a topic; without one, a list of both.", metavar="[TOPIC]..."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how a command is used, or what a topic is about.

    Example: digest help exit-codes
    """
    root = typer.main.get_command(cli)
    known = dict(commands(root))
    name = " ".join(topic or ())
    if not name:
        _list(known, as_json=as_json)
    elif name in TOPICS:
        known_as = TOPICS[name]
        if as_json:
            print_json({"topic": name, "text": known_as.text, "commands": known_as.commands})
            return
        say(known_as.text)
        for one in known_as.commands:
            say(f"  digest {one:<18}{first_line(known[one])}")
    elif name in known:
        command = known[name]
        if as_json:
            print_json({"topic": name, "text": command.help, "commands": [name]})
            return
        with typer.Context(command, info_name=f"digest {name}", parent=None) as inner:
            typer.echo(command.get_help(inner))
    else:
        raise NotFound("topic", name, f"topics: {', '.join(TOPICS)}; or a command of `digest --help`")


def _list(known: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"topics": list(TOPICS), "commands": {name: first_line(one) for name, one in known.items()}})
        return
    show("Topics", ("digest help", ""), [(name, one.title) for name, one in TOPICS.items()])
    show("Commands", ("digest", ""), [(name, first_line(one)) for name, one in known.items()])


def commands(command: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its whole name ("sources add"), by name; those that are hidden are not there."""
    for key, one in sorted(getattr(command, "commands", {}).items()):
        name = f"{before} {key}".strip()
        if hasattr(one, "commands"):
            yield from commands(one, name)
        elif not one.hidden:
            yield name, one


def first_line(command: Any) -> str:
    """What a command does, in a sentence."""
    return (command.help or "").strip().partition("\n")[0]
