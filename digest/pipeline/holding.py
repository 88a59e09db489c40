"""Keeps a range while it is sent: renews its lease beside the sending, and stops that when the lease is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from digest.deliver import Halt
from digest.errors import StoreError
from digest.store import Lease, Part, Store

_RENEWALS: Final = 6  # in the time of a lease: several may fail before it is lost
_ASK_AGAIN: Final = 0.5  # seconds between two asks for sessions, at most


class Hold:
    """A lease and its holder's part of the limits, for as long as the context lasts.

    The store's clock says when the lease ends for others; for the holder it ends a renewal earlier, by a steady clock
    of its own. So who is cut off from the store stops before anybody else begins, and one that was frozen finds
    itself too late when it comes back.

    Args:
        store: the publication's.
        lease: what was taken.
        seconds: how long a lease lasts.
        sessions: how many there may be at once, over all holders.
        stop: ends the sending; it is what the sending is to listen to.
        monotonic: seconds that pass, however the clock is set.
    """

    def __init__(
        self, store: Store, lease: Lease, *, seconds: float, sessions: int, stop: Halt, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._lease = lease
        self._seconds = seconds
        self._sessions = sessions
        self._monotonic = monotonic
        self._outer = stop
        self._every = seconds / _RENEWALS
        self._ended = threading.Event()
        self._part = Part(share=0.0, sessions=0)
        self._until = 0.0
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self.halt = Halt()
        self.lost = False

    def __enter__(self) -> Self:
        self._outer.then(self.halt.set)
        self._renew()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outer.forget(self.halt.set)
        self._ended.set()
        self._thread.join()

    def sessions(self) -> int:
        """The sessions that are this holder's, when others leave it any; 0: it was asked to end before."""
        while not self.halt.asked and not self._part.sessions:
            self._ended.wait(min(_ASK_AGAIN, self._every))
            self._renew()
        return 0 if self.halt.asked else self._part.sessions

    def share(self) -> float:
        """This holder's part of each rate now; 0 when it does not hold the lease any more."""
        if self._monotonic() >= self._until:
            self._lose()
        return 0.0 if self.lost else self._part.share

    def _keep(self) -> None:
        while not self._ended.wait(self._every) and not self.lost:
            self._renew()

    def _renew(self) -> None:
        began = self._monotonic()
        try:
            if not self._store.leases.renew(self._lease, self._seconds):
                self._lose()
                return
            self._until = began + self._seconds - self._every
            self._part = self._store.leases.part(self._lease, self._sessions)
        except StoreError:
            # It may answer again in time: nothing leaves meanwhile, since every copy needs a commit of its own. And
            # the part stays what it was, as the others count it.
            if self._until and self._monotonic() >= self._until:
                self._lose()

    def _lose(self) -> None:
        self.lost = True
        self.halt.set()
