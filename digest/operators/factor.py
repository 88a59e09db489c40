"""The second factor: codes of an app (TOTP, RFC 6238), and recovery codes for who lost it. The home of pyotp, segno.

The key is kept sealed by the publication's secret, which is not in the store: a copy of the database opens no door.
"""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from digest.errors import ConfigError

STEP: Final = 30  # seconds for which a code is shown
_AROUND: Final = 1  # steps that a clock may be off (RFC 6238, 5.2)
_CODES: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an app needs to be set up: shown once.

    Attributes:
        sealed: the key as a form may carry it.
        key: the same for typing, in groups of four.
        uri: what the QR code says.
        picture: the QR code (SVG).
    """

    sealed: str
    key: str
    uri: str
    picture: bytes


class Factor:
    """Makes and checks second factors.

    Args:
        keys: 32 bytes each; the first one seals, all of them open.
        issuer: who asks, as the app shows it: the publication.
        draw: gives so many random bytes.
    """

    def __init__(self, keys: Sequence[bytes], issuer: str, draw: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
        self._issuer = issuer
        self._draw = draw

    def enrol(self, address: str, sealed: str = "") -> Enrolment:
        """A new key for somebody's app; or the one that a form carries, once more.

        Raises:
            ConfigError: what the form carries is not ours.
        """
        key = self._open(sealed) if sealed else base64.b32encode(self._draw(20)).decode()
        issuer = self._issuer.replace(":", " ")  # the label's own separator
        uri = pyotp.TOTP(key).provisioning_uri(name=address, issuer_name=issuer)
        picture = io.BytesIO()
        # Black on white in both schemes: not every reader of codes knows the reverse.
        segno.make(uri, error="m", micro=False).save(picture, kind="svg", scale=5, border=4, light="#fff", nl=False)
        return Enrolment(
            sealed=sealed or self._box.encrypt(key.encode()).decode(),
            key=" ".join(key[place : place + 4] for place in range(0, len(key), 4)),
            uri=uri,
            picture=picture.getvalue(),
        )

    def step(self, sealed: str, code: str, at: datetime, *, after: int = 0) -> int:
        """Which step of time a code is of; 0 for a wrong one, and for one of a step that was used (`after`).

        Raises:
            ConfigError: the key was sealed by a secret that is not at hand.
        """
        code = "".join(code.split())
        if not (code.isascii() and code.isdigit()):
            return 0
        totp = pyotp.TOTP(self._open(sealed))
        now = int(at.timestamp()) // STEP
        steps = (now + offset for offset in range(-_AROUND, _AROUND + 1))
        return next(
            (step for step in steps if step > after and pyotp.utils.strings_equal(totp.generate_otp(step), code)), 0
        )

    def recovery(self) -> tuple[str, ...]:
        """New recovery codes, as they are shown: "k3mwp-7xyqa"; 50 bits each, used once."""
        letters = [_ALPHABET[byte % len(_ALPHABET)] for byte in self._draw(10 * _CODES)]
        codes = ["".join(letters[place : place + 10]) for place in range(0, len(letters), 10)]
        return tuple(f"{code[:5]}-{code[5:]}" for code in codes)

    def _open(self, sealed: str) -> str:
        try:
            return self._box.decrypt(sealed).decode()
        except InvalidToken:
            raise ConfigError(
                "links.secret: the second factor was sealed by another secret"
                " (restore the secret, or `digest operators reset ADDRESS --second-factor`)"
            ) from None


def recovery_hash(code: str) -> str:
    """What is kept of a recovery code: it is random, so a plain hash will do."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(b"digest recovery\x00" + plain.encode()).hexdigest()
