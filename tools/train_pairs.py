"""Train the forest that says whether two articles tell one story; writes digest/classify/weights/pairs.json.

    uv run --with scikit-learn python -m tools.train_pairs ../shared/data

Needs scikit-learn, which nothing else here does, and the development halves named in docs/taxonomy.md. The pairs are
the candidates that stories.py would compare. `--half` trains on half of the stories: the others measure it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from digest.classify import Judge, load_taxonomy
from digest.classify.pairs import FEATURES, GROWING, Profiles, candidates, features
from digest.model import Article, Judgement
from digest.places import Places
from tools.forests import grown, write

# How much a pair of each counts. A story of UCI has hundreds of headlines, and so many times the pairs.
CORPORA = {"story_neus": 1.0, "story_ecbplus": 2.0, "story_uci_titles": 0.4}
TRAINED_ON = "NeuS, ECB+ and UCI News Aggregator, development halves"
BATCHES = (25, 150, 3000)  # articles
MOST = 3000  # articles of a corpus for each size of batch
DENSE = 12  # pairs for an article
TREES, DEPTH, RATE = 110, 5, 0.1
NOW = datetime(2000, 1, 1, tzinfo=UTC)


def half(story: str) -> int:
    """0 or 1: which half a story belongs to."""
    return int(hashlib.sha256(story.encode()).hexdigest(), 16) % 2


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


def collect(folder: Path, name: str, judge: Judge, places: Places, *, only_half: bool) -> tuple[list[Any], list[bool]]:
    """The rows of the candidate pairs of a corpus, and which of them tell one story.

    A week's news may be twenty articles or five thousand, and how rare a word is follows from that: so the corpus is
    taken in small batches, in large ones, and as a whole.
    """
    with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if not only_half or half(record["labels"]["story"]) == 0]
    judged: list[tuple[Article, Judgement]] = []
    for number, record in enumerate(records):
        article = article_of(record, number)
        judged.append((article, judge.judge(article)))
    stories = [record["labels"]["story"] for record in records]
    rows: list[Any] = []
    same: list[bool] = []
    for size in BATCHES:
        batches: dict[int, list[int]] = defaultdict(list)
        for number, story in enumerate(stories):
            place = int(hashlib.sha256(f"batch {story}".encode()).hexdigest(), 16)
            batches[place % max(1, len(records) // size)].append(number)
        for batch in list(batches.values())[: 1 + MOST // size]:
            profiles = Profiles([judged[number] for number in batch], places).all
            pairs, best = candidates([profile.words for profile in profiles])
            thinned = sorted(pairs)[
                :: 1 + len(pairs) // (DENSE * len(batch))
            ]  # stories of hundreds do not count a hundredfold
            for one, other in thinned:
                rows.append(features(profiles[one], profiles[other], best[one], best[other]))
                same.append(stories[batch[one]] == stories[batch[other]])
    return rows, same


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--half", action="store_true", help="train on half of the stories only")
    given = parser.parse_args(arguments)
    places = Places.load()
    judge = Judge(places, load_taxonomy())
    rows: list[Any] = []
    truth: list[bool] = []
    weights: list[float] = []
    for name, weight in CORPORA.items():
        found, same = collect(given.corpora, name, judge, places, only_half=given.half)
        rows += found
        truth += same
        weights += [weight] * len(same)
        print(f"{name}: {len(same)} pairs, {sum(same)} tell one story")
    growing = [int(name in GROWING) for name in FEATURES]
    model = grown(
        np.array(rows), np.array(truth), np.array(weights), trees=TREES, depth=DEPTH, rate=RATE, growing=growing
    )
    path = write("pairs", model, FEATURES, TRAINED_ON)
    print(f"{TREES} trees, {path.stat().st_size / 1e3:.0f} kB -> {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
