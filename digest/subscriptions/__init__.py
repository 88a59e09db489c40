"""The subscriber's life: subscribe or import, confirm, prefer, pause, leave, come back; and why somebody got no mail.

    subscribe -> pending -> confirm ─┐
    add | import_csv ────────────────┴> active <-> paused
                                          └> leave | remove -> ended (kept, so that no import revives it)

    one person: add, leave, remove, why                         person.py
    lists: import_csv, export_csv                               lists.py
    what readers do themselves on the public pages              acts.py
    requests of the public forms, and the mails that follow     reception.py

Who left or is suppressed stays so: `digest.store` refuses to revive them, but by the person's own confirmed act.
"""

from digest.subscriptions.acts import UNDO, can_undo, choose, leave_all, pause, resume, undo
from digest.subscriptions.lists import COLUMNS, LANGUAGES, ImportReport, LineReport, export_csv, import_csv
from digest.subscriptions.person import add, leave, read_address, remove, why
from digest.subscriptions.reception import Reception, Wish

__all__ = [
    "COLUMNS",
    "LANGUAGES",
    "UNDO",
    "ImportReport",
    "LineReport",
    "Reception",
    "Wish",
    "add",
    "can_undo",
    "choose",
    "export_csv",
    "import_csv",
    "leave",
    "leave_all",
    "pause",
    "read_address",
    "remove",
    "resume",
    "undo",
    "why",
]
