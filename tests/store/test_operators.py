"""Operators, sessions, tokens and the audit log in both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from digest.errors import NotFound, StateError, StoreError
from digest.model import Actor, OperatorRole, OperatorState, Permission, Via
from digest.store import AuditFilter, Store
from digest.store.keyset import page
from digest.store.schema import api_tokens, attempts, audit
from tests.store.samples import NOW

HOUR = timedelta(hours=1)
ADA = Actor(name="ada@example.com", via=Via.CONSOLE, origin="192.0.2.0/24", operator=1)


def test_the_database_itself_refuses_to_change_the_audit_log(store: Store) -> None:
    number = store.audit.add(ADA, "edition.approve", "weekly-2018-W29", {"hash": "abc"}, at=NOW)
    same = {"id": number, "at": NOW, "who": "eve", "via": "cli", "act": "x", "details": "{}"}
    statements = [sa.update(audit).values(who="eve"), sa.delete(audit), sa.delete(audit).where(audit.c.id == number)]
    for statement in statements:
        with pytest.raises(StoreError, match="append-only"), store._database.transaction() as connection:
            connection.execute(statement)
    if store._database.is_sqlite:
        odd = sa.insert(audit).prefix_with("OR REPLACE")
        with pytest.raises(StoreError, match="append-only"), store._database.transaction() as connection:
            connection.execute(odd, same)
    else:
        with pytest.raises(StoreError, match="append-only"), store._database.transaction() as connection:
            connection.execute(sa.text("TRUNCATE audit"))
    with pytest.raises(StoreError), store._database.transaction() as connection:
        connection.execute(sa.insert(audit), same)  # nor may a number come twice
    [entry] = store.audit.page(AuditFilter())
    assert (entry.id, entry.actor, entry.act, entry.object) == (number, ADA, "edition.approve", "weekly-2018-W29")
    assert entry.details == {"hash": "abc"}
    assert entry.at == NOW


def test_an_act_that_fails_leaves_nothing_on_record(store: Store) -> None:
    def act() -> None:
        with store.transaction():
            store.audit.add(ADA, "edition.approve", at=NOW)
            store.editions.state("no-such-edition")

    with pytest.raises(NotFound):
        act()
    assert store.audit.page(AuditFilter()) == ()


def test_the_log_is_asked_for_parts_of_it(store: Store) -> None:
    for number, (act, thing) in enumerate([("edition.approve", "a"), ("edition.hold", "b"), ("editions.x", "a")]):
        store.audit.add(ADA, act, thing, at=NOW + number * HOUR)
    store.audit.add(Actor.system("schedule"), "edition.approve", "c", at=NOW + 3 * HOUR)

    def found(**wanted: object) -> list[str]:
        return [entry.object for entry in store.audit.page(AuditFilter(**wanted))]  # type: ignore[arg-type] # each its own

    assert found(act="edition") == ["c", "b", "a"]
    assert found(act="edition.approve") == ["c", "a"]
    assert found(who="ada@example.com", object="a") == ["a", "a"]
    assert found(via="system") == ["c"]
    assert found(since=NOW + HOUR, until=NOW + 3 * HOUR) == ["a", "b"]
    [first] = store.audit.page(AuditFilter(), limit=1)
    assert [entry.object for entry in store.audit.page(AuditFilter(), before=first.id, limit=2)] == ["a", "b"]


def test_operators_have_one_address_each(store: Store) -> None:
    people = store.operators
    assert not people.any()
    one = people.add("ada@example.com", "Ada", OperatorRole.ADMIN, NOW)
    assert people.any()
    assert (one.state, one.role, one.second_factor) == (OperatorState.INVITED, OperatorRole.ADMIN, False)
    with pytest.raises(StateError):
        people.add("ada@example.com", "", OperatorRole.EDITOR, NOW)
    assert people.find("ada@example.com") == one == people.get(one.id)
    assert people.find("eve@example.com") is None
    with pytest.raises(NotFound):
        people.get(99)
    assert people.admins() == 0
    people.change(one.id, state=OperatorState.ACTIVE.value)
    assert people.admins() == 1
    assert [each.address for each in people.list()] == ["ada@example.com"]


def test_a_step_and_a_recovery_code_are_used_once(store: Store) -> None:
    people = store.operators
    one = people.add("ada@example.com", "", OperatorRole.EDITOR, NOW)
    assert people.use_step(one.id, 7)
    assert not people.use_step(one.id, 7)
    assert not people.use_step(one.id, 6)
    assert people.use_step(one.id, 8)
    people.set_recovery(one.id, {"x", "y"})
    assert people.use_recovery(one.id, "x")
    assert not people.use_recovery(one.id, "x")
    assert people.secrets(one.id).recovery == ("y",)


def test_sessions_are_found_while_they_last(store: Store) -> None:
    people = store.operators
    one = people.add("ada@example.com", "", OperatorRole.EDITOR, NOW)
    people.change(one.id, state=OperatorState.ACTIVE.value, factor="sealed")
    begun = people.begin("hash", one.id, passed=False, network="n", agent="a", at=NOW)
    found = people.session("hash", begun=NOW - HOUR, seen=NOW - HOUR)
    assert found is not None
    assert found[0] == begun
    assert found[1].second_factor
    assert people.session("hash", begun=NOW, seen=NOW - HOUR) is None
    assert people.session("other", begun=NOW - HOUR, seen=NOW - HOUR) is None
    people.touch(begun.id, NOW + HOUR)
    assert people.session("hash", begun=NOW - HOUR, seen=NOW) is not None
    second = people.begin("second", one.id, passed=True, network="n", agent="a", at=NOW)
    assert people.end(one.id, but=second.id) == 1
    assert people.sessions(one.id) == (second,)
    assert people.tidy(begun=NOW - HOUR, seen=NOW - HOUR) == 0
    assert people.tidy(begun=NOW, seen=NOW - HOUR) == 1


def test_tokens_are_found_while_they_last(store: Store) -> None:
    people = store.operators
    one = people.add("ada@example.com", "", OperatorRole.EDITOR, NOW)
    scopes = [Permission.ARTICLES_READ]
    token = people.add_token("hash", one.id, "cms", scopes, expires=NOW + HOUR, at=NOW)
    assert token.scopes == set(scopes)
    assert people.token("hash", NOW) is None  # an operator who is only invited has no programs yet
    people.change(one.id, state=OperatorState.ACTIVE.value)
    found = people.token("hash", NOW)
    assert found is not None
    assert found[0] == token
    assert people.token("hash", NOW + HOUR) is None
    people.use_token(token.id, NOW)
    assert people.tokens()[0].used == NOW
    assert people.end_tokens(one.id, NOW, only=99) == 0
    assert people.end_tokens(one.id, NOW) == 1
    assert people.end_tokens(one.id, NOW) == 0
    assert people.token("hash", NOW) is None


def test_attempts_count_under_all_of_their_keys_or_under_none(store: Store) -> None:
    people, window = store.operators, timedelta(minutes=15)
    limits = {"pair": 2, "network": 3}
    assert [people.attempt(limits, NOW, window) for _ in range(3)] == [True, True, False]
    assert people.attempt({"other": 2, "network": 3}, NOW, window)
    assert not people.attempt({"third": 2, "network": 3}, NOW, window)
    people.forget("pair")
    people.give_back(["network", "nothing"])
    assert people.attempt(limits, NOW, window)
    assert people.attempt({"pair": 2, "network": 3}, NOW + window, window)
    with store._database.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(attempts)) == 2  # the old ones are gone


def test_changed_settings_are_kept_and_put_back(store: Store) -> None:
    store.overrides.set("mail.rate", "5", "ada", NOW)
    store.overrides.set("mail.rate", "6", "ada", NOW)
    store.overrides.set("operations.alarm", "", "ada", NOW)
    assert store.overrides.all() == {"mail.rate": "6", "operations.alarm": ""}
    store.overrides.set("mail.rate", None, "ada", NOW)
    assert store.overrides.all() == {"operations.alarm": ""}


def test_pages_by_key_come_one_after_the_other_whatever_the_order(store: Store) -> None:
    one = store.operators.add("ada@example.com", "", OperatorRole.EDITOR, NOW)
    for number in range(10):
        store.operators.add_token(
            f"{number}", one.id, f"name {number % 3}", [], expires=None, at=NOW + number // 4 * HOUR
        )
    query = sa.select(api_tokens.c.name, api_tokens.c.created, api_tokens.c.id)
    for keys in (
        [(api_tokens.c.name, False), (api_tokens.c.id, False)],
        [(api_tokens.c.name, True), (api_tokens.c.created, False), (api_tokens.c.id, True)],
    ):
        with store._database.reading() as connection:
            whole = [tuple(row) for row in connection.execute(page(query, keys, None, 100))]
            seen: list[tuple[object, ...]] = []
            after: tuple[object, ...] | None = None
            while rows := [row._mapping for row in connection.execute(page(query, keys, after, 3))]:
                seen += [tuple(row.values()) for row in rows]
                after = tuple(rows[-1][column.name] for column, _ in keys)
        assert seen == whole
        assert len(seen) == 10
    with store._database.reading() as connection:  # a cursor of another order begins at the beginning
        assert len(connection.execute(page(query, keys, (1,), 100)).all()) == 10
