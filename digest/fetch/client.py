"""The client: each hop checked, pinned, limited; aiohttp speaks HTTP and gets its addresses from us."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urljoin
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from digest.addresses import Guard, Refused, Target
from digest.fetch.answers import Failed, Fetched, Gone, Limits, NotModified, Result, Stop
from digest.fetch.headers import field, max_age, retry_after
from digest.fetch.inflate import STEP, Inflate

FEEDS: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, text/html;q=0.5, */*;q=0.3"
)
PAGES: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.3"
_ENCODINGS: Final = {"": 0, "identity": 0, "gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's window bits

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class _Redirect:
    location: str
    permanent: bool


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Every address that the system knows for a name, IPv4 and IPv6.

    Raises:
        OSError: the name is not known.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Fetcher:
    """Fetches, one request per host at a time. An async context manager; belongs to one event loop.

    Args:
        guard: which addresses may be asked.
        agent: User-Agent: who we are (`user_agent`).
        clock: the time, for dates in Retry-After.
        limits: of every fetch.
        resolve: from name and port to addresses.
        certificates: file of certificate authorities to trust beside the system's (PEM).
    """

    def __init__(
        self,
        guard: Guard,
        *,
        agent: str,
        clock: Callable[[], datetime],
        limits: Limits | None = None,
        resolve: Resolve = system_resolve,
        certificates: str = "",
    ) -> None:
        self.guard = guard
        self._agent = agent
        self._clock = clock
        self.limits = limits or Limits()
        self._resolve = resolve
        self._certificates = certificates
        self._session: aiohttp.ClientSession | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(self.limits.at_once)
        self._pins: dict[str, tuple[str, ...]] = {}  # host -> the addresses checked for the request under way

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context()
        if self._certificates:
            context.load_verify_locations(cafile=self._certificates)
        connector = aiohttp.TCPConnector(
            ssl=context,
            resolver=_Pinned(self._pins),
            socket_factory=self._socket,
            use_dns_cache=False,
            limit=0,  # ours are the slots
            keepalive_timeout=5,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect, sock_read=self.limits.read),
            headers={"User-Agent": self._agent, "Accept-Encoding": "gzip, deflate"},
            read_bufsize=STEP,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        accept: str = FEEDS,
        inside: bool = True,
    ) -> Result:
        """Fetch a URL; every outcome is a value.

        Args:
            url: http or https.
            etag: of the copy that is known, to be sent as If-None-Match.
            last_modified: of that copy, to be sent as If-Modified-Since.
            accept: the Accept header.
            inside: whether the operator's exceptions count for this URL (`Guard.check`). They never count for a
                redirect of a host that is none of them.
        """
        headers = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        asked, moved, permanent, left = url, "", True, self.limits.total
        clock = asyncio.get_running_loop().time
        try:
            for _hop in range(self.limits.redirects + 1):
                target = self._check(asked, inside=inside)
                inside = inside and self.guard.excepts(target)
                async with self._turn(target.host):
                    began = clock()
                    outcome = await self._hop(target, headers, left, inside=inside)
                    left -= clock() - began
                if not isinstance(outcome, _Redirect):
                    if isinstance(outcome, Gone):
                        return replace(outcome, url=url)
                    return replace(outcome, url=url, moved_to=moved, seconds=self.limits.total - left)
                following = _joined(target.url, outcome.location)
                if target.scheme == "https" and following.lower().startswith("http:"):
                    raise Stop("redirect", f"it leads from https to http: {following[:200]}")  # noqa: TRY301 - one exit
                permanent = permanent and outcome.permanent
                moved = self._check(following, inside=inside).url if permanent else moved
                asked = following
            raise Stop("redirect", f"more than {self.limits.redirects} redirects")  # noqa: TRY301 - one exit
        except Stop as stop:
            return Failed(url=url, reason=stop.reason, what=stop.what, status=stop.status, retry_after=stop.retry_after)

    async def post(self, url: str, form: Mapping[str, str], *, inside: bool = True) -> Fetched | Failed:
        """Send a form. Redirects are not followed: a form goes where the operator said, or nowhere.

        Args:
            url: http or https.
            form: names and values.
            inside: whether the operator's exceptions count for this URL (`Guard.check`).

        Returns:
            Fetched, without a body, where it was taken (2xx): what the answer says is not read.
        """
        body = urlencode(form).encode()
        headers = {"Accept": "*/*", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            target = self._check(url, inside=inside)
            async with self._turn(target.host):
                outcome = await self._hop(
                    target, headers, self.limits.total, inside=inside and self.guard.excepts(target), form=body
                )
        except Stop as stop:
            return Failed(url=url, reason=stop.reason, what=stop.what, status=stop.status, retry_after=stop.retry_after)
        if isinstance(outcome, Fetched):
            return outcome
        if isinstance(outcome, _Redirect):
            return Failed(url=url, reason="redirect", what=f"it leads elsewhere: {outcome.location[:200]}")
        return Failed(url=url, reason="status", what="the server does not take it any more (410)", status=410)

    # ---- one hop

    def _check(self, url: str, *, inside: bool) -> Target:
        target = self.guard.check(url, inside=inside)
        if isinstance(target, Refused):
            raise Stop("forbidden", target.what)
        return target

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[None]:
        """One request per host at a time, and a limited number in all. No hop holds more than one turn."""
        turn = self._turns.get(host)
        if turn is None:
            turn = self._turns[host] = asyncio.Lock()
        async with turn, self._slots:
            yield

    async def _hop(
        self, target: Target, headers: Mapping[str, str], seconds: float, *, inside: bool, form: bytes | None = None
    ) -> Fetched | NotModified | Gone | _Redirect:
        if self._session is None:
            raise RuntimeError("use the fetcher in `async with`")
        try:
            async with asyncio.timeout(seconds):
                self._pins[target.host] = await self._addresses(target, inside=inside)
                async with self._session.request(
                    "GET" if form is None else "POST",
                    URL(target.url, encoded=True),
                    headers=headers,
                    data=form,
                    allow_redirects=False,
                ) as response:
                    return await self._answer(
                        target,
                        response,
                        conditional="If-None-Match" in headers or "If-Modified-Since" in headers,
                        posted=form is not None,
                    )
        except aiohttp.ClientSSLError as error:
            raise Stop("tls", f"no trusted connection: {_brief(error)}") from error
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            raise Stop("time", str(error) or f"no whole answer within {self.limits.total:g} seconds") from error
        except aiohttp.ClientPayloadError as error:
            raise Stop("protocol", f"the answer broke off: {_brief(error)}") from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise Stop("connect", f"no connection: {_brief(error)}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Stop("protocol", f"not an answer in HTTP: {_brief(error)}") from error
        finally:
            self._pins.pop(target.host, None)

    async def _addresses(self, target: Target, *, inside: bool) -> tuple[str, ...]:
        """Every address of a host, all of them allowed."""
        if target.address is not None:
            found: Sequence[str] = [str(target.address)]
        else:
            try:
                async with asyncio.timeout(self.limits.connect):
                    found = await self._resolve(target.host, target.port)
            except TimeoutError:
                raise Stop("name", f"the name '{target.host}' was not resolved in time") from None
            except (OSError, UnicodeError) as error:
                raise Stop("name", f"the name '{target.host}' is not known: {_brief(error)}") from error
        if not found:
            raise Stop("name", f"the name '{target.host}' has no address")
        pins = []
        for text in found:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                raise Stop("name", f"the name '{target.host}' has an address that is none") from None
            if refused := self.guard.check_address(target, address, inside=inside):
                raise Stop("forbidden", refused.what)
            pins.append(str(address))  # in its one spelling, so that the last look need not read it again
        return tuple(pins)

    def _socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for aiohttp, to none but an address that was checked a moment ago: the last look before going out.

        Raises:
            OSError: it would lead anywhere else.
        """
        family, kind, protocol, _, sockaddr = info
        wanted = str(ipaddress.ip_address(str(sockaddr[0])))
        if not any(wanted in pins for pins in self._pins.values()):
            raise OSError(f"{wanted} was not checked")
        return socket.socket(family, kind, protocol)

    async def _answer(
        self, target: Target, response: aiohttp.ClientResponse, *, conditional: bool, posted: bool
    ) -> Fetched | NotModified | Gone | _Redirect:
        headers = response.headers
        if sum(len(name) + len(value) + 4 for name, value in response.raw_headers) > self.limits.header:
            raise Stop("size", f"more than {self.limits.header} bytes of header fields")
        status = response.status
        if status in {301, 302, 303, 307, 308}:
            location = headers.get("Location", "").strip()
            if not location:
                raise Stop("redirect", f"a redirect ({status}) that leads nowhere", status=status)
            return _Redirect(location=location, permanent=status in {301, 308})
        if status == 410:
            return Gone(url=target.url, final=target.url)
        common: dict[str, Any] = {
            "url": target.url,
            "final": target.url,
            "etag": field(headers.get("ETag", "")),
            "last_modified": field(headers.get("Last-Modified", "")),
            "max_age": max_age(headers.get("Cache-Control", "")),
            "headers": {name.lower(): field(value) for name, value in headers.items()},
        }
        if status == 304 and conditional:
            return NotModified(**common)
        if posted and 200 <= status < 300:
            return Fetched(**common, body=b"")
        if posted or status not in {200, 203}:
            raise Stop(
                "status",
                f"the server answers {status} {field(response.reason or '')}".strip(),
                status=status,
                retry_after=retry_after(headers.get("Retry-After", ""), self._clock()),
            )
        body = await self._body(response)
        return Fetched(
            **common,
            body=body,
            content_type=response.content_type.lower(),
            charset=(response.charset or "").strip("\"' ").lower(),
        )

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, decompressed step by step, never more than the limit of it in memory."""
        limit = self.limits.body
        if (response.content_length or 0) > limit:
            raise Stop("size", f"{response.content_length} bytes, at most {limit} are read")
        coding = ", ".join(response.headers.getall("Content-Encoding", [])).strip().lower()
        if coding not in _ENCODINGS:
            raise Stop("encoding", f"encoded as '{field(coding)[:40]}', which was not asked for")
        decoder = Inflate(_ENCODINGS[coding], limit) if _ENCODINGS[coding] else None
        raw, body = 0, bytearray()
        async for chunk in response.content.iter_chunked(STEP):
            raw += len(chunk)
            if raw > limit:
                raise Stop("size", f"more than {limit} bytes")
            body += decoder.feed(chunk) if decoder else chunk
            if len(body) > limit:
                raise Stop("size", f"more than {limit} bytes")
        if decoder is not None and raw:
            decoder.end()
        return bytes(body)


class _Pinned(AbstractResolver):
    """Gives aiohttp the addresses that were checked for the request under way, and no others."""

    def __init__(self, pins: Mapping[str, tuple[str, ...]]) -> None:
        self._pins = pins

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host whose turn it is.

        Raises:
            OSError: nobody checked this host.
        """
        del family  # both are wanted
        pins = self._pins.get(host)
        if not pins:
            raise OSError(f"'{host}' was not checked")
        return [
            ResolveResult(
                hostname=host,
                host=pin,
                port=port,
                family=socket.AF_INET6 if ":" in pin else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for pin in pins
        ]

    async def close(self) -> None:
        """Nothing is kept open."""


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:  # brackets without a mate
        return location


def _brief(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__
