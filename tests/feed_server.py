"""A real HTTP server on loopback, in a thread, that says exactly the bytes a test wants it to say."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]  # lower-case names


Route = bytes | Callable[[Request, socket.socket], bytes | None]


def answer(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole response; keywords become header fields: content_type="text/html"."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw


@dataclass
class FeedServer:
    """`routes` may be changed while it runs; `requests` lists what was asked, in order."""

    routes: dict[str, Route] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    host: str = "127.0.0.1"
    context: ssl.SSLContext | None = None
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0

    def __enter__(self) -> Self:
        outer = self
        lock = threading.Lock()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with lock:
                    outer.connections += 1
                with contextlib.suppress(OSError):
                    self.request.settimeout(20)
                    sock: socket.socket = self.request
                    if outer.context is not None:
                        sock = outer.context.wrap_socket(sock, server_side=True)
                    with sock:
                        while outer._serve(sock, lock):
                            pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True
            request_queue_size = 128

        self._server = Server((self.host, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/", host: str = "") -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    @property
    def allow(self) -> tuple[str, ...]:
        """What a test puts on the operator's list of exceptions."""
        return (f"{self.host}:{self.port}",)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def _serve(self, sock: socket.socket, lock: threading.Lock) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = sock.recv(65536)
            if not chunk:
                return False
            head += chunk
        first, *lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        request = Request(method, path, {name.lower(): value.strip() for name, _, value in pairs})
        with lock:
            self.requests.append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            route = self.routes.get(path, answer("not here", "404 Not Found"))
            said = route(request, sock) if callable(route) else route
            if said is None:  # the route spoke for itself, and hangs up
                return False
            sock.sendall(said)
        finally:
            with lock:
                self.at_once -= 1
        return b"connection: close" not in said[:2000].lower()
