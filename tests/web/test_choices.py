"""The page of choices: when and how often, pauses that end, a private feed, one's data, being forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest import subscriptions
from digest.app import now
from digest.errors import NotFound
from digest.model import Consent, Preferences, Timing
from digest.store import ERASED
from digest.subscriptions import add
from digest.web import limits
from tests.web.conftest import EDITION, SECOND, Here, tree

ADA = "ada@example.net"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def path(url: str) -> str:
    return url.removeprefix("https://weekly.example.com")


@pytest.fixture
def reader(here: Here) -> tuple[Here, int, str]:
    number = here.reader()
    return here, number, here.app.links.preferences(number)


def test_day_hour_zone_and_frequency_are_kept_and_shown(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    chosen = {"act": "save", "day": "4", "hour": "18", "zone": "Europe/Brussels", "every": "4"}
    assert "Your choices are saved" in here.browser.post(url, data=chosen).text
    timing = here.app.store.subscribers.get(number).preferences.timing
    assert timing == Timing(day=4, hour=18, zone="Europe/Brussels", every=4)
    page = tree(here.browser.get(url).text)
    assert page.xpath("//select[@name='day']/option[@selected]/text()") == ["Friday"]
    assert page.xpath("//select[@name='hour']/option[@selected]/@value") == ["18"]
    assert page.xpath("//select[@name='every']/option[@selected]/@value") == ["4"]
    assert page.xpath("//input[@name='zone']/@value") == ["Europe/Brussels"]
    here.browser.post(url, data={"act": "save", "day": "", "hour": "", "zone": "Asia/Shanghai", "every": "1"})
    assert here.app.store.subscribers.get(number).preferences.timing is None


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("day", "7", None),
        ("day", "-1", None),
        ("day", "٣", None),
        ("hour", "24", None),
        ("every", "0", None),
        ("every", "99999", None),
        ("hour", "0", Timing(hour=0)),
    ],
)
def test_what_no_form_of_ours_sends_counts_for_nothing(
    reader: tuple[Here, int, str], field: str, value: str, kept: Timing | None
) -> None:
    here, number, url = reader
    assert here.browser.post(url, data={"act": "save", field: value}).status_code == 200
    assert here.app.store.subscribers.get(number).preferences.timing == kept


def test_a_zone_that_nobody_knows_is_pointed_out(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    answer = here.browser.post(url, data={"act": "save", "zone": "../etc/<b>passwd", "day": "3"})
    assert answer.status_code == 422
    page = tree(answer.text)
    assert page.get_element_by_id("zone").get("aria-invalid") == "true"
    assert page.xpath("//select[@name='day']/option[@selected]/@value") == ["3"]  # what was chosen stays
    assert "<b>passwd" not in answer.text
    assert here.app.store.subscribers.get(number).preferences.timing is None


# ---- less


def test_a_pause_ends_on_its_day(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    day = (now().astimezone(SHANGHAI) + timedelta(days=14)).date()
    answer = here.browser.post(url, data={"act": "pause", "until": day.isoformat()})
    assert "Paused: no mail comes until" in answer.text
    resumes = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    assert here.app.store.subscribers.get(number).resumes == resumes
    here.moment = resumes - timedelta(minutes=1)
    here.app.reception.settle()
    assert here.state() == "paused"
    here.moment = resumes
    here.app.reception.settle()
    assert here.state() == "active"


@pytest.mark.parametrize("until", ["yesterday", "2018-01-01", "9999-12-31", "2018-02-31", "\x00"])
def test_a_day_that_cannot_be_is_pointed_out(reader: tuple[Here, int, str], until: str) -> None:
    here, _, url = reader
    for page in (url, here.app.links.unsubscribe(1)):
        answer = here.browser.post(page, data={"act": "pause", "until": until})
        assert answer.status_code == (200 if until == "\x00" else 422)
    assert here.state() == ("paused" if until == "\x00" else "active")  # a NUL is nothing, and no day is no end


def test_less_often_keeps_the_other_choices(reader: tuple[Here, int, str]) -> None:
    here, number, _ = reader
    chosen = Preferences(regions=("IL",), timing=Timing(day=2))
    here.app.store.subscribers.prefer(number, chosen, now())
    page = here.browser.get(here.app.links.unsubscribe(number))
    assert "one edition in 4" in page.text
    assert "Less often it is" in here.browser.post(page.url.path, data={"act": "less"}).text
    kept = here.app.store.subscribers.get(number).preferences
    assert kept == Preferences(regions=("IL",), timing=Timing(day=2, every=4))
    assert 'value="less"' not in here.browser.get(page.url.path).text
    assert here.state() == "active"


def test_a_copy_of_an_edition_that_is_not_wanted_is_skipped(reader: tuple[Here, int, str]) -> None:
    here, number, _ = reader
    here.app.store.subscribers.prefer(number, Preferences(timing=Timing(every=2)), now())
    here.app.pipeline.deliver(EDITION)
    (copy,) = here.app.store.campaigns.deliveries(EDITION)
    assert copy.state.value == "skipped"
    assert copy.reason == "its reader wants one edition in 2, and this is No. 1"


# ---- a private feed


def test_a_private_feed_holds_what_its_reader_chose_and_can_be_revoked(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    here.app.store.subscribers.prefer(number, Preferences(regions=("IL",)), now())
    page = tree(here.browser.post(url, data={"act": "open-feed"}).text)
    (address,) = page.xpath("//input[@id='feed']/@value")
    assert "@" not in address
    feed = here.browser.get(address)
    assert (feed.status_code, feed.headers["content-type"]) == (200, "application/atom+xml; charset=utf-8")
    assert "private" in feed.headers["cache-control"]
    assert feed.headers["x-robots-tag"] == "noindex"
    assert "Haifa start-up" in feed.text
    again = here.browser.get(address, headers={"If-None-Match": feed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    here.app.store.subscribers.prefer(number, Preferences(regions=("BR",)), now())
    changed = here.browser.get(address)
    assert "Haifa start-up" not in changed.text
    assert changed.headers["etag"] != feed.headers["etag"]
    assert "revoked" in here.browser.post(url, data={"act": "close-feed"}).text
    assert here.browser.get(address).status_code == 410
    here.browser.post(url, data={"act": "open-feed"})
    assert here.browser.get(address).status_code == 410  # a new feed has a new address
    assert here.browser.get(address[:-6] + "xx.xml").status_code == 404


def test_reading_by_feed_ends_the_mails_and_not_the_subscription(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    answer = here.browser.post(here.app.links.unsubscribe(number), data={"act": "feed"})
    assert "your own feed is ready" in answer.text
    assert here.state() == "paused"
    address = here.app.links.own_feed(here.app.store.people.feed_of(number))
    assert here.browser.get(address).status_code == 200
    here.browser.post(here.app.links.unsubscribe(number))
    assert here.browser.get(address).status_code == 410  # who left has left
    assert "You get no more mails" in here.browser.post(url, data={"act": "open-feed"}).text


def test_private_feeds_stand_in_no_public_place(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    here.browser.post(url, data={"act": "open-feed"})
    address = path(here.app.links.own_feed(here.app.store.people.feed_of(number)))
    for public in ("/", "/sitemap.xml", "/robots.txt", "/feeds/index.opml", "/feeds/atom.xml", "/editions/"):
        assert address not in here.browser.get(public).text


# ---- data


def test_a_person_downloads_all_that_is_held(make: Callable[..., Here]) -> None:
    here = make(SECOND)
    number = here.reader()
    here.reader(digest="ports")
    here.app.pipeline.deliver(EDITION)
    answer = here.browser.get(f"{here.app.links.preferences(number)}/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.text)
    assert told["address"] == ADA
    assert {one["digest"] for one in told["subscriptions"]} == {"weekly", "ports"}
    assert told["subscriptions"][0]["consents"][0]["basis"] == "import: test"
    assert [copy["edition"] for copy in told["copies"]] == [EDITION]


def test_who_is_erased_is_forgotten_everywhere(reader: tuple[Here, int, str]) -> None:
    here, number, url = reader
    here.app.pipeline.deliver(EDITION)
    asked = here.browser.get(f"{url}/erase")
    assert "This cannot be undone" in asked.text
    assert here.state() == "active"
    assert "You are erased" in here.browser.post(f"{url}/erase").text
    assert here.app.store.subscribers.of(ADA) == ()
    assert here.app.store.subscribers.suppression(ADA).cause == ERASED  # type: ignore[union-attr] # it is there
    for _ in range(2):
        assert "You are erased" in here.browser.post(f"{url}/erase").text  # a second time changes nothing
    assert "You are erased" in here.browser.get(f"{url}/erase").text
    for link in (url, here.app.links.unsubscribe(number), f"{url}/data"):
        assert "You get no mails from us." in here.browser.get(link).text
    fates = add(here.app.store, ADA, ["weekly"], consent=Consent(at=now(), basis="import"), now=now())
    assert set(fates.values()) == {"suppressed"}
    here.subscribe()
    here.app.reception.settle()
    assert [one.address for one in here.app.store.notices.deliveries()] == [ADA]  # their own wish is heard
    assert here.state() == "pending"


# ---- limits


def test_acts_are_limited_by_address_and_network_and_leaving_is_not(make: Callable[..., Here]) -> None:
    here = make("[web]\nacts_per_address = 2\nacts_per_network = 3\n")
    number = here.reader()
    url, leave = here.app.links.preferences(number), here.app.links.unsubscribe(number)
    assert [here.browser.post(url, data={"act": "pause"}).status_code for _ in range(3)] == [200, 200, 429]
    here.browser.client = "198.51.100.8"
    assert here.browser.post(url, data={"act": "resume"}).status_code == 200
    here.browser.client = "198.51.100.9"
    answer = here.browser.post(url, data={"act": "pause"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    here.browser.client = "2001:db8::1"
    assert [here.browser.post(url, data={"act": "resume"}).status_code for _ in range(2)] == [200, 200]
    here.browser.client = "2001:db8::2"  # the same customer
    assert here.browser.post(url, data={"act": "resume"}).status_code == 429
    for _ in range(5):
        assert here.browser.post(leave, content="List-Unsubscribe=One-Click").status_code == 200
    assert here.state() == "ended"


def test_one_address_may_ask_for_so_many_mails(make: Callable[..., Here]) -> None:
    here = make("[web]\nrequests_per_address = 2\n")
    assert [here.subscribe(f"reader{n}@example.net") for n in range(3)] == [200, 200, 429]
    here.browser.client = "198.51.100.8"
    assert here.subscribe("reader9@example.net") == 200


def test_leaving_is_offered_less_first(reader: tuple[Here, int, str]) -> None:
    here, number, _ = reader
    page = tree(here.browser.get(here.app.links.unsubscribe(number)).text)
    assert {button.get("value") for button in page.xpath("//button")} >= {"leave", "pause", "less", "feed"}
    subscriptions.pause(here.app.store, number, now())
    page = tree(here.browser.get(here.app.links.unsubscribe(number)).text)
    assert {"pause", "less"} & {button.get("value") for button in page.xpath("//button")} == set()


def test_a_limit_forgets_what_is_an_hour_old_and_who_was_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEPT", 2)
    limit, start = limits.Limit(1), now()
    assert limit.take("a", start)
    assert not limit.take("a", start + timedelta(minutes=59))
    assert limit.take("a", start + timedelta(hours=1))
    assert limit.take("b", start)
    assert limit.take("c", start)
    assert limit.take("a", start + timedelta(hours=1))  # it made room for others
    assert limits.sender_of("::ffff:198.51.100.7") == limits.sender_of("198.51.100.7") == "198.51.100.7"
    assert limits.sender_of("2001:db8::1%eth0") == limits.sender_of("2001:db8::2") == "2001:db8::/64"
    assert limits.sender_of("testclient") == "unknown"


def test_who_has_left_is_not_paused_and_gets_no_feed(reader: tuple[Here, int, str]) -> None:
    here, number, _ = reader
    subscriptions.leave(here.app.store, number, now())
    for act in (subscriptions.pause, subscriptions.read_by_feed):
        assert act(here.app.store, number, now()).state.value == "ended"
    assert subscriptions.read_less(here.app.store, number, 4, now()).state.value == "ended"
    assert here.app.store.people.feed_of(number) == 0
    subscriptions.erase(here.app.store, ADA, now())
    with pytest.raises(NotFound):
        subscriptions.erase(here.app.store, "nobody@example.net", now())
