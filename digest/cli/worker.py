"""More machines for one publication: a process that only works."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer

from digest import logs
from digest.app import now
from digest.cli.base import cli, opened
from digest.cli.run import listening
from digest.engine import Work
from digest.errors import ConfigError, InputError

_ALL: Final = ", ".join(work.value for work in Work if work is not Work.PUBLISH)


@cli.command()
def worker(
    context: typer.Context,
    tasks: Annotated[
        str, typer.Option(help=f"What it does, divided by commas; everything when empty. Of: {_ALL}.")
    ] = "",
    concurrency: Annotated[
        int, typer.Option(min=0, help="Ranges of a campaign that it sends at once; 0: engine.concurrency.")
    ] = 0,
) -> None:
    """Do what is due on one more machine: needs PostgreSQL as the store, and a `digest run` somewhere that schedules.

    Ends with SIGTERM or Ctrl-C: copies that are being sent come to their end, and what is left of a range of a campaign
    is handed back to the others. It serves no pages and writes no feeds.
    """
    overrides = {"DIGEST_ENGINE_CONCURRENCY": str(concurrency)} if concurrency else {}
    overrides["DIGEST_OPERATIONS_WEB"] = "false"
    while _work_once(context, overrides, tasks):
        pass  # with the settings as operators changed them meanwhile


def _work_once(context: typer.Context, overrides: dict[str, str], tasks: str) -> bool:
    """Work until it is asked to stop; whether to start again, since settings were changed at the desk."""
    with opened(context, overrides) as app:
        works = _works(tasks)
        if not app.store.shared:
            raise ConfigError("store.url: SQLite is for one process (`digest run`); workers need PostgreSQL")
        wanted = app.settings.operations
        logs.set_up(form=wanted.log_format.value, level=wanted.log_level.value, addresses=wanted.log_addresses)
        from digest import schedule  # noqa: PLC0415 - takes half a second to load, and no other command needs it

        face = listening(app)
        service = schedule.Service(app, clock=now, serve=face, metrics=app.metrics, works=works, scheduler=False)
        return asyncio.run(schedule.run(service, changed=app.settings_changed))


def _works(names: str) -> frozenset[Work]:
    """The kinds of work that are named.

    Raises:
        InputError: there is no such kind.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - {work.value for work in Work if work is not Work.PUBLISH})
    if unknown:
        raise InputError(f"{', '.join(unknown)}: no such task", remedy=f"name some of {_ALL}")
    return frozenset(map(Work, wanted)) or frozenset(Work) - {Work.PUBLISH}
