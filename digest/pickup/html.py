"""A page as HTML; its parsers run in the jail."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final

from digest.clean import html_to_text, plain
from digest.errors import PickupError
from digest.jail import Jail
from digest.model import Source
from digest.pickup import dates, publishers
from digest.pickup.draft import Draft

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
    paragraphs = tuple(plain(each) for each in found["paragraphs"])
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


def _person(byline: str) -> str:
    return "" if byline.startswith(("http:", "https:")) else re.sub(r"^(?i:by)\s+", "", byline)
