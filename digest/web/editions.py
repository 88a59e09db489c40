"""An edition in full: the page that the pipeline wrote, with the site's links around it, and what others show of it.

One that is approved and not written yet (its mails go out first) is rendered. The plain text is served as it is.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from digest.errors import NotFound
from digest.model import EditionState
from digest.publishing import PUBLIC
from digest.web.documents import Document
from digest.web.guard import EDITION_CSP
from digest.web.reading import READ, line_of
from digest.web.site import FRESH, Site

_NAME: Final = re.compile(r"([A-Za-z0-9_-]{1,100})\.(html|txt)")
_HEAD: Final = re.compile(rb"</head>")
_BODY: Final = re.compile(rb"<body[^>]*>")
_END: Final = re.compile(rb"</body>")
_KEPT: Final = 64


def routes(site: Site) -> APIRouter:
    """The pages of editions."""
    router = APIRouter()
    kept: OrderedDict[tuple[str, ...], Document] = OrderedDict()

    @router.api_route("/editions/{name}", methods=READ)
    def edition(request: Request, name: str) -> Response:
        match = _NAME.fullmatch(name)
        if match is None:
            raise NotFound("page", name)
        state = site.store.editions.state(match[1])
        if state is EditionState.CANCELLED:
            return site.problem(request, "withdrawn", 410)
        if state not in PUBLIC:
            raise NotFound("edition", name)
        document = site.files.find(f"editions/{name}") or _rendered(site, match[1], match[2])
        headers = {"Cache-Control": FRESH, "Content-Security-Policy": EDITION_CSP}
        if match[2] == "html":
            document = framed(request, match[1], document)
            headers["Vary"] = "Accept-Language"
        return document.answer(request.headers, headers)

    def framed(request: Request, edition_id: str, document: Document) -> Document:
        """The page of an edition with the site's links around it, made once for each of its versions."""
        catalogue = site.library.catalogue()
        key = (edition_id, document.tag, site.language(request), request.query_params.get("lang", ""), catalogue.mark)
        if key not in kept:
            viewer = site.viewer(request)
            found = next((one for one in catalogue.listed if one.id == edition_id), None)
            if found is None:  # it became public in this moment
                return document
            earlier, later = catalogue.beside(edition_id)
            content = site.library.edition(edition_id, catalogue.approvals[edition_id])
            top = list(content.picked((*content.choice, *content.top))) or content.items[:3]
            context = {
                "line": line_of(viewer, found),
                "headlines": [viewer.story(item, content).item.title for item in top],
                "earlier": line_of(viewer, earlier) if earlier else None,
                "later": line_of(viewer, later) if later else None,
            }
            head, above, below = (
                site.html(request, f"edition-{piece}.html", context).encode() for piece in ("head", "above", "below")
            )
            page = _END.sub(below.replace(b"\\", rb"\\") + rb"\g<0>", document.bodies[""], count=1)
            page = _BODY.sub(rb"\g<0>" + above.replace(b"\\", rb"\\"), page, count=1)
            page = _HEAD.sub(head.replace(b"\\", rb"\\") + rb"\g<0>", page, count=1)
            kept[key] = Document.of(page, document.media_type, None)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        return kept[key]

    return router


def _rendered(site: Site, edition_id: str, kind: str) -> Document:
    """An edition that is public and not written to its file yet."""
    html, text = site.app.pipeline.preview(site.store.editions.approved(edition_id))
    content, media_type = (html, "text/html") if kind == "html" else (text, "text/plain")
    return Document.of(content.encode(), f"{media_type}; charset=utf-8")
