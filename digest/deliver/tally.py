"""What a run has come to so far: each outcome as the policy sees it, counted, and told to who watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from digest.deliver.policy import Policy, again_at, gives_up, too_many_faults
from digest.deliver.report import Progress, Report
from digest.model import Accepted, Claim, Deferred, Outcome, Record, Refused, Reply, Skipped, Uncertain

_PROGRESS_EVERY = timedelta(milliseconds=100)
_KEPT_REFUSALS = 20
_KINDS = {
    "accepted": Accepted,
    "deferred": Deferred,
    "refused": Refused,
    "uncertain": Uncertain,
    "skipped": Skipped,
}


class Tally:
    """Turns outcomes into records, and counts them.

    Args:
        policy: when to try again, and when to give up.
        clock: the time now, aware.
        revision: the revision that is sent; it stands in each record.
        began: when the campaign began, for giving up.
        tell: told how far it has come, at most ten times a second, and at the end.
        chance: numbers in [0, 1) that spread retries.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], datetime],
        revision: int,
        began: datetime,
        tell: Callable[[Progress], None],
        chance: Callable[[], float],
    ) -> None:
        self.too_faulty = ""  # why a person must look before the run goes on
        self._policy = policy
        self._clock = clock
        self._revision = revision
        self._began = began
        self._tell = tell
        self._chance = chance
        self._counts: Counter[type[Outcome]] = Counter()
        self._faults = 0
        self._doubts: Counter[int] = Counter()  # by delivery: how often its end was unknown
        self._refusals: dict[str, None] = {}
        self._told: datetime | None = None  # when progress was told last, and until when that is enough
        self._told_until = began

    def record(self, claim: Claim, outcome: Outcome, items: bytes = b"") -> Record:
        """What to write down of a copy."""
        now = self._clock()
        again: datetime | None = None
        if isinstance(outcome, Deferred) and outcome.until is not None:
            again = outcome.until  # not counted: nothing was tried
        else:
            if not isinstance(outcome, Accepted):
                outcome, again = self._seen_by_policy(claim, outcome, now)
            self._counts[type(outcome)] += 1
        if self._told is None or not self._told <= now < self._told_until:  # a clock may jump
            self._told, self._told_until = now, now + _PROGRESS_EVERY
            self.progress()
        return Record(
            delivery=claim.delivery, outcome=outcome, at=now, revision=self._revision, again_at=again, items=items
        )

    def progress(self, waiting: timedelta = timedelta(0), why: str = "") -> None:
        """Tell how far it has come, and what it waits for."""
        self._tell(Progress(**self._numbers(), waiting=waiting, why=why))

    def report(self, *, recovered: int, next_due: datetime | None, stopped: str) -> Report:
        """What the run came to."""
        return Report(
            **self._numbers(),
            recovered=recovered,
            next_due=next_due,
            stopped=stopped,
            faulty=bool(self.too_faulty),
            refusals=tuple(self._refusals),
        )

    def _numbers(self) -> dict[str, int]:
        return {name: self._counts[kind] for name, kind in _KINDS.items()}

    def _seen_by_policy(self, claim: Claim, outcome: Outcome, now: datetime) -> tuple[Outcome, datetime | None]:
        """The outcome that is recorded, and when to try again."""
        policy = self._policy
        if isinstance(outcome, Refused):
            self._note_refusal(outcome)
        elif isinstance(outcome, Uncertain) and policy.uncertain == "resend":
            self._doubts[claim.delivery] += 1
            if self._doubts[claim.delivery] <= policy.resends:
                return Deferred(reply=outcome.reply), again_at(1, now, policy, self._chance())
        elif isinstance(outcome, Deferred):
            reply = outcome.reply
            if reply.code and gives_up(claim.attempts, now, self._began, policy):
                text = f"given up after {claim.attempts} attempts: {reply.text}"
                return Refused(reply=Reply(code=reply.code, status=reply.status, text=text), ours=True), None
            # Where nobody answered, the fault is not the address's: the breaker, not its count, sets the pace.
            attempts = claim.attempts if reply.code else 1
            return outcome, again_at(attempts, now, policy, self._chance())
        return outcome, None

    def _note_refusal(self, refused: Refused) -> None:
        if len(self._refusals) < _KEPT_REFUSALS:
            self._refusals.setdefault(str(refused.reply))
        self._faults += refused.ours
        answered = self._counts[Accepted] + self._counts[Refused] + 1
        if refused.ours and too_many_faults(self._faults, answered, self._policy):
            self.too_faulty = f"{self._faults} of {answered} copies were refused for a fault of ours: {refused.reply}"


def unmade(why: str, *, ours: bool) -> Refused:
    """What becomes of a copy that could not be made."""
    return Refused(reply=Reply(code=0, text=why[:500]), ours=ours)


def untried(why: object, until: datetime | None = None) -> Deferred:
    """What becomes of a copy that could not be tried; `until` where a limit left it no room before."""
    return Deferred(reply=Reply(code=0, text=str(why)[:500]), until=until)
