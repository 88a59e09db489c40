"""Who may do what, and what everybody is told who may not."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from digest.app import now
from digest.model import SCOPES, OperatorRole, Permission
from digest.web.api import OPEN, PREFIX, problems
from digest.web.api.callers import Gate, Passed
from digest.web.doors import guarded, needs
from tests.api.conftest import Api, api  # noqa: F401 - a fixture

FREE = {"index", "health"}


def operations(api: Api) -> list[tuple[str, str, dict[str, Any]]]:  # noqa: F811 - a fixture
    schema = api.good(api.get("/openapi.json"))
    return [(m.upper(), path, one) for path, methods in schema["paths"].items() for m, one in methods.items()]


def test_every_route_declares_a_permission_and_every_answer(api: Api) -> None:  # noqa: F811 - same
    application: Any = api.browser.application
    routes = [(path, route) for path, route in guarded(application.routes) if path.startswith(PREFIX)]
    assert len(routes) > 70
    assert [path for path, route in routes if needs(route) is None and path not in OPEN] == []
    for method, path, one in operations(api):
        assert one["x-permission"] in {*map(str, SCOPES), "none"}, path
        assert (one["x-permission"] == "none") == (one["operationId"] in FREE)
        assert one["tags"], path
        assert one["summary"], path
        for status, answer in one["responses"].items():
            kinds = set(answer.get("content", {}))
            assert (kinds == {problems.MEDIA_TYPE}) == (int(status) >= 400), (method, path, status)


def test_without_a_token_nobody_is_let_in_and_nothing_is_read(api: Api) -> None:  # noqa: F811 - same
    for method, path, one in operations(api):
        if one["operationId"] in FREE:
            continue
        answer = api.ask(method, re.sub(r"\{[^}]+\}", "1", path), token="", content=b"\xff")
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == problems.MEDIA_TYPE
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_without_the_scope_is_refused_and_told_which_one(api: Api) -> None:  # noqa: F811 - same
    one_scope = {
        scope: api.token(OperatorRole.ADMIN, frozenset({scope}))
        for scope in (Permission.DESK_READ, Permission.AUDIT_READ)
    }
    for method, path, one in operations(api):
        if one["operationId"] in FREE:
            continue
        lacks = Permission.AUDIT_READ if one["x-permission"] == "desk:read" else Permission.DESK_READ
        answer = api.ask(method, re.sub(r"\{[^}]+\}", "1", path), token=one_scope[lacks])
        assert answer.status_code == 403, path
        assert answer.json()["scope"] == one["x-permission"]
        assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_a_token_never_does_more_than_its_owners_role(api: Api) -> None:  # noqa: F811 - same
    editor = api.token(OperatorRole.EDITOR, SCOPES)
    assert api.get("/articles", token=editor).status_code == 200
    assert api.get("/subscribers", token=editor).status_code == 403
    told = api.good(api.get("/me", token=editor))
    assert told["role"] == "editor"
    assert "editions:approve" not in told["scopes"]


def test_a_token_that_was_ended_opens_nothing(api: Api) -> None:  # noqa: F811 - same
    text = api.token(OperatorRole.EDITOR, SCOPES)
    number = api.good(api.get("/me", token=text))["token"]
    one = api.operator(OperatorRole.EDITOR)
    api.app.store.operators.end_tokens(one.id, now(), only=number)
    assert api.get("/me", token=text).status_code == 401
    assert api.get("/me", token="dg_none").status_code == 401
    assert api.get("/me", headers={"Authorization": "Basic xyz"}, token="").status_code == 401


def test_a_token_in_the_address_or_a_cookie_is_none(api: Api) -> None:  # noqa: F811 - same
    assert api.get(f"/me?access_token={api.publisher}", token="").status_code == 401
    assert api.get("/me", token="", headers={"Cookie": f"__Host-desk={api.publisher}"}).status_code == 401


def test_who_calls_too_often_is_told_how_long_to_wait(api: Api) -> None:  # noqa: F811 - same
    gate = Gate(Passed.__new__(Passed), now, most=3)  # type: ignore[arg-type] # it only counts here
    assert [gate._take(1) for _ in range(3)] == [0, 0, 0]
    assert gate._take(1) > 0
    assert gate._take(2) == 0


def test_who_tries_tokens_is_not_answered_any_more(api: Api) -> None:  # noqa: F811 - same
    sender = "203.0.113.9"
    before, api.browser.client = api.browser.client, sender
    try:
        answers = [api.get("/me", token=f"dg_{number}") for number in range(121)]
    finally:
        api.browser.client = before
    assert {one.status_code for one in answers[:120]} == {401}
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "3600"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.2", "application/json"),
        ("text/html, application/json;q=0.5", "application/json"),
        ("text/html", ""),
        ("application/json;q=0", ""),
        ("application/json;q=wrong", ""),
    ],
)
def test_accept_is_read_as_http_says(api: Api, accept: str, expected: str) -> None:  # noqa: F811 - same
    answer = api.get("/me", headers={"Accept": accept})
    assert answer.status_code == (200 if expected else 406)
    assert answer.headers["content-type"] == (expected or problems.MEDIA_TYPE)


def test_what_is_not_there_says_so_as_a_problem(api: Api) -> None:  # noqa: F811 - same
    missing = api.get("/nothing")
    assert (missing.status_code, missing.headers["content-type"]) == (404, problems.MEDIA_TYPE)
    assert missing.json()["instance"] == "/api/v1/nothing"
    strange = api.get("/editions/%0A")
    assert (strange.status_code, strange.headers["content-type"]) == (404, problems.MEDIA_TYPE)
    other = api.ask("DELETE", "/me")
    assert (other.status_code, other.headers["allow"]) == (405, "GET")
    assert other.json()["type"].endswith("/api/v1/docs#no-such-method")


def test_bodies_are_limited_also_where_no_length_is_announced(api: Api) -> None:  # noqa: F811 - same
    long = api.post("/editions", content=b" " * 1_000_001, headers={"Content-Type": "application/json"})
    assert long.status_code == 413

    async def pieces() -> Any:
        for _ in range(12):
            yield b" " * 100_000

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(api.browser.application, client=("198.51.100.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://weekly.example.com") as client:
            headers = {"Authorization": f"Bearer {api.publisher}", "Content-Type": "application/json"}
            return await client.post("/api/v1/editions", content=pieces(), headers=headers)

    assert asyncio.run(ask()).status_code == 413


def test_a_body_of_another_type_or_none_is_refused(api: Api) -> None:  # noqa: F811 - same
    form = api.post("/editions", data={"digest": "weekly"})
    assert form.status_code == 415
    assert "application/json" in form.json()["remedy"]
    broken = api.post("/editions", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400
    extra = api.post("/sources/desk/poll", {"a": 1})
    assert extra.status_code == 415


def test_errors_of_ours_become_problems_that_say_what_to_do(api: Api) -> None:  # noqa: F811 - same
    from digest.errors import (  # noqa: PLC0415 - only here
        Blocked,
        Busy,
        ConfigError,
        DeliveryError,
        InputError,
        JailError,
        LinkError,
        StateError,
        StoreError,
    )

    def of(error: Exception) -> tuple[int, str, dict[str, Any]]:
        problem = problems.of(error)
        return problem.status, problem.kind, dict(problem.more)

    assert of(InputError("wrong", where="title", line=3)) == (422, "unusable", {"where": "title", "line": 3})
    assert of(JailError("time"))[:2] == (422, "unusable")
    assert of(LinkError("stale"))[:2] == (422, "unusable")
    assert of(StateError("edition e", "sent", "pin")) == (409, "conflict", {"state": "sent"})
    assert of(Blocked("edition e", ["too long"], "cut it")) == (409, "blocked", {"findings": ["too long"]})
    assert of(Busy("sending"))[0] == 409
    assert of(StoreError("locked"))[:2] == (503, "unavailable")
    assert of(DeliveryError("no server"))[0] == 503
    assert of(ConfigError("mail.host"))[0] == 503
    assert of(ZeroDivisionError()) == (500, "failed", {})
    assert problems.of(ZeroDivisionError()).answer("https://x/api/v1", "/p").status_code == 500


def test_the_document_is_open_and_loads_nothing_from_elsewhere(api: Api) -> None:  # noqa: F811 - same
    page = api.get("/docs", token="")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert set(re.findall(r'(?:src|href)="(?!#)([^"]+)"', page.text)) <= {
        "openapi.json", *re.findall(r'href="(docs\.css\?\w+)"', page.text)}  # fmt: skip
    for kind in problems.KINDS:
        assert f'id="{kind}"' in page.text
    assert api.get("/docs.css", token="").headers["content-type"].startswith("text/css")
    again = api.get("/openapi.json", token="", headers={"If-None-Match": api.get("/openapi.json").headers["etag"]})
    assert again.status_code == 304
