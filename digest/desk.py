"""The operator's acts: pin and drop stories, write a note, approve, hold and cancel editions; each with who and when.

Acts on stories are data, kept for ever: an edition composed again comes out the same way. The console, the CLI and the
API call these same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.errors import InputError, NotFound, StateError
from digest.model import Edition, EditionState, Revision
from digest.store import Act, Decision, Store


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where an article ended up: the edition, and why it stands there or was left out of it."""

    edition: str
    state: EditionState
    section: str  # heading; "" when left out
    why: tuple[str, ...]


def pin(store: Store, edition_id: str, story: str, *, by: str, at: datetime) -> None:
    """Make a story the editor's choice of an edition; later pins stand below earlier ones.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    _decide(store, edition_id, Act.PIN, story, {}, by=by, at=at)


def drop(store: Store, edition_id: str, story: str, reason: str, *, by: str, at: datetime) -> None:
    """Leave a story out of an edition, for a reason that stands in its list of what was left out.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    _decide(store, edition_id, Act.DROP, story, {"reason": reason}, by=by, at=at)


def move(store: Store, edition_id: str, story: str, section: str, *, by: str, at: datetime) -> None:
    """Put a story under another heading of its edition, by the heading's key.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    _decide(store, edition_id, Act.MOVE, story, {"section": section}, by=by, at=at)


def retitle(store: Store, edition_id: str, story: str, title: str, *, by: str, at: datetime) -> None:
    """Print another headline over a story.

    Raises:
        InputError: the headline is empty.
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    if not title.strip():
        raise InputError("an empty headline", remedy="write what shall stand there")
    _decide(store, edition_id, Act.RETITLE, story, {"title": title.strip()}, by=by, at=at)


def note(store: Store, edition_id: str, text: str, *, by: str, at: datetime) -> None:
    """Set the editor's note of an edition, plain text; an empty one takes it away.

    Raises:
        StateError: the edition is not a draft any more.
    """
    _draft(store, edition_id, "write its note")
    store.decisions.add(Decision(act=Act.NOTE, by=by, at=at, edition=edition_id, payload={"note": text}))


def correct(store: Store, edition_id: str, story: str, text: str, *, by: str, at: datetime) -> None:
    """Say what was wrong about a story of an edition that is out; the next edition of its digest tells it.

    Raises:
        InputError: nothing is said.
        NotFound: the edition has no such story.
        StateError: the edition is not out yet: change it instead.
    """
    if not text.strip():
        raise InputError("an empty correction", remedy="write what is right")
    revision = store.editions.get(edition_id)
    if revision.state not in {EditionState.SENDING, EditionState.PAUSED, EditionState.SENT}:
        raise StateError(f"edition {edition_id}", revision.state, "correct it", "what is not out can be changed")
    item = revision.edition.find(story)
    if item is None:
        raise NotFound("story", story, f"`digest preview {edition_id}` lists the stories of this edition")
    payload = {"text": text.strip()}
    store.decisions.add(Decision(act=Act.CORRECT, by=by, at=at, story=story, edition=edition_id, payload=payload))


def refile(
    store: Store, uid: str, *, themes: Sequence[str] | None, regions: Mapping[str, str] | None, by: str, at: datetime
) -> None:
    """Put an article where it belongs, in every digest: a correction that is kept, and that the judge learns from.

    Args:
        store: the publication's.
        uid: of the article.
        themes: ids, best first; None leaves what was judged.
        regions: code -> role, best first; None leaves what was judged.
        by: who says so.
        at: when.

    Raises:
        NotFound: there is no such article.
        InputError: neither themes nor regions are given.
    """
    store.articles.get(uid)
    if themes is None and regions is None:
        raise InputError("nothing to change", remedy="name the themes, or the regions, or both")
    payload = {
        **({} if themes is None else {"themes": list(themes)}),
        **({} if regions is None else {"regions": dict(regions)}),
    }
    store.decisions.add(Decision(act=Act.REFILE, by=by, at=at, story=uid, payload=payload))


def undo(store: Store, edition_id: str, story: str, *, by: str, at: datetime) -> int:
    """Take back everything that was decided about a story of an edition; how many acts that were.

    Raises:
        StateError: the edition is not a draft any more.
    """
    _draft(store, edition_id, "take a decision back")
    acts = [one for one in store.decisions.effective(edition=edition_id) if one.story == story and one.edition]
    for one in acts:
        store.decisions.undo(one.id, by, at)
    return len(acts)


def approve(store: Store, edition_id: str, *, by: str, at: datetime, content_hash: str = "") -> Revision:
    """Approve the newest revision of an edition; with a hash, only if that is its hash.

    Raises:
        NotFound: there is no such edition.
        StateError: the hash is another one's, or the edition was cancelled or skipped.
    """
    newest = store.editions.get(edition_id)
    if content_hash and not newest.hash.startswith(content_hash):
        raise StateError(
            f"edition {edition_id}", f"at {newest.hash[:12]}", f"approve {content_hash}", "it was changed; look again"
        )
    return store.editions.approve(edition_id, newest.hash, by, at)


def hold(store: Store, edition_id: str, reason: str, *, at: datetime) -> None:
    """Keep an edition from going out until it is approved again."""
    store.editions.move(edition_id, EditionState.HELD, at, reason)


def pause(store: Store, edition_id: str, reason: str, *, at: datetime) -> None:
    """Stop the sending of an edition; copies in flight come to their end."""
    store.editions.move(edition_id, EditionState.PAUSED, at, reason)


def resume(store: Store, edition_id: str, *, at: datetime) -> None:
    """Let the sending of a paused edition go on; whoever sends takes it up.

    Raises:
        StateError: it is not paused.
    """
    state = store.editions.state(edition_id)
    if state is not EditionState.PAUSED:
        raise StateError(f"edition {edition_id}", state, "resume it", "only a paused edition can be resumed")
    store.editions.move(edition_id, EditionState.SENDING, at)


def cancel(store: Store, edition_id: str, reason: str, *, at: datetime) -> None:
    """End an edition; what it had chosen is free for the next one. What is out stays out, the rest is skipped."""
    with store.transaction():
        store.editions.move(edition_id, EditionState.CANCELLED, at, reason)
        store.campaigns.end(edition_id, "the edition was cancelled", at)


def explain(store: Store, uid: str) -> Sequence[Placement]:
    """Where an article (its uid, or a story's key) ended up, edition by edition, newest first, and why."""
    found = []
    for listed in store.editions.list():
        edition = store.editions.get(listed.id).edition
        placement = _placement(edition, listed.state, uid)
        if placement is not None:
            found.append(placement)
    return found


def _placement(edition: Edition, state: EditionState, uid: str) -> Placement | None:
    for section in edition.sections:
        for item in section.items:
            if uid == item.story.key or any(uid == article.uid for article in item.story.articles):
                return Placement(
                    edition=edition.id, state=state, section=section.names.get("en", section.key), why=item.why
                )
    for left in edition.left_out:
        if left.story == uid:
            return Placement(edition=edition.id, state=state, section="", why=(left.reason,))
    return None


def _decide(
    store: Store, edition_id: str, act: Act, story: str, payload: Mapping[str, object], *, by: str, at: datetime
) -> None:
    edition = _draft(store, edition_id, f"{act} a story")
    known = {item.story.key for item in edition.items} | {left.story for left in edition.left_out}
    if story not in known:
        raise NotFound("story", story, f"`digest preview {edition_id}` lists the stories of this edition")
    store.decisions.add(Decision(act=act, by=by, at=at, story=story, edition=edition_id, payload=payload))


def _draft(store: Store, edition_id: str, act: str) -> Edition:
    revision = store.editions.get(edition_id)
    if revision.state is not EditionState.DRAFT:
        raise StateError(f"edition {edition_id}", revision.state, act, "only a draft can be changed")
    return revision.edition
