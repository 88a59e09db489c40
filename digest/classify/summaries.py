"""One or two whole sentences of an article, verbatim, that stand alone and say what it is about.

    sentences of the first paragraphs | those fit to print | every one and every pair within the limit | the best

What may be printed, and what cannot stand alone, is decided by rules that nothing overrules. Among the ways that are
left a weighted sum of features decides: how early the sentences stand, how much of the headline, of the words that file
the article and of its own words they cover, how dense they are. The weights are learned (tools/train_summaries.py), or
set by hand where nothing learned is wanted; the features hold no text. Nothing is rewritten, joined or cut.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from math import log1p, sqrt
from operator import mul
from typing import Final

from digest.classify import wording
from digest.classify.sentences import split_sentences
from digest.errors import ConfigError
from digest.model import Article, RegionTag, Rights, Role, ThemeTag

LIMIT: Final = 55.0  # words; two Chinese characters count as one word
FIRST: Final = 15  # sentences of the beginning that may be taken
LONGEST: Final = 20_000  # characters of a paragraph that are read
READ: Final = 30  # sentences that say which words the article is made of
SHORTEST: Final = 4  # words of a sentence

FEATURES: Final = (
    "place of the first", "place of the last", "log of the last place", "begins at the beginning",
    "headline and filing", "headline by the first", "words of the article", "share of frequent words",
    "like the beginning", "capitals", "dense words", "begins at the beginning, no headline", "early words, no headline",
)  # fmt: skip
"""What is weighed of a way to sum an article up, in the order of the weights."""

BY_HAND: Final = (0.0, 0.0, -0.05, 0.05, 0.1, 0.1, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1)
"""Weights that nothing was learned for: early, and as much of the headline and of the article as there is room for."""

Way = tuple["_Sentence", ...]
Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    place: int  # in the article, from 0
    length: float  # words
    words: Counter[str]
    surname: bool = False  # begins with the last part of a name that an earlier sentence gave in full


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that may be taken, with what is weighed of it."""

    sentence: _Sentence
    blemish: float  # what its form costs
    unknown: float  # what it costs that its subject was named before, where that is left out
    filed: frozenset[str]  # its words that the headline or the filing has
    headline: float  # share of the headline's words that it has
    words: frozenset[str]
    frequent: frozenset[str]
    mass: int  # how often the article has its words
    early: float  # the same, weighed by how early they stand
    lead: float  # cosine with the first sentence
    capitals: float  # share of its words
    dense: float  # content words to all words


def summarise(
    article: Article, regions: Sequence[RegionTag] = (), themes: Sequence[ThemeTag] = (), *, learned: bool = True
) -> tuple[str, ...]:
    """One or two sentences of the article, in its order, at most `LIMIT` words together.

    Only when every sentence fit to print is longer than that, the shortest stands alone and exceeds the limit. An
    article without a text is summed up by its publisher's teaser; one whose rights allow the headline only, not at all;
    nor one each of whose sentences begins with a "he" or "they" that nobody could know.

    Args:
        article: what to sum up.
        regions: where it belongs; words that say so count.
        themes: what it is about; likewise.
        learned: weigh by the shipped weights; without, by those set by hand.
    """
    found = weighed(article, regions, themes)
    if not found:
        return ()
    weights = _learned() if learned else BY_HAND
    best = max(
        found,
        key=lambda one: (sum(map(mul, weights, one[1])) - one[2], -one[0][0].place, -one[0][-1].place),
    )
    return tuple(sentence.text for sentence in best[0])


def weighed(article: Article, regions: Sequence[RegionTag], themes: Sequence[ThemeTag]) -> list[tuple[Way, Row, float]]:
    """Every way to sum the article up that the rules allow: sentences, row of `FEATURES`, what their form costs."""
    if article.rights is Rights.HEADLINE:
        return []
    sentences = _sentences(article.paragraphs or (article.teaser,))
    usable = [one for one in sentences if one.length >= SHORTEST and wording.printable(one.text, article.title)]
    usable = usable or sentences
    leaning = {one.place for one in usable[:FIRST] if wording.leans(one.text)}
    firsts = [one for one in usable[:FIRST] if one.place not in leaning]
    firsts = firsts or [one for one in usable if not wording.dangles(one.text)][:FIRST]
    within = [one for one in firsts if one.length <= LIMIT]
    if not within:
        return [((min(firsts, key=lambda one: (one.length, one.place)),), (), 0.0)] if firsts else []
    topic = _Topic(article.title, _filed_under(regions, themes), sentences)
    starts = {one.place for one in within}
    candidates = [topic.candidate(one) for one in usable[:FIRST] if one.length <= LIMIT]
    seen = {one.sentence.place for one in candidates}
    candidates += [topic.candidate(one) for one in within if one.place not in seen]
    ways: list[tuple[Way, Row, float]] = []
    for at, first in enumerate(candidates):
        if first.sentence.place not in starts:
            continue
        place, room = first.sentence.place, LIMIT - first.sentence.length
        alone = first.blemish + first.unknown * (place > 0)
        ways.append(((first.sentence,), topic.row(first, first), alone))
        for last in candidates[at + 1 :]:
            apart = last.sentence.place > place + 1
            if last.sentence.length > room or (apart and last.sentence.place in leaning):
                continue
            cost = alone + last.blemish + 0.3 * last.unknown * apart
            ways.append(((first.sentence, last.sentence), topic.row(first, last), cost))
    return ways


class _Topic:
    """What a summary should cover: the headline's words, those that put it where it is filed, and the article's own."""

    def __init__(self, title: str, filed: Iterable[str], sentences: Sequence[_Sentence]) -> None:
        self._title = frozenset(wording.tokens(title))
        self._filed = self._title.union(filed)
        self._counts = Counter([word for sentence in sentences for word in sentence.words.elements()])
        self._early: dict[str, float] = {}
        if not self._title:
            for sentence in sentences:
                for word, count in sentence.words.items():
                    self._early[word] = self._early.get(word, 0.0) + count / (1 + sentence.place)
        self._frequent = frozenset([word for word, count in self._counts.items() if count > 1])
        self._total = self._counts.total() or 1
        self._early_total = sum(self._early.values()) or 1.0
        self._lead = sentences[0].words
        self._lead_words = frozenset(self._lead)
        self._lead_square = _square(self._lead)

    def candidate(self, sentence: _Sentence) -> _Candidate:
        """A sentence with what is weighed of it."""
        words = frozenset(sentence.words)
        tokens = sentence.text.split()
        counts, lead = sentence.words, self._lead
        product = sum([counts[word] * lead[word] for word in words & self._lead_words])
        square = self._lead_square * _square(sentence.words)
        return _Candidate(
            sentence=sentence,
            blemish=wording.blemish(sentence.text),
            unknown=0.06 * (sentence.surname or wording.named_before(sentence.text)),
            filed=self._filed & words,
            headline=len(self._title & words) / len(self._title) if self._title else 0.0,
            words=words,
            frequent=self._frequent & words,
            mass=sum(map(self._counts.__getitem__, words)),
            early=sum(map(self._early.__getitem__, words)) if self._early else 0.0,
            lead=product / sqrt(square) if square else 0.0,
            capitals=sum([token[0].isupper() for token in tokens[1:]]) / len(tokens),
            dense=sentence.words.total() / (sentence.length or 1.0),
        )

    def row(self, first: _Candidate, last: _Candidate) -> Row:
        """The features of a way; of one sentence, `last` is `first`."""
        filed, words, frequent = len(first.filed), len(first.words), len(first.frequent)
        mass, early, lead, capitals, dense = first.mass, first.early, first.lead, first.capitals, first.dense
        if last is not first:
            common = first.words & last.words
            filed = len(first.filed | last.filed)
            words += len(last.words) - len(common)
            frequent += len(last.frequent) - len(common & self._frequent)
            mass += last.mass - sum(map(self._counts.__getitem__, common))
            if self._early:
                early += last.early - sum(map(self._early.__getitem__, common))
            lead, capitals, dense = (lead + last.lead) / 2, (capitals + last.capitals) / 2, (dense + last.dense) / 2
        begins = float(first.sentence.place == 0)
        untitled = not self._title
        return (
            float(first.sentence.place), float(last.sentence.place), log1p(last.sentence.place), begins,
            filed / (len(self._filed) or 1), first.headline, mass / self._total, frequent / (words or 1), lead,
            capitals, dense, begins * untitled, early / self._early_total * untitled,
        )  # fmt: skip


def _sentences(paragraphs: Iterable[str]) -> list[_Sentence]:
    found: list[_Sentence] = []
    surnames: set[str] = set()
    for text in islice((text for paragraph in paragraphs for text in _of_paragraph(paragraph)), READ):
        begins = text.lstrip('"“').partition(" ")[0].removesuffix("'s").removesuffix("’s")
        found.append(_Sentence(text, len(found), wording.length(text), wording.words(text), begins in surnames))
        surnames.update(wording.surnames(text))
    return found


def _of_paragraph(paragraph: str) -> tuple[str, ...]:
    """Its sentences; of one longer than any paragraph the first, without the one that was cut."""
    if len(paragraph) <= LONGEST:
        return split_sentences(paragraph)
    return split_sentences(paragraph[:LONGEST])[:-1]


def _filed_under(regions: Sequence[RegionTag], themes: Sequence[ThemeTag]) -> set[str]:
    """Words that put the article into its regions and its first theme."""
    tags = [tag for tag in regions if tag.role is not Role.MENTIONED] + list(themes[:1])
    texts = {evidence.text for tag in tags for evidence in tag.evidence}
    return {word for text in texts for word in wording.tokens(text)}


def _square(words: Mapping[str, int]) -> int:
    """The square of its length as a vector of words."""
    return sum([count * count for count in words.values()])


@cache
def _learned() -> Row:
    """The weights that ship, in the order of `FEATURES`."""
    text = resources.files("digest.classify").joinpath("weights", "summaries.json").read_text("utf-8")
    document = json.loads(text)
    if document.get("format") != 1 or tuple(document["features"]) != FEATURES:
        raise ConfigError("a file of digest/classify/weights was trained on other features: reinstall Digest")
    return tuple(map(float, document["weights"]))
