"""The rules of the editor, one by one and then by properties. Fixtures are our own sentences."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose import Chooser, Decisions, Score, compose, select, told_again
from digest.model import (
    Article,
    Below,
    DigestRule,
    Edition,
    Grouping,
    Judgement,
    Period,
    Picked,
    Preferences,
    RegionTag,
    Role,
    SectionRule,
    Skipped,
    Story,
    ThemeTag,
)
from digest.places import Places

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = Period.week("2018-W29", ZONE)
TIE = datetime(2018, 7, 18, 9, tzinfo=ZONE)
SHENZHEN, DONGGUAN, TEL_AVIV = "g1795565", "g1812545", "g293397"

PLACES = Places.load([Grouping(code="x-test-gba", names={"en": "Bay"}, members=("g1795565", "g1812545", "HK"))])

RULE = DigestRule(
    key="weekly",
    title="Weekly Report",
    sections=(
        SectionRule(key="china-israel", pair=("CN", "IL")),
        SectionRule(key="bay", region="x-test-gba"),
        SectionRule(key="china", region="CN"),
        SectionRule(key="israel", region="IL"),
        SectionRule(key="asia", region="142"),
        SectionRule(key="elsewhere", elsewhere=True),
    ),
)
THEMES = ("trade", "technology", "finance")


def article(name: str, when: datetime | None = TIE, *, seen: datetime = TIE) -> Article:
    return Article(
        source="desk",
        id=name,
        title=f"About {name}",
        paragraphs=(f"This is what we wrote about {name}.",),
        language="en",
        origin=f"{name}.txt",
        first_seen=seen,
        published=when,
    )


def story(
    name: str,
    primary: str | tuple[str, ...] = "CN",
    counterpart: str | tuple[str, ...] = (),
    *,
    mentioned: tuple[str, ...] = (),
    themes: tuple[str, ...] = ("trade",),
    when: datetime | None = TIE,
    seen: datetime = TIE,
    also: tuple[Article, ...] = (),
) -> Story:
    lead = article(name, when, seen=seen)
    roles = ((Role.PRIMARY, primary), (Role.COUNTERPART, counterpart), (Role.MENTIONED, mentioned))
    regions = tuple(
        RegionTag(region=code, role=role, score=0.9)
        for role, codes in roles
        for code in ((codes,) if isinstance(codes, str) else codes)
    )
    judgement = Judgement(
        article=lead.uid,
        regions=regions,
        themes=tuple(ThemeTag(theme=theme, score=0.8) for theme in themes),
        summary=lead.paragraphs,
    )
    return Story(key=lead.uid, lead=lead, judgement=judgement, also=also)


def edit(*stories: Story, rule: DigestRule = RULE, **more: object) -> Edition:
    edition = attempt(*stories, rule=rule, **more)
    assert isinstance(edition, Edition), edition
    return edition


def attempt(*stories: Story, rule: DigestRule = RULE, **more: object) -> Edition | Skipped:
    arguments: dict[str, object] = {"number": 3, "places": PLACES, "used": {}, "scores": {}, "themes": THEMES}
    return compose(rule, WEEK, stories, **(arguments | more))  # type: ignore[arg-type]  # keywords of many kinds


def home(one: Story, rule: DigestRule = RULE) -> str:
    return next(section.key for section in edit(one, rule=rule).sections if section.items)


def reasons(edition: Edition) -> Mapping[str, str]:
    return {left.title.removeprefix("About "): left.reason for left in edition.left_out}


def names(edition: Edition) -> list[str]:
    return [item.story.lead.id for item in edition.items]


class TestWhichArticles:
    def test_an_edition_knows_itself(self) -> None:
        edition = edit(story("a"))
        assert (edition.id, edition.digest, edition.number) == ("weekly-2018-W29", "weekly", 3)
        assert (edition.title, edition.period) == ("Weekly Report", WEEK)
        assert edit(story("a"), title="Summer Report").title == "Summer Report"

    def test_the_period_is_half_open_at_its_end(self) -> None:
        last = WEEK.end - timedelta(microseconds=1)
        edition = edit(story("last", when=last), story("next", when=WEEK.end))
        assert names(edition) == ["last"]
        assert reasons(edition)["next"] == "after the period: published 2018-07-23; the period ends with 2018-07-22"

    def test_late_ones_are_taken_up_to_the_limit(self) -> None:
        oldest = WEEK.start - timedelta(days=7)
        edition = edit(story("late", when=oldest), story("old", when=oldest - timedelta(microseconds=1)))
        assert names(edition) == ["late"]
        assert "Came late: published 2018-07-09" in edition.items[0].why[1]
        assert reasons(edition)["old"] == "too old: published 2018-07-08; more than 7 days before the period"

    def test_the_limit_is_the_digests(self) -> None:
        old = story("old", when=WEEK.start - timedelta(days=20))
        assert names(edit(old, rule=replace(RULE, lateness_days=20))) == ["old"]

    def test_an_undated_one_counts_from_when_it_was_first_seen(self) -> None:
        edition = edit(
            story("in", when=None, seen=TIE),
            story("after", when=None, seen=WEEK.end),
            story("before", when=None, seen=WEEK.start - timedelta(days=8)),
        )
        assert names(edition) == ["in"]
        assert "It carries no date, so it counts from when it was first seen." in edition.items[0].why
        assert reasons(edition)["after"].startswith("after the period: first seen 2018-07-23")
        assert reasons(edition)["before"].startswith("too old: first seen 2018-07-08")

    def test_dates_compare_as_instants_whatever_their_zone(self) -> None:
        utc = datetime(2018, 7, 22, 16, 0, tzinfo=UTC)  # midnight in Shanghai
        edition = edit(story("in", when=utc - timedelta(seconds=1)), story("out", when=utc))
        assert names(edition) == ["in"]

    @pytest.mark.parametrize("year", [1, 9999])
    def test_a_date_at_the_end_of_time_breaks_nothing(self, year: int) -> None:
        zone = ZoneInfo("Asia/Tokyo") if year == 1 else ZoneInfo("America/Lima")
        moment = datetime(year, 1, 1, tzinfo=zone) if year == 1 else datetime(year, 12, 31, 23, tzinfo=zone)
        edition = edit(story("sane"), story("mad", when=moment))
        assert names(edition) == ["sane"]
        assert reasons(edition)["mad"].split(":")[0] == ("too old" if year == 1 else "after the period")

    def test_a_story_counts_from_its_newest_article(self) -> None:
        old = WEEK.start - timedelta(days=30)
        edition = edit(story("fresh", when=old, also=(article("copy"),)), story("stale", when=old))
        assert names(edition) == ["fresh"]

    def test_what_others_wrote_after_the_period_is_not_yet_known(self) -> None:
        later = article("later", WEEK.end)
        edition = edit(story("a", also=(article("copy"), later)))
        assert [one.id for one in edition.items[0].story.also] == ["copy"]

    def test_nothing_is_used_twice(self) -> None:
        copy = article("copy")
        edition = edit(
            story("a"),
            story("used"),
            story("told", also=(copy,)),
            used={story("used").key: "weekly-2018-W28", copy.uid: "weekly-2018-W27"},
        )
        assert names(edition) == ["a"]
        assert reasons(edition) == {"used": "used in weekly-2018-W28", "told": "used in weekly-2018-W27"}

    def test_composing_the_same_edition_again_is_no_second_use(self) -> None:
        assert names(edit(story("a"), used={story("a").key: "weekly-2018-W29"})) == ["a"]

    def test_two_stories_with_one_article_stand_once(self) -> None:
        shared = article("shared")
        better, worse = story("better", also=(shared,)), story("worse", also=(shared,))
        edition = edit(worse, better, scores={better.key: Score(value=2.0)})
        assert names(edition) == ["better"]
        assert reasons(edition)["worse"] == "told already: shares an article with 'About better'"

    def test_of_two_versions_of_one_story_the_fuller_counts(self) -> None:
        short, full = story("a"), story("a", also=(article("copy"),))
        for order in ((short, full), (full, short)):
            assert edit(*order).items[0].story == full


class TestWhichSection:
    @pytest.mark.parametrize(
        ("primary", "counterpart", "section"),
        [
            (DONGGUAN, "IL", "china-israel"),
            ("IL", DONGGUAN, "china-israel"),
            (TEL_AVIV, "CN-BJ", "china-israel"),
            ((DONGGUAN, TEL_AVIV), (), "china-israel"),
            (DONGGUAN, (), "bay"),
            ("HK", (), "bay"),
            ("CN-BJ", "US", "china"),
            (TEL_AVIV, (), "israel"),
            ("JP", (), "asia"),
            ("US", "CN", "elsewhere"),
            ((), (), "elsewhere"),
            ((), "CN", "elsewhere"),
            (("US", "CN"), (), "china"),
        ],
    )
    def test_the_first_that_the_primary_region_matches(
        self, primary: str | tuple[str, ...], counterpart: str | tuple[str, ...], section: str
    ) -> None:
        assert home(story("a", primary, counterpart)) == section

    def test_a_mention_matches_nothing(self) -> None:
        assert home(story("a", (), mentioned=("CN", "IL"))) == "elsewhere"
        assert home(story("a", "CN", mentioned=("IL",))) == "china"

    def test_a_pair_wants_two_places(self) -> None:
        rule = replace(RULE, sections=(SectionRule(key="inner", pair=("CN", "x-test-gba")), *RULE.sections))
        assert home(story("a", DONGGUAN), rule) == "bay"
        assert home(story("a", DONGGUAN, "CN-BJ"), rule) == "inner"

    def test_elsewhere_takes_only_the_rest_wherever_it_stands(self) -> None:
        rule = replace(RULE, sections=(RULE.sections[-1], *RULE.sections[:-1]))
        edition = edit(story("a", "CN"), story("b", "BR"), rule=rule)
        assert [(section.key, [one.story.lead.id for one in section.items]) for section in edition.sections] == [
            ("elsewhere", ["b"]),
            ("china", ["a"]),
        ]

    def test_without_elsewhere_what_matches_nothing_is_left_out(self) -> None:
        rule = replace(RULE, sections=RULE.sections[:-1])
        edition = edit(story("a"), story("b", "BR"), story("c", ()), rule=rule)
        assert reasons(edition) == {
            "b": "no section: about Brazil, and the digest has no 'elsewhere'",
            "c": "no section: about no place, and the digest has no 'elsewhere'",
        }

    def test_a_digest_without_sections_has_one(self) -> None:
        (section,) = edit(story("a"), story("b", ()), rule=replace(RULE, sections=())).sections
        assert (section.key, section.names["en"]) == ("all", "All regions")
        assert len(section.items) == 2

    def test_sections_stand_in_the_rules_order_and_none_is_empty(self) -> None:
        edition = edit(story("a", "BR"), story("b", "JP"), story("c", SHENZHEN))
        assert [section.key for section in edition.sections] == ["bay", "asia", "elsewhere"]

    def test_headings_come_from_the_rule_or_the_regions(self) -> None:
        own = SectionRule(key="own", region="JP", names={"en": "Over the sea"})
        lost = SectionRule(key="lost", pair=("US", "x-gone"))
        rule = replace(RULE, sections=(own, *RULE.sections, lost))
        rows = (story("a", DONGGUAN, "IL"), story("b", "JP"), story("c", "CN"), story("d", "BR"))
        named = {section.key: section.names for section in edit(*rows, rule=rule).sections}
        assert named["china-israel"]["en"] == "China – Israel"
        assert named["china-israel"]["zh"] == "中国 – 以色列"
        assert named["own"] == {"en": "Over the sea"}
        assert named["china"]["en"] == "China"
        assert named["elsewhere"] == {"en": "Elsewhere", "zh": "其他地区"}
        gone = DigestRule(key="x", title="X", sections=(SectionRule(key="gone", region="x-gone"), RULE.sections[-1]))
        assert home(story("a"), gone) == "elsewhere"

    def test_an_unknown_region_is_headed_by_its_code(self) -> None:
        rule = replace(RULE, sections=(SectionRule(key="gone", region="x-gone"),))
        edition = edit(story("a"), rule=rule, decisions=Decisions(sections={story("a").key: "gone"}))
        assert edition.sections[0].names == {"en": "x-gone"}

    def test_the_reason_names_what_lies_where(self) -> None:
        (item,) = edit(story("a", DONGGUAN, "IL")).items
        assert item.why[0] == ("Stands under 'China – Israel': Dongguan in China is primary, Israel is counterpart.")
        assert edit(story("b", "CN")).items[0].why[0] == "Stands under 'China': China is primary."
        assert edit(story("b", ())).items[0].why[0] == "Stands under 'Elsewhere': about no place."


class TestCrossReferences:
    def test_a_counterpart_gets_a_line_that_points_to_the_story(self) -> None:
        edition = edit(story("a", "CN-BJ", "JP"), story("b", "JP"))
        asia = edition.sections[-1]
        (line,) = asia.cross_references
        assert (asia.key, line.number, line.title, line.section) == ("asia", 1, "About a", "china")
        assert line.story == edition.items[0].story.key

    def test_a_section_may_hold_nothing_but_such_a_line(self) -> None:
        edition = edit(story("a", "CN-BJ", "JP"))
        assert [(section.key, len(section.items)) for section in edition.sections] == [("china", 1), ("asia", 0)]

    def test_one_line_in_each_section_and_none_at_home(self) -> None:
        edition = edit(story("a", "CN-BJ", ("JP", "KR", TEL_AVIV, "CN-SH", "US")))
        lines = {section.key: len(section.cross_references) for section in edition.sections}
        assert lines == {"china-israel": 0, "china": 1, "israel": 1, "asia": 1}

    def test_a_counterpart_without_a_section_gets_none(self) -> None:
        edition = edit(story("a", "CN-BJ", "US"))
        assert [section.cross_references for section in edition.sections] == [()]


class TestOrder:
    def test_themes_stand_in_the_taxonomys_order_then_unknown_then_none(self) -> None:
        edition = edit(
            story("none", themes=()),
            story("odd", themes=("zoology",)),
            story("even", themes=("botany",)),
            story("money", themes=("finance", "trade")),
            story("goods", themes=("trade",)),
        )
        (section,) = edition.sections
        assert [group.theme for group in section.groups] == ["trade", "finance", "botany", "zoology", ""]

    def test_in_a_theme_by_score_then_newest_then_key(self) -> None:
        rows = [story(name) for name in "abcd"] + [story("newer", when=TIE + timedelta(minutes=1)), story("best")]
        edition = edit(*rows, scores={rows[-1].key: Score(value=1.5, why=("Two sources tell it.",))})
        rest = sorted(rows[:4], key=lambda one: one.key)
        assert names(edition) == ["best", "newer", *(one.lead.id for one in rest)]
        assert edition.items[0].why[-2:] == ("Score 1.50.", "Two sources tell it.")
        assert [item.number for item in edition.items] == [1, 2, 3, 4, 5, 6]

    def test_top_stories_come_from_many_countries_where_they_are_about_as_good(self) -> None:
        rows = [story("a", "CN"), story("b", "CN-BJ"), story("c", "JP"), story("d", "US"), story("e", "g1816670")]
        scores = {one.key: Score(value=5.0 - index / 3) for index, one in enumerate(rows)}
        edition = edit(*rows, scores=scores)
        assert [item.story.lead.id for item in edition.picked(edition.top)] == ["a", "c", "d"]

    def test_a_far_better_story_stands_at_the_top_whatever_its_country(self) -> None:
        rows = [story("a", "CN"), story("b", "CN-BJ"), story("c", "JP"), story("d", "US"), story("e", "g1816670")]
        scores = {one.key: Score(value=value) for one, value in zip(rows, (4.0, 3.9, 2.0, 1.9, 1.0), strict=True)}
        edition = edit(*rows, scores=scores)
        assert [item.story.lead.id for item in edition.picked(edition.top)] == ["a", "b", "c"]

    def test_top_stories_are_filled_up_from_the_same_country(self) -> None:
        rows = [story(name, "CN") for name in "abcd"]
        scores = {one.key: Score(value=5.0 - index) for index, one in enumerate(rows)}
        edition = edit(*rows, scores=scores)
        assert [item.story.lead.id for item in edition.picked(edition.top)] == ["a", "b", "c"]

    def test_an_edition_of_nothing_else_has_no_top_stories(self) -> None:
        assert edit(story("a"), story("b"), story("c")).top == ()
        assert edit(story("a"), story("b"), rule=replace(RULE, top_stories=0)).top == ()


class TestDecisions:
    def test_a_drop_has_its_reason(self) -> None:
        rows = (story("a"), story("b"), story("c"))
        edition = edit(*rows, decisions=Decisions(dropped={rows[1].key: "withdrawn by its source", rows[2].key: ""}))
        assert reasons(edition) == {
            "b": "dropped by an operator: withdrawn by its source",
            "c": "dropped by an operator",
        }

    def test_the_pinned_are_the_editors_choice_and_lead_their_group(self) -> None:
        rows = (story("a"), story("b"), story("c"))
        decisions = Decisions(pinned=(rows[2].key, rows[1].key), note="A word before.")
        edition = edit(*rows, scores={rows[0].key: Score(value=9.0)}, decisions=decisions)
        assert names(edition) == ["c", "b", "a"]
        assert [item.story.lead.id for item in edition.picked(edition.choice)] == ["c", "b"]
        assert [item.pinned for item in edition.items] == [True, True, False]
        assert "An operator pinned it: editor's choice." in edition.items[0].why
        assert edition.note == "A word before."

    def test_a_pin_excuses_age_but_no_second_use_and_no_future(self) -> None:
        old = story("old", when=WEEK.start - timedelta(days=60))
        used, future = story("used"), story("future", when=WEEK.end)
        edition = edit(
            old,
            used,
            future,
            used={used.key: "weekly-2018-W28"},
            decisions=Decisions(pinned=(used.key, future.key, old.key)),
        )
        assert names(edition) == ["old"]
        assert "Older than this digest takes (published 2018-05-17), but an operator wanted it." in edition.items[0].why
        assert edition.choice == (old.key,)

    def test_a_story_can_be_moved(self) -> None:
        row = story("a", "BR")
        edition = edit(row, decisions=Decisions(sections={row.key: "asia"}, themes={row.key: "finance"}))
        assert [section.key for section in edition.sections] == ["asia"]
        assert edition.sections[0].groups[0].theme == "finance"
        assert edition.items[0].why[:2] == (
            "An operator put it under 'Asia'.",
            "An operator put it under the theme 'finance'.",
        )

    def test_what_is_taken_in_is_there_whatever_the_rules_say(self) -> None:
        old = story("old", when=WEEK.start - timedelta(days=60))
        used, future, dropped = story("used"), story("future", when=WEEK.end), story("dropped")
        edition = edit(
            old,
            used,
            future,
            dropped,
            used={used.key: "weekly-2018-W28"},
            decisions=Decisions(taken=(old.key, used.key, future.key, dropped.key), dropped={dropped.key: "a mistake"}),
        )
        assert sorted(names(edition)) == ["dropped", "future", "old", "used"]
        said = {item.story.lead.id: item.why for item in edition.items}
        assert "The earlier edition weekly-2018-W28 carried it." in said["used"]
        assert any(one.startswith("It is from after the period") for one in said["future"])
        assert all("An operator took it in." in why for why in said.values())

    def test_what_is_taken_in_stands_under_the_last_section_where_none_matches(self) -> None:
        rule = replace(RULE, sections=tuple(one for one in RULE.sections if not one.elsewhere))
        row, other = story("a", "BR"), story("b")
        edition = edit(row, other, rule=rule, decisions=Decisions(taken=(row.key,)))
        assert "No section matches (about Brazil), so it stands under the last one." in edition.find(row.key).why  # type: ignore[union-attr] # it is there

    def test_a_story_has_the_place_and_the_summary_that_an_operator_gave_it(self) -> None:
        rows = [story(name) for name in "abc"]
        scores = {row.key: Score(value=float(-place)) for place, row in enumerate(rows)}
        for place in (1, 2, 3, 9):
            decisions = Decisions(places={rows[1].key: place}, summaries={rows[1].key: "In other words."})
            edition = edit(*rows, scores=scores, decisions=decisions)
            assert names(edition).index("b") == min(place, 3) - 1
        item = edition.find(rows[1].key)
        assert item is not None
        assert item.story.judgement.summary == ("In other words.",)
        assert {"An operator wrote the summary.", "An operator put it in place 9 under its theme."} <= set(item.why)

    def test_a_move_to_a_section_that_is_gone_is_told_and_the_rules_hold(self) -> None:
        row = story("a")
        edition = edit(row, decisions=Decisions(sections={row.key: "gone"}))
        assert edition.sections[0].key == "china"
        assert "'gone', which this digest does not have" in edition.items[0].why[0]

    def test_a_story_can_be_retitled_under_the_name_of_any_of_its_articles(self) -> None:
        copy = article("copy")
        row = story("a", also=(copy,))
        edition = edit(row, decisions=Decisions(titles={copy.uid: "A better line"}))
        (item,) = edition.items
        assert (item.story.lead.title, item.story.key, item.story.lead.uid) == ("A better line", row.key, row.lead.uid)
        assert "An operator changed the headline, which was 'About a'." in item.why

    def test_the_same_headline_is_no_change(self) -> None:
        row = story("a")
        (item,) = edit(row, decisions=Decisions(titles={row.key: "About a"})).items
        assert not any("headline" in sentence for sentence in item.why)


class TestMinimum:
    def test_no_empty_edition(self) -> None:
        empty = replace(RULE, minimum_items=0, below_minimum=Below.SHORT)
        skipped = attempt(
            story("a", when=WEEK.end),
            story("b", when=WEEK.end),
            story("c"),
            rule=empty,
            used={story("c").key: "weekly-2018-W28"},
        )
        assert skipped == Skipped(
            reason="0 items for 2018-W29; the minimum of 'weekly' is 1"
            " (left out: 2 after the period; 1 used in weekly-2018-W28)"
        )
        assert attempt() == Skipped(reason="0 items for 2018-W29; the minimum of 'weekly' is 1")

    def test_under_the_minimum_it_is_skipped_or_short(self) -> None:
        rule = replace(RULE, minimum_items=2)
        assert attempt(story("a"), rule=rule) == Skipped(reason="1 items for 2018-W29; the minimum of 'weekly' is 2")
        assert names(edit(story("a"), rule=replace(rule, below_minimum=Below.SHORT))) == ["a"]


def test_a_story_is_known_again_in_another_edition_by_any_of_its_articles() -> None:
    joined = story("joined", "IL", also=(article("first"), article("second")))
    this = edit(story("alone"), joined, story("fresh", "BR"))
    other = edit(
        story("second"), story("alone"), story("first", "IL"), story("unknown", "IL"), rule=replace(RULE, key="daily")
    )
    places = {item.story.lead.id: 1 << place for place, item in enumerate(this.items)}
    had = dict(zip((item.story.lead.id for item in other.items), told_again(this, other), strict=True))
    assert had == {"alone": places["alone"], "first": places["joined"], "second": places["joined"], "unknown": 0}


def test_what_a_reader_had_is_not_picked_and_too_little_is_skipped() -> None:
    this = edit(story("one"), story("two"), story("three", "IL"))
    chooser = Chooser(this, PLACES, minimum=2)
    picked = chooser.pick(Preferences(), without=0b001)
    assert isinstance(picked, Picked)
    assert (picked.items, picked.bitmap) == (0b110, b"\x06")
    skipped = chooser.pick(Preferences(), without=0b1011)
    assert skipped == Skipped(reason="1 of 3 items are in the edition, 2 more came in another digest; the minimum is 2")


@pytest.mark.parametrize(("items", "kept"), [(0, b""), (1, b"\x01"), (1 << 8 | 0x80, b"\x80\x01")])
def test_a_bitmap_is_kept_as_bytes(items: int, kept: bytes) -> None:
    assert Picked(items).bitmap == kept
    assert int.from_bytes(kept, "little") == items


def week() -> Edition:
    rows = (
        story("pair", DONGGUAN, "IL", themes=("technology", "trade")),
        story("bay", SHENZHEN, themes=("technology",)),
        story("port", "CN-SH", "JP", themes=("trade",), mentioned=("US",)),
        story("bank", "JP", themes=("finance",)),
        story("farm", "BR", themes=("trade",)),
        story("moon", (), themes=()),
    )
    scores = {one.key: Score(value=6.0 - index) for index, one in enumerate(rows)}
    return edit(*rows, scores=scores, decisions=Decisions(pinned=(rows[3].key,)))


class TestWhichCopy:
    @pytest.mark.parametrize(
        ("regions", "themes", "expected"),
        [
            ((), (), ["pair", "bay", "port", "bank", "farm", "moon"]),
            (("CN",), (), ["pair", "bay", "port"]),
            (("CN-GD",), (), ["pair", "bay"]),
            (("x-test-gba",), (), ["pair", "bay"]),
            (("IL",), (), ["pair"]),
            (("JP",), (), ["bank", "port"]),
            (("JP", "CN"), (), ["bank", "pair", "bay", "port"]),
            (("CN", "JP"), (), ["pair", "bay", "port", "bank"]),
            (("CN-GD",), ("trade", "technology"), ["pair", "bay"]),
            (("142",), (), ["pair", "bay", "port", "bank"]),
            ((), ("trade",), ["pair", "port", "farm"]),
            (("CN", "BR"), ("trade",), ["pair", "port", "farm"]),
            (("CN",), ("technology", "finance"), ["pair", "bay"]),
        ],
    )
    def test_regions_and_themes(self, regions: tuple[str, ...], themes: tuple[str, ...], expected: list[str]) -> None:
        copy = select(week(), Preferences(regions=regions, themes=themes), PLACES)
        assert isinstance(copy, Edition)
        assert names(copy) == expected
        assert [item.number for item in copy.items] == list(range(1, len(expected) + 1))

    def test_mentioned_does_not_match(self) -> None:
        skipped = select(week(), Preferences(regions=("US",), themes=("trade",)), PLACES)
        assert skipped == Skipped(
            reason="0 of 6 items match the reader's choice (regions United States; themes trade); the minimum is 1"
        )

    def test_lines_and_lists_follow_the_stories(self) -> None:
        edition = week()
        copy = select(edition, Preferences(regions=("JP",)), PLACES)
        assert isinstance(copy, Edition)
        assert [(section.key, len(section.items)) for section in copy.sections] == [("asia", 1), ("china", 1)]
        (line,) = copy.sections[0].cross_references
        assert (line.number, line.section) == (2, "china")
        assert copy.choice == edition.choice
        assert [item.story.lead.id for item in copy.picked(copy.top)] == ["bank"]
        assert select(edition, Preferences(regions=("BR",)), PLACES).choice == ()  # type: ignore[union-attr]

    def test_top_stories_vanish_where_they_would_be_the_whole_copy(self) -> None:
        edition = week()
        assert [item.story.lead.id for item in edition.picked(edition.top)] == ["pair", "bay", "bank"]
        copy = select(edition, Preferences(regions=("CN-GD",)), PLACES)
        assert isinstance(copy, Edition)
        assert (names(copy), copy.top) == (["pair", "bay"], ())
        wider = select(edition, Preferences(regions=("CN-GD", "BR")), PLACES)
        assert isinstance(wider, Edition)
        assert [item.story.lead.id for item in wider.picked(wider.top)] == ["pair", "bay"]

    def test_a_moved_theme_counts(self) -> None:
        row = story("a", themes=("trade",))
        edition = edit(row, decisions=Decisions(themes={row.key: "finance"}))
        assert isinstance(select(edition, Preferences(themes=("finance",)), PLACES), Edition)
        assert isinstance(select(edition, Preferences(themes=("trade",)), PLACES), Edition)

    def test_the_minimum_of_a_copy(self) -> None:
        israel = Preferences(regions=("IL",))
        assert isinstance(select(week(), israel, PLACES, minimum=2), Skipped)
        assert isinstance(select(week(), israel, PLACES, minimum=2, below=Below.SHORT), Edition)
        assert isinstance(select(week(), Preferences(regions=("FR",)), PLACES, below=Below.SHORT), Skipped)
        assert select(week(), Preferences(), PLACES, minimum=9) == Skipped(
            reason="6 of 6 items are in the edition; the minimum is 9"
        )


# --------------------------------------------------------------------------------------------------------------
# Properties

CODES = ["CN", "CN-GD", "CN-BJ", DONGGUAN, SHENZHEN, "HK", "IL", TEL_AVIV, "JP", "US", "BR"]
CHOICES = [*CODES, "142", "x-test-gba", "FR", "001"]
THEME = ["trade", "technology", "finance", "zoology"]
few = settings(max_examples=80, deadline=None)


@st.composite
def weeks(draw: st.DrawFn) -> list[Story]:
    rows = []
    for index in range(draw(st.integers(0, 9))):
        regions = draw(st.permutations(CODES))
        cut, end = sorted((draw(st.integers(0, 2)), draw(st.integers(0, 3))))
        rows.append(
            story(
                f"s{index}",
                tuple(regions[:cut]),
                tuple(regions[cut:end]),
                mentioned=tuple(regions[end : end + 1]),
                themes=tuple(draw(st.lists(st.sampled_from(THEME), unique=True, max_size=2))),
                when=draw(st.none() | st.integers(-20, 9).map(lambda days: TIE + timedelta(days=days))),
                also=tuple(article(f"s{index}-{one}") for one in range(draw(st.integers(0, 2)))),
            )
        )
    return rows


preferences = st.builds(
    Preferences,
    regions=st.lists(st.sampled_from(CHOICES), max_size=3, unique=True).map(tuple),
    themes=st.lists(st.sampled_from(THEME), max_size=2, unique=True).map(tuple),
)
scores = st.dictionaries(
    st.sampled_from([story(f"s{index}").key for index in range(9)]),
    st.integers(0, 3).map(lambda value: Score(value=value / 2)),
)
decided = st.builds(
    lambda pinned, dropped, moved: Decisions(
        pinned=tuple(pinned), dropped=dict.fromkeys(dropped, ""), sections=dict.fromkeys(moved, "asia")
    ),
    *[st.lists(st.sampled_from([story(f"s{index}").key for index in range(9)]), max_size=2, unique=True)] * 3,
)


def keys(copy: Edition | Skipped) -> set[str]:
    return {item.story.key for item in copy.items} if isinstance(copy, Edition) else set()


def sound(edition: Edition) -> None:
    """What holds for every edition and every copy."""
    assert edition.items
    assert [item.number for item in edition.items] == list(range(1, len(edition.items) + 1))
    assert len(keys(edition)) == len(edition.items)
    for section in edition.sections:
        assert section.groups or section.cross_references
        assert all(group.items for group in section.groups)
        for line in section.cross_references:
            item = edition.find(line.story)
            assert item is not None
            assert (line.number, line.title) == (item.number, item.story.lead.title)
            assert line.section != section.key
    assert set(edition.top) | set(edition.choice) <= keys(edition)


@few
@given(weeks(), scores, decided, st.randoms(use_true_random=False))
def test_every_story_is_there_once_or_left_out_with_a_reason(
    rows: list[Story], ranks: dict[str, Score], decisions: Decisions, chance: random.Random
) -> None:
    edition = attempt(*rows, scores=ranks, decisions=decisions)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert attempt(*shuffled, scores=ranks, decisions=decisions) == edition
    if isinstance(edition, Skipped):
        return
    sound(edition)
    told = [item.story.key for item in edition.items] + [left.story for left in edition.left_out]
    assert sorted(told) == sorted(row.key for row in rows)
    assert all(left.reason for left in edition.left_out)
    assert all(item.why for item in edition.items)


@few
@given(weeks(), scores, preferences, preferences)
def test_copies_obey_the_laws_of_choice(
    rows: list[Story], ranks: dict[str, Score], mine: Preferences, yours: Preferences
) -> None:
    edition = attempt(*rows, scores=ranks)
    if isinstance(edition, Skipped):
        return
    assert select(edition, Preferences(), PLACES) is edition
    copy = select(edition, mine, PLACES)
    if isinstance(copy, Edition):
        sound(copy)
        assert select(copy, mine, PLACES) == copy
        if not mine.regions and not mine.themes:
            order = [key for item in edition.items if (key := item.story.key) in keys(copy)]
            assert order == [item.story.key for item in copy.items]
        for item in copy.items:
            about = item.story.judgement.places(Role.PRIMARY, Role.COUNTERPART)
            assert not mine.regions or any(PLACES.within(code, one) for code in about for one in mine.regions)
            tags = {item.theme, *(tag.theme for tag in item.story.judgement.themes)}
            assert not mine.themes or tags & set(mine.themes)
    # Regions are a union, themes are a union, and both together an intersection.
    by_region = Preferences(regions=mine.regions)
    both = Preferences(regions=mine.regions + yours.regions)
    if mine.regions and yours.regions:
        others = Preferences(regions=yours.regions)
        assert keys(select(edition, both, PLACES)) == keys(select(edition, by_region, PLACES)) | keys(
            select(edition, others, PLACES)
        )
    by_theme = Preferences(themes=mine.themes)
    assert keys(copy) == keys(select(edition, by_region, PLACES)) & keys(select(edition, by_theme, PLACES))
    assert keys(select(edition, replace(mine, regions=("001",)), PLACES)) <= keys(select(edition, by_theme, PLACES))
