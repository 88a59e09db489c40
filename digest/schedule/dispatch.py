"""The sending of what is due: whole here, or handed out in ranges to whatever worker takes them."""

from __future__ import annotations

from collections.abc import Callable

from digest.deliver import Progress, Report
from digest.engine import Work
from digest.errors import Busy, StateError
from digest.logs import logger
from digest.model import EditionState
from digest.pipeline import TAKEN_OVER
from digest.schedule.office import Office
from digest.store import Queue

log = logger("schedule")


class Dispatch(Office):
    """`send` and `deliver`."""

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
