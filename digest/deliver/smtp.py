"""SMTP: one connection per session, reused for copy after copy; knows at each moment how far a transaction got.

aiosmtplib connects, greets, secures and authenticates; then a `Channel` takes the connection over. A transaction is
two writes, the envelope and the end of the message, with a wait between them:

    MAIL, RCPT, DATA ──354──> (leaving) ──> the body and its dot ──250──>          with DATA
    MAIL, RCPT, BDAT n and the body ──250──> (leaving) ──> BDAT 0 LAST ──250──>    with CHUNKING (RFC 3030)

Until `leaving` has returned, the server cannot have the message; afterwards it may. Where the server offers PIPELINING
(RFC 2920), an envelope is one write, and the next copy's leaves with the end of this one: one round trip a message.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, cast

import aiosmtplib

from digest.deliver.channel import Channel
from digest.deliver.fields import mailbox
from digest.deliver.replies import CREDENTIALS, Step, outcome, reply
from digest.deliver.transport import Envelope, Leaving, alone
from digest.errors import AddressError, ConfigError, DeliveryError
from digest.model import Outcome, Refused, Reply

Security = Literal["none", "starttls", "tls"]

_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}
_CLOSING: Final = 421  # RFC 5321, 3.8: the server shuts the channel, at any step
_ENVELOPE: Final = (Step.MAIL, Step.RCPT, Step.DATA)


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
        self.chunking = chunking
        self.sign = sign
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
        self._channel: Channel | None = None
        self._pipelining = False
        self._chunking = False
        self._owed = 0  # replies to come that mean nothing any more: to RSET, and to a lone dot before it
        self._ahead: Envelope | None = None  # its envelope is on the wire, its replies are not read

    async def send(self, envelope: Envelope, leaving: Leaving = alone) -> Outcome:
        """Carry one message: connect when needed, MAIL, RCPT, DATA, the body; every end of it is a value.

        A kept connection that turns out closed, or says 421, before MAIL was accepted is opened anew, once.

        Raises:
            DeliveryError: the server wants credentials or TLS that we do not have, or refuses ours: no copy can go.
        """
        problem = None if self._ahead is envelope else _unfit(envelope)
        if problem is not None:
            return problem
        kept = self._channel is not None
        step, answer = await self._transaction(envelope, leaving)
        if kept and step <= Step.MAIL and answer.code in (0, _CLOSING):
            step, answer = await self._transaction(envelope, leaving)
        if answer.code in CREDENTIALS and step <= Step.MAIL:
            self._drop()
            raise DeliveryError(
                f"{self._where} wants to know who we are: {answer}; set mail.username and mail.password"
            )
        if step < Step.END and answer.code // 100 in (2, 3):
            self._drop()  # replies are out of step with commands: nothing on this connection can be trusted
        return outcome(step, answer)

    async def close(self) -> None:
        """QUIT, when there is someone to say it to; never raises."""
        channel = self._channel
        if channel is not None and channel.is_open:
            channel.write(b"QUIT\r\n")
            for _ in range(self._owed + 1):
                await channel.reply(self._timeouts.quit)
        self._drop()
        await asyncio.sleep(0)  # lets the transport's own closing run

    @property
    def _where(self) -> str:
        return f"{self._transport.host}:{self._transport.port}"

    async def _transaction(self, envelope: Envelope, leaving: Leaving) -> tuple[Step, Reply]:
        """RFC 5321, 3.3, up to the first reply that does not say "go on": that reply, and the step it answers."""
        channel = self._channel
        if channel is None or not channel.is_open:
            opened = await self._connect()
            if isinstance(opened, Reply):
                return Step.CONNECT, opened
            channel = opened
        step, answer = await self._open(channel, envelope)
        if step < Step.END:
            return step, answer
        try:
            following = await leaving()
        except BaseException:
            self._drop()  # the server waits for a message that will not come
            raise
        if not channel.is_open:
            self._drop()
            return Step.DATA, Reply(code=0, text=f"{self._where} closed the connection before the message")
        pieces = self._end(envelope)
        if following is not None and self._pipelining and _unfit(following) is None:
            pieces += self._commands(following)
            self._ahead = following
        channel.write(*pieces)
        return Step.END, await self._read(channel, self._timeouts.final, "the message")

    async def _open(self, channel: Channel, envelope: Envelope) -> tuple[Step, Reply]:
        """The envelope and its replies; Step.END when the message may leave, else what stands against it."""
        ahead, self._ahead = self._ahead is envelope, None
        commands = self._commands(envelope)
        if self._pipelining and not ahead:
            channel.write(*commands)
        refused: tuple[Step, Reply] | None = None
        granted = Reply(code=0)
        if not await self._settled(channel):
            return Step.MAIL, Reply(code=0, text=f"{self._where} did not reset")
        for step, command in zip(_ENVELOPE, commands, strict=True):
            if not self._pipelining:
                channel.write(command)
            granted = await self._read(channel, self._timeouts.command, step.name)
            if granted.code in (0, _CLOSING):
                return refused or (step, granted)
            if granted.code // 100 != (3 if step is Step.DATA and not self._chunking else 2):
                refused = refused or (step, granted)
                if not self._pipelining:
                    break
        if refused is None:
            return Step.END, granted
        self._reset(channel, refused[0], granted)
        return refused

    def _reset(self, channel: Channel, step: Step, last: Reply) -> None:
        """End a transaction that cannot go on; the replies are read when the next one comes.

        A server that refused the recipient but granted DATA waits for a message: a lone dot ends it (RFC 2920, 3.1).
        """
        dot = last.code // 100 == 3
        if dot or step is not Step.MAIL:
            channel.write(b".\r\nRSET\r\n" if dot else b"RSET\r\n")
            self._owed = 1 + dot

    async def _settled(self, channel: Channel) -> bool:
        """Read the replies to what ended the last transaction; whether the next one may count on it."""
        while self._owed:
            self._owed -= 1
            answer = await self._read(channel, self._timeouts.command, "RSET")
            if not self._owed and answer.code // 100 != 2:
                self._drop()
                return False
        return True

    def _commands(self, envelope: Envelope) -> tuple[bytes, bytes, bytes]:
        content = envelope.content
        return (
            b"MAIL FROM:<%s>\r\n" % envelope.sender.encode("ascii"),
            b"RCPT TO:<%s>\r\n" % envelope.recipient.encode("ascii"),
            b"BDAT %d\r\n%s" % (len(content), content) if self._chunking else b"DATA\r\n",
        )

    def _end(self, envelope: Envelope) -> tuple[bytes, ...]:
        if self._chunking:
            return (b"BDAT 0 LAST\r\n",)
        return (envelope.content if envelope.canonical else _transparent(envelope.content)), b".\r\n"

    async def _read(self, channel: Channel, patience: float, what: str) -> Reply:
        """A reply. After 421, or what is no reply at all, what follows on this connection means nothing."""
        answer = await channel.reply(patience)
        if not answer.code:
            answer = Reply(code=0, text=f"{self._where} gave no readable reply to {what}: {answer.text}")
        if answer.code in (0, _CLOSING):
            self._drop()
        return answer

    async def _connect(self) -> Channel | Reply:
        """Open the connection: greeting, EHLO, STARTTLS, AUTH, as set; or what was said instead.

        Raises:
            DeliveryError: what no later attempt can mend: no STARTTLS or AUTH there, password or certificate refused.
        """
        self._drop()
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
        if client.transport is None:  # it was closed in the same breath
            return Reply(code=0, text=f"no connection to {self._where}: it was closed after the greeting")
        self._pipelining = client.supports_extension("pipelining")
        self._chunking = transport.chunking and self._pipelining and client.supports_extension("chunking")
        self._channel = Channel.take_over(cast("asyncio.Transport", client.transport))
        return self._channel

    def _drop(self) -> None:
        """Close the connection without a word."""
        channel, self._channel = self._channel, None
        self._owed, self._ahead = 0, None
        if channel is not None:
            channel.close()


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
    if envelope.canonical:
        return None
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
