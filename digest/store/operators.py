"""Operators, their sessions and tokens, and how often somebody tried to sign in. Secrets come and go as hashes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.errors import NotFound, StateError
from digest.model import Operator, OperatorRole, OperatorState, Permission, Session, Token
from digest.store.database import AnyRow, Database
from digest.store.schema import api_tokens, attempts, operators, overrides, sessions


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What an operator is known by; never leaves the coordinator.

    Attributes:
        password: argon2id's own notation; "" before one was chosen.
        factor: sealed key of the second factor; "" without one.
        step: the last step of it that was used.
        recovery: hashes of codes not used yet.
    """

    password: str
    factor: str
    step: int
    recovery: tuple[str, ...]


class Operators:
    """People by number or address; `sessions`, `tokens` and `attempts` have their own methods below."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- people

    def add(self, address: str, name: str, role: OperatorRole, at: datetime) -> Operator:
        """A new operator, who has no password yet.

        Raises:
            StateError: the address has an operator.
        """
        values = {"address": address, "name": name, "role": role.value, "state": OperatorState.INVITED.value,
                  "created": at}  # fmt: skip
        with self._database.transaction() as connection:
            query = self._database.insert(operators).values(values).on_conflict_do_nothing()
            number = connection.scalar(query.returning(operators.c.id))
            if number is None:
                raise StateError(f"operator {address}", "there", "add it again", "`digest operators list` shows them")
            return self.get(int(number))

    def any(self) -> bool:
        """Whether there is an operator at all."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(operators.c.id).limit(1)) is not None

    def list(self) -> tuple[Operator, ...]:
        """All of them, by address: a desk, not a crowd."""
        with self._database.reading() as connection:
            return tuple(map(_operator, connection.execute(sa.select(operators).order_by(operators.c.address))))

    def get(self, number: int) -> Operator:
        """One by number.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(operators).where(operators.c.id == number)).one_or_none()
        if row is None:
            raise NotFound("operator", str(number))
        return _operator(row)

    def find(self, address: str) -> Operator | None:
        """One by address, as it was added."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(operators).where(operators.c.address == address)).one_or_none()
        return None if row is None else _operator(row)

    def admins(self) -> int:
        """How many admins can sign in."""
        query = sa.select(sa.func.count()).where(
            operators.c.role == OperatorRole.ADMIN.value, operators.c.state == OperatorState.ACTIVE.value
        )
        with self._database.transaction() as connection:
            self._database.serialize(operators)
            return int(connection.scalar(query) or 0)

    def secrets(self, number: int) -> Secrets:
        """What an operator is known by."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(operators).where(operators.c.id == number)).one()
        recovery = tuple(json.loads(row.recovery or "[]"))
        return Secrets(password=row.password, factor=row.factor, step=row.factor_step, recovery=recovery)

    def change(self, number: int, **values: Any) -> None:
        """Set columns of an operator: role, state, name, password, factor, factor_step, seen."""
        with self._database.transaction() as connection:
            connection.execute(sa.update(operators).where(operators.c.id == number).values(**values))

    def set_recovery(self, number: int, hashes: Collection[str]) -> None:
        """Keep the hashes of new recovery codes, in place of all older ones."""
        self.change(number, recovery=json.dumps(sorted(hashes)))

    def use_recovery(self, number: int, code: str) -> bool:
        """Use a recovery code up, by its hash; whether it was there."""
        with self._database.transaction():
            self._database.serialize(operators)
            left = set(self.secrets(number).recovery)
            if code not in left:
                return False
            self.set_recovery(number, left - {code})
            return True

    def use_step(self, number: int, step: int) -> bool:
        """Use a step of the second factor up; whether it was newer than the last one used."""
        query = sa.update(operators).where(operators.c.id == number, operators.c.factor_step < step)
        with self._database.transaction() as connection:
            return bool(connection.execute(query.values(factor_step=step)).rowcount)

    def set_link(self, number: int, code: str, until: datetime | None) -> None:
        """Keep the hash of a one-time link; "" takes it away."""
        self.change(number, link=code, link_until=until)

    def by_link(self, code: str, now: datetime) -> Operator | None:
        """Whom a one-time link is for; None for one that is used, too old or not ours."""
        query = sa.select(operators).where(operators.c.link == code, operators.c.link_until > now)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _operator(row)

    # ---- sessions

    def begin(self, code: str, operator: int, *, passed: bool, network: str, agent: str, at: datetime) -> Session:
        """A new session, by the hash of its secret."""
        values = {"hash": code, "operator": operator, "passed": passed, "created": at, "seen": at, "network": network,
                  "agent": agent}  # fmt: skip
        with self._database.transaction() as connection:
            return _session(connection.execute(sa.insert(sessions).values(values).returning(sessions)).one())

    def session(self, code: str, *, begun: datetime, seen: datetime) -> tuple[Session, Operator] | None:
        """The session of a secret, with its operator; None for one that has ended.

        Args:
            code: hash of the secret.
            begun: it must have begun after this.
            seen: and been seen after this.
        """
        query = (
            sa.select(sessions, operators)
            .join(operators, operators.c.id == sessions.c.operator)
            .where(
                sessions.c.hash == code,
                sessions.c.created > begun,
                sessions.c.seen > seen,
                operators.c.state == OperatorState.ACTIVE.value,
            )
            .set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (_session(row, "sessions_"), _operator(row, "operators_"))

    def touch(self, session: int, at: datetime) -> None:
        """Note that a session is in use."""
        with self._database.transaction() as connection:
            connection.execute(sa.update(sessions).where(sessions.c.id == session).values(seen=at))

    def sessions(self, operator: int) -> tuple[Session, ...]:
        """The sessions of an operator, the one seen last first."""
        query = sa.select(sessions).where(sessions.c.operator == operator).order_by(sessions.c.seen.desc())
        with self._database.reading() as connection:
            return tuple(map(_session, connection.execute(query)))

    def end(self, operator: int, *, only: int | None = None, but: int | None = None) -> int:
        """End an operator's sessions: all, one, or all but one; how many that were."""
        query = sa.delete(sessions).where(sessions.c.operator == operator)
        if only is not None:
            query = query.where(sessions.c.id == only)
        if but is not None:
            query = query.where(sessions.c.id != but)
        with self._database.transaction() as connection:
            return int(connection.execute(query).rowcount)

    # ---- tokens

    def add_token(
        self, code: str, operator: int, name: str, scopes: Collection[Permission], *, expires: datetime | None,
        at: datetime,
    ) -> Token:  # fmt: skip
        """A new token, by its hash."""
        values = {"hash": code, "operator": operator, "name": name, "scopes": " ".join(sorted(scopes)), "created": at,
                  "expires": expires}  # fmt: skip
        with self._database.transaction() as connection:
            return _token(connection.execute(sa.insert(api_tokens).values(values).returning(api_tokens)).one())

    def token(self, code: str, now: datetime) -> tuple[Token, Operator] | None:
        """The token of a hash, with its operator; None for one that is ended or too old."""
        query = (
            sa.select(api_tokens, operators)
            .join(operators, operators.c.id == api_tokens.c.operator)
            .where(
                api_tokens.c.hash == code,
                api_tokens.c.ended.is_(None),
                sa.or_(api_tokens.c.expires.is_(None), api_tokens.c.expires > now),
                operators.c.state == OperatorState.ACTIVE.value,
            )
            .set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (_token(row, "api_tokens_"), _operator(row, "operators_"))

    def use_token(self, number: int, at: datetime) -> None:
        """Note that a token was used."""
        with self._database.transaction() as connection:
            connection.execute(sa.update(api_tokens).where(api_tokens.c.id == number).values(used=at))

    def tokens(self, operator: int | None = None) -> tuple[Token, ...]:
        """The tokens of an operator, or of all, those that ended too; the newest first."""
        query = sa.select(api_tokens).order_by(api_tokens.c.id.desc())
        with self._database.reading() as connection:
            found = query if operator is None else query.where(api_tokens.c.operator == operator)
            return tuple(map(_token, connection.execute(found)))

    def end_tokens(self, operator: int, at: datetime, *, only: int | None = None) -> int:
        """End an operator's tokens, or one of them; how many that were."""
        query = sa.update(api_tokens).where(api_tokens.c.operator == operator, api_tokens.c.ended.is_(None))
        if only is not None:
            query = query.where(api_tokens.c.id == only)
        with self._database.transaction() as connection:
            return int(connection.execute(query.values(ended=at)).rowcount)

    # ---- attempts to sign in

    def attempt(self, limits: Mapping[str, int], at: datetime, window: timedelta) -> bool:
        """Count one attempt under each key, unless one of them has had its fill within the window; whether it counted.

        Attempts of other processes count too, and none is counted twice: keys of one call are taken together.
        """
        with self._database.transaction() as connection:
            self._database.serialize(attempts)
            connection.execute(sa.delete(attempts).where(attempts.c.at <= at - window))
            for key, most in limits.items():
                query = sa.select(sa.func.count()).where(attempts.c.key == key)
                if int(connection.scalar(query) or 0) >= most:
                    return False
            connection.execute(sa.insert(attempts), [{"key": key, "at": at} for key in limits])
            return True

    def forget(self, key: str) -> None:
        """Forget the attempts under a key: who signed in was the right one."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(attempts).where(attempts.c.key == key))

    def give_back(self, keys: Collection[str]) -> None:
        """Take the newest attempt back under each key."""
        with self._database.transaction() as connection:
            for key in keys:
                newest = sa.select(sa.func.max(attempts.c.id)).where(attempts.c.key == key).scalar_subquery()
                connection.execute(sa.delete(attempts).where(attempts.c.id == newest))

    def tidy(self, *, begun: datetime, seen: datetime) -> int:
        """Delete sessions that have ended by themselves; how many."""
        query = sa.delete(sessions).where(sa.or_(sessions.c.created <= begun, sessions.c.seen <= seen))
        with self._database.transaction() as connection:
            return int(connection.execute(query).rowcount)


class Overrides:
    """Settings that were changed at the desk: `all`, `set`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """Name of the setting -> its value, as text."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(overrides.c.path, overrides.c.value)).all()
        return {row.path: row.value for row in rows}

    def set(self, path: str, value: str | None, by: str, at: datetime) -> None:
        """Let a setting be this; None: what digest.toml says."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(overrides).where(overrides.c.path == path))
            if value is not None:
                connection.execute(sa.insert(overrides), [{"path": path, "value": value, "at": at, "by": by}])


def _operator(row: AnyRow, prefix: str = "") -> Operator:
    given = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Operator(
        id=given[f"{prefix}id"],
        address=given[f"{prefix}address"],
        name=given[f"{prefix}name"],
        role=OperatorRole(given[f"{prefix}role"]),
        state=OperatorState(given[f"{prefix}state"]),
        created=given[f"{prefix}created"],
        second_factor=bool(given[f"{prefix}factor"]),
        seen=given[f"{prefix}seen"],
    )


def _session(row: AnyRow, prefix: str = "") -> Session:
    given = row._mapping  # noqa: SLF001 - as above
    return Session(
        id=given[f"{prefix}id"],
        operator=given[f"{prefix}operator"],
        created=given[f"{prefix}created"],
        seen=given[f"{prefix}seen"],
        network=given[f"{prefix}network"],
        agent=given[f"{prefix}agent"],
        passed=given[f"{prefix}passed"],
    )


def _token(row: AnyRow, prefix: str = "") -> Token:
    given = row._mapping  # noqa: SLF001 - as above
    return Token(
        id=given[f"{prefix}id"],
        operator=given[f"{prefix}operator"],
        name=given[f"{prefix}name"],
        scopes=frozenset(Permission(word) for word in given[f"{prefix}scopes"].split()),
        created=given[f"{prefix}created"],
        expires=given[f"{prefix}expires"],
        used=given[f"{prefix}used"],
        ended=given[f"{prefix}ended"],
    )
