"""Train the ranker of salience: `python -m tools.train_salience CORPORA` writes digest/classify/weights/salience.json.

It needs scikit-learn, which nothing else here does:

    uv run --with scikit-learn python -m tools.train_salience ../shared/data

CORPORA holds the development halves named in docs/regions.md. The file holds thresholds over the features of
digest/classify/salience.py and no text. The same corpora give the same file; `--cross` measures on folds kept back.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from digest.classify.regions import Regions
from digest.classify.salience import FEATURES
from digest.model import Article
from digest.places import Places
from tools.forests import grown, write

# Corpora whose countries are what an article is *about*, and how much an article of each counts.
ABOUT = {"reuters21578": 1.0, "geo_cliff_focus": 4.0}
TRAINED_ON = "Reuters-21578 (development half, articles with a country) and CLIFF focus countries (development half)"
TREES, DEPTH, RATE = 90, 4, 0.14
FOLDS = 4
NOW = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Table:
    """A row per article and country that it may be about."""

    rows: list[Sequence[float]] = field(default_factory=list)
    about: list[bool] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    articles: list[int] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    gold: list[frozenset[str]] = field(default_factory=list)


def article_of(record: dict[str, Any]) -> Article:
    """A record of a corpus as `digest classify --jsonl` would take it."""
    return Article(
        source="corpus",
        id=record["id"],
        title=record["title"] or "",
        paragraphs=tuple(line.strip() for line in record["text"].splitlines() if line.strip()),
        language="en",
        origin="corpus",
        first_seen=NOW,
        dateline=(record.get("meta") or {}).get("dateline") or "",
    )


def collect(folder: Path, corpora: Iterable[str]) -> Table:
    """The rows of all corpora."""
    regions = Regions(Places.load(), learned=False)
    table = Table()
    for name in corpora:
        with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [record for record in map(json.loads, lines) if record["labels"]["countries"]]
        for record in records:
            gold = frozenset(record["labels"]["countries"])
            fold = int(hashlib.sha256(str(record["id"]).encode()).hexdigest(), 16) % FOLDS
            for country, row in regions.features(article_of(record)).items():
                table.rows.append(row)
                table.about.append(country in gold)
                table.weights.append(ABOUT[name])
                table.folds.append(fold)
                table.articles.append(len(table.gold))
                table.countries.append(country)
            table.gold.append(gold)
    return table


def trained(rows: Any, about: Any, weights: Any) -> Any:
    """The forest of these rows."""
    return grown(rows, about, weights, trees=TREES, depth=DEPTH, rate=RATE)


def crossed(table: Table) -> str:
    """Micro F1, without the US and macro F1, each article judged by a forest that has not seen it."""
    rows, about, weights = np.array(table.rows), np.array(table.about), np.array(table.weights)
    folds, chance = np.array(table.folds), np.zeros(len(table.about))
    for fold in range(FOLDS):
        seen = folds != fold
        model = trained(rows[seen], about[seen], weights[seen])
        chance[~seen] = model.predict_proba(rows[~seen])[:, 1]
    found: list[set[str]] = [set() for _ in table.gold]
    for one, country, article in zip(chance, table.countries, table.articles, strict=True):
        if one >= 0.45:
            found[article].add(country)
    true = sum(len(gold & one) for gold, one in zip(table.gold, found, strict=True))
    both = sum(len(gold) + len(one) for gold, one in zip(table.gold, found, strict=True))
    return f"micro F1 over {FOLDS} folds: {2 * true / both:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and write the file; with --cross only measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--cross", action="store_true", help="measure on folds kept back, write nothing")
    given = parser.parse_args(arguments)
    table = collect(given.corpora, ABOUT)
    if given.cross:
        print(crossed(table))
        return 0
    model = trained(np.array(table.rows), np.array(table.about), np.array(table.weights))
    path = write("salience", model, FEATURES, TRAINED_ON)
    print(f"{len(table.rows)} rows, {TREES} trees, {path.stat().st_size / 1e3:.0f} kB -> {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
