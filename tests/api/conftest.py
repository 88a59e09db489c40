"""The publication of the web's tests, with a source that programs send to, an operator of each role, and their tokens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest.app import App
from digest.model import SCOPES, Actor, Operator, OperatorRole, OperatorState, Permission, Via
from digest.settings import FILE
from digest.web import create_app
from tests.web.conftest import EDITION, SETTINGS, Browser, published  # noqa: F401 - a fixture

MORE = """
[console]
api_requests = 100000

[[sources]]
key = "wire"
kind = "api"
rights = "full"
"""
PERIOD = "2018-W29"
__all__ = ["EDITION"]


class Api:
    """Asks /api/v1 with a token."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.browser = Browser(create_app(app))
        self.publisher = self.token(OperatorRole.ADMIN, SCOPES)

    def operator(self, role: OperatorRole) -> Operator:
        """An operator who can sign in."""
        address, by = f"{role}@example.com", Actor(name="tests", via=Via.CLI)
        known = self.app.store.operators.list()
        if all(one.address != address for one in known):
            self.app.staff.add(address, role, by=by, name=role.title())
        one = self.app.staff.find(address)
        self.app.store.operators.change(one.id, state=OperatorState.ACTIVE.value, password="unused")
        return self.app.staff.find(address)

    def token(self, role: OperatorRole, scopes: frozenset[Permission]) -> str:
        """The text of a token."""
        one = self.operator(role)
        by = Actor(name="tests", via=Via.CLI)
        return self.app.account.add_token(one, "tests", scopes & role.permissions, days=None, by=by)[1]

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        """Ask; `token=""` asks without one."""
        text = self.publisher if token is None else token
        headers = {**({"Authorization": f"Bearer {text}"} if text else {}), **more.pop("headers", {})}
        return self.browser.ask(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        return self.ask("POST", path, **more)

    def good(self, answer: httpx.Response, status: int = 200) -> Any:
        """The JSON of an answer that must be good."""
        assert answer.status_code == status, answer.text
        return answer.json()

    def draft(self) -> dict[str, Any]:
        """The draft of the period, composed anew."""
        found: dict[str, Any] = self.good(self.post("/editions", {"digest": "weekly", "period": PERIOD}))
        return found


def _copy(published: tuple[Path, App], folder: Path) -> App:  # noqa: F811 - a fixture
    source, shared = published
    shutil.copytree(source, folder)
    settings = SETTINGS.replace("[[digests]]", MORE + "\n[[digests]]", 1)
    (folder / FILE).write_text(settings, encoding="utf-8")
    app = App.open(folder)
    for name in ("places", "taxonomy", "renderer"):
        app.__dict__[name] = getattr(shared, name)
    return app


@pytest.fixture(scope="module")
def api(published: tuple[Path, App], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:  # noqa: F811 - same
    """A publication with one approved edition that the tests of a module share."""
    with _copy(published, tmp_path_factory.mktemp("api") / "publication") as app:
        yield Api(app)


@pytest.fixture
def desk(published: tuple[Path, App], tmp_path: Path) -> Iterator[Api]:  # noqa: F811 - same
    """A publication of a test's own, whose edition is a draft."""
    with _copy(published, tmp_path / "publication") as app:
        found = Api(app)
        found.good(found.post(f"/editions/{EDITION}/reopen", {}))
        yield found
