"""What every page shares: the publication, its language, the frame around its content, and how an answer is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.responses import Response

from digest import places
from digest.app import App, now
from digest.render import NameView, PageViewer
from digest.web.documents import Document, Files
from digest.web.guard import network_of
from digest.web.languages import preferred
from digest.web.library import Library

SHEET: Final = "web/style.css"
FRESH: Final = "public, max-age=60"  # pages that everyone gets alike
PRIVATE: Final = "no-store"
_FORMATS: Final = (("atom.xml", "Atom", "application/atom+xml"), ("rss.xml", "RSS", "application/rss+xml"),
                   ("feed.json", "JSON", "application/feed+json"))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FeedView:
    """A feed of a page: what it is called, where it stands, in which format."""

    title: str
    href: str
    format: str
    media_type: str


@dataclass(frozen=True, kw_only=True)
class LanguageView:
    """A language that the page is at hand in."""

    tag: str
    name: str
    href: str


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """The frame around a page."""

    prefix: str  # of every path
    query: str  # "?lang=zh-Hans" where the address chose the language, so that links keep it
    sheet: str  # the stylesheet's address
    canonical: str  # the page's public address
    languages: tuple[LanguageView, ...]
    regions: tuple[NameView, ...]
    themes: tuple[NameView, ...]
    feeds: tuple[FeedView, ...]  # of the page, for autodiscovery


class Site:
    """The publication as the handlers see it."""

    def __init__(self, app: App, wake: Callable[[], None]) -> None:
        self.app = app
        self.settings = app.settings
        self.store = app.store
        self.links = app.links
        self.renderer = app.renderer
        self.reception = app.reception
        self.library = Library(app.store)
        self.files = Files(app.settings.state)
        self.wake = wake  # tells that a mail may be due
        self.base = app.settings.publication.url
        self.prefix = urlsplit(self.base).path.rstrip("/")
        sheet = self.renderer.source(SHEET).encode()
        self.sheet_name = f"style-{hashlib.sha256(sheet).hexdigest()[:12]}.css"
        self.sheet = Document.of(sheet, "text/css; charset=utf-8")

    def clock(self) -> datetime:
        """The time."""
        return now()

    # ---- who asks

    def language(self, request: Request) -> str:
        """The tag of the language that the one who asks is answered in; "" for the publication's."""
        asked = request.query_params.get("lang", "")[:35]
        return preferred(asked, request.headers.get("accept-language", ""), self.renderer.language)

    def viewer(self, request: Request) -> PageViewer:
        """What says editions and stories in that language."""
        return self.renderer.viewer(self.language(request))

    @staticmethod
    def network(request: Request) -> str:
        """The network that asks, for limits."""
        return network_of(request.client.host if request.client else "")

    def origin(self, request: Request) -> str:
        """Whence, as it is kept with a consent."""
        address = request.client.host if request.client else ""
        return (
            f"address {address}" if self.settings.web.full_addresses and address else f"network {network_of(address)}"
        )

    # ---- answers

    def public(
        self, request: Request, name: str, context: Mapping[str, object], *, feed: str = "", title: str = ""
    ) -> Response:
        """A page that everyone gets alike (in their language): it may be cached, and has a tag.

        Args:
            request: what is answered.
            name: the template below templates/web/.
            context: what it shows.
            feed: folder below feeds/ of the page's own feeds ("regions/CN-GD").
            title: of those feeds.
        """
        html = self._html(request, name, context, feed=feed, title=title)
        headers = {"Cache-Control": FRESH, "Vary": "Accept-Language"}
        return Document.of(html.encode(), "text/html; charset=utf-8").answer(request.headers, headers)

    def private(self, request: Request, name: str, context: Mapping[str, object], status: int = 200) -> Response:
        """A page for one reader, or one with a form: never kept, never indexed."""
        headers = {"Cache-Control": PRIVATE, "X-Robots-Tag": "noindex"}
        html = self._html(request, name, context)
        return Response(html, status_code=status, headers=headers, media_type="text/html; charset=utf-8")

    def problem(self, request: Request, kind: str, status: int) -> Response:
        """A page that says what is wrong and what to do about it; `kind` names its text in problem.html."""
        return self.private(request, "problem.html", {"kind": kind}, status)

    def _html(
        self, request: Request, name: str, context: Mapping[str, object], *, feed: str = "", title: str = ""
    ) -> str:
        language = self.language(request)
        viewer = self.renderer.viewer(language)
        chosen = language if request.query_params.get("lang") else ""
        view = SiteView(
            prefix=self.prefix,
            query=f"?lang={quote(chosen)}" if chosen else "",
            sheet=f"{self.prefix}/static/{self.sheet_name}",
            canonical=f"{self.base}{quote(request.url.path)}",
            languages=tuple(
                LanguageView(tag=tag, name=own, href=f"{self.prefix}{quote(request.url.path)}?lang={quote(tag)}")
                for tag, own in self.renderer.languages().items()
            ),
            regions=viewer.regions(self.regions()),
            themes=viewer.themes(),
            feeds=self._feeds(feed, title) if feed else self._feeds("", self.settings.publication.title),
        )
        return self.renderer.page(f"web/{name}", {"site": view, **context}, language)

    def _feeds(self, folder: str, title: str) -> tuple[FeedView, ...]:
        start = f"{self.prefix}/feeds/{folder}/" if folder else f"{self.prefix}/feeds/"
        return tuple(
            FeedView(title=title, href=f"{start}{name}", format=format_, media_type=media)
            for name, format_, media in _FORMATS
        )

    # ---- what can be chosen

    def regions(self) -> tuple[str, ...]:
        """Codes of the regions of the publication's sections, each once: what a reader is offered."""
        codes = [
            code
            for rule in self.settings.digests
            for section in rule.sections
            for code in ((section.region,) if section.region else section.pair or ())
        ]
        return tuple(dict.fromkeys(place.code for code in codes if (place := self.place(code)) is not None))

    def place(self, code: str) -> places.Place | None:
        """The region of a code."""
        return self.app.places.find(code)
