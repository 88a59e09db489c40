"""What the public pages are given beside editions: a story with its whole context, and names of regions and themes.

As in mails, templates get these views and never the model: what a reader may not see (Rights) is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.clean import plain
from digest.model import Edition, Item, Rights, Role
from digest.render.edition import whole
from digest.render.text import isolate
from digest.render.view import Viewer, shown
from digest.render.views import EditionView, ItemView


@dataclass(frozen=True, kw_only=True)
class NameView:
    """Something with a page of its own: a region by its code, a theme by its id."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class EditionLine:
    """An edition in a list."""

    id: str
    title: str
    number: str
    period: str


@dataclass(frozen=True, kw_only=True)
class StoryView:
    """A story on a page of its own, or in a list of a region or theme.

    `item` is as in an edition; `paragraphs` is the whole text, where the source's rights allow it.
    """

    id: str  # key of the story
    item: ItemView
    paragraphs: tuple[str, ...]
    regions: tuple[NameView, ...]  # primary and counterpart
    themes: tuple[NameView, ...]
    edition: EditionLine


class PageViewer:
    """Says editions, stories and names in one language, for pages."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    @property
    def tag(self) -> str:
        """BCP 47 tag of the language."""
        return self._viewer.language.tag

    def edition(self, edition: Edition) -> EditionView:
        """A whole edition, as online."""
        return whole(self._viewer, edition)

    def line(self, id: str, title: str, number: int, start: datetime, end: datetime) -> EditionLine:  # noqa: A002 - the model's word
        """An edition in a list; `end` is the first instant that it does not cover."""
        zone, language = self._viewer.zone, self._viewer.language
        last = end - timedelta(microseconds=1)
        return EditionLine(
            id=id,
            title=shown(title),
            number=language.number(number),
            period=language.period(start.astimezone(zone).date(), last.astimezone(zone).date()),
        )

    def day(self, moment: datetime) -> str:
        """The date of a time, as it is in its own zone."""
        return self._viewer.language.day(moment.date())

    def story(self, item: Item, edition: Edition) -> StoryView:
        """A story with everything that may be shown of it."""
        story, judgement = item.story, item.story.judgement
        codes = dict.fromkeys((*judgement.places(Role.PRIMARY), *judgement.places(Role.COUNTERPART)))
        themes = dict.fromkeys(theme for theme in (item.theme, *(tag.theme for tag in judgement.themes)) if theme)
        full = story.lead.rights is Rights.FULL
        period = edition.period
        return StoryView(
            id=story.key,
            item=self._viewer.item(item, edition),
            paragraphs=tuple(filter(None, (isolate(plain(text)) for text in story.lead.paragraphs))) if full else (),
            regions=tuple(NameView(id=code, name=self.region(code)) for code in codes),
            themes=tuple(NameView(id=theme, name=self.theme(theme)) for theme in themes),
            edition=self.line(edition.id, edition.title, edition.number, period.start, period.end),
        )

    def regions(self, codes: Iterable[str]) -> tuple[NameView, ...]:
        """Regions by their codes, each once."""
        return tuple(NameView(id=code, name=self.region(code)) for code in dict.fromkeys(codes))

    def region(self, code: str) -> str:
        """The name of a region; its code when it is unknown."""
        return shown(self._viewer.places.name(code, self._viewer.language.base))

    def themes(self) -> tuple[NameView, ...]:
        """Every theme of the taxonomy, in its order."""
        return tuple(NameView(id=theme, name=self.theme(theme)) for theme in self._viewer.themes)

    def theme(self, theme: str) -> str:
        """The name of a theme; its id when it is unknown."""
        known = self._viewer.themes.get(theme)
        return (shown(self._viewer.language.name_of(known.names)) if known else "") or theme
