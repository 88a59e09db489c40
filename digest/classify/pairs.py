"""What two articles have in common, as a row of numbers; and which pairs are worth one.

    Article + Judgement -> Profile    profiles | candidates -> pairs, cosines    two profiles | features, told -> row

partners.py has the rows weighed by learned forests. How rare words and names are is counted over the articles at hand,
on top of a flat prior (likeness.py). The features are shares and counts, which do not say what the articles are about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import pairwise
from math import log, log1p, sqrt

from digest.classify.likeness import Vector, Vocabulary, cosine, terms, text_of
from digest.model import Article, Judgement, Role
from digest.places import Places

GROWING = (
    "cosine", "of headlines", "headline in the other, more", "headline in the other, less", "of leads", "of names",
    "names of the shorter list", "rarest name in common", "figures in common", "figures of the shorter list",
    "a region in common", "countries in common", "first theme", "themes in common", "words in common",
    "rarest word in common", "next rare words in common", "share of the best of one", "share of the best of the other",
    "headline words in common", "names in both headlines",
)  # fmt: skip
"""What can only speak for one story: the forest is grown so that more of it never counts for less."""

OTHERS = ("only other figures", "no region on a side", "shorter text", "ratio of lengths", "text on both sides")
FEATURES = (*GROWING, *OTHERS)
"""What the forest knows of a pair, in the order of its columns. Symmetric: which article is named first is all one."""

TOLD_GROWING = (
    "text in the other, less", "text in the other, more", "of phrases", "phrases in common", "a day in common",
    "people in common", "headline in the other's lead, less", "headline in the other's lead, more",
)  # fmt: skip
"""What can only speak for one story, of two articles that both have a text."""
TOLD = (*TOLD_GROWING, "only other days", "commonest of the rare")
"""What their texts add, in the order of the columns."""

_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w'’-]{2,}|\b[A-Z]{2,}\b")
_FIGURE = re.compile(r"(?!(?:19|20)\d\d$)\d[\d.,]+")  # two digits or more, no year
_DAY = re.compile(
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?<![上下])(?:周|星期|礼拜)[一二三四五六日天](?!\w?[期年])"
)
_PERSON = re.compile(r"\b[A-Z][a-z’']+(?: [A-Z]\.)? [A-Z][\w’'-]+")  # two words of a name: a person, an office
_DAYS_READ = 1_000  # characters: later days are the past's
LEAST = 3  # words besides the names of places that two articles on one story have in common
MEET = 0.3  # share of a headline's words that the other article must have, one way or the other
MOST = 25  # candidates that an article brings, the likeliest
_TERMS = 25  # weightiest words by which candidates are looked for
_FLOOR = 0.05  # what their products must come to
_LEAD = 400  # characters of a text's beginning
_NAMES_READ = 2_500


@dataclass(frozen=True)
class Profile:
    """What of an article is compared."""

    words: Vector
    headline: Vector
    lead: Vector
    names: Vector
    title_names: frozenset[str]
    figures: frozenset[str]
    regions: frozenset[str]
    countries: frozenset[str]
    themes: tuple[str, ...]
    named: frozenset[str]  # words by which it names its places
    phrases: Vector  # of two neighbouring words
    days: frozenset[str]
    people: frozenset[str]
    length: int


class Profiles:
    """The profiles of the articles at hand, with how rare their words and names are."""

    def __init__(self, judged: Iterable[tuple[Article, Judgement]], places: Places | None) -> None:
        articles = list(judged)
        self.vocabulary = Vocabulary(article for article, _ in articles)
        names = [_names(article) for article, _ in articles]
        held = Counter(name for found in names for name in found)
        count = len(articles) + Vocabulary.PRIOR
        self._rarity = {name: log(count / (times + 1.0)) for name, times in held.items()}
        phrases = [_phrases(article) for article, _ in articles]
        held = Counter(phrase for found in phrases for phrase in found)
        self._rarity_of_phrases = {phrase: log(count / (times + 1.0)) for phrase, times in held.items()}
        self.all: Sequence[Profile] = [
            self._profile(article, judgement, found, said, places)
            for (article, judgement), found, said in zip(articles, names, phrases, strict=True)
        ]

    def _profile(
        self,
        article: Article,
        judgement: Judgement,
        names: frozenset[str],
        phrases: frozenset[str],
        places: Places | None,
    ) -> Profile:
        words = self.vocabulary.vector(article)
        lead = terms("\n".join(article.paragraphs)[:_LEAD]) + terms(article.title)
        codes = judgement.places(Role.PRIMARY, Role.COUNTERPART)
        title = article.title
        titled = frozenset(name for name in names if name in title.casefold())
        return Profile(
            words=words,
            headline=self._vector(terms(title)),
            lead=self._vector(lead),
            names=_unit({name: self._rarity[name] for name in names}),
            title_names=titled,
            figures=frozenset(filter(_FIGURE.fullmatch, words)),
            regions=frozenset(outer for code in codes for outer in (code, *_below_country(code, places))),
            countries=frozenset((places.country(code) or code) if places else code for code in codes),
            themes=tuple(tag.theme for tag in judgement.themes),
            named=frozenset(word for tag in judgement.regions for one in tag.evidence for word in terms(one.text)),
            phrases=_unit({phrase: self._rarity_of_phrases[phrase] for phrase in phrases}),
            days=frozenset(_DAY.findall(f"{title} {text_of(article)[:_DAYS_READ]}")),
            people=frozenset(map(str.casefold, _PERSON.findall(f"{title} . {text_of(article)[:_NAMES_READ]}"))),
            length=sum(map(len, article.paragraphs)) or len(article.teaser),
        )

    def _vector(self, words: Iterable[str]) -> Vector:
        return _unit({word: (1 + log(n)) * self.vocabulary.rarity(word) for word, n in Counter(words).items()})


def refused(one: Profile, other: Profile, *, figures: bool = True) -> bool:
    """Whether two articles with texts tell different things, however alike they sound.

    Neither headline speaks of what the other tells; or both give figures and not one is the same (two companies'
    results, two issues of bonds); or they have little more in common than a place and a word.

    Args:
        one: an article.
        other: another.
        figures: whether figures that differ count; not where both headlines name the same.
    """
    if not any(
        sum(word in told.words for word in head.headline) >= MEET * len(head.headline) > 0
        for head, told in ((one, other), (other, one))
    ):
        return True
    if figures and min(len(one.figures), len(other.figures)) > 1 and not one.figures & other.figures:
        return True
    return len((one.words.keys() & other.words.keys()) - one.named - other.named) < LEAST


def candidates(vectors: Sequence[Vector]) -> Mapping[tuple[int, int], float]:
    """Pairs worth a closer look, found through an index of rare words, each with its cosine."""
    index: dict[str, list[tuple[int, float]]] = defaultdict(list)
    near: list[dict[int, float]] = [{} for _ in vectors]
    for number, vector in enumerate(vectors):
        found: dict[int, float] = defaultdict(float)
        for word, weight in sorted(vector.items(), key=lambda entry: (-entry[1], entry[0]))[:_TERMS]:
            for other, its in index[word]:
                found[other] += weight * its
            index[word].append((number, weight))
        for other, value in found.items():
            if value >= _FLOOR:
                near[number][other] = near[other][number] = value
    pairs = {
        (min(number, -behind), max(number, -behind))
        for number, found in enumerate(near)
        for _, behind in nlargest(MOST, ((value, -other) for other, value in found.items()))  # of equals the first
    }
    return {(one, other): cosine(vectors[one], vectors[other]) for one, other in sorted(pairs)}


def features(one: Profile, other: Profile, best_of_one: float, best_of_other: float) -> tuple[float, ...]:
    """The row of a pair.

    Args:
        one: an article.
        other: another.
        best_of_one: the highest cosine of `one` with any article at hand.
        best_of_other: the same of `other`.
    """
    common = one.words.keys() & other.words.keys()
    products = sorted((one.words[word] * other.words[word] for word in common), reverse=True)[:4]
    products += [0.0] * (4 - len(products))
    likeness = cosine(one.words, other.words)
    names = one.names.keys() & other.names.keys()
    figures = one.figures & other.figures
    few_figures = min(len(one.figures), len(other.figures))
    inside = sorted((_covered(one.headline, other.words), _covered(other.headline, one.words)))
    bests = sorted((likeness / best_of_one if best_of_one else 0.0, likeness / best_of_other if best_of_other else 0.0))
    lengths = sorted((one.length, other.length))
    return (
        likeness, cosine(one.headline, other.headline), inside[1], inside[0], cosine(one.lead, other.lead),
        cosine(one.names, other.names), len(names) / (min(len(one.names), len(other.names)) or 1),
        max((one.names[name] * other.names[name] for name in names), default=0.0),
        log1p(len(figures)), len(figures) / (few_figures or 1), float(bool(one.regions & other.regions)),
        len(one.countries & other.countries) / (len(one.countries | other.countries) or 1),
        float(one.themes[:1] == other.themes[:1] != ()), float(bool(set(one.themes) & set(other.themes))),
        log1p(len(common)), products[0], products[1] + products[2], bests[0], bests[1],
        log1p(len(one.headline.keys() & other.headline.keys())), log1p(len(one.title_names & other.title_names)),
        float(few_figures > 1 and not figures), float(not one.regions or not other.regions),
        log1p(lengths[0]), lengths[0] / (lengths[1] or 1), float(lengths[0] > 0),
    )  # fmt: skip


def told(one: Profile, other: Profile) -> tuple[float, ...]:
    """What the texts of two articles add to their row: the numbers of `TOLD`."""
    inside = sorted((_covered(one.words, other.words), _covered(other.words, one.words)))
    leads = sorted((cosine(one.headline, other.lead), cosine(other.headline, one.lead)))
    common = one.words.keys() & other.words.keys()
    return (
        inside[0], inside[1], cosine(one.phrases, other.phrases), log1p(len(one.phrases.keys() & other.phrases.keys())),
        float(bool(one.days & other.days)), log1p(len(one.people & other.people)), leads[0], leads[1],
        float(bool(one.days and other.days) and not one.days & other.days),
        max((min(one.words[word], other.words[word]) for word in common), default=0.0),
    )  # fmt: skip


def _phrases(article: Article) -> frozenset[str]:
    """Every two neighbouring words of an article, within its headline and within its text."""
    return frozenset(f"{one} {two}" for said in (article.title, text_of(article)) for one, two in pairwise(terms(said)))


def _names(article: Article) -> frozenset[str]:
    text = text_of(article)[:_NAMES_READ]
    found = set(_NAME.findall(text)) | set(_NAME.findall(f"· {article.title}"))
    return frozenset(name.removesuffix("'s").removesuffix("’s").casefold() for name in found)


def _below_country(code: str, places: Places | None) -> Iterable[str]:
    """What a place lies in, up to its country."""
    if places is None:
        return
    for outer in places.parents(code):
        if not places.country(outer):
            return
        yield outer


def _covered(headline: Vector, words: Vector) -> float:
    """The share of a headline's weight whose words the other article has."""
    total = sum(headline.values())
    return sum(weight for word, weight in headline.items() if word in words) / total if total else 0.0


def _unit(weights: Mapping[str, float]) -> Vector:
    length = sqrt(sum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()} if length else {}
