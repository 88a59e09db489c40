"""The campaign: headers, claim, send, record, retry, pace; SMTP and Maildir.

    make (message.build) ── Envelope ──> Session.send ── Outcome ──> Ledger.exchange

    run                     one run of a campaign                                campaign.py
    Policy                  when to try again, give up, pause, stop              policy.py
    build                   headers and both bodies of one copy                  message.py
    SMTPTransport           a server; what its replies mean                      smtp.py, replies.py
    MaildirTransport        a folder, until a server is set                      maildir.py
    Catcher, serve          a server that keeps what arrives, for trying out     catch.py
    Ledger, Transport       what the campaign asks of others                     ledger.py, transport.py

Knows nothing of SQL: it speaks to a `Ledger`, which `digest.store` fits.
"""

from digest.deliver.campaign import Progress, Report, run
from digest.deliver.catch import Catcher, serve
from digest.deliver.ledger import Ledger
from digest.deliver.maildir import MaildirTransport
from digest.deliver.message import build, mailbox
from digest.deliver.policy import Policy
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.deliver.transport import Envelope, Session, Transport

__all__ = [
    "Catcher",
    "Envelope",
    "Ledger",
    "MaildirTransport",
    "Policy",
    "Progress",
    "Report",
    "SMTPTransport",
    "Session",
    "Timeouts",
    "Transport",
    "build",
    "mailbox",
    "run",
    "serve",
]
