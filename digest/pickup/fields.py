"""Lines of a page that carry fields: stamp, source, byline, editor, keywords, section - alone or several on one line.

    "Source: Xinhua| 2018-04-10 04:16:48|Editor: yan"  -> source, published, editor
    "2018年07月20日 09:15 来源：新华网"                    -> published, source
    "By Jane Doe | China Daily | Updated: 2018-07-20"    -> byline, source, updated

A line is one of these only if nothing else of weight is left on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from digest.pickup import dates, publishers
from digest.pickup.dateline import reporters, signature
from digest.pickup.dates import Stamp
from digest.pickup.prose import mass
from digest.pickup.words import pattern, words


@dataclass(kw_only=True)
class Fields:
    """What the lines of a page say about it. Empty means: not said."""

    source: str = ""
    byline: str = ""
    editor: str = ""
    section: str = ""
    title: str = ""
    url: str = ""
    publisher: str = ""
    agency: str = ""
    keywords: list[str] = field(default_factory=list)
    published: Stamp | None = None
    updated: Stamp | None = None

    def add(self, other: Fields) -> None:
        """Take over what is not said yet; the first to say a thing is right."""
        for name in ("source", "byline", "editor", "section", "title", "url", "publisher", "agency"):
            if not getattr(self, name):
                setattr(self, name, getattr(other, name))
        if other.published and (not self.published or (other.published.timed and not self.published.timed)):
            self.published = other.published
        self.updated = self.updated or other.updated
        self.keywords = self.keywords or other.keywords

    @property
    def any(self) -> bool:
        """Whether anything is said."""
        return bool(
            self.source or self.byline or self.editor or self.section or self.title or self.url or self.publisher
            or self.agency
            or self.keywords or self.published or self.updated
        )  # fmt: skip


_NAMES_OF_FIELDS: Final = (
    "source",
    "editor",
    "byline",
    "published",
    "updated",
    "keywords",
    "section",
    "title",
    "url",
    "publisher",
)
_LABEL: Final = re.compile(
    r"(?:(?<=^)|(?<=[\s|｜;；，,/(（\[【•·.)]))(?:"
    + "|".join(f"(?P<{name}>{pattern('labels', name)})" for name in _NAMES_OF_FIELDS)
    + r")\s*[:：]\s*",
    re.IGNORECASE,
)
_WORDS_LIST: Final = re.compile(r"^(关键词|關鍵詞|关键字|标签|標籤)\s+(?=\S)")  # labels that print no colon
# These say what they are without a colon.
_OPENING: Final = re.compile(
    r"^[(（\[]?(?:(?P<byline>by|written by|reporting by|story by)|(?P<editor>edited by|editing by)"
    r"|(?P<published>(?:first )?(?:published|posted)(?! in:)(?: on| at)?)"
    r"|(?P<updated>(?:last )?(?:updated|modified)(?: on| at)?)|(?P<source>来源于))\s+(?=\S)",
    re.IGNORECASE,
)
_SEGMENTS: Final = re.compile(r"\s*[|｜;；•]\s*|\s+[·/–—-]\s+|\s{2,}|^\s*[·/]\s*|\s*[·/]\s*$")
_FILLER: Final = re.compile(
    r"(?:(?:https?://|www\.)\S+|\W|\b(?:published|posted|updated|last|first|modified|on|at|by|from|the|gmt|utc|cst"
    r"|ist|local time|hrs?|pm|am|ago|min(?:ute)?s?|hours?|days?|years?|read|beijing time|mon|tues?|wed|thu(?:rs)?|fri"
    r"|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day|print|share|e-?mail|comments?|a|\d+)\b"
    r"|更新|北京时间|星期[一二三四五六日天]|字号|大|中|小|打印|分享|分享到|微信|微博|评论|发布|浏览|阅读|点击|次|来源|版权|我要|纠错"
    r"|收藏|T\|)*",
    re.IGNORECASE,
)
_PERSON: Final = r"(?:[A-ZÀ-Þ][\w.'’\-]*|de|van|von|der|al|bin|binti|da|del|la|el|ul|ibn)"
_NAMES: Final = rf"{_PERSON}(?:\s+{_PERSON}){{1,4}}"
_BYLINE: Final = re.compile(
    rf"(?:(?i:by|from)\s+)?(?P<names>{_NAMES}(?:(?:\s*,\s*(?:and\s+)?|\s+(?:and|&|with)\s+){_NAMES}){{0,4}})"
    r"(?P<role>(?:,?\s+(?:in|for|at|from)\s+[\w ,.'’&\-]{2,60}|,\s*[\w .'’&\-]{2,50}){0,2})"
)
_ZH_BYLINE: Final = re.compile(
    r"(?:[■□●]\s*)?(?:[\u4e00-\u9fff]{0,8}?(?:见习|特约|实习)?(?:记者|記者|通讯员|作者|撰文)|文)[\s:：/／]+"
    r"(?P<names>[\u4e00-\u9fff·]{2,4}(?:[\s、，]+(?:通讯员\s*)?[\u4e00-\u9fff·]{2,4}){0,5})"
    r"(?:\s*(?:发自)?[\u4e00-\u9fff]{0,6}(?:报道|文|电))?"
)
_CREDITS: Final = re.compile(
    r"[(（]?\s*(?:Additional )?(?:Reporting|Writing|Editing|Compiled|Written|Edited|Reported|Translated) by\b.{3,400}"
)
_EDGES: Final = " ,()[]（）【】"
_HAN: Final = re.compile("[\u4e00-\u9fff]")
_OPEN, _CLOSED = re.compile(r"[(（\[【]"), re.compile(r"[)）\]】]")
_VERB: Final = re.compile(r"\b(?:is|are|was|were|has|have|had|will|would|said|says|can|could|to|that|which|who)\b")
_LONGEST: Final = 300


def read(line: str) -> Fields | None:
    """The fields of a line, or None when it is (also) something else."""
    if len(line) > _LONGEST:
        return None
    if _CREDITS.fullmatch(line):
        return _credits(line)
    rest, signed = signature(line)
    if signed and not rest:  # "(Xinhua)" on a line of its own
        return Fields(agency=signed)
    line = _WORDS_LIST.sub(r"\1:", line.strip("*+•▪■►▶»>–— \t"))
    found = Fields()
    pieces = _pieces(line)
    rests = [(name, text if name == "keywords" else _stamps(found, name, text)) for name, text in pieces]
    for name, rest in rests:
        if name == "keywords":
            found.keywords = found.keywords or keywords(rest)
            continue
        segments = [each for each in _SEGMENTS.split(rest) if each and each.strip(_EDGES)]
        plainly = not name or name in {"published", "updated"}
        if not plainly and not _labelled(found, name, segments.pop(0) if segments else ""):
            return None
        whole = len(pieces) == 1 and len(segments) == 1
        if not all(_unlabelled(found, segment.strip(_EDGES), whole=whole) for segment in segments):
            return None
    return found if found.any else None


def _pieces(line: str) -> list[tuple[str, str]]:
    """The line cut at its labels: ("", text before), (label, text after), ..."""
    pieces: list[tuple[str, str]] = []
    name, start = "", 0
    if opening := _OPENING.match(line):
        name, start = next(key for key, value in opening.groupdict().items() if value), opening.end()
        if name == "byline":
            start = 0 if opening["byline"].lower() == "by" else start
    for match in _LABEL.finditer(line, start):
        pieces.append((name, line[start : match.start()]))
        name = next(key for key, value in match.groupdict().items() if value)
        start = match.end()
    pieces.append((name, line[start:]))
    return [(name, text) for name, text in pieces if name or text.strip()]


def _stamps(found: Fields, name: str, text: str) -> str:
    """Put the dates of a piece into the fields; what is left of its text."""
    if name in {"title", "url"}:
        return text
    rest, end = [], 0
    for stamp in dates.find(text):
        before = text[end : stamp.start]
        updated = name == "updated" or re.search(r"(?:updat|modif|revis)\w*\W*$|更新\W*$", before, re.IGNORECASE)
        which = "updated" if updated else "published"
        if getattr(found, which) is None:
            setattr(found, which, stamp)
        name = "" if name == "updated" else name
        rest.append(before)
        end = stamp.end
    return " | ".join([*rest, text[end:]])


def _labelled(found: Fields, name: str, value: str) -> bool:
    if name == "byline":
        value = _unsigned(found, value)
    value = value.strip(_EDGES)
    if name in {"source", "editor", "byline"}:
        value = _CLOSED.split(value)[0].strip() if not _OPEN.search(value) else value
    if name == "source":
        value = _published_by(value)
    if len(value) > (200 if name in {"title", "url"} else 90) or (name == "section" and _VERB.search(value)):
        return False
    if name in {"source", "editor"} and (value.endswith((".", "。")) and len(value.split()) > 8):
        return False
    if name == "byline":
        names = byline(value)
        if not names and value[:3].lower() == "by ":  # "By the time ...": a sentence, no name
            return False
        value = names or (reporters(value) if _HAN.search(value) else value)
    if value and not getattr(found, name):
        setattr(found, name, value)
    return True


def _published_by(value: str) -> str:
    """The publisher that a source's value names: without the desk, and without prompts that follow a Chinese one."""
    first = re.split(r"[\s/]", value, maxsplit=1)[0]
    chinese = bool(_HAN.match(value)) or "/" in value
    return first if chinese and first != value and publishers.known(first) else publishers.printed(value)


def _unsigned(found: Fields, text: str) -> str:
    """A name without the publisher in brackets behind it, which becomes the source."""
    signed = _SIGNED.fullmatch(text.strip())
    if signed is None or not publishers.known(signed["agency"]):
        return text
    found.source = found.source or signed["agency"]
    return signed["name"]


def _unlabelled(found: Fields, segment: str, *, whole: bool) -> bool:
    """Whether a part of a line without a label is understood."""
    if not segment or _FILLER.fullmatch(segment):
        return True
    if publishers.known(segment):
        found.source = found.source or publishers.printed(segment)
        return True
    segment = _unsigned(found, segment)
    name = byline(segment)
    explicit = re.match(r"(?i:by)\s|[^a-zA-Z]*(?:记者|記者|作者|文[/／]|通讯员)", segment)
    if name and (explicit or (not whole and found.published is not None)):
        found.byline = found.byline or name
        return True
    # Beside a stamp, a short name is the publisher's: "China Daily | Updated: 2018-07-20".
    stamped = found.published is not None or found.updated is not None
    if stamped and not whole and len(segment) <= 40 and segment[:1].isupper() and not _VERB.search(segment):
        found.source = found.source or segment
        return True
    # Beside the time of day, so little is a prompt or the name of a list: "All News 10:21 March 05, 2021".
    clock = any(stamp is not None and stamp.timed for stamp in (found.published, found.updated))
    if clock and len(segment.split()) <= _FEW_WORDS and mass(segment) <= _FEW_LETTERS and not _VERB.search(segment):
        found.source = found.source or publishers.known_start(segment)
        return True
    return False


_SIGNED: Final = re.compile(r"(?P<name>.{3,80}?)\s*[(（](?P<agency>[^()（）]{2,40})[)）]")
_FEW_WORDS, _FEW_LETTERS = 3, 24.0
_SHOUTED: Final = re.compile(r"\b[A-ZÀ-Þ]{3,}\b")
_BY: Final = re.compile(r"(?i:by)\s+(?P<names>[\w .,'’&\-]{2,60})")
_OFFICE: Final = re.compile(
    r"^(?:(?i:by)\s+)?(?:[A-Z]\w+ )?(?:(?i:staff|special|senior|chief|foreign) )?"
    r"(?i:writers?|reporters?|correspondents?) (?=[A-Z])"
)


def byline(text: str) -> str:
    """The names of a byline ("By Jane Doe and John Roe, Reuters" -> "Jane Doe and John Roe"), or ""."""
    text = _OFFICE.sub("By ", text.strip(" ."))
    if match := _ZH_BYLINE.fullmatch(text):
        return reporters(match["names"])
    if len(text) <= 120 and (match := _BYLINE.fullmatch(text)) and not _VERB.search(match["names"]):
        return _SHOUTED.sub(lambda name: name[0].title(), match["names"])
    match = _BY.fullmatch(text)  # "By staff reporters"
    return match["names"].strip() if match and not _VERB.search(text) else ""


def _credits(line: str) -> Fields:
    """Who wrote and who edited, of "(Reporting by Jane Doe; Editing by John Roe)"."""
    found = Fields()
    for clause in re.split(
        r"[;；]\s*|,\s*(?=(?:[Ee]diting|[Ww]riting|[Rr]eporting|[Ee]dited|[Ww]ritten)\b)", line.strip("()（） .")
    ):
        match = re.match(r"(?:additional\s+)?(\w+)(?:\s+and\s+\w+)?\s+by\s+(.+)", clause.strip(), re.IGNORECASE)
        if match is None:
            continue
        which = "editor" if match[1].lower() in {"editing", "edited"} else "byline"
        names = match[2].strip(" .)")
        if not getattr(found, which):
            setattr(found, which, names)
    return found


# --------------------------------------------------------------------------------------------------------------
# Lines that only their place gives away

_LIST_ITEM: Final = re.compile(r"[\w'’&.,\-/():（） ]{2,40}")
_COMMAS: Final = re.compile(r"\s*(?:[，、;；|]|(?<!\d),|,(?!\d))\s*")  # not that of 5,000
_STOPPED: Final = re.compile(r"(?:\b[A-Z]\.)+$")  # U.S.


def keywords(value: str) -> list[str]:
    """The items of a list of keywords; Chinese ones may stand apart by spaces alone."""
    value = value.strip() if _STOPPED.search(value) else value.strip(" .。")
    if not _COMMAS.search(value) and re.fullmatch(r"[\u4e00-\u9fff·]+(?:\s+[\u4e00-\u9fff·]+)+", value):
        items = value.split()
    else:
        items = _COMMAS.split(value)
    return list(dict.fromkeys(item.strip(" #\"“”'[]") for item in items if item.strip(" #")))


def keyword_line(line: str) -> list[str]:
    """The items of a bare keyword line ("Dongguan, Israel, Guangdong"): names, no sentence; or nothing."""
    ended = line.endswith((".", "!", "?", "。", "！", "？", ":", "：")) and not _STOPPED.search(line)
    if ended or len(line) > 200:
        return []
    items = keywords(line)
    chinese = bool(_HAN.search(line))
    if len(items) < 2 or any(not _LIST_ITEM.fullmatch(item) or _VERB.search(item) for item in items):
        return []
    if chinese:
        longest = 10 if _COMMAS.search(line) else 5  # apart by spaces alone, longer ones are the halves of a headline
        return items if all(len(item) <= longest for item in items) else []
    named = sum(item[:1].isupper() or item[:1].isdigit() for item in items)
    return items if all(len(item.split()) <= 4 for item in items) and named >= (len(items) + 1) // 2 else []


def lists_names(line: str) -> bool:
    """Whether a keyword line cannot be a headline: all names, short ones or many ("China, Japan sign deal" can be)."""
    items = keyword_line(line)
    if not items or not all(each[:1].isupper() or not each.isascii() for item in items for each in item.split()):
        return False
    if _HAN.search(line):  # 油价上涨，股市下跌 are two halves
        return len(items) > 2 or all(len(item) <= 3 for item in items)
    return len(items) > 2 or all(len(item.split()) <= 2 for item in items)


_SECTION_WORDS: Final = words("sections")
_CRUMBS: Final = re.compile(r"\s*[>›»|/·•→＞》]\s*|\s+-+>?\s+")
_HOME: Final = re.compile(
    r"^(?:(?:you are here|(?:您|你)?(?:当前|现在)?的?(?:位置|所在位置))\s*[:：]?\s*)?"
    r"(?:(?:home(?:page)?|news|首页|首頁|新华网|人民网|网站首页|中新网)\s*[>›»|/→＞》]+\s*)?",
    re.IGNORECASE,
)
_LAST_CRUMB: Final = re.compile(r"\s*[>›»→＞》]+\s*(?:正文|正文内容|article|story|content|text)?\s*$", re.IGNORECASE)


def section(line: str) -> str:
    """A section line as printed ("Macro · Govt"; of a breadcrumb what comes after "Home >"), or ""."""
    if len(line) > 80 or line.endswith((".", "。", "?", "!", ",")):
        return ""
    text = _LAST_CRUMB.sub("", _HOME.sub("", line)).strip()
    if "|" in line and text != line:  # "Home | World | China" is a menu
        return ""
    crumbs = [crumb for crumb in _CRUMBS.split(text) if crumb]
    if not crumbs or any(
        len(crumb.split()) > 4 or len(crumb) > 30 or any(c.isdigit() for c in crumb) for crumb in crumbs
    ):
        return ""
    if len(crumbs) == 1:
        return text if crumbs[0].casefold() in _SECTION_WORDS else ""
    if len(crumbs) > 4 or not all(crumb[:1].isupper() or not crumb.isascii() for crumb in crumbs):
        return ""
    return text if len(crumbs) <= 3 or _HOME.match(line) else ""


_EDITOR: Final = re.compile(
    r"(?:\b(?:web )?editors?|责任编辑|責任編輯|责编|编辑|編輯)\s*[:：]\s*(?P<name>[^)）\]】|｜.。]{2,40})",
    re.IGNORECASE,
)


def editor(line: str) -> str:
    """The editor that a line of furniture names in passing: "... follow us)(Web editor: Zhang Lin)"."""
    match = _EDITOR.search(line)
    return match["name"].strip(" 【[(（") if match else ""


def is_section_word(line: str) -> bool:
    """Whether a line is one of the words that papers name sections with."""
    return line.strip(" |>»").casefold() in _SECTION_WORDS
