"""The server, which listens where settings say until it is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from digest.errors import ConfigError


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
                timeout_graceful_shutdown=3,
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
