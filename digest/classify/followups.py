"""Which earlier story a story follows up, weeks later. Pure; the order of editions does not matter.

story x stories of earlier editions | same places, same theme, same rare words -> nearness | the nearest two
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from digest.classify.likeness import Vector, Vocabulary, cosine, shared, spelled, terms, text_of
from digest.model import Edition, Related, Role, Story
from digest.places import Places

FOLLOWS = 1.0  # nearness from which a story counts as the follow-up of an earlier one
LEAST = 0.1  # likeness below which nothing else makes it one
MOST = 2  # earlier stories that are named


def related(stories: Iterable[Story], earlier: Iterable[Edition], places: Places) -> tuple[Story, ...]:
    """The stories, each with the earlier ones that it follows up: at most two, the nearest first.

    A story is kin when it concerns the same places *and* shares rare words beyond their names; nearer when it
    stands under the same theme. Of a story that several editions carried, the latest edition counts.
    """
    present = tuple(stories)
    past = {
        item.story.key: (edition, item.story)
        for edition in sorted(earlier, key=lambda edition: (edition.period.end, edition.id))
        for item in edition.items
    }
    if not past:
        return present
    vocabulary = Vocabulary(story.lead for story in (*present, *(story for _, story in past.values())))
    profiles = {key: _Profile.of(story, vocabulary, places) for key, (_, story) in past.items()}
    found = []
    for story in present:
        own = {article.uid for article in story.articles}
        candidates = {key: one for key, one in past.items() if key not in own and one[1].lead.when < story.lead.when}
        profile = _Profile.of(story, vocabulary, places)
        kin = [(*_bond(profile, profiles[key]), key) for key in candidates]
        nearest = sorted((one for one in kin if one[0] >= FOLLOWS), key=lambda one: (-one[0], one[2]))[:MOST]
        found.append(replace(story, related=tuple(_related(*candidates[key], why) for _, why, key in nearest)))
    return tuple(found)


def _related(edition: Edition, story: Story, why: str) -> Related:
    return Related(story=story.key, title=story.lead.title, edition=edition.id, period=edition.period.key, why=why)


@dataclass(frozen=True)
class _Profile:
    """What of a story is compared with stories of other weeks."""

    story: Story
    words: Vector  # without the names of its places
    places: Places

    @classmethod
    def of(cls, story: Story, vocabulary: Vocabulary, places: Places) -> _Profile:
        named = {word for tag in story.judgement.regions for one in tag.evidence for word in terms(one.text)}
        return cls(story, vocabulary.vector(story.lead, without=named), places)

    @cached_property
    def countries(self) -> frozenset[str]:
        """The countries that it is about; a region above countries stands for itself."""
        codes = self.story.judgement.places(Role.PRIMARY, Role.COUNTERPART)
        return frozenset(self.places.country(code) or code for code in codes)

    @cached_property
    def spots(self) -> frozenset[str]:
        """The divisions and cities that it is about, and what they lie in below their country."""
        codes = self.story.judgement.places(Role.PRIMARY)
        around = {outer for code in codes for outer in (code, *self.places.parents(code))}
        return frozenset(code for code in around if self.places.country(code) not in {"", code})

    @cached_property
    def themes(self) -> frozenset[str]:
        """The themes that it stands under."""
        return frozenset(tag.theme for tag in self.story.judgement.themes)


def _bond(one: _Profile, other: _Profile) -> tuple[float, str]:
    """How near two stories are, 0 to about 3, and the sentence that says why.

    Two countries in common say much (China and Israel), a city or division something, one country little; so the fewer
    places two stories share, the more of their rare words must be the same.
    """
    common = one.countries & other.countries
    if not common and (one.countries or other.countries):
        return 0.0, ""
    likeness = cosine(one.words, other.words)
    if likeness < LEAST:
        return 0.0, ""
    spots = one.spots & other.spots
    same = one.themes & other.themes
    value = 0.5 if len(common) > 1 else 0.35 if spots else 0.1 if common else 0.0
    value += 0.2 * bool(same) + 2.5 * likeness
    about = sorted(common) if len(common) > 1 or not spots else [min(spots, key=lambda code: _depth(one.places, code))]
    return value, _why([one.places.name(code) for code in about], same=bool(same), words=_words(one, other))


def _depth(places: Places, code: str) -> tuple[int, str]:
    return -len(places.parents(code)), code


def _words(one: _Profile, other: _Profile) -> tuple[str, ...]:
    return spelled(shared(one.words, other.words, 4), text_of(one.story.lead))


def _why(names: Sequence[str], *, same: bool, words: Sequence[str]) -> str:
    *others, final = names or [""]
    about = f"are about {', '.join(others) + ' and ' if others else ''}{final}" if names else ""
    theme = "stand under the same theme" if same else ""
    speak = f"speak of {', '.join(words)}"
    *rest, last = [part for part in (about, theme, speak) if part]
    return f"Both {', '.join(rest)} and {last}." if rest else f"Both {last}."
