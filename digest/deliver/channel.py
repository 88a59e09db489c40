"""The connection's end at us: what is written leaves in one piece, replies come back in order.

aiosmtplib pairs one command with one reply and cannot pipeline (RFC 2920); so once it has connected, secured and
authenticated, this protocol takes its transport over. It knows replies, and nothing of what they answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from functools import lru_cache
from typing import Self

from digest.deliver.replies import reply
from digest.model import Reply

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?")
_CLOSING = 421  # RFC 5321, 3.8: after it, nothing is answered
_LONGEST_REPLY = 64 * 1024  # octets; RFC 5321, 4.5.3.1.5 asks for 512 a line


class Channel(asyncio.Protocol):
    """Commands out, replies in."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._lines: list[str] = []  # of a reply of several lines that is not yet whole
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0  # replies that the waiter waits for
        self._patience = 0.0  # seconds
        self._until = 0.0  # by the loop's clock: when the waiter's patience ends
        self._watch: asyncio.TimerHandle | None = None
        self._lost = ""  # why nothing more can be read

    @classmethod
    def take_over(cls, transport: asyncio.Transport) -> Self:
        """Become the protocol of an open connection on which no reply is due."""
        channel = cls(transport)
        transport.set_protocol(channel)
        return channel

    @property
    def is_open(self) -> bool:
        """Whether a command may still reach the server."""
        return not self._lost and not self._transport.is_closing()

    def write(self, *pieces: bytes) -> None:
        """Hand commands, or a message, to the operating system as one group; TCP_NODELAY is asyncio's default."""
        self._transport.writelines(pieces)

    def at_hand(self, count: int) -> list[Reply]:
        """The next replies, when so many are there already; none of them when not."""
        if len(self._replies) < count:
            return []
        take = self._replies.popleft
        return [take() for _ in range(count)]

    async def replies(self, count: int, timeout: float) -> list[Reply]:  # noqa: ASYNC109 - one watch for all waits: much cheaper
        """The next replies: `count` of them, or fewer, when the last is 421, or has code 0 and says why there is none.

        Each may take `timeout` seconds. After code 0 the channel is closed: what would come later could no longer be
        matched.
        """
        if len(self._replies) < count and not self._lost:
            await self._wait(count, timeout)
        found = self.at_hand(min(count, len(self._replies)))
        if len(found) < count and not (found and found[-1].code == _CLOSING):
            found.append(Reply(code=0, text=self._lost))
        return found

    def close(self) -> None:
        """End the connection without a word."""
        self._lose("closed by us")

    # ---- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Cut what came into replies (RFC 5321, 4.2)."""
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        *lines, self._buffer = data.split(b"\n")
        for line in lines:
            found = _read_line(line)
            if found is None:
                self._lose(f"Malformed SMTP response line: {line[:100].decode('ascii', 'replace').strip()}")
                return
            code, text, last = found
            if last and not self._lines:
                self._replies.append(reply(code, text))
                continue
            self._lines.append(text)
            if last:
                self._replies.append(reply(code, "\n".join(self._lines)))
                self._lines.clear()
        if self._waiter is not None:
            self._until = self._loop.time() + self._patience
            if len(self._replies) >= self._wanted or (self._replies and self._replies[-1].code == _CLOSING):
                self._wake()
        if (self._buffer or self._lines) and len(self._buffer) + sum(map(len, self._lines)) > _LONGEST_REPLY:
            self._lose("Malformed SMTP response: it does not end")

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or the way there, is gone."""
        self._lost = self._lost or f"Connection lost{f': {exc}' if exc else ''}"
        self._wake()

    async def _wait(self, count: int, patience: float) -> None:
        self._wanted, self._patience = count, patience
        self._until = self._loop.time() + patience
        if self._watch is None or self._watch.when() > self._until:
            self._look_again()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _look_again(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        """Whether somebody has been waiting too long: one timer a connection, and not one for each wait."""
        self._watch = None
        if self._waiter is None:
            return
        if self._loop.time() < self._until:
            self._look_again()
        else:
            self._lose(f"Timed out after {self._patience:g} seconds")

    def _lose(self, why: str) -> None:
        self._lost = self._lost or why
        self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@lru_cache(maxsize=256)  # servers say the same few things again and again
def _read_line(line: bytes) -> tuple[int, str, bool] | None:
    """Code, text, and whether it is the last line of its reply; None when it is no line of a reply (RFC 5321, 4.2)."""
    match = _LINE.fullmatch(line.rstrip(b"\r"))
    return match and (int(match[1]), (match[3] or b"").decode("utf-8", "replace"), match[2] != b"-")
