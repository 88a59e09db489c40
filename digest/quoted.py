"""Quoted-printable (RFC 2045, 6.7) such that nothing on the way to a reader has a reason to change a byte.

A "." or "From " that would start a line is encoded: no dot-stuffing in SMTP, no ">From " in mailbox files. Each text
ends on a line end, so that encoded texts can be joined.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from typing import Final

LINE: Final = 76  # octets, without the line end

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_RISKY_START = re.compile(rb"^(?:\.|From )[^\r\n]*", re.MULTILINE)


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
