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
_TAIL: Final = re.compile(
    r"(?:\s+(?:news agency|online|website|app|net))?\s*$|\.(?:com|cn|net|org)\b.*$", re.IGNORECASE
)


def _key(name: str) -> str:
    key = name.strip().strip("()[]（）【】《》").replace("’", "'").casefold()
    return key if key in _NAMES else _TAIL.sub("", key)


def known(name: str) -> bool:
    """Whether this is the name of a publisher or agency of the table."""
    return _key(name) in _NAMES


def known_start(name: str) -> str:
    """The known name that a longer one starts with ("China Daily Information Co" -> "China Daily"), or ""."""
    parts = name.strip(" .").split()
    starts = (" ".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((start for start in starts if known(start)), "")


def zone_of(name: str) -> tzinfo | None:
    """The zone that stamps on a publisher's pages mean, where they name none: Xinhua's are Beijing time."""
    zone = _ZONES.get(_key(name))
    return ZoneInfo(zone) if zone else None
