"""Reuters mapped to eight of our themes: the rules, and what corrections make of them.

Corrections and the articles that are judged are disjoint: a third of the records is judged, the others are handed to the
editor in the order of their dates. Other themes than the eight count for nothing, for right or wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.editorial import scores
from benchmarks.editorial.corpora import Record, article
from digest.classify.learner import learn
from digest.classify.refiling import ThemeCorrection
from digest.classify.themes import Themes

HOUSE = {
    "Agriculture": "agriculture", "Companies & Deals": "companies", "Energy": "energy", "Finance & Markets": "finance",
    "Macro & Government": "macro", "Metals & Mining": "metals", "Trade": "trade", "Transport & Shipping": "transport",
}  # fmt: skip
STEPS = (50, 200, 1000, 5000)


def learned(bench: Any, row: Callable[..., Any]) -> Iterator[Any]:
    """Micro and macro F1 of the rules, of the rules and a linear machine's rival, and of the learner by corrections."""
    topics = bench.corpora.crosswalk()["product_theme_of_reuters_topic"]
    records = bench.corpora.load("reuters21578", most=20_000)

    def gold_of(record: Record) -> frozenset[str]:
        return frozenset(HOUSE[topics[topic]] for topic in record["labels"]["topics"] if topic in topics)

    known = [
        (one, gold_of(record))
        for number, record in enumerate(records)
        if gold_of(record) and (one := article(record, number))
    ]
    step = max(3, len(known) // max(bench.corpora.most, 1))
    judged = known[::step] if step > 3 else known[::3]
    chosen = {one.uid for one, _ in judged}
    rest = [(one, gold) for one, gold in known if one.uid not in chosen]
    rest.sort(key=lambda pair: (pair[0].when, pair[0].uid))
    rules = Themes(bench.taxonomy)
    ours = set(HOUSE.values())
    gold = [set(themes) for _, themes in judged]
    found = [{tag.theme for tag in rules.judge(one)} & ours for one, _ in judged]
    yield row("themes, 8", "reuters21578", "Digest, rules alone", scores.sets(gold, found))
    for count in STEPS:
        # Spread over the whole time, as an editor's are.
        spread = rest[:: max(1, len(rest) // count)][:count]
        started = time.process_time()
        learner = learn((ThemeCorrection(article=one, themes=themes) for one, themes in spread), rules)
        seconds = time.process_time() - started
        if learner is None:
            continue
        found = [{tag.theme for tag in learner.judge(one)} & ours for one, _ in judged]
        chances = [
            (chance, theme in themes)
            for one, themes in judged
            for theme, chance in learner.chances(one).items()
            if theme in ours
        ]
        over = sum(one.takes_over for one in learner.standings)
        figures = {"ECE": scores.calibration(*zip(*chances, strict=True)), "taken over": over, "learn s": seconds}
        yield row("themes, 8", "reuters21578", f"+ {len(spread)} corrections", scores.sets(gold, found) | figures)
