"""The measures: sets per document (micro, macro, without the US), clusters, page text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

Figures = dict[str, float]


def sets(gold: Sequence[set[str]], found: Sequence[set[str]], apart: str = "") -> Figures:
    """Micro precision, recall and F1; F1 without one label; macro F1 over labels with five golds or more."""
    true, given, asked = Counter[str](), Counter[str](), Counter[str]()
    for right, said in zip(gold, found, strict=True):
        true.update(right & said)
        given.update(said)
        asked.update(right)
    tp, p, g = sum(true.values()), sum(given.values()), sum(asked.values())
    figures = {"P": tp / (p or 1), "R": tp / (g or 1), "F1": 2 * tp / ((p + g) or 1)}
    if apart:
        rest = p + g - given[apart] - asked[apart]
        figures[f"without {apart}"] = 2 * (tp - true[apart]) / (rest or 1)
    often = [label for label, count in asked.items() if count >= 5]
    figures["macro"] = sum(2 * true[one] / (given[one] + asked[one]) for one in often) / (len(often) or 1)
    return figures


def clusters(gold: Sequence[str], found: Sequence[str]) -> Figures:
    """Pairwise precision, recall, F1, and B-cubed F1."""
    both, right, said = Counter(zip(gold, found, strict=True)), Counter(gold), Counter(found)
    tp, p, g = _pairs(both), _pairs(said), _pairs(right)
    precise = sum(n * n / said[one[1]] for one, n in both.items()) / len(gold)
    complete = sum(n * n / right[one[0]] for one, n in both.items()) / len(gold)
    return {
        "P": tp / (p or 1),
        "R": tp / (g or 1),
        "F1": 2 * tp / ((p + g) or 1),
        "B-cubed": 2 * precise * complete / (precise + complete),
    }


def _pairs(counts: Counter[str] | Counter[tuple[str, str]]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def pages(gold: Sequence[str], found: Sequence[str]) -> Figures:
    """Page text as the article extraction benchmark measures it: runs of four words, averaged over pages."""
    precise = complete = 0.0
    for right, said in zip(gold, found, strict=True):
        one, other = _shingles(right), _shingles(said)
        tp = (one & other).total()
        precise += tp / (other.total() or 1) if other else 0.0
        complete += tp / (one.total() or 1) if one else 0.0
    p, r = precise / len(gold), complete / len(gold)
    return {"P": p, "R": r, "F1": 2 * p * r / ((p + r) or 1)}


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return Counter(zip(*(words[at:] for at in range(4)), strict=False)) or Counter([tuple(words)])


def calibration(chances: Sequence[float], truth: Sequence[bool]) -> float:
    """Expected calibration error over ten bins."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
    for chance, true in zip(chances, truth, strict=True):
        bins[min(9, int(chance * 10))].append((chance, true))
    filled = (one for one in bins if one)
    return sum(abs(sum(c for c, _ in one) - sum(t for _, t in one)) for one in filled) / (len(chances) or 1)
