"""Words weighed by rarity."""

from __future__ import annotations

import pytest

from digest.classify.likeness import Vocabulary, cosine, shared, spelled, terms, text_of
from tests.classify.make import article


def test_terms_are_rare_words_without_endings_numbers_and_pairs_of_characters() -> None:
    assert terms("The two cities said: Opening offices in 3.5 hours, glass by glass") == [
        "cit", "open", "offic", "3.5", "hour", "glass", "glass",
    ]  # fmt: skip
    assert terms("开设办事处 桥") == ["开设", "设办", "办事", "事处", "桥"]


def test_likeness_is_one_for_the_same_and_nothing_for_strangers() -> None:
    one, same, other = (
        article("Bridge of oak", "Oak"),
        article("Bridge of oak", "Oak", id="2"),
        article("Otters", "Swim"),
    )
    vocabulary = Vocabulary([one, same, other])
    assert cosine(vocabulary.vector(one), vocabulary.vector(same)) == pytest.approx(1)
    assert cosine(vocabulary.vector(one), vocabulary.vector(other)) == 0
    assert vocabulary.vector(article("The", "and of it")) == {}
    assert vocabulary.vector(one, without={"oak", "bridg"}).keys() == {"bridge"}


def test_rare_words_weigh_more_and_an_article_from_outside_can_be_weighed() -> None:
    vocabulary = Vocabulary([article(f"Bridge {n}", f"Number{n}", id=str(n)) for n in range(100)])
    assert vocabulary.rarity("otter") > vocabulary.rarity("bridge") >= 0
    outside = vocabulary.vector(article("Bridge otter"))
    assert outside["otter"] > outside["bridge"]


def test_words_in_common_are_shown_as_a_text_spells_them() -> None:
    assert shared({"offic": 0.5, "city": 0.9, "sea": 0.1}, {"offic": 0.9, "city": 0.1}, 5) == ("offic", "city")
    assert spelled(("offic", "桥梁", "gone"), "Two Offices, 新桥梁") == ("offices", "桥梁")


def test_a_teaser_stands_in_for_a_text() -> None:
    assert text_of(article("A", teaser="B")) == "B"
    assert text_of(article("A", "C", "D", teaser="B")) == "C\nD"
