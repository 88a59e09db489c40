"""The edition's life, written once, in order.

    pick up | classify | compose | render | deliver + publish

`Pipeline.run` is that sentence. Each step can also be called alone, again and again: what was done stays done, what
was left is taken up where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from digest import pickup
from digest.classify import Judge, Refiled, ThemeCorrection, applying, filed, refiled
from digest.deliver import Child, Envelope, Fence, Halt, Progress, Report, Standing, Transport
from digest.errors import Busy, InputError
from digest.jail import Jail
from digest.links import Links
from digest.model import (
    Article,
    Claim,
    DigestRule,
    Edition,
    EditionState,
    FilingRule,
    Judgement,
    Period,
    Preferences,
    Revision,
    Skipped,
    Story,
)
from digest.pipeline.composing import Composing
from digest.pipeline.messages import Messages
from digest.pipeline.sending import SENDING, TAKEN_OVER, Sending, policy_of
from digest.places import Places
from digest.publishing import PUBLIC, Press, Published, write
from digest.render import Renderer
from digest.settings import Settings
from digest.sources import LiveSources, Part
from digest.store import Act, Change, Decision, Span, Store

__all__ = ["SENDING", "TAKEN_OVER", "Pickup", "Pipeline", "policy_of"]


@dataclass(kw_only=True)
class Pickup:
    """What a pick-up came to."""

    new: int = 0
    edited: int = 0
    unchanged: int = 0  # seen again, as it was
    waiting: list[tuple[str, str]] = field(default_factory=list)  # (source/origin, why)
    problems: list[InputError] = field(default_factory=list)


class Pipeline:
    """The rooms, introduced to each other. Made by digest.app, which alone knows how to wire them."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        places: Places,
        judge: Judge,
        renderer: Renderer,
        links: Links,
        jail: Jail,
        live: LiveSources,
        transport: Callable[[int], Transport],
        sender: Callable[[str, Span, int, int], Child],
        fence: Fence,
        standing: Callable[[], Standing],
        press: Press,
        clock: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.store = store
        self.places = places
        self.judge = judge
        self.renderer = renderer
        self.links = links
        self.jail = jail
        self.live = live
        self.press = press
        self.clock = clock
        self.composing = Composing(
            settings=settings, store=store, places=places, judge=judge, renderer=renderer, clock=clock
        )
        self.messages = Messages(settings=settings, store=store, places=places, renderer=renderer, links=links)
        self.sending = Sending(
            settings=settings,
            store=store,
            messages=self.messages,
            transport=transport,
            sender=sender,
            fence=fence,
            standing=standing,
            clock=clock,
        )

    def run(self, rule: DigestRule, period: Period, *, by: str) -> Report | Skipped:
        """The whole sentence, for one digest and period."""
        self.pick_up()
        self.classify()
        revision = self.compose(rule, period)
        if isinstance(revision, Skipped):
            return revision
        self.approve(revision, by=by)
        report = self.deliver(revision.edition.id)
        self.publish()
        return report

    # ---- pick up

    def pick_up(self, *, everyone: bool = False, live: bool = True, stop: Halt | None = None) -> Pickup:
        """Take what is new or edited from every source. What cannot be read goes aside, and the rest goes on.

        Live sources are asked when they are due; with `everyone`, all of them now; without `live`, none. That part runs
        its own event loop: call this outside of one. When `stop` is set, what is left waits for the next time.
        """
        done, halt = Pickup(), stop or Halt()
        for source in self.settings.sources:
            if source.live or source.sent:
                continue
            outcomes = pickup.pick_up(
                source,
                self.settings.folder,
                seen=self.store.sources.seen(source.key),
                now=self.clock(),
                zone=self.settings.zone,
                jail=self.jail,
                aside=self.settings.state / "aside",
            )
            try:
                for outcome in outcomes:
                    self._take(source.key, outcome, done)
                    if halt.asked:
                        return done
            except InputError as error:  # the source as a whole: its folder is gone, it leads out
                self.store.sources.report(source.key, source.location, error, self.clock())
                done.problems.append(error)
        if live:
            self.ask_live(done, halt, everyone=everyone)
        return done

    def ask_live(self, done: Pickup, halt: Halt, *, everyone: bool = False, part: Part | None = None) -> None:
        """Ask the live sources that are due, of one part or of all, and count what they bring."""
        try:
            polled = self.live.ask(everyone=everyone, part=part, stop=lambda: halt.asked)
        except Busy as busy:  # the other process brings what there is
            done.waiting.append(("live sources", str(busy)))
            return
        done.new += polled.new
        done.edited += polled.edited
        done.unchanged += polled.unchanged
        done.problems += polled.problems

    def _take(self, source: str, outcome: pickup.Found, done: Pickup) -> None:
        """Keep what a file brought and remember the file, in one transaction; then let go of the file."""
        now = self.clock()
        match outcome:
            case pickup.Waiting():
                done.waiting.append((f"{source}/{outcome.origin}", outcome.reason))
            case pickup.Aside():
                self.store.sources.remember(source, outcome.origin, outcome.signature, now, outcome.error)
                done.problems.append(outcome.error)
            case pickup.Taken():
                with self.store.transaction():
                    for saved in self.store.articles.save_all(outcome.articles, now):
                        self._count(saved.change, done)
                    problem = outcome.problems[0] if outcome.problems else None
                    self.store.sources.remember(source, outcome.origin, outcome.signature, now, problem)
                done.problems += outcome.problems
                outcome.done()

    @staticmethod
    def _count(change: Change, done: Pickup) -> None:
        done.new += change is Change.NEW
        done.edited += change is Change.EDITED
        done.unchanged += change is Change.UNCHANGED

    # ---- classify

    def classify(self, *, stop: Halt | None = None) -> int:
        """Judge every version of an article that this classifier has not judged, or until `stop` is set; how many."""
        count = 0
        decided, rules = self.refiled(), self.store.filing.all()
        judge = self.taught(decided)
        for article in self.store.articles.unjudged(judge.version):
            if stop is not None and stop.asked:
                break
            self._judge(article, judge, decided.get(article.uid), rules)
            count += 1
        self.store.cards.file(self._regions_of, stop=lambda: stop is not None and stop.asked)
        return count

    def judge_again(self, uid: str) -> Judgement:
        """Judge one article with what editors have said by now.

        Raises:
            NotFound: there is no such article.
        """
        self.store.articles.get(uid)
        self.judge_anew((uid,))
        judgement = self.store.articles.get(uid).judgement
        assert judgement is not None  # noqa: S101 - it was just kept
        return judgement

    def judge_anew(self, uids: Collection[str]) -> None:
        """Judge articles with what editors and their filing rules say by now, and write their cards."""
        decided, rules = self.refiled(), self.store.filing.all()
        judge = self.taught(decided)
        for uid, known in self.store.articles.some(uids).items():
            self._judge(known.article, judge, decided.get(uid), rules)
        self.file_cards()

    def file_cards(self) -> None:
        """Write the cards that are due, by which the desk finds articles."""
        self.store.cards.file(self._regions_of)

    def _judge(self, article: Article, judge: Judge, decided: Refiled | None, rules: Sequence[FilingRule]) -> None:
        """Judge an article: what was learned, over it the filing rules, over them what an editor said of this one."""
        judgement = filed(judge.judge(article), article, rules)
        if decided is not None:
            judgement = refiled(judgement, decided)
        now, holding = self.clock(), [rule for rule in applying(article, rules) if rule.hold]
        with self.store.transaction():
            self.store.articles.judge(judgement, article.version, judge.version, now)
            if holding:
                self._hold(article, holding[0], now)

    def _hold(self, article: Article, rule: FilingRule, now: datetime) -> None:
        """Let an article wait for an operator, unless one released it before, or it waits already."""
        if not any(one.act is Act.HOLD for one in self.store.decisions.history(article.uid)):
            reason = {"reason": f"filing rule “{rule.name}”", "rule": rule.id}
            by = f"filing rule {rule.id}"
            self.store.decisions.add(Decision(act=Act.HOLD, by=by, at=now, story=article.uid, payload=reason))

    def refiled(self) -> dict[str, Refiled]:
        """Where editors put articles, by uid, in the order of their last word."""
        acts = (one for one in self.store.decisions.effective() if one.act is Act.REFILE)
        return {one.story: Refiled.of(one.payload, one.by) for one in acts}

    def taught(self, decided: Mapping[str, Refiled]) -> Judge:
        """The judge, with what it learns from where editors put articles."""
        known = self.store.articles.some([uid for uid, one in decided.items() if one.themes is not None])
        return self.judge.taught(
            [
                ThemeCorrection(article=known[uid].article, themes=frozenset(one.themes or ()))
                for uid, one in decided.items()
                if uid in known
            ]
        )

    # ---- compose

    def compose(self, rule: DigestRule, period: Period) -> Revision | Skipped:
        """The edition of a digest for a period, frozen as a draft; one that is approved or out comes back as it is.

        A draft is composed again from what is known now, and becomes a new revision when anything differs. A period
        that another edition has claimed (one for all that fell due during a downtime) has that one.
        """
        return self.composing.compose(rule, period)

    def stories(self, period: Period, lateness: timedelta, besides: Collection[str] = ()) -> tuple[Story, ...]:
        """The stories that articles up to a period's end tell; those named in `besides` whatever their age."""
        return self.composing.stories(period, lateness, besides)

    def approve(self, revision: Revision, *, by: str) -> Revision:
        """Approve a revision unless it is; what stands in it then leaves as it is.

        Raises:
            StateError: the digest waits for an operator, or the edition was held or cancelled.
        """
        if revision.approved is not None and revision.state is not EditionState.HELD:
            return revision
        return self.store.editions.approve(revision.edition.id, revision.hash, by, self.clock())

    # ---- render + deliver

    def deliver(
        self,
        edition_id: str,
        *,
        only: Collection[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
        stop: Halt | None = None,
    ) -> Report:
        """Send what is due of an edition's campaign; begin it when it has not begun. See `Sending.deliver`."""
        return self.sending.deliver(edition_id, only=only, progress=progress, stop=stop)

    def deliver_range(self, edition_id: str, span: Span, *, stop: Halt, progress: Callable[[Progress], None]) -> Report:
        """Send what is due of one range of a campaign, for who was given the range. See `Sending.deliver_range`."""
        return self.sending.deliver_range(edition_id, span, stop=stop, progress=progress)

    def hand_out(self, edition_id: str) -> tuple[int, ...]:
        """Begin a campaign, or go on with it; its ranges for several machines to take. See `Sending.hand_out`."""
        return self.sending.hand_out(edition_id)

    def take_range(
        self, edition_id: str, first: int, *, stop: Halt, progress: Callable[[Progress], None]
    ) -> Report | None:
        """Take a range, send what is due of it, and give it back. See `Sending.take_range`."""
        return self.sending.take_range(edition_id, first, stop=stop, progress=progress)

    def standing(self) -> Standing:
        """What this installation is, and how far its sending has come: what no copy of it may have."""
        return self.sending.standing()

    def maker(self, revision: Revision, date: datetime) -> Callable[[Claim], Envelope | Skipped]:
        """What makes the message of a claim. See `Messages.maker`."""
        return self.messages.maker(revision, date)

    def selected(self, edition: Edition, preferences: Preferences) -> Edition | Skipped:
        """What of an edition a reader with these preferences gets, by the digest's minimum."""
        return self.messages.selected(edition, preferences)

    def message_id(self, edition_id: str) -> Callable[[int], str]:
        """From a subscription's id to the Message-ID of its copy: the same at every attempt."""
        return self.messages.message_id(edition_id)

    def warnings(self, revision: Revision) -> Iterator[str]:
        """What an operator should know of a revision before approving it."""
        return self.messages.warnings(revision)

    def preview(self, revision: Revision, address: str = "") -> tuple[str, str]:
        """A revision as everyone sees it online, or as one reader gets it. See `Messages.preview`."""
        return self.messages.preview(revision, address)

    # ---- publish

    def publish(self, *, stop: Halt | None = None) -> Published:
        """Write online editions and feeds of everything approved; a file is touched only when its bytes change.

        Raises:
            Busy: another process publishes.
            Halted: `stop` was set; what is left is for the next call.
        """
        halt = stop or Halt()
        self.store.archive.sync(self.store.editions.approvals(PUBLIC), self._regions_of, stop=lambda: halt.asked)
        documents = {path: write(self.settings.state / path, body) for path, body in halt.each(self._online())}
        feeds = self.press.publish(stop=halt)
        changed = tuple(path for path, moved in documents.items() if moved)
        return replace(feeds, files=feeds.files + len(documents), changed=(*changed, *feeds.changed))

    def _regions_of(self, code: str) -> Iterator[str]:
        """All regions in which one lies, the operator's groupings too, and itself."""
        yield code
        yield from self.places.parents(code)
        yield from (one.code for one in self.settings.groupings if self.places.within(code, one.code))

    def _online(self) -> Iterator[tuple[str, bytes]]:
        """Path below the state folder -> bytes, of the online editions that are not written as they stand now.

        Which are is noted beside them: each machine has a folder of its own, and writes it for itself.
        """
        note = self.settings.state / "editions/.written.json"
        written = _read(note)
        public = self.store.editions.approvals(PUBLIC)
        try:
            for listed in self.store.editions.list(states=PUBLIC):
                paths = [f"editions/{listed.id}.{kind}" for kind in ("html", "txt")]
                now = f"{public.get(listed.id, 0)} {self.settings.publication.url}"
                if written.get(listed.id) == now and all((self.settings.state / path).exists() for path in paths):
                    continue
                revision = self.store.editions.approved(listed.id)
                yield from zip(paths, (body.encode() for body in self.messages.copies(revision).page()), strict=True)
                written[listed.id] = now
        finally:
            if written:
                write(note, json.dumps(written, indent=0).encode() + b"\n")


def _read(note: Path) -> dict[str, str]:
    try:
        found = json.loads(note.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
