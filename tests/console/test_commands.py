"""Operators and tokens from the command line: where the first one comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from digest.app import App
from digest.cli import run
from digest.cli.base import actor
from digest.model import Via
from digest.operators import Admitted
from digest.settings import FILE
from digest.store import AuditFilter
from tests.harbour import SETTINGS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def test_the_first_operator_is_made_by_a_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["-C", str(folder)]

    def digest(*words: str) -> str:
        assert run([*where, *words]) == 0
        return capsys.readouterr().out

    assert "nobody yet" in digest("operators", "list")
    said = digest("operators", "add", "Ada@Example.com", "--role", "admin", "--name", "Ada")
    link = re.search(r"https://weekly\.example\.com/console/welcome/([\w-]+)\n", said)
    assert link
    assert run([*where, "operators", "add", "ada@example.com"]) == 1
    assert run([*where, "operators", "add", "no address"]) == 1
    assert run([*where, "operators", "disable", "eve@example.com"]) == 1
    assert run([*where, "operators", "add", "bob@example.com", "--password"]) == 1  # nobody is there to be asked
    digest("operators", "role", "bob@example.com", "publisher")
    capsys.readouterr()
    listed = [json.loads(line) for line in digest("operators", "list", "--json").splitlines()]
    assert [(one["address"], one["role"], one["state"]) for one in listed] == [
        ("ada@example.com", "admin", "invited"),
        ("bob@example.com", "publisher", "invited"),
    ]
    assert "Last signed in" in digest("operators", "list")
    token = digest("tokens", "add", "cms", "--operator", "bob@example.com", "--scope", "articles:write", "--days", "0")
    assert re.search(r"^dg_[\w-]{43}$", token, re.MULTILINE)
    assert "articles:write" in digest("tokens", "list")
    assert json.loads(digest("tokens", "list", "--json"))["expires"] is None
    digest("tokens", "end", "1")
    assert run([*where, "tokens", "end", "1"]) == 1
    assert run([*where, "tokens", "end", "7"]) == 1
    digest("operators", "disable", "bob@example.com")
    assert "welcome" in digest("operators", "enable", "bob@example.com")
    second = digest("operators", "reset", "ada@example.com", "--second-factor")
    capsys.readouterr()
    with App.open(folder) as app:
        assert app.staff.invited(link[1]) is None
        newer = re.search(r"welcome/([\w-]+)", second)
        assert newer
        app.staff.choose_password(newer[1], "correct horse battery", origin=actor())
        came = app.entrance.sign_in("ada@example.com", "correct horse battery", network="n", agent="a")
        assert isinstance(came, Admitted)
        assert came.session.passed
        entries = app.store.audit.page(AuditFilter())
        assert {entry.actor.via for entry in entries} == {Via.CLI, Via.CONSOLE}
        acts = [entry.act for entry in reversed(entries)]
        assert acts[:3] == ["operator.add", "operator.add", "operator.role"]
        assert {"operator.disable", "operator.enable", "operator.reset", "token.add", "token.end"} <= set(acts)


def test_a_name_can_be_said_at_the_terminal() -> None:
    assert actor("Ada").name == "Ada"
    assert actor().name.endswith("command line)") or actor().name == "command line"
