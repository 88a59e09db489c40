"""What readers get of a revision: their copies as messages, and the same to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from digest.compose import select, told_again
from digest.copies import Copies
from digest.deliver import Envelope, Letterhead, mailbox, subject_of
from digest.errors import NotFound, StateError
from digest.links import Links
from digest.model import Claim, Edition, Preferences, Received, Revision, Skipped
from digest.places import Places
from digest.render import Renderer
from digest.settings import Settings
from digest.store import Store

_REVISIONS: Final = 8  # whose renderings are kept at hand


class Messages:
    """Makes copies, with the templates that were frozen with their revision."""

    def __init__(self, *, settings: Settings, store: Store, places: Places, renderer: Renderer, links: Links) -> None:
        self.settings = settings
        self.store = store
        self.places = places
        self.renderer = renderer
        self.links = links
        self._made: dict[tuple[str, int], Copies] = {}

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
        copies = self.copies(revision)
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

    def copies(self, revision: Revision) -> Copies:
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

    def warnings(self, revision: Revision) -> Iterator[str]:
        """What an operator should know of a revision before approving it."""
        copies = self.copies(revision)
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
        copies = self.copies(revision)
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
