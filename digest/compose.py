"""Stories + a digest's rule + what earlier editions used -> an edition; an edition + preferences -> a copy's edition.

Pure: no clock, no store, no templates. The rules are those of docs/editions.md. What comes out does not depend on the
order of what goes in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby, product
from typing import Final

from digest.model import (
    Below,
    CrossReference,
    DigestRule,
    Edition,
    Item,
    LeftOut,
    Period,
    Preferences,
    RegionTag,
    Role,
    Section,
    SectionRule,
    Skipped,
    Story,
    ThemeGroup,
)
from digest.places import Places

_ELSEWHERE = {"en": "Elsewhere", "zh": "其他地区"}
_ALL = SectionRule(key="all", names={"en": "All regions", "zh": "所有地区"}, elsewhere=True)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a story ranks, with the sentences that say why. Any finite number; more is better."""

    value: float = 0.0
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What an operator decided about one edition. A story is named by its key or by the uid of any of its articles.

    Attributes:
        pinned: the editor's choice, first things first; a pin also excuses a story's age.
        dropped: story -> the reason for leaving it out; may be "".
        sections: story -> key of the section where it shall stand.
        themes: story -> id of the theme under which it shall stand.
        titles: story -> the headline to print.
        note: the editor's note, plain text.
    """

    pinned: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    themes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


NO_DECISIONS = Decisions()
_SAME_COUNTRY: Final = 0.75  # what each further top story of one country counts, times this


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A story that is in: where it stands, and why."""

    story: Story
    section: str
    theme: str
    score: float
    why: tuple[str, ...]
    pin: int | None  # place among the pinned, from 0

    @property
    def rank(self) -> tuple[bool, int, float, timedelta, str]:
        """Sorts the pinned first, then the best, the newest, and by key: no two stories tie."""
        return (self.pin is None, self.pin or 0, *_merit(self.story, self.score))


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
    editor = _Editor(rule=rule, period=period, places=places, used=used, decisions=decisions)
    left_out: list[LeftOut] = []
    placed: list[_Placed] = []
    holders: dict[str, str] = {}  # uid of an article -> headline of the story of this edition that has it
    ranked = [(story, scores.get(story.key, Score())) for story in _once(stories)]
    for story, score in sorted(ranked, key=lambda pair: _merit(pair[0], pair[1].value)):
        twin = next((holders[name] for name in _names_of(story) if name in holders), None)
        outcome = editor.judge(story, score, twin)
        if isinstance(outcome, str):
            left_out.append(LeftOut(story=story.key, title=story.lead.title, reason=outcome))
        else:
            placed.append(outcome)
            holders.update(dict.fromkeys(_names_of(story), story.lead.title))
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


def select(
    edition: Edition, preferences: Preferences, places: Places, *, minimum: int = 1, below: Below = Below.SKIP
) -> Edition | Skipped:
    """The edition that one reader chose: its copy.

    No preference means all. A story is in when one of the regions and one of the themes that the reader chose match:
    a region matches what lies in it, by a primary or counterpart region of the story; a theme matches any theme of
    the story, and the one under which it stands. What is left is numbered anew, from 1.

    Args:
        edition: the whole edition.
        preferences: the reader's regions and themes; the rest of them has no say in what is in a copy.
        places: the tree of regions.
        minimum: items under which a copy is not worth sending.
        below: what becomes of a copy under the minimum. An empty one is never sent.

    Returns:
        The edition with what matches; or Skipped with the reason.
    """
    chosen = [item for item in edition.items if _wanted(item, preferences, places)]
    if not chosen or (len(chosen) < minimum and below is Below.SKIP):
        return Skipped(reason=_too_few(len(chosen), len(edition.items), preferences, places, minimum))
    if len(chosen) == len(edition.items):
        return edition
    numbers = {item.story.key: number for number, item in enumerate(chosen, start=1)}
    top = tuple(key for key in edition.top if key in numbers)
    return replace(
        edition,
        sections=tuple(kept for section in edition.sections if (kept := _narrowed(section, numbers)) is not None),
        top=top if len(numbers) > len(top) else (),
        choice=tuple(key for key in edition.choice if key in numbers),
    )


# --------------------------------------------------------------------------------------------------------------
# Which stories, and in which section


@dataclass(frozen=True, kw_only=True)
class _Editor:
    """Judges one story at a time by the digest's rule and the operator's decisions."""

    rule: DigestRule
    period: Period
    places: Places
    used: Mapping[str, str]
    decisions: Decisions

    @property
    def edition(self) -> str:
        """The id of the edition."""
        return f"{self.rule.key}-{self.period.key}"

    def judge(self, story: Story, score: Score, twin: str | None) -> _Placed | str:
        """Where a story stands and why; or the reason why it is left out.

        Args:
            story: the story, as it is known today.
            score: how well it ranks.
            twin: headline of a better story of this edition that has an article of this one.
        """
        end = _instant(self.period.end)
        story = replace(story, also=tuple(article for article in story.also if _instant(article.when) < end))
        if reason := self._refusal(story, twin):
            return reason
        if isinstance(found := self._section(story), str):
            return found
        section, why = found
        why += self._dates(story)
        theme = self._decided(self.decisions.themes, story)
        if theme is None:
            theme = next((tag.theme for tag in story.judgement.themes), "")
        else:
            why.append(f"An operator put it under the theme '{theme}'.")
        title = self._decided(self.decisions.titles, story)
        if title and title != story.lead.title:
            why.append(f"An operator changed the headline, which was '{story.lead.title}'.")
            story = replace(story, lead=replace(story.lead, title=title))
        pin = self._pin(story)
        if pin is not None:
            why.append("An operator pinned it: editor's choice.")
        why += [f"Score {score.value:.2f}.", *score.why]
        return _Placed(story=story, section=section.key, theme=theme, score=score.value, why=tuple(why), pin=pin)

    def _refusal(self, story: Story, twin: str | None) -> str:
        """Why a story may not be in this edition; "" when it may."""
        dropped = self._decided(self.decisions.dropped, story)
        if dropped is not None:
            return "dropped by an operator" + (f": {dropped}" if dropped else "")
        earlier = [self.used[name] for name in _names_of(story) if self.used.get(name, self.edition) != self.edition]
        if earlier:
            return f"used in {earlier[0]}"
        if _instant(story.lead.when) >= _instant(self.period.end):
            return f"after the period: {_dated(story)}; the period ends with {self.period.last_day}"
        if self._age(story) > timedelta(days=self.rule.lateness_days) and self._pin(story) is None:
            return f"too old: {_dated(story)}; more than {self.rule.lateness_days} days before the period"
        if twin is not None:
            return f"told already: shares an article with '{twin}'"
        return ""

    def _age(self, story: Story) -> timedelta:
        """How long before the period's start the story's newest article appeared; negative when within."""
        return _instant(self.period.start) - max(_instant(article.when) for article in story.articles)

    def _dates(self, story: Story) -> list[str]:
        """What there is to say of a story's dates."""
        why = []
        if self._age(story) > timedelta(days=self.rule.lateness_days):
            why.append(f"Older than this digest takes ({_dated(story)}), but an operator pinned it.")
        elif self._age(story) > timedelta():
            why.append(f"Came late: {_dated(story)}, before this period, and no earlier edition used it.")
        if story.lead.published is None:
            why.append("It carries no date, so it counts from when it was first seen.")
        return why

    def _section(self, story: Story) -> tuple[SectionRule, list[str]] | str:
        """The section of a story with sentences that say why; or the reason why there is none."""
        sections = _rules(self.rule)
        why = []
        wish = self._decided(self.decisions.sections, story)
        for section in sections:
            if section.key == wish:
                return section, [f"An operator put it under {_heading(section, self.places)}."]
        if wish is not None:
            why.append(f"An operator put it under '{wish}', which this digest does not have; so the rules placed it.")
        for section in sections:
            if (reason := _match(story, section, self.places)) is not None:
                return section, [*why, reason]
        regions = ", ".join(self.places.name(code) for code in story.judgement.places(Role.PRIMARY))
        about = f"about {regions}" if regions else "about no place"
        for section in sections:  # wherever "elsewhere" stands, it takes only what no other section took
            if section.elsewhere:
                return section, [*why, f"Stands under {_heading(section, self.places)}: {about}."]
        return f"no section: {about}, and the digest has no 'elsewhere'"

    def _decided(self, decisions: Mapping[str, str], story: Story) -> str | None:
        """What was decided about a story under any of its names; None when nothing was."""
        return next((decisions[name] for name in _names_of(story) if name in decisions), None)

    def _pin(self, story: Story) -> int | None:
        """The story's place among the pinned, from 0; None when it is not."""
        names = _names_of(story)
        return next((place for place, name in enumerate(self.decisions.pinned) if name in names), None)


def _rules(rule: DigestRule) -> tuple[SectionRule, ...]:
    """The sections of a digest; a digest that defines none has one for everything."""
    return rule.sections or (_ALL,)


def _match(story: Story, section: SectionRule, places: Places) -> str | None:
    """Why a story belongs under a region's or a pair's heading; None when it does not."""

    def lies(tag: RegionTag, region: str) -> str:
        where = "" if tag.region == region else f" in {places.name(region)}"
        return f"{places.name(tag.region)}{where} is {tag.role}"

    primary = [tag for tag in story.judgement.regions if tag.role is Role.PRIMARY]
    partners = [tag for tag in story.judgement.regions if tag.role is not Role.MENTIONED]
    sides = () if section.pair is None else (section.pair, section.pair[::-1])
    for tag in primary:
        if section.region and places.within(tag.region, section.region):
            return f"Stands under {_heading(section, places)}: {lies(tag, section.region)}."
        for (here, there), other in product(sides, partners):
            if other.region != tag.region and places.within(tag.region, here) and places.within(other.region, there):
                return f"Stands under {_heading(section, places)}: {lies(tag, here)}, {lies(other, there)}."
    return None


def _heading(section: SectionRule, places: Places) -> str:
    names = _names(section, places)
    return f"'{names.get('en') or next(iter(names.values()), section.key)}'"


def _names(section: SectionRule, places: Places) -> Mapping[str, str]:
    """What the heading says, by language: its own names, else those of its region or regions."""
    if section.names or section.elsewhere:
        return section.names or _ELSEWHERE
    codes = section.pair or (section.region,)
    each = [place.names if (place := places.find(code)) is not None else {"en": code} for code in codes]
    return {
        language: " – ".join(names[language] for names in each)
        for language in each[0]
        if all(language in names for names in each)
    }


# --------------------------------------------------------------------------------------------------------------
# In which order


def _sections(
    rule: DigestRule, placed: Sequence[_Placed], themes: Sequence[str], places: Places
) -> tuple[Section, ...]:
    """Sections in the rule's order, themes in the taxonomy's, items by rank; numbered in reading order."""
    order = {theme: index for index, theme in enumerate(themes)}

    def by_theme(one: _Placed) -> tuple[bool, int, str]:
        return one.theme == "", order.get(one.theme, len(order)), one.theme

    numbers = count(1)
    sections = []
    for section in _rules(rule):
        here = sorted((one for one in placed if one.section == section.key), key=lambda one: (by_theme(one), one.rank))
        groups = tuple(
            ThemeGroup(theme=theme, items=tuple(_item(one, next(numbers)) for one in members))
            for theme, members in groupby(here, key=lambda one: one.theme)
        )
        sections.append(Section(key=section.key, names=_names(section, places), groups=groups))
    references = _cross_references(rule, sections, places)
    sections = [replace(section, cross_references=tuple(references.get(section.key, ()))) for section in sections]
    return tuple(section for section in sections if section.groups or section.cross_references)


def _item(one: _Placed, number: int) -> Item:
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
            next((one.key for one in _rules(rule) if one.region and places.within(code, one.region)), home)
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
    return -item.score * _SAME_COUNTRY**before, before, _merit(item.story, item.score)


def _country(item: Item, places: Places) -> str:
    """The country of the story's first region, or that region where it lies in none."""
    code = next(iter(item.story.judgement.places(Role.PRIMARY)), item.story.key)
    return places.country(code) or code


# --------------------------------------------------------------------------------------------------------------
# Which copy


def _wanted(item: Item, preferences: Preferences, places: Places) -> bool:
    """Whether a reader chose this item: regions AND themes."""
    about = item.story.judgement.places(Role.PRIMARY, Role.COUNTERPART)
    themes = {item.theme, *(tag.theme for tag in item.story.judgement.themes)}
    return (
        not preferences.regions or any(places.within(code, region) for region in preferences.regions for code in about)
    ) and (not preferences.themes or not themes.isdisjoint(preferences.themes))


def _narrowed(section: Section, numbers: Mapping[str, int]) -> Section | None:
    """The section with only these stories, numbered so; None when nothing is left of it."""
    groups = tuple(
        replace(group, items=tuple(replace(item, number=numbers[item.story.key]) for item in items))
        for group in section.groups
        if (items := [item for item in group.items if item.story.key in numbers])
    )
    references = tuple(
        replace(line, number=numbers[line.story]) for line in section.cross_references if line.story in numbers
    )
    return replace(section, groups=groups, cross_references=references) if groups or references else None


# --------------------------------------------------------------------------------------------------------------
# Reasons


def _too_few(chosen: int, of: int, preferences: Preferences, places: Places, minimum: int) -> str:
    choice = []
    if preferences.regions:
        choice.append("regions " + ", ".join(places.name(code) for code in preferences.regions))
    if preferences.themes:
        choice.append("themes " + ", ".join(preferences.themes))
    matching = f"match the reader's choice ({'; '.join(choice)})" if choice else "are in the edition"
    return f"{chosen} of {of} items {matching}; the minimum is {max(minimum, 1)}"


def _why_skipped(rule: DigestRule, period: Period, placed: int, left_out: Iterable[LeftOut]) -> str:
    kinds = Counter(left.reason.partition(":")[0] for left in left_out)
    rest = "; ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    text = f"{placed} items for {period.key}; the minimum of '{rule.key}' is {max(rule.minimum_items, 1)}"
    return f"{text} (left out: {rest})" if rest else text


def _dated(story: Story) -> str:
    lead = story.lead
    return f"published {lead.published.date()}" if lead.published else f"first seen {lead.first_seen.date()}"


# --------------------------------------------------------------------------------------------------------------
# Identity and order


def _once(stories: Iterable[Story]) -> Iterable[Story]:
    """One story per key: of several versions the one with the most articles."""
    versions: dict[str, Story] = {}
    for story in stories:
        other = versions.setdefault(story.key, story)
        if other is not story and (len(story.also), repr(story)) > (len(other.also), repr(other)):
            versions[story.key] = story
    return versions.values()


def _names_of(story: Story) -> tuple[str, ...]:
    """All that a story may be known by: its key and the uids of its articles."""
    return tuple(dict.fromkeys((story.key, *(article.uid for article in story.articles))))


def _merit(story: Story, score: float) -> tuple[float, timedelta, str]:
    """Sorts the best first, then the newest; the key settles the rest."""
    return -score, -_instant(story.lead.when), story.key


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(moment: datetime) -> timedelta:
    """An aware time as its distance from 1970 in UTC.

    Unlike `datetime` it compares by the instant within one zone too, and does not overflow at a hostile year 1.
    """
    offset = moment.utcoffset() or timedelta()
    return moment.replace(tzinfo=UTC) - _EPOCH - offset
