"""Today: what is due and what happens then, what waits for a decision, the last campaign, what does not go well.

Figures that take a count are kept for a moment, so that the page costs the same with a million subscribers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from fastapi import Request
from starlette.responses import Response

from digest import standing
from digest.errors import NotFound
from digest.model import AtDeadline, Condition, DeliveryState, DigestRule, EditionState, Permission, SourceState
from digest.store import AuditFilter, Listed
from digest.web.console.frame import Frame, TimeView, Visitor

Value = TypeVar("Value")
_KEPT: Final = timedelta(seconds=30)
_RUNNING: Final = timedelta(seconds=5)  # while a campaign is under way
_SOURCES: Final = 8
_LATELY: Final = 6
_BAD: Final = (Condition.FAILING, Condition.GONE)
_STATES: Final = (EditionState.SENDING, EditionState.PAUSED)


class Kept(Generic[Value]):
    """A value that is made anew when it has grown old. May be shared by threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, tuple[datetime, Value]] = {}

    def get(self, key: str, life: timedelta, make: Callable[[], Value]) -> Value:
        """The value of a key; made where there is none, or where it is older than its life."""
        with self._lock:
            found = self._made.get(key)
            if found is None or self._clock() - found[0] >= life:
                found = self._made[key] = self._clock(), make()
            return found[1]


@dataclass(frozen=True, kw_only=True)
class NextView:
    """The edition that a digest is to bring next."""

    digest: str
    period: str
    due: TimeView
    state: str  # "" while there is no draft
    edition: str
    what: str  # what happens then


@dataclass(frozen=True, kw_only=True)
class WaitingView:
    """Something that waits for a decision."""

    title: str
    state: str
    why: str
    href: str
    since: TimeView


@dataclass(frozen=True, kw_only=True)
class FigureView:
    """One figure of the last campaign."""

    label: str
    number: str
    tone: str


def add_pages(frame: Frame) -> None:
    """The first page."""
    site = frame.site
    tallies: Kept[Mapping[DeliveryState, int]] = Kept(site.clock)
    fences: Kept[str] = Kept(site.clock)

    @frame.get("", Permission.DESK_READ)
    def today(request: Request, visit: Visitor) -> Response:
        look = standing.today(site.store, site.settings, site.clock())
        figures: list[FigureView] = []
        if look.last is not None:
            last = look.last.id
            life = _RUNNING if look.last.state in _STATES else _KEPT
            try:
                figures = _figures(tallies.get(last, life, lambda: site.store.campaigns.tally(last)))
            except NotFound:  # approved and under way, and its audience is not frozen yet
                figures = []
        context = {
            "now": frame.time(site.clock()),
            "coming": [_coming(frame, one) for one in look.coming],
            "waiting": [_waiting(frame, one) for one in look.waiting],
            "owed": [(one.digest, one.period, frame.time(one.due)) for one in look.owed],
            "last": look.last and _waiting(frame, look.last),
            "figures": figures,
            "sources": [
                (
                    one.state.key,
                    one.condition.value,
                    _said(one.state, one.condition, frame),
                    frame.path(f"/sources/{one.state.key}"),
                )
                for one in sorted(look.sources, key=lambda one: one.condition not in _BAD)[:_SOURCES]
            ],
            "more_sources": max(len(look.sources) - _SOURCES, 0),
            "problems": [(one.source, one.origin, one.what, one.remedy, frame.time(one.last)) for one in look.problems],
            "unarmed": fences.get("fence", _KEPT, site.app.unarmed),
            "alarm": site.settings.operations.alarm,
            "lately": [
                (frame.time(one.at), one.actor.name, one.act, one.object)
                for one in (
                    site.store.audit.page(AuditFilter(), limit=_LATELY) if visit.may(Permission.AUDIT_READ) else ()
                )
            ],
        }
        return frame.page(request, "today.html", context, here="today")


def what_then(rule: DigestRule, state: EditionState | None) -> str:
    """What happens to an edition when it is due, in a sentence."""
    if state in {None, EditionState.DRAFT}:
        first = "" if state else "Composed when it is due. "
        if rule.approval == "deadline":
            return f"{first}Then approved by itself and sent, unless preflight objects."
        people = "two people" if rule.second_person else "an operator"
        if rule.at_deadline is AtDeadline.SEND:
            return f"{first}Sent even if {people} did not approve it, unless preflight objects."
        return (
            f"{first}Waits until {people} approved it."
            if rule.second_person
            else f"{first}Waits until {people} approves it."
        )
    return {
        EditionState.APPROVED: "Approved: goes out when it is due.",
        EditionState.HELD: "Held: stays here until somebody approves it.",
        EditionState.SENDING: "On its way.",
        EditionState.PAUSED: "Paused on its way.",
        EditionState.SENT: "Is out.",
        EditionState.CANCELLED: "Cancelled: nothing goes out.",
        EditionState.SKIPPED: "Skipped: nothing goes out.",
    }[state]


def _coming(frame: Frame, one: standing.NextEdition) -> NextView:
    viewer = frame.site.renderer.viewer("en")
    period = one.run.period
    return NextView(
        digest=one.rule.title or one.rule.key,
        period=viewer.line("", "", 0, period.start, period.end).period,
        due=frame.time(one.run.at),
        state=one.edition.state.value if one.edition else "",
        edition=frame.path(f"/editions/{one.edition.id}") if one.edition else "",
        what=what_then(one.rule, one.edition.state if one.edition else None),
    )


def _waiting(frame: Frame, one: Listed) -> WaitingView:
    kind = "campaigns" if one.state in {*_STATES, EditionState.SENT} else "editions"
    return WaitingView(
        title=f"{one.title} {one.period}",
        state=one.state.value,
        why=one.reason or ("is due, and waits for approval" if one.state is EditionState.DRAFT else ""),
        href=frame.path(f"/{kind}/{one.id}"),
        since=frame.time(one.changed),
    )


def _figures(tally: Mapping[DeliveryState, int]) -> list[FigureView]:
    """What became of a campaign's copies: all and the accepted always, the rest where there is any."""
    shown = (
        ("copies", sum(tally.values()), ""),
        ("accepted", tally[DeliveryState.ACCEPTED], ""),
        ("to go", tally[DeliveryState.QUEUED] + tally[DeliveryState.CLAIMED], ""),
        ("deferred", tally[DeliveryState.DEFERRED], "warn"),
        ("uncertain", tally[DeliveryState.UNCERTAIN], "warn"),
        ("refused", tally[DeliveryState.REFUSED], "bad"),
        ("bounced", tally[DeliveryState.BOUNCED], "bad"),
        ("skipped", tally[DeliveryState.SKIPPED], ""),
    )
    return [
        FigureView(label=label, number=f"{count:,}", tone=tone)
        for label, count, tone in shown
        if count or label in {"copies", "accepted"}
    ]


def _said(state: SourceState, condition: Condition, frame: Frame) -> str:
    """What there is to know about a source that does not do well."""
    if condition is Condition.HELD:
        return f"{state.held} old items are shown as new: they wait for you"
    if condition is Condition.QUIET and state.last_new:
        return f"nothing new since {frame.time(state.last_new).short}"
    return state.error
