"""Acts on the stories of a draft, and on articles: decisions that are appended, and can be taken back one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from digest.errors import InputError, NotFound, StateError
from digest.model import Edition, EditionState
from digest.store import Act, Decision, Store


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
