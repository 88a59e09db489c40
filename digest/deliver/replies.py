"""What a server's reply means for a copy: pure, so that each rule can be read and tested as a table.

RFC 5321, 4.2.1: 2xx done, 3xx go on, 4xx not now, 5xx never. RFC 3463: the enhanced status says of what it speaks:
x.1 the address, x.2 the mailbox, x.3 the system, x.4 the way there, x.5 the protocol, x.6 the content, x.7 policy.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from digest.model import Accepted, Deferred, Outcome, Refused, Reply, Uncertain

_TEXT_LIMIT = 500  # characters of a reply that are kept
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:[ \t]|$)")
_OUR_WORDS = re.compile(
    r"spam|block(?:ed|ing|list)|black ?list|dnsbl|\brbl\b|reputation|policy|\brelay|not allowed|prohibited"
    r"|dmarc|dkim|\bspf\b|authenticat|too (?:large|big)|size limit|virus|malware|unsolicited|\bbulk\b",
    re.IGNORECASE,
)
CREDENTIALS = frozenset({530, 534, 535, 538})  # RFC 4954, 4 and 6: nothing gets through until settings change


class Step(IntEnum):
    """How far a transaction got (RFC 5321, 3.3). Until `END`, the server cannot have the message."""

    CONNECT = 0
    MAIL = 1
    RCPT = 2
    DATA = 3
    END = 4  # the body and its final dot are out


@lru_cache(maxsize=256)  # servers say the same few things again and again
def reply(code: int, text: str) -> Reply:
    """A server's answer, cleaned: enhanced status apart, control characters gone, at most 500 characters.

    A code outside 200 to 599 is no SMTP reply and becomes 0: nothing readable was said.
    """
    clean = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    clean = " ".join(clean.split())
    match = _STATUS.match(clean)
    status = ""
    if match and match[1] == str(code)[:1]:
        status = f"{match[1]}.{match[2]}.{match[3]}"
        # A reply of several lines repeats the status on each (RFC 2034, 4).
        clean = clean.replace(status + " ", "").removesuffix(status).strip()
    return Reply(code=code if 200 <= code <= 599 else 0, text=clean[:_TEXT_LIMIT], status=status)


def outcome(step: Step, answer: Reply) -> Outcome:
    """What the last reply of a transaction means for the copy, by the step that it answers.

    No readable reply: before END nothing was handed over (deferred); after it the copy may have arrived (uncertain).
    A full mailbox is deferred whatever the first digit says: it may be emptied, and is no fault of the address.
    """
    kind = answer.code // 100
    if kind == 2 and step is Step.END:
        return Accepted(reply=answer)
    if kind == 5 and answer.status.partition(".")[2] != "2.2":
        return Refused(reply=answer, ours=is_ours(step, answer))
    if kind in (4, 5):
        return Deferred(reply=answer)
    return Uncertain(reply=answer) if step is Step.END else Deferred(reply=answer)


def is_ours(step: Step, answer: Reply) -> bool:
    """Whether a permanent refusal is for a fault of ours: it then counts against no address.

    By the enhanced status where there is one: x.7 policy, x.6 content, x.5 protocol, x.3 system (5.3.4 too large), and
    5.1.7 and 5.1.8, which speak of the sender's address. Without one: what answers RCPT speaks of the recipient,
    unless its words speak of us; what answers MAIL, DATA or the message speaks of us.
    """
    _, subject, detail = (answer.status or "..").split(".")
    if subject == "1":
        return detail in ("7", "8")
    if subject in ("2", "4"):
        return False
    if subject in ("3", "5", "6", "7"):
        return True
    if answer.code in CREDENTIALS or answer.code in (500, 502, 503, 504, 555):
        return True
    return step is not Step.RCPT or _OUR_WORDS.search(answer.text) is not None
