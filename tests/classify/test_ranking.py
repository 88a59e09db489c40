"""What comes first, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from digest.classify import rank
from digest.model import Period
from tests.classify.make import article, story

WEEK = Period.week("2018-W29", UTC)


def test_a_story_that_more_publishers_report_comes_first() -> None:
    alone = story(article("Alone", publisher="One"), primary=["DE"])
    joined = replace(
        story(article("Joined", publisher="One"), primary=["FR"]),
        also=(article("Too", publisher="Two"), article("Again", publisher="Two")),
    )
    ranks = rank([alone, joined], WEEK)
    assert list(ranks) == [joined.key, alone.key]
    assert "Reported by 2 publishers." in ranks[joined.key].why
    assert ranks[joined.key].value > ranks[alone.key].value


def test_weight_of_the_source_date_pair_and_clarity_count_and_are_told() -> None:
    plain = story(article("Plain"))
    for better, why in (
        (story(article("Weighty", weight=1.5)), "Its source weighs 1.5."),
        (story(article("New", hours=150)), "It is of the period's last days."),
        (story(article("Clear"), primary=["DE"]), "It is clearly about its region."),
        (story(article("Pair"), counterpart=["IL"]), "It joins two regions."),
        (story(article("Themed"), themes=["trade"]), None),
        (story(article("Full", "word " * 300)), None),
    ):
        ranks = rank([plain, better], WEEK)
        assert list(ranks) == [better.key, plain.key], better.lead.title
        assert why is None or why in ranks[better.key].why
    (old,) = rank([story(article("Old", hours=-100))], WEEK).values()
    assert "It is older than the period." in old.why


def test_the_top_is_not_all_about_one_place() -> None:
    here = [story(article(f"Here {n}", "text " * (200 - 20 * n)), primary=["CN-GD"]) for n in range(3)]
    there = story(article("There", "text " * 190), primary=["IL"])
    nowhere = [story(article(f"Nowhere {n}", "x")) for n in range(2)]
    ranks = rank([*here, there, *nowhere], WEEK)
    assert list(ranks)[:2] == [here[0].key, there.key]
    assert "1 higher story is about the same region." in ranks[here[1].key].why
    assert "2 higher stories are about the same region." in ranks[here[2].key].why
    assert not any("same region" in why for one in nowhere for why in ranks[one.key].why)


def test_a_theme_weighs_what_the_taxonomy_says() -> None:
    sport, trade = story(article("Sport"), themes=["sport", "trade"]), story(article("Trade"), themes=["trade"])
    level = rank([sport, trade], WEEK)
    ranks = rank([sport, trade], WEEK, {"sport": 0.5})
    assert list(ranks) == [trade.key, sport.key]
    assert ranks[sport.key].value == pytest.approx(level[sport.key].value / 2, rel=0.06)
    assert "Its theme weighs 0.5." in ranks[sport.key].why
    assert not any("weighs" in why for why in ranks[trade.key].why)


def test_the_top_is_not_all_of_one_theme() -> None:
    farms = [
        story(article(f"Farm {n}", "text " * (200 - n)), themes=["agriculture"], primary=[f"C{n}"]) for n in range(3)
    ]
    port = story(article("Port", "text " * 150), themes=["transport"], primary=["PT"])
    ranks = rank([*farms, port], WEEK)
    assert list(ranks)[:2] == [farms[0].key, port.key]
    assert "1 higher story is of the same theme." in ranks[farms[1].key].why
    assert "2 higher stories are of the same theme." in ranks[farms[2].key].why


def test_the_order_of_the_input_does_not_matter() -> None:
    stories = [story(article(f"Story {n}", "same text"), primary=["CN"]) for n in range(6)]
    assert list(rank(stories, WEEK).items()) == list(rank(reversed(stories), WEEK).items())
    assert rank([], WEEK) == {}
