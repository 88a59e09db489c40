"""A live source is asked: the feed, and where its rights allow it the pages of its new articles.

ask -> fetch (conditional) -> read in the jail -> Asked
whole -> fetch the page -> its text in place of the teaser
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from digest.errors import PickupError
from digest.fetch import FEEDS, PAGES, Fetched, Fetcher, Result
from digest.jail import Jail
from digest.model import Article, Source, SourceKind
from digest.pickup.document import Reading, read


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a source answered, and what could be read of it (when something was fetched)."""

    result: Result
    reading: Reading | None = None
    error: PickupError | None = None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What it takes to fetch and read documents."""

    fetcher: Fetcher
    jail: Jail
    now: datetime
    zone: tzinfo

    async def ask(self, source: Source, url: str, *, etag: str = "", last_modified: str = "") -> Asked:
        """Ask for a feed, or for any document that pick-up reads when the source is not a live one.

        Args:
            source: stands in for what entries do not say.
            url: where it is asked.
            etag: of the copy that is known.
            last_modified: of that copy.
        """
        result = await self.fetcher.fetch(url, etag=etag, last_modified=last_modified, accept=FEEDS)
        if not isinstance(result, Fetched):
            return Asked(result=result)
        try:
            return Asked(result=result, reading=await self._read(result, source))
        except PickupError as error:
            return Asked(result=result, error=error)

    async def whole(self, article: Article, source: Source, *, inside: bool) -> tuple[Article, bool]:
        """An article with the text of its page, if that says more; and whether this need not be tried again.

        Args:
            article: as the feed has it.
            source: its source.
            inside: whether the operator's exceptions for addresses hold for its pages too: they do where the source
                itself is one.
        """
        if not article.url:
            return article, True
        result = await self.fetcher.fetch(article.url, accept=PAGES, inside=inside)
        if not isinstance(result, Fetched):
            passing = getattr(result, "reason", "") in {"name", "connect", "time"} or getattr(result, "status", 0) in {
                429,
                500,
                502,
                503,
                504,
            }
            return article, not passing
        page = Source(
            key=source.key,
            kind=SourceKind.FOLDER,
            location="page",
            publisher=source.publisher,
            language=source.language,
            time_zone=source.time_zone,
        )
        try:
            found = (await self._read(result, page)).articles[0]
        except PickupError:
            return article, True  # a page without a text that could be told from the rest: the teaser stands
        if sum(map(len, found.paragraphs)) <= sum(map(len, article.paragraphs)):
            return article, True
        own = {
            name: getattr(article, name) or getattr(found, name)
            for name in ("published", "byline", "editor", "agency", "dateline", "section", "keywords")
        }
        teaser = article.teaser or " ".join(article.paragraphs)[:2000]
        return replace(article, paragraphs=found.paragraphs, teaser=teaser, **own), True

    async def _read(self, result: Fetched, source: Source) -> Reading:
        """Parse what was fetched in the jail, off the event loop.

        Raises:
            PickupError: nothing of it can be used.
        """
        based = replace(source, url=source.url or result.final)
        return await asyncio.to_thread(
            read, result.body, result.final, based, now=self.now, zone=self.zone, jail=self.jail, charset=result.charset
        )
