"""Editions, their frozen revisions with everything needed to render them again, and what they used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from digest.errors import NotFound, StateError
from digest.model import Edition, EditionState, Revision
from digest.store.database import AnyQuery, AnyRow, Database
from digest.store.events import Events
from digest.store.listing import Listed, listed, listing
from digest.store.payload import Payload, canonical
from digest.store.schema import edition_stories, editions, materials, revisions

_EDITION: Final[Payload[Edition]] = Payload(Edition)

_DRAFT, _APPROVED, _SENDING, _PAUSED, _HELD, _SENT, _CANCELLED, _SKIPPED = EditionState
_OPEN: Final = (_DRAFT, _APPROVED, _HELD)  # nothing of it has left yet
_DEAD: Final = (_CANCELLED, _SKIPPED)  # what they had chosen is free for others

# From -> to. Approval has its own way in (`approve`), because it names a hash.
_MOVES: Final[Mapping[EditionState, Collection[EditionState]]] = {
    _DRAFT: (_HELD, _CANCELLED, _SKIPPED),
    _APPROVED: (_DRAFT, _SENDING, _HELD, _CANCELLED),
    _SENDING: (_PAUSED, _SENT, _CANCELLED),
    _PAUSED: (_SENDING, _CANCELLED),
    _HELD: (_DRAFT, _CANCELLED, _SKIPPED),
    _SENT: (),
    _CANCELLED: (_DRAFT,),
    _SKIPPED: (),  # only `prepare` makes it a draft: it needs content and a number
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The newest revision of an edition, and whether this call made it (or another process was first)."""

    revision: Revision
    fresh: bool


class Editions:
    """`prepare` and `revise` freeze; `approve` and `move` change the state; `get`, `find`, `used` read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Events(database)

    # ---- freeze

    def next_number(self, digest: str) -> int:
        """The running number that a digest's next edition will get; from 1."""
        with self._database.reading() as connection:
            highest = connection.scalar(sa.select(sa.func.max(editions.c.number)).where(editions.c.digest == digest))
        return (highest or 0) + 1

    def prepare(self, edition: Edition, used: Mapping[str, bytes], at: datetime) -> Prepared:
        """Freeze the first revision of an edition, as a draft; there is one edition per digest and period.

        When the period has an edition already, that one comes back untouched (unless it was skipped: then it
        becomes a draft). When another edition took the running number meanwhile, the next free one is given.

        Args:
            edition: what was composed.
            used: the materials it is rendered with, by name: templates, style sheets, settings.
            at: now.
        """
        with self._database.transaction() as connection:
            self._database.serialize(editions)
            row = connection.execute(_same_period(edition)).one_or_none()
            if row is not None and row.state != _SKIPPED:
                return Prepared(revision=self.get(row.id), fresh=False)
            edition = replace(edition, number=self._free_number(edition))
            values = _values(edition, _DRAFT, "", at)
            if row is None:
                connection.execute(sa.insert(editions).values(id=edition.id, **values))
                self._events.append(f"edition.{_DRAFT}", edition.id, {}, at)
                return Prepared(revision=self._freeze(edition, 1, used, at), fresh=True)
            edition = replace(edition, id=row.id)
            self._events.append(f"edition.{_DRAFT}", edition.id, {}, at)
            connection.execute(sa.update(editions).where(editions.c.id == row.id).values(**values))
            number = self.get(row.id).number + 1
            return Prepared(revision=self._freeze(edition, number, used, at), fresh=True)

    def skip(self, edition: Edition, reason: str, at: datetime) -> Prepared:
        """Record that a period has no edition, and why. It takes no running number and uses no story."""
        with self._database.transaction() as connection:
            self._database.serialize(editions)
            row = connection.execute(_same_period(edition)).one_or_none()
            if row is not None:
                return Prepared(revision=self.get(row.id), fresh=False)
            edition = replace(edition, number=0)
            values = _values(edition, _SKIPPED, reason, at) | {"number": None}
            connection.execute(sa.insert(editions).values(id=edition.id, **values))
            self._events.append(f"edition.{_SKIPPED}", edition.id, {"reason": reason}, at)
            return Prepared(revision=self._freeze(edition, 1, {}, at), fresh=True)

    def revise(self, edition: Edition, used: Mapping[str, bytes], at: datetime, *, onto: int) -> Revision:
        """Freeze a new revision; the newest one comes back when nothing differs.

        Before it is sent, the edition becomes a draft again. Once it is being sent, the revision is a correction:
        it waits for its approval while the approved one goes on.

        Args:
            edition: the whole edition as it shall be; its number and id stay.
            used: the materials it is rendered with, by name.
            at: now.
            onto: number of the revision it was made from.

        Raises:
            NotFound: there is no such edition.
            StateError: somebody else revised it meanwhile, or it was cancelled or skipped.
        """
        with self._database.transaction() as connection:
            self._database.serialize(editions)
            newest = self.get(edition.id)
            if newest.number != onto:
                raise StateError(
                    f"edition {edition.id}",
                    f"at revision {newest.number}",
                    f"revise revision {onto}",
                    "look at the newer one and decide again",
                )
            if newest.state in _DEAD:
                raise StateError(f"edition {edition.id}", newest.state, "revise it", "make it a draft first")
            edition = replace(edition, number=newest.edition.number)
            if newest.hash == _hash(_EDITION.dump(edition), _hashes(used)):
                return newest
            if newest.state in _OPEN:
                self._withdraw_approvals(edition.id)
                state = _HELD if newest.state == _HELD else _DRAFT
                values = _values(edition, state, newest.reason, at)
                connection.execute(sa.update(editions).where(editions.c.id == edition.id).values(**values))
            return self._freeze(edition, newest.number + 1, used, at, keep_used=newest.state not in _OPEN)

    def _free_number(self, edition: Edition) -> int:
        with self._database.reading() as connection:
            taken = connection.scalar(
                sa.select(editions.c.id).where(editions.c.digest == edition.digest, editions.c.number == edition.number)
            )
        return edition.number if taken is None and edition.number > 0 else self.next_number(edition.digest)

    def _freeze(
        self, edition: Edition, number: int, used: Mapping[str, bytes], at: datetime, *, keep_used: bool = False
    ) -> Revision:
        payload, hashes = _EDITION.dump(edition), _hashes(used)
        with self._database.transaction() as connection:
            known = {"revision": number, "hash": _hash(payload, hashes), "items": len(edition.items)}
            self._events.append("edition.revised", edition.id, known, at)
            if used:
                connection.execute(
                    self._database.insert(materials).on_conflict_do_nothing(),
                    [{"hash": hashes[name], "content": content} for name, content in used.items()],
                )
            connection.execute(
                sa.insert(revisions).values(
                    edition=edition.id,
                    number=number,
                    hash=_hash(payload, hashes),
                    payload=payload,
                    materials=canonical(hashes),
                    created=at,
                )
            )
            if not keep_used:  # a correction adds: what an earlier revision carried has been read
                connection.execute(sa.delete(edition_stories).where(edition_stories.c.edition == edition.id))
            carried = {article.uid: item.story.key for item in edition.items for article in item.story.articles}
            if carried:
                connection.execute(
                    self._database.insert(edition_stories).on_conflict_do_nothing(),
                    [{"edition": edition.id, "article": uid, "story": story} for uid, story in sorted(carried.items())],
                )
        return self.get(edition.id, number)

    # ---- change the state

    def approve(self, edition_id: str, content_hash: str, by: str, at: datetime) -> Revision:
        """Approve the newest revision by its hash, so that nobody approves what they did not see.

        A draft or held edition becomes approved; a correction of one that is being sent replaces the revision that
        copies not yet claimed get.

        Raises:
            NotFound: there is no such edition.
            StateError: the hash is not the newest revision's, or the edition was cancelled or skipped.
        """
        with self._database.transaction() as connection:
            self._database.serialize(editions)
            newest = self.get(edition_id)
            if newest.hash != content_hash:
                raise StateError(
                    f"edition {edition_id}",
                    f"at revision {newest.number} ({newest.hash[:12]})",
                    f"approve {content_hash[:12]}",
                    "it was changed since; look at it again",
                )
            if newest.state in _DEAD:
                raise StateError(f"edition {edition_id}", newest.state, "approve it", "make it a draft first")
            if newest.approved is None:
                connection.execute(
                    sa.update(revisions)
                    .where(revisions.c.edition == edition_id, revisions.c.number == newest.number)
                    .values(approved=at, approved_by=by)
                )
            if newest.state in _OPEN:
                self._set(edition_id, _APPROVED, "", at)
            return self.get(edition_id)

    def move(self, edition_id: str, state: EditionState, at: datetime, reason: str = "") -> None:
        """Change an edition's state; nothing happens when it has that state already.

        Back to draft, its approvals end.

        Raises:
            NotFound: there is no such edition.
            StateError: the way from its state to this one does not exist.
        """
        with self._database.transaction() as connection:
            self._database.serialize(editions)
            before = self.state(edition_id)
            if before == state:
                return
            if state not in _MOVES[before]:
                ways = ", ".join(_MOVES[before]) or "nothing else"
                raise StateError(f"edition {edition_id}", before, f"make it {state}", f"it can become {ways}")
            if state == _DRAFT:
                self._withdraw_approvals(edition_id)
            if state == _SKIPPED:  # its running number goes to the next one
                connection.execute(sa.update(editions).where(editions.c.id == edition_id).values(number=None))
            self._set(edition_id, state, reason, at)

    def _withdraw_approvals(self, edition_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(revisions).where(revisions.c.edition == edition_id).values(approved=None, approved_by="")
            )

    def _set(self, edition_id: str, state: EditionState, reason: str, at: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(editions)
                .where(editions.c.id == edition_id)
                .values(state=state.value, reason=reason, changed=at)
            )
            self._events.append(f"edition.{state}", edition_id, {"reason": reason} if reason else {}, at)

    # ---- read

    def state(self, edition_id: str) -> EditionState:
        """The state of an edition.

        Raises:
            NotFound: there is no such edition.
        """
        with self._database.reading() as connection:
            state = connection.scalar(sa.select(editions.c.state).where(editions.c.id == edition_id))
        if state is None:
            raise NotFound("edition", edition_id)
        return EditionState(state)

    def get(self, edition_id: str, number: int | None = None) -> Revision:
        """The newest revision of an edition, or the one of this number.

        Raises:
            NotFound: there is none.
        """
        query = _REVISION.where(editions.c.id == edition_id).order_by(revisions.c.number.desc()).limit(1)
        if number is not None:
            query = query.where(revisions.c.number == number)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound("edition", edition_id if number is None else f"{edition_id} revision {number}")
        return _revision(row)

    def approved(self, edition_id: str) -> Revision:
        """The newest approved revision: what a copy that is claimed now gets, and what is shown online.

        Raises:
            NotFound: there is no such edition.
            StateError: no revision of it is approved.
        """
        query = (
            _REVISION.where(editions.c.id == edition_id, revisions.c.approved.is_not(None))
            .order_by(revisions.c.number.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise StateError(f"edition {edition_id}", self.state(edition_id), "send or show it", "approve it first")
        return _revision(row)

    def approvals(self, states: Collection[EditionState]) -> dict[str, int]:
        """Id -> number of the newest approved revision, of every edition in these states; newest period first."""
        query = (
            sa.select(editions.c.id, sa.func.max(revisions.c.number).label("number"))
            .join(revisions, revisions.c.edition == editions.c.id)
            .where(editions.c.state.in_([state.value for state in states]), revisions.c.approved.is_not(None))
            .group_by(editions.c.id, editions.c.starts)
            .order_by(editions.c.starts.desc(), editions.c.id)
        )
        with self._database.reading() as connection:
            return {row.id: row.number for row in connection.execute(query)}

    def find(self, digest: str, period: str) -> Revision | None:
        """The newest revision of the edition of a digest for a period ("2018-W29"), or None."""
        with self._database.reading() as connection:
            found = connection.scalar(
                sa.select(editions.c.id).where(editions.c.digest == digest, editions.c.period == period)
            )
        return None if found is None else self.get(found)

    def list(
        self,
        digest: str = "",
        states: Collection[EditionState] = (),
        *,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Listed, ...]:
        """Editions (of one digest, in these states), by period, newest first; without their content.

        Args:
            digest: key of one digest; "" for all.
            states: of the editions; none for all.
            since: only those whose period ends after this.
            limit: how many at most.
        """
        query = listing(digest, states).order_by(editions.c.starts.desc(), editions.c.id)
        if since is not None:
            query = query.where(editions.c.ends > since)
        with self._database.reading() as connection:
            return tuple(map(listed, connection.execute(query.limit(limit))))

    def mark(self) -> str:
        """Changes whenever an edition is made, moved, or approved: what is published may differ then."""
        with self._database.reading() as connection:
            moved = connection.execute(sa.select(sa.func.count(), sa.func.max(editions.c.changed))).one()
            frozen = connection.execute(sa.select(sa.func.count(), sa.func.max(revisions.c.approved))).one()
        return f"{moved} {frozen}"

    def covered(self, digest: str) -> dict[str, EditionState]:
        """Period key -> state, of every period that has an edition; skipped and cancelled ones too."""
        query = sa.select(editions.c.period, editions.c.state).where(editions.c.digest == digest)
        with self._database.reading() as connection:
            return {row.period: EditionState(row.state) for row in connection.execute(query)}

    def used(self, digest: str, *, besides: str = "") -> dict[str, str]:
        """Uid of each article that an edition of a digest carries -> id of that edition.

        Cancelled and skipped editions carry nothing; `besides` names the one that is being composed again. An
        article in several is counted for the first.
        """
        query = (
            sa.select(edition_stories.c.article, edition_stories.c.edition)
            .join(editions, editions.c.id == edition_stories.c.edition)
            .where(
                editions.c.digest == digest,
                editions.c.id != besides,
                editions.c.state.not_in([state.value for state in _DEAD]),
            )
            .order_by(editions.c.starts.desc())
        )
        with self._database.reading() as connection:
            return {row.article: row.edition for row in connection.execute(query)}

    def carrying(self, story: str) -> tuple[str, ...]:
        """Ids of the editions that carry a story (by its key), newest first; not those cancelled or skipped."""
        query = (
            sa.select(editions.c.id)
            .join(edition_stories, edition_stories.c.edition == editions.c.id)
            .where(edition_stories.c.story == story, editions.c.state.not_in([state.value for state in _DEAD]))
            .group_by(editions.c.id, editions.c.starts)
            .order_by(editions.c.starts.desc())
        )
        with self._database.reading() as connection:
            return tuple(connection.scalars(query))

    def carrying_article(self, uid: str) -> dict[str, str]:
        """Id of each edition that carries an article -> key of its story there, newest first; not of dead editions."""
        query = (
            sa.select(editions.c.id, edition_stories.c.story)
            .join(edition_stories, edition_stories.c.edition == editions.c.id)
            .where(edition_stories.c.article == uid, editions.c.state.not_in([state.value for state in _DEAD]))
            .order_by(editions.c.starts.desc(), editions.c.id)
        )
        with self._database.reading() as connection:
            return {row.id: row.story for row in connection.execute(query)}

    def mentions(self, edition_id: str, uid: str) -> bool:
        """Whether the newest revision of an edition names an article, among what was left out too; reads no more."""
        newest = sa.select(sa.func.max(revisions.c.number)).where(revisions.c.edition == edition_id).scalar_subquery()
        query = sa.select(revisions.c.payload.contains(uid, autoescape=True)).where(
            revisions.c.edition == edition_id, revisions.c.number == newest
        )
        with self._database.reading() as connection:
            return bool(connection.scalar(query))

    def materials(self, edition_id: str, number: int) -> dict[str, bytes]:
        """The materials that a revision is rendered with, by name: the very bytes, whatever the files say today.

        Raises:
            NotFound: there is no such revision.
        """
        with self._database.reading() as connection:
            names = connection.scalar(
                sa.select(revisions.c.materials).where(revisions.c.edition == edition_id, revisions.c.number == number)
            )
            if names is None:
                raise NotFound("edition", f"{edition_id} revision {number}")
            hashes: dict[str, str] = json.loads(names)
            query = sa.select(materials).where(materials.c.hash.in_(sorted(set(hashes.values()))))
            contents = {row.hash: bytes(row.content) for row in connection.execute(query)}
        return {name: contents[content_hash] for name, content_hash in hashes.items()}


_REVISION: Final = sa.select(
    revisions.c.number,
    revisions.c.hash,
    revisions.c.payload,
    revisions.c.created,
    revisions.c.approved,
    revisions.c.approved_by,
    editions.c.state,
    editions.c.reason,
).join_from(editions, revisions, revisions.c.edition == editions.c.id)


def _revision(row: AnyRow) -> Revision:
    return Revision(
        edition=_EDITION.load(row.payload),
        number=row.number,
        hash=row.hash,
        created=row.created,
        state=EditionState(row.state),
        approved=row.approved,
        approved_by=row.approved_by,
        reason=row.reason,
    )


def _same_period(edition: Edition) -> AnyQuery:
    return sa.select(editions).where(editions.c.digest == edition.digest, editions.c.period == edition.period.key)


def _values(edition: Edition, state: EditionState, reason: str, at: datetime) -> dict[str, object]:
    return {
        "digest": edition.digest,
        "period": edition.period.key,
        "starts": edition.period.start,
        "ends": edition.period.end,
        "number": edition.number,
        "title": edition.title,
        "state": state.value,
        "reason": reason,
        "changed": at,
    }


def _hashes(used: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in used.items()}


def _hash(payload: str, hashes: Mapping[str, str]) -> str:
    return hashlib.sha256(f"{payload}\n{canonical(dict(hashes))}".encode()).hexdigest()
