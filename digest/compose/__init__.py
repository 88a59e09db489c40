"""Stories + a digest's rule + what earlier editions used -> an edition; an edition + preferences -> a copy's edition.

    compose      stories, rule, decisions -> Edition or Skipped: sections, references, top stories       edition.py
    Decisions    what an operator decided; with Score, what the editor places each story by               editor.py
    Chooser      preferences -> Picked or Skipped; select, narrowed: the same as an edition              choosing.py
    told_again   which stories of one edition another one told                                           choosing.py

    sections.py has what a rule's sections are called and take; order.py the names and the order of stories.

Pure: no clock, no store, no templates. The rules are those of docs/editions.md. What comes out does not depend on the
order of what goes in.
"""

from digest.compose.choosing import Chooser, narrowed, select, told_again
from digest.compose.edition import compose
from digest.compose.editor import NO_DECISIONS, Decisions, Score

__all__ = ["NO_DECISIONS", "Chooser", "Decisions", "Score", "compose", "narrowed", "select", "told_again"]
