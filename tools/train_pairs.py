"""Train the forests that say whether two articles tell one story; writes three files of digest/classify/weights.

    uv run --with scikit-learn python -m tools.train_pairs ../shared/data

Needs scikit-learn, which nothing else here does, and the development halves named in docs/taxonomy.md. The pairs are
the candidates that stories.py would compare. `--half` trains on half of the stories: the others measure it.

"pairs" weighs headlines alone, "told" articles with texts, "partners" the chances that "told" gave among each other.
What "partners" learns from are chances of stories that "told" has not seen: each half of the stories is judged by what
was learned of the other.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from digest.classify import Judge, load_taxonomy
from digest.classify.neighbours import AMONG, AMONG_SIGNS, Neighbours, among
from digest.classify.pairs import FEATURES, GROWING, Profiles, candidates, features
from digest.classify.partners import OF_TEXTS, OF_TEXTS_SIGNS, texts
from digest.model import Article, Judgement
from digest.places import Places
from tools.forests import grown, write

# How much a pair of each counts. A story of UCI has hundreds of headlines, and so many times the pairs.
CORPORA = {"story_neus": 1.0, "story_ecbplus": 2.0, "story_uci_titles": 0.4}
TEXTS = {"story_neus": 1.0, "story_ecbplus": 2.0}  # those that have texts; ECB+ is an eighth of NeuS
TRAINED_ON = "NeuS, ECB+ and UCI News Aggregator, development halves"
TRAINED_ON_TEXTS = "NeuS and ECB+, development halves"
BATCHES = (25, 150, 3000)  # articles
SMALL = 0.3  # what a pair of a small batch counts: there are more batches than corpora
MOST = 3000  # articles of a corpus for each size of batch
MOST_SMALL = 900  # the same, of small batches of texts
DENSE = 12  # pairs for an article
TREES, DEPTH, RATE = 110, 5, 0.1
OF_TEXTS_TREES, OF_TEXTS_DEPTH, OF_TEXTS_RATE = 200, 6, 0.08
PARTNERS_TREES, PARTNERS_DEPTH = 80, 4
NOW = datetime(2000, 1, 1, tzinfo=UTC)

Told = tuple[Article, Judgement, str]  # an article, its judgement, its story


@dataclass(frozen=True)
class Batch:
    """The pairs of some articles that "told" would weigh."""

    rows: dict[tuple[int, int], tuple[float, ...]]
    same: dict[tuple[int, int], bool]
    count: int
    weights: list[float]


def half(story: str, salt: str = "") -> int:
    """0 or 1: which half a story belongs to."""
    return int(hashlib.sha256(f"{salt}{story}".encode()).hexdigest(), 16) % 2


def article_of(record: dict[str, Any], number: int) -> Article:
    """A record of a corpus as `digest stories --jsonl` would take it."""
    date = record["date"]
    return Article(
        source="corpus",
        id=str(number),
        title=record["title"] or "",
        paragraphs=tuple(line.strip() for line in record["text"].splitlines() if line.strip()),
        language="en",
        origin="corpus",
        first_seen=NOW,
        published=datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None,
    )


def load(folder: Path, name: str, judge: Judge, *, only_half: bool) -> list[Told]:
    """The articles of a corpus, judged."""
    with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if not only_half or half(record["labels"]["story"]) == 0]
    found = []
    for number, record in enumerate(records):
        article = article_of(record, number)
        found.append((article, judge.judge(article), f"{name} {record['labels']['story']}"))
    return found


def batched(articles: Sequence[Told], most: Callable[[int], int]) -> Iterator[tuple[int, list[Told]]]:
    """A week's news may be twenty articles or five thousand, and how rare a word is follows from that.

    So a corpus is taken in small batches, in large ones, and as a whole; stories are never cut.
    """
    for size in BATCHES:
        batches: dict[int, list[Told]] = defaultdict(list)
        for one in articles:
            place = int(hashlib.sha256(f"batch {one[2]}".encode()).hexdigest(), 16)
            batches[place % max(1, len(articles) // size)].append(one)
        for batch in list(batches.values())[: 1 + most(size) // size]:
            yield size, batch


def headlines(articles: Sequence[Told], places: Places) -> tuple[list[Any], list[bool]]:
    """The rows of "pairs", and which of them tell one story."""
    rows: list[Any] = []
    same: list[bool] = []
    for _, batch in batched(articles, lambda _: MOST):
        profiles = Profiles([(one, judgement) for one, judgement, _ in batch], places).all
        cosines = candidates([profile.words for profile in profiles])
        around = Neighbours(cosines, len(batch))
        for one, other in list(cosines)[
            :: 1 + len(cosines) // (DENSE * len(batch))
        ]:  # hundreds do not count a hundredfold
            rows.append(features(profiles[one], profiles[other], around.best(one), around.best(other)))
            same.append(batch[one][2] == batch[other][2])
    return rows, same


def batches_of_texts(articles: Sequence[Told], places: Places, *, small: bool = True) -> Iterator[Batch]:
    """The rows of "told", batch by batch."""
    for size, batch in batched(articles, lambda size: MOST if size == BATCHES[-1] else MOST_SMALL):
        if not small and size != BATCHES[-1]:
            continue
        profiles = Profiles([(one, judgement) for one, judgement, _ in batch], places).all
        cosines = candidates([profile.words for profile in profiles])
        rows = dict(texts(profiles, cosines, Neighbours(cosines, len(batch))))
        same = {(one, other): batch[one][2] == batch[other][2] for one, other in rows}
        counts = 1.0 if size == BATCHES[-1] else SMALL
        weights = [counts * TEXTS[batch[one][2].split()[0]] for one, _ in rows]
        yield Batch(rows, same, len(batch), weights)


def model_of_texts(batches: Sequence[Batch]) -> Any:
    """The forest "told", grown on some batches."""
    rows = np.array([row for batch in batches for row in batch.rows.values()])
    truth = np.array([same for batch in batches for same in batch.same.values()])
    weights = np.array([weight for batch in batches for weight in batch.weights])
    return grown(
        rows, truth, weights, trees=OF_TEXTS_TREES, depth=OF_TEXTS_DEPTH, rate=OF_TEXTS_RATE, growing=OF_TEXTS_SIGNS
    )


def model_among(folds: Sequence[Sequence[Batch]]) -> Any:
    """The forest "partners", grown on chances that each fold gets from what the other taught."""
    rows: list[Any] = []
    truth: list[bool] = []
    weights: list[float] = []
    for fold, others in ((folds[0], folds[1]), (folds[1], folds[0])):
        model = model_of_texts(others)
        for batch in fold:
            if not batch.rows:
                continue
            chances = model.predict_proba(np.array(list(batch.rows.values())))[:, 1]
            found = among(dict(zip(batch.rows, map(float, chances), strict=True)), batch.count)
            rows += found.values()
            truth += [batch.same[pair] for pair in found]
            weights += batch.weights
    return grown(
        np.array(rows), np.array(truth), np.array(weights), trees=PARTNERS_TREES, depth=PARTNERS_DEPTH, rate=RATE,
        growing=AMONG_SIGNS,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--half", action="store_true", help="train on half of the stories only")
    parser.add_argument("--only", choices=("headlines", "texts"), help="train these only")
    given = parser.parse_args(arguments)
    places = Places.load()
    judge = Judge(places, load_taxonomy())
    corpora = {name: load(given.corpora, name, judge, only_half=given.half) for name in CORPORA}
    if given.only != "texts":
        rows: list[Any] = []
        truth: list[bool] = []
        weights: list[float] = []
        for name, weight in CORPORA.items():
            found, same = headlines(corpora[name], places)
            rows += found
            truth += same
            weights += [weight] * len(same)
            print(f"{name}: {len(same)} pairs, {sum(same)} tell one story")
        growing = [int(name in GROWING) for name in FEATURES]
        model = grown(
            np.array(rows), np.array(truth), np.array(weights), trees=TREES, depth=DEPTH, rate=RATE, growing=growing
        )
        print(write("pairs", model, FEATURES, TRAINED_ON))
    if given.only != "headlines":
        told = {name: corpora[name] for name in TEXTS}
        folds: list[list[Batch]] = []
        for number in (0, 1):
            parts = {name: [one for one in found if half(one[2], "fold") == number] for name, found in told.items()}
            batches = [batch for found in parts.values() for batch in batches_of_texts(found, places)]
            # One batch of both: how many articles there are must not tell which corpus they are of.
            mixed = [one for found in parts.values() for one in found]
            batches += batches_of_texts(mixed, places, small=False)
            folds.append(batches)
            print(f"fold {number}: {sum(len(batch.rows) for batch in batches)} pairs", flush=True)
        print(write("partners", model_among(folds), AMONG, TRAINED_ON_TEXTS))
        print(write("told", model_of_texts([*folds[0], *folds[1]]), OF_TEXTS, TRAINED_ON_TEXTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
