"""Returned mail as servers write it, for tests: reports, complaints, answers."""

from __future__ import annotations

REPORT = """\
Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--cut
Content-Type: text/rfc822-headers

{header}

--cut--
"""

COMPLAINT = """\
From: <fbl@provider.example>
To: <complaints@example.com>
Subject: FW: Your report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="cut"

--cut
Content-Type: text/plain

This is an email abuse report.

--cut
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: ProviderFBL/1.0
Version: 1
Original-Mail-From: <{path}>

--cut
Content-Type: message/rfc822

Subject: Weekly
{header}

--cut--
"""

AWAY = """\
From: Reader Zero <reader0@example.org>
To: {to}
Subject: Out of office: back on Monday
Auto-Submitted: auto-replied
In-Reply-To: <1@example.com>

I am away. The address colleague@example.org does not exist any more: 550 5.1.1 user unknown.
"""


def report(
    to: str = "bounce@example.com",
    *,
    recipient: str = "reader0@example.org",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <reader0@example.org>: Recipient address rejected: User unknown",
    header: str = "Subject: Weekly",
) -> bytes:
    text = REPORT.format(to=to, recipient=recipient, action=action, status=status, diagnostic=diagnostic, header=header)
    return text.replace("\n", "\r\n").encode()
