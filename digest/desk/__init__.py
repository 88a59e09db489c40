"""The operator's desk: what a person decides about stories and editions; each with who and when.

    deciding      acts on stories: pin, drop, move, retitle, note, refile, correct, undo    deciding.py
    states        acts on an edition: approve, hold, pause, resume, cancel                  states.py
    explaining    where an article ended up, and why                                        explaining.py

Acts on stories are data, kept for ever: an edition composed again comes out the same way. The console, the CLI and the
API call these same functions.
"""

from digest.desk.deciding import correct, drop, move, note, pin, refile, retitle, undo
from digest.desk.explaining import Placement, explain
from digest.desk.states import approve, cancel, hold, pause, resume

__all__ = [
    "Placement",
    "approve",
    "cancel",
    "correct",
    "drop",
    "explain",
    "hold",
    "move",
    "note",
    "pause",
    "pin",
    "refile",
    "resume",
    "retitle",
    "undo",
]
