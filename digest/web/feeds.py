"""The feeds, before every other layer: they are asked for far more often than all else, mostly for nothing new.

A request costs a look at the file's time and size. An answer of 304 touches neither the store nor a template. Whoever
asks for a feed gets that feed, whatever the Accept header says: only a browser that opens it as a page
(Sec-Fetch-Dest: document, which no feed reader sends) is sent on to the page beside it. docs/decisions/0077 tells why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from digest.publish import MEDIA_TYPES
from digest.web.documents import Document, Files

_FOLDER: Final = "/feeds/"
_OWN: Final = "/feeds/own/"  # readers' private feeds: own.py
_ASKED: Final = frozenset(
    {b"accept-encoding", b"if-none-match", b"if-modified-since", b"sec-fetch-dest", b"sec-fetch-mode"}
)
_SOON: Final = b"public, max-age=300"
_LATER: Final = b"public, max-age=86400"  # archive pages change only to lose what was withdrawn
_OPEN: Final = ((b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin"))

Raw = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class _Ready:
    """The headers of a document in one encoding, as they are sent."""

    document: Document
    etag: str
    known: Raw  # with a 304
    whole: Raw  # with the document
    body: bytes


class Feeds:
    """Answers what stands below /feeds/ and is a file of ours; passes everything else on.

    Args:
        app: what answers everything else.
        files: the published files.
        base: the publication's address, without a trailing slash.
        prefix: its path ("" or "/news").
        hub: address of the WebSub hub; "" for none.
        headers: that every answer carries (`guard.HEADERS`).
    """

    def __init__(
        self, app: ASGIApp, *, files: Files, base: str, prefix: str, hub: str, headers: Mapping[str, str]
    ) -> None:
        self._app = app
        self._files = files
        self._base = base
        self._prefix = prefix
        self._hub = hub
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._ready: dict[tuple[str, str], _Ready] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if self._prefix and path.startswith(f"{self._prefix}/"):
            path = path[len(self._prefix) :]
        if path == _FOLDER[:-1]:
            await self._redirect(send, 308, _FOLDER, _SOON)
            return
        if not path.startswith(_FOLDER) or path.startswith(_OWN):
            await self._app(scope, receive, send)
            return
        asked = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _ASKED}
        folder, _, name = path[1:].rpartition("/")
        if name in MEDIA_TYPES and _opened(asked) and scope["query_string"] != b"raw":
            page = f"{folder}/index.html"
            if self._files.find(page) is not None:
                await self._redirect(send, 303, f"/{folder}/", b"no-store")
                return
        ready = self._find(path[1:] if name else f"{folder}/index.html", asked.get(b"accept-encoding", ""))
        if ready is None:
            await self._app(scope, receive, send)
            return
        if ready.document.is_known(ready.etag, asked.get(b"if-none-match"), asked.get(b"if-modified-since")):
            await _send(send, 304, ready.known, b"")
            return
        following = self._following(path) if "/archive/" in path else []
        await _send(send, 200, ready.whole + following, b"" if scope["method"] == "HEAD" else ready.body)

    def _find(self, path: str, accepted: str) -> _Ready | None:
        document = self._files.find(path)
        if document is None:
            return None
        encoding = document.encoding(accepted)
        ready = self._ready.get((path, encoding))
        if ready is None or ready.document is not document:
            if len(self._ready) > 2000:
                self._ready.clear()
            ready = self._ready[path, encoding] = self._made(path, document, encoding)
        return ready

    def _made(self, path: str, document: Document, encoding: str) -> _Ready:
        etag, body = document.etag(encoding), document.bodies[encoding]
        name = path.rpartition("/")[2]
        shared = [
            (b"etag", etag.encode()),
            (b"vary", b"Accept-Encoding"),
            (b"cache-control", _LATER if "/archive/" in path else _SOON),
            *_OPEN,
        ]
        if document.modified is not None:
            shared.append((b"last-modified", format_datetime(document.modified, usegmt=True).encode()))
        whole = [
            *shared,
            (b"content-type", document.media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *((key, value) for key, value in self._headers if key != b"cross-origin-resource-policy"),
        ]
        if encoding:
            whole.append((b"content-encoding", encoding.encode()))
        if name in MEDIA_TYPES and self._hub and "/archive/" not in path:
            links = f'<{self._base}/{path}>; rel="self", <{self._hub}>; rel="hub"'
            whole.append((b"link", links.encode()))
        return _Ready(document, etag, shared, whole, body)

    def _following(self, path: str) -> Raw:
        """The page after an archive page, which that one cannot name: it was written before."""
        folder, number, name = path.rsplit("/", 2)
        after = f"{folder}/{int(number) + 1}/{name}" if number.isdecimal() else ""
        if not after or self._files.find(after[1:]) is None:
            return []
        return [(b"link", f'<{self._base}{after}>; rel="next-archive"'.encode())]

    async def _redirect(self, send: Send, status: int, path: str, kept: bytes) -> None:
        target = f"{self._prefix}{path}".encode()
        await _send(send, status, [(b"location", target), (b"cache-control", kept), *self._headers], b"")


def _opened(asked: Mapping[bytes, str]) -> bool:
    """Whether a browser asks for a page to show (Fetch Metadata): no feed reader says so, and no fetch of a script."""
    return asked.get(b"sec-fetch-dest") == "document" and asked.get(b"sec-fetch-mode") == "navigate"


async def _send(send: Send, status: int, headers: Raw, body: bytes) -> None:
    if not body and status not in {200, 304}:
        headers = [*headers, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
