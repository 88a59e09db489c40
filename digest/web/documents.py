"""Documents that everyone gets alike: strong ETag, Last-Modified, 304 without rendering, gzip (RFC 9110, 8.8 and 13).

A file is read and compressed once; it is looked at again only to see whether it changed. Each encoding has a tag of its
own, since its bytes differ.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

_KEPT: Final = 512  # files kept at hand
_WORTH: Final = 512  # bytes; less is not worth compressing
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_MEDIA_TYPES: Final = {
    "atom.xml": "application/atom+xml; charset=utf-8",
    "rss.xml": "application/rss+xml; charset=utf-8",
    "feed.json": "application/feed+json",
    ".opml": "text/x-opml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


@dataclass(frozen=True)
class Document:
    """Bytes ready to be sent, in every encoding at hand ("" is as they are)."""

    media_type: str
    bodies: Mapping[str, bytes]
    tag: str  # without quotes, of the identity
    modified: datetime | None = None

    @classmethod
    def of(cls, content: bytes, media_type: str, modified: datetime | None = None) -> Document:
        """A document of these bytes."""
        bodies = {"": content}
        if len(content) >= _WORTH:
            bodies["gzip"] = gzip.compress(content, 6, mtime=0)
        return cls(media_type, bodies, hashlib.sha256(content).hexdigest()[:32], modified)

    def answer(self, asked: Headers, headers: Mapping[str, str]) -> Response:
        """The answer to a GET or HEAD: the document, or 304 where the one who asks has it.

        Args:
            asked: the request's headers.
            headers: of the answer, such as Cache-Control; they go with a 304 too.
        """
        encoding = "gzip" if "gzip" in self.bodies and _accepts_gzip(asked.get("accept-encoding", "")) else ""
        tag = f'"{self.tag}-{encoding}"' if encoding else f'"{self.tag}"'
        vary = ", ".join(filter(None, (headers.get("Vary", ""), "Accept-Encoding")))
        out = {**headers, "ETag": tag, "Vary": vary}
        if self.modified is not None:
            out["Last-Modified"] = format_datetime(self.modified, usegmt=True)
        if self._is_known(asked, tag):
            return Response(status_code=304, headers=out)
        if encoding:
            out["Content-Encoding"] = encoding
        return Response(self.bodies[encoding], headers={**out, "Content-Type": self.media_type})

    def _is_known(self, asked: Headers, tag: str) -> bool:
        """RFC 9110, 13.2.2: If-None-Match decides; If-Modified-Since only where it is absent."""
        known = asked.get("if-none-match")
        if known is not None:
            return known.strip() == "*" or tag in _TAG.findall(known)
        since = asked.get("if-modified-since")
        if since is None or self.modified is None:
            return False
        try:
            return self.modified <= parsedate_to_datetime(since).replace(tzinfo=UTC)
        except ValueError:
            return False


class Files:
    """Published files below a folder, kept at hand while they do not change."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: OrderedDict[str, tuple[tuple[int, int], Document]] = OrderedDict()

    def find(self, path: str) -> Document | None:
        """The file at a relative path; None when there is none, or it is nothing that may be served."""
        segments = path.split("/")
        media_type = _media_type(segments[-1])
        if media_type is None or not all(_SEGMENT.fullmatch(segment) for segment in segments):
            return None
        place = self._root.joinpath(*segments)
        try:
            found = place.lstat()
            if not stat.S_ISREG(found.st_mode):
                return None
            state = (found.st_mtime_ns, found.st_size)
            kept = self._kept.get(path)
            if kept is not None and kept[0] == state:
                return kept[1]
            with place.open("rb") as file:
                opened = os.fstat(file.fileno())
                state = (opened.st_mtime_ns, opened.st_size)
                content = file.read()
        except OSError:
            return None
        modified = datetime.fromtimestamp(int(opened.st_mtime), UTC)
        document = Document.of(content, media_type, modified)
        self._kept[path] = (state, document)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return document


def _media_type(name: str) -> str | None:
    return _MEDIA_TYPES.get(name) or _MEDIA_TYPES.get(Path(name).suffix)


def _accepts_gzip(header: str) -> bool:
    """RFC 9110, 12.5.3: named with a weight above 0, or covered by "*"."""
    weights: dict[str, float] = {}
    for entry in header.lower().split(","):
        name, _, parameter = entry.partition(";")
        key, _, value = parameter.strip().partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
