"""What has been public, and since when: the journal from which feeds are made. Pure.

An entry is written down when an approval first makes it public, and again only when a later approval gives it another
text, or takes it away. So its bytes stay as they are for years, whatever becomes of the program, and archive pages can
be cut from the journal (RFC 5005). docs/decisions/0076 tells more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from digest.model import Revision, Role
from digest.publish.cleaned import cleaned_entry, utc
from digest.publish.entries import Scribe
from digest.publish.feed import NEVER, Category, Entry, Link, Tombstone

STORIES, EDITIONS = "stories", "editions"
_STEP = timedelta(milliseconds=1)  # between two entries of one approval: no two were updated at the same time


@dataclass(frozen=True, kw_only=True)
class Told:
    """An entry as it was last made public, and what it belongs to.

    Attributes:
        entry: as it is written; of one that was withdrawn, only id and times are left.
        kind: "stories" or "editions".
        carriers: id of an edition -> "<digest>/<section>" where it stands; of an edition's entry: its id -> its digest.
        regions: codes of primary and counterpart regions.
        themes: ids.
        source: id of the edition whose text it is.
        gone: whether it was withdrawn.
    """

    entry: Entry
    kind: str = STORIES
    carriers: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    source: str = ""
    gone: bool = False

    @property
    def tombstone(self) -> Tombstone:
        """What is left when it was withdrawn."""
        return Tombstone(id=self.entry.id, when=self.entry.updated)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """An edition that was approved, corrected or taken back since the journal last looked.

    Attributes:
        edition: its id.
        revisions: its revisions that were approved since, oldest first; none when it is not public (any more).
        before: the revision that was public when the journal last looked.
        gone: when it was taken back; None while it is public.
    """

    edition: str
    revisions: tuple[Revision, ...] = ()
    before: Revision | None = None
    gone: datetime | None = None


class Journal:
    """Every entry that has been public, by id.

    Args:
        told: the entries as they were kept.
    """

    def __init__(self, told: Iterable[Told] = ()) -> None:
        self._told = {one.entry.id: one for one in told}
        self._last = {STORIES: NEVER, EDITIONS: NEVER}  # when something was told last; nothing is told before it
        for one in self._told.values():
            self._last[one.kind] = max(self._last[one.kind], one.entry.updated)

    def __iter__(self) -> Iterator[Told]:
        """All entries, the newest first."""
        return iter(sorted(self._told.values(), key=lambda one: one.entry.updated, reverse=True))

    def take(
        self, moved: Iterable[Moved], scribe: Scribe, current: Callable[[str], Revision | None] = lambda _: None
    ) -> list[Told]:
        """Take in what became of editions; the entries that differ now, each once.

        Approvals are taken one by one in their order, so that it makes no difference how often the journal looks.

        Args:
            moved: the editions.
            scribe: writes entries.
            current: id of another edition -> its revision that is public. It tells a story that is left to it.
        """
        moved = tuple(moved)
        public = {one.edition: one.before for one in moved}
        steps = [(_approved(revision), one.edition, revision) for one in moved for revision in one.revisions]
        gone = [(one.gone, one.edition, None) for one in moved if one.gone is not None]
        changed: dict[str, None] = {}
        for at, edition, revision in sorted([*steps, *gone], key=lambda step: (utc(step[0]), step[1])):
            stays: set[str] = set()
            if revision is not None:
                for told in self._carried(revision, public[edition], scribe):
                    stays.add(told.entry.id)
                    changed |= self._keep(told)
            public[edition] = revision
            leaving = [told for told in self._told.values() if edition in told.carriers and told.entry.id not in stays]
            for told in sorted(leaving, key=lambda told: told.entry.updated):
                others = [name for name in told.carriers if name != edition]
                left = [public[name] if name in public else current(name) for name in others]
                changed |= self._keep(self._left(told, edition, [one for one in left if one is not None], at, scribe))
        return [self._told[name] for name in changed]

    # ---- one revision

    def _carried(self, revision: Revision, before: Revision | None, scribe: Scribe) -> Iterator[Told]:
        """What a revision carries, as it stands now. It is told backwards, so that the first story is the newest."""
        edition, approved = revision.edition, _approved(revision)
        rows = [(section.key, item) for section in edition.sections for item in section.items]
        for section, item in sorted(rows, key=lambda row: (utc(row[1].story.lead.when), -row[1].number)):
            known = self._told.get(scribe.id(STORIES, item.story.key))
            old = before.edition.find(item.story.key) if before is not None else None
            entry = self._said(
                STORIES,
                known,
                scribe.story(item, approved),
                approved,
                scribe.story(old, approved) if old is not None else None,
            )
            judgement = item.story.judgement
            yield Told(
                entry=entry,
                carriers={**(known.carriers if known else {}), edition.id: f"{edition.digest}/{section}"},
                regions=judgement.places(Role.PRIMARY, Role.COUNTERPART),
                themes=tuple(dict.fromkeys(filter(None, (item.theme, *(tag.theme for tag in judgement.themes))))),
                source=known.source if known is not None and known.entry is entry else edition.id,
            )
        entry = self._said(
            EDITIONS,
            self._told.get(scribe.id(EDITIONS, edition.id)),
            scribe.edition(edition, approved, approved),
            approved,
            scribe.edition(before.edition, approved, approved) if before is not None else None,
        )
        yield Told(entry=entry, kind=EDITIONS, carriers={edition.id: edition.digest}, source=edition.id)

    def _said(self, kind: str, known: Told | None, entry: Entry, approved: datetime, before: Entry | None) -> Entry:
        """An entry as it is told now: the one that is known where nothing changed.

        Args:
            kind: of the entry.
            known: what is known of it.
            entry: what the revision says.
            approved: when that was approved.
            before: what the revision before it would say today: how entries are written may have changed since.
        """
        if known is not None and not known.gone and before == entry:
            return known.entry
        entry = cleaned_entry(replace(entry, published=min(entry.published, approved)))
        if known is None:
            return replace(entry, updated=self._next(kind, approved))
        entry = replace(entry, published=known.entry.published)  # a story is new once
        if not known.gone and replace(entry, updated=known.entry.updated) == known.entry:
            return known.entry
        return replace(entry, updated=self._next(kind, approved))

    def _left(self, told: Told, edition: str, others: Sequence[Revision], at: datetime, scribe: Scribe) -> Told:
        """An entry that an edition carries no more: withdrawn, unless others carry it; then it is told as they do."""
        carriers = {one: place for one, place in told.carriers.items() if one != edition}
        entry = told.entry
        if not carriers:
            bare = Entry(id=entry.id, url="", title="", published=entry.published, updated=self._next(told.kind, at))
            return replace(told, entry=bare, carriers={}, source="", gone=True)
        told = replace(told, carriers=carriers)
        if told.source != edition:
            return told
        for other in sorted(others, key=_approved, reverse=True):
            for item in other.edition.items:
                if scribe.id(STORIES, item.story.key) == entry.id:
                    said = self._said(told.kind, told, scribe.story(item, at), at, None)
                    return replace(told, entry=said, source=other.edition.id)
        return told

    def _next(self, kind: str, moment: datetime) -> datetime:
        """The moment, or right after the last one that was given: entries keep the order in which they came."""
        self._last[kind] = max(utc(moment), self._last[kind] + _STEP)
        return self._last[kind]

    def _keep(self, told: Told) -> dict[str, None]:
        """Write an entry down; its id when it differs."""
        if self._told.get(told.entry.id) == told:
            return {}
        self._told[told.entry.id] = told
        return {told.entry.id: None}


def _approved(revision: Revision) -> datetime:
    """When a revision of the public ones was approved."""
    return revision.approved or revision.created


# --------------------------------------------------------------------------------------------------------------
# As it is kept


def dumped(told: Told) -> str:
    """An entry as text, for the store."""
    known = asdict(told)
    known["entry"] |= {name: known["entry"][name].isoformat() for name in ("published", "updated")}
    return json.dumps(known, ensure_ascii=False, separators=(",", ":"))


def loaded(text: str) -> Told:
    """An entry as it was kept."""
    known: dict[str, Any] = json.loads(text)
    entry = known["entry"]
    return Told(
        entry=Entry(
            **entry
            | {name: datetime.fromisoformat(entry[name]) for name in ("published", "updated")}
            | {"categories": tuple(Category(**one) for one in entry["categories"])}
            | {"related": tuple(Link(**one) for one in entry["related"])}
        ),
        kind=known["kind"],
        carriers=known["carriers"],
        regions=tuple(known["regions"]),
        themes=tuple(known["themes"]),
        source=known["source"],
        gone=known["gone"],
    )
