"""Header fields in the one form in which we write them (RFC 5322, 2.2 and 3; RFC 2047).

Header injection is impossible by construction: text (names, subjects, titles) loses every control character and line
break of Unicode before it is written; what has a form (addresses, URLs, ids) must have that form or is refused.
"""

from __future__ import annotations

import re
import unicodedata
from email.header import Header
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError, InputError
from digest.quoted import LINE

_WORD = 200  # a longer word without a space is encoded, which cuts it, rather than left on a line of its own

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = rf"{_ATEXT}(?:\.{_ATEXT})*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?P<local>{_DOT_ATOM})@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")
_ATOMS = re.compile(rf"{_ATEXT}(?: {_ATEXT})*")
MESSAGE_ID: Final = re.compile(rf"<{_DOT_ATOM}@{_DOT_ATOM}>")
LIST_ID: Final = re.compile(_DOT_ATOM)
WEB_URL: Final = re.compile(r"https?://[!#-;=?-\[\]_a-z~%]{1,900}")  # RFC 3986's characters; no space, quote, bracket
MAILTO: Final = re.compile(r"mailto:[!#-;=?-\[\]_a-z~%]{1,900}")
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@lru_cache(maxsize=1024)  # each address is asked for by who makes the message, by the campaign and by the session
def mailbox(address: str) -> str:
    """An address in the one form that is written to the wire and to headers: ASCII, `local@domain`, nothing else.

    The domain of an internationalized address becomes its A-labels (IDNA 2008). RFC 5321, 4.5.3.1: 64 octets before
    the @, 254 in all. Quoted local parts, literals and comments are refused: no reader has one, and every parser of
    them has been fooled.

    Raises:
        AddressError: the address does not have that form.
    """
    written = address if address.isascii() else _ascii_domain(address)
    match = _MAILBOX.fullmatch(written)
    if match is None or len(match["local"]) > 64 or len(written) > 254:
        raise AddressError(f"{address!r} is not an address that can be written to", remedy="correct it or remove it")
    return written


def _ascii_domain(address: str) -> str:
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise AddressError(f"{address!r} cannot be written to: {error}", remedy="correct it or remove it") from None
    return found.ascii_email or ""


def address_field(name: str, display: str, address: str) -> str:
    """A field of one mailbox with its display name (RFC 5322, 3.4), which may be empty."""
    shown = phrase(name, display)
    return fold(f"{name}: {shown} <{address}>" if shown else f"{name}: {address}")


def text_field(name: str, text: str) -> str:
    """An unstructured field: as it is where it can be, as RFC 2047's encoded words where it cannot."""
    if text.isascii() and "=?" not in text and all(len(word) <= _WORD for word in text.split(" ")):
        return fold(f"{name}: {text}")
    return f"{name}: {_encoded(name, text)}"


def unsubscribe_fields(url: str, mailto: str, *, one_click: bool) -> list[str]:
    """RFC 2369, 3.2, and RFC 8058, 3.1: the POST is announced only beside an https URL."""
    ways = [f"<{formed(WEB_URL, url, 'List-Unsubscribe')}>"] if url else []
    if mailto:
        ways.append(f"<{formed(MAILTO, mailto, 'List-Unsubscribe')}>")
    if not ways:
        return []
    lines = ["List-Unsubscribe: " + ",\r\n ".join(ways)]
    if one_click and url.startswith("https://"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def formed(form: re.Pattern[str], value: str, field: str) -> str:
    """The value, which must have its form.

    Raises:
        InputError: it does not.
    """
    if form.fullmatch(value) is None:
        raise InputError(f"{value!r} cannot stand in {field}", where=field, remedy="check who made it")
    return value


def phrase(name: str, display: str) -> str:
    """RFC 5322's phrase: atoms, a quoted string, or encoded words."""
    text = one_line(display)
    if not text.isascii() or "=?" in text or any(len(word) > _WORD for word in text.split(" ")):
        return _encoded(name, text)
    if not text or _ATOMS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def fold(line: str) -> str:
    """Cut a field before spaces so that its lines have 76 octets at most, where it has spaces (RFC 5322, 2.2.3)."""
    lines: list[str] = []
    for piece in line.split("\r\n"):
        rest = piece
        while len(rest) > LINE:
            # Never right after the field's name: a first line without content is obsolete syntax.
            cut = rest.rfind(" ", rest.find(": ") + 2 if not lines else 1, LINE + 1)
            cut = cut if cut > 0 else rest.find(" ", LINE + 1)
            if cut <= 0:
                break
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return "\r\n".join(lines)


def one_line(value: str) -> str:
    """One line of text: line breaks and controls of any kind become spaces or go; lone surrogates go."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()
    kept = "".join(char for char in value if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs"))
    return " ".join(kept.split())


def _encoded(name: str, text: str) -> str:
    return Header(text, charset="utf-8", header_name=name, maxlinelen=LINE).encode(linesep="\r\n")
