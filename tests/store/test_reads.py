from __future__ import annotations

from datetime import date

from digest.store import Store


def test_what_was_read_most_in_some_days(store: Store) -> None:
    for story, day, count in (("a", 16, 3), ("b", 17, 4), ("a", 18, 2), ("c", 18, 1), ("d", 25, 9), ("e", 18, 4)):
        for _ in range(count):
            store.reads.add(story, date(2018, 7, day))
    first, last = date(2018, 7, 16), date(2018, 7, 22)
    assert store.reads.most({"a", "b", "c", "d", "e"}, first, last, limit=5, least=1) == ("a", "b", "e", "c")
    assert store.reads.most({"a", "b", "c"}, first, last, limit=5, least=4) == ("a", "b")
    assert store.reads.most({"a", "b", "e"}, first, last, limit=1, least=1) == ("a",)
    assert store.reads.most(set(), first, last, limit=5, least=1) == ()
