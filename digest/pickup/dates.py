"""Dates as pages print them: found in a line of text, with what they lack (time, zone) said, not guessed.

    find("Updated: 2018-04-10 04:16 GMT") -> [Stamp(moment=2018-04-10 04:16, zone=+00:00, start=9, end=29, ...)]

A numeric date is read as year first; day and month only where no doubt is possible ("20/07/2018", not "04/05/2018").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final
from zoneinfo import ZoneInfo

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier januar ene enero gennaio",
            "feb february février fevrier februar febrero febbraio",
            "mar march mars märz marzo",
            "apr april avril abril aprile",
            "may mai mayo maggio",
            "jun june juin juni junio giugno",
            "jul july juillet juli julio luglio",
            "aug august août aout agosto",
            "sep sept september septembre septiembre settembre",
            "oct october octobre oktober octubre ottobre",
            "nov november novembre noviembre",
            "dec december décembre decembre dezember diciembre dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_DAY: Final = r"(?P<day>[0-3]?\d)"

_ZONES: Final = {
    "gmt": 0, "utc": 0, "z": 0, "bst": 60, "wet": 0, "cet": 60, "cest": 120, "eet": 120, "eest": 180, "msk": 180,
    "est": -300, "edt": -240, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "met": 60, "mest": 120,
    "hkt": 480, "sgt": 480, "bjt": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
    "idt": 180, "gst": 240, "pkt": 300, "ict": 420, "wib": 420, "awst": 480, "myt": 480, "pht": 480,
}  # fmt: skip
_NAMED: Final = {
    "et": "America/New_York", "eastern time": "America/New_York", "ct": "America/Chicago", "pt": "America/Los_Angeles",
    "beijing time": "Asia/Shanghai", "china time": "Asia/Shanghai", "hong kong time": "Asia/Hong_Kong",
    "london time": "Europe/London", "israel time": "Asia/Jerusalem", "singapore time": "Asia/Singapore",
}  # fmt: skip
_ZONE: Final = (
    r"(?:\s*\(?(?P<zone>(?:GMT|UTC)\s?[+-]\d{1,2}(?::?\d\d)?|[+-]\d\d:?\d\d(?!\d)"
    rf"|(?-i:Z)\b|(?:{'|'.join(sorted([*(z for z in _ZONES if z != 'z'), *_NAMED], key=len, reverse=True))})\b)\)?)?"
)
_TIME: Final = (
    r"(?P<hour>[0-2]?\d)(?:[:：h]|\.(?=\d\d\s*(?:[ap]\.?m|GMT|BST|UTC|CES?T)))(?P<minute>[0-5]\d)(?:[:：](?P<second>[0-5]\d)(?:[.,]\d+)?)?(?:\s*(?P<half>[ap]\.?\s?m\b\.?))?"
    + _ZONE
)
_BARE_HOUR: Final = r"(?P<hour2>1?\d)\s*(?P<half2>[ap]\.?m\b\.?)"
_ZH_TIME: Final = (
    r"(?P<zh_half>上午|下午|晚上|凌晨|早上)?\s*(?P<zh_hour>[0-2]?\d)\s*[时時点點]\s*(?:(?P<zh_minute>[0-5]?\d)\s*分)?"
)
_JOIN: Final = r"(?:\s*(?:[,|/·•\-–—T，]|at|um|à|\s)\s*|\s*)"

_DATES: Final = (
    rf"{_YEAR}\s*年\s*(?P<month_n>\d{{1,2}})\s*月\s*{_DAY}\s*[日号號](?:\s*[（(]?(?:星期|周)[一二三四五六日天][）)]?)?",
    rf"{_YEAR}(?P<sep>[-/.])(?P<month_n>\d{{1,2}})(?P=sep){_DAY}(?!\d)",
    rf"{_MONTH}\s*{_DAY}(?:st|nd|rd|th)?\b,?\s*{_YEAR}\b",
    rf"{_DAY}(?:st|nd|rd|th|\.)?(?:\s+(?:of|de)\s+|\s*[-\s]\s*){_MONTH}(?:\s+de)?,?\s*[-\s]?\s*{_YEAR}\b",
    rf"(?P<one>\d{{1,2}})(?P<sep>[/.\-])(?P<two>\d{{1,2}})(?P=sep){_YEAR}(?!\d)",
)
_DATE: Final = tuple(re.compile(rf"(?<![\d\w]){pattern}", re.IGNORECASE) for pattern in _DATES)
_TIME_AFTER: Final = re.compile(rf"{_JOIN}(?:{_TIME}|{_ZH_TIME}|{_BARE_HOUR})(?![\d:])", re.IGNORECASE)
_TIME_BEFORE: Final = re.compile(rf"(?<![\d:])(?:{_TIME}|{_BARE_HOUR}){_JOIN}(?:\w{{3,9}},?\s+)?$", re.IGNORECASE)
_ZONE_ONLY: Final = re.compile(r"(?=\s*\(?(?:GMT|UTC)\b)" + _ZONE, re.IGNORECASE)
_ISO_CHARS: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s?(?:Z|[+-]\d\d:?\d\d)?)?")
_BASIC_ISO: Final = re.compile(r"(?:19|20)\d{6}(?:T\d{4}(?:\d\d)?(?:Z|[+-]\d{4})?)?", re.ASCII)
_LEAP: Final = re.compile(r"(?<=:\d\d:)60(?!\d)")  # a leap second, which Python's calendar has not
_HALF: Final = re.compile(r"\d\s*[ap]\.?m\b", re.IGNORECASE)
_LOOSE_ISO: Final = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:[.,]\d+)?\s?(Z|([+-]\d{1,2}):?([0-5]\d))?", re.ASCII
)
_EARLIEST: Final = 1900
_LATEST: Final = timedelta(days=2)  # a page from further in the future has a wrong clock


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """A date in a line: a naive local moment, the zone if it is printed, whether a time is, and where it stands."""

    moment: datetime
    zone: tzinfo | None
    timed: bool
    start: int
    end: int

    def instant(self, zone: tzinfo) -> datetime:
        """The moment, aware: in its own zone when it names one, else in the one given."""
        return self.moment.replace(tzinfo=self.zone or zone)


def find(text: str) -> list[Stamp]:
    """All dates of a line, in order, each with the time printed beside it."""
    found: list[Stamp] = []
    taken = 0
    for match in sorted(_matches(text), key=lambda each: (each.start(), -each.end())):
        if match.start() < taken:
            continue
        day = _day(match)
        if day is None:
            continue
        start, end = match.span()
        clock = _TIME_AFTER.match(text, end)
        if clock is not None and (wall := _clock(clock)) is not None:
            end = clock.end()
        elif (clock := _TIME_BEFORE.search(text, taken, start)) is not None and (wall := _clock(clock)) is not None:
            start = clock.start()
        else:
            wall = None
            if (clock := _ZONE_ONLY.match(text, end)) is not None:
                end = clock.end()
        moment = datetime.combine(day, wall or time(0, 0))
        found.append(Stamp(moment=moment, zone=_zone(clock), timed=wall is not None, start=start, end=end))
        taken = end
    return found


def _matches(text: str) -> Iterator[re.Match[str]]:
    if any(c.isdigit() for c in text):
        for pattern in _DATE:
            yield from pattern.finditer(text)


def _day(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    try:
        if "one" in parts:
            one, two = int(parts["one"]), int(parts["two"])
            if one > 12:
                return date(int(parts["year"]), two, one)
            if two > 12 or one == two:
                return date(int(parts["year"]), one, two)
            return None  # 04/05/2018: nobody can tell
        month = int(parts["month_n"]) if parts.get("month_n") else _MONTHS[parts["month"].lower()]
        return date(int(parts["year"]), month, int(parts["day"]))
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time | None:
    parts = match.groupdict()
    if parts.get("zh_hour"):
        hour, minute, second = int(parts["zh_hour"]), int(parts["zh_minute"] or 0), 0
        half = "p" if parts["zh_half"] in {"下午", "晚上"} else ""
    else:
        hour = int(parts["hour"] or parts["hour2"])
        minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
        half = (parts["half"] or parts["half2"] or "").lower()[:1]
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    return time(hour, minute, second) if hour < 24 else None


def _zone(clock: re.Match[str] | None) -> tzinfo | None:
    name = (clock.groupdict().get("zone") or "" if clock else "").lower()
    if not name:
        return None
    if name in _ZONES:
        return timezone(timedelta(minutes=_ZONES[name]))
    if name in _NAMED:
        return ZoneInfo(_NAMED[name])
    sign = -1 if "-" in name else 1
    digits = re.sub(r"\D", "", name)
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    return timezone(sign * timedelta(hours=hours, minutes=minutes)) if hours < 24 and minutes < 60 else None


def read(value: str, zone: tzinfo) -> datetime | None:
    """A date field of a document (front matter, meta element, JSON, feed): ISO 8601, RFC 5322, or as pages print it.

    Returns:
        An aware datetime, in `zone` where the value names none; None when it is not a date.
    """
    value = _LEAP.sub("59", value.strip())
    if _ISO_CHARS.fullmatch(value) or _BASIC_ISO.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.replace(",", "."))
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if loose := _LOOSE_ISO.fullmatch(value):  # "2006-1-7T9:35:9+1:00"
        day, clock, zone_hour, zone_minute = loose[1].split("-"), loose[2].split(":"), loose[4], loose[5]
        tight = f"{day[0]}-{day[1]:0>2}-{day[2]:0>2}T{':'.join(f'{part:0>2}' for part in clock)}"
        tight += f"{zone_hour[0]}{zone_hour[1:]:0>2}:{zone_minute}" if zone_hour else "Z" if loose[3] else ""
        return read(tight, zone)
    stamps = find(value)
    if value[:3].isalpha() and ":" in value and not _HALF.search(value):
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, IndexError, TypeError):
            pass
        else:  # it knows the zones of RFC 5322, and no other names of zones
            named = stamps[0].zone if stamps and value[-1].isalpha() else None
            return moment if moment.tzinfo else moment.replace(tzinfo=named or zone)
    return stamps[0].instant(zone) if stamps else None


def plausible(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment, unless it lies in the future by more than a wrong zone can explain, or before 1900."""
    if moment is None:
        return None
    return moment if moment.year >= _EARLIEST and moment - now <= _LATEST else None


def with_year(month: str, day: int, now: datetime) -> date | None:
    """The latest "April 9" or "4月9日" that is not in the future, if it is at most sixty days ago."""
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower().rstrip("."), 0)
    for year in (now.year, now.year - 1):
        try:
            candidate = date(year, number, day)
        except ValueError:
            continue
        if timedelta(days=-60) <= candidate - now.date() <= timedelta(days=1):
            return candidate
    return None
