"""The operator's desk: what a person decides about stories and editions; each with who and when.

    deciding      acts on stories: pin, drop, take in, move, retitle, summarize, merge, split, note, undo
    states        acts on an edition: hold, pause, resume, reopen, cancel, send now
    explaining    where an article ended up, and why
    Editing       the same acts on stories, noted in the audit log, and the edition composed again    editing.py
    Desk          ... and on editions: approve, send now, prove, what happens at the deadline         editions.py
    differences   what differs between two revisions (pure)                                           differing.py
    Checking      what preflight is given                                                             checking.py
    Newsroom      acts on articles, and filing rules                                  newsroom.py, rulebook.py
    SourceDesk    acts on live sources                                                             sourcedesk.py
    ReaderDesk    acts on readers, their lists and suppressions                                    readerdesk.py

Acts on stories are data, kept for ever: an edition composed again comes out the same way. The console, the CLI and the
API call `app.desk`, a `Desk`; the bare functions are for who keeps no audit log.
"""

from digest.desk.checking import NOBODY, Checking
from digest.desk.deciding import (
    CHANGEABLE,
    acts,
    correct,
    drop,
    merge,
    move,
    note,
    pin,
    refile,
    retitle,
    split,
    summarize,
    take_in,
    undo,
    undo_act,
    unpin,
)
from digest.desk.differing import Difference, Segment, differences
from digest.desk.editing import Composed
from digest.desk.editions import Approval, Deadline, Desk
from digest.desk.explaining import Placement, explain
from digest.desk.newsroom import ArticleLook, Consequence, Newsroom
from digest.desk.readerdesk import ReaderDesk, ReaderLook
from digest.desk.rulebook import Moved, RuleTrial
from digest.desk.sourcedesk import SourceDesk, SourceLook
from digest.desk.states import approve, cancel, hold, pause, reopen, resume, send_now

__all__ = [
    "CHANGEABLE",
    "NOBODY",
    "Approval",
    "ArticleLook",
    "Checking",
    "Composed",
    "Consequence",
    "Deadline",
    "Desk",
    "Difference",
    "Moved",
    "Newsroom",
    "Placement",
    "ReaderDesk",
    "ReaderLook",
    "RuleTrial",
    "Segment",
    "SourceDesk",
    "SourceLook",
    "acts",
    "approve",
    "cancel",
    "correct",
    "differences",
    "drop",
    "explain",
    "hold",
    "merge",
    "move",
    "note",
    "pause",
    "pin",
    "refile",
    "reopen",
    "resume",
    "retitle",
    "send_now",
    "split",
    "summarize",
    "take_in",
    "undo",
    "undo_act",
    "unpin",
]
