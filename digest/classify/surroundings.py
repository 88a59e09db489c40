"""What the words around a name say about it: a currency, a language, a person, a paper, a ship, or a place.

Each question is answered from the few characters before and after the name, so the cost per name is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from digest.classify.lexicon import table
from digest.places import Level

BEFORE = 40
"""How many characters before a name are looked at."""
AFTER = 60
"""How many characters after it."""

_CURRENCY = re.compile(
    r"[\s-]?(?:[Dd]ollars?|DOLLARS?|[Dd]lrs?|DLRS?|cents?|cts|CTS|[Pp]esos?|[Ff]rancs?|[Yy]en|YEN|[Yy]uan|YUAN|[Rr]enminbi|"
    r"[Rr]upees?|kron[aeou]r?|lira|lire|guilders?|s(?:ch|h)illings?|dinars?|dirhams?|ri[yv]?als?|baht|ringgit|rupiah|"
    r"rou?bles?|escudos?|pesetas?|drachmas?|zloty|forint|hryvnia|shekels?|currency|currencies)\b"
)
_CURRENCY_OF_PEOPLE = re.compile(
    r"\s(?:[Mm]arks?|MARKS?|won|[Pp]ounds?|[Cc]rowns?|rand|reals?|reais|lev)\b"
)  # verbs after a country
_LANGUAGE_AFTER = re.compile(
    r"(?:[\s-][Ss]peak(?:ing|ers?)|[\s-][Ll]anguage|\s(?:lessons?|translations?|subtitles?|accent))\b"
)
_LANGUAGE_BEFORE = re.compile(
    r"\b(?:speaks?|spoke|speaking|fluent|learn(?:s|ed|ing)?|taught|translated|written|understand|said|read|published)"
    r"\s(?:[A-Z]\w+(?:,|,? and|,? or)\s)*(?:\w+\s)?(?:in(?:to)?\s)?$"
)
_LANGUAGE_END = re.compile(r"\s*(?:[.,;:!?)\"]|(?:and|or|but|to|at|with|as|well|fluently)\b|$)")
_TITLE_BEFORE = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Sen|Rep|Gov|Prof|Capt|Lt|Sgt|Col|Rev|Sir|Lord|Lady|Judge|Justice|Professor|Miss|Captain|"
    r"Sergeant|Colonel|Father|Sister|Brother)\.?\s|(?<![A-Z.])\b[A-Z]\.\s)$"
)
_ORGANISATION = re.compile(
    r"(?:'s)?(?:\s&)?(?:\s[A-Z][A-Za-z.&'-]*){0,3}\s(?:Inc|Corp|Corporation|Co|Company|Ltd|Plc|PLC|AG|SA|SpA|NV|Group|"
    r"Holdings?|Banks?|Bancorp\w*|Bancshares|Bankers|Financial|Insurance|Assurance|Airlines?|Airways|Industries|"
    r"Electric|Power|Gas|Oil|Petroleum|Steel|Motors?|Mining|Mines|Exchange|University|College|Institute|Hospital|"
    r"Museum|Orchestra|Philharmonic|Symphony|Opera|United|FC|Club|Records|Films|Studios|Pictures|Capital|Partners|"
    r"Ventures|Securities|Trust|Fund|Foundation|Association|Society|Savings|Telecom|Telephone|Railway|Railroad|Systems|"
    r"Technologies|Resources|INC|CORP|CO|LTD|PLC|GROUP|HOLDINGS?|BANK|BANCORP|FINANCIAL|AIRLINES|INDUSTRIES|ELECTRIC|"
    r"POWER|GAS|OIL|STEEL|TRUST|FUND|SAVINGS|SYSTEMS|RESOURCES)\b"
)
_ORGANISATION_BEFORE = re.compile(
    r"\b(?:Bank|University|Institute|Museum|Church|Archdiocese|Diocese|Bishop|Archbishop|College|Society|Association|"
    r"Trust|Company|Lloyd's|Knights|Daughters|BANK|UNIVERSITY)\s(?:of|OF)\s(?:the\s)?$"
)
_PAPER = re.compile(
    r"(?:\s[A-Z][A-Za-z]+)?\s(?:Times|Post|Herald|Tribune|Journal|News|Daily|Gazette|Chronicle|Telegraph|Press|Courier|"
    r"Star|Globe|Review|Observer|Mirror|Mail|Sun|Today|TV|Television|Radio|Magazine|Monitor)\b(?!\s(?:Corp|Release))"
)
_NAME_BEFORE = re.compile(
    r"(?:^|[^A-Za-z'])(?:New|Fort|Port|San|Santa|Lake|Mount|Mt\.|St\.|Saint|Little|Los|Las|El|La|Le|Al|Old|Camp|Point|"
    r"Cape|Glen|Villa|Villa de|Rio)[\s-]$"
)
_SHIP_BEFORE = re.compile(
    r"\b(?:USS|HMS|HMAS|HMCS|INS|RMS|MV|M/V|SS|MS|[Tt]anker|[Ff]rigate|[Dd]estroyer|[Cc]arrier|[Cc]ruiser|[Ss]ubmarine|"
    r"[Ff]reighter|[Ff]erry|[Yy]acht|[Ll]iner|[Vv]essel)\s(?:the\s)?[\"']?$"
)
_STREET = re.compile(
    r"\s(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|Blvd\.?|Drive|Lane|Square|Bridge|Hotel|Arena)\b"
)
_CALLED = re.compile(r"\b(?:(?P<division>state|province|region|prefecture)|city|town|village)\sof\s$")
_OCCUPATION = re.compile(
    r"\b(?i:singer|actor|actress|author|writer|director|striker|player|coach|minister|senator|spokes(?:man|woman)|farmer|teacher|"
    r"analyst|economist|engineer|professor|artist|chef|lawyer|captain)\s(?:[A-Z][\w'-]+\s)+$"
)
_AGED = re.compile(r",\s[1-9]\d,")
_HYPHEN_AFTER = re.compile(
    r"-(?=[a-z])(?!based|born|area|bound|style|listed|trained|led|backed|owned|registered|made|wide)"
)
_HYPHEN_BEFORE = re.compile(r"(?:^|[^A-Za-z])(?:Al|El|al|el|Bar|Ben|Jean|Saint|Mary|Anne)-$")
_WORD_BEFORE = re.compile(r"(?:^|\s)(?P<word>[A-Z][a-z'&-]+)\s$")
_SENTENCE_BEFORE = re.compile(r"(?:^|[.!?:\"'-]\s+)[A-Z][a-z'&-]+\s$")
_WORD_AFTER = re.compile(r"\s(?P<word>[A-Z][a-z'-]+)")
_SAYING = re.compile(
    r"(?:\sand\s[A-Z]\w+)?\s(?:has |had |have |also |later |on \w+day )?"
    r"(?:said|says|saying|wants?|wanted|warn(?:s|ed)|accus(?:es|ed)|"
    r"agree[sd]|announced|urge[sd]|insist(?:s|ed)|den(?:ies|ied)|believe[sd]|hope[sd]|fears?|feared|refuse[sd]|"
    r"vow(?:s|ed)|pledge[sd]|impose[sd]|reject(?:s|ed)|call(?:s|ed) (?:on|for)|demand(?:s|ed)|claim(?:s|ed)|"
    r"consider(?:s|ed)|retaliate[sd])\b"
)
_POLICY = re.compile(
    r"'s?\s(?:\w+\s)?(?:policy|policies|government|leaders?|leadership|decision|claims?|position|stance|demands?|"
    r"ambassador|foreign|military|sanctions|tariffs|allies|response|relations|ties|approach|efforts)\b"
)
_BETWEEN = re.compile(r"\b(?:between|relations with|ties with|talks with|tensions with|pressure on)\s$")
_FIGURE_BEFORE = re.compile(r"'s?\s(?:own\s|very own\s)?[\"'“]?$")
_FIGURE_OF = re.compile(r"\sof\s(?=[A-Z])")  # the Silicon Valley of India
_FIGURE_AFTER = re.compile(
    r"[\"'”]?\sof\s(?:the\s(?:East|West|North|South|Orient|Middle|Gulf|Caribbean|Balkans|Alps|world)|[A-Z][a-z]+[.,;])"
)

_FIRST_NAMES = frozenset(name for row in table("first-names.tsv") for name in row)
_GIVEN = frozenset(name for row in table("given.tsv") for name in row)
_AFTER_A_PLACE = frozenset(word for row in table("after-a-place.tsv") for word in row)


# Every name of an article asks all of this, and most answers are no: what the last words before it cannot begin, or the
# first letters after it, is not looked for. An expression that ends at the name is tried from the last words on only.


def _last(before: str, words: int = 1) -> int:
    """Where the space before the last word stands, or before the last few; 0 when there are not so many."""
    at = len(before) - 1  # where a space stands, if words end here
    for _ in range(words):
        at = before.rfind(" ", 0, max(at, 0))
    return max(at, 0)


def called(before: str, after: str) -> Level | None:
    """What the words before a name call it: "the Australian state of Victoria", "the port city of Mobile"."""
    if before[-3:-1] != "of":
        return None
    match = _CALLED.search(before)
    if match is None or _WORD_AFTER.match(after):  # the province of West Java
        return None
    return Level.DIVISION if match["division"] else Level.CITY


def is_currency(after: str, *, people: bool) -> bool:
    """U.S. dollars, Hong Kong dollar, German marks. After a country, "marks" and "won" are verbs."""
    return bool(_CURRENCY.match(after) or (people and _CURRENCY_OF_PEOPLE.match(after)))


def is_language(before: str, after: str) -> bool:
    """Spoke Chinese, English-speaking, translated into French."""
    if _LANGUAGE_AFTER.match(after):
        return True
    return bool(_LANGUAGE_END.match(after)) and bool(_LANGUAGE_BEFORE.search(before))


def is_paper(after: str) -> bool:
    """Houston Chronicle, Bangkok Post: who reports is not where it happens."""
    return after[1:2].isupper() and bool(_PAPER.match(after))


def is_figure(before: str, after: str, *, metonym: bool) -> bool:
    """China's Silicon Valley, the Paris of the East."""
    if metonym and (_FIGURE_BEFORE.search(before) or _FIGURE_OF.match(after)):
        return True
    return "of" in after[1:4] and bool(_FIGURE_AFTER.match(after))


def is_person(name: str, before: str, after: str, is_place: Callable[[str], bool]) -> bool:
    """Mr London, Andrew Jackson, Sydney Pollack; not Sydney Harbour, and not before another place."""
    at = _last(before)
    if _TITLE_BEFORE.search(before, at) or (after[:1] == "," and _AGED.match(after)):
        return True
    first = _WORD_BEFORE.search(before, at)
    if first and first["word"] in _FIRST_NAMES:
        return True
    if before[at : at + 2].strip()[:1].isupper() and _OCCUPATION.search(before):
        return True
    if name not in _GIVEN:
        return False
    last = _WORD_AFTER.match(after)
    return last is not None and last["word"] not in _AFTER_A_PLACE and not is_place(last["word"])


def is_part_of_name(before: str, after: str, *, city: bool, division: bool) -> bool:
    """London Road, the frigate Norfolk, Al-Hassan, Stratford-upon-Avon, New Britain: names of something else."""
    at = _last(before, 2)
    if (after[1:2].isupper() and _STREET.match(after)) or _SHIP_BEFORE.search(before, _last(before, 3)):
        return True
    if before[-1:] == "-" and _HYPHEN_BEFORE.search(before):
        return True
    if city and after[:1] == "-" and _HYPHEN_AFTER.match(after):
        return True
    return not division and bool(_NAME_BEFORE.search(before, at))


def in_organisation(before: str, after: str) -> bool:
    """Tokyo Electric Power, Bank of Mexico: the organisation's home, less than the place itself."""
    if (after[:1] == "'" or after[1:2] == "&" or after[1:2].isupper()) and _ORGANISATION.match(after):
        return True
    return "of" in before[-7:].lower() and bool(_ORGANISATION_BEFORE.search(before))


def is_embedded(before: str, after: str) -> bool:
    """Whether a name stands between other capitalised words, as in the name of something else."""
    last = _WORD_AFTER.match(after)
    if last and last["word"] not in _AFTER_A_PLACE:
        return True
    return bool(_WORD_BEFORE.search(before, _last(before))) and not _SENTENCE_BEFORE.search(before)


def speaks_for_government(before: str, after: str) -> bool:
    """Beijing said, Washington's tariffs, between Moscow and Kyiv: the capital stands for its country."""
    return bool(_SAYING.match(after) or _POLICY.match(after) or _BETWEEN.search(before))
