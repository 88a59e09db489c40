"""How fast feeds are read: against feedparser, alone, through the jail, and all the way to articles.

    python -m benchmarks.pickup [--json] [--corpus FOLDER] [--polls FEEDS]

Feeds as they are found on the web are made from the sample articles: a newspaper's RSS, a WordPress blog with whole
texts, an Atom blog, RDF, a video channel, a podcast, a Chinese site in GB18030. With a folder (feedparser's own tests:
`pip download --no-binary :all: --no-deps feedparser`, then tests/wellformed), every document of it is held against
feedparser too: how many are read without it, and how many of those differently. With a number of feeds, that many are
polled over loopback, most of them unchanged, beside lemon24/reader (benchmarks/polling.py).
"""

from __future__ import annotations

import argparse
import html
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.jail import Jail
from digest.model import Source, SourceKind
from digest.pickup import read
from digest.pickup.decode import text_of
from digest.pickup.document import _XML_DECLARATION
from digest.pickup.inside import feeds, quick

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 7
SEEDS = Path(__file__).parent.parent / "seeds"


def paragraphs() -> list[str]:
    """Sentences to make articles of."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(SEEDS.rglob("*.txt")))
    words = text.split()
    return [" ".join(words[start : start + 60]) for start in range(0, len(words) - 60, 60)]


SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:atom="http://www.w3.org/2005/Atom"'
)
RDF = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
ENTRIES = 50


def samples() -> dict[str, bytes]:
    """A feed of each kind."""
    texts = paragraphs()

    def teaser(number: int) -> str:
        return html.escape(texts[number % len(texts)])

    def body(number: int, count: int) -> str:
        return "".join(f"<p>{teaser(number * 7 + n)} <a href='/x{n}'>more</a></p>" for n in range(count))

    def rss(rest: Callable[[int], str]) -> bytes:
        items = "".join(
            f"<item><title>{teaser(n)[:70].split('&')[0]}</title><link>https://n.example/{n}</link>"
            f"<guid>https://n.example/{n}</guid><pubDate>Mon, {n % 28 + 1:02d} Jun 2026 10:00:00 +0000</pubDate>"
            f"{rest(n)}</item>"
            for n in range(ENTRIES)
        )
        return f'<rss version="2.0" {SPACES}><channel><title>News</title>{items}</channel></rss>'.encode()

    def newspaper(n: int) -> str:
        markup = f"<p>{teaser(n)} <a href='https://n.example/{n}'>Continue reading...</a></p>"
        tags = "".join(f'<category domain="https://n.example/tags">Tag {n % 7 + k}</category>' for k in range(4))
        return (
            f"<description>{html.escape(markup)}</description>{tags}<dc:creator>A. Writer</dc:creator>"
            '<media:content width="460" url="https://n.example/i.jpg"><media:credit scheme="urn:ebu">P</media:credit>'
            "</media:content><dc:date>2026-06-01T10:00:00Z</dc:date>"
        )

    def blog(n: int) -> str:
        return (
            f"<dc:creator>A</dc:creator><description><![CDATA[{teaser(n)}]]></description>"
            f"<content:encoded><![CDATA[{body(n, 12)}]]></content:encoded>"
        )

    def video(n: int) -> str:
        return (
            f"<media:group><media:title>V</media:title><media:description>{teaser(n)}</media:description>"
            "<media:content url='https://n.example/v.mp4' type='video/mp4'/></media:group>"
        )

    def podcast(n: int) -> str:
        return (
            f"<itunes:author>A</itunes:author><itunes:duration>10:00</itunes:duration><description>{teaser(n)}"
            "</description><enclosure url='https://n.example/a.mp3' length='1' type='audio/mpeg'/>"
        )

    atom = "".join(
        f"<entry><id>tag:n.example,2026:{n}</id><title>Story {n}</title><link href='https://n.example/{n}'/>"
        f"<updated>2026-06-01T10:00:00Z</updated><author><name>A. Writer</name></author>"
        f"<content type='html'>{html.escape(body(n, 5))}</content></entry>"
        for n in range(ENTRIES)
    )
    rdf = "".join(
        f'<item rdf:about="https://n.example/{n}"><title>Story {n}</title><link>https://n.example/{n}</link>'
        f"<dc:date>2026-06-01</dc:date><description>{teaser(n)}</description></item>"
        for n in range(ENTRIES)
    )
    chinese = "".join(
        f"<item><title>深圳港五月份集装箱吞吐量创新高{n}</title><link>https://z.example/{n}</link>"
        f"<description>{'中国的经济发展是我们这个时代的大事，人民的生活在变化。' * 8}</description></item>"
        for n in range(ENTRIES)
    )
    head = '<?xml version="1.0" encoding="gb18030"?>'
    return {
        "newspaper, RSS with teasers": rss(newspaper),
        "blog, RSS with whole texts": rss(blog),
        "blog, Atom with whole texts": f'<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id>{atom}</feed>'.encode(),
        "RDF": f"<rdf:RDF {RDF}><channel><title>R</title></channel>{rdf}</rdf:RDF>".encode(),
        "videos, RSS with media": rss(video),
        "podcast": rss(podcast),
        "Chinese, GB18030": f'{head}<rss version="2.0"><channel>{chinese}</channel></rss>'.encode("gb18030"),
    }


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of CPU of this process, the least of the rounds of half a second: others' work does not count."""
    times: list[float] = []
    while len(times) < ROUNDS or sum(times) < 500:
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    return min(times)


def median(work: Callable[[], object]) -> float:
    """Milliseconds, the median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def utf8(data: bytes) -> bytes:
    """A document as the jail's child gets it."""
    return _XML_DECLARATION.sub("", text_of(data, "x")).encode()


def measure() -> tuple[list[tuple[str, float, float, float, float]], float]:
    """(kind, feedparser, ours: CPU; through the jail, to articles: wall) in ms; the mean ratio of the first two."""
    import feedparser

    source = Source(key="x", kind=SourceKind.FEED, location="https://n.example/feed")
    rows = []
    with Jail() as jail:
        for kind, data in samples().items():
            document = utf8(data)
            rival = cpu(lambda data=data: feedparser.parse(data))  # type: ignore[misc]  # bound at once
            alone = cpu(lambda document=document: quick.parse(document))  # type: ignore[misc]  # same
            assert quick.parse(document) is not None, kind
            jailed = median(lambda document=document: jail.run("digest.pickup.inside.feeds:parse", document))  # type: ignore[misc]  # same
            whole = median(
                lambda data=data: read(data, "https://n.example/feed", source, now=NOW, zone=UTC, jail=jail)  # type: ignore[misc]  # same
            )
            rows.append((kind, rival, alone, jailed, whole))
    return rows, statistics.mean(rival / alone for _, rival, alone, *_ in rows)


def compare(folder: Path) -> tuple[int, int, int]:
    """(documents, read without feedparser, of these differently) in a folder."""
    found = alone = different = 0
    for path in sorted(folder.rglob("*.xml")):
        try:
            document = utf8(path.read_bytes())
        except Exception:  # noqa: BLE001 - encodings that nobody can tell are not this benchmark's subject
            continue
        found += 1
        ours = quick.parse(document)
        if ours is None:
            continue
        alone += 1
        different += plain(ours) != plain(feeds.by_feedparser(document))
    return found, alone, different


def plain(feed: dict[str, Any]) -> object:
    """What becomes of a feed in the parent: markup as text."""
    from digest.clean import html_paragraphs, html_to_text

    def text(detail: dict[str, Any] | None) -> object:
        if not detail:
            return None
        return (html_paragraphs(detail["text"]) if detail["html"] else tuple(detail["text"].split())) or None

    return [
        (
            {k: v for k, v in entry.items() if k not in {"title", "title_is_html", "content", "summary"}},
            html_to_text(entry["title"]) if entry["title_is_html"] else entry["title"],
            text(entry["content"]),
            text(entry["summary"]),
        )
        for entry in feed["entries"]
    ]


def polled(feeds: int) -> list[dict[str, object]]:
    """Print and give the figures of polling."""
    from benchmarks import polling

    found = polling.measure(feeds)
    print(f"{f'{feeds} feeds, a round':<32}{'first s':>9}{'later s':>9}{'CPU s':>8}{'peak MB':>9}{'grown MB':>10}")
    for name, one in found.items():
        print(f"{name:<32}{one.first:>9.1f}{one.wall:>9.2f}{one.cpu:>8.2f}{one.memory:>9.0f}{one.grown:>10.1f}")
    ours, rival = found["digest"], found["reader"]
    ratio = rival.wall / ours.wall
    flat = ours.grown <= 0.1 * ours.memory
    return [
        {
            "name": f"{feeds} feeds polled, mostly 304, rounds/s vs reader",
            "value": round(ratio, 1),
            "rival": 1.0,
            "goal": 10.0,
            "met": ratio >= 10,
        },
        {
            "name": "memory that later rounds add, MB",
            "value": round(ours.grown, 1),
            "rival": round(rival.grown, 1),
            "goal": round(0.1 * ours.memory, 1),
            "met": flat,
        },
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--polls", type=int, default=0, metavar="FEEDS")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows, ratio = measure()
    print(f"{'50 entries, milliseconds':<32}{'feedparser':>12}{'ours':>8}{'in jail':>9}{'articles':>10}{'ratio':>8}")
    for kind, rival, alone, jailed, whole in rows:
        print(f"{kind:<32}{rival:>12.1f}{alone:>8.2f}{jailed:>9.2f}{whole:>10.1f}{rival / alone:>8.0f}")
    print(f"mean ratio {ratio:.0f} (goal: 20 or more)")
    figures = [
        {
            "name": "feed parse vs feedparser, mean ratio",
            "value": round(ratio, 1),
            "rival": 1.0,
            "goal": 20.0,
            "met": ratio >= 20,
        },
    ]
    if options.corpus:
        found, alone, different = compare(options.corpus)
        print(f"{options.corpus}: {found} documents, {alone} read without feedparser, {different} of them differently")
        figures.append(
            {"name": "corpus: results that differ", "value": different, "rival": 0, "goal": 0, "met": different == 0}
        )
    if options.polls:
        figures += polled(options.polls)
    if options.json:
        print(json.dumps({"family": "pickup", "figures": figures}))
    sys.exit(0 if all(figure["met"] for figure in figures) else 1)


if __name__ == "__main__":
    main()
