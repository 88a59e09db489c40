"""The door of the desk: who signs in, whose session or token is this? Refusals are values, and tell little.

A session is a secret in a cookie and its hash in the store. It is begun anew when somebody signs in, passes the second
factor or changes their password; it ends when it was not used for a while, and in any case after a day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.model import Actor, Operator, OperatorState, Permission, Session, Token, Via
from digest.operators.factor import Factor, recovery_hash
from digest.operators.passwords import Passwords
from digest.operators.people import link_hash
from digest.settings import ConsoleSettings
from digest.store import Store, address_key

TOKEN: Final = "dg_"  # noqa: S105 - how the text of a token begins, so that scanners of code find one that leaked
WINDOW: Final = timedelta(minutes=15)  # in which attempts are counted
_HALF_IN: Final = timedelta(minutes=10)  # to give the code of the second factor
_SEEN_EVERY: Final = timedelta(minutes=1)  # how often the use of a session or token is written down
_LONGEST: Final = 320


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Somebody came in; `secret` goes into the cookie. Unless `session.passed`, a code is still asked for."""

    secret: str
    session: Session
    operator: Operator


@dataclass(frozen=True)
class Refusal:
    """Why somebody did not: "wrong" (address, password, code or state: it is not said which), "often" or "over"."""

    reason: str


class Entrance:
    """The door.

    Args:
        store: the store.
        passwords: how they are kept.
        factor: the second factor.
        settings: how long sessions last, and how often one may try.
        clock: the time.
        draw: gives the secret of a session.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        factor: Factor,
        settings: ConsoleSettings,
        *,
        clock: Callable[[], datetime],
        draw: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._store = store
        self._people = store.operators
        self._passwords = passwords
        self._factor = factor
        self._settings = settings
        self._clock = clock
        self._draw = draw

    # ---- coming in

    def sign_in(self, address: str, password: str, *, network: str, agent: str) -> Admitted | Refusal:
        """Let somebody in by address and password; half in only, where they have a second factor."""
        now = self._clock()
        key = address_key(address.strip()[:_LONGEST])
        if not self._may_try(key, network, now):
            return Refusal("often")
        one = self._people.find(key)
        active = one is not None and one.state is OperatorState.ACTIVE
        kept = self._people.secrets(one.id).password if one is not None and active else ""
        right = self._passwords.verify(kept, password)
        origin = Actor(name="somebody", via=Via.CONSOLE, origin=network)
        if one is None or not right:
            # What was typed is not kept: it may be a password in the wrong field.
            known = "" if one is None else one.address
            self._store.audit.add(origin, "operator.refused", known, {"why": "password"}, at=now)
            return Refusal("wrong")
        if self._passwords.is_old(kept):
            self._people.change(one.id, password=self._passwords.hash(password))
        with self._store.transaction():
            if not one.second_factor:
                self._came_in(one, key, network, now, "password")
            return self._begin(one, passed=not one.second_factor, network=network, agent=agent, now=now)

    def prove(self, secret: str, code: str, *, network: str, agent: str) -> Admitted | Refusal:
        """Let somebody who is half in come in by a code of their app, or a recovery code; the session is begun anew."""
        now = self._clock()
        found = self._session(secret, now)
        if found is None or found[0].passed:
            return Refusal("over")
        session, one = found
        if not self._may_try(f"factor {one.address}", network, now):
            return Refusal("often")
        kept = self._people.secrets(one.id)
        with self._store.transaction():
            step = self._factor.step(kept.factor, code, now, after=kept.step)
            if step and self._people.use_step(one.id, step):
                how = "app"
            elif self._people.use_recovery(one.id, recovery_hash(code)):
                how = "recovery code"
            else:
                origin = Actor(name="somebody", via=Via.CONSOLE, origin=network)
                self._store.audit.add(origin, "operator.refused", one.address, {"why": "second factor"}, at=now)
                return Refusal("wrong")
            self._people.end(one.id, only=session.id)
            self._give_back(f"factor {one.address}", network)
            self._came_in(one, one.address, network, now, how)
            return self._begin(one, passed=True, network=network, agent=agent, now=now)

    def again(self, one: Operator, password: str, *, network: str) -> bool:
        """Whether it is still the same person who sits there: asked before what opens doors, and limited."""
        if not self._may_try(f"again {one.address}", network, self._clock()):
            return False
        right = self._passwords.verify(self._people.secrets(one.id).password, password)
        if right:
            self._give_back(f"again {one.address}", network)
        return right

    def rotate(self, session: Session, *, others: bool = False) -> Admitted:
        """The same session under a new secret; with `others`, every other one of the operator ends."""
        now = self._clock()
        with self._store.transaction():
            one = self._people.get(session.operator)
            self._people.end(one.id, only=None if others else session.id)
            return self._begin(one, passed=True, network=session.network, agent=session.agent, now=now)

    def leave(self, session: Session, *, by: Actor) -> None:
        """End a session."""
        with self._store.transaction():
            self._people.end(session.operator, only=session.id)
            self._store.audit.add(by, "operator.out", by.name, at=self._clock())

    # ---- who is it?

    def session(self, secret: str) -> tuple[Session, Operator] | None:
        """The session of a cookie with its operator; None for one that has ended. It stays alive by being asked for."""
        now = self._clock()
        found = self._session(secret, now)
        if found is not None and now - found[0].seen >= _SEEN_EVERY:
            self._people.touch(found[0].id, now)
        return found

    def token(self, text: str) -> tuple[Token, Operator] | None:
        """The token of a program with its operator; None for one that is ended, too old or not ours."""
        if not text.startswith(TOKEN):
            return None
        now = self._clock()
        found = self._people.token(link_hash(text[:_LONGEST]), now)
        if found is not None and (found[0].used is None or now - found[0].used >= _SEEN_EVERY):
            self._people.use_token(found[0].id, now)
        return found

    @staticmethod
    def allowed(operator: Operator, token: Token | None = None) -> frozenset[Permission]:
        """What somebody may do: what their role may; by a token, what it is limited to besides."""
        return operator.role.permissions if token is None else operator.role.permissions & token.scopes

    def tidy(self) -> int:
        """Delete sessions that ended by themselves; how many."""
        now = self._clock()
        return self._people.tidy(begun=now - self._longest, seen=now - self._idle)

    # ---- inside

    @property
    def _longest(self) -> timedelta:
        return timedelta(hours=self._settings.session_hours)

    @property
    def _idle(self) -> timedelta:
        return timedelta(minutes=self._settings.idle_minutes)

    def _session(self, secret: str, now: datetime) -> tuple[Session, Operator] | None:
        if not secret or len(secret) > _LONGEST:
            return None
        found = self._people.session(link_hash(secret), begun=now - self._longest, seen=now - self._idle)
        if found is not None and not found[0].passed and found[0].created <= now - _HALF_IN:
            return None
        return found

    def _may_try(self, key: str, network: str, now: datetime) -> bool:
        """Count an attempt: so many for one address from one network, more for one of them alone.

        So a stranger who guesses does not lock the operator out, who sits elsewhere, before many networks take part.
        """
        most = self._settings.attempts
        limits = {f"{key} {network}": most, f"at {key}": most * 10, f"from {network}": most * 4}
        return self._people.attempt(limits, now, WINDOW)

    def _give_back(self, key: str, network: str) -> None:
        """Who was right has used no attempt up: an office behind one network does not lock itself out."""
        self._people.forget(f"{key} {network}")
        self._people.give_back((f"at {key}", f"from {network}"))

    def _came_in(self, one: Operator, key: str, network: str, now: datetime, how: str) -> None:
        self._give_back(key, network)
        self._people.change(one.id, seen=now)
        actor = Actor(name=one.address, via=Via.CONSOLE, origin=network, operator=one.id)
        self._store.audit.add(actor, "operator.in", one.address, {"by": how}, at=now)

    def _begin(self, one: Operator, *, passed: bool, network: str, agent: str, now: datetime) -> Admitted:
        secret = self._draw()
        session = self._people.begin(
            link_hash(secret), one.id, passed=passed, network=network, agent=agent[:200], at=now
        )
        return Admitted(secret=secret, session=session, operator=one)
