"""Publishers and agencies that pages name: recognised by name, and the time zone that their stamps mean.

Names are kept as printed ("Xinhua", "新华社"); this table only recognises them. A page of an unknown publisher is read
just as well: it then needs a zone in its stamp or in its source's settings.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from digest.pickup.words import lists, words

_ZONES: Final = {name: zone for zone, names in lists("publishers").items() if zone != "none" for name in names}
_NAMES: Final = words("publishers")
_SITES: Final = {site: name for name, sites in lists("sites").items() for site in sites}
_TAIL: Final = re.compile(
    r"(?:\s+(?:news agency|online|website|app|net))?\s*$|\.(?:com|cn|net|org)\b.*$|(?<=[\u4e00-\u9fff]{3})[网網]$",
    re.IGNORECASE,
)
_DESK: Final = re.compile(r"\s*[-－—/·]\s*\S")  # 人民网-人民日报, CNA/jt(ta): the first is who publishes


def _key(name: str) -> str:
    key = name.strip().strip("()[]（）【】《》").replace("’", "'").casefold()
    if key in _NAMES:
        return key
    key = _SITES.get(key, _TAIL.sub("", key))
    desk = _DESK.search(key)
    return key if key in _NAMES or desk is None else _TAIL.sub("", key[: desk.start()])


def known(name: str) -> bool:
    """Whether this is the name of a publisher or agency of the table."""
    return _key(name) in _NAMES


def printed(name: str) -> str:
    """A name as readers know it: of a site's address its publisher ("English.news.cn" -> "Xinhua")."""
    site = _SITES.get(name.strip().casefold().removeprefix("www."), "")
    return site.title() if site else name


def known_start(name: str) -> str:
    """The known name that a longer one starts with ("China Daily Information Co" -> "China Daily"), or ""."""
    parts = name.strip(" .").split()
    starts = (" ".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((start for start in starts if known(start)), "")


def zone_of(name: str) -> tzinfo | None:
    """The zone that stamps on a publisher's pages mean, where they name none: Xinhua's are Beijing time."""
    zone = _ZONES.get(_key(name))
    return ZoneInfo(zone) if zone else None
