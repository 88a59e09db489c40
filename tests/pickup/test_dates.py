"""Dates as pages print them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.pickup import dates

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2018/07/20 01:32:33", "2018-07-20T01:32:33+00:00"),
        ("2018-04-10 04:16:48", "2018-04-10T04:16:48+00:00"),
        ("2018.4.10", "2018-04-10T00:00:00+00:00"),
        ("Published: 20 July 2018, 09:15 GMT", "2018-07-20T09:15:00+00:00"),
        ("2018年07月20日 09:15 来源：新华网", "2018-07-20T09:15:00+00:00"),
        ("2018年7月20日 星期五 下午3时20分", "2018-07-20T15:20:00+00:00"),
        ("2018年7月20日上午9时", "2018-07-20T09:00:00+00:00"),
        ("July 20, 2018 / 9:15 AM / Updated 2 hours ago", "2018-07-20T09:15:00+00:00"),
        ("Jul. 20th, 2018 at 12 a.m.", "2018-07-20T00:00:00+00:00"),
        ("09:15, 20-Jul-2018", "2018-07-20T09:15:00+00:00"),
        ("11:32 AM EST, July 20, 2018", "2018-07-20T11:32:00-05:00"),
        ("9:15am Friday, 20 Jul 2018", "2018-07-20T09:15:00+00:00"),
        ("Sep. 3, 2019 3:15 p.m. ET", "2019-09-03T15:15:00-04:00"),
        ("20 Jul 2018 | 09:15 UTC+8", "2018-07-20T09:15:00+08:00"),
        ("20 Jul 2018 09:15 +0530", "2018-07-20T09:15:00+05:30"),
        ("20 Jul 2018 09:15 GMT-03:30", "2018-07-20T09:15:00-03:30"),
        ("2018-07-20 09:15 Beijing time", "2018-07-20T09:15:00+08:00"),
        ("2018-07-20T09:15:00Z", "2018-07-20T09:15:00+00:00"),
        ("April 12, 2019 GMT", "2019-04-12T00:00:00+00:00"),
        ("20/07/2018 10:00", "2018-07-20T10:00:00+00:00"),
        ("07/20/2018", "2018-07-20T00:00:00+00:00"),
        ("3. März 2019", "2019-03-03T00:00:00+00:00"),
        ("3 de mayo de 2019", "2019-05-03T00:00:00+00:00"),
        ("2018-07-20 99:99", "2018-07-20T00:00:00+00:00"),
        ("2018-07-20 25:10", "2018-07-20T00:00:00+00:00"),
        ("20 July 2018 July 21, 2018", "2018-07-20T00:00:00+00:00"),
    ],
)
def test_a_date_is_found(text: str, iso: str) -> None:
    stamps = dates.find(text)
    assert stamps
    assert stamps[0].instant(UTC).isoformat() == iso
    assert text[stamps[0].start : stamps[0].end].strip() == text[stamps[0].start : stamps[0].end]


@pytest.mark.parametrize(
    "text", ["04/05/2018", "31/02/2018", "2018-13-01", "February 30, 2018", "12345-67-89", "no date", "1.2.3", ""]
)
def test_what_is_none_or_doubtful_is_not_found(text: str) -> None:
    assert dates.find(text) == []


def test_two_dates_of_a_line() -> None:
    first, second = dates.find("Published : 20 Jul, 2018, 9:15pm Updated : 21 Jul, 2018, 10:00am")
    assert (first.moment, second.moment) == (datetime(2018, 7, 20, 21, 15), datetime(2018, 7, 21, 10, 0))
    assert first.zone is None
    assert first.timed


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2018-07-20", "2018-07-20T00:00:00+08:00"),
        ("2018-07-20 09:15", "2018-07-20T09:15:00+08:00"),
        ("2018-07-20T09:15:00.123Z", "2018-07-20T09:15:00.123000+00:00"),
        ("2018-07-20T09:15:00+0200", "2018-07-20T09:15:00+02:00"),
        ("Fri, 20 Jul 2018 09:15:00 GMT", "2018-07-20T09:15:00+00:00"),
        ("Fri, 20 Jul 2018 09:15:00", "2018-07-20T09:15:00+08:00"),
        ("Fri, 20 Jul 2018 09:15:00 -0000", "2018-07-20T09:15:00+08:00"),
        ("July 20, 2018", "2018-07-20T00:00:00+08:00"),
        ("Friday: July 20, 2018", "2018-07-20T00:00:00+08:00"),
        ("2018-7-2T9:5:9+1:00", "2018-07-02T09:05:09+01:00"),
        ("2018-7-2 9:05", "2018-07-02T09:05:00+08:00"),
        ("2018-7-2T9:05:1.5Z", "2018-07-02T09:05:01+00:00"),
        ("20180720", "2018-07-20T00:00:00+08:00"),
        ("20180720T091500Z", "2018-07-20T09:15:00+00:00"),
        ("Fri, 20 Jul 2018 23:59:60 GMT", "2018-07-20T23:59:59+00:00"),
        ("2018-07-20T23:59:60Z", "2018-07-20T23:59:59+00:00"),
        ("Friday, July 20, 2018 7:48 PM", "2018-07-20T19:48:00+08:00"),
        ("Fri, 20 Jul 2018 09:15:00 MEST", "2018-07-20T09:15:00+02:00"),
        ("Fri, 20 July 2018 09:15:00 ET", "2018-07-20T09:15:00-04:00"),
        ("20181320", None),
        ("2018-02-31", None),
        ("2018-13-01T9:5", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_field_is_read(value: str, iso: str | None) -> None:
    moment = dates.read(value, ZoneInfo("Asia/Shanghai"))
    assert (moment.isoformat() if moment else None) == iso


def test_what_can_be_believed() -> None:
    assert dates.plausible(None, NOW) is None
    assert dates.plausible(datetime(2021, 6, 3, tzinfo=UTC), NOW) is not None
    assert dates.plausible(datetime(2021, 7, 3, tzinfo=UTC), NOW) is None
    assert dates.plausible(datetime(1600, 1, 1, tzinfo=UTC), NOW) is None


def test_a_day_without_a_year() -> None:
    assert dates.with_year("May", 20, NOW) == date(2021, 5, 20)
    assert dates.with_year("12", 20, datetime(2021, 1, 5, tzinfo=UTC)) == date(2020, 12, 20)
    assert dates.with_year("June", 2, NOW) == date(2021, 6, 2)
    assert dates.with_year("Nov", 20, NOW) is None
    assert dates.with_year("Feb", 30, datetime(2021, 3, 1, tzinfo=UTC)) is None


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789 -/.:年月日时分,JulyAPMGT+Z|", max_size=40))
def test_any_line_can_be_looked_at(text: str) -> None:
    for stamp in dates.find(text):
        assert 0 <= stamp.start < stamp.end <= len(text)
    dates.read(text, UTC)
