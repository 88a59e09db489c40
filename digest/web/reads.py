"""Counts who reads a story, as a number: no cookie, no script, no address kept. Machines are not counted.

A visitor is known within a day by a keyed hash of network and browser, in memory only; the key is drawn anew each day
and written nowhere. What is kept is one number per story and day.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.logs import logger

_MACHINES: Final = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|monitor|uptime|scan|check|curl|wget|python|java/|go-http|okhttp|libwww|httpx|"
    r"headless|phantom|puppeteer|playwright|lighthouse|facebookexternalhit|whatsapp|telegram|feed|rss|reader|validator",
    re.IGNORECASE,
)
_ASIDE: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")  # by which browsers say that nobody looks yet
_KNOWN: Final = 200_000  # visits remembered a day; beyond, nothing is counted until tomorrow

log = logger("web")


class Counter:
    """Counts readings.

    Args:
        add: keeps one more reading of a story on a day.
        zone: of the days.
        draw: gives a new key.
    """

    def __init__(
        self,
        add: Callable[[str, date], None],
        zone: ZoneInfo,
        draw: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    ) -> None:
        self._add = add
        self._zone = zone
        self._draw = draw
        self._lock = threading.Lock()
        self._day = date.min
        self._key = b""
        self._seen: set[bytes] = set()

    def count(self, story: str, method: str, headers: Mapping[str, str], network: str, now: datetime) -> bool:
        """Count a request for a story's page, if a person may have made it, once a day; whether it counted."""
        if method != "GET" or not is_person(headers):
            return False
        day = now.astimezone(self._zone).date()
        with self._lock:
            if day != self._day:
                self._day, self._key = day, self._draw()
                self._seen.clear()
            visit = "\x00".join((story, network, headers.get("user-agent", ""), headers.get("accept-language", "")))
            mark = hashlib.blake2b(visit.encode(), key=self._key, digest_size=12).digest()
            if mark in self._seen or len(self._seen) >= _KNOWN:
                return False
            self._seen.add(mark)
        try:
            self._add(story, day)
        except DigestError as error:  # a page is not refused for the sake of a count
            log.warning("a reading was not counted", problem=str(error))
            return False
        return True


def is_person(headers: Mapping[str, str]) -> bool:
    """Whether a request looks like a person with a browser who looks at the page now."""
    agent = headers.get("user-agent", "")
    if not agent.startswith("Mozilla/") or _MACHINES.search(agent):
        return False
    if headers.get("dnt") == "1" or headers.get("sec-gpc") == "1":
        return False
    return not any(re.search("prefetch|preview|prerender", headers.get(name, ""), re.IGNORECASE) for name in _ASIDE)
