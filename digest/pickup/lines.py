"""The lines of a page, each with what it was recognised as: a field, furniture, prose, or nothing yet."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

from digest.clean import plain
from digest.errors import PickupError
from digest.pickup import dateline, fields, furniture, prose
from digest.pickup.dateline import Dateline
from digest.pickup.fields import Fields
from digest.pickup.furniture import Part


@dataclass(kw_only=True)
class Line:
    """A line of the page and what it was recognised as."""

    number: int
    text: str
    gap: bool  # a blank line before it
    prose: bool = False
    part: Part | None = None
    fields: Fields | None = None
    dateline: Dateline | None = None
    size: float = 0.0

    @property
    def neutral(self) -> bool:
        """Neither prose nor recognised: a headline, a subhead, a link, a name."""
        return not self.prose and self.part is None and self.fields is None

    @property
    def spoken(self) -> bool:
        """A short sentence: it breaks no text, though it makes none."""
        return self.neutral and prose.is_sentence(dateline.signature(self.text)[0])


_BREAKS: Final = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_REFERENCE: Final = re.compile(
    r"&(?:\w{2,8}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE
)  # left by whoever saved the page
_MAX_LINES, _MAX_CHARACTERS = 10_000, 1_000_000


def split(text: str, name: str) -> list[Line]:
    """The lines of a page that hold anything.

    Raises:
        PickupError: there are too many for one article.
    """
    lines: list[Line] = []
    gap = True
    raw = _BREAKS.split(text)
    if len(raw) > _MAX_LINES or len(text) > _MAX_CHARACTERS:
        raise PickupError(
            f"more than {_MAX_LINES} lines or {_MAX_CHARACTERS} characters",
            where=name,
            remedy="give each article a file",
        )
    for number, words in _unwrapped(raw):
        line = plain(_REFERENCE.sub(lambda match: html.unescape(match[0]), words))
        if not line:
            gap = True
            continue
        lines.append(_line(number, line, gap=gap))
        gap = False
    return lines


def _line(number: int, text: str, *, gap: bool) -> Line:
    line = Line(number=number, text=text, gap=gap, size=prose.mass(text))
    line.dateline = dateline.read(text)
    if line.dateline is not None and (prose.is_prose(line.dateline.rest) or line.size >= 80):
        line.prose = True
        return line
    line.dateline = None
    line.fields = fields.read(text)
    if line.fields is None:
        line.part = furniture.part(text)
    line.prose = line.fields is None and line.part is None and prose.is_prose(dateline.signature(text)[0])
    return line


_WRAPPED: Final = range(50, 91)
_RAGGED: Final = 12  # characters: a sentence that ends so far before the margin ends its paragraph


def _unwrapped(raw: list[str]) -> list[tuple[int, str]]:
    """Lines numbered from 1; blocks that were wrapped at a fixed width are joined again."""
    out: list[tuple[int, str]] = []
    block: list[tuple[int, str]] = []
    for number, text in [*enumerate((line.rstrip() for line in raw), start=1), (0, "")]:
        if text.strip():
            block.append((number, text))
            continue
        out.extend(_joined(block))
        block = []
        if number:
            out.append((number, ""))
    return out


def _joined(block: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A block of lines, joined to paragraphs where it was wrapped; as it is where it was not."""
    texts = [text for _, text in block]
    widest = max(map(len, texts), default=0)
    # Wrapped text fills most of its lines, and many of them begin in the middle of a sentence; a list's do not.
    full = sum(len(text) in _WRAPPED for text in texts[:-1])
    middle = sum(text.lstrip()[0].islower() for text in texts[1:])
    if widest not in _WRAPPED or full < 2 or full * 10 < 6 * (len(texts) - 1) or middle * 3 < len(texts) - 1:
        return block
    joined = [block[0]]
    for above, (number, text) in zip(texts, block[1:], strict=False):
        indented = text[0].isspace()  # old wires indent the first line of a paragraph
        if indented or (prose.is_sentence(above) and len(above) < widest - _RAGGED):
            joined.append((number, text))
        else:
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {text}")
    return joined
