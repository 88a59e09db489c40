"""What `digest run` does, one job per method: each looks at the store, does what is due, and can be called again.

    pick_up     sources that are due            every operations.pickup_every seconds
    editions    what fell due -> editions       every operations.tick seconds, as the following
    publish     pages and feeds, when something changed
    ping        feeds that changed, to the hub
    send        campaigns that are due, also those that a dead process left; over machines, by ranges
    deliver     one of these ranges
    poll        a live source, now; compose: a draft, now; erase: a person, now
    letters     requests of the public forms; notices (also when a page calls: `Service.wake`)
    inbox       letters to the unsubscribe address
    bounces     mail that came back
    tidy        subscriptions that were never confirmed are forgotten, and old notices and requests

The jobs are synchronous and keep no state that matters: what is due lives in the store. Several processes may run them
on one store: a lock that ends with its process keeps two from doing the same work, and unique keys keep the rest.

An installation that is a copy, or was restored, makes and sends nothing until an operator arms it (`Fence`). All but
`tidy` end early when `halt` is set, and leave the rest to the next call; `Halted` says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from digest.engine import Task, Work
from digest.errors import Busy, DigestError
from digest.logs import logger
from digest.model import Condition, DigestRule, EditionState, Revision, Skipped
from digest.periods import Run, next_runs, period_named
from digest.pipeline import Pickup
from digest.schedule.agenda import due
from digest.schedule.dispatch import Dispatch
from digest.schedule.mailroom import INBOX, Mailroom
from digest.schedule.office import ARMED, PROBLEMS
from digest.sources import Part
from digest.standing import LITTLE
from digest.store import Known, Owed, RunState

__all__ = ["ARMED", "INBOX", "PROBLEMS", "Jobs"]

SCHEDULING: Final = "schedule"  # what only one process of an installation does at a time
UNCONFIRMED: Final = timedelta(days=30)  # for which a subscription waits to be confirmed; its links end sooner
NOTICES: Final = timedelta(days=180)  # for which a notice is kept after it was made
POLLS_WAIT: Final = 120.0  # seconds that an edition that is due waits for polls of others
POLLS: Final = timedelta(days=400)  # what polls came to is kept by day for so long

log = logger("schedule")


class Jobs(Dispatch, Mailroom):
    """The jobs of one publication: those of the newsroom here, sending in `Dispatch`, letters in `Mailroom`."""

    def do(self, task: Task) -> None:
        """Do a task, as its kind says."""
        match task.work:
            case Work.SEND:
                self.send(task.what)
            case Work.DELIVER:
                edition_id, _, first = task.what.rpartition("/")
                self.deliver(edition_id, int(first))
            case Work.POLL:
                self.poll(task.what)
            case Work.COMPOSE:
                self.compose(*task.what.split("/"))
            case Work.ERASE:
                self._store.people.erase(task.what, self._clock())
            case _:
                getattr(self, task.work.value)()

    # ---- sources

    def poll(self, what: str) -> None:
        """Ask live sources, and judge what they bring.

        Args:
            what: the key of one, due or not; "3/16": those that are due of one of so many parts; "": all that are due.
        """
        if "/" in what:
            done = Pickup()
            self._pipeline.ask_live(done, self._halt, part=Part.read(what))
            self._take_in(done)
        elif what:
            self._app.live.ask(only=what, stop=lambda: self._halt.asked)
            self._pipeline.classify(stop=self._halt)
        else:
            self.pick_up()

    def pick_up(self) -> None:
        """Take in what is new from the sources that are due, and judge it; many live ones in parts, for all workers."""
        parts = self._app.live.due() if self._app.engine.apart else ()
        spread = len(parts) > 1
        if spread:
            for part in parts:
                self._app.engine.ask(Work.POLL, str(part))
        self._take_in(self._pipeline.pick_up(live=not spread, stop=self._halt))

    def _take_in(self, done: Pickup) -> None:
        """Count and judge what was brought."""
        self._metrics.picked_up(new=done.new, edited=done.edited, failures=len(done.problems))
        for problem in done.problems:
            log.warning("picked up with a problem", problem=str(problem))
        judged = self._pipeline.classify(stop=self._halt)
        if done.new or done.edited:
            log.info("picked up", new=done.new, edited=done.edited, judged=judged)

    # ---- editions

    def editions(self) -> None:
        """Write down what fell due, and make the editions that are owed."""
        if not self._armed():
            return
        try:
            with self._store.hold(SCHEDULING):
                for rule in self._settings.digests:
                    self._settle(rule)
                    self._warn(rule)
                rules = {rule.key: rule for rule in self._settings.digests}
                owed = [one for one in self._store.runs.owed(self._settings.zone) if one.digest in rules]
                if owed:
                    self._fresh()
                for one in owed:
                    if not self._halt.asked:
                        self._make(rules[one.digest], one)
        except Busy:
            log.debug("another process is at the schedule")

    def compose(self, digest: str, period: str) -> None:
        """Prepare the draft of a period anew, from what is known now."""
        rule = self._settings.digest(digest)
        found = period_named(rule, period, self._settings.zone)
        self._pipeline.compose(rule, found)

    def _settle(self, rule: DigestRule) -> None:
        """Claim every period that fell due, in one transaction, before anything is made of it."""
        now = self._clock()

        def decide(known: Known) -> tuple[Sequence[tuple[str, Sequence[Run], bool]], Sequence[Run]]:
            agenda = due(
                rule, self._settings.zone, since=known.since, now=now, settled=known.settled, alone=known.alone
            )
            return [(f"{rule.key}-{one.period.key}", one.runs, one.held) for one in agenda.due], agenda.lapsed

        with self._store.transaction():
            lapsed = self._store.runs.settle(rule.key, now, reach=now - timedelta(days=rule.late_days), decide=decide)
            if lapsed:
                keys = ", ".join(run.period.key for run in lapsed)
                self._alarm(
                    f"lapsed:{rule.key}:{lapsed[-1].period.key}",
                    f"{rule.title}: no edition for {keys}",
                    f"{keys} fell due while nothing ran, too long ago for an edition (late, late_days). "
                    f"What is still news stands in the next one. `digest send --digest {rule.key} --period KEY` makes "
                    "one all the same.",
                )

    def _fresh(self) -> None:
        """Bring in what is new before composing; an edition does not fail with a source."""
        try:
            self.pick_up()
            self._wait_for_polls()
        except DigestError as error:
            self._report("pick_up", error)

    def _wait_for_polls(self) -> None:
        """Where polls are spread: take part in them, and wait a while for those that others are at."""
        limit = time.monotonic() + POLLS_WAIT
        while self._app.engine.apart and not self._halt.asked and time.monotonic() < limit and self._app.live.due():
            done = Pickup()
            self._pipeline.ask_live(done, self._halt)
            self._take_in(done)
            if done.waiting:
                self._halt.wait(1)

    def _make(self, rule: DigestRule, owed: Owed) -> None:
        now = self._clock()
        self._take_over_drafts(owed, now)
        revision = self._pipeline.compose(rule, owed.period)
        if isinstance(revision, Skipped):
            self._store.runs.finish(owed.digest, owed.edition, RunState.SKIPPED, now)
            log.info("no edition", edition=owed.edition, reason=revision.reason)
            self._metrics.edition("skipped")
            return
        if owed.held:
            self._hold(revision, owed)
        else:
            due_now = self._app.desk.at_deadline(rule, revision)
            if due_now.alarm:
                self._alarm(f"approve:{owed.edition}", due_now.subject, due_now.alarm)
        self._store.runs.finish(owed.digest, owed.edition, RunState.MADE, now)
        state = self._store.editions.state(owed.edition)
        log.info("edition made", edition=owed.edition, state=state.value, items=len(revision.edition.items))
        self._metrics.edition(state.value)

    def _take_over_drafts(self, owed: Owed, now: datetime) -> None:
        """Drafts of periods that became part of a later edition give their stories to it."""
        for key in self._store.runs.claimed(owed.edition):
            own = self._store.editions.find(owed.digest, key)
            if own is not None and own.edition.id != owed.edition and own.state is EditionState.DRAFT:
                reason = f"it became part of {owed.edition}"
                self._store.editions.move(own.edition.id, EditionState.CANCELLED, now, reason)

    def _hold(self, revision: Revision, owed: Owed) -> None:
        """An edition later than the grace is an operator's decision, also where one approved it in time."""
        if revision.state not in {EditionState.DRAFT, EditionState.APPROVED}:
            return
        reason = "it comes later than grace_hours after it was due"
        with self._store.transaction():
            self._store.editions.move(owed.edition, EditionState.HELD, self._clock(), reason)
            self._alarm(
                f"held:{owed.edition}",
                f"{revision.edition.title} {owed.period.key} is held: it is late",
                f"Nothing ran when it was due. `digest approve {owed.edition}` sends it now; "
                f"`digest cancel {owed.edition}` leaves its stories to the next one.",
            )

    def _warn(self, rule: DigestRule) -> None:
        """Before an edition is due, tell an operator of sources that fail or are quiet; once per edition."""
        now = self._clock()
        (coming,) = next_runs(rule, self._settings.zone, now, 1)
        if coming.at - now > timedelta(hours=self._settings.operations.warn_hours):
            return
        bad = [
            f"{one.state.key}: {one.condition.value}" + (f" ({one.state.error})" if one.state.error else "")
            for one in self._store.sources.health(now)
            if one.condition in {Condition.FAILING, Condition.QUIET, Condition.GONE, Condition.HELD}
        ]
        keys = {source.key for source in self._settings.sources}
        bad += [f"{one.source}: {one.what}" for one in self._store.sources.problems() if one.source in keys]
        if bad:
            self._alarm(
                f"sources:{rule.key}:{coming.period.key}",
                f"{rule.title} {coming.period.key}: {len(bad)} sources need a look before it is due",
                f"It is due at {coming.at:%Y-%m-%d %H:%M}.\n\n" + "\n".join(dict.fromkeys(bad)),
            )

    # ---- publish

    def publish(self) -> None:
        """Write pages and feeds, if an edition was made, moved or approved since the last time."""
        self._look_for_room()  # here, since every machine publishes for itself
        mark = self._store.editions.mark()
        if mark == self._published:
            return
        published = self._pipeline.publish(stop=self._halt)
        self._published = mark
        if published.changed:
            log.info("published", files=published.files, changed=len(published.changed))

    def ping(self) -> None:
        """Tell the hub which feeds changed. What it does not take is a row for the operator until it does."""
        if not self._armed():
            return
        done = asyncio.run(self._app.press.hub.ping(stop=self._halt))
        if done.failed:
            log.warning("the hub was not told", feeds=done.failed)
            self._report("hub", DigestError(f"{done.failed} feeds: the hub was not told (`digest feeds hub` says why)"))
        elif done.told:
            log.info("told the hub", feeds=done.told)
            self.succeeded("hub")

    # ---- housekeeping

    def tidy(self) -> None:
        """Forget who asked and never confirmed, old notices, requests that were settled, sessions that ended."""
        self._store.requests.forget(self._clock())
        self._store.answers.forget(self._clock())
        self._app.entrance.tidy()
        self._store.growth.count()
        self._store.polled.forget((self._clock() - POLLS).astimezone(UTC).date())
        old = self._store.notices.forget(self._clock() - NOTICES)
        if old:
            log.info("forgot old notices", count=old)
        forgotten = self._store.people.forget_unconfirmed(self._clock() - UNCONFIRMED)
        if forgotten:
            log.info("forgot subscriptions that nobody confirmed", count=forgotten)

    def _look_for_room(self) -> None:
        """Tell an operator while there still is some room: on a full disk nothing can be written down any more."""
        for folder, free in self._app.room().items():
            if free < LITTLE:
                self._alarm(
                    f"room:{folder}:{self._clock():%Y-%m-%d}",
                    f"A disk is nearly full: {folder}",
                    f"{free // 2**20} MB are free in {folder}. What Digest cannot write down it does not send; it goes "
                    "on by itself when there is room again.",
                )
