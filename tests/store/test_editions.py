from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from digest.errors import NotFound, StateError
from digest.model import EditionState
from digest.store import Prepared, Store
from tests.store.samples import NOW, make_article, make_edition

LATER = NOW + timedelta(hours=1)
A, B, C = make_article(1), make_article(2), make_article(3)
TEMPLATES = {"body.html": b"<p>{{ title }}</p>", "style.css": b"p { color: red }", "same.css": b"p { color: red }"}
ID = "weekly-2018-W29"


def prepare(store: Store, *articles: object, week: str = "2018-W29", number: int = 1) -> Prepared:
    return store.editions.prepare(make_edition(week, articles, number=number), TEMPLATES, NOW)  # type: ignore[arg-type]  # articles


def approve(store: Store) -> None:
    store.editions.approve(ID, store.editions.get(ID).hash, "mei", NOW)


def test_a_revision_comes_back_as_it_was_frozen(store: Store) -> None:
    edition = make_edition(articles=[A, B], note="Dear reader 读者")
    revision = store.editions.prepare(edition, TEMPLATES, NOW).revision
    assert revision.edition == edition
    assert (revision.number, revision.state, revision.created, revision.approved) == (1, EditionState.DRAFT, NOW, None)
    assert len(revision.hash) == 64
    assert revision == store.editions.get(ID) == store.editions.get(ID, 1) == store.editions.find("weekly", "2018-W29")
    assert store.editions.materials(ID, 1) == TEMPLATES


def test_the_hash_covers_the_content_and_the_materials(store: Store) -> None:
    hashes = set()
    for week, (articles, materials) in enumerate(
        [([A], TEMPLATES), ([B], TEMPLATES), ([A], {}), ([A], TEMPLATES | {"style.css": b""})], 10
    ):
        edition = make_edition(f"2018-W{week}", articles, number=week)
        hashes.add(store.editions.prepare(edition, materials, NOW).revision.hash)
    assert len(hashes) == 4


def test_there_is_one_edition_per_digest_and_period(store: Store) -> None:
    first = prepare(store, A)
    second = store.editions.prepare(make_edition(articles=[B]), {}, LATER)
    assert first.fresh
    assert not second.fresh
    assert second.revision == first.revision
    assert store.editions.prepare(make_edition(digest="monthly"), {}, NOW).fresh


def test_processes_that_prepare_together_make_one_edition(store: Store) -> None:
    answers: list[Prepared] = []
    threads = [
        threading.Thread(
            target=lambda note=str(number): answers.append(
                store.editions.prepare(make_edition(articles=[A], note=note), TEMPLATES, NOW)
            )
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.fresh for answer in answers) == [False, False, False, True]
    assert len({answer.revision.hash for answer in answers}) == 1


def test_running_numbers_have_no_gaps_and_no_doubles(store: Store) -> None:
    assert store.editions.next_number("weekly") == 1
    assert prepare(store, A).revision.edition.number == 1
    assert prepare(store, B, week="2018-W30", number=1).revision.edition.number == 2  # another took 1 meanwhile
    assert store.editions.next_number("weekly") == 3
    assert store.editions.next_number("monthly") == 1


def test_revising_makes_a_draft_again_and_no_change_makes_nothing(store: Store) -> None:
    prepare(store, A)
    approve(store)
    same = store.editions.revise(make_edition(articles=[A]), TEMPLATES, LATER, onto=1)
    assert (same.number, same.state) == (1, EditionState.APPROVED)
    other = store.editions.revise(make_edition(articles=[A, B], number=7), TEMPLATES, LATER, onto=1)
    assert (other.number, other.state, other.edition.number) == (2, EditionState.DRAFT, 1)
    with pytest.raises(StateError, match="approve it first"):
        store.editions.approved(ID)
    with pytest.raises(StateError, match="at revision 2"):
        store.editions.revise(make_edition(articles=[C]), TEMPLATES, LATER, onto=1)


def test_a_held_edition_stays_held_when_it_is_revised(store: Store) -> None:
    prepare(store, A)
    store.editions.move(ID, EditionState.HELD, NOW, "too late")
    revised = store.editions.revise(make_edition(articles=[B]), {}, LATER, onto=1)
    assert (revised.state, revised.reason) == (EditionState.HELD, "too late")


def test_approval_names_the_hash(store: Store) -> None:
    first = prepare(store, A).revision
    store.editions.revise(make_edition(articles=[B]), {}, LATER, onto=1)
    with pytest.raises(StateError, match="changed since"):
        store.editions.approve(ID, first.hash, "mei", NOW)
    approved = store.editions.approve(ID, store.editions.get(ID).hash, "mei", LATER)
    assert (approved.state, approved.approved, approved.approved_by) == (EditionState.APPROVED, LATER, "mei")
    again = store.editions.approve(ID, approved.hash, "another", NOW)
    assert again == approved  # the first approval stays on record
    assert store.editions.approved(ID) == approved


def test_a_correction_waits_for_approval_while_the_first_revision_goes_on(store: Store) -> None:
    prepare(store, A)
    approve(store)
    store.editions.move(ID, EditionState.SENDING, NOW)
    correction = store.editions.revise(make_edition(articles=[B]), TEMPLATES, LATER, onto=1)
    assert (correction.number, correction.state) == (2, EditionState.SENDING)
    assert store.editions.approved(ID).number == 1
    approve(store)
    assert store.editions.approved(ID).number == 2
    assert store.editions.get(ID, 1).approved is not None
    assert store.editions.used("weekly") == {A.uid: ID, B.uid: ID}  # the first readers had A


def test_states_change_only_along_the_drawn_ways(store: Store) -> None:
    prepare(store, A)
    with pytest.raises(StateError, match="is draft: cannot make it sending"):
        store.editions.move(ID, EditionState.SENDING, NOW)
    with pytest.raises(StateError, match="cannot make it approved"):
        store.editions.move(ID, EditionState.APPROVED, NOW)
    approve(store)
    for state in (EditionState.SENDING, EditionState.PAUSED, EditionState.SENDING, EditionState.SENT):
        store.editions.move(ID, state, NOW)
        store.editions.move(ID, state, NOW)  # again: nothing happens
    with pytest.raises(StateError, match="nothing else"):
        store.editions.move(ID, EditionState.DRAFT, NOW)
    assert store.editions.state(ID) is EditionState.SENT


def test_back_to_draft_ends_the_approval(store: Store) -> None:
    prepare(store, A)
    approve(store)
    store.editions.move(ID, EditionState.DRAFT, LATER)
    with pytest.raises(StateError, match="approve it first"):
        store.editions.approved(ID)


def test_what_is_cancelled_or_skipped_frees_its_stories(store: Store) -> None:
    prepare(store, A, B)
    assert store.editions.used("weekly") == {A.uid: ID, B.uid: ID}
    assert store.editions.used("weekly", besides=ID) == {}
    assert store.editions.used("monthly") == {}
    store.editions.move(ID, EditionState.CANCELLED, NOW, "wrong week")
    assert store.editions.used("weekly") == {}
    assert store.editions.get(ID).reason == "wrong week"
    for act in (
        lambda: store.editions.revise(make_edition(articles=[C]), {}, NOW, onto=1),
        lambda: approve(store),
    ):
        with pytest.raises(StateError, match="make it a draft first"):
            act()
    assert not prepare(store, C).fresh  # a cancelled period is not begun anew by itself
    store.editions.move(ID, EditionState.DRAFT, NOW)
    assert store.editions.used("weekly") == {A.uid: ID, B.uid: ID}


def test_an_article_in_two_editions_counts_for_the_first(store: Store) -> None:
    prepare(store, A, week="2018-W30")
    prepare(store, A)
    assert store.editions.used("weekly") == {A.uid: ID}


def test_a_skipped_period_takes_no_number_and_can_be_prepared_later(store: Store) -> None:
    skipped = store.editions.skip(make_edition(), "no story", NOW)
    assert skipped.fresh
    assert (skipped.revision.state, skipped.revision.reason) == (EditionState.SKIPPED, "no story")
    assert not store.editions.skip(make_edition(), "again", LATER).fresh
    assert store.editions.covered("weekly") == {"2018-W29": EditionState.SKIPPED}
    assert store.editions.next_number("weekly") == 1
    prepared = prepare(store, A)
    assert prepared.fresh
    assert (prepared.revision.number, prepared.revision.state) == (2, EditionState.DRAFT)
    assert prepared.revision.edition.number == 1
    assert prepared.revision.reason == ""


def test_a_draft_that_is_skipped_gives_its_number_back(store: Store) -> None:
    prepare(store, A)
    store.editions.move(ID, EditionState.SKIPPED, NOW, "too few")
    assert store.editions.next_number("weekly") == 1
    assert store.editions.used("weekly") == {}
    assert prepare(store, B, week="2018-W30").revision.edition.number == 1
    assert prepare(store, A).revision.edition.number == 2


def test_lists(store: Store) -> None:
    prepare(store, A)
    prepare(store, B, week="2018-W30", number=2)
    store.editions.skip(make_edition("2018-W28"), "no story", NOW)
    store.editions.prepare(make_edition("2018-W30", digest="monthly"), {}, NOW)
    store.editions.revise(make_edition(articles=[C]), {}, LATER, onto=1)
    listed = store.editions.list("weekly")
    assert [(one.period, one.number, one.revision, one.state) for one in listed] == [
        ("2018-W30", 2, 1, EditionState.DRAFT),
        ("2018-W29", 1, 2, EditionState.DRAFT),
        ("2018-W28", 0, 1, EditionState.SKIPPED),
    ]
    assert listed[1].changed == LATER
    assert listed[1].starts == make_edition().period.start
    assert [one.id for one in store.editions.list(states=[EditionState.SKIPPED])] == ["weekly-2018-W28"]
    assert len(store.editions.list()) == 4


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    assert store.editions.find("weekly", "2018-W29") is None
    for act in (
        lambda: store.editions.get(ID),
        lambda: store.editions.state(ID),
        lambda: store.editions.approved(ID),
        lambda: store.editions.materials(ID, 1),
        lambda: store.editions.revise(make_edition(), {}, NOW, onto=1),
        lambda: store.editions.approve(ID, "ff", "mei", NOW),
        lambda: store.editions.move(ID, EditionState.HELD, NOW),
    ):
        with pytest.raises(NotFound, match=ID):
            act()
    prepare(store, A)
    with pytest.raises(NotFound, match="revision 9"):
        store.editions.get(ID, 9)
