"""Articles with all their versions, and what classify judged about each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound
from digest.model import Article, Judgement
from digest.store.database import AnyQuery, Database
from digest.store.payload import Payload
from digest.store.schema import articles, cards_due, judgements

_ARTICLE: Final[Payload[Article]] = Payload(Article)
_JUDGEMENT: Final[Payload[Judgement]] = Payload(Judgement)
_PAGE: Final = 500


class Change(StrEnum):
    """What saving an article meant."""

    NEW = "new"
    EDITED = "edited"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Saved:
    """An article as the store has it now: with its version, and first seen when its first version was."""

    change: Change
    article: Article


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The newest version of an article, and its judgement if there is one."""

    article: Article
    judgement: Judgement | None


class Articles:
    """`save`, `get`, `between` and the judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, article: Article, at: datetime) -> Saved:
        """Keep an article, as `save_all` does."""
        return self.save_all((article,), at)[0]

    def save_all(self, wanted: Iterable[Article], at: datetime) -> tuple[Saved, ...]:
        """Keep articles, all or none; a new version when a reader could see a difference (`content_hash`).

        What a reader cannot see (rights, weight, origin) is brought up to date in place. `first_seen` stays that of
        the first version, so that an article without a date keeps its place in time.
        """
        with self._database.transaction() as connection:
            self._database.serialize(articles)
            return tuple(saved for page in _pages(wanted) for saved in self._save(connection, page, at))

    def _save(self, connection: sa.Connection, page: Sequence[Article], at: datetime) -> Iterator[Saved]:
        """Keep some articles, none of them twice: one statement finds what is known, one inserts."""
        query = sa.select(articles.c.uid, articles.c.content_hash, articles.c.payload)
        uids = [article.uid for article in page]
        known = {row.uid: row for row in connection.execute(query.where(_IS_NEWEST, articles.c.uid.in_(uids)))}
        rows: list[dict[str, object]] = []
        for article in page:
            kept, found, content_hash = replace(article, version=1), known.get(article.uid), article.content_hash
            change = Change.NEW
            if found is not None:
                before = _ARTICLE.load(found.payload)
                kept = replace(article, first_seen=before.first_seen, version=before.version)
                newest = (articles.c.uid == article.uid) & articles.c.newest
                if found.content_hash == content_hash:
                    payload = _ARTICLE.dump(kept)
                    if payload != found.payload:
                        connection.execute(sa.update(articles).where(newest).values(payload=payload))
                    yield Saved(change=Change.UNCHANGED, article=kept)
                    continue
                change, kept = Change.EDITED, replace(kept, version=before.version + 1)
                connection.execute(sa.update(articles).where(newest).values(newest=False))
            rows.append(
                {
                    "uid": kept.uid,
                    "version": kept.version,
                    "newest": True,
                    "source": kept.source,
                    "entry": kept.id,
                    "content_hash": content_hash,
                    "dated": kept.when,
                    "saved": at,
                    "payload": _ARTICLE.dump(kept),
                }
            )
            yield Saved(change=change, article=kept)
        if rows:
            connection.execute(sa.insert(articles), rows)
            due = [{"article": row["uid"]} for row in rows]
            connection.execute(self._database.insert(cards_due).on_conflict_do_nothing(), due)

    def get(self, uid: str, version: int | None = None) -> Judged:
        """The newest version of an article (or the one asked for) and its judgement.

        Raises:
            NotFound: there is none.
        """
        query = _WITH_JUDGEMENT.where(articles.c.uid == uid)
        if version is None:  # not by `newest`: the planner would take the index of all newest ones
            query = query.order_by(articles.c.version.desc()).limit(1)
        else:
            query = query.where(articles.c.version == version)
        found = self._fetch(query)
        if not found:
            raise NotFound("article", uid if version is None else f"{uid} version {version}")
        return found[0]

    def versions(self, uid: str) -> tuple[Article, ...]:
        """Every version of an article, first to newest; empty when there is no such article."""
        query = _WITH_JUDGEMENT.where(articles.c.uid == uid).order_by(articles.c.version)
        return tuple(judged.article for judged in self._fetch(query))

    def between(self, start: datetime, end: datetime) -> tuple[Judged, ...]:
        """The newest versions dated (`Article.when`) from `start` up to, not including, `end`; oldest first."""
        query = _WITH_JUDGEMENT.where(articles.c.newest, articles.c.dated >= start, articles.c.dated < end)
        return self._fetch(query.order_by(articles.c.dated, articles.c.uid))

    def some(self, uids: Collection[str]) -> dict[str, Judged]:
        """Newest versions by uid; those that do not exist are left out."""
        wanted = sorted(set(uids))
        found: dict[str, Judged] = {}
        for start in range(0, len(wanted), _PAGE):
            page = wanted[start : start + _PAGE]
            for judged in self._fetch(_WITH_JUDGEMENT.where(_IS_NEWEST, articles.c.uid.in_(page))):
                found[judged.article.uid] = judged
        return found

    def latest(self, source: str, limit: int) -> tuple[Article, ...]:
        """The newest versions of a source's latest articles by date, latest first."""
        query = (
            sa.select(articles.c.payload)
            .where(articles.c.source == source, articles.c.newest)
            .order_by(articles.c.dated.desc(), articles.c.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(_ARTICLE.load(row.payload) for row in connection.execute(query))

    def unjudged(self, classifier: str) -> Iterator[Article]:
        """Newest versions that this version of the classifier has not judged, oldest first; streamed."""
        after = 0
        query = (
            sa.select(articles.c.id, articles.c.payload)
            .outerjoin(
                judgements,
                (judgements.c.article == articles.c.uid)
                & (judgements.c.version == articles.c.version)
                & (judgements.c.classifier == classifier),
            )
            .where(articles.c.newest, judgements.c.article.is_(None))
            .order_by(articles.c.id)
            .limit(_PAGE)
        )
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(articles.c.id > after)).all()
            for row in rows:
                yield _ARTICLE.load(row.payload)
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    def judge(self, judgement: Judgement, version: int, classifier: str, at: datetime) -> None:
        """Keep what a version of the classifier decided about a version of an article; replaces an earlier one.

        Raises:
            NotFound: there is no such version of the article.
        """
        with self._database.transaction() as connection:
            known = connection.scalar(
                sa.select(articles.c.id).where(articles.c.uid == judgement.article, articles.c.version == version)
            )
            if known is None:
                raise NotFound("article", f"{judgement.article} version {version}")
            row = self._database.insert(judgements).values(
                article=judgement.article,
                version=version,
                classifier=classifier,
                at=at,
                payload=_JUDGEMENT.dump(judgement),
            )
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=[judgements.c.article, judgements.c.version],
                    set_={name: row.excluded[name] for name in ("classifier", "at", "payload")},
                )
            )
            due = self._database.insert(cards_due).values(article=judgement.article)
            connection.execute(due.on_conflict_do_nothing())

    def _fetch(self, query: AnyQuery) -> tuple[Judged, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Judged(
                article=_ARTICLE.load(row.payload),
                judgement=None if row.judgement is None else _JUDGEMENT.load(row.judgement),
            )
            for row in rows
        )


def _pages(wanted: Iterable[Article]) -> Iterator[list[Article]]:
    """The articles in their order, some at a time; one that comes again begins a new page, which finds the first."""
    page: dict[str, Article] = {}
    for article in wanted:
        if article.uid in page or len(page) == _PAGE:
            yield list(page.values())
            page = {}
        page[article.uid] = article
    if page:
        yield list(page.values())


_WITH_JUDGEMENT: Final = sa.select(articles.c.payload, judgements.c.payload.label("judgement")).outerjoin(
    judgements, (judgements.c.article == articles.c.uid) & (judgements.c.version == articles.c.version)
)
# For who knows the uids: said so that no planner takes the index of all newest ones.
_IS_NEWEST: Final = sa.case((articles.c.newest, 1), else_=0) == 1
