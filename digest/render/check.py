"""`digest templates check`: every template on sample data, looked at as mail clients will look at it.

    check(renderer)  ->  Finding, Finding, ...   errors first

An error is what breaks a mail: a template that does not render, a name that nothing is given under, a link that leads
nowhere, more bytes than Gmail shows. A warning is what a mail client does not support. A note is what it supports in
part, or what stands in the style sheet that stays in the head, which a mail must be whole without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from html.parser import HTMLParser
from typing import Final

from digest.errors import TemplateError
from digest.model import Copy, Length
from digest.render import samples
from digest.render.clients import Use, gaps, in_words
from digest.render.renderer import Renderer
from digest.render.views import PublicationView

CLIPPED: Final = 102_400  # bytes; what Gmail shows of a mail's HTML
COMFORTABLE: Final = 90_000  # below it, a mail survives what gateways add to it
# What clients lack and no mail can do without, or loses nothing by.
ACCEPTED: Final[Mapping[str, str]] = {
    "<body> element": "it becomes a div, which carries the same style",
    "<style> element": "what stands there is for phones and the dark; the mail is whole without it",
    "color-scheme meta tag": "who does not know it shows the light mail",
    "display:none": "the preheader is also one pixel high and in the colour of the page",
}


def _given() -> dict[str, frozenset[str] | None]:
    """The names that templates of mails may ask for, and what those that are always the same hold."""
    names: dict[str, frozenset[str] | None] = dict.fromkeys(("mail", "receives"))
    for context in samples.notices().values():
        names.update(dict.fromkeys(context))
    names["publication"] = frozenset(entry.name for entry in fields(PublicationView))
    names["links"] = frozenset(("online", "preferences", "unsubscribe", "feed"))
    names["language"] = frozenset(("tag", "base", "direction", "comma", "number"))
    return names


_GIVEN: Final = _given()


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that an operator should know of a template.

    `where` is file and line, as far as they are known; `sought` is a pattern of what to look for in the files.
    """

    level: Level
    template: str
    what: str
    where: str = ""
    sought: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {self.where or self.template}: {self.what}"


def check(renderer: Renderer, editions: Sequence[str] = ("weekly-report",)) -> tuple[Finding, ...]:
    """Everything that is wrong with a publication's templates, errors first.

    Args:
        renderer: with the publication's own templates over the shipped ones.
        editions: the templates of its digests: folders below templates/email/.
    """
    found = list(dict.fromkeys(_check(renderer, editions)))
    return tuple(sorted(found, key=lambda finding: (list(Level).index(finding.level), finding.template)))


def examine(copy: Copy, template: str) -> Iterator[Finding]:
    """What is wrong with one mail, wherever it came from; `template` is what to call it."""
    page = _Page()
    page.feed(copy.html)
    page.close()

    def error(what: str) -> Finding:
        return Finding(level=Level.ERROR, template=template, what=what)

    size = len(copy.html.encode())
    if size > CLIPPED:
        yield error(f"its HTML takes {size:,} bytes; Gmail shows {CLIPPED:,}")
    elif size > COMFORTABLE:
        yield Finding(
            level=Level.WARNING, template=template, what=f"its HTML takes {size:,} of Gmail's {CLIPPED:,} bytes"
        )
    if not copy.subject.strip() or re.search(r"[\x00-\x1f\x7f]", copy.subject):
        yield error("the subject is empty or holds control characters")
    if not page.language:
        yield error("the html element names no language (lang)")
    if not page.title.strip():
        yield error("the title element is empty")
    if page.headings.count(1) != 1:
        yield error(f"it has {page.headings.count(1)} first headings (h1); screen readers want one")
    for before, after in zip(page.headings, page.headings[1:], strict=False):
        if after > before + 1:
            yield error(f"a heading h{after} follows h{before}: levels are skipped")
            break
    for source in page.without_alt:
        yield error(f"an image without alt: {source}")
    if page.bare_tables:
        yield error(
            f'{page.bare_tables} tables are read out as data: write role="presentation" where they only lay out'
        )
    for href in dict.fromkeys(page.hrefs):
        if (fault := _fault(href, page.ids)) is not None:
            yield Finding(level=fault[0], template=template, what=fault[1])
    said = " ".join(copy.text.split())
    if missing := [text for text in page.links_said if text not in said and text.startswith(("http://", "https://"))]:
        yield error(f"the plain part does not hold the address {missing[0]}")
    yield from _unsupported(copy.html, template)


def _fault(href: str, ids: set[str]) -> tuple[Level, str] | None:
    if href.startswith("#"):
        return None if href[1:] in ids else (Level.ERROR, f"the link {href} leads to nothing in the mail")
    if href.startswith(("https://", "mailto:")):
        return None
    if href.startswith("http://"):
        return Level.WARNING, f"the link {href} is not https (settings: publication.url)"
    return Level.ERROR, f"the link '{href}' is not absolute"


def _unsupported(html: str, template: str) -> Iterator[Finding]:
    for gap in gaps(html):
        title, use = gap.feature.title, gap.use
        if title in ACCEPTED:
            continue
        named = title if use.name in title else f"{title} ({use.name})"
        if gap.feature.missing:
            level = Level.NOTE if use.sheet else Level.WARNING
            aside = ", in the style sheet that stays" if use.sheet else ""
            what = f"{named}{aside}: not supported by {gap.clients}"
            yield Finding(level=level, template=template, what=what, sought=_sought(use))
        if gap.feature.partial and not use.sheet:
            what = f"{named}: supported in part by {in_words(gap.feature.partial)}. {gap.feature.note}".strip()
            yield Finding(level=Level.NOTE, template=template, what=what, sought=_sought(use))


def _sought(use: Use) -> str:
    """What a use looks like in a template or a stylesheet."""
    name = re.escape(use.name)
    match use.kind:
        case "element":
            return rf"<{name}\b"
        case "attribute":
            return rf"\b{name}="
        case "property":
            return rf"(?<![\w-]){name}\s*:"
        case "declaration":
            return r"(?<![\w-])" + name.replace(":", r":\s*")
        case "pair":
            _element, attribute, begin = use.name.split(" ")
            return rf'{attribute}="{re.escape(begin)}'
        case "function":
            return rf"{name}\("
    return name


def _check(renderer: Renderer, editions: Sequence[str]) -> Iterator[Finding]:
    templates = renderer.templates
    for name in templates.names():
        if name.endswith((".html", ".txt")):
            for line, what in renderer.faults(name, _GIVEN if name.startswith("email/") else {}):
                yield Finding(level=Level.ERROR, template=name, what=what, where=f"{templates.file(name)[1]}:{line}")
    for name, context in samples.notices().items():
        yield from _locate(renderer, name, _mail(renderer, name, context))
    for name in editions:
        yield from _locate(renderer, name, _edition(renderer, name))


def _mail(renderer: Renderer, name: str, context: Mapping[str, object]) -> Iterator[Finding]:
    for language in renderer.languages():
        try:
            yield from examine(renderer.mail(name, context, language), f"email/{name}")
        except TemplateError as error:
            yield _broken(error, name)
            return


def _edition(renderer: Renderer, name: str) -> Iterator[Finding]:
    """An edition in each language; as headlines, online, of one story, of hostile ones, and as long as they come."""
    edition, reader = samples.edition(), samples.reader
    longest = samples.edition(repeat=7)
    try:
        for language in renderer.languages():
            copy = renderer.copy(edition, reader(language=language), template=name)
            yield from examine(copy, f"email/{name}")
            yield from _parity(copy, [item.story.lead.title for item in edition.items], name)
            hostile = renderer.copy(samples.edition(samples.HOSTILE), reader(language=language), template=name)
            yield from (one for one in examine(hostile, f"email/{name}") if one.level is Level.ERROR)
        for length in Length:
            copy = renderer.copy(longest, reader(length=length), template=name)
            yield from (one for one in examine(copy, f"email/{name}") if "bytes" in one.what)
        renderer.online(edition, "", template=name)
        renderer.online_text(edition, "", template=name)
    except TemplateError as error:
        yield _broken(error, name)


def _parity(copy: Copy, titles: Sequence[str], name: str) -> Iterator[Finding]:
    """What stands in one part of a mail stands in the other."""
    text = re.sub(r"\s", "", copy.text)
    for title in titles:
        if re.sub(r"\s", "", title) not in text:
            yield Finding(level=Level.ERROR, template=f"email/{name}", what=f"the plain part does not hold “{title}”")
            return


def _broken(error: TemplateError, name: str) -> Finding:
    where = f"{error.where}:{error.line}" if error.where and error.line else error.where
    return Finding(level=Level.ERROR, template=f"email/{name}", what=error.what, where=where)


def _locate(renderer: Renderer, name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Say where in its files a template uses what a finding is about."""
    try:
        sources = [
            renderer.templates.file(one)
            for one in renderer.templates.sources([f"email/{name}/body.html"])
            if one.startswith("email/")
        ]
    except TemplateError:
        sources = []
    for one in findings:
        yield one if one.where or not one.sought else replace(one, where=_place(one.sought, sources))


def _place(sought: str, sources: Sequence[tuple[str, str]]) -> str:
    """File and line of the first match; stylesheets first."""
    for text, path in sorted(sources, key=lambda source: not source[1].endswith(".css")):
        if match := re.search(sought, text):
            return f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
    return ""


class _Page(HTMLParser):
    """What of a mail's HTML the checks look at."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.language = ""
        self.title = ""
        self.headings: list[int] = []
        self.without_alt: list[str] = []
        self.bare_tables = 0
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.links_said: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._open = tag
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "html":
            self.language = values.get("lang", "")
        elif re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "img" and "alt" not in values:
            self.without_alt.append(values.get("src", ""))
        elif tag == "table" and "role" not in values:
            self.bare_tables += 1
        elif tag == "a":
            self.hrefs.append(values.get("href", ""))

    def handle_data(self, data: str) -> None:
        if self._open == "title":
            self.title += data
        elif self._open == "a":
            self.links_said.append(data.strip())

    def handle_endtag(self, _tag: str) -> None:
        self._open = ""
