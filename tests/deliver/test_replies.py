"""What a reply means, as a table."""

from __future__ import annotations

import pytest

from digest.deliver.replies import Step, is_ours, outcome, reply
from digest.model import Accepted, Deferred, Refused, Reply, Uncertain


@pytest.mark.parametrize(
    ("step", "code", "text", "kind", "ours"),
    [
        (Step.END, 250, "2.0.0 Ok queued as 1", Accepted, None),
        (Step.END, 252, "fine", Accepted, None),
        (Step.RCPT, 550, "5.1.1 no such user", Refused, False),
        (Step.RCPT, 550, "no such user", Refused, False),
        (Step.RCPT, 501, "bad address", Refused, False),
        (Step.RCPT, 551, "5.1.6 moved", Refused, False),
        (Step.RCPT, 550, "5.1.8 sender's domain does not exist", Refused, True),
        (Step.MAIL, 553, "5.1.7 bad sender", Refused, True),
        (Step.RCPT, 550, "5.2.1 mailbox disabled", Refused, False),
        (Step.RCPT, 550, "5.4.1 Recipient address rejected", Refused, False),
        (Step.RCPT, 550, "5.7.1 relaying denied", Refused, True),
        (Step.RCPT, 550, "Relaying denied", Refused, True),
        (Step.RCPT, 554, "Service unavailable; client host blocked using dnsbl", Refused, True),
        (Step.RCPT, 535, "who are you", Refused, True),
        (Step.RCPT, 503, "bad sequence", Refused, True),
        (Step.MAIL, 550, "no", Refused, True),
        (Step.MAIL, 552, "5.3.4 too large", Refused, True),
        (Step.DATA, 554, "no", Refused, True),
        (Step.END, 550, "looks like junk", Refused, True),
        (Step.END, 554, "5.7.1 spam", Refused, True),
        (Step.END, 554, "5.6.0 malformed", Refused, True),
        (Step.END, 550, "5.1.1 unknown after all", Refused, False),
        (Step.RCPT, 552, "5.2.2 mailbox full", Deferred, None),
        (Step.RCPT, 450, "4.2.0 greylisted", Deferred, None),
        (Step.MAIL, 421, "shutting down", Deferred, None),
        (Step.END, 421, "shutting down", Deferred, None),
        (Step.END, 451, "4.3.0 later", Deferred, None),
        (Step.CONNECT, 0, "no connection", Deferred, None),
        (Step.DATA, 0, "cut", Deferred, None),
        (Step.RCPT, 354, "what", Deferred, None),
        (Step.END, 0, "cut", Uncertain, None),
        (Step.END, 354, "what", Uncertain, None),
    ],
)
def test_outcomes(step: Step, code: int, text: str, kind: type, ours: bool | None) -> None:
    answer = reply(code, text)
    found = outcome(step, answer)
    assert type(found) is kind
    if isinstance(found, Refused):
        assert found.ours is ours
        assert is_ours(step, answer) is ours


@pytest.mark.parametrize(
    ("code", "text", "kept"),
    [
        (550, "5.1.1 no such user", Reply(code=550, status="5.1.1", text="no such user")),
        (550, "5.1.1", Reply(code=550, status="5.1.1")),
        (550, "5.7.1 first\n5.7.1 second", Reply(code=550, status="5.7.1", text="first second")),
        (250, "5.1.1 liar", Reply(code=250, text="5.1.1 liar")),
        (550, "a\x1b[31mred\x07\r\nb\u2028c\ud800", Reply(code=550, text="a [31mred b c")),
        (-1, "Malformed", Reply(code=0, text="Malformed")),
        (99, "x", Reply(code=0, text="x")),
        (600, "x", Reply(code=0, text="x")),
    ],
)
def test_replies_are_kept_clean(code: int, text: str, kept: Reply) -> None:
    assert reply(code, text) == kept


def test_a_reply_is_kept_to_five_hundred_characters() -> None:
    assert len(reply(550, "x" * 5000).text) == 500
