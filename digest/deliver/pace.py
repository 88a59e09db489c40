"""How fast: a limit that holds, and gives way to a server that says "not so fast". Pure; time comes in as seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from digest.model import Reply

_LONGEST_WAIT: Final = 1.0  # seconds until somebody asks again: the share may have grown


@dataclass
class Pace:
    """Messages per second over all sessions: a bucket of tokens, whose rate gives way to a server that asks for it.

    Each "not now" that speaks of load halves the rate (at most once a second, from what really left in the second
    before); each second without one gives back a twentieth. Where no rate was set, the limit ends when it has grown to
    twice what it was first cut from. Times are seconds of any steady clock.
    """

    limit: float  # 0: none
    share: float = 1.0  # the part of the limit that is this sender's, where several keep it together
    _rate: float = field(default=0.0, init=False)  # now; 0: none
    _tokens: float = field(default=1.0, init=False)
    _at: float = field(default=0.0, init=False)  # when tokens were last counted
    _peak: float = field(default=0.0, init=False)  # what the rate was when it was cut; 0: it is not cut
    _cut: float = field(default=float("-inf"), init=False)  # when
    _left: float = field(default=0.0, init=False)  # messages of the last second, decaying

    def __post_init__(self) -> None:
        """Begin at the limit."""
        self._rate = self.limit

    @property
    def rate(self) -> float:
        """The rate that holds now; 0: none."""
        return self._rate

    def take(self, now: float) -> float:
        """Take leave to send one message: 0 when given, else seconds after which to ask again."""
        passed = max(0.0, now - self._at)
        self._at = now
        self._left *= max(0.0, 1 - passed)
        self._recover(passed)
        if self._rate:
            rate = self._rate * self.share if self.limit else self._rate
            # No burst beyond a tenth of a second's worth: a limit is meant to be felt by the server.
            self._tokens = min(self._tokens + passed * rate, max(1.0, rate / 10))
            if self._tokens < 1:
                return min((1 - self._tokens) / rate, _LONGEST_WAIT) if rate else _LONGEST_WAIT
            self._tokens -= 1
        self._left += 1
        return 0.0

    def slow_down(self, now: float) -> None:
        """The server asked for it."""
        if now - self._cut < 1:
            return
        base = min(self._rate or self._left, max(self._left, 1.0))
        self._peak = max(self._peak, base)
        self._rate = max(base / 2, 1.0)
        self._tokens = min(self._tokens, 1.0)
        self._cut = now

    def _recover(self, passed: float) -> None:
        if not self._peak:
            return
        self._rate += self._peak / 20 * passed
        if self.limit and self._rate >= self.limit:
            self._rate, self._peak = self.limit, 0.0
        elif not self.limit and self._rate >= 2 * self._peak:
            self._rate = self._peak = 0.0


def speaks_of_load(reply: Reply) -> bool:
    """Whether a "not now" speaks of us or of the server, and not of one mailbox or address (RFC 3463: x.1, x.2)."""
    return reply.code == 421 or (reply.code // 100 == 4 and reply.status.split(".")[1:2] not in (["1"], ["2"]))
