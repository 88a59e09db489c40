"""Quoted-printable (RFC 2045, 6.7) such that nothing on the way to a reader has a reason to change a byte.

A "." or "From " that would start a line is encoded: no dot-stuffing in SMTP, no ">From " in mailbox files. Each text
ends on a line end, so that encoded texts can be joined.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from typing import Final

LINE: Final = 76  # octets, without the line end
SOFT: Final = b"=\r\n"  # a soft break: nothing, when decoded
_TAIL: Final = 8  # octets that go to a new line where a full one has no room for a soft break

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_RISKY_START = re.compile(rb"^(?:\.|From )[^\r\n]*", re.MULTILINE)
_PLAIN = re.compile(r"(?!\.|From )(?:[!-<>-~ ]*[!-<>-~])?")  # goes as it is, if it fits a line


def quoted_printable(text: str) -> bytes:
    """A text as RFC 2045's quoted-printable in UTF-8, with CRLF, ending on a line end.

    Control characters other than tab and line end are dropped; it never writes "=_", which may mark a boundary.

    Raises:
        UnicodeEncodeError: a lone surrogate, which is no character and has no place in UTF-8.
    """
    plain = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))
    encoded = b2a_qp((plain.replace("\n", "\r\n") + "\r\n").encode("utf-8"), quotetabs=False, istext=True)
    return _RISKY_START.sub(_safe_start, encoded)


def _safe_start(match: re.Match[bytes]) -> bytes:
    """A line with its first octet encoded; where that makes it too long, it is cut after that octet."""
    line = match[0]
    first, rest = b"=%02X" % line[0], line[1:]
    if len(first) + len(rest) <= LINE:
        return first + rest
    return first + b"=\r\n" + _RISKY_START.sub(_safe_start, rest)


def piece(text: str) -> bytes:
    """A text as a piece of a body: like `quoted_printable`, without a line end after it, and with room for "=".

    It may start a line; what follows it is a line end (CRLF) or a soft break ("=" CRLF) and another piece.
    """
    if len(text) < LINE and _PLAIN.fullmatch(text):
        return text.encode("ascii")
    encoded = quoted_printable(text)[:-2]
    if len(encoded) - (encoded.rfind(b"\n") + 1) < LINE:
        return encoded
    cut = len(encoded) - _TAIL
    while encoded[cut : cut + 1] in b".F" or b"=" in encoded[cut - 2 : cut]:  # nor within an "=3D"
        cut -= 1
    return encoded[:cut] + b"=\r\n" + encoded[cut:]
