"""What carries a message away: an SMTP server, or a Maildir until one is set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeAlias

from digest.model import Outcome


class Envelope(NamedTuple):  # and no dataclass: it takes a third of the time to make, for every copy
    """RFC 5321, 2.3.1: the reverse-path, the forward-path, and the message as it goes on the wire (CRLF line ends).

    `canonical` is the promise of who made the content that it needs no look any more: ASCII, every line end CRLF, the
    last line ended, no line that starts with a dot. `message` makes nothing else. Looking costs more than sending.

    `items` says what is in it, for the record alone: nobody here reads it.
    """

    sender: str
    recipient: str
    content: bytes
    canonical: bool = False
    items: bytes = b""


Leaving: TypeAlias = Callable[[], Awaitable[Envelope | None]]


async def alone() -> Envelope | None:
    """Nothing to do before the body leaves, and no copy after this one."""
    return None


class Session(Protocol):
    """One connection of a transport; carries one message at a time."""

    async def send(self, envelope: Envelope, leaving: Leaving = alone) -> Outcome:
        """Carry one message; every end of it is a value. Opens or reopens the connection when needed.

        `leaving` is awaited once, at the last moment at which the server cannot yet have the message: when it returns,
        the body goes. It answers with the envelope that will be sent next, if that is known, so that a session can
        write it together with the end of this one. When it is not awaited, nothing was handed over.
        """
        ...

    async def close(self) -> None:
        """End the connection politely; never raises."""
        ...


class Transport(Protocol):
    """Opens sessions."""

    sessions: int  # how many may be open at once
    sign: Callable[[bytes], bytes] | None  # puts a signature on a message before it is sent; runs in threads

    def session(self) -> Session:
        """A new session, not yet connected."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
