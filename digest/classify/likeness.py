"""How alike two articles are: their words, weighed by how rare they are among the articles at hand.

article | vector of weighed words, of length 1          two vectors | cosine, 0 to 1
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from math import log, sqrt

from digest.classify.lexicon import simplified
from digest.model import Article

READ = 3000  # characters of text that are compared: what happened stands early
Vector = Mapping[str, float]

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_CJK}]+|\d[\d.,]*\d|\d|[^\W\d_{_CJK}]{{2,}}")
_CHINESE = re.compile(rf"[{_CJK}]")
_ENDING = re.compile(r"(?:ies|es|ing|ed|s|ly)$")
_COMMON_LIST = """
    a about above according across added after again against ago all almost also although am among an and another any
    are around as at away back be became because become been before being below between both but by called came can come
    could day days did do does during each early end even ever every expected few first five following for former found
    four from further gave get give given go going good had has have he her here high him his hold how however if in
    including into is it its just last late later least less like local long made make making many may me might million
    billion monday month months more most much must near never new next nine no nor not now number of off official
    officials often on once one only or other our out over own part people per percent place plan plans pct put reported
    right said same saturday say saying says second see set seven several shall she should show since six so some still
    such sunday take ten than that the their them then there these they third this those though three through thursday
    to today told too took tuesday two under until up us use used very was way we wednesday week weeks well were what
    when where whether which while who whole whom whose why will with within without would year years yesterday yet you
    your friday january february march april june july august september october november december
"""
_COMMON = frozenset(_COMMON_LIST.split())
# Of Chinese the pairs of characters that any news is made of.
_COMMON_PAIRS_LIST = """
    宣布 企业 公司 表示 今日 今天 昨日 昨天 记者 报道 目前 一家 一企 该公 日宣 业宣 司宣 将在 可以 已经
    成为 进行 通过 相关 以及 我们 他们 中国 万元 亿元 人民 电记 日电 今年 去年 明年 同比 增长 介绍 负责
    责人 有关 部门 方面 其中 包括 由于 因为 之后 以来 期间 左右 超过 达到 预计 计划 项目 工作 活动 举行
    开展 推进 实现 提供 提高 加强 发布 公告 消息 日前 近日 近期 本周 本月 日在 日从 了解 获悉 新闻
"""
_COMMON_PAIRS = frozenset(_COMMON_PAIRS_LIST.split())


class Vocabulary:
    """How rare words are, counted over the articles at hand on top of a flat prior.

    The prior keeps a small batch from calling everything rare, and tonight's batch from judging otherwise than last
    night's.
    """

    PRIOR = 30.0  # articles' worth of doubt

    def __init__(self, articles: Iterable[Article]) -> None:
        self._counts = {article.uid: _counts(article) for article in articles}
        self._holds = Counter(word for counts in self._counts.values() for word in counts)

    def rarity(self, word: str) -> float:
        """The weight of a word: the logarithm of how few articles hold it; never negative."""
        return log((len(self._counts) + self.PRIOR) / (self._holds[word] + 1.0))

    def vector(self, article: Article, without: Collection[str] = ()) -> Vector:
        """The article's words, weighed, as a vector of length 1; headline words count twice more. Empty if wordless."""
        counts = self._counts.get(article.uid) or _counts(article)
        weights = {
            word: (1.0 + log(count)) * self.rarity(word) for word, count in counts.items() if word not in without
        }
        length = sqrt(sum(weight * weight for weight in weights.values()))
        return {word: weight / length for word, weight in weights.items()} if length else {}


def _counts(article: Article) -> Counter[str]:
    counts = Counter(terms(text_of(article)))
    counts.update(dict.fromkeys(terms(article.title), 2))
    return counts


def cosine(one: Vector, other: Vector) -> float:
    """The product of two vectors of length 1: 1 for the same words in the same measure, 0 for none in common."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    return sum(weight * large[word] for word, weight in small.items() if word in large)


def shared(one: Vector, other: Vector, most: int) -> tuple[str, ...]:
    """The words that make two vectors alike, the weightiest first."""
    common = sorted(one.keys() & other.keys(), key=lambda word: (-one[word] * other[word], word))
    return tuple(common[:most])


def spelled(words: Iterable[str], text: str) -> tuple[str, ...]:
    """Words without endings as a text first spells them; those that it does not have are left out."""
    spelling: dict[str, str] = {}
    for token in _TOKEN.findall(text.lower()):
        for term in terms(token):
            spelling.setdefault(term, term if _CHINESE.match(token) else token)
    return tuple(spelling[word] for word in words if word in spelling)


def text_of(article: Article) -> str:
    """What of an article is compared beside its headline: the beginning of its text, else its teaser."""
    return "\n".join(article.paragraphs or (article.teaser,))[:READ].strip()


def terms(text: str) -> list[str]:
    """Words without common ones and without endings; of Chinese, pairs of neighbouring characters; numbers."""
    found: list[str] = []
    for token in _TOKEN.findall(simplified(text.lower())):
        if _CHINESE.match(token):
            pairs = (token[place : place + 2] for place in range(max(1, len(token) - 1)))
            found += [pair for pair in pairs if pair not in _COMMON_PAIRS]
        elif token not in _COMMON:
            found.append(_stem(token))
    return found


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return _ENDING.sub("", word) if len(word) > 4 and not word.endswith("ss") else word
