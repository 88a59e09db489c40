"""What is public, as the pages ask for it: editions by id, stories by key, what a region or theme brought lately.

Approved revisions are read once and kept while they are the newest approved ones; one small query tells that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Lock
from typing import Final

from digest.model import Edition, Item
from digest.pipeline import PUBLIC
from digest.store import Listed, Store

_KEPT: Final = 64  # editions at hand
_LOOK_BACK: Final = 26  # editions that a region's or theme's page looks through


class Library:
    """The public editions of a publication. May be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int], Edition] = OrderedDict()

    def listed(self) -> tuple[Listed, ...]:
        """Every public edition without its content, newest first."""
        return self._store.editions.list(states=PUBLIC)

    def approvals(self) -> dict[str, int]:
        """Id of every public edition -> number of the revision that is shown; newest first."""
        return self._store.editions.approvals(PUBLIC)

    def edition(self, edition_id: str, number: int) -> Edition:
        """The content of a public edition, by what `approvals` told."""
        key = (edition_id, number)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        edition = self._store.editions.get(edition_id, number).edition
        with self._lock:
            self._kept[key] = edition
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return edition

    def newest(self) -> Edition | None:
        """The newest public edition, if there is one."""
        return next((self.edition(*known) for known in self.approvals().items()), None)

    def story(self, key: str) -> tuple[Item, Edition] | None:
        """A story in the newest public edition that carries it, or None."""
        public = self.approvals()
        for edition_id in self._store.editions.carrying(key):
            if edition_id in public:
                edition = self.edition(edition_id, public[edition_id])
                if (item := edition.find(key)) is not None:
                    return item, edition
        return None

    def stories(self, matches: Callable[[Item], bool], limit: int) -> Iterator[tuple[Item, Edition]]:
        """Stories of the latest editions that match, each once, newest edition first."""
        seen: set[str] = set()
        left = limit
        for edition_id, number in islice(self.approvals().items(), _LOOK_BACK):
            edition = self.edition(edition_id, number)
            for item in edition.items:
                if left and item.story.key not in seen and matches(item):
                    seen.add(item.story.key)
                    left -= 1
                    yield item, edition
