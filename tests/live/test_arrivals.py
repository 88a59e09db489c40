"""News, edits, and old acquaintances: pure decisions about entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.model import Article
from digest.pickup.arrivals import Arrivals, reissued, settle, signature

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = ("harbour", "bank", "rice", "steel", "solar", "football", "opera", "chips", "cotton", "coal", "tea", "ports",
         "trains", "bridges", "games", "drones")  # fmt: skip


def article(number: int, **fields: Any) -> Article:
    given: dict[str, Any] = {
        "source": "a",
        "id": f"id-{number}",
        "title": f"{WORDS[number % 16].title()} report says {WORDS[(number * 7 + 3) % 16]} {number} up",
        "paragraphs": ("Text.",),
        "language": "en",
        "origin": "feed",
        "first_seen": NOW,
        "published": NOW - DAY * number,
        "url": f"https://a.example/{number}",
    }
    return Article(**given | fields)


PAST = [article(number) for number in range(20)]


def held_against(
    past: list[Article], shown: list[Article], *, accepted: bool = False, remembered: bool = True
) -> Arrivals:
    known = {one.id: one for one in past}
    before = {one.id for one in past} if remembered else set()
    return settle(
        shown,
        shown={one.id for one in shown},
        known=known,
        remembered=before,
        past=past,
        since=NOW - timedelta(hours=1),
        accepted=accepted,
    )


def test_the_first_poll_takes_everything() -> None:
    assert held_against([], PAST) == Arrivals(take=tuple(PAST))


def test_a_source_that_changes_all_its_ids_is_held_for_the_operator() -> None:
    renamed = [replace(one, id=f"https://new.example/?p={one.id}") for one in PAST]
    assert held_against(PAST, renamed) == Arrivals(take=(), held=tuple(renamed))
    taken = held_against(PAST, renamed, accepted=True)
    assert [one.id for one in taken.take] == [one.id for one in PAST]  # the same articles under their new ids


def test_titles_links_or_dates_give_an_old_item_away() -> None:
    by_title = [replace(one, id=f"x{one.id}", url="", published=None) for one in PAST]
    by_link = [replace(one, id=f"x{one.id}", title=f"Other {one.id}", published=None) for one in PAST]
    by_date = [replace(one, id=f"x{one.id}", title=f"Other {one.id}", url="") for one in PAST]
    assert len(held_against(PAST, by_title).held) == 20
    assert len(held_against(PAST, by_link).held) == 20
    assert len(held_against(PAST, by_date).held) == 18  # two are of the last day: nobody can tell


def test_what_is_new_goes_on_beside_what_is_held() -> None:
    news = article(99, published=NOW)
    renamed = [replace(one, id=f"x{one.id}") for one in PAST]
    arrivals = held_against(PAST, [news, *renamed])
    assert arrivals.take == (news,)
    assert len(arrivals.held) == 20


def test_much_that_is_really_new_is_not_held() -> None:
    news = [article(100 + number, published=NOW - timedelta(minutes=number)) for number in range(30)]
    assert held_against(PAST, news) == Arrivals(take=tuple(news))


def test_few_old_ones_are_not_held_but_known_by_title_and_date() -> None:
    renamed = replace(PAST[3], id="other", url="https://a.example/other")
    assert held_against(PAST, [renamed]).take == (replace(renamed, id="id-3"),)
    undated = [replace(one, published=None) for one in PAST]
    same = replace(undated[3], id="other")
    assert held_against(undated, [same]).take == (replace(same, id="id-3"),)
    elsewhere = replace(undated[3], id="other", url="https://a.example/elsewhere")
    assert held_against(undated, [elsewhere]).take == (elsewhere,)


def test_two_entries_that_look_alike_stay_two() -> None:
    twin = replace(PAST[3], id="twin")
    assert held_against(PAST, [PAST[3], twin]).take == (PAST[3], twin)
    assert held_against([*PAST, replace(PAST[3], id="id-3b")], [replace(PAST[3], id="third")]).take[0].id == "third"


def test_an_edit_is_an_edit_even_of_an_entry_that_is_stored_under_another_id() -> None:
    edited = replace(PAST[2], title="Steel report corrected", paragraphs=("Other.",))
    assert held_against(PAST, [edited]).take == (edited,)
    renamed = replace(edited, id="new-id")
    arrivals = settle(
        [renamed], shown={"new-id"}, known={}, remembered={"new-id"}, past=PAST, since=NOW, accepted=False
    )
    assert arrivals.take == (replace(renamed, id="id-2"),)


def test_an_id_given_to_another_article_makes_another_article() -> None:
    news = article(50, id="id-1", published=NOW, title="Minister visits a dairy farm in Ningxia")
    assert held_against(PAST, [news]).take == (replace(news, id=reissued(news)),)
    retitled = replace(PAST[1], title=news.title)
    assert held_against(PAST, [retitled]).take == (retitled,)
    moved = replace(PAST[1], url="https://b.example/1", published=NOW)
    assert held_against(PAST, [moved]).take == (moved,)


def test_a_signature_changes_with_what_is_seen_and_what_may_be_shown() -> None:
    one = PAST[0]
    forms = {
        signature(one, full_text=False),
        signature(one, full_text=True),
        signature(replace(one, title="x"), full_text=False),
        signature(replace(one, weight=2.0), full_text=False),
        signature(replace(one, first_seen=NOW + DAY), full_text=False),
    }
    assert len(forms) == 4
