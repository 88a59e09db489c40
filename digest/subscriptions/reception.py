"""The reception: takes in what readers ask for on the public forms, settles it, and sends the mails that follow.

    ask ──> request (a row, the same for every address) ──> settle ──> pending subscription + notice ──> send_notices

The page that asks has its answer before anybody looks the address up: so neither its words nor its time tell whether
the address is known, active, or suppressed. A crash between the two loses nothing: requests wait in the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from digest import deliver
from digest.deliver import Envelope, Halt, Policy, Report, Transport, run_in_loop
from digest.links import Links
from digest.model import Claim, Consent, Copy, Length, Preferences, Skipped, Subscription, SubscriptionState
from digest.render import Renderer
from digest.settings import Settings
from digest.store import ASKED, ERASED, Notice, Store, Wanted, address_key
from digest.subscriptions import acts

WINDOW: Final = timedelta(hours=1)  # in which requests are counted
CONFIRMATIONS: Final = 3  # to one address, until somebody there confirms
SENDING: Final = "notices"  # what only one process of an installation does at a time
FORM: Final = ASKED  # the basis of what is only asked for
OPT_IN: Final = "double opt-in"
ALARM: Final = "alarm"  # the kind of notice that goes to the operator
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CHUNK: Final = 100
_PENDING, _ACTIVE, _ENDED = SubscriptionState.PENDING, SubscriptionState.ACTIVE, SubscriptionState.ENDED


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody asked for: to subscribe to digests; or, with none, for the links to their choices."""

    address: str  # as `read_address` gives it
    language: str
    digests: tuple[str, ...] = ()
    preferences: Preferences = field(default_factory=Preferences)
    wording: str = ""  # of the consent, as it was shown


class Reception:
    """`ask`, `settle`, `confirm`, `send_notices`. Made by digest.app, which alone knows how to wire it."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        links: Links,
        renderer: Renderer,
        transport: Callable[[], Transport],
        may_send: Callable[[], None],
        clock: Callable[[], datetime],
        writers: Mapping[str, Callable[[Notice, Copy], Copy | Skipped]] | None = None,
    ) -> None:
        """Introduce the rooms to each other.

        Args:
            settings: the publication's.
            store: where requests and notices wait.
            links: makes and reads the links of mails.
            renderer: of the mails.
            transport: what carries them away.
            may_send: raises where this installation must not send (it is a copy of another).
            clock: the time now, aware.
            writers: by kind, what makes more of a mail than its templates do, as it leaves.
        """
        self._settings = settings
        self._store = store
        self._links = links
        self._renderer = renderer
        self._transport = transport
        self._may_send = may_send
        self._clock = clock
        self._writers = writers or {}

    # ---- requests

    def ask(self, wish: Wish, *, network: str, origin: str) -> bool:
        """Take in a request; False when too many came from this network, or from all together, in the last hour.

        Args:
            wish: what is asked for.
            network: whence, for the limits.
            origin: whence, as it is kept with the consent.
        """
        limits = self._settings.web
        return self._store.requests.add(
            _payload(wish, origin),
            network,
            self._clock(),
            window=WINDOW,
            each=limits.requests_per_network,
            together=limits.requests_per_hour,
        )

    def settle(self, stop: Halt | None = None) -> int:
        """End pauses that are over, and do what open requests ask for, each in one transaction; how many requests.

        Raises:
            Halted: `stop` was set; what is left is for the next call.
        """
        settled, halt = 0, stop or Halt()
        self._store.subscribers.wake(self._clock())
        while waiting := self._store.requests.open(_CHUNK):
            for request in halt.each(waiting):
                now = self._clock()
                with self._store.transaction():
                    if self._store.requests.settle(request.id, now):
                        self._settle(*_wish(request.payload), now)
                        settled += 1
        self._store.requests.forget(self._clock())
        return settled

    def _settle(self, wish: Wish, origin: str, now: datetime) -> None:
        barred = self._store.subscribers.suppression(wish.address)
        if barred is not None and barred.cause != ERASED:  # who was erased may come back by their own wish
            return
        mine = {one.digest: one for one in self._store.subscribers.of(wish.address)}
        asleep = [key for key in wish.digests if key not in mine or mine[key].state not in acts.RUNNING]
        if asleep:
            self._invite(wish, asleep, mine, origin, now)
        elif any(one.state in acts.RUNNING for one in mine.values()):
            self.notify("link", wish.address, wish.language, now, cause=f"link:{_short(wish.address)}:{now:%Y-%m-%d}")

    def _invite(
        self, wish: Wish, digests: Sequence[str], mine: Mapping[str, Subscription], origin: str, now: datetime
    ) -> None:
        """Note pending subscriptions, and ask by mail whether they are wanted: once a day, three times in all."""
        consent = Consent(at=now, basis=FORM, origin=origin, text=wish.wording)
        for key in digests:
            before = mine.get(key)
            if before is None:
                wanted = Wanted(
                    address=wish.address,
                    digest=key,
                    consent=consent,
                    preferences=wish.preferences,
                    state=_PENDING,
                    own=True,
                )
                self._store.subscribers.put([wanted], now)
            else:  # one that ended stays so until its owner confirms
                self._store.subscribers.wish(before.id, wish.preferences, now)
        if self._store.notices.count(wish.address, "confirm", self._last_consent(mine.values())) >= CONFIRMATIONS:
            return
        numbers = [one.id for one in self._store.subscribers.of(wish.address) if one.digest in digests]
        self.notify(
            "confirm",
            wish.address,
            wish.language,
            now,
            cause=f"confirm:{_short(wish.address)}:{now:%Y-%m-%d}",
            values={"subscriptions": numbers},
        )

    def _last_consent(self, subscriptions: Iterable[Subscription]) -> datetime:
        """When the person last said yes or no: what was only typed into a form does not count."""
        times = [
            consent.at
            for one in subscriptions
            for _, consent in self._store.subscribers.consents(one.id)
            if consent.basis != FORM
        ]
        return max(times, default=_LONG_AGO)

    # ---- the person's answer

    def wording(self, language: str) -> str:
        """The text that a person consents to, in a language, as the form and the confirming page show it."""
        return " ".join(self._renderer.page("web/consent.txt", {}, language).split())

    def read_confirm(self, token: str) -> tuple[tuple[int, ...], datetime]:
        """The subscriptions that a confirming link names, and when it was made.

        Raises:
            LinkError: it is damaged, or has expired.
        """
        return self._links.read_confirm(token, self._clock(), timedelta(days=self._settings.web.confirm_days))

    def confirm(self, token: str, *, language: str, origin: str) -> tuple[Subscription, ...]:
        """Make the subscriptions of a confirming link active and welcome their reader; those that became so now.

        Raises:
            LinkError: the link is damaged, or has expired.
        """
        numbers, asked = self.read_confirm(token)
        now = self._clock()
        consent = Consent(at=now, basis=OPT_IN, origin=origin, text=self.wording(language))
        with self._store.transaction():
            confirmed = acts.confirm(self._store, numbers, asked, consent=consent)
            if confirmed:
                self.notify(
                    "welcome",
                    confirmed[0].address,
                    language,
                    now,
                    cause=f"welcome:{confirmed[0].id}:{now.isoformat()}",
                    subscription=confirmed[0].id,
                    values={"subscriptions": [one.id for one in confirmed]},
                )
        return confirmed

    # ---- notices

    def notify(
        self,
        kind: str,
        address: str,
        language: str,
        now: datetime,
        *,
        cause: str,
        subscription: int = 0,
        values: Mapping[str, object] | None = None,
    ) -> bool:
        """Queue a single mail, unless there was one of this cause; whether it was queued.

        Args:
            kind: its templates, templates/email/<kind>/; they see `values`.
            address: whom to.
            language: of the mail.
            now: the time; also the mail's date.
            cause: why, once: "confirm:<address>:2018-07-23".
            subscription: that it is about; 0 for none.
            values: plain JSON values.
        """
        domain = self._settings.publication.sender.rpartition("@")[2]
        notice = Notice(
            cause=cause,
            kind=kind,
            address=address,
            language=language,
            subscription=subscription,
            created=now,
            values=values or {},
        )
        return self._store.notices.add(notice, self._links.notice_id(cause, domain))

    def send_notices(self, stop: Halt | None = None, *, alarms: bool = False, kind: str = "") -> Report | None:
        """Send the notices that are due, with the same ledger as copies; None when there are none.

        Args:
            stop: asks it to end, from any thread.
            alarms: send those to the operator only. They also leave an installation that must not send: somebody has
                to learn of it.
            kind: of the notices; "" sends all.

        Raises:
            Busy: another process is sending them.
            DeliveryError: the transport cannot be used at all.
            StateError: this is a copy of an installation, or an older state of one, and must not send.
        """
        kind = ALARM if alarms else kind
        if not self._store.notices.waiting(self._clock(), kind=kind):
            return None
        if not alarms:
            self._may_send()
        halt = stop or Halt()

        async def send() -> Report:
            with halt.event() as ending:
                return await deliver.run(
                    self._store.notices.ledger(kind=kind),
                    self._transport(),
                    self._made,
                    clock=self._clock,
                    policy=Policy(uncertain=self._settings.delivery.uncertain.value, linger=timedelta(0), attempts=40),
                    stop=ending,
                )

        with self._store.hold(SENDING):
            return run_in_loop(send())

    def _made(self, claim: Claim) -> Envelope | Skipped:
        """The message of a notice, or why it is not wanted any more."""
        notice = self._store.notices.get(claim.delivery)
        copy = self._copy(notice)
        if isinstance(copy, Skipped):
            return copy
        publication = self._settings.publication
        content = deliver.notice(
            copy, publication=publication, claim=claim, date=notice.created.astimezone(self._settings.zone)
        )
        return_path = self._settings.mail.return_path or publication.sender
        sender = return_path.replace("{token}", self._links.notice_return_path(claim.delivery))
        return Envelope(sender=sender, recipient=claim.address, content=content)

    def _copy(self, notice: Notice) -> Copy | Skipped:
        named = [int(str(number)) for number in _list(notice.values, "subscriptions")]
        order = [rule.key for rule in self._settings.digests]
        known = [one for one in self._store.subscribers.of(notice.address) if one.digest in order]
        mine = sorted(known, key=lambda one: order.index(one.digest))
        about = [one for one in mine if one.id in named] if named else mine
        context: dict[str, object] = dict(notice.values)
        unsubscribe = ""
        match notice.kind:
            case "confirm":
                about = [one for one in about if one.state in {_PENDING, _ENDED}]
                if not about:
                    return Skipped(reason="it was confirmed meanwhile")
                context = {
                    "link": self._links.confirm(named, notice.created),
                    "days": self._settings.web.confirm_days,
                }
            case "welcome" | "link":
                about = [one for one in about if one.state in acts.RUNNING]
                if not about:
                    return Skipped(reason="the subscription has ended")
                unsubscribe = self._links.unsubscribe(about[0].id) if notice.kind == "welcome" else ""
            case "correction":  # as with copies, who pauses asked for no mail
                about = [one for one in about if one.state is _ACTIVE]
                if not about:
                    return Skipped(reason="the subscription has ended, or pauses")
                unsubscribe = self._links.unsubscribe(about[0].id)
        context["digests"] = [self._shown(one) for one in about]
        copy = replace(self._renderer.mail(notice.kind, context, notice.language), unsubscribe=unsubscribe)
        writer = self._writers.get(notice.kind)
        return writer(notice, copy) if writer else copy

    def _shown(self, one: Subscription) -> dict[str, str]:
        return {
            "title": self.title(one.digest),
            "preferences": self._links.preferences(one.id),
            "unsubscribe": self._links.unsubscribe(one.id),
        }

    def title(self, digest: str) -> str:
        """The title of a digest; its key when it is not published any more."""
        return next((rule.title for rule in self._settings.digests if rule.key == digest), digest)


def _short(address: str) -> str:
    """An address in a cause: the same for the same address, and not readable."""
    return hashlib.sha256(address_key(address).encode()).hexdigest()[:24]


def _payload(wish: Wish, origin: str) -> dict[str, object]:
    chosen = wish.preferences
    return {
        "address": wish.address,
        "digests": list(wish.digests),
        "regions": list(chosen.regions),
        "themes": list(chosen.themes),
        "length": chosen.length.value,
        "language": wish.language,
        "wording": wish.wording,
        "origin": origin,
    }


def _wish(payload: Mapping[str, object]) -> tuple[Wish, str]:
    """A request as it was asked, and its origin."""
    language = str(payload["language"])
    wish = Wish(
        address=str(payload["address"]),
        language=language,
        digests=tuple(map(str, _list(payload, "digests"))),
        preferences=Preferences(
            regions=tuple(map(str, _list(payload, "regions"))),
            themes=tuple(map(str, _list(payload, "themes"))),
            language=language,
            length=Length(str(payload["length"])),
        ),
        wording=str(payload["wording"]),
    )
    return wish, str(payload["origin"])


def _list(payload: Mapping[str, object], name: str) -> list[object]:
    value = payload.get(name, [])
    return value if isinstance(value, list) else []
