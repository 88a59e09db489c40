"""Pages by which readers act: subscribe, confirm, choose, pause, leave, come back.

GET shows, POST acts: programs that look at mails open every link, and change nothing by that. Who may act is who holds
the link; no cookie, no password. The one-click POST of RFC 8058 is a POST like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import AddressError, NotFound, StateError
from digest.model import Consent, Length, Preferences, Subscription, SubscriptionState
from digest.web.forms import TRAP, Form, age_problem, ours, sent
from digest.web.reading import READ
from digest.web.site import Site

_ACTIVE, _PAUSED, _ENDED = SubscriptionState.ACTIVE, SubscriptionState.PAUSED, SubscriptionState.ENDED
_ADDRESS: Final = 254
_OURS: Final = [Depends(ours)]
Sent = Annotated[Form, Depends(sent)]


def routes(site: Site) -> APIRouter:
    """The pages of readers' acts."""
    router = APIRouter()

    # ---- subscribe

    @router.api_route("/subscribe", methods=READ)
    def subscribing(request: Request) -> Response:
        return _subscribe_page(site, request, Form({}), {})

    @router.post("/subscribe", dependencies=_OURS)
    def subscribe(request: Request, form: Sent) -> Response:
        problems = _form_problems(site, form, "subscribe")
        digests = _digests(site, form)
        if not digests:
            problems["digests"] = "none"
        regions, unknown = _regions(site, form)
        if unknown:
            problems["more"] = unknown
        if problems:
            return _subscribe_page(site, request, form, problems)
        language = _language(site, form, request)
        wish = subscriptions.Wish(
            address=subscriptions.read_address(form.one("address")),
            language=language,
            digests=digests,
            preferences=Preferences(
                regions=regions, themes=_themes(site, form), language=language, length=_length(form)
            ),
            wording=site.reception.wording(site.language(request)),
        )
        return _ask(request, form, wish)

    def _ask(request: Request, form: Form, wish: subscriptions.Wish) -> Response:
        """Take a request in, and answer without looking the address up."""
        if not form.is_trapped:
            if not site.reception.ask(wish, network=site.network(request), origin=site.origin(request)):
                answer = site.problem(request, "often", 429)
                answer.headers["Retry-After"] = "3600"
                return answer
            site.wake()
        kind = "confirm" if wish.digests else "link"
        return site.private(request, "sent.html", {"kind": kind, "address": wish.address})

    # ---- confirm

    @router.api_route("/confirm/{token}", methods=READ)
    def confirming(request: Request, token: str) -> Response:
        numbers, _ = site.reception.read_confirm(token)
        asked = [one for one in map(_find, numbers) if one is not None]
        if asked and all(one.state in {_ACTIVE, _PAUSED} for one in asked):
            return _confirmed(request, asked)
        context = {"titles": _titles(site, asked), "wording": site.reception.wording(site.language(request))}
        return site.private(request, "confirm.html", context)

    @router.post("/confirm/{token}", dependencies=_OURS)
    def confirm(request: Request, token: str) -> Response:
        language = site.renderer.language(site.language(request) or site.settings.publication.language)
        site.reception.confirm(token, language=language, origin=site.origin(request))
        site.wake()
        numbers, _ = site.reception.read_confirm(token)
        running = [one for one in map(_find, numbers) if one is not None and one.state in {_ACTIVE, _PAUSED}]
        return _confirmed(request, running) if running else site.problem(request, "left", 410)

    def _confirmed(request: Request, running: Sequence[Subscription]) -> Response:
        preferences = _path(site, site.links.preferences(running[0].id))
        return site.private(request, "confirmed.html", {"titles": _titles(site, running), "preferences": preferences})

    # ---- leave and come back

    @router.api_route("/unsubscribe/{token}", methods=READ)
    def leaving(request: Request, token: str) -> Response:
        one = _find(site.links.read_unsubscribe(token))
        if one is None or one.state is _ENDED:
            return _left(request, one)
        context = {
            "title": site.reception.title(one.digest),
            "others": _titles(site, [other for other in _running(one) if other.id != one.id]),
            "preferences": _path(site, site.links.preferences(one.id)),
            "paused": one.state is _PAUSED,
        }
        return site.private(request, "unsubscribe.html", context)

    @router.post("/unsubscribe/{token}")  # from anywhere: RFC 8058, 3.2, has no cookie and no page
    def leave(request: Request, token: str, form: Sent) -> Response:
        number = site.links.read_unsubscribe(token)
        one = _find(number)
        if one is None:
            return _left(request, None)
        match form.one("act"):
            case "pause":
                one = subscriptions.pause(site.store, number, site.clock())
                if one.state is _PAUSED:
                    return _preferences_page(site, request, one, done="paused")
            case "leave-all":
                subscriptions.leave_all(site.store, number, site.clock())
            case _:
                subscriptions.leave(site.store, number, site.clock())
        return _left(request, one)

    def _left(request: Request, one: Subscription | None) -> Response:
        now = site.clock()
        undo = site.links.undo(one.id, now) if one and subscriptions.can_undo(site.store, one.id, now) else ""
        titles = _titles(site, [one] if one else [])
        return site.private(request, "left.html", {"titles": titles, "undo": undo})

    @router.post("/undo", dependencies=_OURS)
    def undo(request: Request, form: Sent) -> Response:
        now = site.clock()
        number = site.links.read_undo(form.one("undo"), now, subscriptions.UNDO)
        try:
            one = subscriptions.undo(site.store, number, origin=site.origin(request), now=now)
        except StateError:
            return site.problem(request, "late", 409)
        return _preferences_page(site, request, one, done="back")

    # ---- choose

    @router.api_route("/preferences", methods=READ)
    def asking(request: Request) -> Response:
        return _link_page(site, request, Form({}), {})

    @router.post("/preferences", dependencies=_OURS)
    def ask(request: Request, form: Sent) -> Response:
        problems = _form_problems(site, form, "preferences")
        if problems:
            return _link_page(site, request, form, problems)
        language = site.renderer.language(site.language(request) or site.settings.publication.language)
        return _ask(
            request,
            form,
            subscriptions.Wish(address=subscriptions.read_address(form.one("address")), language=language),
        )

    @router.api_route("/preferences/{token}", methods=READ)
    def choosing(request: Request, token: str) -> Response:
        one = _find(site.links.read_preferences(token))
        if one is None or one.state not in {_ACTIVE, _PAUSED}:
            return _left(request, one)
        return _preferences_page(site, request, one)

    @router.post("/preferences/{token}", dependencies=_OURS)
    def choose(request: Request, token: str, form: Sent) -> Response:
        one = _find(site.links.read_preferences(token))
        if one is None or one.state not in {_ACTIVE, _PAUSED}:
            return _left(request, one)
        match form.one("act"):
            case "pause":
                one = subscriptions.pause(site.store, one.id, site.clock())
                return _preferences_page(site, request, one, done="paused")
            case "resume":
                one = subscriptions.resume(site.store, one.id, site.clock())
                return _preferences_page(site, request, one, done="resumed")
        regions, unknown = _regions(site, form)
        if unknown:
            return _preferences_page(site, request, one, form=form, problems={"more": unknown})
        several = len(site.settings.digests) > 1
        consent = Consent(
            at=site.clock(),
            basis="page of choices",
            origin=site.origin(request),
            text=site.reception.wording(site.language(request)),
        )
        one = subscriptions.choose(
            site.store,
            one.id,
            Preferences(
                regions=regions,
                themes=_themes(site, form),
                language=_language(site, form, request),
                length=_length(form),
            ),
            digests=_digests(site, form) if several else None,
            consent=consent,
        )
        return _left(request, one) if one.state is _ENDED else _preferences_page(site, request, one, done="saved")

    # ---- who

    def _find(number: int) -> Subscription | None:
        try:
            return site.store.subscribers.get(number)
        except NotFound:  # erased: its links go on explaining themselves
            return None

    def _running(one: Subscription) -> list[Subscription]:
        return [other for other in site.store.subscribers.of(one.address) if other.state in {_ACTIVE, _PAUSED}]

    return router


# ---------------------------------------------------------------------------------------------------------------
# Pages with forms


def _subscribe_page(site: Site, request: Request, form: Form, problems: dict[str, str]) -> Response:
    context = {
        "address": form.one("address")[:_ADDRESS],
        "form": site.links.form("subscribe", site.clock()) if problems.get("form") != "early" else form.one("form"),
        "trap": TRAP,
        "problems": problems,
        "wording": site.reception.wording(site.language(request)),
        "open": bool(form.all("region") or form.all("theme") or problems.get("more")),
        **_choices(site, request, form.all("region"), themes=form.all("theme"), form=form),
        "digests": _offered(site, form.all("digest") or tuple(rule.key for rule in site.settings.digests)),
    }
    return site.private(request, "subscribe.html", context, 422 if problems else 200)


def _link_page(site: Site, request: Request, form: Form, problems: dict[str, str]) -> Response:
    context = {
        "address": form.one("address")[:_ADDRESS],
        "form": site.links.form("preferences", site.clock()) if problems.get("form") != "early" else form.one("form"),
        "trap": TRAP,
        "problems": problems,
    }
    return site.private(request, "link.html", context, 422 if problems else 200)


def _preferences_page(
    site: Site,
    request: Request,
    one: Subscription,
    *,
    done: str = "",
    form: Form | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    form, problems = form or Form({}), problems or {}
    chosen = one.preferences
    regions = form.all("region") if problems else chosen.regions
    themes = form.all("theme") if problems else chosen.themes
    mine = {other.digest for other in site.store.subscribers.of(one.address) if other.state in {_ACTIVE, _PAUSED}}
    context = {
        "title": site.reception.title(one.digest),
        "action": _path(site, site.links.preferences(one.id)),
        "unsubscribe": _path(site, site.links.unsubscribe(one.id)),
        "paused": one.state is _PAUSED,
        "problems": problems,
        "done": done,
        **_choices(site, request, regions, themes=themes, form=form, kept=chosen),
        "digests": _offered(site, tuple(mine)),
    }
    return site.private(request, "preferences.html", context, 422 if problems else 200)


def _choices(
    site: Site,
    request: Request,
    regions: Sequence[str],
    *,
    themes: Sequence[str],
    form: Form,
    kept: Preferences | None = None,
) -> dict[str, object]:
    """The boxes of a form and which of them are ticked. What a reader has chosen is offered, listed or not."""
    viewer = site.viewer(request)
    known = [place.code for code in regions if (place := site.place(code)) is not None]
    language = form.one("language") or (kept.language if kept else "") or site.language(request)
    return {
        "regions": [(region, region.id in known) for region in viewer.regions((*site.regions(), *known))],
        "themes": [(theme, theme.id in themes) for theme in viewer.themes()],
        "more": form.one("more"),
        "length": form.one("length") or (kept.length.value if kept else Length.FULL.value),
        "languages": [
            (tag, name, tag == site.renderer.language(language or site.settings.publication.language))
            for tag, name in site.renderer.languages().items()
        ],
    }


def _offered(site: Site, chosen: Sequence[str]) -> list[tuple[str, str, bool]]:
    """The digests of a form: key, title, ticked."""
    return [(rule.key, rule.title, rule.key in chosen) for rule in site.settings.digests]


# ---------------------------------------------------------------------------------------------------------------
# What a form says


def _form_problems(site: Site, form: Form, name: str) -> dict[str, str]:
    """Field -> what is wrong with it, of a form that carries an address."""
    problems = {}
    if problem := age_problem(site, form, name):
        problems["form"] = problem
    try:
        subscriptions.read_address(form.one("address"))
    except AddressError:
        problems["address"] = "invalid" if form.one("address").strip() else "missing"
    return problems


def _digests(site: Site, form: Form) -> tuple[str, ...]:
    """The digests that were ticked; the only one there is without asking."""
    known = [rule.key for rule in site.settings.digests]
    return tuple(key for key in known if len(known) == 1 or key in form.all("digest"))


def _regions(site: Site, form: Form) -> tuple[tuple[str, ...], str]:
    """Codes of the regions that were ticked or written, and the first written one that nobody knows."""
    codes = [place.code for code in form.all("region") if (place := site.place(code)) is not None]
    for name in form.one("more").replace(";", ",").replace("，", ",").replace("、", ",").split(","):
        if name.strip():
            place = site.app.places.resolve(name.strip())
            if place is None:
                return (), name.strip()[:80]
            codes.append(place.code)
    return tuple(dict.fromkeys(codes)), ""


def _themes(site: Site, form: Form) -> tuple[str, ...]:
    return tuple(theme.id for theme in site.app.taxonomy if theme.id in form.all("theme"))


def _length(form: Form) -> Length:
    return Length.HEADLINES if form.one("length") == Length.HEADLINES.value else Length.FULL


def _language(site: Site, form: Form, request: Request) -> str:
    """The language of the mails: as chosen, else as the page's."""
    chosen = form.one("language")
    if chosen in site.renderer.languages():
        return chosen
    return site.renderer.language(site.language(request) or site.settings.publication.language)


def _titles(site: Site, several: Sequence[Subscription]) -> list[str]:
    return [site.reception.title(one.digest) for one in several]


def _path(site: Site, url: str) -> str:
    """A link of ours as a path: the page may stand at another address than the public one while it is tried out."""
    return f"{site.prefix}{url.removeprefix(site.base)}"
