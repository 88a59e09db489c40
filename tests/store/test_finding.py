"""The desk finds articles and readers, and counts who came, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from digest.errors import NotFound
from digest.model import (
    RULED,
    Consent,
    Evidence,
    FilingCondition,
    FilingRule,
    Judgement,
    Role,
    SubscriptionState,
    ThemeTag,
)
from digest.store import ASKED, Act, Decision, GrowthWeek, Mark, PollDay, Sought, Store, Wanted, Whom
from digest.store.schema import growth_seen
from tests.store.samples import CONSENT, NOW, SHANGHAI, make_article, make_edition, make_judgement

WHEN = datetime(2018, 7, 18, 9, 30, tzinfo=SHANGHAI)


def regions_of(code: str) -> Iterator[str]:
    yield from {"CN-GD": ("CN-GD", "CN", "x-gba")}.get(code, (code,))


def keep(store: Store, number: int, title: str, *, theme: str = "", **more: object) -> str:
    article = make_article(number, title=title, published=WHEN + timedelta(hours=number), keywords=(), **more)
    store.articles.save(article, NOW)
    if theme:
        store.articles.judge(make_judgement(article, theme), 1, "c", NOW)
    return article.uid


def titles(store: Store, **sought: object) -> list[str]:
    return [card.title for _, card in store.cards.find(Sought(**sought))]  # type: ignore[arg-type]  # a table of fields


@pytest.fixture
def carded(store: Store) -> Store:
    keep(store, 1, "Ports of Haifa grow", theme="trade")
    keep(store, 2, "广东省与以色列签署协议", theme="energy")
    keep(store, 3, "O'Neill said: “50% more”", source="own_desk", paragraphs=("hidden words of a port",))
    assert store.cards.file(regions_of) == 3
    assert store.cards.file(regions_of) == 0
    return store


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ({}, ["O'Neill", "广东省", "Ports"]),
        ({"text": "port"}, ["O'Neill", "Ports"]),
        ({"text": "以色列"}, ["广东省"]),
        ({"text": "o'neill 50%"}, ["O'Neill"]),
        ({"text": "  !  "}, []),
        ({"region": "CN"}, ["广东省", "Ports"]),
        ({"region": "IL"}, []),
        ({"theme": "energy", "region": "x-gba"}, ["广东省"]),
        ({"source": "own_desk"}, ["O'Neill"]),
        ({"mark": Mark.UNJUDGED}, ["O'Neill"]),
        ({"since": WHEN + timedelta(hours=2), "until": WHEN + timedelta(hours=3)}, ["广东省"]),
        ({"text": "port", "until": WHEN + timedelta(hours=3)}, ["Ports"]),
    ],
)
def test_cards_are_found(carded: Store, sought: dict[str, object], found: list[str]) -> None:
    shown = titles(carded, **sought)
    assert len(shown) == len(found)
    assert all(title.startswith(beginning) for title, beginning in zip(shown, found, strict=True))


def test_cards_come_page_by_page_both_ways(carded: Store) -> None:
    everything = carded.cards.find(Sought())
    for oldest_first in (False, True):
        after, seen = 0, []
        while page := carded.cards.find(Sought(), after=after, oldest_first=oldest_first, limit=1):
            after = page[0][0]
            seen.append(page[0])
        assert seen == (list(reversed(everything)) if oldest_first else list(everything))


def test_articles_of_one_second_have_cards_of_their_own(store: Store) -> None:
    several = [make_article(number, published=WHEN) for number in range(1500)]  # half a million pairs, a million places
    store.articles.save_all(several, NOW)
    assert store.cards.file(regions_of) == 1500
    assert len(store.cards.find(Sought(), limit=2000)) == 1500


def test_what_operators_decided_is_marked(carded: Store) -> None:
    uids = [card.uid for _, card in carded.cards.find(Sought())]
    held = carded.decisions.add(Decision(act=Act.HOLD, by="ada", at=NOW, story=uids[0]))
    carded.decisions.add(Decision(act=Act.WITHDRAW, by="ada", at=NOW, story=uids[1]))
    carded.decisions.add(Decision(act=Act.REFILE, by="ada", at=NOW, story=uids[1]))
    assert {uid: one.act for uid, one in carded.decisions.barred().items()} == {
        uids[0]: Act.HOLD,
        uids[1]: Act.WITHDRAW,
    }
    carded.cards.due([])
    carded.cards.due(uids)
    carded.cards.file(regions_of)
    marks = {card.uid: card.marks for _, card in carded.cards.find(Sought())}
    assert marks == {uids[0]: (Mark.HELD, Mark.UNJUDGED), uids[1]: (Mark.WITHDRAWN, Mark.REFILED), uids[2]: ()}
    carded.decisions.undo(held, "ada", NOW)
    carded.cards.due(uids)
    carded.cards.file(regions_of)
    assert titles(carded, mark=Mark.HELD) == []


def test_a_correction_of_a_story_marks_each_of_its_articles(store: Store) -> None:
    first, second = make_article(1), make_article(2)
    store.articles.save_all([first, second], NOW)
    edition = make_edition(articles=[first])
    story = replace(edition.items[0].story, also=(second,))
    section = edition.sections[0]
    group = replace(section.groups[0], items=(replace(edition.items[0], story=story),))
    store.editions.prepare(replace(edition, sections=(replace(section, groups=(group,)),)), {}, NOW)
    store.decisions.add(Decision(act=Act.CORRECT, by="ada", at=NOW, story=first.uid, edition=edition.id))
    store.cards.file(regions_of)
    assert [card.marks[0] for _, card in store.cards.find(Sought(mark=Mark.CORRECTED))] == [Mark.CORRECTED] * 2


def test_a_new_version_and_a_rule_are_marked(store: Store) -> None:
    uid = keep(store, 1, "Before")
    article = replace(make_article(1), title="After")
    store.articles.save(article, NOW)
    evidence = (Evidence(where=RULED, text="Ports", rule="filing rule 1"),)
    tag = ThemeTag(theme="trade", score=1.0, evidence=evidence)
    store.articles.judge(Judgement(article=uid, regions=(), themes=(tag,), summary=()), 2, "c", NOW)
    store.cards.file(regions_of)
    assert [card.marks for _, card in store.cards.find(Sought())] == [(Mark.EDITED, Mark.RULED)]
    store.cards.due([uid])
    assert store.cards.file(regions_of, stop=lambda: True) == 0


# ---- readers


@pytest.fixture
def listed(store: Store) -> Store:
    store.subscribers.put(
        [
            Wanted(address=f"{name}@{domain}", digest=digest, consent=CONSENT)
            for name in ("ada", "adam", "Bob", "zoë_1")
            for domain in ("one.example", "two.example")
            for digest in ("weekly", "ports")
        ],
        NOW,
    )
    gone = store.subscribers.of("ada@one.example")[0]
    store.subscribers.change(gone.id, SubscriptionState.ENDED, NOW, "left")
    return store


def found(store: Store, whom: Whom, limit: int = 50) -> list[tuple[str, str]]:
    """All pages of a search."""
    seen: list[tuple[str, str]] = []
    after: int | str | None = None
    for _ in range(100):
        page = store.finding.find(whom, ["weekly", "ports"], after=after, limit=limit)
        seen += [(one.address, one.digest) for one in page.rows]
        if page.after is None:
            return seen
        after = page.after
    raise AssertionError("no end")


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_readers_are_found_page_by_page(listed: Store, limit: int) -> None:
    assert len(found(listed, Whom(), limit)) == 16
    assert [name for name, _ in found(listed, Whom(text="ADA"), limit)] == [
        address for address in ("ada@one.example", "ada@two.example", "adam@one.example", "adam@two.example")
        for _ in range(2)
    ]  # fmt: skip
    assert {name for name, _ in found(listed, Whom(text="ada@t"), limit)} == {"ada@two.example"}
    assert len(found(listed, Whom(text="@two.example", digest="ports"), limit)) == 4
    assert found(listed, Whom(text="@nowhere.example"), limit) == []
    assert found(listed, Whom(text="zz"), limit) == []
    assert found(listed, Whom(state=SubscriptionState.ENDED), limit) == [("ada@one.example", "ports")]
    assert len(found(listed, Whom(digest="weekly", state=SubscriptionState.ACTIVE), limit)) == 8
    assert len(found(listed, Whom(digest="ports"), limit)) == 8
    assert found(listed, Whom(text="ada", state=SubscriptionState.ENDED), limit) == [("ada@one.example", "ports")]


def test_a_rare_match_comes_on_a_later_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.finding._CHUNK", 2)
    monkeypatch.setattr("digest.store.finding._MOST", 4)
    store.subscribers.put(
        [Wanted(address=f"r{number}@x.example", digest="weekly", consent=CONSENT) for number in range(9)], NOW
    )
    last = store.subscribers.of("r8@x.example")[0]
    store.subscribers.change(last.id, SubscriptionState.PAUSED, NOW)
    page = store.finding.find(Whom(text="r", state=SubscriptionState.PAUSED), ["weekly"])
    assert page.rows == ()
    assert page.after == "r3@x.example"
    assert found(store, Whom(text="r", state=SubscriptionState.PAUSED)) == [("r8@x.example", "weekly")]


def test_suppressions_come_page_by_page(store: Store) -> None:
    for number in range(5):
        cause = "complaint" if number % 2 else "refused"
        store.subscribers.suppress(f"r{number}@x.example", cause, "said so", NOW + timedelta(days=number // 2))
    for cause, expected in (("", "43201"), ("complaint", "31")):
        after, seen = None, ""
        while page := store.subscribers.suppressed(cause, after=after, limit=2):
            seen += "".join(one.key[1] for one in page)
            after = (page[-1].at, page[-1].key)
        assert sorted(seen) == sorted(expected)
        assert len(seen) == len(expected)


# ---- growth


def test_growth_counts_who_came_and_left_once(store: Store) -> None:
    def put(address: str, at: datetime, basis: str = "import: list") -> int:
        consent = Consent(at=at, basis=basis)
        state = SubscriptionState.PENDING if basis == ASKED else SubscriptionState.ACTIVE
        store.subscribers.put([Wanted(address=address, digest="weekly", consent=consent, state=state)], at)
        return store.subscribers.of(address)[0].id

    monday = datetime(2018, 7, 16, tzinfo=UTC)
    first = put("a@x.example", monday)
    put("b@x.example", monday + timedelta(days=8))
    asked = put("c@x.example", monday + timedelta(days=8), ASKED)
    put("d@x.example", monday, ASKED)  # never confirmed
    store.subscribers.change(first, SubscriptionState.ENDED, monday + timedelta(days=1))
    expected = (
        GrowthWeek(week=date(2018, 7, 9)),
        GrowthWeek(week=date(2018, 7, 16), joined=1, left=1),
        GrowthWeek(week=date(2018, 7, 23), joined=1),
    )
    now = monday + timedelta(days=9)
    assert store.growth.weeks(now, 3) == expected  # in passing
    assert store.growth.running() == {"weekly": 1}
    assert store.growth.count() == 5
    assert store.growth.count() == 0
    assert store.growth.weeks(now, 3) == expected
    store.subscribers.confirm(asked, Consent(at=now, basis="double opt-in"), now)
    store.subscribers.confirm(first, Consent(at=now, basis="double opt-in"), now)  # came back
    store.subscribers.suppress("e@x.example", "refused", "550", now)
    store.subscribers.suppress("f@x.example", "complaint", "abuse", now)
    assert store.growth.weeks(now, 1, "weekly") == (GrowthWeek(week=date(2018, 7, 23), joined=3, bounced=1),)
    assert store.growth.weeks(now, 1, "ports") == (GrowthWeek(week=date(2018, 7, 23), bounced=1),)
    store.growth.count()
    assert store.growth.weeks(now, 1) == (GrowthWeek(week=date(2018, 7, 23), joined=3, bounced=1),)
    assert store.growth.running() == {"weekly": 3}
    with store._database.reading() as connection:
        assert connection.scalar(sa.select(growth_seen.c.consent)) == 7


# ---- polls and rules


def test_polls_are_counted_by_day(store: Store) -> None:
    day = date(2018, 7, 18)
    store.polled.add([])
    store.polled.add([PollDay(source="a", day=day, fresh=2), PollDay(source="b", day=day, failed=1)])
    store.polled.add([PollDay(source="a", day=day, unmodified=1), PollDay(source="a", day=day + timedelta(days=1))])
    assert store.polled.of("a", day) == (
        PollDay(source="a", day=day, asked=2, fresh=2, unmodified=1),
        PollDay(source="a", day=day + timedelta(days=1)),
    )
    assert store.polled.forget(day + timedelta(days=1)) == 2
    assert store.polled.of("b", day) == ()


def test_filing_rules_keep_their_order(store: Store) -> None:
    rules = store.filing
    when = FilingCondition(words=("port",))
    one = rules.keep(FilingRule(name="one", when=when, add_regions={"CN": Role.PRIMARY}), "ada", NOW)
    two = rules.keep(FilingRule(name="two", when=when, hold=True), "ada", NOW)
    three = rules.keep(FilingRule(name="three", when=when, remove_themes=("trade",)), "bob", NOW)
    assert (one.by, one.live, one.add_regions) == ("ada", True, {"CN": Role.PRIMARY})
    rules.move(three.id, 1)
    assert [rule.name for rule in rules.all()] == ["three", "one", "two"]
    rules.move(three.id, 99)
    rules.switch(one.id, live=False)
    assert [(rule.name, rule.live) for rule in rules.all()] == [("one", False), ("two", True), ("three", True)]
    changed = rules.keep(replace(one, name="first", live=False), "bob", NOW)
    assert (changed.id, changed.name, changed.by) == (one.id, "first", "bob")
    rules.drop(two.id)
    assert [rule.id for rule in rules.all()] == [one.id, three.id]
    for act in (
        lambda: rules.get(two.id),
        lambda: rules.keep(two, "ada", NOW),
        lambda: rules.switch(two.id, live=True),
        lambda: rules.move(two.id, 1),
        lambda: rules.drop(two.id),
    ):
        with pytest.raises(NotFound):
            act()
