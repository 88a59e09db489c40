"""Passwords: which will do, and how they are kept. The only home of argon2."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST: Final = 12  # characters (NIST SP 800-63B, 3.1.1.2, asks for 8 at least, 15 where nothing stands beside it)
MOST: Final = 200
_AT_ONCE: Final = 2  # hashes computed at a time: each takes 64 MB and a core
_FEW: Final = 5  # different characters
_WORN: Final = ("password", "passwort", "qwerty", "letmein", "iloveyou", "12345678", "87654321", "administrator")


class Passwords:
    """Argon2id by the second recommendation of RFC 9106 (64 MB, three passes, four lanes), unless told otherwise.

    Args:
        hasher: other costs, for tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("nobody has this password")

    @staticmethod
    def problem(password: str, *names: str) -> str:
        """Why a password will not do; "" where it does.

        Args:
            password: as it was typed.
            names: the operator's address and name: a password is not made of these.
        """
        text = _folded(password)
        if len(text) < LEAST:
            return f"At least {LEAST} characters: several words are best."
        if len(text) > MOST:
            return f"At most {MOST} characters."
        known = [part for name in names for part in (name.lower(), name.lower().partition("@")[0]) if len(part) > 3]
        if len(set(text)) < _FEW or any(word in text.lower() for word in (*_WORN, *known)):
            return "Too easy to guess."
        return ""

    def hash(self, password: str) -> str:
        """What is kept: salt, cost and hash, in argon2's own notation."""
        with self._turns:
            return self._hasher.hash(_folded(password))

    def verify(self, kept: str, password: str) -> bool:
        """Whether it is the password; takes as long where nothing is kept, so that nobody learns who is an operator."""
        with self._turns:
            nobody = self._nobody  # made at the first sign-in, whoever it is
            try:
                self._hasher.verify(kept or nobody, _folded(password)[: MOST + 1])
            except (VerificationError, InvalidHashError):
                return False
        return bool(kept)

    def is_old(self, kept: str) -> bool:
        """Whether it was made with other costs than today's: make it again while the password is at hand."""
        return self._hasher.check_needs_rehash(kept)


def _folded(password: str) -> str:
    """One form of the same letters, however they were typed (NIST SP 800-63B: NFKC or NFKD)."""
    return unicodedata.normalize("NFKC", password)
