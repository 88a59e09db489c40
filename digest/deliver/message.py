"""One copy as it goes on the wire: its header, and its two bodies as multipart/alternative.

What comes out is ASCII with CRLF line ends, no line over 76 octets but where a header cannot be cut (998 is the law,
RFC 5322, 2.1.1), and no line that starts with "." or "From ": so nothing on the way has a reason to touch a byte, no
server needs 8BITMIME or SMTPUTF8, and a signature over the body covers what arrives. The same copy at the same date
gives the same bytes. Bodies that are encoded already are joined, and not looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from digest.deliver.fields import (
    LANGUAGE,
    LIST_ID,
    MESSAGE_ID,
    WEB_URL,
    address_field,
    fold,
    formed,
    mailbox,
    one_line,
    phrase,
    text_field,
    unsubscribe_fields,
)
from digest.errors import InputError
from digest.model import Claim, Copy, EncodedCopy, Publication
from digest.quoted import quoted_printable

_PART = b"--%s\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"


class Letterhead:
    """The header that all copies of a campaign share, made once; `message` adds what is each reader's own.

    There is no Auto-Submitted: an edition is approved by an editor, and RFC 3834 (2) already keeps responders off
    whatever carries List- fields. `Precedence: bulk` has no standard, but older vacation programs and Exchange look at
    nothing else, and without it each edition brings a wave of out-of-office answers.

    Args:
        publication: who publishes: From, Reply-To (its feedback address), List-Owner, List-Help, List-Archive.
        list_id: RFC 2919's identifier of the digest, without brackets: "weekly.news.example.org".
        list_title: the digest's title, before the identifier.
        date: an aware time; the same at every attempt gives the same bytes.
        one_click: whether unsubscribe URLs answer RFC 8058's POST; said only where they are https, as the RFC demands.

    Raises:
        AddressError: the sender's address cannot be written to.
        InputError: the identifier or the date does not have its form.
    """

    def __init__(
        self, publication: Publication, *, list_id: str, list_title: str, date: datetime, one_click: bool = True
    ) -> None:
        owner = quote(mailbox(publication.feedback or publication.sender), safe="@+")
        list_id = formed(LIST_ID, list_id, "List-Id")
        self._one_click = one_click
        self._from = _from(publication)
        self._date = _date(date)
        self._list_id = [
            *_reply_to(publication),
            fold(f"List-Id: {phrase('List-Id', list_title)} <{list_id}>".replace("  ", " ")),
        ]
        archive = [f"List-Archive: <{publication.url}>"] if WEB_URL.fullmatch(publication.url) else []
        self._list = [
            f"List-Help: <mailto:{owner}?subject=help>",
            f"List-Owner: <mailto:{owner}>",
            *archive,
            "Precedence: bulk",
        ]

    def message(
        self, copy: Copy | EncodedCopy, claim: Claim, *, unsubscribe_url: str = "", unsubscribe_mailto: str = ""
    ) -> bytes:
        """The message of one copy, as bytes for DATA (without the final dot).

        Args:
            copy: subject and bodies; its `unsubscribe` stands in where `unsubscribe_url` is empty.
            claim: whom to: To and Message-ID.
            unsubscribe_url: an absolute http or https URL (RFC 2369).
            unsubscribe_mailto: a `mailto:` URL as the second way, or empty.

        Raises:
            AddressError: the reader's address cannot be written to.
            InputError: the Message-ID or a URL does not have its form.
        """
        header = [
            self._from,
            _to(claim),
            _subject(copy.subject),
            self._date,
            _message_id(claim),
            *self._list_id,
            *unsubscribe_fields(unsubscribe_url or copy.unsubscribe, unsubscribe_mailto, one_click=self._one_click),
            *self._list,
            *_language(copy.language),
        ]
        return _whole(header, copy, claim)


def notice(copy: Copy, *, publication: Publication, claim: Claim, date: datetime) -> bytes:
    """The message of a single mail outside editions (confirm, welcome, link), as bytes for DATA.

    It is no list mail and carries no List- fields, but List-Unsubscribe where `copy.unsubscribe` is set. So it says
    Auto-Submitted (RFC 3834, 5), which keeps responders off it.

    Raises:
        AddressError: the reader's or the sender's address cannot be written to.
        InputError: an id, a URL or the date does not have its form.
    """
    header = [
        _from(publication),
        _to(claim),
        _subject(copy.subject),
        _date(date),
        _message_id(claim),
        *_reply_to(publication),
        *unsubscribe_fields(copy.unsubscribe, "", one_click=True),
        "Auto-Submitted: auto-generated",
        *_language(copy.language),
    ]
    return _whole(header, copy, claim)


def boundary(message_id: str) -> str:
    """The mark between parts. It holds "=_", which quoted-printable never writes, so no body can contain it."""
    return f"=_{sha256(message_id.encode()).hexdigest()[:32]}"


def _whole(header: Sequence[str], copy: Copy | EncodedCopy, claim: Claim) -> bytes:
    """Header and bodies, in one join."""
    mark = boundary(claim.message_id)
    mime = ("MIME-Version: 1.0", f'Content-Type: multipart/alternative;\r\n boundary="{mark}"', "", "")
    text, html = _bodies(copy)
    line = mark.encode("ascii")
    # Text first: the last is what a reader prefers (RFC 2046, 5.1.4). The line end before a delimiter belongs to it
    # (5.1.1): each body keeps its own by a second one.
    return b"".join(
        (
            "\r\n".join((*header, *mime)).encode("ascii"),
            _PART % (line, b"plain"),
            *text,
            b"\r\n",
            _PART % (line, b"html"),
            *html,
            b"\r\n--%s--\r\n" % line,
        )
    )


def _bodies(copy: Copy | EncodedCopy) -> tuple[Sequence[bytes], Sequence[bytes]]:
    if isinstance(copy, EncodedCopy):
        return copy.text, copy.html
    return (quoted_printable(copy.text),), (quoted_printable(copy.html),)


def _from(publication: Publication) -> str:
    return address_field("From", publication.sender_name or publication.title, mailbox(publication.sender))


def _to(claim: Claim) -> str:
    return address_field("To", claim.name, mailbox(claim.address))


@lru_cache(maxsize=64)  # a campaign has one for each language
def _subject(subject: str) -> str:
    return text_field("Subject", one_line(subject))


def _date(date: datetime) -> str:
    if not date.tzinfo:
        raise InputError("the date of a message needs a time zone", where="Date", remedy="pass an aware time")
    return f"Date: {format_datetime(date)}"


def _message_id(claim: Claim) -> str:
    return f"Message-ID: {formed(MESSAGE_ID, claim.message_id, 'Message-ID')}"


def _reply_to(publication: Publication) -> list[str]:
    feedback = mailbox(publication.feedback) if publication.feedback else ""
    return [f"Reply-To: {feedback}"] if feedback and feedback != mailbox(publication.sender) else []


def _language(language: str) -> list[str]:
    return [f"Content-Language: {language}"] if LANGUAGE.fullmatch(language) else []
