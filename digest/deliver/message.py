"""One copy as it goes on the wire: its headers, and its two bodies as multipart/alternative.

What comes out is ASCII with CRLF line ends, no line over 76 octets but where a header cannot be cut (998 is the law,
RFC 5322, 2.1.1), and no line that starts with "." or "From ": so nothing on the way has a reason to touch a byte, no
server needs 8BITMIME or SMTPUTF8, and a signature over the body covers what arrives. The same copy at the same date
gives the same bytes.

Header injection is impossible by construction: text (names, subject, titles) loses every control character and line
break of Unicode before it is written; what has a form (addresses, URLs, ids) must have that form or is refused.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_qp
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError, InputError
from digest.model import Claim, Copy, Publication

_LINE = 76  # RFC 2045, 6.7 (5): a line of quoted-printable; RFC 2047, 2: a line with an encoded word
_WORD = 200  # a longer word without a space is encoded, which cuts it, rather than left on a line of its own

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = rf"{_ATEXT}(?:\.{_ATEXT})*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?P<local>{_DOT_ATOM})@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")
_MESSAGE_ID = re.compile(rf"<{_DOT_ATOM}@{_DOT_ATOM}>")
_LIST_ID = re.compile(_DOT_ATOM)
_WEB_URL = re.compile(r"https?://[!#-;=?-\[\]_a-z~%]{1,900}")  # RFC 3986's characters; no space, quote, bracket
_MAILTO = re.compile(r"mailto:[!#-;=?-\[\]_a-z~%]{1,900}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_ATOMS = re.compile(rf"{_ATEXT}(?: {_ATEXT})*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_RISKY_START = re.compile(rb"^(?:\.|From )[^\r\n]*", re.MULTILINE)


def build(
    copy: Copy,
    *,
    publication: Publication,
    claim: Claim,
    list_id: str,
    list_title: str,
    date: datetime,
    unsubscribe_url: str = "",
    unsubscribe_mailto: str = "",
    one_click: bool = True,
) -> bytes:
    """The message of one copy, as bytes for DATA (without the final dot).

    Args:
        copy: subject and bodies; its `unsubscribe` stands in where `unsubscribe_url` is empty.
        publication: who publishes: From, Reply-To (its feedback address), List-Owner, List-Help, List-Archive.
        claim: whom to: To and Message-ID.
        list_id: RFC 2919's identifier of the digest, without brackets: "weekly.news.example.org".
        list_title: the digest's title, before the identifier.
        date: an aware time; the same at every attempt gives the same bytes.
        unsubscribe_url: an absolute http or https URL (RFC 2369).
        unsubscribe_mailto: a `mailto:` URL as the second way, or empty.
        one_click: whether that URL answers RFC 8058's POST; said only where it is https, as the RFC demands.

    Raises:
        AddressError: the reader's or the sender's address cannot be written to.
        InputError: an id, a URL or the date does not have its form.
    """
    head = headers(
        copy,
        publication=publication,
        claim=claim,
        list_id=list_id,
        list_title=list_title,
        date=date,
        unsubscribe_url=unsubscribe_url or copy.unsubscribe,
        unsubscribe_mailto=unsubscribe_mailto,
        one_click=one_click,
    )
    return _whole(head, copy, claim)


def notice(copy: Copy, *, publication: Publication, claim: Claim, date: datetime) -> bytes:
    """The message of a single mail outside editions (confirm, welcome, link), as bytes for DATA.

    It is no list mail and carries no List- fields, but List-Unsubscribe where `copy.unsubscribe` is set. So it says
    Auto-Submitted (RFC 3834, 5), which keeps responders off it.

    Raises:
        AddressError: the reader's or the sender's address cannot be written to.
        InputError: an id, a URL or the date does not have its form.
    """
    lines = [
        *_common_fields(copy, publication, claim, date),
        *_unsubscribe_fields(copy.unsubscribe, "", one_click=True),
        "Auto-Submitted: auto-generated",
        *_language_field(copy),
    ]
    return _whole("".join(f"{line}\r\n" for line in lines).encode("ascii"), copy, claim)


def _whole(head: bytes, copy: Copy, claim: Claim) -> bytes:
    mark = boundary(claim.message_id)
    return b'%sMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="%s"\r\n\r\n%s' % (
        head,
        mark.encode("ascii"),
        alternatives(copy.text, copy.html, boundary=mark),
    )


def headers(
    copy: Copy,
    *,
    publication: Publication,
    claim: Claim,
    list_id: str,
    list_title: str,
    date: datetime,
    unsubscribe_url: str,
    unsubscribe_mailto: str,
    one_click: bool,
) -> bytes:
    """The header fields of one copy but those of MIME; arguments and errors as for `build`.

    No Auto-Submitted: an edition is approved by an editor, and RFC 3834 (2) already keeps responders off whatever
    carries List- fields. `Precedence: bulk` has no standard, but older vacation programs and Exchange look at nothing
    else, and without it each edition brings a wave of out-of-office answers.
    """
    owner = quote(mailbox(publication.feedback or publication.sender), safe="@+")
    lines = [
        *_common_fields(copy, publication, claim, date),
        _fold(
            f"List-Id: {_phrase('List-Id', list_title)} <{_formed(_LIST_ID, list_id, 'List-Id')}>".replace("  ", " ")
        ),
        *_unsubscribe_fields(unsubscribe_url, unsubscribe_mailto, one_click=one_click),
        f"List-Help: <mailto:{owner}?subject=help>",
        f"List-Owner: <mailto:{owner}>",
    ]
    if _WEB_URL.fullmatch(publication.url):
        lines.append(f"List-Archive: <{publication.url}>")
    lines += ["Precedence: bulk", *_language_field(copy)]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _common_fields(copy: Copy, publication: Publication, claim: Claim, date: datetime) -> list[str]:
    """What every message carries: from whom, to whom, what about, when, and its id."""
    sender = mailbox(publication.sender)
    if not date.tzinfo:
        raise InputError("the date of a message needs a time zone", where="Date", remedy="pass an aware time")
    lines = [
        _address_field("From", publication.sender_name or publication.title, sender),
        _address_field("To", claim.name, mailbox(claim.address)),
        _field("Subject", _text(copy.subject)),
        f"Date: {format_datetime(date)}",
        f"Message-ID: {_formed(_MESSAGE_ID, claim.message_id, 'Message-ID')}",
    ]
    if publication.feedback and mailbox(publication.feedback) != sender:
        lines.append(f"Reply-To: {mailbox(publication.feedback)}")
    return lines


def _language_field(copy: Copy) -> list[str]:
    return [f"Content-Language: {copy.language}"] if _LANGUAGE.fullmatch(copy.language) else []


def alternatives(text: str, html: str, *, boundary: str) -> bytes:
    """The multipart/alternative body: text first, since the last is what a reader prefers (RFC 2046, 5.1.4)."""
    start = (
        f"--{boundary}\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    # The line end before a delimiter belongs to it (RFC 2046, 5.1.1): each body keeps its own by a second one.
    return b"".join(
        (
            (start % "plain").encode("ascii"),
            quoted_printable(text),
            b"\r\n",
            (start % "html").encode("ascii"),
            quoted_printable(html),
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
    )


def boundary(message_id: str) -> str:
    """The mark between parts. It holds "=_", which quoted-printable never writes, so no body can contain it."""
    return f"=_{sha256(message_id.encode()).hexdigest()[:32]}"


def quoted_printable(text: str) -> bytes:
    """A text as RFC 2045's quoted-printable in UTF-8, with CRLF, ending on a line end.

    A "." or "From " that would start a line is encoded: no dot-stuffing in SMTP, no ">From " in mailbox files.
    Control characters other than tab and line end are dropped.

    Raises:
        UnicodeEncodeError: a lone surrogate, which is no character and has no place in UTF-8.
    """
    plain = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))
    encoded = b2a_qp((plain.replace("\n", "\r\n") + "\r\n").encode("utf-8"), quotetabs=False, istext=True)
    return _RISKY_START.sub(_safe_start, encoded)


def _safe_start(match: re.Match[bytes]) -> bytes:
    """A line with its first octet encoded; where that makes it too long, it is cut after that octet."""
    line = match[0]
    first, rest = b"=%02X" % line[0], line[1:]
    if len(first) + len(rest) <= _LINE:
        return first + rest
    return first + b"=\r\n" + _RISKY_START.sub(_safe_start, rest)


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


def _unsubscribe_fields(url: str, mailto: str, *, one_click: bool) -> list[str]:
    """RFC 2369, 3.2, and RFC 8058, 3.1: the POST is announced only beside an https URL."""
    ways = [f"<{_formed(_WEB_URL, url, 'List-Unsubscribe')}>"] if url else []
    if mailto:
        ways.append(f"<{_formed(_MAILTO, mailto, 'List-Unsubscribe')}>")
    if not ways:
        return []
    lines = ["List-Unsubscribe: " + ",\r\n ".join(ways)]
    if one_click and url.startswith("https://"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def _formed(form: re.Pattern[str], value: str, field: str) -> str:
    if form.fullmatch(value) is None:
        raise InputError(f"{value!r} cannot stand in {field}", where=field, remedy="check who made it")
    return value


def _text(value: str) -> str:
    """One line of text: line breaks and controls of any kind become spaces or go; lone surrogates go."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()
    kept = "".join(char for char in value if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs"))
    return " ".join(kept.split())


def _field(name: str, text: str) -> str:
    """An unstructured field: as it is where it can be, as RFC 2047's encoded words where it cannot."""
    if text.isascii() and "=?" not in text and all(len(word) <= _WORD for word in text.split(" ")):
        return _fold(f"{name}: {text}")
    return f"{name}: {_encoded(name, text)}"


def _address_field(name: str, display: str, address: str) -> str:
    phrase = _phrase(name, display)
    return _fold(f"{name}: {phrase} <{address}>" if phrase else f"{name}: {address}")


def _phrase(name: str, display: str) -> str:
    """RFC 5322's phrase: atoms, a quoted string, or encoded words."""
    text = _text(display)
    if not text.isascii() or "=?" in text or any(len(word) > _WORD for word in text.split(" ")):
        return _encoded(name, text)
    if not text or _ATOMS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encoded(name: str, text: str) -> str:
    return Header(text, charset="utf-8", header_name=name, maxlinelen=_LINE).encode(linesep="\r\n")


def _fold(line: str) -> str:
    """Cut a field before spaces so that its lines have 76 octets at most, where it has spaces (RFC 5322, 2.2.3)."""
    lines: list[str] = []
    for piece in line.split("\r\n"):
        rest = piece
        while len(rest) > _LINE:
            # Never right after the field's name: a first line without content is obsolete syntax.
            cut = rest.rfind(" ", rest.find(": ") + 2 if not lines else 1, _LINE + 1)
            cut = cut if cut > 0 else rest.find(" ", _LINE + 1)
            if cut <= 0:
                break
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return "\r\n".join(lines)
