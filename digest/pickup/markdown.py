"""Markdown with front matter; its parser runs in the jail."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final

from digest.clean import html_paragraphs
from digest.errors import PickupError
from digest.jail import Jail
from digest.pickup import dates
from digest.pickup.draft import Draft

_PARSER: Final = "digest.pickup.inside.markdown:parse"
# What a field may be called in front matter, the best first.
_FRONT: Final = {
    "id": ("id", "guid", "slug_id"),
    "title": ("title", "headline"),
    "url": ("url", "link", "canonical", "canonical_url", "permalink"),
    "published": ("date", "published", "publishdate", "published_at", "pubdate", "time"),
    "publisher": ("publisher", "source", "site"),
    "section": ("section", "category", "categories"),
    "byline": ("byline", "author", "authors", "by"),
    "editor": ("editor",),
    "agency": ("agency",),
    "dateline": ("dateline", "place", "location"),
    "keywords": ("keywords", "tags"),
    "teaser": ("teaser", "summary", "description", "excerpt"),
    "language": ("language", "lang"),
}  # fmt: skip


def read(text: str, *, name: str, zone: tzinfo, jail: Jail) -> Draft:
    """Read a Markdown document.

    Raises:
        PickupError: its front matter is broken, or its date is none.
        JailError: the parser was stopped.
    """
    read_in = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    found = jail.run(_PARSER, read_in.encode("utf-8", "replace"))
    if found["problem"]:
        raise PickupError(
            found["problem"],
            where=name,
            line=found["line"],
            remedy="see docs/pickup.md for what front matter looks like",
        )
    given = {key.strip().lower().replace("-", "_"): value for key, value in found["fields"].items()}
    fields = {field: next((given[key] for key in keys if given.get(key)), "") for field, keys in _FRONT.items()}
    words = {
        field: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for field, value in fields.items()
    }
    published = dates.read(words["published"], zone) if words["published"] else None
    if words["published"] and published is None:
        raise PickupError(
            f"date: '{words['published'][:60]}' is not a date", where=name, remedy="write it as 2018-07-20 09:15"
        )
    paragraphs = tuple(
        line
        for each in found["paragraphs"]
        for line in (html_paragraphs(each["text"]) if each["html"] else (each["text"],))
    )
    keywords = fields["keywords"]
    tags = keywords if isinstance(keywords, list) else re.split(r"[,，、;；]", keywords)
    simple = {
        field: words[field]
        for field in (
            "id",
            "url",
            "publisher",
            "section",
            "byline",
            "editor",
            "agency",
            "dateline",
            "teaser",
            "language",
        )
    }
    return Draft(
        title=words["title"] or found["heading"],
        paragraphs=paragraphs,
        published=published,
        keywords=tuple(map(str, tags)),
        **simple,
    )
