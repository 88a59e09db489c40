"""What may be used for a fetch, and what comes of it: values, no exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one fetch may use."""

    body: int = 10_000_000  # bytes, after decompression
    header: int = 65_536  # bytes of all header fields together
    redirects: int = 5
    total: float = 30.0  # seconds for all hops, without the wait for the host's turn
    connect: float = 5.0  # seconds to resolve a name, and again to connect
    read: float = 10.0  # seconds without a byte
    at_once: int = 32  # requests in all; per host it is one


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What every answer carries. `url` is the one that was asked for, `final` the one that answered."""

    url: str
    final: str
    moved_to: str = ""  # where permanent redirects lead (301, 308); told only when the target answered
    etag: str = ""
    last_modified: str = ""
    max_age: timedelta | None = None  # Cache-Control (RFC 9111)
    seconds: float = 0.0
    headers: Mapping[str, str] | None = None  # of the last hop, lower-case names


@dataclass(frozen=True, kw_only=True)
class Fetched(Answer):
    """A body, decompressed."""

    body: bytes
    content_type: str = ""  # without parameters, lower case
    charset: str = ""  # as the header says, lower case


@dataclass(frozen=True, kw_only=True)
class NotModified(Answer):
    """Nothing has changed since the validators that were sent (304)."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """It was taken away for good (410)."""

    url: str
    final: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """No answer that can be used.

    `reason` is one of: forbidden (never asked), redirect, name, connect, tls, time, size, encoding, protocol, status.
    """

    url: str
    reason: str
    what: str  # a sentence for the operator
    status: int = 0
    retry_after: timedelta | None = None  # RFC 9110, 10.2.3


Result = Fetched | NotModified | Gone | Failed


class Stop(Exception):  # noqa: N818 - ends a hop from within; never leaves this package
    """Why there is no answer, on its way to `Failed`."""

    def __init__(self, reason: str, what: str, *, status: int = 0, retry_after: timedelta | None = None) -> None:
        super().__init__(what)
        self.reason, self.what, self.status, self.retry_after = reason, what, status, retry_after
