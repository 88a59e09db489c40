"""Readers: found, one reader's history, paused, ended, erased; who may not be written to; how the list grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.errors import DigestError, InputError, NotFound, StateError
from digest.model import Delivery, Permission, Preferences, Subscription, SubscriptionState
from digest.store import Found, GrowthWeek, Whom
from digest.subscriptions import RUNNING
from digest.web.console.frame import Filled, Frame, TimeView, Visitor
from digest.web.console.pictures import bars
from digest.web.forms import Form
from digest.web.listing import Column, Listing, write_cursor

_COLUMNS: Final = (
    Column("address", "Address"),
    Column("digest", "Digest"),
    Column("state", "State"),
    Column("since", "Since"),
)
_SUPPRESSED: Final = (
    Column("address", "Address"),
    Column("cause", "Cause"),
    Column("evidence", "Evidence"),
    Column("at", "Since", sort="at"),
    Column("acts", ""),
)
_CAUSES: Final = ("refused", "bounced", "complaint", "operator", "erased")
_OWN_WORD: Final = frozenset({"complaint", "erased"})
_WEEKS: Final = 26


@dataclass(frozen=True, kw_only=True)
class LineView:
    """A subscription in the list."""

    href: str
    address: str
    name: str
    digest: str
    state: str
    reason: str
    since: TimeView


@dataclass(frozen=True, kw_only=True)
class SubscriptionView:
    """A subscription on its reader's page."""

    number: int
    digest: str
    state: str
    resumes: TimeView | None
    chosen: tuple[tuple[str, str], ...]
    consents: tuple[tuple[str, TimeView, str, str, str], ...]  # given or withdrawn, when, basis, whence, wording
    base: str


@dataclass(frozen=True, kw_only=True)
class MailView:
    """A copy or a notice, and what became of it."""

    what: str
    href: str
    state: str
    tries: int
    when: TimeView | None
    said: str


@dataclass(frozen=True, kw_only=True)
class SuppressionView:
    """An address that nobody may write to."""

    address: str  # "" of one that was erased: only a keyed hash is left
    cause: str
    evidence: str
    since: TimeView
    own_word: bool  # the person's: lifted only with evidence


def add_pages(frame: Frame) -> None:
    """The pages and acts below /console/subscribers, without those of lists."""
    pages, desk = _Pages(frame), frame.site.app.reader_desk

    @frame.get("/subscribers", Permission.SUBSCRIBERS_READ)
    def readers(request: Request) -> Response:
        return pages.all(request)

    @frame.get("/subscribers/growth", Permission.SUBSCRIBERS_READ)
    def growth(request: Request) -> Response:
        return pages.growth(request)

    @frame.get("/subscribers/growth.svg", Permission.SUBSCRIBERS_READ)
    def picture(request: Request) -> Response:
        return frame.svg(pages.picture(request.query_params.get("digest", "")))

    @frame.get("/subscribers/suppressions", Permission.SUBSCRIBERS_READ)
    def suppressions(request: Request) -> Response:
        return pages.suppressions(request)

    @frame.post("/subscribers/suppressions", Permission.SUBSCRIBERS_WRITE)
    def suppress(request: Request, visit: Visitor, form: Filled) -> Response:
        try:
            desk.suppress(form.one("address"), form.one("reason"), by=visit.actor)
        except DigestError as error:
            return pages.suppressions(request, problem=_plain(error), said=form)
        return frame.redirect("/subscribers/suppressions", done="Nobody writes to this address any more.")

    @frame.post("/subscribers/suppressions/lift", Permission.SUBSCRIBERS_WRITE)
    def lift(request: Request, visit: Visitor, form: Filled) -> Response:
        try:
            was = desk.lift(form.one("address"), form.one("reason"), evidence=form.one("evidence"), by=visit.actor)
        except (InputError, StateError, NotFound) as error:
            return pages.suppressions(request, problem=_plain(error))
        done = f"The suppression ({was.cause}) is lifted: the address may be written to again."
        return frame.redirect("/subscribers/suppressions", done=done)

    @frame.get("/subscribers/{number:int}", Permission.SUBSCRIBERS_READ)
    def reader(request: Request, number: int) -> Response:
        return pages.one(request, number)

    @frame.get("/subscribers/{number:int}/erase", Permission.SUBSCRIBERS_WRITE)
    def ask(request: Request, number: int) -> Response:
        return pages.ask(request, number)

    @frame.post("/subscribers/{number:int}/erase", Permission.SUBSCRIBERS_WRITE)
    def erase(visit: Visitor, number: int) -> Response:
        count = desk.erase(frame.site.store.subscribers.get(number).address, by=visit.actor)
        return frame.redirect("/subscribers", done=f"Erased; {count} subscriptions are gone.")

    @frame.post("/subscribers/{number:int}/link", Permission.SUBSCRIBERS_WRITE)
    def link(visit: Visitor, number: int) -> Response:
        queued = desk.send_link(frame.site.store.subscribers.get(number).address, by=visit.actor)
        frame.site.wake()
        if not queued:
            return frame.redirect(f"/subscribers/{number}", note="It was queued a moment ago.")
        return frame.redirect(f"/subscribers/{number}", done="The mail with their link is queued.")

    def act(name: str, said: str, do: Callable[[int, Visitor, Form], object]) -> None:
        @frame.post(f"/subscribers/{{number:int}}/{name}", Permission.SUBSCRIBERS_WRITE)
        def acting(visit: Visitor, form: Filled, number: int) -> Response:
            try:
                do(number, visit, form)
            except (StateError, InputError) as error:
                return frame.redirect(f"/subscribers/{number}", problem=_plain(error))
            return frame.redirect(f"/subscribers/{number}", done=said)

    def suppress_reader(number: int, visit: Visitor, form: Form) -> None:
        desk.suppress(frame.site.store.subscribers.get(number).address, form.one("reason"), by=visit.actor)

    act("pause", "Paused.", lambda number, visit, _: desk.pause(number, by=visit.actor))
    act("resume", "It runs again.", lambda number, visit, _: desk.resume(number, by=visit.actor))
    act(
        "end",
        "Ended; no import revives it.",
        lambda number, visit, f: desk.end(number, f.one("reason"), by=visit.actor),
    )
    act("suppress", "Nobody writes to this address any more.", suppress_reader)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._app = frame.site.app
        self._desk = frame.site.app.reader_desk

    # ---- the list

    def all(self, request: Request) -> Response:
        """Subscriptions, found by address, digest and state; paged in the store."""
        asked = request.query_params
        listing = Listing.read(request, _COLUMNS, sort="", prefix=self._frame.prefix)
        state, text = asked.get("state", ""), asked.get("q", "").strip()[:254]
        digest = asked.get("digest", "") if asked.get("digest", "") in self._desk.digests else ""
        whom = Whom(
            text=text, digest=digest, state=SubscriptionState(state) if state in set(SubscriptionState) else None
        )
        after = listing.after[0] if listing.after else None
        if not isinstance(after, str if text and not text.startswith("@") else int):
            after = None
        page = self._desk.find(whom, after=after, limit=listing.limit)
        rows = [self._line(one) for one in page.rows]
        running = self._app.store.growth.running()
        context = {
            "listing": listing.following(rows, write_cursor([page.after]) if page.after is not None else ""),
            "q": text,
            "digests": self._digests(digest),
            "states": [
                ("", "all", not state),
                *((one.value, one.value, one.value == state) for one in SubscriptionState),
            ],
            "figures": [(f"{number:,}", digest) for digest, number in sorted(running.items())],
            "why": self._desk.look(text).why if not rows and text.count("@") == 1 and not text.startswith("@") else (),
            "here": listing.path,
            "growth": self._frame.path("/subscribers/growth"),
            "suppressions": self._frame.path("/subscribers/suppressions"),
            "bring": self._frame.path("/subscribers/import"),
            "export": self._frame.path("/subscribers/export"),
        }
        return self._frame.page(request, "subscribers.html", context, here="subscribers")

    def _digests(self, chosen: str) -> list[tuple[str, str, bool]]:
        return [("", "all", not chosen), *((key, key, key == chosen) for key in self._desk.digests)]

    def _line(self, one: Found) -> LineView:
        return LineView(
            href=self._frame.path(f"/subscribers/{one.subscription}"),
            address=one.address,
            name=one.name,
            digest=one.digest,
            state=one.state.value,
            reason=one.reason,
            since=self._frame.time(one.since),
        )

    # ---- one reader

    def one(self, request: Request, number: int) -> Response:
        """A reader's page: what they chose and agreed to, every mail, and why they got it or did not."""
        look = self._desk.reader(number)
        barred = look.suppression
        context = {
            "address": look.address,
            "name": look.name,
            "subscriptions": [self._subscription(one, look.consents[one.id]) for one in look.subscriptions],
            "why": look.why,
            "copies": [self._mail(one, self._frame.path(f"/editions/{one.edition}")) for one in look.deliveries],
            "notices": [self._mail(one, "") for one in look.notices],
            "barred": barred
            and SuppressionView(
                address=look.address,
                cause=barred.cause,
                evidence=barred.evidence,
                since=self._frame.time(barred.at),
                own_word=barred.cause in _OWN_WORD,
            ),
            "running": any(one.state in RUNNING for one in look.subscriptions),
            "base": self._frame.path(f"/subscribers/{number}"),
            "lift": self._frame.path("/subscribers/suppressions/lift"),
            "back": self._frame.path("/subscribers"),
        }
        return self._frame.page(request, "subscriber.html", context, here="subscribers")

    def _subscription(self, one: Subscription, consents: Sequence[tuple[bool, object]]) -> SubscriptionView:
        return SubscriptionView(
            number=one.id,
            digest=one.digest,
            state=one.state.value,
            resumes=self._frame.time(one.resumes) if one.resumes else None,
            chosen=tuple(self._chosen(one.preferences)),
            consents=tuple(
                (
                    "given" if given else "withdrawn",
                    self._frame.time(consent.at),  # type: ignore[attr-defined]  # a Consent
                    consent.basis,  # type: ignore[attr-defined]
                    consent.origin,  # type: ignore[attr-defined]
                    consent.text,  # type: ignore[attr-defined]
                )
                for given, consent in consents
            ),
            base=self._frame.path(f"/subscribers/{one.id}"),
        )

    def _chosen(self, chosen: Preferences) -> list[tuple[str, str]]:
        places, taxonomy = self._app.places, self._app.taxonomy
        found = [
            (
                "Regions",
                ", ".join(places.name(code) if places.find(code) else code for code in chosen.regions) or "all",
            ),
            ("Themes", ", ".join(taxonomy.name(theme) for theme in chosen.themes) or "all"),
            (
                "Language",
                self._frame.site.renderer.languages().get(chosen.language, chosen.language or "the publication's"),
            ),
            ("Length", chosen.length.value),
        ]
        if chosen.timing is not None:
            found.append(("Timing", str(chosen.timing)))
        return found

    def _mail(self, one: Delivery, href: str) -> MailView:
        when = one.finished_at or one.claimed_at
        return MailView(
            what=one.edition,  # of a notice, its kind
            href=href,
            state=one.state.value,
            tries=one.attempts,
            when=self._frame.time(when) if when else None,
            said="; ".join(part for part in (one.reason, one.reply) if part),
        )

    def ask(self, request: Request, number: int) -> Response:
        """Whether to erase somebody."""
        look = self._desk.reader(number)
        context = {
            "question": f"Erase everything that is held about {look.address}?",
            "consequences": (
                f"{len(look.subscriptions)} subscriptions and their consents are forgotten.",
                "Copies and mails that have not left are skipped; rows of the ledger name nobody any more.",
                "A keyed hash stays, so that no import writes to this address again.",
                "The person may come back by their own act. Nobody can undo this.",
            ),
            "action": self._frame.path(f"/subscribers/{number}/erase"),
            "cancel": self._frame.path(f"/subscribers/{number}"),
        }
        return self._frame.page(request, "subscriber-erase.html", context, here="subscribers")

    # ---- suppressions

    def suppressions(self, request: Request, *, problem: str = "", said: Form | None = None) -> Response:
        """Who may not be written to, and why."""
        cause = request.query_params.get("cause", "")
        listing = Listing.read(request, _SUPPRESSED, sort="-at", prefix=self._frame.prefix)
        after = None
        if listing.after and len(listing.after) == 2:
            at, key = listing.after
            after = (at, key) if isinstance(at, datetime) and isinstance(key, str) else None
        found = self._desk.suppressions(cause, after=after, limit=listing.limit + 1)
        listing = listing.shown(found, key=lambda one: (one.at, one.key))
        views = [
            SuppressionView(
                address=one.key if "@" in one.key else "",
                cause=one.cause,
                evidence=one.evidence,
                since=self._frame.time(one.at),
                own_word=one.cause in _OWN_WORD,
            )
            for one in listing.rows
        ]
        context = {
            "listing": listing,
            "rows": views,
            "causes": [("", "all", not cause), *((one, one, one == cause) for one in _CAUSES)],
            "problem": problem,
            "said": {name: said.one(name) if said else "" for name in ("address", "reason")},
            "here": self._frame.path("/subscribers/suppressions"),
            "lift": self._frame.path("/subscribers/suppressions/lift"),
            "back": self._frame.path("/subscribers"),
        }
        return self._frame.page(
            request, "suppressions.html", context, here="subscribers", status=422 if problem else 200
        )

    # ---- growth

    def growth(self, request: Request) -> Response:
        """Who came, left and bounced, week by week."""
        digest = request.query_params.get("digest", "")
        digest = digest if digest in self._desk.digests else ""
        weeks = self._desk.growth(_WEEKS, digest)
        context = {
            "weeks": [(one.week.isoformat(), one.joined, one.left, one.bounced) for one in reversed(weeks)],
            "joined": sum(one.joined for one in weeks),
            "left": sum(one.left for one in weeks),
            "bounced": sum(one.bounced for one in weeks),
            "digests": self._digests(digest),
            "picture": self._frame.path("/subscribers/growth.svg", digest=digest),
            "here": self._frame.path("/subscribers/growth"),
            "back": self._frame.path("/subscribers"),
        }
        return self._frame.page(request, "growth.html", context, here="subscribers")

    def picture(self, digest: str) -> bytes:
        """The same as a picture."""
        return _drawn(self._desk.growth(_WEEKS, digest if digest in self._desk.digests else ""))


@lru_cache(maxsize=16)  # drawing takes a moment, and the figures seldom change
def _drawn(weeks: tuple[GrowthWeek, ...]) -> bytes:
    return bars(
        "Readers who came, left and bounced, by week",
        [f"{one.week.day} {one.week:%b}" for one in weeks],
        {
            "came": [one.joined for one in weeks],
            "left": [-one.left for one in weeks],
            "bounced": [-one.bounced for one in weeks],
        },
        stacked=True,
        said=f"{sum(one.joined for one in weeks)} came, above the line; {sum(one.left for one in weeks)} left and "
        f"{sum(one.bounced for one in weeks)} bounced, below it.",
    )


def _plain(error: DigestError) -> str:
    """What was refused and what to do, in a line."""
    if isinstance(error, InputError):
        return f"{error.what}{f' ({error.remedy})' if error.remedy else ''}"
    return str(error)
