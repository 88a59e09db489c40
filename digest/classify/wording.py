"""How a sentence reads by itself: its words and length, and whether it can be printed without those around it.

Tables and expressions only; which sentences are chosen is decided in summaries.py.
"""

from __future__ import annotations

import re
from collections import Counter

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_CJK_CHAR = re.compile(rf"[{_CJK}]")
_LATIN = re.compile(r"[^\W_]{2,}")
_RUN = re.compile(rf"[^\W_{_CJK}]{{2,}}|[{_CJK}]+")
_ANNOUNCES = (":", "：")  # a list follows, which a summary cannot hold
_STOPPING, _CLOSING = frozenset(".!?…。！？:："), "\"'”’»)]」』）》"
_FURNITURE = re.compile(
    r"(?:photo|image|picture|video|graphic|read more|read also|see also|click|subscribe|sign up|follow us|copyright|©"
    r"|source:|advertisement|editor'?s note|correction:|updated?:|related:|for more"
    r"|图片|图为|来源|责任编辑|编辑：|点击|版权)",
    re.IGNORECASE,
)
# Furniture that ran into a sentence.
_ADDRESS = re.compile(r"\S@\w+\.\w")
_AMID = (
    "published:", "updated:", "last updated", "scroll down for", "click here", "use of cookies", "cookie policy",
    "all rights reserved", "©", "sign up for our", "subscribe to our", "follow us on", "版权所有",
    "扫描二维码", "公众号",
)  # fmt: skip
# Openings that lean on a sentence before them.
_PRONOUN = re.compile(
    r"\W{0,4}(?:he|she|it|they|his|her|its|their|theirs|him|them|this|these|those|that|such|both|neither"
    r"|either|one of them"
    r"|the (?:two|three|four|latter|former|same|pair|duo|trio|other|others)|we|i|you|our|my|your|us)\b"
    r"|[“「]?(?:他|她|它|其|此|这|那|该|双方|两者|二者|我们|我)",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"\W{0,4}(?:he|she|it|they|his|her|hers|its|their|theirs|him|them|this|that|these|those|such)\b|[“「（]*(?:他|她|它|其|此|这|那)",
    re.IGNORECASE,
)
_OF_THEM = re.compile(r"(?:\w+\s){1,4}(?:of|among)\s(?:them|these|those|it)\b", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"\W{0,4}(?:but|and|or|so|yet|however|meanwhile|moreover|furthermore|also|then|there|thus|therefore|nevertheless"
    r"|nonetheless|still|instead|otherwise|besides|in addition|in particular|for example|for instance|as a result"
    r"|on the other hand|by contrast|in contrast|similarly|likewise|earlier|later|afterwards|previously|finally"
    r"|according to (?:him|her|them|it)|another|other|others|some of them|most of them|asked (?:about|whether|if)"
    r"|\w+ing (?:the|this|that|these|those|it|them))\b"
    r"|[“「]?(?:但|而|因此|所以|此外|另外|同时|然而|不过|随后|之后|其中|例如|对此|据此|据悉|另据|至此)",
    re.IGNORECASE,
)
# Nouns that the text must have named before: "The company said", "Mr. Wang describes".
_NAMED_BEFORE = re.compile(
    r"\W{0,4}(?:the (?:announcement|move|deal|decision|plan|project|company|firm|group|bank|agreement|measure|report"
    r"|survey|study|statement|news|event|meeting|office|incident|case|officials?|ministry|spokes\w+|device|service|system|owner|buyer)\b"
    r"|(?:mr|mrs|ms|dr|messrs)\.? [A-Z]|\w+ (?:said|says|added|adds|told|noted|explained)\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[^\W_]\s?[?？][\"'”’」』）)]*$"
)  # not the "?" that a lost quotation mark leaves behind a full stop
_STOPS = ".。!！"
_FULL_NAME = re.compile(r"[A-Z](?<!\w[A-Z])[\w’'-]+\)?(?= ([A-Z][\w’'-]{2,}))")
_STOP_LIST = """
    a about after all also an and any are as at be because been before being both but by can could did do does
    during each for from further had has have he her here him his how i if in into is it its just may might more
    most much must my no not of off on one only or other our out over own per s said same say says she should so
    some such t than that the their them then there these they this those through to told too under until up very
    was we were what when where which while who whom will with would you your
"""
_STOP = frozenset(_STOP_LIST.split())
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_DROPPED = _STOP.union(_ALPHABET)
_PARTED = {code: " " for code in range(128) if chr(code) not in _ALPHABET}
_TYPOGRAPHIC = dict.fromkeys(map(ord, "‘’“”–—…·•«»£€§°©®™\u00a0"), " ")


def leans(text: str) -> bool:
    """Whether its first words point at something said before it."""
    return bool(_PRONOUN.match(text) or _CONNECTIVE.match(text) or _OF_THEM.match(text))


def dangles(text: str) -> bool:
    """Whether its first word stands for somebody or something that only an earlier sentence names."""
    return bool(_DANGLING.match(text))


def named_before(text: str) -> bool:
    """Whether its subject is a bare noun or surname that the reader cannot know: The company said, Mr. Wang."""
    return bool(_NAMED_BEFORE.match(text))


def surnames(text: str) -> list[str]:
    """The last parts of names that it gives in full."""
    return _FULL_NAME.findall(text)


def blemish(text: str) -> float:
    """What its form costs wherever it stands: a question, a list announced."""
    asks = ("?" in text or "？" in text) and _ASKS.search(text)
    return 0.05 * bool(asks) + 0.2 * text.endswith(_ANNOUNCES)


def printable(text: str, title: str) -> bool:
    """Whether it may be printed at all: whole, no furniture, not the headline again."""
    if text.rstrip(_CLOSING)[-1:] not in _STOPPING or _FURNITURE.match(text):
        return False
    lower = text.lower()
    if [mark for mark in _AMID if mark in lower] or ("@" in text and _ADDRESS.search(text)):
        return False
    return text.rstrip(_STOPS).casefold() != title.rstrip(_STOPS).casefold()


def length(text: str) -> float:
    """Its words; two Chinese characters count as one."""
    chinese = 0 if text.isascii() else len(_CJK_CHAR.findall(text))
    return chinese / 2 + len(_CJK_CHAR.sub(" ", text).split()) if chinese else float(len(text.split()))


def words(text: str) -> Counter[str]:
    """Content words in lower case, counted; of Chinese, pairs of neighbouring characters."""
    return Counter(tokens(text))


def tokens(text: str) -> list[str]:
    """The same words in their order, each as often as it stands there."""
    lower = text.lower()
    if not lower.isascii():
        lower = lower.translate(_TYPOGRAPHIC)
    if lower.isascii():  # a table and a split take a third of the time of an expression
        return [word for word in lower.translate(_PARTED).split() if word not in _DROPPED]
    if not _CJK_CHAR.search(lower):
        return [word for word in _LATIN.findall(lower) if word not in _STOP]
    found: list[str] = []
    for run in _RUN.findall(lower):
        found += [run] if run.isascii() else [run[place : place + 2] for place in range(max(1, len(run) - 1))]
    return found
