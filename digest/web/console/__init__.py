"""The operator's desk in a browser, below /console: rendered here, and whole without a script.

    how pages are added and answered, the frame, flashes     frame.py
    signing in and out, one-time links                       entry.py
    today                                                    today.py
    editions: list, stories, looks, acts, approval           editions.py, edition*.py, storyacts.py, approving.py
    campaigns: progress and report                           campaigns.py, pictures.py
    articles, what the learner is not sure of; filing rules  articles.py, articleviews.py, rules.py
    sources; readers, and their lists; plots                 sources.py, subscribers.py, lists.py, plots.py
    settings, audit log, operators                           settings.py, audit.py, people.py
    one's own account                                        account.py

Each page names the permission that it needs (digest/web/doors.py); what it does is done by coordinators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import Response

from digest.errors import DigestError, InputError, StateError
from digest.web.console import (
    account,
    approving,
    articles,
    audit,
    campaigns,
    editionacts,
    editionlooks,
    editions,
    entry,
    lists,
    people,
    rules,
    settings,
    sources,
    storyacts,
    subscribers,
    today,
)
from digest.web.console.frame import CONSOLE, Frame
from digest.web.doors import Doors, Refused

__all__ = ["PAGES", "UPLOADS", "add_console"]

PAGES: Final[tuple[Callable[[Frame], None], ...]] = (
    entry.add_pages,
    today.add_pages,
    editions.add_pages,
    editionlooks.add_pages,
    storyacts.add_pages,
    editionacts.add_pages,
    approving.add_pages,
    campaigns.add_pages,
    rules.add_pages,  # before the page of one article
    articles.add_pages,
    sources.add_pages,
    lists.add_pages,
    subscribers.add_pages,
    audit.add_pages,
    people.add_pages,
    account.add_pages,
    settings.add_pages,
)
UPLOADS: Final = {"/console/subscribers/import": 64_000_000}  # path -> bytes that a body may have


def add_console(application: FastAPI, doors: Doors) -> Frame:
    """Add the desk to an application."""
    frame = Frame(doors.site, doors)
    for add in PAGES:
        add(frame)
    application.include_router(frame.router)

    @application.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return frame.refused(request, error)

    @application.exception_handler(StateError)
    @application.exception_handler(InputError)
    def wrong(request: Request, error: DigestError) -> Response:
        if not request.url.path.startswith(CONSOLE):
            raise error
        return frame.explain(request, error)

    return frame
