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
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from digest import subscriptions
from digest.app import App
from digest.deliver import Halt, Ignored, Policy, Progress, Report, read_letter, too_many_faults
from digest.engine import Task, Work
from digest.errors import Busy, DigestError, InputError, LinkError, NotFound, StateError
from digest.logs import logger
from digest.metrics import Metrics
from digest.model import Condition, DigestRule, EditionState, Revision, Skipped
from digest.periods import Run, next_runs, period_named
from digest.pipeline import TAKEN_OVER
from digest.schedule.agenda import due
from digest.store import Known, Owed, Queue, RunState

SCHEDULING: Final = "schedule"  # what only one process of an installation does at a time
PROBLEMS: Final = "digest run"  # under which the failures of jobs are listed
INBOX: Final = "inbox"
ARMED: Final = "armed"  # the problem of an installation that does not send
UNCONFIRMED: Final = timedelta(days=30)  # for which a subscription waits to be confirmed; its links end sooner
NOTICES: Final = timedelta(days=180)  # for which a notice is kept after it was made
POLLS: Final = timedelta(days=400)  # what polls came to is kept by day for so long

log = logger("schedule")


class Jobs:
    """The jobs of one publication.

    Args:
        app: the publication, opened.
        clock: the time.
        halt: asks the jobs to come to an end.
        metrics: what is counted on the way.
    """

    def __init__(self, app: App, *, clock: Callable[[], datetime], halt: Halt, metrics: Metrics) -> None:
        self._app = app
        self._settings = app.settings
        self._store = app.store
        self._pipeline = app.pipeline
        self._clock = clock
        self._halt = halt
        self._metrics = metrics
        self._published = ""
        self._unarmed: str | None = None  # why it does not send; "" where it does; None before the first look
        self._told: set[str] = set()  # causes of alarms, so that the log does not repeat them at every tick

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

    def poll(self, key: str) -> None:
        """Ask one live source now, due or not; all that are due without a key. What it brings is judged."""
        if key:
            self._app.live.ask(only=key, stop=lambda: self._halt.asked)
            self._pipeline.classify(stop=self._halt)
        else:
            self.pick_up()

    def pick_up(self) -> None:
        """Take in what is new from the sources that are due, and judge it."""
        done = self._pipeline.pick_up(stop=self._halt)
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
        except DigestError as error:
            self._report("pick_up", error)

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

    # ---- send

    def send(self, only: str = "") -> None:
        """Send what is due of every edition that is approved and due, or was being sent when a process died.

        Args:
            only: of this edition, due or not: an operator says so.
        """
        if not self._armed():
            return
        for edition_id in (only,) if only else self._store.runs.sendable():
            queue = self._queue(edition_id)
            if self._halt.asked or (queue is not None and queue.depth and queue.due_since(self._clock()) is None):
                continue
            try:
                if self._app.engine.apart:
                    for first in self._pipeline.hand_out(edition_id):
                        self._app.engine.ask(Work.DELIVER, f"{edition_id}/{first}")
                else:
                    self._send(edition_id)
            except Busy:
                log.debug("another process is sending")
                return
            except StateError as error:  # an operator was faster
                log.info("not sent", edition=edition_id, reason=str(error))

    def deliver(self, edition_id: str, first: int) -> None:
        """Send a range of a campaign, unless somebody else does or it is done."""
        try:
            report = self._pipeline.take_range(edition_id, first, stop=self._halt, progress=self._counted())
        except StateError as error:  # an operator was faster
            log.info("not sent", edition=edition_id, reason=str(error))
            return
        if report is not None:
            self._told_of(edition_id, report, first=first)

    def _queue(self, edition_id: str) -> Queue | None:
        return next((one for one in self._store.campaigns.queues() if one.edition == edition_id), None)

    def _counted(self) -> Callable[[Progress], None]:
        before = Progress()

        def moved(progress: Progress) -> None:
            nonlocal before
            self._metrics.sent(before, progress)
            before = progress

        return moved

    def _send(self, edition_id: str) -> None:
        self._told_of(edition_id, self._pipeline.deliver(edition_id, progress=self._counted(), stop=self._halt))

    def _told_of(self, edition_id: str, report: Report, **where: int) -> None:
        """Write down what a run of sending came to, and what an operator has to know of it."""
        log.info(
            "sent",
            edition=edition_id,
            accepted=report.accepted,
            deferred=report.deferred,
            refused=report.refused,
            uncertain=report.uncertain,
            skipped=report.skipped,
            complete=report.complete,
            stopped=report.stopped,
            **where,
        )
        if report.faulty:
            self._pause(edition_id, report)
        elif report.stopped and report.stopped != TAKEN_OVER and not self._halt.asked:
            self._alarm(
                f"stopped:{edition_id}:{self._clock():%Y-%m-%d}",
                f"The sending of {edition_id} stopped",
                f"{report.stopped}\n\nWhat is left is tried again; `digest status` shows how it goes on.",
            )

    def _pause(self, edition_id: str, report: Report) -> None:
        """Going on would only do harm: nothing is sent until an operator says so."""
        with self._store.transaction():
            self._store.editions.move(edition_id, EditionState.PAUSED, self._clock(), report.stopped)
            self._alarm(
                f"paused:{edition_id}:{self._clock().isoformat()}",
                f"The sending of {edition_id} is paused",
                f"{report.stopped}\n\nNobody was suppressed. Mend the cause, then `digest resume {edition_id}`.",
            )

    # ---- letters

    def letters(self) -> None:
        """Settle what was asked for on the public forms, and send the notices that are due: nobody else does."""
        self._app.reception.settle(self._halt)
        try:
            report = self._app.reception.send_notices(self._halt, alarms=not self._armed())
        except Busy:
            return
        if report is not None and (report.accepted or report.refused):
            log.info("notices sent", accepted=report.accepted, refused=report.refused, deferred=report.deferred)

    def inbox(self) -> None:
        """End the subscriptions whose signed token stands in the subject of a letter; leave every other letter alone.

        Which letters were looked at is kept in the store, by the name that the inbox gives them.
        """
        inbox = self._app.inbox()
        if inbox is None or not self._armed():
            return
        with inbox:
            names = inbox.names()
            seen = self._store.sources.seen(INBOX)
            for name in names:
                if name in seen or self._halt.asked:
                    continue
                head = inbox.head(name)
                if head is None:
                    continue
                fate = self._answer(head)
                self._store.sources.remember(INBOX, name, fate, self._clock())
                self._metrics.letter("left" if fate == "left" else "ignored")
                if fate == "left":
                    inbox.done(name)
            for gone in seen.keys() - set(names):
                self._store.sources.forget(INBOX, gone)

    def _answer(self, head: bytes) -> str:
        """Act on a letter, if it says so with a token of ours; "left", or why it was ignored."""
        asked = read_letter(head)
        if isinstance(asked, Ignored):
            return asked.reason
        try:
            subscription = self._app.links.read_unsubscribe(asked.token)
            subscriptions.leave(self._store, subscription, self._clock(), "unsubscribed by mail")
        except LinkError:
            return "its token is not ours"
        except NotFound:
            return "the subscription is gone"
        log.info("unsubscribed by mail", subscription=subscription)
        return "left"

    def bounces(self) -> None:
        """Read what came back. An edition of which too much comes back for a fault of ours is paused."""
        if not self._armed():
            return
        read = self._app.returned.read(self._halt)
        if read is None:
            return
        self._metrics.came_back(read.causes)
        if read.causes:
            log.info("mail came back", suppressed=read.suppressed, **read.causes)
        for edition_id, (back, taken) in read.faults.items():
            if too_many_faults(back, taken, Policy(fault_share=self._settings.delivery.halt_share)):
                self._comes_back(edition_id, back, taken)

    def _comes_back(self, edition_id: str, back: int, taken: int) -> None:
        said = f"{back} of {taken} copies came back for a fault of ours (`digest bounces {edition_id}` shows the words)"
        with self._store.transaction():
            sending = self._store.editions.state(edition_id) is EditionState.SENDING
            if sending:
                self._store.editions.move(edition_id, EditionState.PAUSED, self._clock(), said)
            self._alarm(
                f"bounces:{edition_id}",
                f"Copies of {edition_id} come back for a fault of ours",
                f"{said}.\n\nNobody was suppressed for it."
                + (f" The sending is paused: mend the cause, then `digest resume {edition_id}`." if sending else ""),
            )

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

    # ---- whether this is the installation that sends

    def _armed(self) -> bool:
        """Whether this installation may send. A copy, or what was restored, waits for an operator, who is told."""
        try:
            self._app.check_site()
        except StateError as error:
            if self._unarmed != str(error):
                self._report(ARMED, error)
                self._unarmed = str(error)
            self._alarm(
                f"unarmed:{self._settings.state}:{self._clock():%Y-%m-%d}",
                "This installation sends nothing until somebody says so",
                f"{error}\n\nIt is at {self._settings.folder}. Readers' pages and feeds go on; no edition is made, no "
                "copy and no notice leaves, and letters to the unsubscribe address wait.",
            )
            return False
        if self._unarmed != "":  # also at the first look: what another process reported is over
            self._unarmed = ""
            self.succeeded(ARMED)
        return True

    # ---- what goes wrong

    def failed(self, job: str, error: Exception) -> None:
        """A job failed: a row that an operator can see, a line of the log, and a mail once a day."""
        what = f"{type(error).__name__}: {error}"
        known = any(one.origin == job and one.what == what[:500] for one in self._store.sources.problems(PROBLEMS))
        log.error("job failed", job=job, error=what, exc_info=None if known else error)
        self._metrics.failed(job)
        self._report(job, error)
        day = f"{self._clock():%Y-%m-%d}"
        self._alarm(
            f"job:{job}:{day}", f"{job} fails", f"{error}\n\nIt is tried again. `digest status` shows problems."
        )

    def _report(self, job: str, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}"[:500]
        remedy = "it is tried again by itself; if it stays, the log tells more"
        self._store.sources.report(PROBLEMS, job, InputError(what, remedy=remedy), self._clock())

    def succeeded(self, job: str) -> None:
        """A job works (again)."""
        if any(one.origin == job for one in self._store.sources.problems(PROBLEMS)):
            self._store.sources.resolve(PROBLEMS, job, self._clock())
            log.info("job works again", job=job)

    def _alarm(self, cause: str, subject: str, text: str) -> None:
        """Tell the operator, once per cause, by mail where settings name one; always in the log."""
        if cause in self._told:
            return
        self._told.add(cause)
        log.warning("alarm", cause=cause, subject=subject)
        if self._settings.operations.alarm:
            self._app.reception.notify(
                subscriptions.ALARM,
                self._settings.operations.alarm,
                "",
                self._clock(),
                cause=f"alarm:{cause}",
                values={"subject": subject, "paragraphs": text.split("\n\n")},
            )
