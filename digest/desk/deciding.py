"""Acts on the stories of a draft, and on articles: decisions that are appended, and can be taken back one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from digest.errors import InputError, NotFound, StateError
from digest.model import Edition, EditionState
from digest.store import Act, Decision, Store

CHANGEABLE: Final = frozenset({EditionState.DRAFT, EditionState.HELD})
LONGEST_SUMMARY: Final = 1200  # characters


def pin(store: Store, edition_id: str, story: str, *, by: str, at: datetime) -> None:
    """Make a story the editor's choice of an edition; later pins stand below earlier ones.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    _decide(store, edition_id, Act.PIN, story, {}, by=by, at=at)


def unpin(store: Store, edition_id: str, story: str, *, by: str, at: datetime) -> int:
    """Take the pins of a story back; how many.

    Raises:
        StateError: the edition cannot be changed any more.
    """
    return undo(store, edition_id, story, only=Act.PIN, by=by, at=at)


def drop(store: Store, edition_id: str, story: str, reason: str, *, by: str, at: datetime) -> None:
    """Leave a story out of an edition, for a reason that stands in its list of what was left out.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition is not a draft any more.
    """
    _decide(store, edition_id, Act.DROP, story, {"reason": reason}, by=by, at=at)


def take_in(store: Store, edition_id: str, story: str, *, by: str, at: datetime) -> None:
    """Take a story in that was left out: dropped, too old, of a later period, in an earlier edition, without a section.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition cannot be changed any more.
    """
    _decide(store, edition_id, Act.TAKE, story, {}, by=by, at=at)


def move(
    store: Store,
    edition_id: str,
    story: str,
    section: str = "",
    *,
    theme: str | None = None,
    place: int = 0,
    by: str,
    at: datetime,
) -> None:
    """Put a story somewhere else in its edition; what is not said stays as an earlier move has it.

    Args:
        store: the publication's.
        edition_id: a draft's.
        story: its key, or the uid of one of its articles.
        section: key of the heading; "" leaves it.
        theme: id of the theme under which it stands there, "" for none; None leaves it.
        place: among the stories of that section and theme, from 1; 0: by rank.
        by: who says so.
        at: when.

    Raises:
        InputError: nothing is said, or the place is below 0.
        NotFound: the edition has no such story.
        StateError: the edition cannot be changed any more.
    """
    if place < 0 or not (section or theme is not None or place):
        raise InputError("nowhere to move it", remedy="name a section, a theme, or a place from 1")
    before = [
        one for one in store.decisions.effective(edition=edition_id) if one.act is Act.MOVE and one.story == story
    ]
    payload = {key: value for one in before for key, value in one.payload.items() if key != "place"}
    payload |= {"section": section} if section else {}
    payload |= {} if theme is None else {"theme": theme}
    payload |= {"place": place} if place else {}
    _decide(store, edition_id, Act.MOVE, story, payload, by=by, at=at)


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


def summarize(store: Store, edition_id: str, story: str, text: str, *, by: str, at: datetime) -> None:
    """Print another summary under a story.

    Raises:
        InputError: the summary is empty, or longer than a summary may be.
        NotFound: the edition has no such story.
        StateError: the edition cannot be changed any more.
    """
    text = " ".join(text.split())
    if not text:
        raise InputError("an empty summary", remedy="write what shall stand there")
    if len(text) > LONGEST_SUMMARY:
        raise InputError(f"a summary of {len(text)} characters", remedy=f"write {LONGEST_SUMMARY} at most")
    _decide(store, edition_id, Act.SUMMARIZE, story, {"summary": text}, by=by, at=at)


def merge(store: Store, edition_id: str, story: str, into: str, *, by: str, at: datetime) -> None:
    """Let one story be told by another; its articles stand there as "also reported by".

    Raises:
        InputError: it is one story already.
        NotFound: the edition has no such story.
        StateError: the edition cannot be changed any more.
    """
    edition = _draft(store, edition_id, "merge stories")
    one, other = _known(edition, story), _known(edition, into)
    if one == other:
        raise InputError("these are one story already", remedy="name two")
    _decide(store, edition_id, Act.MERGE, story, {"into": into}, by=by, at=at)


def split(store: Store, edition_id: str, article: str, *, by: str, at: datetime) -> None:
    """Let an article tell a story of its own.

    Raises:
        InputError: it does already.
        NotFound: no story of the edition has such an article.
        StateError: the edition cannot be changed any more.
    """
    edition = _draft(store, edition_id, "split a story")
    for item in edition.items:
        if any(article == one.uid for one in item.story.articles):
            if not item.story.also:
                raise InputError("it is a story of its own already", remedy="nothing needs to be done")
            _decide(store, edition_id, Act.SPLIT, article, {"from": item.story.key}, by=by, at=at)
            return
    raise NotFound("article", article, f"`digest preview {edition_id}` lists the stories of this edition")


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
    before = [one for one in store.decisions.history(uid) if one.act is Act.REFILE and one.undone is None]
    payload = {
        **(before[-1].payload if before else {}),  # of several refilings the last one counts, with what it leaves
        **({} if themes is None else {"themes": list(themes)}),
        **({} if regions is None else {"regions": dict(regions)}),
    }
    store.decisions.add(Decision(act=Act.REFILE, by=by, at=at, story=uid, payload=payload))


def undo(store: Store, edition_id: str, story: str, *, only: Act | None = None, by: str, at: datetime) -> int:
    """Take back everything (or one kind of act) that was decided about a story of an edition; how many acts that were.

    Raises:
        StateError: the edition cannot be changed any more.
    """
    edition = _draft(store, edition_id, "take a decision back")
    names = {story, *_names(edition, story)}
    mine = [
        one
        for one in store.decisions.about(edition_id)
        if one.story in names and one.undone is None and only in {None, one.act}
    ]
    for one in mine:
        store.decisions.undo(one.id, by, at)
    return len(mine)


def undo_act(store: Store, edition_id: str, number: int, *, by: str, at: datetime) -> Decision:
    """Take one act back, by its number; what it was.

    Raises:
        NotFound: there is no such act of this edition.
        StateError: it was taken back before, or the edition cannot be changed any more.
    """
    edition = _draft(store, edition_id, "take a decision back")
    act = store.decisions.get(number)
    mine = act.edition == edition_id or (act.act is Act.REFILE and act.story in _articles(edition))
    if not mine:
        raise NotFound("act of this edition", str(number))
    store.decisions.undo(number, by, at)
    return act


def acts(store: Store, edition: Edition) -> tuple[Decision, ...]:
    """Everything that was decided about an edition, what was taken back too, and where its articles were refiled."""
    return store.decisions.about(edition.id, _articles(edition))


def articles_of(store: Store, edition_id: str, story: str) -> tuple[str, ...]:
    """Uids of the articles of a story of a draft, by its key or one of them; of one that was left out, itself.

    Raises:
        NotFound: the edition has no such story.
        StateError: the edition cannot be changed any more.
    """
    edition = _draft(store, edition_id, "refile a story")
    _known(edition, story)
    return _names(edition, story)


def _names(edition: Edition, story: str) -> tuple[str, ...]:
    """Uids of the articles of a story."""
    for item in edition.items:
        uids = tuple(article.uid for article in item.story.articles)
        if story == item.story.key or story in uids:
            return uids
    return (story,)


def _articles(edition: Edition) -> frozenset[str]:
    return frozenset(article.uid for item in edition.items for article in item.story.articles)


def _known(edition: Edition, story: str) -> str:
    """The key of a story of an edition, by its key or by an article of it.

    Raises:
        NotFound: the edition has no such story.
    """
    for item in edition.items:
        if story == item.story.key or any(story == article.uid for article in item.story.articles):
            return item.story.key
    if any(story == left.story for left in edition.left_out):
        return story
    raise NotFound("story", story, f"`digest preview {edition.id}` lists the stories of this edition")


def _decide(
    store: Store, edition_id: str, act: Act, story: str, payload: Mapping[str, object], *, by: str, at: datetime
) -> None:
    _known(_draft(store, edition_id, f"{act} a story"), story)
    store.decisions.add(Decision(act=act, by=by, at=at, story=story, edition=edition_id, payload=payload))


def _draft(store: Store, edition_id: str, act: str) -> Edition:
    revision = store.editions.get(edition_id)
    if revision.state not in CHANGEABLE:
        raise StateError(f"edition {edition_id}", revision.state, act, "only a draft can be changed")
    return revision.edition
