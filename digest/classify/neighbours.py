"""What the articles around two articles say of whether both tell one story. Pure; numbers only.

    cosines of candidate pairs | Neighbours -> who stands next to whom, and how near | beside -> numbers of a pair
    chances of pairs           | among      -> a row for each: is there a likelier partner, does a third one agree?

Two articles are like each other by themselves; whether they tell the same depends on who else is there. An article
whose third neighbour is as near as its first belongs to a crowd about one subject, not to a story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p
from typing import Final

Pair = tuple[int, int]

BESIDE: Final = (
    "nearer ones, fewer", "nearer ones, more", "share of the neighbourhood, less", "share of the neighbourhood, more",
    "beyond the third, less", "beyond the third, more", "neighbours in common", "best of both",
)  # fmt: skip
"""What a pair's neighbours say of it, in the order of the columns."""
BESIDE_GROWING: Final = frozenset(BESIDE[2:7])

AMONG: Final = (
    "chance", "best other, lower", "best other, higher", "likelier ones, fewer", "likelier ones, more",
    "others of one", "others of the other", "a third agrees", "all that agree", "a third objects, more",
    "a third objects, less",
)  # fmt: skip
"""What the chances of other pairs say of one, in the order of the columns."""
AMONG_SIGNS: Final = (1, 0, 0, -1, -1, 0, 0, 1, 0, 0, 0)
"""1 where more of it can only speak for one story, -1 where it can only speak against it."""

_WIDE: Final = 10  # nearest articles that make a neighbourhood
_FAR: Final = 40  # rank of what is no candidate
_LAST: Final = 12  # ranks beyond it say no more


class Neighbours:
    """Who stands next to whom among the articles at hand."""

    def __init__(self, cosines: Mapping[Pair, float], count: int) -> None:
        """Sort each article's candidates by how near they are.

        Args:
            cosines: of candidate pairs, by the articles' numbers.
            count: how many articles there are.
        """
        near: list[list[tuple[float, int]]] = [[] for _ in range(count)]
        for (one, other), value in cosines.items():
            near[one].append((-value, other))
            near[other].append((-value, one))
        self._ranks: list[dict[int, int]] = []
        self._nearest: list[frozenset[int]] = []
        self._heights: list[tuple[float, ...]] = []
        for found in near:
            found.sort()
            self._ranks.append({other: rank for rank, (_, other) in enumerate(found)})
            self._nearest.append(frozenset(other for _, other in found[:_WIDE]))
            heights = [-value for value, _ in found[:_WIDE]]
            self._heights.append((*heights, *[0.0] * (_WIDE - len(heights))))

    def best(self, one: int) -> float:
        """The highest cosine of an article with any other."""
        return self._heights[one][0]

    def beside(self, one: int, other: int, likeness: float) -> tuple[float, ...]:
        """The numbers of `BESIDE` for a pair whose cosine is `likeness`."""
        mine, its = self._heights[one], self._heights[other]
        ranks = sorted((self._ranks[one].get(other, _FAR), self._ranks[other].get(one, _FAR)))
        shares = sorted(likeness / (sum(heights) / _WIDE + 1e-6) for heights in (mine, its))
        beyond = sorted((likeness - mine[2], likeness - its[2]))
        return (
            log1p(ranks[0]), log1p(ranks[1]), shares[0], shares[1], beyond[0], beyond[1],
            len(self._nearest[one] & self._nearest[other]) / _WIDE, mine[0] + its[0],
        )  # fmt: skip


def among(chances: Mapping[Pair, float], count: int) -> Mapping[Pair, Sequence[float]]:
    """The row of each pair, given the chances of all.

    Args:
        chances: that two articles tell one story, judged by these two; of pairs that are not in it, none.
        count: how many articles there are.
    """
    partners: list[dict[int, float]] = [{} for _ in range(count)]
    for (one, other), chance in chances.items():
        partners[one][other] = partners[other][one] = chance
    order = [
        {other: rank for rank, other in enumerate(sorted(found, key=lambda other: (-found[other], other)))}
        for found in partners
    ]
    tops = [(*sorted(found.values(), reverse=True)[:2], 0.0, 0.0) for found in partners]
    totals = [sum(found.values()) for found in partners]
    rows: dict[Pair, Sequence[float]] = {}
    for (one, other), chance in chances.items():
        mine, its = partners[one], partners[other]
        bests = sorted((tops[one][order[one][other] == 0], tops[other][order[other][one] == 0]))
        ranks = sorted((order[one][other], order[other][one]))
        others = sorted((totals[one] - chance, totals[other] - chance))
        agree = [min(mine[third], its[third]) for third in mine.keys() & its.keys()]
        objects = sorted((_objects(mine, its, other), _objects(its, mine, one)))
        rows[one, other] = (
            chance, bests[0], bests[1], min(ranks[0], _LAST), min(ranks[1], _LAST), others[0], others[1],
            max(agree, default=0.0), sum(sorted(agree)), objects[1], objects[0],
        )  # fmt: skip
    return rows


def _objects(mine: Mapping[int, float], its: Mapping[int, float], other: int) -> float:
    """How strongly a third article stands by one of two and not by the other."""
    return max((chance * (1 - its.get(third, 0.0)) for third, chance in mine.items() if third != other), default=0.0)
