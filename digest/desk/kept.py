"""Revisions at hand: an edition is frozen, so that its content is read from the store once and its state every time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Final

from digest.model import Edition, Revision
from digest.store import Store

_KEPT: Final = 24  # editions; of 400 stories each takes about 3 MB


class Kept:
    """`revision` is what `store.editions.get` gives, quick enough for every page of an edition of 400 stories."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._editions: OrderedDict[tuple[str, int, str], Edition] = OrderedDict()
        self._lock = Lock()

    def revision(self, edition_id: str, number: int | None = None) -> Revision:
        """The newest revision of an edition, or the one of this number.

        Raises:
            NotFound: there is none.
        """
        head = self._store.shelf.head(edition_id, number)
        key = (edition_id, head.number, head.hash)
        with self._lock:
            if (edition := self._editions.get(key)) is not None:
                self._editions.move_to_end(key)
                return replace(head, edition=edition)
        found = self._store.editions.get(edition_id, head.number)
        with self._lock:
            self._editions[edition_id, found.number, found.hash] = found.edition
            while len(self._editions) > _KEPT:
                self._editions.popitem(last=False)
        return found
