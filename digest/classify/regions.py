"""Where an article belongs: its regions with their roles, scores and reasons.

    mentions (mentions.py) -> one meaning each -> weight per place -> weight per country -> roles -> most specific places

Rules only, nothing learned. A place that is named once in passing stays "mentioned"; the country where it happens or
that acts is primary, the other one counterpart. A tag stands for the most specific place that carries its country's
weight (Dongguan, not China): what it lies in follows from `Places`, and is given as evidence "containment".
docs/regions.md says how the weights come about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from digest.classify.lexicon import Lexicon
from digest.classify.mentions import Mention, Reader, is_chinese
from digest.model import Article, Evidence, RegionTag, Role
from digest.places import Level, Places

_LIMIT = 24_000  # characters of a text that are read: more says nothing new about where it belongs
_LEAD = 450  # characters of a first paragraph that count as its lead
_WEIGHTS: Mapping[str, float] = {"keywords": 5.0, "title": 3.0, "dateline": 1.5, "lead": 1.6, "text": 0.6}
_REPEATED = 0.7  # the n-th mention in one part of an article adds less: weight x n ** 0.7
_FULL = 2.5  # weight at which a country's score, when no other is near, reaches about two thirds
_COUNTERPART = 0.30  # share of the first country's weight that makes another a counterpart
_ACTING = 1.7  # how much more another country must weigh to be primary before the one that the title names first
_CLEAR = 2.0  # how much more prominent than any other a sense must be to be meant whatever stands around it
_ALONE_FROM = 100_000  # a city of this many people is believed without support, at half weight
_SPECIFIC = 0.25  # share of a region's weight that a place in it must carry to stand for it
_ALONE = 0.4  # and its share of what all places in that region carry
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


class _Support:
    """How often regions are named, so that a name does not support itself."""

    def __init__(self) -> None:
        self._all: Counter[str] = Counter()
        self._own: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, codes: Iterable[str]) -> None:
        for code in codes:
            self._all[code] += 1
            self._own[name, code] += 1

    def others(self, name: str, code: str) -> int:
        """How often a region, or a place in it, is named by other words than this name."""
        return self._all[code] - self._own[name, code]


class Regions:
    """Judges articles; made once, costs about a second."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lexicon = Lexicon(places)
        self._reader = Reader(places, self._lexicon)

    def judge(self, article: Article) -> tuple[RegionTag, ...]:
        """The regions of an article, best first: primary, counterpart, mentioned; empty when it is about no place.

        Reads at most the first 24,000 characters of the text; time is linear in what is read.
        """
        mentions = self._resolve(list(self._mentions(article)))
        weighed = self._weigh(mentions, article.title)
        if not weighed:
            return ()
        return tuple(self._tags(weighed))

    # --- reading

    def _mentions(self, article: Article) -> Iterator[Mention]:
        chinese = is_chinese(article.title + "".join(article.paragraphs[:1])[:400])
        own = [name for name in (article.publisher, article.agency) if name]
        for keyword in article.keywords[:30]:
            yield from self._keyword(keyword[:100], chinese=is_chinese(keyword))
        yield from self._reader.read(_without(article.title[:1000], own), "title", chinese=chinese)
        paragraphs = list(_limited(article.paragraphs))
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
                yield replace(mention, where=where, start=position + mention.start, end=position + mention.end)
            position += len(text) + 1

    def _keyword(self, keyword: str, *, chinese: bool) -> Iterable[Mention]:
        word = self._lexicon.dateline(keyword.strip())
        if word is not None:
            return [Mention("keywords", 0, len(keyword), keyword, word.senses, "keyword of the publisher", 1.0)]
        found = self._reader.read(keyword, "keywords", chinese=chinese)
        return [replace(mention, weight=mention.weight * 0.8) for mention in found]

    # --- meaning

    def _resolve(self, mentions: Sequence[Mention]) -> list[tuple[Mention, str]]:
        """One place for each mention, with the whole article in view; mentions without support are dropped."""
        support = _Support()
        for mention in mentions:
            if mention.firm and self._clear(mention):
                support.add(mention.text, (mention.senses[0], *self._places.parents(mention.senses[0])))
        resolved = []
        for mention in mentions:
            code = max(mention.senses, key=lambda code: self._fit(code, mention, support))
            if not mention.firm:
                supported = self._supported(mention, code, support)
                if mention.text in self._lexicon.common or not (supported or self._stands_alone(mention, code)):
                    continue
                mention = replace(mention, weight=mention.weight * (1.0 if supported else 0.5))  # noqa: PLW2901
            resolved.append((mention, code))
        return resolved

    def _clear(self, mention: Mention) -> bool:
        """Whether a name means one thing whatever stands around it."""
        first, *others = mention.senses
        country = self._places.country(first)
        fit = self._lexicon.prominence.get(first, 9.0)
        return all(
            fit - self._lexicon.prominence.get(code, 9.0) > _CLEAR or self._places.country(code) == country
            for code in others[:3]
        )

    def _fit(self, code: str, mention: Mention, support: _Support) -> float:
        """How well a sense fits: how likely a bare name means it, and what else the article names."""
        fit = self._lexicon.likely(code, mention.text)
        country = self._places.country(code)
        if country and (others := support.others(mention.text, country)):
            fit += 1.5 + min(1.0, others / 4)
        if code != country and any(
            support.others(mention.text, outer) for outer in self._places.parents(code)[:-3] if outer != country
        ):
            fit += 1.5
        return fit

    def _supported(self, mention: Mention, code: str, support: _Support) -> bool:
        """Whether the division or country of a town is named by another word too."""
        country = self._places.country(code)
        return any(
            support.others(mention.text, outer)
            for outer in self._places.parents(code)
            if self._places.country(outer) == country
        )

    def _stands_alone(self, mention: Mention, code: str) -> bool:
        place = self._places.find(code)
        return mention.rule == "name" and place is not None and place.population >= _ALONE_FROM

    # --- weight

    def _weigh(self, resolved: Sequence[tuple[Mention, str]], title: str) -> dict[str, _Weighed]:
        length = max((mention.end for mention, _ in resolved if mention.where == "text"), default=1)
        counts: dict[tuple[str, str], float] = defaultdict(float)
        elsewhere = {
            outer
            for mention, code in resolved
            if mention.where != "dateline"
            for outer in (code, *self._places.parents(code))
        }
        weighed: dict[str, _Weighed] = {}
        first_in_title = True
        for mention, code in resolved:
            if mention.where == "dateline" and code not in elsewhere:
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

    def _tags(self, weighed: Mapping[str, _Weighed]) -> list[RegionTag]:
        heads: dict[str, list[_Weighed]] = defaultdict(list)
        for entry in weighed.values():
            heads[self._places.country(entry.code) or entry.code].append(entry)
        totals = {head: sum(entry.weight for entry in entries) for head, entries in heads.items()}
        named = {
            head: entries for head, entries in heads.items() if any(entry.where != {"dateline"} for entry in entries)
        }
        top = max(totals[head] for head in named or heads)
        first = min(named or heads, key=lambda head: (-self._lead(heads[head], totals[head], top), head))
        tags: list[RegionTag] = []
        for head in sorted(heads, key=lambda head: (-totals[head], head)):
            where = set().union(*(entry.where for entry in heads[head]))
            share = totals[head] / top
            score = min(1.0, share) ** 0.5 * totals[head] / (totals[head] + _FULL / 2)
            if head == first:
                role = Role.PRIMARY
            elif share >= _COUNTERPART and where & {"title", "keywords"} or share >= 0.5 and where != {"dateline"}:
                role = Role.COUNTERPART
            else:
                role = Role.MENTIONED
            tags += self._specific(heads[head], role, score)
        rank = list(Role)
        return sorted(tags, key=lambda tag: (rank.index(tag.role), -tag.score, tag.region))

    @staticmethod
    def _lead(entries: Sequence[_Weighed], total: float, top: float) -> float:
        """Between countries of like weight the one that the title names first, as who acts or where, comes first."""
        return total * (_ACTING if total >= top / _ACTING and any(entry.acts for entry in entries) else 1.0)

    def _specific(self, entries: Sequence[_Weighed], role: Role, score: float) -> Iterator[RegionTag]:
        """The tags of one country: the most specific places that carry its weight have its role, others are mentioned."""
        chosen = self._choose(entries)
        above = {outer for code in chosen for outer in self._places.parents(code)}
        best = max(self._below(code, entries) for code in chosen)
        total = sum(entry.weight for entry in entries)
        for entry in entries:
            if entry.code in chosen:
                evidence = sorted(entry.evidence, key=lambda evidence: -evidence.weight)
                evidence += self._containment(entry.code, entries)
                own = score * (0.9 + 0.1 * self._below(entry.code, entries) / best)
                yield RegionTag(region=entry.code, role=role, score=round(own, 4), evidence=tuple(evidence[:12]))
            elif entry.code not in above:
                own = score * min(1.0, entry.weight / total) * 0.9
                evidence = sorted(entry.evidence, key=lambda evidence: -evidence.weight)
                yield RegionTag(
                    region=entry.code, role=Role.MENTIONED, score=round(own, 4), evidence=tuple(evidence[:6])
                )

    def _below(self, code: str, entries: Sequence[_Weighed]) -> float:
        return sum(entry.weight for entry in entries if self._places.within(entry.code, code))

    def _choose(self, entries: Sequence[_Weighed]) -> set[str]:
        """Go down from the country while the places inside it carry enough weight, and one of them most of theirs.

        That the country itself is named speaks for no other place in it, so it does not count against the inner one.
        """
        chain = {entry.code: set(self._places.parents(entry.code)) for entry in entries}
        nodes = {entry.code for entry in entries} | {outer for outers in chain.values() for outer in outers}
        below = {node: self._below(node, entries) for node in nodes}
        head = self._places.country(entries[0].code) or entries[0].code
        found: set[str] = set()
        waiting = [head]
        while waiting:
            node = waiting.pop()
            inside = [entry.code for entry in entries if node in chain[entry.code]]
            parts = {self._part(code, node) for code in inside}
            whole = sum(below[part] for part in parts)
            strong = [
                part for part in parts if below[part] >= _SPECIFIC * below[node] and below[part] >= _ALONE * whole
            ]
            if strong:
                waiting += strong
            else:
                found.add(node)
        named = {entry.code for entry in entries}
        return {node if node in named else self._nearest(node, named, below) for node in found}

    def _part(self, code: str, node: str) -> str:
        """The region directly below a node in which a place lies."""
        chain = (code, *self._places.parents(code))
        return chain[chain.index(node) - 1]

    def _nearest(self, node: str, named: set[str], below: Mapping[str, float]) -> str:
        """A region that is not named itself is stood for by the place in it with the most weight."""
        return max((code for code in named if self._places.within(code, node)), key=lambda code: (below[code], code))

    def _containment(self, code: str, entries: Sequence[_Weighed]) -> list[Evidence]:
        found = []
        weights = {entry.code: entry.weight for entry in entries}
        for outer in self._places.parents(code):
            place = self._places.find(outer)
            if place is not None and place.level is not Level.WORLD:
                name = place.names["en"]
                found.append(
                    Evidence(
                        where="containment",
                        text=name,
                        rule=f"lies in {outer}",
                        weight=round(weights.get(outer, 0.0), 3),
                    )
                )
        return found


def _without(text: str, names: Sequence[str]) -> str:
    """A text in which the publisher's and the agency's own names no longer name a place."""
    for name in names:
        text = text.replace(name, "·" * len(name))
    return text


def _limited(paragraphs: Sequence[str]) -> Iterator[str]:
    left = _LIMIT
    for paragraph in paragraphs:
        if left <= 0:
            return
        yield paragraph[:left]
        left -= len(paragraph) + 1
