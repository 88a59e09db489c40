"""What an edition of a digest holds, composed from what is known now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from digest.classify import Judge, Merged, Regrouping, Split, cluster, rank, regroup, related
from digest.compose import Decisions, Score, compose
from digest.model import (
    Article,
    Correction,
    DigestRule,
    Edition,
    EditionState,
    Judgement,
    LeftOut,
    MostRead,
    Period,
    Revision,
    Skipped,
    Story,
)
from digest.places import Places
from digest.render import Renderer
from digest.settings import Settings
from digest.store import Act, Store

MOST_READ: Final = 5  # stories
LEAST_READ: Final = 3  # readings; fewer say more about a reader than about a story
_KEPT: Final = 2_000  # articles whose stories are kept at hand
# What is composed again when asked for: what is held too, so that an editor can mend it.
_OPEN: Final = frozenset({EditionState.DRAFT, EditionState.HELD, EditionState.SKIPPED})
LOOK_BACK: Final = timedelta(weeks=26)  # how far back a follow-up may find the story that it follows


class Composing:
    """Makes drafts. See `Pipeline.compose`."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        places: Places,
        judge: Judge,
        renderer: Renderer,
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.store = store
        self.places = places
        self.judge = judge
        self.renderer = renderer
        self.clock = clock
        self._told: tuple[tuple[frozenset[tuple[str, int, Judgement]], bool], tuple[Story, ...]] | None = None

    def compose(self, rule: DigestRule, period: Period) -> Revision | Skipped:
        """The edition of a digest for a period, frozen as a draft; one that is approved or out comes back as it is.

        A draft is composed again from what is known now, and becomes a new revision when anything differs. A period
        that another edition has claimed (one for all that fell due during a downtime) has that one.
        """
        claim = self.store.runs.claim(rule.key, period.key, self.settings.zone)
        if claim is not None:
            period = claim.period
        before = self.store.editions.find(rule.key, period.key)
        if before is not None and before.state not in _OPEN:
            return Skipped(reason=before.reason) if before.state is EditionState.CANCELLED else before
        now = self.clock()
        edition = self._composed(rule, period, before)
        if isinstance(edition, Skipped):
            return self._skip(rule, period, before, edition, now)
        materials = self.renderer.materials(rule.template)
        if before is None or before.state is EditionState.SKIPPED:
            return self.store.editions.prepare(edition, materials, now).revision
        return self.store.editions.revise(edition, materials, now, onto=before.number)

    def _composed(self, rule: DigestRule, period: Period, before: Revision | None) -> Edition | Skipped:
        edition_id = before.edition.id if before else f"{rule.key}-{period.key}"
        decisions = self._decisions(rule, edition_id)
        stories = self.stories(
            period,
            timedelta(days=rule.lateness_days),
            [*decisions.pinned, *decisions.taken],
            self._regroupings(rule, edition_id),
        )
        scores = rank(stories, period, self.judge.taxonomy.weights)
        number = before.edition.number if before and before.edition.number else 0
        earlier = self._earlier(rule, period)
        composed = compose(
            rule,
            period,
            related(stories, earlier, self.places),
            number=number or self.store.editions.next_number(rule.key),
            places=self.places,
            used=self.store.editions.used(rule.key, besides=edition_id),
            scores={key: Score(value=score.value, why=score.why) for key, score in scores.items()},
            themes=[theme.id for theme in self.judge.taxonomy],
            decisions=decisions,
        )
        if isinstance(composed, Skipped):
            return composed
        return replace(
            composed,
            left_out=(*composed.left_out, *self._waiting(rule, period)),
            corrections=tuple(self._corrections(earlier)),
            most_read=tuple(self._most_read(earlier, period)),
        )

    def _waiting(self, rule: DigestRule, period: Period) -> Iterator[LeftOut]:
        """The articles that could be in an edition, and that an operator or a filing rule held or withdrew."""
        start = period.start - timedelta(days=rule.lateness_days)
        barred = self.store.decisions.barred()
        for uid, one in sorted(self.store.articles.some(barred).items()):
            if start <= one.article.when < period.end:
                act = barred[uid]
                word = "held" if act.act is Act.HOLD else "withdrawn"
                reason = f"{word} by {act.by}: {act.payload.get('reason', '')}"
                yield LeftOut(story=uid, title=one.article.title, reason=reason.rstrip(": "))

    def _corrections(self, earlier: Sequence[Edition]) -> Iterator[Correction]:
        """What was wrong in earlier editions, and no earlier edition has told yet."""
        told = {(one.edition, one.story, one.text) for edition in earlier for one in edition.corrections}
        for edition in earlier:
            for act in self.store.decisions.effective(edition=edition.id):
                item = edition.find(act.story) if act.act is Act.CORRECT else None
                text = str(act.payload.get("text", ""))
                if item is not None and (edition.id, act.story, text) not in told:
                    yield Correction(
                        story=act.story,
                        title=item.story.lead.title,
                        text=text,
                        edition=edition.id,
                        period=edition.period.key,
                    )

    def _most_read(self, earlier: Sequence[Edition], period: Period) -> Iterator[MostRead]:
        """The stories of earlier editions whose pages were read most in the period."""
        carried = {item.story.key: (edition, item) for edition in reversed(earlier) for item in edition.items}
        first = period.start.astimezone(self.settings.zone).date()
        for key in self.store.reads.most(carried, first, period.last_day, limit=MOST_READ, least=LEAST_READ):
            edition, item = carried[key]
            yield MostRead(story=key, title=item.story.lead.title, edition=edition.id, period=edition.period.key)

    def stories(
        self,
        period: Period,
        lateness: timedelta,
        besides: Collection[str] = (),
        said: Sequence[Regrouping] = (),
    ) -> tuple[Story, ...]:
        """The stories that articles up to a period's end tell; those named in `besides` whatever their age.

        `said` is what editors said of which articles tell one story.
        """
        found = {one.article.uid: one for one in self.store.articles.between(period.start - lateness, period.end)}
        found.update(self.store.articles.some([uid for uid in besides if uid not in found]))
        barred = self.store.decisions.barred()
        judged = [
            (one.article, one.judgement)
            for uid, one in found.items()
            if one.judgement is not None and uid not in barred
        ]
        stories = self._clustered(judged)
        return regroup(stories, said, {article.uid: judgement for article, judgement in judged}) if said else stories

    def _clustered(self, judged: Sequence[tuple[Article, Judgement]]) -> tuple[Story, ...]:
        """The stories of these articles. Those of the last time are kept: an editor's act seldom changes an article."""
        learned = self.settings.classify.learned
        same = frozenset((article.uid, article.version, judgement) for article, judgement in judged)
        if len(judged) > _KEPT:
            return cluster(judged, places=self.places, learned=learned)
        if self._told is None or self._told[0] != (same, learned):
            self._told = (same, learned), cluster(judged, places=self.places, learned=learned)
        return self._told[1]

    def _regroupings(self, rule: DigestRule, edition_id: str) -> list[Regrouping]:
        """What editors said of which articles tell one story of an edition, in the order in which they said it."""
        said: list[Regrouping] = []
        for one in self.store.decisions.effective(digest=rule.key, edition=edition_id):
            if one.act is Act.MERGE:
                said.append(Merged(story=one.story, into=str(one.payload["into"])))
            elif one.act is Act.SPLIT:
                said.append(Split(article=one.story))
        return said

    def _earlier(self, rule: DigestRule, period: Period) -> list[Edition]:
        """The editions of this digest in which the stories of a period may find what they follow up."""
        return [
            self.store.editions.get(listed.id).edition
            for listed in self.store.editions.list(rule.key)
            if listed.ends <= period.start <= listed.ends + LOOK_BACK
            and listed.state not in {EditionState.CANCELLED, EditionState.SKIPPED}
        ]

    def _decisions(self, rule: DigestRule, edition_id: str) -> Decisions:
        """What operators decided, as compose takes it; a later act on the same story takes the place of an earlier."""
        acts = self.store.decisions.effective(digest=rule.key, edition=edition_id)
        payloads = {
            act: {one.story: {key: str(value) for key, value in one.payload.items()} for one in acts if one.act is act}
            for act in Act
        }

        def field_of(act: Act, name: str) -> Mapping[str, str]:
            return {story: payload[name] for story, payload in payloads[act].items() if name in payload}

        # Of dropping a story and taking it in, the later one holds.
        last = {one.story: one.act for one in acts if one.act in {Act.DROP, Act.TAKE}}
        dropped = {story: payload for story, payload in payloads[Act.DROP].items() if last[story] is Act.DROP}
        return Decisions(
            pinned=tuple(payloads[Act.PIN]),
            dropped={story: payload.get("reason", "") for story, payload in dropped.items()},
            taken=tuple(story for story, act in last.items() if act is Act.TAKE),
            summaries=field_of(Act.SUMMARIZE, "summary"),
            places={story: int(place) for story, place in field_of(Act.MOVE, "place").items()},
            sections=field_of(Act.MOVE, "section"),
            themes=field_of(Act.MOVE, "theme"),
            titles=field_of(Act.RETITLE, "title"),
            note=payloads[Act.NOTE].get("", {}).get("note", ""),
        )

    def _skip(
        self, rule: DigestRule, period: Period, before: Revision | None, skipped: Skipped, now: datetime
    ) -> Skipped:
        """Record that there is no edition, and why; it can still become one when more arrives."""
        if before is None:
            empty = Edition(
                id=f"{rule.key}-{period.key}", digest=rule.key, title=rule.title, period=period, number=0, sections=()
            )
            self.store.editions.skip(empty, skipped.reason, now)
        elif before.state is not EditionState.SKIPPED:
            self.store.editions.move(before.edition.id, EditionState.SKIPPED, now, skipped.reason)
        return skipped
