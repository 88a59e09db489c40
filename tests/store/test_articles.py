from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from digest.errors import NotFound, PickupError, StateError
from digest.model import Article, Rights
from digest.store import Act, Change, Decision, Store
from tests.store.samples import NOW, make_article, make_judgement

LATER = NOW + timedelta(hours=1)


def test_an_article_is_new_then_unchanged_then_edited(store: Store) -> None:
    first = store.articles.save(make_article(1), NOW)
    again = store.articles.save(make_article(1, first_seen=LATER), LATER)
    edited = store.articles.save(make_article(1, title="Edited", first_seen=LATER), LATER)
    assert [saved.change for saved in (first, again, edited)] == [Change.NEW, Change.UNCHANGED, Change.EDITED]
    assert [saved.article.version for saved in (first, again, edited)] == [1, 1, 2]
    assert edited.article.first_seen == NOW  # it keeps its place in time
    uid = make_article(1).uid
    assert [article.title for article in store.articles.versions(uid)] == ["Harbour 1 opens 港口", "Edited"]
    assert store.articles.get(uid).article.title == "Edited"
    assert store.articles.get(uid, 1).article == first.article


def test_going_back_to_an_earlier_text_is_a_version_too(store: Store) -> None:
    for title in ("A", "B", "A"):
        store.articles.save(make_article(1, title=title), NOW)
    assert [article.title for article in store.articles.versions(make_article(1).uid)] == ["A", "B", "A"]


def test_what_a_reader_cannot_see_is_brought_up_to_date_in_place(store: Store) -> None:
    store.articles.save(make_article(1), NOW)
    saved = store.articles.save(make_article(1, rights=Rights.HEADLINE, weight=2.0), LATER)
    assert saved.change is Change.UNCHANGED
    kept = store.articles.get(make_article(1).uid).article
    assert (kept.rights, kept.weight, kept.version) == (Rights.HEADLINE, 2.0, 1)


def test_everything_of_an_article_comes_back(store: Store) -> None:
    article = make_article(1)
    store.articles.save(article, NOW)
    kept = store.articles.get(article.uid).article
    assert kept == article
    assert kept.content_hash == article.content_hash
    assert kept.published is not None
    assert kept.published.utcoffset() == timedelta(hours=8)


def test_the_same_id_in_two_sources_is_two_articles(store: Store) -> None:
    store.articles.save(make_article(1), NOW)
    assert store.articles.save(make_article(1, source="other"), NOW).change is Change.NEW


def test_articles_between_two_times(store: Store) -> None:
    one, two = make_article(1), make_article(2)
    undated = make_article(3, published=None, first_seen=NOW)
    for article in (undated, two, one):
        store.articles.save(article, LATER)
    assert [judged.article.id for judged in store.articles.between(one.when, NOW)] == ["entry-1", "entry-2"]
    assert [judged.article.id for judged in store.articles.between(two.when, LATER)] == ["entry-2", "entry-3"]
    assert [judged.article.id for judged in store.articles.between(one.when, two.when)] == ["entry-1"]


def test_some_articles_by_uid(store: Store) -> None:
    for number in (1, 2):
        store.articles.save(make_article(number), NOW)
    uid = make_article(2).uid
    assert set(store.articles.some([uid, "ffff", uid])) == {uid}
    assert store.articles.some([]) == {}


def test_a_judgement_belongs_to_a_version_and_is_replaced(store: Store) -> None:
    article = store.articles.save(make_article(1), NOW).article
    assert store.articles.get(article.uid).judgement is None
    store.articles.judge(make_judgement(article, "trade"), 1, "rules-1", NOW)
    store.articles.judge(make_judgement(article, "energy"), 1, "rules-2", LATER)
    assert store.articles.get(article.uid).judgement == make_judgement(article, "energy")
    store.articles.save(make_article(1, title="Edited"), LATER)
    assert store.articles.get(article.uid).judgement is None
    assert store.articles.get(article.uid, 1).judgement is not None


def test_unjudged_articles_are_streamed_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.articles._PAGE", 2)
    for number in range(5):
        store.articles.save(make_article(number), NOW)
    first = store.articles.get(make_article(0).uid).article
    store.articles.judge(make_judgement(first), 1, "rules-1", NOW)
    found: list[Article] = []
    for article in store.articles.unjudged("rules-1"):
        found.append(article)
        store.articles.judge(make_judgement(article), 1, "rules-1", NOW)  # writing while reading is fine
    assert [article.id for article in found] == ["entry-1", "entry-2", "entry-3", "entry-4"]
    assert list(store.articles.unjudged("rules-1")) == []
    assert len(list(store.articles.unjudged("rules-2"))) == 5


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no article 'ffff'"):
        store.articles.get("ffff")
    with pytest.raises(NotFound, match="version 9"):
        store.articles.get("ffff", 9)
    with pytest.raises(NotFound, match="version 1"):
        store.articles.judge(make_judgement(make_article(1)), 1, "rules-1", NOW)


def test_two_threads_that_save_the_same_article_make_one(store: Store) -> None:
    changes: list[Change] = []
    threads = [
        threading.Thread(target=lambda: changes.append(store.articles.save(make_article(1), NOW).change))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changes) == [Change.NEW, *[Change.UNCHANGED] * 3]


# ---- sources and problems


def test_a_source_remembers_what_it_gave(store: Store) -> None:
    store.sources.remember("wire", "a.txt", "sig-1", NOW)
    store.sources.remember("wire", "a.txt", "sig-2", LATER)
    store.sources.remember("wire", "b.txt", "sig-3", NOW)
    store.sources.remember("other", "a.txt", "sig-4", NOW)
    assert store.sources.seen("wire") == {"a.txt": "sig-2", "b.txt": "sig-3"}
    store.sources.forget("wire", "a.txt")
    assert store.sources.seen("wire") == {"b.txt": "sig-3"}
    with pytest.raises(NotFound, match=r"wire: a\.txt"):
        store.sources.forget("wire", "a.txt")


def test_a_problem_is_one_row_until_it_is_resolved(store: Store) -> None:
    error = PickupError("is empty", where="in/a.txt", line=3, remedy="write something")
    store.sources.remember("wire", "a.txt", "sig-1", NOW, error)
    store.sources.remember("wire", "a.txt", "sig-1", LATER, error)
    [problem] = store.sources.problems()
    assert (problem.what, problem.where, problem.line, problem.remedy) == ("is empty", "in/a.txt", 3, "write something")
    assert (problem.times, problem.first, problem.last, problem.resolved) == (2, NOW, LATER, None)
    assert store.sources.seen("wire") == {"a.txt": "sig-1"}  # it is not tried again until it changes
    store.sources.remember("wire", "a.txt", "sig-2", LATER)
    assert store.sources.problems() == ()
    [settled] = store.sources.problems("wire", resolved=True)
    assert settled.resolved == LATER


def test_another_problem_of_the_same_file_replaces_the_first(store: Store) -> None:
    store.sources.report("wire", "a.txt", PickupError("is empty"), NOW)
    store.sources.report("wire", "a.txt", PickupError("is not UTF-8"), LATER)
    store.sources.report("other", "a.txt", PickupError("is empty"), NOW)
    assert [problem.what for problem in store.sources.problems("wire")] == ["is not UTF-8"]
    assert len(store.sources.problems()) == 2
    assert len(store.sources.problems(resolved=True)) == 3


# ---- decisions


def test_decisions_hold_until_undone_and_the_latest_counts(store: Store) -> None:
    def decide(act: Act, story: str, **more: object) -> int:
        return store.decisions.add(Decision(act=act, story=story, by="mei", at=NOW, **more))  # type: ignore[arg-type]  # fields of Decision

    everywhere = decide(Act.RETITLE, "s1", payload={"title": "题目"})
    here = decide(Act.RETITLE, "s1", digest="weekly", payload={"title": "Title"})
    elsewhere = decide(Act.DROP, "s1", digest="monthly")
    pin = decide(Act.PIN, "s2", edition="weekly-2018-W29")

    def effective() -> list[int]:
        return [decision.id for decision in store.decisions.effective("weekly", "weekly-2018-W29")]

    assert effective() == [here, pin]
    store.decisions.undo(here, "mei", LATER)
    assert effective() == [everywhere, pin]
    assert [decision.id for decision in store.decisions.effective("monthly")] == [everywhere, elsewhere]
    history = store.decisions.history("s1")
    assert [decision.id for decision in history] == [everywhere, here, elsewhere]
    assert (history[1].undone, history[1].undone_by) == (LATER, "mei")
    assert history[0].payload == {"title": "题目"}
    assert len(store.decisions.history()) == 4
    with pytest.raises(StateError, match="undone"):
        store.decisions.undo(here, "mei", LATER)
    with pytest.raises(NotFound):
        store.decisions.undo(9999, "mei", LATER)
