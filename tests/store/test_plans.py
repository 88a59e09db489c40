"""No page of the desk reads a whole table: SQLite's own plans of every statement that its lists and searches run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.model import SubscriptionState
from digest.store import Mark, Sought, Store, Whom
from digest.subscriptions import why
from tests.store.samples import NOW

LARGE = {
    "archive", "articles", "audit", "cards", "consents", "decisions", "deliveries", "edition_stories", "judgements",
    "notices", "origins", "polled", "problems", "subscribers", "subscriptions", "suppressions",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'digest.sqlite3'}") as store:
        store.migrate(site="plans", now=NOW)
        yield store


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    engine, found = store._database._engine, list[tuple[str, Any]]()

    def note(_connection: object, _cursor: object, text: str, parameters: object, *_more: object) -> None:
        found.append((text, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def scans(store: Store, text: str, parameters: Any) -> list[str]:
    """The large tables that a statement reads from one end to the other."""
    if not text.lstrip().upper().startswith("SELECT"):
        return []
    with store._database.reading() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]
    # In the order of its key, up to a limit, is no more than the page itself.
    limited = "LIMIT" in text.upper() and not any("TEMP B-TREE" in step for step in plan)
    return [
        step
        for step in plan
        if step.startswith("SCAN ") and step.split()[1] in LARGE and "VIRTUAL TABLE" not in step and not limited
    ]


PAGES: dict[str, Callable[[Store], object]] = {
    "articles": lambda store: store.cards.find(Sought()),
    "articles, next page": lambda store: store.cards.find(Sought(), after=1 << 50),
    "articles, oldest first": lambda store: store.cards.find(Sought(), oldest_first=True),
    "articles, words and filters": lambda store: store.cards.find(
        Sought(text="port 港口", source="wire", region="CN", theme="trade", mark=Mark.HELD, since=NOW, until=NOW)
    ),
    "article": lambda store: store.articles.some(["0" * 16]),
    "article's versions": lambda store: store.articles.versions("0" * 16),
    "article's marks": lambda store: store.cards.marks("0" * 16),
    "article's editions": lambda store: store.editions.carrying_article("0" * 16),
    "article's decisions": lambda store: store.decisions.history("0" * 16),
    "what is held": lambda store: store.decisions.barred(),
    "a source's articles": lambda store: store.articles.latest("wire", 20),
    "a source's problems": lambda store: store.sources.problems("wire", resolved=True),
    "a source's polls": lambda store: store.polled.of("wire", NOW.date()),
    "readers": lambda store: store.finding.find(Whom(), ["weekly"]),
    "readers, next page": lambda store: store.finding.find(Whom(), ["weekly"], after=500),
    "readers by address": lambda store: store.finding.find(Whom(text="ada"), ["weekly"], after="adam@x.example"),
    "readers by domain": lambda store: store.finding.find(Whom(text="@x.example"), ["weekly"], after=5),
    "readers by state": lambda store: store.finding.find(
        Whom(digest="weekly", state=SubscriptionState.ENDED), ["weekly"], after=500
    ),
    "reader": lambda store: store.subscribers.of("ada@x.example"),
    "reader's copies": lambda store: store.campaigns.deliveries(address="ada@x.example"),
    "reader's mails": lambda store: store.notices.deliveries("ada@x.example"),
    "reader's suppression": lambda store: store.subscribers.suppression("ada@x.example"),
    "why": lambda store: why(store, "ada@x.example"),
    "suppressions": lambda store: store.subscribers.suppressed(),
    "suppressions, next page": lambda store: store.subscribers.suppressed("refused", after=(NOW, "x@x.example")),
    "growth": lambda store: store.growth.weeks(NOW + timedelta(weeks=1)),
    "readers of a digest": lambda store: store.growth.running(),
}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reads_a_whole_table(desk: Store, page: str) -> None:
    with statements(desk) as asked:
        PAGES[page](desk)
    assert asked
    assert {text: found for text, parameters in asked if (found := scans(desk, text, parameters))} == {}


def test_a_scan_is_seen(desk: Store) -> None:
    assert scans(desk, "SELECT count(*) FROM subscriptions WHERE reason = ?", ("x",)) == ["SCAN subscriptions"]
    assert Path(desk._database.url.database or "").exists()
