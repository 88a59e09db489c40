"""Time in the model: weeks and wall times, in every zone there is; and what identifies an article."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import PeriodError
from digest.model import (
    Article,
    Edition,
    Item,
    Judgement,
    Period,
    RegionTag,
    Reply,
    Role,
    Section,
    Story,
    ThemeGroup,
    local_instant,
)

ZONES = sorted(available_timezones() - {"localtime"})
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(1880, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(UTC).astimezone(zone).replace(tzinfo=None)


class Backwards(tzinfo):
    """A zone whose clocks went from 00:30 on Monday, 23 July 2018 back to 23:30 on Sunday, as St John's did."""

    change = datetime(2018, 7, 22, 23, 30)  # UTC

    def utcoffset(self, moment: datetime | None) -> timedelta:
        assert moment is not None
        naive = moment.replace(tzinfo=None)
        twice = datetime(2018, 7, 22, 23, 30) <= naive < datetime(2018, 7, 23, 0, 30)
        summer = not moment.fold if twice else naive < datetime(2018, 7, 23)
        return timedelta(hours=1 if summer else 0)

    def fromutc(self, moment: datetime) -> datetime:
        summer = moment.replace(tzinfo=None) < self.change
        local = moment + timedelta(hours=1 if summer else 0)
        return local.replace(fold=not summer and local.replace(tzinfo=None) < self.change + timedelta(hours=1))

    def dst(self, moment: datetime | None) -> timedelta:
        return self.utcoffset(moment)

    def tzname(self, moment: datetime | None) -> str:
        return "back"


class TestLocalInstant:
    @pytest.mark.parametrize(
        ("zone", "day", "at", "expected"),
        [
            ("Asia/Shanghai", date(2018, 7, 23), time(8), "2018-07-23T08:00:00+08:00"),
            ("Europe/Brussels", date(2018, 3, 25), time(2, 30), "2018-03-25T03:00:00+02:00"),  # gap
            ("Europe/Brussels", date(2018, 3, 25), time(2, 0), "2018-03-25T03:00:00+02:00"),
            ("Europe/Brussels", date(2018, 3, 25), time(3, 0), "2018-03-25T03:00:00+02:00"),
            ("Europe/Brussels", date(2018, 10, 28), time(2, 30), "2018-10-28T02:30:00+02:00"),  # the first of two
            ("America/Santiago", date(2018, 8, 12), time(0, 30), "2018-08-12T01:00:00-03:00"),  # no midnight
            ("Asia/Beirut", date(2018, 3, 25), time(0, 0), "2018-03-25T01:00:00+03:00"),
            ("Pacific/Apia", date(2011, 12, 30), time(8), "2011-12-31T00:00:00+14:00"),  # no such day
            ("Australia/Lord_Howe", date(2018, 10, 7), time(2, 15), "2018-10-07T02:30:00+11:00"),  # half an hour
            ("Africa/Monrovia", date(1972, 1, 7), time(0, 20), "1972-01-07T00:44:30+00:00"),  # 44 minutes 30 seconds
        ],
    )
    def test_gaps_and_folds(self, zone: str, day: date, at: time, expected: str) -> None:
        assert local_instant(day, at, ZoneInfo(zone)).isoformat() == expected

    @pytest.mark.parametrize("at", [time(2, 30, 0, 1), time(2, 59, 59, 999_999), time(2, 0, 0, 500_000)])
    def test_fractions_of_a_second_in_a_gap(self, at: time) -> None:
        found = local_instant(date(2018, 3, 25), at, ZoneInfo("Europe/Brussels"))
        assert found.isoformat() == "2018-03-25T03:00:00+02:00"

    def test_before_1970_too(self) -> None:
        found = local_instant(date(1940, 5, 19), time(2, 30, 0, 5), ZoneInfo("Europe/Brussels"))
        assert wall(found - timedelta(seconds=1), ZoneInfo("Europe/Brussels")) < datetime(1940, 5, 19, 2, 30)

    @settings(max_examples=300, deadline=None)
    @given(zones, st.dates(date(1890, 1, 1), date(2080, 1, 1)), st.times())
    def test_it_is_the_first_instant_at_or_after_the_wall_time(self, zone: ZoneInfo, day: date, at: time) -> None:
        found = local_instant(day, at, zone)
        wanted = datetime.combine(day, at)
        assert wall(found, zone) >= wanted
        before = found.astimezone(UTC) - timedelta(microseconds=1)
        assert wall(before, zone) < wanted or wall(found, zone) == wanted
        if wall(found, zone) != wanted:  # in a gap: no instant has that wall time
            for fold in (0, 1):
                guess = wanted.replace(tzinfo=zone, fold=fold)
                assert wall(guess, zone) != wanted
        else:
            assert found.fold == 0


class TestPeriod:
    def test_a_week_runs_from_monday_to_monday(self) -> None:
        week = Period.week("2018-W29", ZoneInfo("Asia/Shanghai"))
        assert (week.start.isoformat(), week.end.isoformat()) == (
            "2018-07-16T00:00:00+08:00",
            "2018-07-23T00:00:00+08:00",
        )
        assert week.last_day == date(2018, 7, 22)
        assert week.start in week
        assert week.end not in week
        assert week.end.astimezone(UTC) - timedelta(microseconds=1) in week

    @pytest.mark.parametrize("key", ["2015-W53", "2020-W53", "2018-W01", "0001-W02", "9999-W51"])
    def test_weeks_that_there_are(self, key: str) -> None:
        assert Period.week(key, UTC).key == key

    @pytest.mark.parametrize(
        "key",
        ["", "2018", "2018-29", "2018-W00", "2018-W53", "2018-W54", "2018-W9", "0000-W01", "9999-W52", "2018-W29\n",
         " 2018-W29", "２０１８-W29", "٢٠١٨-W29", "2018-w29", "-2018-W29", "12018-W29"],
    )  # fmt: skip
    def test_weeks_that_there_are_not(self, key: str) -> None:
        with pytest.raises(PeriodError, match="is not a week") as caught:
            Period.week(key, UTC)
        assert "2018-W29" in caught.value.remedy

    def test_the_first_week_does_not_exist_east_of_greenwich(self) -> None:
        with pytest.raises(PeriodError):
            Period.week("0001-W01", ZoneInfo("Asia/Shanghai"))

    def test_a_week_that_ends_after_a_gap_still_ends_on_sunday(self) -> None:
        zone = ZoneInfo("Africa/Casablanca")  # Monday, 1 June 2009 began at one o'clock
        week = Period.week("2009-W22", zone)
        assert week.end.isoformat() == "2009-06-01T01:00:00+01:00"
        assert week.last_day == date(2009, 5, 31)
        assert Period.week_of(week.end, zone) == Period.week("2009-W23", zone)

    def test_a_week_ends_at_the_first_of_two_midnights(self) -> None:
        zone = ZoneInfo("Asia/Jerusalem")  # Monday, 24 September 2001 had the hour after midnight twice
        week = Period.week("2001-W38", zone)
        assert week.end.isoformat() == "2001-09-24T00:00:00+03:00"
        again = datetime(2001, 9, 24, 0, 0, tzinfo=zone, fold=1)
        assert again not in week
        assert again in Period.week_of(again, zone)
        assert Period.week_of(again, zone).key == "2001-W39"

    def test_a_sunday_that_comes_back_after_monday_began_lies_in_the_next_week(self) -> None:
        week = Period.week("2018-W29", Backwards())
        again = datetime(2018, 7, 22, 23, 45, tzinfo=Backwards(), fold=1)
        assert week.end.isoformat() == "2018-07-23T00:00:00+01:00"
        assert again not in week
        assert again in Period.week_of(again, Backwards())
        assert Period.week_of(again, Backwards()).key == "2018-W30"
        assert Period.week_of(again.replace(fold=0), Backwards()).key == "2018-W29"

    @settings(max_examples=400, deadline=None)
    @given(moments, zones)
    def test_every_instant_lies_in_exactly_one_week(self, moment: datetime, zone: ZoneInfo) -> None:
        week = Period.week_of(moment, zone)
        assert moment in week
        assert Period.week(week.key, zone) == week
        after = Period.week_of(week.end, zone)
        before = Period.week_of(week.start.astimezone(UTC) - timedelta(microseconds=1), zone)
        assert after.start.astimezone(UTC) == week.end.astimezone(UTC)
        assert before.end.astimezone(UTC) == week.start.astimezone(UTC)
        assert before.key < week.key < after.key

    @settings(max_examples=200, deadline=None)
    @given(st.datetimes(datetime(1880, 1, 1), datetime(2080, 1, 1)), zones)
    def test_the_last_day_is_a_local_date_of_the_week(self, naive: datetime, zone: ZoneInfo) -> None:
        week = Period.week_of(naive.replace(tzinfo=zone), zone)
        assert timedelta(days=5) <= week.last_day - week.start.date() <= timedelta(days=6)


def article(**more: object) -> Article:
    values: dict[str, object] = {
        "source": "desk",
        "id": "1",
        "title": "A line",
        "paragraphs": ("A text.",),
        "language": "en",
        "origin": "a.txt",
        "first_seen": datetime(2018, 7, 18, tzinfo=UTC),
    }
    return Article(**(values | more))  # type: ignore[arg-type]  # keywords of many kinds


class TestNouns:
    def test_the_uid_stands_for_source_and_id_and_for_nothing_else(self) -> None:
        assert article().uid == article(title="Another", version=2).uid
        assert len({article().uid, article(id="2").uid, article(source="wire").uid}) == 3
        assert article(source="a", id="b\x00c").uid == article(source="a", id="b\x00c").uid
        assert len(article().uid) == 16

    def test_the_content_hash_sees_what_a_reader_sees(self) -> None:
        same = article(origin="b.txt", version=2, first_seen=datetime(2019, 1, 1, tzinfo=UTC))
        assert article().content_hash == same.content_hash
        changes: list[dict[str, object]] = [
            {"title": "B"},
            {"paragraphs": ("B",)},
            {"published": datetime(2018, 7, 1, tzinfo=UTC)},
            {"keywords": ("B",)},
            {"url": "https://news.example/b"},
        ]
        assert len({article(**change).content_hash for change in [{}, *changes]}) == 6

    def test_when_falls_back_on_when_it_was_first_seen(self) -> None:
        assert article().when == datetime(2018, 7, 18, tzinfo=UTC)
        assert article(published=datetime(2018, 7, 1, tzinfo=UTC)).when == datetime(2018, 7, 1, tzinfo=UTC)

    def test_an_edition_finds_its_items(self) -> None:
        lead = article()
        judgement = Judgement(
            article=lead.uid,
            regions=(
                RegionTag(region="CN", role=Role.PRIMARY, score=1),
                RegionTag(region="IL", role=Role.COUNTERPART, score=1),
            ),
            themes=(),
            summary=(),
        )
        story = Story(key=lead.uid, lead=lead, judgement=judgement)
        item = Item(number=1, story=story, theme="", score=0)
        section = Section(key="china", names={}, groups=(ThemeGroup(theme="", items=(item,)),))
        week = Period.week("2018-W29", UTC)
        edition = Edition(id="w", digest="w", title="W", period=week, number=1, sections=(section,))
        assert edition.items == section.items == (item,)
        assert story.articles == (lead,)
        assert edition.find(story.key) is item
        assert edition.find("gone") is None
        assert list(edition.picked(("gone", story.key))) == [item]
        assert judgement.places(Role.PRIMARY, Role.COUNTERPART) == ("CN", "IL")

    def test_a_reply_reads_as_the_server_said_it(self) -> None:
        assert str(Reply(code=550, status="5.1.1", text="No such user")) == "550 5.1.1 No such user"
        assert str(Reply(code=0, text="no answer")) == "no answer"
