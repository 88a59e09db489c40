"""Readings are counted as numbers: machines, repeats and whoever asked not to be counted are left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.errors import StoreError
from digest.web.reads import Counter, is_person

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/130.0", "accept-language": "en"}
NOON = datetime(2018, 7, 18, 12, tzinfo=UTC)


class Kept(list[tuple[str, date]]):
    def add(self, story: str, day: date) -> None:
        self.append((story, day))


def counter(kept: Kept) -> Counter:
    keys = iter(bytes([number]) * 32 for number in range(1, 99))
    return Counter(kept.add, ZoneInfo("Asia/Shanghai"), lambda: next(keys))


def test_a_person_counts_once_a_day_and_a_story() -> None:
    kept = Kept()
    one = counter(kept)
    assert one.count("a", "GET", BROWSER, "192.0.2.0/24", NOON)
    assert not one.count("a", "GET", BROWSER, "192.0.2.0/24", NOON + timedelta(hours=1))
    assert one.count("b", "GET", BROWSER, "192.0.2.0/24", NOON)
    assert one.count("a", "GET", BROWSER, "198.51.100.0/24", NOON)
    assert one.count("a", "GET", BROWSER, "192.0.2.0/24", NOON + timedelta(hours=5)), "16:00 UTC is the next day there"
    assert kept == [
        ("a", date(2018, 7, 18)),
        ("b", date(2018, 7, 18)),
        ("a", date(2018, 7, 18)),
        ("a", date(2018, 7, 19)),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"user-agent": "curl/8.0"},
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"user-agent": "Mozilla/5.0 (X11) HeadlessChrome/130"},
        {"user-agent": "Mozilla/5.0 (compatible; Outlook link preview)"},
        {**BROWSER, "sec-purpose": "prefetch;prerender"},
        {**BROWSER, "purpose": "prefetch"},
        {**BROWSER, "x-moz": "prefetch"},
        {**BROWSER, "dnt": "1"},
        {**BROWSER, "sec-gpc": "1"},
    ],
)
def test_machines_and_whoever_does_not_want_it_are_not_counted(headers: dict[str, str]) -> None:
    kept = Kept()
    assert not is_person(headers)
    assert not counter(kept).count("a", "GET", headers, "192.0.2.0/24", NOON)
    assert kept == []


def test_what_is_not_a_get_is_not_counted() -> None:
    kept = Kept()
    assert not counter(kept).count("a", "HEAD", BROWSER, "192.0.2.0/24", NOON)
    assert kept == []


def test_no_address_and_no_browser_is_kept_and_the_key_is_drawn_anew_each_day() -> None:
    one = counter(Kept())
    one.count("a", "GET", BROWSER, "192.0.2.0/24", NOON)
    (first,) = one._seen
    assert b"192" not in first
    one.count("a", "GET", BROWSER, "192.0.2.0/24", NOON + timedelta(days=1))
    assert one._seen != {first}
    assert len(one._seen) == 1


def test_a_flood_is_counted_to_a_bound_and_a_failing_store_fails_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.web.reads._KNOWN", 2)
    kept = Kept()
    one = counter(kept)
    for number in range(5):
        one.count("a", "GET", BROWSER, f"network {number}", NOON)
    assert len(kept) == 2

    def fail(*_: object) -> None:
        raise StoreError("it is locked")

    assert not Counter(fail, ZoneInfo("UTC")).count("a", "GET", BROWSER, "x", NOON)
