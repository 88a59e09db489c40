"""The sending of a campaign, by one process or a crew of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from digest.deliver import Child, Fence, Halt, Policy, Progress, Report, Standing, Transport, run_crew, run_in_loop
from digest.deliver import run as run_campaign
from digest.model import Edition, EditionState, Preferences
from digest.pipeline.messages import Messages
from digest.settings import Settings
from digest.store import RefusalPolicy, Span, Store

COPIES_PER_SENDER: Final = 2500  # fewer are sent before a second process has begun
SENDING: Final = "sending"  # what only one process of an installation does at a time


class Sending:
    """Sends what is due of a campaign, or of a range of it.

    Args:
        settings: the publication's.
        store: the publication's.
        messages: makes each copy.
        transport: what carries messages, made for each run.
        sender: how a process is started that sends a range: (edition, range, its place, of how many).
        fence: keeps a copy of this installation from sending.
        clock: the time.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        messages: Messages,
        transport: Callable[[], Transport],
        sender: Callable[[str, Span, int, int], Child],
        fence: Fence,
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.store = store
        self.messages = messages
        self.transport = transport
        self.sender = sender
        self.fence = fence
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

        Args:
            edition_id: of an approved edition, or of one that is being sent.
            only: addresses; the others stay queued.
            progress: told how far it has come.
            stop: asks the run to end, from any thread.

        Raises:
            Busy: another process of this installation is sending.
            DeliveryError: the transport cannot be used at all.
            StateError: the edition is not approved, or was sent; or this is a copy of the installation.
        """
        with self.store.hold(SENDING):
            self.fence.check(self.standing)
            revision = self.store.editions.approved(edition_id)
            with self.store.transaction():
                self.store.subscribers.wake(self.clock())
                campaign = self.store.campaigns.start(
                    edition_id,
                    self.messages.message_id(edition_id),
                    self.clock(),
                    key_id=self.messages.links.key_id,
                    wait=self._wait,
                )
                if only is None:  # from now on a scheduler goes on with it, should this process die
                    edition = revision.edition
                    self.store.runs.by_hand(edition.digest, edition.period, edition_id, self.clock())
            self.fence.arm(self.standing())  # a backup from before this campaign is behind from now on
            halt = Halt() if stop is None else stop
            try:
                parts = self._senders(campaign.audience) if only is None else 1
                spans = self.store.campaigns.divide(edition_id, parts)
                if len(spans) > 1:
                    report = run_in_loop(self._crew(edition_id, spans, progress, halt))
                else:
                    report = self.deliver_range(edition_id, spans[0], only=only, progress=progress, stop=halt)
            finally:
                self.fence.arm(self.standing())
            state = self.store.editions.state(edition_id)
            if state in {EditionState.PAUSED, EditionState.CANCELLED}:
                return replace(report, stopped=report.stopped or f"the edition was {state}")
            self.store.campaigns.finish(edition_id, self.clock())
        return report

    def deliver_range(
        self,
        edition_id: str,
        span: Span,
        *,
        stop: Halt,
        only: Collection[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Send what is due of one range of a campaign. For who was given the range: `deliver`, and its children.

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
                    self.transport(),
                    self.messages.maker(revision, campaign.started),
                    clock=self.clock,
                    policy=policy_of(self.settings),
                    revision=revision.number,
                    began=campaign.started,
                    progress=progress,
                    stop=ending,
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

    def standing(self) -> Standing:
        """What this installation is, and how far its sending has come: what no copy of it may have."""
        return Standing.here(self.store.site(), self.settings.state, self.store.campaigns.progress())


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
        fault_share=wanted.halt_share,
    )
