"""An edition's stories at the desk: every act of an editor, decided, noted in the audit log, and composed again.

    act -> decision + audit entry, in one transaction -> the edition as it is now

What an act does is in `deciding`. Nothing here asks who may: a front has checked that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from digest.desk import deciding
from digest.desk.kept import Kept
from digest.errors import NotFound, StateError
from digest.model import Actor, DigestRule, Revision, Skipped
from digest.periods import period_before, period_named
from digest.pipeline import Pipeline
from digest.store import Act, Decision, Store

Composed = Revision | Skipped
_TRIES: Final = 3  # two operators who change one edition at a time both get their way


class Editing:
    """The acts of an editor; `Desk` adds those of a publisher."""

    def __init__(self, *, pipeline: Pipeline, clock: Callable[[], datetime]) -> None:
        """Introduce the rooms to each other.

        Args:
            pipeline: what editions are composed with.
            clock: the time.
        """
        self._pipeline = pipeline
        self._store = pipeline.store
        self._settings = pipeline.settings
        self._clock = clock
        self._kept = Kept(pipeline.store)

    def revision(self, edition_id: str, number: int | None = None) -> Revision:
        """The newest revision of an edition, or the one of this number; quick also where it holds 400 stories.

        Raises:
            NotFound: there is none.
        """
        return self._kept.revision(edition_id, number)

    def acts(self, edition_id: str) -> tuple[Decision, ...]:
        """Everything that was decided about an edition, oldest first; what was taken back too."""
        return deciding.acts(self._store, self._kept.revision(edition_id).edition)

    # ---- make

    def draft(self, digest: str, period: str = "", *, by: Actor) -> Composed:
        """Compose the edition of a digest for a period; for the last one that is over when none is named.

        Raises:
            ConfigError: there is no such digest.
            PeriodError: there is no such period.
        """
        rule, zone, now = self._settings.digest(digest), self._settings.zone, self._clock()
        span = period_named(rule, period, zone) if period else period_before(rule, now, zone)
        composed = self._pipeline.compose(rule, span)
        edition = f"{rule.key}-{span.key}" if isinstance(composed, Skipped) else composed.edition.id
        self._store.audit.add(by, "edition.compose", edition, self._came_to(composed), at=now)
        return composed

    def again(self, edition_id: str, *, by: Actor) -> Composed:
        """Compose a draft again from what is known now.

        Raises:
            NotFound: there is no such edition.
        """
        composed = self._composed(edition_id)
        self._store.audit.add(by, "edition.compose", edition_id, self._came_to(composed), at=self._clock())
        return composed

    # ---- stories of a draft; each raises NotFound and StateError as its namesake in `deciding` does

    def pin(self, edition_id: str, story: str, *, by: Actor) -> Composed:
        """Make a story the editor's choice."""
        return self._act(edition_id, "pin", by, deciding.pin, story=story)

    def unpin(self, edition_id: str, story: str, *, by: Actor) -> Composed:
        """Take the pins of a story back."""
        return self._act(edition_id, "unpin", by, deciding.unpin, story=story)

    def drop(self, edition_id: str, story: str, reason: str = "", *, by: Actor) -> Composed:
        """Leave a story out, for a reason."""
        return self._act(edition_id, "drop", by, deciding.drop, story=story, reason=reason)

    def take_in(self, edition_id: str, story: str, *, by: Actor) -> Composed:
        """Take a story in that was left out."""
        return self._act(edition_id, "take-in", by, deciding.take_in, story=story)

    def move(
        self, edition_id: str, story: str, *, section: str = "", theme: str | None = None, place: int = 0, by: Actor
    ) -> Composed:
        """Put a story somewhere else: under a section, a theme, in a place from 1.

        Raises:
            InputError: nowhere, or a place below 0.
            NotFound: the edition has no such story, its digest no such section, the taxonomy no such theme.
        """
        rule = self._rule(edition_id)
        keys = [one.key for one in rule.sections]
        if section and section not in keys:
            raise NotFound("section", section, f"digest '{rule.key}' has: {', '.join(keys)}")
        if theme:
            self._theme(theme)
        return self._act(edition_id, "move", by, deciding.move, story=story, section=section, theme=theme, place=place)

    def retitle(self, edition_id: str, story: str, title: str, *, by: Actor) -> Composed:
        """Print another headline."""
        return self._act(edition_id, "retitle", by, deciding.retitle, story=story, title=title)

    def summarize(self, edition_id: str, story: str, text: str, *, by: Actor) -> Composed:
        """Print another summary."""
        return self._act(edition_id, "summarize", by, deciding.summarize, story=story, text=text)

    def merge(self, edition_id: str, story: str, into: str, *, by: Actor) -> Composed:
        """Let one story be told by another."""
        return self._act(edition_id, "merge", by, deciding.merge, story=story, into=into)

    def split(self, edition_id: str, article: str, *, by: Actor) -> Composed:
        """Let an article tell a story of its own."""
        return self._act(edition_id, "split", by, deciding.split, article=article)

    def note(self, edition_id: str, text: str, *, by: Actor) -> Composed:
        """Set the editor's note; an empty one takes it away."""
        return self._act(edition_id, "note", by, deciding.note, text=text)

    def refile(
        self,
        edition_id: str,
        story: str,
        *,
        themes: Sequence[str] | None = None,
        regions: Mapping[str, str] | None = None,
        by: Actor,
    ) -> Composed:
        """Put the articles of a story where they belong, in every digest; they are judged again at once.

        Raises:
            InputError: nothing is said.
            NotFound: there is no such story, theme or region.
        """
        for theme in themes or ():
            self._theme(theme)
        for code in regions or ():
            if self._pipeline.places.find(code) is None:
                raise NotFound("region", code, "write a code: CN, CN-GD, 030, x-gba")

        def refile(store: Store, edition_id: str, *, story: str, by: str, at: datetime, **said: Any) -> None:
            for uid in deciding.articles_of(store, edition_id, story):
                deciding.refile(store, uid, **said, by=by, at=at)
                self._pipeline.judge_again(uid)

        return self._act(edition_id, "refile", by, refile, story=story, themes=themes, regions=regions)

    def undo(self, edition_id: str, number: int, *, by: Actor) -> Composed:
        """Take one act back, by its number."""

        def undo(store: Store, edition_id: str, *, number: int, by: str, at: datetime) -> None:
            act = deciding.undo_act(store, edition_id, number, by=by, at=at)
            if act.act is Act.REFILE:
                self._pipeline.judge_again(act.story)

        return self._act(edition_id, "undo", by, undo, number=number)

    def undo_story(self, edition_id: str, story: str, *, by: Actor) -> Composed:
        """Take back everything that was decided about a story of this edition."""
        return self._act(edition_id, "undo", by, deciding.undo, story=story)

    def correct(self, edition_id: str, story: str, text: str, *, by: Actor) -> None:
        """Say what was wrong about a story of an edition that is out."""
        self._decide(edition_id, "correct", by, deciding.correct, story=story, text=text)

    # ---- how

    def _act(self, edition_id: str, name: str, by: Actor, decide: Callable[..., object], **said: Any) -> Composed:
        """Decide and note it; then compose again."""
        self._decide(edition_id, name, by, decide, **said)
        return self._composed(edition_id)

    def _decide(self, edition_id: str, name: str, by: Actor, decide: Callable[..., object], **said: Any) -> None:
        """Decide and note it, in one transaction."""
        at = self._clock()
        with self._store.transaction():
            decide(self._store, edition_id, **said, by=by.name, at=at)
            self._store.audit.add(by, f"edition.{name}", edition_id, said, at=at)

    def _composed(self, edition_id: str) -> Composed:
        for left in reversed(range(_TRIES)):
            edition = self._store.editions.get(edition_id).edition
            try:
                return self._pipeline.compose(
                    self._settings.digest(edition.digest), edition.period.astimezone(self._settings.zone)
                )
            except StateError:  # another operator's act came between: compose with both
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _rule(self, edition_id: str) -> DigestRule:
        return self._settings.digest(self._kept.revision(edition_id).edition.digest)

    def _theme(self, theme: str) -> None:
        known = [one.id for one in self._pipeline.judge.taxonomy]
        if theme not in known:
            raise NotFound("theme", theme, f"there are: {', '.join(known)}")

    @staticmethod
    def _came_to(composed: Composed) -> dict[str, object]:
        if isinstance(composed, Skipped):
            return {"skipped": composed.reason}
        return {"revision": composed.number, "hash": composed.hash}
