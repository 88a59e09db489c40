"""How likely two articles tell the same story: three forests over numbers, none of which holds a text. Pure.

    both have a text:  features + told + beside -> "told" -> chance | among all chances -> "partners" -> likeness
    a headline alone:  features                 -> "pairs"                                        -> likeness

What the rules refuse is never a pair, however likely it looks (`refused`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from digest.classify.forest import Forest
from digest.classify.neighbours import AMONG, BESIDE, BESIDE_GROWING, Neighbours, Pair, among
from digest.classify.pairs import (
    FEATURES,
    GROWING,
    TOLD,
    TOLD_GROWING,
    Profile,
    Profiles,
    candidates,
    features,
    refused,
    told,
)
from digest.model import Article, Judgement
from digest.places import Places

SAME: Final = 0.36
"""Likelihood from which two articles tell one story."""
SAME_HEADLINE: Final = 0.42
"""The same, when one of them is a headline alone."""
LEAST_HEADLINE: Final = 2  # words that two headlines have in common, when one of them stands alone

OF_TEXTS: Final = (*FEATURES, *TOLD, *BESIDE)
"""The columns of the forest "told"."""
OF_TEXTS_SIGNS: Final = tuple(
    int(name in GROWING or name in TOLD_GROWING or name in BESIDE_GROWING) for name in OF_TEXTS
)


def row_of(one: Profile, other: Profile, pair: Pair, cosine: float, around: Neighbours) -> tuple[float, ...]:
    """The row of two articles that both have a text: the numbers of `OF_TEXTS`."""
    first, second = pair
    best = around.best(first), around.best(second)
    return (*features(one, other, *best), *told(one, other), *around.beside(first, second, cosine))


class Partners:
    """Which articles at hand may tell the same story, and how likely each two of them do.

    Attributes:
        same: likelihood from which two articles tell one story.
    """

    same = SAME

    def __init__(self, judged: Sequence[tuple[Article, Judgement]], places: Places | None) -> None:
        """Weigh every pair of articles that is worth it.

        Args:
            judged: the articles at hand with their judgements.
            places: tells what lies in what; None if nobody knows.
        """
        self._profiles = Profiles(judged, places).all
        self._cosines = candidates([profile.words for profile in self._profiles])
        self._around = Neighbours(self._cosines, len(self._profiles))
        chances = {
            pair: _forest("told").probability(row)
            for pair, row in texts(self._profiles, self._cosines, self._around).items()
        }
        rows = among(chances, len(self._profiles))
        self._chances = {pair: _forest("partners").probability(row) for pair, row in rows.items()}

    def pairs(self) -> set[Pair]:
        """Pairs by which stories may join, by number: headlines alone must have words in common that are no chance."""
        alone = (pair for pair in self._cosines if self._alone(*pair) and self._common(*pair) >= LEAST_HEADLINE)
        return {*self._chances, *alone}

    def likeness(self, one: int, other: int) -> float:
        """How likely two articles tell the same story, 0 to 1; on headlines alone it must be surer."""
        if not self._alone(one, other):
            return self._chances.get((one, other), 0.0)
        first, second = self._profiles[one], self._profiles[other]
        row = features(first, second, self._around.best(one), self._around.best(other))
        return _forest("pairs").probability(row) * SAME / SAME_HEADLINE

    def _alone(self, one: int, other: int) -> bool:
        """Whether one of two is a headline alone."""
        return not self._profiles[one].length or not self._profiles[other].length

    def _common(self, one: int, other: int) -> int:
        return len(self._profiles[one].headline.keys() & self._profiles[other].headline.keys())


def texts(
    profiles: Sequence[Profile], cosines: Mapping[Pair, float], around: Neighbours
) -> Mapping[Pair, tuple[float, ...]]:
    """The rows of candidate pairs that both have a text, and that no rule refuses."""
    rows = {}
    for pair, cosine in cosines.items():
        one, other = profiles[pair[0]], profiles[pair[1]]
        if one.length and other.length and not refused(one, other, figures=not one.title_names & other.title_names):
            rows[pair] = row_of(one, other, pair, cosine, around)
    return rows


@cache
def _forest(name: str) -> Forest:
    columns = {"pairs": FEATURES, "told": OF_TEXTS, "partners": AMONG}
    return Forest.load(name, columns[name])
