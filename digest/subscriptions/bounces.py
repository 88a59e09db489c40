"""Mail that comes back: whose copy it was, what became of it, and who is not written to any more.

    a letter of the bounce mailbox ─> marks that only we can have made ─> the copy ─> bounced, with the server's words
                                  └─> what it says (in the jail)              └─> a complaint: ended and suppressed

Only a copy's own return path, or its Message-ID together with its signed link, says whose it was. A letter without
either changes nothing, whatever address it names: anybody can write one. No letter is answered, moved away or deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from digest.deliver import BOUNCE_LIMIT, Complaint, Halt, Ignored, Inbox, Marks, Returned, marks, understood, verdict
from digest.errors import JailError, LinkError, NotFound
from digest.jail import Jail
from digest.links import Links
from digest.model import Bounce, BounceCause, Subscription, SubscriptionState
from digest.settings import Settings
from digest.store import BounceFate, BouncePolicy, Store
from digest.subscriptions.person import leave

SOURCE: Final = "bounces"  # under which letters that were looked at are kept
COMPLAINT: Final = "complaint"
_EXAMINE: Final = "digest.deliver.bounces:examine"


class FoundCopy(Protocol):
    """The copy that came back, as the store knows it."""

    @property
    def id(self) -> int:
        """Its number in the ledger."""
        ...

    @property
    def edition(self) -> str:
        """Of which edition."""
        ...

    @property
    def subscription(self) -> int:
        """Whose."""
        ...

    @property
    def address(self) -> str:
        """Where it went."""
        ...


@dataclass(frozen=True)
class _Notice:
    """A notice that came back, as a `FoundCopy`; its kind stands for the edition."""

    id: int
    edition: str
    subscription: int
    address: str


@dataclass(frozen=True, kw_only=True)
class Came:
    """What one letter came to. `fate` is a sentence, without an address, that is kept with the letter's name."""

    fate: str
    cause: str = "ignored"  # of BounceCause, "complaint" or "ignored": what is counted
    edition: str = ""
    suppressed: bool = False
    early: bool = False  # to be looked at again: its copy is not recorded yet


@dataclass(frozen=True, kw_only=True)
class ReadMail:
    """What one look into the mailbox came to."""

    causes: Mapping[str, int] = field(default_factory=dict)
    suppressed: int = 0
    faults: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # edition -> (back for our faults, taken)


class ReturnedMail:
    """The bounce mailbox of a publication.

    Args:
        settings: `mail.return_path`, `bounces`, `delivery.suppress_after`.
        store: the ledger.
        links: verifies what proves whose copy it was.
        jail: where letters are taken apart.
        inbox: opens the mailbox; None while settings name none.
        clock: the time.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        links: Links,
        jail: Jail,
        inbox: Callable[[], Inbox | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._store = store
        self._links = links
        self._jail = jail
        self._inbox = inbox
        self._clock = clock
        self._policy = BouncePolicy(
            hard=settings.delivery.suppress_after,
            soft=settings.bounces.soft_after,
            over=timedelta(days=settings.bounces.soft_days),
        )

    def read(self, stop: Halt | None = None) -> ReadMail | None:
        """Look at the letters that were not looked at yet; None where settings name no mailbox.

        Raises:
            DeliveryError: the mailbox cannot be reached.
        """
        opened = self._inbox()
        if opened is None:
            return None
        causes: Counter[str] = Counter()
        editions: set[str] = set()
        suppressed = 0
        with opened as inbox:
            names = inbox.names()
            seen = self._store.sources.seen(SOURCE)
            for name in names:
                if stop is not None and stop.asked:
                    break
                if name in seen:
                    continue
                letter = inbox.whole(name, BOUNCE_LIMIT)
                if letter is None:
                    continue
                came = self.receive(letter)
                if came.early:
                    continue
                self._store.sources.remember(SOURCE, name, came.fate, self._clock())
                causes[came.cause] += 1
                suppressed += came.suppressed
                if came.cause == BounceCause.OURS and came.edition:
                    editions.add(came.edition)
                if came.cause != "ignored":
                    inbox.done(name)
            for gone in seen.keys() - set(names):
                self._store.sources.forget(SOURCE, gone)
        faults = {edition: self._store.bounces.share(edition) for edition in sorted(editions)}
        return ReadMail(causes=dict(causes), suppressed=suppressed, faults=faults)

    def receive(self, letter: bytes) -> Came:
        """Act on one letter, if it says something about a copy of ours."""
        found_marks = marks(letter, self._settings.mail.return_path, self._settings.publication.url)
        copy = self._whose(found_marks) or self._notice(found_marks)
        if copy is None:
            return Came(fate="it carries no mark of ours")
        try:
            found = understood(self._jail.run(_EXAMINE, letter))
        except (JailError, ValueError) as error:
            return Came(fate=f"it cannot be read ({error})"[:200])
        if isinstance(found, Complaint):
            return self._complained(copy, found)
        bounce = verdict(found, copy.address) if isinstance(found, Returned) else found
        if isinstance(bounce, Ignored):
            return Came(fate=bounce.reason)
        if isinstance(copy, _Notice):
            return self._notice_came_back(copy, bounce)
        fate, suppressed = self._store.bounces.record(copy.id, bounce, self._clock(), self._policy)
        if fate is not BounceFate.BOUNCED:
            return Came(fate=fate.value, early=fate is BounceFate.EARLY)
        return Came(
            fate=f"bounced: {bounce.cause.value}",
            cause=bounce.cause.value,
            edition=copy.edition,
            suppressed=suppressed,
        )

    def _whose(self, found: Marks) -> FoundCopy | None:
        for token in found.return_paths:
            try:
                return self._store.bounces.find(self._links.read_return_path(token))
            except LinkError:
                continue
        for token in found.links:
            try:
                subscription = self._links.read_unsubscribe(token)
            except LinkError:
                continue
            for message_id in found.message_ids:
                copy = self._store.bounces.find_by_message(subscription, message_id)
                if copy is not None:
                    return copy
        return None

    def _notice(self, found: Marks) -> _Notice | None:
        """The notice that came back: only its return path says so."""
        for token in found.return_paths:
            with suppress(LinkError, NotFound):
                number = self._links.read_notice_return_path(token)
                notice = self._store.notices.get(number)
                return _Notice(number, notice.kind, notice.subscription, notice.address)
        return None

    def _notice_came_back(self, notice: _Notice, bounce: Bounce) -> Came:
        """It stands with the notice. Nobody is suppressed for it: that follows from copies of editions."""
        kept = self._store.notices.came_back(notice.id, bounce.cause.value, str(bounce.reply), self._clock())
        if not kept:
            return Came(fate=f"the notice ({notice.edition}) never left")
        return Came(fate=f"a notice ({notice.edition}) bounced: {bounce.cause.value}", cause=bounce.cause.value)

    def _complained(self, copy: FoundCopy, found: Complaint) -> Came:
        """Who calls our mail spam gets none any more, of any digest; who only opts out, none of this digest."""
        now = self._clock()
        with self._store.transaction():
            mine: list[Subscription] = list(self._store.subscribers.of(copy.address)) if copy.address else []
            if not mine:
                return Came(fate="a complaint of somebody who was erased")
            everything = not found.feedback.startswith("opt-out")
            for one in mine:
                if one.state != SubscriptionState.ENDED and (everything or one.id == copy.subscription):
                    leave(self._store, one.id, now, f"complained ({found.feedback})")
            before = self._store.subscribers.suppression(copy.address)
            if everything and before is None:
                evidence = f"{copy.edition}: {found.feedback}" + (f", by {found.reporter}" if found.reporter else "")
                self._store.subscribers.suppress(copy.address, COMPLAINT, evidence, now)
        return Came(
            fate=f"a complaint: {found.feedback}",
            cause=COMPLAINT,
            edition=copy.edition,
            suppressed=everything and before is None,
        )
