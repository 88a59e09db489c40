"""DKIM signatures (RFC 6376), RSA (RFC 8301) and Ed25519 (RFC 8463), relaxed/simple.

Our messages are canonical by construction, so the body is hashed as it is; and one message is signed per reader, so the
key is loaded once and used directly. Signing leaves the interpreter free: the campaign does it in threads.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from digest.errors import ConfigError

# RFC 6376, 5.4.1, and RFC 8058, 4: both List-Unsubscribe fields must be covered. Each stands once more than the message
# has it, so that none can be added behind the signature (8.15).
SIGNED = (
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "list-help", "list-owner", "list-archive", "mime-version", "content-type",
    "content-transfer-encoding",
)  # fmt: skip

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_SPACE = re.compile(rb"[ \t\r\n]+")  # line ends stand only where a field is folded
_SMALLEST_RSA = 2048  # RFC 8301, 3.2: signers should use that much
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)


class Signer:
    """Signs messages for one domain with one key. May be used by several threads at once.

    Args:
        domain: d=, whose DNS holds the public key; that of From, or above it, for DMARC (RFC 7489, 3.1.1).
        selector: s=, the key's name there.
        pem: the private key, PKCS#8 or PKCS#1, not encrypted.

    Raises:
        ConfigError: a name is none, or the key cannot be used.
    """

    def __init__(self, domain: str, selector: str, pem: bytes) -> None:
        for name, value in (("domain", domain), ("selector", selector)):
            if not _NAME.fullmatch(value):
                raise ConfigError(f"dkim.{name}: {value!r} is no DNS name (write letters, digits, hyphens and dots)")
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"dkim.key_file: holds no usable private key in PEM form: {error}") from error
        if isinstance(key, RSAPrivateKey) and key.key_size < _SMALLEST_RSA:
            raise ConfigError(f"dkim.key_file: an RSA key of {key.key_size} bits (make one of 2048)")
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise ConfigError("dkim.key_file: DKIM knows RSA and Ed25519 keys only")
        self.domain = domain
        self.selector = selector
        self._key = key
        self.algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
        self._start = f"v=1; a={self.algorithm}; c=relaxed/simple; d={domain}; s={selector};".encode("ascii")

    @property
    def record(self) -> tuple[str, str]:
        """The name and the text of the DNS TXT record to publish (RFC 6376, 3.6.1; RFC 8463, 4)."""
        public = self._key.public_key()
        if isinstance(self._key, RSAPrivateKey):
            kind, raw = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            kind, raw = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"{self.selector}._domainkey.{self.domain}", f"v=DKIM1; k={kind}; p={b64encode(raw).decode()}"

    def sign(self, message: bytes) -> bytes:
        """The message with its signature on top. Its line ends must be CRLF, and its header well formed."""
        end = message.find(b"\r\n\r\n")
        head = message[:end] if end >= 0 else message
        body = memoryview(message)[len(head) + 4 :]  # not copied: it is most of the message
        fields: dict[str, list[bytes]] = {}
        for match in _FIELD.finditer(head + b"\r\n"):
            name = match[1].decode("ascii").lower()
            fields.setdefault(name, []).append(_relaxed(name, match[2]))
        names = [name for name in SIGNED for _ in range(len(fields.get(name, ())) + 1)]
        # 5.4.2: a name that is listed again means the next one of that name from the bottom up, and then nothing.
        signed = [line for name in SIGNED for line in reversed(fields.get(name, ()))]
        digest = b64encode(hashlib.sha256(_body(body)).digest())
        value = b" %s\r\n h=%s;\r\n bh=%s;\r\n b=" % (
            self._start,
            b":\r\n ".join(":".join(names[i : i + 5]).encode("ascii") for i in range(0, len(names), 5)),
            digest,
        )
        data = b"".join(line + b"\r\n" for line in signed) + _relaxed("dkim-signature", value)
        signature = b64encode(self._signature(data))
        folded = b"\r\n ".join(signature[i : i + 72] for i in range(0, len(signature), 72))
        return b"DKIM-Signature:%s%s\r\n%s" % (value, folded, message)

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463, 3: what is signed is the hash


def aligned(domain: str, other: str) -> bool:
    """Whether two domains are one organization's (RFC 7489, 3.1), as far as the Public Suffix List is not needed."""
    one, two = domain.lower(), other.lower()
    return one == two or one.endswith(f".{two}") or two.endswith(f".{one}")


def _relaxed(name: str, value: bytes) -> bytes:
    """RFC 6376, 3.4.2."""
    return name.encode("ascii") + b":" + _SPACE.sub(b" ", value).strip(b" \t\r\n")


def _body(body: memoryview) -> bytes | memoryview:
    """RFC 6376, 3.4.3: empty lines at the end do not count, and the last line has its end."""
    end = bytes(body[-4:])
    if end.endswith(b"\r\n") and end[:-2] != b"\r\n":
        return body
    rest = bytes(body)
    while rest.endswith(b"\r\n"):
        rest = rest[:-2]
    return rest + b"\r\n"
