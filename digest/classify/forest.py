"""A forest of decision trees: a row of numbers -> a probability. Trained by tools/, shipped as JSON, walked in Python.

It holds thresholds and no text. No library is needed to use it, and a row costs some ten microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from math import exp
from typing import Any

from digest.errors import ConfigError


class Forest:
    """Decision trees whose leaves add up to the logarithm of the odds.

    Attributes:
        trained_on: what it was trained on, as its file says.
    """

    def __init__(self, document: Mapping[str, Any], features: Sequence[str]) -> None:
        """Grow it from its file's document.

        Raises:
            ConfigError: it was trained on other features than these.
        """
        if document.get("format") != 1 or tuple(document["features"]) != tuple(features):
            raise ConfigError("a file of digest/classify/weights was trained on other features: reinstall Digest")
        self.trained_on: str = document["trained_on"]
        self._base = float(document["base"])
        self._trees = tuple(_grown(tree) for tree in document["trees"])

    @classmethod
    def load(cls, name: str, features: Sequence[str]) -> Forest:
        """The one of a name that ships with the package.

        Raises:
            ConfigError: its file belongs to another version.
        """
        text = resources.files("digest.classify").joinpath("weights", f"{name}.json").read_text("utf-8")
        return cls(json.loads(text), features)

    def probability(self, row: Sequence[float]) -> float:
        """How likely it is, 0 to 1."""
        total = self._base
        for tree in self._trees:
            node: Any = tree
            while type(node) is tuple:  # a leaf is a number; isinstance would cost half of the time
                feature, threshold, low, high = node
                node = low if row[feature] <= threshold else high
            total += node
        return 1.0 / (1.0 + exp(-total))


def _grown(tree: Any) -> Any:
    """A tree as it is walked: (feature, threshold, low, high), or the number of a leaf."""
    if not isinstance(tree, list):
        return float(tree)
    feature, threshold, low, high = tree
    return int(feature), float(threshold), _grown(low), _grown(high)
