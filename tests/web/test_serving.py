"""The server itself: limits and headers of every answer, health, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from digest.app import App
from digest.errors import ConfigError
from digest.web import create_app, serve
from digest.web.guard import BODY_LIMIT, Guard
from tests.web.conftest import Browser, Here

POLICY = {
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "permissions-policy",
    "x-frame-options",
}


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/feeds/atom.xml", "/subscribe", "/unsubscribe/x", "/healthz", "/robots.txt"]
)
def test_every_answer_has_the_headers(still: Here, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
        answer = still.browser.ask(method, path)
        assert set(answer.headers) >= POLICY, (method, path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "script" not in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_without_https_browsers_are_not_told_to_keep_to_it(make: Callable[..., Here]) -> None:
    here = make(DIGEST_PUBLICATION_URL="http://localhost:8080")
    assert "strict-transport-security" not in here.browser.get("/").headers


def test_a_long_body_is_refused_announced_or_not(still: Here) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert still.browser.post("/subscribe", content=b"a" * (BODY_LIMIT + 1), headers=kind).status_code == 413

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b"a" * 1024

    answer = still.browser.post("/subscribe", content=stream(), headers=kind)
    assert answer.status_code == 413
    assert set(answer.headers) >= POLICY
    assert still.browser.post("/subscribe", content=b"", headers={"Content-Length": "-1"}).status_code == 413


def test_a_page_that_fails_says_so_with_all_headers(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("bug")

    browser = Browser(Guard(broken, prefix="", https=True, proxies=()))
    answer = browser.get("/unsubscribe/a-secret-token")
    assert answer.status_code == 500
    assert set(answer.headers) >= POLICY
    assert "a page failed: GET /unsubscribe" in caplog.text
    assert "a-secret-token" not in caplog.text


def test_an_answer_that_breaks_off_is_not_begun_again() -> None:
    sent: list[Message] = []

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["method"] == "POST":
            while True:
                await receive()
        raise RuntimeError("bug")

    async def keep(message: Message) -> None:
        sent.append(message)

    async def body() -> Message:
        return {"type": "http.request", "body": b"x" * BODY_LIMIT, "more_body": True}

    guard = Guard(half, prefix="", https=False, proxies=())
    for method in ("GET", "POST"):
        asyncio.run(guard({"type": "http", "method": method, "path": "/", "headers": []}, body, keep))
    assert [message["type"] for message in sent] == ["http.response.start"] * 2


def test_health_and_readiness(here: Here) -> None:
    assert here.browser.get("/healthz").json() == {"status": "ok"}
    assert here.browser.get("/readyz").json() == {"status": "ok", "store": "ok", "sending": "ok"}
    assert here.browser.get("/metrics").status_code == 404
    with here.app.store._database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert here.browser.get("/readyz").status_code == 503
    with here.app.store._database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("CREATE TABLE alembic_version (other TEXT)")
    answer = here.browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["store"] == "does not answer"


def test_what_the_store_cannot_do_now_is_said(here: Here) -> None:
    with here.app.store._database.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE edition_stories")
        connection.exec_driver_sql("DROP TABLE requests")
    assert here.browser.get("/stories/x").status_code == 503
    answer = here.browser.post("/subscribe", data={"form": here.form(), "address": "ada@example.net"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"


def test_metrics_are_shown_where_somebody_counts(still: Here) -> None:
    browser = Browser(create_app(still.app, metrics=lambda: ("text/plain; version=0.0.4", b"up 1\n")))
    answer = browser.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert answer.content == b"up 1\n"


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


async def _served(app: App, act: Callable[[httpx.AsyncClient], object], wake: Callable[[], None]) -> None:
    """Serve on the loopback, do something, and stop."""
    stop = asyncio.Event()
    ready: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(app, stop, wake, ready=lambda host, port: ready.set_result((host, port))))
    host, port = await asyncio.wait_for(ready, 20)
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        await act(client)  # type: ignore[misc] # a coroutine
    stop.set()
    await asyncio.wait_for(server, 20)


def test_it_serves_calls_whoever_sends_and_stops(make: Callable[..., Here]) -> None:
    here = make(DIGEST_WEB_PORT="0")
    called: list[int] = []

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.get("/healthz")).status_code == 200
        answer = await client.post("/subscribe", data={"form": here.form(), "address": "ada@example.net"})
        assert answer.status_code == 200
        assert called == [1]
        feed = await client.get("/feeds/atom.xml")
        again = await client.get("/feeds/atom.xml", headers={"If-None-Match": feed.headers["etag"]})
        assert again.status_code == 304
        assert "server" not in again.headers

    asyncio.run(_served(here.app, act, lambda: called.append(1)))
    assert here.mails() == [], "the pages send nothing themselves"


def test_a_taken_port_is_a_matter_of_settings(make: Callable[..., Here]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here = make(DIGEST_WEB_PORT=str(taken.getsockname()[1]))
        with pytest.raises(ConfigError, match="cannot listen"):
            asyncio.run(serve(here.app, asyncio.Event()))


def test_links_do_not_stand_in_logs(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    url = here.app.links.unsubscribe(here.reader())
    with caplog.at_level("DEBUG"):
        here.browser.post(url)
        here.subscribe("someone@example.net")
        here.settle()
    token = url.rsplit("/", 1)[1]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("digest")]
    assert not [line for line in ours if token in line or "someone@" in line]
