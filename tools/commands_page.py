"""Write docs/commands.md from the code: `python -m tools.commands_page`. A test holds the page against the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import digest.cli
from digest.cli.base import cli

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"
HEAD = """\
# Commands

Made from `digest/cli/` by `python -m tools.commands_page`; a test holds it against the code. `digest COMMAND --help`
says the same. `digest --install-completion` teaches the shell to complete them.

Every command works on the publication in this folder, or in the one named by `--folder DIR` (`-C`, or `DIGEST_FOLDER`)
before the command: `digest -C my-weekly check`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings.
"""


def reference() -> str:
    """docs/commands.md: every command with its arguments and options (Markdown)."""
    assert digest.cli.COMMANDS, "importing them adds them to cli"
    return "\n".join([HEAD, *_commands(typer.main.get_command(cli), "digest")]) + "\n"


def _commands(command: Any, name: str) -> Iterator[str]:
    for key in sorted(getattr(command, "commands", {})):
        yield from _commands(command.commands[key], f"{name} {key}")
    if hasattr(command, "commands"):
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join([name, *(_argument(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    yield f"## {usage}"
    yield ""
    yield command.help
    if arguments or options:
        yield ""
    yield from (f"- `{one.name.upper()}`: {one.help}" for one in arguments)
    yield from (f"- `{', '.join([*one.opts, *one.secondary_opts])}`: {one.help}{_default(one)}" for one in options)
    yield ""


def _argument(one: Any) -> str:
    name = one.name.upper() + ("..." if one.nargs == -1 else "")
    return name if one.required else f"[{name}]"


def _default(one: Any) -> str:
    if one.is_flag or one.default in (None, "") or callable(one.default):
        return ""
    return f" Default: `{one.default}`."


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
