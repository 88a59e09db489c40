"""A small publication with a desk: one operator of each role, and a browser for each that keeps its cookies."""

from __future__ import annotations

import asyncio
import html
import itertools
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.types import ASGIApp

from digest.app import App, now
from digest.model import Actor, Entry, Operator, OperatorRole, Via
from digest.operators import Account, Entrance, Passwords, Staff
from digest.settings import FILE
from digest.store import AuditFilter
from digest.web import create_app
from tests.harbour import SETTINGS

PASSWORD = "correct horse battery staple"
ORIGIN = "https://weekly.example.com"
TERMINAL = Actor(name="root (command line)", via=Via.CLI)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """A clock to turn; it moves by itself as well."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return now() + self.ahead

    def pass_(self, **span: float) -> None:
        self.ahead += timedelta(**span)


class Browser:
    """Asks as a browser does: keeps cookies, and says on which site the form stood. Follows nothing by itself."""

    def __init__(self, application: ASGIApp, client: str = "198.51.100.7") -> None:
        self.application = application
        self.client = client
        self.cookies: dict[str, str] = {}
        self.page = ""
        self.operator: Operator  # who sits there, where somebody was signed in

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "POST":
            headers |= {"sec-fetch-site": "same-origin", "origin": "null"}
        headers |= more.pop("headers", {})

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.application, client=(self.client, 1234))
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
                return await client.request(method, path, headers={k: v for k, v in headers.items() if v}, **more)

        answer = asyncio.run(ask())
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0" and morsel.value:
                    self.cookies[name] = morsel.value
        if "text/html" in answer.headers.get("content-type", ""):
            self.page = answer.text
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the token of the page that was last seen."""
        return self.ask("POST", path, data={"csrf": self.csrf, **(data or {})}, **more)

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.page)
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """The words of the page that was last seen."""
        return html.unescape(re.sub(r"<[^>]+>", " ", self.page))

    def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, (answer.status_code, self.text)
        return self.get(answer.headers["location"])

    def sign_in(self, address: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("/console/sign-in", {"address": address, "password": password})


class Desk:
    """A publication with a desk, shared by tests: each makes the operators and browsers that it needs."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.clock = Clock()
        passwords = Passwords(CHEAP)
        app.__dict__["passwords"] = passwords
        app.__dict__["staff"] = Staff(app.store, passwords, self.clock)
        app.__dict__["account"] = Account(app.store, passwords, app.factor, self.clock)
        app.__dict__["entrance"] = Entrance(app.store, passwords, app.factor, app.settings.console, clock=self.clock)
        self.application = create_app(app)
        self._numbers = itertools.count(1)

    def add(self, role: OperatorRole = OperatorRole.EDITOR) -> Operator:
        """A new operator, with PASSWORD."""
        one, _ = self.app.staff.add(f"{role}-{next(self._numbers)}@example.com", role, by=TERMINAL)
        self.app.staff.set_password(one.id, PASSWORD, by=TERMINAL)
        return self.app.staff.get(one.id)

    def browser(self) -> Browser:
        """A browser in a network of its own."""
        number = next(self._numbers)
        return Browser(self.application, f"10.{number // 200}.{number % 200}.7")

    def signed_in(self, role: OperatorRole = OperatorRole.ADMIN) -> Browser:
        """A browser in which a new operator of that role sits."""
        one = self.add(role)
        browser = self.browser()
        browser.follow(browser.sign_in(one.address))
        browser.operator = one
        return browser

    def log(self, **wanted: str) -> list[Entry]:
        """What is on record, oldest first."""
        return list(reversed(self.app.store.audit.page(AuditFilter(**wanted), limit=2000)))  # type: ignore[arg-type] # texts only


def open_app(folder: Path, more: str = "", like: App | None = None) -> App:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(SETTINGS + more, encoding="utf-8")
    app = App.open(folder)
    if like is not None:  # what takes long to make, and is the same
        for name in ("places", "taxonomy", "renderer", "links"):
            app.__dict__[name] = getattr(like, name)
    return app


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_app(tmp_path_factory.mktemp("desk")) as app:
        yield Desk(app)


@pytest.fixture
def strict(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own, with nobody at it yet, where everyone needs a second factor."""
    with open_app(tmp_path / "strict", '\n[console]\nsecond_factor = "required"\n', desk.app) as app:
        yield Desk(app)


@pytest.fixture(autouse=True)
def _today(desk: Desk) -> Iterator[None]:
    yield
    desk.clock.ahead = timedelta(0)
