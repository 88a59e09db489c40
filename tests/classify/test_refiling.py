"""What editors say takes the place of what was judged, is learned from, and is held against another judge."""

from __future__ import annotations

from dataclasses import replace

from digest.classify import Judge, Refiled, ThemeCorrection, refiled
from digest.classify.refiling import LEAST
from digest.classify.replaying import replay
from digest.model import Article, Evidence, Judgement, RegionTag, Role, ThemeTag
from tests.classify.make import article, edition, judgement, story


def test_themes_and_regions_are_the_editors() -> None:
    one = judgement(article(), primary=["GB"], counterpart=["FR"], themes=["trade"])
    mentioned = RegionTag(region="DE", role=Role.MENTIONED, score=0.1)
    one = replace(one, regions=(*one.regions, mentioned))
    editor = Refiled.of({"themes": ["energy", "macro"], "regions": {"CN-GD": "primary", "IL": "counterpart"}}, "li")
    found = refiled(one, editor)
    assert [tag.theme for tag in found.themes] == ["energy", "macro"]
    assert found.places(Role.PRIMARY) == ("CN-GD",)
    assert found.places(Role.COUNTERPART) == ("IL",)
    assert found.places(Role.MENTIONED) == ("DE",)
    assert found.themes[0].evidence == (
        Evidence(where="operator", text="li", rule="an editor filed it here", weight=1.0),
    )


def test_what_the_editor_does_not_name_stays() -> None:
    one = judgement(article(), primary=["GB"], themes=["trade"])
    assert refiled(one, Refiled.of({}, "li")) == one
    assert refiled(one, Refiled.of({"themes": []}, "li")).themes == ()
    assert refiled(one, Refiled.of({"regions": {"MO": "primary"}}, "li")).themes == one.themes


class TestTaught:
    def test_too_few_corrections_change_nothing(self, judge: Judge) -> None:
        assert judge.taught([]) is judge
        few = [ThemeCorrection(article=article(id=str(n)), themes=frozenset(["sport"])) for n in range(LEAST - 1)]
        assert judge.taught(few) is judge

    def test_corrections_that_the_rules_foresaw_change_nothing(self, judge: Judge) -> None:
        right = [
            ThemeCorrection(
                article=article(f"The football match {n}", "A goal decided it.", id=str(n)), themes=frozenset(["sport"])
            )
            for n in range(LEAST)
        ]
        assert judge.taught(right) is judge

    def test_others_make_a_judge_of_another_version(self, judge: Judge) -> None:
        lanterns = [
            ThemeCorrection(
                article=article(f"Lanterns of paper {n}", "Paper lanterns were hung over the lake.", id=f"l{n}"),
                themes=frozenset(["industry"]),
            )
            for n in range(20)
        ]
        matches = [
            ThemeCorrection(
                article=article(f"The football match {n}", "A goal decided it.", id=f"m{n}"),
                themes=frozenset(["sport"]),
            )
            for n in range(20)
        ]
        taught = judge.taught([*lanterns, *matches])
        assert taught is not judge
        assert taught.version.startswith(judge.version)
        assert taught.version == judge.taught([*lanterns, *matches]).version
        new = article("Lanterns of paper 99", "Paper lanterns were hung over the lake.")
        assert [tag.theme for tag in taught.judge(new).themes] == ["industry"]
        assert taught.judge(new).regions == judge.judge(new).regions


def test_replaying_shows_what_would_move_and_who_is_right() -> None:
    class Other:
        def judge(self, of: Article) -> Judgement:
            found = judgement(of, primary=["GB"], themes=["energy"])
            return replace(found, themes=()) if of.title == "Bare" else found

    stays = story(article("Stays"), primary=["GB"], themes=["energy"])
    moves = story(article("Moves"), primary=["GB"], themes=["trade"])
    bare = story(article("Bare"), primary=["FR"], themes=["trade"])
    decided = {moves.lead.uid: Refiled(themes=["energy"]), bare.lead.uid: Refiled(regions={"FR": Role.PRIMARY})}
    found = list(replay([edition("2018-W29", stays, moves, bare)], Other(), decided))
    assert [one.moved for one in found] == [False, True, True]
    assert [(one.right(one.then), one.right(one.now)) for one in found] == [(True, True), (False, True), (True, False)]
    assert found[0].edition == "weekly-2018-W29"
    assert ThemeTag(theme="energy", score=0.8) in found[1].now.themes
