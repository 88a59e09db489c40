"""What the trainers of forests share: growing one with scikit-learn, writing it for digest/classify/forest.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS = Path(__file__).parent.parent / "digest" / "classify" / "weights"


def grown(
    rows: Any, truth: Any, weights: Any, *, trees: int, depth: int, rate: float, growing: Sequence[int] | None = None
) -> Any:
    """A forest, grown by scikit-learn; the same rows give the same one.

    Args:
        rows: a row of features for each example.
        truth: what is right.
        weights: how much each example counts.
        trees: how many.
        depth: of each.
        rate: how much each adds.
        growing: 1 for a feature that can only speak for the truth, 0 for others.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - only who trains needs it

    model = HistGradientBoostingClassifier(
        max_iter=trees, max_depth=depth, learning_rate=rate, min_samples_leaf=20, l2_regularization=1.0,
        early_stopping=False, random_state=1, monotonic_cst=growing,
    )  # fmt: skip
    return model.fit(rows, truth, sample_weight=weights)


def write(name: str, model: Any, features: Sequence[str], trained_on: str) -> Path:
    """Write a forest: nested lists [feature, threshold, low, high], leaves as numbers; where it stands."""
    base = round(float(np.ravel(model._baseline_prediction)[0]), 6)  # noqa: SLF001 - no public way to it
    trees = [_tree(stage[0].nodes, 0) for stage in model._predictors]  # noqa: SLF001 - same
    document = {"format": 1, "trained_on": trained_on, "features": features, "base": base, "trees": trees}
    WEIGHTS.mkdir(exist_ok=True)
    path = WEIGHTS / f"{name}.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf-8", newline="\n")
    return path


def _tree(nodes: Any, at: int) -> Any:
    node = nodes[at]
    if node["is_leaf"]:
        return round(float(node["value"]), 5)
    low, high = _tree(nodes, int(node["left"])), _tree(nodes, int(node["right"]))
    return [int(node["feature_idx"]), float(f"{node['num_threshold']:.7g}"), low, high]
