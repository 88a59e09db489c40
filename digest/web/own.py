"""A reader's private feed: the stories that they chose, at an address that only they know and can revoke.

It is an Atom document like everyone's, with fewer entries. It is made when the editions or the choices differ from the
last time, and answered by its tag otherwise.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from digest import subscriptions
from digest.web.documents import Document
from digest.web.reading import READ
from digest.web.site import Site

_KEPT: Final = 256  # feeds at hand
_HEADERS: Final = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


def routes(site: Site) -> APIRouter:
    """The private feeds."""
    router = APIRouter()
    kept: OrderedDict[tuple[int, str, str], Document] = OrderedDict()
    lock = Lock()

    @router.api_route("/feeds/own/{token}.xml", methods=READ)
    def own_feed(request: Request, token: str) -> Response:
        number = site.links.read_own_feed(token)
        reader = site.store.people.reader_of(number)
        one = site.find(reader) if reader else None
        if one is None or one.state not in subscriptions.RUNNING:
            return PlainTextResponse("This feed was revoked by its reader.", 410, headers={"Cache-Control": "no-store"})
        key = (number, site.library.catalogue().mark, repr(one.preferences))
        with lock:
            document = kept.get(key)
        if document is None:
            content, updated = site.app.press.own_feed(one.digest, one.preferences, site.links.own_feed(number))
            document = Document.of(content, "application/atom+xml; charset=utf-8", updated.replace(microsecond=0))
            with lock:
                kept[key] = document
                while len(kept) > _KEPT:
                    kept.popitem(last=False)
        return document.answer(request.headers, _HEADERS)

    return router
