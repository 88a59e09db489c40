"""Reuters mapped to eight of our themes: the rules, and what corrections make of them.

Corrections and the articles that are judged are disjoint: a third of the records is judged, the others are handed to the
editor in the order of their dates. Other themes than the eight count for nothing, for right or wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

from benchmarks.editorial import scores
from benchmarks.editorial.corpora import Record, article
from digest.classify.learner import UNSURE, learn
from digest.classify.refiling import ThemeCorrection
from digest.classify.taxonomy import Taxonomy
from digest.classify.themes import Themes
from digest.model import Theme

HOUSE = {
    "Agriculture": "agriculture", "Companies & Deals": "companies", "Energy": "energy", "Finance & Markets": "finance",
    "Macro & Government": "macro", "Metals & Mining": "metals", "Trade": "trade", "Transport & Shipping": "transport",
}  # fmt: skip
STEPS = (50, 200, 1000, 5000)
_LABELS = 7_000  # of a corpus with more, so many


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
    ruled = scores.sets(gold, found)["F1"]
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
        figures = scores.sets(gold, found)
        figures["below rules"] = max(0.0, ruled - figures["F1"])  # on other articles than the corrections so far
        worse = (one.learned - one.rules for one in learner.standings if one.takes_over)
        figures["worse on them"] = float(max((0, *worse)))  # mistakes on corrections, each judged unseen
        figures |= _trust(chances)
        figures["taken over"] = sum(one.takes_over for one in learner.standings)
        figures["learn s"] = seconds
        yield row("themes, 8", "reuters21578", f"+ {count} corrections", figures)


def labelled(bench: Any, row: Callable[..., Any], groups: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[Any]:
    """The learner with every label that there is, four fifths of each corpus; judged on the others.

    Its themes are the corpus' own classes; their rules are those of our themes that belong there.
    """
    for corpus, classes in groups.items():
        known = []
        for number, record in enumerate(bench.corpora.load(corpus, most=_LABELS)):
            if (one := article(record, number)) is not None:
                known.append((one, str(record["labels"]["category"]).lower()))
        names = sorted({name for _, name in known})
        rules = Themes(Taxonomy(tuple(_theme(bench.taxonomy, name, classes.get(name, ())) for name in names)))
        folds = [crc32(one.title.encode()) % 5 for one, _ in known]  # copies stay on one side
        taught = [pair for pair, fold in zip(known, folds, strict=True) if fold]
        judged = [pair for pair, fold in zip(known, folds, strict=True) if not fold]
        learner = learn((ThemeCorrection(article=one, themes=frozenset({_id(name)})) for one, name in taught), rules)
        if learner is None:
            continue
        told = [(learner.chances(one), _id(name)) for one, name in judged]
        right = sum(max(chances, key=lambda theme: chances[theme]) == name for chances, name in told)
        pairs = [(chance, theme == name) for chances, name in told for theme, chance in chances.items()]
        figures = {"right": right / len(judged), "labels": float(len(taught))} | _trust(pairs)
        yield row("themes, all labels", corpus, "Digest, as it ships", figures)


def _trust(chances: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Calibration of all chances; of those said yes to; and what is left to the editor, and how much of it was wrong.

    ECE over all is flattered by the many themes that are plainly not meant, so that of the yeses stands beside it.
    """
    yes = [(chance, true) for chance, true in chances if chance >= 0.5]
    queued = [(chance >= 0.5) == true for chance, true in chances if abs(chance - 0.5) < UNSURE]
    sure = [(chance >= 0.5) == true for chance, true in chances if abs(chance - 0.5) >= UNSURE]
    return {
        "ECE": scores.calibration(*zip(*chances, strict=True)),
        "ECE of yes": scores.calibration(*zip(*yes, strict=True)) if yes else 0.0,
        "queued": len(queued) / (len(chances) or 1),
        "right there": sum(queued) / (len(queued) or 1),
        "right else": sum(sure) / (len(sure) or 1),
    }


def _id(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name)


def _theme(taxonomy: Taxonomy, name: str, ours: tuple[str, ...]) -> Theme:
    phrases = {phrase: weight for one in taxonomy if one.id in ours for phrase, weight in one.phrases.items()}
    return Theme(id=_id(name), names={"en": name}, description=name, phrases=phrases)
