"""Acts on an edition as a whole: approve, hold, pause, resume, cancel."""

from __future__ import annotations

from datetime import datetime

from digest.errors import StateError
from digest.model import EditionState, Revision
from digest.store import Store


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


def reopen(store: Store, edition_id: str, *, at: datetime) -> None:
    """Make an edition a draft again that is approved, held or cancelled; its approval ends.

    Raises:
        StateError: it is being sent, or was.
    """
    store.editions.move(edition_id, EditionState.DRAFT, at)


def send_now(store: Store, edition_id: str, *, at: datetime) -> None:
    """Let an approved edition go out now and not when it is due.

    Raises:
        StateError: it is not approved, or it went out.
    """
    revision = store.editions.get(edition_id)
    if revision.state is not EditionState.APPROVED:
        raise StateError(f"edition {edition_id}", revision.state, "send it now", "only an approved edition can be")
    store.runs.by_hand(revision.edition.digest, revision.edition.period, edition_id, at)


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
