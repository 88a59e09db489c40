"""Mails about one edition that are no copies of it: the proof for an editor, and a correction for who got the story.

Both are notices, each of a cause of its own: they go through the same queue, ledger and transport, and leave the
ledger of the edition alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from digest.compose import Chooser
from digest.copies import Copies
from digest.deliver import Report, mailbox
from digest.errors import Busy, InputError, NotFound, StateError
from digest.model import (
    Below,
    Copy,
    Delivery,
    Edition,
    EditionState,
    Picked,
    Preferences,
    Revision,
    Skipped,
    Subscription,
)
from digest.periods import due_at
from digest.pipeline import Pipeline
from digest.publishing import PUBLIC
from digest.store import Notice
from digest.subscriptions import Reception

PROOF: Final = "proof"
CORRECTION: Final = "correction"
_NOBODY: Final = 2**31 - 1  # the number of no subscription: links made with it change nothing
_APPROVABLE: Final = frozenset({EditionState.DRAFT, EditionState.HELD})
_CHUNK: Final = 500  # corrections that are queued in one transaction
_BODY: Final = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"^-- ?$", re.MULTILINE)
_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)


class Letters:
    """`prove` and `tell`, and what writes a proof when it leaves. Made by digest.app, the only one who can wire it."""

    def __init__(self, *, pipeline: Pipeline, reception: Callable[[], Reception], may_send: Callable[[], None]) -> None:
        """Introduce the rooms to each other.

        Args:
            pipeline: what editions are made with.
            reception: where notices are queued and sent from; it asks `write` in turn, so it is made late.
            may_send: raises where this installation must not send (it is a copy of another).
        """
        self._pipeline = pipeline
        self._reception = reception
        self._may_send = may_send
        self._settings = pipeline.settings
        self._store = pipeline.store
        self._renderer = pipeline.renderer
        self._links = pipeline.links

    # ---- proofs

    def prove(
        self, revision: Revision, to: Sequence[str], *, language: str = "", reader: str = "", at: datetime
    ) -> tuple[Delivery, ...]:
        """Send a proof of a revision now, and say what became of each; one in the queue leaves with `digest run`.

        Args:
            revision: the newest of its edition.
            to: addresses.
            language: of the proof; "" is the reader's, or else the publication's.
            reader: an address whose selection is shown; "" shows everything.
            at: the time. Who asks again gets it again.

        Raises:
            AddressError: an address cannot be written to.
            InputError: there is no such language.
            NotFound: nobody of the reader's address reads this digest.
            StateError: the reader's copy would be skipped; or this installation must not send.
            TemplateError: a template does not render.
        """
        addresses = list(dict.fromkeys(mailbox(address.strip()) for address in to))
        base = language.lower().partition("-")[0]
        if base and self._renderer.language(language).partition("-")[0] != base:
            there = ", ".join(self._renderer.languages())
            raise InputError(f"no language '{language}'", remedy=f"there are: {there}")
        shown = self.report(revision, reader, language)  # what cannot be shown is said before it is queued
        self._may_send()
        values = {**self._facts(revision, shown.language), "reader": reader}
        values |= {"proves": revision.edition.id, "revision": revision.hash}
        operators = {one.address.casefold() for one in self._store.operators.list()}
        causes = [f"proof:{revision.edition.id}:{revision.hash[:12]}:{one}:{at.isoformat()}" for one in addresses]
        reception = self._reception()
        with self._store.transaction():
            for address, cause in zip(addresses, causes, strict=True):
                # Who works the desk gets a link to approve what they see here; it asks them to sign in.
                desk = address.casefold() in operators and revision.state in _APPROVABLE
                link = self._links.approval(revision.edition.id, revision.hash, address, at) if desk else ""
                said = {**values, "approve": link}
                reception.notify(PROOF, address, shown.language, at, cause=_digested(cause), values=said)
        self._send(PROOF)
        return tuple(one for cause in causes for one in self._store.notices.deliveries(cause=_digested(cause)))

    def _facts(self, revision: Revision, language: str) -> dict[str, object]:
        """What the letter above the report says."""
        edition, zone = revision.edition, self._settings.zone
        rule = self._settings.digest(edition.digest)
        due = due_at(rule, edition.period, zone).astimezone(zone)
        return {
            "edition": {
                **self._named(edition, language),
                "id": edition.id,
                "stories": len(edition.items),
                "readers": sum(1 for _ in self._store.subscribers.audience(edition.digest)),
                "hash": revision.hash[:12],
            },
            "due": f"{self._renderer.viewer(language).day(due)}, {due:%H:%M}",
            "problems": list(self._pipeline.warnings(revision)),
            "preview": self._links.online(edition.id) if revision.state in PUBLIC else "",
            "approve": "",
        }

    def write(self, notice: Notice, letter: Copy) -> Copy | Skipped:
        """A proof as it leaves: the report as its readers get it, below the letter, which says what to approve.

        A proof of what was changed meanwhile is not sent: nobody could approve it.
        """
        try:
            revision = self._store.editions.get(str(notice.values["proves"]))
            if revision.hash != notice.values["revision"]:
                return Skipped(reason="the edition was changed meanwhile")
            report = self.report(revision, str(notice.values["reader"]), notice.language)
        except (NotFound, StateError) as error:
            return Skipped(reason=str(error))
        return above(letter, report)

    def report(self, revision: Revision, address: str, language: str) -> Copy:
        """A copy of a revision for an editor: everything, or what one reader gets. Its links to leave change nothing.

        Raises:
            NotFound: nobody of this address reads this digest.
            StateError: the reader's copy would be skipped.
        """
        edition, name, preferences = revision.edition, "", Preferences()
        if address:
            mine = [one for one in self._store.subscribers.of(address) if one.digest == edition.digest]
            if not mine:
                raise NotFound("reader of this digest", address, "`digest subscribers list` shows them")
            name, preferences = mine[0].name, mine[0].preferences
        copies = Copies(
            revision,
            rule=self._settings.digest(edition.digest),
            renderer=self._renderer.frozen(self._store.editions.materials(edition.id, revision.number)),
            places=self._pipeline.places,
            links=self._links,
            language=self._settings.publication.language,
        )
        picked = copies.picked(preferences)
        if isinstance(picked, Skipped):
            raise StateError(f"the copy of {address or 'everybody'}", f"skipped: {picked.reason}", "show it")
        return copies.look(picked, _NOBODY, name, replace(preferences, language=language or preferences.language))

    # ---- corrections

    def readers(self, edition_id: str, story: str) -> Iterator[Subscription]:
        """Who is told of a correction: whose copy of the edition was accepted and had the story, and who reads on.

        Who left, pauses, or is suppressed is not: they asked for no mail.
        """
        had = set(self._received(edition_id, story))
        digest = self._store.editions.get(edition_id).edition.digest
        return (one for one in self._store.subscribers.audience(digest) if one.id in had)

    def _received(self, edition_id: str, story: str) -> Iterator[int]:
        """The subscriptions whose accepted copies had a story: by their items, or else what was chosen then."""
        known: dict[int, tuple[Chooser, int]] = {}
        for number, claim, kept in self._store.accepted.of(edition_id):
            if number not in known:
                edition = self._store.editions.get(edition_id, number).edition
                bit = sum(1 << place for place, item in enumerate(edition.items) if item.story.key == story)
                # What was sent had come to the minimum that was set then.
                known[number] = Chooser(edition, self._pipeline.places, below=Below.SHORT), bit
            chooser, bit = known[number]
            picked = chooser.pick(claim.preferences) if kept is None else Picked(items=kept)
            if not isinstance(picked, Skipped) and picked.items & bit:
                yield claim.subscription

    def tell(self, edition_id: str, story: str, text: str, *, at: datetime) -> tuple[int, Report | None]:
        """Queue a correction for each of `readers`, once, and send; how many were queued, and what came of it.

        None: there was nothing to send, or another process is sending notices now, which sends these, too.

        Raises:
            NotFound: the edition has no such story.
            StateError: this installation must not send.
        """
        self._may_send()
        edition = self._store.editions.approved(edition_id).edition
        item = edition.find(story)
        if item is None:
            raise NotFound("story", story, f"`digest preview {edition_id}` lists the stories of this edition")
        said = {"title": item.story.lead.title, "text": text, "href": self._links.story(edition_id, story)}
        mark = _digested(text)
        reception, queued = self._reception(), 0
        waiting = list(self.readers(edition_id, story))
        for start in range(0, len(waiting), _CHUNK):
            with self._store.transaction():
                for one in waiting[start : start + _CHUNK]:
                    queued += reception.notify(
                        CORRECTION,
                        one.address,
                        one.preferences.language,
                        at,
                        cause=f"correction:{edition_id}:{story}:{mark}:{one.id}",
                        subscription=one.id,
                        values={
                            "edition": self._named(edition, one.preferences.language),
                            "corrections": [said],
                            "online": self._links.online(edition_id),
                            "subscriptions": [one.id],
                        },
                    )
        return queued, self._send(CORRECTION)

    # ---- both

    def _named(self, edition: Edition, language: str) -> dict[str, object]:
        period = edition.period
        line = self._renderer.viewer(language).line(edition.id, edition.title, edition.number, period.start, period.end)
        return {"title": line.title, "period": line.period}

    def _send(self, kind: str) -> Report | None:
        """Send what is due of a kind; None when nothing is, or another process is at it, which sends these, too."""
        try:
            return self._reception().send_notices(kind=kind)
        except Busy:
            return None


def above(letter: Copy, report: Copy) -> Copy:
    """One mail of two: the subject and body of a letter, and below it the report as it stands; no header to leave.

    The looks of the report are kept whole; the letter brings what is inlined in it.
    """
    begin, end = _BODY.search(letter.html), _END.search(letter.html)
    said = letter.html[begin.end() if begin else 0 : end.start() if end else None]
    top = _BODY.search(report.html)
    at = top.end() if top else 0
    plain = _SIGNATURE.split(letter.text)[0]  # mail programs fold away what follows a signature's mark
    return replace(
        report,
        subject=letter.subject,
        text=f"{plain.rstrip()}\n\n{'=' * 72}\n\n{report.text}",
        html=f"{report.html[:at]}{said}{report.html[at:]}",
        unsubscribe="",
    )


def _digested(text: str) -> str:
    """A text or cause that is short, the same for the same, and names nobody."""
    head, _, rest = text.partition(":")
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{head}:{digest}" if head == PROOF and rest else digest
