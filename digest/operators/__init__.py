"""Who works the desk: people, their passwords and second factors, how they come in, and what their programs use.

    people      added, invited, given a role, disabled; the first one by the command line    people.py
    accounts    one's own password, second factor, sessions and tokens                       accounts.py
    the door    signing in, sessions, tokens: who is it?                                     entrance.py
    secrets     argon2id; TOTP, recovery codes and their QR code                             passwords.py, factor.py

Every act is noted in the audit log, in its own transaction. The only home of argon2, pyotp and segno.
"""

from digest.operators.accounts import Account
from digest.operators.entrance import Admitted, Entrance, Refusal
from digest.operators.factor import Enrolment, Factor
from digest.operators.passwords import Passwords
from digest.operators.people import LINK_LIFE, Staff

__all__ = [
    "LINK_LIFE",
    "Account",
    "Admitted",
    "Enrolment",
    "Entrance",
    "Factor",
    "Passwords",
    "Refusal",
    "Staff",
]
