"""What the articles around two articles say of them."""

from __future__ import annotations

import pytest

from digest.classify.neighbours import AMONG, BESIDE, Neighbours, among


def beside(around: Neighbours, one: int, other: int, cosine: float) -> dict[str, float]:
    return dict(zip(BESIDE, around.beside(one, other, cosine), strict=True))


def test_a_pair_apart_from_all_others_stands_out_and_one_of_a_crowd_does_not() -> None:
    apart = Neighbours({(0, 1): 0.5, (0, 2): 0.1, (1, 3): 0.1}, 4)
    crowd = Neighbours({(one, other): 0.5 for one in range(6) for other in range(one + 1, 6)}, 6)
    alone, among_many = beside(apart, 0, 1, 0.5), beside(crowd, 0, 1, 0.5)
    for name in ("share of the neighbourhood, less", "beyond the third, less"):
        assert alone[name] > among_many[name]
    assert among_many["neighbours in common"] > alone["neighbours in common"] == 0
    assert alone["nearer ones, more"] == 0 < beside(apart, 0, 2, 0.1)["nearer ones, more"]
    assert apart.best(0) == 0.5
    assert apart.best(3) == 0.1


def test_what_is_no_candidate_stands_far() -> None:
    around = Neighbours({(0, 1): 0.5}, 3)
    assert beside(around, 0, 2, 0.0)["nearer ones, fewer"] > beside(around, 0, 1, 0.5)["nearer ones, fewer"] == 0


def test_a_third_article_agrees_or_objects() -> None:
    agreeing = among({(0, 1): 0.6, (0, 2): 0.9, (1, 2): 0.8}, 3)
    objecting = among({(0, 1): 0.6, (0, 2): 0.9}, 3)
    yes, no = (dict(zip(AMONG, rows[0, 1], strict=True)) for rows in (agreeing, objecting))
    assert (yes["a third agrees"], no["a third agrees"]) == (0.8, 0)
    assert no["a third objects, more"] == 0.9 > yes["a third objects, more"] == pytest.approx(0.18)
    assert yes["chance"] == no["chance"] == 0.6
    assert yes["likelier ones, more"] == 1
    assert no["best other, lower"] == 0
    assert no["best other, higher"] == 0.9


def test_the_order_of_two_does_not_matter() -> None:
    rows = among({(0, 1): 0.6, (0, 2): 0.9, (1, 2): 0.8, (2, 3): 0.3}, 4)
    turned = among({(1, 2): 0.6, (0, 1): 0.9, (0, 2): 0.8, (0, 3): 0.3}, 4)  # 2, 1, 0 instead of 0, 1, 2
    assert sorted(rows[0, 1]) == pytest.approx(sorted(turned[1, 2]))
    assert rows[2, 3] == pytest.approx(turned[0, 3])
    assert among({}, 3) == {}
