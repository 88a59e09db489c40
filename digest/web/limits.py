"""How often one address, and one network, may send forms: counted in this process, over the last hour.

What a form asks for by mail is counted in the store besides, across processes (`Requests.add`). Nothing here is kept:
addresses stay in memory, and for an hour.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

WINDOW: Final = timedelta(hours=1)
_KEPT: Final = 20_000  # senders at hand; the one that was quiet for longest makes room


class Limit:
    """So many in an hour from each sender. May be shared by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    def take(self, sender: str, now: datetime) -> bool:
        """Count one, unless its sender has had as many as it may; whether."""
        with self._lock:
            seen = self._seen.setdefault(sender, deque())
            self._seen.move_to_end(sender)
            while seen and seen[0] <= now - WINDOW:
                seen.popleft()
            if len(seen) >= self._most:
                return False
            seen.append(now)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
            return True

    def full(self, sender: str, now: datetime) -> bool:
        """Whether its sender has had as many as it may; counts none."""
        with self._lock:
            seen = self._seen.get(sender, ())
            return sum(moment > now - WINDOW for moment in seen) >= self._most


def sender_of(address: str) -> str:
    """Who counts as one sender: an IPv4 address, or what one IPv6 customer has at least (/64)."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network(f"{known}/64", strict=False))
    return str(known)
