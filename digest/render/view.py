"""What the templates see: an edition said in one language, every text cleaned and cut, every link checked. Pure.

Templates get these views and never the model, so that a template cannot show what a reader may not see (Rights), and
two copies with equal views are the same mail: a view is hashable and stands as the key of what was rendered from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from digest.clean import plain
from digest.model import Article, Edition, Item, Publication, Rights, Role, Section, Story, Theme
from digest.places import Places
from digest.render.language import Language
from digest.render.text import isolate, safe_url, shorten
from digest.render.views import EarlierView, ItemView, LinkView, PublicationView

TITLE = 240  # columns of a headline that are shown
SUMMARY = 700
NAME = 80


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

    def item(self, item: Item, edition: Edition) -> ItemView:
        """A story on its own: with its summary, wherever it stands in its edition."""
        return self.shown_item(item, edition, level=2, number=self.language.number(item.number))

    def receives(self, name: str, regions: tuple[str, ...], themes: tuple[str, ...]) -> str:
        """What a reader chose, in a sentence: "You receive: Guangdong, Israel · Trade"."""
        choice = self._choices(regions, themes)
        if name := shown(name):
            return self.language.gettext("%(name)s, you receive: %(choice)s") % {"name": name, "choice": choice}
        return self.language.gettext("You receive: %(choice)s") % {"choice": choice}

    def _chosen(self, regions: tuple[str, ...], themes: tuple[str, ...]) -> str:
        gettext = self.language.gettext
        comma = self.language.comma
        chosen_regions = comma.join(map(self._region_chosen, regions)) or gettext("all regions")
        chosen_themes = comma.join(map(self._theme_chosen, themes)) or gettext("all themes")
        return f"{chosen_regions} · {chosen_themes}"

    @cached_property
    def _region_chosen(self) -> Callable[[str], str]:  # choices are many, of few regions and themes
        return lru_cache(maxsize=4096)(lambda code: shown(self.place(code)))

    @cached_property
    def _theme_chosen(self) -> Callable[[str], str]:
        return lru_cache(maxsize=4096)(lambda theme: self.theme(theme) or shown(theme))

    @cached_property
    def _choices(self) -> Callable[[tuple[str, ...], tuple[str, ...]], str]:
        return lru_cache(maxsize=4096)(self._chosen)

    def story_url(self, edition: str, story: str) -> str:
        """Where a story stands in the online view of its edition."""
        return safe_url(f"{self.edition_url(edition)}#s-{anchor(story)}")

    # What an item shows ------------------------------------------------------------------------------------------

    def shown_item(self, item: Item, edition: Edition, **differing: Any) -> ItemView:
        """A story with all that may be shown of it; `differing` are the fields that differ from copy to copy."""
        story, lead = item.story, item.story.lead
        year = edition.period.start.astimezone(self.zone).year
        return ItemView(
            key=anchor(story.key),
            title=self.title(lead),
            language=self.foreign(lead.language),
            chinese=(lead.language if lead.language not in {"", "und"} else self.language.base).startswith("zh"),
            href=safe_url(lead.url),
            publisher=self._publisher(lead),
            place=self._dateline(story),
            date=self.language.day(lead.published.astimezone(self.zone).date(), year) if lead.published else "",
            also=self._also(story),
            summary=self._summary(story),
            choice=story.key in edition.choice,
            earlier=tuple(
                EarlierView(
                    title=shown(related.title, TITLE) or self.language.gettext("(untitled)"),
                    period=plain(related.period),
                    href=self.story_url(related.edition, related.story),
                )
                for related in story.related
            ),
            why=self._why(item),
            theme_place=list(self.themes).index(item.theme) if item.theme in self.themes else -1,
            **differing,
        )

    def title(self, article: Article) -> str:
        """A headline, or the words for one that is missing."""
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
            return shown(self.place(primary[0])) if primary else ""
        if place := self.places.resolve(printed):
            return shown(self.place(place.code))
        return isolate(printed.title() if printed.isupper() else printed)

    def _why(self, item: Item) -> str:
        """The strongest reason for its region and for its theme: "Guangdong: “Dongguan” (keyword line) · Trade: …"."""
        judgement = item.story.judgement
        tags = [
            *((self.place(tag.region), tag.evidence) for tag in judgement.regions if tag.role is Role.PRIMARY),
            *((self.theme(tag.theme), tag.evidence) for tag in judgement.themes if tag.theme == item.theme),
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

    def foreign(self, language: str) -> str:
        """The `lang` of a text whose language is not that of the interface, else ""."""
        base = language.split("-", maxsplit=1)[0].lower()
        return (
            ""
            if base in {"", "und", self.language.base} or not re.fullmatch(r"[A-Za-z0-9-]{2,35}", language)
            else language
        )

    def place(self, code: str) -> str:
        """The name of a region."""
        return self.places.name(code, self.language.base)

    def theme(self, theme: str) -> str:
        """The name of a theme; "" when it is unknown."""
        known = self.themes.get(theme)
        return (shown(self.language.name_of(known.names)) or theme) if known else ""

    def section(self, section: Section) -> str:
        """The heading of a section."""
        return shown(self.language.name_of(section.names)) or shown(self.place(section.key))


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
