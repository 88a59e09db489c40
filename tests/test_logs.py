"""Logs hold no address, token or password, on one line each, whoever writes them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from digest import logs
from digest.links import Key, Links

LINKS = Links("https://news.example.com", [Key.of("s" * 40)])
NOW = datetime(2018, 7, 23, tzinfo=UTC)
PRIVATE = (
    "reader@example.org",
    "Ünïcode@exämple.org",
    "a.b+tag@sub.example.org",
    "user%40example.org",
    LINKS.unsubscribe(12).rpartition("/")[2],
    LINKS.preferences(12).rpartition("/")[2],
    LINKS.confirm([12], NOW).rpartition("/")[2],
    "hunter2secret",
)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def write(form: str, private: str) -> str:
    out = io.StringIO()
    logs.set_up(form=form, stream=out)
    log = logs.logger("test")
    text = f"postgresql://digest:{private}@db.internal/x" if private == "hunter2secret" else private
    event = f"said {text}"
    log.info(event, to=text, deep={"list": [text, {text: 1}]}, n=1, path=f"/unsubscribe/{private}")
    log.error("failed", exc_info=ValueError(f"<{text}> refused"))
    logging.getLogger("uvicorn.error").warning("GET %s", f"https://news.example.com/preferences/{private}?a=1")
    logging.getLogger("apscheduler.scheduler").warning("ticks")
    return out.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("private", PRIVATE)
def test_nothing_private_is_in_them(form: str, private: str) -> None:
    written = write(form, private)
    assert private not in written
    assert private.replace("%40", "@") not in written
    assert "ticks" not in written


def test_as_json_a_line_is_an_object() -> None:
    lines = [json.loads(line) for line in write("json", "x@example.org").splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("said [address]", "info"), ("failed", "error"), ("GET https://news.example.com/preferences/[token]?a=1", "warning")]  # fmt: skip
    assert lines[0]["deep"] == {"list": ["[address]", {"[address]": 1}]}
    assert lines[0]["n"] == 1
    assert "ValueError: <[address]> refused" in lines[1]["exception"]
    assert datetime.fromisoformat(lines[0]["timestamp"]) - datetime.now(UTC) < timedelta(minutes=1)


def test_nothing_from_outside_makes_a_line() -> None:
    out = io.StringIO()
    logs.set_up(stream=out)
    logs.logger("test").info("one\n2018 [info] forged\x1b[31m\u2028", title="a\rb")
    assert len(out.getvalue().splitlines()) == 1
    assert "\x1b" not in out.getvalue()


def test_the_level_is_kept() -> None:
    out = io.StringIO()
    logs.set_up(level="error", stream=out)
    logs.logger("test").warning("not this")
    logging.getLogger("anything").warning("nor this")
    assert out.getvalue() == ""


def test_hosts_stay() -> None:
    assert logs.clean("no connection to mail.example.org:587") == "no connection to mail.example.org:587"
    assert logs.clean("https://news.example.com/editions/weekly-2018-W29.html") == (
        "https://news.example.com/editions/weekly-2018-W29.html")  # fmt: skip


def test_addresses_stay_where_they_are_asked_for_and_secrets_never() -> None:
    out = io.StringIO()
    logs.set_up(stream=out, addresses=True)
    token = LINKS.unsubscribe(12).rpartition("/")[2]
    logs.logger("test").info("sent", to="reader@example.org", url=f"https://u:hunter2secret@host/unsubscribe/{token}")
    written = out.getvalue()
    assert "reader@example.org" in written
    assert token not in written
    assert "hunter2secret" not in written
