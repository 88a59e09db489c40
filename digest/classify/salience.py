"""How likely an article is *about* each country that it names: features of its mentions, weighed by a learned ranker.

    mentions with one meaning each | features, a row per country -> Forest -> probability, 0 to 1

The forest knows only the features below; regions.py decides without it too. docs/regions.md says what trained it,
tools/train_salience.py does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p, log10
from string import ascii_letters

from ahocorasick_rs import AhoCorasick, MatchKind

from digest.classify import mentions as found
from digest.classify.lexicon import table
from digest.classify.mentions import Mention
from digest.model import Article
from digest.places import Level, Places

FEATURES = (
    "weight", "share of the weightiest", "share of all", "rank", "in the title", "in the lead", "in the text",
    "place of filing", "in keywords", "by name", "beside its region", "by its people", "by what stands for it",
    "by its government", "in organisations", "in another name", "by cities", "by divisions", "as a country",
    "only locates", "doubted", "acts in the title", "first mention", "first mention in characters",
    "middle of mentions", "share of mentions", "filed there", "filed elsewhere", "population", "places in it",
    "neighbours in lists", "is US", "weight of the next", "own cues", "share of cues", "cues of others", "countries",
    "mentions", "length", "title", "countries in the title", "cues", "weighty countries", "figures",
    "as an object in the title", "longest list",
)  # fmt: skip
"""What the ranker knows of a country in an article, in the order of its columns."""

Row = tuple[float, ...]
Resolved = Sequence[tuple[Mention, str]]

_READ = 6_000  # characters in which cues are looked for
_NEAR = 40  # characters between names of a list
_RULES = {
    found.NAME: 0, found.BESIDE: 1, found.PEOPLE: 2, found.STANDS_FOR: 3, found.GOVERNMENT: 4, found.ORGANISATION: 5,
    found.ANOTHER_NAME: 6,
}  # fmt: skip
_WHERE = {"title": 0, "lead": 1, "text": 2, "dateline": 3, "keywords": 4}
_OBJECT = re.compile(
    r"\b(?:to|with|against|on|over|from|for|by|into|towards?|after|of|in|at)\s(?:the\s)?$", re.IGNORECASE
)
_TOKEN = re.compile("[A-Za-z]+")
_LATIN = frozenset(ascii_letters).__contains__
_FIGURE = re.compile(r"\d")


@dataclass
class _Tally:
    """What the mentions of one country add up to."""

    where: list[int] = field(default_factory=lambda: [0] * 5)
    rules: list[int] = field(default_factory=lambda: [0] * 7)
    cities: int = 0
    divisions: int = 0
    countries: int = 0
    locates: int = 0
    doubted: int = 0
    neighbours: int = 0
    listed: int = 0
    spots: list[int] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    @property
    def mentions(self) -> int:
        return sum(self.where)


class Cues:
    """Company forms, money and institutions that speak for a country without naming it."""

    def __init__(self) -> None:
        self._countries: dict[str, list[str]] = defaultdict(list)
        self._money: set[str] = set()
        for code, *words in table("cues.tsv"):
            for word in words:
                self._countries[word].append(code.rstrip("$"))
            self._money.update(words if code.endswith("$") else ())
        self._apart = [word for word in self._countries if not _TOKEN.fullmatch(word)]  # two words, or Chinese
        self._words = [word for word in self._countries if _TOKEN.fullmatch(word)]
        self._machine = AhoCorasick(self._words, matchkind=MatchKind.LeftmostLongest)

    def count(self, article: Article) -> Mapping[str, int]:
        """How many cues speak for each country, and under "" how many there are."""
        counts: dict[str, int] = defaultdict(int)
        for word, times in self._found(article).items():
            counts[""] += times
            for code in self._countries[word]:
                counts[code] += times
        return counts

    def words(self, article: Article, country: str) -> Sequence[str]:
        """The words of an article that speak for a country, each once; money, which goes round, for none."""
        return [word for word in self._found(article) if country in self._countries[word] and word not in self._money]

    def _found(self, article: Article) -> Mapping[str, int]:
        text = f" {_beginning(article)} "
        found: dict[str, int] = {}
        for index, start, end in self._machine.find_matches_as_indexes(text):
            if not (_LATIN(text[start - 1]) or _LATIN(text[end])):
                word = self._words[index]
                found[word] = found.get(word, 0) + 1
        for word in self._apart:
            if word in text:
                found[word] = text.count(word)
        return found


def _beginning(article: Article) -> str:
    return f"{article.title} {' '.join(article.paragraphs)[:_READ]}"


def features(
    article: Article,
    resolved: Resolved,
    *,
    weights: Mapping[str, float],
    acting: Iterable[str],
    cues: Mapping[str, int],
    places: Places,
) -> Mapping[str, Row]:
    """A row for each country that an article names or that cues speak for.

    Args:
        article: for its length and its figures.
        resolved: its mentions, each with the code that it means.
        weights: what the rules give each country or region above countries ("heads").
        acting: those that the title names first, as who acts.
        cues: from `Cues.count`.
        places: the tree.
    """
    tallies, order = _tallies(resolved, places)
    named = set(weights)
    top, total = max(weights.values(), default=0.0), sum(weights.values())
    by_weight = sorted(named, key=lambda head: (-weights[head], head))
    ranks = {head: float(rank) for rank, head in enumerate(by_weight)}
    filed = {head for (mention, _), head in zip(resolved, order, strict=True) if mention.where == "dateline"}
    length = sum(map(len, article.paragraphs))
    spoken = sum(tally.mentions - tally.where[3] for tally in tallies.values())
    beginning = " ".join(article.paragraphs)[:2000]
    shared = (
        log1p(len(named)), log1p(spoken), log1p(length), log1p(len(article.title)),
        float(sum(1 for tally in tallies.values() if tally.where[0])), log1p(cues.get("", 0)),
        float(sum(1 for head in named if weights[head] >= 0.5 * top)),
        log1p(100 * _figures(beginning) / (len(beginning) or 1)),
    )  # fmt: skip
    acts = frozenset(acting)
    rows = {}
    for head in (*by_weight, *sorted(code for code in cues if code and code not in named)):
        place = places.find(head)
        if place is None or place.level is not Level.COUNTRY:
            continue
        tally = tallies.get(head) or _Tally()
        weight = weights.get(head, 0.0)
        mentions = tally.mentions
        some = mentions or 1
        own = cues.get(head, 0)
        first = min(tally.spots, default=None)
        rival = next((weights[other] for other in by_weight if other != head), 0.0)
        rows[head] = (
            log1p(weight), weight / top if top else 0.0, weight / total if total else 0.0,
            ranks.get(head, float(len(named))),
            *map(log1p, tally.where), *map(log1p, tally.rules),
            log1p(tally.cities), log1p(tally.divisions), log1p(tally.countries),
            tally.locates / some, tally.doubted / some, float(head in acts),
            first / (length or 1) if first is not None else 1.5, log1p(first) if first is not None else 9.0,
            sum(tally.spots) / len(tally.spots) / (length or 1) if tally.spots else 1.5,
            (mentions - tally.where[3]) / (spoken or 1), float(head in filed), float(bool(filed) and head not in filed),
            log10(place.population + 1000), float(len(tally.codes)), tally.neighbours / some, float(head == "US"),
            rival / (top or 1.0), log1p(own), own / (cues.get("", 0) or 1),
            log1p(max((count for code, count in cues.items() if code and code != head), default=0)),
            *shared, _objects(article, resolved, order, head), float(tally.listed),
        )  # fmt: skip
    return rows


def _figures(text: str) -> int:
    """How many digits it has."""
    if text.isascii():
        return len(text) - len(text.encode().translate(None, b"0123456789"))
    return len(_FIGURE.findall(text))


def _objects(article: Article, resolved: Resolved, order: Sequence[str], head: str) -> float:
    """The share of a country's mentions in the title that stand as an object; -1 when the title does not name it."""
    spots = [
        mention.start
        for (mention, _), one in zip(resolved, order, strict=True)
        if one == head and mention.where == "title"
    ]
    if not spots:
        return -1.0
    return sum(1 for at in spots if _OBJECT.search(article.title[max(0, at - 20) : at])) / len(spots)


def _tallies(resolved: Resolved, places: Places) -> tuple[Mapping[str, _Tally], Sequence[str]]:
    order = [places.country(code) or code for _, code in resolved]
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for index, (mention, code) in enumerate(resolved):
        tally = tallies[order[index]]
        tally.where[_WHERE[mention.where]] += 1
        tally.rules[_RULES.get(mention.rule, 0)] += 1
        if mention.where in {"lead", "text"}:
            tally.spots.append(mention.start)
        place = places.find(code)
        level = place.level if place else None
        if level is Level.CITY:
            tally.cities += 1
        elif level is Level.DIVISION:
            tally.divisions += 1
        else:
            tally.countries += 1
        tally.locates += mention.locates
        tally.doubted += not mention.firm
        tally.codes.add(code)
        company = _company(resolved, order, index)
        tally.neighbours += company
        tally.listed = max(tally.listed, company)
    return tallies, order


def _company(resolved: Resolved, order: Sequence[str], index: int) -> int:
    """How many other countries are named right beside a mention: those of a list are seldom what it is about."""
    mention = resolved[index][0]
    near = set()
    for other in (index - 2, index - 1, index + 1, index + 2):
        if 0 <= other < len(resolved) and order[other] != order[index]:
            one = resolved[other][0]
            if one.where == mention.where and max(one.start - mention.end, mention.start - one.end) < _NEAR:
                near.add(order[other])
    return len(near)
