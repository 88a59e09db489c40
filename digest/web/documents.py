"""Documents that everyone gets alike: strong ETag, Last-Modified, 304 without rendering, compressed (RFC 9110).

A file is read and compressed once (br and gzip); it is looked at again only to see whether it changed. What is rendered
for one answer is compressed by gzip only. Each encoding has a tag of its own, since its bytes differ.
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
from functools import lru_cache
from pathlib import Path
from typing import Final

import brotli
from starlette.datastructures import Headers
from starlette.responses import Response

_KEPT: Final = 512  # files kept at hand
_WORTH: Final = 512  # bytes; less is not worth compressing
_QUALITY: Final = 6  # of brotli: a sixth smaller than gzip, in about the same time
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
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
    def of(cls, content: bytes, media_type: str, modified: datetime | None = None, *, kept: bool = False) -> Document:
        """A document of these bytes.

        Args:
            content: the bytes.
            media_type: of them.
            modified: when they last changed.
            kept: whether it is answered with again and again, so that brotli pays.
        """
        bodies = {"": content}
        if len(content) >= _WORTH:
            bodies["gzip"] = gzip.compress(content, 6, mtime=0)
            if kept:
                bodies["br"] = brotli.compress(content, quality=_QUALITY)
        return cls(media_type, bodies, hashlib.sha256(content).hexdigest()[:32], modified)

    def encoding(self, accepted: str) -> str:
        """The encoding to answer in, by an Accept-Encoding header."""
        found = preferred(accepted)
        if found == "br" and "br" not in self.bodies and accepts_gzip(accepted):
            found = "gzip"
        return found if found in self.bodies else ""

    def etag(self, encoding: str) -> str:
        """The tag of the document in an encoding, with quotes."""
        return f'"{self.tag}-{encoding}"' if encoding else f'"{self.tag}"'

    def is_known(self, etag: str, known: str | None, since: str | None) -> bool:
        """RFC 9110, 13.2.2: If-None-Match decides; If-Modified-Since only where it is absent.

        Args:
            etag: of the document in the encoding to answer in.
            known: If-None-Match; compared weakly, as proxies mark tags as weak.
            since: If-Modified-Since.
        """
        if known is not None:
            return etag in known or known.strip() == "*"
        if since is None or self.modified is None:
            return False
        try:
            return self.modified <= parsedate_to_datetime(since).replace(tzinfo=UTC)
        except ValueError:
            return False

    def answer(self, asked: Headers, headers: Mapping[str, str]) -> Response:
        """The answer to a GET or HEAD: the document, or 304 where the one who asks has it.

        Args:
            asked: the request's headers.
            headers: of the answer, such as Cache-Control; they go with a 304 too.
        """
        encoding = self.encoding(asked.get("accept-encoding", ""))
        tag = self.etag(encoding)
        vary = ", ".join(filter(None, (headers.get("Vary", ""), "Accept-Encoding")))
        out = {**headers, "ETag": tag, "Vary": vary}
        if self.modified is not None:
            out["Last-Modified"] = format_datetime(self.modified, usegmt=True)
        if self.is_known(tag, asked.get("if-none-match"), asked.get("if-modified-since")):
            return Response(status_code=304, headers=out)
        if encoding:
            out["Content-Encoding"] = encoding
        return Response(self.bodies[encoding], headers={**out, "Content-Type": self.media_type})


class Files:
    """Published files below a folder, kept at hand while they do not change."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: OrderedDict[str, tuple[str, tuple[int, int], Document]] = OrderedDict()

    def find(self, path: str) -> Document | None:
        """The file at a relative path; None when there is none, or it is nothing that may be served."""
        kept = self._kept.get(path)
        if kept is None:
            segments = path.split("/")
            if _media_type(segments[-1]) is None or not all(_SEGMENT.fullmatch(segment) for segment in segments):
                return None
        place = kept[0] if kept else str(self._root.joinpath(path))
        try:
            found = os.lstat(place)
            if not stat.S_ISREG(found.st_mode):
                return None
            if kept is not None and kept[1] == (found.st_mtime_ns, found.st_size):
                return kept[2]
            with open(place, "rb") as file:  # noqa: PTH123 - a text is at hand, and this is asked very often
                opened = os.fstat(file.fileno())
                content = file.read()
        except OSError:
            self._kept.pop(path, None)
            return None
        modified = datetime.fromtimestamp(int(opened.st_mtime), UTC)
        document = Document.of(content, _media_type(path.rpartition("/")[2]) or "", modified, kept=True)
        self._kept[path] = (place, (opened.st_mtime_ns, opened.st_size), document)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return document


def _media_type(name: str) -> str | None:
    return _MEDIA_TYPES.get(name) or _MEDIA_TYPES.get(Path(name).suffix)


@lru_cache(maxsize=256)
def preferred(header: str) -> str:
    """The encoding of ours that an Accept-Encoding header likes best: br, gzip, or "" (RFC 9110, 12.5.3)."""
    weights = _weights(header)
    ranked = [(weights.get(name, weights.get("*", 0.0)), name) for name in ("br", "gzip")]
    weight, name = max(ranked, key=lambda one: one[0])  # the first of equals
    return name if weight > 0 else ""


@lru_cache(maxsize=256)
def accepts_gzip(header: str) -> bool:
    """RFC 9110, 12.5.3: named with a weight above 0, or covered by "*"."""
    weights = _weights(header)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for entry in header.lower().split(","):
        name, _, parameter = entry.partition(";")
        key, _, value = parameter.strip().partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights
