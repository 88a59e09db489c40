"""What an editor said of which articles tell one story takes the place of what was found. Pure.

Story, ... + Merged or Split, ... | regroup -> Story, ...    (in the order in which it was said)

A story or article is named by the uid of any article of the story: so what was said still holds when articles join.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from digest.classify.stories import Judged, story_of
from digest.model import Judgement, Story


@dataclass(frozen=True, kw_only=True)
class Merged:
    """One story is told by another: its articles stand there as "also reported by"."""

    story: str
    into: str


@dataclass(frozen=True, kw_only=True)
class Split:
    """An article tells a story of its own."""

    article: str


Regrouping = Merged | Split


def regroup(
    stories: Iterable[Story], said: Sequence[Regrouping], judgements: Mapping[str, Judgement]
) -> tuple[Story, ...]:
    """The stories as editors would have them; what names an article that is not here changes nothing.

    Args:
        stories: as they were found.
        said: in the order in which it was said.
        judgements: of every article, by uid.
    """
    found = list(stories)
    for one in said:
        match one:
            case Merged():
                _merge(found, one)
            case Split():
                _split(found, one, judgements)
    return tuple(sorted(found, key=lambda story: (min(article.when for article in story.articles), story.key)))


def _merge(found: list[Story], said: Merged) -> None:
    story, into = _find(found, said.story), _find(found, said.into)
    if story is None or into is None or story is into:
        return
    also = sorted((*into.also, *story.articles), key=lambda article: (article.when, article.uid))
    found.remove(story)
    found[found.index(into)] = replace(into, also=tuple(also))


def _split(found: list[Story], said: Split, judgements: Mapping[str, Judgement]) -> None:
    story = _find(found, said.article)
    if story is None or not story.also:
        return

    def judged(own: bool) -> list[Judged]:  # noqa: FBT001 - which half
        return [(one, judgements[one.uid]) for one in story.articles if (one.uid == said.article) is own]

    alone, rest = judged(own=True), judged(own=False)
    if alone:
        found[found.index(story)] = story_of(rest)
        found.append(story_of(alone))


def _find(found: Iterable[Story], name: str) -> Story | None:
    return next((one for one in found if one.key == name or any(name == article.uid for article in one.articles)), None)
