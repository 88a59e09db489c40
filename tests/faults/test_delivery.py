"""Delivery when things break, on the store's own ledger: nobody left out, nobody twice but for copies in flight."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa

from digest.deliver.campaign import run
from digest.deliver.policy import Policy
from digest.deliver.report import Report
from digest.deliver.smtp import SMTPTransport, Timeouts
from digest.deliver.transport import Envelope
from digest.errors import Busy, StoreError
from digest.model import Claim, Delivery, DeliveryState
from digest.store import Store, Wanted
from tests.deliver.server import Kept, Rogue
from tests.store.samples import CONSENT, NOW, make_article, make_edition, message_id

ID = "weekly-2018-W29"
Uncertain = Literal["resend", "hold"]

# What a server may do to a copy, by the name of its recipient (tests/deliver/server.py), and what becomes of it.
SETTLED = {
    "ok": DeliveryState.ACCEPTED,
    "refuse": DeliveryState.REFUSED,  # 550 5.1.1
    "policy": DeliveryState.REFUSED,  # 550 5.7.1
    "spam": DeliveryState.REFUSED,  # 554 after the dot
    "nodata": DeliveryState.REFUSED,  # 554 at DATA
    "later": DeliveryState.ACCEPTED,  # 450, then accepted
    "cut": DeliveryState.ACCEPTED,  # connection gone at RCPT, then accepted
    "cut-data": None,  # connection gone after 354
    "cut-dot": None,  # kept, and the connection gone after the final dot
    "garbage": DeliveryState.ACCEPTED,  # no SMTP reply at RCPT
    "garbage-dot": None,  # kept, and no SMTP reply
    "odd": DeliveryState.ACCEPTED,  # 354 at RCPT
    "stall": DeliveryState.DEFERRED,  # no reply at RCPT, ever
    "close": DeliveryState.DEFERRED,  # 421, always
    "busy": DeliveryState.DEFERRED,  # 451 after the dot, always
}


@dataclass
class Scene:
    """A publication whose campaign has begun."""

    store: Store
    file: Path

    async def send(
        self,
        server: Rogue,
        *,
        uncertain: Uncertain = "resend",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sessions: int = 3,
        linger: float = 0.3,
    ) -> Report:
        policy = Policy(
            delays=(timedelta(milliseconds=50), timedelta(hours=1)),
            pause=timedelta(milliseconds=10),
            linger=timedelta(seconds=linger),
            uncertain=uncertain,
            fault_count=100,
        )
        transport = SMTPTransport(
            "127.0.0.1", server.port, sessions=sessions, timeouts=Timeouts(command=1, final=1.5, quit=0.3)
        )
        return await run(self.store.campaigns.ledger(ID), transport, make, clock=clock, policy=policy, revision=1)

    def rows(self) -> dict[str, Delivery]:
        return {one.address.partition("@")[0]: one for one in self.store.campaigns.deliveries(ID, limit=10**6)}


def make(claim: Claim) -> Envelope:
    head = f"From: w@example.org\r\nTo: {claim.address}\r\nMessage-ID: {claim.message_id}\r\n\r\n".encode()
    body = b"The harbour opened on Monday.\r\n" * 40
    return Envelope(sender="w@example.org", recipient=claim.address, content=head + body, canonical=True)


def begin(store: Store, names: list[str]) -> None:
    store.migrate(site="site-1", now=NOW)
    store.subscribers.put(
        [Wanted(address=f"{one}@example.org", digest="weekly", consent=CONSENT) for one in names], NOW
    )
    edition = make_edition(articles=[make_article()])
    revision = store.editions.prepare(edition, {"body.html": b"<p>"}, NOW).revision
    store.editions.approve(edition.id, revision.hash, "operator", NOW)
    store.campaigns.start(edition.id, message_id, NOW)


@pytest.fixture
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    names: list[str] = getattr(request, "param", [f"ok-{n}" for n in range(60)])
    file = tmp_path / "digest.sqlite3"
    with Store.open(f"sqlite:///{file}") as store:
        begin(store, names)
        yield Scene(store, file)


EVERY_END = [*(f"{kind}-{n}" for n in range(2) for kind in SETTLED if kind != "stall"), "stall-0"]
EVERY_END += [f"ok-{n}" for n in range(2, 20)]


@pytest.mark.parametrize("scene", [EVERY_END], indirect=True)
@pytest.mark.parametrize(
    ("uncertain", "pipelining", "chunking"),
    [
        ("resend", True, True),
        pytest.param("hold", False, False, marks=pytest.mark.heavy),
        pytest.param("resend", True, False, marks=pytest.mark.heavy),
        pytest.param("hold", True, False, marks=pytest.mark.heavy),
    ],
)
async def test_whatever_the_server_does(scene: Scene, uncertain: Uncertain, pipelining: bool, chunking: bool) -> None:
    async with Rogue(pipelining=pipelining, chunking=chunking) as server:
        await scene.send(server, uncertain=uncertain, linger=2)
    counts = Counter(kept.recipient.partition("@")[0] for kept in server.kept)
    rows = scene.rows()
    assert len(rows) == len(EVERY_END)  # nobody is left out
    for name, row in rows.items():
        kind = name.rpartition("-")[0]
        expected = SETTLED[kind]
        if kind in ("cut-dot", "garbage-dot", "cut-data"):
            expected = DeliveryState.ACCEPTED if uncertain == "resend" else DeliveryState.UNCERTAIN
            if kind == "cut-data" and row.state is DeliveryState.ACCEPTED:
                expected = DeliveryState.ACCEPTED  # it was seen in time that the connection was gone
        assert row.state is expected, (name, row)
        assert row.reply, name
        if row.state is DeliveryState.ACCEPTED:
            assert counts[name] >= 1, name
    doubled = {name for name, count in counts.items() if count > 1}
    assert doubled <= (
        {name for name in rows if name.startswith(("cut-dot", "garbage-dot"))} if uncertain == "resend" else set()
    )
    assert max(counts.values()) <= 2


@pytest.mark.parametrize("uncertain", ["resend", "hold"])
async def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(scene: Scene, uncertain: Uncertain) -> None:
    database = scene.store._database

    with database.reading() as connection:
        room = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 1

    def limit(raw: sqlite3.Connection, *_: object) -> None:
        raw.execute(f"PRAGMA max_page_count = {room}")

    sa.event.listen(database._engine, "checkout", limit)
    async with Rogue(pipelining=True) as server:
        server.accepted = b"250 2.0.0 kept as " + b"x" * 400  # what is recorded needs pages
        with pytest.raises(StoreError, match="disk is full"):
            await scene.send(server, uncertain=uncertain)
        in_flight = len(server.kept)
        assert 0 < in_flight < 60
        room = 10**6
        report = await scene.send(server, uncertain=uncertain)
    counts = Counter(kept.recipient for kept in server.kept)
    held = {row.address for row in scene.rows().values() if row.state is DeliveryState.UNCERTAIN}
    assert report.complete
    assert set(counts) | held == {f"ok-{n}@example.org" for n in range(60)}
    assert sum(counts.values()) - len(counts) <= (3 if uncertain == "resend" else 0)  # one per session


async def test_a_clock_that_jumps_doubles_and_loses_nothing(scene: Scene) -> None:
    jumps = iter(
        [timedelta(0), timedelta(days=-400), timedelta(days=3), timedelta(days=5000), timedelta(hours=-7)] * 10**4
    )

    async with Rogue(pipelining=True) as server:
        await scene.send(server, clock=lambda: datetime.now(UTC) + next(jumps))
    assert Counter(kept.recipient for kept in server.kept) == Counter(f"ok-{n}@example.org" for n in range(60))


@pytest.mark.parametrize("scene", [[*(f"later-{n}" for n in range(6)), *(f"ok-{n}" for n in range(10))]], indirect=True)
async def test_a_clock_that_jumps_while_copies_wait(scene: Scene) -> None:
    skew = timedelta(0)

    async with Rogue(pipelining=True) as server:
        for skew in (timedelta(0), timedelta(days=-2), timedelta(days=9)):
            await scene.send(server, clock=lambda skew=skew: datetime.now(UTC) + skew)  # type: ignore[misc] # bound now
    assert Counter(kept.recipient for kept in server.kept) == Counter(row.address for row in scene.rows().values())
    assert all(row.state is DeliveryState.ACCEPTED for row in scene.rows().values())


def test_a_second_sender_is_told_who_sends(scene: Scene) -> None:
    url = f"sqlite:///{scene.file}"
    with scene.store.hold("sending"), Store.open(url) as other, pytest.raises(Busy, match=str(os.getpid())):
        other.hold("sending").__enter__()


async def test_a_second_sender_that_got_in_all_the_same_takes_over_and_the_first_stops(scene: Scene) -> None:
    """As when a lock is lost with its disk, or a machine wakes up: the newest holds the range, the other can do nothing."""

    async with Rogue(pipelining=True) as server:
        first = scene.store.campaigns.ledger(ID)
        claims = first.exchange((), 5, NOW)
        await scene.send(server)
        with pytest.raises(StoreError, match=r"taken .* over"):
            first.exchange((), 0, NOW, [claims[0].delivery])  # so its body does not leave
    assert Counter(kept.recipient for kept in server.kept) == Counter(f"ok-{n}@example.org" for n in range(60))


class Witness(Rogue):
    """Looks at the files of the store, as a power cut would leave them, in the instant in which it has a message."""

    def look_at(self, file: Path, to: Path) -> None:
        self.file, self.to = file, to
        self.seen_states: Counter[tuple[str, int]] = Counter()

    def keep(self, kept: Kept) -> None:
        super().keep(kept)
        for ending in ("", "-wal"):
            shutil.copyfile(f"{self.file}{ending}", f"{self.to}{ending}")
        with Path(f"{self.to}-wal").open("ab") as wal:  # what the disk had of the next commit: half a page of nonsense
            wal.write(b"\x5a" * 2000)
        with sqlite3.connect(self.to) as copy:
            row = "SELECT id, state, code FROM deliveries WHERE address = ?"
            number, state, code = copy.execute(row, [kept.recipient]).fetchone()
            for [line] in copy.execute("SELECT line FROM logbook ORDER BY id"):
                _, claimed, leaving, _ = json.loads(line)
                state = "claimed" if number in claimed else state
                code = 354 if number in leaving else code
        copy.close()
        self.seen_states[state, code] += 1


async def test_when_a_body_is_out_the_disk_says_so(scene: Scene, tmp_path: Path) -> None:
    """A power cut at any moment after the body left finds its row, with what the logbook adds, "claimed, 354"."""
    with scene.store._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL: a commit is on the disk
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    async with Witness(pipelining=True) as server:
        server.look_at(scene.file, tmp_path / "copy.sqlite3")
        await scene.send(server)
    assert server.seen_states == {("claimed", 354): 60}
