"""A page as HTML; its parsers run in the jail."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

from digest.clean import html_paragraphs, html_to_text, plain
from digest.errors import PickupError
from digest.jail import Jail
from digest.model import Source
from digest.pickup import dates, furniture, publishers
from digest.pickup import page as raw
from digest.pickup.draft import Draft
from digest.pickup.furniture import Part

_PARSER: Final = "digest.pickup.inside.html:extract"


def read(text: str, *, name: str, source: Source, named: tzinfo | None, zone: tzinfo, jail: Jail) -> Draft:
    """Read a page.

    Args:
        text: the page, without an XML declaration.
        name: what to call it in errors.
        source: stands in for the publisher.
        named: the zone that its source's settings name, if they do.
        zone: of dates that name none, when neither the settings nor a known publisher say better.
        jail: where the parser runs.

    Raises:
        PickupError: there is no article on it.
        JailError: the parser was stopped.
    """
    found = jail.run(_PARSER, text.encode("utf-8", "replace"))
    if found["problem"]:
        raise PickupError(found["problem"], where=name, remedy="save the page again, or give its text")
    if not found["paragraphs"]:
        raise PickupError(
            "no article text found on the page",
            where=name,
            remedy="save the page with its text, or give the text as Markdown",
        )
    title = plain(found["title"], entities=True)
    publisher = html_to_text(found["publisher"])
    stamps = named or publishers.zone_of(publisher or source.publisher) or zone
    paragraphs = _text(tuple(plain(each) for each in found["paragraphs"]))
    if found["said"] >= _MORE * sum(map(len, paragraphs)):
        paragraphs = _fuller(text, paragraphs, name=name)
    stamp = found["published"] or found["updated"]
    return Draft(
        title=title,
        paragraphs=tuple(each for each in paragraphs if each and each != title),
        published=dates.read(stamp, stamps) if stamp else None,
        publisher=publisher,
        section=found["section"],
        byline=_person(found["byline"]),
        editor=found["editor"],
        keywords=tuple(found["keywords"]),
        teaser=html_to_text(found["teaser"]),
        language=found["language"],
        url=found["url"],
    )


_HEAD: Final = 0.5  # share of a text in which a notice stands in it, and ends it not


def _text(paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """The paragraphs without the furniture among them: prompts, captions, notices."""
    total = sum(map(len, paragraphs))
    kept: list[str] = []
    seen = 0
    for each in paragraphs:
        part = furniture.part(each) if each else None
        if part is Part.STOP and seen >= _HEAD * total:
            break
        seen += len(each)
        if each and part is None:
            kept.append(each)
    return tuple(kept) or paragraphs


_MORE: Final = 1.35  # times as much text as was extracted
_INSIDE: Final = 0.9  # share of what was extracted that the fuller text must have
_LONGEST_PAGE: Final = 1_000_000  # characters
_ANY: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _fuller(page: str, paragraphs: tuple[str, ...], *, name: str) -> tuple[str, ...]:
    """What the line model reads of a page that says much more than was extracted, if it is that and more.

    Articles in several parts lose all but one of them where each has an element of its own.
    """
    try:
        lines = "\n".join(html_paragraphs(page[:_LONGEST_PAGE]))
        fuller = raw.read(lines, name=name, zone=UTC, now=_ANY).paragraphs  # its dates are not taken
    except PickupError:
        return paragraphs
    whole, parts = _squashed("".join(fuller)), [_squashed(each) for each in paragraphs]
    inside, size = sum(len(part) for part in parts if part in whole), sum(map(len, parts))
    return fuller if len(whole) >= _MORE * size and inside >= _INSIDE * size else paragraphs


def _squashed(text: str) -> str:
    """The letters and figures of a text: what does not depend on who took it from its markup."""
    return "".join(filter(str.isalnum, text.casefold()))


def _person(byline: str) -> str:
    return "" if byline.startswith(("http:", "https:")) else re.sub(r"^(?i:by)\s+", "", byline)
