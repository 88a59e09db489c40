"""Who calls, and how often: the doors of the desk (digest/web/doors.py), with a pace for each token.

A token comes in the header Authorization (RFC 6750) and nowhere else: an address ends up in logs. It may do what both
its scopes and its owner's role allow; in whose name an act is noted is the owner's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, Final

from fastapi import Depends, Request

from digest.model import Permission
from digest.web.api.problems import Problem
from digest.web.doors import Doors, Needs, Refused, Visit, visit_of
from digest.web.limits import Limit, sender_of

Caller = Annotated[Visit, Depends(visit_of)]

_MINUTE: Final = timedelta(minutes=1)
_WRONG: Final = 120  # tokens that are none, in an hour from one address, before nothing is looked up for it
_TOKENS: Final = 1000  # counted at a time


class Gate:
    """What stands before every operation of the API. May be shared by threads.

    Args:
        doors: who somebody is, and what they may do.
        clock: the time.
        most: requests of one token in a minute.
    """

    def __init__(self, doors: Doors, clock: Callable[[], datetime], most: int) -> None:
        self.doors = doors
        self.most = most
        self._clock = clock
        self._wrong = Limit(_WRONG)
        self._lock = Lock()
        self._left: OrderedDict[int, tuple[float, datetime]] = OrderedDict()

    async def pace(self, request: Request, enter: Callable[[Request], Awaitable[None]]) -> None:
        """Let somebody in, unless they come too often.

        Raises:
            Refused: the doors do not let them in.
            Problem: 429.
        """
        sender = sender_of(request.client.host if request.client else "")
        if self._wrong.full(sender, self._clock()):
            raise Problem("too-many", "Too many tokens that are none.", headers={"Retry-After": "3600"})
        try:
            await enter(request)
        except Refused as refused:
            if refused.status == 401 and request.headers.get("authorization"):
                self._wrong.take(sender, self._clock())
            raise
        token = visit_of(request).token
        if token is not None and (wait := self._take(token.id)):
            raise Problem(
                "too-many",
                f"This token made more than {self.most} requests within a minute.",
                f"wait {wait} s",
                headers={"Retry-After": str(wait)},
            )

    def _take(self, token: int) -> int:
        """Count one request; 0, or the seconds to wait when there were too many. A bucket that fills by itself."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(token, (float(self.most), now))
            left = min(float(self.most), left + self.most * max((now - since) / _MINUTE, 0.0))
            enough = left >= 1
            self._left[token] = (left - 1 if enough else left, now)
            self._left.move_to_end(token)
            while len(self._left) > _TOKENS:
                self._left.popitem(last=False)
        return 0 if enough else max(1, round((1 - left) * 60 / self.most))


class Passed(Needs):
    """As `Needs`, asked before the body is read, and once."""

    def __init__(self, gate: Gate, permission: Permission | None) -> None:
        super().__init__(gate.doors, permission, console=False)
        self._gate = gate

    async def before(self, request: Request) -> None:
        """Let somebody in.

        Raises:
            Refused: they are not.
            Problem: they come too often.
        """
        if self.permission is not None:
            await self._gate.pace(request, super().__call__)

    async def __call__(self, request: Request) -> None:
        """What FastAPI calls, after `before` has let them in."""
