"""What an editor would decide about articles: regions, themes, summaries, stories - each with its reasons.

    Article | regions + themes + summary   -> Judgement     (Judge: one article at a time)
    Article + Judgement, ... | cluster     -> Story, ...    (what tells the same thing)
    Story, ... | rank                      -> Rank          (what comes first)
    Story, ... + earlier editions | related -> Story, ...   (what follows up what)

Everything here is pure: the same articles give the same answers, in whatever order they come.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import resources

from digest.classify.followups import related
from digest.classify.ranking import Rank, rank
from digest.classify.regions import Regions
from digest.classify.stories import cluster
from digest.classify.summaries import summarise
from digest.classify.taxonomy import Taxonomy, load_taxonomy
from digest.classify.themes import Themes
from digest.model import Article, Judgement
from digest.places import Level, Places

__all__ = ["Judge", "Rank", "Taxonomy", "cluster", "load_taxonomy", "rank", "related"]

RULES = 2  # counts up when the rules of this room change, so that articles are judged again


class Judge:
    """Judges articles. Made once: compiles the taxonomy, and the gazetteer when the first article comes.

    Attributes:
        taxonomy: the themes that it knows.
        version: names its rules, tables of words, gazetteer, taxonomy and groupings; another may judge otherwise.
    """

    def __init__(self, places: Places, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._places = places
        self._themes = Themes(taxonomy)
        groupings = [(place.code, places.members(place.code)) for place in places if place.level is Level.GROUPING]
        known = hashlib.sha256(repr((taxonomy.themes, sorted(groupings))).encode())
        for table in sorted(
            resources.files("digest.classify").joinpath("words").iterdir(), key=lambda table: table.name
        ):
            known.update(table.read_bytes())
        known.update(resources.files("digest").joinpath("gazetteer", "places.tsv").read_bytes())
        self.version = f"{RULES}-{known.hexdigest()[:12]}"

    def judge(self, article: Article) -> Judgement:
        """Where an article belongs and how it is summed up, with the evidence for each tag."""
        regions = _regions(self._places).judge(article)
        themes = self._themes.judge(article)
        return Judgement(
            article=article.uid, regions=regions, themes=themes, summary=summarise(article, regions, themes)
        )


@lru_cache(maxsize=2)  # compiling takes a second or two, and what is compiled never changes
def _regions(places: Places) -> Regions:
    return Regions(places)
