"""Who may do what over the web: the one place where a permission is declared for a route, and enforced.

    console    the session of a cookie; every POST carries its CSRF token and comes from a page of ours
    API        a bearer token; never the cookie, so that no page of somebody else can act by it

`check_declared` refuses an application with a route below /console or /api that names no permission.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from digest.errors import ConfigError
from digest.model import Actor, Operator, Permission, Session, Token, Via
from digest.settings import SecondFactor
from digest.web.forms import Form, filled
from digest.web.site import Site

GUARDED: Final = ("/console", "/api")
CSRF: Final = "csrf"  # the form's field
_SAFE: Final = frozenset({"GET", "HEAD"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SCHEME: Final = "bearer "


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Somebody is not let in.

    Attributes:
        status: 401 (who is it?), 403 (not allowed) or 429.
        code: one word: "session", "factor", "enrol", "permission", "foreign", "csrf", "token", "scope".
        detail: a sentence.
        console: it was a page that was asked for.
    """

    def __init__(self, status: int, code: str, detail: str, *, console: bool) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.console = console


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Somebody who was let in.

    Attributes:
        operator: who.
        actor: the same, for the record.
        permissions: what they may do here.
        session: of a browser; None for a program.
        csrf: what forms of this session carry; "" for a program.
        form: what a browser sent; None for a program, and where nothing was sent.
        token: of a program; None for a browser.
    """

    operator: Operator
    actor: Actor
    permissions: frozenset[Permission]
    session: Session | None = None
    csrf: str = ""
    form: Form | None = None
    token: Token | None = None

    def may(self, permission: Permission) -> bool:
        """Whether they may do this."""
        return permission in self.permissions


class Needs:
    """What a route needs, as a dependency of FastAPI: called before the route, it lets in or raises `Refused`."""

    def __init__(self, doors: Doors, permission: Permission | None, *, console: bool) -> None:
        self.permission = permission  # None: anyone, signed in or not
        self.console = console
        self._doors = doors

    async def __call__(self, request: Request) -> None:
        """Let somebody in.

        Raises:
            Refused: they are not.
        """
        if self.permission is None:
            if request.method not in _SAFE:
                check_origin(request)
            return
        if not self.console:
            authorization = request.headers.get("authorization", "")
            origin = self._doors.site.network(request)
            visit = await run_in_threadpool(self._doors.token, authorization, origin)
            if not visit.may(self.permission):
                raise Refused(403, "scope", f"this needs the scope {self.permission}", console=False)
            request.state.visit = visit
            return
        form = None
        if request.method not in _SAFE:
            check_origin(request)  # before anything is read
        visit = await run_in_threadpool(self._doors.session, request, self.permission)
        if request.method not in _SAFE:
            form = await filled(request)
            given = form.one(CSRF) or request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(given.encode(), visit.csrf.encode()):
                raise Refused(403, "csrf", "the form is stale, or not ours: go back, and send it again", console=True)
        request.state.visit = Visit(
            operator=visit.operator, actor=visit.actor, permissions=visit.permissions, session=visit.session,
            csrf=visit.csrf, form=form,
        )  # fmt: skip


class Doors:
    """Knows who somebody is."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.https = urlsplit(site.base).scheme == "https"

    def page(self, permission: Permission | None) -> Needs:
        """What a page of the console needs; None: nothing, not even a session."""
        return Needs(self, permission, console=True)

    def call(self, permission: Permission | None) -> Needs:
        """What a call of the API needs."""
        return Needs(self, permission, console=False)

    # ---- the cookie

    def is_secure(self, request: Request) -> bool:
        """Whether browsers reach us over https: where the publication's address says so, but not on this machine."""
        return self.https and request.url.hostname not in _LOOPBACK

    def cookie(self, request: Request) -> str:
        """Its name. __Host- keeps other hosts of the domain from setting it; browsers take it over https alone."""
        return "__Host-desk" if self.is_secure(request) else "desk"

    def secret(self, request: Request) -> str:
        """What the browser's cookie holds; "" without one."""
        return request.cookies.get(self.cookie(request), "")

    def remember(self, request: Request, answer: Response, secret: str) -> Response:
        """Let the browser keep the secret of its session, until it is closed."""
        answer.set_cookie(
            self.cookie(request), secret, path="/", secure=self.is_secure(request), httponly=True, samesite="lax"
        )
        return answer

    def forget(self, request: Request, answer: Response) -> Response:
        """Let the browser forget it."""
        answer.delete_cookie(
            self.cookie(request), path="/", secure=self.is_secure(request), httponly=True, samesite="lax"
        )
        return answer

    # ---- who is it?

    def session(self, request: Request, permission: Permission) -> Visit:
        """The visit of a browser.

        Raises:
            Refused: it is not signed in, half signed in, or may not do this.
        """
        secret = self.secret(request)
        found = self.site.app.entrance.session(secret)
        if found is None:
            raise Refused(401, "session", "sign in first", console=True)
        session, operator = found
        if not session.passed:
            raise Refused(401, "factor", "give the code of your app first", console=True)
        required = self.site.settings.console.second_factor is SecondFactor.REQUIRED
        if required and not operator.second_factor and permission is not Permission.ACCOUNT:
            raise Refused(403, "enrol", "set up the second factor first", console=True)
        held = self.site.app.entrance.allowed(operator)
        if permission not in held:
            raise Refused(403, "permission", f"your role ({operator.role}) does not hold {permission}", console=True)
        actor = Actor(name=operator.address, via=Via.CONSOLE, origin=self.site.network(request), operator=operator.id)
        return Visit(operator=operator, actor=actor, permissions=held, session=session, csrf=csrf_of(secret))

    def token(self, authorization: str, network: str) -> Visit:
        """The visit of a program, by its Authorization header.

        Raises:
            Refused: there is no token, or it opens nothing.
        """
        text = authorization[len(_SCHEME) :].strip() if authorization[: len(_SCHEME)].lower() == _SCHEME else ""
        found = self.site.app.entrance.token(text)
        if found is None:
            raise Refused(401, "token", "send `Authorization: Bearer dg_…` with a token that works", console=False)
        token, operator = found
        # The name is the owner's, so that nobody is two people to an edition that needs two; whence says which token.
        origin = f"{network}, token {token.id}"
        actor = Actor(name=operator.address, via=Via.API, origin=origin, operator=operator.id)
        held = self.site.app.entrance.allowed(operator, token)
        return Visit(operator=operator, actor=actor, permissions=held, token=token)


def visit_of(request: Request) -> Visit:
    """Who was let in to this route, by its `Needs`."""
    visit: Visit = request.state.visit
    return visit


def form_of(request: Request) -> Form:
    """What a browser sent, read by the route's `Needs`."""
    form = visit_of(request).form
    return Form({}) if form is None else form


Visitor = Annotated[Visit, Depends(visit_of)]
Filled = Annotated[Form, Depends(form_of)]


def csrf_of(secret: str) -> str:
    """What forms of a session carry: whoever knows it knows the session's cookie, or is a page that it was given."""
    return hmac.new(secret.encode(), b"digest console form", hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """Refuse a form that a page of somebody else sends, whatever it carries.

    Raises:
        Refused: it comes from elsewhere.
    """
    where = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")
    # The policy of our pages is no-referrer: browsers then send "Origin: null", and in Sec-Fetch-Site that it is us.
    if where not in {"", "same-origin", "none"} or (foreign and not where):
        raise Refused(403, "foreign", "this form was sent by another site", console=True)


def needs(route: BaseRoute) -> Needs | None:
    """What a route declares that it needs; None where it declares nothing."""
    if not isinstance(route, APIRoute):
        return None
    return next((one.call for one in _all(route.dependant) if isinstance(one.call, Needs)), None)


def guarded(routes: Sequence[BaseRoute], before: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Path and route of everything below /console and /api, in applications within applications too."""
    for route in routes:
        path = before + str(getattr(route, "path", ""))
        # FastAPI keeps an included router as one route, and says so in no public way; older ones took its routes over.
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from guarded(included.routes, before + str(getattr(route.include_context, "prefix", "")))  # type: ignore[attr-defined] # as above
        elif isinstance(route, Mount):
            yield from guarded(route.routes or (), path)
        elif path.startswith(GUARDED):
            yield path, route


def check_declared(routes: Sequence[BaseRoute], open_to_all: frozenset[str] = frozenset()) -> None:
    """Refuse an application with a route that names no permission.

    Args:
        routes: of the application.
        open_to_all: paths that machines may ask without a token (openapi.json).

    Raises:
        ConfigError: naming each such route.
    """
    missing = [path for path, route in guarded(routes) if needs(route) is None and path not in open_to_all]
    if missing:
        raise ConfigError(*(f"{path}: the route names no permission (digest/web/doors.py)" for path in missing))


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _all(one)
