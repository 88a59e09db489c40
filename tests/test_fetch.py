"""The only way out, against a real server on loopback that says whatever bytes it likes."""

from __future__ import annotations

import ast
import asyncio
import gzip
import re
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from digest.addresses import Guard
from digest.fetch import (
    Failed,
    Fetched,
    Fetcher,
    Gone,
    Limits,
    NotModified,
    Resolve,
    Result,
    retry_after,
    system_resolve,
    user_agent,
)
from tests.feed_server import FeedServer, Request, answer
from tests.forbidden import FORBIDDEN_ADDRESSES, FORBIDDEN_URLS

NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)
QUICK = Limits(total=1.0, connect=0.5, read=0.4)
Fetch = Callable[..., Awaitable[Result]]


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer({"/feed": answer(b"<rss/>", content_type="application/rss+xml; charset=GB18030")}) as running:
        yield running


def names(**addresses: str | Sequence[str]) -> Resolve:
    """A resolver that knows these names; underscores stand for dots."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        found = addresses.get(host.replace(".", "_"))
        if found is None:
            raise OSError("no such name")
        return [found] if isinstance(found, str) else found

    return resolve


async def fetch(
    url: str,
    *allow: str,
    limits: Limits = QUICK,
    resolve: Resolve = system_resolve,
    certificates: str = "",
    **keywords: Any,
) -> Result:
    guard = Guard(allow)
    async with Fetcher(
        guard, agent="Digest/test", clock=lambda: NOW, limits=limits, resolve=resolve, certificates=certificates
    ) as fetcher:
        return await fetcher.fetch(url, **keywords)


# ---- what is never asked


def reason(result: Result) -> str:
    return result.reason if isinstance(result, Failed) else type(result).__name__


async def test_forbidden_forms_are_not_asked() -> None:
    async with Fetcher(Guard(), agent="x", clock=lambda: NOW, limits=QUICK) as fetcher:
        reasons = {url: reason(await fetcher.fetch(url)) for url in FORBIDDEN_URLS}
    assert {url for url, why in reasons.items() if why != "forbidden"} == set()


async def test_no_redirect_leads_to_a_forbidden_form(server: FeedServer) -> None:
    """A few of the forms are relative paths in a Location, and lead back to the server that said them: to no other."""
    reasons = {}
    async with Fetcher(Guard(server.allow), agent="x", clock=lambda: NOW, limits=QUICK) as fetcher:
        for url in FORBIDDEN_URLS:
            location = url.replace("\r", "%0d").replace("\n", "%0a").replace("\0", "").encode("utf-8", "replace")
            head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
            server.routes["/go"] = head
            reasons[url] = reason(await fetcher.fetch(server.url("/go")))
    assert "Fetched" not in reasons.values()
    assert sum(why == "forbidden" for why in reasons.values()) >= len(FORBIDDEN_URLS) - 20
    assert {request.headers["host"] for request in server.requests} == {f"127.0.0.1:{server.port}"}


async def test_no_name_leads_to_a_forbidden_address() -> None:
    answers: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers

    async with Fetcher(Guard(), agent="x", clock=lambda: NOW, limits=QUICK, resolve=resolve) as fetcher:
        for address in FORBIDDEN_ADDRESSES:
            for answers in ([address], ["1.1.1.1", address], [address, "2606:4700:4700::1111"]):
                assert reason(await fetcher.fetch("http://feeds.example/")) == "forbidden", answers


async def test_a_name_that_answers_differently_the_second_time_is_reached_where_it_was_checked(
    server: FeedServer,
) -> None:
    """The connection goes to the address that was checked: whatever the name says later is not asked."""
    asked = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    result = await fetch(server.url("/feed", host="feeds.example"), f"feeds.example:{server.port}", resolve=rebinding)
    assert isinstance(result, Fetched)
    assert asked == ["feeds.example"]
    assert server.requests[0].headers["host"] == f"feeds.example:{server.port}"


async def test_a_name_that_turns_inside_between_two_hops_is_refused(server: FeedServer) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    server.routes["/go"] = answer(status="302 Found", location=f"http://other.example:{server.port}/feed")
    result = await fetch(
        server.url("/go", host="feeds.example"),
        f"feeds.example:{server.port}",
        f"127.0.0.1:{server.port}",
        resolve=rebinding,
    )
    assert isinstance(result, Failed)
    assert result.reason == "forbidden"


async def test_the_last_look_before_a_socket_is_made() -> None:
    fetcher = Fetcher(Guard(), agent="x", clock=lambda: NOW)
    with pytest.raises(OSError, match="not checked"):
        fetcher._socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    with pytest.raises(RuntimeError, match="async with"):
        await fetcher.fetch("http://1.1.1.1/")


async def test_aiohttp_itself_can_reach_nothing_that_was_not_checked(server: FeedServer) -> None:
    async with Fetcher(Guard(server.allow), agent="x", clock=lambda: NOW) as fetcher:
        session = fetcher._session
        assert session is not None
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(server.url("/feed", host=host))
    assert server.requests == []


async def test_a_public_page_never_leads_to_a_host_that_the_operator_allowed(server: FeedServer) -> None:
    result = await fetch(server.url("/feed"), *server.allow, inside=False)
    assert isinstance(result, Failed)
    assert result.reason == "forbidden"


async def test_an_unknown_name_a_silent_one_and_one_without_addresses() -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    for resolve in (names(), silent, names(a_example=[]), names(a_example="not an address")):
        result = await fetch("http://a.example/", resolve=resolve, limits=Limits(connect=0.05))
        assert isinstance(result, Failed)
        assert result.reason == "name"


async def test_the_systems_resolver_gives_every_address_once() -> None:
    found = await system_resolve("localhost", 80)
    assert set(found) <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found))


async def test_neither_the_environment_nor_a_cookie_changes_a_request(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    server.routes["/set"] = answer(status="302 Found", location="/feed", set_cookie="id=1; Path=/")
    result = await fetch(server.url("/set"), *server.allow)
    assert isinstance(result, Fetched)
    assert "cookie" not in server.requests[-1].headers
    assert "authorization" not in server.requests[-1].headers
    assert server.requests[-1].headers["user-agent"] == "Digest/test"


# ---- what an answer says


async def test_an_answer(server: FeedServer) -> None:
    server.routes["/feed"] = answer(
        b"<rss/>",
        content_type='text/XML; charset="UTF-8"',
        etag='W/"a1"',
        last_modified="Tue, 01 Jun 2021 10:00:00 GMT",
        cache_control="public, max-age=900",
    )
    result = await fetch(server.url("/feed"), *server.allow)
    assert isinstance(result, Fetched)
    assert result.body == b"<rss/>"
    assert (result.content_type, result.charset) == ("text/xml", "utf-8")
    assert (result.etag, result.last_modified) == ('W/"a1"', "Tue, 01 Jun 2021 10:00:00 GMT")
    assert result.max_age == timedelta(minutes=15)
    assert result.moved_to == ""
    assert 0 < result.seconds < 1
    assert result.headers is not None
    assert result.headers["cache-control"] == "public, max-age=900"


async def test_a_conditional_request(server: FeedServer) -> None:
    def route(request: Request, _: socket.socket) -> bytes:
        same = request.headers.get("if-none-match") == '"a1"' or "if-modified-since" in request.headers
        return answer(status="304 Not Modified", cache_control="no-cache, max-age=9") if same else answer("new")

    server.routes["/feed"] = route
    same = await fetch(server.url("/feed"), *server.allow, etag='"a1"')
    assert isinstance(same, NotModified)
    assert same.max_age is None
    assert isinstance(await fetch(server.url("/feed"), *server.allow, last_modified="x"), NotModified)
    assert isinstance(await fetch(server.url("/feed"), *server.allow, etag='"a2"'), Fetched)


async def test_not_modified_that_nobody_asked_for_is_no_answer(server: FeedServer) -> None:
    server.routes["/feed"] = answer(status="304 Not Modified")
    result = await fetch(server.url("/feed"), *server.allow)
    assert isinstance(result, Failed)
    assert (result.reason, result.status) == ("status", 304)


async def test_gone_and_busy(server: FeedServer) -> None:
    server.routes["/gone"] = answer(status="410 Gone")
    server.routes["/slow"] = answer(status="429 Too Many Requests", retry_after="120")
    server.routes["/down"] = answer(status="503 Down", retry_after="Tue, 01 Jun 2021 13:00:00 GMT")
    gone = await fetch(server.url("/gone"), *server.allow)
    assert gone == Gone(url=server.url("/gone"), final=server.url("/gone"))
    slow = await fetch(server.url("/slow"), *server.allow)
    assert isinstance(slow, Failed)
    assert (slow.status, slow.retry_after) == (429, timedelta(seconds=120))
    down = await fetch(server.url("/down"), *server.allow)
    assert isinstance(down, Failed)
    assert (down.status, down.retry_after) == (503, timedelta(hours=1))
    missing = await fetch(server.url("/nowhere"), *server.allow)
    assert isinstance(missing, Failed)
    assert missing.what == "the server answers 404 Not Found"
    assert missing.retry_after is None


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("0", timedelta()),
        ("3600", timedelta(hours=1)),
        ("Tue, 01 Jun 2021 12:00:30 GMT", timedelta(seconds=30)),
        ("Tue, 01 Jun 2021 12:00:30 -0000", timedelta(seconds=30)),
        ("Mon, 31 May 2021 12:00:00 GMT", timedelta()),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("99999999999999", None),
        ("Tue, 99 Jun 2021 12:00:30 GMT", None),
    ],
)
def test_retry_after(value: str, length: timedelta | None) -> None:
    assert retry_after(value, NOW) == length


def test_who_asks() -> None:
    assert (
        user_agent("Weekly (中) \r\nX: y", "https://a.example", "0.1") == "Digest/0.1 (Weekly X: y; +https://a.example)"
    )
    assert user_agent("", "", "1") == "Digest/1"


# ---- redirects


async def test_a_permanent_move_is_told_as_far_as_it_is_permanent(server: FeedServer) -> None:
    server.routes |= {
        "/old": answer(status="301 Moved", location="/older"),
        "/older": answer(status="308 Moved", location="/feed"),
        "/today": answer(status="302 Found", location="/feed"),
        "/half": answer(status="301 Moved", location="/today"),
        "/late": answer(status="307 Found", location="/old"),
        "/dead": answer(status="301 Moved", location="/nowhere"),
    }
    moved = {}
    for path in ("/old", "/today", "/half", "/late"):
        result = await fetch(server.url(path), *server.allow)
        assert isinstance(result, Fetched)
        assert (result.url, result.final) == (server.url(path), server.url("/feed"))
        moved[path] = result.moved_to
    assert moved == {"/old": server.url("/feed"), "/today": "", "/half": server.url("/today"), "/late": ""}
    assert isinstance(await fetch(server.url("/dead"), *server.allow), Failed)


async def test_redirects_end(server: FeedServer) -> None:
    server.routes["/loop"] = answer(status="302 Found", location="/loop")
    result = await fetch(server.url("/loop"), *server.allow)
    assert isinstance(result, Failed)
    assert result.reason == "redirect"
    assert len(server.requests) == 6
    server.routes["/void"] = answer(status="302 Found")
    result = await fetch(server.url("/void"), *server.allow)
    assert isinstance(result, Failed)
    assert result.what == "a redirect (302) that leads nowhere"


async def test_a_gone_target_is_told_by_the_address_that_was_asked(server: FeedServer) -> None:
    server.routes |= {"/a": answer(status="301 Moved", location="/b"), "/b": answer(status="410 Gone")}
    assert await fetch(server.url("/a"), *server.allow) == Gone(url=server.url("/a"), final=server.url("/b"))


# ---- limits


async def test_bodies_up_to_the_limit(server: FeedServer) -> None:
    limits = Limits(body=100_000)
    server.routes |= {
        "/fits": answer(b"a" * 100_000),
        "/long": answer(b"a" * 100_001),
        "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"8000\r\n%s\r\n" % (b"a" * 0x8000) * 4
        + b"0\r\n\r\n",
        "/zipped": answer(gzip.compress(b"a" * 100_000), content_encoding="gzip"),
        "/bomb": answer(gzip.compress(b"a" * 50_000_000), content_encoding="gzip"),
        "/many": answer(gzip.compress(b"a" * 60_000) * 2, content_encoding="x-gzip"),
        "/empty-blocks": answer(b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"\0\0\0\xff\xff" * 30_000, content_encoding="gzip"),
    }
    got = {path: await fetch(server.url(path), *server.allow, limits=limits) for path in server.routes}
    fits = {path for path, result in got.items() if isinstance(result, Fetched)}
    assert fits == {"/feed", "/fits", "/zipped"}
    assert {result.reason for result in got.values() if isinstance(result, Failed)} == {"size"}


async def test_a_bomb_costs_no_memory(server: FeedServer) -> None:
    """200 MB of zeros in 200 KB: the answer is dropped at the limit, step by step."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    server.routes["/bomb"] = answer(bomb, content_encoding="gzip")
    import tracemalloc  # noqa: PLC0415 - only here

    tracemalloc.start()
    try:
        result = await fetch(server.url("/bomb"), *server.allow, limits=Limits(total=10))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(result, Failed)
    assert result.reason == "size"
    assert peak < 40_000_000


async def test_encodings(server: FeedServer) -> None:
    text = b"<rss>" + b"x" * 200_000 + b"</rss>"
    bare = zlib.compressobj(9, zlib.DEFLATED, -15)
    server.routes = {
        "/gzip": answer(gzip.compress(text), content_encoding="GZIP"),
        "/deflate": answer(zlib.compress(text), content_encoding="deflate"),
        "/bare": answer(bare.compress(text) + bare.flush(), content_encoding="deflate"),
        "/identity": answer(text, content_encoding="identity"),
        "/members": answer(gzip.compress(text[:100]) + gzip.compress(text[100:]) + b"\0\0", content_encoding="gzip"),
        "/trailing": answer(zlib.compress(text) + b"junk", content_encoding="deflate"),
    }
    for path in server.routes:
        result = await fetch(server.url(path), *server.allow)
        assert isinstance(result, Fetched), path
        assert result.body == text
    server.routes = {
        "/br": answer(b"x", content_encoding="br"),
        "/twice": answer(gzip.compress(gzip.compress(text)), content_encoding="gzip, gzip"),
        "/cut": answer(gzip.compress(text)[:-20], content_encoding="gzip"),
        "/lie": answer(text, content_encoding="gzip"),
        "/lie-deflate": answer(b"\xff" * 50, content_encoding="deflate"),
        "/garbage-after": answer(gzip.compress(text) + b"junk", content_encoding="gzip"),
    }
    for path in server.routes:
        result = await fetch(server.url(path), *server.allow)
        assert isinstance(result, Failed), path
        assert result.reason == "encoding", path
    server.routes["/nothing"] = answer(b"", content_encoding="gzip")
    nothing = await fetch(server.url("/nothing"), *server.allow)
    assert isinstance(nothing, Fetched)
    assert nothing.body == b""


def drip(data: bytes, pause: float) -> Callable[[Request, socket.socket], None]:
    def route(_: Request, sock: socket.socket) -> None:
        import time  # noqa: PLC0415 - only here

        for start in range(len(data)):
            sock.sendall(data[start : start + 1])
            time.sleep(pause)

    return route


@pytest.mark.parametrize(
    "route",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"a" * 500, 0.02),  # one byte at a time, for ever
        drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, 0.02),
        drip(b"HTTP/1.1 200 OK\r\n", 2.0),  # nothing after the first byte
    ],
    ids=["slow body", "slow header", "silent"],
)
async def test_slow_servers_are_left(route: Any, server: FeedServer) -> None:
    server.routes["/slow"] = route
    loop = asyncio.get_running_loop()
    began = loop.time()
    result = await fetch(server.url("/slow"), *server.allow)
    assert isinstance(result, Failed)
    assert result.reason == "time"
    assert loop.time() - began < 1.6


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", {"protocol", "connect"}),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 8000 + b"\r\n", {"protocol", "connect", "time"}),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(300)) + b"\r\n", {"protocol"}),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: %s\r\n" % (n, b"y" * 8000) for n in range(20)) + b"\r\n", {"size"}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", {"protocol"}),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n", {"protocol"}),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            {"protocol"},
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort", {"protocol", "time"}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", {"protocol"}),
        (b"HTTP/9.9 xyz\r\n\r\n", {"protocol"}),
        (b"SSH-2.0-OpenSSH_9.2\r\n", {"protocol", "connect", "time"}),
        (b"\x00\xff\xfe" * 100, {"protocol", "connect"}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: \xff\xfe; charset=\r\n\r\nabc", {""}),
    ],
)
async def test_nonsense_is_a_value(said: bytes, reasons: set[str], server: FeedServer) -> None:
    def route(_: Request, sock: socket.socket) -> None:
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)

    server.routes["/x"] = route
    result = await fetch(server.url("/x"), *server.allow)
    assert getattr(result, "reason", "") in reasons


async def test_a_closed_port_and_a_server_that_hangs_up(server: FeedServer) -> None:
    server.routes["/bye"] = lambda _request, _sock: None
    result = await fetch(server.url("/bye"), *server.allow)
    assert isinstance(result, Failed)
    assert result.reason == "connect"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        result = await fetch(f"http://127.0.0.1:{port}/", "127.0.0.1")
    assert isinstance(result, Failed)
    assert result.reason == "connect"


async def test_one_request_per_host_at_a_time_and_connections_are_reused(server: FeedServer) -> None:
    for number in range(12):
        server.routes[f"/{number}"] = answer(str(number))
    resolve = names(a_example="127.0.0.1", b_example="127.0.0.1")
    allow = (*server.allow, f"a.example:{server.port}", f"b.example:{server.port}")
    async with Fetcher(Guard(allow), agent="x", clock=lambda: NOW, resolve=resolve) as fetcher:
        results = await asyncio.gather(*(fetcher.fetch(server.url(f"/{number}")) for number in range(12)))
        assert all(isinstance(result, Fetched) for result in results)
        assert server.most_at_once == 1
        assert server.connections == 1
        hosts = ["a.example", "b.example", "127.0.0.1"]
        await asyncio.gather(*(fetcher.fetch(server.url(f"/{n}", host=hosts[n % 3])) for n in range(12)))
        assert len(fetcher._turns) == 0
        assert fetcher._pins == {}


async def test_the_wait_for_a_turn_is_not_counted(server: FeedServer) -> None:
    def slow(_: Request, __: socket.socket) -> bytes:
        import time  # noqa: PLC0415 - only here

        time.sleep(0.3)
        return answer("ok")

    server.routes["/slow"] = slow
    limits = Limits(total=0.8, at_once=1)
    async with Fetcher(Guard(server.allow), agent="x", clock=lambda: NOW, limits=limits) as fetcher:
        results = await asyncio.gather(*(fetcher.fetch(server.url("/slow")) for _ in range(4)))
    assert all(isinstance(result, Fetched) for result in results)


# ---- TLS


async def test_certificates_are_checked_by_the_name_although_the_address_is_pinned() -> None:
    tls = Path(__file__).parent / "deliver" / "tls"
    trusted = str(tls / "cert.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, tls / "key.pem")
    resolve = names(localhost="127.0.0.1", other_example="127.0.0.1")
    routes = {"/feed": answer("safe"), "/down": answer(status="302 Found", location="http://localhost/")}
    with FeedServer(dict(routes), context=context) as server:
        allow = (f"localhost:{server.port}", f"other.example:{server.port}")

        async def ask(path: str, host: str, certificates: str) -> Result:
            return await fetch(server.url(path, host=host), *allow, resolve=resolve, certificates=certificates)

        assert isinstance(await ask("/feed", "localhost", trusted), Fetched)
        assert reason(await ask("/feed", "localhost", "")) == "tls"
        assert reason(await ask("/feed", "other.example", trusted)) == "tls"
        down = await ask("/down", "localhost", trusted)
        assert isinstance(down, Failed)
        assert down.reason == "redirect"
        assert "https to http" in down.what


# ---- the only way out

HOMES = {
    # module -> who may import it: fetch (HTTP), deliver (SMTP, IMAP), the web server's own socket
    "socket": ("digest/fetch/", "digest/deliver/", "digest/web/"),
    "ssl": ("digest/fetch/", "digest/deliver/", "digest/web/"),
    "aiohttp": ("digest/fetch/",),
    "yarl": ("digest/fetch/",),
    "smtplib": ("digest/deliver/",),
    "imaplib": ("digest/deliver/",),
    "poplib": ("digest/deliver/",),
    "aiosmtplib": ("digest/deliver/",),
}
NOBODY = {
    "http.client", "urllib.request", "urllib3", "requests", "httpx", "httpx2", "httpcore", "niquests", "pycurl", "ftplib",
    "telnetlib", "xmlrpc", "socketserver", "asyncore", "websockets", "anyio", "trio", "curl_cffi", "webbrowser.get",
}  # fmt: skip
OPENERS = {"open_connection", "create_connection", "urlopen", "urlretrieve", "open_unix_connection", "getaddrinfo",
           "gethostbyname", "sock_connect", "create_datagram_endpoint"}  # fmt: skip


def test_no_other_module_opens_a_connection() -> None:
    root = Path(__file__).parent.parent
    found = []
    for path in sorted((root / "digest").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            modules: list[str] = []
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                if any(module == bad or module.startswith(f"{bad}.") for bad in NOBODY):
                    found.append(f"{where} imports {module}")
                homes = HOMES.get(module.partition(".")[0])
                if homes is not None and not name.startswith(homes):
                    found.append(f"{where} imports {module}")
            if isinstance(node, ast.Attribute) and node.attr in OPENERS:
                allowed = name.startswith(("digest/fetch/", "digest/deliver/"))
                if not allowed:
                    found.append(f"{where} calls {node.attr}")
    assert found == []


def test_libraries_that_could_fetch_are_told_not_to() -> None:
    """feedparser opens strings as addresses, premailer loads styles: both must only ever get bytes and no network."""
    root = Path(__file__).parent.parent / "digest"
    feeds = (root / "pickup" / "inside" / "feeds.py").read_text()
    assert re.search(r"feedparser\.parse\(\s*io\.BytesIO\(", feeds)
    assert not re.search(r"fetch_url|trafilatura\.downloads", (root / "pickup" / "inside" / "html.py").read_text())
