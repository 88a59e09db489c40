"""Lists of readers: seen line by line before they are kept, and streamed out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from digest.errors import ListError
from digest.model import Permission, SubscriptionState
from digest.subscriptions import ImportReport
from digest.web.console.frame import Filled, Frame, Visitor
from digest.web.forms import Form

_SHOWN: Final = 200  # lines that did not go in
_KEPT: Final = timedelta(hours=1)  # how long a list that was looked at waits to be kept
_MARK: Final = re.compile(r"[0-9a-f]{64}")


def add_pages(frame: Frame) -> None:
    """The pages and acts of lists, below /console/subscribers."""
    pages = _Pages(frame)

    @frame.get("/subscribers/import", Permission.SUBSCRIBERS_WRITE)
    def offer(request: Request) -> Response:
        return pages.offer(request, {})

    @frame.post("/subscribers/import", Permission.SUBSCRIBERS_WRITE)
    def take(request: Request, visit: Visitor, form: Filled) -> Response:
        return pages.take(request, visit, form)

    @frame.post("/subscribers/export", Permission.SUBSCRIBERS_READ)
    def export(visit: Visitor, form: Filled) -> Response:
        digest = form.one("digest") if form.one("digest") in frame.site.app.reader_desk.digests else ""
        chosen = form.one("state")
        states = (SubscriptionState(chosen),) if chosen in set(SubscriptionState) else tuple(SubscriptionState)
        lines = frame.site.app.reader_desk.export(digest, states, by=visit.actor)
        headers = {
            "Content-Disposition": f'attachment; filename="readers{f"-{digest}" if digest else ""}.csv"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._desk = frame.site.app.reader_desk
        self._waiting = Waiting(frame.site.settings.state / "uploads")

    def offer(
        self,
        request: Request,
        fields: Mapping[str, str],
        *,
        problem: str = "",
        report: ImportReport | None = None,
        mark: str = "",
    ) -> Response:
        """The form; and what would become of each line, once a list was looked at."""
        context = {
            "fields": {name: fields.get(name, "") for name in ("basis", "text", "name")},
            "whole": bool(fields.get("whole")),
            "problem": problem,
            "report": report,
            "refused": [(one.line, one.address, one.reason) for one in (report.refused[:_SHOWN] if report else ())],
            "passed": [(one.line, one.address, one.reason) for one in (report.passed_over[:_SHOWN] if report else ())],
            "mark": mark,
            "here": self._frame.path("/subscribers/import"),
            "back": self._frame.path("/subscribers"),
        }
        status = 422 if problem else 200
        return self._frame.page(request, "subscriber-import.html", context, here="subscribers", status=status)

    def take(self, request: Request, visit: Visitor, form: Form) -> Response:
        """Look at a list; or keep the one that was looked at."""
        fields = {name: form.one(name) for name in ("basis", "text", "whole", "name")}
        keep, mark = form.one("step") == "keep", form.one("mark")
        data = self._waiting.get(mark) if keep else form.file("list") or form.one("text").encode()
        if not data:
            again = (
                "The list that you looked at is gone: choose it again." if keep else "Choose a file, or paste a list."
            )
            return self.offer(request, fields, problem=again)
        name = fields["name"].strip() or "list.csv"
        try:
            report = self._desk.import_list(
                data, name, basis=fields["basis"], whole=bool(fields["whole"]), keep=keep, by=visit.actor
            )
        except ListError as error:
            return self.offer(request, fields, problem=str(error))
        if keep and report.kept:
            self._waiting.drop(mark)
            said = f"{report.imported} new, {report.updated} updated, {report.unchanged} unchanged"
            return self._frame.redirect("/subscribers", done=f"{said}, {len(report.refused)} refused.")
        mark = self._waiting.keep(data, self._frame.site.clock().timestamp())
        return self.offer(request, fields | {"text": ""}, report=report, mark=mark)


class Waiting:
    """Lists that were looked at and are not kept yet, each by the hash of its content, for an hour, for us alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes, now: float) -> str:
        """Lay a list by; its mark."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if now - path.stat().st_mtime > _KEPT.total_seconds():
                path.unlink(missing_ok=True)
        mark = hashlib.sha256(data).hexdigest()
        path = self._folder / mark
        path.touch(mode=0o600)
        path.write_bytes(data)
        return mark

    def get(self, mark: str) -> bytes:
        """The list of a mark; nothing where there is none (any more)."""
        if not _MARK.fullmatch(mark):
            return b""
        try:
            return (self._folder / mark).read_bytes()
        except OSError:
            return b""

    def drop(self, mark: str) -> None:
        """Forget a list."""
        (self._folder / mark).unlink(missing_ok=True)
