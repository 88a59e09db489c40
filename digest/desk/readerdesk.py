"""The readers' desk: found, looked at, paused, ended, suppressed and let in again; lists tried before they are kept.

The console, the API and the CLI call `app.reader_desk`. Nothing here asks who may: a front has checked that. The audit
log names a reader by the number of a subscription, never by address.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from digest import subscriptions
from digest.errors import InputError, NotFound, StateError
from digest.model import Actor, Consent, Delivery, Preferences, Subscription, SubscriptionState, Theme
from digest.places import Places
from digest.settings import Settings
from digest.store import ERASED, Fate, FoundPage, GrowthWeek, Store, Suppression, Whom
from digest.subscriptions import ImportReport, Reception

COMPLAINT: Final = "complaint"
_NEED_EVIDENCE: Final = frozenset({COMPLAINT, ERASED})  # the person's own word: only their own word lifts it
_COPIES: Final = 100  # deliveries that are shown of one reader


@dataclass(frozen=True, kw_only=True)
class ReaderLook:
    """All that the desk knows of an address.

    Attributes:
        address: as it is written to.
        name: of the person.
        subscriptions: theirs, by digest, ended ones too.
        consents: number of a subscription -> what was agreed to (True) and withdrawn (False), in order.
        deliveries: copies, the newest first.
        notices: other mails, the newest first.
        suppression: why nobody may write to it; None: one may.
        why: the same in sentences.
    """

    address: str
    name: str
    subscriptions: tuple[Subscription, ...]
    consents: Mapping[int, tuple[tuple[bool, Consent], ...]]
    deliveries: tuple[Delivery, ...]
    notices: tuple[Delivery, ...]
    suppression: Suppression | None
    why: tuple[str, ...]


class ReaderDesk:
    """The acts. Made by digest.app, which alone knows how to wire them."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        places: Callable[[], Places],
        themes: Callable[[], Mapping[str, Theme]],
        reception: Callable[[], Reception],
        clock: Callable[[], datetime],
    ) -> None:
        """Introduce the rooms to each other.

        Args:
            settings: with the digests.
            store: the publication's.
            places: the tree of regions; made when a list is read.
            themes: the taxonomy by id; made when a list is read.
            reception: from where notices are sent.
            clock: the time.
        """
        self._settings = settings
        self._store = store
        self._places = places
        self._themes = themes
        self._reception = reception
        self._clock = clock

    @property
    def digests(self) -> Sequence[str]:
        """Keys of the digests."""
        return [rule.key for rule in self._settings.digests]

    # ---- looking

    def find(self, whom: Whom, *, after: int | str | None = None, limit: int = 50) -> FoundPage:
        """A page of subscriptions: the newest first, or by address where one was begun."""
        return self._store.finding.find(whom, self.digests, after=after, limit=limit)

    def reader(self, number: int) -> ReaderLook:
        """All that is known of whose subscription this is.

        Raises:
            NotFound: there is no such subscription.
        """
        return self.look(self._store.subscribers.get(number).address)

    def look(self, address: str) -> ReaderLook:
        """All that is known of an address, that of nobody too: it may be suppressed."""
        mine = self._store.subscribers.of(address)
        barred = self._store.subscribers.suppression(address)
        return ReaderLook(
            address=mine[0].address if mine else address,
            name=mine[0].name if mine else "",
            subscriptions=mine,
            consents={one.id: self._store.subscribers.consents(one.id) for one in mine},
            deliveries=tuple(reversed(self._store.campaigns.deliveries(address=address, limit=10_000)))[:_COPIES],
            notices=tuple(reversed(self._store.notices.deliveries(address))),
            suppression=barred,
            why=subscriptions.why(self._store, address),
        )

    def suppressions(
        self, cause: str = "", *, after: tuple[datetime, str] | None = None, limit: int = 50
    ) -> tuple[Suppression, ...]:
        """A page of suppressions, newest first."""
        return self._store.subscribers.suppressed(cause, after=after, limit=limit)

    def growth(self, weeks: int = 26, digest: str = "") -> tuple[GrowthWeek, ...]:
        """Who came, left and bounced, week by week, oldest first."""
        return self._store.growth.weeks(self._clock(), weeks, digest)

    # ---- one subscription

    def add(
        self,
        address: str,
        digests: Sequence[str],
        *,
        basis: str,
        name: str = "",
        preferences: Preferences | None = None,
        by: Actor,
    ) -> dict[str, Fate]:
        """Subscribe a person, or bring what is known of one up to date; what became of each digest.

        Args:
            address: theirs.
            digests: keys.
            basis: how and where this person agreed.
            name: theirs.
            preferences: what they chose.
            by: who adds them.

        Raises:
            AddressError: the address cannot be written to.
        """
        at = self._clock()
        consent = Consent(at=at, basis=f"operator: {basis}", origin=f"{by.via}, {by.name}")
        with self._store.transaction():
            fates = subscriptions.add(
                self._store, address, digests, consent=consent, now=at, name=name, preferences=preferences
            )
            details = {key: fate.value for key, fate in fates.items()}
            self._note(by, "add", self._number(subscriptions.read_address(address)), details)
        return fates

    def prefer(self, number: int, preferences: Preferences, *, by: Actor) -> Subscription:
        """Change what a reader chose, as they asked.

        Raises:
            NotFound: there is no such subscription.
            StateError: it has ended.
        """
        with self._store.transaction():
            changed = self._store.subscribers.prefer(number, preferences, self._clock())
            self._note(by, "prefer", number, {})
        return changed

    def pause(self, number: int, *, until: datetime | None = None, by: Actor) -> Subscription:
        """Send nothing of a digest to a reader, until a time or until it is resumed.

        Raises:
            NotFound: there is no such subscription.
            StateError: it does not run.
        """
        details = {"until": until.isoformat()} if until else {}
        return self._change(
            number, SubscriptionState.PAUSED, "paused by an operator", "pause", details, resumes=until, by=by
        )

    def resume(self, number: int, *, by: Actor) -> Subscription:
        """End a pause.

        Raises:
            NotFound: there is no such subscription.
            StateError: it is not paused: only its owner's own act begins one that has not begun, or has ended.
        """
        one = self._store.subscribers.get(number)
        if one.state is not SubscriptionState.PAUSED:
            raise StateError(
                f"subscription {number}", one.state, "resume it", "only a pause can be ended; send them their link"
            )
        return self._change(number, SubscriptionState.ACTIVE, "", "resume", {}, by=by)

    def end(self, number: int, reason: str = "", *, by: Actor) -> Subscription:
        """End a subscription; no import revives it.

        Raises:
            NotFound: there is no such subscription.
        """
        said = reason.strip() or "ended by an operator"
        return self._change(number, SubscriptionState.ENDED, said, "end", {"reason": said}, by=by)

    def _change(
        self,
        number: int,
        state: SubscriptionState,
        reason: str,
        act: str,
        details: Mapping[str, object],
        *,
        resumes: datetime | None = None,
        by: Actor,
    ) -> Subscription:
        at = self._clock()
        with self._store.transaction():
            changed = self._store.subscribers.change(number, state, at, reason, resumes=resumes)
            self._note(by, act, number, details)
        return changed

    # ---- one address

    def suppress(self, address: str, reason: str, *, by: Actor) -> None:
        """Let nobody write to an address any more.

        Raises:
            AddressError: it is no address.
            InputError: no reason is given.
        """
        if not reason.strip():
            raise InputError("no reason", remedy="say why, for who looks at it later")
        address = subscriptions.read_address(address)
        with self._store.transaction():
            evidence = f"{by.name}: {reason.strip()}"
            self._store.subscribers.suppress(address, "operator", evidence, self._clock())
            self._note(by, "suppress", self._number(address), {"reason": reason.strip()})

    def lift(self, address: str, reason: str, *, evidence: str = "", by: Actor) -> Suppression:
        """Let an address be written to again; what it was.

        Who complained, or had their data erased, said so themselves: that is lifted only with evidence that they want
        mail again.

        Raises:
            InputError: no reason is given.
            NotFound: the address is not suppressed.
            StateError: it was the person's own word, and no evidence is given.
        """
        if not reason.strip():
            raise InputError("no reason", remedy="say why, for who looks at it later")
        known = self._store.subscribers.suppression(address)
        if known is None:
            raise NotFound("suppression", address, "`digest suppressions list` shows them")
        if known.cause in _NEED_EVIDENCE and not evidence.strip():
            raise StateError(
                "this address",
                f"suppressed: {known.cause}",
                "lift it without evidence",
                "say where and when the person asked for mail again",
            )
        details = {"reason": reason.strip(), "evidence": evidence.strip(), "cause": known.cause}
        with self._store.transaction():
            self._store.subscribers.lift(address)
            self._note(by, "lift", self._number(address), {**details, "since": known.at.isoformat()})
        return known

    def send_link(self, address: str, *, by: Actor) -> bool:
        """Mail a reader the link to their choices; whether it was queued (once a minute is enough).

        Raises:
            NotFound: nobody of this address reads anything.
        """
        running = [one for one in self._store.subscribers.of(address) if one.state in subscriptions.RUNNING]
        if not running:
            raise NotFound("reader", "", "only who reads a digest has a link")
        at = self._clock()
        with self._store.transaction():
            queued = self._reception().notify(
                "link",
                running[0].address,
                running[0].preferences.language,
                at,
                cause=f"link:desk:{running[0].id}:{at:%Y-%m-%dT%H:%M}",
            )
            self._note(by, "send-link", running[0].id, {})
        return bool(queued)

    def erase(self, address: str, *, by: Actor) -> int:
        """Forget a person; how many subscriptions they had.

        Raises:
            NotFound: nothing is known of this address.
        """
        number = self._number(address)
        with self._store.transaction():
            count = subscriptions.erase(self._store, address, self._clock())
            self._note(by, "erase", number, {"subscriptions": count})
        return count

    # ---- lists

    def import_list(
        self, data: bytes, name: str, *, basis: str, whole: bool = False, keep: bool, by: Actor
    ) -> ImportReport:
        """Import a list of readers, or only say what would become of each line.

        Args:
            data: CSV, as subscribers/README.md has it.
            name: of the file, for the record.
            basis: of consent, for lines that name none.
            whole: import nothing if any line is refused.
            keep: false: keep nothing, show what would happen.
            by: who imports.

        Raises:
            ListError: the list as a whole cannot be read.
        """
        with self._store.transaction():
            report = subscriptions.import_csv(
                self._store,
                data,
                name=name,
                places=self._places(),
                themes=self._themes(),
                digests=self.digests,
                now=self._clock(),
                basis=basis,
                whole=whole,
                dry_run=not keep,
            )
            if keep:
                counts = {"imported": report.imported, "updated": report.updated, "refused": len(report.refused)}
                self._store.audit.add(by, "reader.import", name[:100], counts, at=self._clock())
        return report

    def export(
        self, digest: str = "", states: Collection[SubscriptionState] = (SubscriptionState.ACTIVE,), *, by: Actor
    ) -> Iterator[str]:
        """A list that an import reads, as text, a piece at a time: it does not grow with the number of readers."""
        self._store.audit.add(by, "reader.export", digest, {"states": sorted(states)}, at=self._clock())
        return _lines(self._store, digest, states)

    # ----

    def _number(self, address: str) -> int:
        """The number by which a reader stands on record; 0 for who has no subscription."""
        return next((one.id for one in self._store.subscribers.of(address)), 0)

    def _note(self, by: Actor, act: str, number: int, details: Mapping[str, object]) -> None:
        self._store.audit.add(by, f"reader.{act}", f"subscription {number}", details, at=self._clock())


def _lines(store: Store, digest: str, states: Collection[SubscriptionState]) -> Iterator[str]:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for number, cells in enumerate(subscriptions.list_rows(store, digest=digest, states=states)):
        writer.writerow(cells)
        if number % 500 == 499:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
