"""The edition's life, written once, in order.

    pick up | classify | compose | render | deliver + publish

`Pipeline.run` is that sentence. Each step can also be called alone, again and again: what was done stays done, what
was left is taken up where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from digest import pickup
from digest.classify import Judge, Refiled, ThemeCorrection, cluster, rank, refiled, related
from digest.compose import Decisions, Score, compose, select, told_again
from digest.copies import Copies
from digest.deliver import (
    Child,
    Envelope,
    Fence,
    Halt,
    Letterhead,
    Policy,
    Progress,
    Report,
    Standing,
    Transport,
    mailbox,
    run_crew,
    run_in_loop,
    subject_of,
)
from digest.deliver import run as run_campaign
from digest.errors import Busy, InputError, NotFound, StateError
from digest.jail import Jail
from digest.links import Links
from digest.model import (
    Article,
    Claim,
    Correction,
    DigestRule,
    Edition,
    EditionState,
    Judgement,
    MostRead,
    Period,
    Preferences,
    Received,
    Revision,
    Skipped,
    Story,
)
from digest.places import Places
from digest.publishing import PUBLIC, Press, Published, write
from digest.render import Renderer
from digest.settings import Settings
from digest.sources import LiveSources
from digest.store import Act, Change, RefusalPolicy, Span, Store

COPIES_PER_SENDER: Final = 2500  # fewer are sent before a second process has begun
SENDING: Final = "sending"  # what only one process of an installation does at a time
_REVISIONS: Final = 8  # whose renderings are kept at hand
MOST_READ: Final = 5  # stories
LEAST_READ: Final = 3  # readings; fewer say more about a reader than about a story
LOOK_BACK: Final = timedelta(weeks=26)  # how far back a follow-up may find the story that it follows


@dataclass(kw_only=True)
class Pickup:
    """What a pick-up came to."""

    new: int = 0
    edited: int = 0
    unchanged: int = 0  # seen again, as it was
    waiting: list[tuple[str, str]] = field(default_factory=list)  # (source/origin, why)
    problems: list[InputError] = field(default_factory=list)


class Pipeline:
    """The rooms, introduced to each other. Made by app.py, which alone knows how to wire them."""

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
        transport: Callable[[], Transport],
        sender: Callable[[str, Span, int, int], Child],
        fence: Fence,
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
        self.transport = transport
        self.sender = sender  # how a process is started that sends a range: (edition, range, its place, of how many)
        self.fence = fence
        self.press = press
        self.clock = clock
        self._made: dict[tuple[str, int], Copies] = {}

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

    def pick_up(self, *, everyone: bool = False, stop: Halt | None = None) -> Pickup:
        """Take what is new or edited from every source. What cannot be read goes aside, and the rest goes on.

        Live sources are asked when they are due; with `everyone`, all of them now. That part runs its own event loop:
        call this outside of one. When `stop` is set, what is left waits for the next time.
        """
        done, halt = Pickup(), stop or Halt()
        for source in self.settings.sources:
            if source.live:
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
        self._ask_live(done, halt, everyone=everyone)
        return done

    def _ask_live(self, done: Pickup, halt: Halt, *, everyone: bool) -> None:
        try:
            polled = self.live.ask(everyone=everyone, stop=lambda: halt.asked)
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
        decided = self.refiled()
        judge = self.taught(decided)
        for article in self.store.articles.unjudged(judge.version):
            if stop is not None and stop.asked:
                break
            self._judge(article, judge, decided.get(article.uid))
            count += 1
        return count

    def judge_again(self, uid: str) -> Judgement:
        """Judge one article with what editors have said by now.

        Raises:
            NotFound: there is no such article.
        """
        decided = self.refiled()
        return self._judge(self.store.articles.get(uid).article, self.taught(decided), decided.get(uid))

    def _judge(self, article: Article, judge: Judge, decided: Refiled | None) -> Judgement:
        judgement = judge.judge(article)
        if decided is not None:
            judgement = refiled(judgement, decided)
        self.store.articles.judge(judgement, article.version, judge.version, self.clock())
        return judgement

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
        claim = self.store.runs.claim(rule.key, period.key, self.settings.zone)
        if claim is not None:
            period = claim.period
        before = self.store.editions.find(rule.key, period.key)
        if before is not None and before.state not in {EditionState.DRAFT, EditionState.SKIPPED}:
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
        stories = self.stories(period, timedelta(days=rule.lateness_days), decisions.pinned)
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
            composed, corrections=tuple(self._corrections(earlier)), most_read=tuple(self._most_read(earlier, period))
        )

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

    def stories(self, period: Period, lateness: timedelta, besides: Collection[str] = ()) -> tuple[Story, ...]:
        """The stories that articles up to a period's end tell; those named in `besides` whatever their age."""
        found = {one.article.uid: one for one in self.store.articles.between(period.start - lateness, period.end)}
        found.update(self.store.articles.some([uid for uid in besides if uid not in found]))
        judged = [(one.article, one.judgement) for one in found.values() if one.judgement is not None]
        return cluster(judged, places=self.places, learned=self.settings.classify.learned)

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

        return Decisions(
            pinned=tuple(payloads[Act.PIN]),
            dropped={story: payload.get("reason", "") for story, payload in payloads[Act.DROP].items()},
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
        elif before.state is EditionState.DRAFT:
            self.store.editions.move(before.edition.id, EditionState.SKIPPED, now, skipped.reason)
        return skipped

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
        """Send what is due of an edition's campaign; begin the campaign when it has not begun.

        Args:
            edition_id: of an approved edition, or of one that is being sent.
            only: addresses; the others stay queued.
            progress: told how far it has come.
            stop: asks the run to end, from any thread.

        Raises:
            Busy: another process of this installation is sending.
            DeliveryError: the transport cannot be used at all.
            StateError: the edition is not approved, or was sent; or this is a copy of the installation.
        """
        with self.store.hold(SENDING):
            self.fence.check(self.standing)
            revision = self.store.editions.approved(edition_id)
            with self.store.transaction():
                self.store.subscribers.wake(self.clock())
                campaign = self.store.campaigns.start(
                    edition_id, self.message_id(edition_id), self.clock(), key_id=self.links.key_id, wait=self._wait
                )
                if only is None:  # from now on a scheduler goes on with it, should this process die
                    edition = revision.edition
                    self.store.runs.by_hand(edition.digest, edition.period, edition_id, self.clock())
            self.fence.arm(self.standing())  # a backup from before this campaign is behind from now on
            halt = Halt() if stop is None else stop
            try:
                parts = self._senders(campaign.audience) if only is None else 1
                spans = self.store.campaigns.divide(edition_id, parts)
                if len(spans) > 1:
                    report = run_in_loop(self._crew(edition_id, spans, progress, halt))
                else:
                    report = self.deliver_range(edition_id, spans[0], only=only, progress=progress, stop=halt)
            finally:
                self.fence.arm(self.standing())
            state = self.store.editions.state(edition_id)
            if state in {EditionState.PAUSED, EditionState.CANCELLED}:
                return replace(report, stopped=report.stopped or f"the edition was {state}")
            self.store.campaigns.finish(edition_id, self.clock())
        return report

    def deliver_range(
        self,
        edition_id: str,
        span: Span,
        *,
        stop: Halt,
        only: Collection[str] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Send what is due of one range of a campaign. For who was given the range: `deliver`, and its children.

        Raises:
            DeliveryError: the transport cannot be used at all.
            StoreError: the range was given to another, or the store failed.
        """
        revision = self.store.editions.approved(edition_id)
        campaign = self.store.campaigns.get(edition_id)
        policy = RefusalPolicy(count=self.settings.delivery.suppress_after)
        ledger = self.store.campaigns.ledger(
            edition_id, only=only, policy=policy, span=span, received_since=self._received_since(revision.edition)
        )

        async def send() -> Report:
            with stop.event() as ending:
                return await run_campaign(
                    ledger,
                    self.transport(),
                    self.maker(revision, campaign.started),
                    clock=self.clock,
                    policy=policy_of(self.settings),
                    revision=revision.number,
                    began=campaign.started,
                    progress=progress,
                    stop=ending,
                )

        return run_in_loop(send())

    def _received_since(self, edition: Edition) -> datetime | None:
        """How far back an edition's stories may go, where its digest leaves out what readers received; else None."""
        rule = self.settings.digest(edition.digest)
        return edition.period.start - timedelta(days=rule.lateness_days) if rule.leave_out_received else None

    def _told(self, edition: Edition) -> Callable[[tuple[Received, ...]], int]:
        """From what a reader received of other editions to the items of this one that they had, as a bitmap."""

        @lru_cache(maxsize=256)
        def again(other: str, revision: int) -> tuple[int, ...]:
            return told_again(edition, self.store.editions.get(other, revision).edition)

        def told(received: tuple[Received, ...]) -> int:
            had = 0
            for one in received:
                items = int.from_bytes(one.items, "little")
                for place, same in enumerate(again(one.edition, one.revision)):
                    had |= same if items >> place & 1 else 0
            return had

        return told

    def _senders(self, audience: int) -> int:
        """How many processes send: as set, where there is a server, and for so many copies that it is worth a start."""
        wanted = self.settings.delivery.processes or (os.cpu_count() or 1)
        most = self.settings.mail.sessions if self.settings.mail.host else 1
        return max(1, min(wanted, most, audience // COPIES_PER_SENDER))

    async def _crew(
        self, edition_id: str, spans: Sequence[Span], progress: Callable[[Progress], None] | None, stop: Halt
    ) -> Report:
        """Send each range in a process of its own, with its share of the limits."""
        held = list(spans)
        begun = [False for _ in spans]

        def child(place: int) -> Child:
            if begun[place]:  # the one before died, or only seems dead
                held[place] = self.store.campaigns.take_over(edition_id, held[place])
            begun[place] = True
            return self.sender(edition_id, held[place], place, len(held))

        with stop.event() as ending:
            children = [partial(child, place) for place in range(len(spans))]
            return await run_crew(children, progress=progress or (lambda _progress: None), stop=ending)

    def _wait(self, preferences: Preferences) -> datetime | None:
        """Until when a reader wants to wait for a copy that could go out now; None: not at all."""
        timing = preferences.timing
        if timing is None:
            return None
        try:
            zone = ZoneInfo(timing.zone) if timing.zone else self.settings.zone
        except (KeyError, ValueError, OSError):  # a zone that this machine does not know any more
            zone = self.settings.zone
        return timing.wait(self.clock(), zone)

    def standing(self) -> Standing:
        """What this installation is, and how far its sending has come: what no copy of it may have."""
        return Standing.here(self.store.site(), self.settings.state, self.store.campaigns.progress())

    def maker(self, revision: Revision, date: datetime) -> Callable[[Claim], Envelope | Skipped]:
        """What makes the message of a claim: pick, join its parts, put the headers before it.

        Args:
            revision: what is sent.
            date: of the Date header: when the campaign began, so that a copy has the same bytes at every attempt.
        """
        publication = self.settings.publication
        rule = self.settings.digest(revision.edition.digest)
        return_path = self.settings.mail.return_path or publication.sender
        mailto = self.settings.mail.unsubscribe
        copies = self._copies(revision)
        told = self._told(revision.edition)
        # What was in a copy is kept only where another digest asks for it.
        noted = any(other.leave_out_received for other in self.settings.digests if other.key != rule.key)
        letterhead = Letterhead(
            publication,
            list_id=f"{rule.key}.{publication.sender.rpartition('@')[2]}",
            list_title=rule.title,
            date=date.astimezone(self.settings.zone),
        )

        def make(claim: Claim) -> Envelope | Skipped:
            picked = copies.picked(claim.preferences, told(claim.received))
            if isinstance(picked, Skipped):
                return picked
            copy = copies.make(picked, claim.subscription, claim.name, claim.preferences)
            content = letterhead.message(
                copy, claim, unsubscribe_mailto=self._mailto(claim.subscription) if mailto else ""
            )
            sender = return_path.replace("{token}", self.links.return_path(claim.delivery))
            return Envelope(
                sender=sender,
                recipient=mailbox(claim.address),
                content=content,
                canonical=True,
                items=picked.bitmap if noted else b"",
            )

        return make

    def _mailto(self, subscription: int) -> str:
        """The second way to leave: a letter whose subject carries the token, which alone acts."""
        token = self.links.unsubscribe(subscription).rpartition("/")[2]
        return f"mailto:{quote(self.settings.mail.unsubscribe, safe='@+')}?subject={quote(subject_of(token))}"

    def _copies(self, revision: Revision) -> Copies:
        """What makes the copies of a revision, with the templates that were frozen with it."""
        key = (revision.edition.id, revision.number)
        if key not in self._made:
            while len(self._made) >= _REVISIONS:
                self._made.pop(next(iter(self._made)))
            self._made[key] = Copies(
                revision,
                rule=self.settings.digest(revision.edition.digest),
                renderer=self.renderer.frozen(self.store.editions.materials(*key)),
                places=self.places,
                links=self.links,
                language=self.settings.publication.language,
            )
        return self._made[key]

    def selected(self, edition: Edition, preferences: Preferences) -> Edition | Skipped:
        """What of an edition a reader with these preferences gets, by the digest's minimum."""
        rule = self.settings.digest(edition.digest)
        return select(edition, preferences, self.places, minimum=rule.minimum_items, below=rule.below_minimum)

    def message_id(self, edition_id: str) -> Callable[[int], str]:
        """From a subscription's id to the Message-ID of its copy: the same at every attempt."""
        domain = self.settings.publication.sender.rpartition("@")[2]
        return lambda subscription: self.links.message_id(edition_id, subscription, domain)

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
        """Path below the state folder -> bytes, of the online editions that moved, or are not written yet."""
        moved = {one.edition for one in self.press.moved()}
        for listed in self.store.editions.list(states=PUBLIC):
            paths = [f"editions/{listed.id}.{kind}" for kind in ("html", "txt")]
            if listed.id not in moved and all((self.settings.state / path).exists() for path in paths):
                continue
            revision = self.store.editions.approved(listed.id)
            yield from zip(paths, (body.encode() for body in self._copies(revision).page()), strict=True)

    def warnings(self, revision: Revision) -> Iterator[str]:
        """What an operator should know of a revision before approving it."""
        copies = self._copies(revision)
        for language, name in self.renderer.languages().items():
            if left := copies.trimmed(language):
                yield (
                    f"the whole edition is longer than mail clients show: in {name}, {left} of "
                    f"{len(revision.edition.items)} stories are left to the web; drop some, if they all matter"
                )
        site = self.settings.publication.url
        if not site.startswith("https://"):
            yield f"links lead to {site}: mail programs distrust what is not https (publication.url)"

    def preview(self, revision: Revision, address: str = "") -> tuple[str, str]:
        """A revision as everyone sees it online, or as one reader gets it: HTML and plain text.

        Raises:
            NotFound: nobody of this address reads this digest.
            StateError: the reader's copy would be skipped.
        """
        copies = self._copies(revision)
        if not address:
            return copies.page()
        for one in self.store.subscribers.of(address):
            if one.digest == revision.edition.digest:
                picked = copies.picked(one.preferences)
                if isinstance(picked, Skipped):
                    raise StateError(f"the copy of {address}", f"skipped: {picked.reason}", "show it")
                copy = copies.look(picked, one.id, one.name, one.preferences)
                return copy.html, copy.text
        raise NotFound("reader of this digest", address, "`digest subscribers list` shows them")


def policy_of(settings: Settings) -> Policy:
    """The delivery settings as a policy."""
    wanted = settings.delivery
    delays = []
    seconds = wanted.first_delay
    while seconds < wanted.longest_delay:
        delays.append(timedelta(seconds=seconds))
        seconds *= 2
    return Policy(
        delays=(*delays, timedelta(seconds=wanted.longest_delay)),
        give_up_after=timedelta(hours=wanted.give_up_after),
        linger=timedelta(seconds=wanted.linger),
        uncertain=wanted.uncertain.value,
        rate=settings.mail.rate,
        fault_share=wanted.halt_share,
    )
