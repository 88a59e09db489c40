"""The edition: what the editor took, in its order, with the lines that refer to it and the top stories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count, groupby
from typing import Final

from digest.compose.editor import NO_DECISIONS, Decisions, Editor, Placed, Score
from digest.compose.order import merit, names_of, once
from digest.compose.sections import headings, rules
from digest.model import (
    Below,
    CrossReference,
    DigestRule,
    Edition,
    Item,
    LeftOut,
    Period,
    Role,
    Section,
    Skipped,
    Story,
    ThemeGroup,
)
from digest.places import Places

_SAME_COUNTRY: Final = 0.75  # what each further top story of one country counts, times this


def compose(
    rule: DigestRule,
    period: Period,
    stories: Iterable[Story],
    *,
    number: int,
    places: Places,
    used: Mapping[str, str],
    scores: Mapping[str, Score],
    themes: Sequence[str] = (),
    decisions: Decisions = NO_DECISIONS,
    title: str = "",
) -> Edition | Skipped:
    """Compose the edition of a digest for a period.

    Args:
        rule: the digest.
        period: the half-open interval of local time that the edition covers.
        stories: every story that could be in it; those that may not are left out, each with its reason.
        number: the digest's running number for this edition, from 1.
        places: the tree of regions.
        used: uid of an article (or key of a story) -> id of the edition of this digest that used it.
        scores: key of a story -> its score; a story without one counts 0.
        themes: ids of the themes in the order in which they stand within a section.
        decisions: what an operator decided about this edition.
        title: what stands in the masthead; the digest's title when empty.

    Returns:
        The edition; or Skipped with the reason when there is nothing for it, or less than the digest's minimum.
    """
    editor = Editor(rule=rule, period=period, places=places, used=used, decisions=decisions)
    left_out: list[LeftOut] = []
    placed: list[Placed] = []
    holders: dict[str, str] = {}  # uid of an article -> headline of the story of this edition that has it
    ranked = [(story, scores.get(story.key, Score())) for story in once(stories)]
    for story, score in sorted(ranked, key=lambda pair: merit(pair[0], pair[1].value)):
        twin = next((holders[name] for name in names_of(story) if name in holders), None)
        outcome = editor.judge(story, score, twin)
        if isinstance(outcome, str):
            left_out.append(LeftOut(story=story.key, title=story.lead.title, reason=outcome))
        else:
            placed.append(outcome)
            holders.update(dict.fromkeys(names_of(story), story.lead.title))
    left_out.sort(key=lambda left: (left.title, left.story))
    if not placed or (len(placed) < rule.minimum_items and rule.below_minimum is Below.SKIP):
        return Skipped(reason=_why_skipped(rule, period, len(placed), left_out))
    sections = _sections(rule, placed, themes, places)
    pinned = sorted((one for one in placed if one.pin is not None), key=lambda one: one.rank)
    return Edition(
        id=editor.edition,
        digest=rule.key,
        title=title or rule.title,
        period=period,
        number=number,
        sections=sections,
        top=_top([item for section in sections for item in section.items], rule.top_stories, places),
        choice=tuple(one.story.key for one in pinned),
        left_out=tuple(left_out),
        note=decisions.note,
    )


def _why_skipped(rule: DigestRule, period: Period, placed: int, left_out: Iterable[LeftOut]) -> str:
    kinds = Counter(left.reason.partition(":")[0] for left in left_out)
    rest = "; ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    text = f"{placed} items for {period.key}; the minimum of '{rule.key}' is {max(rule.minimum_items, 1)}"
    return f"{text} (left out: {rest})" if rest else text


def _sections(rule: DigestRule, placed: Sequence[Placed], themes: Sequence[str], places: Places) -> tuple[Section, ...]:
    """Sections in the rule's order, themes in the taxonomy's, items by rank; numbered in reading order."""
    order = {theme: index for index, theme in enumerate(themes)}

    def by_theme(one: Placed) -> tuple[bool, int, str]:
        return one.theme == "", order.get(one.theme, len(order)), one.theme

    numbers = count(1)
    sections = []
    for section in rules(rule):
        here = sorted((one for one in placed if one.section == section.key), key=lambda one: (by_theme(one), one.rank))
        groups = tuple(
            ThemeGroup(theme=theme, items=tuple(_item(one, next(numbers)) for one in _arranged(members)))
            for theme, members in groupby(here, key=lambda one: one.theme)
        )
        sections.append(Section(key=section.key, names=headings(section, places), groups=groups))
    references = _cross_references(rule, sections, places)
    sections = [replace(section, cross_references=tuple(references.get(section.key, ()))) for section in sections]
    return tuple(section for section in sections if section.groups or section.cross_references)


def _arranged(members: Iterable[Placed]) -> list[Placed]:
    """Neighbours by their rank, and those that an operator put somewhere in the places where they were put."""
    neighbours = list(members)
    arranged = [one for one in neighbours if not one.place]
    for one in sorted((one for one in neighbours if one.place), key=lambda one: (one.place, one.rank)):
        arranged.insert(one.place - 1, one)
    return arranged


def _item(one: Placed, number: int) -> Item:
    return Item(
        number=number, story=one.story, theme=one.theme, score=one.score, why=one.why, pinned=one.pin is not None
    )


def _cross_references(
    rule: DigestRule, sections: Iterable[Section], places: Places
) -> Mapping[str, list[CrossReference]]:
    """Section -> its "see also" lines: each counterpart of a story, in the first region's section that it matches."""
    lines: dict[str, list[CrossReference]] = {}
    for home, item in ((section.key, item) for section in sections for item in section.items):
        line = CrossReference(story=item.story.key, number=item.number, title=item.story.lead.title, section=home)
        counterparts = item.story.judgement.places(Role.COUNTERPART)
        targets = [
            next((one.key for one in rules(rule) if one.region and places.within(code, one.region)), home)
            for code in counterparts
        ]
        for target in dict.fromkeys(targets):
            if target != home:
                lines.setdefault(target, []).append(line)
    return lines


def _top(items: Sequence[Item], wanted: int, places: Places) -> tuple[str, ...]:
    """The best stories; none when they would be the whole edition.

    One by one: each story of a country that is there already counts a quarter less, so countries change where stories
    are about as good, and what is far better stands whatever its country.
    """
    if len(items) <= wanted:
        return ()
    left = {item.story.key: (item, _country(item, places)) for item in items}
    taken = Counter[str]()
    top: list[str] = []
    while left and len(top) < wanted:
        key = min(left, key=lambda key: _again(left[key][0], taken[left[key][1]]))
        taken[left.pop(key)[1]] += 1
        top.append(key)
    return tuple(top)


def _again(item: Item, before: int) -> tuple[float, int, tuple[float, timedelta, str]]:
    """Sorts the best first, with `before` top stories of the same country counted against an item."""
    return -item.score * _SAME_COUNTRY**before, before, merit(item.story, item.score)


def _country(item: Item, places: Places) -> str:
    """The country of the story's first region, or that region where it lies in none."""
    code = next(iter(item.story.judgement.places(Role.PRIMARY)), item.story.key)
    return places.country(code) or code
