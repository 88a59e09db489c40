"""A reader's page of choices: what they get, when and how often; pauses, a private feed, their data, being forgotten.

Who may act is who holds the link of their mails. Nothing happens by looking: every act is a form of its own.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import NotFound
from digest.model import Consent, Length, Preferences, Subscription, SubscriptionState, Timing, local_instant
from digest.web.forms import Form, Sent
from digest.web.reading import READ
from digest.web.site import Site

_PAUSED, _ENDED = SubscriptionState.PAUSED, SubscriptionState.ENDED
_LONGEST_PAUSE: Final = timedelta(days=366)
_COMMAS: Final = str.maketrans(";，、；", ",,,,")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a form says. `problems` is field -> what is wrong with it."""

    preferences: Preferences
    problems: dict[str, str] = field(default_factory=dict)


class Choices:
    """Reads and shows choices, for the form to subscribe and the page of who has."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._zones = frozenset(available_timezones())
        self._named = tuple(sorted(zone for zone in self._zones if zone.partition("/")[0] in _CONTINENTS))

    # ---- what a form says

    def digests(self, form: Form) -> tuple[str, ...]:
        """The digests that were ticked; the only one there is without asking."""
        known = [rule.key for rule in self._site.settings.digests]
        return tuple(key for key in known if len(known) == 1 or key in form.all("digest"))

    def read(self, form: Form, request: Request) -> Chosen:
        """The preferences of a form."""
        regions, unknown = self._regions(form)
        problems = {"more": unknown} if unknown else {}
        zone = form.one("zone").strip()
        if zone and zone not in self._zones:
            problems["zone"] = zone[:80]
        timing = Timing(
            day=_number(form.one("day"), 7),
            hour=_number(form.one("hour"), 24),
            zone="" if "zone" in problems or zone == self._site.settings.publication.time_zone else zone,
            every=_number(form.one("every"), 53) or 1,
        )
        at_will = timing.day is None and timing.hour is None
        return Chosen(
            preferences=Preferences(
                regions=regions,
                themes=tuple(theme.id for theme in self._site.app.taxonomy if theme.id in form.all("theme")),
                language=self._language(form, request),
                length=Length.HEADLINES if form.one("length") == Length.HEADLINES.value else Length.FULL,
                timing=None if at_will and timing.every == 1 else timing,
            ),
            problems=problems,
        )

    def _regions(self, form: Form) -> tuple[tuple[str, ...], str]:
        """Codes of the regions that were ticked or written, and the first written one that nobody knows."""
        codes = [place.code for code in form.all("region") if (place := self._site.place(code)) is not None]
        for name in filter(None, (name.strip() for name in form.one("more").translate(_COMMAS).split(","))):
            place = self._site.app.places.resolve(name)
            if place is None:
                return tuple(dict.fromkeys(codes)), name[:80]
            codes.append(place.code)
        return tuple(dict.fromkeys(codes)), ""

    def _language(self, form: Form, request: Request) -> str:
        """The language of the mails: as chosen, else as the page's."""
        site = self._site
        if (chosen := form.one("language")) in site.renderer.languages():
            return chosen
        return site.renderer.language(site.language(request) or site.settings.publication.language)

    def _until(self, form: Form, one: Subscription) -> tuple[datetime | None, str]:
        """When a pause shall end (None: not by itself), and what is wrong with the date that was given."""
        given = form.one("until").strip()
        if not given:
            return None, ""
        try:
            day = date.fromisoformat(given)
            instant = local_instant(day, time(0), self._zone(one))
        except (ValueError, OverflowError):
            return None, "date"
        now = self._site.clock()
        return (instant, "") if now < instant <= now + _LONGEST_PAUSE else (None, "date")

    def _zone(self, one: Subscription) -> tzinfo:
        name = one.preferences.timing.zone if one.preferences.timing else ""
        return ZoneInfo(name) if name in self._zones else self._site.settings.zone

    # ---- what a page shows

    def offered(self, chosen: Sequence[str]) -> list[tuple[str, str, bool]]:
        """The digests of a form: key, title, ticked."""
        return [(rule.key, rule.title, rule.key in chosen) for rule in self._site.settings.digests]

    def less(self, one: Subscription) -> dict[str, object]:
        """What a page says that offers to get less."""
        now = self._site.clock().astimezone(self._zone(one)).date()
        every = one.preferences.timing.every if one.preferences.timing else 1
        return {
            "every": 0 if every > 1 else self._site.settings.web.less_often,
            "first_day": (now + timedelta(days=1)).isoformat(),
            "last_day": (now + _LONGEST_PAUSE).isoformat(),
        }

    def shown(self, request: Request, form: Form, kept: Preferences | None = None) -> dict[str, object]:
        """The fields of a form and what stands in them: what was sent, else what is kept.

        What a reader has chosen is offered, listed or not.
        """
        site, viewer = self._site, self._site.viewer(request)
        chosen = kept or self.read(form, request).preferences
        timing = chosen.timing or Timing()
        known = [place.code for code in chosen.regions if (place := site.place(code)) is not None]
        frequencies = sorted({1, site.settings.web.less_often, timing.every})
        language = site.renderer.language(chosen.language or site.settings.publication.language)
        return {
            "regions": [(region, region.id in known) for region in viewer.regions((*site.regions(), *known))],
            "themes": [(theme, theme.id in chosen.themes) for theme in viewer.themes()],
            "more": "" if kept else form.one("more"),
            "length": chosen.length.value,
            "languages": [(tag, name, tag == language) for tag, name in site.renderer.languages().items()],
            "timing": {
                "day": timing.day,
                "hour": timing.hour,
                "hours": range(24),
                "zone": (timing.zone if kept else form.one("zone")[:80]) or site.settings.publication.time_zone,
                "zones": self._named,
                "every": [(every, every == timing.every) for every in frequencies],
            },
        }

    def page(
        self,
        request: Request,
        one: Subscription,
        *,
        done: str = "",
        form: Form | None = None,
        problems: dict[str, str] | None = None,
    ) -> Response:
        """The page of choices of one reader: as kept, or as sent where something is wrong with it."""
        site = self._site
        feed = site.store.people.feed_of(one.id)
        context: dict[str, Any] = {
            "title": site.reception.title(one.digest),
            "action": site.path(site.links.preferences(one.id)),
            "unsubscribe": site.path(site.links.unsubscribe(one.id)),
            "paused": one.state is _PAUSED,
            "until": site.viewer(request).day(one.resumes.astimezone(self._zone(one))) if one.resumes else "",
            "feed": site.links.own_feed(feed) if feed else "",
            "problems": problems or {},
            "done": done,
            **self.less(one),
            **self.shown(request, form or Form({}), None if form else one.preferences),
            "digests": self.offered([other.digest for other in site.running(one)]),
        }
        return site.private(request, "preferences.html", context, 422 if problems else 200)

    # ---- acts that several pages offer

    def act(self, request: Request, form: Form, one: Subscription) -> Response | None:
        """Do what a button asks for that offers less than before; None when it is none of these."""
        store, now = self._site.store, self._site.clock()
        match form.one("act"):
            case "pause":
                until, wrong = self._until(form, one)
                if wrong:
                    return self.page(request, one, problems={"until": wrong})
                return self.page(request, subscriptions.pause(store, one.id, now, until=until), done="paused")
            case "less":
                every = self._site.settings.web.less_often
                return self.page(request, subscriptions.read_less(store, one.id, every, now), done="less")
            case "feed":
                return self.page(request, subscriptions.read_by_feed(store, one.id, now), done="feed")
            case "resume":
                return self.page(request, subscriptions.resume(store, one.id, now), done="resumed")
            case "open-feed":
                store.people.open_feed(one.id, now)
                return self.page(request, one, done="opened")
            case "close-feed":
                store.people.close_feed(one.id)
                return self.page(request, one, done="closed")
            case _:
                return None

    def save(self, request: Request, form: Form, one: Subscription) -> Response:
        """Keep what a form says."""
        site = self._site
        chosen = self.read(form, request)
        if chosen.problems:
            return self.page(request, one, form=form, problems=chosen.problems)
        consent = Consent(
            at=site.clock(),
            basis="page of choices",
            origin=site.origin(request),
            text=site.reception.wording(site.language(request)),
        )
        several = len(site.settings.digests) > 1
        one = subscriptions.choose(
            site.store,
            one.id,
            chosen.preferences,
            digests=self.digests(form) if several else None,
            consent=consent,
        )
        return site.left(request, one) if one.state is _ENDED else self.page(request, one, done="saved")


def add_routes(router: APIRouter, site: Site, pages: Choices, acts: list[Any]) -> None:
    """The page of choices, and what stands behind it."""

    def reader(token: str) -> Subscription | None:
        """Whose link it is; None once they have left."""
        one = site.find(site.links.read_preferences(token))
        return one if one is not None and one.state in subscriptions.RUNNING else None

    @router.api_route("/preferences/{token}", methods=READ)
    def choosing(request: Request, token: str) -> Response:
        one = reader(token)
        return _gone(request, token) if one is None else pages.page(request, one)

    @router.post("/preferences/{token}", dependencies=acts)
    def choose(request: Request, token: str, form: Sent) -> Response:
        one = reader(token)
        if one is None:
            return _gone(request, token)
        return pages.act(request, form, one) or pages.save(request, form, one)

    def _gone(request: Request, token: str) -> Response:
        return site.left(request, site.find(site.links.read_preferences(token)))

    @router.api_route("/preferences/{token}/data", methods=READ)
    def data(request: Request, token: str) -> Response:
        one = site.find(site.links.read_preferences(token))
        if one is None:
            return site.left(request, None)
        told = subscriptions.told(site.store, one.address, site.clock())
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="my-data.json"',
            "X-Robots-Tag": "noindex",
        }
        content = json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"
        return Response(content, headers=headers, media_type="application/json")

    @router.api_route("/preferences/{token}/erase", methods=READ)
    def erasing(request: Request, token: str) -> Response:
        one = site.find(site.links.read_preferences(token))
        if one is None:
            return site.private(request, "erased.html", {})
        context = {
            "titles": site.titles(site.running(one)),
            "action": f"{site.path(site.links.preferences(one.id))}/erase",
            "preferences": site.path(site.links.preferences(one.id)),
        }
        return site.private(request, "erase.html", context)

    @router.post("/preferences/{token}/erase", dependencies=acts)
    def erase(request: Request, token: str) -> Response:
        one = site.find(site.links.read_preferences(token))
        if one is not None:
            with contextlib.suppress(NotFound):  # erased in this moment by another request
                subscriptions.erase(site.store, one.address, site.clock())
        return site.private(request, "erased.html", {})


_CONTINENTS: Final = {
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "UTC",
}  # fmt: skip


def _number(text: str, below: int) -> int | None:
    """A small number of a field; None where it says nothing that we offer."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < below else None
