"""One SMTP connection, reused for copy after copy; knows at each moment how far a mail transaction got.

A transaction (RFC 5321, 3.3) is an envelope, the body, and its end, which is what hands the message over:

    MAIL, RCPT, DATA ──354──> the body ──(leaving)──> the final dot ──250──>           with DATA
    MAIL, RCPT, BDAT n and the body ──(leaving)──> BDAT 0 LAST ──250──>                with CHUNKING (RFC 3030)

Until `leaving` has returned, the server cannot have the message; afterwards it may. Where the server offers PIPELINING
(RFC 2920), an envelope is one write, and the next copy's leaves with the end of this one: one round trip a message.
With CHUNKING the next copy's body leaves with it, too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from digest.deliver.channel import Channel
from digest.deliver.connecting import Server, connect
from digest.deliver.replies import CREDENTIALS, Step, outcome
from digest.deliver.transport import Envelope, Leaving, alone
from digest.deliver.wire import transparent, unfit
from digest.errors import DeliveryError
from digest.model import Outcome, Reply

_CLOSING: Final = 421  # RFC 5321, 3.8: the server shuts the channel, at any step
_BROKEN: Final = (0, _CLOSING)
_ENVELOPE: Final = (Step.MAIL, Step.RCPT, Step.DATA)
_GO_ON: Final = {Step.MAIL: 2, Step.RCPT: 2, Step.DATA: 3}  # the first digit of the reply that says so


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds; the defaults are RFC 5321's (4.5.3.2) but for connecting and parting."""

    connect: float = 30.0  # TCP, TLS, greeting, AUTH: each
    command: float = 300.0  # the reply to MAIL, RCPT or DATA
    final: float = 600.0  # the body's way out and the reply to it
    quit: float = 5.0


class SMTPSession:
    """One connection; carries one message at a time, and reconnects when it has to."""

    def __init__(self, server: Server, timeouts: Timeouts, *, chunking: bool) -> None:
        """`chunking`: whether bodies go by BDAT where the server offers it."""
        self._server = server
        self._timeouts = timeouts
        self._may_chunk = chunking
        self._channel: Channel | None = None
        self._pipelining = False
        self._chunking = False
        self._owed = 0  # replies to come that mean nothing any more: to RSET, and to what stood before it
        self._ahead: Envelope | None = None  # its envelope is on the wire, its replies are not read

    async def send(self, envelope: Envelope, leaving: Leaving = alone) -> Outcome:
        """Carry one message: connect when needed, MAIL, RCPT, DATA, the body; every end of it is a value.

        A kept connection that turns out closed, or says 421, before MAIL was accepted is opened anew, once.

        Raises:
            DeliveryError: the server wants credentials or TLS that we do not have, or refuses ours: no copy can go.
        """
        if self._ahead is not envelope:
            problem = unfit(envelope)
            if problem is not None:
                return problem
        kept = self._channel is not None
        step, answer = await self._transaction(envelope, leaving)
        if step is Step.END:
            return outcome(step, answer)
        if kept and step <= Step.MAIL and answer.code in _BROKEN:
            step, answer = await self._transaction(envelope, leaving)
        if answer.code in CREDENTIALS and step <= Step.MAIL:
            self._drop()
            raise DeliveryError(
                f"{self._server} wants to know who we are: {answer}; set mail.username and mail.password"
            )
        if step < Step.END and answer.code // 100 in (2, 3):
            self._drop()  # replies are out of step with commands: nothing on this connection can be trusted
        return outcome(step, answer)

    async def close(self) -> None:
        """QUIT, when there is someone to say it to; never raises."""
        channel = self._channel
        if channel is not None and channel.is_open:
            channel.write(b"QUIT\r\n")
            await channel.replies(self._owed + 1, self._timeouts.quit)
        self._drop()
        await asyncio.sleep(0)  # lets the transport's own closing run

    async def _transaction(self, envelope: Envelope, leaving: Leaving) -> tuple[Step, Reply]:
        """Up to the first reply that does not say "go on": that reply, and the step it answers."""
        channel = self._channel
        if channel is None or not channel.is_open:
            opened = await self._open()
            if isinstance(opened, Reply):
                return Step.CONNECT, opened
            channel = opened
        refused = await (self._group(channel, envelope) if self._pipelining else self._lock_step(channel, envelope))
        if refused is not None:
            return refused
        end = b"BDAT 0 LAST\r\n" if self._chunking else b".\r\n"
        body = b"" if self._chunking else transparent(envelope)
        if self._server.is_far and body:
            channel.write(body)  # it is nothing without its dot, and is on its way while the ledger commits
            body = b""
        try:
            following = await leaving()
        except BaseException:
            self._drop()  # the server waits for the end of a message that will not come
            raise
        if not channel.is_open:
            self._drop()
            return Step.DATA, Reply(code=0, text=f"{self._server} closed the connection before the message")
        if following is not None and self._pipelining and unfit(following) is None:
            channel.write(body, end, *self._commands(following))
            self._ahead = following
        else:
            channel.write(body, end)
        return await self._ended(channel)

    async def _group(self, channel: Channel, envelope: Envelope) -> tuple[Step, Reply] | None:
        """The envelope as one write, and its replies; what stands against the message, None when it may leave.

        With CHUNKING the reply to the body's chunk is not waited for: it comes when all of the body is there.
        """
        if self._ahead is not envelope:
            channel.write(*self._commands(envelope))
        self._ahead = None
        owed, self._owed = self._owed, 0
        steps = (Step.MAIL, Step.RCPT) if self._chunking else _ENVELOPE
        count = owed + len(steps)
        answers = channel.at_hand(count) or await channel.replies(count, self._timeouts.command)
        if owed and not self._reset_by(answers[:owed], owed):
            return Step.MAIL, Reply(code=0, text=f"{self._server} did not reset")
        refused: tuple[Step, Reply] | None = None
        for step, answer in zip(steps, answers[owed:], strict=False):
            kind = answer.code // 100
            if answer.code in _BROKEN:
                return refused or (step, self._broken(answer, step.name))
            if kind != _GO_ON[step]:
                refused = refused or (step, answer)
        if refused is not None:
            self._reset(channel, refused[0], granted=kind == _GO_ON[Step.DATA])
        return refused

    async def _lock_step(self, channel: Channel, envelope: Envelope) -> tuple[Step, Reply] | None:
        """As `_group`, for a server that wants each command answered before the next."""
        owed, self._owed = self._owed, 0
        if owed and not self._reset_by(await channel.replies(owed, self._timeouts.command), owed):
            return Step.MAIL, Reply(code=0, text=f"{self._server} did not reset")
        for step, command in zip(_ENVELOPE, self._commands(envelope), strict=True):
            channel.write(command)
            answer = (await channel.replies(1, self._timeouts.command))[0]
            if answer.code in _BROKEN:
                return step, self._broken(answer, step.name)
            if answer.code // 100 != _GO_ON[step]:
                self._reset(channel, step, granted=False)
                return step, answer
        return None

    async def _ended(self, channel: Channel) -> tuple[Step, Reply]:
        """The server's word on the message, now that its end is out."""
        answers = await channel.replies(2 if self._chunking else 1, self._timeouts.final)
        first, last = answers[0], answers[-1]
        if last.code in _BROKEN:
            return Step.END, self._broken(last, "the message")
        if first.code // 100 != 2 and last.code // 100 != 2 and self._chunking:
            # RFC 3030, 2: with a chunk the transaction has failed. It has not been reset, and another one may be on the
            # wire: a new connection is the short way.
            self._drop()
            return Step.DATA, first
        return Step.END, last

    def _commands(self, envelope: Envelope) -> tuple[bytes, ...]:
        mail = b"MAIL FROM:<%s>\r\n" % envelope.sender.encode("ascii")
        rcpt = b"RCPT TO:<%s>\r\n" % envelope.recipient.encode("ascii")
        if self._chunking:
            return mail, rcpt, b"BDAT %d\r\n" % len(envelope.content), envelope.content
        return mail, rcpt, b"DATA\r\n"

    def _reset(self, channel: Channel, step: Step, *, granted: bool) -> None:
        """End a transaction that cannot go on; the replies are read when the next one comes.

        A server that refused the recipient but granted DATA waits for a message: a lone dot ends it (RFC 2920, 3.1).
        """
        if self._chunking:
            channel.write(b"RSET\r\n")
            self._owed = 2  # the chunk is answered, too
        elif granted or step is not Step.MAIL:
            channel.write(b".\r\nRSET\r\n" if granted else b"RSET\r\n")
            self._owed = 1 + granted

    def _reset_by(self, answers: list[Reply], owed: int) -> bool:
        """Whether what ended the last transaction did, so that the next one may count on it."""
        done = len(answers) == owed and answers[-1].code // 100 == 2
        if not done:
            self._drop()
        return done

    def _broken(self, answer: Reply, what: str) -> Reply:
        """After 421, or what is no reply at all, what follows on this connection means nothing."""
        self._drop()
        if answer.code:
            return answer
        return Reply(code=0, text=f"{self._server} gave no readable reply to {what}: {answer.text}")

    async def _open(self) -> Channel | Reply:
        self._drop()
        opened = await connect(self._server)
        if isinstance(opened, Reply):
            return opened
        self._pipelining = opened.pipelining
        self._chunking = self._may_chunk and opened.chunking
        self._channel = opened.channel
        return self._channel

    def _drop(self) -> None:
        """Close the connection without a word."""
        channel, self._channel = self._channel, None
        self._owed, self._ahead = 0, None
        if channel is not None:
            channel.close()
