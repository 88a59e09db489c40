"""What every page shares: the publication, its language, the frame around its content, and how an answer is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Request
from starlette.responses import Response

from digest import places
from digest.app import App, now
from digest.errors import NotFound
from digest.model import Subscription
from digest.render import NameView, PageViewer
from digest.subscriptions import RUNNING, can_undo
from digest.web.documents import Document, Files
from digest.web.guard import network_of
from digest.web.languages import preferred
from digest.web.library import Library

SHEET: Final = "web/style.css"
FRESH: Final = "public, max-age=60"  # pages that everyone gets alike
PRIVATE: Final = "no-store"
_MOST_LISTED: Final = 50_000  # of a sitemap's addresses, by its protocol
_STORIES_LISTED: Final = 5_000
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
    chosen: str  # the language that the address chose; "" when it chose none
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
        self._sitemap = ("-", Document.of(b"", ""))  # of a mark that no store has
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

    def address(self, request: Request, path: str, **query: str) -> str:
        """A path of ours with a query; the language stays that of the page."""
        asked = {"lang": self.language(request) if request.query_params.get("lang") else "", **query}
        return f"{self.prefix}{quote(path)}?{urlencode({name: value for name, value in asked.items() if value})}"

    # ---- answers

    def public(
        self,
        request: Request,
        name: str,
        context: Mapping[str, object],
        *,
        feed: str = "",
        title: str = "",
        indexed: bool = True,
    ) -> Response:
        """A page that everyone gets alike (in their language): it may be cached, and has a tag.

        Args:
            request: what is answered.
            name: the template below templates/web/.
            context: what it shows.
            feed: folder below feeds/ of the page's own feeds ("regions/CN-GD").
            title: of those feeds.
            indexed: whether search engines may list it.
        """
        html = self.html(request, name, context, feed=feed, title=title)
        headers = {"Cache-Control": FRESH, "Vary": "Accept-Language"}
        if not indexed:
            headers["X-Robots-Tag"] = "noindex"
        return Document.of(html.encode(), "text/html; charset=utf-8").answer(request.headers, headers)

    def private(self, request: Request, name: str, context: Mapping[str, object], status: int = 200) -> Response:
        """A page for one reader, or one with a form: never kept, never indexed."""
        headers = {"Cache-Control": PRIVATE, "X-Robots-Tag": "noindex"}
        html = self.html(request, name, context)
        return Response(html, status_code=status, headers=headers, media_type="text/html; charset=utf-8")

    def sitemap(self) -> Document:
        """What search engines shall know (sitemaps.org): editions, regions, themes and the newest stories."""
        catalogue = self.library.catalogue()
        if self._sitemap[0] != catalogue.mark:
            paths = ["/", "/editions/", *(f"/regions/{code}" for code in self.regions())]
            paths += [f"/themes/{quote(theme.id)}" for theme in self.app.taxonomy]
            pages = [f"<url><loc>{escape(self.base + path)}</loc></url>" for path in paths]
            pages += [
                f"<url><loc>{escape(self.links.online(one.id))}</loc><lastmod>{one.changed:%Y-%m-%d}</lastmod></url>"
                for one in catalogue.listed
            ]
            stories = self.store.archive.newest(_STORIES_LISTED)
            pages += [f"<url><loc>{escape(f'{self.base}/stories/{quote(key)}')}</loc></url>" for key in stories]
            head = (
                '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            )
            content = "\n".join((head, *pages[:_MOST_LISTED], "</urlset>\n"))
            self._sitemap = (catalogue.mark, Document.of(content.encode(), "application/xml; charset=utf-8"))
        return self._sitemap[1]

    def problem(self, request: Request, kind: str, status: int) -> Response:
        """A page that says what is wrong and what to do about it; `kind` names its text in problem.html."""
        return self.private(request, "problem.html", {"kind": kind}, status)

    def html(
        self, request: Request, name: str, context: Mapping[str, object], *, feed: str = "", title: str = ""
    ) -> str:
        """A page, or a piece of one, in the language of who asks; with `site`, the frame around it."""
        language = self.language(request)
        viewer = self.renderer.viewer(language)
        chosen = language if request.query_params.get("lang") else ""
        view = SiteView(
            prefix=self.prefix,
            chosen=chosen,
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

    def left(self, request: Request, one: Subscription | None) -> Response:
        """The page of who gets nothing (any more); a short while after leaving, with the way back."""
        now = self.clock()
        undo = self.links.undo(one.id, now) if one and can_undo(self.store, one.id, now) else ""
        return self.private(request, "left.html", {"titles": self.titles([one] if one else []), "undo": undo})

    # ---- readers

    def find(self, number: int) -> Subscription | None:
        """A subscription; None once it was erased, since its links go on explaining themselves."""
        try:
            return self.store.subscribers.get(number)
        except NotFound:
            return None

    def running(self, one: Subscription) -> list[Subscription]:
        """Every subscription of the same person that runs."""
        return [other for other in self.store.subscribers.of(one.address) if other.state in RUNNING]

    def titles(self, several: Sequence[Subscription]) -> list[str]:
        """The titles of what they are subscribed to."""
        return [self.reception.title(one.digest) for one in several]

    def path(self, url: str) -> str:
        """A link of ours as a path: a page may stand at another address than the public one while it is tried out."""
        return f"{self.prefix}{url.removeprefix(self.base)}"

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
