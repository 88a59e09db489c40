"""Signatures, held against dkimpy, which verifies by another implementation."""

from __future__ import annotations

from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.deliver.dkim import SIGNED, Signer, aligned
from digest.errors import ConfigError
from digest.model import Copy
from tests.deliver.ledger import claim
from tests.deliver.test_message import COPY, DATE, PUBLICATION, build


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


KEYS = {
    "rsa-sha256": pem(rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL),
    "ed25519-sha256": pem(ed25519.Ed25519PrivateKey.generate()),
}


@pytest.fixture(params=KEYS)
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer("example.org", "weekly", KEYS[request.param])


def message(**changes: Any) -> bytes:
    values: dict[str, Any] = {
        "publication": PUBLICATION,
        "claim": claim("r@example.net", name="读者 with a name"),
        "list_id": "w.example.org",
        "list_title": "周报",
        "date": DATE,
        "unsubscribe_url": "https://news.example.org/unsubscribe/k.1.abc",
        "unsubscribe_mailto": "mailto:leave@example.org?subject=unsubscribe",
    }
    return build(Copy(subject="港口 " * 30, text="Hello.\n" * 500, html="<p>Hello.</p>\n" * 500), **(values | changes))


def verified(signer: Signer, mail: bytes) -> bool:
    name, record = signer.record
    return bool(
        dkim.verify(mail, dnsfunc=lambda asked, timeout=5: record.encode() if asked == f"{name}.".encode() else b"")
    )


def test_dkimpy_verifies_what_we_sign(signer: Signer) -> None:
    for mail in (
        message(),
        message(unsubscribe_url="", unsubscribe_mailto=""),
        b"From: a@example.org\r\nSubject:  two   spaces \r\n\tand a fold\r\n\r\n",
        b"From: a@example.org\r\n\r\nempty lines at the end\r\n\r\n\r\n",
        b"From: a@example.org\r\n\r\nno line end",
    ):
        signed = signer.sign(mail)
        assert signed.endswith(mail)
        assert verified(signer, signed), mail[:80]
        assert signed.isascii()
        assert max(map(len, signed.partition(b"\r\n\r\n")[0].split(b"\r\n"))) < 200


def test_a_changed_or_added_field_or_body_breaks_it(signer: Signer) -> None:
    signed = signer.sign(message())
    head, _, body = signed.partition(b"\r\n\r\n")
    assert not verified(signer, head + b"\r\n\r\n" + body.replace(b"Hello", b"Hallo", 1))
    for name in SIGNED:
        # Over-signed: a field that was added anywhere, of a name that was there or not, is seen.
        added = name.title().encode() + b": x@example.org\r\n"
        assert not verified(signer, added + signed), name
        assert not verified(signer, head + b"\r\n" + added + b"\r\n" + body), name
    assert verified(signer, b"X-Spam: no\r\n" + signed)


def test_both_unsubscribe_fields_are_covered(signer: Signer) -> None:
    signed = signer.sign(message())
    start = signed.partition(b" bh=")[0].replace(b"\r\n ", b"")
    covered = start.partition(b"h=")[2].rstrip(b";\r\n").split(b":")
    for name in (b"from", b"list-unsubscribe", b"list-unsubscribe-post", b"date", b"to", b"subject", b"message-id"):
        assert covered.count(name) == 2, name
    assert b"a=" + signer.algorithm.encode() in start
    assert b"c=relaxed/simple; d=example.org; s=weekly" in start


def test_the_same_message_has_the_same_signature(signer: Signer) -> None:
    assert signer.sign(message()) == signer.sign(message())


def test_the_record_to_publish(signer: Signer) -> None:
    name, text = signer.record
    assert name == "weekly._domainkey.example.org"
    assert text.startswith(f"v=DKIM1; k={signer.algorithm.partition('-')[0]}; p=")


@pytest.mark.parametrize(
    ("domain", "selector", "key", "said"),
    [
        ("example.org", "weekly", b"no key", "no usable private key"),
        ("example.org", "weekly", pem(ec.generate_private_key(ec.SECP256R1())), "RSA and Ed25519"),
        ("example.org", "weekly", pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505 - to see it refused
        ("", "weekly", KEYS["ed25519-sha256"], "dkim.domain"),
        ("example.org", "we ekly", KEYS["ed25519-sha256"], "dkim.selector"),
    ],
)
def test_what_cannot_sign_says_so(domain: str, selector: str, key: bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Signer(domain, selector, key)


def test_alignment() -> None:
    assert aligned("example.org", "example.org")
    assert aligned("example.org", "news.Example.org")
    assert aligned("bounce.example.org", "example.org")
    assert not aligned("example.org", "badexample.org")
    assert not aligned("example.org", "example.com")


def test_a_copy_of_the_tests_of_messages_verifies(signer: Signer) -> None:
    mail = build(COPY, publication=PUBLICATION, claim=claim("r@example.net"), list_id="w.example.org", list_title="W", date=DATE)  # fmt: skip
    assert verified(signer, signer.sign(mail))
