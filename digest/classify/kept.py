"""The story of one more article, among those of the last days: found along an index, without comparing it to all.

    article + judgement | its rarest words -> the nearest of those kept | cluster -> their story, or one of its own

What is kept is bounded: the articles of twice the window, and no more than so many. A story keeps its name when
articles join it; only looking at all articles together (`cluster`) lets it be told anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from datetime import timedelta
from heapq import nlargest
from math import log, sqrt
from typing import Final

from digest.classify.likeness import Vocabulary, terms, text_of
from digest.classify.stories import WINDOW, cluster
from digest.model import Article, Judgement
from digest.places import Places

MOST: Final = 60_000
"""Articles that are kept."""
_TERMS: Final = 25  # weightiest words by which others are looked for
_COMMON: Final = 1_500  # articles from which a word tells nothing
_NEAREST: Final = 8  # kept articles that are looked at closely
_LEAST: Final = 0.05  # what the products of their words must come to


class Kept:
    """The articles of the last days and the stories they tell."""

    def __init__(
        self, places: Places | None, *, window: timedelta = WINDOW, most: int = MOST, learned: bool = True
    ) -> None:
        """Keep nothing yet.

        Args:
            places: tells what lies in what; None if nobody knows.
            window: how far apart articles of one story appeared.
            most: articles that are kept; the oldest are forgotten first.
            learned: let the forests say what tells the same news; without them rules do.
        """
        self._places, self._window, self._most, self._learned = places, window, most, learned
        self._articles: dict[int, tuple[Article, Judgement, str, tuple[str, ...]]] = {}
        self._order: deque[int] = deque()
        self._index: dict[str, dict[int, float]] = defaultdict(dict)
        self._holds: Counter[str] = Counter()
        self._seen = 0  # articles that `_holds` counts
        self._next = 0

    def __len__(self) -> int:
        """How many articles are kept."""
        return len(self._articles)

    def add(self, article: Article, judgement: Judgement) -> str:
        """Keep an article, and say by its key which story it tells: that of the kept one it belongs to, or its own."""
        weights = self._weights(article)
        near = self._nearest(article, weights)
        known = {one[0].uid: one[2] for one in near}
        told = [(article, judgement), *((one[0], one[1]) for one in near)]
        stories = cluster(told, self._window, self._places, learned=self._learned) if near else ()
        mine = next((story for story in stories if any(one is article for one in story.articles)), None)
        others = [known[one.uid] for one in mine.articles if one is not article] if mine else []
        key = Counter(others).most_common(1)[0][0] if others else article.uid
        self._keep(article, judgement, key, weights)
        return key

    def keep(self, article: Article, judgement: Judgement, story: str) -> None:
        """Keep an article of which is known which story it tells, by that story's key."""
        self._keep(article, judgement, story, self._weights(article))

    def _weights(self, article: Article) -> dict[str, float]:
        """The article's weightiest words; and count what it holds."""
        counts = Counter(terms(text_of(article)))
        counts.update(dict.fromkeys(terms(article.title), 2))
        self._holds.update(counts.keys())
        self._seen += 1
        size = self._seen + Vocabulary.PRIOR
        weights = {word: (1 + log(count)) * log(size / self._holds[word]) for word, count in counts.items()}
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        best = nlargest(_TERMS, weights.items(), key=lambda entry: (entry[1], entry[0]))
        return {word: weight / length for word, weight in best}

    def _nearest(self, article: Article, weights: dict[str, float]) -> list[tuple[Article, Judgement, str, object]]:
        found: dict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            holders = self._index.get(word, {})
            if len(holders) <= _COMMON:
                for number, its in holders.items():
                    found[number] += weight * its
        likely = nlargest(_NEAREST, ((value, -number) for number, value in found.items() if value >= _LEAST))
        kept = (self._articles[-behind] for _, behind in likely)
        return [one for one in kept if one[0].uid != article.uid]

    def _keep(self, article: Article, judgement: Judgement, key: str, weights: dict[str, float]) -> None:
        number, self._next = self._next, self._next + 1
        self._articles[number] = (article, judgement, key, tuple(weights))
        self._order.append(number)
        for word, weight in weights.items():
            self._index[word][number] = weight
        while len(self._order) > self._most or self._outdated(article):
            self._forget(self._order.popleft())
        if self._seen > 2 * self._most:  # words of long ago count for less and less
            self._holds = Counter({word: count // 2 for word, count in self._holds.items() if count > 1})
            self._seen //= 2

    def _outdated(self, newest: Article) -> bool:
        return newest.when - self._articles[self._order[0]][0].when > 2 * self._window

    def _forget(self, number: int) -> None:
        for word in self._articles.pop(number)[3]:
            del self._index[word][number]
            if not self._index[word]:
                del self._index[word]
