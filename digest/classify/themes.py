"""Which themes an article stands under: weighted words and phrases of the taxonomy, counted in one pass per field.

    section line, keywords, title, lead, text | phrases found -> weights added per theme | the best one to three

Rules only: every tag can be explained by the phrases that speak for it. Regions are judged in `regions`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import log2

from ahocorasick_rs import AhoCorasick, MatchKind

from digest.classify.lexicon import simplified
from digest.classify.taxonomy import Taxonomy
from digest.model import Article, Evidence, ThemeTag

MOST = 3  # themes of one article
ENOUGH = 3.0  # below this nothing speaks clearly enough: no theme, rather than a guess
SHARE = 0.65  # a further theme must reach this share of the best one
HALF = 12.0  # the weight at which a score is one half
READ = 6000  # characters of text that are read: what a story is about stands early
WORDS_READ = 4  # evidence shown per theme

# A word counts by where it stands. Publishers' own keywords are as good as a title.
_FIELDS: Mapping[str, float] = {"title": 3.0, "keywords": 3.0, "lead": 2.0, "text": 1.0}
_PLACES = tuple(_FIELDS)  # in the order in which they are read
_WHOLE_SECTION, _PART_OF_SECTION = 10.0, 6.0

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
# Words, runs of Chinese, and marks that part phrases. Hyphens and apostrophes part words only: self-driving, China's.
_TOKEN = re.compile(rf"[^\W_{_CJK}]+|[{_CJK}]+|[^\w\s'’-]")
_SECTION_PARTS = re.compile(r"\s*[·•|/>»:;,、，]\s*|\s+[-–—]\s+")


_SEPARATE = "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum() and chr(code) not in "'-_")
_PARTING = dict.fromkeys((*range(33), 127, *map(ord, "'-_")), " ")
_TYPOGRAPHIC = (("’", "'"), *((mark, ";") for mark in "‘“”–—…£€·•«»"), ("\u00a0", " "))


def _spread(text: str) -> str:
    """The text as " word  word  , ": each token between spaces of its own, so that matches end at words."""
    return f" {'  '.join(_tokens(text))} "


def _tokens(text: str) -> list[str]:
    """What `_TOKEN` finds. Of English a table and a split take a third of its time."""
    if not text.isascii():
        for mark, plain in _TYPOGRAPHIC:
            text = text.replace(mark, plain)
        if not text.isascii():
            return _TOKEN.findall(simplified(text))
    text = text.translate(_PARTING)
    for mark in _SEPARATE:
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    return text.split()


@dataclass(slots=True)
class _Found:
    """A phrase of a theme, wherever it was found: how much it counts in all, and the best place."""

    theme: int
    phrase: str
    weight: float
    where: str = "text"
    counted: float = 0.0

    def add(self, place: str) -> None:
        self.counted += _FIELDS[place]
        if _FIELDS[place] > _FIELDS[self.where]:
            self.where = place

    @property
    def value(self) -> float:
        """Weight times a count that saturates: ten mentions are not ten times the news."""
        return self.weight * log2(1.0 + self.counted)


class Themes:
    """Judges articles by a taxonomy. Made once: compiles every phrase into two automata."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._ids = tuple(theme.id for theme in taxonomy)
        self._sections: dict[str, list[int]] = defaultdict(list)
        any_case: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
        one_case: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
        for number, theme in enumerate(taxonomy):
            for label in theme.sections:
                self._sections[_label(label)].append(number)
            for phrase, weight in theme.phrases.items():
                table = any_case if phrase == phrase.lower() else one_case
                for form in _forms(phrase):
                    table[form].append((number, phrase, weight))
        self._matchers = tuple(_Matcher(table) for table in (any_case, one_case))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all themes, in the order of the taxonomy."""
        return self._ids

    def weigh(self, article: Article) -> Mapping[str, float]:
        """What speaks for each theme, by id, however little; 3 is enough for a tag."""
        raw = self._weighed(self._found(article), self._of_section(article.section))
        return {self._ids[theme]: weight for theme, weight in raw.items()}

    @staticmethod
    def _weighed(found: Iterable[_Found], sections: Mapping[int, tuple[str, float]]) -> Mapping[int, float]:
        raw: dict[int, float] = defaultdict(float)
        for hit in found:
            raw[hit.theme] += hit.value
        for theme, (_, weight) in sections.items():
            raw[theme] += weight
        return raw

    def judge(self, article: Article) -> tuple[ThemeTag, ...]:
        """The article's themes, best first: one to three, or none when nothing speaks clearly."""
        found = self._found(article)
        sections = self._of_section(article.section)
        raw = self._weighed(found, sections)
        ranked = sorted((theme for theme in raw if raw[theme] >= ENOUGH), key=lambda theme: (-raw[theme], theme))
        # What a publisher files it under holds, however loudly other themes speak.
        chosen = [theme for theme in ranked if theme in sections or raw[theme] >= SHARE * raw[ranked[0]]]
        while len(chosen) > MOST:
            chosen.remove(next((theme for theme in reversed(chosen) if theme not in sections), chosen[-1]))
        return tuple(
            ThemeTag(
                theme=self._ids[theme],
                score=round(raw[theme] / (raw[theme] + HALF), 4),
                evidence=tuple(_evidence(theme, found, sections)),
            )
            for theme in chosen
        )

    def _found(self, article: Article) -> list[_Found]:
        lead, *rest = article.paragraphs or (article.teaser,)
        # Read at once, each part on a line of its own: a match never reaches over what parts them.
        parts = (article.title, " ; ".join(article.keywords), lead[:READ], "\n".join(rest)[:READ])
        spread = [_spread(part) for part in parts]
        ends = list(accumulate(len(part) + 1 for part in spread))
        whole = "\n".join(spread)
        found: dict[tuple[int, str], _Found] = {}
        lower = whole.lower()
        forms = (lower if len(lower) == len(whole) else "".join([char.lower()[0] for char in whole]), whole)
        for matcher, form in zip(self._matchers, forms, strict=True):
            for start, theme, phrase, weight in matcher.matches(form):
                place = _PLACES[bisect_right(ends, start)]
                hit = found.get((theme, phrase))
                if hit is None:
                    hit = found[theme, phrase] = _Found(theme, phrase, weight)
                hit.add(place)
        return list(found.values())

    def _of_section(self, label: str) -> dict[int, tuple[str, float]]:
        """Themes that the publisher's section line names: as a whole, or by its parts."""
        if not label:
            return {}
        if whole := self._sections.get(_label(label)):
            return dict.fromkeys(whole, (label, _WHOLE_SECTION))
        parts = {theme: part for part in _SECTION_PARTS.split(label) for theme in self._sections.get(_label(part), ())}
        return {theme: (part, _PART_OF_SECTION) for theme, part in parts.items()}


class _Matcher:
    """One automaton: the longest phrase at each place; a phrase may belong to several themes."""

    def __init__(self, table: Mapping[str, list[tuple[int, str, float]]]) -> None:
        self._meanings = tuple(table.values())
        self._automaton = AhoCorasick(list(table), matchkind=MatchKind.LeftmostLongest) if table else None

    def matches(self, text: str) -> Iterator[tuple[int, int, str, float]]:
        """Where a phrase begins, its theme, the phrase, what it weighs there."""
        if self._automaton is not None:
            for index, start, _ in self._automaton.find_matches_as_indexes(text):
                for meaning in self._meanings[index]:
                    yield start, *meaning


def _label(text: str) -> str:
    return simplified(" ".join(text.casefold().split()))


@lru_cache(8192)  # a process that opens a publication again has the same taxonomy
def _forms(phrase: str) -> frozenset[str]:
    """The spellings of a phrase in spread text: itself, its plural, its capitals, or everything that begins so."""
    open_end = phrase.endswith("*")
    spread = _spread(phrase.rstrip("*"))
    if re.match(rf" [{_CJK}]", spread):
        spread = spread[1:]  # Chinese knows no word boundary
    if re.search(rf"[{_CJK}] $", spread):
        return frozenset({spread[:-1]})
    if open_end:
        return frozenset({spread[:-1]})
    forms = {spread}
    if phrase != phrase.lower():
        return frozenset(forms | ({spread.upper()} if phrase != phrase.upper() else set()))  # headlines in capitals
    bare = spread[:-1]
    if len(phrase) > 3 and bare[-1] not in "s.":  # of short words the plural is seldom what is meant: new, news
        if re.search(r"[^aeiou]y$", bare):
            forms.add(f"{bare[:-1]}ies ")
        else:
            forms.add(f"{bare}es " if re.search(r"(?:x|z|ch|sh)$", bare) else f"{bare}s ")
    return frozenset(forms)


def _evidence(theme: int, found: Iterable[_Found], sections: Mapping[int, tuple[str, float]]) -> Iterator[Evidence]:
    if theme in sections:
        label, weight = sections[theme]
        yield Evidence(where="section", text=label, rule="the publisher's section line", weight=weight)
    hits = sorted((hit for hit in found if hit.theme == theme), key=lambda hit: (-abs(hit.value), hit.phrase))
    for hit in hits[:WORDS_READ]:
        rule = "phrase of the theme" if hit.weight > 0 else "phrase that speaks against it"
        yield Evidence(where=hit.where, text=hit.phrase, rule=rule, weight=round(hit.value, 2))
