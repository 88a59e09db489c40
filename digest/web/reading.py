"""Pages to read: the latest edition, the archive and its search, a story, a region, a theme.

Nothing here changes anything. An edition in full stands in editions.py.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import PlainTextResponse, Response

from digest.app import now
from digest.errors import NotFound
from digest.render.pages import EditionLine, PageViewer
from digest.store import Listed
from digest.web.reads import Counter
from digest.web.site import Site

READ: Final = ["GET", "HEAD"]
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_STORIES: Final = 20  # on a page of a search, a region or a theme
_EDITIONS: Final = 60  # on a page of the archive
_QUERY: Final = 200  # characters of a search
_EARLIER: Final = 6  # editions named on the first page


def routes(site: Site) -> APIRouter:
    """The pages to read."""
    router = APIRouter()
    themes = {one.id for one in site.app.taxonomy}
    readings = Counter(site.store.reads.add, site.settings.zone)

    @router.api_route("/", methods=READ)
    def home(request: Request) -> Response:
        viewer = site.viewer(request)
        edition = site.library.newest()
        listed = [one for one in site.library.catalogue().listed if edition and one.id != edition.id][:_EARLIER]
        leading = (
            [viewer.story(item, edition) for item in edition.picked((*edition.choice, *edition.top))] if edition else []
        )
        context = {
            "edition": viewer.edition(edition) if edition else None,
            "leading": leading,
            "earlier": [line_of(viewer, one) for one in listed],
        }
        return site.public(request, "home.html", context)

    @router.api_route("/editions/", methods=READ)
    @router.api_route("/editions", methods=READ)
    def archive(request: Request) -> Response:
        viewer = site.viewer(request)
        listed = site.library.catalogue().listed
        after = request.query_params.get("before", "")
        start = next((place + 1 for place, one in enumerate(listed) if one.id == after), 0)
        page = listed[start : start + _EDITIONS]
        years: dict[int, list[object]] = {}
        for one in page:
            years.setdefault(one.starts.astimezone(site.settings.zone).year, []).append(line_of(viewer, one))
        context = {
            "years": list(years.items()),
            "older": site.address(request, "/editions/", before=page[-1].id) if start + _EDITIONS < len(listed) else "",
            "search": {"text": "", "region": "", "theme": ""},
        }
        return site.public(request, "archive.html", context, feed="editions", title=site.settings.publication.title)

    @router.api_route("/search", methods=READ)
    def search(request: Request) -> Response:
        asked = request.query_params
        text = asked.get("q", "")[:_QUERY].replace("\x00", "")
        place = site.place(asked.get("region", ""))
        theme = asked.get("theme", "")
        region = place.code if place else ""
        theme = theme if theme in themes else ""
        known = text.strip() or region or theme
        found, following = (
            site.library.find(text, region=region, theme=theme, before=_cursor(asked), limit=_STORIES)
            if known
            else ([], 0)
        )
        viewer = site.viewer(request)
        context = {
            "search": {"text": text, "region": region, "theme": theme},
            "asked": bool(known),
            "stories": [viewer.story(one.item, one.edition) for one in found],
            "older": site.address(request, "/search", q=text, region=region, theme=theme, before=str(following))
            if following
            else "",
        }
        return site.public(request, "search.html", context, indexed=False)

    @router.api_route("/stories/{key}", methods=READ)
    def story(request: Request, key: str) -> Response:
        found = site.library.story(key)
        if found is None:
            raise NotFound("story", key)
        readings.count(key, request.method, request.headers, site.network(request), now())
        return site.public(request, "story.html", {"story": site.viewer(request).story(*found)})

    @router.api_route("/regions/{code}", methods=READ)
    def region(request: Request, code: str) -> Response:
        place = site.place(code)
        if place is None:
            raise NotFound("region", code)
        return _about(request, "region", site.viewer(request).region(place.code), place.code, region=place.code)

    @router.api_route("/themes/{theme}", methods=READ)
    def about_theme(request: Request, theme: str) -> Response:
        if theme not in themes:
            raise NotFound("theme", theme)
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", theme)
        return _about(request, "theme", site.viewer(request).theme(theme), slug, theme=theme)

    def _about(request: Request, kind: str, name: str, folder: str, *, region: str = "", theme: str = "") -> Response:
        """The stories of a region or theme, and its feeds."""
        found, following = site.library.find(
            region=region, theme=theme, before=_cursor(request.query_params), limit=_STORIES
        )
        viewer = site.viewer(request)
        feed = f"{kind}s/{folder}"
        feed = feed if site.files.find(f"feeds/{feed}/atom.xml") else ""
        context = {
            "name": name,
            "kind": kind,
            "stories": [viewer.story(one.item, one.edition) for one in found],
            "has_feed": bool(feed),
            "older": site.address(request, request.url.path, before=str(following)) if following else "",
        }
        return site.public(request, "about.html", context, feed=feed, title=name)

    @router.api_route("/static/{name}", methods=READ)
    async def static(request: Request, name: str) -> Response:
        if name != site.sheet_name:
            return PlainTextResponse("No such file.", 404)
        return site.sheet.answer(request.headers, _FOREVER)

    @router.api_route("/robots.txt", methods=READ)
    async def robots() -> Response:
        closed = ("confirm", "preferences/", "search", "undo", "unsubscribe")
        lines = ["User-agent: *", *(f"Disallow: {site.prefix}/{name}" for name in closed)]
        lines += ["", f"Sitemap: {site.base}/sitemap.xml"]
        return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=86400"})

    @router.api_route("/sitemap.xml", methods=READ)
    def sitemap(request: Request) -> Response:
        return site.sitemap().answer(request.headers, {"Cache-Control": "public, max-age=3600"})

    @router.api_route("/favicon.ico", methods=READ)
    async def no_icon() -> Response:
        return Response(status_code=204, headers={"Cache-Control": "public, max-age=86400"})

    return router


def line_of(viewer: PageViewer, one: Listed) -> EditionLine:
    """An edition in a list."""
    return viewer.line(one.id, one.title, one.number, one.starts, one.ends)


def _cursor(asked: QueryParams) -> int:
    """Where a page begins, as the page before it said; 0 for the first."""
    text = asked.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
