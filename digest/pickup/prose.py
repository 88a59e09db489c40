"""How much a line of a page looks like running text: by length, end, words; and where the longest run of it stands.

A line weighs about as many characters as it has when it is prose, and less than nothing when it is not; the text is the
run of lines with the greatest sum. Short lines cost little alone (subheads, quotes) and more the more of them follow
each other (menus), so a run bridges a subhead and stops at a list of links. Chinese characters count 2.5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from digest.pickup.words import words

_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
_END: Final = re.compile(r"[.!?…。！？；;:：][\"”’'»」』)\]）】]*\s*$|[\"”」』]$")
_FULL_STOP: Final = re.compile(r"[.!?…。！？][\"”’'»」』)\]）】\d]*\s*$|[,，][\"”]$|\w[\"”」』]$")
_RATE: Final = re.compile(r"[(（].{1,20}=.{1,60}[)）]")  # "($1 = 6.47 yuan)"
_ZH_INNER: Final = re.compile("[，、。；：,]")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’]\w+)?")
_STOP_WORDS: Final = words("common")


def mass(text: str) -> float:
    """Characters of a text, Chinese, Japanese and Korean ones counted as much as the Latin letters they stand for."""
    return len(text) + 1.5 * len(_CJK.findall(text))


def is_prose(text: str) -> bool:
    """Whether a line is a sentence or more of running text (a one-line paragraph is; a headline or a link is not)."""
    size = mass(text)
    ends = bool(_END.search(text))
    if len(_CJK.findall(text)) * 2 > len(text):
        return (ends and size >= 25 and (bool(_ZH_INNER.search(text)) or size >= 40)) or (
            size >= 120 and len(_ZH_INNER.findall(text)) >= 2
        )
    words = _WORD.findall(text)
    common = sum(word.lower() in _STOP_WORDS for word in words)
    if _FULL_STOP.search(text):
        return len(words) >= 4 and (common >= 1 or len(words) >= 8) and text[:1] not in "*+"
    if ends and len(words) >= 5 and common >= 2:
        return True
    return len(words) >= 18 and common >= 0.2 * len(words)


def is_wordy(text: str) -> bool:
    """Whether a line has the words of a sentence, though not its end."""
    found = _WORD.findall(text)
    common = sum(word.lower() in _STOP_WORDS for word in found)
    return len(found) >= 7 and common >= 2 and sum(word[0].isupper() for word in found) * 2 < len(found)


def is_sentence(text: str) -> bool:
    """Whether a short line may close or break a text: it ends like a sentence, or is spoken."""
    ends = _FULL_STOP.search(text) or _RATE.fullmatch(text)
    return bool(ends) and len(text) >= 4 and any(c.isalpha() for c in text)


def is_item(text: str) -> bool:
    """Whether a line could be one of a list that the text itself announces: figures, a bullet, a part of a sentence."""
    return any(c.isdigit() for c in text) or text[0] in "-–—•·*" or text[-1] in ";,；，、"


def runs(weights: Sequence[float], start: int, drop: float) -> list[tuple[float, int, int]]:
    """The runs of positive weight from `start` on, each as (sum, first, end).

    A run ends at its highest sum, once the sum has fallen by `drop` from there, or to nothing.
    """
    found: list[tuple[float, int, int]] = []
    total, first, peak, end = 0.0, start, 0.0, start
    for index in range(start, len(weights)):
        if total <= 0:
            if peak > 0:
                found.append((peak, first, end))
            total, first, peak, end = 0.0, index, 0.0, index
        total += weights[index]
        if total > peak:
            peak, end = total, index + 1
        elif peak - total > drop:
            found.append((peak, first, end))
            total, first, peak, end = 0.0, index + 1, 0.0, index + 1
    if peak > 0:
        found.append((peak, first, end))
    return found
