"""What a person may ask of who holds their data: to be told all of it, and to be forgotten."""

from __future__ import annotations

from datetime import datetime

from digest.errors import NotFound
from digest.store import Store


def told(store: Store, address: str, now: datetime) -> dict[str, object]:
    """All that is held about an address, as plain JSON values."""
    return {"made": now.isoformat(), **store.people.everything(address)}


def erase(store: Store, address: str, now: datetime) -> int:
    """Forget a person; how many subscriptions they had.

    Nothing of them is left but a keyed hash, so that no import writes to them again; rows of the ledger name nobody.

    Raises:
        NotFound: nothing is known of this address.
    """
    with store.transaction():
        known = store.people.everything(address)
        held = [known[name] for name in ("subscriptions", "copies", "other_mails", "open_requests")]
        if not any(held) and known["suppression"] is None:
            raise NotFound("subscriber", address, "`digest subscribers list` shows them")
        return store.people.erase(address, now)
