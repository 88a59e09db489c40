"""The campaign: headers, claim, send, record, retry, pace; SMTP and Maildir.

    make (message.build) ── Envelope ──> Session.send ── Outcome ──> Ledger.exchange

    run, run_in_loop        one run of a campaign, group commit; its loop        campaign.py, books.py, loop.py
    run_crew, speak         several sender processes, each with a range          crew.py
    Policy                  when to try again, give up, pause, stop              policy.py
    Pace                    how fast; gives way to the server                    pace.py
    Progress, Report        what a run says                                      report.py
    Halt                    asks a run to end, from any thread                   halt.py
    Inbox                   what comes back to us: a Maildir, an IMAP folder     inbox.py
    read_returned           what a returned mail says                            bounces.py
    Letterhead, notice      header and both bodies of a copy, of a single mail   message.py, fields.py
    Signer                  DKIM                                                 dkim.py
    Fence                   keeps a copy of an installation from sending         fence.py
    SMTPTransport           a server; what its replies mean                      smtp.py, channel.py, replies.py
    MaildirTransport        a folder, until a server is set                      maildir.py
    Catcher, serve          a server that keeps what arrives, for trying out     catch.py
    Ledger, Transport       what the campaign asks of others                     ledger.py, transport.py

Knows nothing of SQL: it speaks to a `Ledger`, which `digest.store` fits.
"""

from digest.deliver.bounces import LIMIT as BOUNCE_LIMIT
from digest.deliver.bounces import Complaint, Marks, Returned, marks, understood, verdict
from digest.deliver.campaign import run
from digest.deliver.catch import Catcher, serve
from digest.deliver.crew import Child, run_crew, speak, together
from digest.deliver.dkim import Signer, aligned
from digest.deliver.fence import Fence, Standing
from digest.deliver.fields import mailbox
from digest.deliver.halt import Halt, Halted
from digest.deliver.inbox import Ignored, IMAPInbox, Inbox, Leave, MaildirInbox, read_letter, subject_of
from digest.deliver.ledger import Ledger
from digest.deliver.loop import run_in_loop
from digest.deliver.maildir import MaildirTransport
from digest.deliver.message import Letterhead, notice
from digest.deliver.pace import DomainRate
from digest.deliver.policy import Policy, too_many_faults
from digest.deliver.report import Progress, Report
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.deliver.timed import TimedTransport
from digest.deliver.transport import Envelope, Session, Transport

__all__ = [
    "BOUNCE_LIMIT",
    "Catcher",
    "Child",
    "Complaint",
    "DomainRate",
    "Envelope",
    "Fence",
    "Halt",
    "Halted",
    "IMAPInbox",
    "Ignored",
    "Inbox",
    "Leave",
    "Ledger",
    "Letterhead",
    "MaildirInbox",
    "MaildirTransport",
    "Marks",
    "Policy",
    "Progress",
    "Report",
    "Returned",
    "SMTPTransport",
    "Session",
    "Signer",
    "Standing",
    "TimedTransport",
    "Timeouts",
    "Transport",
    "aligned",
    "mailbox",
    "marks",
    "notice",
    "read_letter",
    "run",
    "run_crew",
    "run_in_loop",
    "serve",
    "speak",
    "subject_of",
    "together",
    "too_many_faults",
    "understood",
    "verdict",
]
