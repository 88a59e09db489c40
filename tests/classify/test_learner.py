"""Learning from corrections: never worse than the rules on what it has not seen, on scale, and the same every time."""

from __future__ import annotations

import random

import pytest

from digest.classify.learner import Learner, learn
from digest.classify.refiling import LEAST, ThemeCorrection
from digest.classify.taxonomy import parse_taxonomy
from digest.classify.themes import Themes
from tests.classify.make import article

TAXONOMY = """
[[theme]]
id = "river"
names = { en = "Rivers" }
[theme.phrases]
5 = ["river", "bank"]
[[theme]]
id = "money"
names = { en = "Money" }
[theme.phrases]
5 = ["money"]
[[theme]]
id = "sport"
names = { en = "Sport" }
[theme.phrases]
5 = ["match"]
"""
WORDS = {
    "river": ["water", "ferry", "flood", "boats", "heron", "bank"],
    "money": ["loan", "lender", "interest", "deposit", "branch", "bank"],
    "sport": ["match", "goal", "striker", "league"],
}


def corrected(number: int, theme: str) -> ThemeCorrection:
    """An article of our own: the rules take every bank for that of a river."""
    chance = random.Random(f"{theme} {number}")
    text = " ".join(chance.choices(WORDS[theme], k=12) + chance.choices(["Monday", "council", "said", "new"], k=6))
    one = article(f"{theme} {number}"[-2:], f"{text}. A bank was named.", id=f"{theme} {number}", keywords=("k",))
    return ThemeCorrection(article=one, themes=frozenset([theme]))


@pytest.fixture(scope="module")
def rules() -> Themes:
    return Themes(parse_taxonomy(TAXONOMY))


@pytest.fixture(scope="module")
def corrections() -> list[ThemeCorrection]:
    return [corrected(number, theme) for number in range(40) for theme in WORDS]


@pytest.fixture(scope="module")
def learner(rules: Themes, corrections: list[ThemeCorrection]) -> Learner:
    found = learn(corrections, rules)
    assert found is not None
    return found


def test_too_few_teach_nothing(rules: Themes, corrections: list[ThemeCorrection]) -> None:
    assert learn(corrections[: LEAST - 1], rules) is None
    assert learn([corrections[0]] * 100, rules) is None  # one article, corrected a hundred times


def test_a_model_takes_over_where_it_beats_the_rules(learner: Learner) -> None:
    standings = {one.theme: one for one in learner.standings}
    assert standings["river"].takes_over  # the rules call every bank a river
    assert standings["river"].learned < standings["river"].rules
    assert standings["money"].takes_over
    assert standings["money"].corrections == 40


def test_and_nowhere_else(rules: Themes) -> None:
    noise = random.Random(3)
    random_ones = [
        ThemeCorrection(article=corrected(number, theme).article, themes=frozenset(noise.sample(sorted(WORDS), 1)))
        for number in range(20)
        for theme in WORDS
    ]
    found = learn(random_ones, rules)
    assert found is not None
    for standing in found.standings:
        assert not standing.takes_over or standing.learned < standing.rules


def test_rules_that_make_no_mistake_stay(rules: Themes) -> None:
    right = [
        ThemeCorrection(article=article("A match", f"The match {n} was long.", id=str(n)), themes=frozenset(["sport"]))
        for n in range(40)
    ]
    found = learn(right, rules)
    assert found is not None
    assert not any(one.takes_over for one in found.standings)
    (tag,) = found.judge(article("A match", "The match was long."))
    assert (tag.theme, tag.evidence[0].rule) == ("sport", "phrase of the theme")


def test_what_was_learned_says_so(learner: Learner) -> None:
    (tag,) = learner.judge(corrected(99, "money").article)
    assert tag.theme == "money"
    assert tag.evidence[0].rule == "learned from corrections"
    assert 0.5 <= tag.score <= 1.0


def test_what_it_has_not_seen_it_gets_right(learner: Learner) -> None:
    for number in range(100, 110):
        for theme in WORDS:
            assert [tag.theme for tag in learner.judge(corrected(number, theme).article)] == [theme]


def test_it_leaves_what_is_even_to_the_editor(learner: Learner) -> None:
    half_way = []  # from all of the one to all of the other, a word at a time: somewhere between it must be even
    for moved in range(13):
        words = (WORDS["river"] * 2)[moved:] + (WORDS["money"] * 2)[:moved]
        half_way.append(learner.unsure(article("Two", f"{' '.join(words)}. A bank was named.", keywords=("k",))))
    assert any(half_way)
    assert (half_way[0], half_way[-1]) == ((), ())
    assert learner.unsure(corrected(120, "sport").article) == ()


def test_the_order_of_corrections_does_not_matter(
    rules: Themes, corrections: list[ThemeCorrection], learner: Learner
) -> None:
    again = learn(reversed(corrections), rules)
    assert again is not None
    one = corrected(130, "money").article
    assert again.standings == learner.standings
    assert dict(again.chances(one)) == pytest.approx(dict(learner.chances(one)))


def test_chinese_section_and_empty_articles_are_read(learner: Learner) -> None:
    for one in (article("银行", "河流与银行。", section="财经"), article("", "")):
        assert all(0.0 <= chance <= 1.0 for chance in learner.chances(one).values())
