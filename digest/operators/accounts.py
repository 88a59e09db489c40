"""One's own account: password, second factor, sessions, tokens. What opens doors asks for the password once more."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from digest.errors import InputError, StateError
from digest.model import SCOPES, Actor, Operator, OperatorState, Permission, Token
from digest.operators.entrance import TOKEN
from digest.operators.factor import Enrolment, Factor, recovery_hash
from digest.operators.passwords import Passwords
from digest.operators.people import link_hash
from digest.store import Store

_NAME: Final = 80
LONGEST: Final = 3650  # days that a token may live


class Account:
    """What operators do to their own account.

    Args:
        store: the store.
        passwords: how they are kept.
        factor: the second factor.
        clock: the time.
        draw: gives the secret of a token.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        factor: Factor,
        clock: Callable[[], datetime],
        draw: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._store = store
        self._people = store.operators
        self._passwords = passwords
        self._factor = factor
        self._clock = clock
        self._draw = draw

    def change_password(self, one: Operator, new: str, *, by: Actor) -> None:
        """Another password. The caller begins the session anew and ends the others.

        Raises:
            InputError: it will not do.
        """
        if problem := self._passwords.problem(new, one.address, one.name):
            raise InputError(problem)
        kept = self._passwords.hash(new)
        with self._store.transaction():
            self._people.change(one.id, password=kept)
            self._store.audit.add(by, "operator.password", one.address, {"how": "account"}, at=self._clock())

    def enrol(self, one: Operator, sealed: str = "") -> Enrolment:
        """A key for an app, not in force yet; the one that a form carries, once more.

        Raises:
            ConfigError: what the form carries is not ours.
        """
        return self._factor.enrol(one.address, sealed)

    def start_factor(self, one: Operator, sealed: str, code: str, *, by: Actor) -> tuple[str, ...]:
        """Ask for a code at every sign-in from now on; recovery codes, shown once.

        Raises:
            ConfigError: the key is not ours.
            InputError: the code is not of that key.
        """
        now = self._clock()
        step = self._factor.step(sealed, code, now)
        if not step:
            raise InputError("This is not the code that the app shows now.")
        with self._store.transaction():
            self._people.change(one.id, factor=sealed, factor_step=step)
            self._store.audit.add(by, "operator.factor", one.address, {"on": True}, at=now)
            return self._recovery(one)

    def new_recovery(self, one: Operator, *, by: Actor) -> tuple[str, ...]:
        """New recovery codes in place of all older ones.

        Raises:
            StateError: there is no second factor.
        """
        if not one.second_factor:
            raise StateError("the second factor", "off", "make recovery codes")
        with self._store.transaction():
            self._store.audit.add(by, "operator.recovery", one.address, at=self._clock())
            return self._recovery(one)

    def stop_factor(self, one: Operator, *, by: Actor) -> None:
        """Ask for no code any more."""
        with self._store.transaction():
            self._people.change(one.id, factor="", factor_step=0, recovery="")
            self._store.audit.add(by, "operator.factor", one.address, {"on": False}, at=self._clock())

    def codes_left(self, one: Operator) -> int:
        """How many recovery codes were not used yet."""
        return len(self._people.secrets(one.id).recovery)

    def end_session(self, one: Operator, *, by: Actor, only: int | None = None, but: int | None = None) -> int:
        """End sessions of an operator: all, one, or all but one; how many that were."""
        with self._store.transaction():
            ended = self._people.end(one.id, only=only, but=but)
            if ended:
                self._store.audit.add(by, "session.end", one.address, {"sessions": ended}, at=self._clock())
            return ended

    def add_token(
        self, one: Operator, name: str, scopes: Collection[Permission], *, days: int | None, by: Actor
    ) -> tuple[Token, str]:
        """A token for a program, and its text, which is shown once.

        Args:
            one: whom it acts for.
            name: what it is for.
            scopes: what it is limited to.
            days: for which it works; None: until it is ended.
            by: who makes it.

        Raises:
            InputError: it has no name or no scope, or one that the role does not hold.
            StateError: the operator is disabled.
        """
        if one.state is OperatorState.DISABLED:
            raise StateError(f"operator {one.address}", one.state, "make a token for them", "enable them first")
        if not name.strip():
            raise InputError("a token without a name", remedy="say which program will use it")
        wanted = frozenset(scopes)
        if not wanted or not wanted <= SCOPES & one.role.permissions:
            raise InputError("no such scope for this role", remedy="tick what the program needs to do")
        if days is not None and not 1 <= days <= LONGEST:
            raise InputError(f"{days} days", remedy=f"from 1 to {LONGEST}")
        now = self._clock()
        text = TOKEN + self._draw()
        with self._store.transaction():
            expires = None if days is None else now + timedelta(days=days)
            token = self._people.add_token(
                link_hash(text), one.id, name.strip()[:_NAME], wanted, expires=expires, at=now
            )
            details = {"operator": one.address, "name": token.name, "scopes": sorted(wanted), "days": days}
            self._store.audit.add(by, "token.add", f"token {token.id}", details, at=now)
        return token, text

    def end_token(self, one: Operator, number: int, *, by: Actor) -> None:
        """End a token of an operator.

        Raises:
            StateError: it is not theirs, or has ended.
        """
        now = self._clock()
        with self._store.transaction():
            if not self._people.end_tokens(one.id, now, only=number):
                raise StateError(f"token {number}", "ended", "end it again")
            self._store.audit.add(by, "token.end", f"token {number}", {"operator": one.address}, at=now)

    def _recovery(self, one: Operator) -> tuple[str, ...]:
        codes = self._factor.recovery()
        self._people.set_recovery(one.id, {recovery_hash(code) for code in codes})
        return codes
