"""`kill -9` of the sender, again and again: `python -m benchmarks.kills [--recipients 10000] [--kills 200] [--hold] [--json]`.

The sender is a process of its own with the store's ledger (SQLite, synchronous=FULL) and 8 pipelined sessions; the server
is the one of the tests, which keeps what it took. When the sender has sent to its end: how many were lost, doubled, or
called accepted and never came.

`--sessions` and `--rate` (messages per second) show what decides about doubles (decision 111): as many copies are in doubt
as leave per second, times the seconds from a copy's end to the commit that records it; at most one per session.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.deliver.campaign import run
from digest.deliver.loop import run_in_loop
from digest.deliver.policy import Policy
from digest.deliver.smtp import SMTPTransport
from digest.deliver.transport import Envelope
from digest.model import Claim, Consent, DeliveryState, Edition, Period
from digest.store import Store, Wanted
from tests.deliver.server import Rogue

ID = "weekly-2018-W29"
SESSIONS = 8  # as the goal has it
AT = datetime(2018, 7, 23, 8, tzinfo=UTC)
BODY = b"The harbour opened on Monday, and ships came at once.\r\n" * 70


def fill(url: str, recipients: int) -> None:
    with Store.open(url) as store:
        store.migrate(site="kills", now=AT)
        consent = Consent(at=AT, basis="benchmark")
        store.subscribers.put(
            [Wanted(address=f"r{n}@example.net", name="", digest="weekly", consent=consent) for n in range(recipients)],
            AT,
        )
        period = Period.week("2018-W29", ZoneInfo("UTC"))
        edition = Edition(id=ID, digest="weekly", title="W", period=period, number=1, sections=())
        revision = store.editions.prepare(edition, {}, AT).revision
        store.editions.approve(ID, revision.hash, "benchmark", AT)
        store.campaigns.start(ID, lambda n: f"<{n}@example.org>", AT)


def sender(url: str, port: int, *, hold: bool, sessions: int, rate: float) -> None:
    def make(claim: Claim) -> Envelope:
        head = f"From: w@example.org\r\nTo: {claim.address}\r\nMessage-ID: {claim.message_id}\r\n\r\n".encode()
        return Envelope(sender="w@example.org", recipient=claim.address, content=head + BODY, canonical=True)

    transport = SMTPTransport("127.0.0.1", port, sessions=sessions, local_hostname="localhost")
    policy = Policy(uncertain="hold" if hold else "resend", delays=(timedelta(seconds=0.1),), rate=rate)
    with Store.open(url) as store:
        ledger = store.campaigns.ledger(ID)
        report = run_in_loop(run(ledger, transport, make, clock=lambda: datetime.now(UTC), policy=policy))
    sys.exit(0 if report.complete else 1)


async def killing(
    url: str, recipients: int, kills: int, *, hold: bool, sessions: int, rate: float
) -> dict[str, object]:
    chance = random.Random(1)
    command = [sys.executable, "-m", "benchmarks.kills", "--sender", url]
    done = 0
    started = time.perf_counter()
    async with Rogue(pipelining=True) as server:
        arguments = [*command, "--port", str(server.port), *(["--hold"] if hold else [])]
        arguments += ["--sessions", str(sessions), "--rate", str(rate)]
        while True:
            process = await asyncio.create_subprocess_exec(*arguments)
            before = len(server.kept)
            # Killed after a share of what is left, so that all kills fall within the list.
            share = (recipients - before) / max(1, kills - done + 1) * chance.uniform(0.4, 1.6)
            while done < kills and len(server.kept) < before + share and process.returncode is None:  # noqa: ASYNC110 - it looks now and then
                await asyncio.sleep(chance.uniform(0, 0.004))
            if done < kills and process.returncode is None:
                # By another process, a little later, at a moment nobody chose: this one only comes to look when it has
                # answered everybody, which is when most copies have arrived and are not yet recorded.
                await _kill(process.pid, chance.uniform(0, 0.01))
                done += 1
                await process.wait()
                continue
            if await process.wait() == 0:
                break
        counts = Counter(kept.recipient for kept in server.kept)
    with Store.open(url) as store:
        tally = store.campaigns.tally(ID)
        accepted = {one.address for one in store.campaigns.deliveries(ID, states=[DeliveryState.ACCEPTED], limit=10**9)}
        held = {one.address for one in store.campaigns.deliveries(ID, states=[DeliveryState.UNCERTAIN], limit=10**9)}
    everyone = {f"r{n}@example.net" for n in range(recipients)}
    return {
        "recipients": recipients,
        "kills": done,
        "sessions": sessions,
        "rate": rate or "as fast as it goes",
        "uncertain": "hold" if hold else "resend",
        "seconds": round(time.perf_counter() - started, 1),
        "lost": len(everyone - set(counts) - held),
        "duplicates": sum(counts.values()) - len(counts),
        "most for one": max(counts.values()),
        "accepted and never came": len(accepted - set(counts)),
        "held": len(held),
        "held that had not come": len(held - set(counts)),
        "not settled": sum(tally.values()) - tally[DeliveryState.ACCEPTED] - tally[DeliveryState.UNCERTAIN],
    }


async def _kill(number: int, after: float) -> None:
    """`kill -9` after so many seconds, from a process that shares nothing with the server."""
    killer = await asyncio.create_subprocess_exec("sh", "-c", f"sleep {after:.6f}; kill -9 {number}")
    await killer.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="kill -9 of the sender, again and again")
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--hold", action="store_true")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sender", default="")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    if given.sender:
        sender(given.sender, given.port, hold=given.hold, sessions=given.sessions, rate=given.rate)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'kills.sqlite3'}"
        fill(url, given.recipients)
        shape = {"hold": given.hold, "sessions": given.sessions, "rate": given.rate}
        result = asyncio.run(killing(url, given.recipients, given.kills, **shape))
    result["duplicates per kill"] = round(int(str(result["duplicates"])) / max(1, int(str(result["kills"]))), 2)
    for name, value in result.items():
        print(f"{name:<26}{value}")
    if given.json:
        duplicates, kills = int(str(result["duplicates"])), max(1, int(str(result["kills"])))
        most = 0 if given.hold else 2
        figures = [
            {"name": "lost", "value": result["lost"], "rival": "listmonk's design 2,562 in 4 kills", "goal": "0",
             "met": result["lost"] == 0},
            {"name": "duplicates per kill", "value": duplicates / kills, "rival": "2.0", "goal": f"<= {most}",
             "met": duplicates / kills <= most},
        ]  # fmt: skip
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
