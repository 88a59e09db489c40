"""The edition's desk: approve, hold, send, pause, cancel, prove; and the acts of an editor, which `Editing` has.

The console, the API and the CLI call these acts, and `digest run` calls `at_deadline`. What preflight objects to is not
approved, whoever asks. Nothing here asks who may: a front has checked that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.desk import states
from digest.desk.checking import Checking
from digest.desk.editing import Editing
from digest.errors import Blocked, StateError
from digest.letters import Letters
from digest.model import Actor, AtDeadline, Delivery, DigestRule, EditionState, Revision
from digest.pipeline import Pipeline
from digest.preflight import Preflight
from digest.store import Act, Decision, Store


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What an approval came to. `waits_for` says who has to approve besides; "" when it is complete."""

    revision: Revision
    waits_for: str = ""

    @property
    def complete(self) -> bool:
        """Whether the edition is approved."""
        return not self.waits_for


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """What became of an edition at its deadline. `alarm` is what an operator is told; "" for nothing."""

    state: EditionState
    subject: str = ""
    alarm: str = ""


class Desk(Editing):
    """The acts. Made by digest.app, which alone knows how to wire them."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        letters: Callable[[], Letters],
        checking: Checking,
        send: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Introduce the rooms to each other.

        Args:
            pipeline: what editions are composed and looked at with.
            letters: what sends proofs.
            checking: what finds what speaks against sending.
            send: tells whoever sends that an edition is due; returns at once.
            clock: the time.
        """
        super().__init__(pipeline=pipeline, clock=clock)
        self._letters = letters
        self._checking = checking
        self._send = send

    def preflight(self, edition_id: str) -> Preflight:
        """What speaks against sending the newest revision of an edition.

        Raises:
            NotFound: there is no such edition.
        """
        return self._checking.preflight(self.revision(edition_id))

    def known(self, revision: Revision) -> Preflight | None:
        """What is known to speak against sending a revision; None where nobody has looked yet."""
        return self._checking.known(revision)

    # ---- approval

    def approve(self, edition_id: str, *, by: Actor, content_hash: str = "", override: str = "") -> Approval:
        """Approve the newest revision, unless preflight objects; by two people where the digest wants it.

        Args:
            edition_id: of an edition that is a draft or held, or that has a correction.
            by: who approves.
            content_hash: what they looked at, whole or its beginning; "" for the newest.
            override: why to pass over what blocks, where that is safe.

        Raises:
            Blocked: preflight objects.
            NotFound: there is no such edition.
            StateError: it was changed since; or the second person is the first one, or the last editor.
        """
        revision = self._seen(edition_id, content_hash)
        found = self._checking.preflight(revision)
        if found.blocking and not (override.strip() and found.overridable):
            hard = [one for one in found.blocking if not one.safe] if override.strip() else found.blocking
            remedy = "mend it" if not found.overridable else "mend it, or say why it may go out all the same"
            raise Blocked(f"edition {edition_id}", [str(one) for one in hard], remedy)
        at = self._clock()
        details: dict[str, object] = {"hash": revision.hash, "revision": revision.number}
        if found.blocking:
            details["override"] = override.strip()
            details["passed over"] = [str(one) for one in found.blocking]
        with self._store.transaction():
            waits = self._second(revision, by.name) if self._rule(edition_id).second_person else ""
            self._store.decisions.add(
                Decision(act=Act.APPROVE, by=by.name, at=at, edition=edition_id, payload={"hash": revision.hash})
            )
            self._store.audit.add(
                by, "edition.approve-first" if waits else "edition.approve", edition_id, details, at=at
            )
            if not waits:
                revision = self._store.editions.approve(edition_id, revision.hash, by.name, at)
        return Approval(revision=revision, waits_for=waits)

    def approvals(self, edition_id: str) -> tuple[Decision, ...]:
        """The approvals that hold for the newest revision, the first one first."""
        newest = self.revision(edition_id).hash
        return tuple(
            one
            for one in self._store.decisions.about(edition_id)
            if one.act is Act.APPROVE and one.undone is None and one.payload.get("hash") == newest
        )

    def last_editor(self, edition_id: str) -> str:
        """Who changed an edition last; "" when nobody did."""
        touched = [
            (one.undone or one.at, one.undone_by or one.by)
            for one in self.acts(edition_id)
            if one.act is not Act.APPROVE
        ]
        return max(touched)[1] if touched else ""

    def _second(self, revision: Revision, name: str) -> str:
        """Who else has to approve; "" when this person completes it.

        Raises:
            StateError: this person cannot.
        """
        edition_id = revision.edition.id
        before = [one.by for one in self.approvals(edition_id)]
        editor = self.last_editor(edition_id)
        if not before:
            return "a second person" + (f", who is neither {name} nor {editor}" if editor not in {"", name} else "")
        if name in before:
            raise StateError(
                f"edition {edition_id}", f"approved by {name}", "approve it twice", "a second person has to"
            )
        if name == editor:
            raise StateError(
                f"edition {edition_id}", f"changed last by {name}", "be its second approval", "somebody else has to"
            )
        return ""

    def _seen(self, edition_id: str, content_hash: str) -> Revision:
        """The newest revision, if it is what was looked at.

        Raises:
            StateError: it is another one.
        """
        newest = self.revision(edition_id)
        if content_hash and not newest.hash.startswith(content_hash):
            raise StateError(
                f"edition {edition_id}",
                f"at {newest.hash[:12]}",
                f"approve {content_hash[:12]}",
                "it was changed; look again",
            )
        return newest

    def at_deadline(self, rule: DigestRule, revision: Revision) -> Deadline:
        """What becomes of a draft that is due: approved, held for what preflight found, or left to an operator."""
        edition_id, named = revision.edition.id, f"{revision.edition.title} {revision.edition.period.key}"
        if revision.state is not EditionState.DRAFT:
            return Deadline(state=revision.state)
        by = Actor.system("schedule")
        if rule.approval == "operator" and rule.at_deadline is AtDeadline.HOLD:
            said = f"It is due. Look with `digest preview {edition_id}`, then `digest approve {edition_id}`."
            return Deadline(state=revision.state, subject=f"{named} waits for approval", alarm=said)
        at, blocking = self._clock(), self._checking.preflight(revision).blocking
        with self._store.transaction():
            if not blocking:
                self._store.editions.approve(edition_id, revision.hash, by.name, at)
                self._store.audit.add(by, "edition.approve", edition_id, {"hash": revision.hash}, at=at)
                return Deadline(state=EditionState.APPROVED)
            reason = f"preflight: {blocking[0]}"
            states.hold(self._store, edition_id, reason, at=at)
            self._store.audit.add(by, "edition.hold", edition_id, {"reason": reason}, at=at)
        found = "\n".join(f"- {one}" for one in blocking)
        said = f"It is due, and was not approved by itself:\n\n{found}\n\nMend it, then `digest approve {edition_id}`."
        return Deadline(state=EditionState.HELD, subject=f"{named} is held: it is not fit to go out", alarm=said)

    # ---- the edition's way

    def hold(self, edition_id: str, reason: str, *, by: Actor) -> None:
        """Keep an edition from going out until it is approved again."""
        self._decide(edition_id, "hold", by, _of(states.hold), reason=reason)

    def reopen(self, edition_id: str, *, by: Actor) -> None:
        """Make an approved, held or cancelled edition a draft again."""
        self._decide(edition_id, "reopen", by, _of(states.reopen))

    def cancel(self, edition_id: str, reason: str, *, by: Actor) -> None:
        """End an edition; what is out stays out, the rest is skipped."""
        self._decide(edition_id, "cancel", by, _of(states.cancel), reason=reason)

    def send_now(self, edition_id: str, *, by: Actor) -> None:
        """Let an approved edition go out now and not when it is due: whoever sends takes it up.

        Raises:
            StateError: it is not approved, or it went out.
        """
        self._decide(edition_id, "send", by, _of(states.send_now))
        self._send(edition_id)

    def pause(self, edition_id: str, reason: str, *, by: Actor) -> None:
        """Stop the sending of an edition; copies in flight come to their end."""
        self._decide(edition_id, "pause", by, _of(states.pause), reason=reason)

    def resume(self, edition_id: str, *, by: Actor) -> None:
        """Let the sending of a paused edition go on; whoever sends takes it up."""
        self._decide(edition_id, "resume", by, _of(states.resume))
        self._send(edition_id)

    def resend(self, edition_id: str, addresses: Collection[str] | None, *, by: Actor) -> int:
        """Queue copies again: of these readers, or None for all that were refused or are uncertain; how many.

        Raises:
            NotFound: the campaign has not begun, or an address is not in its audience.
            StateError: the edition was cancelled.
        """
        at = self._clock()
        with self._store.transaction():
            count = self._store.campaigns.resend(edition_id, at, addresses=addresses)
            details = {"copies": count, "chosen": addresses is not None}
            self._store.audit.add(by, "campaign.resend", edition_id, details, at=at)
        if count:
            self._send(edition_id)
        return count

    def resolve(self, edition_id: str, address: str = "", *, by: Actor) -> int:
        """Call uncertain copies accepted (of one address, or all), as an operator knows; how many.

        Raises:
            NotFound: the campaign has not begun, or the address is not in its audience.
        """
        at = self._clock()
        with self._store.transaction():
            count = self._store.campaigns.resolve(edition_id, at, address=address)
            self._store.audit.add(by, "campaign.resolve", edition_id, {"copies": count}, at=at)
        return count

    def prove(
        self, edition_id: str, to: Sequence[str], *, by: Actor, language: str = "", reader: str = ""
    ) -> tuple[Delivery, ...]:
        """Send a proof of the newest revision to some addresses; it raises what `Letters.prove` does."""
        revision, at = self.revision(edition_id), self._clock()
        sent = self._letters().prove(revision, to, language=language, reader=reader, at=at)
        self._store.audit.add(by, "edition.prove", edition_id, {"hash": revision.hash, "proofs": len(sent)}, at=at)
        return sent


def _of(act: Callable[..., None]) -> Callable[..., None]:
    """An act on an edition's state, which keeps no name: the audit log does."""

    def decide(store: Store, edition_id: str, *, by: str, **said: Any) -> None:  # noqa: ARG001 - every act has one
        act(store, edition_id, **said)

    return decide
