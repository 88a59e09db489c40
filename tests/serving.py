"""The publication's pages on a free port of loopback, served by uvicorn in a thread, for a browser to open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from digest.app import App, now
from digest.schedule import Service
from digest.web import create_app
from digest.web.serving import listen


@contextmanager
def serving(app: App, *jobs: str) -> Iterator[str]:
    """Serve a publication's pages, and the mails that they ask for, while the block runs; gives http://127.0.0.1:port.

    `jobs` are those that run besides: "send".
    """
    started = threading.Event()
    address: list[str] = []
    failed: list[BaseException] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def ready(host: str, port: int) -> None:
        address.append(f"http://{host}:{port}")
        started.set()

    async def serve(app: App, stop: asyncio.Event, wake: Callable[[], None]) -> None:
        await listen(create_app(app, wake=wake), "127.0.0.1", 0, stop, ready)

    def run() -> None:
        try:
            loop.run_until_complete(Service(app, clock=now, serve=serve, only=("letters", *jobs)).run(stop))
        except BaseException as error:  # noqa: BLE001 - told to the test that waits
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="serving", daemon=True)
    thread.start()
    started.wait(30)
    if failed or not address:
        raise RuntimeError("the pages could not be served") from (failed[0] if failed else None)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
