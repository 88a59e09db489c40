"""How a page of the console is added and answered: its permission, the frame around it, flashes, and what went wrong.

    @frame.get("/articles", Permission.ARTICLES_READ)
    def articles(request: Request, visit: Visitor) -> Response:
        return frame.page(request, "articles.html", {...}, here="articles")

A page cannot be added without a permission. GET changes nothing; a POST answers with `redirect` and a flash.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.errors import DigestError, InputError, NotFound, StateError, TemplateError
from digest.model import Operator, Permission
from digest.web.documents import Document
from digest.web.doors import Doors, Filled, Refused, Visit, Visitor
from digest.web.listing import query_of
from digest.web.reading import READ
from digest.web.site import Site

__all__ = ["CONSOLE", "Filled", "Frame", "TimeView", "Visitor"]

CONSOLE: Final = "/console"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What a reader would see, in an iframe of ours: styles stand in attributes; no script, no form, no address of its own.
PREVIEW_CSP: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
_PROBLEMS: Final = {
    400: "The form came damaged.",
    404: "There is no such page.",
    405: "This page cannot be opened like that.",
    413: "That is too long.",
    422: "The address of this page is damaged.",
}
_FLASH: Final = "desk-flash"
_LONGEST_FLASH: Final = 600
_KINDS: Final = ("done", "note", "problem")
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_LANGUAGE: Final = "en"  # the desk speaks English until its catalogue is whole (docs/console.md)

Handler = TypeVar("Handler", bound=Callable[..., Any])

# Key, label, path, permission: what the menu offers to who may see it, where the page is there.
_MENU: Final = (
    ("today", "Today", "", Permission.DESK_READ),
    ("editions", "Editions", "/editions", Permission.EDITIONS_READ),
    ("campaigns", "Campaigns", "/campaigns", Permission.CAMPAIGNS_READ),
    ("articles", "Articles", "/articles", Permission.ARTICLES_READ),
    ("sources", "Sources", "/sources", Permission.SOURCES_READ),
    ("subscribers", "Subscribers", "/subscribers", Permission.SUBSCRIBERS_READ),
    ("settings", "Settings", "/settings", Permission.SETTINGS_READ),
    ("audit", "Audit log", "/audit", Permission.AUDIT_READ),
    ("operators", "Operators", "/operators", Permission.ADMIN),
)


@dataclass(frozen=True, kw_only=True)
class TimeView:
    """A moment as a page says it, in the publication's zone."""

    iso: str
    short: str  # "20 Jul, 09:00"; with the year where it is not this one
    full: str  # "Friday 20 July 2018, 09:00 +08:00"
    away: str  # "in 3 h", "2 days ago"


@dataclass(frozen=True, kw_only=True)
class MenuView:
    """A page that the menu leads to."""

    key: str
    label: str
    href: str
    here: bool


@dataclass(frozen=True, kw_only=True)
class FlashView:
    """What came of the last act; `kind` is done, note or problem."""

    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DeskView:
    """The frame around a page."""

    prefix: str
    sheet: str
    script: str
    publication: str
    zone: str
    operator: Operator | None  # None: nobody is signed in
    role: str
    csrf: str
    may: frozenset[str]
    menu: tuple[MenuView, ...]
    here: str
    flashes: tuple[FlashView, ...]


class Frame:
    """Pages of the console, and what they share."""

    def __init__(self, site: Site, doors: Doors) -> None:
        self.site = site
        self.doors = doors
        self.prefix = site.prefix
        self.router = APIRouter()
        self._paths: set[str] = set()
        self._files = {
            kind: Document.of(site.renderer.source(f"console/{name}").encode(), media_type, kept=True)
            for kind, name, media_type in (
                ("css", "style.css", "text/css; charset=utf-8"),
                ("js", "script.js", "text/javascript; charset=utf-8"),
            )
        }
        self._names = {kind: f"desk-{file.tag[:12]}.{kind}" for kind, file in self._files.items()}
        for kind, name in self._names.items():
            self._add_file(kind, name)

    # ---- adding pages

    def get(self, path: str, permission: Permission | None) -> Callable[[Handler], Handler]:
        """Add a page that shows something.

        Args:
            path: below /console: "/articles/{uid}"; "" for the first page.
            permission: who may see it; None: anyone, signed in or not.
        """
        self._paths.add(path)
        return self._add(path, READ, permission)

    def post(self, path: str, permission: Permission | None) -> Callable[[Handler], Handler]:
        """Add an act: who is signed in, may do it, and sends a form of ours gets to it."""
        return self._add(path, ["POST"], permission)

    def _add(self, path: str, methods: list[str], permission: Permission | None) -> Callable[[Handler], Handler]:
        needs = [Depends(self.doors.page(permission))]
        return self.router.api_route(CONSOLE + path, methods=methods, dependencies=needs, response_model=None)

    def _add_file(self, kind: str, name: str) -> None:
        @self.get(f"/static/{name}", None)
        async def static(request: Request) -> Response:
            return self._files[kind].answer(request.headers, _FOREVER)

    # ---- addresses

    def path(self, path: str = "", **query: object) -> str:
        """An address of the console, with the publication's prefix and a query; empty values are left out."""
        asked = query_of((name, str(value)) for name, value in query.items() if value not in {None, ""})
        return f"{self.prefix}{CONSOLE}{quote(path)}{'?' if asked else ''}{asked}"

    # ---- answers

    def page(
        self, request: Request, name: str, context: Mapping[str, object], *, here: str = "", status: int = 200
    ) -> Response:
        """A page: never kept by a cache.

        Args:
            request: what is answered.
            name: the template below templates/console/.
            context: what it shows, besides `desk`.
            here: key of the menu's entry that it belongs to.
            status: of the answer.
        """
        flashes = self._flashes(request)
        desk = self._desk(request, here, flashes)
        html = self.site.renderer.page(f"console/{name}", {"desk": desk, **context}, _LANGUAGE)
        answer = self._answer(html.encode(), "text/html; charset=utf-8", status)
        if flashes:
            answer.delete_cookie(_FLASH, path=self._cookie_path)
        return answer

    def redirect(self, path: str, *, done: str = "", note: str = "", problem: str = "") -> Response:
        """After an act: on to a page, which says once what came of it.

        Args:
            path: below /console, already quoted (see `path`) or plain.
            done: it was done.
            note: something to know.
            problem: it was not done.
        """
        start = f"{self.prefix}{CONSOLE}"
        answer = RedirectResponse(path if path.startswith(start) else start + path, 303)
        answer.headers["Cache-Control"] = "no-store"
        said = [[kind, text[:_LONGEST_FLASH]] for kind, text in zip(_KINDS, (done, note, problem), strict=True) if text]
        if said:
            value = urlsafe_b64encode(json.dumps(said).encode()).decode()
            answer.set_cookie(
                _FLASH, value, max_age=60, path=self._cookie_path, httponly=True, samesite="lax",
                secure=self.doors.https,
            )  # fmt: skip
        return answer

    def sandboxed(self, html: str) -> Response:
        """What a reader would see, for an iframe of ours (`<iframe sandbox src=…>`)."""
        answer = self._answer(html.encode(), "text/html; charset=utf-8", 200)
        answer.headers["Content-Security-Policy"] = PREVIEW_CSP
        answer.headers["X-Frame-Options"] = "SAMEORIGIN"
        return answer

    def text(self, text: str) -> Response:
        """Plain text, as it is."""
        return self._answer(text.encode(), "text/plain; charset=utf-8", 200)

    def svg(self, picture: bytes) -> Response:
        """A picture, for `<img src=…>`."""
        answer = self._answer(picture, "image/svg+xml", 200)
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
        return answer

    def download(self, content: bytes, media_type: str, name: str) -> Response:
        """A file to keep."""
        answer = self._answer(content, media_type, 200)
        plain = "".join(
            letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name
        )
        answer.headers["Content-Disposition"] = f'attachment; filename="{plain}"'
        return answer

    def problem(self, request: Request, status: int, what: str, remedy: str = "") -> Response:
        """A page that says what is wrong and what to do about it."""
        return self.page(request, "problem.html", {"status": status, "what": what, "remedy": remedy}, status=status)

    def refused(self, request: Request, error: Refused) -> Response:
        """What somebody gets who was not let in: the way to sign in, or a page that says why."""
        way = {"session": "/sign-in", "factor": "/code", "enrol": "/account/factor"}.get(error.code)
        if way is not None and request.method in READ:
            query = request.url.query
            asked = request.url.path.removeprefix(CONSOLE) + (f"?{query}" if query else "")
            return self.redirect(self.path(way, next=asked) if asked.strip("/") and error.code != "enrol" else way)
        return self.problem(request, error.status, error.detail)

    def explain(self, request: Request, error: DigestError) -> Response:
        """What a coordinator refused, as a page."""
        if isinstance(error, NotFound):
            what = f"There is no {error.noun} “{error.key}”." if error.key else f"There is no such {error.noun}."
            return self.problem(request, 404, what, error.remedy)
        if isinstance(error, StateError):
            return self.problem(request, 409, f"{error.thing} is {error.state}: cannot {error.act}.", error.remedy)
        if isinstance(error, InputError) and not isinstance(error, TemplateError):
            return self.problem(request, 422, error.what, error.remedy)
        raise error  # the guard writes it down

    def http(self, request: Request, error: HTTPException) -> Response:
        """What FastAPI or a page refused, as a page."""
        answer = self.problem(request, error.status_code, _PROBLEMS.get(error.status_code, error.detail))
        answer.headers.update(error.headers or {})
        return answer

    def time(self, moment: datetime) -> TimeView:
        """A moment as a page says it."""
        now = self.site.clock()
        local, here = moment.astimezone(self.site.settings.zone), now.astimezone(self.site.settings.zone)
        year = "" if local.year == here.year else f" {local.year}"
        return TimeView(
            iso=local.isoformat(timespec="seconds"),
            short=f"{local.day} {local:%b}{year}, {local:%H:%M}",
            full=_full(local),
            away=away(moment - now),
        )

    # ---- inside

    @property
    def _cookie_path(self) -> str:
        return f"{self.prefix}{CONSOLE}"

    def _answer(self, content: bytes, media_type: str, status: int) -> Response:
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": CSP,
            "X-Robots-Tag": "noindex",
        }
        return Response(content, status_code=status, headers=headers, media_type=media_type)

    def _desk(self, request: Request, here: str, flashes: tuple[FlashView, ...]) -> DeskView:
        visit: Visit | None = getattr(request.state, "visit", None)
        static = f"{self.prefix}{CONSOLE}/static"
        return DeskView(
            prefix=self.prefix,
            sheet=f"{static}/{self._names['css']}",
            script=f"{static}/{self._names['js']}",
            publication=self.site.settings.publication.title,
            zone=self.site.settings.publication.time_zone,
            operator=visit.operator if visit else None,
            role=visit.operator.role.value if visit else "",
            csrf=visit.csrf if visit else "",
            may=frozenset(permission.value for permission in visit.permissions) if visit else frozenset(),
            menu=tuple(
                MenuView(key=key, label=label, href=self.path(path), here=key == here)
                for key, label, path, permission in _MENU
                if visit and visit.may(permission) and path in self._paths
            ),
            here=here,
            flashes=flashes,
        )

    @staticmethod
    def _flashes(request: Request) -> tuple[FlashView, ...]:
        """What the last act left to be said; a cookie that is not ours says nothing."""
        try:
            said = json.loads(urlsafe_b64decode(request.cookies.get(_FLASH, "")))
            return tuple(
                FlashView(kind=str(kind), text=str(text)[:_LONGEST_FLASH]) for kind, text in said if kind in _KINDS
            )
        except (ValueError, TypeError, binascii.Error, RecursionError):
            return ()


def away(span: timedelta) -> str:
    """How far a moment is: "in 3 h", "2 days ago", "now"."""
    seconds = abs(span.total_seconds())
    for size, word in ((86400, "day"), (3600, "h"), (60, "min")):
        number = int(seconds // size)
        if number:
            text = f"{number} {word}{'s' if word == 'day' and number > 1 else ''}"
            return f"in {text}" if span.total_seconds() > 0 else f"{text} ago"
    return "now"


def _full(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M} {offset[:3]}:{offset[3:]}"
