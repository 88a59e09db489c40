"""Where an article names places: the words of the lexicon, read in their surroundings.

A word may be part of another name (a person, a paper, a bank, a street, a ship), a currency, or a language; then it is
dropped or weighs less. A town beside what it lies in ("ST. PAUL, Minn.", "Israel's Tel Aviv") is settled here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from string import ascii_lowercase, ascii_uppercase

from digest.classify import surroundings as around
from digest.classify.lexicon import CJK, Kind, Lexicon, Word, fold, simplified
from digest.places import Level, Places

NAME = "name"
BESIDE = "name beside its region"
ANOTHER_NAME = "in another name"
ORGANISATION = "in the name of an organisation"
GOVERNMENT = "capital for government"
STANDS_FOR = "stands for it"
PEOPLE = "people or adjective"
PERSON = "name of a person"
FILING = "place of filing"
PAIR = "pair of countries"
COUNTY = "county of a state"

_UPPER, _LOWER = ascii_uppercase.encode(), ascii_lowercase.encode()
_BESIDE = re.compile(r",\s*$")
_OWNS = re.compile(r"'s?\s+(?:(?:capital|southern|northern|eastern|western|central|coastal)\s)*(?:city of\s)?$")
_IN_BETWEEN = re.compile(r",?\s(?:in|of|near)\s(?:the\s)?(?:\w+ern\s)?$")
_ABBREVIATION = re.compile(
    r",\s*(?P<short>(?:[A-Z]\.\s?){1,3}|[A-Z][a-z]{1,5}\.(?=[\s,;)]|$)|[A-Z]{2,3}(?![A-Za-z])|W\. ?Va\.)"
)
_DATELINE = re.compile(
    r"\s*(?P<place>[A-Z][A-Za-z.'/ -]{1,40}?(?:,\s?[A-Z][A-Za-z. ]{1,20}?)?)"
    r"(?:,?\s(?P<date>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s\d{1,2}(?:,\s\d{4})?))?"
    r"\s?(?P<agency>\([A-Z][A-Za-z .&/-]{1,30}\))?\s?(?:--?|—|–|_)(?:\s|$)"
)
_INLINE_DATELINE = re.compile(
    r"\b(?P<place>[A-Z][A-Z.' -]{2,30}(?:, [A-Z][A-Za-z. ]{1,12})?) "
    r"\((?:AP|AFP|UPI|Reuters|Xinhua|Bloomberg)[^()]{0,20}\)"
)
_CHINESE_DATELINE = re.compile(
    r"[（(]?(?:新华社|中新社|中新网|人民网|新华网|本报)?(?P<place>[\u4e00-\u9fff]{2,8}?)(?:\d{1,2}月)?\d{1,2}日"
)
_PAIR_SIGNS = {
    "中": "CN", "美": "US", "日": "JP", "韩": "KR", "朝": "KP", "俄": "RU", "乌": "UA", "英": "GB", "法": "FR",
    "德": "DE", "印": "IN", "以": "IL", "加": "CA", "澳": "AU", "欧": "x-eu", "巴": "PK", "越": "VN", "菲": "PH",
    "泰": "TH", "伊": "IR",
}  # fmt: skip
_PAIR = re.compile(
    "(?<![其当集心从高初年期途手之])(?:"  # "among them", "at present": the end of another word
    "(?P<sure>[中俄朝日韩欧]美|美[中俄日韩朝欧]|中[日韩俄朝欧英]|日韩|韩日|俄乌|乌俄|中印|印巴)|"
    "(?P<cued>[中美日俄][以法德加澳巴越菲泰伊印英韩乌])(?=[两双关经贸合自友建首外会战冲边创联投科技产人])"
    ")(?![国本度西大泰罗]|拿大|尼|色列|元)"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A word in an article that names places. `senses` are what it may mean, most likely first."""

    where: str
    start: int
    end: int
    text: str
    senses: tuple[str, ...]
    rule: str
    weight: float
    firm: bool = True  # False needs support: its country, or what it lies in, is named elsewhere too
    locates: bool = False  # stands there only to say where the place beside it is

    def moved(self, where: str, by: int) -> Mention:
        """The same mention, as it stands in the whole article (`dataclasses.replace` costs eight times as much)."""
        start, end, rule = self.start + by, self.end + by, self.rule
        return Mention(where, start, end, self.text, self.senses, rule, self.weight, self.firm, self.locates)


class Reader:
    """Finds the mentions of a text."""

    def __init__(self, places: Places, lexicon: Lexicon) -> None:
        self._places = places
        self._lexicon = lexicon

    def read(self, text: str, where: str, *, chinese: bool = False) -> list[Mention]:
        """The mentions of one stretch of text, from left to right. Linear in its length."""
        if chinese:
            return list(self._chinese(text, where))
        folded = fold(text)
        capitals = _in_capitals(folded)
        titled = capitals or (where == "title" and _in_titles(folded))
        found = [
            mention
            for start, end, word in self._lexicon.find(folded, capitals=capitals)
            if (mention := self._judge(folded, start, end, word, where, titled=titled)) is not None
        ]
        return self._settle(folded, found)

    def dateline(self, line: str) -> list[Mention]:
        """The place of filing in a dateline as printed: "ST. PAUL, Minn., Feb 26 -", "JERUSALEM"."""
        folded = fold(line).strip()
        match = _DATELINE.match(f"{folded} - ")
        name, _, outer = (match["place"] if match else folded).partition(",")
        word = self._lexicon.dateline(name.split("/")[0].strip().removesuffix("."))
        if word is None:
            chinese = [found for found in self._lexicon.find_chinese(line) if found[2].senses]
            if not chinese:
                return []
            start, end, word = chinese[0]
            name = line[start:end]
        outer = outer.strip()
        state = self._lexicon.abbreviations.get(outer) or self._lexicon.abbreviations.get(outer + ".")
        known = self._lexicon.dateline(outer.rstrip("."))
        candidates = (state,) if state else known.senses if known else ()
        inside = tuple(code for code in word.senses if any(self._places.within(code, outer) for outer in candidates))
        return [Mention("dateline", 0, len(name), name, inside or candidates or word.senses, FILING, 1.0)]

    def split_dateline(self, text: str) -> tuple[str, str]:
        """A dateline at the head of a paragraph, and the rest; "" when there is none."""
        head = fold(text[:120])
        match = _DATELINE.match(head)
        if match and self._is_filed(match):
            return text[: match.end()], text[match.end() :]
        chinese = _CHINESE_DATELINE.match(head)
        if chinese and self._lexicon.find_chinese(chinese["place"]):
            return text[: chinese.end("place")], text[chinese.end() :]
        inline = _INLINE_DATELINE.search(fold(text[:600]))
        if inline and self._is_place(inline["place"].partition(",")[0]):
            return inline[0].partition("(")[0], text  # after a headline that was run into the text
        return "", text

    def _is_filed(self, match: re.Match[str]) -> bool:
        """Whether what looks like a dateline is one: capitals, an agency or a date, and the name of a place."""
        name = match["place"].partition(",")[0]
        if not (name.isupper() or match["agency"] or match["date"]):
            return False
        return self._is_place(name.split("/")[0].strip())

    def _judge(self, text: str, start: int, end: int, word: Word, where: str, *, titled: bool) -> Mention | None:
        """What a word of the lexicon is in its surroundings; None when it names no place."""
        before, after = text[max(0, start - around.BEFORE) : start], text[end : end + around.AFTER]
        found = Mention(where, start, end, text[start:end], word.senses, NAME, 1.0, firm=not word.common)
        if word.kind is Kind.IGNORED or around.is_currency(after, people=word.kind is Kind.DEMONYM):
            return None
        if not titled and found.text != "America" and around.is_paper(after):
            return None
        if word.kind is Kind.DEMONYM:
            return _people(found, before, after)
        if word.kind is Kind.COUNTY:
            return replace(found, rule=COUNTY, weight=0.8)
        if around.is_figure(before, after, metonym=word.kind is Kind.METONYM):
            return None
        if word.kind is Kind.METONYM:
            return replace(found, rule=STANDS_FOR, weight=0.7)
        return self._name(found, before, after, titled=titled)

    def _name(self, found: Mention, before: str, after: str, *, titled: bool) -> Mention | None:
        place = self._places.find(found.senses[0])
        if place is None or place.level is Level.WORLD:
            return None
        level = around.called(before, after)
        if level is not None and (meant := self._of_level(found.senses, level)):
            return replace(found, senses=meant, rule=BESIDE if len(meant) == 1 else NAME, firm=True)
        city = place.level is Level.CITY
        if around.is_part_of_name(before, after, city=city, division=place.level is Level.DIVISION):
            return None
        if not titled and around.is_person(found.text, before, after, self._is_place):
            return replace(found, rule=PERSON, weight=0.0, firm=False)
        if place.capital_of and not titled and around.speaks_for_government(before, after):
            return replace(found, senses=(place.capital_of,), rule=GOVERNMENT, weight=0.8)
        large = bool(place.capital_of) or self._lexicon.known(place)
        if around.in_organisation(before, after):
            return replace(found, rule=ORGANISATION, weight=0.4, firm=found.firm and large)
        if not large and not titled and around.is_embedded(before, after):
            return replace(found, rule=ANOTHER_NAME, weight=0.3, firm=False)
        if place.level in {Level.CONTINENT, Level.SUBREGION}:
            return replace(found, weight=0.3)
        return found if large else replace(found, weight=0.8, firm=False)

    def _of_level(self, senses: tuple[str, ...], level: Level) -> tuple[str, ...]:
        """The senses on one level of the tree."""
        known = ((code, self._places.find(code)) for code in senses)
        return tuple(code for code, place in known if place is not None and place.level is level)

    def _is_place(self, word: str) -> bool:
        return self._lexicon.dateline(word) is not None

    def _settle(self, text: str, found: list[Mention]) -> list[Mention]:
        """Read neighbours together: a place beside what it lies in has one meaning, and the outer one only locates."""
        settled = list(found)
        for index, mention in enumerate(settled):
            if mention.rule not in {NAME, ANOTHER_NAME, ORGANISATION}:
                continue
            if inner := self._abbreviated(text, mention):
                settled[index] = inner
                continue
            for other in (index + 1, index - 1):
                if not 0 <= other < len(settled) or settled[other].rule in {STANDS_FOR, GOVERNMENT}:
                    continue
                left, right = (mention, settled[other]) if other > index else (settled[other], mention)
                between = text[left.end : right.start]
                after = other > index and (_BESIDE.fullmatch(between) or _IN_BETWEEN.fullmatch(between))
                owned = other < index and bool(_OWNS.fullmatch(between))
                if not after and not owned:
                    continue
                if pair := self._inside(mention.senses, settled[other].senses):
                    settled[index] = replace(mention, senses=(pair[0],), firm=True, weight=1.0, rule=BESIDE)
                    settled[other] = replace(settled[other], senses=(pair[1],), firm=True, locates=True)
                    break
        return settled

    def _abbreviated(self, text: str, mention: Mention) -> Mention | None:
        """A town before the abbreviation of its state: GREENWICH, Conn.; ST. PAUL, Minn."""
        match = _ABBREVIATION.match(text, mention.end, mention.end + 16)
        if match is None:
            return None
        short = match["short"].strip()
        region = self._lexicon.abbreviations.get(short) or self._lexicon.abbreviations.get(short.replace(" ", ""))
        if region is None:
            return None
        inside = tuple(code for code in mention.senses if self._places.within(code, region))
        return replace(
            mention, senses=inside[:1] or (region,), firm=True, weight=1.0, rule=BESIDE,
            text=text[mention.start : match.end()],
        )  # fmt: skip

    def _inside(self, inner: tuple[str, ...], outer: tuple[str, ...]) -> tuple[str, str] | None:
        for region in outer:
            for code in inner:
                if code != region and self._places.within(code, region):
                    return code, region
        return None

    def _chinese(self, text: str, where: str) -> Iterator[Mention]:
        covered = 0
        pairs = list(_PAIR.finditer(simplified(text)))[::-1]
        for start, end, word in self._lexicon.find_chinese(text):
            while pairs and pairs[-1].start() < start:
                pair = pairs.pop()
                if pair.start() >= covered and pair.end() <= start:
                    yield from _both(pair, where)
            covered = end
            if word.kind is Kind.IGNORED:
                continue
            metonym = word.kind is Kind.METONYM
            rule, weight = (STANDS_FOR, 0.7) if metonym else (NAME, 1.0)
            yield Mention(where, start, end, text[start:end], word.senses, rule, weight, firm=not word.common)
        for pair in reversed(pairs):
            if pair.start() >= covered:
                yield from _both(pair, where)


def _people(found: Mention, before: str, after: str) -> Mention | None:
    """Israeli firms, the French; not the language."""
    if around.is_language(before, after):
        return None
    weight = 0.3 if found.text == "English" else 0.5 if around.in_organisation(before, after) else 0.8
    return replace(found, rule=PEOPLE, weight=weight)


def _both(pair: re.Match[str], where: str) -> Iterator[Mention]:
    """中以 names two countries."""
    for offset, sign in enumerate(pair[0]):
        start = pair.start() + offset
        yield Mention(where, start, start + 1, pair[0], (_PAIR_SIGNS[sign],), PAIR, 0.9)


def is_chinese(text: str) -> bool:
    """Whether a stretch of text is written in Chinese: more than a fifth of its first letters."""
    head = text[:400]
    return len(CJK.findall(head)) * 5 > len(head)


def _in_capitals(text: str) -> bool:
    """Whether a stretch of text is set in capitals: four times as many as small letters."""
    head = text[:400]
    if head.isascii():
        letters = head.encode()
        size = len(letters)
        return size - len(letters.translate(None, _UPPER)) > 4 * (size - len(letters.translate(None, _LOWER)))
    return sum(map(str.isupper, head)) > 4 * sum(map(str.islower, head))


def _in_titles(text: str) -> bool:
    """Whether Most Words of a Headline Begin with a Capital."""
    words = re.findall(r"[A-Za-z]{4,}", text[:400])
    return sum(1 for word in words if word[0].isupper()) * 3 > len(words) * 2
