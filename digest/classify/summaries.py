"""One or two whole sentences of an article, verbatim, that stand alone and say what it is about.

    sentences of the first paragraphs | those fit to print | every one and every pair within the limit | the best

The weights were fitted on a public corpus of summaries that people wrote (docs/taxonomy.md names it), and rounded.
What decides is how much of the headline a pair covers, how central its words are, how early it stands, and that it
fills the room. Nothing is rewritten, joined or cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, islice
from math import log1p, sqrt

from digest.classify.sentences import split_sentences
from digest.model import Article, RegionTag, Rights, Role, ThemeTag

LIMIT = 55.0  # words; two Chinese characters count as one word
FIRST = 8  # sentences of the beginning that may be taken
LONGEST = 20_000  # characters of a paragraph that are read
READ = 30  # sentences that say which words are central

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_CJK_CHAR = re.compile(rf"[{_CJK}]")
_LATIN = re.compile(r"[^\W_]{2,}")
_RUN = re.compile(rf"[^\W_{_CJK}]{{2,}}|[{_CJK}]+")
_ANNOUNCES = re.compile(r"[:：]$")  # a list follows, which a summary cannot hold
_COMPLETE = re.compile(r"[.!?…。！？:：][\"'”’»)\]」』）》]*$")
_FURNITURE = re.compile(
    r"(?:photo|image|picture|video|graphic|read more|read also|see also|click|subscribe|sign up|follow us|copyright|©"
    r"|source:|advertisement|editor'?s note|correction:|updated?:|related:|for more"
    r"|图片|图为|来源|责任编辑|编辑：|点击|版权)",
    re.IGNORECASE,
)
# Openings that lean on a sentence before them.
_PRONOUN = re.compile(
    r"[\"'“‘]?(?:he|she|it|they|his|her|its|their|theirs|him|them|this|these|those|that|such|both|neither"
    r"|either|one of them"
    r"|the (?:two|three|four|latter|former|same|pair|duo|trio|other|others)|we|i|you|our|my|your|us)\b"
    r"|[“「]?(?:他|她|它|其|此|这|那|该|双方|两者|二者|我们|我)",
    re.IGNORECASE,
)
_OF_THEM = re.compile(r"(?:\w+\s){1,4}(?:of|among)\s(?:them|these|those|it)\b", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"[\"'“‘]?(?:but|and|or|so|yet|however|meanwhile|moreover|furthermore|also|then|there|thus|therefore|nevertheless"
    r"|nonetheless|still|instead|otherwise|besides|in addition|in particular|for example|for instance|as a result"
    r"|on the other hand|by contrast|in contrast|similarly|likewise|earlier|later|afterwards|previously|finally"
    r"|according to (?:him|her|them|it)|another|other|others|some of them|most of them|asked (?:about|whether|if)"
    r"|\w+ing (?:the|this|that|these|those|it|them))\b"
    r"|[“「]?(?:但|而|因此|所以|此外|另外|同时|然而|不过|随后|之后|其中|例如|对此|据此|据悉|另据|至此)",
    re.IGNORECASE,
)
# Nouns that the text must have named before: "The company said", "Mr. Wang describes".
_NAMED_BEFORE = re.compile(
    r"[\"'“‘]?(?:the (?:announcement|move|deal|decision|plan|project|company|firm|group|bank|agreement|measure|report"
    r"|survey|study|statement|news|event|meeting|office|incident|case|officials?|ministry|spokes\w+|device|service|system|owner|buyer)\b"
    r"|(?:mr|mrs|ms|dr|messrs)\.? [A-Z]|\w+ (?:said|says|added|adds|told|noted|explained)\b)",
    re.IGNORECASE,
)
_POINTING = re.compile(r"\b(?:these|those|such|do so|did so|doing so|the latter|the former|the same)\b|这些|上述|该项")
_FULL_NAME = re.compile(r"(?=\b[A-Z][\w’'-]+\)? ([A-Z][\w’'-]{2,}))")
_STOP_LIST = """
    a about after all also an and any are as at be because been before being both but by can could did do does
    during each for from further had has have he her here him his how i if in into is it its just may might more
    most much must my no not of off on one only or other our out over own per s said same say says she should so
    some such t than that the their them then there these they this those through to told too under until up very
    was we were what when where which while who whom will with would you your
"""
_STOP = frozenset(_STOP_LIST.split())


@dataclass(frozen=True)
class _Sentence:
    text: str
    place: int  # in the article, from 0
    length: float  # words
    words: Counter[str]
    surname: bool = False  # begins with the last part of a name that an earlier sentence gave in full

    @cached_property
    def square(self) -> int:
        """The square of its length as a vector of words."""
        return sum(count * count for count in self.words.values())

    @cached_property
    def leans(self) -> bool:
        """Whether its first words point at something said before it."""
        return bool(_PRONOUN.match(self.text) or _CONNECTIVE.match(self.text) or _OF_THEM.match(self.text))

    @cached_property
    def was_named(self) -> bool:
        """Whether its subject was introduced before: a bare noun or surname that the reader cannot know."""
        return self.surname or bool(_NAMED_BEFORE.match(self.text))

    @cached_property
    def blemish(self) -> float:
        """What its form costs wherever it stands: a quotation, a question, a list announced, a pointing word."""
        text = self.text
        cost = 0.03 * (text[0] in "\"'“‘「") + 0.07 * (text[-1] in "?？")
        return cost + 0.05 * bool(_POINTING.search(text)) + 0.2 * bool(_ANNOUNCES.search(text))


@dataclass(frozen=True)
class _Topic:
    """What a summary should cover: the headline's words, those that put it where it is filed, and the article's own."""

    title: frozenset[str]
    filed: frozenset[str]
    centre: Counter[str]
    norm: float
    frequent: frozenset[str]
    products: dict[int, int] = field(default_factory=dict)  # sentence's place -> its product with the centre
    hits: dict[int, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)  # filed and frequent words

    @classmethod
    def of(cls, title: str, filed: Iterable[str], sentences: Iterable[_Sentence]) -> _Topic:
        headline = frozenset(_words(title))
        centre = Counter[str]()
        for sentence in sentences:
            centre.update(sentence.words)
        norm = sqrt(sum(count * count for count in centre.values()))
        return cls(headline, headline.union(filed), centre, norm, frozenset(w for w, n in centre.items() if n > 1))

    def covered(self, way: tuple[_Sentence, ...]) -> float:
        """How much of the topic these sentences cover; about 0 to 0.3."""
        filed, frequent = self._hits(way[0])
        if len(way) > 1:
            more_filed, more_frequent = self._hits(way[1])
            filed, frequent = filed | more_filed, frequent | more_frequent
        product = sum(self._share_of_centre(sentence) for sentence in way)
        length = sqrt(sum(s.square for s in way) + (2 * _product(way[0].words, way[1].words) if len(way) > 1 else 0))
        return (
            0.15 * _share(self.title, filed)
            + 0.05 * _share(self.filed, filed)
            + 0.08 * (product / (length * self.norm) if length else 0.0)
            + 0.04 * min(1.0, len(frequent) / 20)
        )

    def _hits(self, sentence: _Sentence) -> tuple[frozenset[str], frozenset[str]]:
        """The words of a sentence that it should cover, and its frequent ones."""
        if sentence.place not in self.hits:
            words = sentence.words.keys()
            self.hits[sentence.place] = frozenset(self.filed & words), frozenset(self.frequent & words)
        return self.hits[sentence.place]

    def _share_of_centre(self, sentence: _Sentence) -> int:
        if sentence.place not in self.products:
            self.products[sentence.place] = _product(sentence.words, self.centre)
        return self.products[sentence.place]


def summarise(article: Article, regions: Sequence[RegionTag] = (), themes: Sequence[ThemeTag] = ()) -> tuple[str, ...]:
    """One or two sentences of the article, in its order, at most `LIMIT` words together.

    Only when every sentence fit to print is longer than that, the shortest stands alone and exceeds the limit. An
    article without a text is summed up by its publisher's teaser; one whose rights allow the headline only, not at all.
    """
    if article.rights is Rights.HEADLINE:
        return ()
    sentences = _sentences(article.paragraphs or (article.teaser,))
    usable = [s for s in sentences if _fit(s, article.title)][:FIRST] or sentences[:FIRST]
    if not usable:
        return ()
    ways = [(s,) for s in usable] + [(a, b) for a, b in combinations(usable, 2) if a.length + b.length <= LIMIT]
    within = [way for way in ways if len(way) > 1 or way[0].length <= LIMIT]
    if not within:
        return (min(usable, key=lambda s: (s.length, s.place)).text,)
    topic = _Topic.of(article.title, _filed_under(regions, themes), sentences)
    best = max(within, key=lambda way: (topic.covered(way) + _form(way), -way[0].place))
    return tuple(sentence.text for sentence in best)


def _form(way: tuple[_Sentence, ...]) -> float:
    """How well sentences stand: early, filling the room, leaning on nothing that is left out."""
    first, last = way[0], way[-1]
    lengths = [s.length for s in way]
    score = 0.08 * sum(lengths) / LIMIT + 0.02 * min(lengths) / 30
    score -= 0.03 * log1p(first.place) + 0.015 * log1p(last.place)
    if first.place == 0:
        score += 0.02 - 0.2 * first.leans
    else:
        score -= first.leans + 0.08 * first.was_named
    if last.place > first.place + 1:
        score -= 0.5 * last.leans + 0.05 * last.was_named
    return score - sum(sentence.blemish for sentence in way)


def _fit(sentence: _Sentence, title: str) -> bool:
    """Whether a sentence may be printed at all: whole, no furniture, not the headline again."""
    text = sentence.text
    return (
        sentence.length >= 4
        and bool(_COMPLETE.search(text))
        and not _FURNITURE.match(text)
        and text.rstrip(".。!！").casefold() != title.rstrip(".。!！").casefold()
    )


def _sentences(paragraphs: Iterable[str]) -> list[_Sentence]:
    found: list[_Sentence] = []
    surnames: set[str] = set()
    for text in islice((text for paragraph in paragraphs for text in _of_paragraph(paragraph)), READ):
        begins = text.lstrip('"“').partition(" ")[0].removesuffix("'s").removesuffix("’s")
        found.append(_Sentence(text, len(found), _length(text), _words(text), begins in surnames))
        surnames.update(_FULL_NAME.findall(text))
    return found


def _of_paragraph(paragraph: str) -> tuple[str, ...]:
    """Its sentences; of one longer than any paragraph the first, without the one that was cut."""
    if len(paragraph) <= LONGEST:
        return split_sentences(paragraph)
    return split_sentences(paragraph[:LONGEST])[:-1]


def _length(text: str) -> float:
    chinese = len(_CJK_CHAR.findall(text))
    return chinese / 2 + len(_CJK_CHAR.sub(" ", text).split()) if chinese else float(len(text.split()))


def _words(text: str) -> Counter[str]:
    """Content words in lower case; of Chinese, pairs of neighbouring characters."""
    if text.isascii() or not _CJK_CHAR.search(text):
        return Counter(word for word in _LATIN.findall(text.lower()) if word not in _STOP)
    words = Counter[str]()
    for run in _RUN.findall(text.lower()):
        words.update([run] if run.isascii() else (run[place : place + 2] for place in range(max(1, len(run) - 1))))
    return words


def _filed_under(regions: Sequence[RegionTag], themes: Sequence[ThemeTag]) -> set[str]:
    """Words that put the article into its regions and its first theme."""
    tags = [tag for tag in regions if tag.role is not Role.MENTIONED] + list(themes[:1])
    return {word for tag in tags for evidence in tag.evidence for word in _words(evidence.text)}


def _share(wanted: frozenset[str], words: AbstractSet[str]) -> float:
    return len(wanted & words) / len(wanted) if wanted else 0.0


def _product(one: Counter[str], other: Counter[str]) -> int:
    return sum(count * other[word] for word, count in one.items() if word in other)
