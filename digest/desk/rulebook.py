"""Filing rules at the desk: tried on past editions before they are kept, in an order, switched on and off.

A rule that is kept holds for what is judged from now on; articles of the last weeks are judged anew by it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.classify import Refiled, filed, fits, refiled
from digest.desk.editions import Desk
from digest.errors import InputError, NotFound
from digest.model import Actor, Article, EditionState, FilingRule, Judgement, Role
from digest.pipeline import Pipeline
from digest.store import Judged

REACH: Final = timedelta(days=60)  # how far back a filing rule that is kept changes what was judged
TRIED: Final = 12  # editions on which a rule is tried
_MANY: Final = 500  # articles at a time


@dataclass(frozen=True, kw_only=True)
class Moved:
    """An item of a past edition that a rule would have changed."""

    edition: str
    article: Article
    then: Judgement
    now: Judgement
    held: bool = False


@dataclass(frozen=True, kw_only=True)
class RuleTrial:
    """What a rule would have done: in how many editions it was tried, on how many items, and which would have moved."""

    editions: int
    items: int
    moved: tuple[Moved, ...]
    waiting: tuple[Article, ...]  # of now, in no edition yet, that it is about


class Rulebook:
    """The acts on filing rules; `Newsroom` adds those on articles."""

    def __init__(self, *, pipeline: Pipeline, desk: Desk, clock: Callable[[], datetime]) -> None:
        """Introduce the rooms to each other.

        Args:
            pipeline: what articles are judged with.
            desk: what composes a draft again.
            clock: the time.
        """
        self._pipeline = pipeline
        self._store = pipeline.store
        self._desk = desk
        self._clock = clock

    def rules(self) -> tuple[FilingRule, ...]:
        """Every rule, in their order."""
        return self._store.filing.all()

    def try_rule(self, rule: FilingRule, editions: int = TRIED) -> RuleTrial:
        """What a rule, with those that are kept already, would have changed in past editions; nothing is kept.

        Raises:
            InputError: the rule names no article, or nothing follows of it.
            NotFound: there is no such theme or region.
        """
        self._check(rule)
        others = [one for one in self.rules() if one.id != rule.id]
        past = [self._store.editions.get(one.id).edition for one in self._store.editions.list(limit=editions)]
        decided, items, moved = self._pipeline.refiled(), 0, list[Moved]()
        for edition in past:
            for item in edition.items:
                items += 1
                lead = item.story.lead
                if fits(lead, rule.when):
                    then = item.story.judgement
                    now = self._ruled(then, lead, [*others, rule], decided.get(lead.uid))
                    if rule.hold or _where(now) != _where(then):
                        moved.append(Moved(edition=edition.id, article=lead, then=then, now=now, held=rule.hold))
        waiting = [one.article for one in self._recent() if fits(one.article, rule.when)]
        return RuleTrial(editions=len(past), items=items, moved=tuple(moved), waiting=tuple(waiting[:_MANY]))

    @staticmethod
    def _ruled(then: Judgement, article: Article, rules: Sequence[FilingRule], said: Refiled | None) -> Judgement:
        now = filed(then, article, rules)
        return now if said is None else refiled(now, said)

    def _recent(self) -> tuple[Judged, ...]:
        now = self._clock()
        return self._store.articles.between(now - REACH, now + timedelta(days=1))

    def _check(self, rule: FilingRule) -> None:
        if not rule.name.strip():
            raise InputError("a rule without a name", remedy="say in a few words what it does")
        if rule.when.empty:
            raise InputError("a rule that is about every article", remedy="name a source, a publisher, words ...")
        if rule.idle:
            raise InputError("a rule of which nothing follows", remedy="add or remove a theme or a region, or hold")
        self._check_names([*rule.add_themes, *rule.remove_themes], [*rule.add_regions, *rule.remove_regions])

    def keep_rule(self, rule: FilingRule, *, by: Actor) -> FilingRule:
        """Keep a rule, new or changed; articles of the last weeks that it is about are judged anew.

        Raises:
            InputError: the rule names no article, or nothing follows of it.
            NotFound: there is no such rule, theme or region.
        """
        self._check(rule)
        before = [self._store.filing.get(rule.id)] if rule.id else []
        at = self._clock()
        with self._store.transaction():
            kept = self._store.filing.keep(rule, by.name, at)
            self._store.audit.add(by, "rule.keep", str(kept.id), {"name": kept.name}, at=at)
        self._apply([*before, kept], by)
        return kept

    def switch_rule(self, number: int, *, live: bool, by: Actor) -> None:
        """Apply a rule, or do not.

        Raises:
            NotFound: there is no such rule.
        """
        rule, at = self._store.filing.get(number), self._clock()
        with self._store.transaction():
            self._store.filing.switch(number, live=live)
            self._store.audit.add(by, "rule.switch", str(number), {"live": live}, at=at)
        self._apply([rule], by)

    def move_rule(self, number: int, place: int, *, by: Actor) -> None:
        """Put a rule at a place in their order, from 1.

        Raises:
            NotFound: there is no such rule.
        """
        rule, at = self._store.filing.get(number), self._clock()
        with self._store.transaction():
            self._store.filing.move(number, place)
            self._store.audit.add(by, "rule.move", str(number), {"place": place}, at=at)
        self._apply([rule], by)

    def drop_rule(self, number: int, *, by: Actor) -> None:
        """Forget a rule; what it held stays held until somebody releases it.

        Raises:
            NotFound: there is no such rule.
        """
        rule, at = self._store.filing.get(number), self._clock()
        with self._store.transaction():
            self._store.filing.drop(number)
            self._store.audit.add(by, "rule.drop", str(number), {"name": rule.name}, at=at)
        self._apply([rule], by)

    def _apply(self, rules: Sequence[FilingRule], by: Actor) -> None:
        """Judge anew the articles of the last weeks that rules are about; drafts that carry one are composed again."""
        uids = [one.article.uid for one in self._recent() if any(fits(one.article, rule.when) for rule in rules)]
        for start in range(0, len(uids), _MANY):
            self._pipeline.judge_anew(uids[start : start + _MANY])
        drafts = self._store.editions.list(states=[EditionState.DRAFT])
        mine = set(uids)
        for listed in drafts:
            if not mine.isdisjoint(self._others([listed.id])):
                self._desk.again(listed.id, by=by)

    def _check_names(self, themes: Iterable[str], regions: Iterable[str]) -> None:
        for theme in themes:
            if not any(one.id == theme for one in self._pipeline.judge.taxonomy):
                raise NotFound("theme", theme, "`digest classify` names them")
        for code in regions:
            if self._pipeline.places.find(code) is None:
                raise NotFound("region", code, "give a code such as CN-GD")

    def _others(self, carrying: Collection[str]) -> set[str]:
        """The articles of editions."""
        editions = [self._store.editions.get(one).edition for one in carrying]
        return {article.uid for edition in editions for item in edition.items for article in item.story.articles}


def _where(judgement: Judgement) -> tuple[object, ...]:
    """What of a judgement decides where a story stands and who gets it."""
    regions = judgement.places(Role.PRIMARY), judgement.places(Role.COUNTERPART)
    return *regions, [tag.theme for tag in judgement.themes]
