"""What an editor would decide about articles: regions, themes, summaries, stories - each with its reasons.

    Article | regions + themes + summary   -> Judgement     (Judge: one article at a time)
    Article + Judgement, ... | cluster     -> Story, ...    (what tells the same thing)
    Story, ... | rank                      -> Rank          (what comes first)
    Story, ... + earlier editions | related -> Story, ...   (what follows up what)

Everything here is pure: the same articles give the same answers, in whatever order they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from digest.classify.filing import applying, filed, fits
from digest.classify.followups import related
from digest.classify.ranking import Rank, rank
from digest.classify.refiling import LEAST, Refiled, ThemeCorrection, refiled
from digest.classify.regions import Regions
from digest.classify.regrouping import Merged, Regrouping, Split, regroup
from digest.classify.stories import cluster
from digest.classify.summaries import summarise
from digest.classify.taxonomy import Taxonomy, load_taxonomy
from digest.classify.themes import Themes
from digest.model import Article, Judgement
from digest.places import Level, Places

if TYPE_CHECKING:
    from digest.classify.learner import Learner

__all__ = [
    "Judge",
    "Merged",
    "Rank",
    "Refiled",
    "Regrouping",
    "Split",
    "Taxonomy",
    "ThemeCorrection",
    "applying",
    "cluster",
    "filed",
    "fits",
    "load_taxonomy",
    "rank",
    "refiled",
    "regroup",
    "related",
]

_ROUNDS = sorted({int(LEAST * 1.1**step) for step in range(80)}, reverse=True)  # corrections at which it learns anew
RULES = 5  # counts up when the rules of this room change, so that articles are judged again


class Judge:
    """Judges articles. Made once: compiles the taxonomy, and the gazetteer when the first article comes.

    Attributes:
        taxonomy: the themes that it knows.
        learner: what corrections taught it; None while it goes by the rules alone.
        version: names its rules, tables of words, gazetteer, taxonomy and groupings; another may judge otherwise.
    """

    def __init__(self, places: Places, taxonomy: Taxonomy, *, learned: bool = True) -> None:
        """Name the version; nothing is compiled yet.

        Args:
            places: the tree of regions.
            taxonomy: the themes.
            learned: let the shipped weights say which countries an article is about, and which sentences sum it up;
                without them the rules do.
        """
        self.taxonomy = taxonomy
        self.learner: Learner | None = None
        self._learned = learned
        self._places = places
        groupings = [(place.code, places.members(place.code)) for place in places if place.level is Level.GROUPING]
        known = hashlib.sha256(repr((taxonomy.themes, sorted(groupings), learned)).encode())
        for folder in ("classify/words", "classify/weights", "gazetteer"):
            tables = resources.files("digest").joinpath(folder).iterdir()
            for table in sorted((table for table in tables if table.is_file()), key=lambda table: table.name):
                known.update(table.read_bytes())
        self.version = f"{RULES}-{known.hexdigest()[:12]}"

    def taught(self, corrections: Sequence[ThemeCorrection]) -> Judge:
        """A judge that has learned from editors' corrections, in the order they were made; itself while they are few.

        It learns anew when a tenth more has come, so that not each correction has every article judged again.
        """
        count = next((count for count in _ROUNDS if count <= len(corrections)), 0)
        if not count:
            return self
        from digest.classify.learner import learn  # noqa: PLC0415 - numpy takes a tenth of a second; few have corrections

        learner = learn(corrections[:count], self._themes)
        if learner is None or not any(one.takes_over for one in learner.standings):
            return self
        learned = hashlib.sha256(repr([(one.article.uid, sorted(one.themes)) for one in corrections[:count]]).encode())
        found = copy(self)
        found.learner, found.version = learner, f"{self.version}-{learned.hexdigest()[:8]}"
        return found

    @cached_property
    def _themes(self) -> Themes:
        return Themes(self.taxonomy)  # compiled when an article comes: many commands only ask for the version

    @property
    def regions(self) -> Regions:
        """What judges where an article belongs; compiled once in a process."""
        return _regions(self._places, self._learned)

    def judge(self, article: Article) -> Judgement:
        """Where an article belongs and how it is summed up, with the evidence for each tag."""
        regions = self.regions.judge(article)
        themes = (self.learner or self._themes).judge(article)
        summary = summarise(article, regions, themes, learned=self._learned)
        return Judgement(article=article.uid, regions=regions, themes=themes, summary=summary)


@lru_cache(maxsize=2)  # compiling takes a second or two, and what is compiled never changes
def _regions(places: Places, learned: bool) -> Regions:  # noqa: FBT001 - a key of the cache
    return Regions(places, learned=learned)
