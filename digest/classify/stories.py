"""Which articles tell one story. Pure; the order of the input does not matter.

    articles | copies (same text, or one within the other) and likenesses | groups, closest first | Story, Story, ...

Three layers: the same text; a near copy (the 4-word shingles of the shorter are contained in the longer); the same news
in other words (likeness of rare words, within three days). Groups grow by the *average* likeness of their members, so
that a chain of similar articles does not become one story. Recurring columns and round-ups join only their copies.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from digest.classify.copies import copies, fullness
from digest.classify.likeness import Vector, cosine
from digest.classify.pairs import Profiles, refused
from digest.classify.partners import Partners
from digest.clean import fingerprint
from digest.model import Article, Judgement, Role, Story
from digest.places import Places

WINDOW = timedelta(hours=72)  # articles further apart tell the same thing only when one copies the other
_SPEAK = 8  # members of a group that speak for it
SAME = 0.24  # average likeness from which articles tell one story
APART = 0.50  # the same, when no region joins them
_TERMS = 25  # weightiest words by which candidates are looked for

_COLUMN = re.compile(
    r"\b(?:morning|evening|daily|weekly|monthly|midday|weekend)"
    r" (?:brief(?:ing)?|digest|round-?up|wrap|summary|note|report|update)s?\b"
    r"|\b(?:news|world|business|markets?) (?:in brief|digest|round-?up|wrap|summary|at a glance)\b"
    r"|\bweek (?:ahead|in review)\b|\bweather forecast\b|\bhoroscopes?\b|\bthis day in history\b"
    r"|\bwhat to watch\b|\btop stories\b|\bfactbox\b|\bdiary\b"
    r"|早报|晚报|一周要闻|要闻汇总|新闻汇总|天气预报|今日要闻",
    re.IGNORECASE,
)
_UPDATE = re.compile(
    r"^(?:update \d+|refile|corrected|recast|wrapup \d+|breaking|更新|快讯)\s*[-:：—]\s*", re.IGNORECASE
)

Judged = tuple[Article, Judgement]


def cluster(
    judged: Iterable[Judged], window: timedelta = WINDOW, places: Places | None = None, *, learned: bool = True
) -> tuple[Story, ...]:
    """The stories that articles tell, by the date of what was seen first.

    The fullest article leads; of equals the one of the weightier source, then the earlier. A story's key is the uid of
    the article that was seen first.

    Args:
        judged: articles with their judgements.
        window: how far apart they may have appeared.
        places: tells that a city lies in a country; without it only the same region joins two articles.
        learned: let the forests of partners.py say what tells the same news; without it rules do.
    """
    articles = sorted(judged, key=lambda one: (one[0].when, one[0].uid))
    likeness: _Likeness = Partners(articles, places) if learned else _Rules(articles, places)
    groups = _Groups(articles, window, likeness).merged()
    stories = [story_of([articles[number] for number in group]) for group in groups]
    return tuple(sorted(stories, key=lambda story: (min(article.when for article in story.articles), story.key)))


def story_of(members: Sequence[Judged]) -> Story:
    """The story that some articles tell, whoever said that they do."""
    fullest = max(fullness(article) for article, _ in members)

    def merit(one: Judged) -> tuple[bool, float, float, str]:
        article = one[0]
        full = fullness(article) >= 0.6 * fullest
        return not full, -article.weight, article.when.timestamp(), article.uid

    lead, judgement = min(members, key=merit)
    others = sorted((article for article, _ in members if article is not lead), key=lambda a: (a.when, a.uid))
    first = min((article for article, _ in members), key=lambda a: (a.first_seen, a.when, a.uid))
    return Story(key=first.uid, lead=lead, judgement=judgement, also=tuple(others))


class _Likeness(Protocol):
    """What groups are grown by."""

    same: float

    def pairs(self) -> set[tuple[int, int]]: ...

    def likeness(self, one: int, other: int) -> float: ...


class _Groups:
    """Groups of articles by number, grown by the average likeness of their members."""

    def __init__(self, judged: Sequence[Judged], window: timedelta, judgement: _Likeness) -> None:
        self.judged = judged
        self.window = window
        self.judgement = judgement
        self.columns = _columns([article for article, _ in judged])
        self.copies = set(copies([article for article, _ in judged]))
        self.known: dict[tuple[int, int], float] = {}

    def merged(self) -> list[list[int]]:
        same = self.judgement.same
        close = [(self.likeness(*pair), pair) for pair in self.copies | self.judgement.pairs()]
        group_of = {number: [number] for number in range(len(self.judged))}
        for likeness, (one, other) in sorted(close, key=lambda entry: (-entry[0], entry[1])):
            left, right = group_of[one], group_of[other]
            if likeness >= same and left is not right and self.average(left, right) >= same:
                left.extend(right)
                group_of.update(dict.fromkeys(right, left))
        return [group for number, group in group_of.items() if group[0] == number]

    def average(self, left: Sequence[int], right: Sequence[int]) -> float:
        """Of large groups their first members speak, so that a story of hundreds costs no more than one of ten."""
        left, right = sorted(left)[:_SPEAK], sorted(right)[:_SPEAK]
        total = sum(self.likeness(min(one, other), max(one, other)) for one in left for other in right)
        return total / (len(left) * len(right))

    def likeness(self, one: int, other: int) -> float:
        """How far two articles tell the same thing: 1 for copies, 0 for what must not be joined."""
        if (one, other) not in self.known:
            self.known[one, other] = self._likeness(one, other)
        return self.known[one, other]

    def _likeness(self, one: int, other: int) -> float:
        if (one, other) in self.copies:
            return 1.0
        first, second = self.judged[one][0], self.judged[other][0]
        if one in self.columns or other in self.columns or abs(second.when - first.when) > self.window:
            return 0.0
        return self.judgement.likeness(one, other)


class _Rules:
    """Likeness by rules that can be read: rare words in common, and nothing that refuses it."""

    same = SAME

    def __init__(self, judged: Sequence[Judged], places: Places | None) -> None:
        self.places = places
        self.profiles = Profiles(judged, places).all
        self.regions = [frozenset(judgement.places(Role.PRIMARY, Role.COUNTERPART)) for _, judgement in judged]

    def pairs(self) -> set[tuple[int, int]]:
        return _candidates([profile.words for profile in self.profiles])

    def likeness(self, one: int, other: int) -> float:
        first, second = self.profiles[one], self.profiles[other]
        if not first.length or not second.length or refused(first, second):
            return 0.0  # never on a headline alone
        likeness = cosine(first.words, second.words)
        return likeness if self._near(one, other) else likeness * SAME / APART

    def _near(self, one: int, other: int) -> bool:
        """Whether a region of one is a region of the other, or lies in it."""
        mine, its = self.regions[one], self.regions[other]
        if mine & its or self.places is None:
            return bool(mine & its)
        return any(self.places.within(a, b) or self.places.within(b, a) for a in mine for b in its)


def _columns(articles: Sequence[Article]) -> frozenset[int]:
    """Recurring columns and round-ups: by their headline, or because one publisher uses it again for another text."""
    recurring = defaultdict(set)
    for article in articles:
        if _UPDATE.match(article.title):
            continue
        recurring[article.publisher or article.source, _headline(article)].add(fingerprint(article.paragraphs))
    return frozenset(
        number
        for number, article in enumerate(articles)
        if _COLUMN.search(article.title)
        or (
            len(recurring[article.publisher or article.source, _headline(article)]) > 1
            and not _UPDATE.match(article.title)
        )
    )


def _headline(article: Article) -> str:
    """A headline without numbers and update marks: what stays the same in a column from day to day."""
    return " ".join(re.sub(r"\d+", "", _UPDATE.sub("", article.title)).casefold().split())


def _candidates(vectors: Sequence[Vector]) -> set[tuple[int, int]]:
    """Pairs that share rare words enough to be worth a closer look; found through an index, not by comparing all."""
    rarest = [sorted(vector.items(), key=lambda entry: (-entry[1], entry[0]))[:_TERMS] for vector in vectors]
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    pairs: set[tuple[int, int]] = set()
    for number, entries in enumerate(rarest):
        likeness: dict[int, float] = defaultdict(float)
        for word, weight in entries:
            for other, its in index[word]:
                likeness[other] += weight * its
            index[word].append((number, weight))
        pairs.update((other, number) for other, value in likeness.items() if value >= SAME / 3)
    return pairs
