"""A transport that tells how long each message took, for who counts; what carries them knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Self

from digest.deliver.transport import Envelope, Leaving, Session, Transport, alone
from digest.model import Outcome


class TimedTransport:
    """The same transport, timed.

    Args:
        transport: what carries.
        took: told the seconds from the envelope to the server's last reply, of each message.
    """

    def __init__(self, transport: Transport, took: Callable[[float], None]) -> None:
        self._transport = transport
        self._took = took
        self.sessions = transport.sessions
        self.sign = transport.sign

    def session(self) -> Session:
        """A new session, not yet connected."""
        return _TimedSession(self._transport.session(), self._took)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)


class _TimedSession:
    def __init__(self, session: Session, took: Callable[[float], None]) -> None:
        self._session = session
        self._took = took
        self.close = session.close

    async def send(self, envelope: Envelope, leaving: Leaving = alone) -> Outcome:
        began = perf_counter()
        try:
            return await self._session.send(envelope, leaving)
        finally:
            self._took(perf_counter() - began)
