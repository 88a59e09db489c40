from __future__ import annotations

import hmac
import random
import re
import string
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ConfigError, LinkError
from digest.links import Key, Links

OLD = Key("k1", "a" * 40)
NEW = Key("k2", "b" * 40)
NOW = datetime(2018, 7, 23, 8, 0, tzinfo=UTC)
BASE = "https://news.example.org"
LINKS = Links(BASE + "/", [OLD])


def token(url: str) -> str:
    return url.rsplit("/", 1)[1]


@given(st.integers(min_value=1, max_value=10**18))
@settings(max_examples=50, deadline=None)
def test_tokens_read_back(number: int) -> None:
    assert LINKS.read_unsubscribe(token(LINKS.unsubscribe(number))) == number
    assert LINKS.read_preferences(token(LINKS.preferences(number))) == number


def test_a_link_is_absolute_short_and_safe_in_a_url() -> None:
    url = LINKS.unsubscribe(1_000_000)
    assert url.startswith(BASE + "/unsubscribe/k1.1000000.")
    assert re.fullmatch(r"[A-Za-z0-9._-]{20,40}", token(url))


@given(st.integers(min_value=1, max_value=10**18))
@settings(max_examples=30, deadline=None)
def test_a_copys_two_links_are_those_that_are_made_one_by_one(number: int) -> None:
    assert LINKS.of_copy(number) == (LINKS.preferences(number), LINKS.unsubscribe(number))


def test_tokens_are_signed_by_the_librarys_hmac() -> None:
    """Links that were mailed work for ever: what signs them must not change."""
    for purpose, made in (("unsubscribe", LINKS.unsubscribe(77)), ("preferences", LINKS.of_copy(77)[0])):
        key = hmac.digest(OLD.secret.encode(), f"digest links {purpose}".encode(), "sha256")
        mac = urlsafe_b64encode(hmac.digest(key, b"77", "sha256")[:15]).decode()
        assert token(made) == f"k1.77.{mac}"


def test_a_token_for_one_thing_is_never_read_as_another() -> None:
    confirm = token(LINKS.confirm([7], NOW))
    for foreign in (token(LINKS.preferences(7)), confirm):
        with pytest.raises(LinkError, match="damaged"):
            LINKS.read_unsubscribe(foreign)
    for foreign in (token(LINKS.unsubscribe(7)), confirm):
        with pytest.raises(LinkError):
            LINKS.read_preferences(foreign)
    for foreign in (token(LINKS.unsubscribe(7)), token(LINKS.preferences(7))):
        with pytest.raises(LinkError):
            LINKS.read_confirm(foreign, NOW, timedelta(days=7))


def test_ten_thousand_forged_and_damaged_tokens_do_not_verify() -> None:
    chance = random.Random(29)
    letters = string.ascii_letters + string.digits + "._-=+/ %\x00\nüé"
    good = token(LINKS.unsubscribe(123456))
    for round_number in range(10_000):
        if round_number % 2:
            place = chance.randrange(len(good))
            letter = chance.choice([letter for letter in letters if letter != good[place]])
            forged = good[:place] + letter + good[place + 1 :]
        else:
            mac = "".join(chance.choices(string.ascii_letters + string.digits + "-_", k=20))
            forged = f"k1.{chance.randrange(1, 10**6)}.{mac}"
        with pytest.raises(LinkError):
            LINKS.read_unsubscribe(forged)


@pytest.mark.parametrize(
    "forged", ["", ".", "..", "k1..", "k9.1.aaaaaaaaaaaaaaaaaaaa", "k1.0.aaaaaaaaaaaaaaaaaaaa", "x" * 10**6, "k1.١.a"]
)
def test_oddities_do_not_verify(forged: str) -> None:
    for read in (LINKS.read_unsubscribe, LINKS.read_preferences):
        with pytest.raises(LinkError):
            read(forged)
    with pytest.raises(LinkError):
        LINKS.read_confirm(forged, NOW, timedelta(days=7))


@pytest.mark.parametrize("change", [" ", "\n", "=", "A"])
def test_a_token_with_something_behind_it_does_not_verify(change: str) -> None:
    with pytest.raises(LinkError):
        LINKS.read_unsubscribe(token(LINKS.unsubscribe(7)) + change)


def test_old_keys_verify_after_rotation_and_unknown_ones_do_not() -> None:
    rotated = Links(BASE, [NEW, OLD])
    assert rotated.key_id == "k2"
    assert rotated.read_unsubscribe(token(LINKS.unsubscribe(7))) == 7
    assert rotated.read_confirm(token(LINKS.confirm([7], NOW)), NOW, timedelta(days=1)) == ((7,), NOW)
    assert token(rotated.unsubscribe(7)).startswith("k2.")
    with pytest.raises(LinkError):
        LINKS.read_unsubscribe(token(rotated.unsubscribe(7)))
    with pytest.raises(LinkError):
        LINKS.read_confirm(token(rotated.confirm([7], NOW)), NOW, timedelta(days=1))


def test_the_same_id_with_another_secret_does_not_verify() -> None:
    with pytest.raises(LinkError):
        Links(BASE, [Key("k1", "c" * 40)]).read_unsubscribe(token(LINKS.unsubscribe(7)))


def test_confirming_expires() -> None:
    confirm = token(LINKS.confirm([7], NOW))
    assert LINKS.read_confirm(confirm, NOW + timedelta(days=6), timedelta(days=7)) == ((7,), NOW)
    with pytest.raises(LinkError, match="expired"):
        LINKS.read_confirm(confirm, NOW + timedelta(days=8), timedelta(days=7))


def test_an_undo_and_a_form_are_dated_too() -> None:
    undo, form = LINKS.undo(7, NOW), LINKS.form("subscribe", NOW)
    soon, day = NOW + timedelta(seconds=5), timedelta(days=1)
    assert LINKS.read_undo(undo, soon, day) == 7
    assert LINKS.read_form("subscribe", form, soon, day) == timedelta(seconds=5)
    with pytest.raises(LinkError):
        LINKS.read_form("preferences", form, soon, day)
    with pytest.raises(LinkError):
        LINKS.read_undo(form, soon, day)
    with pytest.raises(LinkError) as expired:
        LINKS.read_undo(undo, NOW + timedelta(days=2), day)
    assert expired.value.expired


def test_a_notice_has_a_message_id_of_its_own() -> None:
    made = LINKS.notice_id("confirm:7:2018-07-23", "news.example.org")
    assert made == LINKS.notice_id("confirm:7:2018-07-23", "news.example.org")
    assert made != LINKS.notice_id("confirm:7:2018-07-24", "news.example.org")
    assert re.fullmatch(r"<[A-Za-z0-9_-]{24}@news\.example\.org>", made)


def test_a_message_id_is_the_same_every_time_and_tells_nothing() -> None:
    made = LINKS.message_id("weekly-2018-W29", 7, "news.example.org")
    assert made == Links("https://elsewhere.example", [OLD]).message_id("weekly-2018-W29", 7, "news.example.org")
    assert re.fullmatch(r"<[A-Za-z0-9_-]{24}@news\.example\.org>", made)
    others = {LINKS.message_id("weekly-2018-W29", number, "x.example") for number in range(1000)}
    others |= {LINKS.message_id(f"weekly-2018-W{week}", 7, "x.example") for week in range(10, 29)}
    assert len(others) == 1000 + 19


def test_a_campaign_goes_on_with_its_own_key_after_rotation() -> None:
    rotated = Links(BASE, [NEW, OLD])
    before = LINKS.message_id("weekly-2018-W29", 7, "x.example")
    assert rotated.message_id("weekly-2018-W29", 7, "x.example", key_id="k1") == before
    assert rotated.message_id("weekly-2018-W29", 7, "x.example") != before
    with pytest.raises(LinkError, match="put it back"):
        LINKS.message_id("weekly-2018-W29", 7, "x.example", key_id="k2")


def test_public_addresses_name_no_reader() -> None:
    assert LINKS.online("weekly-2018-W29") == BASE + "/editions/weekly-2018-W29.html"
    assert LINKS.online("../x?y#z") == BASE + "/editions/..%2Fx%3Fy%23z.html"
    assert LINKS.story("weekly-2018-W29", "ab12") == BASE + "/editions/weekly-2018-W29.html#s-ab12"
    assert LINKS.feed() == BASE + "/feeds/atom.xml"
    assert LINKS.feed("rss.xml", region="CN-GD") == BASE + "/feeds/regions/CN-GD/rss.xml"
    assert LINKS.feed("feed.json", theme="trade") == BASE + "/feeds/themes/trade/feed.json"


def test_list_id_cannot_be_broken_by_a_title() -> None:
    assert LINKS.list_id("weekly", "example.org") == "<weekly.example.org>"
    assert LINKS.list_id("weekly", "example.org", "The Weekly") == '"The Weekly" <weekly.example.org>'
    assert LINKS.list_id("weekly", "example.org", 'A"\r\n<x>\\') == '"A    x" <weekly.example.org>'


def test_a_return_path_names_its_delivery_and_survives_a_change_of_case() -> None:
    token = LINKS.return_path(123_456_789_012)
    assert token == token.lower()
    assert len(f"bounce+{token}") <= 64  # octets before the @ (RFC 5321, 4.5.3.1.1)
    assert LINKS.read_return_path(token) == LINKS.read_return_path(token.upper()) == 123_456_789_012
    for wrong in (token[:-1], token.replace("-1234", "-1235"), "k1-1-aaaaaaaaaaaaaaaa", "", "x" * 500):
        with pytest.raises(LinkError, match="not one of ours"):
            LINKS.read_return_path(wrong)


@pytest.mark.parametrize("number", [0, -1])
def test_only_numbers_of_subscriptions_get_links(number: int) -> None:
    with pytest.raises(ValueError, match="no number"):
        LINKS.unsubscribe(number)


def test_keys_are_checked_and_never_shown() -> None:
    assert "a" * 40 not in repr(OLD)
    assert Key.of("s" * 32).id == Key.of("s" * 32).id != Key.of("t" * 32).id
    for key_id, secret in (("K1", "a" * 40), ("", "a" * 40), ("k1", "short")):
        with pytest.raises(ConfigError, match=r"links\.secret"):
            Key(key_id, secret)
    with pytest.raises(ConfigError, match="no key"):
        Links(BASE, [])
    with pytest.raises(ConfigError, match="one id"):
        Links(BASE, [OLD, Key("k1", "c" * 40)])
