"""A sender as its own process, to be killed: `python -m tests.deliver.sender LEDGER PORT UNCERTAIN SESSIONS [PAD]`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.deliver.campaign import run
from digest.deliver.policy import Policy
from digest.deliver.report import Report
from digest.deliver.smtp import SMTPTransport
from digest.deliver.transport import Envelope
from digest.model import Claim
from tests.deliver.ledger import TestLedger


def clock() -> datetime:
    return datetime.now(UTC)


async def main(ledger: Path, *, port: int, uncertain: str, sessions: int, pad: int) -> Report:
    body = (b"x" * 74 + b"\r\n") * (pad // 76)

    def make(claim: Claim) -> Envelope:
        head = f"From: news@example.org\r\nTo: {claim.address}\r\nMessage-ID: {claim.message_id}\r\n\r\n"
        return Envelope(sender="bounce@example.org", recipient=claim.address, content=head.encode() + body)

    short = (timedelta(seconds=0.02),)
    policy = Policy(delays=short, uncertain="hold" if uncertain == "hold" else "resend")
    transport = SMTPTransport("127.0.0.1", port, sessions=sessions)
    return await run(TestLedger(ledger), transport, make, clock=clock, policy=policy)


if __name__ == "__main__":
    _, book, port, uncertain, sessions, pad = sys.argv
    sending = main(Path(book), port=int(port), uncertain=uncertain, sessions=int(sessions), pad=int(pad))
    report = asyncio.run(sending)
    print(report)
    sys.exit(0 if report.complete else 1)
