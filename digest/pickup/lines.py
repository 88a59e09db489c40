"""The lines of a page, each with what it was recognised as: a field, furniture, prose, or nothing yet."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import dataclass
from typing import Final

from digest.clean import html_paragraphs, plain
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
_MARKUP: Final = re.compile(
    r"</(?:p|div|span|a|h[1-6]|li|td|b|i|strong|em|figure|script|style)>|<br ?/?>", re.IGNORECASE
)
_MARKED: Final = 4  # such tags in a page that was saved as text, and it is read as markup
_LINE_OF_MARKUP: Final = re.compile(r"\n(?![^<>\n]{0,200}>)")  # not within a tag
_MAX_LINES, _MAX_CHARACTERS = 5_000, 1_000_000


def split(text: str, name: str) -> list[Line]:
    """The lines of a page that hold anything.

    Raises:
        PickupError: there are too many for one article.
    """
    lines: list[Line] = []
    gap, filed = True, ""
    if len(_MARKUP.findall(text[:_MAX_CHARACTERS])) >= _MARKED:
        text = "\n".join(html_paragraphs(_LINE_OF_MARKUP.sub("<br>", text[:_MAX_CHARACTERS])))
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
        if filed or dateline.stands_alone(line):  # the text begins on the next line
            filed, line = (line, "") if not filed else ("", f"{filed} {line}")
        if not line:
            continue
        read = _line(number, line, gap=gap)
        if 0 < len(lines) <= _HEADS and not gap and (whole := _headline(lines[-1], read)) is not None:
            lines[-1] = whole
        else:
            lines.append(read)
        gap = False
    return lines


def _headline(above: Line, below: Line) -> Line | None:
    """The headline that two lines make, if the lower one goes on where the upper one stopped."""
    if not (above.neutral and below.neutral) or above.text.endswith((".", ":", "!", "?")):
        return None
    if len(above.text) < _BROKEN_FROM or len(above.text) + len(below.text) > _LONGEST_HEADLINE:
        return None
    if not below.text[0].islower() and not _UNFINISHED.search(above.text):
        return None
    whole = _line(above.number, f"{above.text} {below.text}", gap=above.gap)
    return whole if whole.neutral else None


def _line(number: int, text: str, *, gap: bool) -> Line:
    line = Line(number=number, text=text, gap=gap, size=prose.mass(text))
    line.dateline = dateline.read(text)
    if line.dateline is not None and line.dateline.rest.startswith(("题：", "题:")):
        line.fields = Fields(agency=line.dateline.agency)
        return line
    if line.dateline is not None and (prose.is_prose(line.dateline.rest) or line.size >= 80):
        line.prose = True
        return line
    line.dateline = None
    line.fields = fields.read(text)
    if line.fields is None:
        line.part = furniture.part(text)
    line.prose = line.fields is None and line.part is None and prose.is_prose(dateline.signature(text)[0])
    return line


_BROKEN_FROM: Final = 20  # characters: a shorter line was not broken, it ended
_LONGEST_HEADLINE: Final = 250
_HEADS: Final = 400  # lines of a page among which its headline may be broken
_UNFINISHED: Final = re.compile(r"\b(?:a|an|and|as|at|by|for|from|in|into|of|on|or|over|the|to|with)$|[,，、]$")
_WRAPPED: Final = range(50, 91)
_RAGGED: Final = 12  # characters: a sentence that ends so far before the margin ends its paragraph


def _unwrapped(raw: list[str]) -> list[tuple[int, str]]:
    """Lines numbered from 1; blocks that were wrapped at a fixed width are joined again."""
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, text in enumerate((line.rstrip() for line in raw), start=1):
        if text.strip():
            blocks[-1].append((number, text))
        else:
            blocks += [[(number, "")], []]
    margin = max((len(text) for block in blocks if _is_wrapped(block) for _, text in block), default=0)
    return [
        line
        for block in blocks
        for line in (_joined(block, margin) if _is_wrapped(block) or _fills(block, margin) else block)
    ]


def _is_wrapped(block: list[tuple[int, str]]) -> bool:
    """Wrapped text fills most of its lines, and many of them begin in the middle of a sentence; a list's do not."""
    texts = [text for _, text in block]
    full = sum(len(text) in _WRAPPED for text in texts[:-1])
    if max(map(len, texts), default=0) not in _WRAPPED or full < 2 or full * 10 < 6 * (len(texts) - 1):
        return False
    return sum(text.lstrip()[0].islower() for text in texts[1:]) * 3 >= len(texts) - 1


def _fills(block: list[tuple[int, str]], margin: int) -> bool:
    """Whether no line of a block on a wrapped page had room for the next one's first word."""
    pairs = list(itertools.pairwise(block))
    return bool(pairs) and all(
        len(above) <= margin < len(above) + 1 + len(below.split()[0]) for (_, above), (_, below) in pairs
    )


def _joined(block: list[tuple[int, str]], widest: int) -> list[tuple[int, str]]:
    """The paragraphs of a wrapped block."""
    texts = [text for _, text in block]
    joined = [block[0]]
    for above, (number, text) in zip(texts, block[1:], strict=False):
        indented = text[0].isspace()  # old wires indent the first line of a paragraph
        if indented or (prose.is_sentence(above) and len(above) < widest - _RAGGED):
            joined.append((number, text))
        else:
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {text}")
    return joined
