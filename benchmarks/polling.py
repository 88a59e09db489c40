"""Polling many feeds over loopback, most of them unchanged: `digest` against lemon24/reader, on the same server.

    python -m benchmarks.pickup --polls 10000 [--json]

Each feed has a host of its own (127.x.y.z), since both ask a host for one thing at a time. The first round brings
everything; in each later one a feed in twenty has one new entry, and the others answer 304. The later rounds are what
is measured, each contender in a process of its own: seconds of the clock, seconds of CPU, and the most memory.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

ENTRIES, CHANGING, ROUNDS = 20, 20, 3  # entries of a feed; one feed in so many changes; rounds that are measured
SETTINGS = """
[publication]
title = "Benchmark"
url = "https://digest.example"
sender = "desk@digest.example"
postal_address = "1 Port Road, Oslo"

[fetch]
allow = ["127.0.0.0/8"]

[[digests]]
key = "weekly"
title = "Weekly"

[[digests.sections]]
key = "all"
elsewhere = true
"""


def address(number: int, port: int) -> str:
    """Where a feed is: each at a host of its own."""
    return f"http://127.{number // 62_500 + 1}.{number // 250 % 250 + 1}.{number % 250 + 1}:{port}/{number}.xml"


class _Server(asyncio.Protocol):
    """HTTP enough for feeds: an ETag that stands for the entries, 304 where it is known."""

    asked: ClassVar[dict[str, int]] = {}  # how often each was asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.head = b""

    def data_received(self, data: bytes) -> None:
        self.head += data
        while b"\r\n\r\n" in self.head:
            request, _, self.head = self.head.partition(b"\r\n\r\n")
            self.transport.write(self._answer(request.decode("latin-1")))

    def _answer(self, request: str) -> bytes:
        path = request.split(" ", 2)[1]
        number = int(path[1:].partition(".")[0])
        times = self.asked[path] = self.asked.get(path, 0) + 1
        more = times - 1 if number % CHANGING == 0 else 0
        etag = f'"{number}-{more}"'
        if etag in request:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
        body = "".join(
            f"<item><title>Story {n} of feed {number}</title><link>https://n.example/{number}/{n}</link>"
            f"<guid>https://n.example/{number}/{n}</guid><pubDate>Mon, {n % 28 + 1:02d} Jun 2026 10:00:00 +0000</pubDate>"
            f"<description>{'What happened in the port today, told in a few words. ' * 6}</description></item>"
            for n in range(more, more + ENTRIES)
        )
        raw = f'<rss version="2.0"><channel><title>Feed {number}</title>{body}</channel></rss>'.encode()
        head = f"HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(raw)}\r\n\r\n"
        return head.encode() + raw


async def serve() -> None:
    """Serve until the parent ends; the port is the first line of the output."""
    server = await asyncio.get_running_loop().create_server(_Server, "0.0.0.0", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def ours(feeds: int, port: int, folder: Path) -> Callable[[], object]:
    """A round of `digest`."""
    from digest.app import App, now
    from digest.model import Source, SourceKind

    (folder / "digest.toml").write_text(SETTINGS, encoding="utf-8")
    app = App.open(folder)
    with app.store.transaction():
        for number in range(feeds):
            source = Source(key=f"f-{number}", kind=SourceKind.FEED, location=address(number, port))
            app.store.sources.keep(source, now())

    def round_() -> None:
        polled = app.live.ask(everyone=True)
        assert polled.asked == feeds, polled.asked
        assert not polled.problems, polled.problems[:3]

    return round_


def readers(feeds: int, port: int, folder: Path) -> Callable[[], object]:
    """A round of lemon24/reader, with as many workers as serve it best."""
    from reader import make_reader  # type: ignore[import-not-found, unused-ignore]

    reader = make_reader(str(folder / "reader.sqlite"))
    for number in range(feeds):
        reader.add_feed(address(number, port))
    return lambda: reader.update_feeds(workers=10, scheduled=False)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one contender needs."""

    first: float  # seconds of the round that brings everything
    wall: float  # seconds of a later round, the median
    cpu: float  # seconds of CPU of such a round, children's included when they end: the parser's child counts
    memory: float  # MB at most, after the first round
    grown: float  # MB that later rounds added


def contend(name: str, feeds: int, port: int) -> Result:
    """Run one contender in this process."""
    with tempfile.TemporaryDirectory() as temporary:
        round_ = {"digest": ours, "reader": readers}[name](feeds, port, Path(temporary))
        began = time.perf_counter()
        round_()
        first, peak = time.perf_counter() - began, _memory()
        walls, cpus = [], []
        for _ in range(ROUNDS):
            began, used = time.perf_counter(), time.process_time()
            round_()
            walls.append(time.perf_counter() - began)
            cpus.append(time.process_time() - used)
        return Result(
            first=first,
            wall=statistics.median(walls),
            cpu=statistics.median(cpus),
            memory=_memory(),
            grown=_memory() - peak,
        )


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(feeds: int) -> dict[str, Result]:
    """Both contenders, one after the other, each with a server of its own."""
    found = {}
    for name in ("digest", "reader"):
        command = [sys.executable, "-m", "benchmarks.polling"]
        with subprocess.Popen([*command, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            said = subprocess.run([*command, name, str(feeds), port], check=True, capture_output=True, text=True)
            found[name] = Result(**json.loads(said.stdout.splitlines()[-1]))
            server.terminate()
    return found


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve())
    else:
        print(json.dumps(vars(contend(what, int(rest[0]), int(rest[1])))))


if __name__ == "__main__":
    main()
