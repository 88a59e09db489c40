"""What every reader of a format yields: an article's fields as found, not yet cleaned, dated, keyed or limited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An article on its way in. Texts may still hold anything; "" and () mean that the document does not say.

    `where` is the entry of a document that holds several ("entry 3"); "" for the only one.
    """

    title: str = ""
    paragraphs: tuple[str, ...] = ()
    id: str = ""
    url: str = ""
    published: datetime | None = None
    publisher: str = ""
    section: str = ""
    byline: str = ""
    editor: str = ""
    agency: str = ""
    dateline: str = ""
    keywords: tuple[str, ...] = ()
    teaser: str = ""
    language: str = ""
    where: str = ""
