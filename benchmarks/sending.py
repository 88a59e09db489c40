"""How fast we send, side by side with what a user could install: `python -m benchmarks.sending [--json] [--quick]`.

Every client sends 60 KB messages over loopback to benchmarks/tools/fastsink.c, in rounds: each client once per round, so
that a slow minute of a shared machine hits all alike; figures are medians, ratios are medians of the ratios within a
round. Ours keeps its ledger (SQLite, synchronous=FULL, one commit before each body leaves) and makes every copy
personal. With root and /dev/net/tun the same is done over a path of 20 ms (benchmarks/tools/delay.c).

smtp-source comes with Postfix, mlmmj from Debian, Django from the package index; what is not installed is left out of the
table. mlmmj sends with VERP, one recipient a body, as a copy with links of its own needs it; memory at a million
recipients is only in the whole run, without --quick.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.rig import Run, Sink, latency, python_client, sink, smtp_source, timed
from benchmarks.senders import SESSIONS, SIZE, body

Client = Callable[[Sink], Run]
MLMMJ = "/usr/bin/mlmmj-send"


def lock_step(messages: int, prefix: tuple[str, ...] = (), sessions: int = SESSIONS) -> Client:
    def run(server: Sink) -> Run:
        where = f"{server.host}:{server.port}"
        shape = ["-d", "-s", str(sessions), "-l", str(SIZE), "-m", str(messages)]
        addresses = ["-f", "w@example.org", "-t", "r@example.net"]
        return timed([*prefix, smtp_source(), *shape, *addresses, where], messages)

    return run


def mailing_list(messages: int) -> Client:
    """mlmmj, with VERP and one recipient a body: the same body for each, which is as personal as it can be."""
    folders = ("control", "subscribers.d", "queue/discarded", "archive", "bounce", "requeue", "incoming", "text")

    def run(server: Sink) -> Run:
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            for name in folders:
                (root / name).mkdir(parents=True)
            settings = {
                "listaddress": "list@example.org",
                "relayhost": server.host,
                "smtpport": str(server.port),
                "verp": "postfix",
                "maxverprecips": "1",
            }
            for name, value in settings.items():
                (root / "control" / name).write_text(f"{value}\n", encoding="ascii")
            readers = "".join(f"reader{n}@example.net\n" for n in range(messages))
            (root / "subscribers.d" / "r").write_text(readers, encoding="ascii")
            (root / "mail").write_bytes(body().replace(b"\r\n", b"\n"))
            return timed([MLMMJ, "-D", "-a", "-L", place, "-m", f"{place}/mail"], messages)

    return run


def ours(messages: int, *options: str, prefix: tuple[str, ...] = ()) -> Client:
    return lambda server: python_client("digest", server, messages, *options, prefix=prefix)


def theirs(name: str, messages: int, prefix: tuple[str, ...] = ()) -> Client:
    return lambda server: python_client(name, server, messages, prefix=prefix)


def rounds(clients: dict[str, Client], server: Sink, count: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in clients}
    for _ in range(count):
        for name, client in clients.items():
            run = client(server)
            arrived = server.count()
            if arrived != run.messages:
                print(f"  {name}: {run.messages} sent, {arrived} arrived: left out")
                continue
            runs[name].append(run)
    return {name: found for name, found in runs.items() if found}


def table(title: str, runs: dict[str, list[Run]]) -> None:
    print(f"\n{title}\n{'client':<34}{'messages/s':>12}{'(min - max)':>18}{'CPU s/1000':>12}{'RSS MB':>8}")
    for name, found in runs.items():
        rates = sorted(run.rate for run in found)
        cpu = median(run.cpu_per_thousand for run in found)
        memory = median(run.rss for run in found)
        spread = f"({rates[0]:,.0f} - {rates[-1]:,.0f})"
        print(f"{name:<34}{median(rates):>12,.0f}{spread:>18}{cpu:>12.3f}{memory or float('nan'):>8.0f}")


def ratio(runs: dict[str, list[Run]], one: str, other: str, of: Callable[[Run], float]) -> float | None:
    """The median of the ratios within a round."""
    if one not in runs or other not in runs:
        return None
    return median(of(a) / of(b) for a, b in zip(runs[one], runs[other], strict=False))


def rate(run: Run) -> float:
    return run.rate


def cpu(run: Run) -> float:
    return run.cpu_per_thousand


figures: list[dict[str, object]] = []


def figure(name: str, value: float | None, rival: str, goal: str, met: bool | None = None) -> None:
    if value is not None:
        figures.append({"name": name, "value": round(value, 3), "rival": rival, "goal": goal, "met": met})


def loopback(messages: int, count: int) -> None:
    clients: dict[str, Client] = {"digest": ours(messages), "digest, BDAT": ours(messages, "chunking=yes")}
    clients["digest, no ledger"] = ours(messages, "ledger=none")
    clients["digest, ledger in memory"] = ours(messages, "folder=/dev/shm")
    clients["digest, asyncio's loop"] = ours(messages, "loop=asyncio")
    clients["digest, 50 sessions"] = ours(messages, "sessions=50")
    if smtp_source():
        clients["smtp-source (C, lock-step)"] = lock_step(messages)
    clients["aiosmtplib, 10 connections"] = theirs("aiosmtplib", messages // 5)
    clients["smtplib, 10 threads"] = theirs("smtplib", messages // 5)
    clients["script: jinja2 + premailer"] = theirs("script", 30)
    clients["script, inlined once"] = theirs("careful", 150)
    if importlib.util.find_spec("django"):
        clients["Django, one connection"] = theirs("django", 300)
    if Path(MLMMJ).exists():
        clients["mlmmj, one recipient a body"] = mailing_list(150)
    with sink() as server:
        runs = rounds(clients, server, count)
    table(f"Loopback, {SIZE // 1000} KB, {SESSIONS} sessions, {count} rounds", runs)
    for other, goal, least in (
        ("smtp-source (C, lock-step)", ">= 1.0", 1.0),
        ("aiosmtplib, 10 connections", "-", 0.0),
        ("smtplib, 10 threads", "-", 0.0),
        ("script: jinja2 + premailer", ">= 200", 200.0),
        ("script, inlined once", "-", 0.0),
        ("Django, one connection", ">= 20", 20.0),
        ("mlmmj, one recipient a body", "-", 0.0),
    ):
        value = ratio(runs, "digest", other, rate)
        figure(
            f"messages/s against {other}", value, other, goal, None if not least or value is None else value >= least
        )
    own = median(run.cpu_per_thousand for run in runs["digest"])
    figure("CPU s per 1,000", own, "script 34, Django 3.4", "<= 0.1", own <= 0.1)
    value = ratio(runs, "digest", "smtp-source (C, lock-step)", cpu)
    figure("CPU against smtp-source", value, "smtp-source", "<= 1.5", value is not None and value <= 1.5)
    value = ratio(runs, "digest", "digest, no ledger", rate)
    figure("messages/s with ledger against without", value, "no ledger", ">= 0.85", value is not None and value >= 0.85)
    value = ratio(runs, "digest, ledger in memory", "digest, no ledger", rate)
    figure("the same where a commit waits for no disk", value, "no ledger", "-")


def far(messages: int, count: int) -> None:
    """Over 20 ms. With one copy in doubt per session, a session hands over one message a round trip at most.

    That is 50 a second (decision 111): ten sessions cannot reach ten times smtp-source; rows with 40 show who can.
    """
    with latency(20) as (near, far_side, address), sink(address, prefix=far_side) as server:
        prefix = tuple(near)
        clients: dict[str, Client] = {
            "digest": ours(messages, prefix=prefix),
            "digest, BDAT": ours(messages, "chunking=yes", prefix=prefix),
            "aiosmtplib, 10 connections": theirs("aiosmtplib", messages // 2, prefix),
            "smtplib, 10 threads": theirs("smtplib", messages // 2, prefix),
        }
        if smtp_source():
            clients["smtp-source (C, lock-step)"] = lock_step(messages // 2, prefix)
            clients["smtp-source, 40 sessions"] = lock_step(messages, prefix, 40)
        clients["digest, 40 sessions"] = ours(2 * messages, "sessions=40", prefix=prefix)
        clients["digest, BDAT, 40 sessions"] = ours(2 * messages, "sessions=40", "chunking=yes", prefix=prefix)
        runs = rounds(clients, server, count)
    table(f"20 ms round trip, {SIZE // 1000} KB, {SESSIONS} sessions, {count} rounds", runs)
    for name, goal, least in (("digest", ">= 3", 3.0), ("digest, BDAT", ">= 10", 10.0)):
        value = ratio(runs, name, "smtp-source (C, lock-step)", rate)
        how = "CHUNKING" if "BDAT" in name else "PIPELINING"
        figure(f"messages/s at 20 ms, {how}", value, "smtp-source", goal, value is not None and value >= least)
        bound = median(run.rate for run in runs[name]) / (SESSIONS / 0.020)
        figure(f"share of one message a round trip and session, {how}", bound, "1.0: one in doubt per session", "-")
    value = ratio(runs, "digest, BDAT, 40 sessions", "smtp-source (C, lock-step)", rate)
    figure("messages/s at 20 ms, CHUNKING, 40 sessions", value, "smtp-source, 10 sessions", "-")


def signatures() -> None:
    """DKIM on a 77 KB message, one core, against the bare signature and dkimpy."""
    from time import process_time

    import dkim
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from digest.deliver.dkim import Signer

    head = b"From: w@example.org\r\nTo: r@example.net\r\nSubject: W\r\nMessage-ID: <1@example.org>\r\n\r\n"
    message = head + (b"x" * 74 + b"\r\n") * 1000

    def per_second(work: Callable[[], object], times: int) -> float:
        start = process_time()
        for _ in range(times):
            work()
        return times / (process_time() - start)

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    small = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    one, two = Signer("example.org", "s", pem), Signer("example.org", "s", small)
    rates: dict[str, list[float]] = {"RSA-2048": [], "bare RSA-2048": [], "Ed25519": [], "dkimpy RSA-2048": []}
    for _ in range(3):
        rates["RSA-2048"].append(per_second(lambda: one.sign(message), 400))
        rates["bare RSA-2048"].append(per_second(lambda: key.sign(b"x" * 500, PKCS1v15(), SHA256()), 400))
        rates["Ed25519"].append(per_second(lambda: two.sign(message), 1500))
        rates["dkimpy RSA-2048"].append(
            per_second(lambda: dkim.sign(message, b"s", b"example.org", pem, canonicalize=(b"relaxed", b"simple")), 15)
        )
    print("\nDKIM, 77 KB, signatures per second and core")
    for name, found in rates.items():
        print(f"{name:<34}{median(found):>12,.0f}")
    value = median(a / b for a, b in zip(rates["RSA-2048"], rates["bare RSA-2048"], strict=True))
    figure("DKIM RSA-2048 against the bare signature", value, "dkimpy 0.08", ">= 0.85", value >= 0.85)
    value = median(rates["Ed25519"])
    figure("DKIM Ed25519, 1/s", value, "dkimpy 405", ">= 3,000", value >= 3000)


def processes(messages: int) -> None:
    """One sender process on one processor, one on all (it signs in threads), and two, each on one; signing RSA."""
    options = ("sign=rsa", "folder=/dev/shm")

    def pinned(place: int) -> Client:
        return ours(messages, *options, prefix=("taskset", "-c", str(place)))

    found: dict[str, list[float]] = {"one, on one processor": [], "one, on all": [], "two": []}
    with sink() as server:
        for _ in range(3):
            found["one, on one processor"].append(pinned(0)(server).rate)
            found["one, on all"].append(ours(messages, *options)(server).rate)
            with ThreadPoolExecutor(2) as two:
                found["two"].append(sum(run.rate for run in two.map(lambda place: pinned(place)(server), (0, 1))))
    print("\nSender processes, signing RSA-2048, messages/s")
    for name, rates in found.items():
        print(f"{name:<34}{median(rates):>12,.0f}")
    for name in ("one, on all", "two"):
        value = median(a / b for a, b in zip(found[name], found["one, on one processor"], strict=True))
        figure(f"signing: {name} against one on one processor", value, "one processor", ">= 1.7", value >= 1.7)


def disk() -> float:
    """Milliseconds of an fsync where the ledger lies: each copy of a session waits for one, shared with the others."""
    with tempfile.TemporaryFile() as file:
        took = []
        for _ in range(50):
            file.write(b"x" * 12_000)
            start = perf_counter()
            file.flush()
            os.fdatasync(file.fileno())
            took.append(1000 * (perf_counter() - start))
    return median(took)


def memory(large: int) -> None:
    with sink() as server:
        small = ours(10_000)(server)
        server.count()
        big = ours(large)(server)
        server.count()
    print(f"\nPeak memory: {small.rss:.0f} MB at 10,000 recipients, {big.rss:.0f} MB at {large:,} ({big.rate:,.0f}/s)")
    value = big.rss / small.rss
    figure(f"memory at {large:,} against 10,000", value, "Django keeps all", "<= 1.1", value <= 1.1)


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f} before, medians")
    print(f"an fsync takes {disk():.1f} ms")
    loopback(2000 if quick else 10_000, 3)
    try:
        far(600 if quick else 1500, 3)
    except OSError as error:
        print(f"\n20 ms: not here: {error}")
    signatures()
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        processes(600 if quick else 2000)
    memory(20_000 if quick else 1_000_000)
    print(f"\n{'figure':<58}{'value':>10}  goal")
    for one in figures:
        mark = {True: "met", False: "MISSED", None: ""}[one["met"]]  # type: ignore[index] # bool or None
        print(f"{one['name']!s:<58}{one['value']!s:>10}  {one['goal']!s:<10}{mark}")
    if "--json" in arguments:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main(sys.argv[1:])
