"""The only way out: HTTP with address checks, limits and conditional requests. Nothing else opens a connection.

    async with Fetcher(Guard(allow), agent=..., clock=...) as fetcher:
        match await fetcher.fetch(url, etag=..., last_modified=...):
            case Fetched(): ...
            case NotModified(): ...
            case Gone(): ...
            case Failed(): ...

`post` sends a form, such as a WebSub hub takes.

Each hop: the URL's form is checked, its host resolved, *all* its addresses checked, and the connection made to one of
those very addresses (name and certificate stay the URL's), so that a name which answers differently the next moment
gains nothing. Redirects are hops like any other. No proxy, cookie, password or environment is ever used.

aiohttp speaks HTTP; it gets its addresses from us, and asks us once more for each socket.
"""

from digest.fetch.answers import Answer, Failed, Fetched, Gone, Limits, NotModified, Result
from digest.fetch.client import FEEDS, PAGES, Fetcher, Resolve, system_resolve
from digest.fetch.headers import retry_after, user_agent

__all__ = [
    "FEEDS",
    "PAGES",
    "Answer",
    "Failed",
    "Fetched",
    "Fetcher",
    "Gone",
    "Limits",
    "NotModified",
    "Resolve",
    "Result",
    "retry_after",
    "system_resolve",
    "user_agent",
]
