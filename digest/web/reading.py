"""Pages to read: the latest edition, the archive, an edition online, a story, a region, a theme; and the feeds.

Nothing here changes anything. What has been published is served from the files that the pipeline wrote; an edition that
is approved and not written yet (its mails go out first) is rendered.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from digest.errors import NotFound
from digest.model import EditionState, Item, Role
from digest.pipeline import PUBLIC
from digest.web.documents import Document
from digest.web.guard import EDITION_CSP
from digest.web.site import FRESH, Site

READ: Final = ["GET", "HEAD"]
_FEEDS: Final = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*",
                 "Cross-Origin-Resource-Policy": "cross-origin"}  # fmt: skip
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_EDITION: Final = re.compile(r"([A-Za-z0-9_-]{1,100})\.(html|txt)")
_STORIES: Final = 50  # on a region's or theme's page
_EARLIER: Final = 6  # editions named on the first page


def routes(site: Site) -> APIRouter:
    """The pages to read and the feeds."""
    router = APIRouter()

    async def feed(request: Request) -> Response:
        document = site.files.find(f"feeds/{request.path_params['path']}")
        if document is None:
            return await run_in_threadpool(site.problem, request, "missing", 404)
        return document.answer(request.headers, _FEEDS)

    # Asked far more often than all else: the first route that is tried, and without FastAPI's look at parameters.
    router.add_route("/feeds/{path:path}", feed, methods=READ)

    @router.api_route("/", methods=READ)
    def home(request: Request) -> Response:
        viewer = site.viewer(request)
        edition = site.library.newest()
        lines = [viewer.line(one.id, one.title, one.number, one.starts, one.ends) for one in site.library.listed()]
        latest = viewer.edition(edition) if edition else None
        leading = (
            [viewer.story(item, edition) for item in edition.picked((*edition.choice, *edition.top))] if edition else []
        )
        earlier = [line for line in lines if edition and line.id != edition.id][:_EARLIER]
        return site.public(request, "home.html", {"edition": latest, "leading": leading, "earlier": earlier})

    @router.api_route("/editions/", methods=READ)
    @router.api_route("/editions", methods=READ)
    def archive(request: Request) -> Response:
        viewer = site.viewer(request)
        years: dict[int, list[object]] = {}
        for one in site.library.listed():
            line = viewer.line(one.id, one.title, one.number, one.starts, one.ends)
            years.setdefault(one.starts.astimezone(site.settings.zone).year, []).append(line)
        context = {"years": list(years.items())}
        return site.public(request, "archive.html", context, feed="editions", title=site.settings.publication.title)

    @router.api_route("/editions/{name}", methods=READ)
    def edition_online(request: Request, name: str) -> Response:
        match = _EDITION.fullmatch(name)
        if match is None:
            raise NotFound("page", name)
        state = site.store.editions.state(match[1])
        if state is EditionState.CANCELLED:
            return site.problem(request, "withdrawn", 410)
        if state not in PUBLIC:
            raise NotFound("edition", name)
        document = site.files.find(f"editions/{name}") or _rendered(site, match[1], match[2])
        return document.answer(request.headers, {"Cache-Control": FRESH, "Content-Security-Policy": EDITION_CSP})

    @router.api_route("/stories/{key}", methods=READ)
    def story(request: Request, key: str) -> Response:
        found = site.library.story(key)
        if found is None:
            raise NotFound("story", key)
        return site.public(request, "story.html", {"story": site.viewer(request).story(*found)})

    @router.api_route("/regions/{code}", methods=READ)
    def region(request: Request, code: str) -> Response:
        place = site.place(code)
        if place is None:
            raise NotFound("region", code)

        def lies_in(item: Item) -> bool:
            named = item.story.judgement.places(Role.PRIMARY, Role.COUNTERPART)
            return any(site.app.places.within(one, place.code) for one in named)

        viewer = site.viewer(request)
        stories = [viewer.story(*found) for found in site.library.stories(lies_in, _STORIES)]
        name = viewer.region(place.code)
        feed = f"regions/{place.code}" if site.files.find(f"feeds/regions/{place.code}/atom.xml") else ""
        context = {"name": name, "stories": stories, "has_feed": bool(feed), "kind": "region"}
        return site.public(request, "about.html", context, feed=feed, title=name)

    @router.api_route("/themes/{theme}", methods=READ)
    def about_theme(request: Request, theme: str) -> Response:
        if theme not in {one.id for one in site.app.taxonomy}:
            raise NotFound("theme", theme)
        viewer = site.viewer(request)
        stories = [
            viewer.story(*found)
            for found in site.library.stories(
                lambda item: theme in {item.theme, *(tag.theme for tag in item.story.judgement.themes)}, _STORIES
            )
        ]
        name = viewer.theme(theme)
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", theme)
        feed = f"themes/{slug}" if site.files.find(f"feeds/themes/{slug}/atom.xml") else ""
        context = {"name": name, "stories": stories, "has_feed": bool(feed), "kind": "theme"}
        return site.public(request, "about.html", context, feed=feed, title=name)

    @router.api_route("/static/{name}", methods=READ)
    async def static(request: Request, name: str) -> Response:
        if name != site.sheet_name:
            return PlainTextResponse("No such file.", 404)
        return site.sheet.answer(request.headers, _FOREVER)

    @router.api_route("/robots.txt", methods=READ)
    async def robots() -> Response:
        closed = ("confirm", "preferences", "subscribe", "unsubscribe")
        lines = ["User-agent: *", *(f"Disallow: {site.prefix}/{name}" for name in closed)]
        return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=86400"})

    @router.api_route("/favicon.ico", methods=READ)
    async def no_icon() -> Response:
        return Response(status_code=204, headers={"Cache-Control": "public, max-age=86400"})

    return router


def _rendered(site: Site, edition_id: str, kind: str) -> Document:
    """An edition that is public and not written to its file yet."""
    html, text = site.app.pipeline.preview(site.store.editions.approved(edition_id))
    content, media_type = (html, "text/html") if kind == "html" else (text, "text/plain")
    return Document.of(content.encode(), f"{media_type}; charset=utf-8")
