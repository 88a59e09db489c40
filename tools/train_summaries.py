"""Fit the weights by which sentences are chosen: writes digest/classify/weights/summaries.json.

    uv run --with rouge-score python -m tools.train_summaries ../shared/data [--cross]

Each way that the rules of digest/classify/summaries.py allow is scored by how many words it shares with the summary
that a person wrote (the mean of ROUGE-1, -2 and -L); the weights are the ridge regression of that on the features, each
article by itself. They are a number per feature and hold no text. `--cross` measures on folds kept back. Needs
rouge-score, which nothing else here does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from digest.classify import Judge, load_taxonomy
from digest.classify.batch import article_of
from digest.classify.summaries import FEATURES, weighed
from digest.pickup import dateline, language
from digest.places import Places
from tools.forests import WEIGHTS

CORPORA = {"summ_inshorts": "summary", "summ_cnndm100": "highlights"}
TRAINED_ON = "Inshorts (342) and CNN/DailyMail (74), development halves"
NOW = datetime(2000, 1, 1, tzinfo=UTC)
RIDGE = 1.0
FOLDS, SEEDS = 10, 5


@dataclass
class Case:
    """An article's ways: rows of features, what their form costs, and what they score (ROUGE-1, -2, -L)."""

    corpus: str
    rows: Any
    costs: Any
    scores: Any


def collect(folder: Path) -> list[Case]:
    """Every article of the corpora that has more than one way."""
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - only who trains needs it

    judge = Judge(Places.load(), load_taxonomy())
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    cases = []
    for name, label in CORPORA.items():
        with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        for number, record in enumerate(records):
            article = article_of(
                record,
                now=NOW,
                number=number,
                language=language.detect,
                moment=lambda _: None,
                filed=dateline.taken_off,
            )
            judged = judge.judge(article)
            ways = [way for way in weighed(article, judged.regions, judged.themes) if way[1]]
            if not ways:
                continue
            told = [
                scorer.score(record["labels"][label], " ".join(one.text for one in sentences))
                for sentences, _, _ in ways
            ]
            cases.append(
                Case(
                    corpus=name,
                    rows=np.array([row for _, row, _ in ways]),
                    costs=np.array([cost for _, _, cost in ways]),
                    scores=np.array([[one[kind].fmeasure for kind in ("rouge1", "rouge2", "rougeL")] for one in told]),
                )
            )
    return cases


def fitted(cases: Sequence[Case]) -> Any:
    """The weights: what of an article's ways makes one better than the others of the same article."""
    size = len(FEATURES)
    squares, products = np.zeros((size, size)), np.zeros(size)
    spread = np.sqrt(np.mean([case.rows.var(axis=0) for case in cases], axis=0)) + 1e-9
    for case in cases:
        rows = (case.rows - case.rows.mean(axis=0)) / spread
        wanted = case.scores.mean(axis=1) + case.costs
        squares += rows.T @ rows / len(rows)
        products += rows.T @ (wanted - wanted.mean()) / len(rows)
    return np.linalg.solve(squares + RIDGE * np.eye(size), products) / spread


def chosen(case: Case, weights: Any) -> Any:
    """What the way that the weights choose scores."""
    return case.scores[int(np.argmax(case.rows @ weights - case.costs))]


def cross(cases: Sequence[Case]) -> None:
    """Print what folds kept back give."""
    found: dict[str, list[Any]] = {name: [] for name in CORPORA}
    for seed in range(SEEDS):
        fold = np.random.default_rng(seed).permutation(len(cases)) % FOLDS
        for kept in range(FOLDS):
            weights = fitted([case for case, its in zip(cases, fold, strict=True) if its != kept])
            for case, its in zip(cases, fold, strict=True):
                if its == kept:
                    found[case.corpus].append(chosen(case, weights))
    for name, scores in found.items():
        print(name, *(f"{100 * one:.1f}" for one in np.mean(scores, axis=0)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, and write the file; or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--cross", action="store_true", help="measure on folds kept back; write nothing")
    given = parser.parse_args(arguments)
    cases = collect(given.corpora)
    if given.cross:
        cross(cases)
        return 0
    document = {
        "format": 1,
        "trained_on": TRAINED_ON,
        "features": FEATURES,
        "weights": [round(float(one), 6) for one in fitted(cases)],
    }
    path = WEIGHTS / "summaries.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf-8", newline="\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
