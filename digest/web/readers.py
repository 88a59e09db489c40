"""Pages by which readers act: subscribe, confirm, leave, come back. What they choose: choices.py.

GET shows, POST acts: programs that look at mails open every link, and change nothing by that. Who may act is who holds
the link; no cookie, no password. The one-click POST of RFC 8058 is a POST like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from digest import subscriptions
from digest.errors import StateError
from digest.model import Subscription, SubscriptionState
from digest.web import choices
from digest.web.forms import TRAP, Form, Sent, Throttle, form_problems, ours
from digest.web.limits import Limit, sender_of
from digest.web.reading import READ
from digest.web.site import Site

_PAUSED, _ENDED = SubscriptionState.PAUSED, SubscriptionState.ENDED
_ADDRESS = 254


def routes(site: Site) -> APIRouter:
    """The pages of readers' acts."""
    router = APIRouter()
    acts = [Depends(ours), Depends(Throttle(site))]
    mails = Limit(site.settings.web.requests_per_address)
    pages = choices.Choices(site)

    # ---- subscribe

    @router.api_route("/subscribe", methods=READ)
    def subscribing(request: Request) -> Response:
        return _subscribe_page(site, pages, request, Form({}), {})

    @router.post("/subscribe", dependencies=[Depends(ours)])
    def subscribe(request: Request, form: Sent) -> Response:
        problems = form_problems(site, form, "subscribe")
        digests = pages.digests(form)
        if not digests:
            problems["digests"] = "none"
        chosen = pages.read(form, request)
        problems |= chosen.problems
        if problems:
            return _subscribe_page(site, pages, request, form, problems)
        wish = subscriptions.Wish(
            address=subscriptions.read_address(form.one("address")),
            language=chosen.preferences.language,
            digests=digests,
            preferences=chosen.preferences,
            wording=site.reception.wording(site.language(request)),
        )
        return ask(request, form, wish)

    def ask(request: Request, form: Form, wish: subscriptions.Wish) -> Response:
        """Take a request in, and answer without looking the address up."""
        if not form.is_trapped:
            sender = sender_of(request.client.host if request.client else "")
            if not mails.take(sender, site.clock()) or not site.reception.ask(
                wish, network=site.network(request), origin=site.origin(request)
            ):
                answer = site.problem(request, "often", 429)
                answer.headers["Retry-After"] = "3600"
                return answer
            site.wake()
        kind = "confirm" if wish.digests else "link"
        return site.private(request, "sent.html", {"kind": kind, "address": wish.address})

    @router.api_route("/preferences", methods=READ)
    def asking(request: Request) -> Response:
        return _link_page(site, request, Form({}), {})

    @router.post("/preferences", dependencies=[Depends(ours)])
    def ask_for_link(request: Request, form: Sent) -> Response:
        problems = form_problems(site, form, "preferences")
        if problems:
            return _link_page(site, request, form, problems)
        language = site.renderer.language(site.language(request) or site.settings.publication.language)
        address = subscriptions.read_address(form.one("address"))
        return ask(request, form, subscriptions.Wish(address=address, language=language))

    # ---- confirm

    @router.api_route("/confirm/{token}", methods=READ)
    def confirming(request: Request, token: str) -> Response:
        numbers, _ = site.reception.read_confirm(token)
        asked = [one for one in map(site.find, numbers) if one is not None]
        if asked and all(one.state in subscriptions.RUNNING for one in asked):
            return _confirmed(request, asked)
        context = {"titles": site.titles(asked), "wording": site.reception.wording(site.language(request))}
        return site.private(request, "confirm.html", context)

    @router.post("/confirm/{token}", dependencies=acts)
    def confirm(request: Request, token: str) -> Response:
        language = site.renderer.language(site.language(request) or site.settings.publication.language)
        site.reception.confirm(token, language=language, origin=site.origin(request))
        site.wake()
        numbers, _ = site.reception.read_confirm(token)
        running = [one for one in map(site.find, numbers) if one is not None and one.state in subscriptions.RUNNING]
        return _confirmed(request, running) if running else site.problem(request, "left", 410)

    def _confirmed(request: Request, running: Sequence[Subscription]) -> Response:
        preferences = site.path(site.links.preferences(running[0].id))
        return site.private(request, "confirmed.html", {"titles": site.titles(running), "preferences": preferences})

    # ---- leave and come back

    @router.api_route("/unsubscribe/{token}", methods=READ)
    def leaving(request: Request, token: str) -> Response:
        one = site.find(site.links.read_unsubscribe(token))
        if one is None or one.state is _ENDED:
            return site.left(request, one)
        context = {
            "title": site.reception.title(one.digest),
            "others": site.titles([other for other in site.running(one) if other.id != one.id]),
            "preferences": site.path(site.links.preferences(one.id)),
            "paused": one.state is _PAUSED,
            **pages.less(one),
        }
        return site.private(request, "unsubscribe.html", context)

    @router.post("/unsubscribe/{token}")  # from anywhere, as often as asked: RFC 8058, 3.2, has no cookie and no page
    def leave(request: Request, token: str, form: Sent) -> Response:
        number = site.links.read_unsubscribe(token)
        one = site.find(number)
        if one is None:
            return site.left(request, None)
        if one.state is not _ENDED and (answer := pages.act(request, form, one)) is not None:
            return answer
        if form.one("act") == "leave-all":
            subscriptions.leave_all(site.store, number, site.clock())
        elif one.state is not _ENDED:
            subscriptions.leave(site.store, number, site.clock())
        return site.left(request, one)

    @router.post("/undo", dependencies=acts)
    def undo(request: Request, form: Sent) -> Response:
        now = site.clock()
        number = site.links.read_undo(form.one("undo"), now, subscriptions.UNDO)
        try:
            one = subscriptions.undo(site.store, number, origin=site.origin(request), now=now)
        except StateError:
            return site.problem(request, "late", 409)
        return pages.page(request, one, done="back")

    choices.add_routes(router, site, pages, acts)
    return router


def _subscribe_page(
    site: Site, pages: choices.Choices, request: Request, form: Form, problems: dict[str, str]
) -> Response:
    context = {
        "address": form.one("address")[:_ADDRESS],
        "form": site.links.form("subscribe", site.clock()) if problems.get("form") != "early" else form.one("form"),
        "trap": TRAP,
        "problems": problems,
        "wording": site.reception.wording(site.language(request)),
        "open": bool(form.all("region") or form.all("theme") or set(problems) & {"more", "zone"}),
        **pages.shown(request, form),
        "digests": pages.offered(form.all("digest") or tuple(rule.key for rule in site.settings.digests)),
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
