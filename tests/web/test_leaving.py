"""Leaving and choosing: by a link, in one click, with a way back; and nothing by merely looking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.app import now
from digest.model import Consent, Length, Preferences
from tests.web.conftest import SECOND, Here, tree

ADA = "ada@example.net"
FORMS = {"Content-Type": "application/x-www-form-urlencoded"}


def path(url: str) -> str:
    return url.removeprefix("https://weekly.example.com")


def test_leaving_asks_first(here: Here) -> None:
    number = here.reader()
    page = here.browser.get(here.app.links.unsubscribe(number))
    assert page.status_code == 200
    assert "Harbour Report" in page.text
    assert tree(page.text).xpath("//form[@method='post']//button[@value='leave']")
    assert here.state() == "active"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        ("", "text/plain"),
    ],
)
def test_one_click_leaves_without_cookie_page_or_redirect(here: Here, content: str, kind: str) -> None:
    number = here.reader()
    url = here.app.links.unsubscribe(number)
    headers = {"Content-Type": kind, "Origin": "https://mail.example.com", "Sec-Fetch-Site": "cross-site"}
    for _ in range(3):
        answer = here.browser.post(url, content=content, headers=headers)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert here.state() == "ended"
    withdrawn = here.app.store.subscribers.consents(number)[-1]
    assert withdrawn[0] is False
    assert len(here.app.store.subscribers.consents(number)) == 2


def test_nothing_is_sent_to_who_leaves(here: Here) -> None:
    here.browser.post(here.app.links.unsubscribe(here.reader()))
    assert here.settle() == []


@pytest.mark.parametrize("page", ["unsubscribe", "preferences", "confirm"])
@pytest.mark.parametrize("token", ["x", "k1.1.AAAAAAAAAAAAAAAAAAAA", "%00", "a" * 5000])
def test_a_bad_link_explains_itself(still: Here, page: str, token: str) -> None:
    still.reader()
    for answer in (still.browser.get(f"/{page}/{token}"), still.browser.post(f"/{page}/{token}")):
        assert answer.status_code == 404
        assert "This link is damaged" in answer.text
    assert still.state() == "active"


def test_a_link_to_somebody_erased_says_that_no_mail_comes(still: Here) -> None:
    for url in (still.app.links.unsubscribe(999), still.app.links.preferences(999)):
        for answer in (still.browser.get(url), still.browser.post(url)):
            assert answer.status_code == 200
            assert "You get no mails from us." in answer.text


def _undo(text: str) -> str:
    found = tree(text).xpath("//input[@name='undo']/@value")
    return str(found[0]) if found else ""


def test_leaving_can_be_taken_back_for_a_while(here: Here) -> None:
    number = here.reader()
    token = _undo(here.browser.post(here.app.links.unsubscribe(number)).text)
    answer = here.browser.post("/undo", data={"undo": token})
    assert answer.status_code == 200
    assert "Welcome back" in answer.text
    assert here.state() == "active"
    assert here.app.store.subscribers.get(number).consent.basis == "leaving was taken back"  # type: ignore[union-attr] # it has one
    assert here.browser.post("/undo", data={"undo": token}).status_code == 200  # a second time changes nothing
    assert here.browser.post("/undo", data={"undo": "x"}).status_code == 404
    old = here.app.links.undo(number, now() - timedelta(hours=2))
    assert here.browser.post("/undo", data={"undo": old}).status_code == 410


def test_only_who_left_by_a_link_and_lately_may_undo(here: Here) -> None:
    number = here.reader()
    url = here.app.links.unsubscribe(number)
    token = here.app.links.undo(number, now())
    subscriptions.remove(here.app.store, ADA, now())
    assert _undo(here.browser.get(url).text) == ""
    answer = here.browser.post("/undo", data={"undo": token})
    assert answer.status_code == 409
    assert here.state() == "ended"


def test_the_page_of_leaving_offers_less(here: Here) -> None:
    number = here.reader()
    url = here.app.links.unsubscribe(number)
    answer = here.browser.post(url, content="act=pause", headers=FORMS)
    assert "Paused" in answer.text
    assert here.state() == "paused"
    assert 'value="pause"' not in here.browser.get(url).text
    here.browser.post(url, content="act=leave", headers=FORMS)
    assert here.state() == "ended"
    assert "You are not subscribed" in here.browser.post(url, content="act=pause", headers=FORMS).text
    assert here.state() == "ended"


def test_everything_can_be_left_at_once(make: Callable[..., Here]) -> None:
    here = make(SECOND)
    number, other = here.reader(), here.reader(digest="ports")
    page = here.browser.get(here.app.links.unsubscribe(number))
    assert "Port Report" in page.text
    here.browser.post(here.app.links.unsubscribe(number))
    assert (here.state(), here.state(digest="ports")) == ("ended", "active")
    here.browser.post(here.app.links.unsubscribe(other), content="act=leave-all", headers=FORMS)
    assert here.state(digest="ports") == "ended"


# ---- choices


def test_choices_are_shown_and_kept(here: Here) -> None:
    number = here.reader()
    here.app.store.subscribers.prefer(number, Preferences(regions=("CN-GD", "BR"), themes=("trade",)), now())
    url = here.app.links.preferences(number)
    page = tree(here.browser.get(url).text)
    ticked = set(page.xpath("//input[@checked]/@value"))
    assert {"CN-GD", "BR", "trade", "full"} <= ticked  # Brazil is no section, but chosen: it is offered
    answer = here.browser.post(
        url,
        data={
            "act": "save",
            "region": ["IL"],
            "more": "Brazil",
            "theme": [],
            "length": "headlines",
            "language": "zh-Hans",
        },
    )
    assert "Your choices are saved" in answer.text
    kept = here.app.store.subscribers.get(number).preferences
    assert kept == Preferences(regions=("IL", "BR"), language="zh-Hans", length=Length.HEADLINES)
    answer = here.browser.post(url, data={"act": "save", "more": "Nowhereland", "region": "IL"})
    assert answer.status_code == 422
    assert here.app.store.subscribers.get(number).preferences == kept
    here.browser.post(url, data={"act": "save"})
    assert here.app.store.subscribers.get(number).preferences == Preferences(language="en")


def test_a_pause_begins_and_ends(here: Here) -> None:
    url = here.app.links.preferences(here.reader())
    assert "Paused" in here.browser.post(url, data={"act": "pause"}).text
    assert here.state() == "paused"
    assert "Your subscription is paused." in here.browser.get(url).text
    assert "Resumed" in here.browser.post(url, data={"act": "resume"}).text
    assert here.state() == "active"


def test_digests_are_chosen_too(make: Callable[..., Here]) -> None:
    here = make(SECOND)
    number = here.reader()
    url = here.app.links.preferences(number)
    here.browser.post(url, data={"act": "save", "digest": ["weekly", "ports"], "region": "IL"})
    assert here.state(digest="ports") == "active"
    (other,) = [one for one in here.app.store.subscribers.of(ADA) if one.digest == "ports"]
    assert other.preferences.regions == ("IL",)
    assert other.consent is not None
    assert other.consent.basis == "page of choices"
    here.browser.post(url, data={"act": "save", "digest": ["weekly"]})
    assert here.state(digest="ports") == "ended"
    here.browser.post(url, data={"act": "save", "digest": ["weekly", "ports"]})
    assert here.state(digest="ports") == "active"
    answer = here.browser.post(url, data={"act": "save"})
    assert "You are not subscribed" in answer.text
    assert (here.state(), here.state(digest="ports")) == ("ended", "ended")
    assert "You are not subscribed" in here.browser.get(url).text


def test_consents_are_kept_with_time_origin_and_text(here: Here) -> None:
    number = here.reader()
    here.browser.post(here.app.links.unsubscribe(number))
    given = here.app.store.subscribers.consents(number)
    assert [one for one, _ in given] == [True, False]
    assert isinstance(given[0][1], Consent)
