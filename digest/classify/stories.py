"""Which articles tell one story. Pure; the order of the input does not matter.

    articles | copies (same text, or one within the other) and likenesses | groups, closest first | Story, Story, ...

Three layers: the same text; a near copy (the 4-word shingles of the shorter are contained in the longer); the same news
in other words (likeness of rare words, within three days). Groups grow by the *average* likeness of their members, so
that a chain of similar articles does not become one story. Recurring columns and round-ups join only their copies.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations

from digest.classify.likeness import Vector, Vocabulary, cosine, terms, text_of
from digest.clean import fingerprint
from digest.model import Article, Judgement, Rights, Role, Story
from digest.places import Places

WINDOW = timedelta(hours=72)  # articles further apart tell the same thing only when one copies the other
SAME = 0.24  # average likeness from which articles tell one story
APART = 0.50  # the same, when no region joins them
CONTAINED = 0.75  # share of the shorter article's shingles in the longer that makes it a copy
SHORTEST = 0.25  # a text below this share of the other's length is a quotation from it, not a copy
_SHINGLE = 4  # words
_FEW = 8  # shingles; a shorter text is a copy only when it is the same
_PLACEHOLDER = 80  # characters
_FURNITURE = 12  # a shingle in more articles than this is boilerplate
_TERMS = 25  # weightiest words by which candidates are looked for
LEAST = 3  # words besides the names of places that two articles on one story have in common
MEET = 0.3  # share of a headline's words that the other article must have, one way or the other

_COLUMN = re.compile(
    r"\b(?:morning|evening|daily|weekly|monthly|midday|weekend)"
    r" (?:brief(?:ing)?|digest|round-?up|wrap|summary|note|report|update)s?\b"
    r"|\b(?:news|world|business|markets?) (?:in brief|digest|round-?up|wrap|summary|at a glance)\b"
    r"|\bweek (?:ahead|in review)\b|\bweather forecast\b|\bhoroscopes?\b|\bthis day in history\b"
    r"|\bwhat to watch\b|\btop stories\b|\bfactbox\b|\bdiary\b"
    r"|早报|晚报|一周要闻|要闻汇总|新闻汇总|天气预报|今日要闻",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,2}|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_FIGURE = re.compile(r"(?!(?:19|20)\d\d$)\d[\d.,]+")  # two digits or more, no year
_UPDATE = re.compile(
    r"^(?:update \d+|refile|corrected|recast|wrapup \d+|breaking|更新|快讯)\s*[-:：—]\s*", re.IGNORECASE
)

Judged = tuple[Article, Judgement]


def cluster(judged: Iterable[Judged], window: timedelta = WINDOW, places: Places | None = None) -> tuple[Story, ...]:
    """The stories that articles tell, by the date of what was seen first.

    The fullest article leads; of equals the one of the weightier source, then the earlier. A story's key is the uid of
    the article that was seen first.

    Args:
        judged: articles with their judgements.
        window: how far apart they may have appeared.
        places: tells that a city lies in a country; without it only the same region joins two articles.
    """
    articles = sorted(judged, key=lambda one: (one[0].when, one[0].uid))
    groups = _Groups(articles, window, places).merged()
    stories = [_story([articles[number] for number in group]) for group in groups]
    return tuple(sorted(stories, key=lambda story: (min(article.when for article in story.articles), story.key)))


def _story(members: Sequence[Judged]) -> Story:
    fullest = max(_fullness(article) for article, _ in members)

    def merit(one: Judged) -> tuple[bool, float, float, str]:
        article = one[0]
        full = _fullness(article) >= 0.6 * fullest
        return not full, -article.weight, article.when.timestamp(), article.uid

    lead, judgement = min(members, key=merit)
    others = sorted((article for article, _ in members if article is not lead), key=lambda a: (a.when, a.uid))
    first = min((article for article, _ in members), key=lambda a: (a.first_seen, a.when, a.uid))
    return Story(key=first.uid, lead=lead, judgement=judgement, also=tuple(others))


def _fullness(article: Article) -> int:
    """How much of a story can be shown of an article, in characters."""
    return 0 if article.rights is Rights.HEADLINE else sum(map(len, article.paragraphs)) or len(article.teaser)


class _Groups:
    """Groups of articles by number, grown by average likeness."""

    def __init__(self, judged: Sequence[Judged], window: timedelta, places: Places | None) -> None:
        self.judged = judged
        self.places = places
        self.window = window
        vocabulary = Vocabulary(article for article, _ in judged)
        self.vectors = [vocabulary.vector(article) for article, _ in judged]
        self.figures = [frozenset(filter(_FIGURE.fullmatch, vector)) for vector in self.vectors]
        self.headlines = [frozenset(terms(article.title)) for article, _ in judged]
        self.regions = [frozenset(judgement.places(Role.PRIMARY, Role.COUNTERPART)) for _, judgement in judged]
        self.named = [frozenset(_named(judgement)) for _, judgement in judged]
        self.columns = _columns([article for article, _ in judged])
        self.copies = set(_copies([article for article, _ in judged]))
        self.known: dict[tuple[int, int], float] = {}

    def merged(self) -> list[list[int]]:
        pairs = self.copies | _candidates(self.vectors)
        close = [(self.likeness(*pair), pair) for pair in pairs]
        close = [(likeness, pair) for likeness, pair in close if likeness >= SAME]
        group_of = {number: [number] for number in range(len(self.judged))}
        for _, (one, other) in sorted(close, key=lambda entry: (-entry[0], entry[1])):
            left, right = group_of[one], group_of[other]
            if left is not right and self.average(left, right) >= SAME:
                left.extend(right)
                group_of.update(dict.fromkeys(right, left))
        return [group for number, group in group_of.items() if group[0] == number]

    def average(self, left: Sequence[int], right: Sequence[int]) -> float:
        total = sum(self.likeness(min(one, other), max(one, other)) for one in left for other in right)
        return total / (len(left) * len(right))

    def likeness(self, one: int, other: int) -> float:
        """How far two articles tell the same thing: 1 for copies, 0 for what must not be joined."""
        if (one, other) not in self.known:
            self.known[one, other] = self._likeness(one, other)
        return self.known[one, other]

    def _meet(self, one: int, other: int) -> bool:
        """Whether one article's headline speaks of what the other tells."""
        return any(
            sum(word in self.vectors[told] for word in self.headlines[head]) >= MEET * len(self.headlines[head]) > 0
            for head, told in ((one, other), (other, one))
        )

    def _differ(self, one: int, other: int) -> bool:
        """Whether both give figures, and not one is the same: two companies' results, two issues of bonds."""
        both = min(len(self.figures[one]), len(self.figures[other]))
        return both > 1 and not self.figures[one] & self.figures[other]

    def _likeness(self, one: int, other: int) -> float:
        if (one, other) in self.copies:
            return 1.0
        first, second = self.judged[one][0], self.judged[other][0]
        if one in self.columns or other in self.columns or abs(second.when - first.when) > self.window:
            return 0.0
        if not (first.paragraphs or first.teaser) or not (second.paragraphs or second.teaser):
            return 0.0  # never on a headline alone
        if not self._meet(one, other) or self._differ(one, other) or not self._share(one, other):
            return 0.0
        likeness = cosine(self.vectors[one], self.vectors[other])
        return likeness if self._near(one, other) else likeness * SAME / APART

    def _share(self, one: int, other: int) -> bool:
        """Whether they have more in common than a place and a word: Apple's shop and the apples of one city."""
        common = self.vectors[one].keys() & self.vectors[other].keys()
        return len(common - self.named[one] - self.named[other]) >= LEAST

    def _near(self, one: int, other: int) -> bool:
        """Whether a region of one is a region of the other, or lies in it."""
        mine, its = self.regions[one], self.regions[other]
        if mine & its or self.places is None:
            return bool(mine & its)
        return any(self.places.within(a, b) or self.places.within(b, a) for a in mine for b in its)


def _named(judgement: Judgement) -> Iterator[str]:
    """The words by which an article names its places."""
    for tag in judgement.regions:
        for evidence in tag.evidence:
            yield from terms(evidence.text)


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


# Copies


def _copies(articles: Sequence[Article]) -> Iterator[tuple[int, int]]:
    """Pairs that carry the same text, or one of which is contained in the other."""
    same: dict[str, list[int]] = defaultdict(list)
    for number, article in enumerate(articles):
        text = article.paragraphs or (article.teaser,)
        short = sum(map(len, text)) < _PLACEHOLDER  # "Full text to follow." is no text: the headline must agree too
        same[fingerprint((article.title, *text) if short else text)].append(number)
    for numbers in same.values():
        yield from combinations(numbers, 2)
    shingles = [_shingles(article) for article in articles]
    for (one, other), count in _overlaps(shingles).items():
        less, more = sorted((_fullness(articles[one]), _fullness(articles[other])))
        few = min(len(shingles[one]), len(shingles[other]))
        if few >= _FEW and less >= SHORTEST * more and count >= CONTAINED * few:
            yield one, other


def _shingles(article: Article) -> frozenset[str]:
    """Every four neighbouring words of the text's beginning; a copy that was cut short still has them."""
    words = _WORDS.findall(text_of(article).casefold())
    return frozenset(map(" ".join, zip(*(words[at:] for at in range(_SHINGLE)), strict=False)))


def _overlaps(sets: Sequence[frozenset[str]]) -> Counter[tuple[int, int]]:
    """How many members each two sets share, counting only those that few sets hold."""
    first: dict[str, int] = {}
    others: dict[str, list[int]] = {}
    for number, members in enumerate(sets):
        for member in members:
            if first.setdefault(member, number) != number:
                others.setdefault(member, [first[member]]).append(number)
    overlaps = Counter[tuple[int, int]]()
    for numbers in others.values():
        if len(numbers) <= _FURNITURE:
            overlaps.update(combinations(numbers, 2))
    return overlaps


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
