"""The store itself: brought up to date, copied from one database to another, compared."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from digest.app import now
from digest.cli.base import FAILED, AsJson, cli, console, opened, print_json, say, show
from digest.deliver.fence import COPY
from digest.pipeline.sending import SENDING
from digest.store import Compared, Copied, Copying

group: Final = typer.Typer(
    help="Bring the store up to date, or copy it from one database to another.", no_args_is_help=True
)
cli.add_typer(group, name="store")

_HOLDS: Final = (SENDING, "notices", "schedule")  # nobody may be sending, or making editions
_EVERY: Final = 1.0  # seconds between two lines of progress

Target = Annotated[
    str,
    typer.Argument(
        help="URL of an empty database: postgresql+psycopg://… or sqlite:///path.", envvar="DIGEST_STORE_TARGET"
    ),
]


@group.command()
def migrate(context: typer.Context) -> None:
    """Bring the tables up to date, and end: before the first process of a new version starts. Others may go on."""
    with opened(context) as app:
        say(f"the store of {app.store.site()} is up to date")


@group.command()
def copy(
    context: typer.Context,
    target: Target,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare the two; change nothing.")] = False,
    leave: Annotated[
        bool, typer.Option("--leave", help="Let the old store go on; the new one is a copy that is not armed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the store to another database, and let that one take its place: the old one is closed, and sends no more.

    Stop `digest run` and `digest worker` first. The same command goes on where it broke off. Afterwards set store.url.
    """
    with opened(context) as app:
        source = app.settings.store_url
        with Copying.between(source, target, holds=_HOLDS, tell=_Line(as_json=as_json).tell) as copying:
            if verify:
                compared = copying.verify()
                _tell_compared(compared, as_json=as_json)
                if not all(one.same for one in compared):
                    raise typer.Exit(FAILED)
                return
            done = copying.run(now(), leave=f"{COPY}{secrets.token_hex(16)}" if leave else "")
        _tell_compared(done.tables, as_json=as_json)
        _tell_done(done, as_json=as_json)


class _Line:
    """One line that moves, for a person at a terminal; else a line a second at most, and the last of each table."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last = 0.0

    def tell(self, act: str, table: str, rows: int, of: int) -> None:
        """One batch was copied or compared."""
        if rows < of and time.monotonic() - self._last < _EVERY:
            return
        self._last = time.monotonic()
        if self._as_json:
            print_json({act: table, "rows": rows, "of": of})
        elif console.is_terminal:
            sys.stdout.write(f"\r\x1b[K{act} {table}: {rows:,} of {of:,}")
            sys.stdout.flush()
        elif rows >= of and act == "copied":
            say(f"copied {table}: {rows:,} of {of:,}")


def _tell_compared(compared: Sequence[Compared], *, as_json: bool) -> None:
    if as_json:
        for one in compared:
            old, new = zip(one.rows, one.hashes, strict=True)
            print_json({"table": one.table, "same": one.same, "old": old, "new": new})
        return
    if console.is_terminal:
        sys.stdout.write("\r\x1b[K")
    rows = [
        (one.table, f"{one.rows[0]:,}", f"{one.rows[1]:,}", one.hashes[1][:16], "same" if one.same else "DIFFERENT")
        for one in compared
        if any(one.rows) or not one.same
    ]
    show("", ("table", "old", "new", "hash", ""), rows)
    different = [one.table for one in compared if not one.same]
    total = sum(one.rows[1] for one in compared)
    if different:
        say(f"{len(different)} tables differ: {', '.join(different)}", style="red")
    else:
        say(f"all {len(compared)} tables hold the same {total:,} rows")


def _tell_done(done: Copied, *, as_json: bool) -> None:
    if as_json:
        print_json({"rows": done.rows, "again": done.again, "moved": done.moved})
        return
    if done.again:
        say(f"copied anew, since they changed while copying had broken off: {', '.join(done.again)}", style="yellow")
    if done.moved:
        say("The store is moved: set store.url to the new one, run `digest arm`, and start. The old one opens no more.")
    else:
        say("The old store goes on. The new one is a copy: it sends nothing until `digest arm`.")
