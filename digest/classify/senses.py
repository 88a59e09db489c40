"""Which place a name means, with the whole article in view: Paris in Texas, Georgia the state, Birmingham, Ala.

A name means what it most likely means anywhere (how many people live there), unless the article names, by other words,
the country or division of another place of that name. A small town that nothing supports is not believed at all.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from digest.classify.lexicon import Lexicon
from digest.classify.mentions import (
    ANOTHER_NAME,
    BESIDE,
    COUNTY,
    FILING,
    GOVERNMENT,
    NAME,
    ORGANISATION,
    PERSON,
    Mention,
)
from digest.places import Level, Places

_LISTED, _LIST_WIDTH = 3, 40  # so many countries in so many characters on either side make a list of the world's places
_CLEAR = 2.0  # how much more prominent than any other a sense must be to be meant whatever stands around it
_ENGLISH = frozenset({"US", "CA", "AU"})  # where the gazetteer has every small town
_OFTEN = 2  # times that a division is named from which it nearly settles which place is meant
_TOGETHER = 1.0  # voices that small places must have together to speak for their division
_ALONE_FROM = 100_000  # a city of this many people is believed without support, at half weight


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


class Senses:
    """Gives each mention of an article one meaning."""

    def __init__(self, places: Places, lexicon: Lexicon) -> None:
        self._places = places
        self._lexicon = lexicon

    def resolve(self, mentions: Sequence[Mention]) -> list[tuple[Mention, str]]:
        """One place for each mention, with the whole article in view; mentions without support are dropped."""
        support = _Support()
        for mention in mentions:
            if mention.firm and self._clear(mention):
                support.add(mention.text, (mention.senses[0], *self._places.parents(mention.senses[0])))
        self._gather(mentions, support)
        settled = {
            mention.text.partition(",")[0].casefold(): mention.senses[0]
            for mention in reversed(mentions)
            if mention.rule in {BESIDE, FILING} and len(mention.senses) == 1
        }
        people = {mention.text for mention in mentions if mention.rule == PERSON}
        governments = {mention.text for mention in mentions if mention.rule == GOVERNMENT}
        resolved = []
        for index, mention in enumerate(mentions):
            if mention.rule == PERSON:
                continue
            if mention.rule == COUNTY:
                resolved.append((mention, self._state(mention, support)))
                continue
            code = mention.senses[0]
            if len(mention.senses) > 1 and not self._among_others(mentions, index):
                code = max(mention.senses, key=lambda code: self._fit(code, mention, support))
            supported = self._supported(mention, code, support)
            if (told := settled.get(mention.text.casefold(), "")) in mention.senses:
                code, supported = told, True  # London, Ontario, and from then on only London
            elif not self._believed(mention, code, supported=supported, person=mention.text in people):
                code = self._at_home(mention, code, support) if mention.text not in people else ""
                if not code:
                    continue
            place = self._places.find(code)
            if mention.where == "title" and mention.text in governments and place and place.capital_of:
                code = place.capital_of  # "Beijing warns Washington", when the text says what Beijing said
            doubted = not (mention.firm or supported)
            resolved.append((replace(mention, weight=mention.weight * 0.5) if doubted else mention, code))
        return resolved

    def _gather(self, mentions: Sequence[Mention], support: _Support) -> None:
        """Let small places that only go together in one division speak for it: Cambridge, Byesville, Guernsey County.

        A county of one state speaks for that state. Of a name that several divisions know each gets a share of its
        voice, and a name that is known for itself (Paris) has none here.
        """
        voices: dict[str, dict[str, float]] = defaultdict(dict)
        for mention in mentions:
            if mention.rule not in {NAME, COUNTY} or (mention.firm and mention.rule != COUNTY):
                continue
            divisions = {outer for code in mention.senses for outer in (code, *self._divisions(code))}
            divisions = {code for code in divisions if "-" in code}
            for code in divisions:
                voices[code][mention.text] = 1.0 / len(divisions)
        for code, names in voices.items():
            if sum(names.values()) >= _TOGETHER and (len(names) > 1 or max(names.values()) == 1.0):
                for name in names:
                    support.add(name, (code, self._places.country(code)))

    def _state(self, mention: Mention, support: _Support) -> str:
        """The state of a county; its country when several have one and nothing else speaks for any."""
        if len(mention.senses) == 1:
            return mention.senses[0]
        best = max(mention.senses, key=lambda code: (support.others(mention.text, code), code))
        return best if support.others(mention.text, best) else self._places.country(best)

    def _believed(self, mention: Mention, code: str, *, supported: bool, person: bool) -> bool:
        """Whether a mention is of a place at all."""
        if mention.rule not in {NAME, ANOTHER_NAME, ORGANISATION}:
            return True
        if person and not supported:
            return False  # Michael Jordan, and then only Jordan
        if mention.firm:
            return True
        place = self._places.find(code)
        alone = mention.rule == NAME and place is not None and place.population >= _ALONE_FROM
        return mention.text not in self._lexicon.common and (supported or alone)

    def _among_others(self, mentions: Sequence[Mention], index: int) -> bool:
        """Whether a name stands in a list of places of several countries: each of them means what it means anywhere."""
        mention, countries = mentions[index], set()
        for other in mentions[max(0, index - _LISTED) : index + _LISTED + 1]:
            apart = max(other.start - mention.end, mention.start - other.end)
            if other.where == mention.where and other.rule == NAME and 0 < apart <= _LIST_WIDTH and self._clear(other):
                countries.add(self._places.country(other.senses[0]))
        return len(countries - {""}) >= _LISTED

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
        inside = (code,) if code != country else ()
        near = sum(support.others(mention.text, outer) for outer in {*inside, *self._divisions(code)})
        if near:
            fit += 1.5 if near < _OFTEN else 3.0
        return fit

    def _at_home(self, mention: Mention, code: str, support: _Support) -> str:
        """The country of a small town that nothing settles, where other words name that country; else nothing."""
        country = self._places.country(code)
        named = country in _ENGLISH and mention.rule == NAME and mention.text not in self._lexicon.common
        return country if named and support.others(mention.text, country) else ""

    def _divisions(self, code: str) -> Iterator[str]:
        """The divisions, below its country, in which a place lies."""
        country = self._places.country(code)
        if country and code != country:
            yield from itertools.takewhile(lambda outer: outer != country, self._places.parents(code))

    def _supported(self, mention: Mention, code: str, support: _Support) -> bool:
        """Whether the division or country of a town is named by another word too.

        Where every small town is listed (ENGLISH), its country says nothing: its division must be named.
        """
        place, country = self._places.find(code), self._places.country(code)
        small = place is not None and place.population < _ALONE_FROM and place.level is Level.CITY
        outer = () if small and country in _ENGLISH else (country,)
        around = (code, *self._divisions(code), *outer)
        return any(support.others(mention.text, outer) for outer in around)
