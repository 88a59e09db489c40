"""Who is let in, by which door, and to what: every route of the desk and the API, one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from digest.errors import ConfigError
from digest.model import SCOPES, OperatorRole, OperatorState, Permission
from digest.web import create_app
from digest.web.doors import check_declared, guarded, needs
from tests.console.conftest import ORIGIN, PASSWORD, TERMINAL, Browser, Desk, open_app

ROLES = list(OperatorRole)
LEAST = frozenset({Permission.DESK_READ})
OPEN = {  # what anybody may ask for; a new one is a decision, and stands here
    "/console/sign-in",
    "/console/code",
    "/console/welcome/{secret}",
    "/api/v1/",
    "/api/v1/health",
    "/api/v1/openapi.json",
    "/api/v1/docs",
    "/api/v1/docs.css",
}


def routes(application: FastAPI) -> list[tuple[str, str, Permission | None]]:
    """Method, path and permission of everything below /console and /api."""
    found = []
    for path, route in guarded(application.routes):
        need = needs(route)
        assert need is not None or path in OPEN, path
        assert isinstance(route, Route | APIRoute)
        permission = need.permission if need else None
        found += [(method, path, permission) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def filled(path: str) -> str:
    """The path with something in each of its places."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda place: "999" if place[1] != "secret" else "no-such-link", path)


def test_every_route_of_desk_and_api_declares_its_permission(desk: Desk) -> None:
    found = routes(desk.application)
    assert len(found) > 60
    unguarded = {path for _, path, permission in found if permission is None}
    assert {path for path in unguarded if "/static/" not in path} <= OPEN
    assert {permission for _, _, permission in found} >= set(Permission)


def test_an_application_with_an_undeclared_route_does_not_start(desk: Desk) -> None:
    async def careless() -> str:
        return "everything"

    for path in ("/console/careless", "/api/v2/careless"):
        application = FastAPI()
        application.add_api_route(path, careless)
        with pytest.raises(ConfigError, match="names no permission"):
            check_declared(application.routes)
    inner = FastAPI()
    inner.add_api_route("/careless", careless)
    outer = FastAPI()
    outer.mount("/api", inner)
    with pytest.raises(ConfigError, match="/api/careless"):
        check_declared(outer.routes)
    plain = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    plain.add_api_route("/careless", careless)
    check_declared(plain.routes)
    check_declared([Mount("/static", routes=[])])


def test_each_role_holds_what_the_one_below_holds() -> None:
    editor, publisher, admin = (role.permissions for role in ROLES)
    assert editor < publisher < admin == frozenset(Permission)
    assert Permission.EDITIONS_APPROVE not in editor
    assert Permission.ADMIN not in publisher
    assert Permission.ACCOUNT not in SCOPES


@pytest.mark.parametrize("role", ROLES)
def test_each_page_lets_in_who_may_and_nobody_else(desk: Desk, role: OperatorRole) -> None:
    """Route by route: below its role a page is refused; above, whatever else it says, it is not for want of a right."""
    browser = desk.signed_in(role)
    browser.get("/console/account")
    token, cookies = browser.csrf, dict(browser.cookies)
    pages = [one for one in routes(desk.application) if one[1].startswith("/console") and one[2] is not None]
    assert len(pages) > 30
    for method, path, permission in sorted(pages, key=lambda one: "sign-out" in one[1]):  # which ends the session
        if path.endswith("events"):
            continue  # an endless answer
        answer = browser.ask(method, filled(path), data={"csrf": token} if method == "POST" else None)
        refused = answer.status_code == 403 and "your role" in answer.text
        assert refused == (permission not in role.permissions), (method, path, answer.status_code, browser.text[-300:])
        assert answer.status_code < 500, (method, path)
        browser.cookies = dict(cookies)


def test_without_a_session_every_page_leads_to_sign_in_and_no_act_is_done(desk: Desk) -> None:
    before = desk.log()
    browser = desk.browser()
    for method, path, permission in routes(desk.application):
        if not path.startswith("/console") or permission is None:
            continue
        answer = browser.ask(method, filled(path))
        if method == "GET":
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/console/sign-in")
        else:
            assert answer.status_code == 401
    assert desk.log() == before


def test_no_call_of_the_api_is_answered_without_a_token_or_by_a_cookie(desk: Desk) -> None:
    browser = desk.signed_in()
    for method, path, permission in routes(desk.application):
        if path.startswith("/api") and permission is not None:
            assert browser.ask(method, filled(path)).status_code == 401, (method, path)


@pytest.mark.parametrize(("role", "scopes"), [(OperatorRole.PUBLISHER, SCOPES), (OperatorRole.ADMIN, LEAST)])
def test_each_call_of_the_api_needs_its_scope_and_the_owners_role(
    desk: Desk, role: OperatorRole, scopes: frozenset[Permission]
) -> None:
    one = desk.add(role)
    given = scopes & role.permissions
    _, text = desk.app.account.add_token(one, "program", given, days=1, by=TERMINAL)
    browser = desk.browser()
    for method, path, permission in routes(desk.application):
        if not path.startswith("/api") or permission is None or "stream" in path:
            continue
        answer = browser.ask(method, filled(path), headers={"authorization": f"Bearer {text}"}, content=b"")
        assert (answer.status_code == 403) == (permission not in given), (method, path, answer.text)


def test_a_form_without_the_sessions_token_does_nothing(desk: Desk) -> None:
    browser = desk.signed_in()
    other = desk.signed_in(OperatorRole.EDITOR)
    other.get("/console/account")
    browser.get("/console/account")
    mine = browser.csrf
    before = desk.log()
    for method, path, permission in routes(desk.application):
        if method != "POST" or not path.startswith("/console") or permission is None:
            continue
        tokens = [other.csrf] if "{" in path else ["", "0" * 64, other.csrf, mine[:-1], "ä"]
        for token in tokens:
            answer = browser.ask("POST", filled(path), data={"csrf": token})
            assert answer.status_code == 403, (path, token)
    assert desk.log() == before
    assert browser.get("/console/account").status_code == 200
    # In a header it is as good: for scripts of ours.
    answer = browser.ask("POST", "/console/account/sessions/end", headers={"x-csrf-token": browser.csrf})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "", "origin": "https://evil.example"},
        {"sec-fetch-site": "", "origin": "http://weekly.example.com.evil.example"},
    ],
)
def test_a_form_of_another_site_does_nothing_even_with_the_token(desk: Desk, headers: dict[str, str]) -> None:
    browser = desk.signed_in()
    assert browser.post("/console/account/sessions/end", headers=headers).status_code == 403
    assert browser.post("/console/sign-out", headers=headers).status_code == 403
    assert browser.get("/console").status_code == 200
    stranger = desk.browser()
    answer = stranger.post(
        "/console/sign-in", {"address": browser.operator.address, "password": PASSWORD}, headers=headers
    )
    assert answer.status_code == 403
    assert not stranger.cookies
    own = browser.post("/console/account/sessions/end", headers={"sec-fetch-site": "", "origin": ORIGIN})
    assert own.status_code == 303


def test_get_changes_nothing(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.get("/console")

    def kept() -> tuple[object, ...]:
        people = desk.app.staff.list()
        return desk.log(), people, [desk.app.store.operators.tokens(one.id) for one in people]

    before = kept()
    for method, path, _ in routes(desk.application):
        if method == "GET" and path.startswith("/console") and "events" not in path:
            for way in ("GET", "HEAD"):
                assert browser.ask(way, filled(path)).status_code < 500, path
    assert kept() == before


def test_a_disabled_operator_is_out_at_once(desk: Desk) -> None:
    admin, editor = desk.signed_in(), desk.signed_in(OperatorRole.EDITOR)
    one = editor.operator
    _, text = desk.app.account.add_token(one, "program", [Permission.ARTICLES_READ], days=None, by=TERMINAL)
    assert desk.app.entrance.token(text) is not None
    assert editor.get("/console").status_code == 200
    admin.get(f"/console/operators/{one.id}")
    admin.follow(admin.post(f"/console/operators/{one.id}/disable"))
    assert "Disabled" in admin.text
    assert editor.get("/console").status_code == 303
    assert desk.app.entrance.token(text) is None
    assert editor.sign_in(one.address).status_code == 422
    assert desk.app.staff.get(one.id).state is OperatorState.DISABLED


def test_pages_may_be_kept_nowhere_and_framed_by_nobody(desk: Desk) -> None:
    browser = desk.signed_in()
    for path in ("/console", "/console/account", "/console/audit", "/console/nothing", "/console/sign-in"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
    page = browser.get("/console/account").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", page)


def test_the_desk_can_be_switched_off(desk: Desk, tmp_path: Path) -> None:
    with open_app(tmp_path / "closed", "\n[console]\nenabled = false\n", desk.app) as app:
        closed = create_app(app)
        assert Browser(closed).get("/console").status_code == 404
        assert not [path for path, _ in guarded(closed.routes) if path.startswith("/console")]


def test_before_there_is_an_operator_the_desk_says_how_to_begin(strict: Desk) -> None:
    browser = strict.browser()
    browser.follow(browser.get("/console"))
    assert "digest operators add" in browser.text
    assert str(strict.app.settings.folder) not in browser.page


def test_a_cookie_is_for_this_host_over_https_alone(desk: Desk) -> None:
    one = desk.add()
    browser = desk.browser()
    line = browser.sign_in(one.address).headers["set-cookie"]
    assert line.startswith("__Host-desk=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(line.split("; "))
    assert "Domain" not in line
    # On the machine itself there is no TLS to speak.
    near = desk.browser().post(
        "/console/sign-in",
        {"address": one.address, "password": PASSWORD},
        headers={"host": "127.0.0.1:8080"},
    )
    assert near.headers["set-cookie"].startswith("desk=")
