"""When to try again, when to give up, when to pause, when to stop: pure decisions over numbers and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from digest.deliver.pace import DomainRate

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a campaign behaves when not all goes well.

    The delays: the first are short, for greylisting and for a relay that is only busy; from the fourth on they keep
    RFC 5321's half hour (4.5.4.1). The last one repeats.
    """

    delays: tuple[timedelta, ...] = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, 60 * _MINUTE, 120 * _MINUTE)
    spread: float = 0.2  # of a delay, at random, so that copies deferred together do not come back together
    attempts: int = 200  # then a copy that the server keeps deferring is given up, if its age has not decided before
    give_up_after: timedelta = timedelta(days=4)  # since the campaign began; RFC 5321, 4.5.4.1: four to five days
    least_attempts: int = 3  # before age decides: after a long outage, greylisting must not end a copy at its first try
    linger: timedelta = 2 * _MINUTE  # the longest that a run waits at a stretch, for a copy or for the server
    uncertain: Literal["resend", "hold"] = "resend"  # a copy that may have arrived: again, or wait for an operator
    resends: int = 2  # in one run; what is in doubt more often is held, so that nobody gets it many times
    failures: int = 5  # in a row without a reply: the server is down, and all sessions pause
    pause: timedelta = timedelta(seconds=1)  # the first; each failed try doubles it
    longest_pause: timedelta = timedelta(minutes=5)
    rate: float = 0.0  # messages per second over all sessions; 0: as fast as the server takes them
    limits: tuple[DomainRate, ...] = ()  # per second over all sessions, to some domains
    fault_share: float = 0.05  # of answered copies refused for our own faults (5.7.x ...): beyond it the run stops
    fault_count: int = 5  # but not for fewer than these

    @classmethod
    def by_hand(cls, uncertain: Literal["resend", "hold"] = "resend") -> Policy:
        """For a run that a person watches: the first delays take seconds."""
        short = (timedelta(seconds=5), timedelta(seconds=20), _MINUTE)
        return cls(delays=(*short, *cls().delays[1:]), uncertain=uncertain)


def again_at(attempts: int, now: datetime, policy: Policy, chance: float) -> datetime:
    """When a copy that was deferred at its attempt number `attempts` (from 1) is tried again.

    `chance` in [0, 1) places it within the spread round the delay: 0.5 is the delay itself.
    """
    delay = policy.delays[min(attempts, len(policy.delays)) - 1]
    return now + delay * (1 + policy.spread * (chance - 0.5))


def gives_up(attempts: int, now: datetime, began: datetime, policy: Policy) -> bool:
    """Whether a copy that a server answered with "not now" has been tried enough."""
    old = now - began >= policy.give_up_after and attempts >= policy.least_attempts
    return old or attempts >= policy.attempts


def too_many_faults(faults: int, answered: int, policy: Policy) -> bool:
    """Whether so many answered copies were refused for our own faults that going on would only do harm."""
    return faults >= policy.fault_count and faults > policy.fault_share * answered


@dataclass
class Breaker:
    """Counts failures in a row, of all sessions; at the limit it opens, and the run pauses instead of hammering.

    One reply of the server, whatever it says, closes it. While it is open, each failure of the one session that
    tries doubles the pause. `last` is what the last failure said.
    """

    policy: Policy
    last: str = ""
    _failures: int = field(default=0, init=False)

    @property
    def is_open(self) -> bool:
        """Whether the run pauses."""
        return self._failures >= self.policy.failures

    @property
    def pause(self) -> timedelta:
        """How long to wait before the next try; zero while closed."""
        beyond = self._failures - self.policy.failures
        if beyond < 0:
            return timedelta(0)
        return min(self.policy.pause * (1 << min(beyond, 20)), self.policy.longest_pause)

    def note(self, *, failed: bool, said: str = "", probe: bool = False) -> None:
        """What a try came to. Once open, only the session that probes counts: the others failed together."""
        if not failed:
            self._failures = 0
        elif probe or self._failures < self.policy.failures:
            self._failures += 1
            self.last = said
