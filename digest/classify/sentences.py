"""Where a sentence ends, in English and Chinese. Each sentence is a verbatim piece of its paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A full stop after these does not end a sentence when a name or a number follows.
_TITLES_LIST = """
    mr mrs ms dr prof gen lt col sgt capt cmdr adm maj sen rep gov rev hon pres supt st ste mt ft no nos vol fig art
    sec vs messrs mme jan feb mar apr jun jul aug sep sept oct nov dec approx est dept univ e.g i.e cf viz al
"""
_TITLES = frozenset(_TITLES_LIST.split())
# After these it may, when what follows can only begin a sentence.
_MAYBE_LIST = """
    inc corp ltd co plc bros jr sr etc u.s u.k u.n e.u u.a.e d.c a.m p.m ph.d b.c a.d
"""
_MAYBE = frozenset(_MAYBE_LIST.split())
_STARTERS_LIST = """
    the a an it its he she they we i you this that these those there in on at for from by with as but and so if when
    while after before since during despite although however meanwhile officials analysts according last next some
    many most more all both each no not one two our his her their under about between what who how why
"""
_STARTERS = frozenset(_STARTERS_LIST.split())
_END = re.compile(
    # Begins with one set of characters, so that it is tried where one of them stands, and nowhere else.
    r"(?P<stop>[.!?…。！？](?:(?<=[.!?…])[.!?…]{0,19}|(?<=[。！？])[。！？]{0,19}))(?P<close>[\"'”’»)\]」』）》]{0,9})(?:(?P<space>\s+)|(?=[\u3040-\u9fff“「『（《])|(?=[A-Z“\"]))"
)
_SPOKEN = re.compile(r"[^，。！？“]{1,12}(?:说|表示|称|指出|介绍)(?:道)?[。，：]")  # “……。”他说。
_LAST_WORD = re.compile(r"[\w.&’'-]*$")
_PAIRS = {"(": ")", "（": "）", "“": "”", "「": "」", "『": "』", '"': '"'}
_AROUND = 120  # characters beside a stop that are looked at
_DEEPEST = 40  # brackets in brackets: of more, the outer ones are not believed
_MARK = re.compile(r"[()（）“”「」『』\"]")


def split_sentences(paragraph: str) -> tuple[str, ...]:
    """The sentences of one paragraph, in order, without the space between them.

    A quotation or a bracket is not cut in half, unless it never closes in this paragraph. "U.S.", "Mr.", "No. 5",
    initials and decimals do not end a sentence. A missing space after a full stop ("peace.Until") is seen through.
    """
    return tuple(piece for piece in _pieces(paragraph.strip()) if piece)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    inside = _inside(text)
    for match in _END.finditer(text):
        end = match.end("close")
        if end < len(text) and not any(a <= end <= b for a, b in inside) and _ends(text, start, match):
            yield text[start:end].strip()
            start = end
    yield text[start:].strip()


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a stop really ends the sentence that began at `start`."""
    stop, close, space = match["stop"], match["close"], match["space"]
    rest = text[match.end() : match.end() + _AROUND]
    before = text[max(start, match.start() - _AROUND) : match.start()]
    first = rest.lstrip("\"'“‘([（「『《")[:1]
    if stop[0] in "。！？" or stop == "……":
        return not (rest.startswith(("，", "、", "；", ",", "的")) or (close and _SPOKEN.match(rest)))
    if not first or first.islower() or first in ",;:，；)":
        return False
    word = _LAST_WORD.search(before)
    last = word[0].strip("'’").lower() if word else ""
    if not space and not (len(last) > 2 and last.isalpha() and first.isupper()):
        return False  # "U.S", "3.5"
    if not space and re.search(r"[/@]|www\.", before.rsplit(maxsplit=1)[-1]):
        return False  # "news.com/About.Us"
    if stop != "." or close:
        return True
    if last in _TITLES or (len(last) == 1 and last.isalpha()):
        # "No. 5" and "J. Smith"; but "the answer is no. The…" and "plan B. It…" end.
        return _follows(rest) in _STARTERS and last in {"no", *"abcd"}
    if last in _MAYBE or re.fullmatch(r"(\w\.)+\w", last):
        return _follows(rest) in _STARTERS
    return True


def _follows(rest: str) -> str:
    match = re.match(r"[\"'“‘(]*([\w’']+)", rest)
    return match[1].lower() if match else ""


def _inside(text: str) -> list[tuple[int, int]]:
    """The spans of quotations and brackets that open and close in this text: (after the opening, at the closing)."""
    spans: list[tuple[int, int]] = []
    waiting: list[tuple[str, int]] = []  # (what closes it, where it opened)
    for match in _MARK.finditer(text):
        char, place = match[0], match.start()
        closers = [closer for closer, _ in waiting]
        if char in closers:  # what opened later and never closes does not hide the quotation
            while waiting[-1][0] != char:
                waiting.pop()
            spans.append((waiting.pop()[1] + 1, place))
        elif char in _PAIRS:
            waiting = [*waiting[1 - _DEEPEST :], (_PAIRS[char], place)]
    return spans
