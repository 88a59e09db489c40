"""The people of the desk: added, invited, given a role, disabled. At least one admin can always sign in."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from digest.errors import InputError, NotFound, StateError
from digest.model import Actor, Operator, OperatorRole, OperatorState
from digest.operators.passwords import Passwords
from digest.store import Store, address_key
from digest.subscriptions import read_address

LINK_LIFE: Final = timedelta(hours=24)  # for which a one-time link works
_NAME: Final = 80


class Staff:
    """Operators as others manage them.

    Args:
        store: the store.
        passwords: how they are kept.
        clock: the time.
        draw: gives a new secret for a link.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        clock: Callable[[], datetime],
        draw: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._draw = draw

    def list(self) -> tuple[Operator, ...]:
        """Everyone."""
        return self._store.operators.list()

    def get(self, number: int) -> Operator:
        """One by number.

        Raises:
            NotFound: there is none.
        """
        return self._store.operators.get(number)

    def find(self, address: str) -> Operator:
        """One by address.

        Raises:
            NotFound: there is none.
        """
        found = self._store.operators.find(address_key(address.strip()))
        if found is None:
            raise NotFound("operator", address, "`digest operators list` shows them")
        return found

    def add(self, address: str, role: OperatorRole, *, by: Actor, name: str = "") -> tuple[Operator, str]:
        """Add an operator; with the secret of the one-time link by which they choose a password.

        Raises:
            AddressError: that is no address.
            StateError: the address has an operator.
        """
        now = self._clock()
        key = address_key(read_address(address))
        with self._store.transaction():
            one = self._store.operators.add(key, name.strip()[:_NAME], role, now)
            self._store.audit.add(by, "operator.add", key, {"role": role.value}, at=now)
            return one, self._link(one, now)

    def set_role(self, number: int, role: OperatorRole, *, by: Actor) -> Operator:
        """Give an operator another role; their sessions end, so that none goes on with what it had.

        Raises:
            NotFound: there is no such operator.
            StateError: they are the last admin, or it is oneself.
        """
        now = self._clock()
        with self._store.transaction():
            one = self.get(number)
            if one.role is role:
                return one
            self._check(one, by, "get another role")
            self._store.operators.change(number, role=role.value)
            self._store.operators.end(number)
            before = {"before": one.role.value, "after": role.value}
            self._store.audit.add(by, "operator.role", one.address, before, at=now)
            return self.get(number)

    def disable(self, number: int, *, by: Actor) -> None:
        """Let an operator sign in no more; sessions, links and tokens end at once.

        Raises:
            NotFound: there is no such operator.
            StateError: they are the last admin, or it is oneself.
        """
        now = self._clock()
        with self._store.transaction():
            one = self.get(number)
            self._check(one, by, "be disabled")
            self._store.operators.change(number, state=OperatorState.DISABLED.value)
            self._store.operators.set_link(number, "", None)
            self._store.operators.end(number)
            self._store.operators.end_tokens(number, now)
            self._store.audit.add(by, "operator.disable", one.address, at=now)

    def enable(self, number: int, *, by: Actor) -> str:
        """Let a disabled operator in again, by a new one-time link; its secret.

        Raises:
            NotFound: there is no such operator.
            StateError: they are not disabled.
        """
        now = self._clock()
        with self._store.transaction():
            one = self.get(number)
            if one.state is not OperatorState.DISABLED:
                raise StateError(f"operator {one.address}", one.state, "enable them")
            self._store.operators.change(number, state=OperatorState.INVITED.value, password="")
            self._store.audit.add(by, "operator.enable", one.address, at=now)
            return self._link(one, now)

    def reset(self, number: int, *, by: Actor, factor: bool = False) -> str:
        """A new one-time link for who forgot the password (or has not followed the first one); sessions end.

        Args:
            number: of the operator.
            by: who does it.
            factor: take the second factor away too, for who lost the app and the recovery codes.

        Raises:
            NotFound: there is no such operator.
            StateError: they are disabled.
        """
        now = self._clock()
        with self._store.transaction():
            one = self.get(number)
            if one.state is OperatorState.DISABLED:
                raise StateError(f"operator {one.address}", one.state, "reset them", "enable them first")
            self._store.operators.end(number)
            if factor:
                self._store.operators.change(number, factor="", factor_step=0, recovery="")
            self._store.audit.add(by, "operator.reset", one.address, {"second factor": factor}, at=now)
            return self._link(one, now)

    # ---- the one-time link

    def invited(self, secret: str) -> Operator | None:
        """Whom a one-time link is for; None for one that is used, too old or not ours."""
        return self._store.operators.by_link(link_hash(secret), self._clock())

    def choose_password(self, secret: str, password: str, *, origin: Actor) -> Operator:
        """Use a one-time link up: its operator has this password from now on, and may sign in.

        Args:
            secret: of the link.
            password: the new one.
            origin: whence it comes; its name is set here.

        Raises:
            InputError: the password will not do.
            NotFound: the link is used, too old, or not ours.
        """
        now = self._clock()
        one = self.invited(secret)
        if one is None:
            raise NotFound("link", "", "ask an admin for a new one")
        if problem := self._passwords.problem(password, one.address, one.name):
            raise InputError(problem)
        kept = self._passwords.hash(password)
        with self._store.transaction():
            again = self.invited(secret)  # a second use may have come between
            if again is None:
                raise NotFound("link", "", "ask an admin for a new one")
            self._store.operators.change(one.id, password=kept, state=OperatorState.ACTIVE.value)
            self._store.operators.set_link(one.id, "", None)
            self._store.operators.end(one.id)
            actor = Actor(name=one.address, via=origin.via, origin=origin.origin, operator=one.id)
            self._store.audit.add(actor, "operator.password", one.address, {"how": "one-time link"}, at=now)
        return one

    def set_password(self, number: int, password: str, *, by: Actor) -> None:
        """Set a password from a terminal, where whoever does it may do anything to the store anyway.

        Raises:
            InputError: the password will not do.
            NotFound: there is no such operator.
        """
        one = self.get(number)
        if problem := self._passwords.problem(password, one.address, one.name):
            raise InputError(problem)
        kept = self._passwords.hash(password)
        with self._store.transaction():
            self._store.operators.change(number, password=kept, state=OperatorState.ACTIVE.value)
            self._store.operators.set_link(number, "", None)
            self._store.operators.end(number)
            self._store.audit.add(by, "operator.password", one.address, {"how": "terminal"}, at=self._clock())

    def _link(self, one: Operator, now: datetime) -> str:
        secret = self._draw()
        self._store.operators.set_link(one.id, link_hash(secret), now + LINK_LIFE)
        return secret

    def _check(self, one: Operator, by: Actor, act: str) -> None:
        """That somebody else can still manage the desk."""
        if by.operator == one.id:
            raise StateError(f"operator {one.address}", "yourself", act, "let another admin do it")
        is_admin = one.role is OperatorRole.ADMIN and one.state is OperatorState.ACTIVE
        if is_admin and self._store.operators.admins() == 1:
            raise StateError(f"operator {one.address}", "the last admin", act, "make another admin first")


def link_hash(secret: str) -> str:
    """What is kept of the secret of a link, a session or a token: they are random, so a plain hash will do."""
    return hashlib.sha256(b"digest operators\x00" + secret.encode()).hexdigest()
