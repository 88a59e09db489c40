"""The public pages by themselves; `digest run` serves the same beside everything else."""

from __future__ import annotations

import asyncio
import signal

import typer

from digest.cli.base import cli, opened, say


@cli.command()
def web(context: typer.Context) -> None:
    """Serve the public pages and feeds, and send the mails that they ask for, until Ctrl-C."""
    # The web server takes half a second to load, and no other command but `run` needs it.
    from digest.web import serve  # noqa: PLC0415 - see above

    with opened(context) as app:

        def ready(host: str, port: int) -> None:
            say(f"serving on http://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C ends it)")

        async def main() -> None:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            await serve(app, stop, ready=ready)

        asyncio.run(main())
