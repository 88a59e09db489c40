"""Stories + a digest's rule + what earlier editions used -> an edition; an edition + preferences -> a copy's edition.

Pure: no clock, no store, no templates. The rules are those of docs/editions.md. What comes out does not depend on the
order of what goes in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from itertools import count, groupby, product
from operator import or_
from typing import Final, TypeVar

from digest.model import (
    Below,
    CrossReference,
    DigestRule,
    Edition,
    Item,
    LeftOut,
    Period,
    Picked,
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
        summaries: story -> the summary to print.
        taken: stories that are in whatever the rules say of their age, their region, or earlier editions.
        places: story -> its place among those of its section and theme, from 1.
        note: the editor's note, plain text.
    """

    pinned: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    themes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    summaries: Mapping[str, str] = field(default_factory=dict)
    taken: Collection[str] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


NO_DECISIONS = Decisions()
_Said = TypeVar("_Said", str, int)
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
    place: int = 0  # where an operator put it among its neighbours, from 1; 0: by its rank

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
    """The edition that one reader chose, or why they get none: what `Chooser` picks, as an edition of its own."""
    picked = Chooser(edition, places, minimum=minimum, below=below).pick(preferences)
    if isinstance(picked, Skipped):
        return picked
    copy = narrowed(edition, picked)
    return edition if copy == edition else copy


class Chooser:
    """Which items of one edition its readers get. What it works out for one serves all with the same choice.

    No preference means all. A story is in when one of the regions and one of the themes that the reader chose match:
    a region matches what lies in it, by a primary or counterpart region of the story; a theme matches any theme of
    the story, and the one under which it stands. Sections follow the order of the regions that the reader chose, by
    the primary regions of the stories in them, and themes in a section that of the themes.
    """

    def __init__(self, edition: Edition, places: Places, *, minimum: int = 1, below: Below = Below.SKIP) -> None:
        """Look through an edition.

        Args:
            edition: the whole edition.
            places: the tree of regions.
            minimum: items under which a copy is not worth sending.
            below: what becomes of a copy under the minimum. An empty one is never sent.
        """
        self._edition = edition
        self._places = places
        self._minimum = minimum
        self._below = below
        items = edition.items
        self._all = (1 << len(items)) - 1
        self._primary: dict[str, int] = {}  # region -> items
        self._partner: dict[str, int] = {}
        self._theme: dict[str, int] = {}
        for bit, item in ((1 << place, item) for place, item in enumerate(items)):
            judgement = item.story.judgement
            for code in judgement.places(Role.PRIMARY):
                self._primary[code] = self._primary.get(code, 0) | bit
            for code in judgement.places(Role.PRIMARY, Role.COUNTERPART):
                self._partner[code] = self._partner.get(code, 0) | bit
            for theme in {item.theme, *(tag.theme for tag in judgement.themes)}:
                self._theme[theme] = self._theme.get(theme, 0) | bit
        self._sections: dict[str, int] = {}
        start = 0
        for section in edition.sections:
            size = len(section.items)
            self._sections[section.key] = ((1 << size) - 1) << start
            start += size
        self._in_region = lru_cache(maxsize=1024)(self._lies_in)
        self._chosen = lru_cache(maxsize=4096)(self._choose)

    def pick(self, preferences: Preferences, without: int = 0) -> Picked | Skipped:
        """What a reader gets.

        Args:
            preferences: the reader's regions and themes, in their order; the rest of them has no say here.
            without: a bitmap of items that they shall not get (they had them in another digest).
        """
        picked = self._chosen(preferences.regions, preferences.themes, without)
        if not picked.count or (picked.count < self._minimum and self._below is Below.SKIP):
            had = (self._chosen(preferences.regions, preferences.themes, 0).items & without).bit_count()
            already = f", {had} more came in another digest" if had else ""
            found = f"{picked.count} of {len(self._edition.items)} items {self._choice(preferences)}{already}"
            return Skipped(reason=f"{found}; the minimum is {max(self._minimum, 1)}")
        return picked

    def _choice(self, preferences: Preferences) -> str:
        choice = []
        if preferences.regions:
            choice.append("regions " + ", ".join(self._places.name(code) for code in preferences.regions))
        if preferences.themes:
            choice.append("themes " + ", ".join(preferences.themes))
        return f"match the reader's choice ({'; '.join(choice)})" if choice else "are in the edition"

    def _choose(self, regions: tuple[str, ...], themes: tuple[str, ...], without: int) -> Picked:
        items = self._all & ~without
        if regions:
            items &= reduce(or_, (self._in_region(region)[1] for region in regions))
        if themes:
            items &= reduce(or_, (self._theme.get(theme, 0) for theme in themes))
        return Picked(items, self._order(regions, items), tuple(dict.fromkeys(themes)))

    def _order(self, regions: tuple[str, ...], items: int) -> tuple[str, ...]:
        """Keys of the sections that have stories from the chosen regions, the region chosen first first."""
        ordered: dict[str, None] = {}
        for region in regions:
            wanted = self._in_region(region)[0] & items
            ordered.update((key, None) for key, held in self._sections.items() if held & wanted)
        return tuple(ordered)

    def _lies_in(self, region: str) -> tuple[int, int]:
        """Items with a primary region in this one; and with a primary or counterpart region in it."""
        return (
            reduce(or_, (held for code, held in self._primary.items() if self._places.within(code, region)), 0),
            reduce(or_, (held for code, held in self._partner.items() if self._places.within(code, region)), 0),
        )


def told_again(edition: Edition, other: Edition) -> tuple[int, ...]:
    """For each item of another edition, in its reading order: which items of this one tell its story, as a bitmap."""
    bits: dict[str, int] = {}
    for place, item in enumerate(edition.items):
        for name in _names_of(item.story):
            bits[name] = bits.get(name, 0) | 1 << place
    return tuple(reduce(or_, (bits.get(name, 0) for name in _names_of(item.story))) for item in other.items)


def narrowed(edition: Edition, picked: Picked) -> Edition:
    """A copy's edition: what was picked, in the order that was, numbered anew from 1. All of it is the edition."""
    kept = {item.story.key for place, item in enumerate(edition.items) if picked.items >> place & 1}
    sections = [
        replace(
            section,
            groups=tuple(
                replace(section.groups[place], items=items)
                for place in picked.order([group.theme for group in section.groups], picked.themes)
                if (items := tuple(item for item in section.groups[place].items if item.story.key in kept))
            ),
            cross_references=tuple(line for line in section.cross_references if line.story in kept),
        )
        for section in (
            edition.sections[place]
            for place in picked.order([section.key for section in edition.sections], picked.sections)
        )
    ]
    order = [item.story.key for section in sections for item in section.items]
    numbers = {key: number for number, key in enumerate(order, start=1)}
    top = tuple(key for key in edition.top if key in numbers)
    return replace(
        edition,
        sections=tuple(_numbered(one, numbers) for one in sections if one.groups or one.cross_references),
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
        why += [*self._dates(story), *self._taken_in(story)]
        theme = self._decided(self.decisions.themes, story)
        if theme is None:
            theme = next((tag.theme for tag in story.judgement.themes), "")
        else:
            why.append(f"An operator put it under the theme '{theme}'.")
        title = self._decided(self.decisions.titles, story)
        if title and title != story.lead.title:
            why.append(f"An operator changed the headline, which was '{story.lead.title}'.")
            story = replace(story, lead=replace(story.lead, title=title))
        summary = self._decided(self.decisions.summaries, story)
        if summary:
            why.append("An operator wrote the summary.")
            story = replace(story, judgement=replace(story.judgement, summary=(summary,)))
        place = self._decided(self.decisions.places, story) or 0
        if place:
            why.append(f"An operator put it in place {place} under its theme.")
        pin = self._pin(story)
        if pin is not None:
            why.append("An operator pinned it: editor's choice.")
        why += [f"Score {score.value:.2f}.", *score.why]
        return _Placed(
            story=story, section=section.key, theme=theme, score=score.value, why=tuple(why), pin=pin, place=place
        )

    def _refusal(self, story: Story, twin: str | None) -> str:
        """Why a story may not be in this edition; "" when it may."""
        if self._taken(story):
            return self._told(twin)
        dropped = self._decided(self.decisions.dropped, story)
        if dropped is not None:
            return "dropped by an operator" + (f": {dropped}" if dropped else "")
        if earlier := self._used(story):
            return f"used in {earlier}"
        if _instant(story.lead.when) >= _instant(self.period.end):
            return f"after the period: {_dated(story)}; the period ends with {self.period.last_day}"
        if self._age(story) > timedelta(days=self.rule.lateness_days) and self._pin(story) is None:
            return f"too old: {_dated(story)}; more than {self.rule.lateness_days} days before the period"
        return self._told(twin)

    @staticmethod
    def _told(twin: str | None) -> str:
        return "" if twin is None else f"told already: shares an article with '{twin}'"

    def _taken(self, story: Story) -> bool:
        """Whether an operator took it in, whatever the rules say."""
        return any(name in self.decisions.taken for name in _names_of(story))

    def _used(self, story: Story) -> str:
        """The earlier edition that used it; "" when none did."""
        names = _names_of(story)
        return next((self.used[name] for name in names if self.used.get(name, self.edition) != self.edition), "")

    def _taken_in(self, story: Story) -> list[str]:
        """What there is to say of a story that an operator took in."""
        if not self._taken(story):
            return []
        why = ["An operator took it in."]
        if earlier := self._used(story):
            why.append(f"The earlier edition {earlier} carried it.")
        if _instant(story.lead.when) >= _instant(self.period.end):
            why.append(f"It is from after the period ({_dated(story)}).")
        return why

    def _age(self, story: Story) -> timedelta:
        """How long before the period's start the story's newest article appeared; negative when within."""
        return _instant(self.period.start) - max(_instant(article.when) for article in story.articles)

    def _dates(self, story: Story) -> list[str]:
        """What there is to say of a story's dates."""
        why = []
        if self._age(story) > timedelta(days=self.rule.lateness_days):
            why.append(f"Older than this digest takes ({_dated(story)}), but an operator wanted it.")
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
        if self._taken(story):
            return sections[-1], [*why, f"No section matches ({about}), so it stands under the last one."]
        return f"no section: {about}, and the digest has no 'elsewhere'"

    def _decided(self, decisions: Mapping[str, _Said], story: Story) -> _Said | None:
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
            ThemeGroup(theme=theme, items=tuple(_item(one, next(numbers)) for one in _arranged(members)))
            for theme, members in groupby(here, key=lambda one: one.theme)
        )
        sections.append(Section(key=section.key, names=_names(section, places), groups=groups))
    references = _cross_references(rule, sections, places)
    sections = [replace(section, cross_references=tuple(references.get(section.key, ()))) for section in sections]
    return tuple(section for section in sections if section.groups or section.cross_references)


def _arranged(members: Iterable[_Placed]) -> list[_Placed]:
    """Neighbours by their rank, and those that an operator put somewhere in the places where they were put."""
    neighbours = list(members)
    arranged = [one for one in neighbours if not one.place]
    for one in sorted((one for one in neighbours if one.place), key=lambda one: (one.place, one.rank)):
        arranged.insert(one.place - 1, one)
    return arranged


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


def _numbered(section: Section, numbers: Mapping[str, int]) -> Section:
    """The section with its stories under these numbers."""
    groups = tuple(
        replace(group, items=tuple(replace(item, number=numbers[item.story.key]) for item in group.items))
        for group in section.groups
    )
    lines = tuple(replace(line, number=numbers[line.story]) for line in section.cross_references)
    return replace(section, groups=groups, cross_references=lines)


# --------------------------------------------------------------------------------------------------------------
# Reasons


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
