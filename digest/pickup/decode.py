"""Bytes -> text: byte order mark, the server's word, the document's, then UTF-8, then a guess by the letters.

A guess is only made where it can be checked: Chinese by its most frequent characters, other scripts by how usual the
pairs of their letters are (charset-normalizer), Western by how few high bytes there are. Anything else is refused with
the remedy, rather than picked up as nonsense.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from charset_normalizer import from_bytes

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
# Codecs of Python that are no encodings of documents, or (UTF-7) only ever an attack.
_NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"})
_EBCDIC: Final = "<?xm".encode("cp037")  # how a declaration begins on a mainframe (XML 1.0, appendix F)
# What unmarked pages of other scripts come in; no more, since each stands to be mistaken for another.
_GUESSED: Final = (
    "cp932", "euc_jp", "cp949", "koi8_r", "cp1251", "cp866", "tis_620", "cp1253", "cp1255", "cp1256", "cp1252",
)  # fmt: skip
_USUAL: Final = 0.2  # of what a language's letters should be, below which a guess is none
_KANA_HANGUL: Final = re.compile("[\u3041-\u30fe\uac00-\ud7a3]")
_SAMPLE: Final = 6_000  # octets from which an encoding is guessed
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
            if mark is not codecs.BOM_UTF8 or _is(data, codec):
                return _strict(data, codec, name)
            data = data.removeprefix(mark)  # damaged, or joined from files of several encodings
    if (wide := _wide(data)) is not None:
        return _strict(data, wide, name)
    if data.count(0) > len(data) // 1000:
        raise PickupError(
            "not a text document", where=name, remedy="give it as plain text, Markdown, HTML, JSON or a feed"
        )
    declared = _declared(data)
    stated = _SUPERSETS.get(charset, charset)
    for codec in ("utf-8" if stated == "cp1252" else stated, _SUPERSETS.get(declared, declared), "utf-8", stated):
        if _fits(codec, data) and _is(data, codec):
            return data.decode(codec)
    text = _detected(data)
    if text is None:
        raise PickupError("cannot tell the encoding", where=name, remedy="save it as UTF-8")
    return text


def _declared(data: bytes) -> str:
    """The encoding that a document names itself, in ASCII or EBCDIC; or ""."""
    if data.startswith(_EBCDIC):
        data = data[:200].decode("cp037").encode("ascii", "replace")
    match = _DECLARED.search(data, 0, 4096)
    return (match[1] or match[2]).decode("ascii").lower() if match else ""


def _fits(codec: str, data: bytes) -> bool:
    """Whether a name is that of an encoding, and of one in which the document's first mark is one."""
    try:
        if codecs.lookup(codec).name.replace("_", "-") in _NO_CHARSETS:
            return False
        b"".decode(codec)  # "rot13" is a codec, and no encoding
        return not data.startswith((b"<", _EBCDIC)) or data[:4].decode(codec, "replace").startswith("<")
    except (LookupError, ValueError):
        return False


def _is(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


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
    """UTF-32 and UTF-16 without a mark: of mostly Latin text three bytes of four, or every second one, are zero."""
    if data.startswith((b"\0\0\0<", b"<\0\0\0")):
        return "utf-32-be" if data[0] == 0 else "utf-32-le"
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
    # Japanese in EUC would pass for Chinese: its kanji lie where hanzi do.
    chinese = not (_is(data, "euc_jp") and _spoken(data.decode("euc_jp")))
    for codec, common in (("gb18030", _COMMON_HANS), ("big5hkscs", _COMMON_HANT)) if chinese else ():
        text = data.decode(codec, "replace")
        letters = [c for c in text if c >= "\u3400"]
        if text.count("\ufffd") * 50 > len(letters):
            continue
        share = sum(c in common for c in letters) / (len(letters) or 1)
        if share > best_share:
            best, best_share = text, share
    if best is not None:
        return best
    if (guess := _guessed(data)) is not None:
        return guess
    high = sum(byte > 0x7F for byte in data)
    if high * 8 < len(data):
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            return None
    return None


def _guessed(data: bytes) -> str | None:
    """The text in the encoding of another script, where its letters stand as its languages put them."""
    at = next(place for place, byte in enumerate(data) if byte > 0x7F)
    start = max(at - _SAMPLE // 10, 0)
    found = from_bytes(data[start : start + _SAMPLE], cp_isolation=list(_GUESSED), enable_fallback=False).best()
    if found is None or found.encoding == "cp1252" or not _is(data, found.encoding):
        return None
    text = data.decode(found.encoding)
    return text if _spoken(text) or found.coherence >= _USUAL else None


def _spoken(text: str) -> bool:
    """Whether the letters of a text are Japanese or Korean, as far as they are not ASCII."""
    return len(_KANA_HANGUL.findall(text)) * 3 > sum(c > "\x7f" for c in text)
