"""Where an article names places: the words of the lexicon, read in their surroundings.

A word may be part of another name (a person, a paper, a bank, a street, a ship), a currency, or a language; then it is
dropped or weighs less. A town beside what it lies in ("ST. PAUL, Minn.", "Israel's Tel Aviv") is settled here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from digest.classify.lexicon import CJK, Kind, Lexicon, Word, fold
from digest.places import Level, Places

_CURRENCY = re.compile(
    r"[\s-]?(?:dollars?|dlrs?|cents?|cts|pounds?|pesos?|francs?|yen|yuan|renminbi|rupees?|crowns?|kron[aeou]r?|marks?|lire|"
    r"lira|guilders?|shillings?|schillings?|dinars?|dirhams?|ri[yv]?als?|won|baht|ringgit|rupiah|rand|roubles?|rubles?|"
    r"escudos?|pesetas?|drachmas?|reals?|reais|zloty|forint|hryvnia|shekels?|currency|currencies|(?:government )?bonds?|"
    r"treasur(?:y|ies)|T-bills?)\b",
    re.IGNORECASE,
)
_LANGUAGE_AFTER = re.compile(
    r"(?:[\s-]speak(?:ing|ers?)|[\s-]language|\s(?:lessons?|translations?|subtitles?|accent))\b"
)
_LANGUAGE_BEFORE = re.compile(
    r"\b(?:speaks?|spoke|speaking|fluent|learn(?:s|ed|ing)?|taught|translated|written|understand|"
    r"said|read|published)\s(?:\w+\s)?(?:in(?:to)?\s)?$"
)
_LANGUAGE_END = re.compile(r"\s*(?:[.,;:!?)\"]|and\b|or\b|but\b|to\b|at\b|with\b|as\b|$)")
_TITLE_BEFORE = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Prof|Capt|Lt|Sgt|Col|Rev|Sir|Lord|Lady|Judge|Justice|Professor|Miss|Captain|"
    r"Sergeant|Colonel|Father|Sister|Brother|Saint Mother)\.?\s|(?<![A-Z.])\b[A-Z]\.\s)$"
)
_FIRST_NAMES = frozenset(
    "James John Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Mark Donald "
    "Steven Stephen Paul Andrew Joshua Kenneth Kevin Brian George Edward Ronald Timothy Jason Jeffrey Ryan Jacob Gary "
    "Nicholas Eric Jonathan Larry Justin Scott Brandon Benjamin Samuel Gregory Frank Alexander Raymond Patrick Jack "
    "Dennis Jerry Aaron Jose Adam Nathan Henry Douglas Zachary Peter Kyle Walter Ethan Jeremy Harold Keith Christian "
    "Roger Noah Gerald Carl Terry Sean Arthur Lawrence Jesse Dylan Bryan Joe Bruce Gabriel Logan Albert Willie Alan Juan "
    "Wayne Elijah Randy Roy Vincent Ralph Eugene Russell Bobby Philip Louis Harry Simon Martin Neil Ian Graham Nigel "
    "Trevor Colin Stuart Derek Hugh Oliver Leo Max Fred Jim Bob Bill Tom Tim Dan Mike Dave Steve Rob Ron Ken Ben Sam Joey "
    "Tony Andy Chris Matt Nick Greg Jeff Phil Ted Ray Don Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica "
    "Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah "
    "Stephanie Rebecca Laura Helen Sharon Cynthia Kathleen Amy Angela Shirley Anna Brenda Pamela Emma Nicole Samantha "
    "Katherine Christine Catherine Rachel Carolyn Janet Maria Heather Diane Julie Joyce Victoria Kelly Christina Joan "
    "Evelyn Lauren Judith Megan Cheryl Andrea Hannah Jane Ann Anne Alice Julia Grace Kate Kim Jill Jackie Whitney Carly "
    "Denzel Kerry Jermaine Vernon Abraham Irving Isaiah Grover Casey Dizzy Dwayne Jordan Tyler Michel Pierre Jean".split()
)
_GIVEN = frozenset(
    "Sydney Florence Victoria Austin Paris Chelsea Savannah Dallas Houston Jordan Chad Georgia Israel Virginia Carolina "
    "Dakota Brooklyn Kenya India Ireland Orlando Madison Lincoln Santiago Valencia Alexandria Sofia Milan Verona Adelaide "
    "Charlotte Raleigh Phoenix Troy Kent Devon Chester Clinton Asia America Cuba Kingston Bristol London Aurora Lourdes "
    "Camden Memphis Denver Cleveland Jackson Vienna Sienna Siena Geneva Regina Salem Nevada Montana Indiana".split()
)
_AFTER_A_PLACE = frozenset(
    "University County City Police State Mayor Council River Airport District Province Prefecture Republic College Court "
    "Government Governor Parliament Minister Ministry President Prime Premier Foreign Embassy Port Harbour Harbor Bay "
    "International Municipal Central Supreme High Times Post School Department Convention Olympics Games Film Festival "
    "Fashion Week Marathon Institute Museum Hospital Street Road Bank Stock Exchange Democrats Republicans Democrat "
    "Republican Senator Congressman Secretary Attorney General Army Navy Air Force Territory Region Islands Island "
    "Peninsula Valley Desert Sea Ocean Lake Mountains Metro Transit Economic Trade Chamber Development Authority".split()
)
_ORGANISATION = re.compile(
    r"(?:'s)?(?:\s&)?(?:\s[A-Z][A-Za-z.&'-]*){0,3}\s(?:Inc|Corp|Corporation|Co|Company|Ltd|Plc|PLC|AG|SA|SpA|NV|Group|Holdings?|"
    r"Banks?|Bancorp\w*|Bancshares|Bankers|Financial|Insurance|Assurance|Airlines?|Airways|Industries|Electric|Power|Gas|"
    r"Oil|Petroleum|Steel|Motors?|Mining|Mines|Exchange|University|College|Institute|Hospital|Museum|Orchestra|"
    r"Philharmonic|Symphony|Opera|United|FC|Club|Records|Films|Studios|Pictures|Capital|Partners|Ventures|Securities|"
    r"Trust|Fund|Foundation|Association|Society|Savings|Telecom|Telephone|Railway|Railroad|Systems|Technologies|Resources|"
    r"INC|CORP|CO|LTD|PLC|GROUP|HOLDINGS?|BANK|BANCORP|FINANCIAL|AIRLINES|INDUSTRIES|ELECTRIC|POWER|GAS|OIL|STEEL|TRUST|"
    r"FUND|SAVINGS|SYSTEMS|RESOURCES)\b"
)
_PAPER = re.compile(
    r"(?:\s[A-Z][A-Za-z]+)?\s(?:Times|Post|Herald|Tribune|Journal|News|Daily|Gazette|Chronicle|Telegraph|Press|Courier|Star|"
    r"Globe|Review|Observer|Mirror|Mail|Sun|Today|TV|Television|Radio|Magazine|Monitor)\b(?!\s(?:Corp|Release))"
)
_ORGANISATION_BEFORE = re.compile(
    r"\b(?:Bank|University|Institute|Museum|Church|Archdiocese|Diocese|Bishop|Archbishop|College|Society|Association|Trust|"
    r"Company|Lloyd's|Knights|Daughters|BANK|UNIVERSITY)\s(?:of|OF)\s(?:the\s)?$"
)
_NAME_BEFORE = re.compile(
    r"(?:^|[^A-Za-z'])(?:New|Fort|Port|San|Santa|Lake|Mount|Mt\.|St\.|Saint|Little|Los|Las|El|La|Le|Al|Old|Camp|Point|Cape|"
    r"Glen|Villa|Villa de|Rio)[\s-]$"
)
_SHIP_BEFORE = re.compile(
    r"\b(?:USS|HMS|HMAS|HMCS|INS|RMS|MV|M/V|SS|MS|[Tt]anker|[Ff]rigate|[Dd]estroyer|[Cc]arrier|[Cc]ruiser|[Ss]ubmarine|"
    r"[Ff]reighter|[Ff]erry|[Yy]acht|[Ll]iner|[Vv]essel)\s(?:the\s)?[\"']?$"
)
_STREET = re.compile(
    r"\s(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|Blvd\.?|Drive|Lane|Square|Bridge|Hotel|Arena)\b"
)
_HYPHEN_AFTER = re.compile(
    r"-(?=[a-z])(?!based|born|area|bound|style|listed|trained|led|backed|owned|registered|made|wide)"
)
_HYPHEN_BEFORE = re.compile(r"(?:^|[^A-Za-z])(?:Al|El|al|el|Bar|Ben|Jean|Saint|Mary|Anne)-$")
_CAPITALISED_BEFORE = re.compile(r"(?:^|[.!?:\"]\s+|\s)(?P<word>[A-Z][a-z'&-]+)\s$")
_SENTENCE_BEFORE = re.compile(r"(?:^|[.!?:\"'-]\s+)[A-Z][a-z'&-]+\s$")
_CAPITALISED_AFTER = re.compile(r"\s(?P<word>[A-Z][a-z'-]+)")
_SAYING = re.compile(
    r"\s(?:has |had |have |also |later |on \w+day )?(?:said|says|saying|wants?|wanted|warn(?:s|ed)|accus(?:es|ed)|agree[sd]|"
    r"announced|urge[sd]|insist(?:s|ed)|den(?:ies|ied)|believe[sd]|hope[sd]|fears?|feared|refuse[sd]|vow(?:s|ed)|pledge[sd]|"
    r"impose[sd]|reject(?:s|ed)|call(?:s|ed) (?:on|for)|demand(?:s|ed)|claim(?:s|ed)|consider(?:s|ed)|retaliate[sd])\b"
)
_POLICY = re.compile(
    r"'s?\s(?:\w+\s)?(?:policy|policies|government|leaders?|leadership|decision|claims?|position|stance|demands?|ambassador|"
    r"foreign|military|sanctions|tariffs|allies|response|relations|ties|approach|efforts)\b"
)
_BETWEEN = re.compile(r"\b(?:between|relations with|ties with|talks with|tensions with|pressure on)\s$")
_FIGURE_BEFORE = re.compile(r"'s?\s(?:own\s|very own\s)?[\"'“]?$")  # China's Silicon Valley
_FIGURE_AFTER = re.compile(
    r"[\"'”]?\sof\s(?:the\s(?:East|West|North|South|Orient|Middle|Gulf|Caribbean|Balkans|Alps|world)|[A-Z][a-z]+[.,;])"
)
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
_CHINESE_DATELINE = re.compile(
    r"[（(]?(?:新华社|中新社|中新网|人民网|新华网|本报)?(?P<place>[\u4e00-\u9fff]{2,8}?)(?:\d{1,2}月)?\d{1,2}日"
)
_PAIR_SIGNS = {
    "中": "CN", "美": "US", "日": "JP", "韩": "KR", "朝": "KP", "俄": "RU", "乌": "UA", "英": "GB", "法": "FR", "德": "DE",
    "印": "IN", "以": "IL", "加": "CA", "澳": "AU", "欧": "x-eu", "巴": "PK", "越": "VN", "菲": "PH", "泰": "TH", "伊": "IR",
}  # fmt: skip
_PAIR = re.compile(
    "(?<![其当集心从高初年期途手之])(?:"
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
        if word is None and (hans := self._lexicon.find_chinese(line)):
            word, name = hans[0][2], line[hans[0][0] : hans[0][1]]
        if word is None:
            return []
        outer = outer.strip()
        around = self._lexicon.abbreviations.get(outer) or self._lexicon.abbreviations.get(outer + ".")
        known = self._lexicon.dateline(outer.rstrip("."))
        candidates = (around,) if around else known.senses if known else ()
        inside = tuple(code for code in word.senses if any(self._places.within(code, outer) for outer in candidates))
        return [Mention("dateline", 0, len(name), name, inside or candidates or word.senses, "place of filing", 1.0)]

    def split_dateline(self, text: str) -> tuple[str, str]:
        """A dateline at the head of a paragraph, and the rest; "" when there is none."""
        head = fold(text[:120])
        match = _DATELINE.match(head)
        if match and (match["place"].split(",")[0].isupper() or match["agency"] or match["date"]):
            if self._lexicon.dateline(match["place"].partition(",")[0].split("/")[0].strip()):
                return text[: match.end()], text[match.end() :]
        elif chinese := _CHINESE_DATELINE.match(head):
            if self._lexicon.find_chinese(chinese["place"]):
                return text[: chinese.end("place")], text[chinese.end() :]
        return "", text

    def _judge(self, text: str, start: int, end: int, word: Word, where: str, *, titled: bool) -> Mention | None:
        if word.kind is Kind.IGNORED:
            return None
        before, after = text[max(0, start - 40) : start], text[end : end + 60]
        name = text[start:end]
        if _CURRENCY.match(after) or (name != "America" and _PAPER.match(after) and not titled):
            return None
        if word.kind is Kind.DEMONYM:
            return self._demonym(start, name, word, where, before, after)
        if word.kind is not Kind.DEMONYM and _FIGURE_AFTER.match(after):
            return None
        if word.kind is Kind.METONYM and _FIGURE_BEFORE.search(before):
            return None
        if word.kind is Kind.METONYM:
            return Mention(where, start, end, name, word.senses, "stands for it", 0.7)
        return self._name(start, name, word, where, before, after, titled=titled)

    @staticmethod
    def _demonym(start: int, name: str, word: Word, where: str, before: str, after: str) -> Mention | None:
        if _LANGUAGE_AFTER.match(after) or (_LANGUAGE_BEFORE.search(before) and _LANGUAGE_END.match(after)):
            return None
        weight = 0.8
        if name == "English":  # mostly the language
            weight = 0.3
        if _ORGANISATION.match(after):
            weight = 0.5
        return Mention(where, start, start + len(name), name, word.senses, "people or adjective", weight)

    def _name(
        self, start: int, name: str, word: Word, where: str, before: str, after: str, *, titled: bool
    ) -> Mention | None:
        end = start + len(name)
        place = self._places.find(word.senses[0])
        assert place is not None  # noqa: S101 - the lexicon holds codes of places only
        city = place.level is Level.CITY
        large = bool(place.capital_of) or self._lexicon.known(place)
        if _STREET.match(after) or _SHIP_BEFORE.search(before) or _HYPHEN_BEFORE.search(before):
            return None
        if city and _HYPHEN_AFTER.match(after):
            return None
        if place.level in {Level.CITY, Level.COUNTRY} and _NAME_BEFORE.search(before):
            return None
        if _TITLE_BEFORE.search(before) or self._is_person(name, before, after, titled=titled):
            return None
        weight, rule, firm = 1.0, "name", not word.common
        if place.level in {Level.CONTINENT, Level.SUBREGION, Level.WORLD}:
            weight = 0.3
        if place.level is Level.WORLD:
            return None
        if _ORGANISATION.match(after) or _ORGANISATION_BEFORE.search(before):
            weight, rule = 0.4, "in the name of an organisation"
            firm = firm and large
        elif not titled and (city or word.common) and not large and self._embedded(before, after):
            firm, weight, rule = False, 0.3, "in another name"
        elif not large:
            firm, weight = False, 0.8
        if place.capital_of and (
            _SAYING.match(after) or _POLICY.match(after) or (_BETWEEN.search(before) and not titled)
        ):
            return Mention(where, start, end, name, (place.capital_of,), "capital for government", 0.8)
        return Mention(where, start, end, name, word.senses, rule, weight, firm)

    def _is_person(self, name: str, before: str, after: str, *, titled: bool) -> bool:
        """Whether a name is part of a person's: after a first name, or itself one before a surname."""
        first = _CAPITALISED_BEFORE.search(before)
        if first and first["word"] in _FIRST_NAMES and not titled:
            return True
        last = _CAPITALISED_AFTER.match(after)
        if titled or name not in _GIVEN or last is None:
            return False
        return last["word"] not in _AFTER_A_PLACE and self._lexicon.dateline(last["word"]) is None

    @staticmethod
    def _embedded(before: str, after: str) -> bool:
        """Whether a small town's name stands between other capitalised words, as in the name of something else."""
        last = _CAPITALISED_AFTER.match(after)
        if last and last["word"] not in _AFTER_A_PLACE:
            return True
        return bool(_CAPITALISED_BEFORE.search(before)) and not _SENTENCE_BEFORE.search(before)

    def _settle(self, text: str, found: list[Mention]) -> list[Mention]:
        """Read neighbours together: a place beside what it lies in has one meaning, and the outer one only locates."""
        settled = list(found)
        for index, mention in enumerate(settled):
            if mention.rule not in {"name", "in another name", "in the name of an organisation"}:
                continue
            if inner := self._abbreviated(text, mention):
                settled[index] = inner
                continue
            for other in (index + 1, index - 1):
                if not 0 <= other < len(settled) or settled[other].rule in {"stands for it", "capital for government"}:
                    continue
                left, right = (mention, settled[other]) if other > index else (settled[other], mention)
                between = text[left.end : right.start]
                after = other > index and (_BESIDE.fullmatch(between) or _IN_BETWEEN.fullmatch(between))
                owned = other < index and bool(_OWNS.fullmatch(between))
                if not after and not owned:
                    continue
                if pair := self._inside(mention.senses, settled[other].senses):
                    settled[index] = replace(
                        mention, senses=(pair[0],), firm=True, weight=1.0, rule="name beside its region"
                    )
                    settled[other] = replace(settled[other], senses=(pair[1],), firm=True, locates=True)
                    break
        return settled

    def _abbreviated(self, text: str, mention: Mention) -> Mention | None:
        """A town before the abbreviation of its state: "GREENWICH, Conn." """
        match = _ABBREVIATION.match(text, mention.end, mention.end + 16)
        if match is None:
            return None
        short = match["short"].strip()
        region = self._lexicon.abbreviations.get(short) or self._lexicon.abbreviations.get(short.replace(" ", ""))
        if region is None:
            return None
        inside = tuple(code for code in mention.senses if self._places.within(code, region))
        return replace(
            mention, senses=inside[:1] or (region,), firm=True, weight=1.0, rule="name beside its region",
            text=text[mention.start : match.end()],
        )  # fmt: skip

    def _inside(self, inner: tuple[str, ...], outer: tuple[str, ...]) -> tuple[str, str] | None:
        for around in outer:
            for code in inner:
                if code != around and self._places.within(code, around):
                    return code, around
        return None

    def _chinese(self, text: str, where: str) -> Iterator[Mention]:
        covered = 0
        pairs = list(_PAIR.finditer(text))
        for start, end, word in self._lexicon.find_chinese(text):
            while pairs and pairs[0].start() < start:
                pair = pairs.pop(0)
                if pair.start() >= covered and pair.end() <= start:
                    yield from _both(pair, where)
            covered = end
            if word.kind is Kind.IGNORED:
                continue
            metonym = word.kind is Kind.METONYM
            rule, weight = ("stands for it", 0.7) if metonym else ("name", 1.0)
            yield Mention(where, start, end, text[start:end], word.senses, rule, weight, firm=not word.common)
        for pair in pairs:
            if pair.start() >= covered:
                yield from _both(pair, where)


def _both(pair: re.Match[str], where: str) -> Iterator[Mention]:
    """中以 names two countries."""
    for offset, sign in enumerate(pair[0]):
        start = pair.start() + offset
        yield Mention(where, start, start + 1, pair[0], (_PAIR_SIGNS[sign],), "pair of countries", 0.9)


def is_chinese(text: str) -> bool:
    """Whether a stretch of text is written in Chinese: more than a fifth of its first letters."""
    head = text[:400]
    return len(CJK.findall(head)) * 5 > len(head)


def _in_capitals(text: str) -> bool:
    head = text[:400]
    return sum(map(str.isupper, head)) > 4 * sum(map(str.islower, head))


def _in_titles(text: str) -> bool:
    """Whether Most Words of a Headline Begin with a Capital."""
    words = re.findall(r"[A-Za-z]{4,}", text[:400])
    return sum(word[0].isupper() for word in words) * 3 > len(words) * 2
