"""By what names a story is known, and what comes first: the orders in which nothing ties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from digest.model import Story


def once(stories: Iterable[Story]) -> Iterable[Story]:
    """One story per key: of several versions the one with the most articles."""
    versions: dict[str, Story] = {}
    for story in stories:
        other = versions.setdefault(story.key, story)
        if other is not story and (len(story.also), repr(story)) > (len(other.also), repr(other)):
            versions[story.key] = story
    return versions.values()


def names_of(story: Story) -> tuple[str, ...]:
    """All that a story may be known by: its key and the uids of its articles."""
    return tuple(dict.fromkeys((story.key, *(article.uid for article in story.articles))))


def merit(story: Story, score: float) -> tuple[float, timedelta, str]:
    """Sorts the best first, then the newest; the key settles the rest."""
    return -score, -instant(story.lead.when), story.key


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(moment: datetime) -> timedelta:
    """An aware time as its distance from 1970 in UTC.

    Unlike `datetime` it compares by the instant within one zone too, and does not overflow at a hostile year 1.
    """
    offset = moment.utcoffset() or timedelta()
    return moment.replace(tzinfo=UTC) - _EPOCH - offset
