"""The desk's own pages: today, audit log, settings; and what all pages share."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html
from starlette.requests import Request

from digest.app import App
from digest.errors import InputError, NotFound, StateError, StoreError
from digest.model import (
    Actor,
    AtDeadline,
    Condition,
    DeliveryState,
    EditionState,
    OperatorRole,
    Period,
    Revision,
    SourceState,
    Via,
)
from digest.schedule import Service, run
from digest.settings import CHANGEABLE, DESK, FILE
from digest.web.console.account import browser_of
from digest.web.console.frame import away
from digest.web.console.settings import _OFFERED
from digest.web.console.today import Kept, _figures, what_then
from digest.web.listing import Column, Listing, read_cursor, write_cursor
from tests.console.conftest import TERMINAL, Desk, open_app

HOSTILE = (Path(__file__).parents[1] / "web" / "hostile.txt").read_text(encoding="utf-8").splitlines()
NOON = datetime(2026, 7, 20, 12, tzinfo=UTC)


# ---- today


@pytest.fixture(scope="module")
def filled(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with an edition that is held, a source that fails, and a problem."""
    with open_app(tmp_path_factory.mktemp("filled"), like=desk.app) as app:
        folder = app.settings.folder / "incoming"
        folder.mkdir()
        (folder / "port.json").write_text(
            '[{"id": "p", "title": "Port of Haifa works at night", "date": "2018-07-18T09:00:00Z",'
            ' "text": "The port of Haifa will unload ships at night. Exports may grow."}]'
        )
        os.utime(folder / "port.json", (1.5e9, 1.5e9))
        app.pipeline.pick_up()
        app.pipeline.classify()
        revision = app.pipeline.compose(app.settings.digest(), Period.week("2018-W29", app.settings.zone))
        assert isinstance(revision, Revision)
        here = Desk(app)
        now = here.clock()
        app.store.editions.move(revision.edition.id, EditionState.HELD, now, "two days late <b>")
        app.store.sources.save_state(
            SourceState(key="wire", location="https://wire.example/feed", failures=3, error="HTTP 503", last_poll=now)
        )
        app.store.sources.report("desk", "bad.json", InputError("no article in it", remedy="look at it"), now)
        yield here


def test_today_tells_what_waits_what_comes_and_what_does_not_go_well(filled: Desk) -> None:
    browser = filled.signed_in(OperatorRole.EDITOR)
    assert browser.get("/console").status_code == 200
    text = re.sub(r"\s+", " ", browser.text)
    for words in (
        "Harbour Report 2018-W29 held",
        "two days late <b>",
        "Then approved by itself and sent, unless preflight objects.",
        "Nothing was sent yet.",
        "wire failing HTTP 503",
        "bad.json",
        "no article in it (look at it)",
        "operations.alarm names no address",
    ):
        assert words in text, text
    assert "<b>" not in browser.page.split("two days late")[1][:3]
    assert "Lately" not in text  # an editor does not read the log
    boss = filled.signed_in(OperatorRole.PUBLISHER)
    boss.get("/console")
    assert "Lately at the desk" in boss.text


def test_today_tells_of_a_campaign_and_of_an_installation_that_does_not_send(filled: Desk) -> None:
    app = filled.app
    [held] = app.store.editions.list()
    revision = app.store.editions.get(held.id)
    app.store.editions.approve(held.id, revision.hash, "test", filled.clock())
    app.store.editions.move(held.id, EditionState.SENDING, filled.clock())
    app.__dict__["unarmed"] = lambda: "it is a copy"
    try:
        browser = filled.signed_in(OperatorRole.EDITOR)
        browser.get("/console")
        assert "sending" in browser.text
        filled.clock.pass_(minutes=1)
        browser.get("/console")
    finally:
        del app.__dict__["unarmed"]


def test_figures_of_a_campaign_leave_out_what_there_is_none_of() -> None:
    tally = dict.fromkeys(DeliveryState, 0) | {DeliveryState.ACCEPTED: 12_345, DeliveryState.BOUNCED: 2}
    assert [(one.label, one.number, one.tone) for one in _figures(tally)] == [
        ("copies", "12,347", ""),
        ("accepted", "12,345", ""),
        ("bounced", "2", "bad"),
    ]


def test_what_happens_then_is_said_for_every_rule_and_state(desk: Desk) -> None:
    rule = desk.app.settings.digest()
    by_hand = replace(rule, approval="operator")
    said = [
        what_then(rule, None),
        what_then(rule, EditionState.DRAFT),
        what_then(by_hand, EditionState.DRAFT),
        what_then(replace(by_hand, second_person=True), EditionState.DRAFT),
        what_then(replace(by_hand, at_deadline=AtDeadline.SEND), EditionState.DRAFT),
        *(what_then(rule, state) for state in EditionState if state is not EditionState.DRAFT),
    ]
    assert all(one.endswith(".") for one in said)
    assert len(set(said)) == len(said)


def test_a_count_is_kept_for_a_moment() -> None:
    clock = [NOON]
    made: list[int] = []
    kept: Kept[int] = Kept(lambda: clock[0])

    def make() -> int:
        made.append(1)
        return len(made)

    life = timedelta(seconds=5)
    assert [kept.get("a", life, make), kept.get("a", life, make), kept.get("b", life, make)] == [1, 1, 2]
    clock[0] += life
    assert kept.get("a", life, make) == 3


# ---- the audit log


def test_the_log_is_filtered_page_by_page_and_exported(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.PUBLISHER)
    actor = Actor(name="=cmd|' /C calc'!A0", via=Via.API, origin="10.0.0.0/24")
    for number in range(120):
        at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        desk.app.store.audit.add(actor, "weather.report", f"day-{number % 3}", {"degrees": number}, at=at)
    browser.get("/console/audit?act=weather")
    assert browser.page.count("<tr>") == 51
    seen = re.findall(r"degrees</span> (\d+)", browser.page)
    for _ in range(2):
        following = re.search(r'href="([^"]+)" rel="next"', browser.page)
        assert following
        browser.get(following[1].replace("&amp;", "&"))
        seen += re.findall(r"degrees</span> (\d+)", browser.page)
    assert [int(one) for one in seen] == list(range(119, -1, -1))
    assert 'rel="next"' not in browser.page
    assert 'rel="first"' in browser.page
    browser.get("/console/audit?act=weather.report&object=day-1&via=api&who=%3Dcmd%7C%27%20/C%20calc%27%21A0")
    assert browser.page.count("<tr>") == 41
    browser.get("/console/audit?act=weather&since=2020-01-02&until=2020-01-02")
    assert 20 <= browser.page.count("<tr>") <= 26
    for empty in ("act=weathe", "act=weather.rep", "who=nobody", "via=none", "since=2999-01-01"):
        browser.get(f"/console/audit?{empty}")
        assert "No act like that" in browser.text
    for odd in ("since=yesterday", "until=9999-12-31", "since=0001-01-01", "after=damaged", "act=%00"):
        assert browser.get(f"/console/audit?{odd}").status_code == 200
    answer = browser.get("/console/audit.csv?act=weather")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["time", "who", "act", "object", "details", "via", "origin"]
    assert len(rows) == 121
    assert rows[1][1] == "'=cmd|' /C calc'!A0"  # no formula
    assert "attachment" in answer.headers["content-disposition"]


def test_what_comes_from_outside_is_text_on_the_desk(desk: Desk) -> None:
    """A name, a reason, a user agent: whatever is in them, it is shown and never run."""
    browser = desk.signed_in()
    for number, line in enumerate(HOSTILE):
        actor = Actor(name=line or "-", via=Via.API, origin=line)
        desk.app.store.audit.add(actor, f"hostile.{number}", line, {line: line}, at=desk.clock())
    one, _ = desk.app.staff.add(
        "hostile@example.com", OperatorRole.EDITOR, by=TERMINAL, name="<script>alert(1)</script>"
    )
    thief = desk.browser()
    thief.ask(
        "POST",
        "/console/sign-in",
        data={"address": "<img src=x onerror=alert(1)>", "password": "x", "next": '"><script>alert(1)</script>'},
        headers={"user-agent": "<script>alert(1)</script>"},
    )
    pages = [thief.page]
    path = "/console/audit?act=hostile"
    while path:
        browser.get(path)
        pages.append(browser.page)
        following = re.search(r'href="([^"]+)" rel="next"', browser.page)
        path = following[1].replace("&amp;", "&") if following else ""
    for path in ("/console/operators", f"/console/operators/{one.id}", "/console", '/console/audit?who="><script>'):
        browser.get(path)
        pages.append(browser.page)
    for page in pages:
        tree = html.fromstring(page)
        [script] = tree.iter("script")
        assert script.get("src", "").startswith("/console/static/desk-")
        assert not script.text
        assert not [found for name in ("iframe", "object", "svg", "base", "embed", "img") for found in tree.iter(name)]
        for element in tree.iter():
            assert not [name for name in element.attrib if str(name).startswith("on") or name == "style"]
            assert not re.match(r"\s*(javascript|data|vbscript):", element.get("href", ""), re.IGNORECASE)


# ---- settings


def test_every_setting_that_may_be_changed_is_offered_and_no_other() -> None:
    assert {path for path, *_ in _OFFERED} == CHANGEABLE
    # Where mail goes, what is run, who may ask, and secrets are never among them.
    assert not [
        one for one in CHANGEABLE if one.split(".")[1] in {"host", "url", "password", "secret", "allow", "key_file"}
    ]


def test_settings_are_shown_with_their_source_and_secrets_are_not(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.PUBLISHER)
    browser.get("/console/settings")
    assert "publication.title" in browser.text
    assert "Harbour Weekly" in browser.text
    assert FILE in browser.text
    assert 'name="path"' not in browser.page  # a publisher reads
    assert desk.app.links.key_id not in browser.page


def test_a_setting_is_changed_at_the_desk_for_every_process_that_starts(desk: Desk, tmp_path: Path) -> None:
    with open_app(tmp_path / "changed", like=desk.app) as app:
        here = Desk(app)
        admin = here.signed_in()
        admin.get("/console/settings")
        for value in ("no address", "a@b@c"):
            assert admin.post("/console/settings", {"path": "operations.alarm", "value": value}).status_code == 422
            assert "no e-mail address" in admin.text
        admin.follow(admin.post("/console/settings", {"path": "operations.alarm", "value": "desk@example.com"}))
        assert "in a moment" in admin.text
        admin.follow(admin.post("/console/settings", {"path": "mail.rate", "value": "5"}))
        assert admin.post("/console/settings", {"path": "mail.host", "value": "evil.example"}).status_code == 404
        assert admin.post("/console/settings", {"path": "mail.rate", "value": "-1"}).status_code == 422
        folder = app.settings.folder
        with App.open(folder) as again:
            assert again.settings.operations.alarm == "desk@example.com"
            assert again.settings.mail.rate == 5
            assert again.settings.origins["operations.alarm"] == DESK
            fresh = Desk(again).browser()
            fresh.sign_in(admin.operator.address)
            fresh.get("/console/settings")
            assert "in a moment" not in fresh.text
            fresh.follow(fresh.post("/console/settings", {"path": "mail.rate", "act": "back"}))
            assert "in a moment" in fresh.text
        with App.open(folder, {"DIGEST_OPERATIONS_ALARM": "env@example.com"}) as third:
            assert third.settings.operations.alarm == "env@example.com"  # the environment stands over the desk
            assert third.settings.mail.rate == 0
            with pytest.raises(StateError, match="environment"):
                third.change_setting("operations.alarm", "x@example.com", by=TERMINAL)
            with pytest.raises(NotFound):
                third.change_setting("links.secret", "x" * 40, by=TERMINAL)
        changes = [(one.object, one.details["before"], one.details["after"]) for one in here.log(act="setting.change")]
        assert changes == [
            ("operations.alarm", "", "desk@example.com"),
            ("mail.rate", "", "5"),
            ("mail.rate", "5", ""),
        ]


def test_a_running_service_starts_again_when_settings_were_changed(desk: Desk, tmp_path: Path) -> None:
    with open_app(tmp_path / "running", like=desk.app) as app:
        assert not app.settings_changed()
        app.change_setting("mail.rate", "5", by=TERMINAL)
        assert app.settings_changed()
        service = Service(app, clock=desk.clock, works=frozenset(), scheduler=False)
        assert asyncio.run(run(service, changed=app.settings_changed, every=0.01))
        stopping = Service(app, clock=desk.clock, works=frozenset(), scheduler=False)
        asked: list[str] = []

        def never() -> bool:
            asked.append("once")
            os.kill(os.getpid(), signal.SIGTERM)
            raise StoreError("the store is not there")

        assert not asyncio.run(run(stopping, changed=never, every=0.01))
        assert asked


# ---- what all pages share


def test_what_was_done_is_said_once(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.get("/console/account")
    answer = browser.post("/console/account/sessions/end")
    assert "desk-flash" in browser.cookies
    browser.follow(answer)
    assert "Other sessions ended: 0" in browser.text
    assert "desk-flash" not in browser.cookies
    browser.get("/console/account")
    assert "Other sessions ended" not in browser.text
    for forged in ("!!!", "bm90IGpzb24=", "WzFd", "W1siZXZpbCIsIngiXV0="):
        browser.cookies["desk-flash"] = forged
        assert browser.get("/console").status_code == 200
        assert 'class="flash' not in browser.page


def test_what_is_not_there_is_said_on_the_desk(desk: Desk) -> None:
    browser = desk.signed_in()
    for path, status in (("/console/nothing", 404), ("/console/operators/none", 422), ("/console/sign-out", 405)):
        assert browser.get(path).status_code == status
        assert "To the desk" in browser.text
    long = browser.ask("POST", "/console/account/password", content=b"x" * 70_000)
    assert long.status_code == 413


def test_a_form_too_long_or_damaged_is_refused(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.get("/console/account")
    form = {"content-type": "application/x-www-form-urlencoded"}
    for content, status in ((b"csrf=%ff%fe", 400), (b"a=" + b"x" * 60_001, 413), ("ä=1".encode(), 400)):
        assert browser.ask("POST", "/console/account/password", content=content, headers=form).status_code == status
    other = browser.ask(
        "POST", "/console/account/password", content=b"{}", headers={"content-type": "application/json"}
    )
    assert other.status_code == 403
    browser.get("/console/account")
    upload = {"file": ("list.csv", b"address\r\n", "text/csv")}
    sent = browser.ask("POST", "/console/account/sessions/end", data={"csrf": browser.csrf}, files=upload)
    assert sent.status_code == 303
    forged = browser.ask("POST", "/console/account/sessions/end", data={"csrf": "x"}, files=upload)
    assert forged.status_code == 403


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=-3), "3 min ago"),
        (timedelta(hours=5), "in 5 h"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(days=-12), "12 days ago"),
    ],
)
def test_how_far_a_moment_is(span: timedelta, said: str) -> None:
    assert away(span) == said


def test_browsers_have_names() -> None:
    assert (
        browser_of("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0")
        == "Edge on Windows"
    )
    assert (
        browser_of("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1")
        == "Safari on iPhone"
    )
    assert browser_of("Firefox/1") == "Firefox"
    assert browser_of("curl/8.5") == "curl/8.5"
    assert browser_of("") == "unknown browser"


# ---- lists


def asked(query: str) -> Request:
    return Request({"type": "http", "path": "/console/things", "query_string": query.encode(), "headers": []})


COLUMNS = (Column("title", "Title", sort="title"), Column("at", "When", sort="at"), Column("acts", ""))


def test_a_list_sorts_both_ways_and_keeps_what_was_asked() -> None:
    listing = Listing.read(asked("q=a%20b&sort=nonsense&empty="), COLUMNS, sort="-at", prefix="/news")
    assert listing.sort == "-at"
    assert [head.sorted for head in listing.heads] == ["", "descending", ""]
    assert [head.href for head in listing.heads] == [
        "/news/console/things?q=a%20b&sort=title",
        "/news/console/things?q=a%20b&sort=at",
        "",
    ]
    turned = Listing.read(asked("sort=at"), COLUMNS, sort="-at")
    assert turned.heads[1].sorted == "ascending"
    assert turned.heads[1].href.endswith("sort=-at")


def test_a_list_goes_on_after_its_last_row() -> None:
    rows = [(NOON + timedelta(hours=number), number) for number in range(5)]
    listing = Listing.read(asked(""), COLUMNS, sort="at", limit=2).shown(rows[:3], lambda row: row)
    assert listing.rows == tuple(rows[:2])
    assert not listing.first
    after = listing.older.partition("after=")[2]
    second = Listing.read(asked(f"after={after}"), COLUMNS, sort="at", limit=2)
    assert second.after == rows[1]
    assert second.first == "/console/things?sort=at"
    assert not second.shown(rows[2:4], lambda row: row).older
    assert second.following(rows[2:4], "next one").older.endswith("after=next%20one")
    assert not second.following(rows[2:4], "").older


@pytest.mark.parametrize("values", [(1,), ("ü'\";--", 2, None), (NOON, 2**62), ("",)])
def test_a_cursor_comes_back_as_it_was(values: tuple[object, ...]) -> None:
    assert read_cursor(write_cursor(values)) == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "e30",
        "W10",
        "WzEuNV0",
        "W3RydWVd",
        "W1tdXQ",
        "W1siMjAyNi0wMS0wMSJdXQ",
        "W1sxXV0",
        "eyI",
        "A" * 2000,
        "ä",
        "W" * 999,
    ],
)
def test_a_cursor_that_is_none_begins_at_the_beginning(text: str) -> None:
    assert read_cursor(text) is None


def test_numbers_too_long_for_a_column_are_no_cursor() -> None:
    assert read_cursor(write_cursor((2**63,))) is None
    assert read_cursor(write_cursor(tuple(range(9)))) is None


def test_the_conditions_of_sources_have_a_tone_on_the_desk(desk: Desk) -> None:
    macros = desk.app.renderer.source("console/macros.html")
    for word in (*Condition, *EditionState, *DeliveryState):
        assert f'"{word.value}"' in macros, word
