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
    spatial: bool = False  # a region: told as dcterms:spatial too


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
class Tombstone:
    """An entry that was withdrawn (RFC 6721): its id, and when. Nothing of its text is left."""

    id: str
    when: datetime


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A document of a feed: what it is called, where it stands, and its entries in order.

    A feed is its subscription document, which changes, and archive pages behind it, which do not (RFC 5005, 4).

    Attributes:
        id: a URI that never changes; that of the archive pages too.
        folder: absolute URL of the folder that holds its documents, without a trailing slash.
        url: the page that it belongs to.
        title: plain text.
        subtitle: plain text; the title where a format wants one.
        author: who publishes.
        rights: the copyright line.
        language: BCP 47.
        entries: newest first.
        gone: what was withdrawn lately, newest first; Atom tells it.
        hub: a WebSub hub that tells of changes; "" for none. Archive pages have none.
        current: folder of the subscription document, in an archive page; "" in the subscription document itself.
        older: folder of the archive page before this one; "" when there is none.
        complete: whether the document holds all that there is (RFC 5005, 2).
        address: of the document, where it does not stand in the folder under its format's name.
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
    gone: tuple[Tombstone, ...] = ()
    hub: str = ""
    current: str = ""
    older: str = ""
    complete: bool = False
    address: str = ""

    @property
    def updated(self) -> datetime:
        """When anything in it last changed."""
        return max((*(one.updated for one in self.entries), *(one.when for one in self.gone)), default=NEVER)
