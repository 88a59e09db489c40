"""What differs between two revisions, and what editors said of which articles tell one story: pure."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.classify import Merged, Split, regroup
from digest.desk.differing import differences, segments
from digest.model import Edition, Item, Judgement, Section, Story, ThemeGroup
from tests.store.samples import make_article, make_edition


def story(name: str, *also: str) -> Story:
    lead = make_article(ord(name))
    judgement = Judgement(article=lead.uid, regions=(), themes=(), summary=(f"About {name}.",))
    return Story(key=lead.uid, lead=lead, judgement=judgement, also=tuple(make_article(ord(one)) for one in also))


def edition(**sections: list[Story]) -> Edition:
    numbers = iter(range(1, 1000))
    return replace(
        make_edition(),
        top=(),
        choice=(),
        sections=tuple(
            Section(
                key=key,
                names={"en": key.title()},
                groups=(
                    ThemeGroup(
                        theme="",
                        items=tuple(Item(number=next(numbers), story=one, theme="", score=1.0) for one in stories),
                    ),
                ),
            )
            for key, stories in sections.items()
        ),
    )


A, B, C = story("a"), story("b"), story("c")


def said(before: Edition, after: Edition) -> list[tuple[str, str]]:
    return [(one.kind.value, one.story) for one in differences(before, after)]


def test_nothing_differs() -> None:
    assert said(edition(china=[A, B]), edition(china=[A, B])) == []


def test_what_came_went_and_moved() -> None:
    assert said(edition(china=[A, B]), edition(china=[A, C])) == [("added", C.key), ("removed", B.key)]
    assert said(edition(china=[A, B], asia=[C]), edition(china=[A], asia=[B, C])) == [("moved", B.key)]
    assert len(said(edition(china=[A, B, C]), edition(china=[C, A, B]))) == 1


def test_words_that_changed() -> None:
    other = replace(
        A,
        lead=replace(A.lead, title="Another headline"),
        judgement=replace(A.judgement, summary=("About something else.",)),
        also=(make_article(100),),
    )
    kinds = [kind for kind, _story in said(edition(china=[A]), edition(china=[other]))]
    assert kinds == ["headline", "summary", "articles"]


def test_the_edition_as_a_whole() -> None:
    before = edition(china=[A, B])
    after = replace(before, note="Good morning.", choice=(A.key,), top=(B.key,), title="Other")
    assert [kind for kind, _story in said(before, after)] == ["title", "note", "choice", "top stories"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_read_from_the_pieces(before: str, after: str) -> None:
    pieces = segments(before, after)
    assert "".join(one.text for one in pieces if one.kind != "new") == before
    assert "".join(one.text for one in pieces if one.kind != "gone") == after


def test_very_long_texts_are_not_compared_word_by_word() -> None:
    pieces = segments("a " * 3000, "b " * 3000)
    assert [one.kind for one in pieces] == ["gone", "new"]


class TestRegrouping:
    def judgements(self, *stories: Story) -> dict[str, Judgement]:
        return {
            one.uid: Judgement(article=one.uid, regions=(), themes=(), summary=())
            for story in stories
            for one in story.articles
        }

    def test_merged_and_split_in_the_order_it_was_said(self) -> None:
        judgements = self.judgements(A, B, C)
        merged = regroup([A, B, C], [Merged(story=B.key, into=A.key)], judgements)
        assert [one.key for one in merged] == [A.key, C.key] or {one.key for one in merged} == {A.key, C.key}
        both = next(one for one in merged if one.key == A.key)
        assert {one.uid for one in both.articles} == {A.key, B.key}
        again = regroup([A, B, C], [Merged(story=B.key, into=A.key), Split(article=B.key)], judgements)
        assert {one.key for one in again} == {A.key, B.key, C.key}

    def test_what_names_nothing_changes_nothing(self) -> None:
        judgements = self.judgements(A, B)
        for said in (
            Merged(story="x", into=A.key),
            Merged(story=A.key, into=A.key),
            Split(article="x"),
            Split(article=A.key),
        ):
            assert set(regroup([A, B], [said], judgements)) == {A, B}

    def test_the_article_that_leads_can_be_split_off(self) -> None:
        both = story("a", "b")
        found = regroup([both], [Split(article=both.lead.uid)], self.judgements(both))
        assert sorted(len(one.articles) for one in found) == [1, 1]
