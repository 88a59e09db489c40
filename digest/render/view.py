"""What the templates see: an edition said in one language, every text cleaned and cut, every link checked. Pure.

Templates get these views and never the model, so that a template cannot show what a reader may not see (Rights), and
two copies with equal views are the same mail: a view is hashable and stands as the key of what was rendered from it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlsplit

from digest.clean import plain
from digest.model import Article, Edition, Item, Length, Publication, Rights, Role, Section, Story, Theme
from digest.places import Places
from digest.render.language import Language
from digest.render.text import isolate, safe_url, shorten

TITLE = 240  # columns of a headline that are shown
SUMMARY = 700
NAME = 80
_FEW = 5  # up to so many items, top stories would only say everything twice


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """A name and where it leads; `href` may be ""."""

    name: str
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class EarlierView:
    """An earlier story in the online view of its edition."""

    title: str
    period: str
    href: str


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """A story as shown. `language` is "" when it is that of the interface; `level` is that of its heading, 3 or 4."""

    number: str
    key: str
    title: str
    language: str
    chinese: bool
    href: str  # the publisher's page; "" when there is none
    publisher: str
    place: str
    date: str
    also: tuple[LinkView, ...]
    summary: str  # "" for headlines only, by right or by choice
    featured: bool  # its summary stands above, under editor's choice or top stories
    choice: bool
    earlier: tuple[EarlierView, ...]
    why: str
    level: int = 3


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """The items of a section under one theme; `name` is "" for those without one."""

    name: str
    items: tuple[ItemView, ...]


@dataclass(frozen=True, kw_only=True)
class SeeAlsoView:
    """A line to a story that stands in another section."""

    number: str
    key: str
    title: str
    section: str


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A heading with its stories."""

    key: str
    name: str
    count: int
    groups: tuple[GroupView, ...]
    see_also: tuple[SeeAlsoView, ...]


@dataclass(frozen=True, kw_only=True)
class PublicationView:
    """Who publishes."""

    title: str
    tagline: str
    url: str
    postal_address: str
    feedback: str  # an address
    copyright: str
    samples: bool


@dataclass(frozen=True, kw_only=True)
class EditionView:
    """An edition in one language. The counts are those of what is in it."""

    id: str
    title: str
    number: str
    period: str
    week: str  # "2018-W29"
    count: int
    publishers: int
    note: tuple[str, ...]
    headline: str  # the first story's, for the subject
    headlines: tuple[str, ...]  # those of the top stories, else of the first ones
    choice: tuple[ItemView, ...]
    top: tuple[ItemView, ...]
    sections: tuple[SectionView, ...]
    themes: tuple[tuple[str, int], ...]  # name and count, the largest first
    headlines_only: bool
    publication: PublicationView


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Says editions in one language.

    Attributes:
        edition_url: the address of an edition's online view, by its id.
        zone: the publication's; dates are local dates there.
    """

    language: Language
    publication: Publication
    places: Places
    themes: Mapping[str, Theme]
    zone: tzinfo
    edition_url: Callable[[str], str]

    def edition(self, edition: Edition, length: Length) -> EditionView:
        """The whole edition as shown."""
        choice = tuple(edition.picked(edition.choice))
        top = tuple(edition.picked(tuple(key for key in edition.top if key not in edition.choice)))
        headlines = tuple(self._title(item.story.lead) for item in (*choice, *top) or edition.items[:3])
        if len(edition.items) <= _FEW or length is Length.HEADLINES:
            choice = top = ()
        featured = {item.story.key for item in (*choice, *top)}
        year = edition.period.start.astimezone(self.zone).year

        def say(item: Item, *, above: bool, level: int = 3) -> ItemView:
            return self._item(item, edition, length, year, featured=above, level=level)

        def section(part: Section) -> SectionView:
            groups = []
            for group in part.groups:
                name = self._theme(group.theme)
                level = 4 if name else 3
                items = (say(item, above=item.story.key in featured, level=level) for item in group.items)
                groups.append(GroupView(name=name, items=tuple(items)))
            return SectionView(
                key=part.key,
                name=self._section(part),
                count=len(part.items),
                groups=tuple(groups),
                see_also=tuple(
                    SeeAlsoView(
                        number=self.language.number(line.number),
                        key=line.story,
                        title=shown(line.title, TITLE),
                        section=next(
                            (self._section(other) for other in edition.sections if other.key == line.section), ""
                        ),
                    )
                    for line in part.cross_references
                ),
            )

        counts = Counter(item.theme for item in edition.items)
        return EditionView(
            id=edition.id,
            title=shown(edition.title),
            number=self.language.number(edition.number),
            period=self.language.period(edition.period.start.astimezone(self.zone).date(), edition.period.last_day),
            week=edition.period.key,
            count=len(edition.items),
            publishers=len({article.publisher for item in edition.items for article in item.story.articles} - {""}),
            note=tuple(filter(None, (isolate(plain(paragraph)) for paragraph in edition.note.split("\n\n")))),
            headline=headlines[0] if headlines else "",
            headlines=headlines,
            choice=tuple(say(item, above=False) for item in choice),
            top=tuple(say(item, above=False) for item in top),
            sections=tuple(section(part) for part in edition.sections if part.items or part.cross_references),
            themes=tuple(
                (self._theme(theme), counts[theme])
                for theme in sorted(self.themes, key=counts.__getitem__, reverse=True)
                if counts[theme]
            ),
            headlines_only=length is Length.HEADLINES,
            publication=publication_view(self.publication),
        )

    def item(self, item: Item, edition: Edition) -> ItemView:
        """A story on its own: with its summary, wherever it stands in its edition."""
        year = edition.period.start.astimezone(self.zone).year
        return self._item(item, edition, Length.FULL, year, featured=False, level=2)

    def receives(self, name: str, regions: tuple[str, ...], themes: tuple[str, ...]) -> str:
        """What a reader chose, in a sentence: "You receive: Guangdong, Israel · Trade"."""
        gettext = self.language.gettext
        comma = self.language.comma
        chosen_regions = comma.join(shown(self._place(code)) for code in regions) or gettext("all regions")
        chosen_themes = comma.join(self._theme(theme) or shown(theme) for theme in themes) or gettext("all themes")
        choice = f"{chosen_regions} · {chosen_themes}"
        if name := shown(name):
            return gettext("%(name)s, you receive: %(choice)s") % {"name": name, "choice": choice}
        return gettext("You receive: %(choice)s") % {"choice": choice}

    # What an item shows ------------------------------------------------------------------------------------------

    def _item(self, item: Item, edition: Edition, length: Length, year: int, *, featured: bool, level: int) -> ItemView:
        story, lead = item.story, item.story.lead
        full = length is Length.FULL
        return ItemView(
            number=self.language.number(item.number),
            key=anchor(story.key),
            title=self._title(lead),
            language=self._foreign(lead.language),
            chinese=(lead.language if lead.language not in {"", "und"} else self.language.base).startswith("zh"),
            href=safe_url(lead.url),
            publisher=self._publisher(lead),
            place=self._dateline(story),
            date=self.language.day(lead.published.astimezone(self.zone).date(), year) if lead.published else "",
            also=self._also(story) if not featured else (),
            summary=self._summary(story) if full and not featured else "",
            featured=featured,
            choice=story.key in edition.choice,
            earlier=tuple(
                EarlierView(
                    title=shown(related.title, TITLE) or self.language.gettext("(untitled)"),
                    period=plain(related.period),
                    href=safe_url(f"{self.edition_url(related.edition)}#s-{anchor(related.story)}"),
                )
                for related in story.related
            )
            if full and not featured
            else (),
            why=self._why(item) if full and not featured else "",
            level=level,
        )

    def _title(self, article: Article) -> str:
        return shown(article.title, TITLE) or self.language.gettext("(untitled)")

    def _publisher(self, article: Article) -> str:
        return shown(article.publisher) or shown(article.agency) or urlsplit(safe_url(article.url)).netloc

    def _also(self, story: Story) -> tuple[LinkView, ...]:
        seen = {self._publisher(story.lead): ""}
        for article in story.also:
            seen.setdefault(self._publisher(article), safe_url(article.url))
        return tuple(LinkView(name=name, href=href) for name, href in list(seen.items())[1:] if name)

    def _summary(self, story: Story) -> str:
        if story.lead.rights is Rights.HEADLINE:
            return ""
        space = "" if story.lead.language.startswith(("zh", "ja")) else " "
        return shown(space.join(story.judgement.summary), SUMMARY)

    def _dateline(self, story: Story) -> str:
        """Where it was filed, in the reader's language; else what it is about."""
        printed = shorten(plain(story.lead.dateline), NAME)
        if not printed:
            primary = story.judgement.places(Role.PRIMARY)
            return shown(self._place(primary[0])) if primary else ""
        if place := self.places.resolve(printed):
            return shown(self._place(place.code))
        return isolate(printed.title() if printed.isupper() else printed)

    def _why(self, item: Item) -> str:
        """The strongest reason for its region and for its theme: "Guangdong: “Dongguan” (keyword line) · Trade: …"."""
        judgement = item.story.judgement
        tags = [
            *((self._place(tag.region), tag.evidence) for tag in judgement.regions if tag.role is Role.PRIMARY),
            *((self._theme(tag.theme), tag.evidence) for tag in judgement.themes if tag.theme == item.theme),
        ]
        found: dict[str, str] = {}
        where = seen_where(self.language)
        for name, evidence in tags:
            direct = [piece for piece in evidence if piece.where in where and piece.text]
            if name and direct and name not in found:
                best = max(direct, key=lambda piece: piece.weight)
                known = {"name": shown(name), "words": shown(best.text), "where": where[best.where]}
                said = self.language.gettext("%(name)s: “%(words)s” (%(where)s)")
                if known["words"].casefold() == known["name"].casefold():
                    said = self.language.gettext("%(name)s (%(where)s)")
                found[name] = said % known
        reasons = list(found.values())[:3]
        if item.pinned:
            reasons.insert(0, self.language.gettext("pinned by the editor"))
        return " · ".join(reasons)

    # Names -------------------------------------------------------------------------------------------------------

    def _foreign(self, language: str) -> str:
        """The `lang` of a text whose language is not that of the interface, else ""."""
        base = language.split("-", maxsplit=1)[0].lower()
        return (
            ""
            if base in {"", "und", self.language.base} or not re.fullmatch(r"[A-Za-z0-9-]{2,35}", language)
            else language
        )

    def _place(self, code: str) -> str:
        return self.places.name(code, self.language.base)

    def _theme(self, theme: str) -> str:
        known = self.themes.get(theme)
        return (shown(self.language.name_of(known.names)) or theme) if known else ""

    def _section(self, section: Section) -> str:
        return shown(self.language.name_of(section.names)) or shown(self._place(section.key))


def publication_view(publication: Publication) -> PublicationView:
    """Who publishes, as shown."""
    return PublicationView(
        title=shown(publication.title),
        tagline=shown(publication.tagline, TITLE),
        url=safe_url(publication.url),
        postal_address=isolate(plain(publication.postal_address)),
        feedback=plain(publication.feedback or publication.sender),
        copyright=isolate(plain(publication.copyright)),
        samples=publication.samples,
    )


def shown(text: str, columns: int = NAME) -> str:
    """A text from outside as it may be shown: one clean line, cut, and fenced if it runs from right to left."""
    return isolate(shorten(plain(text), columns))


def anchor(key: str) -> str:
    """A key as part of an element's id and of a URL's fragment."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", key)


def seen_where(language: Language) -> Mapping[str, str]:
    """Where in an article evidence is seen, in words. What only follows from other tags is not among them."""
    gettext = language.gettext
    return {
        "keywords": gettext("keyword line"),
        "dateline": gettext("dateline"),
        "title": gettext("headline"),
        "lead": gettext("first paragraph"),
        "text": gettext("text"),
        "section": gettext("section line"),
        "operator": gettext("the editor"),
    }
