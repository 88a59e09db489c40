"""SMTP: one connection per session, reused for copy after copy; knows at each moment how far a transaction got.

aiosmtplib connects, greets, secures and authenticates. MAIL, RCPT and DATA are sent one by one here, so that a lost
connection means exactly one thing: before the body, nothing left (deferred); after it, the copy may have arrived
(uncertain). The body goes out as it is: it is canonical by construction (see `message`), and checked, not scanned by
aiosmtplib's regexes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import aiosmtplib

from digest.deliver.message import mailbox
from digest.deliver.replies import CREDENTIALS, Step, outcome, reply
from digest.deliver.transport import Envelope
from digest.errors import AddressError, ConfigError, DeliveryError
from digest.model import Outcome, Refused, Reply

Security = Literal["none", "starttls", "tls"]

_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_CLOSING = 421  # RFC 5321, 3.8: the server shuts the channel, at any step


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds; the defaults are RFC 5321's (4.5.3.2) but for connecting and parting."""

    connect: float = 30.0  # TCP, TLS, greeting, AUTH: each
    command: float = 300.0  # the reply to MAIL, RCPT or DATA
    final: float = 600.0  # the body's way out and the reply to it
    quit: float = 5.0


class SMTPTransport:
    """A server that takes mail from us.

    Args:
        host: its name or address.
        port: 25, 587 or 465 by `security` when None.
        security: "none"; "starttls": demanded, never silently plain; "tls": from the first byte (RFC 8314).
        username, password: for AUTH; over an unsecured connection only to the loopback.
        sessions: how many connections may be open at once.
        timeouts: see `Timeouts`.
        local_hostname: our name in EHLO; this machine's full name when empty.
        ca_file: certificates to trust instead of the system's.
        verify: False accepts any certificate: for tests, and for servers that are known by other means.

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
        timeouts: Timeouts | None = None,
        local_hostname: str = "",
        ca_file: Path | None = None,
        verify: bool = True,
    ) -> None:
        if username and security == "none" and not _is_loopback(host):
            raise ConfigError(
                f"the password for {host} would be sent in the clear: set mail.security to starttls or tls"
            )
        self.host = host
        self.port = port or _PORTS[security]
        self.security = security
        self.username = username
        self.password = password
        self.sessions = sessions
        self.timeouts = timeouts or Timeouts()
        self.local_hostname = local_hostname
        self.context = None if security == "none" else _context(ca_file, verify=verify)

    async def __aenter__(self) -> Self:
        """Find out our own name once, since asking the resolver may take seconds. Connects nothing."""
        if not self.local_hostname:
            loopback = _is_loopback(self.host)
            self.local_hostname = "localhost" if loopback else await asyncio.to_thread(socket.getfqdn)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sessions are closed by those who opened them."""

    def session(self) -> SMTPSession:
        """A session, not yet connected."""
        return SMTPSession(self)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificates in {ca_file} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class SMTPSession:
    """One connection; carries one message at a time, and reconnects when it has to."""

    def __init__(self, transport: SMTPTransport) -> None:
        self._transport = transport
        self._timeouts = transport.timeouts
        self._client: aiosmtplib.SMTP | None = None
        self._open = False  # a transaction was begun and not ended: RSET before the next

    async def send(self, envelope: Envelope) -> Outcome:
        """Carry one message: connect when needed, MAIL, RCPT, DATA, the body; every end of it is a value.

        A kept connection that turns out closed, or says 421, before MAIL was accepted is opened anew, once.

        Raises:
            DeliveryError: the server wants credentials or TLS that we do not have, or refuses ours: no copy can go.
        """
        problem = _unfit(envelope)
        if problem is not None:
            return problem
        kept = self._client is not None and self._client.is_connected
        step, answer = await self._transaction(envelope)
        if kept and step <= Step.MAIL and answer.code in (0, _CLOSING):
            step, answer = await self._transaction(envelope)
        if answer.code in CREDENTIALS and step <= Step.MAIL:
            await self._drop()
            raise DeliveryError(
                f"{self._where} wants to know who we are: {answer}; set mail.username and mail.password"
            )
        if step < Step.END and answer.code // 100 in (2, 3):
            await self._drop()  # replies are out of step with commands: nothing on this connection can be trusted
        return outcome(step, answer)

    async def close(self) -> None:
        """QUIT, when there is someone to say it to; never raises."""
        if self._client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._client.quit(timeout=self._timeouts.quit)
        await self._drop()

    @property
    def _where(self) -> str:
        return f"{self._transport.host}:{self._transport.port}"

    async def _transaction(self, envelope: Envelope) -> tuple[Step, Reply]:
        """RFC 5321, 3.3, up to the first reply that does not say "go on": that reply, and the step it answers."""
        client = await self._ready()
        if isinstance(client, Reply):
            return Step.CONNECT, client
        answer = await self._command(client, b"MAIL", b"FROM:<%s>" % envelope.sender.encode("ascii"))
        if answer.code // 100 != 2:
            return Step.MAIL, answer
        self._open = True
        answer = await self._command(client, b"RCPT", b"TO:<%s>" % envelope.recipient.encode("ascii"))
        if answer.code // 100 != 2:  # 250, and 251: will forward (RFC 5321, 3.4)
            return Step.RCPT, answer
        answer = await self._command(client, b"DATA")
        if answer.code // 100 != 3:
            return Step.DATA, answer
        return await self._body(client, envelope.content)

    async def _ready(self) -> aiosmtplib.SMTP | Reply:
        """A connection on which MAIL may come next; or why there is none."""
        client = self._client
        if client is not None and client.is_connected and self._open:
            answer = await self._command(client, b"RSET")
            self._open = False
            if answer.code // 100 != 2:
                await self._drop()
        if client is not None and client.is_connected:
            return client
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP | Reply:
        """Open the connection: greeting, EHLO, STARTTLS, AUTH, as set; or what was said instead.

        Raises:
            DeliveryError: what no later attempt can mend: no STARTTLS or AUTH there, password or certificate refused.
        """
        await self._drop()
        transport = self._transport
        client = aiosmtplib.SMTP(
            hostname=transport.host,
            port=transport.port,
            username=transport.username or None,
            password=transport.password if transport.username else None,
            local_hostname=transport.local_hostname or None,
            timeout=self._timeouts.connect,
            use_tls=transport.security == "tls",
            start_tls=transport.security == "starttls",
            tls_context=transport.context,
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
            raise DeliveryError(f"{self._where} refuses our user name or password: {answer}") from error
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            # A 5xx greeting or EHLO speaks of no recipient: as far as a copy is concerned, nobody is there.
            answer = reply(error.code, error.message)
            return Reply(code=answer.code if answer.code // 100 == 4 else 0, text=f"{self._where}: {answer}")
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            if _is_final(error):
                raise DeliveryError(f"{self._where} cannot be used: {error}") from error
            return Reply(code=0, text=f"no connection to {self._where}: {error}")
        self._client = client
        return client

    async def _command(self, client: aiosmtplib.SMTP, *words: bytes) -> Reply:
        """A command and its reply; code 0 when none could be read, and the connection is then closed."""
        try:
            answer = await client.execute_command(*words, timeout=self._timeouts.command)
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._drop()
            return Reply(code=0, text=f"{self._where} gave no readable reply to {words[0].decode()}: {error}")
        return await self._heard(answer)

    async def _body(self, client: aiosmtplib.SMTP, content: bytes) -> tuple[Step, Reply]:
        """The message and its final dot, in one write, and the reply to them."""
        protocol = client.protocol
        if protocol is None or not protocol.is_connected:
            await self._drop()
            return Step.DATA, Reply(code=0, text=f"{self._where} closed the connection before the message")
        # aiosmtplib's own DATA runs two regexes over the body; write and read_response are what it is made of.
        protocol.write(_transparent(content) + b".\r\n")
        try:
            answer = await protocol.read_response(timeout=self._timeouts.final)
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._drop()
            return Step.END, Reply(code=0, text=f"{self._where} gave no readable reply to the message: {error}")
        self._open = False
        return Step.END, await self._heard(answer)

    async def _heard(self, answer: aiosmtplib.SMTPResponse) -> Reply:
        """A reply as kept. After 421, or what is no reply at all, what follows on this connection means nothing."""
        heard = reply(answer.code, answer.message)
        if heard.code in (0, _CLOSING):
            await self._drop()
        return heard

    async def _drop(self) -> None:
        """Close the connection without a word."""
        client, self._client, self._open = self._client, None, False
        if client is not None:
            client.close()
            await asyncio.sleep(0)  # lets the transport's own closing run


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


def _unfit(envelope: Envelope) -> Refused | None:
    """Why an envelope is not written to the wire at all; None when it is fit."""
    if not _is_on_wire(envelope.recipient):
        return _refused(f"{envelope.recipient!r} is not an address for the wire", ours=False)
    if envelope.sender and not _is_on_wire(envelope.sender):  # empty: a notification (RFC 5321, 4.5.5)
        return _refused(f"the sender {envelope.sender!r} is not an address for the wire", ours=True)
    content = envelope.content
    # SMTP smuggling (CVE-2023-51764 and its kin) lives on line ends that are not CRLF.
    ends = content.count(b"\r\n")
    if not content.endswith(b"\r\n") or content.count(b"\n") != ends or content.count(b"\r") != ends:
        return _refused("the message has line ends other than CRLF", ours=True)
    if not content.isascii() or b"\0" in content:
        return _refused("the message is not plain ASCII", ours=True)
    return None


def _is_on_wire(address: str) -> bool:
    try:
        return mailbox(address) == address
    except AddressError:
        return False


def _refused(why: str, *, ours: bool) -> Refused:
    return Refused(reply=Reply(code=0, text=why[:500]), ours=ours)


def _transparent(content: bytes) -> bytes:
    """RFC 5321, 4.5.2: a dot that starts a line is doubled. Our messages have none; a search in C costs nothing."""
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..") if b"\r\n." in content else content
