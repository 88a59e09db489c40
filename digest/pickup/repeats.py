"""What repeats within a page is not its text: lines that come again and again, and the lists they are parts of. Pure.

A list of other stories, or of comments, gives each of its items the same line: a stamp, "Read more", "3 replies", a
number. Where such a line comes back every few lines with little in between, what stands between is the list's too,
though it is prose.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from digest.pickup.furniture import Part
from digest.pickup.lines import Line

_AGAIN: Final = 3  # times that a paragraph comes before it is a caption or a prompt
_ITEMS: Final = 4  # items that make a list
_APART: Final = 7  # lines that an item has at most
_ITEM: Final = 420.0  # characters of prose that an item has at most, on average
_SHORT: Final = 60.0  # a line that marks an item is no longer
_COUNTED: Final = re.compile(r"\d+")
_MONTH: Final = re.compile(
    r"\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\b|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b"
)


def mark(lines: Sequence[Line]) -> None:
    """Mark what repeats as furniture, in place."""
    _paragraphs(lines)
    _lists(lines)


def _paragraphs(lines: Sequence[Line]) -> None:
    found = defaultdict(list)
    for line in lines:
        if line.prose and line.dateline is None:
            found[line.text].append(line)
    for again in found.values():
        if len(again) >= _AGAIN:
            for line in again[1:]:
                line.prose, line.part = False, Part.ASIDE


def _lists(lines: Sequence[Line]) -> None:
    places = defaultdict(list)
    for index, line in enumerate(lines):
        if not line.prose and line.size <= _SHORT and (form := _form(line)):
            places[form].append(index)
    for found in places.values():
        run = [found[0]]
        for before, index in pairwise([*found, len(lines) + _APART + 1]):
            if index - before <= _APART:
                run.append(index)
                continue
            _list(lines, run)
            run = [index]


def _list(lines: Sequence[Line], marks: Sequence[int]) -> None:
    """What stands between the marks of a list is its, if there are items enough and each is small."""
    between = [line for line in lines[marks[0] : marks[-1]] if line.prose]
    size = sum(line.size for line in between)
    if len(marks) < _ITEMS or not between or size > _ITEM * (len(marks) - 1):
        return
    if len(between) > 2 * (len(marks) - 1):
        return
    for line in between:
        if line.dateline is None:
            line.prose, line.part = False, Part.ASIDE


def _form(line: Line) -> str:
    """What of a line stays the same from item to item; "" for one that says nothing by coming again."""
    text = _MONTH.sub("@", _COUNTED.sub("0", line.text.casefold()))
    return text if any(char.isalnum() or char == "@" for char in text) else ""
