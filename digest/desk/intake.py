"""Articles that programs send: read, cleaned and kept as pick-up does it, for sources of kind "api".

bytes -> articles (digest.pickup, parsers in the jail) -> kept, new or as a new version -> judged
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from digest import pickup
from digest.errors import InputError, NotFound, StateError
from digest.model import Actor, Article, Source
from digest.pipeline import Pipeline
from digest.store import Change

NAME: Final = "body.json"  # what is sent is JSON, whatever its fields are called
_AT_ONCE: Final = 20  # articles that are judged before the answer; more wait for the next look at the sources


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of one article."""

    uid: str
    id: str
    change: Change
    version: int
    title: str


@dataclass(frozen=True, kw_only=True)
class Intaken:
    """What became of a document: its articles, and the entries that could not be used."""

    source: str
    kept: tuple[Kept, ...]
    problems: tuple[InputError, ...]

    def count(self, change: Change) -> int:
        """How many articles were new, edited or unchanged."""
        return sum(one.change is change for one in self.kept)


class Intake:
    """`take` many, `put` one. Made by digest.app.

    Args:
        pipeline: for the settings, the store, the jail and the judge.
        clock: the time.
    """

    def __init__(self, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        self._pipeline = pipeline
        self._settings = pipeline.settings
        self._store = pipeline.store
        self._clock = clock

    def source(self, key: str = "") -> Source:
        """The source that articles are sent to; without a key the only one there is.

        Raises:
            InputError: no key, and none or several sources.
            NotFound: there is no such source.
            StateError: its articles are picked up, not sent.
        """
        given = [one for one in self._settings.sources if one.sent]
        if not key:
            if len(given) == 1:
                return given[0]
            there = ", ".join(one.key for one in given)
            remedy = f"name one: {there}" if given else 'add [[sources]] with kind = "api" to digest.toml'
            raise InputError("which source is it?", where="source", remedy=remedy)
        for one in self._pipeline.live.all():
            if one.key == key:
                raise _not_sent(one)
        for one in self._settings.sources:
            if one.key == key:
                if one.sent:
                    return one
                raise _not_sent(one)
        raise NotFound("source", key, 'add [[sources]] with kind = "api" to digest.toml')

    def take(self, key: str, data: bytes, *, whole: bool = False, by: Actor) -> Intaken:
        """Keep the articles of a document: one, a list, or an object with a list.

        Args:
            key: of the source; "" where there is only one of kind "api".
            data: JSON: our own form, ninjs, JSON Feed, or a list of any.
            whole: keep nothing when an entry cannot be used.
            by: who sends it.

        Raises:
            InputError: nothing of it can be used; or not all, and `whole` was asked for.
            NotFound: there is no such source.
            StateError: the source is of another kind.
        """
        source = self.source(key)
        reading = self._read(source, data)
        if whole and reading.problems:
            raise reading.problems[0]
        return self._keep(source, reading.articles, reading.problems, by)

    def put(self, key: str, article_id: str, data: bytes, *, version: int | None = None, by: Actor) -> Intaken:
        """Make an article be as given: new, a new version, or as it was.

        Args:
            key: of the source.
            article_id: within the source; one in the document must be the same.
            data: one article.
            version: that it must have now; 0: it must not be there. None: whatever it is.
            by: who sends it.

        Raises:
            InputError: it is no article, or not one.
            NotFound: there is no such source.
            StateError: the source is of another kind, or the article is at another version.
        """
        source = self.source(key)
        reading = self._read(source, data)
        if len(reading.articles) != 1 or reading.problems:
            raise (reading.problems or [InputError("more than one article", remedy="send them to /articles")])[0]
        (article,) = reading.articles
        named = replace(article, id=article_id)
        stated = article.id != article_id and not article.id.startswith(("text:", "http:", "https:"))
        if stated:
            raise InputError(
                f"its id is '{article.id}', not '{article_id}'", where="id", remedy="leave one of them out"
            )
        with self._store.transaction():
            if version is not None:
                self._check_version(named, version)
            return self._keep(source, (named,), (), by)

    def _check_version(self, article: Article, version: int) -> None:
        there = self._store.articles.some([article.uid])
        now = there[article.uid].article.version if there else 0
        if now != version:
            state = f"at version {now}" if now else "not there"
            raise StateError(f"article '{article.id}'", state, "take it for another one", "look at it again")

    def _read(self, source: Source, data: bytes) -> pickup.Reading:
        pipeline = self._pipeline
        return pickup.read(data, NAME, source, now=self._clock(), zone=self._settings.zone, jail=pipeline.jail)

    def _keep(
        self, source: Source, articles: tuple[Article, ...], problems: tuple[InputError, ...], by: Actor
    ) -> Intaken:
        now = self._clock()
        with self._store.transaction():
            saved = self._store.articles.save_all(articles, now)
            done = Intaken(
                source=source.key,
                kept=tuple(
                    Kept(
                        uid=one.article.uid,
                        id=one.article.id,
                        change=one.change,
                        version=one.article.version,
                        title=one.article.title,
                    )
                    for one in saved
                ),
                problems=problems,
            )
            counts = {change.value: done.count(change) for change in Change}
            if counts[Change.NEW] or counts[Change.EDITED]:
                self._store.audit.add(by, "article.take", f"source {source.key}", counts, at=now)
        changed = [one.uid for one in done.kept if one.change is not Change.UNCHANGED]
        if len(changed) <= _AT_ONCE:
            for uid in changed:
                self._pipeline.judge_again(uid)
        return done


def _not_sent(source: Source) -> StateError:
    return StateError(
        f"source '{source.key}'",
        f"of kind {source.kind}",
        "take articles by the API",
        'its articles are picked up; add a source of kind "api"',
    )
