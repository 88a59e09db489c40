"""SMTP: the server that takes mail from us, as set; `session.py` speaks to it, `connecting.py` opens the connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from digest.deliver.connecting import Security, Server, is_loopback
from digest.deliver.session import SMTPSession, Timeouts
from digest.errors import ConfigError

__all__ = ["SMTPTransport", "Security", "Timeouts"]

_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}


class SMTPTransport:
    """A server that takes mail from us.

    Args:
        host: its name or address.
        port: 25, 587 or 465 by `security` when None.
        security: "none"; "starttls": demanded, never silently plain; "tls": from the first byte (RFC 8314).
        username, password: for AUTH; over an unsecured connection only to the loopback.
        sessions: how many connections may be open at once.
        chunking: whether bodies go by BDAT (RFC 3030) where the server offers it.
        timeouts: see `Timeouts`.
        local_hostname: our name in EHLO; this machine's full name when empty.
        ca_file: certificates to trust instead of the system's.
        verify: False accepts any certificate: for tests, and for servers that are known by other means.
        sign: puts a signature on each message.

    Raises:
        ConfigError: credentials would go over the network in the clear, or the certificates cannot be read.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        security: Security = "none",
        username: str = "",
        password: str = "",
        sessions: int = 4,
        chunking: bool = False,
        timeouts: Timeouts | None = None,
        local_hostname: str = "",
        ca_file: Path | None = None,
        verify: bool = True,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> None:
        if username and security == "none" and not is_loopback(host):
            raise ConfigError(
                f"the password for {host} would be sent in the clear: set mail.security to starttls or tls"
            )
        self.host = host
        self.port = port or _PORTS[security]
        self.security = security
        self.username = username
        self.password = password
        self.sessions = sessions
        self.chunking = chunking
        self.sign = sign
        self.timeouts = timeouts or Timeouts()
        self.local_hostname = local_hostname
        self.context = None if security == "none" else _context(ca_file, verify=verify)

    async def __aenter__(self) -> Self:
        """Find out our own name once, since asking the resolver may take seconds. Connects nothing."""
        if not self.local_hostname:
            loopback = is_loopback(self.host)
            self.local_hostname = "localhost" if loopback else await asyncio.to_thread(socket.getfqdn)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sessions are closed by those who opened them."""

    def session(self) -> SMTPSession:
        """A session, not yet connected."""
        server = Server(
            host=self.host,
            port=self.port,
            security=self.security,
            username=self.username,
            password=self.password,
            local_hostname=self.local_hostname,
            context=self.context,
            timeout=self.timeouts.connect,
        )
        return SMTPSession(server, self.timeouts, chunking=self.chunking)


def _context(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificates in {ca_file} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
