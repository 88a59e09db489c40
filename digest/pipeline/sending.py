"""The sending of a campaign, by one process or a crew of them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from digest.deliver import (
    Child,
    DomainRate,
    Fence,
    Halt,
    Policy,
    Progress,
    Report,
    Standing,
    Transport,
    run_crew,
    run_in_loop,
    together,
)
from digest.deliver import run as run_campaign
from digest.errors import StateError, StoreError
from digest.model import Edition, EditionState, Preferences
from digest.pipeline.holding import Hold
from digest.pipeline.messages import Messages
from digest.settings import Settings
from digest.store import Campaign, Lease, RefusalPolicy, Span, Store

COPIES_PER_SENDER: Final = 2500  # fewer are sent before a second process has begun
TAKEN_OVER: Final = "another took the range over"
_CHECK_EVERY: Final = 60.0  # seconds
_LOOK_AGAIN: Final = 0.5  # seconds between two looks at what others still send
SENDING: Final = "sending"  # what only one process of an installation does at a time


class Sending:
    """Sends what is due of a campaign, or of a range of it.

    Args:
        settings: the publication's.
        store: the publication's.
        messages: makes each copy.
        transport: what carries messages, made for each run, with so many sessions at once (0: as settings have it).
        sender: how a process is started that sends a range: (edition, range, its place, of how many).
        fence: keeps a copy of this installation from sending.
        standing: what this installation is, and how far its sending has come: what no copy of it may have.
        clock: the time.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        messages: Messages,
        transport: Callable[[int], Transport],
        sender: Callable[[str, Span, int, int], Child],
        fence: Fence,
        standing: Callable[[], Standing],
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.store = store
        self.messages = messages
        self.transport = transport
        self.sender = sender
        self.fence = fence
        self.standing = standing
        self._checked: float | None = None  # when the fence was asked last, by a steady clock
        self.clock = clock

    def deliver(
        self,
        edition_id: str,
        *,
        only: Collection[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Halt | None = None,
    ) -> Report:
        """Send what is due of an edition's campaign; begin the campaign when it has not begun.

        Where several machines may send, this process takes part: it sends one range after the other, and comes back
        when nothing is due any more, whoever sent it.

        Args:
            edition_id: of an approved edition, or of one that is being sent.
            only: addresses; the others stay queued.
            progress: told how far this process has come.
            stop: asks the run to end, from any thread.

        Raises:
            Busy: another process of this installation is sending (and cannot be joined).
            DeliveryError: the transport cannot be used at all.
            StateError: the edition is not approved, or was sent; or this is a copy of the installation.
        """
        halt = Halt() if stop is None else stop
        if self.store.shared and only is None:
            return self._take_part(edition_id, progress or (lambda _progress: None), halt)
        with self.store.hold(SENDING):
            campaign = self._begin(edition_id, everyone=only is None)
            try:
                parts = self._senders(campaign.audience) if only is None else 1
                spans = self.store.campaigns.divide(edition_id, parts)
                if len(spans) > 1:
                    report = run_in_loop(self._crew(edition_id, spans, progress, halt))
                else:
                    report = self.deliver_range(edition_id, spans[0], only=only, progress=progress, stop=halt)
            finally:
                self.fence.note(self.standing())
            return self._finish(edition_id, report)

    def _begin(self, edition_id: str, *, everyone: bool = True) -> Campaign:
        """Begin a campaign, or go on with it."""
        self.fence.check(self.standing)
        revision = self.store.editions.approved(edition_id)
        key = self.messages.links.key_id
        with self.store.transaction():
            self.store.subscribers.wake(self.clock())
            self.store.campaigns.begin(edition_id, self.clock(), key_id=key)
            if everyone:  # from now on a scheduler goes on with it, should this process die
                edition = revision.edition
                self.store.runs.by_hand(edition.digest, edition.period, edition_id, self.clock())
        campaign = self.store.campaigns.start(  # not within that: an audience is frozen page by page
            edition_id, self.messages.message_id(edition_id), self.clock(), key_id=key, wait=self._wait
        )
        self.fence.note(self.standing())  # a backup from before this campaign is behind from now on
        return campaign

    def _finish(self, edition_id: str, report: Report) -> Report:
        """Note that an edition is sent, when it is; why it is not, where somebody stopped it."""
        if self.store.shared:
            self.fence.note(self.standing())  # how far it has come; before, `_check` notes it now and then
        state = self.store.editions.state(edition_id)
        if state in {EditionState.PAUSED, EditionState.CANCELLED}:
            return replace(report, stopped=report.stopped or f"the edition was {state}")
        if state is not EditionState.SENT:
            self.store.campaigns.finish(edition_id, self.clock())
        return report

    # ---- over several machines

    def hand_out(self, edition_id: str) -> tuple[int, ...]:
        """Begin an edition's campaign, or go on with it; where its ranges begin that are due and that nobody sends.

        Each is for `take_range`, by whatever process. An edition of which nothing is left is marked as sent.

        Raises:
            StateError: as `deliver`.
        """
        campaign = self._begin(edition_id)
        now = self.clock()
        if self.store.leases.done(edition_id):
            if self.store.campaigns.finish(edition_id, now):
                return ()
            # At the start, and for what an operator queued again.
            self.store.leases.spread(edition_id, -(-campaign.audience // self.settings.engine.copies) or 1, now)
        return self.store.leases.free(edition_id, now)

    def take_range(
        self,
        edition_id: str,
        first: int | None = None,
        *,
        stop: Halt,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report | None:
        """Take a range that is free, send what is due of it, and give it back; None: there is none to take.

        Args:
            edition_id: of an edition that `hand_out` was asked about.
            first: where the range begins; None for any.
            stop: asks the run to end; what is left of the range is free again then.
            progress: told how far it has come.

        Raises:
            DeliveryError: the transport cannot be used at all.
            StateError: this is a copy of the installation.
            StoreError: the store failed.
        """
        self._check()
        key = self.store.campaigns.get(edition_id).key_id
        if key and not self.messages.links.knows(key):
            raise StateError(
                "this machine", "without the key of the campaign", "send", "give all machines the same links.secret"
            )
        wanted, sessions = self.settings.engine, self.settings.mail.sessions
        lease = self.store.leases.take(edition_id, self.clock(), wanted.lease, first)
        if lease is None:
            return None
        hold = Hold(self.store, lease, seconds=wanted.lease, sessions=sessions, stop=stop, monotonic=time.monotonic)
        report = Report(stopped="it was asked to stop")
        try:
            with hold:
                if own := hold.sessions():
                    report = self.deliver_range(
                        edition_id,
                        lease.span,
                        stop=hold.halt,
                        progress=progress,
                        share=hold.share,
                        others=self._others(edition_id),
                        sessions=own,
                    )
        except StoreError:
            if not hold.lost:
                raise
        finally:
            self._give_back(lease)
        if hold.lost:  # whoever has it now goes on with it
            return Report(stopped=TAKEN_OVER)
        return self._finish(edition_id, report) if self.store.leases.done(edition_id) else report

    def _check(self) -> None:
        """Ask the fence whether this machine may send: now and then, since it counts all attempts of a campaign."""
        now = time.monotonic()
        if self._checked is None or now - self._checked > _CHECK_EVERY:
            self.fence.check(self.standing)
            self._checked = now

    def _others(self, edition_id: str) -> Callable[[], bool] | None:
        """Where domains have limits, a range whose copies wait for them does not keep others from beginning."""
        if not self.settings.mail.limits:
            return None
        return lambda: self.store.leases.untouched(edition_id, self.clock())

    def _give_back(self, lease: Lease) -> None:
        with contextlib.suppress(StoreError):  # else its lease ends by itself
            self.store.leases.give_back(lease, self.clock())

    def _take_part(self, edition_id: str, progress: Callable[[Progress], None], stop: Halt) -> Report:
        """Send ranges of a campaign, beside whoever else does, until nothing of it is due."""
        self.hand_out(edition_id)
        reports: list[Report] = []
        while not stop.asked:
            before = together(reports)

            def moved(now: Progress, before: Report = before) -> None:
                progress(now.after(before))

            report = self.take_range(edition_id, stop=stop, progress=moved)
            if report is not None and report.stopped != TAKEN_OVER:
                reports.append(report)
                if report.stopped:
                    break
            elif not self.store.leases.left(edition_id, self.clock()):
                break
            elif report is None:
                stop.wait(_LOOK_AGAIN)
        report = together(reports)
        return self._finish(edition_id, report)

    def deliver_range(
        self,
        edition_id: str,
        span: Span,
        *,
        stop: Halt,
        only: Collection[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
        share: Callable[[], float] | None = None,
        others: Callable[[], bool] | None = None,
        sessions: int = 0,
    ) -> Report:
        """Send what is due of one range of a campaign. For who was given the range: `deliver`, and its children.

        Args:
            edition_id: of an edition whose campaign has begun.
            span: the range.
            stop: asks the run to end.
            only: addresses; the others stay queued.
            progress: told how far it has come.
            share: the part of the rate that holds for this run, now; None: all of it.
            others: whether other ranges wait for a sender; then copies that only wait for theirs are left.
            sessions: at once; 0: as settings have it.

        Raises:
            DeliveryError: the transport cannot be used at all.
            StoreError: the range was given to another, or the store failed.
        """
        revision = self.store.editions.approved(edition_id)
        campaign = self.store.campaigns.get(edition_id)
        policy = RefusalPolicy(count=self.settings.delivery.suppress_after)
        ledger = self.store.campaigns.ledger(
            edition_id, only=only, policy=policy, span=span, received_since=self._received_since(revision.edition)
        )

        async def send() -> Report:
            with stop.event() as ending:
                return await run_campaign(
                    ledger,
                    self.transport(sessions),
                    self.messages.maker(revision, campaign.started),
                    clock=self.clock,
                    policy=policy_of(self.settings),
                    revision=revision.number,
                    began=campaign.started,
                    progress=progress,
                    stop=ending,
                    share=share,
                    others=others,
                )

        return run_in_loop(send())

    def _received_since(self, edition: Edition) -> datetime | None:
        """How far back an edition's stories may go, where its digest leaves out what readers received; else None."""
        rule = self.settings.digest(edition.digest)
        return edition.period.start - timedelta(days=rule.lateness_days) if rule.leave_out_received else None

    def _senders(self, audience: int) -> int:
        """How many processes send: as set, where there is a server, and for so many copies that it is worth a start."""
        wanted = self.settings.delivery.processes or (os.cpu_count() or 1)
        most = self.settings.mail.sessions if self.settings.mail.host else 1
        return max(1, min(wanted, most, audience // COPIES_PER_SENDER))

    async def _crew(
        self, edition_id: str, spans: Sequence[Span], progress: Callable[[Progress], None] | None, stop: Halt
    ) -> Report:
        """Send each range in a process of its own, with its share of the limits."""
        held = list(spans)
        begun = [False for _ in spans]

        def child(place: int) -> Child:
            if begun[place]:  # the one before died, or only seems dead
                held[place] = self.store.campaigns.take_over(edition_id, held[place])
            begun[place] = True
            return self.sender(edition_id, held[place], place, len(held))

        with stop.event() as ending:
            children = [partial(child, place) for place in range(len(spans))]
            return await run_crew(children, progress=progress or (lambda _progress: None), stop=ending)

    def _wait(self, preferences: Preferences) -> datetime | None:
        """Until when a reader wants to wait for a copy that could go out now; None: not at all."""
        timing = preferences.timing
        if timing is None:
            return None
        try:
            zone = ZoneInfo(timing.zone) if timing.zone else self.settings.zone
        except (KeyError, ValueError, OSError):  # a zone that this machine does not know any more
            zone = self.settings.zone
        return timing.wait(self.clock(), zone)


def policy_of(settings: Settings) -> Policy:
    """The delivery settings as a policy."""
    wanted = settings.delivery
    delays = []
    seconds = wanted.first_delay
    while seconds < wanted.longest_delay:
        delays.append(timedelta(seconds=seconds))
        seconds *= 2
    return Policy(
        delays=(*delays, timedelta(seconds=wanted.longest_delay)),
        give_up_after=timedelta(hours=wanted.give_up_after),
        linger=timedelta(seconds=wanted.linger),
        uncertain=wanted.uncertain.value,
        rate=settings.mail.rate,
        limits=tuple(DomainRate(domains=one.domains, rate=one.rate) for one in settings.mail.limits),
        fault_share=wanted.halt_share,
    )
