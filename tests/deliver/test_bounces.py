"""What returned mails say: a table of what servers write, and what each means for a reader."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver import Complaint, Ignored, Marks, Returned, marks, understood, verdict
from digest.deliver.bounces import LIMIT, cause, examine, read_returned
from digest.jail import Jail
from digest.model import Bounce, BounceCause, Reply
from tests.deliver.returned import AWAY, COMPLAINT, report

HARD, SOFT, FULL, OURS = BounceCause


@pytest.mark.parametrize(
    ("status", "said", "meant"),
    [
        ("5.1.1", "550 5.1.1 <a@b>: Recipient address rejected: User unknown in virtual mailbox table", HARD),
        ("5.1.1", "550 5.1.1 <a@b>: User unknown in relay recipient table", HARD),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup", HARD),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", HARD),
        ("5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=gone.example", HARD),
        ("5.4.1", "550 5.4.1 Recipient address rejected: user unknown", HARD),
        ("5.0.0", "550 unknown user", HARD),
        ("", "553 sorry, that domain isn't in my list", HARD),
        ("5.3.0", "553 5.3.0 <a@b>... No such user here", HARD),
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account", HARD),
        ("4.4.7", "delivery time expired", SOFT),
        ("5.4.7", "Delivery expired (message too old)", SOFT),
        ("4.4.1", "connect to mx.example.net[192.0.2.1]:25: Connection timed out", SOFT),
        ("", "451 try again later", SOFT),
        ("5.0.0", "554 transaction failed", SOFT),
        ("5.0.0", "", SOFT),
        ("5.2.2", "552 5.2.2 mailbox full", FULL),
        ("4.2.2", "452 4.2.2 The email account that you tried to reach is over quota", FULL),
        ("5.0.0", "552 Requested mail action aborted: exceeded storage allocation", FULL),
        ("5.7.1", "550 5.7.1 Message rejected due to content restrictions", OURS),
        ("5.0.0", "smtp; 550-5.7.1 Our system has detected that this message is likely unsolicited mail", OURS),
        ("5.7.26", "550 5.7.26 This mail is unauthenticated", OURS),
        ("5.3.4", "552 5.3.4 Message too big for system", OURS),
        ("5.6.1", "554 5.6.1 body type not supported", OURS),
        ("5.5.0", "500 5.5.0 bad command", OURS),
        ("5.1.8", "553 5.1.8 Domain of sender address does not exist", OURS),
        ("5.1.7", "553 5.1.7 bad sender", OURS),
        ("5.1.1", "550 5.1.1 blocked using zen.dnsbl.example", OURS),
        ("4.7.0", "421 4.7.0 too many messages from your IP", OURS),
        ("5.0.0", "554 Service unavailable; Client host [192.0.2.9] blocked", OURS),
    ],
)
def test_why_a_copy_came_back(status: str, said: str, meant: BounceCause) -> None:
    found = read_returned(report(status=status, diagnostic=f"smtp; {said}"))
    assert isinstance(found, Returned)
    (bounce,) = found.bounces
    assert (bounce.cause, bounce.recipient) == (meant, "reader0@example.org")


def test_what_the_server_said_is_kept_once_and_clean() -> None:
    found = read_returned(report(diagnostic="smtp; 550 5.1.1 no such\n user\x07 <x> (in reply to RCPT)"))
    assert isinstance(found, Returned)
    assert str(found.bounces[0].reply) == "550 5.1.1 no such user <x> (in reply to RCPT)"


def test_what_is_only_late_or_arrived_is_no_bounce() -> None:
    late = read_returned(report(action="delayed", status="4.4.1"))
    arrived = read_returned(report(action="relayed", status="2.1.5"))
    assert late == Returned(delayed=("reader0@example.org",))
    assert arrived == Returned(reached=("reader0@example.org",))
    assert isinstance(verdict(late, "reader0@example.org"), Ignored)
    assert isinstance(verdict(arrived, "reader0@example.org"), Ignored)


def one(recipient: str, why: BounceCause) -> Bounce:
    return Bounce(cause=why, reply=Reply(code=550), recipient=recipient)


def test_whose_failure_counts_when_a_report_names_several() -> None:
    several = Returned(bounces=(one("x@gone.example", HARD), one("Reader@Example.org", FULL)))
    assert verdict(several, "reader@example.org") == several.bounces[1], "their own, whatever else is said"
    forwarded = Returned(bounces=(one("x@gone.example", HARD), one("y@full.example", FULL)))
    assert verdict(forwarded, "alias@example.org") == forwarded.bounces[1], "the mildest: one of them may be read"
    assert verdict(Returned(bounces=(one("x@gone.example", HARD),), reached=("y@b",)), "alias@example.org") == Ignored(
        "another mailbox of this reader got the copy"
    )


@pytest.mark.parametrize("coding", ["base64", "7bit"])
def test_reports_of_internationalized_mail_and_encoded_ones(coding: str) -> None:
    fields = "Reporting-MTA: dns; mx\n\nFinal-Recipient: utf-8; zoë@example.org\nAction: failed\nStatus: 5.1.1\n"
    body = base64.encodebytes(fields.encode()).decode() if coding == "base64" else fields
    kind = "message/delivery-status" if coding == "base64" else "message/global-delivery-status"
    letter = (
        "From: MAILER-DAEMON@mx\nContent-Type: multipart/report; boundary=cut\n\n--cut\n"
        f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {coding}\n\n{body}\n--cut--\n"
    )
    found = read_returned(letter.encode())
    assert isinstance(found, Returned)
    assert found.bounces[0].cause is HARD


def test_a_report_without_an_address_or_an_action() -> None:
    nobody = read_returned(report(recipient="unknown"))
    assert isinstance(nobody, Returned)
    assert nobody.bounces[0].recipient == ""
    assert isinstance(read_returned(report(action="")), Ignored)


def test_answers_and_receipts_are_not_bounces() -> None:
    assert read_returned(AWAY.format(to="bounce@example.com").encode()) == Ignored("an automatic answer")
    plain = "From: a@example.org\n{}\n\nI am away; user unknown\n"
    for head in (
        "Subject: =?utf-8?q?R=C3=A9ponse_automatique?=",
        "Subject: 自动回复: Weekly",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
    ):
        assert read_returned(plain.format(head).encode()) == Ignored("an automatic answer")
    receipt = report().replace(b"message/delivery-status", b"message/disposition-notification")
    assert isinstance(
        read_returned(receipt.replace(b"MAILER-DAEMON@mx.example.net (Mail Delivery System)", b"a@b")), Ignored
    )


def test_bounces_that_follow_no_standard() -> None:
    qmail = (
        "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at mx.example.net.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<reader0@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\nReturn-Path: <x@example.com>\n"
    )
    found = read_returned(qmail.encode())
    assert isinstance(found, Returned)
    assert (found.bounces[0].recipient, found.bounces[0].cause) == ("reader0@example.org", HARD)
    assert found.bounces[0].reply.status == "5.1.1"
    page = "From: MAILER-DAEMON@x\nContent-Type: text/html; charset=no-such\n\n<p>hello</p>\n"
    assert read_returned(page.encode()) == Ignored("it is no bounce that we know")
    warning = (
        "From: MAILER-DAEMON@x\nSubject: Warning\n\nThis message was created automatically by mail delivery software.\n"
        "A message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours"
        "\non the queue on mx.example.\n\nThe address to which the message has not yet been delivered is:\n\n"
        "  userx@example.com\n\nNo action is required on your part.\n"
    )
    assert read_returned(warning.encode()) == Returned(delayed=("userx@example.com",))


@pytest.mark.parametrize(
    ("feedback", "meant"),
    [
        ("abuse", Complaint(feedback="abuse", reporter="ProviderFBL/1.0")),
        ("opt-out", Complaint(feedback="opt-out", reporter="ProviderFBL/1.0")),
        ("not-spam", Ignored("a feedback report that complains of nothing (not-spam)")),
        ("auth-failure", Ignored("a feedback report that complains of nothing (auth-failure)")),
        ("", Ignored("a feedback report that says nothing")),
    ],
)
def test_complaints(feedback: str, meant: object) -> None:
    letter = COMPLAINT.format(feedback=feedback, path="x@example.com", header="X: y")
    assert read_returned(letter.encode()) == meant


def test_marks_are_found_wherever_a_server_puts_them() -> None:
    path, base = "bounce+{token}@example.com", "https://weekly.example.com/"
    token, link = "ab12cd-17-abcdefghij234567", "ab12cd.7.abcdefghij0123456789"
    letter = (
        f"Delivered-To: BOUNCE+{token.upper()}@EXAMPLE.com\n\n> Message-ID: <m@example.com>\n"
        f">List-Unsubscribe: <https://weekly.example.com/unsubscribe/{link}>\nReturn-Path: bounce+{token}@example.com\n"
    ).encode()
    assert marks(letter, path, base) == Marks(
        return_paths=(token.upper(), token), links=(link,), message_ids=("<m@example.com>",)
    )
    assert marks(letter, "bounce@example.com", base).return_paths == ()
    many = b"".join(b"Message-ID: <%d@x>\n" % number for number in range(50))
    assert len(marks(many, path, base).message_ids) == 8


def test_what_comes_out_of_the_jail_is_what_went_in() -> None:
    with Jail() as jail:
        for letter in (
            report(),
            COMPLAINT.format(feedback="abuse", path="x", header="X: y").encode(),
            b"Subject: hello\n\nhello",
            b"",
        ):
            assert understood(jail.run("digest.deliver.bounces:examine", letter)) == read_returned(letter)
    for strange in (None, [], ["Returned"], ["Bomb", {}], ["Returned", {"bounces": 7}], ["Complaint", {}]):
        with pytest.raises(ValueError):
            understood(strange)


@given(st.binary(max_size=400))
def test_nothing_that_anybody_writes_raises(content: bytes) -> None:
    read_returned(content)
    read_returned(report().replace(b"Reporting-MTA", content))
    examine(b"Content-Type: multipart/report\n" + content)


def test_bombs_end() -> None:
    with Jail() as jail:
        for letter in (
            b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(700)),
            b"From: MAILER-DAEMON@x\n\n" + b"\n<" * 8_000,
            b"From: MAILER-DAEMON@x\n\n" + b"<a@b> " * 5_000,
            report(diagnostic="smtp; " + "550-" * 10_000),
            report(diagnostic="smtp; " + "user " * 10_000),
        ):
            understood(jail.run("digest.deliver.bounces:examine", letter[:LIMIT]))


def test_a_mere_warning_is_soft() -> None:
    assert cause(Reply(code=550, status="5.1.1"), permanent=False) is SOFT
