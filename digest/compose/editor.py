"""The editor: which stories are in, in which section, under which theme, and why; by rule and by decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from digest.compose.order import instant, merit, names_of
from digest.compose.sections import heading, match, rules
from digest.model import DigestRule, Period, Role, SectionRule, Story
from digest.places import Places

_Said = TypeVar("_Said", str, int)


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


@dataclass(frozen=True, kw_only=True)
class Placed:
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
        return (self.pin is None, self.pin or 0, *merit(self.story, self.score))


@dataclass(frozen=True, kw_only=True)
class Editor:
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

    def judge(self, story: Story, score: Score, twin: str | None) -> Placed | str:
        """Where a story stands and why; or the reason why it is left out.

        Args:
            story: the story, as it is known today.
            score: how well it ranks.
            twin: headline of a better story of this edition that has an article of this one.
        """
        end = instant(self.period.end)
        story = replace(story, also=tuple(article for article in story.also if instant(article.when) < end))
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
        return Placed(
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
        if instant(story.lead.when) >= instant(self.period.end):
            return f"after the period: {_dated(story)}; the period ends with {self.period.last_day}"
        if self._age(story) > timedelta(days=self.rule.lateness_days) and self._pin(story) is None:
            return f"too old: {_dated(story)}; more than {self.rule.lateness_days} days before the period"
        return self._told(twin)

    @staticmethod
    def _told(twin: str | None) -> str:
        return "" if twin is None else f"told already: shares an article with '{twin}'"

    def _taken(self, story: Story) -> bool:
        """Whether an operator took it in, whatever the rules say."""
        return any(name in self.decisions.taken for name in names_of(story))

    def _used(self, story: Story) -> str:
        """The earlier edition that used it; "" when none did."""
        names = names_of(story)
        return next((self.used[name] for name in names if self.used.get(name, self.edition) != self.edition), "")

    def _taken_in(self, story: Story) -> list[str]:
        """What there is to say of a story that an operator took in."""
        if not self._taken(story):
            return []
        why = ["An operator took it in."]
        if earlier := self._used(story):
            why.append(f"The earlier edition {earlier} carried it.")
        if instant(story.lead.when) >= instant(self.period.end):
            why.append(f"It is from after the period ({_dated(story)}).")
        return why

    def _age(self, story: Story) -> timedelta:
        """How long before the period's start the story's newest article appeared; negative when within."""
        return instant(self.period.start) - max(instant(article.when) for article in story.articles)

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
        sections = rules(self.rule)
        why = []
        wish = self._decided(self.decisions.sections, story)
        for section in sections:
            if section.key == wish:
                return section, [f"An operator put it under {heading(section, self.places)}."]
        if wish is not None:
            why.append(f"An operator put it under '{wish}', which this digest does not have; so the rules placed it.")
        for section in sections:
            if (reason := match(story, section, self.places)) is not None:
                return section, [*why, reason]
        regions = ", ".join(self.places.name(code) for code in story.judgement.places(Role.PRIMARY))
        about = f"about {regions}" if regions else "about no place"
        for section in sections:  # wherever "elsewhere" stands, it takes only what no other section took
            if section.elsewhere:
                return section, [*why, f"Stands under {heading(section, self.places)}: {about}."]
        if self._taken(story):
            return sections[-1], [*why, f"No section matches ({about}), so it stands under the last one."]
        return f"no section: {about}, and the digest has no 'elsewhere'"

    def _decided(self, decisions: Mapping[str, _Said], story: Story) -> _Said | None:
        """What was decided about a story under any of its names; None when nothing was."""
        return next((decisions[name] for name in names_of(story) if name in decisions), None)

    def _pin(self, story: Story) -> int | None:
        """The story's place among the pinned, from 0; None when it is not."""
        names = names_of(story)
        return next((place for place, name in enumerate(self.decisions.pinned) if name in names), None)


def _dated(story: Story) -> str:
    lead = story.lead
    return f"published {lead.published.date()}" if lead.published else f"first seen {lead.first_seen.date()}"
