"""What is out is amended: an article is taken out of an edition, or what was wrong is put right. Pure.

    Edition | without(uid) -> Edition        Edition | corrected(story, what) -> Edition

An edition that is a draft needs none of this: it is composed again. What comes out here becomes a new revision, for the
copies that were not claimed yet, the online view and the feeds; copies that are out stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from digest.compose import narrowed
from digest.model import Edition, Item, Judgement, LeftOut, Picked, Story

_CORRECTION: Mapping[str, str] = {"en": "Correction: ", "zh": "更正："}


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What is right about a story.

    Attributes:
        text: what was wrong and what is right, plain text.
        title: the headline as it should be; "" leaves it.
        summary: the summary as it should be; "" leaves it.
    """

    text: str
    title: str = ""
    summary: str = ""


def without(edition: Edition, uid: str, judgement_of: Callable[[str], Judgement | None], reason: str) -> Edition:
    """An edition without an article: its story is told by the others that have it, or goes, for a reason.

    Args:
        edition: what is out.
        uid: of the article.
        judgement_of: uid -> what was judged about another article of the story.
        reason: as it stands among what was left out.
    """
    gone: list[Item] = []
    changed: dict[int, Item] = {}
    for item in edition.items:
        left = [article for article in item.story.articles if article.uid != uid]
        if len(left) == len(item.story.articles):
            continue
        if not left:
            gone.append(item)
            continue
        judgement = item.story.judgement
        if item.story.lead.uid == uid:  # the next one leads, with what was judged about it
            judgement = judgement_of(left[0].uid) or judgement
        story = replace(item.story, lead=left[0], also=tuple(left[1:]), judgement=judgement)
        changed[item.number] = replace(item, story=story, why=(*item.why, "an article of it was withdrawn"))
    edition = _with_items(edition, changed)
    if not gone:
        return edition
    numbers = {item.number for item in gone}
    kept = sum(1 << place for place, item in enumerate(edition.items) if item.number not in numbers)
    left_out = [LeftOut(story=item.story.key, title=item.story.lead.title, reason=reason) for item in gone]
    return replace(narrowed(edition, Picked(items=kept)), left_out=(*edition.left_out, *left_out))


def corrected(edition: Edition, story: str, right: Amendment) -> Edition:
    """An edition in which a story is told as it should be; where only a note is given, it stands below the summary."""
    item = edition.find(story)
    if item is None:
        return edition
    lead, judgement = item.story.lead, item.story.judgement
    if right.title:
        lead = replace(lead, title=right.title)
    if right.summary:
        judgement = replace(judgement, summary=(right.summary,))
    elif not right.title:
        word = _CORRECTION["zh" if lead.language.startswith("zh") else "en"]
        judgement = replace(judgement, summary=(*judgement.summary, word + right.text))
    told: Story = replace(item.story, lead=lead, judgement=judgement)
    edition = _with_items(edition, {item.number: replace(item, story=told, why=(*item.why, "it was corrected"))})
    sections = [
        replace(
            section,
            cross_references=tuple(
                replace(line, title=lead.title) if line.story == story else line for line in section.cross_references
            ),
        )
        for section in edition.sections
    ]
    return replace(edition, sections=tuple(sections))


def _with_items(edition: Edition, changed: Mapping[int, Item]) -> Edition:
    """An edition with some items changed, by their numbers."""
    return replace(
        edition,
        sections=tuple(
            replace(
                section,
                groups=tuple(
                    replace(group, items=tuple(changed.get(item.number, item) for item in group.items))
                    for group in section.groups
                ),
            )
            for section in edition.sections
        ),
    )
