"""The archive is searched by word, region and theme, in English and Chinese, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from digest.model import Article, Rights
from digest.store import Store
from tests.store.samples import NOW, SHANGHAI, make_article, make_edition

WHEN = datetime(2018, 7, 18, 9, 30, tzinfo=SHANGHAI)


def regions_of(code: str) -> Iterator[str]:
    yield from {"CN-GD": ("CN-GD", "CN", "x-gba")}.get(code, (code,))


def article(number: int, title: str, **more: object) -> Article:
    return make_article(number, title=title, published=WHEN + timedelta(hours=number), **more)


def publish(store: Store, *articles: Article, week: str = "2018-W29", number: int = 1) -> str:
    edition = make_edition(week, articles, number=number)
    revision = store.editions.prepare(edition, {}, NOW).revision
    store.editions.approve(edition.id, revision.hash, "test", NOW)
    return edition.id


def titles(store: Store, text: str = "", **more: object) -> list[str]:
    return [one.item.story.lead.title for one in store.archive.find(text, **more)]  # type: ignore[arg-type] # a table of arguments


@pytest.fixture
def filed(store: Store) -> Store:
    edition = publish(
        store,
        article(1, "Ports of Haifa grow"),
        article(2, "广东省与以色列签署协议"),
        article(3, "O'Neill said: “50% more” C++ & co."),
        article(4, "A secret port", rights=Rights.HEADLINE, paragraphs=("hidden words",)),
        article(5, "Open text", rights=Rights.FULL, paragraphs=("every paragraph counts",)),
    )
    assert store.archive.sync({edition: 1}, regions_of) == 1
    assert store.archive.sync({edition: 1}, regions_of) == 0
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("port", ["A secret port", "Ports of Haifa grow"]),
        ("PORTS haifa", ["Ports of Haifa grow"]),
        ("haifa port nothing", []),
        ("广东", ["广东省与以色列签署协议"]),
        ("广东省 以色列", ["广东省与以色列签署协议"]),
        ("以", ["广东省与以色列签署协议"]),
        ("色列签", ["广东省与以色列签署协议"]),
        ("东广", []),
        ("O'Neill", ["O'Neill said: “50% more” C++ & co."]),
        ("50%", ["O'Neill said: “50% more” C++ & co."]),
        ('" OR 1=1 --', []),
        ("NEAR(a b) AND *", []),
        ("'; DROP TABLE archive; --", []),
        ("\\ ' \" & | ! ( ) : * <->", []),
        ("hidden", []),  # its rights show the headline only
        ("paragraph", ["Open text"]),
        ("harbour", None),
        ("r:cn-gd", []),  # tags are no words that a reader could ask for
        ("\x00\ud800", []),
        ("e" * 5000, []),
    ],
)
def test_words(filed: Store, query: str, expected: list[str] | None) -> None:
    if expected is None:
        assert len(titles(filed, query)) > 2
    else:
        assert titles(filed, query) == expected


def test_regions_and_themes_narrow_and_hold_what_lies_in_them(filed: Store) -> None:
    for region in ("CN-GD", "CN", "x-gba"):
        assert len(titles(filed, region=region)) == 5
    assert titles(filed, "port", region="CN", theme="trade") == ["A secret port", "Ports of Haifa grow"]
    assert titles(filed, region="IL") == titles(filed, theme="energy") == titles(filed, region="' OR 1") == []


def test_pages_follow_each_other_newest_first(filed: Store) -> None:
    seen: list[str] = []
    before = 0
    while page := filed.archive.find(before=before, limit=2):
        seen += [one.item.story.lead.title for one in page]
        before = page[-1].number
    assert seen == titles(filed)
    assert seen[0] == "Open text"
    assert len(seen) == 5
    first = filed.archive.find("port", limit=1)
    assert titles(filed, "port", before=first[0].number) == ["Ports of Haifa grow"]
    assert first[0].edition.id == "weekly-2018-W29"
    assert first[0].item.story.lead.paragraphs == ()


def test_what_is_not_public_any_more_is_not_found(filed: Store) -> None:
    other = publish(filed, article(9, "Later news"), week="2018-W30", number=2)
    assert filed.archive.sync({"weekly-2018-W29": 1, other: 1}, regions_of) == 1
    assert titles(filed, "later") == ["Later news"]
    assert filed.archive.sync({other: 1}, regions_of) == 1
    assert titles(filed) == ["Later news"]
    assert titles(filed, "haifa") == []


def test_a_correction_takes_the_place_of_what_it_corrects(filed: Store) -> None:
    before = filed.editions.get("weekly-2018-W29")
    first, *others = before.edition.items
    changed = replace(first.story, lead=replace(first.story.lead, title="Harbours of Haifa grow"))
    section = before.edition.sections[0]
    groups = (replace(section.groups[0], items=(replace(first, story=changed), *others)),)
    edition = replace(before.edition, sections=(replace(section, groups=groups),))
    revised = filed.editions.revise(edition, {}, NOW, onto=1)
    filed.editions.approve(edition.id, revised.hash, "test", NOW)
    assert filed.archive.sync({edition.id: revised.number}, regions_of) == 1
    assert titles(filed, "haifa") == ["Harbours of Haifa grow"]
