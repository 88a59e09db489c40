"""The start and the end of a wire story's text: place, date and agency of its dateline; its signature.

"JERUSALEM, April 9 (Xinhua) -- China's ..."        place JERUSALEM, agency Xinhua, April 9
"Jul 20, 2018 (China Knowledge) - Amid ..."          agency China Knowledge, date
"TEL AVIV, Israel (AP) — ..."                        place TEL AVIV, Israel, agency AP
"新华社北京4月9日电（记者 张三）..."                    agency 新华社, place 北京, reporter 张三
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from digest.pickup import publishers
from digest.pickup.words import pattern, words


@dataclass(frozen=True, kw_only=True)
class Dateline:
    """What stands before the first sentence. `rest` is the text after it; `day` is (year or "", month, day) or None."""

    place: str = ""
    agency: str = ""
    reporters: str = ""
    day: tuple[str, str, int] | None = None
    rest: str = ""


_MONTH: Final = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?|JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?"
    r"|SEPT?(?:EMBER)?|OCT(?:OBER)?|NOV(?:EMBER)?|DEC(?:EMBER)?)\.?"
)
_DAY: Final = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_DAY_FIRST: Final = rf"{_DAY.replace('day', 'day2')}\s+{_MONTH.replace('month', 'month2')}"
_DATE: Final = rf"(?:{_MONTH}\s+{_DAY}|{_DAY_FIRST})(?:,?\s+(?P<year>(?:19|20)\d\d))?"
_CITY: Final = r"[A-ZÀ-Þ][A-ZÀ-Þ.'’\-]+(?:[ /][A-ZÀ-Þ][A-ZÀ-Þ.'’\-]*)*"  # in capitals, as wires print it
_TITLE_CITY: Final = r"[A-ZÀ-Þ][\w.'’\-]+(?:[ /-](?:de|del|do|al-|la|[A-ZÀ-Þ])[\w.'’\-]*){0,3}"
_STATE: Final = r"(?:,\s+[A-ZÀ-Þ](?:\.[A-Z]\.?|[\w.'’]+)(?:\s[A-ZÀ-Þ][\w.'’]+){0,2}(?<!\bJan)(?<!\bFeb))"
_AGENCY: Final = r"\(\s*(?P<agency>[A-Z][\w.&'’ /\-]{1,40}?|[\u4e00-\u9fff]{2,10})\s*\)"
_SLASHED: Final = r"/(?P<wire>EINPresswire\.com|[A-Z][\w\- ]{2,25}?)(?:-[\w ]+)?/"  # /PRNewswire/
_DASH: Final = r"\s*(?:--+|—|–|―|-(?=\s)|_(?=\s)|:(?=\s))\s*"

_NOT_DATE: Final = rf"(?!\s*,?\s*{_MONTH.replace('P<month>', ':')}\s+\d)"
_FULL: Final = (
    # PLACE[, State][, date] (Agency) --      PLACE, date --      PLACE, date /Wire/ --
    rf"(?P<place>{_CITY}(?:{_NOT_DATE}{_STATE}){{0,2}})(?:,?\s+{_DATE})?,?\s*(?:{_AGENCY}|{_SLASHED}){_DASH}",
    rf"(?P<place>{_CITY}(?:{_NOT_DATE}{_STATE}){{0,2}}),?\s+{_DATE}{_DASH}",
    # Place, date (Agency) --     Place (Agency) -
    rf"(?P<place>{_TITLE_CITY}(?:{_NOT_DATE}{_STATE}){{0,2}})(?:,?\s+{_DATE})?,?\s*(?:{_AGENCY}|{_SLASHED}){_DASH}",
    # Place, date (Agency) The ...      PLACE, date. /TASS/. The ...
    rf"(?P<place>{_TITLE_CITY}),?\s+{_DATE}\s*\(\s*(?P<agency>[A-Z]{{2,5}}|Xinhua|Bernama)\s*\)\s*:?\s*(?=[A-Z“\"])",
    rf"(?P<place>{_CITY}),\s+{_DATE}\.?\s+/(?P<agency>[A-Z]{{3,8}})/\.?\s*(?:{_DASH})?",
    # date (Agency) -
    rf"{_DATE},?\s*(?:{_AGENCY}|{_SLASHED}){_DASH}",
    # (Agency) -     (Beijing) —
    rf"{_AGENCY}\s*(?:--+|—|–|-(?=\s))\s*",
)
_BARE: Final = re.compile(rf"(?P<place>{_CITY}(?:{_STATE}){{0,2}})\s*(?:--+|—|–|-(?=\s))\s*(?=\S)")
BETWEEN: Final = " -–—:，,"  # what may stand between a dateline and the text
_TEXT: Final = "The text."
_LONGEST_ALONE: Final = 120
_SHORT_CITIES: Final = words("cities")
_COLON: Final = re.compile(
    rf"(?P<place>(?:{pattern('cities', 'of_colons')})(?:/(?:{pattern('cities', 'of_colons')}))?):\s+(?=\S)"
)
_NOT_PLACES: Final = re.compile(rf"(?:{pattern('not_places')})\b")

_ZH_AGENCY: Final = rf"(?P<agency>{pattern('chinese_wires')}|[\u4e00-\u9fff]{{1,6}}(?:社|网|網|报|報))"
_ZH_DATE: Final = r"(?:(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月)?(?P<day>\d{1,2})日"
_ZH_NAMES: Final = r"(?:\s*[（(](?P<reporters>[^（）()]{2,40})[）)])?"
_ZH: Final = (
    re.compile(
        rf"[（(](?P<agency>中央社|[\u4e00-\u9fff]{{2,4}}[社报報网網])\s*(?:记者|記者)\s*"
        rf"(?P<reporters>[\u4e00-\u9fff]{{2,3}})(?P<place>[\u4e00-\u9fff]{{2,8}}?)\s*{_ZH_DATE}\s*(?:專)?[电電][）)]\s*"
    ),
    re.compile(
        rf"(?:【[^】]{{1,12}}】)?{_ZH_AGENCY}\s*(?P<place>[\u4e00-\u9fff·]{{2,12}}?)?\s*{_ZH_DATE}\s*"
        rf"(?:[电電讯訊]|消息){_ZH_NAMES}\s*[，,：: ]?\s*"
    ),
    re.compile(rf"{_ZH_AGENCY}\s*(?P<place>[\u4e00-\u9fff·]{{2,12}}?)\s*[电電訊]{_ZH_NAMES}\s*[，,：: ]?\s*"),
    re.compile(rf"[（(](?P<agency>[\u4e00-\u9fff]{{2,8}}?)\s*(?P<place>[\u4e00-\u9fff·]{{2,8}})?\s*{_ZH_DATE}\s*[电電讯訊][）)]\s*"),
    re.compile(rf"(?P<agency>)(?P<place>[\u4e00-\u9fff·]{{2,8}}?)\s*{_ZH_DATE}\s*[电電]{_ZH_NAMES}\s*[，,：: ]?\s*"),
    re.compile(rf"(?P<agency>本报|本報|本网|本網|本刊|本台)\s*(?:[讯訊]|消息){_ZH_NAMES}\s*[，,：: ]?\s*"),
    re.compile(  # 【大公報訊】記者陳大文報道：   e公司讯，   中证网讯（记者 张三）
        r"【(?P<agency>[\u4e00-\u9fff]{2,6}[網网報报社]?)[讯訊电電]】\s*"
        r"(?:(?:本報|本报|特约)?(?:记者|記者)\s*(?P<reporters>[\u4e00-\u9fff、 ]{2,20}?)"
        r"\s*(?:报道|報道|報導|报导)?\s*[：:]\s*)?"
    ),
    re.compile(
        rf"(?P<agency>\w{{1,8}}?(?:网|網|社|报|報|公司))\s*(?:{_ZH_DATE})?\s*[讯訊](?=\s*[（(，,：: ])"
        rf"{_ZH_NAMES}\s*[，,：: ]?\s*"
    ),
    re.compile(r"【(?P<agency>财新网|[\u4e00-\u9fff]{2,8}[网報报社])】\s*(?:[（(](?P<reporters>[^（）()]{2,40})[）)])\s*"),
)  # fmt: skip
_ZH_REPORTER: Final = re.compile(r"^(?:[\u4e00-\u9fff]{0,8}?(?:见习|特约)?(?:记者|記者|通讯员|作者)|文)[\s：:/／]*")


@cache
def _full() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _FULL))  # a twentieth of a second, which a command that reads no text does not wait


def read(paragraph: str) -> Dateline | None:
    """The dateline at the start of a paragraph, or None. A name before a dash is one only in capitals."""
    head = paragraph[:160]
    for form in _full():
        match = form.match(head)
        if match is not None:
            return _western(match, paragraph)
    match = _BARE.match(head)
    if match is not None and _is_place(match["place"]):
        return Dateline(place=match["place"].strip(), rest=paragraph[match.end() :])
    if match := _COLON.match(head):
        return Dateline(place=match["place"], rest=paragraph[match.end() :])
    for form in _ZH:
        match = form.match(head)
        if match is not None and match.end() < len(paragraph):
            return _chinese(match, paragraph)
    return None


def taken_off(paragraph: str) -> tuple[str, str, str] | None:
    """Place, agency and the text after them, for who needs no more of a dateline; None where there is none."""
    found = read(paragraph)
    return (found.place, found.agency, found.rest.lstrip(BETWEEN)) if found is not None else None


def stands_alone(line: str) -> bool:
    """Whether a line is a dateline and nothing else: the text then begins on the next one."""
    filed = read(f"{line} {_TEXT}") if len(line) <= _LONGEST_ALONE else None
    return filed is not None and filed.rest == _TEXT and filed.day is not None and bool(filed.agency)


def _is_place(name: str) -> bool:
    city = name.split(",", maxsplit=1)[0].strip()
    letters = sum(c.isalpha() for c in city)
    return not _NOT_PLACES.match(city) and len(city) <= 40 and (letters >= 5 or city in _SHORT_CITIES)


def _western(match: re.Match[str], paragraph: str) -> Dateline | None:
    parts = match.groupdict()
    place = (parts.get("place") or "").strip(" ,")
    agency = (parts.get("agency") or parts.get("wire") or "").strip()
    if _NOT_PLACES.match(place) or match.end() >= len(paragraph):
        return None
    if not place and not parts.get("day") and not parts.get("day2") and not publishers.known(agency):
        # "(Beijing) — China's ...": Caixin's way; "(But) - " is nothing
        if " " in agency or not agency.istitle() or "—" not in match[0] + "–" or len(agency) < 4:
            return None
        place, agency = agency, ""
    month, day = parts.get("month") or parts.get("month2"), parts.get("day") or parts.get("day2")
    return Dateline(
        place=place,
        agency=agency,
        day=(parts.get("year") or "", month, int(day)) if month and day else None,
        rest=paragraph[match.end() :],
    )


def _chinese(match: re.Match[str], paragraph: str) -> Dateline:
    parts = match.groupdict()
    day = parts.get("day")
    agency = parts["agency"] or ""
    agency = "" if "公司" in agency else agency
    return Dateline(
        place=(parts.get("place") or "").strip(),
        agency="" if agency.startswith("本") else agency,
        reporters=reporters(parts.get("reporters") or ""),
        day=(parts.get("year") or "", parts["month"], int(day)) if day and parts["month"] else None,
        rest=paragraph[match.end() :],
    )


def reporters(text: str) -> str:
    """The names in "记者 张三 李四" or "记者杜震、杨志望": without the word, joined by "、"."""
    names = re.split(r"[\s、，,；;]+", _ZH_REPORTER.sub("", text.strip()))
    joined: list[str] = []
    for name in (_ZH_REPORTER.sub("", name) for name in names):
        if len(name) == 1 and joined and len(joined[-1]) == 1:
            joined[-1] += name  # "张 三" is one name
        elif name:
            joined.append(name)
    return "、".join(joined)


_SIGNATURE: Final = re.compile(
    r"\s*(?:[(（]\s*(?P<agency>[A-Z][\w.&' \-]{1,30}|[\u4e00-\u9fff]{2,8})\s*[)）]"
    r"|(?P<end>Enditem|ENDS?|[（(](?:完|ENDS?|end|Ends)[）)]|-\s?(?:ENDS?|30)\s?-|#{3}|■|□))\s*$"
)


def signature(paragraph: str) -> tuple[str, str]:
    """A paragraph without the wire's signature at its end ("(Xinhua)", "（完）", "Enditem"), and who signed.

    A name in brackets is a signature only when it is a known agency's.
    """
    agency = ""
    while match := _SIGNATURE.search(paragraph):
        name = match["agency"]
        if name and name not in {"完", "END", "ENDS", "End", "Ends"}:
            if not publishers.known(name):
                break
            agency = agency or name
        rest = paragraph[: match.start()].rstrip()
        if rest and match["end"] and match["end"][:3] in {"END", "End"} and rest[-1] not in ".!?\"”'’)。！？":
            break  # the word, not the mark
        paragraph = rest
        if not paragraph:
            break
    return paragraph, agency
