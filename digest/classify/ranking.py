"""Which stories come first, and why in sentences. Pure.

(breadth of reporting x weight of the source + date within the period + how clearly it is about its region and theme)
x weight of its theme; each further story about the same region, and of the same theme, counting less
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2
from types import MappingProxyType

from digest.model import Period, Role, Story

ALIKE = 0.85  # each story about the same region that ranks higher takes this share
SAME_THEME = 0.95  # and each one of the same theme
_EVEN: Mapping[str, float] = MappingProxyType({})
_FULL_TEXT = 1200  # characters from which a text counts as full


@dataclass(frozen=True)
class Rank:
    """How well a story ranks: about 0 to 5, more is better; the sentences say why."""

    value: float
    why: tuple[str, ...] = ()


def rank(stories: Iterable[Story], period: Period, weights: Mapping[str, float] = _EVEN) -> Mapping[str, Rank]:
    """The rank of each story by its key, best first.

    Stories are taken one by one, the best of those left first; what is about a region that was taken before counts
    less, so that the top of an edition is not all about one place, and a little less if its theme was taken before.

    Args:
        stories: those of an edition.
        period: the edition's.
        weights: what a story counts for by its first theme (`Taxonomy.weights`); 1 for a theme that is not in it.
    """
    merits = {story.key: (story, *_merit(story, period, weights)) for story in stories}
    taken = Counter[str]()
    ranks: dict[str, Rank] = {}
    while merits:
        values = {
            key: merit * ALIKE ** taken[_region(story)] * SAME_THEME ** taken[f"theme {_theme(story)}"]
            for key, (story, merit, _) in merits.items()
        }
        key = min(values, key=lambda key: (-values[key], key))
        story, _, why = merits.pop(key)
        for named, what in ((_region(story), "about the same region"), (f"theme {_theme(story)}", "of the same theme")):
            if before := taken[named]:
                why = (*why, f"{before} higher {'story is' if before == 1 else 'stories are'} {what}.")
        ranks[key] = Rank(round(values[key], 4), why)
        taken[_region(story)] += 1
        if _theme(story):
            taken[f"theme {_theme(story)}"] += 1
    return ranks


def _merit(story: Story, period: Period, weights: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """A story's rank by itself, and the sentences for it."""
    lead, judgement = story.lead, story.judgement
    publishers = {article.publisher or article.source for article in story.articles}
    why = []
    value = log2(1 + len(publishers))
    if len(publishers) > 1:
        why.append(f"Reported by {len(publishers)} publishers.")
    value *= lead.weight
    if lead.weight != 1:
        why.append(f"Its source weighs {lead.weight:g}.")
    newest = max(article.when for article in story.articles)
    share = (newest - period.start) / (period.end - period.start)
    value += 0.5 * min(1.0, max(0.0, share))
    if newest < period.start:
        why.append("It is older than the period.")
    elif share >= 0.8:
        why.append("It is of the period's last days.")
    place = max((tag.score for tag in judgement.regions if tag.role is Role.PRIMARY), default=0.0)
    theme = max((tag.score for tag in judgement.themes), default=0.0)
    value += 0.8 * place + 0.5 * theme
    if place >= 0.6:
        why.append("It is clearly about its region.")
    if judgement.places(Role.COUNTERPART):
        value += 0.2
        why.append("It joins two regions.")
    value += 0.3 * min(1.0, sum(map(len, lead.paragraphs)) / _FULL_TEXT)
    weight = weights.get(_theme(story), 1.0)
    if weight != 1:
        why.append(f"Its theme weighs {weight:g}.")
    return value * weight, tuple(why)


def _theme(story: Story) -> str:
    """The id of the story's first theme, "" if it has none."""
    return story.judgement.themes[0].theme if story.judgement.themes else ""


def _region(story: Story) -> str:
    """The region that a story counts for, its first; stories about no place count one by one."""
    return next(iter(story.judgement.places(Role.PRIMARY)), story.key)
