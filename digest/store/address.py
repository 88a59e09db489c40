"""How addresses are compared."""

from __future__ import annotations

import unicodedata


def address_key(address: str) -> str:
    """The form in which addresses are compared: NFC, without case. The address itself is kept as it was written."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())
