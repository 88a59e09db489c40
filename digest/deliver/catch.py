"""`digest catch`: a real SMTP server that keeps what arrives in a Maildir and passes nothing on.

For trying out, proofs and tests. It answers 250 only after the message is synced to the disk. It listens on the
loopback unless told otherwise, since it takes anything from anyone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import os
import secrets
import signal
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from digest.deliver.maildir import Maildir, as_delivered
from digest.errors import ConfigError, DeliveryError

SIZE_LIMIT = 32 * 1024 * 1024  # octets, as SIZE announces (RFC 1870)


@dataclass(frozen=True, kw_only=True)
class Security:
    """How the catcher is secured, where that is wanted: `implicit` TLS from the first byte, or STARTTLS offered."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    username: str = ""  # set: AUTH is demanded before MAIL
    password: str = field(default="", repr=False)


class _Keeper:
    """aiosmtpd's handler: keeps each message, and demands AUTH where credentials are set."""

    def __init__(self, maildir: Maildir, security: Security) -> None:
        self._maildir = maildir
        self._security = security
        self._run = secrets.token_hex(4)  # names of two runs of the catcher on one Maildir must differ
        self._count = itertools.count(1)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._security.username and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - same
        recipients = [str(recipient) for recipient in envelope.rcpt_tos]
        content = envelope.original_content or b""
        name = f"{next(self._count):08d}.{os.getpid()}.{self._run}"
        sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd keeps the null sender in its brackets
        filed = as_delivered(sender, recipients, content)
        try:
            self._maildir.put(name, filed)
        except OSError as error:
            return f"452 4.3.1 Cannot keep the message: {error.strerror}"
        return f"250 2.6.0 Kept as new/{name}"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        wanted = (self._security.username + "\0" + self._security.password).encode()
        given = login.login + b"\0" + login.password
        same = secrets.compare_digest(sha256(wanted).digest(), sha256(given).digest())
        return AuthResult(success=same and bool(self._security.username), handled=False)


async def _listen(
    maildir: Path, host: str, port: int, *, expose: bool, size_limit: int, security: Security
) -> asyncio.Server:
    if not expose and not _is_loopback(host):
        raise ConfigError(f"the catcher takes mail from anyone: it listens at {host} only when told to expose itself")
    box = Maildir(maildir)
    loop = asyncio.get_running_loop()
    keeper = _Keeper(box, security)
    # aiosmtpd does not know that a connection which began in TLS is secure, so AUTH is offered there by this switch.
    auth_needs_tls = security.tls is not None and not security.implicit

    def connection() -> SMTP:
        return SMTP(
            keeper,
            hostname="catcher.localhost",
            ident="Digest catcher",
            data_size_limit=size_limit,
            tls_context=None if security.implicit else security.tls,
            require_starttls=auth_needs_tls,
            auth_require_tls=auth_needs_tls,
            authenticator=keeper.authenticate,
            auth_exclude_mechanism=() if security.username else ("PLAIN", "LOGIN"),
            loop=loop,
        )

    try:
        await asyncio.to_thread(box.create)
        return await loop.create_server(connection, host, port, ssl=security.tls if security.implicit else None)
    except OSError as error:
        raise DeliveryError(f"the catcher cannot start at {host}:{port}, keeping in {maildir}: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(server: asyncio.Server) -> tuple[str, int]:
    name = server.sockets[0].getsockname()
    return str(name[0]), int(name[1])


async def serve(
    maildir: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 2525,
    expose: bool = False,
    size_limit: int = SIZE_LIMIT,
    security: Security | None = None,
    ready: Callable[[str, int], Any] = lambda _host, _port: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the catcher until `stop` is set, or SIGINT or SIGTERM arrives.

    Args:
        maildir: where messages are kept; made when missing.
        host: where to listen; other than the loopback only with `expose`.
        port: 0 takes a free one.
        expose: allow a host that others can reach.
        size_limit: the largest message, in octets.
        security: TLS and AUTH, where they are wanted.
        ready: called with host and port once it listens.
        stop: ends it.

    Raises:
        ConfigError: a host that others can reach, without `expose`.
        DeliveryError: the port is taken, or the folder cannot be made.
    """
    server = await _listen(maildir, host, port, expose=expose, size_limit=size_limit, security=security or Security())
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        ready(*_address(server))
        await stop.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        server.close()
        await server.wait_closed()


class Catcher:
    """The catcher in a thread: `with Catcher(maildir) as catcher: ... catcher.port`. Arguments as for `serve`."""

    def __init__(
        self,
        maildir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        expose: bool = False,
        size_limit: int = SIZE_LIMIT,
        security: Security | None = None,
    ) -> None:
        self.maildir = maildir
        self.host = host
        self.port = port
        self._expose = expose
        self._size_limit = size_limit
        self._security = security or Security()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._end: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._main, name="catcher", daemon=True)

    def __enter__(self) -> Self:
        """Start, and wait until it listens; errors as for `serve`."""
        self._thread.start()
        self._started.wait()
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for the thread."""
        self._end()
        self._thread.join()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except (ConfigError, DeliveryError) as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        self._end = partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set)
        await serve(
            self.maildir,
            host=self.host,
            port=self.port,
            expose=self._expose,
            size_limit=self._size_limit,
            security=self._security,
            ready=self._ready,
            stop=stop,
        )

    def _ready(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._started.set()
