"""Connecting by aiosmtplib: TCP, TLS, greeting, EHLO, STARTTLS, AUTH; then a `Channel` takes the connection over."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

import aiosmtplib

from digest.deliver.channel import Channel
from digest.deliver.replies import reply
from digest.errors import DeliveryError
from digest.model import Reply

Security = Literal["none", "starttls", "tls"]

_CONGESTION: Final = b"cubic"


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where it is, and how it is spoken to until the first MAIL."""

    host: str
    port: int
    security: Security
    username: str
    password: str
    local_hostname: str
    context: ssl.SSLContext | None
    timeout: float  # seconds, for each step

    @property
    def is_far(self) -> bool:
        """Whether what is sent to it takes time on the way; False for this machine."""
        return not is_loopback(self.host)

    def __str__(self) -> str:
        """As errors name it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Connection:
    """An open one, on which no reply is due, and what the server offered in answer to EHLO."""

    channel: Channel
    pipelining: bool  # RFC 2920
    chunking: bool  # RFC 3030


@lru_cache(maxsize=16)
def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def connect(server: Server) -> Connection | Reply:
    """Open a connection, as set; or what was said instead.

    Raises:
        DeliveryError: what no later attempt can mend: no STARTTLS or AUTH there, password or certificate refused.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username or None,
        password=server.password if server.username else None,
        local_hostname=server.local_hostname or None,
        timeout=server.timeout,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.context,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await _greet(client)
    except aiosmtplib.SMTPAuthenticationError as error:
        client.close()
        answer = reply(error.code, error.message)
        if answer.code // 100 != 5:
            return answer
        raise DeliveryError(f"{server} refuses our user name or password: {answer}") from error
    except aiosmtplib.SMTPResponseException as error:
        client.close()
        # A 5xx greeting or EHLO speaks of no recipient: as far as a copy is concerned, nobody is there.
        answer = reply(error.code, error.message)
        return Reply(code=answer.code if answer.code // 100 == 4 else 0, text=f"{server}: {answer}")
    except (aiosmtplib.SMTPException, OSError) as error:
        client.close()
        if _is_final(error):
            raise DeliveryError(f"{server} cannot be used: {error}") from error
        return Reply(code=0, text=f"no connection to {server}: {error}")
    if client.transport is None:  # it was closed in the same breath
        return Reply(code=0, text=f"no connection to {server}: it was closed after the greeting")
    transport = cast("asyncio.Transport", client.transport)
    _send_in_bursts(transport)
    pipelining = client.supports_extension("pipelining")
    chunking = pipelining and client.supports_extension("chunking")
    return Connection(Channel.take_over(transport), pipelining, chunking)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """EHLO; HELO where the server knows no better (RFC 5321, 3.2)."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


def _is_final(error: BaseException) -> bool:
    """Whether waiting cannot mend it: a certificate that is not trusted, no TLS at that port, no STARTTLS, no AUTH."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLError):
        return not isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
    # aiosmtplib raises the bare class, and no subclass, for what the server does not offer.
    return type(error) is aiosmtplib.SMTPException


def _send_in_bursts(transport: asyncio.Transport) -> None:
    """Where the system paces what it sends (BBR), ask for cubic: a session sends a message, and waits for its reply.

    BBR takes the pauses for the speed of the way, and spreads each message over half a round trip.
    """
    connected = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_CONGESTION", None)
    if connected is not None and option is not None:
        with contextlib.suppress(OSError):  # it is not to be had here
            connected.setsockopt(socket.IPPROTO_TCP, option, _CONGESTION)
