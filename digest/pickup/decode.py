"""Bytes -> text: byte order mark, the server's word, the document's, then UTF-8, then GB18030 or Big5 by their letters.

A guess is only made where it can be checked: Chinese by its most frequent characters, Western by how few high bytes
there are. Anything else is refused with the remedy, rather than picked up as nonsense.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from digest.errors import PickupError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED: Final = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']|<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""",
    re.IGNORECASE,
)
# What pages mean by a name: the superset that browsers read it with (WHATWG Encoding, 4.2).
_SUPERSETS: Final = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "big5hkscs",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "shift_jis": "cp932", "x-sjis": "cp932",
}  # fmt: skip
_TEXTUAL: Final = re.compile(
    r"utf|gb|big5|iso-8859|latin|windows-|cp\d|cp-|koi8|euc|shift|sjis|ascii|ks_c|mac", re.IGNORECASE
)
_COMMON_HANS: Final = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)
_COMMON_HANT: Final = frozenset(
    "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經"
)


def text_of(data: bytes, name: str, charset: str = "") -> str:
    """The text of a document.

    Args:
        data: its bytes.
        name: what to call it in errors.
        charset: as the server's Content-Type says (RFC 7303: it goes before the document's own word); "" for a file.
            A Western one is not believed where the bytes are UTF-8: it is what servers say who were told nothing.

    Raises:
        PickupError: it is not text, or nobody can tell its encoding.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _strict(data, codec, name)
    if (wide := _wide(data)) is not None:
        return _strict(data, wide, name)
    if data.count(0) > len(data) // 1000:
        raise PickupError(
            "not a text document", where=name, remedy="give it as plain text, Markdown, HTML, JSON or a feed"
        )
    match = _DECLARED.search(data, 0, 4096)
    declared = (match[1] or match[2]).decode("ascii").lower() if match else ""
    stated = _SUPERSETS.get(charset, charset)
    for codec in ("utf-8" if stated == "cp1252" else stated, _SUPERSETS.get(declared, declared), "utf-8", stated):
        try:
            if codec and _TEXTUAL.match(codec):
                return data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    text = _detected(data)
    if text is None:
        raise PickupError("cannot tell the encoding", where=name, remedy="save it as UTF-8")
    return text


def _strict(data: bytes, codec: str, name: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PickupError(
            f"byte {error.start} is not {codec.upper()}, which its byte order mark announces",
            where=name,
            line=line,
            remedy="save it again as UTF-8",
        ) from None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of mostly Latin text is zero."""
    head = data[:400]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and max(even, odd) > len(head) * 0.35 and min(even, odd) < len(head) * 0.05:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _detected(data: bytes) -> str | None:
    damaged = data.decode("utf-8", "replace")
    broken = damaged.count("\ufffd")
    wide = sum(ord(c) > 0x7F for c in damaged) - broken
    if wide > 20 * broken:  # UTF-8 with a cut character or two: they stay visible
        return damaged
    best, best_share = None, 0.06
    for codec, common in (("gb18030", _COMMON_HANS), ("big5hkscs", _COMMON_HANT)):
        text = data.decode(codec, "replace")
        letters = [c for c in text if c >= "\u3400"]
        if text.count("\ufffd") * 50 > len(letters):
            continue
        share = sum(c in common for c in letters) / (len(letters) or 1)
        if share > best_share:
            best, best_share = text, share
    if best is not None:
        return best
    high = sum(byte > 0x7F for byte in data)
    if high * 8 < len(data):
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return None
    return None
