"""What another taxonomy, other weights or another model would have moved in past editions. Pure.

Edition, ... | judged anew, beside what editors said | -> Replayed, ... | counted
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from digest.classify.refiling import Refiled, refiled
from digest.model import Article, Edition, Judgement, Role, Story


class _Judge(Protocol):
    def judge(self, article: Article) -> Judgement: ...


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """An item of a past edition: as it was judged then, as it would be now, and what an editor said of it."""

    edition: str
    story: Story
    then: Judgement
    now: Judgement
    editor: Refiled | None

    @property
    def moved(self) -> bool:
        """Whether its first theme, or what it is about, would be another."""
        return _filed(self.then) != _filed(self.now)

    def right(self, judgement: Judgement) -> bool:
        """Whether a judgement is what the editor said."""
        return self.editor is None or _filed(refiled(judgement, self.editor)) == _filed(judgement)


def replay(editions: Iterable[Edition], judge: _Judge, decided: Mapping[str, Refiled]) -> Iterator[Replayed]:
    """Judge the stories of past editions anew.

    Args:
        editions: past ones.
        judge: with another taxonomy, other weights, or what was learned since.
        decided: what editors said of articles, by uid.
    """
    for edition in editions:
        for item in edition.items:
            story = item.story
            now = judge.judge(story.lead)
            editor = decided.get(story.lead.uid)
            yield Replayed(edition=edition.id, story=story, then=story.judgement, now=now, editor=editor)


def _filed(judgement: Judgement) -> tuple[str, frozenset[str]]:
    first = judgement.themes[0].theme if judgement.themes else ""
    return first, frozenset(judgement.places(Role.PRIMARY, Role.COUNTERPART))
