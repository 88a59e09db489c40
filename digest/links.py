"""Every signed link, token and identifier is made here and read here.

A purpose per kind: a token made for one never reads as another. Keys have ids and rotate: the first one signs, all of
them verify, for ever where a promise is for ever (unsubscribing). No address stands in any link.

    what                      who reads it            made with
    unsubscribe, preferences  the web, for ever       keyed HMAC: one per copy of a campaign, so it must be cheap
    own feed                  a feed reader           the same, until its row in the store is revoked
    confirm, undo, form       the web, for a time     itsdangerous, with a time
    approval                  the desk, for a time    the same, bound to an operator and a hash
    Message-ID                bounces, mailboxes      keyed HMAC: the same at every attempt
    return path               bounces                 keyed HMAC, in small letters and digits: servers change case
    online, story, feeds      anyone                  nothing: public addresses
    fingerprint               the store               keyed HMAC: of an address that was erased

A token is `<key id>.<number>.<mac>`: URL-safe and short (about 30 characters).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from digest.errors import ConfigError, LinkError

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_MAC_BYTES: Final = 15  # 120 bits without padding; nobody guesses one
_BLOCK: Final = 64  # octets of a block of SHA-256
_INNER, _OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))
_MAC_CHARACTERS: Final = 20
_ID_BYTES: Final = 18  # 24 characters
_LONGEST: Final = 128  # no token of a copy is longer; more is not even looked at
_LONGEST_DATED: Final = 512  # one that names several subscriptions
_TOKEN: Final = re.compile(r"([a-z0-9]{1,16})\.([1-9][0-9]{0,18})\.([A-Za-z0-9_-]{20})")
_BOUNCE: Final = re.compile(r"([a-z0-9]{1,16})-(n?)(0|[1-9][0-9]{0,18})-([a-z2-7]{16})")
_KEY_ID: Final = re.compile(r"[a-z0-9]{1,16}")
_SHORTEST_SECRET: Final = 32
_DAMAGED: Final = "this link is damaged (open it from the mail again, or copy it whole)"


@dataclass(frozen=True)
class Key:
    """A secret and the id by which a token names it. A retired key stays in the list: its links must go on working."""

    id: str
    secret: str

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id):
            raise ConfigError(f"links.secret: key id {self.id!r} (write 1 to 16 small letters and digits)")
        if len(self.secret) < _SHORTEST_SECRET:
            raise ConfigError(f"links.secret: key '{self.id}' is shorter than {_SHORTEST_SECRET} characters")

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"

    @classmethod
    def of(cls, secret: str) -> Key:
        """A key whose id follows from its secret (and tells nothing about it)."""
        return cls(hashlib.sha256(b"digest key id\x00" + secret.encode()).hexdigest()[:6], secret)


class Links:
    """Makes and reads links.

    Args:
        base_url: public address of the publication, without a trailing slash: "https://news.example.com".
        keys: the first one signs, all verify.

    Raises:
        ConfigError: there is no key, or two share an id.
    """

    def __init__(self, base_url: str, keys: Sequence[Key]) -> None:
        if not keys:
            raise ConfigError("links.secret: no key")
        if len({key.id for key in keys}) < len(keys):
            raise ConfigError("links.secret: two keys have one id")
        self._base = base_url.rstrip("/")
        self._signing = keys[0].id
        self._secrets = {key.id: key.secret for key in keys}
        # A key of its own per purpose, so that no token can be read as another kind.
        self._derived = {
            (key.id, purpose): hmac.digest(key.secret.encode(), f"digest links {purpose}".encode(), "sha256")
            for key in keys
            for purpose in ("unsubscribe", "preferences", "own-feed", "message-id", "return-path", "erased", "approval")
        }

        self._keyed = {name: _Keyed(key) for name, key in self._derived.items()}
        self._to_unsubscribe = f"{self._base}/unsubscribe/{self._signing}."
        self._to_preferences = f"{self._base}/preferences/{self._signing}."

    @property
    def key_id(self) -> str:
        """Id of the key that signs; kept with a campaign, so that its Message-IDs can be made again."""
        return self._signing

    def knows(self, key_id: str) -> bool:
        """Whether a key is among ours, by its id."""
        return key_id in self._secrets

    def sealing_keys(self) -> tuple[bytes, ...]:
        """Keys of 32 bytes to seal small secrets with; the first one seals, all of them open."""
        return tuple(
            hmac.digest(secret.encode(), b"digest links seal", "sha256")
            for _, secret in sorted(self._secrets.items(), key=lambda key: key[0] != self._signing)
        )

    # ---- links of a subscriber

    def unsubscribe(self, subscription: int) -> str:
        """The address that ends a subscription when it is POSTed to (RFC 8058), and asks when it is opened."""
        return f"{self._base}/unsubscribe/{self._token('unsubscribe', subscription)}"

    def read_unsubscribe(self, token: str) -> int:
        """The subscription that an unsubscribe token names; it never expires.

        Raises:
            LinkError: the token is forged, damaged or made for something else.
        """
        return self._read("unsubscribe", token)

    def preferences(self, subscription: int) -> str:
        """The address of a reader's page of choices."""
        return f"{self._base}/preferences/{self._token('preferences', subscription)}"

    def read_preferences(self, token: str) -> int:
        """The subscription that a preferences token names.

        Raises:
            LinkError: the token is forged, damaged or made for something else.
        """
        return self._read("preferences", token)

    def of_copy(self, subscription: int) -> tuple[str, str]:
        """Both addresses that stand in each copy: of the page of choices, and of leaving. They are made together."""
        number = _numbered(subscription)
        signing, keyed = self._signing, self._keyed
        macs = _url_safe(
            keyed[signing, "preferences"].mac(number)[:_MAC_BYTES]
            + keyed[signing, "unsubscribe"].mac(number)[:_MAC_BYTES]
        )
        return (
            f"{self._to_preferences}{subscription}.{macs[:_MAC_CHARACTERS]}",
            f"{self._to_unsubscribe}{subscription}.{macs[_MAC_CHARACTERS:]}",
        )

    def own_feed(self, number: int) -> str:
        """The address of a private feed (its number in the store): whoever has it reads what one reader chose."""
        return f"{self._base}/feeds/own/{self._token('own-feed', number)}.xml"

    def read_own_feed(self, token: str) -> int:
        """The private feed that a token names; whether it was revoked, the store knows.

        Raises:
            LinkError: the token is forged, damaged or made for something else.
        """
        return self._read("own-feed", token)

    def confirm(self, subscriptions: Sequence[int], now: datetime) -> str:
        """The address by which a person confirms that they subscribed (to one digest, or to several at once)."""
        return f"{self._base}/confirm/{self._dated('confirm', list(subscriptions), now)}"

    def read_confirm(self, token: str, now: datetime, lifetime: timedelta) -> tuple[tuple[int, ...], datetime]:
        """The subscriptions that a confirm token names, and when it was made.

        Raises:
            LinkError: the token is forged, damaged, made for something else, or older than `lifetime`.
        """
        found, made = self._read_dated("confirm", token, now, lifetime)
        return tuple(int(number) for number in found), made

    def undo(self, subscription: int, now: datetime) -> str:
        """A token for the form by which a person takes their leaving back; it stands in no address."""
        return self._dated("undo", subscription, now)

    def read_undo(self, token: str, now: datetime, lifetime: timedelta) -> int:
        """The subscription that an undo token names.

        Raises:
            LinkError: the token is forged, damaged, made for something else, or older than `lifetime`.
        """
        return int(self._read_dated("undo", token, now, lifetime)[0])

    def form(self, name: str, now: datetime) -> str:
        """A token that a public form carries: it says when the form was shown."""
        return self._dated("form", name, now)

    def read_form(self, name: str, token: str, now: datetime, lifetime: timedelta) -> timedelta:
        """How long ago the form of this name was shown.

        Raises:
            LinkError: the token is forged, damaged, of another form, or older than `lifetime`.
        """
        found, made = self._read_dated("form", token, now, lifetime)
        if found != name:
            raise LinkError("this form is damaged (open the page again)")
        return now - made

    # ---- links of an operator

    def approval(self, edition_id: str, content_hash: str, address: str, now: datetime) -> str:
        """The address of the page on which one operator approves what they saw in a proof; it approves nothing itself.

        Bound to the operator's address, which does not stand in it, and to the hash of the revision.
        """
        value = [edition_id, content_hash[:16], self._mark(address)]
        return f"{self._base}/console/approve/{self._dated('approval', value, now)}"

    def read_approval(self, token: str, address: str, now: datetime, lifetime: timedelta) -> tuple[str, str]:
        """The edition and the beginning of the hash that an approval token names.

        Args:
            token: from the link.
            address: of the operator who is signed in.
            now: the time.
            lifetime: how long it works.

        Raises:
            LinkError: it is forged, damaged, made for something else or for another operator, or older than `lifetime`.
        """
        found, _made = self._read_dated("approval", token, now, lifetime)
        edition_id, content_hash, mark = map(str, found)
        if not hmac.compare_digest(mark, self._mark(address, token.partition(".")[0])):
            raise LinkError("this link was sent to another operator")
        return edition_id, content_hash

    def _mark(self, address: str, key_id: str = "") -> str:
        """What stands for an operator's address in a token."""
        key = self._derived[key_id or self._signing, "approval"]
        return _text(hmac.digest(key, address.strip().casefold().encode(), "sha256")[:12])

    # ---- public addresses

    def online(self, edition_id: str) -> str:
        """Where everyone can read an edition; the same for all, it names no reader."""
        return f"{self._base}/editions/{quote(edition_id, safe='')}.html"

    def story(self, edition_id: str, key: str) -> str:
        """A story's place in an edition's page."""
        return f"{self.online(edition_id)}#s-{re.sub(r'[^A-Za-z0-9_-]', '-', key)}"  # as the templates write ids

    def feed(self, name: str = "atom.xml", *, region: str = "", theme: str = "") -> str:
        """The address of a feed: of the publication, of a region, or of a theme. `name` is its file name."""
        folder = f"regions/{quote(region, safe='')}/" if region else f"themes/{quote(theme, safe='')}/" if theme else ""
        return f"{self._base}/feeds/{folder}{quote(name)}"

    # ---- identifiers of mail

    def notice_id(self, cause: str, domain: str) -> str:
        """The Message-ID of a notice, by its cause, with angle brackets: the same whenever it is made."""
        digest = hmac.digest(self._derived[self._signing, "message-id"], f"notice\x00{cause}".encode(), "sha256")
        return f"<{_text(digest[:_ID_BYTES])}@{domain}>"

    def message_id(self, edition_id: str, subscription: int, domain: str, *, key_id: str = "") -> str:
        """The Message-ID of a copy, with angle brackets (RFC 5322, 3.6.4): the same whenever it is made.

        It names neither the edition nor the reader to who has not the key. `key_id` is that of the campaign, when a
        campaign goes on after the keys were rotated.

        Raises:
            LinkError: the key is not here any more.
        """
        keyed = self._keyed.get((key_id or self._signing, "message-id"))
        if keyed is None:
            raise LinkError(f"the key '{key_id}' is missing (put it back behind the new one in links.secret)")
        mac = keyed.mac(f"{edition_id}\x00{subscription}".encode())
        return f"<{_url_safe(mac[:_ID_BYTES])}@{domain}>"

    def return_path(self, delivery: int) -> str:
        """The token of a delivery for its return path (VERP): what comes back to it names the copy that bounced."""
        return self._returned(str(delivery))

    def notice_return_path(self, notice: int) -> str:
        """The same for a notice, such as a mail that asks for a confirmation."""
        return self._returned(f"n{notice}")

    def read_return_path(self, token: str) -> int:
        """The delivery that a return path's token names.

        Raises:
            LinkError: the token is forged, damaged or made for something else.
        """
        return self._read_returned(token, "")

    def read_notice_return_path(self, token: str) -> int:
        """The notice that a return path's token names.

        Raises:
            LinkError: the token is forged, damaged or made for something else.
        """
        return self._read_returned(token, "n")

    def _returned(self, what: str) -> str:
        return f"{self._signing}-{what}-{self._bounce_mac(self._signing, what)}"

    def _read_returned(self, token: str, kind: str) -> int:
        match = _BOUNCE.fullmatch(token.lower()) if len(token) <= _LONGEST else None
        if match is not None and match[1] in self._secrets and match[2] == kind:
            made = self._bounce_mac(match[1], kind + match[3])
            if hmac.compare_digest(made, match[4]):
                return int(match[3])
        raise LinkError("this return path is not one of ours")

    def _bounce_mac(self, key_id: str, what: str) -> str:
        return b32encode(self._keyed[key_id, "return-path"].mac(what.encode("ascii"))[:10]).decode().lower()

    @staticmethod
    def list_id(digest: str, domain: str, title: str = "") -> str:
        """The value of List-Id (RFC 2919): `"Title" <digest.domain>`; the title may be empty."""
        clean = re.sub(r'[\x00-\x1f\x7f"\\<>]', " ", title).strip()
        return f'"{clean}" <{digest}.{domain}>' if clean else f"<{digest}.{domain}>"

    def fingerprints(self, text: str) -> tuple[str, ...]:
        """What stands for an address that was erased: nobody without the keys can tell which; one per key.

        The first is the one to write; an older one may have been written before the keys were rotated.
        """
        return tuple(
            f"{key}:{_text(hmac.digest(self._derived[key, 'erased'], text.encode(), 'sha256'))}"
            for key in self._secrets
        )

    # ---- how

    def _token(self, purpose: str, number: int) -> str:
        return f"{self._signing}.{number}.{self._mac(self._signing, purpose, _numbered(number))}"

    def _mac(self, key_id: str, purpose: str, number: bytes) -> str:
        return _url_safe(self._keyed[key_id, purpose].mac(number)[:_MAC_BYTES])

    def _read(self, purpose: str, token: str) -> int:
        match = _TOKEN.fullmatch(token) if len(token) <= _LONGEST else None
        if match is None or match[1] not in self._secrets:
            raise LinkError(_DAMAGED)
        if not hmac.compare_digest(self._mac(match[1], purpose, match[2].encode()), match[3]):
            raise LinkError(_DAMAGED)
        return int(match[2])

    def _dated(self, purpose: str, value: object, now: datetime) -> str:
        return f"{self._signing}.{self._serializer(self._signing, purpose, now).dumps(value)}"

    def _read_dated(self, purpose: str, token: str, now: datetime, lifetime: timedelta) -> tuple[Any, datetime]:
        """What a dated token holds, and when it was made."""
        key_id, _, signed = token.partition(".")
        if len(token) > _LONGEST_DATED or key_id not in self._secrets:
            raise LinkError(_DAMAGED)
        try:
            found: tuple[Any, datetime] = self._serializer(key_id, purpose, now).loads(
                signed, max_age=int(lifetime.total_seconds()), return_timestamp=True
            )
        except SignatureExpired:
            raise LinkError("this link has expired (ask for a new one)", expired=True) from None
        except BadData:
            raise LinkError(_DAMAGED) from None
        return found

    def _serializer(self, key_id: str, purpose: str, now: datetime) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secrets[key_id],
            salt=f"digest.links.{purpose}",
            signer=_DatedSigner,
            signer_kwargs={
                "now": int(now.timestamp()),
                "digest_method": hashlib.sha256,
                "key_derivation": "hmac",
            },
        )


class _Keyed:
    """HMAC-SHA256 with one key (RFC 2104, 4: both of its blocks are hashed once). A copy of a campaign carries four.

    The same as `hmac.digest`, which begins with the key each time, in half the time.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK, b"\0")  # ours are hashes: none is longer than a block
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def mac(self, message: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class _DatedSigner(TimestampSigner):
    """itsdangerous reads the clock itself; time comes in as an argument here."""

    def __init__(self, *args: Any, now: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now

    def get_timestamp(self) -> int:
        return self._now


def _numbered(number: int) -> bytes:
    """What is signed for a subscription (or a feed)."""
    if number <= 0:
        raise ValueError(f"{number} is no number of a subscription")
    return b"%d" % number


def _url_safe(raw: bytes) -> str:
    """Bytes in threes as `_text` writes them: there is no padding to be taken off."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).decode()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
