"""What stands before every page: who really asks, how much they may send, and the headers of every answer.

Pure ASGI, so that an answer of ours never leaves without them, whatever failed behind it.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT: Final = 64 * 1024  # bytes; our longest form takes a tenth of it
_log: Final = logging.getLogger("digest.web")

CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# An edition's page is the mail's HTML, whose rules stand in style attributes. Nothing else is let in, scripts least.
EDITION_CSP: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",  # tokens stand in paths
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS: Final = "max-age=31536000"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _TooLarge(Exception):  # noqa: N818 - ends the reading of a body, never leaves this module
    """The body is longer than it may be."""


class Guard:
    """The outermost layer.

    Args:
        app: what answers.
        prefix: path of the publication's URL ("" or "/news"); taken off where a proxy left it on.
        https: whether the publication's URL is https: then browsers are told to keep to it.
        proxies: networks whose X-Forwarded-For is believed.
        rooms: start of a path -> bytes that a body below it may have, where forms are not all that is sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        prefix: str,
        https: bool,
        proxies: Sequence[Network],
        rooms: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._rooms = rooms or {}
        self._prefix = prefix
        self._proxies = proxies
        self._headers = headers_of(https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["client"] = (self._client(scope, headers), 0)
        path: str = scope["path"]
        if self._prefix and (path == self._prefix or path.startswith(self._prefix + "/")):
            scope["path"] = path[len(self._prefix) :] or "/"
            scope["raw_path"] = scope["path"].encode()
        started = False
        bodiless = scope["method"] == "HEAD"

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                out = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers.items():
                    out.setdefault(name, value)
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        try:
            length = headers.get("content-length", "0")
            room = next((room for start, room in self._rooms.items() if scope["path"].startswith(start)), BODY_LIMIT)
            if not length.isdecimal() or int(length) > room:
                raise _TooLarge  # noqa: TRY301 - one answer for both ways to find out
            await self._app(scope, _limited(receive, room), answer)
        except _TooLarge:
            if not started:
                await _plain(answer, 413, "The request is too large.")
        except Exception:  # noqa: BLE001 - whatever fails behind, the answer carries our headers
            # The path may hold a token, so only its first segment is written down.
            _log.exception("a page failed: %s /%s", scope["method"], scope["path"].split("/")[1])
            if not started:
                await _plain(answer, 500, "Something went wrong on our side. Please try again later.")

    def _client(self, scope: Scope, headers: Headers) -> str:
        """The address that asks: the last one that no proxy of ours has."""
        peer = str((scope.get("client") or ("", 0))[0])
        hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
        while self._trusted(peer) and hops:
            peer = hops.pop()
        return peer

    def _trusted(self, address: str) -> bool:
        known = _address(address)
        return known is not None and any(known in network for network in self._proxies)


def headers_of(*, https: bool) -> dict[str, str]:
    """The headers of every answer; over https, browsers are told to keep to it."""
    return {**_HEADERS, **({"Strict-Transport-Security": _HSTS} if https else {})}


def networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses as they stand in the settings, separated by spaces."""
    return tuple(ipaddress.ip_network(one, strict=False) for one in text.split())


def network_of(address: str) -> str:
    """The network of an address, as it is counted and kept: IPv4 /24, IPv6 /48; "unknown" for what is no address."""
    known = _address(address)
    if known is None:
        return "unknown"
    return str(ipaddress.ip_network(f"{known}/{24 if known.version == 4 else 48}", strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (known.ipv4_mapped or known) if isinstance(known, ipaddress.IPv6Address) else known


def _limited(receive: Receive, room: int) -> Receive:
    """A body that ends with an error where it grows too long (its length may not have been announced)."""

    async def limited() -> Message:
        nonlocal room
        message = await receive()
        if message["type"] == "http.request":
            room -= len(message.get("body", b""))
            if room < 0:
                raise _TooLarge
        return message

    return limited


async def _plain(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
