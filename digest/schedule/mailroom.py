"""Letters out and in: notices, what readers write to the unsubscribe address, and mail that comes back."""

from __future__ import annotations

from typing import Final

from digest import subscriptions
from digest.deliver import Ignored, Policy, read_letter, too_many_faults
from digest.errors import Busy, LinkError, NotFound
from digest.logs import logger
from digest.model import EditionState
from digest.schedule.office import Office

INBOX: Final = "inbox"

log = logger("schedule")


class Mailroom(Office):
    """`letters`, `inbox` and `bounces`."""

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
