"""Live sources over several machines: none is asked by two, no host by two at once, and all machines take part."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app import now
from digest.errors import Busy
from digest.model import Source, SourceKind
from digest.store import Store
from tests.faults.fleet import ROOT, Fleet, Sink, until
from tests.feed_server import FeedServer, Request, answer
from tests.live.conftest import item, rss
from tests.store.conftest import MakeUrl

HOSTS, FEEDS = 40, 10  # so many servers, and feeds on each: four parts

FREEZES = """
import sys, time
from digest.store import Store, database
database.__dict__["HELD_SECONDS"] = 2.0
with Store.open(sys.argv[1]) as store, store.hold("schedule"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def servers() -> Iterator[list[FeedServer]]:
    """Hosts of their own on the loopback, each of which takes a while over an answer."""

    def route(request: Request, _: socket.socket) -> bytes:
        time.sleep(0.05)
        number = int(request.path.rpartition("/")[2])
        return answer(rss(item(1, guid=f"{request.headers['host']}-{number}")), content_type="application/rss+xml")

    with contextlib.ExitStack() as opened:
        made = [opened.enter_context(FeedServer(host=f"127.0.7.{number + 1}")) for number in range(HOSTS)]
        for one in made:
            one.routes |= {f"/feed/{number}": route for number in range(FEEDS)}
        yield made


@pytest.mark.heavy
def test_polls_are_spread_over_machines_and_polite_over_all(
    tmp_path: Path, postgresql: MakeUrl, servers: list[FeedServer]
) -> None:
    allow = json.dumps([one.allow[0] for one in servers])
    with Sink() as sink:
        found = Fleet(tmp_path / "p", postgresql("polling"), sink, fetch_allow=allow, operations_pickup_every=5)
        found.prepare(1)
        with found.open() as app:
            for place, one in enumerate(servers):
                for number in range(FEEDS):
                    key = f"feed-{place}-{number}"
                    source = Source(key=key, kind=SourceKind.FEED, location=one.url(f"/feed/{number}"), publisher=key)
                    app.store.sources.keep(source, now())
            assert len(app.live.due()) == 4
        try:
            machines = [found.start("run"), found.start("worker"), found.start("worker")]
            with found.open() as app:
                until(lambda: not app.live.due())
                assert len(app.store.sources.states()) == HOSTS * FEEDS
            time.sleep(6)  # another tick: nothing is due, and nobody asks again
            asked = Counter((one.host, request.path) for one in servers for request in one.requests)
            feeds = {place: count for place, count in asked.items() if place[1].startswith("/feed/")}
            assert len(feeds) == HOSTS * FEEDS
            assert set(feeds.values()) == {1}
            assert max(one.most_at_once for one in servers) == 1
            took_part = [
                place
                for place in range(len(machines))
                if re.search(r"picked up .*new=[1-9]", (found.folder / f"machine-{place}.log").read_text())
            ]
            assert len(took_part) >= 2, found.logs()
        finally:
            found.stop()


def test_who_is_frozen_does_not_keep_what_all_others_wait_for(postgresql: MakeUrl) -> None:
    url = postgresql("held")
    frozen = subprocess.Popen([sys.executable, "-c", FREEZES, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert frozen.stdout is not None
        assert frozen.stdout.readline() == "held\n"
        with Store.open(url) as store:
            time.sleep(3)  # longer than its silence may last: it speaks
            with pytest.raises(Busy), store.hold("schedule"):
                pass
            frozen.send_signal(signal.SIGSTOP)

            def free() -> bool:
                with contextlib.suppress(Busy), store.hold("schedule"):
                    return True
                return False

            until(free, 60)
    finally:
        frozen.kill()
        frozen.communicate()
