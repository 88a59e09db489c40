"""The newsroom: articles found, looked at, refiled, held, withdrawn and corrected; filing rules tried and kept.

    act -> decision + audit entry, in one transaction -> judged anew, drafts composed again, what is out revised

The console, the API and the CLI call `app.newsroom`. Nothing here asks who may: a front has checked that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.classify import Judge
from digest.desk import deciding
from digest.desk.amending import Amendment, corrected, without
from digest.desk.editions import Desk
from digest.desk.explaining import Placement, placed
from digest.desk.rulebook import REACH, Rulebook
from digest.errors import InputError, StateError
from digest.letters import Letters
from digest.model import (
    Actor,
    Article,
    Edition,
    EditionState,
    Judgement,
    Revision,
)
from digest.pipeline import Pipeline
from digest.store import Act, Decision, Judged, Mark

_LOOKED_AT: Final = 500  # articles that the learner is asked about
OUT: Final = frozenset({EditionState.SENDING, EditionState.PAUSED, EditionState.SENT})
OPEN: Final = frozenset({EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD})


@dataclass(frozen=True, kw_only=True)
class ArticleLook:
    """All that the desk knows of an article.

    Attributes:
        article: its newest version.
        judgement: of it; None: not judged yet.
        versions: all of them, first to newest.
        marks: what is remarkable.
        placements: where it stood, newest edition first.
        acts: what was decided about it, oldest first, what was taken back too.
        editions: ids of the editions that carry it, newest first.
    """

    article: Article
    judgement: Judgement | None
    versions: tuple[Article, ...]
    marks: tuple[Mark, ...]
    placements: tuple[Placement, ...]
    acts: tuple[Decision, ...]
    editions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What an act on an article did to editions: those that have a new revision, and those to be approved (again)."""

    revised: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unsure:
    """An article that the theme learner leaves to an editor: its themes now, and those near an even chance."""

    article: Article
    themes: tuple[str, ...]
    between: tuple[str, ...]


class Newsroom(Rulebook):
    """The acts, with those on filing rules. Made by digest.app, which alone knows how to wire them."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        desk: Desk,
        letters: Callable[[], Letters],
        publish: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Introduce the rooms to each other.

        Args:
            pipeline: what articles are judged and editions composed with.
            desk: what composes a draft again.
            letters: what tells readers of a correction.
            publish: has pages and feeds follow.
            clock: the time.
        """
        super().__init__(pipeline=pipeline, desk=desk, clock=clock)
        self._letters = letters
        self._publish = publish
        self._learned: tuple[object, Judge] | None = None

    # ---- looking

    def look(self, uid: str) -> ArticleLook:
        """All that is known of an article.

        Raises:
            NotFound: there is no such article.
        """
        judged = self._store.articles.get(uid)
        carrying = self._store.editions.carrying_article(uid)
        acts = [one for key in {uid, *carrying.values()} for one in self._store.decisions.history(key)]
        return ArticleLook(
            article=judged.article,
            judgement=judged.judgement,
            versions=self._store.articles.versions(uid),
            marks=self._store.cards.marks(uid),
            placements=tuple(self._placements(judged, carrying)),
            acts=tuple(sorted(acts, key=lambda one: one.id)),
            editions=tuple(carrying),
        )

    def _placements(self, judged: Judged, carrying: Collection[str]) -> Iterator[Placement]:
        """Where an article stood: in the editions that carry it, and in those that could have."""
        when = judged.article.when
        for listed in self._store.editions.list(since=when):
            rule = next((one for one in self._pipeline.settings.digests if one.key == listed.digest), None)
            lateness = timedelta(days=rule.lateness_days if rule else 0)
            near = listed.starts - lateness <= when < listed.ends
            if listed.id in carrying or (near and self._store.editions.mentions(listed.id, judged.article.uid)):
                found = placed(self._store.editions.get(listed.id).edition, listed.state, judged.article.uid)
                if found is not None:
                    yield found

    # ---- what the learner leaves to an editor

    def learns(self) -> bool:
        """Whether corrections have taught a learner yet."""
        return self._judge().learner is not None

    def unsure(self, limit: int = 50) -> tuple[Unsure, ...]:
        """Articles of the last weeks that the theme learner is not sure of and nobody refiled, the newest first."""
        learner = self._judge().learner
        if learner is None:
            return ()
        decided = self._pipeline.refiled()
        now, found = self._clock(), list[Unsure]()
        for one in reversed(self._store.articles.between(now - REACH, now + timedelta(days=1))[-_LOOKED_AT:]):
            said = decided.get(one.article.uid)
            between = () if said and said.themes is not None else learner.unsure(one.article)
            if between and one.judgement is not None:
                themes = tuple(tag.theme for tag in one.judgement.themes)
                found.append(Unsure(article=one.article, themes=themes, between=between))
            if len(found) == limit:
                break
        return tuple(found)

    def _judge(self) -> Judge:
        """The judge with what it has learned; learned anew when something was refiled since."""
        decided = self._pipeline.refiled()
        key = tuple(decided), tuple(map(repr, decided.values()))
        if self._learned is None or self._learned[0] != key:
            self._learned = key, self._pipeline.taught(decided)
        return self._learned[1]

    # ---- where it belongs

    def refile(
        self,
        uids: Sequence[str],
        *,
        themes: Sequence[str] | None = None,
        regions: Mapping[str, str] | None = None,
        by: Actor,
    ) -> int:
        """Put articles where they belong, in every digest; drafts that carry one are composed again. How many.

        Args:
            uids: of the articles.
            themes: ids, best first; None leaves what was judged.
            regions: code -> role, best first; None leaves what was judged.
            by: who says so.

        Raises:
            InputError: neither is given.
            NotFound: there is no such article, theme or region.
        """
        self._check_names(themes or (), regions or {})
        at = self._clock()
        with self._store.transaction():
            for uid in uids:
                deciding.refile(self._store, uid, themes=themes, regions=regions, by=by.name, at=at)
                details = {"themes": None if themes is None else list(themes), "regions": dict(regions or {})}
                self._store.audit.add(by, "article.refile", uid, details, at=at)
            self._store.cards.due(uids)
        self._pipeline.judge_anew(uids)
        self._compose_again(uids, by)
        return len(uids)

    # ---- held, withdrawn

    def hold(self, uids: Sequence[str], reason: str, *, by: Actor) -> int:
        """Let no edition use articles until they are released; drafts are composed again without them. How many.

        Raises:
            InputError: no reason is given.
            NotFound: there is no such article.
        """
        done = self._bar(uids, Act.HOLD, reason, by)
        self._compose_again(uids, by)
        return done

    def release(self, uids: Sequence[str], *, by: Actor) -> int:
        """Let editions use articles again that were held or withdrawn; how many there were."""
        at, barred, done = self._clock(), self._store.decisions.barred(), 0
        with self._store.transaction():
            for uid in uids:
                acts = [
                    one
                    for one in self._store.decisions.history(uid)
                    if one.undone is None and one.act in {Act.HOLD, Act.WITHDRAW}
                ]
                for one in acts:
                    self._store.decisions.undo(one.id, by.name, at)
                if acts:
                    done += 1
                    self._store.audit.add(by, "article.release", uid, {"was": barred[uid].act.value}, at=at)
            self._store.cards.due(uids)
        self._pipeline.file_cards()
        for listed in self._store.editions.list(states=[EditionState.DRAFT]):
            self._desk.again(listed.id, by=by)
        return done

    def withdraw(self, uid: str, reason: str, *, by: Actor) -> Consequence:
        """Take an article out: of drafts, of what is approved (to be approved again), of the archive and the feeds.

        Copies that are out stay. What is being sent goes on without it, from the next copy on.

        Raises:
            InputError: no reason is given.
            NotFound: there is no such article.
        """
        carrying = self._store.editions.carrying_article(uid)
        self._bar([uid], Act.WITHDRAW, reason, by)
        waiting = self._compose_again([uid], by)
        judgements = {one: known.judgement for one, known in self._store.articles.some(self._others(carrying)).items()}

        def bare(edition: Edition) -> Edition:
            return without(edition, uid, judgements.get, f"withdrawn: {reason.strip()}")

        return Consequence(revised=self._revise(carrying, bare, by), waiting=waiting)

    def _bar(self, uids: Sequence[str], act: Act, reason: str, by: Actor) -> int:
        if not reason.strip():
            raise InputError("no reason", remedy="say why, for who looks at it later")
        at, done = self._clock(), 0
        barred = self._store.decisions.barred()
        with self._store.transaction():
            for uid in uids:
                self._store.articles.get(uid)
                if uid in barred and barred[uid].act is act:
                    continue
                done += 1
                payload = {"reason": reason.strip()}
                self._store.decisions.add(Decision(act=act, by=by.name, at=at, story=uid, payload=payload))
                self._store.audit.add(by, f"article.{act.value}", uid, payload, at=at)
            self._store.cards.due(uids)
        self._pipeline.file_cards()
        return done

    # ---- corrected

    def correct(self, uid: str, text: str, *, title: str = "", summary: str = "", by: Actor) -> Consequence:
        """Put right what was wrong about an article, wherever it stands.

        What is out gets a new revision, approved by who corrects: for copies that were not claimed yet, the archive
        and the feeds. The next edition of its digest tells of it. A draft gets the headline and summary.

        Args:
            uid: of the article.
            text: what was wrong and what is right.
            title: the headline as it should be; "" leaves it.
            summary: the summary as it should be; "" leaves it.
            by: who says so.

        Raises:
            InputError: nothing is said.
            NotFound: there is no such article.
            StateError: no edition carries it: there is nothing to correct yet.
        """
        right = Amendment(text=text.strip(), title=" ".join(title.split()), summary=" ".join(summary.split()))
        if not right.text:
            raise InputError("an empty correction", remedy="write what was wrong and what is right")
        self._store.articles.get(uid)
        carrying = self._store.editions.carrying_article(uid)
        if not carrying:
            raise StateError(f"article {uid}", "in no edition", "correct it", "its source, or a refiling, changes it")
        at, out, waiting = self._clock(), dict[str, str](), list[str]()
        with self._store.transaction():
            for edition, story in carrying.items():
                if self._store.editions.state(edition) in OUT:
                    deciding.correct(self._store, edition, story, right.text, by=by.name, at=at)
                    out[edition] = story
            details = {"text": right.text, "title": right.title, "summary": right.summary, "editions": list(out)}
            self._store.audit.add(by, "article.correct", uid, details, at=at)
            self._store.cards.due([uid])
        self._pipeline.file_cards()
        for edition, story in carrying.items():
            if edition not in out and (right.title or right.summary):
                self._reopen(edition, by)
                if right.title:
                    self._desk.retitle(edition, story, right.title, by=by)
                if right.summary:
                    self._desk.summarize(edition, story, right.summary, by=by)
                waiting.append(edition)

        def put_right(edition: Edition) -> Edition:
            return corrected(edition, carrying[edition.id], right)

        return Consequence(revised=self._revise(out, put_right, by), waiting=tuple(waiting))

    def tell(self, uid: str, *, by: Actor) -> int:
        """Write to those who received what was corrected last about an article, each once; how many are queued.

        Raises:
            StateError: nothing was corrected; or this installation must not send.
        """
        carrying = self._store.editions.carrying_article(uid)
        said = [
            one
            for story in set(carrying.values())
            for one in self._store.decisions.history(story)
            if one.act is Act.CORRECT and one.undone is None and one.edition in carrying
        ]
        if not said:
            raise StateError(f"article {uid}", "not corrected", "tell of its correction", "correct it first")
        queued = 0
        for one in {one.edition: one for one in sorted(said, key=lambda one: one.id)}.values():
            count, _ = self._letters().tell(one.edition, one.story, str(one.payload["text"]), at=self._clock())
            self._store.audit.add(by, "article.tell", uid, {"edition": one.edition, "queued": count}, at=self._clock())
            queued += count
        return queued

    # ---- editions follow

    def _reopen(self, edition: str, by: Actor) -> None:
        if self._store.editions.state(edition) is EditionState.APPROVED:
            self._desk.reopen(edition, by=by)

    def _compose_again(self, uids: Collection[str], by: Actor) -> tuple[str, ...]:
        """Compose again what carries an article and is not out; what was approved has to be approved again. Which."""
        found = {edition: None for uid in uids for edition in self._store.editions.carrying_article(uid)}
        done = [edition for edition in found if self._store.editions.state(edition) in OPEN]
        for edition in done:
            self._reopen(edition, by)
            self._desk.again(edition, by=by)
        return tuple(done)

    def _revise(self, editions: Collection[str], amend: Callable[[Edition], Edition], by: Actor) -> tuple[str, ...]:
        """Freeze what is out anew, amended and approved by who amends, and publish it; which editions differ."""
        revised = []
        for name in editions:
            if self._store.editions.state(name) not in OUT:
                continue
            with self._store.transaction():
                before = self._store.editions.approved(name)
                newest = self._store.editions.get(name)
                materials = self._store.editions.materials(name, before.number)
                at = self._clock()
                after: Revision = self._store.editions.revise(amend(before.edition), materials, at, onto=newest.number)
                if after.hash == before.hash:
                    continue
                self._store.editions.approve(name, after.hash, by.name, at)
                details = {"hash": after.hash, "revision": after.number}
                self._store.audit.add(by, "edition.amend", name, details, at=at)
            revised.append(name)
        if revised:
            self._publish()
        return tuple(revised)
