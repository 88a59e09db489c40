"""A real SMTP server that misbehaves on purpose, by what stands before the @ of the recipient.

    refuse-*        550 5.1.1 at RCPT          later-*     450 at RCPT, once per address, then accepted
    policy-*        550 5.7.1 at RCPT          busy-*      451 after the final dot, always
    spam-*          554 5.7.1 after the dot    full-*      552 5.2.2 at RCPT
    close-*         421 at RCPT and closed     cut-*       connection cut at RCPT, once per address
    cut-data-*      cut after 354, once        cut-dot-*   the message is kept, the connection cut, once per address
    garbage-*       no SMTP reply at RCPT      garbage-dot-* no SMTP reply after the dot (kept), once
    stall-*         no reply at RCPT           stall-dot-* kept, and no reply
    nodata-*        554 at DATA                odd-*       354 at RCPT
Everyone else is accepted. With `pipelining` and `chunking` it announces them (RFC 2920, RFC 3030); a DATA after a refused
RCPT is refused too, or granted with `lenient`, as RFC 2920, 3.1, allows. It keeps what it took responsibility for, byte by byte, with dots undone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_Say = Callable[[bytes], Awaitable[None]]


class _Cut(Exception):  # noqa: N818 - a signal, not a fault
    """Close the connection now."""


@dataclass
class Kept:
    sender: str
    recipient: str
    content: bytes


@dataclass
class Rogue:
    """`async with Rogue() as server: server.port`."""

    greeting: bytes = b"220 rogue ESMTP"
    per_connection: int = 0  # messages, then it closes without a word
    tired_after: int = 10**9  # messages, then it answers MAIL with 421 and closes
    hello: bytes = b"250 rogue"
    ehlo: bytes = b""
    pipelining: bool = False
    chunking: bool = False
    lenient: bool = False
    rset: bytes = b"250 2.0.0 Ok"
    mail: bytes = b"250 2.1.0 Ok"
    accepted: bytes = b"250 2.0.0 kept"
    host: str = "127.0.0.1"
    port: int = 0
    kept: list[Kept] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    down: bool = False
    pause: float = 0.0  # seconds that it takes over a message

    def __post_init__(self) -> None:
        lines = [b"rogue", *([b"PIPELINING"] * self.pipelining), *([b"CHUNKING"] * self.chunking)]
        marks = [b"-"] * (len(lines) - 1) + [b" "]
        self.ehlo = self.ehlo or b"\r\n".join(b"250" + mark + line for mark, line in zip(marks, lines, strict=True))

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, _Cut):
                if not self.down:
                    await self._converse(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self.at_once -= 1
            self._tasks.discard(task)
            writer.transport.abort() if self.down else writer.close()

    def _once(self, address: str) -> bool:
        self.seen[address] += 1
        return self.seen[address] == 1

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: bytes) -> None:
            writer.write(line + b"\r\n")
            await writer.drain()

        await say(self.greeting)
        sender = recipient = ""
        chunks: list[bytes] = []
        valid = False
        taken = 0
        while line := await reader.readuntil(b"\r\n"):
            verb, _, rest = line.decode().strip().partition(" ")
            self.commands[verb] += 1
            if verb in ("EHLO", "HELO"):
                await say(self.ehlo if verb == "EHLO" else self.hello)
            elif verb == "MAIL":
                if recipient and sender:
                    await say(b"503 5.5.1 nested MAIL")
                    continue
                if taken >= self.tired_after:
                    await say(b"421 4.7.0 enough on this connection")
                    return
                sender = rest.removeprefix("FROM:").strip("<>") or "<>"
                await say(self.mail)
                if not self.mail.startswith(b"2"):
                    sender = ""
            elif verb == "RCPT" and not sender:
                await say(b"503 5.5.1 no MAIL")
            elif verb == "RCPT":
                recipient = rest.removeprefix("TO:").strip("<>")
                valid = await self._rcpt(recipient, say)
            elif verb == "RSET":
                sender = recipient = ""
                chunks, valid = [], False
                await say(self.rset)
            elif verb == "DATA" and not valid and not self.lenient:
                await say(b"503 5.5.1 no valid recipient")
            elif verb == "DATA":
                await self._data(sender, recipient if valid else "", reader, say)
                sender = recipient = ""
                valid = False
                taken += 1
                if taken == self.per_connection:
                    return
            elif verb == "BDAT":
                size, _, last = rest.partition(" ")
                chunks.append(await reader.readexactly(int(size)))
                if not valid:
                    await say(b"503 5.5.1 no valid recipient")
                    continue
                if not last:
                    valid = await self._chunk(recipient, say)
                    continue
                await self._end(sender, recipient, b"".join(chunks), say)
                sender = recipient = ""
                chunks, valid = [], False
                taken += 1
                if taken == self.per_connection:
                    return
            elif verb == "QUIT":
                await say(b"221 2.0.0 Bye")
                return
            else:
                await say(b"500 5.5.2 what?")

    async def _rcpt(self, to: str, say: _Say) -> bool:
        """Whether the recipient may get a message."""
        kind = to.rpartition("-")[0]
        match kind:
            case "refuse":
                await say(b"550 5.1.1 <" + to.encode() + b">: no such\x07 user")
            case "policy":
                await say(b"550-5.7.1 you are on a list\r\n550 5.7.1 see elsewhere")
            case "full":
                await say(b"552 5.2.2 mailbox full")
            case "later" if self._once(to):
                await say(b"450 4.2.0 greylisted")
            case "close":
                await say(b"421 4.3.2 shutting down")
                raise _Cut
            case "cut" if self._once(to):
                raise _Cut
            case "garbage" if self._once(to):
                await say(b"hello there")
            case "odd" if self._once(to):
                await say(b"354 what now")
            case "stall":
                await asyncio.sleep(60)
            case _:
                await say(b"250 2.1.5 Ok")
                return True
        return False

    async def _chunk(self, to: str, say: _Say) -> bool:
        """Whether it was taken; RFC 3030, 2: if not, those that follow it are discarded."""
        kind = to.rpartition("-")[0]
        if kind == "nodata":
            await say(b"554 no data from you")
            return False
        if kind == "cut-data" and self._once(to):
            raise _Cut
        await say(b"250 2.0.0 go on")
        return True

    async def _data(self, sender: str, to: str, reader: asyncio.StreamReader, say: _Say) -> None:
        kind = to.rpartition("-")[0]
        if kind == "nodata":
            await say(b"554 no data from you")
            return
        await say(b"354 go on")
        if kind == "cut-data" and self._once(to):
            raise _Cut
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        if not to:
            assert not lines, "a message for nobody"
            await say(b"554 5.5.1 no valid recipient")
            return
        await self._end(sender, to, b"".join(lines), say)

    async def _end(self, sender: str, to: str, content: bytes, say: _Say) -> None:
        if self.pause:
            await asyncio.sleep(self.pause)
        kind = to.rpartition("-")[0]
        if kind == "busy":
            await say(b"451 4.3.0 try later")
            return
        if kind == "spam":
            await say(b"554 5.7.1 looks like spam")
            return
        self.keep(Kept(sender, to, content))
        match kind:
            case "cut-dot" if self._once(to):
                raise _Cut
            case "cut-always":
                raise _Cut
            case "garbage-dot" if self._once(to):
                await say(b"\xff\xfe ok?")
            case "stall-dot":
                await asyncio.sleep(60)
            case _:
                await say(self.accepted)

    def keep(self, kept: Kept) -> None:
        """The message is ours from here on."""
        self.kept.append(kept)
