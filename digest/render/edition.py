"""An edition said in one language: what is the same in all copies as it is, what differs by way of a `Pick`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from digest.clean import plain
from digest.model import Article, CrossReference, Edition, Picked, Section, ThemeGroup
from digest.render.selection import HEADLINES, Answers, Outline, Pick, Selection
from digest.render.text import isolate, leader, shorten, wrap
from digest.render.view import SUMMARY, TITLE, Viewer, anchor, publication_view, shown
from digest.render.views import (
    TONES,
    BlockView,
    CorrectionView,
    EarlierView,
    EditionView,
    GroupView,
    HeadlineView,
    ItemView,
    SectionView,
    SeeAlsoView,
    ThemeView,
)

PREHEADER = 200  # columns
_STOPS = frozenset(".!?…。！？")
LABEL = 5  # columns of a number before an item of the plain text


def full_stop(title: str, language: str) -> str:
    """What stands between a headline and the next one in a paragraph."""
    if title.rstrip("\u2069”’\"')")[-1:] in _STOPS:
        return " "
    return "。" if language.startswith(("zh", "ja")) else ". "


def whole(viewer: Viewer, edition: Edition) -> EditionView:
    """The whole edition as everyone sees it."""
    outline = Outline(edition)
    return said(viewer, edition, outline, Answers(Selection(outline, Picked(outline.all), mail=False)))


def said(viewer: Viewer, edition: Edition, outline: Outline, pick: Pick) -> EditionView:
    """An edition as shown: with `Answers` one selection of it, with `Questions` all of them at once."""
    return _EditionViewer(viewer, edition, outline, pick).view()


class _EditionViewer:
    """One edition, said once: what may differ from copy to copy is asked of `pick`."""

    def __init__(self, viewer: Viewer, edition: Edition, outline: Outline, pick: Pick) -> None:
        self.viewer = viewer
        self.edition = edition
        self.outline = outline
        self.pick = pick
        self._line = lru_cache(maxsize=4096)(lambda name, count: leader(name, viewer.language.number(count)))
        # By the taxonomy, not by what is in this edition: a theme keeps its colour from copy to copy and week to week.
        self.tones = {theme: place % TONES for place, theme in enumerate(viewer.themes)}
        self.titles = [viewer.title(item.story.lead) for item in outline.items]
        self.labels = [f"{viewer.language.number(number)}.".ljust(LABEL) for number in range(len(outline.items) + 1)]
        ngettext = viewer.language.ngettext
        self._stories = lru_cache(maxsize=1024)(
            lambda count: ngettext("%(num)s story", "%(num)s stories", count) % {"num": self.digits[count]}
        )
        self._publishers = lru_cache(maxsize=1024)(
            lambda count: (
                ngettext("%(num)s publisher", "%(num)s publishers", count) % {"num": viewer.language.number(count)}
            )
        )
        self._preheader = lru_cache(maxsize=1024)(lambda places: shorten(self._titles(places), PREHEADER))
        self._first_line = lru_cache(maxsize=1024)(lambda place: wrap(self.titles[place], first="* ", rest="  "))
        self.digits = [viewer.language.number(number) for number in range(len(outline.items) + 1)]

    def view(self) -> EditionView:
        """The whole of it."""
        viewer, edition, pick, language = self.viewer, self.edition, self.pick, self.viewer.language
        filled = [self._bits(section) for section in range(len(edition.sections))]
        known = [self._known(place, section) for place, section in enumerate(edition.sections)]

        @lru_cache(maxsize=64)  # each body of a copy asks, in several places
        def there(sections: tuple[int, ...], items: int) -> tuple[int, ...]:
            return tuple([place for place in sections if items & known[place]])

        return EditionView(
            id=edition.id,
            title=shown(edition.title),
            number=language.number(edition.number),
            period=language.period(edition.period.start.astimezone(viewer.zone).date(), edition.period.last_day),
            week=edition.period.key,
            note=tuple(filter(None, (isolate(plain(paragraph)) for paragraph in edition.note.split("\n\n")))),
            publication=publication_view(viewer.publication),
            count=pick.field(lambda s: self.digits[s.count]),
            stories=pick.field(lambda s: self._stories(s.count)),
            publishers=pick.field(lambda s: self._publishers(s.publishers)),
            here=pick.when(lambda s: s.count),
            several=pick.when(lambda s: s.publishers > 1),
            full=pick.when(lambda s: s.full),
            contents=pick.when(lambda s: sum(1 for bits in filled if bits & s.items) > 1),
            headline=pick.field(lambda s: self._titles(tuple(s.headlines[:1]))),
            preheader=pick.field(lambda s: self._preheader(tuple(s.headlines))),
            matters=tuple(self._headline(slot) for slot in range(HEADLINES)),
            choice=self._block(self.outline.choice, "choice"),
            top=self._block([place for place in self.outline.top if place not in self.outline.choice], "top"),
            sections=pick.ordered(
                tuple(self._section(place, section) for place, section in enumerate(edition.sections)),
                lambda s: there(s.sections, s.items),
            ),
            themes=tuple(self._themes()),
            most_read=tuple(
                EarlierView(
                    title=shown(one.title, TITLE) or language.gettext("(untitled)"),
                    period=plain(one.period),
                    href=viewer.story_url(one.edition, one.story),
                )
                for one in edition.most_read
            ),
            corrections=tuple(
                CorrectionView(
                    title=shown(one.title, TITLE) or language.gettext("(untitled)"),
                    text=shown(one.text, SUMMARY),
                    period=plain(one.period),
                    href=viewer.story_url(one.edition, one.story),
                )
                for one in edition.corrections
            ),
        )

    def _bits(self, section: int) -> int:
        return self.outline.bits(place for group in self.outline.groups[section] for place in group)

    def _known(self, index: int, section: Section) -> int:
        """What a section stands for: its items, and those of its lines to other sections."""
        place_of = self.outline.place
        return self._bits(index) | self.outline.bits(
            {place_of[line.story] for line in section.cross_references if line.story in place_of}
        )

    def _titles(self, places: tuple[int, ...]) -> str:
        return " · ".join(self.titles[place] for place in places)

    def _headline(self, slot: int) -> HeadlineView:
        """The copy's headline of this place; it leads to where its summary stands."""
        items, language = self.outline.items, self.viewer.language

        def at(selection: Selection) -> int:
            return selection.headlines[slot] if slot < len(selection.headlines) else -1

        def lead(selection: Selection) -> Article:
            return items[at(selection)].story.lead

        def target(selection: Selection) -> str:
            place = at(selection)
            return f"{'ts'[not selection.featured >> place & 1]}-{anchor(items[place].story.key)}" if place >= 0 else ""

        pick = self.pick
        return HeadlineView(
            here=pick.when(
                lambda s: at(s) >= 0, lambda s: (place := at(s), place >= 0 and s.featured >> place & 1, s.mail)
            ),
            title=pick.field(lambda s: self.titles[at(s)] if at(s) >= 0 else ""),
            language=pick.field(
                lambda s: (self.viewer.foreign(lead(s).language) if at(s) >= 0 else "") or language.tag
            ),
            anchor=pick.field(target),
            line=pick.field(lambda s: self._first_line(at(s)) if at(s) >= 0 else ""),
            stop=pick.field(lambda s: full_stop(self.titles[at(s)], lead(s).language) if at(s) >= 0 else ""),
        )

    def _block(self, places: Sequence[int], name: str) -> BlockView:
        """Editor's choice or top stories: `name` is where a selection says which of them it shows."""
        pick = self.pick

        def item(place: int) -> ItemView:
            here = pick.when(lambda s: getattr(s, name) >> place & 1)
            return self._item(place, here=here, featured=False, told=True)

        here = pick.when(lambda s: getattr(s, name), lambda s: (getattr(s, name), s.mail))
        return BlockView(here=here, items=tuple(item(place) for place in places))

    def _item(self, place: int, **differing: Any) -> ItemView:
        return self.viewer.shown_item(
            self.outline.items[place],
            self.edition,
            number=self.pick.number(self.digits, place),
            label=self.pick.number(self.labels, place),
            **differing,
        )

    def _section(self, index: int, section: Section) -> SectionView:
        pick, place_of = self.pick, self.outline.place
        held = self._bits(index)
        lines = [(place_of[line.story], line) for line in section.cross_references if line.story in place_of]
        known = self._known(index, section)
        groups = tuple(
            self._group(group, places) for group, places in zip(section.groups, self.outline.groups[index], strict=True)
        )
        name = self.viewer.section(section)
        return SectionView(
            key=section.key,
            name=name,
            line=pick.field(lambda s: self._line(name, (s.items & held).bit_count())),
            here=pick.when(
                lambda s: s.items & known,
                lambda s: (
                    s.items & known
                    and (
                        s.items & known,
                        s.shown & held,
                        s.featured & held,
                        s.groups(index),
                        s.full,
                        s.mail,
                    )
                ),
            ),
            filled=pick.when(
                lambda s: s.items & held,
                lambda s: s.items & held and (s.items & held, s.shown & held, s.groups(index), s.mail),
            ),
            count=pick.field(lambda s: self.digits[(s.items & held).bit_count()]),
            groups=pick.ordered(groups, lambda s: s.groups(index)),
            more=pick.when(lambda s: s.items & held & ~s.shown),
            rest=pick.field(lambda s: self._rest((s.items & held & ~s.shown).bit_count())),
            see_also=tuple(self._see_also(place, line) for place, line in lines),
        )

    def _group(self, group: ThemeGroup, places: range) -> GroupView:
        pick, held = self.pick, self.outline.bits(places)
        name = self.viewer.theme(group.theme)

        def item(place: int) -> ItemView:
            bit = 1 << place
            return self._item(
                place,
                level=4 if name else 3,
                here=pick.when(lambda s: s.shown & bit, lambda s: (s.shown & bit, s.featured & bit, s.full, s.mail)),
                featured=pick.when(lambda s: s.featured & bit),
                told=pick.when(lambda s: s.full and not s.featured & bit),
            )

        return GroupView(
            name=name,
            tone=self.tones.get(group.theme, TONES),
            here=pick.when(lambda s: s.shown & held),
            items=tuple(item(place) for place in places),
        )

    def _rest(self, count: int) -> str:
        """What stands for the stories of a section that a copy has no room for."""
        return self.viewer.language.ngettext(
            "%(num)s more story of this section on the web", "%(num)s more stories of this section on the web", count
        ) % {"num": self.viewer.language.number(count)}

    def _see_also(self, place: int, line: CrossReference) -> SeeAlsoView:
        home = next((section for section in self.edition.sections if section.key == line.section), None)
        return SeeAlsoView(
            here=self.pick.when(lambda s: s.items >> place & 1),
            number=self.pick.number(self.digits, place),
            label=self.pick.number(self.labels, place),
            key=anchor(line.story),
            title=shown(line.title, TITLE),
            section=self.viewer.section(home) if home else "",
        )

    def _themes(self) -> Iterator[ThemeView]:
        for place, theme in enumerate(self.viewer.themes):
            held = self.outline.bits(place for place, item in enumerate(self.outline.items) if item.theme == theme)
            if held:
                yield self._theme(place, theme, held)

    def _theme(self, place: int, theme: str, held: int) -> ThemeView:
        name = self.viewer.theme(theme)
        return ThemeView(
            id=theme,
            name=name,
            line=self.pick.field(lambda s: self._line(name, (s.items & held).bit_count())),
            place=place,
            tone=self.tones[theme],
            here=self.pick.when(lambda s: s.items & held, lambda s: (s.items & held).bit_count()),
            count=self.pick.field(lambda s: self.digits[(s.items & held).bit_count()]),
        )
