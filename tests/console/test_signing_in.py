"""Signing in: passwords, the second factor, sessions that end and change, limits, one-time links."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pyotp
import pytest

from digest.errors import ConfigError, InputError, NotFound, StateError
from digest.model import Actor, OperatorRole, OperatorState, Permission, Via
from digest.operators import LINK_LIFE, Admitted, Factor, Passwords, Refusal
from digest.web.console.entry import following
from tests.console.conftest import CHEAP, PASSWORD, TERMINAL, Browser, Desk

HERE = {"network": "192.0.2.0/24", "agent": "Firefox/130 (Linux)"}
NEW = "another heron on the wharf"


def key_of(page: str) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found
    return found[1].replace(" ", "")


def codes_of(page: str) -> list[str]:
    return re.findall(r"<li><code>([a-z0-9-]+)</code>", page)


def code(desk: Desk, key: str) -> str:
    return pyotp.TOTP(key).at(desk.clock())


def enrol(desk: Desk, browser: Browser) -> tuple[str, list[str]]:
    """Switch the second factor on; its key and the recovery codes."""
    browser.get("/console/account/factor")
    key = key_of(browser.page)
    sealed = re.search(r'name="sealed" value="([^"]+)"', browser.page)
    assert sealed
    answer = browser.post(
        "/console/account/factor", {"sealed": sealed[1], "code": code(desk, key), "current": PASSWORD}
    )
    assert answer.status_code == 200, browser.text
    return key, codes_of(browser.page)


# ---- passwords


def test_a_password_is_kept_as_argon2id_of_the_cost_of_rfc_9106() -> None:
    assert Passwords().hash("Ångström lives here").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_is_the_same_however_its_letters_are_typed() -> None:
    passwords = Passwords(CHEAP)
    kept = passwords.hash("Ångström lives here")
    assert passwords.verify(kept, "A\u030angstro\u0308m lives here")
    assert not passwords.verify(kept, "angstrom lives here")
    assert not passwords.verify("", "nobody has this password")
    assert not passwords.verify("damaged", "anything at all")


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "At least 12"),
        ("x" * 201, "At most 200"),
        ("aaaaaaaaaaaaaa", "Too easy"),
        ("my password is long", "Too easy"),
        ("ada-lovelace-2026", "Too easy"),
        ("correct horse battery", ""),
    ],
)
def test_a_password_that_will_not_do(password: str, said: str) -> None:
    assert Passwords(CHEAP).problem(password, "lovelace@example.com", "Ada").startswith(said or "")
    assert bool(Passwords(CHEAP).problem(password, "lovelace@example.com", "Ada")) == bool(said)


def test_an_unknown_address_costs_what_a_known_one_does(desk: Desk) -> None:
    """Not by a clock: both ways compute one hash, of the same cost."""
    one = desk.add()
    asked: list[str] = []
    passwords = desk.app.passwords
    verify = passwords._hasher.verify

    class Counting:
        hash = staticmethod(passwords._hasher.hash)
        check_needs_rehash = staticmethod(passwords._hasher.check_needs_rehash)

        @staticmethod
        def verify(kept: str, password: str) -> bool:
            asked.append(kept.rsplit("$", 2)[0])
            return verify(kept, password)

    passwords._hasher, before = Counting(), passwords._hasher  # type: ignore[assignment] # as much of it as is used
    try:
        for address in (one.address, "nobody@example.com", "not an address"):
            browser = desk.browser()
            answer = browser.sign_in(address, "a wrong password")
            assert answer.status_code == 422
            assert "That is not right" in browser.text
    finally:
        passwords._hasher = before
    assert len(asked) == 3
    assert len(set(asked)) == 1


def test_a_password_of_lower_cost_is_made_anew_when_it_is_used(desk: Desk) -> None:
    one = desk.add()
    kept = desk.app.store.operators.secrets(one.id).password
    weaker = type(CHEAP)(time_cost=2, memory_cost=8, parallelism=1)
    desk.app.store.operators.change(one.id, password=weaker.hash(PASSWORD))
    assert isinstance(desk.app.entrance.sign_in(one.address, PASSWORD, **HERE), Admitted)
    again = desk.app.store.operators.secrets(one.id).password
    assert again.split("$")[3] == kept.split("$")[3]


# ---- signing in, and where it leads


def test_somebody_signs_in_and_comes_to_the_page_they_asked_for(desk: Desk) -> None:
    one = desk.add(OperatorRole.PUBLISHER)
    browser = desk.browser()
    browser.follow(browser.get("/console/audit?act=operator"))
    assert 'value="/audit?act=operator"' in html.unescape(browser.page)
    answer = browser.post(
        "/console/sign-in", {"address": f" {one.address.upper()} ", "password": PASSWORD, "next": "/audit?act=operator"}
    )
    assert answer.headers["location"] == "/console/audit?act=operator"
    assert browser.follow(answer).status_code == 200
    assert one.address in browser.text
    assert desk.log(who=one.address)[-1].act == "operator.in"
    assert desk.app.staff.get(one.id).seen is not None


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/../x", "javascript:1"])
def test_nobody_is_led_elsewhere(desk: Desk, path: str) -> None:
    assert not following(path)
    one = desk.add()
    answer = desk.browser().post("/console/sign-in", {"address": one.address, "password": PASSWORD, "next": path})
    assert answer.headers["location"] == "/console"


def test_signing_out_ends_the_session_and_nothing_is_left_of_it(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.get("/console")
    secret = dict(browser.cookies)
    browser.follow(browser.post("/console/sign-out"))
    assert "signed out" in browser.text
    assert "__Host-desk" not in browser.cookies
    browser.cookies = secret
    assert browser.get("/console").status_code == 303
    assert desk.log(who=browser.operator.address)[-1].act == "operator.out"


def test_a_session_ends_when_it_is_not_used_and_in_any_case_after_a_day(desk: Desk) -> None:
    browser = desk.signed_in()
    for _ in range(11):  # used every hour and a half
        desk.clock.pass_(minutes=90)
        assert browser.get("/console").status_code == 200
    before = browser.operator.id
    desk.clock.pass_(minutes=121)
    assert browser.get("/console").status_code == 303
    second = desk.browser()
    second.sign_in(browser.operator.address)
    for _ in range(15):
        desk.clock.pass_(minutes=95)
        second.get("/console")
    assert desk.clock.ahead.days >= 1
    desk.clock.pass_(minutes=20)
    assert second.get("/console").status_code == 303
    assert desk.app.entrance.tidy() >= 2
    assert desk.app.store.operators.sessions(before) == ()


def test_the_secret_of_a_session_is_new_at_each_sign_in_and_not_in_the_store(desk: Desk) -> None:
    browser = desk.signed_in()
    first = browser.cookies["__Host-desk"]
    planted = desk.browser()
    planted.cookies["__Host-desk"] = "a-secret-that-somebody-planted"
    planted.sign_in(browser.operator.address)
    second = planted.cookies["__Host-desk"]
    assert len({first, second, "a-secret-that-somebody-planted"}) == 3
    content = Path(desk.app.settings.store_url.removeprefix("sqlite:///")).read_bytes()
    wal = Path(desk.app.settings.store_url.removeprefix("sqlite:///") + "-wal")
    content += wal.read_bytes() if wal.exists() else b""
    for secret in (first, second, PASSWORD):
        assert secret.encode() not in content


def test_who_guesses_is_stopped_and_others_are_not(desk: Desk) -> None:
    one, other = desk.add(), desk.add()
    guesser = desk.browser()
    answers = [guesser.sign_in(one.address, f"guess number {number}").status_code for number in range(10)]
    assert answers == [422] * 8 + [429] * 2
    assert guesser.sign_in(one.address).status_code == 429  # even with the right one
    assert guesser.sign_in(other.address).status_code == 303
    assert desk.browser().sign_in(one.address).status_code == 303  # who sits elsewhere is not locked out
    desk.clock.pass_(minutes=16)
    assert guesser.sign_in(one.address).status_code == 303
    refused = [entry for entry in desk.log(act="operator.refused") if entry.object == one.address]
    assert len(refused) == 8
    assert all("guess" not in str(entry) for entry in refused)


def test_a_network_that_tries_many_addresses_is_stopped(desk: Desk) -> None:
    guesser = desk.browser()
    answers = [guesser.sign_in(f"reader{number}@example.net", "guess").status_code for number in range(34)]
    assert answers == [422] * 32 + [429] * 2
    assert all(not entry.object for entry in desk.log(act="operator.refused")[-32:])  # what was typed is not kept


def test_one_address_tried_from_many_networks_is_stopped_at_last(desk: Desk) -> None:
    one = desk.add()
    answers = [
        desk.app.entrance.sign_in(one.address, "guess", network=f"10.9.{number}.0/24", agent="") for number in range(82)
    ]
    assert [answer for answer in answers if isinstance(answer, Refusal)] == [Refusal("wrong")] * 80 + [
        Refusal("often")
    ] * 2


# ---- the second factor


def test_the_second_factor_is_asked_for_and_a_code_works_once(desk: Desk) -> None:
    browser = desk.signed_in()
    address = browser.operator.address
    other = desk.browser()
    other.sign_in(address)
    before = browser.cookies["__Host-desk"]
    key, recovery = enrol(desk, browser)
    assert len(recovery) == 10
    assert browser.cookies["__Host-desk"] != before  # a session of another kind from now on
    assert other.get("/console").status_code == 303  # and the others ended

    half = desk.browser()
    answer = half.sign_in(address)
    assert answer.headers["location"] == "/console/code"
    assert half.get("/console").headers["location"] == "/console/code"
    assert half.post("/console/sign-out").status_code == 401  # half in is not in
    assert half.post("/console/code", {"code": "000000"}).status_code == 422
    used = code(desk, key)
    desk.clock.pass_(seconds=30)
    now_ = code(desk, key)
    secret = half.cookies["__Host-desk"]
    answer = half.post("/console/code", {"code": f" {now_[:3]} {now_[3:]} "})
    assert half.follow(answer).status_code == 200
    assert half.cookies["__Host-desk"] != secret

    thief = desk.browser()
    thief.sign_in(address)
    for worn in (now_, used):  # seen over a shoulder, a moment ago
        assert thief.post("/console/code", {"code": worn}).status_code == 422
    assert "used before" in thief.text
    assert thief.post("/console/code", {"code": recovery[0].upper().replace("-", " ")}).status_code == 303
    again = desk.browser()
    again.sign_in(address)
    assert again.post("/console/code", {"code": recovery[0]}).status_code == 422
    assert desk.log(who=address, act="operator.in")[-1].details == {"by": "recovery code"}


def test_who_is_half_in_has_ten_minutes_and_few_attempts(desk: Desk) -> None:
    browser = desk.signed_in()
    key, _ = enrol(desk, browser)
    half = desk.browser()
    half.sign_in(browser.operator.address)
    answers = [half.post("/console/code", {"code": f"{number:06}"}).status_code for number in range(9)]
    assert answers == [422] * 8 + [429]
    desk.clock.pass_(minutes=16)
    late = half.post("/console/code", {"code": code(desk, key), "next": "/audit"})
    assert late.headers["location"] == "/console/sign-in?next=%2Faudit"
    assert desk.browser().post("/console/code", {"code": "123456"}).headers["location"] == "/console/sign-in"


def test_codes_that_are_none_are_refused_without_a_fault(desk: Desk) -> None:
    factor = desk.app.factor
    new = factor.enrol("ada@example.com")
    for wrong in ("", "abcdef", "١٢٣٤٥٦", "12345", "1234567", "-12345", "0x1234"):
        assert factor.step(new.sealed, wrong, desk.clock()) == 0
    assert b"<svg" in new.picture
    assert new.uri.startswith("otpauth://totp/")
    assert new.key.replace(" ", "") not in new.sealed
    with pytest.raises(ConfigError, match=r"links\.secret"):
        factor.step("gAAAA-forged", "123456", desk.clock())


def test_a_factor_outlives_a_new_secret_of_the_publication(desk: Desk) -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = Factor([old], "Harbour: Weekly").enrol("ada@example.com").sealed
    assert Factor([new, old], "Harbour Weekly").enrol("ada@example.com", sealed).sealed == sealed
    with pytest.raises(ConfigError):
        Factor([new], "Harbour Weekly").enrol("ada@example.com", sealed)


def test_recovery_codes_are_made_anew_and_the_factor_is_switched_off_with_the_password(desk: Desk) -> None:
    browser = desk.signed_in()
    _, first = enrol(desk, browser)
    browser.get("/console/account")
    assert browser.post("/console/account/factor/codes", {"current": "wrong"}).status_code == 422
    browser.post("/console/account/factor/codes", {"current": PASSWORD})
    second = codes_of(browser.page)
    assert len(second) == 10
    assert not set(first) & set(second)
    half = desk.browser()
    half.sign_in(browser.operator.address)
    assert half.post("/console/code", {"code": first[0]}).status_code == 422
    assert half.post("/console/code", {"code": second[0]}).status_code == 303
    half.get("/console/account")
    assert re.search(r"Recovery codes left:\s+9", half.text)
    assert half.get("/console/account/factor").status_code == 303  # it is on already
    assert half.post("/console/account/factor", {"current": PASSWORD}).status_code == 303
    assert half.post("/console/account/factor/off", {"current": "wrong"}).status_code == 422
    half.follow(half.post("/console/account/factor/off", {"current": PASSWORD}))
    assert "second factor is off" in half.text
    assert not desk.app.staff.get(browser.operator.id).second_factor
    with pytest.raises(StateError):
        desk.app.account.new_recovery(desk.app.staff.get(browser.operator.id), by=TERMINAL)
    acts = [entry.act for entry in desk.log(who=browser.operator.address)]
    assert {"operator.factor", "operator.recovery"} <= set(acts)


def test_setting_the_factor_up_needs_the_password_and_the_code_of_its_own_key(desk: Desk) -> None:
    browser = desk.signed_in()
    browser.get("/console/account/factor")
    key = key_of(browser.page)
    sealed = html.unescape(re.search(r'name="sealed" value="([^"]+)"', browser.page)[1])  # type: ignore[index] # it is there
    for fields, said in (
        ({"sealed": sealed, "code": code(desk, key), "current": "wrong"}, "not your password"),
        ({"sealed": sealed, "code": "000000", "current": PASSWORD}, "not the code"),
        ({"sealed": "forged", "code": code(desk, key), "current": PASSWORD}, "stale"),
    ):
        assert browser.post("/console/account/factor", fields).status_code == 422
        assert said in browser.text
    assert not desk.app.staff.get(browser.operator.id).second_factor


def test_where_the_factor_is_required_it_is_set_up_before_anything_else(strict: Desk) -> None:
    browser = strict.signed_in()
    for path in ("/console", "/console/audit", "/console/operators"):
        assert browser.get(path).headers["location"] == "/console/account/factor"
    assert browser.post("/console/operators", {"address": "x@example.com", "role": "admin"}).status_code == 403
    enrol(strict, browser)
    assert browser.get("/console/operators").status_code == 200
    browser.get("/console/account")
    assert "Switch it off" not in browser.text


# ---- one-time links


def test_an_invited_operator_chooses_a_password_by_a_link_that_works_once(desk: Desk) -> None:
    admin = desk.signed_in()
    admin.get("/console/operators")
    answer = admin.post("/console/operators", {"address": "Eve.New@Example.COM", "role": "editor", "name": "Eve"})
    assert answer.status_code == 200
    link = re.search(r'<code class="secret">https://weekly.example.com(/console/welcome/[\w-]+)</code>', admin.page)
    assert link
    eve = desk.browser()
    assert eve.get(link[1]).status_code == 200
    assert "eve.new@example.com" in eve.text
    assert eve.post(link[1], {"password": NEW, "again": "otherwise"}).status_code == 422
    assert eve.post(link[1], {"password": "short", "again": "short"}).status_code == 422
    assert eve.get(link[1]).status_code == 200  # a look does not use it up
    eve.follow(eve.post(link[1], {"password": NEW, "again": NEW}))
    assert "password is set" in eve.text
    assert eve.get(link[1]).status_code == 410
    assert eve.post(link[1], {"password": PASSWORD, "again": PASSWORD}).status_code == 410
    assert eve.sign_in("eve.new@example.com", NEW).status_code == 303
    again = admin.post("/console/operators", {"address": "eve.new@example.com", "role": "editor"})
    assert again.status_code == 422
    assert admin.post("/console/operators", {"address": "no address", "role": "editor"}).status_code == 422
    assert admin.post("/console/operators", {"address": "f@example.com", "role": "king"}).status_code == 400


def test_a_link_grows_old_and_a_newer_one_takes_its_place(desk: Desk) -> None:
    one, first = desk.app.staff.add("late@example.com", OperatorRole.EDITOR, by=TERMINAL)
    second = desk.app.staff.reset(one.id, by=TERMINAL)
    origin = Actor(name="", via=Via.CONSOLE, origin="192.0.2.0/24")
    assert desk.app.staff.invited(first) is None
    assert desk.app.staff.invited(second) == one
    desk.clock.pass_(hours=LINK_LIFE.total_seconds() / 3600, seconds=1)
    assert desk.app.staff.invited(second) is None
    with pytest.raises(NotFound):
        desk.app.staff.choose_password(second, NEW, origin=origin)
    assert isinstance(desk.app.entrance.sign_in("late@example.com", "", **HERE), Refusal)


# ---- one's own account


def test_another_password_ends_the_other_sessions_and_changes_the_secret_of_this_one(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.EDITOR)
    other = desk.browser()
    other.sign_in(browser.operator.address)
    browser.get("/console/account")
    for fields, said in (
        ({"current": "wrong", "password": NEW, "again": NEW}, "not your password"),
        ({"current": PASSWORD, "password": NEW, "again": "otherwise"}, "not the same"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "At least 12"),
    ):
        assert browser.post("/console/account/password", fields).status_code == 422
        assert said in browser.text
    before = dict(browser.cookies)
    browser.follow(browser.post("/console/account/password", {"current": PASSWORD, "password": NEW, "again": NEW}))
    assert "password is changed" in browser.text
    assert other.get("/console").status_code == 303
    assert browser.get("/console").status_code == 200
    stolen = desk.browser()
    stolen.cookies = before
    assert stolen.get("/console").status_code == 303
    assert desk.browser().sign_in(browser.operator.address).status_code == 422
    assert desk.browser().sign_in(browser.operator.address, NEW).status_code == 303


def test_who_sits_at_an_open_desk_cannot_guess_the_password_there(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.EDITOR)
    browser.get("/console/account")
    for _ in range(8):
        browser.post("/console/account/password", {"current": "a guess", "password": NEW, "again": NEW})
    right = {"current": PASSWORD, "password": NEW, "again": NEW}
    assert browser.post("/console/account/password", right).status_code == 422


def test_sessions_are_listed_and_ended(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.EDITOR)
    others = [desk.browser() for _ in range(2)]
    for other in others:
        other.ask(
            "POST",
            "/console/sign-in",
            data={"address": browser.operator.address, "password": PASSWORD},
            headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"},
        )
    browser.get("/console/account")
    assert browser.text.count("Firefox on Linux") >= 2
    assert "this one" in browser.text
    number = re.search(r"/console/account/sessions/(\d+)/end", browser.page)
    assert number
    browser.follow(browser.post(f"/console/account/sessions/{number[1]}/end"))
    assert [other.get("/console").status_code for other in others].count(303) == 1
    browser.follow(browser.post("/console/account/sessions/end"))
    assert "Other sessions ended: 1" in browser.text
    assert [other.get("/console").status_code for other in others] == [303, 303]
    # Nobody ends what is somebody else's.
    stranger = desk.signed_in(OperatorRole.EDITOR)
    mine = desk.app.store.operators.sessions(browser.operator.id)[0].id
    stranger.get("/console/account")
    stranger.post(f"/console/account/sessions/{mine}/end")
    assert browser.get("/console").status_code == 200


def test_a_token_is_shown_once_works_within_its_scopes_and_ends(desk: Desk) -> None:
    browser = desk.signed_in(OperatorRole.EDITOR)
    browser.get("/console/account")
    wish = {"name": "cms", "scope": ["articles:read", "articles:write"], "days": "30", "current": PASSWORD}
    assert browser.post("/console/account/tokens", {**wish, "current": "wrong"}).status_code == 422
    assert browser.post("/console/account/tokens", {**wish, "scope": ["admin"]}).status_code == 422
    assert browser.post("/console/account/tokens", {**wish, "scope": ["account"]}).status_code == 422
    assert browser.post("/console/account/tokens", {**wish, "name": " "}).status_code == 422
    browser.post("/console/account/tokens", wish)
    text = re.search(r"dg_[\w-]{43}", browser.page)
    assert text
    browser.get("/console/account")
    assert text[0] not in browser.page
    found = desk.app.entrance.token(text[0])
    assert found is not None
    token, owner = found
    allowed = desk.app.entrance.allowed(owner, token)
    assert allowed == {Permission.ARTICLES_READ, Permission.ARTICLES_WRITE}
    assert desk.app.entrance.token(text[0][:-1] + "A" if text[0][-1] != "A" else text[0][:-1] + "B") is None
    assert desk.app.entrance.token("dg_" + "x" * 5000) is None
    assert desk.app.entrance.token(text[0].removeprefix("dg_")) is None
    desk.clock.pass_(days=31)
    assert desk.app.entrance.token(text[0]) is None
    desk.clock.ahead *= 0
    stranger = desk.signed_in(OperatorRole.EDITOR)
    stranger.get("/console/account")
    assert stranger.post(f"/console/account/tokens/{token.id}/end").status_code == 409
    browser.follow(browser.post(f"/console/account/tokens/{token.id}/end"))
    assert desk.app.entrance.token(text[0]) is None
    assert browser.post(f"/console/account/tokens/{token.id}/end").status_code == 409
    with pytest.raises(InputError):
        desk.app.account.add_token(owner, "long", [Permission.ARTICLES_READ], days=4000, by=TERMINAL)


def test_a_token_is_never_more_than_its_owners_role(desk: Desk) -> None:
    one = desk.add(OperatorRole.ADMIN)
    _, text = desk.app.account.add_token(one, "all", [Permission.ADMIN, Permission.DESK_READ], days=1, by=TERMINAL)
    desk.app.staff.set_role(one.id, OperatorRole.EDITOR, by=TERMINAL)
    found = desk.app.entrance.token(text)
    assert found is not None
    assert desk.app.entrance.allowed(found[1], found[0]) == {Permission.DESK_READ}


# ---- people


def test_another_role_ends_sessions_and_nobody_changes_their_own(desk: Desk) -> None:
    admin, editor = desk.signed_in(), desk.signed_in(OperatorRole.EDITOR)
    number = editor.operator.id
    admin.get(f"/console/operators/{number}")
    admin.follow(admin.post(f"/console/operators/{number}/role", {"role": "publisher"}))
    assert "is publisher now" in admin.text
    assert editor.get("/console").status_code == 303
    admin.follow(admin.post(f"/console/operators/{number}/role", {"role": "publisher"}))  # again: nothing happens
    mine = admin.operator.id
    admin.get(f"/console/operators/{mine}")
    assert "This is you" in admin.text
    for act in ("role", "disable"):
        assert admin.post(f"/console/operators/{mine}/{act}", {"role": "editor"}).status_code == 409
    assert admin.get("/console/operators/4711").status_code == 404


def test_the_last_admin_stays(strict: Desk) -> None:
    first, second = strict.add(OperatorRole.ADMIN), strict.add(OperatorRole.ADMIN)
    staff = strict.app.staff
    staff.disable(second.id, by=TERMINAL)
    for act in (
        lambda: staff.disable(first.id, by=TERMINAL),
        lambda: staff.set_role(first.id, OperatorRole.EDITOR, by=TERMINAL),
    ):
        with pytest.raises(StateError, match="the last admin"):
            act()
    link = staff.enable(second.id, by=TERMINAL)
    with pytest.raises(StateError, match="the last admin"):  # who is only invited cannot sign in yet
        staff.disable(first.id, by=TERMINAL)
    staff.choose_password(link, NEW, origin=TERMINAL)
    staff.disable(first.id, by=TERMINAL)
    assert [one.state for one in staff.list()] == [OperatorState.DISABLED, OperatorState.ACTIVE]


def test_an_admin_helps_who_lost_phone_and_password(desk: Desk) -> None:
    admin, editor = desk.signed_in(), desk.signed_in(OperatorRole.EDITOR)
    enrol(desk, editor)
    number = editor.operator.id
    _, text = desk.app.account.add_token(editor.operator, "cms", [Permission.DESK_READ], days=9, by=TERMINAL)
    admin.get(f"/console/operators/{number}")
    token = desk.app.store.operators.tokens(number)[0].id
    admin.follow(admin.post(f"/console/operators/{number}/tokens/{token}/end"))
    assert desk.app.entrance.token(text) is None
    admin.follow(admin.post(f"/console/operators/{number}/sessions"))
    assert editor.get("/console").status_code == 303
    admin.post(f"/console/operators/{number}/reset", {"factor": "on"})
    assert "One-time link" in admin.text
    one = desk.app.staff.get(number)
    assert not one.second_factor
    assert desk.log(object=one.address, act="operator.reset")[-1].details == {"second factor": True}
    desk.app.staff.disable(number, by=TERMINAL)
    for act in (
        lambda: desk.app.staff.reset(number, by=TERMINAL),
        lambda: desk.app.account.add_token(
            desk.app.staff.get(number), "x", [Permission.DESK_READ], days=1, by=TERMINAL
        ),
    ):
        with pytest.raises(StateError, match="disabled"):
            act()
    admin.get(f"/console/operators/{number}")
    assert admin.post(f"/console/operators/{number}/enable").status_code == 200
    assert admin.post(f"/console/operators/{number}/enable").status_code == 409
    with pytest.raises(InputError):
        desk.app.staff.set_password(number, "short", by=TERMINAL)
