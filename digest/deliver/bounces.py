"""What a returned mail says: pure reading, in a jail (`digest.jail`), since anybody can write to a return path.

    a report (RFC 3464)             a failure for each recipient who was not reached; "delayed" is none
    a complaint (RFC 5965)          a reader pressed "spam"
    an automatic answer (RFC 3834)  ignored: somebody is on holiday
    anything else                   flufl.bounce knows how some sixty kinds of server put it

Whose copy it was is never decided by an address in it, which anybody can write, but by what only we can make: the
token of the copy's own return path, or its Message-ID together with its signed link (`marks`). The coordinator
verifies them (digest/subscriptions/bounces.py).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, Final

from flufl.bounce import all_failures
from pydantic import TypeAdapter

from digest.deliver.inbox import Ignored, decoded
from digest.deliver.replies import reply as read_reply
from digest.model import Bounce, BounceCause, Reply

LIMIT: Final = 128 * 1024  # octets of a letter that are read; reports come first, the returned copy after them
_TEXT_LIMIT: Final = 8000  # characters of an explanation that are searched
_RECIPIENTS: Final = 50  # of one report

_REPORTS: Final = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464; RFC 6533
_RECEIPTS: Final = frozenset({"message/disposition-notification", "message/tracking-status"})  # RFC 8098; RFC 3886
_MAILERS: Final = re.compile(r"mailer-?daemon|post-?master|mail[ ._-]?delivery|mdaemon|\bmta\b|bounce", re.IGNORECASE)
_AWAY: Final = re.compile(
    r"out of (the )?office|auto(matic|mated)?[ -]?(reply|response|answer)|autoreply|on vacation|vacation (reply|notice)"
    r"|abwesen|automatische antwort|r[ée]ponse automatique|absence du bureau|respuesta autom|fuera de la oficina"
    r"|risposta automatica|resposta autom|自动回复|自動回覆|自動返信|автоответ",
    re.IGNORECASE,
)
_ANSWERS: Final = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-mail-autoreply")
_CODE: Final = re.compile(r"(?:^|[\s:;(<\[])([45]\d\d)[ -](?=\D|[245]\.\d)(.*)", re.DOTALL)
_STATUS: Final = re.compile(r"(?:^|[\s(#\[])([245])\.(\d{1,3})\.(\d{1,3})(?=[\s):;,\]]|$)")

_UNKNOWN: Final = re.compile(
    r"(user|recipient|mailbox|account|addressee|local part|address) (is )?(unknown|disabled|inactive|no longer"
    r"|not (known|found|exist)|does(n.?t| ?not) exist)"
    r"|(unknown|no such|invalid|non-?existent) (\w+ )?(user|recipient|mailbox|account|address|alias|local part)"
    r"|does(n.?t| not) (exist|have an?)|not listed in|not a valid|no mailbox (here )?by that|no account"
    r"|host (or domain name )?not found|domain (not found|does not exist)|address rejected|(could|was)n.t be found"
    r"|not our customer|unrouteable|nicht bekannt|unbekannt|n.existe pas|no existe",
    re.IGNORECASE,
)
_FULL: Final = re.compile(
    r"quota|mailbox (is )?(\w+ )?full|storage|insufficient (disk )?space|out of (disk )?space|inbox (is )?full"
    r"|bo[iî]te .{0,20}pleine|voll\b",
    re.IGNORECASE,
)
_OUR_FAULT: Final = re.compile(
    r"spam|block(ed|ing|list)|black ?list|dnsbl|\brbl\b|reputation|polic(y|ies)|prohibited|banned|suspicious"
    r"|relay(ing)? (access |not |is )?(denied|allowed|prohibited|permitted)|access denied|not accepted from"
    r"|dmarc|dkim|\bspf\b|authenticat|sender (address )?(rejected|denied|verify)"
    r"|too (large|big|long)|size (limit|exceed)|exceeds? .{0,20}size|virus|malware|unsolicited|\bbulk\b"
    r"|grey-?list|rate limit|too many|content (rejected|filter|not)|rejected .{0,20}content",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Copies that came back. `delayed` and `reached`: recipients for whom it says that nothing is lost (yet)."""

    bounces: tuple[Bounce, ...] = ()
    delayed: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """A feedback report: what the reader is said to have done ("abuse", "opt-out"), and who reports it."""

    feedback: str
    reporter: str = ""


Understood = Returned | Complaint | Ignored
_KINDS: Final[dict[str, TypeAdapter[Any]]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Returned, Complaint, Ignored)
}


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What in a returned mail may prove whose copy it was, in the order found; nothing of it is verified."""

    return_paths: tuple[str, ...] = ()  # tokens of return paths
    links: tuple[str, ...] = ()  # tokens of unsubscribe links
    message_ids: tuple[str, ...] = ()  # with angle brackets


def marks(letter: bytes, return_path: str, base_url: str) -> Marks:
    """Look for what only we can have made, anywhere in a letter: servers quote what they return in many ways.

    Args:
        letter: the first `LIMIT` octets of it.
        return_path: as in the settings: "bounce+{token}@example.com", or without a token.
        base_url: of the publication's links.
    """
    path, link = _patterns(return_path, base_url)
    return Marks(
        return_paths=_found(path, letter) if path else (),
        links=_found(link, letter),
        message_ids=_found(_MESSAGE_ID, letter),
    )


_MESSAGE_ID: Final = re.compile(rb"^[ >]*Message-ID:\s{0,4}(<[^<>\s]{3,200}>)", re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=8)
def _patterns(return_path: str, base_url: str) -> tuple[re.Pattern[bytes] | None, re.Pattern[bytes]]:
    before, mark, after = return_path.partition("{token}")
    path = re.escape(before.encode()) + rb"([a-z0-9]{1,16}-n?\d{1,19}-[a-z2-7]{16})" + re.escape(after.encode())
    link = re.escape(base_url.rstrip("/").encode()) + rb"/unsubscribe/([a-z0-9]{1,16}\.\d{1,19}\.[A-Za-z0-9_-]{20})"
    return (re.compile(path, re.IGNORECASE) if mark else None), re.compile(link)


def _found(pattern: re.Pattern[bytes], letter: bytes) -> tuple[str, ...]:
    """At most a few: a letter that names thousands is not one of a mail server."""
    found: dict[str, None] = {}
    for match in pattern.finditer(letter):
        found[match[1].decode("ascii", "replace")] = None
        if len(found) == 8:
            break
    return tuple(found)


def examine(letter: bytes) -> Any:
    """What a letter says, as plain JSON values: what runs in the jail. `understood` makes it a value again."""
    found = read_returned(letter)
    name = type(found).__name__
    return [name, _KINDS[name].dump_python(found, mode="json")]


def understood(plain: object) -> Understood:
    """What came out of the jail.

    Raises:
        ValueError: it is none of the things that `examine` says.
    """
    match plain:
        case [str(name), value] if name in _KINDS:
            found: Understood = _KINDS[name].validate_python(value)
            return found
    raise ValueError("it says nothing that we know")


def read_returned(letter: bytes) -> Understood:
    """What a letter to a return path says. Whatever it holds, nothing is raised."""
    try:
        message = message_from_bytes(letter[:LIMIT], policy=compat32)
        return _read(message)
    except (RecursionError, MessageError, LookupError, ValueError, AttributeError, TypeError) as error:
        return Ignored(f"it cannot be read ({type(error).__name__})")


def _read(message: Message) -> Understood:
    parts = list(message.walk())
    kinds = {part.get_content_type() for part in parts}
    if "message/feedback-report" in kinds:
        return _complaint(parts)
    if kinds & {*_REPORTS}:
        found = _report(parts)
        if found.bounces or found.delayed or found.reached:
            return found
    by_server = _MAILERS.search(str(message.get("From", ""))) is not None
    if kinds & _RECEIPTS and not by_server:  # Dovecot writes its rejections in this form, too
        return Ignored("a receipt: somebody opened or deleted a mail")
    if _is_answer(message) and not by_server:
        return Ignored("an automatic answer")
    delayed, failed = all_failures(message)
    if not failed:
        late = tuple(sorted(_words(delayed)))
        return Returned(delayed=late) if late else Ignored("it is no bounce that we know")
    said = _explanation(parts)
    return Returned(bounces=tuple(_bounce(recipient, "", said, permanent=True) for recipient in sorted(_words(failed))))


def _words(addresses: Iterable[bytes]) -> list[str]:
    return [address.decode("ascii", "replace") for address in addresses][:_RECIPIENTS]


def verdict(returned: Returned, address: str) -> Bounce | Ignored:
    """What a report means for the copy of one reader, whose address it may name in another form, or not at all.

    Where an alias of theirs leads to several mailboxes, the copy bounced only if none of them got it; then the mildest
    of the causes is theirs, since it is not known which mailbox is read.
    """
    own = [one for one in returned.bounces if one.recipient.casefold() == address.casefold()]
    if own:
        return own[0]
    if returned.reached:
        return Ignored("another mailbox of this reader got the copy")
    if returned.delayed or not returned.bounces:
        return Ignored("it is only late: the server goes on trying")
    return min(returned.bounces, key=lambda one: _MILDEST.index(one.cause))


_MILDEST: Final = (BounceCause.OURS, BounceCause.FULL, BounceCause.SOFT, BounceCause.HARD)


# ---- RFC 3464


def _report(parts: Sequence[Message]) -> Returned:
    bounces: list[Bounce] = []
    delayed: list[str] = []
    reached: list[str] = []
    for block in _blocks(parts, _REPORTS):
        action = str(block.get("Action", "")).strip().casefold()
        recipient = _recipient(block)
        if not action or len(bounces) + len(delayed) + len(reached) >= _RECIPIENTS:
            continue
        if action.startswith("delay"):
            delayed.append(recipient)
        elif action.startswith(("fail", "error")):
            said = str(block.get("Diagnostic-Code", "")).partition(";")
            status = str(block.get("Status", ""))
            text = " ".join((said[2] or said[0]).split())
            bounces.append(_bounce(recipient, status, text or _explanation(parts), permanent=True))
        elif action.startswith(("deliver", "relay", "expand")):
            reached.append(recipient)
    return Returned(bounces=tuple(bounces), delayed=tuple(delayed), reached=tuple(reached))


def _blocks(parts: Sequence[Message], kinds: Sequence[str]) -> Iterator[Message]:
    """The groups of fields of a report: of the message, then of each recipient (RFC 3464, 2.1)."""
    for part in parts:
        if part.get_content_type() not in kinds:
            continue
        inner = part.get_payload()
        if isinstance(inner, list):
            given = [one for one in inner if isinstance(one, Message)]
            if any("Action" in one or "Feedback-Type" in one for one in given):
                yield from given
                continue
        text = _text(part)  # encoded, or of a kind that the parser does not take apart
        for group in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
            yield HeaderParser(policy=compat32).parsestr(group.strip("\n") + "\n\n")


def _recipient(block: Message) -> str:
    for name in ("Original-Recipient", "Final-Recipient", "X-Actual-Recipient"):
        value = str(block.get(name, "")).strip()
        address = parseaddr(value.rpartition(";")[2].strip())[1]
        if "@" in address:
            return address[:320]
    return ""


# ---- RFC 5965


def _complaint(parts: Sequence[Message]) -> Complaint | Ignored:
    for block in _blocks(parts, ("message/feedback-report",)):
        feedback = str(block.get("Feedback-Type", "")).strip().casefold()
        if feedback in {"abuse", "fraud", "virus", "opt-out", "opt-out-list"}:
            reporter = str(block.get("User-Agent", "") or block.get("Reporting-MTA", ""))
            return Complaint(feedback=feedback, reporter=read_reply(0, reporter).text[:100])
        if feedback:
            return Ignored(f"a feedback report that complains of nothing ({feedback[:30]})")
    return Ignored("a feedback report that says nothing")


# ---- what follows no standard


def _is_answer(message: Message) -> bool:
    """Whether it answers by itself; mail servers call their bounces so, too."""
    automatic = str(message.get("Auto-Submitted", "no")).partition(";")[0].strip().casefold()
    return (
        automatic == "auto-replied"
        or any(name in message for name in _ANSWERS)
        or str(message.get("Precedence", "")).casefold() == "auto_reply"
        or _AWAY.search(_subject(message)) is not None
    )


def _subject(message: Message) -> str:
    """Also one that stands there as bare UTF-8 (RFC 6532)."""
    raw = next((value for name, value in message.raw_items() if name.casefold() == "subject"), "")
    return decoded(str(raw).encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _explanation(parts: Sequence[Message]) -> str:
    """The words of the server to a person: the first text of the letter."""
    for part in parts:
        if part.get_content_maintype() == "text" and part.get_content_subtype() in {"plain", "html"}:
            return _text(part)[:_TEXT_LIMIT]
    return ""


def _text(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list):  # blocks that were encoded as a whole
        body = "\n\n".join(one.as_string() for one in inner if isinstance(one, Message))
        inner = body
    plain = Message()
    plain["Content-Transfer-Encoding"] = str(part.get("Content-Transfer-Encoding", "7bit"))
    plain.set_payload(str(inner).strip("\n"))
    raw = plain.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else b""
    with contextlib.suppress(LookupError):
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    return content.decode("utf-8", "replace")


# ---- what it means


def _bounce(recipient: str, status: str, text: str, *, permanent: bool) -> Bounce:
    answer = _answer(status, text)
    return Bounce(cause=cause(answer, permanent=permanent), reply=answer, recipient=recipient)


def _answer(status: str, text: str) -> Reply:
    """The server's reply within its words; what the reply itself says goes before the report's own field."""
    match = _CODE.search(text)
    found = read_reply(int(match[1]), match[2]) if match else read_reply(0, text)
    said = found.status or _dotted(_STATUS.search(text)) or _dotted(_STATUS.search(status.strip()))
    return Reply(code=found.code, text=found.text, status=said)


def _dotted(match: re.Match[str] | None) -> str:
    return ".".join(match.groups()) if match else ""


def cause(answer: Reply, *, permanent: bool = True) -> BounceCause:
    """Why a copy came back, by status (RFC 3463), then by code, then by words. In doubt, nobody's fault counts.

    Args:
        answer: code, status and text, as far as they are known.
        permanent: whether the report speaks of an end; a mere 4xx given up is soft all the same.
    """
    kind, subject, detail = (answer.status or "..").split(".")
    ours, unknown = _OUR_FAULT.search(answer.text), _UNKNOWN.search(answer.text)
    vague = subject in {"", "0"} or (subject, detail) == ("3", "0")  # sendmail's word for anything
    if (subject, detail) == ("2", "2") or ((vague or subject == "2") and _FULL.search(answer.text)):
        return BounceCause.FULL
    if (subject in {"3", "5", "6", "7"} and not vague) or (subject, detail) in {("1", "7"), ("1", "8")}:
        return BounceCause.OURS
    if ours and not unknown:
        return BounceCause.OURS
    if not permanent or kind == "4" or (not kind and answer.code // 100 == 4):
        return BounceCause.SOFT
    if subject == "1" or (subject == "2" and detail in {"0", "1"}) or (subject, detail) in {("4", "1"), ("4", "4")}:
        return BounceCause.HARD
    if vague and (unknown or answer.code in {550, 551, 553}):
        return BounceCause.HARD
    return BounceCause.SOFT
