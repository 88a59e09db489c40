"""What every job needs: whether this installation sends, what happens when one fails, and how an operator is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from digest import subscriptions
from digest.app import App
from digest.deliver import Halt
from digest.errors import InputError, StateError
from digest.logs import logger
from digest.metrics import Metrics

PROBLEMS: Final = "digest run"  # under which the failures of jobs are listed
ARMED: Final = "armed"  # the problem of an installation that does not send

log = logger("schedule")


class Office:
    """The room of the jobs of one publication.

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
        self._traced: set[tuple[str, str]] = set()  # failures whose stack stands in the log

    # ---- whether this is the installation that sends

    def _armed(self) -> bool:
        """Whether this installation may send. A copy, or what was restored, waits for an operator, who is told."""
        try:
            self._app.check_site()
        except StateError as error:
            if self._unarmed != str(error):
                log.warning("this installation does not send", reason=str(error))
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
        # Kept here, not looked up: the store may be what fails, and a full disk must not be filled with stacks.
        known = (job, type(error).__name__) in self._traced
        self._traced.add((job, type(error).__name__))
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
        self._traced = {(its, kind) for its, kind in self._traced if its != job}
        if any(one.origin == job for one in self._store.sources.problems(PROBLEMS)):
            self._store.sources.resolve(PROBLEMS, job, self._clock())
            log.info("job works again", job=job)

    def _alarm(self, cause: str, subject: str, text: str) -> None:
        """Tell the operator, once per cause, by mail where settings name one; always in the log."""
        if cause in self._told:
            return
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
        self._told.add(cause)  # not before it is written down
