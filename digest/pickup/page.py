"""A page as raw text -> title, fields and paragraphs, without its furniture.

    text -> lines -> what each line is -> where the text starts -> where it ends -> title and fields around it

What a line is comes from what it says (fields.py, furniture.py, dateline.py) and, failing that, from its shape
(prose.py). The text starts at the dateline, or after the last line of the head that carries a stamp, source or byline,
or where the heaviest run of prose starts; it ends where the run does. Prose before the title (a publisher's
self-description) is furniture; prose between the title and the start is the teaser. Nothing is rewritten: only
the dateline's prefix and the wire's signature leave the text, and only because fields keep them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo
from typing import Final

from digest.clean import plain
from digest.errors import PickupError
from digest.pickup import dateline, dates, fields, furniture, prose, publishers
from digest.pickup.dateline import Dateline
from digest.pickup.draft import Draft
from digest.pickup.fields import Fields
from digest.pickup.furniture import Part


@dataclass(kw_only=True)
class Line:
    """A line of the page and what it was recognised as."""

    number: int
    text: str
    gap: bool  # a blank line before it
    prose: bool = False
    part: Part | None = None
    fields: Fields | None = None
    dateline: Dateline | None = None
    size: float = 0.0

    @property
    def neutral(self) -> bool:
        """Neither prose nor recognised: a headline, a subhead, a link, a name."""
        return not self.prose and self.part is None and self.fields is None


_BREAKS: Final = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_MAX_LINES: Final = 20_000
_MAX_TITLE: Final = 250


def read(text: str, *, name: str, zone: tzinfo, now: datetime, publisher_zone: bool = True) -> Draft:
    """Read a page that was saved as text.

    Args:
        text: the page.
        name: what to call it in errors.
        zone: of stamps that name none, if their publisher is unknown.
        now: for a dateline without a year.
        publisher_zone: whether a known publisher's zone goes before `zone`.

    Raises:
        PickupError: there is no running text on it.
    """
    lines = _lines(text, name)
    start, end, title_at = _locate(lines)
    if start >= end:
        raise PickupError(
            "no article text found: only menus or short lines",
            where=name,
            remedy="save the page with its text, or give it as Markdown with a title in its front matter",
        )
    head, body, tail = lines[:start], lines[start:end], lines[end:]
    said = _said(head, body, tail, title_at)
    title = said.title or (lines[title_at].text if title_at is not None else "")
    title, suffix = _split_suffix(title)
    paragraphs, filed, agency = _paragraphs(body, title)
    if not paragraphs:
        raise PickupError(
            "no article text found", where=name, remedy="see docs/pickup.md for what a page may look like"
        )
    teaser = _teaser(lines, title_at, start)
    publisher = said.publisher or _owner(lines, start, end) or suffix or said.source
    agency = (filed.agency if filed else "") or agency or (said.source if publishers.known(said.source) else "")
    stamps = publishers.zone_of(said.source or publisher or agency) if publisher_zone else None
    return Draft(
        title=title or _first_sentence(paragraphs[0]),
        paragraphs=tuple(paragraphs),
        published=_published(said, filed, stamps or zone, now),
        publisher=publisher,
        section=said.section,
        byline=said.byline or (filed.reporters if filed else ""),
        editor=said.editor,
        agency=agency,
        dateline=filed.place if filed else "",
        keywords=tuple(said.keywords),
        teaser=teaser,
        url=said.url,
    )


# --------------------------------------------------------------------------------------------------------------
# Lines


def _lines(text: str, name: str) -> list[Line]:
    lines: list[Line] = []
    gap = True
    raw = _BREAKS.split(text)
    if len(raw) > _MAX_LINES:
        raise PickupError(f"more than {_MAX_LINES} lines", where=name, remedy="give one article a file")
    for number, words in _unwrapped(raw):
        words = plain(words)
        if not words:
            gap = True
            continue
        lines.append(_line(number, words, gap=gap))
        gap = False
    return lines


def _line(number: int, text: str, *, gap: bool) -> Line:
    line = Line(number=number, text=text, gap=gap, size=prose.mass(text))
    line.dateline = dateline.read(text)
    if line.dateline is not None and (prose.is_prose(line.dateline.rest) or line.size >= 80):
        line.prose = True
        return line
    line.dateline = None
    line.fields = fields.read(text)
    if line.fields is None:
        line.part = furniture.part(text)
    line.prose = line.fields is None and line.part is None and prose.is_prose(text)
    return line


_WRAPPED: Final = range(50, 91)


def _unwrapped(raw: list[str]) -> list[tuple[int, str]]:
    """Lines numbered from 1; blocks that were wrapped at a fixed width are joined again."""
    out: list[tuple[int, str]] = []
    block: list[tuple[int, str]] = []
    for number, text in [*enumerate((line.rstrip() for line in raw), start=1), (0, "")]:
        if text.strip():
            block.append((number, text))
            continue
        out.extend(_joined(block))
        block = []
        if number:
            out.append((number, ""))
    return out


def _joined(block: list[tuple[int, str]]) -> list[tuple[int, str]]:
    inner = [text for _, text in block[:-1]]
    wrapped = (
        len(inner) >= 2 and all(len(text) in _WRAPPED for text in inner) and len(block[-1][1]) <= max(map(len, inner))
    )
    if not wrapped or sum(prose.is_sentence(text) for text in inner) * 2 > len(inner):
        return block
    joined: list[tuple[int, str]] = []
    widest = max(map(len, inner))
    for number, text in block:
        indented = text[:1].isspace()  # old wires indent the first line of a paragraph
        ended = bool(joined) and prose.is_sentence(joined[-1][1]) and len(joined[-1][1].rsplit("\n")[-1]) < widest - 12
        if joined and not indented and not ended:
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {text}")
        else:
            joined.append((number, text))
    return joined


# --------------------------------------------------------------------------------------------------------------
# Where the text stands

_STOP_COST, _ASIDE_COST, _FIELD_COST, _SHORT_COST = 700.0, 12.0, 25.0, 26.0
_MOST: Final = 450.0  # what one line can weigh: a footer of one long paragraph must not win


def _weights(lines: list[Line]) -> list[float]:
    weights = []
    shorts = 0
    for line in lines:
        if line.prose:
            weights.append(min(line.size, _MOST))
            shorts = 0
        elif line.part is Part.STOP:
            weights.append(-_STOP_COST)
        elif line.part is Part.ASIDE:
            weights.append(-_ASIDE_COST)
        elif line.fields is not None:
            weights.append(-_FIELD_COST)
        elif prose.is_sentence(line.text):
            weights.append(min(line.size, 30.0))
        else:
            shorts += 1
            weights.append(-_SHORT_COST * min(shorts, 8))
    return weights


def _locate(lines: list[Line]) -> tuple[int, int, int | None]:
    """Start and end of the text (half open), and the index of the title's line."""
    weights = _weights(lines)
    filed = _first_dateline(lines, weights)
    anchor = filed if filed is not None else _after_head(lines)
    first, last = prose.longest_run(weights, anchor)
    if filed is not None:
        first, last = filed, max(_best_end(weights, filed), filed + 1)
    title_at = _title(lines, first, last)
    if filed is None and title_at is not None and title_at >= first:  # the run began above the title
        first, last = prose.longest_run(weights, title_at + 1)
    while first < last and not (lines[first].prose or _spoken(lines[first])):
        first += 1
    while first < last and (lines[last - 1].part is not None or lines[last - 1].fields is not None):
        last -= 1
    return first, last, title_at


def _spoken(line: Line) -> bool:
    return line.neutral and prose.is_sentence(line.text)


def _first_dateline(lines: list[Line], weights: list[float]) -> int | None:
    """The first paragraph with a dateline, if a good part of the page's text follows it."""
    total = sum(weight for weight in weights if weight > 0)
    before = 0.0
    for index, line in enumerate(lines):
        if line.dateline is not None:
            return index if before <= 0.6 * total else None
        before += max(weights[index], 0.0)
    return None


def _best_end(weights: list[float], start: int) -> int:
    best, end, total = 0.0, start, 0.0
    for index in range(start, len(weights)):
        total += weights[index]
        if total > best:
            best, end = total, index + 1
    return end


def _after_head(lines: list[Line]) -> int:
    """The index after the lines of the head that carry stamp, source or byline; 0 when there is no such head.

    Prose may stand above it (a self-description, a standfirst), but not much of the page's.
    """
    masses = [line.size if line.prose else 0.0 for line in lines]
    total = sum(masses)
    before, anchor, since = 0.0, None, 0
    for index, line in enumerate(lines):
        said = line.fields
        if said and (said.published or said.updated or said.source or said.byline):
            near = (
                anchor is None or since == 0 or (since == 1 and any(each.neutral for each in lines[anchor + 1 : index]))
            )
            if near and before <= max(0.25 * total, 400.0) and before <= 0.5 * total:
                anchor, since = index, 0
        if line.prose:
            since += 1
            before += masses[index]
    return 0 if anchor is None else anchor + 1


# --------------------------------------------------------------------------------------------------------------
# Title

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_SUFFIX: Final = re.compile(r"\s+[-|–—_]\s+(?P<name>[^|–—_]{2,40})$|[_|](?P<zh>[\u4e00-\u9fff_]{2,20})$")


def _tokens(text: str) -> set[str]:
    words = {word.lower()[:6] for word in _WORD.findall(text)}
    chinese = re.sub("[^\u4e00-\u9fff]", "", text)
    return words | {chinese[i : i + 2] for i in range(len(chinese) - 1)}


def _title(lines: list[Line], start: int, end: int) -> int | None:
    """The line that reads most like the headline of the text: above it (or its first line), near, of its words."""
    text = _tokens(" ".join(line.text for line in lines[start:end])[:20_000])
    best, best_at = 0.0, None
    texts: dict[str, int] = {}
    for line in lines:
        texts[line.text] = texts.get(line.text, 0) + 1
    for index in range(max(0, start - 60), min(start + 4, end)):
        line = lines[index]
        if (
            not line.neutral
            or not 8 <= line.size <= _MAX_TITLE
            or fields.keyword_line(line.text)
            or fields.section(line.text)
        ):
            continue
        words = _tokens(line.text)
        shared = len(words & text) / (len(words) or 1)
        points = 3.0 * shared + min(line.size, 70.0) / 35.0 - (start - index) * 0.03
        points += 0.8 * _beside_fields(lines, index) + 0.4 * (index == 0) + 0.3 * (texts[line.text] > 1)
        points -= 1.5 * line.text.endswith((":", "：", ",")) + 0.6 * line.text.startswith(("*", "•", "+ "))
        if index >= start:  # within the run: only as its very beginning
            points -= 0.5 + 1.0 * any(each.prose and each.size > 200 for each in lines[start:index])
        if points > best:
            best, best_at = points, index
    return best_at if best >= 1.2 else None


def _beside_fields(lines: list[Line], index: int) -> bool:
    """Whether a stamp, source, byline, keyword or section line stands within two lines."""
    near = [lines[each] for each in (index - 1, index + 1, index + 2) if 0 <= each < len(lines)]
    return any(each.fields is not None or fields.keyword_line(each.text) or fields.section(each.text) for each in near)


def _split_suffix(title: str) -> tuple[str, str]:
    """A title without " - BBC News" or "_新华网" at its end, and that name if it is a known publisher."""
    match = _SUFFIX.search(title)
    name = (match["name"] or match["zh"] or "").split("_")[-1].strip() if match else ""
    if match and publishers.known(name):
        return title[: match.start()].strip(), name
    return title, ""


_SENTENCE: Final = re.compile(r".{20,}?[.!?。！？](?=\s|$|[\"”」])|.{8,}?[。！？]")


def _first_sentence(paragraph: str) -> str:
    match = _SENTENCE.match(paragraph)
    text = (match[0] if match else paragraph).rstrip(".。")
    return text if len(text) <= 160 else text[:160].rpartition(" ")[0] + "…"


# --------------------------------------------------------------------------------------------------------------
# Fields


def _said(head: list[Line], body: list[Line], tail: list[Line], title_at: int | None) -> Fields:
    """The fields of the page: of the head from the title on first, then of what stands above it, then of the tail."""
    said = Fields()
    at = len(head) if title_at is None else min(title_at, len(head))
    for line in [*head[at:], *reversed(head[max(0, at - 8) : at])]:
        if line.fields is not None:
            said.add(line.fields)
    _placed(said, head, at)
    for line in body:  # what stands inside is for the fields that nobody has said
        if line.fields is not None:
            said.add(Fields(byline=line.fields.byline, editor=line.fields.editor))
    for line in tail[:25]:
        if line.part is Part.STOP and not line.fields:
            break
        if line.fields is not None:
            said.add(line.fields)
    for line in tail:
        if line.fields is not None and line.fields.editor and not said.editor:
            said.editor = line.fields.editor
    said.published = said.published or said.updated
    return said


def _placed(said: Fields, head: list[Line], at: int) -> None:
    """Fields that only their place gives away: a section line above the title, keywords and a name below it."""
    around = [line for line in head if line.neutral]
    if not said.section:
        candidates = [line for line in reversed(head[max(0, at - 4) : at]) if line.neutral] + [
            line for line in head[at + 1 : at + 4] if line.neutral
        ]
        menu = sum(fields.is_section_word(line.text) for line in head[:at]) > 3
        found = (fields.section(line.text) for line in candidates)
        said.section = next((text for text in found if text and not (menu and fields.is_section_word(text))), "")
    if not said.keywords:
        below = [line for line in head[at + 1 :] if line.neutral and line.text != said.section]
        said.keywords = next((items for line in below if (items := fields.keyword_line(line.text))), [])
        if not said.keywords and "·" in said.section and below and len(below[-1].text) <= 30 and below[-1] in around:
            said.keywords = [below[-1].text] if not fields.section(below[-1].text) else []
    if not said.byline:
        below = [line for line in head[at + 1 :] if line.neutral and line.text not in said.keywords]
        names = (fields.byline(line.text) for line in below if len(line.text.split()) <= 12)
        said.byline = next((name for name in names if name and not fields.is_section_word(name)), "")


_OWNERS: Final = (
    re.compile(r"^EXPLORE (?P<name>[A-Z][\w ]{2,30})$", re.IGNORECASE),
    re.compile(r"\bsubscribe to (?P<name>[A-Z][\w'’]*(?: [A-Z][\w'’]*){0,3}) today\b"),
    re.compile(r"(?:©|\(c\)|copyright)\W*(?:\d{4}(?:\s*[-–]\s*\d{4})?)?[,\s]*(?:by\s+)?(?P<name>[A-Z][\w'’.&]*(?: (?:[A-Z][\w'’.&]*|of|the)){0,4})", re.IGNORECASE),
    re.compile(r"^(?P<name>[A-Z][\w'’]*(?: [A-Z][\w'’]*){0,3}) is (?:in the business of|(?:a|the|one of|an) (?:\w+ )?(?:leading|world|provider|global|largest|news))\b"),
    re.compile(r"(?:版权所有|版權所有|Copyright)\W*(?:\d{4}\W*)?(?P<name>[\u4e00-\u9fff]{2,10}(?:网|社|报|传媒))"),
)  # fmt: skip


def _owner(lines: list[Line], start: int, end: int) -> str:
    """The publisher that the page's own furniture names: known ones, and who describes itself in front of the page."""
    for index, line in enumerate(lines):
        if start <= index < end:
            continue
        for pattern in _OWNERS:
            match = pattern.search(line.text) if len(line.text) <= 600 else None
            name = match["name"].strip(" .") if match else ""
            if name and publishers.known(name):
                return "Xinhua" if name.casefold() == "xinhuanet" else name
    return ""


def _published(said: Fields, filed: Dateline | None, zone: tzinfo, now: datetime) -> datetime | None:
    moment = said.published.instant(zone) if said.published else None
    if dates.plausible(moment, now) is None and filed is not None and filed.day is not None:
        year, month, day = filed.day
        stamps = (
            dates.find(f"{year}年{month}月{day}日" if month.isdigit() else f"{month} {day}, {year}") if year else []
        )
        if stamps:
            moment = stamps[0].instant(zone)
        elif (on := dates.with_year(month, day, now.astimezone(zone))) is not None:
            moment = datetime.combine(on, time(0, 0), zone)
    return dates.plausible(moment, now)


# --------------------------------------------------------------------------------------------------------------
# Paragraphs


def _teaser(lines: list[Line], title_at: int | None, start: int) -> str:
    """The standfirst: one or two sentences between the title and the start of the text."""
    if title_at is None or title_at >= start:
        return ""
    between = [line for line in lines[title_at + 1 : start] if line.prose]
    text = " ".join(line.text for line in between)
    return text if between and len(between) <= 3 and len(text) <= 700 else ""


def _paragraphs(body: list[Line], title: str) -> tuple[list[str], Dateline | None, str]:
    """The text's paragraphs without asides, the dateline that was taken from the first, the agency that signed."""
    filed: Dateline | None = None
    agency = ""
    paragraphs: list[str] = []
    for line in body:
        text = line.text
        if line.part is not None or (text == title and not line.prose):
            continue
        if line.fields is not None and not _kept(line):
            continue
        if line.dateline is not None and filed is None and not paragraphs:
            filed = line.dateline
            text = filed.rest.lstrip(" -–—:，,")
        text, signed = dateline.signature(text)
        agency = agency or signed
        if text:
            paragraphs.append(text)
    return paragraphs, filed, agency


def _kept(line: Line) -> bool:
    """A field line inside the text is furniture, but a mere publisher's name may be a subhead."""
    said = line.fields
    return bool(
        said
        and said.source
        and not (said.published or said.updated or said.editor or said.byline)
        and ":" not in line.text
        and "：" not in line.text
    )


__all__ = ["Line", "field", "read"]
