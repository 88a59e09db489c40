"""What is published: a feed and its entries, before they are written in a format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

ATOM, RSS, JSON = "atom.xml", "rss.xml", "feed.json"
"""The file names of the three formats in a feed's folder."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was updated: a constant, so that its bytes do not change."""


@dataclass(frozen=True, kw_only=True)
class Category:
    """A region or theme of an entry (RFC 4287, 4.2.2): a term of a scheme, with a label to show."""

    scheme: str  # a URI
    term: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """A page that tells the same story elsewhere."""

    url: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One story or edition in a feed.

    Attributes:
        id: a URI that never changes, whatever becomes of titles and pages (RFC 4287, 4.2.6).
        url: the page to read it on.
        title: the headline, plain text.
        published: when it first appeared; aware.
        updated: when the present text was first published; aware, never the time of writing.
        html: the content, as a fragment of HTML with absolute links; cut down to safe tags when written.
        summary: plain text; "" where the source's rights allow a headline only.
        author: who wrote or published it.
        language: BCP 47; "" or "und" when not known.
        categories: its regions and themes.
        related: other reports of it.
    """

    id: str
    url: str
    title: str
    published: datetime
    updated: datetime
    html: str = ""
    summary: str = ""
    author: str = ""
    language: str = ""
    categories: tuple[Category, ...] = ()
    related: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed: what it is called, where it stands, and its entries in order.

    Attributes:
        id: a URI that never changes.
        folder: absolute URL of the folder that holds its documents, without a trailing slash.
        url: the page that it belongs to.
        title: plain text.
        subtitle: plain text; the title where a format wants one.
        author: who publishes.
        rights: the copyright line.
        language: BCP 47.
        entries: newest first.
    """

    id: str
    folder: str
    url: str
    title: str
    subtitle: str = ""
    author: str = ""
    rights: str = ""
    language: str = "en"
    entries: tuple[Entry, ...] = ()

    @property
    def updated(self) -> datetime:
        """When anything in it last changed."""
        return max((entry.updated for entry in self.entries), default=NEVER)
