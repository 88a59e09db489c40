"""How fast: a limit that holds, and gives way to a server that says "not so fast". Pure; time comes in as seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from digest.model import Reply

_LONGEST_WAIT: Final = 1.0  # seconds until somebody asks again: the share may have grown
_WHOLE: Final = 1 - 1e-9  # of a token: what comes exactly when it was told to is not a rounding error too early


@dataclass
class Pace:
    """Messages per second over all sessions: a bucket of tokens, whose rate gives way to a server that asks for it.

    Each "not now" that speaks of load halves the rate (at most once a second, from what really left in the second
    before); each second without one gives back a twentieth. Where no rate was set, the limit ends when it has grown to
    twice what it was first cut from. Times are seconds of any steady clock.
    """

    limit: float  # 0: none
    share: float = 1.0  # the part of the limit that is this sender's, where several keep it together
    saved: float = 0.1  # seconds' worth of messages that a pause saves up, at most
    least: float = 1.0  # messages that it saves up in any case
    first: float = 1.0  # messages that may leave at once
    _rate: float = field(default=0.0, init=False)  # now; 0: none
    _tokens: float = field(default=0.0, init=False)
    _at: float | None = field(default=None, init=False)  # when tokens were last counted
    _peak: float = field(default=0.0, init=False)  # what the rate was when it was cut; 0: it is not cut
    _cut: float = field(default=float("-inf"), init=False)  # when
    _left: float = field(default=0.0, init=False)  # messages of the last second, decaying

    def __post_init__(self) -> None:
        """Begin at the limit."""
        self._rate = self.limit
        self._tokens = self.first

    @property
    def rate(self) -> float:
        """The rate that holds now; 0: none."""
        return self._rate

    def take(self, now: float) -> float:
        """Take leave to send one message: 0 when given, else seconds after which to ask again."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._left *= max(0.0, 1 - passed)
        self._recover(passed)
        if self._rate:
            rate = self._rate * self.share if self.limit else self._rate
            # A limit is meant to be felt by the server: no burst beyond this.
            self._tokens = min(self._tokens + passed * rate, max(self.least, rate * self.saved))
            if self._tokens < _WHOLE:
                return min((1 - self._tokens) / rate, _LONGEST_WAIT) if rate else _LONGEST_WAIT
            self._tokens -= 1
        self._left += 1
        return 0.0

    def put_back(self) -> None:
        """The message whose leave was taken does not go."""
        self._tokens += 1
        self._left = max(0.0, self._left - 1)

    def slow_down(self, now: float) -> None:
        """The server asked for it."""
        if now - self._cut < 1:
            return
        base = min(self._rate or self._left, max(self._left, 1.0))
        self._peak = max(self._peak, base)
        self._rate = max(base / 2, min(1.0, self.limit or 1.0))
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


@dataclass(frozen=True, kw_only=True)
class DomainRate:
    """Messages per second to some domains together: a provider has often more than one."""

    domains: tuple[str, ...]
    rate: float


class Paces:
    """The pace of all messages, and within it that of each group of recipient domains.

    A group that has no room says when it will have: each copy that asks gets a slot of its own, as far apart as the
    limit has it. Slots are hints, by which copies that wait come back one by one; it is the bucket that decides then.
    So they need not know what part of the limit is ours, or that the server asked to slow down.
    """

    def __init__(self, rate: float, limits: Sequence[DomainRate] = (), *, first: float = 1.0) -> None:
        """`first`: messages that may leave at once; 0 where run follows run, and each would have its own."""
        self.whole = Pace(rate, first=first)
        self._groups: dict[str, _Group] = {}
        for limit in limits:
            self._groups |= dict.fromkeys(map(str.lower, limit.domains), _Group(limit.rate, first))

    @property
    def limits_domains(self) -> bool:
        """Whether any copy may have to wait for its domain."""
        return bool(self._groups)

    def hold(self, share: float) -> None:
        """Only this part of each limit is ours from now on."""
        for pace in (self.whole, *(group.pace for group in self._groups.values())):
            pace.share = share

    def room(self, address: str, now: float) -> float:
        """Take leave of the address's group: 0 when given, or nothing limits it; else seconds until its slot."""
        group = self._group(address)
        return group.take(now) if group else 0.0

    def slow_down(self, address: str, now: float) -> None:
        """A server asked for it, about a copy to that address: its group is meant, if it has one."""
        group = self._group(address)
        (group.pace if group else self.whole).slow_down(now)

    def _group(self, address: str) -> _Group | None:
        return self._groups.get(address.rpartition("@")[2].lower()) if self._groups else None


class _Group:
    """Domains with a limit of their own."""

    def __init__(self, rate: float, first: float) -> None:
        # Copies come back for their slots a little late, now and then: what they miss meanwhile is saved up for them.
        self.pace = Pace(rate, saved=0.2, least=2.0, first=first)
        self._slot = 0.0  # the last that was given

    def take(self, now: float) -> float:
        wait = self.pace.take(now)
        if not wait:
            return 0.0
        self._slot = max(self._slot + 1 / self.pace.limit, now + wait)
        return self._slot - now


def speaks_of_load(reply: Reply) -> bool:
    """Whether a "not now" speaks of us or of the server, and not of one mailbox or address (RFC 3463: x.1, x.2)."""
    return reply.code == 421 or (reply.code // 100 == 4 and reply.status.split(".")[1:2] not in (["1"], ["2"]))
