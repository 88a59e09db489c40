"""The public face: pages to read, feeds, and pages by which readers subscribe, choose and leave.

Only this room knows HTTP status codes.

    create_app     settings in, an ASGI application out           here
    serve          the same, listening                            serving.py
    probe          health and figures of a process without pages  here
    Guard          limits, trusted proxies, headers of answers    guard.py
    reading pages                                                 reading.py, editions.py, library.py
    documents that everyone gets alike                            documents.py
    private feeds                                                 own.py
    the API, for programs                                         api/
    readers' acts and choices                                     readers.py, choices.py, forms.py, limits.py
    what every page shares                                        site.py, languages.py

Pages are templates/web/, rendered by digest.render; they work without a script and load nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.app import App
from digest.errors import Busy, LinkError, NotFound, StoreError
from digest.web import api, editions, own, readers, reading
from digest.web.console import UPLOADS, add_console
from digest.web.console.frame import CONSOLE, Frame
from digest.web.doors import Doors, check_declared
from digest.web.feeds import Feeds
from digest.web.guard import Guard, headers_of, networks
from digest.web.serving import listen
from digest.web.site import Site

__all__ = ["create_app", "probe", "serve"]

Metrics = Callable[[], tuple[str, bytes]]
_PROBLEMS = {400: "damaged", 403: "foreign", 404: "missing", 405: "missing", 413: "large", 429: "often"}


def create_app(app: App, *, wake: Callable[[], None] = lambda: None, metrics: Metrics | None = None) -> FastAPI:
    """The pages of a publication as an ASGI application.

    It only notes what readers ask for; the scheduler's job `letters` does it and sends the mails that follow.

    Args:
        app: the publication, opened; the caller closes it.
        wake: called, from any thread, when a page asked for a mail.
        metrics: gives media type and content of /metrics; without it there is no such page.
    """
    site = Site(app, wake)
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    application.include_router(reading.routes(site))
    application.include_router(editions.routes(site))
    application.include_router(own.routes(site))
    application.include_router(readers.routes(site))
    doors, desk = Doors(site), None
    if app.settings.console.enabled:
        desk = add_console(application, doors)
        application.mount(api.PREFIX, api.create_api(app, doors))
    _add_health(application, app, metrics)
    _add_problems(application, site, desk)
    check_declared(application.routes, api.OPEN)
    application.add_middleware(
        Guard,
        prefix=site.prefix,
        https=urlsplit(site.base).scheme == "https",
        proxies=networks(app.settings.web.trusted_proxies),
        rooms={**UPLOADS, f"{api.PREFIX}/": api.ROOM},
    )
    application.add_middleware(  # the outermost
        Feeds,
        files=site.files,
        base=site.base,
        prefix=site.prefix,
        hub=app.settings.feeds.hub,
        headers=headers_of(https=urlsplit(site.base).scheme == "https"),
    )
    return application


async def serve(
    app: App,
    stop: asyncio.Event,
    wake: Callable[[], None] = lambda: None,
    *,
    metrics: Metrics | None = None,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Serve the pages at the address of the settings until `stop` is set. Touches no signal handler.

    Args:
        app: the publication, opened; the caller closes it.
        stop: ends it; requests under way are finished.
        wake: see `create_app`.
        metrics: see `create_app`.
        ready: told address and port once it listens.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    web = app.settings.web
    application = await asyncio.to_thread(create_app, app, wake=wake, metrics=metrics)
    await listen(application, web.host, web.port, stop, ready)


async def probe(
    app: App,
    stop: asyncio.Event,
    _wake: Callable[[], None] = lambda: None,
    *,
    metrics: Metrics | None = None,
    ready: Callable[[str, int], None] | None = None,
) -> None:
    """Answer only what machines ask (health, readiness, figures), at `operations.probe_port`, until `stop` is set.

    For processes that serve no pages. Arguments and errors are those of `serve`.
    """
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    _add_health(application, app, metrics)
    await listen(application, app.settings.web.host, app.settings.operations.probe_port, stop, ready)


def _add_health(application: FastAPI, app: App, metrics: Metrics | None) -> None:
    """What machines ask: does it live, is it ready, what does it count."""
    kept = {"Cache-Control": "no-store"}

    @application.api_route("/healthz", methods=reading.READ)
    async def lives() -> Response:
        return JSONResponse({"status": "ok"}, headers=kept)

    @application.api_route("/readyz", methods=reading.READ)
    def is_ready() -> Response:
        try:
            current = app.store.is_current()
            sending = "not armed" if app.unarmed() else "ok"  # pages and feeds are served all the same
        except StoreError:
            return JSONResponse({"status": "failing", "store": "does not answer"}, 503, headers=kept)
        if not current:
            return JSONResponse({"status": "failing", "store": "has tables of another version"}, 503, headers=kept)
        return JSONResponse({"status": "ok", "store": "ok", "sending": sending}, headers=kept)

    if metrics is not None:

        @application.api_route("/metrics", methods=reading.READ)
        def count() -> Response:
            media_type, content = metrics()
            return Response(content, headers={**kept, "Content-Type": media_type})


def _add_problems(application: FastAPI, site: Site, desk: Frame | None) -> None:
    """Which error ends with which status; each is a page that says what to do."""

    async def show(request: Request, kind: str, status: int) -> Response:
        return await run_in_threadpool(site.problem, request, kind, status)

    @application.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith(f"{api.PREFIX}/"):  # an address that no route can have: with a line break in it
            return api.refuse(request, error, site.base)
        if desk is not None and request.url.path.startswith(CONSOLE):
            return await run_in_threadpool(desk.http, request, error)
        if error.status_code in _PROBLEMS:
            answer = await show(request, _PROBLEMS[error.status_code], error.status_code)
            for name, value in (error.headers or {}).items():
                answer.headers[name] = value
            return answer
        return PlainTextResponse(error.detail, error.status_code, headers=error.headers)

    @application.exception_handler(NotFound)
    async def missing(request: Request, error: NotFound) -> Response:
        if desk is not None and request.url.path.startswith(CONSOLE):
            return await run_in_threadpool(desk.explain, request, error)
        return await show(request, "missing", 404)

    @application.exception_handler(LinkError)
    async def stale(request: Request, error: LinkError) -> Response:
        return await show(request, "expired", 410) if error.expired else await show(request, "damaged", 404)

    @application.exception_handler(StoreError)
    @application.exception_handler(Busy)
    async def later(_request: Request, _error: Exception) -> Response:
        headers = {"Retry-After": "60", "Cache-Control": "no-store"}
        return PlainTextResponse("We cannot do that right now. Please try again in a minute.", 503, headers=headers)
