"""Today: what is due and when, what does not go well, how the last campaign went, and what waits for a decision."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from digest.model import Permission
from digest.web.console.frame import Frame, Visitor


def add_pages(frame: Frame) -> None:
    """The first page."""

    @frame.get("", Permission.DESK_READ)
    def today(request: Request, visit: Visitor) -> Response:
        return frame.page(request, "today.html", {}, here="today")
