"""The command line: says what happens, asks before it sends, and ends with a code that tells how it went.

0: done; 1: failed; 2: wrong usage or settings.

One file per group of commands; each calls a coordinator and prints what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from digest.cli import (
    acts,
    articles,
    bounces,
    classify,
    deliveries,
    editions,
    feeds,
    letters,
    newsroom,
    operators,
    publication,
    sending,
    sources,
    store,
    subscribers,
    suppressions,
    templates,
    web,
    worker,
)
from digest.cli import help as helping
from digest.cli import run as running
from digest.cli.base import FAILED, USAGE, cli, complain
from digest.errors import ConfigError, DigestError, PeriodError

COMMANDS: Final = (
    publication,
    articles,
    classify,
    newsroom,
    sources,
    editions,
    acts,
    sending,
    letters,
    operators,
    feeds,
    deliveries,
    bounces,
    subscribers,
    suppressions,
    store,
    templates,
    running,
    worker,
    web,
    helping,
)  # importing them adds their commands to `cli`

# Heading of `digest --help` -> the files whose commands stand below it.
_PANELS: Final = {
    "Begin": ("publication", "help"),
    "Articles and sources": ("articles", "classify", "newsroom", "sources"),
    "The edition's desk": ("editions", "acts", "letters"),
    "Sending and publishing": ("sending", "deliveries", "bounces", "feeds"),
    "Readers": ("subscribers", "suppressions"),
    "Operations": ("run", "worker", "web", "operators", "store", "templates"),
}
for _panel, _names in _PANELS.items():
    for _command in cli.registered_commands:
        if _command.callback is not None and _command.callback.__module__.rpartition(".")[2] in _names:
            _command.rich_help_panel = _panel
    for _group in cli.registered_groups:
        _first = (_group.typer_instance or cli).registered_commands[0].callback
        if _first is not None and _first.__module__.rpartition(".")[2] in _names:
            _group.rich_help_panel = _panel


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Only this function knows which error ends with which."""
    try:
        cli(args=list(arguments), prog_name="digest")
    except SystemExit as end:  # usage errors, --help, and a command's own code
        return end.code if isinstance(end.code, int) else FAILED
    except ConfigError as error:
        for problem in error.problems:
            complain(problem)
        return USAGE
    except PeriodError as error:
        complain(str(error))
        return USAGE
    except DigestError as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        complain("stopped; what was sent is recorded, the same command goes on from here")
        return FAILED
    return 0
