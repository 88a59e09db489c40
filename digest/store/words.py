"""Words as both databases search them: prepared here, alike for what is kept and for what is asked.

Chinese and Japanese have no spaces between words, so they stand in overlapping pairs of characters (广东 东省 省), and
a query is cut the same way. What is no word of a text, as a region, is a word with a letter before it ("r:cn-gd").
So one index answers all: SQLite's FTS5, or a GIN index over a tsvector on PostgreSQL.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

MOST_ASKED: Final = 12  # words of a query that are looked for
_LONGEST: Final = 40  # characters of a word
_RUN: Final = re.compile(r"\w+")
# Scripts without spaces between words: kana, CJK with its extensions and compatibility forms.
_DENSE: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")

Asked = tuple[str, bool]  # a word, and whether others that begin with it are meant too


def words_of(text: str) -> set[str]:
    """The words of a text as they are kept."""
    found: set[str] = set()
    for run in _RUN.findall(_folded(text)):
        for dense in _DENSE.findall(run):
            found.update(dense[place : place + 2] for place in range(len(dense)))
        found.update(word[:_LONGEST] for word in _DENSE.sub(" ", run).split())
    return found


def asked_of(text: str) -> list[Asked]:
    """The words of a query."""
    found: list[Asked] = []
    for run in _RUN.findall(_folded(text)):
        for dense in _DENSE.findall(run):
            pairs = [dense[place : place + 2] for place in range(len(dense) - 1)]
            found += [(pair, False) for pair in pairs] or [(dense, True)]
        for word in _DENSE.sub(" ", run).split():
            # "ports" shall find "port" too, and "port" finds "ports" by its beginning.
            stem = word[:-1] if len(word) > 3 and word.endswith("s") and word.isascii() else word
            found.append((stem[:_LONGEST], len(stem) > 2 and not stem.isdecimal()))
    return list(dict.fromkeys(found))[:MOST_ASKED]


def kept(words: Iterable[str], *, sqlite: bool) -> str:
    """Words as the column of a database holds them."""
    return " ".join(sorted(words)) if sqlite else " ".join(map(_quoted, sorted(words)))


def matching(asked: Sequence[Asked], *, sqlite: bool) -> str:
    """What finds rows with all of these words: for FTS5's MATCH, or as a tsquery."""
    if sqlite:
        return " AND ".join(f'"{word}"{"*" if begins else ""}' for word, begins in asked)
    return " & ".join(f"{_quoted(word)}{':*' if begins else ''}" for word, begins in asked)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _quoted(word: str) -> str:
    """A word as a lexeme of PostgreSQL's tsvector and tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
