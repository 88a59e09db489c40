"""What may be written to the wire, and in what form: pure."""

from __future__ import annotations

from digest.deliver.fields import mailbox
from digest.deliver.transport import Envelope
from digest.errors import AddressError
from digest.model import Refused, Reply


def unfit(envelope: Envelope) -> Refused | None:
    """Why an envelope is not written to the wire at all; None when it is fit."""
    if not _is_on_wire(envelope.recipient):
        return _refused(f"{envelope.recipient!r} is not an address for the wire", ours=False)
    if envelope.sender and not _is_on_wire(envelope.sender):  # empty: a notification (RFC 5321, 4.5.5)
        return _refused(f"the sender {envelope.sender!r} is not an address for the wire", ours=True)
    if envelope.canonical:
        return None
    content = envelope.content
    # SMTP smuggling (CVE-2023-51764 and its kin) lives on line ends that are not CRLF.
    ends = content.count(b"\r\n")
    if not content.endswith(b"\r\n") or content.count(b"\n") != ends or content.count(b"\r") != ends:
        return _refused("the message has line ends other than CRLF", ours=True)
    if not content.isascii() or b"\0" in content:
        return _refused("the message is not plain ASCII", ours=True)
    return None


def transparent(envelope: Envelope) -> bytes:
    """RFC 5321, 4.5.2: a dot that starts a line is doubled. Our messages have none; a search in C costs nothing."""
    content = envelope.content
    if envelope.canonical:
        return content
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..") if b"\r\n." in content else content


def _is_on_wire(address: str) -> bool:
    try:
        return mailbox(address) == address
    except AddressError:
        return False


def _refused(why: str, *, ours: bool) -> Refused:
    return Refused(reply=Reply(code=0, text=why[:500]), ours=ours)
