"""Which articles are copies of one another: the same text, or one contained in the other. Pure.

A copy that was cut short has no word of its own, so the share of the shorter article's shingles in the longer tells it,
where likeness of whole texts does not. A text that is a small part of the other is a quotation from it, not a copy.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from digest.clean import fingerprint
from digest.model import Article, Rights

CONTAINED = 0.7  # share of the shorter article's shingles in the longer that makes it a copy
SHORTEST = 0.25  # a text below this share of the other's length is a quotation from it, not a copy
_SHINGLE = 4  # words
_FEW = 8  # shingles; a shorter text is a copy only when it is the same
_READ = 10_000  # characters
_PLACEHOLDER = 80  # characters
_FURNITURE = 12  # a shingle in more articles than this is boilerplate
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


def fullness(article: Article) -> int:
    """How much of a story can be shown of an article, in characters."""
    return 0 if article.rights is Rights.HEADLINE else sum(map(len, article.paragraphs)) or len(article.teaser)


def copies(articles: Sequence[Article]) -> Iterator[tuple[int, int]]:
    """Pairs that carry the same text, or one of which is contained in the other."""
    same: dict[str, list[int]] = defaultdict(list)
    for number, article in enumerate(articles):
        text = article.paragraphs or (article.teaser,)
        short = sum(map(len, text)) < _PLACEHOLDER  # "Full text to follow." is no text: the headline must agree too
        same[fingerprint((article.title, *text) if short else text)].append(number)
    for numbers in same.values():
        yield from combinations(numbers, 2)
    shingles = [_shingles(article) for article in articles]
    for (one, other), count in _overlaps(shingles).items():
        less, more = sorted((fullness(articles[one]), fullness(articles[other])))
        few = min(len(shingles[one]), len(shingles[other]))
        if few >= _FEW and less >= SHORTEST * more and count >= CONTAINED * few:
            yield one, other


def _shingles(article: Article) -> frozenset[str]:
    """Every four neighbouring words of a text; a copy that was cut short, or put in another order, still has them."""
    text = "\n".join(article.paragraphs or (article.teaser,))[:_READ]
    words = _WORDS.findall(text.casefold())
    return frozenset(map(" ".join, zip(*(words[at:] for at in range(_SHINGLE)), strict=False)))


def _overlaps(sets: Sequence[frozenset[str]]) -> Counter[tuple[int, int]]:
    """How many members each two sets share, counting only those that few sets hold."""
    first: dict[str, int] = {}
    others: dict[str, list[int]] = {}
    for number, members in enumerate(sets):
        for member in members:
            if first.setdefault(member, number) != number:
                others.setdefault(member, [first[member]]).append(number)
    overlaps = Counter[tuple[int, int]]()
    for numbers in others.values():
        if len(numbers) <= _FURNITURE:
            overlaps.update(combinations(numbers, 2))
    return overlaps
