"""What preflight is given: a revision rendered in every language, what earlier editions carried, how mail leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from digest.compose import Chooser
from digest.deliver import Signer, aligned
from digest.errors import ConfigError, TemplateError
from digest.model import Below, Preferences, Revision, Skipped
from digest.pipeline import Pipeline
from digest.preflight import Facts, Look, Preflight, examine
from digest.render import check
from digest.store import Act

NOBODY: Final = 2**31 - 1  # the number of no subscription: links made with it change nothing
_KEPT: Final = 16  # revisions whose findings are kept at hand
_OWN: Final = ("its HTML takes", "the link ")  # what preflight says itself, with a remedy


class Checking:
    """Gathers the facts of a revision, and has them examined; what was found of a revision is kept at hand."""

    def __init__(self, *, pipeline: Pipeline, signer: Callable[[], Signer | None]) -> None:
        self._pipeline = pipeline
        self._settings = pipeline.settings
        self._store = pipeline.store
        self._signer = signer
        self._found: tuple[tuple[str, str, str, bool], Preflight] | None = None
        self._looked: dict[tuple[str, int], tuple[tuple[Look, ...], tuple[str, ...]]] = {}

    def preflight(self, revision: Revision) -> Preflight:
        """What speaks against sending a revision; what was found is kept until an edition moves."""
        audience = self._store.reports.audience(revision.edition.digest)
        key = (revision.edition.id, revision.hash, self._store.editions.mark(), audience > 0)
        if self._found is None or self._found[0] != key:
            self._found = key, examine(self.facts(revision, audience))
        return self._found[1]

    def known(self, revision: Revision) -> Preflight | None:
        """The same, where the revision was rendered before: quick enough for every page. Else None."""
        return self.preflight(revision) if (revision.hash, revision.number) in self._looked else None

    def facts(self, revision: Revision, audience: int) -> Facts:
        """Everything that is looked at. What was rendered of a revision is kept: it is frozen."""
        edition, publication, mail = revision.edition, self._settings.publication, self._settings.mail
        rule = self._settings.digest(edition.digest)
        looks, faults = self._rendered(revision)
        signs, signature = self._signature()
        sender = publication.sender.rpartition("@")[2]
        bounces = (mail.return_path or publication.sender).rpartition("@")[2]
        places = self._pipeline.places
        acts = self._store.decisions.effective(digest=edition.digest, edition=edition.id)
        return Facts(
            revision=revision,
            publication=publication,
            looks=looks,
            used=self._store.editions.used(edition.digest, besides=edition.id),
            taken=frozenset(one.story for one in acts if one.act is Act.TAKE),
            sections={
                one.key: one.names.get("en") or next(iter(one.names.values()), "") or places.name(one.region or one.key)
                for one in rule.sections
                if not one.elsewhere
            },
            lateness=timedelta(days=rule.lateness_days),
            audience=audience,
            online=self._pipeline.links.online(edition.id),
            unsubscribe=self._pipeline.links.unsubscribe(NOBODY),
            mailto=mail.unsubscribe,
            signature=signature,
            signs=signs,
            bounces=bounces,
            signs_aligned=not signs or aligned(signs, sender),
            bounces_aligned=aligned(bounces, sender),
            template=faults,
        )

    def _rendered(self, revision: Revision) -> tuple[tuple[Look, ...], tuple[str, ...]]:
        key = (revision.hash, revision.number)
        if key not in self._looked:
            looks: list[Look] = []
            faults: dict[str, None] = {}
            for tag, name in self._pipeline.renderer.languages().items():
                look, found = self._look(revision, tag, name)
                looks += look
                faults.update(dict.fromkeys(found))
            while len(self._looked) >= _KEPT:
                self._looked.pop(next(iter(self._looked)))
            self._looked[key] = (tuple(looks), tuple(faults))
        return self._looked[key]

    def _look(self, revision: Revision, tag: str, name: str) -> tuple[list[Look], list[str]]:
        """The whole edition as a mail in a language, and what is wrong with it as a mail."""
        picked = Chooser(revision.edition, self._pipeline.places, below=Below.SHORT).pick(Preferences())
        if isinstance(picked, Skipped):  # there is no story in it
            return [], []
        try:
            copies = self._pipeline.messages.copies(revision)
            copy = copies.look(picked, NOBODY, "", Preferences(language=tag))
            trimmed = copies.trimmed(tag)
        except TemplateError as error:
            return [Look(language=name, subject="", html="", text="", fault=str(error))], []
        template = f"email/{self._settings.digest(revision.edition.digest).template}"
        faults = [
            f"{name}: {one.what}"
            for one in check.examine(copy, template)
            if one.level is check.Level.ERROR and not one.what.startswith(_OWN)
        ]
        return [Look(language=name, subject=copy.subject, html=copy.html, text=copy.text, trimmed=trimmed)], faults

    def _signature(self) -> tuple[str, str]:
        """The domain that signs, and why nothing can be signed."""
        try:
            signer = self._signer()
        except ConfigError as error:
            return "", str(error)
        return (signer.domain if signer is not None else ""), ""
