"""The subscriber's life: subscribe or import, confirm, prefer, pause, leave, come back; and why somebody got no mail.

    subscribe -> pending -> confirm ─┐
    add | import_csv ────────────────┴> active <-> paused
                                          └> leave | remove -> ended (kept, so that no import revives it)

    one person: add, leave, remove, why                         person.py
    lists: import_csv, export_csv                               lists.py
    what readers do themselves on the public pages              acts.py
    all data of a person, told or erased                        rights.py
    requests of the public forms, and the mails that follow     reception.py
    mail that comes back                                        bounces.py

Who left or is suppressed stays so: `digest.store` refuses to revive them, but by the person's own confirmed act.
"""

from digest.subscriptions.acts import (
    RUNNING,
    UNDO,
    can_undo,
    choose,
    leave_all,
    pause,
    read_by_feed,
    read_less,
    resume,
    undo,
)
from digest.subscriptions.bounces import Came, ReadMail, ReturnedMail
from digest.subscriptions.lists import COLUMNS, LANGUAGES, ImportReport, LineReport, export_csv, import_csv, list_rows
from digest.subscriptions.person import add, leave, read_address, remove, why
from digest.subscriptions.reception import ALARM, Reception, Wish
from digest.subscriptions.rights import erase, told

__all__ = [
    "ALARM",
    "COLUMNS",
    "LANGUAGES",
    "RUNNING",
    "UNDO",
    "Came",
    "ImportReport",
    "LineReport",
    "ReadMail",
    "Reception",
    "ReturnedMail",
    "Wish",
    "add",
    "can_undo",
    "choose",
    "erase",
    "export_csv",
    "import_csv",
    "leave",
    "leave_all",
    "list_rows",
    "pause",
    "read_address",
    "read_by_feed",
    "read_less",
    "remove",
    "resume",
    "told",
    "undo",
    "why",
]
