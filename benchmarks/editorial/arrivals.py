"""One more article among fifty thousand that are kept: what it costs, and whether it finds its story.

The articles are made here: words of no language, drawn as rarely as those of a language are. Some are retold: a quarter of
their words are others. Nothing is stored.
"""

from __future__ import annotations

import itertools
import random
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from benchmarks.editorial.corpora import NOW
from digest.classify.kept import Kept
from digest.model import Article, Judgement

KEPT, NEW = 50_000, 200
_WORDS, _LONG, _LINE, _TITLE = 40_000, 220, 20, 8
_SAME = 0.75  # share of the words that stay when an article is retold


def one_more(bench: Any, row: Callable[..., Any]) -> Iterator[Any]:
    """CPU milliseconds of one more article (median, 95th percentile), how many of those retold join, and memory."""
    chance = random.Random(3)
    words = [
        "".join(chance.choice("bcdfgklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(2, 4)))
        for _ in range(_WORDS)
    ]
    rarely = list(itertools.accumulate(1 / (8 + rank) for rank in range(_WORDS)))
    kept = Kept(bench.places, most=KEPT)
    stories: list[tuple[str, list[str]]] = []
    costs: list[float] = []
    joined = retold = 0
    for number in range(KEPT + NEW):
        story, text = "", chance.choices(words, cum_weights=rarely, k=_LONG)
        if number >= KEPT and number % 2:
            story, told = chance.choice(stories)
            text = [one if chance.random() < _SAME else other for one, other in zip(told, text, strict=True)]
        article = _article(number, text)
        judgement = Judgement(article=article.uid, regions=(), themes=(), summary=())
        if number < KEPT:
            kept.keep(article, judgement, article.uid)
            stories.append((article.uid, text))
            continue
        started = time.process_time()
        found = kept.add(article, judgement)
        costs.append(1e3 * (time.process_time() - started))
        retold += bool(story)
        joined += bool(story) and found == story
    costs.sort()
    yield row(
        "same story",
        f"one more article among {KEPT:,}",
        "Digest, as it ships",
        {
            "ms": costs[len(costs) // 2],
            "ms, 95 of 100": costs[len(costs) * 95 // 100],
            "joined": joined / retold,
            "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
    )


def _article(number: int, text: list[str]) -> Article:
    lines = [" ".join(text[at : at + _LINE]).capitalize() + "." for at in range(0, len(text), _LINE)]
    moment = NOW + timedelta(hours=72 * number / KEPT)
    return Article(
        source="made", id=str(number), title=" ".join(sorted(text[:60], key=len)[-_TITLE:]), paragraphs=tuple(lines),
        language="en", origin="made", first_seen=moment, published=moment,
    )  # fmt: skip
