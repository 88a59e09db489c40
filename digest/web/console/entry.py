"""Signing in and out, the code of the second factor, and the one-time link by which a password is chosen."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from starlette.responses import Response

from digest.errors import InputError, NotFound
from digest.model import Actor, Permission, Via
from digest.operators import Admitted
from digest.web.console.frame import Frame, Visitor
from digest.web.forms import Sent

_NEXT: Final = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,500}")
_SAID: Final = {
    "wrong": "That is not right. Check the address and the password.",
    "often": "Too many attempts. Wait a quarter of an hour, and try again.",
    "code": "That is not the code that the app shows now, or it was used before.",
}


def add_pages(frame: Frame) -> None:
    """Sign-in, code, sign-out, welcome."""
    site, doors = frame.site, frame.doors
    entrance, staff = site.app.entrance, site.app.staff

    def agent(request: Request) -> str:
        return request.headers.get("user-agent", "")

    def form_page(request: Request, name: str, status: int = 200, **context: object) -> Response:
        given = {"next": following(request.query_params.get("next", "")), "problem": "", **context}
        return frame.page(request, name, given, status=status)

    # ---- sign in

    @frame.get("/sign-in", None)
    def signing_in(request: Request) -> Response:
        if not site.store.operators.any():
            return frame.page(request, "begin.html", {})
        return form_page(request, "sign-in.html", address="")

    @frame.post("/sign-in", None)
    def sign_in(request: Request, form: Sent) -> Response:
        came = entrance.sign_in(
            form.one("address"), form.one("password"), network=site.network(request), agent=agent(request)
        )
        onward = following(form.one("next"))
        if isinstance(came, Admitted):
            path = frame.path("/code", next=onward) if not came.session.passed else onward
            return doors.remember(request, frame.redirect(path), came.secret)
        status = 429 if came.reason == "often" else 422
        return form_page(
            request, "sign-in.html", status, problem=_SAID[came.reason], next=onward, address=form.one("address")[:320]
        )

    @frame.get("/code", None)
    def proving(request: Request) -> Response:
        return form_page(request, "code.html")

    @frame.post("/code", None)
    def prove(request: Request, form: Sent) -> Response:
        came = entrance.prove(
            doors.secret(request), form.one("code")[:40], network=site.network(request), agent=agent(request)
        )
        onward = following(form.one("next"))
        if isinstance(came, Admitted):
            return doors.remember(request, frame.redirect(onward), came.secret)
        if came.reason == "over":
            return frame.redirect(frame.path("/sign-in", next=onward), problem="Sign in once more: it took too long.")
        word, status = ("often", 429) if came.reason == "often" else ("code", 422)
        return form_page(request, "code.html", status, problem=_SAID[word], next=onward)

    @frame.post("/sign-out", Permission.ACCOUNT)
    def sign_out(request: Request, visit: Visitor) -> Response:
        if visit.session is not None:
            entrance.leave(visit.session, by=visit.actor)
        return doors.forget(request, frame.redirect("/sign-in", done="You are signed out."))

    # ---- the one-time link

    @frame.get("/welcome/{secret}", None)
    def welcoming(request: Request, secret: str) -> Response:
        one = staff.invited(secret)
        if one is None:
            return frame.problem(request, 410, "This link was used, or is too old.", "Ask an admin for a new one.")
        return form_page(request, "welcome.html", invited=one)

    @frame.post("/welcome/{secret}", None)
    def welcome(request: Request, form: Sent, secret: str) -> Response:
        one = staff.invited(secret)
        problem = "The two are not the same." if form.one("password") != form.one("again") else ""
        if one is not None and problem:
            return form_page(request, "welcome.html", 422, invited=one, problem=problem)
        origin = Actor(name="", via=Via.CONSOLE, origin=site.network(request))
        try:
            staff.choose_password(secret, form.one("password"), origin=origin)
        except NotFound:
            return frame.problem(request, 410, "This link was used, or is too old.", "Ask an admin for a new one.")
        except InputError as error:
            return form_page(request, "welcome.html", 422, invited=one, problem=error.what)
        return frame.redirect("/sign-in", done="Your password is set. Sign in with it.")


def following(text: str) -> str:
    """Where somebody wanted to go, below /console; "" for what leads elsewhere."""
    return text if _NEXT.fullmatch(text) and ".." not in text else ""
