"""The server, and the postman beside it, who sends what the pages asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import uvicorn

from digest.errors import Busy, ConfigError, DigestError
from digest.subscriptions import Reception

_log: Final = logging.getLogger("digest.web")
_ROUND: Final = 60.0  # seconds between two looks without being asked: deferred notices, requests left by a crash


class Postman:
    """Settles requests and sends notices, when woken and once a minute, in a thread of its own."""

    def __init__(self, reception: Callable[[], Reception]) -> None:
        self._reception = reception
        self._called = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Say that something may be due; from any thread, and without waiting."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._called.set)

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work in the background until the block ends; a round under way is finished."""
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        work = asyncio.create_task(self._work(stop))
        try:
            yield
        finally:
            stop.set()
            self._called.set()
            await work

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._called.clear()
            await asyncio.to_thread(self._round)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), _ROUND)

    def _round(self) -> None:
        try:
            self._reception().settle()
            self._reception().send_notices()
        except Busy:
            pass  # another process is at it
        except DigestError as error:
            _log.warning("notices wait: %s", error)


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: whoever runs it decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def listen(
    application: object,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Serve an ASGI application until `stop` is set; requests under way are finished.

    Args:
        application: what answers.
        host: address to listen on.
        port: 0 takes a free one.
        stop: ends it.
        ready: told address and port once it listens.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        place = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"web.host, web.port: cannot listen on {host}:{port}: {error.strerror}") from error
    with place:
        # Asyncio sets it only on sockets that name their protocol; without it a small answer waits 40 ms for its body.
        place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Server(
            uvicorn.Config(
                application,  # type: ignore[arg-type] # uvicorn names more kinds of it than we need
                log_config=None,
                access_log=False,  # paths hold tokens
                server_header=False,
                proxy_headers=False,  # the guard looks at them
                timeout_graceful_shutdown=10,
                timeout_keep_alive=15,
                limit_concurrency=1000,
            )
        )
        watch = asyncio.create_task(_end(server, stop))
        if ready is not None:
            ready(host, place.getsockname()[1])
        try:
            await server.serve(sockets=[place])
        finally:
            watch.cancel()


async def _end(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
