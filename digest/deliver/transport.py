"""What carries a message away: an SMTP server, or a Maildir until one is set."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from digest.model import Outcome


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """RFC 5321, 2.3.1: the reverse-path, the forward-path, and the message as it goes on the wire (CRLF line ends)."""

    sender: str
    recipient: str
    content: bytes


class Session(Protocol):
    """One connection of a transport; carries one message at a time."""

    async def send(self, envelope: Envelope) -> Outcome:
        """Carry one message; every end of it is a value. Opens or reopens the connection when needed."""
        ...

    async def close(self) -> None:
        """End the connection politely; never raises."""
        ...


class Transport(Protocol):
    """Opens sessions."""

    sessions: int  # how many may be open at once

    def session(self) -> Session:
        """A new session, not yet connected."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
