"""Write man/digest.1 from the code: `python -m tools.man_page`. A test holds the page against the code.

The page of the whole program, as man(7) has it: every command with its arguments and options, the topics of
`digest help`, files, variables and exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import digest.cli
from digest.cli.base import cli
from digest.cli.help import TOPICS, commands
from digest.settings import OTHER_VARIABLES

PAGE = Path(__file__).parent.parent / "man" / "digest.1"


def page() -> str:
    """man/digest.1."""
    assert digest.cli.COMMANDS, "importing them adds them to cli"
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    root: Any = typer.main.get_command(cli)
    yield '.TH DIGEST 1 "" "Digest" "User commands"'
    yield ".nh"
    yield from _section("NAME", r"digest \- pick up news, make a weekly report of it, mail it, and publish feeds")
    yield ".SH SYNOPSIS"
    yield r"\fBdigest\fR [\fB\-C\fR \fIDIR\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]"
    yield from _section("DESCRIPTION", _text(root.help))
    yield from _section("", _text(TOPICS["folder"].text))
    yield ".SH OPTIONS"
    for one in root.params:
        yield from _option(one)
    yield ".SH COMMANDS"
    for name, command in commands(root):
        yield f".SS {_text(_usage(name, command))}"
        paragraphs = re.split(r"\n\s*\n", (command.help or "").strip())
        for number, paragraph in enumerate(paragraphs):
            if number:
                yield ".PP"
            yield _text(" ".join(paragraph.split()))
        for one in command.params:
            if one.param_type_name == "argument":
                yield ".TP"
                yield rf"\fI{_text(one.name.upper())}\fR"
                yield _text(one.help or "")
            elif one.name != "help":
                yield from _option(one)
    yield ".SH TOPICS"
    for name, one in TOPICS.items():
        yield ".TP"
        yield rf"\fB{_text(name)}\fR"
        yield _text(one.text) + (_text(f" See: {', '.join(one.commands)}.") if one.commands else "")
    yield from _section("EXIT STATUS", _text(TOPICS["exit-codes"].text))
    yield ".SH ENVIRONMENT"
    for variable in ("DIGEST_FOLDER", "DIGEST_<TABLE>_<NAME>", *sorted(OTHER_VARIABLES)):
        if variable != "DIGEST_FOLDER" or "DIGEST_FOLDER" not in OTHER_VARIABLES:
            yield ".TP"
            yield rf"\fB{_text(variable)}\fR"
            yield _text(_VARIABLES.get(variable, "See docs/settings.md."))
    yield ".SH FILES"
    for name, text in _FILES.items():
        yield ".TP"
        yield rf"\fI{_text(name)}\fR"
        yield _text(text)
    yield from _section("SEE ALSO", _text("docs/api.md for programs, docs/console.md for the desk in a browser."))


_VARIABLES = {
    "DIGEST_FOLDER": "The publication's folder, where --folder is left out.",
    "DIGEST_<TABLE>_<NAME>": "A setting, before digest.toml; with _FILE behind it the file of a secret.",
}
_FILES = {
    "digest.toml": "The settings of a publication.",
    "templates/": "Its own templates; each stands for the shipped one of the same name.",
    "var/": "Everything that Digest writes: data base, feeds, editions, keys.",
}


def _section(heading: str, text: str) -> Iterator[str]:
    yield f".SH {heading}" if heading else ".PP"
    yield text


def _usage(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    words = [one.name.upper() + ("..." if one.nargs == -1 else "") for one in arguments]
    return " ".join([name, *(w if one.required else f"[{w}]" for w, one in zip(words, arguments, strict=True))])


def _option(one: Any) -> Iterator[str]:
    names = ", ".join([*one.opts, *one.secondary_opts])
    value = "" if getattr(one, "is_flag", False) else rf" \fI{_text(one.name.upper())}\fR"
    yield ".TP"
    yield rf"\fB{_text(names)}\fR{value}"
    yield _text(one.help or "")


def _text(text: str) -> str:
    """Text as roff takes it: nothing in it is a request or an escape."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    text = re.sub(r"[^\x00-\x7f]", lambda found: rf"\[u{ord(found[0]):04X}]", text)
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
