"""`digest preview --live`: the edition as mail in a browser, at phone and desktop width, anew after every change.

A small server on this machine's loopback, for one operator at a time. What it shows is rendered with the templates,
styles and settings as the files say now, not as they were frozen; nothing is sent, published or approved.

    /            the frame: both widths beside each other       /mail?reader=ADDRESS   a copy's HTML
    /online      the page for everyone                          /text?reader=ADDRESS   its plain text
    /stamp       what changes when a watched file does          /live.js, /live.css    ours; nothing else is loaded
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from digest.app import App
from digest.copies import Copies
from digest.errors import ConfigError, DigestError, NotFound, StateError
from digest.model import Copy, Preferences, Revision, Skipped
from digest.render.check import Level, examine
from digest.settings import FILE

HOST: Final = "127.0.0.1"
_READERS: Final = 50  # to choose from
_NOBODY: Final = 2**31 - 1  # no subscription has this number
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# The frame runs our one script; what it frames runs nothing.
_FRAME: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'"
_FRAMED: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups; frame-ancestors 'self'"


@dataclass(frozen=True)
class Answer:
    """What a request gets."""

    body: str
    media_type: str = "text/html"
    status: HTTPStatus = HTTPStatus.OK
    policy: str = _FRAMED


class LivePreview:
    """Answers for one edition. Opens the publication anew for each rendering, so that a change is seen.

    Args:
        folder: the publication's.
        edition: an edition's id.
        reader: address of the reader whose copy is shown first; "" is somebody who chose nothing.
    """

    def __init__(self, folder: Path, edition: str, reader: str = "") -> None:
        self._folder = folder
        self._edition = edition
        self._reader = reader
        self._lock = threading.Lock()  # one rendering at a time
        self._kept: dict[str, tuple[str, Answer]] = {}

    def answer(self, target: str) -> Answer:
        """What a GET of this target gets; faults of templates and settings are shown, with file and line."""
        url = urlsplit(target)
        reader = parse_qs(url.query).get("reader", [""])[0]
        match url.path:
            case "/stamp":
                return Answer(self.stamp(), "text/plain")
            case "/":
                return self._now(f"/?{reader}", lambda app: self._frame(app, reader or self._reader))
            case "/mail":
                return self._now(f"/mail?{reader}", lambda app: Answer(self._copy(app, reader).html))
            case "/text":
                return self._now(f"/text?{reader}", lambda app: Answer(self._copy(app, reader).text, "text/plain"))
            case "/online":
                return self._now("/online", self._online)
            case "/live.js" | "/live.css":
                kind = "text/javascript" if url.path.endswith("js") else "text/css"
                return self._now(url.path, lambda app: Answer(app.renderer.source(f"demo{url.path}"), kind))
        return Answer("There is nothing here.", "text/plain", HTTPStatus.NOT_FOUND)

    def stamp(self) -> str:
        """Changes when a file does that has a part in the looks: settings, templates, styles, catalogues, taxonomy."""
        newest, count = 0, 0
        for path in self._watched():
            try:
                newest = max(newest, path.stat().st_mtime_ns)
            except OSError:
                continue
            count += 1
        return f"{newest}-{count}"

    def _watched(self) -> Iterator[Path]:
        yield self._folder / FILE
        for name in ("templates", "locale"):
            yield from (self._folder / name).rglob("*.*")

    def _now(self, key: str, make: Callable[[App], Answer]) -> Answer:
        stamp = self.stamp()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            try:
                with App.open(self._folder) as app:
                    answer = make(app)
            except (DigestError, ConfigError) as error:
                said = (
                    '<!DOCTYPE html><html lang="en"><title>It does not render</title>'
                    f"<h1>It does not render</h1><pre>{html.escape(str(error))}</pre></html>"
                )
                answer = Answer(said, status=HTTPStatus.INTERNAL_SERVER_ERROR)
                if key.startswith("/?"):
                    answer = Answer(_shell(said), policy=_FRAME)
            self._kept[key] = stamp, answer
            return answer

    def _copy(self, app: App, address: str) -> Copy:
        """A reader's copy as today's templates make it. Its links are nobody's: no reader leaves by a preview."""
        revision = app.store.editions.get(self._edition)
        name, preferences = "", Preferences()
        if address:
            mine = [one for one in app.store.subscribers.of(address) if one.digest == revision.edition.digest]
            if not mine:
                raise NotFound("reader of this digest", address, "`digest subscribers list` shows them")
            name, preferences = mine[0].name, mine[0].preferences
        copies = self._copies(app, revision)
        picked = copies.picked(preferences)
        if isinstance(picked, Skipped):
            raise StateError(f"the copy of {address or 'everybody'}", f"skipped: {picked.reason}", "show it")
        return copies.look(picked, _NOBODY, name, preferences)

    @staticmethod
    def _copies(app: App, revision: Revision) -> Copies:
        """Of a revision, but with today's templates."""
        return Copies(
            revision,
            rule=app.settings.digest(revision.edition.digest),
            renderer=app.renderer,
            places=app.places,
            links=app.links,
            language=app.settings.publication.language,
        )

    def _online(self, app: App) -> Answer:
        page, _text = self._copies(app, app.store.editions.get(self._edition)).page()
        return Answer(page)

    def _frame(self, app: App, reader: str) -> Answer:
        copy = self._copy(app, reader)
        revision = app.store.editions.get(self._edition)
        audience = islice(app.store.subscribers.audience(revision.edition.digest), _READERS)
        context: Mapping[str, object] = {
            "edition": self._edition,
            "state": str(revision.state),
            "subject": copy.subject,
            "size": len(copy.html.encode()),
            "reader": reader,
            "readers": [one.address for one in audience],
            "query": quote(reader, safe=""),
            "findings": [str(one) for one in examine(copy, self._edition) if one.level is not Level.NOTE],
        }
        return Answer(app.renderer.page("demo/live.html", context, "en"), policy=_FRAME)


def _shell(page: str) -> str:
    """A page that cannot be rendered, still watching for the change that mends it."""
    return page.replace("<title>", '<meta charset="utf-8"><script src="/live.js" defer></script><title>', 1)


class _Handler(BaseHTTPRequestHandler):
    preview: LivePreview

    def do_GET(self) -> None:
        """Answer, if it was this machine that asked, by its own name: a page elsewhere may not read drafts."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        answer = (
            self.preview.answer(self.path)
            if host in {HOST, "localhost"}
            else Answer("Ask for 127.0.0.1.", "text/plain", HTTPStatus.MISDIRECTED_REQUEST)
        )
        content = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {**_HEADERS, "Content-Security-Policy": answer.policy}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{answer.media_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal is the operator's."""


def server(preview: LivePreview, port: int = 0) -> ThreadingHTTPServer:
    """A server of a preview on this machine's loopback; `serve_forever` runs it, `server_address` says where.

    Raises:
        OSError: the port is taken.
    """
    handler = type("Handler", (_Handler,), {"preview": preview})
    return ThreadingHTTPServer((HOST, port), handler)
