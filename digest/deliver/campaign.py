"""The campaign: each copy is claimed, then sent, then recorded; nobody is left out, and nobody gets it twice.

    claim | make | send | record

Several sessions do this side by side. A copy's body leaves only after a commit that says so; the same commit records
the session's last copy and claims its next one, whose envelope may then leave with the end of this one. Commits that
sessions ask for at the same time are one commit. So after a crash, in doubt is only the copy whose body was out: one
per session. Knows nothing of SQL, MIME or SMTP codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from digest.deliver.books import Bookkeeper
from digest.deliver.fields import mailbox
from digest.deliver.ledger import Ledger
from digest.deliver.pace import Paces, speaks_of_load
from digest.deliver.policy import Breaker, Policy
from digest.deliver.report import Progress, Report
from digest.deliver.tally import Tally, unmade, untried
from digest.deliver.transport import Envelope, Session, Transport
from digest.errors import AddressError, DeliveryError, StoreError
from digest.model import Accepted, Claim, Deferred, Outcome, Reply, Skipped, Uncertain

_NO_REPLY = (0, 421)  # nothing was said, or only that the server shuts the channel (RFC 5321, 3.8)
_SHORTEST_WAIT = timedelta(milliseconds=50)
_A_LOOK = timedelta(seconds=1)
_KEPT_OPEN = timedelta(seconds=2)  # who waits for a copy's slot for less than this keeps the connection


async def run(
    ledger: Ledger,
    transport: Transport,
    make: Callable[[Claim], Envelope | Skipped],
    *,
    clock: Callable[[], datetime],
    policy: Policy | None = None,
    revision: int = 0,
    began: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: asyncio.Event | None = None,
    share: Callable[[], float] | None = None,
    others: Callable[[], bool] | None = None,
    chance: Callable[[], float] = random.random,
) -> Report:
    """Send what is due of a campaign, until all is done, or nothing falls due within the policy's `linger`.

    A copy whose making raises is recorded as refused, as a fault of ours, and the rest goes on. When `stop` is set, or
    the task is cancelled (Ctrl-C under `asyncio.run`), no further copy is claimed; those in flight are finished and
    recorded. The caller sees to it that only one sender runs per installation.

    Args:
        ledger: the record; its blocking calls run in one worker thread.
        transport: what carries messages; entered and left here.
        make: a claim's message, or why it is skipped. Its recipient must be the claim's.
        clock: the time now, aware.
        policy: see `Policy`.
        revision: the revision that is sent; recorded with each copy.
        began: when the campaign began, for giving up; the start of this run when None.
        progress: told how far it has come, at most ten times a second, and at the end.
        stop: asks the run to end.
        share: the part of the policy's rate that is this run's, where several keep it together; None: all of it.
        others: whether copies beyond this ledger wait for a sender: then this run ends rather than wait; may block.
        chance: numbers in [0, 1) that spread retries.

    Raises:
        DeliveryError: the transport cannot be used at all; raised once, after copies in flight are recorded.
        StoreError: the ledger failed; what could not be recorded will be found in doubt at the next start.
    """
    policy = policy or Policy()
    with (
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger") as thread,
        ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="sign") as signers,
    ):
        return await _Run(
            ledger=ledger,
            transport=transport,
            make=make,
            clock=clock,
            policy=policy,
            signers=signers,
            revision=revision,
            began=began or clock(),
            progress=progress or (lambda _progress: None),
            share=share,
            others=others or (lambda: False),
            chance=chance,
            thread=thread,
        ).run(stop)


class _Run:
    """One run of a campaign: its counters, its sessions, and why it ends."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        transport: Transport,
        make: Callable[[Claim], Envelope | Skipped],
        clock: Callable[[], datetime],
        policy: Policy,
        signers: ThreadPoolExecutor,
        revision: int,
        began: datetime,
        progress: Callable[[Progress], None],
        share: Callable[[], float] | None,
        others: Callable[[], bool],
        chance: Callable[[], float],
        thread: ThreadPoolExecutor,
    ) -> None:
        self._ledger = ledger
        self._transport = transport
        self._make = make
        self._clock = clock
        self._policy = policy
        self._signers = signers
        self._paces = Paces(policy.rate, policy.limits, first=0.0 if share else 1.0)
        self._share = share
        self._others = others
        self._tally = Tally(policy, clock=clock, revision=revision, began=began, tell=progress, chance=chance)
        self._books = Bookkeeper(ledger, clock, thread, sessions=transport.sessions)
        self._breaker = Breaker(policy)
        self._gate = asyncio.Lock()  # while the breaker is open, one session tries and the others wait
        self._line = asyncio.Lock()  # where copies wait for their slots, one session waits with them
        self._ending = asyncio.Event()
        self._stopped = ""
        self._failure: Exception | None = None
        self._dry = False  # in this round nothing was due any more

    async def run(self, stop: asyncio.Event | None) -> Report:
        resend = self._policy.uncertain == "resend"
        recovered = await self._books.call(self._ledger.recover, self._clock(), resend=resend)
        watch = asyncio.create_task(self._watch(stop)) if stop is not None else None
        try:
            async with self._transport:
                await self._rounds()
        finally:
            if watch is not None:
                watch.cancel()
            await self._books.finish()
        if self._failure is not None:
            raise self._failure
        self._tally.progress()
        due = await self._books.call(self._ledger.next_due)
        return self._tally.report(recovered=recovered, next_due=due, stopped=self._stopped)

    async def _rounds(self) -> None:
        """Send all that is due; wait for what falls due soon; again."""
        while True:
            await self._round()
            wait = _A_LOOK
            while wait >= _A_LOOK:  # a pause of the edition is seen while nothing is due, too
                if (due := await self._next_due()) is None:
                    return
                wait = max(due - self._clock(), _SHORTEST_WAIT)
                if wait > self._policy.linger:
                    return
                await self._sleep(min(wait, _A_LOOK), "for copies that were deferred")

    async def _next_due(self) -> datetime | None:
        """When the next copy falls due that this run is to wait for."""
        if self._ending.is_set() or await self._books.call(self._others):
            return None
        return await self._books.call(self._ledger.next_due)

    async def _round(self) -> None:
        """All sessions side by side, until each finds nothing due."""
        self._dry = False
        sessions = asyncio.gather(*(self._session() for _ in range(self._transport.sessions)))
        try:
            await asyncio.shield(sessions)
        except asyncio.CancelledError:
            self._end("it was interrupted")
            await sessions  # copies in flight end as they would; cancelled once more, they are left in doubt
            raise

    async def _session(self) -> None:
        """Claim, make, send, record, over and over on one connection."""
        session = self._transport.session()
        try:
            while True:
                taken = await self._take()
                if taken is None and self._dry and self._paces.limits_domains:
                    taken = await self._await_slot()
                if taken is None:
                    if self._dry or self._ending.is_set():
                        return
                    taken = await self._probe(session)
                while taken is not None:
                    taken = await self._carry(session, *taken)
        except Exception as error:  # noqa: BLE001 - one session's failure ends the run, after the others have finished
            self._fail(error)
        finally:
            await session.close()

    async def _take(self, leaving: int | None = None) -> tuple[Claim, Envelope] | None:
        """Commit whose body leaves; claim and make the next copy. None: there is none for now.

        Who is about to let a body leave waits for no pace and no other copy: its next one comes later, alone.
        """
        while True:
            if self._share is not None:
                self._paces.hold(self._share())
            want = not self._ending.is_set() and not self._breaker.is_open
            if want and (wait := self._paces.whole.take(self._now())):
                if leaving is None:
                    await self._sleep(timedelta(seconds=wait))
                    continue
                want = False
            if not want and leaving is None:
                return None
            claim = await self._books.exchange(want=want, leaving=leaving)
            if claim is None:
                self._dry = self._dry or want
                return None
            made = await self._made(claim)
            if isinstance(made, Envelope):
                return claim, made
            self._note(claim, made)
            if isinstance(made, Deferred) and made.until is not None:
                self._paces.whole.put_back()
            if leaving is not None:
                return None

    async def _await_slot(self) -> tuple[Claim, Envelope] | None:
        """Wait on an open connection, one session at a time, for a copy whose slot comes soon; None: there is none."""
        async with self._line:
            least = timedelta(0)
            while (due := await self._next_due()) is not None:
                wait = max(due - self._clock(), least)
                if wait >= _KEPT_OPEN:
                    break
                await self._sleep(wait)
                self._dry = False
                taken = await self._take()
                if taken is not None or not self._dry:
                    return taken
                least = _SHORTEST_WAIT
            self._dry = True
        return None

    async def _probe(self, session: Session) -> tuple[Claim, Envelope] | None:
        """While the server seems down: wait, then try one copy, one session at a time."""
        async with self._gate:
            pause = self._breaker.pause
            if pause > self._policy.linger:
                self._end(f"the server does not answer: {self._breaker.last}")
            if not pause or self._dry or self._ending.is_set():
                return None
            await self._sleep(pause, f"for the server: {self._breaker.last}")
            claim = None if self._ending.is_set() else await self._books.exchange(want=True)
            if claim is None:
                self._dry = True
                return None
            made = await self._made(claim)
            if not isinstance(made, Envelope):
                self._note(claim, made)
                return None
            return await self._carry(session, claim, made, probe=True)

    async def _carry(
        self, session: Session, claim: Claim, envelope: Envelope, *, probe: bool = False
    ) -> tuple[Claim, Envelope] | None:
        """Send a copy, and note what became of it. The copy that was claimed when its body left, if any."""
        following: tuple[Claim, Envelope] | None = None

        async def leaving() -> Envelope | None:
            nonlocal following
            following = await self._take(claim.delivery)
            return following[1] if following else None

        try:
            outcome = await session.send(envelope, leaving)
        except DeliveryError as error:
            self._fail(error)
            self._note(claim, untried(error))
            return following
        if type(outcome) is Accepted:
            self._breaker.note(failed=False)
            self._note(claim, outcome, envelope.items)
            return following
        reply = outcome.reply if not isinstance(outcome, Skipped) else Reply(code=0)
        failed = isinstance(outcome, Deferred | Uncertain) and reply.code in _NO_REPLY
        if isinstance(outcome, Deferred) and speaks_of_load(reply):
            self._paces.slow_down(claim.address, self._now())
        self._breaker.note(failed=failed, said=str(reply) if failed else "", probe=probe)
        self._note(claim, outcome, envelope.items)
        return following

    async def _made(self, claim: Claim) -> Envelope | Outcome:
        """The message of a claim, or what becomes of the claim without one."""
        if wait := self._paces.room(claim.address, self._now()):
            return untried("its domain has no room", self._clock() + timedelta(seconds=wait))
        try:
            made = self._make(claim)
            if isinstance(made, Envelope) and made.recipient != mailbox(claim.address):
                return unmade(f"the copy is addressed to {made.recipient!r}, not to {claim.address!r}", ours=True)
            if isinstance(made, Envelope) and self._transport.sign is not None:
                signing = asyncio.get_running_loop().run_in_executor(self._signers, self._transport.sign, made.content)
                made = made._replace(content=await signing)
        except StoreError as error:
            self._fail(error)
            return untried(error)
        except AddressError as error:
            return unmade(str(error), ours=False)
        except Exception as error:  # noqa: BLE001 - one reader's copy must not stop the others'; the row says what happened
            return unmade(f"the copy could not be made: {type(error).__name__}: {error}", ours=True)
        return made

    def _note(self, claim: Claim, outcome: Outcome, items: bytes = b"") -> None:
        """Record what became of a copy: at once, not only when its session asks for something."""
        self._books.note(self._tally.record(claim, outcome, items))
        if self._tally.too_faulty:
            self._end(self._tally.too_faulty)

    def _end(self, why: str) -> None:
        self._stopped = self._stopped or why
        self._ending.set()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._end(str(error))

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._end("it was asked to stop")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def _sleep(self, wait: timedelta, why: str = "") -> None:
        """Wait, unless the run ends meanwhile."""
        if why:
            self._tally.progress(wait, why)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), wait.total_seconds())
