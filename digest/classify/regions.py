"""Where an article belongs: its regions with their roles, scores and reasons.

    mentions (mentions.py) -> one meaning each (senses.py) -> weights -> countries with roles -> most specific places

A place that is named once in passing stays "mentioned"; the country where it happens or that acts is primary, the
other one counterpart. The rules decide alone, or a learned ranker (salience.py) says which countries an article is
about, and the rules which of them is first. A tag stands for the most specific place that carries its country's
weight (Dongguan, not China): what it lies in follows from `Places`, and is given as evidence "containment".
docs/regions.md says how the weights come about.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from digest.classify.forest import Forest
from digest.classify.lexicon import Lexicon
from digest.classify.mentions import Mention, Reader, is_chinese
from digest.classify.salience import FEATURES, Cues, Resolved, Row, features
from digest.classify.senses import Senses
from digest.model import Article, Evidence, RegionTag, Role
from digest.places import Places

CENTRAL = 0.25  # score from which an article is about a place, as editors of newswires tag
ABOUT = 0.45  # the ranker's probability from which an article is about a country
_SCALE = math.log(CENTRAL) / math.log(ABOUT)  # so that a score of `CENTRAL` means the same with the ranker and without
_LIKELY = 0.2  # and from which a country is primary when no other reaches `ABOUT`
_UNNAMED = 0.5  # and from which a country that no word names is primary
_LIMIT = 24_000  # characters of a text that are read: more says nothing new about where it belongs
_MOST = 3_000  # mentions of an article that are weighed
_TITLE = 500  # and of a title
_LEAD = 450  # characters of a first paragraph that count as its lead
_WEIGHTS: Mapping[str, float] = {"keywords": 5.0, "title": 3.0, "dateline": 1.5, "lead": 1.6, "text": 0.6}
_REPEATED = 0.7  # the n-th mention in one part of an article adds less: weight x n ** 0.7
_HALF = 1.25  # weight at which the score of the weightiest country reaches one half
_COUNTERPART = 0.25  # share of the first country's weight that makes another a counterpart
_COUNTERPART_IN_TEXT = 0.4  # the same for one that neither title nor keywords name
_ACTING = 1.7  # how much more another country must weigh to be primary before the one that the title names first
_REASONS = 8  # how many pieces of evidence a tag carries, the weightiest
_SPECIFIC = 0.25  # share of a region's weight that a place in it must carry to stand for it
_ALONE = 0.4  # and its share of what all places in that region carry
_ALSO_WORDS = ("Turkey", "Jersey", "China", "Chad", "Japan")
_OBJECT = re.compile(
    r"\b(?:to|with|against|on|over|from|for|by|into|towards?|after|of)\s(?:the\s)?(?:\w+ern\s)?$", re.IGNORECASE
)


@dataclass
class _Weighed:
    """What an article says about one place: its weight, and the mentions that made it."""

    code: str
    weight: float = 0.0
    evidence: list[Evidence] = field(default_factory=list)
    where: set[str] = field(default_factory=set)
    acts: bool = False  # named first in the title, and not as the object of a preposition


class Regions:
    """Judges articles; made once, costs about a second."""

    def __init__(self, places: Places, *, learned: bool = True) -> None:
        """Compile the gazetteer.

        Args:
            places: the tree.
            learned: let the ranker say which countries an article is about; without it the rules stand alone.
        """
        self._places = places
        self._lexicon = Lexicon(places)
        self._reader = Reader(places, self._lexicon)
        self._senses = Senses(places, self._lexicon)
        self._cues = Cues()
        self._ranker = Forest.load("salience", FEATURES) if learned else None

    def judge(self, article: Article) -> tuple[RegionTag, ...]:
        """The regions of an article, best first: primary, counterpart, mentioned; empty when it is about no place.

        Reads at most the first 24,000 characters of the text; time is linear in what is read.
        """
        resolved = self._resolved(article)
        weighed = self._weigh(resolved, article.title)
        heads = self._heads(weighed)
        if self._ranker is None:
            return tuple(self._tags(heads)) if heads else ()
        rows = self._rows(article, resolved, heads)
        about = {head: self._ranker.probability(row) for head, row in rows.items()}
        return tuple(self._ranked(heads, about, article))

    def features(self, article: Article) -> Mapping[str, Row]:
        """What the ranker would be told of each country: for training it."""
        resolved = self._resolved(article)
        return self._rows(article, resolved, self._heads(self._weigh(resolved, article.title)))

    def _resolved(self, article: Article) -> Resolved:
        return self._senses.resolve(list(itertools.islice(self._mentions(article), _MOST)))

    def _heads(self, weighed: Mapping[str, _Weighed]) -> dict[str, list[_Weighed]]:
        """What was weighed, by country; what lies in none stands for itself."""
        heads: dict[str, list[_Weighed]] = defaultdict(list)
        for entry in weighed.values():
            heads[self._places.country(entry.code) or entry.code].append(entry)
        return heads

    def _rows(self, article: Article, resolved: Resolved, heads: Mapping[str, list[_Weighed]]) -> Mapping[str, Row]:
        weights = {head: sum(entry.weight for entry in entries) for head, entries in heads.items()}
        acting = (head for head, entries in heads.items() if any(entry.acts for entry in entries))
        cues = self._cues.count(article)
        return features(article, resolved, weights=weights, acting=acting, cues=cues, places=self._places)

    # --- reading

    def _mentions(self, article: Article) -> Iterator[Mention]:
        title = article.title[:_TITLE]
        chinese = is_chinese(title + "".join(paragraph[:_LEAD] for paragraph in article.paragraphs[:1]))
        own = [name for name in (article.publisher, article.agency) if len(name) > 3]
        for keyword in article.keywords[:30]:
            yield from self._keyword(keyword[:100], chinese=is_chinese(keyword))
        paragraphs = list(_limited(article.paragraphs))
        own += _words_too(title, paragraphs)
        yield from self._reader.read(_without(title, own), "title", chinese=chinese)
        dateline = article.dateline[:120]
        if paragraphs:
            found, rest = self._reader.split_dateline(paragraphs[0])
            dateline, paragraphs[0] = dateline or found, rest
        if dateline:
            yield from self._reader.dateline(_without(dateline, own))
        position = 0
        for number, paragraph in enumerate(paragraphs):
            text = _without(paragraph, own)
            for mention in self._reader.read(text, "text", chinese=chinese):
                where = "lead" if number == 0 and mention.start < _LEAD else "text"
                yield mention.moved(where, position)
            position += len(text) + 1

    def _keyword(self, keyword: str, *, chinese: bool) -> Iterable[Mention]:
        word = self._lexicon.dateline(keyword.strip())
        if word is not None:
            return [Mention("keywords", 0, len(keyword), keyword, word.senses, "keyword of the publisher", 1.0)]
        found = self._reader.read(keyword, "keywords", chinese=chinese)
        return [replace(mention, weight=mention.weight * 0.8) for mention in found]

    # --- weight

    def _weigh(self, resolved: Sequence[tuple[Mention, str]], title: str) -> dict[str, _Weighed]:
        length = max((mention.end for mention, _ in resolved if mention.where == "text"), default=1)
        counts: dict[tuple[str, str], float] = defaultdict(float)
        elsewhere = Counter(
            outer
            for mention, code in resolved
            if mention.where != "dateline"
            for outer in (code, *self._places.parents(code))
            for _ in range(2 if mention.where in {"title", "keywords"} else 1)
        )
        weighed: dict[str, _Weighed] = {}
        first_in_title = True
        for mention, code in resolved:
            if mention.where == "dateline" and elsewhere[code] < 2:
                code = self._places.country(code) or code  # noqa: PLW2901 - filed from there, but not about that city
            part = mention.weight * (0.4 if mention.locates else 1.0)
            acts = mention.where == "title" and first_in_title and not _OBJECT.search(title[: mention.start])
            if mention.where == "title" and first_in_title:
                part, first_in_title = part * 1.3, False
            if mention.where == "text":
                part *= 1.0 - 0.5 * mention.start / length
            before = counts[code, mention.where]
            counts[code, mention.where] = before + part
            gain = _WEIGHTS[mention.where] * ((before + part) ** _REPEATED - before**_REPEATED)
            entry = weighed.setdefault(code, _Weighed(code))
            entry.weight += gain
            entry.where.add(mention.where)
            entry.acts = entry.acts or acts
            entry.evidence.append(
                Evidence(where=mention.where, text=mention.text, rule=mention.rule, weight=round(gain, 3))
            )
        return weighed

    # --- roles

    def _ranked(
        self, heads: Mapping[str, list[_Weighed]], about: Mapping[str, float], article: Article
    ) -> list[RegionTag]:
        """The tags with the ranker's roles: about at least one half, first the one that weighs most by the rules."""
        totals = {head: sum(entry.weight for entry in entries) for head, entries in heads.items()}
        top = max(totals.values(), default=0.0)
        share = {head: totals[head] / top for head in heads}
        chance = {head: about.get(head, 0.9 * min(ABOUT, share[head])) for head in heads}
        told = _told(heads)
        shown = {head: bool({"title", "keywords"} & set().union(*(one.where for one in heads[head]))) for head in heads}
        for head in heads:
            if told and not shown[head]:  # the publisher named what it is about
                chance[head] = min(chance[head], 0.9 * ABOUT)
        named = [head for head in heads if _central(heads[head])] or list(heads)  # where it is filed is no subject
        likely = [head for head in named if chance[head] >= ABOUT]
        if not likely:  # nothing is clearly what it is about: the likeliest that is named more than in passing
            likely = [head for head in named if chance[head] >= _LIKELY]
            likely = sorted(likely, key=lambda head: (-chance[head], head))[:1]
        tops = max((totals[head] for head in likely), default=0.0)
        first = min(likely, key=lambda head: (-self._lead(heads[head], totals[head], tops), head), default="")
        tags: list[RegionTag] = []
        for head, entries in heads.items():
            sure = head in likely or (shown[head] and share[head] >= _COUNTERPART)
            open_to = shown[head] or not told
            role = Role.PRIMARY if head == first else Role.COUNTERPART if sure and open_to else Role.MENTIONED
            tags += self._specific(entries, role, chance[head] ** _SCALE)
        for head in sorted(about.keys() - heads.keys()):
            if about[head] >= _UNNAMED and not likely and self._cues.words(article, head):
                tags.append(self._unnamed(head, about[head], article))
        return _sorted(tags)

    def _unnamed(self, country: str, chance: float, article: Article) -> RegionTag:
        """A country that no word names, but money, company forms and institutions speak for."""
        words = ", ".join(self._cues.words(article, country))
        evidence = Evidence(
            where="text", text=words, rule="money, company forms, institutions", weight=round(chance, 3)
        )
        return RegionTag(region=country, role=Role.PRIMARY, score=round(chance**_SCALE, 4), evidence=(evidence,))

    def _tags(self, heads: Mapping[str, list[_Weighed]]) -> list[RegionTag]:
        totals = {head: sum(entry.weight for entry in entries) for head, entries in heads.items()}
        named = {
            head: entries for head, entries in heads.items() if any(entry.where != {"dateline"} for entry in entries)
        }
        top = max(totals[head] for head in named or heads)
        first = min(named or heads, key=lambda head: (-self._lead(heads[head], totals[head], top), head))
        told = _told(heads)
        in_text = math.inf if told else _COUNTERPART_IN_TEXT
        tags: list[RegionTag] = []
        for head in sorted(heads, key=lambda head: (-totals[head], head)):
            where = set().union(*(entry.where for entry in heads[head]))
            share = min(1.0, totals[head] / top)
            score = share**0.5 * totals[head] / (totals[head] + _HALF)
            least = _COUNTERPART if where & {"title", "keywords"} else in_text
            central = head in named and share >= least
            role = Role.PRIMARY if head == first else Role.COUNTERPART if central else Role.MENTIONED
            tags += self._specific(heads[head], role, score)
        return _sorted(tags)

    @staticmethod
    def _lead(entries: Sequence[_Weighed], total: float, top: float) -> float:
        """Between countries of like weight the one that the title names first, as who acts or where, comes first."""
        return total * (_ACTING if total >= top / _ACTING and any(entry.acts for entry in entries) else 1.0)

    def _specific(self, entries: Sequence[_Weighed], role: Role, score: float) -> Iterator[RegionTag]:
        """The tags of one country: the most specific places that carry its weight have its role, others "mentioned"."""
        below: dict[str, float] = defaultdict(float)
        times: Counter[str] = Counter()
        for entry in entries:
            for code in (entry.code, *self._places.parents(entry.code)):
                below[code] += entry.weight
                times[code] += 2 if entry.where & {"title", "keywords"} else len(entry.evidence)
        own = {entry.code: entry.weight for entry in entries}
        chosen = self._choose(own, below, times)
        above = {outer for code in chosen for outer in self._places.parents(code)}
        best, total = max(below[code] for code in chosen), sum(own.values())
        for entry in entries:
            evidence = sorted(entry.evidence, key=lambda evidence: -evidence.weight)
            if entry.code in chosen:
                yield RegionTag(
                    region=entry.code,
                    role=role,
                    score=round(score * (0.9 + 0.1 * below[entry.code] / best), 4),
                    evidence=(*evidence[:_REASONS], *self._containment(entry.code, own)),
                )
            elif entry.code not in above:
                share = 0.9 * entry.weight / total
                yield RegionTag(
                    region=entry.code,
                    role=Role.MENTIONED,
                    score=round(score * share, 4),
                    evidence=tuple(evidence[:_REASONS]),
                )

    def _choose(self, own: Mapping[str, float], below: Mapping[str, float], times: Mapping[str, int]) -> set[str]:
        """Go down from the country while the places inside it carry enough weight, and one of them most of theirs.

        That the country itself is named speaks for no other place in it, so it does not count against the inner one;
        but where it is named, a place in it that is named once in the text is only where something was said.
        """
        chains = [(code, *self._places.parents(code)) for code in own]
        chosen: set[str] = set()
        waiting = [self._places.country(next(iter(own))) or next(iter(own))]
        while waiting:
            node = waiting.pop()
            parts = {chain[chain.index(node) - 1] for chain in chains if node in chain[1:]}
            least = max(_SPECIFIC * below[node], _ALONE * sum(below[part] for part in parts))
            strong = [part for part in parts if below[part] >= least and (times[part] > 1 or node not in own)]
            waiting += strong
            if not strong:
                inside = [chain[0] for chain in chains if node in chain]
                chosen.add(node if node in own else max(inside, key=lambda code: (below[code], code)))
        return chosen

    def _containment(self, code: str, weights: Mapping[str, float]) -> Iterator[Evidence]:
        for outer in self._places.parents(code)[:-1]:  # that it lies in the world tells nobody anything
            weight = round(weights.get(outer, 0.0), 3)
            yield Evidence(where="containment", text=self._places.name(outer), rule=f"lies in {outer}", weight=weight)


def _sorted(tags: Iterable[RegionTag]) -> list[RegionTag]:
    rank = list(Role)
    return sorted(tags, key=lambda tag: (rank.index(tag.role), -tag.score, tag.region))


def _told(heads: Mapping[str, list[_Weighed]]) -> bool:
    """Whether the publisher's keywords name places: then they name all that it is about."""
    return any("keywords" in entry.where for entries in heads.values() for entry in entries)


def _central(entries: Iterable[_Weighed]) -> bool:
    """Whether anything but the place of filing names a country."""
    return any(entry.where != {"dateline"} for entry in entries)


def _without(text: str, names: Sequence[str]) -> str:
    """A text in which the publisher's and the agency's own names no longer name a place."""
    for name in names:
        text = text.replace(name, "·" * len(name))
    return text


def _words_too(title: str, paragraphs: Sequence[str]) -> list[str]:
    """Names that this article uses as words: "turkey" in the text makes a nation of no "Turkey" that starts a line."""
    texts = (title, *paragraphs)
    return [
        name
        for name in _ALSO_WORDS
        if any(name in text for text in texts)
        and any(re.search(rf"\b{name.lower()}\b", text) for text in texts)
        and not any(re.search(rf"[a-z,] {name}\b", text) for text in texts)
    ]


def _limited(paragraphs: Sequence[str]) -> Iterator[str]:
    left = _LIMIT
    for paragraph in paragraphs:
        if left <= 0:
            return
        yield paragraph[:left]
        left -= len(paragraph) + 1
