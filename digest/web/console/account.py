"""One's own account: password, second factor, sessions, tokens. A new secret is shown once."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.errors import ConfigError, InputError
from digest.model import SCOPES, Permission, Session, Token
from digest.settings import SecondFactor
from digest.web.console.frame import Frame, TimeView, Visitor
from digest.web.doors import Filled, Visit

_WRONG: Final = "That is not your password."
_DAYS: Final = (30, 90, 365)


@dataclass(frozen=True, kw_only=True)
class SessionView:
    """A signed-in browser."""

    id: int
    agent: str
    network: str
    begun: TimeView
    seen: TimeView
    here: bool


@dataclass(frozen=True, kw_only=True)
class TokenView:
    """A token; `state` is active, expired or ended."""

    id: int
    name: str
    scopes: str
    state: str
    expires: TimeView | None
    used: TimeView | None


def add_pages(frame: Frame) -> None:
    """The account and its acts."""
    site = frame.site
    account, entrance = site.app.account, site.app.entrance

    def page(request: Request, visit: Visit, **problems: str) -> Response:
        one, now = visit.operator, site.clock()
        held = one.role.permissions & SCOPES
        chosen = visit.form.all("scope") if visit.form and problems.get("token") else ()
        context = {
            "one": one,
            "sessions": [
                _session(frame, session, here=visit.session is not None and session.id == visit.session.id)
                for session in site.store.operators.sessions(one.id)
                if session.passed
            ],
            "tokens": [_token(frame, token) for token in site.store.operators.tokens(one.id)],
            "scopes": [(scope.value, scope.value in chosen) for scope in Permission if scope in held],
            "days": [*((str(days), f"{days} days", days == 90) for days in _DAYS), ("", "until it is ended", False)],
            "codes_left": account.codes_left(one) if one.second_factor else 0,
            "required": site.settings.console.second_factor is SecondFactor.REQUIRED,
            "problems": problems,
            "name": visit.form.one("name")[:80] if visit.form and problems.get("token") else "",
            "now": frame.time(now),
        }
        return frame.page(request, "account.html", context, here="account", status=422 if problems else 200)

    def anew(request: Request, visit: Visit, answer: Response, *, others: bool) -> Response:
        """The same browser under a new secret: what it could do has changed."""
        if visit.session is not None:
            doors = frame.doors
            doors.remember(request, answer, entrance.rotate(visit.session, others=others).secret)
        return answer

    def is_me(visit: Visit, form: Filled) -> bool:
        return entrance.again(visit.operator, form.one("current"), network=visit.actor.origin)

    @frame.get("/account", Permission.ACCOUNT)
    def shown(request: Request, visit: Visitor) -> Response:
        return page(request, visit)

    # ---- password

    @frame.post("/account/password", Permission.ACCOUNT)
    def password(request: Request, visit: Visitor, form: Filled) -> Response:
        if not is_me(visit, form):
            return page(request, visit, current=_WRONG)
        if form.one("password") != form.one("again"):
            return page(request, visit, again="The two are not the same.")
        try:
            account.change_password(visit.operator, form.one("password"), by=visit.actor)
        except InputError as error:
            return page(request, visit, password=error.what)
        said = "Your password is changed; your other sessions ended."
        return anew(request, visit, frame.redirect("/account", done=said), others=True)

    # ---- second factor

    def factor_page(request: Request, visit: Visit, sealed: str = "", problem: str = "") -> Response:
        try:
            new = account.enrol(visit.operator, sealed)
        except ConfigError:  # a form of another day, or one that was tampered with
            new = account.enrol(visit.operator)
        context = {
            "picture": f"data:image/svg+xml;base64,{b64encode(new.picture).decode()}",
            "key": new.key,
            "sealed": new.sealed,
            "problem": problem,
            "required": site.settings.console.second_factor is SecondFactor.REQUIRED,
        }
        return frame.page(request, "factor.html", context, here="account", status=422 if problem else 200)

    @frame.get("/account/factor", Permission.ACCOUNT)
    def enrolling(request: Request, visit: Visitor) -> Response:
        if visit.operator.second_factor:
            return frame.redirect("/account", note="The second factor is on already.")
        return factor_page(request, visit)

    @frame.post("/account/factor", Permission.ACCOUNT)
    def enrol(request: Request, visit: Visitor, form: Filled) -> Response:
        if visit.operator.second_factor:
            return frame.redirect("/account", note="The second factor is on already.")
        if not is_me(visit, form):
            return factor_page(request, visit, form.one("sealed"), _WRONG)
        try:
            codes = account.start_factor(visit.operator, form.one("sealed"), form.one("code")[:40], by=visit.actor)
        except (InputError, ConfigError) as error:
            problem = error.what if isinstance(error, InputError) else "The form was stale: scan the new code."
            return factor_page(request, visit, form.one("sealed"), problem)
        answer = frame.page(request, "codes.html", {"codes": codes}, here="account")
        return anew(request, visit, answer, others=True)

    @frame.post("/account/factor/codes", Permission.ACCOUNT)
    def codes(request: Request, visit: Visitor, form: Filled) -> Response:
        if not is_me(visit, form):
            return page(request, visit, factor=_WRONG)
        made = account.new_recovery(visit.operator, by=visit.actor)
        return frame.page(request, "codes.html", {"codes": made}, here="account")

    @frame.post("/account/factor/off", Permission.ACCOUNT)
    def stop(request: Request, visit: Visitor, form: Filled) -> Response:
        if not is_me(visit, form):
            return page(request, visit, factor=_WRONG)
        account.stop_factor(visit.operator, by=visit.actor)
        said = "The second factor is off; your other sessions ended."
        return anew(request, visit, frame.redirect("/account", done=said), others=True)

    # ---- sessions and tokens

    @frame.post("/account/sessions/end", Permission.ACCOUNT)
    def end_others(visit: Visitor) -> Response:
        mine = visit.session.id if visit.session else None
        ended = account.end_session(visit.operator, by=visit.actor, but=mine)
        return frame.redirect("/account", done=f"Other sessions ended: {ended}.")

    @frame.post("/account/sessions/{number}/end", Permission.ACCOUNT)
    def end_one(visit: Visitor, number: int) -> Response:
        account.end_session(visit.operator, by=visit.actor, only=number)
        return frame.redirect("/account", done="The session ended.")

    @frame.post("/account/tokens", Permission.ACCOUNT)
    def add_token(request: Request, visit: Visitor, form: Filled) -> Response:
        if not is_me(visit, form):
            return page(request, visit, token=_WRONG)
        known = {scope.value: scope for scope in SCOPES}
        wanted = [known[word] for word in form.all("scope") if word in known]
        days = form.one("days")
        try:
            token, text = account.add_token(
                visit.operator,
                form.one("name"),
                wanted,
                days=int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else None,
                by=visit.actor,
            )
        except InputError as error:
            return page(request, visit, token=f"{error.what}: {error.remedy}")
        return frame.page(request, "token.html", {"token": _token(frame, token), "text": text}, here="account")

    @frame.post("/account/tokens/{number}/end", Permission.ACCOUNT)
    def end_token(visit: Visitor, number: int) -> Response:
        account.end_token(visit.operator, number, by=visit.actor)
        return frame.redirect("/account", done="The token ended.")

    def _token(frame: Frame, one: Token) -> TokenView:
        expired = one.expires is not None and one.expires <= site.clock()
        return TokenView(
            id=one.id,
            name=one.name,
            scopes=" ".join(sorted(one.scopes)),
            state="ended" if one.ended else "expired" if expired else "active",
            expires=frame.time(one.expires) if one.expires else None,
            used=frame.time(one.used) if one.used else None,
        )


def _session(frame: Frame, one: Session, *, here: bool) -> SessionView:
    return SessionView(
        id=one.id,
        agent=browser_of(one.agent),
        network=one.network,
        begun=frame.time(one.created),
        seen=frame.time(one.seen),
        here=here,
    )


def browser_of(agent: str) -> str:
    """A browser by a name that people know: "Firefox on Linux"; what it said of itself where none is known."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    )  # fmt: skip
    name = next((name for sign, name in names if sign in agent), "")
    system = next((system for sign, system in systems if sign in agent), "")
    return f"{name} on {system}" if name and system else name or agent[:60] or "unknown browser"
