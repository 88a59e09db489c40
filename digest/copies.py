"""The copies of one revision: what each reader chose of it, from its parts, with their own links.

    Preferences ── Chooser ──> Picked ── Parts ──> EncodedCopy

What leaves by mail, the console's preview, the `.eml` and the online view are all made here, from one rendering per
language.
"""

from __future__ import annotations

from digest.compose import Chooser
from digest.links import Links
from digest.model import Copy, DigestRule, EncodedCopy, Length, Picked, Preferences, Revision, Skipped
from digest.places import Places
from digest.render import Bodies, Parts, Reader, Renderer


class Copies:
    """Makes copies of one revision, and its page for everyone. `renderer` has the revision's own materials."""

    def __init__(
        self, revision: Revision, *, rule: DigestRule, renderer: Renderer, places: Places, links: Links, language: str
    ) -> None:
        """Take what is needed.

        Args:
            revision: what is sent or shown.
            rule: its digest.
            renderer: with the templates that were frozen with it.
            places: the tree of regions.
            links: makes the readers' links.
            language: of the page for everyone.
        """
        self._edition = edition = revision.edition
        self._rule = rule
        self._renderer = renderer
        self._links = links
        self._language = language
        self._chooser = Chooser(edition, places, minimum=rule.minimum_items, below=rule.below_minimum)
        self._online = links.online(edition.id)
        self._feed = links.feed("atom.xml")
        self._parts: dict[str, Parts] = {}
        self._bodies: dict[str, Bodies] = {}

    def picked(self, preferences: Preferences, without: int = 0) -> Picked | Skipped:
        """What of the edition a reader with these preferences gets; `without` is a bitmap of what they had already."""
        timing = preferences.timing
        if timing is not None and not timing.takes(self._edition.number):
            return Skipped(
                reason=f"its reader wants one edition in {timing.every}, and this is No. {self._edition.number}"
            )
        return self._chooser.pick(preferences, without)

    def make(self, picked: Picked, subscription: int, name: str, preferences: Preferences) -> EncodedCopy:
        """A reader's copy, ready to be sent.

        Raises:
            TemplateError: a template does not render.
        """
        bodies = self._bodies.get(preferences.language)
        if bodies is None:
            parts = self._rendered(preferences.language)
            bodies = self._bodies[preferences.language] = parts.bound(self._online, self._feed)
        preferences_url, unsubscribe_url = self._links.of_copy(subscription)
        return bodies.encoded(
            picked,
            name,
            preferences,
            full=preferences.length is Length.FULL,
            preferences_url=preferences_url,
            unsubscribe_url=unsubscribe_url,
        )

    def look(self, picked: Picked, subscription: int, name: str, preferences: Preferences) -> Copy:
        """The same copy, to be looked at."""
        return self._rendered(preferences.language).copy(picked, self._reader(subscription, name, preferences))

    def trimmed(self, language: str) -> int:
        """How many stories the whole edition as a mail leaves to the web, because mail clients would clip it."""
        parts = self._rendered(language)
        return parts.bound(self._online, self._feed).trimmed(parts.everything)

    def page(self) -> tuple[str, str]:
        """The whole edition as everyone sees it online: HTML and plain text."""
        return self._rendered(self._language).page()

    def _rendered(self, language: str) -> Parts:
        if language not in self._parts:
            self._parts[language] = self._renderer.parts(self._edition, language=language, template=self._rule.template)
        return self._parts[language]

    def _reader(self, subscription: int, name: str, preferences: Preferences) -> Reader:
        preferences_url, unsubscribe_url = self._links.of_copy(subscription)
        return Reader(
            name=name,
            language=preferences.language,
            length=preferences.length,
            preferences=preferences,
            online_url=self._online,
            preferences_url=preferences_url,
            unsubscribe_url=unsubscribe_url,
            feed_url=self._feed,
        )
