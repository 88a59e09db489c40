"""Where an article ended up, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model import Edition, EditionState
from digest.store import Store


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where an article ended up: the edition, and why it stands there or was left out of it."""

    edition: str
    state: EditionState
    section: str  # heading; "" when left out
    why: tuple[str, ...]


def explain(store: Store, uid: str) -> Sequence[Placement]:
    """Where an article (its uid, or a story's key) ended up, edition by edition, newest first, and why."""
    found = []
    for listed in store.editions.list():
        edition = store.editions.get(listed.id).edition
        placement = placed(edition, listed.state, uid)
        if placement is not None:
            found.append(placement)
    return found


def placed(edition: Edition, state: EditionState, uid: str) -> Placement | None:
    """Where an article stands in an edition, or why it was left out; None where it was never thought of."""
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
