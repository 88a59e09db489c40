"""How fast feeds are written, published and answered with 304.

    python -m benchmarks.feeds [--json]

feedgen writes our Atom and RSS. We add to it what it does not know, and keep entries that it has built; so writing is
held against feedgen as its documentation shows it, which builds all anew each time and leaves out what we add: 1,000
entries in one document, and a hundred documents that share 400 stories. Publishing is timed on a publication with a year
of editions behind it: one more edition of forty stories, all feeds, archives and pages. Answers are counted by wrk (the
Debian package) against one process, beside the plainest answer that the same server can give.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from digest.publish import ATOM, RSS, Entry, Feed, Writer
from digest.publish.cleaned import cleaned_entry
from digest.web.documents import Files
from digest.web.feeds import Feeds
from digest.web.guard import headers_of
from digest.web.serving import listen
from tests.publish.test_catalogue import NOON
from tests.publish.world import tale, world

ROUNDS = 5
SECONDS = 6


def feed(entries: int) -> Feed:
    """A feed of as many entries, each with four paragraphs."""
    text = "We wrote a sentence that is about as long as a sentence of news is in the mean. "
    return Feed(
        id="tag:news.example,2026:feeds",
        folder="https://news.example/feeds",
        url="https://news.example/",
        title="Our Weekly",
        entries=tuple(
            Entry(
                id=f"tag:news.example,2026:stories/{number}",
                url=f"https://wire.example/{number}",
                title=f"Story {number} of many",
                published=NOON,
                updated=NOON,
                html=f"<p>{text * 4}{number}</p>" * 4,
                summary=text,
                author="Sample Wire",
                language="en",
            )
            for number in range(entries)
        ),
    )


def feedgen(made: Feed, name: str = ATOM) -> bytes:
    """The same by feedgen alone, as its documentation shows."""
    from feedgen.feed import FeedGenerator

    generator = FeedGenerator()
    generator.id(made.id)
    generator.title(made.title)
    generator.description(made.title)
    generator.link(href=made.url)
    for entry in made.entries:
        one = generator.add_entry(order="append")
        one.id(entry.id)
        one.title(entry.title)
        one.link(href=entry.url)
        one.published(entry.published)
        one.updated(entry.updated)
        one.summary(entry.summary)
        one.content(entry.html, type="html")
        one.author(name=entry.author)
    document: bytes = generator.atom_str() if name == ATOM else generator.rss_str()
    return document


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds of CPU, the best of some rounds: the machine may be shared."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1000)
    return min(found)


def written() -> tuple[float, float, float]:
    """1,000 entries: by feedgen alone, by us for the first time, and by us when one of them has changed."""
    made = feed(1000)
    made = replace(made, entries=tuple(map(cleaned_entry, made.entries)))  # as the journal keeps them
    other = replace(made, entries=(replace(made.entries[0], title="Another"), *made.entries[1:]))
    writer = Writer(cleaned=True)
    writer.atom(made)
    return (
        timed(lambda: feedgen(made)),
        timed(lambda: Writer(cleaned=True).atom(made)),
        timed(lambda: writer.atom(other)),
    )


def edition() -> tuple[float, float]:
    """Fifty feeds of fifty entries out of 400, in Atom and RSS: by feedgen alone, and by us; from nothing, as a run does."""
    stories = tuple(map(cleaned_entry, feed(400).entries))
    feeds = [
        replace(feed(0), folder=f"https://news.example/feeds/{number}", entries=stories[number * 7 :][:50])
        for number in range(50)
    ]

    def ours() -> None:
        writer = Writer(cleaned=True)
        for one in feeds:
            writer.atom(one)
            writer.rss(one)

    return timed(lambda: [feedgen(one, name) for one in feeds for name in (ATOM, RSS)]), timed(ours)


def published(folder: Path) -> tuple[float, int, int, float]:
    """Seconds to publish one more edition after a year of them, files, those that changed; and seconds when none did."""
    with world(folder, entries=50) as here:
        for week in range(1, 53):
            here.carry(f"2017-W{week:02d}", *(tale(f"w{week}n{number}", number % 7) for number in range(40)))
        here.app.press.publish()
        here.carry("2018-W29", *(tale(f"new{number}", number % 7) for number in range(40)))
        began = time.process_time()
        done = here.app.press.publish()
        took = time.process_time() - began
        began = time.process_time()
        again = here.app.press.publish()
        assert not again.changed
        return took, done.files, len(done.changed), time.process_time() - began


async def _plain(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


def _serve(root: str, kind: str, port: Any) -> None:
    files = Files(Path(root))
    headers = headers_of(https=True)
    feeds = Feeds(_plain, files=files, base="https://news.example", prefix="", hub="", headers=headers)
    ready: Callable[[str, int], None] = lambda _host, number: setattr(port, "value", number)  # noqa: E731
    asyncio.run(listen(feeds if kind == "feeds" else _plain, "127.0.0.1", 0, asyncio.Event(), ready))


def answered(root: Path) -> dict[str, float]:
    """Requests per CPU second of one process (the machine may be shared): the plainest answer, 304, a whole feed."""
    files = Files(root)
    document = files.find("feeds/atom.xml")
    assert document is not None
    found: dict[str, float] = {}
    for name, kind, headers in (
        ("plain", "plain", []),
        ("304", "feeds", [f"If-None-Match: {document.etag('br')}", "Accept-Encoding: br"]),
        ("200 br", "feeds", ["Accept-Encoding: br"]),
    ):
        port = multiprocessing.Value("i", 0)
        process = multiprocessing.Process(target=_serve, args=(str(root), kind, port))
        process.start()
        while not port.value:
            time.sleep(0.05)
        command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", *(part for one in headers for part in ("-H", one))]
        rates = []
        for _ in range(2):
            began = _used(process.pid or 0)
            out = subprocess.run(
                [*command, f"http://127.0.0.1:{port.value}/feeds/atom.xml"], capture_output=True, text=True, check=True
            )
            requests = int(re.findall(r"(\d+) requests in", out.stdout)[0])
            rates.append(requests / (_used(process.pid or 0) - began))
        found[name] = statistics.median(rates)
        process.terminate()
        process.join()
    return found


def _used(pid: int) -> float:
    """CPU seconds that a process has used (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rival, first, again = written()
    print(f"Atom, 1,000 entries: feedgen alone {rival:.0f} ms, ours {first:.0f} ms, one changed {again:.1f} ms")
    alone, hundred = edition()
    print(f"100 documents of an edition: feedgen alone {alone:.0f} ms, ours {hundred:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        took, files, changed, nothing = published(Path(folder) / "p")
        print(f"an edition more after 52: {files} files, {changed} written, {took:.2f} s; nothing new: {nothing:.2f} s")
        rates = answered(Path(folder) / "p" / "var") if shutil.which("wrk") else {}
    figures = [
        # Not a goal, and told all the same: what we add has its price where no entry was built before.
        {"name": "writing Atom, 1,000 entries, ms", "value": round(first, 1), "rival": round(rival, 1), "goal": None, "met": None},
        {"name": "the same, one entry changed, ms", "value": round(again, 1), "rival": round(rival, 1), "goal": round(rival, 1), "met": again < rival},
        {"name": "100 documents of an edition, ms", "value": round(hundred), "rival": round(alone), "goal": 2000, "met": hundred <= 2000},
        {"name": "feeds of an edition after a year, s", "value": round(took, 2), "rival": None, "goal": 2.0, "met": took <= 2},
    ]  # fmt: skip
    if rates:
        print("  ".join(f"{name}: {rate:,.0f}/s" for name, rate in rates.items()))
        share = rates["304"] / rates["plain"]
        figures += [
            {"name": "304, requests per CPU second of a process", "value": round(rates["304"]), "rival": round(rates["plain"]), "goal": 2000, "met": rates["304"] >= 2000},
            {"name": "304, share of uvicorn's plain answer", "value": round(share, 2), "rival": 1.0, "goal": 0.5, "met": share >= 0.5},
        ]  # fmt: skip
    if options.json:
        print(json.dumps({"family": "feeds", "figures": figures}))
    sys.exit(1 if any(figure["met"] is False for figure in figures) else 0)


if __name__ == "__main__":
    main()
