"""The public pages by themselves; `digest run` serves the same beside everything else."""

from __future__ import annotations

import asyncio
import functools

import typer

from digest.app import now
from digest.cli.base import cli, opened, say

LETTERS = ("letters",)  # the one job that the pages need: it sends the mails that they ask for


@cli.command()
def web(context: typer.Context) -> None:
    """Serve the public pages and feeds, and send the mails that they ask for, until Ctrl-C."""
    # The web server and the scheduler take half a second to load, and few other commands need them.
    from digest import schedule  # noqa: PLC0415 - see above
    from digest.web import serve  # noqa: PLC0415 - see above

    def ready(host: str, port: int) -> None:
        say(f"serving on http://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C ends it)")

    with opened(context) as app:
        service = schedule.Service(app, clock=now, serve=functools.partial(serve, ready=ready), only=LETTERS)
        asyncio.run(schedule.run(service))
