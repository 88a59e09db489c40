"""What feedgen does not know, told to it by its own means: extensions, and dates as the formats have them.

`History` extends a feed: its place among the pages of an archive (RFC 5005), and relations of links in RSS.
`Tombstones` extends a feed of Atom: what was withdrawn (RFC 6721).
`Detail` extends an entry: its language, dates, regions (Dublin Core terms), and the attributes of its links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Self

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.util import xml_elem

from digest.publish.cleaned import utc
from digest.publish.feed import Tombstone

_HISTORY = "http://purl.org/syndication/history/1.0"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_TERMS = "http://purl.org/dc/terms/"
_ATOM = "http://www.w3.org/2005/Atom"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class Moment(datetime):
    """A time that feedgen writes as we want it in Atom: in UTC with a Z, to the millisecond where it has any."""

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The same instant."""
        moment = utc(moment)
        return cls.combine(moment.date(), moment.timetz())

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """The time as RFC 3339 has it."""
        if timespec == "auto":
            timespec = "milliseconds" if self.microsecond else "seconds"
        return super().isoformat(sep, timespec).replace("+00:00", "Z")


class Unsaid(Moment):
    """A time that feedgen takes for none, and does not write.

    It would write a date of RSS by switching the locale of the whole process, which is not safe beside other threads,
    and where it has none, it takes the time of writing. The extensions write dates of RSS.
    """

    def __bool__(self) -> bool:
        """Never there."""
        return False


class History(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Of a feed.

    Attributes:
        updated: when anything in it last changed.
        archive: whether it is a page of an archive, which does not change (RFC 5005, 4).
        complete: whether it holds all that there is (RFC 5005, 2).
        links: those of the feed; feedgen writes all of them in Atom, and only `self` in RSS.
    """

    updated: datetime
    archive: bool = False
    complete: bool = False
    links: Sequence[Mapping[str, str]] = ()

    def extend_ns(self) -> dict[str, str]:
        """The prefixes of the feed and of what stands in its entries."""
        return {"dcterms": _TERMS, "fh": _HISTORY}

    def extend_atom(self, feed: Any) -> Any:
        """After the feed's own elements, before its entries."""
        self._mark(feed)
        return feed

    def extend_rss(self, rss: Any) -> Any:
        """After the channel's own elements, before its items."""
        channel = rss[0]
        _text(channel, "lastBuildDate", rfc822(self.updated))
        self._mark(channel)
        for link in self.links:
            if link["rel"] not in {"alternate", "self"}:
                xml_elem(f"{{{_ATOM}}}link", channel, **link)
        return rss

    def _mark(self, parent: Any) -> None:
        if self.archive:
            xml_elem(f"{{{_HISTORY}}}archive", parent)
        if self.complete:
            xml_elem(f"{{{_HISTORY}}}complete", parent)


class Tombstones(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Of a feed of Atom.

    Attributes:
        gone: what was withdrawn lately.
    """

    gone: Sequence[Tombstone] = ()

    def extend_ns(self) -> dict[str, str]:
        """The prefix, in each document: one may be put into it later."""
        return {"at": _TOMBSTONES}

    def extend_atom(self, feed: Any) -> Any:
        """Before the feed's entries."""
        for one in self.gone:
            xml_elem(f"{{{_TOMBSTONES}}}deleted-entry", feed, ref=one.id, when=rfc3339(one.when))
        return feed


class Detail(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """Of an entry.

    Attributes:
        published: when it was.
        updated: when its text was approved.
        language: BCP 47; "" when not known.
        regions: where it belongs, as people read it.
        links: those of the entry. feedgen 1.0 forgets all their attributes but the address.
    """

    published: datetime
    updated: datetime
    language: str = ""
    regions: Sequence[str] = ()
    links: Sequence[Mapping[str, str]] = ()

    def extend_atom(self, entry: Any) -> Any:
        """After the entry's own elements."""
        if self.language:
            entry.set(_LANGUAGE, self.language)
        for element, link in zip(entry.iterchildren("link"), self.links, strict=True):
            for name, value in link.items():
                if name != "href":
                    element.set(name, value)
        _text(entry, "published", rfc3339(self.published))
        self._place(entry)
        return entry

    def extend_rss(self, item: Any) -> Any:
        """After the item's own elements."""
        _text(item, "pubDate", rfc822(self.published))
        _text(item, f"{{{_TERMS}}}modified", rfc3339(self.updated))
        self._place(item)
        return item

    def _place(self, parent: Any) -> None:
        for region in self.regions:
            _text(parent, f"{{{_TERMS}}}spatial", region)


def rfc3339(moment: datetime) -> str:
    """A time in Atom, JSON Feed and Dublin Core."""
    return Moment.of(moment).isoformat()


def rfc822(moment: datetime) -> str:
    """A time in RSS; without the locale."""
    return format_datetime(utc(moment), usegmt=True)


def _text(parent: Any, name: str, text: str) -> None:
    xml_elem(name, parent).text = text
