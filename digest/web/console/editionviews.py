"""Says an edition to its pages: the frame around it, its lines, one story with its reasons, what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from digest.desk import CHANGEABLE
from digest.model import Edition, EditionState, Evidence, Item, Permission, Revision
from digest.periods import due_at
from digest.preflight import Preflight
from digest.store import Act, Decision, Listed
from digest.web.console.editionshapes import (
    ActView,
    ArticleView,
    EditionView,
    GroupView,
    ItemView,
    LeftOutView,
    SectionView,
    StepView,
    TabView,
    TagView,
)
from digest.web.console.frame import Frame, TimeView
from digest.web.doors import Visit

STARTED: Final = frozenset({EditionState.SENDING, EditionState.PAUSED, EditionState.SENT})
_WHERE: Final = {
    "keywords": "keyword line", "dateline": "dateline", "title": "headline", "lead": "first paragraph", "text": "text",
    "section": "section line", "operator": "an editor",
}  # fmt: skip
_SAID: Final = {
    Act.PIN: "pinned it", Act.DROP: "dropped it", Act.TAKE: "took it in", Act.MOVE: "moved it",
    Act.RETITLE: "changed the headline", Act.SUMMARIZE: "wrote the summary", Act.MERGE: "merged it into another story",
    Act.SPLIT: "made it a story of its own", Act.NOTE: "wrote the editor's note", Act.REFILE: "refiled it",
    Act.CORRECT: "corrected it", Act.APPROVE: "approved the edition",
}  # fmt: skip


class EditionViewer:
    """Says editions in the desk's language."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.site = frame.site
        self.store = frame.site.store
        self.settings = frame.site.settings
        self.words = frame.site.renderer.viewer("en")

    # ---- the frame

    def period(self, edition: Edition | Listed) -> str:
        """The days that an edition covers."""
        if isinstance(edition, Listed):
            return self.words.line(edition.id, edition.title, 1, edition.starts, edition.ends).period
        return self.words.line(edition.id, edition.title, 1, edition.period.start, edition.period.end).period

    def edition(self, revision: Revision, visit: Visit, preflight: Preflight | None = None) -> EditionView:
        """What every page of an edition says; with `preflight`, its tab counts what was found."""
        edition, path = revision.edition, f"/editions/{revision.edition.id}"
        return EditionView(
            id=edition.id,
            title=edition.title,
            number=str(edition.number) if edition.number else "",
            period=self.period(edition),
            state=revision.state.value,
            reason=revision.reason,
            hash=revision.hash,
            short=revision.hash[:12],
            revision=revision.number,
            stories=len(edition.items),
            next=self._next(revision),
            steps=tuple(self._steps(revision, visit)),
            tabs=tuple(self._tabs(revision, preflight)),
            changeable=revision.state in CHANGEABLE and visit.may(Permission.EDITIONS_WRITE),
            note=edition.note,
            path=self.frame.path(path),
            changed=self.frame.time(revision.created),
        )

    def _tabs(self, revision: Revision, preflight: Preflight | None) -> Iterable[TabView]:
        edition = revision.edition

        def tab(key: str, label: str, count: str = "", tone: str = "") -> TabView:
            end = f"/{key}" if key else ""
            href = self.frame.path(f"/editions/{edition.id}{end}")
            return TabView(key=key or "stories", label=label, href=href, count=count, tone=tone)

        yield tab("", "Stories", str(len(edition.items)))
        yield tab("look", "As it will look")
        yield tab("left-out", "Left out", str(len(edition.left_out)))
        blocks = len(preflight.blocking) if preflight else 0
        warns = len(preflight.warnings) if preflight else 0
        yield tab("preflight", "Preflight", str(blocks or warns or ""), "bad" if blocks else "warn" if warns else "")
        yield tab("history", "History", str(revision.number))
        if revision.state in STARTED:
            yield TabView(key="campaign", label="Campaign", href=self.frame.path(f"/campaigns/{edition.id}"))

    def _next(self, revision: Revision) -> str:
        """What happens next, and what a person can do about it."""
        edition = revision.edition
        rule = next((one for one in self.settings.digests if one.key == edition.digest), None)
        if rule is None:
            return "Its digest is not in the settings any more."
        due = self.frame.time(due_at(rule, edition.period, self.settings.zone))
        past = due_at(rule, edition.period, self.settings.zone) <= self.site.clock()
        match revision.state:
            case EditionState.DRAFT if rule.approval == "deadline" or rule.at_deadline == "send":
                if past:
                    return "It was due, and goes out once it is approved."
                return f"It goes out by itself on {due.short} ({due.away}), unless preflight objects or you hold it."
            case EditionState.DRAFT:
                return f"It waits for approval; it is due {due.short} ({due.away})."
            case EditionState.APPROVED if edition.id in self.store.runs.sendable():
                return "It is approved and goes out now: whoever sends takes it up within a minute."
            case EditionState.APPROVED:
                return f"It is approved and goes out on {due.short} ({due.away}). “Send now” does not wait for that."
            case EditionState.HELD:
                return f"It is held and goes nowhere until somebody approves it. {revision.reason}".strip()
            case EditionState.SENDING:
                return "It is on its way; the campaign shows how far it has come."
            case EditionState.PAUSED:
                return f"Its sending is paused. {revision.reason}".strip()
            case EditionState.SENT:
                return "It was sent. A story that was wrong is corrected from its own page."
            case EditionState.CANCELLED:
                return f"It was cancelled; its stories are free for the next one. {revision.reason}".strip()
            case _:
                return f"There is no edition: {revision.reason}"

    def _steps(self, revision: Revision, visit: Visit) -> Iterable[StepView]:
        """What can be done with it now, the usual thing first."""
        state, base = revision.state, f"/editions/{revision.edition.id}"

        def step(label: str, end: str, kind: str = "plain") -> StepView:
            return StepView(label=label, href=self.frame.path(f"{base}/{end}"), kind=kind)

        write, approve = visit.may(Permission.EDITIONS_WRITE), visit.may(Permission.EDITIONS_APPROVE)
        send = visit.may(Permission.CAMPAIGNS_SEND)
        if state in CHANGEABLE and approve:
            yield step("Approve…", "approve", "")
        if state in STARTED and revision.approved is None and approve:
            yield step("Approve the correction…", "approve", "")
        if state is EditionState.APPROVED and send:
            yield step("Send now…", "ask/send", "")
        if state in STARTED:
            yield StepView(label="Campaign", href=self.frame.path(f"/campaigns/{revision.edition.id}"), kind="")
        if state in CHANGEABLE | {EditionState.APPROVED} and write:
            yield step("Proof by mail…", "proof")
        if state in CHANGEABLE and write:
            yield step("Compose again", "ask/compose")
        if state in {EditionState.APPROVED, EditionState.HELD, EditionState.CANCELLED} and write:
            yield step("Make it a draft again…", "ask/reopen")
        if state in {EditionState.DRAFT, EditionState.APPROVED} and approve:
            yield step("Hold…", "ask/hold")
        if state not in {EditionState.SENT, EditionState.CANCELLED, EditionState.SKIPPED} and approve:
            yield step("Cancel…", "ask/cancel")

    # ---- stories

    def sections(self, revision: Revision, acts: Sequence[Decision], preflight: Preflight | None) -> list[SectionView]:
        """The draft, section by section."""
        edition = revision.edition
        touched = {one.story for one in acts if one.undone is None and one.act not in {Act.APPROVE, Act.NOTE}}
        flags: dict[str, list[str]] = {}
        for one in preflight.findings if preflight else ():
            if one.story:
                flags.setdefault(one.story, []).append(one.what)
        found = []
        for section in edition.sections:
            groups = [
                GroupView(
                    name=self.theme(group.theme),
                    items=tuple(
                        self._line(item, edition, place=place, of=len(group.items), touched=touched, flags=flags)
                        for place, item in enumerate(group.items)
                    ),
                )
                for group in section.groups
            ]
            found.append(
                SectionView(
                    key=section.key,
                    name=section.names.get("en") or section.key,
                    count=len(section.items),
                    groups=tuple(groups),
                    references=tuple(line.title for line in section.cross_references),
                )
            )
        return found

    def _line(
        self, item: Item, edition: Edition, *, place: int, of: int, touched: set[str], flags: dict[str, list[str]]
    ) -> ItemView:
        story = item.story
        lead, more = story.lead, len(story.also)
        when = lead.when.astimezone(self.settings.zone)
        parts = [lead.publisher or lead.source, f"{when.day} {when:%b}", f"+{more} more tell it" if more else ""]
        return ItemView(
            key=story.key,
            number=item.number,
            title=lead.title or "(no headline)",
            href=self.frame.path(f"/editions/{edition.id}/stories/{story.key}"),
            about=" · ".join(filter(None, parts)),
            why=item.why[0] if item.why else "",
            pinned=item.pinned,
            first=place == 0,
            last=place == of - 1,
            touched=not touched.isdisjoint((story.key, *(one.uid for one in story.articles))),
            flags=tuple(flags.get(story.key, ())),
        )

    def theme(self, theme: str) -> str:
        """The name of a theme; "" for none."""
        return self.words.theme(theme) if theme else ""

    def tags(self, item: Item) -> tuple[list[TagView], list[TagView]]:
        """The regions and themes of a story, each with its evidence."""
        judgement = item.story.judgement
        regions = [
            TagView(
                name=self.words.region(tag.region), code=tag.region, role=tag.role.value, score=f"{tag.score:.2f}",
                evidence=tuple(map(self._evidence, tag.evidence)),
            )
            for tag in judgement.regions
        ]  # fmt: skip
        themes = [
            TagView(
                name=self.words.theme(tag.theme), code=tag.theme, role="", score=f"{tag.score:.2f}",
                evidence=tuple(map(self._evidence, tag.evidence)),
            )
            for tag in judgement.themes
        ]  # fmt: skip
        return regions, themes

    def _evidence(self, piece: Evidence) -> str:
        """Why a tag is there, in words; places by their names."""
        if piece.where == "containment":
            code = piece.rule.rpartition(" ")[2] or piece.text
            known = self.site.app.places.find(code)
            return f"lies in {self.words.region(code)}" if known else piece.rule
        where = _WHERE.get(piece.where, piece.where)
        said = f"“{piece.text}” in the {where}" if piece.text and piece.where != "operator" else where
        rule = f": {piece.rule}" if piece.rule else ""
        return f"{said}{rule}" + (f" ({piece.weight:.2g})" if piece.weight else "")

    def articles(self, item: Item) -> list[ArticleView]:
        """The articles of a story; the first one leads."""
        return [
            ArticleView(
                uid=one.uid,
                title=one.title,
                publisher=one.publisher or one.source,
                when=self.frame.time(one.when),
                dated=one.published is not None,
                leads=one is item.story.lead,
                href=self.frame.path(f"/articles/{one.uid}"),
                url=one.url,
            )
            for one in item.story.articles
        ]

    def left_out(self, edition: Edition) -> list[LeftOutView]:
        """What is left out, and why."""
        return [
            LeftOutView(
                key=one.story, title=one.title, reason=one.reason, takeable=not one.reason.startswith("told already")
            )
            for one in edition.left_out
        ]

    # ---- acts

    def acts(self, decided: Sequence[Decision], edition: Edition) -> list[ActView]:
        """What was decided, newest first."""
        titles = {left.story: left.title for left in edition.left_out}
        for item in edition.items:
            titles.update(
                dict.fromkeys((item.story.key, *(one.uid for one in item.story.articles)), item.story.lead.title)
            )
        return [
            ActView(
                id=0 if one.undone or one.act in {Act.APPROVE, Act.CORRECT} else one.id,
                who=one.by,
                said=_SAID[one.act],
                details=_details(one),
                when=self.frame.time(one.at),
                undone=f"taken back by {one.undone_by}" if one.undone else "",
                story=one.story,
                title=titles.get(one.story, one.story),
            )
            for one in reversed(decided)
        ]

    def hours(self, moment: datetime) -> TimeView:
        """A moment, as pages say it."""
        return self.frame.time(moment)


def _details(one: Decision) -> str:
    """What an act says besides its name."""
    said = []
    for key, value in one.payload.items():
        if key == "hash":
            said.append(f"hash {str(value)[:12]}")
        elif isinstance(value, dict):
            said.append(f"{key}: {', '.join(f'{name} ({role})' for name, role in value.items())}")
        elif isinstance(value, list):
            said.append(f"{key}: {', '.join(map(str, value))}")
        elif value not in {"", None}:
            said.append(f"{key}: {value}")
    return "; ".join(said)
