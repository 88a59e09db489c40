"""The API: everything that the console does, for programs. JSON in, JSON or problem+json out, under /api/v1.

    create_api     the application, mounted by digest.web         here
    Routes         permission, types, limits, keys: one way in    routing.py
    Gate           tokens and how often they call                 callers.py
    problems       errors as RFC 9457 has them                    problems.py
    pages          cursors, never numbers of pages                paging.py
    shapes         how things look                                shapes.py
    articles, sources, editions, campaigns, subscribers, events, about      one file per resource (desk.py: what
                                                                            is sent and shown of editions)
    the document   openapi.json, and a page that shows it         document.py

A handler decides nothing: it reads what was sent, calls what the console calls, too, and shows what came of it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.app import App, now, version
from digest.errors import ConfigError, DigestError
from digest.web.api import about, articles, campaigns, document, editions, events, sources, subscribers
from digest.web.api.callers import Gate
from digest.web.api.problems import Problem, of
from digest.web.api.routing import Routes
from digest.web.doors import Doors, Refused

__all__ = ["OPEN", "PREFIX", "ROOM", "create_api", "refuse"]

PREFIX: Final = "/api/v1"
ROOM: Final = 66_000_000  # bytes: the longest body that any operation takes, and a little
OPEN: Final = frozenset({f"{PREFIX}/openapi.json", f"{PREFIX}/docs", f"{PREFIX}/docs.css"})  # what needs no token
_log: Final = logging.getLogger("digest.api")


def create_api(app: App, doors: Doors) -> FastAPI:
    """The API of a publication, as an application to mount at `PREFIX`.

    Args:
        app: the publication, opened; the caller closes it.
        doors: who somebody is, and what they may do.
    """
    base = f"{app.settings.publication.url}{PREFIX}"
    api = FastAPI(
        title=f"{app.settings.publication.title}: API",
        version=version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    gate = Gate(doors, now, app.settings.console.api_requests)
    routes = Routes(api, gate, app.store, now)
    for resource in (about, articles, sources, editions, campaigns, subscribers, events):
        resource.add_routes(routes, app)
    document.add_routes(api, base)
    _add_problems(api, base)
    return api


def refuse(request: Request, error: Exception, base: str) -> Response:
    """An error as a problem, for what never reached the API; `base` is the publication's public address."""
    return of(error).answer(f"{base}{PREFIX}", request.url.path)


def _add_problems(api: FastAPI, base: str) -> None:
    """Every error ends as problem+json."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = of(error)
        if problem.status >= 500:
            _log.error("%s %s: %s", request.method, request.url.path.split("/")[3:4], problem.detail)
        return problem.answer(base, request.url.path)

    kinds: tuple[Any, ...] = (
        Problem,
        Refused,
        HTTPException,
        RequestValidationError,
        DigestError,
        ConfigError,
        Exception,
    )
    for kind in kinds:
        api.add_exception_handler(kind, answer)
