"""Finds the feed of a site: the address itself, what its page names, what it links to, where feeds usually are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from digest.errors import JailError, PickupError
from digest.fetch import Failed, Fetched, Gone
from digest.model import Source, SourceKind
from digest.pickup.decode import text_of
from digest.pickup.document import Reading
from digest.pickup.live import Asked, Reader

_PARSER: Final = "digest.pickup.inside.links:find"
_USUAL: Final = ("/feed", "/rss", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json", "/?feed=rss2")
_MOST: Final = 12  # addresses that are tried


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """A feed that answers. `others` are further ones that the page names, not tried."""

    url: str
    reading: Reading
    others: tuple[str, ...] = ()


async def find_feed(url: str, reader: Reader) -> Discovered:
    """Find the feed at or behind an address.

    Raises:
        PickupError: the address does not answer, or nothing behind it is a feed; says what was tried.
    """
    url = _spelled(url)
    first = await _try(url, reader)
    if first.reading is not None:
        return Discovered(url=_settled(url, first), reading=first.reading)
    page = first.result
    if isinstance(page, Failed):
        raise PickupError(page.what, where=url, remedy="check the address in a browser")
    if not isinstance(page, Fetched):
        raise PickupError(
            "it is gone for good (410)" if isinstance(page, Gone) else "no answer", where=url, remedy="find another one"
        )
    named = await asyncio.to_thread(_named, page, reader)
    tried: list[str] = []
    for candidate in _candidates(named, page.final):
        if candidate in {url, page.final} or candidate in tried:
            continue
        if len(tried) >= _MOST:
            break
        tried.append(candidate)
        asked = await _try(candidate, reader)
        if asked.reading is not None:
            others = tuple(one for one in named if one not in tried)
            return Discovered(url=_settled(candidate, asked), reading=asked.reading, others=others)
    raise PickupError(
        f"no feed found; tried {', '.join(tried)}" if tried else "no feed found",
        where=url,
        remedy="look on the site for a link called RSS, Atom or feed, and give its address",
    )


def _spelled(url: str) -> str:
    """What people paste: with spaces around it, without a scheme, or as feed:."""
    url = url.strip()
    if url.lower().startswith("feed:"):
        url = url[5:]
        url = url if "://" in url else f"https:{url}"
    return url if "://" in url else f"https://{url}"


async def _try(url: str, reader: Reader) -> Asked:
    source = Source(key="discovered", kind=SourceKind.FEED, location=url if "://" in url else f"http://{url}")
    return await reader.ask(source, url)


def _settled(url: str, asked: Asked) -> str:
    return asked.result.moved_to or url if isinstance(asked.result, Fetched) else url


def _named(page: Fetched, reader: Reader) -> list[str]:
    """The feeds that a page names, best first: those it declares, then those it links to; comments last."""
    try:
        text = text_of(page.body, page.final, page.charset)
        found = reader.jail.run(_PARSER, text.encode("utf-8", "replace"))
    except (PickupError, JailError):
        return []
    base = urljoin(page.final, found["base"]) if found["base"] else page.final
    named = [*found["named"], *found["linked"]]
    named.sort(key=lambda one: "comment" in f"{one['url']} {one['title']}".lower())
    urls = []
    for one in named:
        try:
            urls.append(urljoin(base, one["url"]).partition("#")[0])
        except ValueError:
            continue
    return list(dict.fromkeys(url for url in urls if url.lower().startswith(("http://", "https://"))))


def _candidates(named: list[str], final: str) -> Iterator[str]:
    yield from named
    for path in _USUAL:
        yield urljoin(final, path)
