"""Text from outside made fit to show, and text laid out in columns for the plain part of a mail.

Nothing here knows an edition. Escaping is the templates' (autoescape); here is what escaping does not do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from urllib.parse import quote, urlsplit, urlunsplit

WIDTH = 72  # columns of the plain text; RFC 3676, 4.2 advises at most 78
ELLIPSIS = "…"
_LONGEST_URL = 2000
_MOST_PER_COLUMN = 4  # characters; real scripts need fewer

_RIGHT_TO_LEFT = frozenset({"R", "AL", "RLE", "RLO", "RLI"})
_WORD = re.compile(r"(?P<url>(?:https?://|mailto:)[!-~]+)\s*|(?:(?!https?://|mailto:)\S)+\s*")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\"<>\\^`{|}]")
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
_NO_LINE_START = frozenset("、。，．：；！？）】》」』”’…—・%％℃)]},.:;!?")
_NO_LINE_END = frozenset("（【《「『“‘([{￥$")


_NARROW = re.compile(r"[ -~\xa1-\xac\xae-\u02ff]*")  # one column each: no line breaks, nothing wide or combining
_LEFT_TO_RIGHT = re.compile(r"[\0-\u058f\u3000-\u9fff\uff00-\uffef]*")  # whole blocks without a character that is not
_OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(?:\?[A-Za-z0-9._~=&%-]*)?(?:#[A-Za-z0-9._~-]*)?")


def shorten(text: str, limit: int) -> str:
    """Cut at a word, with an ellipsis, to at most `limit` columns; what fits stays as it is.

    A word longer than half the limit is cut inside: better than losing the line.
    """
    if width(text) <= limit and len(text) <= limit * _MOST_PER_COLUMN:
        return text
    kept = _fitting(text, limit - 1)
    space = kept.rfind(" ")
    if space > len(kept) // 2 and not text[len(kept)].isspace() and width(text[len(kept)]) == 1:
        kept = kept[:space]
    return kept.rstrip(" ,.;:–—-，、；：") + ELLIPSIS


def isolate(text: str) -> str:
    """Right-to-left text fenced by U+2068 and U+2069, so that it cannot reorder its neighbours; other text as it is."""
    if _LEFT_TO_RIGHT.fullmatch(text):
        return text
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"\u2068{text}\u2069"
    return text


@lru_cache(maxsize=1024)  # a report shows each of its links in several places
def safe_url(url: str) -> str:
    """The URL if it may stand in an href: absolute http(s) with a host and no user part, or mailto; else "".

    Characters beyond ASCII come back percent-encoded, hosts in IDNA, as premailer would write them.
    """
    url = url.strip()
    if len(url) > _LONGEST_URL or _NOT_IN_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
        if parts.scheme == "mailto":
            return quote(url, safe=_URL_SAFE) if "@" in parts.path else ""
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            return ""
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.encode("idna").decode()
        netloc = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:  # a bad port or IPv6 address; UnicodeError is one too
        return ""
    return urlunsplit((parts.scheme, netloc, *(quote(part, safe=_URL_SAFE) for part in parts[2:])))


def relative_url(path: str) -> str:
    """A path below the page that links to it, percent-encoded; "" if it leads elsewhere or is none."""
    steps = path.split("/")
    if ":" in steps[0] or "" in steps or ".." in steps or "\\" in path:
        return ""
    return quote(path, safe="/-._~")


def own_path(path: str) -> str:
    """A path on the site of the page that links to it, with query and fragment; "" if it leads elsewhere or is none."""
    return path if _OWN_PATH.fullmatch(path) else ""


def width(text: str) -> int:
    """Columns that a text takes in a monospaced font: wide East Asian characters two (UAX 11), combining ones none."""
    if text.isascii() or _NARROW.fullmatch(text):
        return len(text)
    return sum(map(_columns, text))


def narrow(text: str) -> bool:
    """Whether every character takes one column, and lines break at spaces and nowhere else."""
    return _NARROW.fullmatch(text) is not None


def wrap(text: str, columns: int = WIDTH, *, first: str = "", rest: str = "") -> str:
    """Lay a paragraph out in lines of at most `columns`.

    Lines break at spaces and between Chinese characters (never before a closing or after an opening mark). A URL is
    never broken: it may stand out. Another word without an end is broken where the line is full.

    Args:
        text: one paragraph.
        columns: the width, indents included.
        first: what the first line starts with.
        rest: what the other lines start with.
    """
    if _NARROW.fullmatch(text) and len(first) + len(text) <= columns and "  " not in text:
        return f"{first}{text.strip()}".rstrip()
    if _NARROW.fullmatch(f"{first}{rest}{text}"):
        words = text.split()
        if all(len(word) <= columns - max(len(first), len(rest)) for word in words):
            return _wrap_narrow(words, columns, first, rest)
    lines: list[str] = []
    line, empty = first, True
    for piece in _pieces(" ".join(text.split()), columns - max(width(first), width(rest))):
        if not empty and width(line) + width(piece.rstrip(" ")) > columns:
            lines.append(line.rstrip())
            line = rest
        line += piece
        empty = False
    lines.append(line.rstrip())
    return "\n".join(lines)


def _wrap_narrow(words: list[str], columns: int, first: str, rest: str) -> str:
    """The same for words of characters of one column each, none of which is broken."""
    lines: list[str] = []
    line, gap = first, ""
    for word in words:
        if gap and len(line) + 1 + len(word) > columns:
            lines.append(line)
            line, gap = rest, ""
        line = f"{line}{gap}{word}"
        gap = " "
    lines.append(line.rstrip())
    return "\n".join(lines)


def hang(text: str, label: str, indent: int = 5) -> str:
    """A paragraph laid out with an indent, and a label of that width in its first line's."""
    return label + wrap(text, first=" " * indent, rest=" " * indent)[indent:]


def underline(text: str, mark: str) -> str:
    """A heading with a line of marks below it, as wide as it is."""
    return f"{text}\n{mark * min(width(text), WIDTH)}"


def pad(text: str, columns: int) -> str:
    """A text made at least so wide with spaces after it, one at least."""
    return text + " " * max(1, columns - width(text))


def leader(left: str, right: str, columns: int = WIDTH) -> str:
    """A line of a table of contents: "China ........ 12". The left side is cut if it must be."""
    left = shorten(left, columns - width(right) - 5)
    return f"{left} {'.' * (columns - width(left) - width(right) - 2)} {right}"


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _fitting(text: str, columns: int) -> str:
    """The longest beginning that takes at most so many columns, and is no tower of combining marks."""
    most = columns * _MOST_PER_COLUMN
    taken = accumulate(map(_columns, text))
    return next((text[:place] for place, sum_ in enumerate(taken) if sum_ > columns or place >= most), text)


def _pieces(text: str, columns: int) -> Iterator[str]:
    """A paragraph cut where a line may break; spaces stay at the end of the piece before them."""
    for match in _WORD.finditer(text):
        word = match[0]
        if match["url"] or (len(word) <= columns and _NARROW.fullmatch(word)):
            yield word
            continue
        start = 0
        for position in range(1, len(word)):
            if _may_break(word[position - 1], word[position]):
                yield from _broken(word[start:position], columns)
                start = position
        yield from _broken(word[start:], columns)


def _may_break(before: str, after: str) -> bool:
    wide = unicodedata.east_asian_width(before) in {"W", "F"} or unicodedata.east_asian_width(after) in {"W", "F"}
    return wide and before not in _NO_LINE_END and after not in _NO_LINE_START and not after.isspace()


def _broken(piece: str, columns: int) -> Iterator[str]:
    while width(piece.rstrip()) > columns:
        head = _fitting(piece, columns) or piece[0]
        yield head
        piece = piece[len(head) :]
    if piece:
        yield piece
