"""Themes learned from editors' corrections: rules are the prior, and hold until the learner is proved better.

    ThemeCorrection, ... | features of text and rules | a model per theme -> Learner      Article -> themes, or "unsure"

Each theme has a logistic model over hashed words and pairs of words, and over what the rules say of every theme. While
it learns, each correction is judged by a model that has not seen it; a theme's model takes the place of its rules only
where it made fewer mistakes on those than the rules did. Its chances are put on scale by the same unseen answers. The
same corrections give the same learner, in whatever order they come.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from math import exp, log, log1p
from typing import Any, Final
from zlib import crc32

import numpy as np

from digest.classify.lexicon import simplified
from digest.classify.refiling import LEAST, ThemeCorrection
from digest.classify.themes import ENOUGH, MOST, Themes
from digest.model import Article, Evidence, ThemeTag

POSITIVE: Final = 4  # corrections that name a theme, or take it away, before its model can take over
UNSURE: Final = 0.2  # how near to an even chance a theme is left to the editor
SIZE: Final = 1 << 17  # places for words
_FOLDS: Final = 5
_ROUNDS: Final = 6  # times that all corrections are gone through
_RATE, _PRIOR_RATE, _DECAY = 1.0, 0.1, 2e-6
_READ: Final = 3_000  # characters of a text
_CJK: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD: Final = re.compile(rf"[^\W_{_CJK}]{{2,}}|[{_CJK}]+")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a theme's model did on corrections that it had not seen, beside the rules."""

    theme: str
    corrections: int  # that name the theme
    rules: int  # mistakes of the rules
    learned: int  # mistakes of the model
    takes_over: bool


class Learner:
    """Judges themes with what corrections taught. Made by `learn`."""

    def __init__(
        self, rules: Themes, weights: Any, scales: Sequence[tuple[float, float]], standings: Sequence[Standing]
    ) -> None:
        self.standings = tuple(standings)
        self._rules = rules
        self._weights = weights
        self._scales = scales
        self._over = frozenset(one.theme for one in standings if one.takes_over)

    def judge(self, article: Article) -> tuple[ThemeTag, ...]:
        """The article's themes, best first: the model's where it has taken over, else the rules'."""
        ruled = {tag.theme: tag for tag in self._rules.judge(article)}
        if not self._over:
            return tuple(ruled.values())
        chances = self.chances(article)
        tags = [tag for theme, tag in ruled.items() if theme not in self._over]
        for theme in self._over:
            if chances[theme] >= 0.5:
                learned = Evidence(
                    where="text", text="", rule="learned from corrections", weight=round(chances[theme], 3)
                )
                evidence = (learned, *(ruled[theme].evidence if theme in ruled else ()))
                tags.append(ThemeTag(theme=theme, score=round(chances[theme], 4), evidence=evidence))
        return tuple(sorted(tags, key=lambda tag: (-tag.score, tag.theme))[:MOST])

    def chances(self, article: Article) -> Mapping[str, float]:
        """How likely each theme is, 0 to 1, on scale: of a hundred at 0.7 about seventy are right."""
        places, values, prior = _features(article, self._rules)
        told = self._weights[places].T @ np.asarray(values) + _logits(prior, self._weights, len(self._rules.ids))
        return {
            theme: _chance(scale * float(one) + shift)
            for theme, one, (scale, shift) in zip(self._rules.ids, told, self._scales, strict=True)
        }

    def unsure(self, article: Article) -> tuple[str, ...]:
        """Themes that an editor should decide: those of an even chance; all likely ones when none is clear."""
        chances = self.chances(article)
        return tuple(theme for theme in self._rules.ids if abs(chances[theme] - 0.5) < UNSURE)


def learn(corrections: Iterable[ThemeCorrection], rules: Themes) -> Learner | None:
    """The learner that corrections make; None while there are too few to learn from.

    Args:
        corrections: what editors decided; an article that was corrected twice counts with its last correction only.
        rules: the rules of the taxonomy, which are the prior.
    """
    known = {one.article.uid: one for one in corrections}
    ordered = sorted(known.values(), key=lambda one: blake2b(one.article.uid.encode()).digest())
    if len(ordered) < LEAST:
        return None
    ids = rules.ids
    rows = [_features(one.article, rules) for one in ordered]
    truth = np.array([[theme in one.themes for theme in ids] for one in ordered], dtype=float)
    ruled = [{tag.theme for tag in rules.judge(one.article)} for one in ordered]
    unseen = np.zeros_like(truth)
    for fold in range(_FOLDS):
        kept = [number for number in range(len(ordered)) if number % _FOLDS == fold]
        seen = [number for number in range(len(ordered)) if number % _FOLDS != fold]
        weights = _fitted([rows[number] for number in seen], truth[seen], len(ids))
        for number in kept:
            places, values, prior = rows[number]
            unseen[number] = weights[places].T @ values + _logits(prior, weights, len(ids))
    scales, standings = [], []
    for column, theme in enumerate(ids):
        right = truth[:, column] > 0
        scale, shift = _platt(unseen[:, column], right)
        scales.append((scale, shift))
        said = scale * unseen[:, column] + shift >= 0
        by_rules = np.array([theme in one for one in ruled])
        mistakes, learned = int((by_rules != right).sum()), int((said != right).sum())
        better = (
            learned < mistakes
            and max(mistakes, int(right.sum())) >= POSITIVE
            and _f1(said, right) >= _f1(by_rules, right)
        )
        standings.append(
            Standing(
                theme=theme, corrections=int(right.sum()), rules=mistakes, learned=learned, takes_over=bool(better)
            )
        )
    return Learner(rules, _fitted(rows, truth, len(ids)), scales, standings)


def _features(article: Article, rules: Themes) -> tuple[Any, Any, tuple[float, ...]]:
    """Places of its words among `SIZE`, their weights (of length 1), and what the rules say of each theme."""
    counts: Counter[str] = Counter()
    for text, times in ((article.title, 3), (" ".join(article.paragraphs or (article.teaser,))[:_READ], 1)):
        words = [piece for token in _WORD.findall(simplified(text.lower())) for piece in _pieces(token)]
        for word in words:
            counts[word] += times
        for pair in pairwise(words):
            counts[" ".join(pair)] += times
    for keyword in article.keywords:
        counts[f"keyword {keyword.casefold()}"] += 3
    if article.section:
        counts[f"section {article.section.casefold()}"] += 5
    values = np.array([1.0 + log(count) for count in counts.values()])
    length = float(np.sqrt((values * values).sum())) or 1.0
    places = np.array([crc32(word.encode()) % SIZE for word in counts], dtype=np.int64)
    weighed = rules.weigh(article)
    prior = tuple(log1p(max(0.0, weighed.get(theme, 0.0))) for theme in rules.ids)
    return places, values / length, prior


def _pieces(token: str) -> Sequence[str]:
    """Chinese in characters and pairs of them, so that two in a row are up to three; other words as they are."""
    if not re.match(f"[{_CJK}]", token):
        return (token,)
    return [piece for at in range(len(token)) for piece in (token[at], token[at : at + 2])][: 2 * len(token) - 1]


def _logits(prior: Sequence[float], weights: Any, themes: int) -> Any:
    """What the rules' weights say: the last rows of the weights belong to them, and the very last is the constant."""
    return weights[SIZE : SIZE + themes].T @ prior + weights[SIZE + themes]


def _fitted(rows: Sequence[tuple[Any, Any, tuple[float, ...]]], truth: Any, themes: int) -> Any:
    """Weights of words, of the rules and of the constant, by theme: logistic regression by AdaGrad, from the rules."""
    weights = np.zeros((SIZE + themes + 1, themes))
    weights[SIZE : SIZE + themes] = np.eye(themes) * 2.0  # the rules, until corrections say otherwise
    weights[SIZE + themes] = -2.0 * log1p(1.5 * ENOUGH)
    squares = np.full_like(weights, 0.1)
    tail = np.arange(SIZE, SIZE + themes + 1)
    for step in range(_ROUNDS):
        for number in range(len(rows)):
            places, values, prior = rows[(number * 7919 + step) % len(rows)]
            known = np.array((*prior, 1.0))
            told = weights[places].T @ values + weights[tail].T @ known
            wrong = 1.0 / (1.0 + np.exp(-np.clip(told, -30, 30))) - truth[(number * 7919 + step) % len(rows)]
            for where, what, rate in ((places, values, _RATE), (tail, known, _PRIOR_RATE)):
                slope = np.outer(what, wrong) + _DECAY * weights[where]
                squares[where] += slope * slope
                weights[where] -= rate * slope / np.sqrt(squares[where])
    return weights


def _platt(told: Any, right: Any) -> tuple[float, float]:
    """Scale and shift that turn what models said of unseen articles into chances."""
    positive, negative = float(right.sum()), float((~right).sum())
    target = np.where(right, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))
    scale, shift = 1.0, 0.0
    for _ in range(50):  # Newton's method on two numbers
        chance = 1.0 / (1.0 + np.exp(-np.clip(scale * told + shift, -30, 30)))
        wrong, curve = chance - target, np.maximum(chance * (1.0 - chance), 1e-6)
        slope = np.array([(wrong * told).sum() + 1e-3 * (scale - 1.0), wrong.sum() + 1e-3 * shift])
        bend = np.array([
            [(curve * told * told).sum() + 1e-3, (curve * told).sum()], [(curve * told).sum(), curve.sum() + 1e-3]
        ])  # fmt: skip
        change = np.linalg.solve(bend, slope)
        scale, shift = float(scale - np.clip(change[0], -0.5, 0.5)), float(shift - np.clip(change[1], -2.0, 2.0))
    return max(scale, 0.05), shift


def _chance(told: float) -> float:
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, told))))


def _f1(said: Any, right: Any) -> float:
    return 2.0 * float((said & right).sum()) / (float(said.sum() + right.sum()) or 1.0)
