"""Stories and editions as entries of a feed: what may be shown of them, under ids that never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import quote, urlsplit

from digest.clean import canonical_url, plain
from digest.model import Article, Edition, Item, Publication, Rights, Role, Section, Story
from digest.places import Places
from digest.publish.feed import Category, Entry, Link

_SINCE = "2026"  # RFC 4151 wants a date in every tag: URI; one for all, as ids must never change
_ALSO: Mapping[str, str] = {"en": "Also reported by: ", "zh": "其他报道："}


@dataclass(frozen=True, kw_only=True)
class Scribe:
    """Writes the entries of one publication.

    Attributes:
        publication: who publishes.
        places: the tree of regions, for the names of categories.
        themes: id of a theme -> its names.
        edition_url: id of an edition -> its page.
        story_url: key of a story -> its page, for articles without a page of their own.
    """

    publication: Publication
    places: Places
    themes: Mapping[str, Mapping[str, str]]
    edition_url: Callable[[str], str]
    story_url: Callable[[str], str]

    def id(self, kind: str, name: str = "") -> str:
        """A tag: URI (RFC 4151) made of the publication's host and path, and of names that never change."""
        parts = urlsplit(self.publication.url)
        path = "/".join(part for part in (parts.path.strip("/"), kind, quote(name)) if part)
        return f"tag:{parts.hostname or 'localhost'},{_SINCE}:{path}"

    def story(self, item: Item, updated: datetime) -> Entry:
        """The entry of a story: as much of it as its source's rights allow, and who else reports it."""
        story = item.story
        lead = story.lead
        summary = _summary(story)
        texts = lead.paragraphs if lead.rights is Rights.FULL else (summary,)
        parts = [*(escape(text) for text in texts if text), _linked(lead) + _day(lead)]
        if others := _others(story):
            parts.append(_ALSO[_base(lead.language)] + ", ".join(_linked(other) for other in others))
        return Entry(
            id=self.id("stories", story.key),
            url=canonical_url(lead.url) or self.story_url(story.key),
            title=lead.title,
            published=lead.when,
            updated=updated,
            html="".join(f"<p>{part}</p>" for part in parts),
            summary=summary,
            author=lead.byline or _reporter(lead) or self.publication.title,
            language=lead.language,
            categories=self._categories(item),
            related=tuple(Link(url=other.url, title=_reporter(other)) for other in others if other.url),
        )

    def edition(self, edition: Edition, published: datetime, updated: datetime) -> Entry:
        """The entry of an edition: its headlines under their sections, each with a link to read it."""
        parts = [f"<p>{escape(edition.note)}</p>"] if edition.note else []
        for section in edition.sections:
            if section.items:
                lines = "".join(f"<li>{self._headline(item.story)}</li>" for item in section.items)
                parts.append(f"<h3>{escape(self.heading(section))}</h3><ul>{lines}</ul>")
        first = tuple(edition.picked(edition.choice + edition.top)) or edition.items[:3]
        return Entry(
            id=self.id("editions", edition.id),
            url=self.edition_url(edition.id),
            title=f"{edition.title} {edition.period.key}",
            published=published,
            updated=updated,
            html="".join(parts),
            summary=" · ".join(dict.fromkeys(item.story.lead.title for item in first)),
            author=self.publication.sender_name or self.publication.title,
            language=self.publication.language,
        )

    def region(self, code: str) -> str:
        """The name of a region."""
        return self.places.name(code, self.publication.language)

    def theme(self, theme: str) -> str:
        """The name of a theme."""
        return named(self.themes.get(theme, {}), self.publication.language) or theme

    def heading(self, section: Section) -> str:
        """The heading of a section."""
        return named(section.names, self.publication.language) or section.key

    def _categories(self, item: Item) -> tuple[Category, ...]:
        """What a story is about: its primary and counterpart regions and its themes, best first."""
        judgement = item.story.judgement
        regions = dict.fromkeys(judgement.places(Role.PRIMARY) + judgement.places(Role.COUNTERPART))
        themes = dict.fromkeys(theme for theme in (item.theme, *(tag.theme for tag in judgement.themes)) if theme)
        return (
            *(
                Category(scheme=self.id("regions"), term=code, label=self.region(code), spatial=True)
                for code in regions
            ),
            *(Category(scheme=self.id("themes"), term=theme, label=self.theme(theme)) for theme in themes),
        )

    def _headline(self, story: Story) -> str:
        lead = story.lead
        url = canonical_url(lead.url) or self.story_url(story.key)
        by = f", {escape(_reporter(lead))}" if _reporter(lead) else ""
        return f'<a href="{escape(url)}">{escape(lead.title)}</a>{by}'


def named(names: Mapping[str, str], language: str) -> str:
    """A name in a language, or in its base language, or in English, or in whatever there is; "" when there is none."""
    base = language.partition("-")[0]
    alike = (name for tag, name in sorted(names.items()) if tag.partition("-")[0] == base)
    return names.get(language) or next(alike, "") or names.get("en") or next(iter(names.values()), "")


def _summary(story: Story) -> str:
    """The sentences that sum it up, or the publisher's own teaser; nothing where only the headline may be shown."""
    if story.lead.rights is Rights.HEADLINE:
        return ""
    gap = "" if _base(story.lead.language) == "zh" else " "
    return gap.join(story.judgement.summary) or story.lead.teaser


def _others(story: Story) -> Iterable[Article]:
    """One article of each other publisher that reports the story."""
    seen = {_reporter(story.lead): story.lead}
    for article in story.also:
        seen.setdefault(_reporter(article), article)
    return [article for name, article in seen.items() if name and article is not story.lead]


def _linked(article: Article) -> str:
    """Who reports, with a link to the report when there is one."""
    name, url = escape(_reporter(article)), canonical_url(article.url)
    return f'<a href="{escape(url)}">{name or escape(url)}</a>' if url else name


def _day(article: Article) -> str:
    """The date as printed by the publisher, in its own zone: ISO 8601, for every language."""
    day = article.when.date().isoformat()
    return f", {day}" if _linked(article) else day


def _reporter(article: Article) -> str:
    return plain(article.publisher or article.agency)


def _base(language: str) -> str:
    """The language to speak in beside a text: Chinese beside Chinese, else English."""
    return "zh" if language.partition("-")[0] == "zh" else "en"
