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
    templates,
    web,
    worker,
)
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
    store,
    templates,
    running,
    worker,
    web,
)  # importing them adds their commands to `cli`


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
