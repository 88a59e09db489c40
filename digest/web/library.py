"""What is public, as the pages ask for it: editions by id, stories by key, what the archive finds.

Approved revisions are read once and kept while they are the newest approved ones; one small query tells that.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from digest.model import Edition, Item
from digest.publishing import PUBLIC
from digest.store import Listed, Shelved, Store

_KEPT: Final = 64  # editions at hand


@dataclass(frozen=True)
class Catalogue:
    """Every public edition, newest first: without content, and by the number of the revision that is shown."""

    mark: str
    listed: tuple[Listed, ...]
    approvals: dict[str, int]

    def beside(self, edition_id: str) -> tuple[Listed | None, Listed | None]:
        """The editions of the same digest before and after one."""
        digest = next((one.digest for one in self.listed if one.id == edition_id), "")
        mine = [one for one in self.listed if one.digest == digest]
        place = next((at for at, one in enumerate(mine) if one.id == edition_id), -1)
        if place < 0:
            return None, None
        return (mine[place + 1] if place + 1 < len(mine) else None), (mine[place - 1] if place else None)


class Library:
    """The public editions of a publication. May be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, int], Edition] = OrderedDict()
        self._catalogue = Catalogue("", (), {})

    def catalogue(self) -> Catalogue:
        """What is public now; read anew only when an edition was made, moved or approved."""
        mark = self._store.editions.mark()
        known = self._catalogue
        if known.mark != mark:
            editions = self._store.editions
            known = self._catalogue = Catalogue(mark, editions.list(states=PUBLIC), editions.approvals(PUBLIC))
        return known

    def edition(self, edition_id: str, number: int) -> Edition:
        """The content of a public edition, by what the catalogue told."""
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
        return next((self.edition(*known) for known in self.catalogue().approvals.items()), None)

    def story(self, key: str) -> tuple[Item, Edition] | None:
        """A story in the newest public edition that carries it, or None."""
        public = self.catalogue().approvals
        for edition_id in self._store.editions.carrying(key):
            if edition_id in public:
                edition = self.edition(edition_id, public[edition_id])
                if (item := edition.find(key)) is not None:
                    return item, edition
        return None

    def find(
        self, text: str = "", *, region: str = "", theme: str = "", before: int = 0, limit: int
    ) -> tuple[list[Shelved], int]:
        """Stories of the archive, each once, newest first; and where the next page begins (0: there is none)."""
        found = self._store.archive.find(text, region=region, theme=theme, before=before, limit=limit + 1)
        page = {one.item.story.key: one for one in reversed(found[:limit])}
        return list(reversed(page.values())), found[limit - 1].number if len(found) > limit else 0
