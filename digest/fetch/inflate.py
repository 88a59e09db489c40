"""Bodies that come compressed, decompressed step by step within a limit."""

from __future__ import annotations

import zlib
from typing import Final

from digest.fetch.answers import Stop

STEP: Final = 1 << 16  # bytes at a time


class Inflate:
    """gzip (all members) and deflate (with zlib's header, or bare as some servers send it), within a limit."""

    def __init__(self, window: int, limit: int) -> None:
        self._window, self._left = window, limit
        self._stream = zlib.decompressobj(window)
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """What a piece of the body decompresses to.

        Raises:
            Stop: it is damaged, or more than the limit.
        """
        out = bytearray()
        while chunk:
            try:
                piece = self._stream.decompress(chunk, STEP)
            except zlib.error as error:
                if self._window == 15 and not self._begun:
                    self._window, self._stream = -15, zlib.decompressobj(-15)
                    continue
                raise Stop("encoding", f"the compressed answer is damaged: {error}") from error
            self._begun = True
            out += piece
            self._left -= len(piece)
            if self._left < 0:
                raise Stop("size", "more bytes than are read, once decompressed")
            chunk = self._stream.unconsumed_tail
            if self._stream.eof:
                chunk = self._stream.unused_data.lstrip(b"\0")
                if not chunk or self._window != 31:
                    break
                self._stream = zlib.decompressobj(self._window)
        return bytes(out)

    def end(self) -> None:
        """Say that no more comes.

        Raises:
            Stop: the body breaks off.
        """
        if not self._stream.eof:
            raise Stop("encoding", "the compressed answer breaks off")
