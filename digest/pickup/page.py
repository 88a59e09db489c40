"""A page as raw text -> title, fields and paragraphs, without its furniture.

    text -> lines, each recognised (lines.py: fields, furniture, dateline, prose)
         -> where the text starts and ends, and its title (locate.py)
         -> the fields around it, and its paragraphs

Prose before the title (a publisher's
self-description) is furniture; prose between the title and the start is the teaser. Nothing is rewritten: only
the dateline's prefix and the wire's signature leave the text, and only because fields keep them.
"""

from __future__ import annotations

import re
from datetime import datetime, time, tzinfo
from typing import Final

from digest.errors import PickupError
from digest.pickup import dateline, dates, fields, furniture, prose, publishers, repeats
from digest.pickup.dateline import Dateline
from digest.pickup.draft import Draft
from digest.pickup.fields import Fields
from digest.pickup.furniture import Part
from digest.pickup.lines import Line, split
from digest.pickup.locate import locate


def read(
    text: str, *, name: str, zone: tzinfo, now: datetime, publisher: str = "", publisher_zone: bool = True
) -> Draft:
    """Read a page that was saved as text.

    Args:
        text: the page.
        name: what to call it in errors.
        zone: of stamps that name none, if their publisher is unknown.
        now: for a dateline without a year.
        publisher: who publishes it, if the page does not say.
        publisher_zone: whether a known publisher's zone goes before `zone`.

    Raises:
        PickupError: there is no running text on it.
    """
    lines = split(text, name)
    repeats.mark(lines)
    start, end, title_at = locate(lines)
    if start >= end and _told_by_captions(lines):
        start, end, title_at = locate(lines)
    if start >= end:
        raise PickupError(
            "the characters are Chinese read with the wrong encoding"
            if _garbled(text)
            else "no article text found: only menus or short lines",
            where=name,
            remedy="save the page with its text, or give it as Markdown with a title in its front matter",
        )
    head, body, tail = lines[:start], lines[start:end], lines[end:]
    said = _said(head, body, tail, title_at)
    title = said.title or (lines[title_at].text if title_at is not None else "")
    title, suffix = _split_suffix(title)
    paragraphs, filed, agency = _paragraphs(body, title)
    filed = filed or next(
        (line.dateline for line in reversed(head) if line.dateline is not None and not line.prose), None
    )
    if not paragraphs:
        raise PickupError(
            "no article text found", where=name, remedy="see docs/pickup.md for what a page may look like"
        )
    teaser = _teaser(lines, title_at, start)
    printed = said.publisher or _owner(lines, start, end) or suffix or said.source
    agency = (
        (filed.agency if filed else "")
        or agency
        or said.agency
        or (said.source if publishers.known(said.source) else "")
    )
    stamps = _zone(said.source, printed, publisher, agency) if publisher_zone else None
    return Draft(
        title=title or _first_sentence(paragraphs[0]),
        paragraphs=tuple(paragraphs),
        published=_published(said, filed, stamps or zone, now),
        publisher=printed,
        section=said.section,
        byline=said.byline or (filed.reporters if filed else ""),
        editor=said.editor,
        agency=agency,
        dateline=filed.place if filed else "",
        keywords=tuple(said.keywords),
        teaser=teaser,
        url=said.url,
    )


def _garbled(text: str) -> bool:
    """Whether a text is GB18030 that somebody read as Western and saved so: ÉÏº£Ò»¼Ò."""
    sample = text[:2000].encode("cp1252", "ignore")
    return sum(byte > 0x7F for byte in sample) * 2 > len(sample) and prose.mass(
        sample.decode("gb18030", "replace")
    ) > len(sample)


def _told_by_captions(lines: list[Line]) -> bool:
    """Let the captions of a page of pictures be its text, where it has no other; whether there are any."""
    captions = [line for line in lines if line.part is Part.ASIDE and furniture.is_caption(line.text)]
    for line in captions:
        line.part, line.prose = None, True
    return bool(captions)


_SITE: Final = re.compile(r"[\w.-]+\.(?:com|cn|net|org|co\.uk|hk|sg)", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\s+[-|–—_]\s+(?P<name>[^|–—_]{2,40})$|[_|](?P<zh>[\u4e00-\u9fff_]{2,20})$")


def _split_suffix(title: str) -> tuple[str, str]:
    """A title without " - BBC News" or "_新华网" at its end, and that name if it is a known publisher."""
    found = ""
    while match := _SUFFIX.search(title):
        name = (match["name"] or match["zh"]).split("_")[-1].strip()
        if not publishers.known(name) and not _SITE.fullmatch(name):
            break
        title = title[: match.start()].strip()
        found = name if publishers.known(name) else found
    return title, found


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
    _placed(said, head, at, " ".join(line.text for line in body).casefold())
    for line in body:  # what stands inside is for the fields that nobody has said
        if line.fields is not None:
            said.add(Fields(byline=line.fields.byline, editor=line.fields.editor))
    for line in tail[:25]:
        if line.part in {Part.STOP, Part.LIST}:
            break
        if line.fields is not None:
            said.add(line.fields)
    said.editor = said.editor or next((name for line in tail if (name := fields.editor(line.text))), "")
    said.published = said.published or said.updated
    return said


def _placed(said: Fields, head: list[Line], at: int, told: str) -> None:
    """Fields that only their place gives away: a section line above the title, keywords and a name below it."""
    if not said.section:
        near = [*range(at - 1, max(0, at - 5) - 1, -1), *range(at + 1, min(at + 4, len(head)))]
        found = (
            fields.section(head[index].text) for index in near if head[index].neutral and not _in_menu(head, index)
        )
        said.section = next((text for text in found if text), "")
    if not said.keywords:
        below = [line for line in head[at + 1 :] if line.neutral and line.text != said.section]
        filed = "·" in said.section  # such publishers print keywords; others' must be words of the text, or are names
        lists_of_items = (items for line in below if (items := fields.keyword_line(line.text)))
        said.keywords = next((items for items in lists_of_items if filed or _told(items, told)), [])
        if not said.keywords and filed and below and len(below[-1].text) <= 30:
            said.keywords = [below[-1].text]  # one name alone, though it be a section's elsewhere: China
    if not said.byline:
        below = [line for line in head[at + 1 :] if line.neutral and fields.keywords(line.text) != said.keywords]
        names = (fields.byline(line.text) for line in below if len(line.text.split()) <= 12)
        said.byline = next((name for name in names if name and not fields.is_section_word(name)), "")


def _told(items: list[str], text: str) -> bool:
    return sum(item.casefold() in text for item in items) * 2 >= len(items)


def _in_menu(head: list[Line], index: int) -> bool:
    """Whether a section's name stands among others, as in a list of all sections."""
    beside = [head[each].text for each in (index - 1, index + 1) if 0 <= each < len(head)]
    return fields.is_section_word(head[index].text) and any(map(fields.is_section_word, beside))


_OWNERS: Final = (
    re.compile(r"^EXPLORE (?P<name>[A-Z][\w ]{2,30})$", re.IGNORECASE),
    re.compile(r"\bappeared in the (?P<name>[A-Z][\w'’]*(?: [A-Z][\w'’]*){0,4}) print edition\b"),
    re.compile(r"\bsubscribe to (?P<name>[A-Z][\w'’]*(?: [A-Z][\w'’]*){0,3}) today\b"),
    re.compile(
        r"(?:(?:©|\([cC]\)|[Cc]opyright|COPYRIGHT)\W*)+(?:\d{4}(?:\s*[-–]\s*\d{4})?)?[,\s]*(?:by\s+)?"
        r"(?P<name>[A-Z][\w'’&]*(?: (?:[A-Z][\w'’&]*|of|the)){0,4})"
    ),
    re.compile(
        r"^(?P<name>[A-Z][\w'’]*(?: [A-Z][\w'’]*){0,3}) is "
        r"(?:in the business of|(?:a|the|one of|an) (?:\w+ )?(?:leading|world|provider|global|largest|news))\b"
    ),
    re.compile(r"(?:版权所有|版權所有|Copyright)\W*(?:\d{4}\W*)?(?P<name>[\u4e00-\u9fff]{2,10}(?:网|社|报|传媒))"),
)  # fmt: skip


def _owner(lines: list[Line], start: int, end: int) -> str:
    """The publisher that the page's own furniture names: known ones, and who describes itself in front of the page."""
    for index, line in enumerate(lines):
        if start <= index < end:
            continue
        for pattern in _OWNERS:
            match = pattern.search(line.text) if len(line.text) <= 600 else None
            name = publishers.known_start(match["name"]) if match else ""
            if name:
                return "Xinhua" if name.casefold() == "xinhuanet" else name
    return ""


def _zone(*names: str) -> tzinfo | None:
    """The zone of the first publisher that has one of its own."""
    return next((zone for name in names if (zone := publishers.zone_of(name)) is not None), None)


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


_PULLED: Final = 40  # characters; a shorter line may be said twice


def _teaser(lines: list[Line], title_at: int | None, start: int) -> str:
    """The standfirst: one or two sentences between the title and the start of the text."""
    if title_at is None or title_at >= start:
        return ""
    between = [line for line in lines[title_at + 1 : start] if line.prose or (line.neutral and _standfirst(line.text))]
    text = " · ".join(line.text.lstrip("*•- ") for line in between)
    return text if between and len(between) <= 3 and len(text) <= 700 and lines[title_at].text not in text else ""


def _standfirst(text: str) -> bool:
    return len(text.split()) >= 7 and not fields.byline(text) and not fields.keyword_line(text)


def _paragraphs(body: list[Line], title: str) -> tuple[list[str], Dateline | None, str]:
    """The text's paragraphs without asides, the dateline that was taken from the first, the agency that signed."""
    filed: Dateline | None = None
    agency = ""
    paragraphs: list[str] = []
    listed = False
    for line in body:
        text = line.text
        listed = line.part is Part.LIST or (listed and not line.prose)
        if listed or line.part is not None or (text == title and not line.prose):
            continue
        if line.fields is not None and not _kept(line):
            continue
        if line.dateline is not None and filed is None and not paragraphs:
            filed = line.dateline
            text = filed.rest.lstrip(dateline.BETWEEN)
        text, signed = dateline.signature(text)
        agency = agency or signed
        if text and (len(text) < _PULLED or text not in paragraphs):  # a sentence in large type comes a second time
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
