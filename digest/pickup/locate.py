"""Where on a page the text stands, and its title.

The text starts at the dateline, or after the last line of the head that carries a stamp, source or byline, or where the
heaviest run of prose starts; it ends where the run does. The weights were set on the development half of a public
benchmark of 181 pages (editorial.md, 2e) and hold nothing of its texts.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from digest.pickup import fields, prose, publishers
from digest.pickup.furniture import Part
from digest.pickup.lines import Line

_MAX_TITLE: Final = 250

_STOP_COST, _LIST_COST, _ASIDE_COST, _FIELD_COST = 700.0, 60.0, 12.0, 25.0
_SHORT_COST, _SHORTS = 18.0, 5  # of a short line, times how many of them have followed each other, up to so many
_ALONE: Final = 0.4  # a paragraph between two headlines is a teaser more often than text
_DROP: Final = 900.0  # so much furniture ends a text
_EARLY: Final = 0.5  # an earlier run of this share of the heaviest one's weight is the text: comments are long
_FILED: Final = 0.15  # a dateline is worth more than its weight: of so small a share it is still believed
_FAR: Final = 20  # lines; a head is not further from its text
_MOST: Final = 450.0  # what one line can weigh: a footer of one long paragraph must not win


def _weights(lines: list[Line]) -> list[float]:
    weights = []
    shorts, listed, introduced = 0, False, False
    for index, line in enumerate(lines):
        listed = line.part is Part.LIST or (listed and not line.prose)
        item = introduced and line.neutral and prose.is_item(line.text)
        introduced = item or (line.prose and line.text.endswith((":", "：")))
        if line.prose:
            alone = (
                line.dateline is None
                and _heading(_next_text(lines, index, -1))
                and _heading(_next_text(lines, index, 1))
            )
            weights.append(min(line.size, _MOST) * (_ALONE if alone else 1.0))
            shorts = 0
        elif line.part is Part.STOP:
            weights.append(-_STOP_COST)
        elif line.part is Part.LIST:
            weights.append(-_LIST_COST)
        elif line.part is Part.ASIDE:
            weights.append(-_ASIDE_COST)
        elif line.fields is not None:
            weights.append(-_FIELD_COST)
        elif line.spoken or item or _last_words(lines, index):
            weights.append(min(line.size, 30.0))
        elif listed:  # its heading has paid for them
            weights.append(-_ASIDE_COST)
        else:
            shorts += 1
            weights.append(-_SHORT_COST * min(shorts, _SHORTS))
    return weights


def _last_words(lines: list[Line], index: int) -> bool:
    """Whether a line without its full stop is the end of the text: alone between prose and what follows the text."""
    if not lines[index].neutral or index == 0 or not lines[index - 1].prose or not prose.is_wordy(lines[index].text):
        return False
    after = lines[index + 1] if index + 1 < len(lines) else None
    return after is None or after.part is Part.STOP or after.fields is not None


def _next_text(lines: list[Line], index: int, step: int) -> Line | None:
    """The next line in a direction that is no aside (a player, an advertisement)."""
    index += step
    while 0 <= index < len(lines) and lines[index].part is Part.ASIDE:
        index += step
    return lines[index] if 0 <= index < len(lines) else None


def _heading(line: Line | None) -> bool:
    """Whether a line could be another story's headline or stamp."""
    if line is None or line.prose or line.spoken or line.part is Part.STOP:
        return False
    return line.fields is None or bool(line.fields.published or line.fields.updated or line.fields.byline)


def locate(lines: list[Line]) -> tuple[int, int, int | None]:
    """Start and end of the text (half open; equal if there is none), and the index of the title's line, if any."""
    weights = _weights(lines)
    filed = _first_dateline(lines, weights)
    anchor = filed if filed is not None else _after_head(lines)
    if filed is not None:
        first, last = filed, max(_best_end(weights, filed), filed + 1)
    else:
        first, last = _heaviest(weights, anchor)
    title_at = _title(lines, first, first if filed is not None else last, lines[first:last])
    if filed is None and title_at is not None and title_at >= first:  # the run began above the title
        first, last = _heaviest(weights, title_at + 1)
    while first < last and not (lines[first].prose or lines[first].spoken):
        first += 1
    while first < last and (lines[last - 1].part is not None or lines[last - 1].fields is not None):
        last -= 1
    return first, last, title_at


def _heaviest(weights: list[float], anchor: int) -> tuple[int, int]:
    """The run that is the text: after the head, else the heaviest, or an early one near its weight."""
    after = prose.runs(weights, anchor, _DROP)
    best = max(after, default=(0.0, anchor, anchor))
    early = next((run for run in after if run[0] >= _EARLY * best[0]), best)
    if anchor and early[1] - anchor > _FAR:
        return _heaviest(weights, 0)
    return early[1], early[2]


def _first_dateline(lines: list[Line], weights: list[float]) -> int | None:
    """The first paragraph with a dateline that a good part of the page's text follows."""
    filed = [index for index, line in enumerate(lines) if line.dateline is not None][:50]
    sums = [sum(weights[index : _best_end(weights, index)]) for index in filed]
    heaviest = max((run[0] for run in prose.runs(weights, 0, _DROP)), default=0.0)
    enough = max(_EARLY * max(sums, default=0.0), _FILED * heaviest)
    return next((index for index, total in zip(filed, sums, strict=True) if total >= enough), None)


def _best_end(weights: list[float], start: int) -> int:
    """Where a text that begins here ends."""
    best, end, total = 0.0, start, 0.0
    for index in range(start, len(weights)):
        total += weights[index]
        if total > best:
            best, end = total, index + 1
        elif best - total > _DROP:
            break
    return end


def _after_head(lines: list[Line]) -> int:
    """The index after the lines of the head that carry stamp, source or byline; 0 when there is no such head.

    Prose may stand above it (a self-description, a standfirst), but not much of the page's.
    """
    masses = [line.size if line.prose else 0.0 for line in lines]
    total = sum(masses)
    before, anchor, since = 0.0, None, 0
    for index, line in enumerate(lines):
        said = line.fields
        if said and (said.published or said.updated or said.source or said.byline):
            near = (
                anchor is None or since == 0 or (since == 1 and any(each.neutral for each in lines[anchor + 1 : index]))
            )
            little = before <= 0.5 * total or (before < total and _titled(lines, index))
            if near and little and before <= max(0.25 * total, 400.0):
                anchor, since = index, 0
        if line.prose:
            since += 1
            before += masses[index]
    return 0 if anchor is None else anchor + 1


def _titled(lines: list[Line], index: int) -> bool:
    """Whether a headline stands between this line and the prose above it."""
    above = lines[max(0, index - 5) : index]
    while above and above[0].prose:
        above = above[1:]
    return not any(line.prose for line in above) and any(line.neutral and len(line.text.split()) >= 4 for line in above)


# --------------------------------------------------------------------------------------------------------------
# Title

_WORD: Final = re.compile(r"[^\W\d_]{3,}")


def _tokens(text: str) -> set[str]:
    words = {word.lower()[:6] for word in _WORD.findall(text)}
    chinese = re.sub("[^\u4e00-\u9fff]", "", text)
    return words | {chinese[i : i + 2] for i in range(len(chinese) - 1)}


def _title(lines: list[Line], start: int, end: int, body: list[Line]) -> int | None:
    """The line that reads most like the headline of the text: above it (or its first line), near, of its words."""
    text = _tokens(" ".join(line.text for line in body)[:20_000])
    best, best_at = 0.0, None
    texts = Counter(line.text for line in lines)
    for index in range(max(0, start - 60), min(start + 4, end)):
        line = lines[index]
        if (
            not line.neutral
            or not 8 <= line.size <= _MAX_TITLE
            or fields.lists_names(line.text)
            or fields.section(line.text)
            or publishers.known(line.text)
        ):
            continue
        words = _tokens(line.text)
        shared = len(words & text) / (len(words) or 1)
        points = 3.0 * shared + min(line.size, 70.0) / 35.0 - (start - index) * 0.03
        points += 0.8 * _beside_fields(lines, index) + 0.4 * (index == 0) + 0.3 * (texts[line.text] > 1)
        points -= 1.5 * line.text.endswith((":", "：", ",", ".", "。")) + 0.6 * line.text.startswith(("*", "•", "+ "))
        points -= 1.0 * bool(fields.keyword_line(line.text))
        if index >= start:  # within the run: only near its beginning, above most of the text
            if sum(each.size for each in lines[start:index]) > sum(each.size for each in lines[index + 1 : end]):
                break
            points -= 0.5 + 1.0 * any(each.prose and each.size > 200 for each in lines[start:index])
        if points > best:
            best, best_at = points, index
    if best_at is not None and best_at > 0 and _headline_above(lines, best_at, text):
        best_at -= 1
    return best_at if best >= 1.2 else None


def _headline_above(lines: list[Line], index: int, text: set[str]) -> bool:
    """Whether the line above is the headline and this one its standfirst."""
    above = lines[index - 1]
    words = _tokens(above.text)
    return (
        above.neutral
        and len(words) >= 3
        and above.size <= _MAX_TITLE
        and above.text != lines[index].text
        and not above.text.endswith((":", "："))
        and not fields.keyword_line(above.text)
        and not fields.section(above.text)
        and above.size >= 0.5 * lines[index].size
        and len(words & text) >= 0.34 * len(words)
    )


def _beside_fields(lines: list[Line], index: int) -> bool:
    """Whether a stamp, source, byline, keyword or section line stands within two lines."""
    near = [lines[each] for each in (index - 1, index + 1, index + 2) if 0 <= each < len(lines)]
    return any(each.fields is not None or fields.keyword_line(each.text) or fields.section(each.text) for each in near)
