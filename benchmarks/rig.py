"""What the benchmarks stand on: a sink that costs nothing, a path with latency, and clients measured in processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOOLS = Path(__file__).parent / "tools"


@dataclass(frozen=True)
class Run:
    """What one run of a client came to."""

    seconds: float
    cpu: float  # seconds, user and system
    messages: int
    rss: float = 0.0  # MB, peak

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        return 1000 * self.cpu / self.messages


@cache
def built(name: str) -> Path:
    """A tool of benchmarks/tools, compiled."""
    program = Path(os.environ.get("TMPDIR", "/tmp")) / f"digest-bench-{os.getuid()}-{name}"
    source = TOOLS / f"{name}.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-w", "-o", program, source], check=True)
    return program


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])


def smtp_source() -> str:
    """Postfix's own load generator, or "" where it is not installed."""
    return shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/postfix/sbin") or ""


class Sink:
    """fastsink on an address; `taken` counts what it took since the last look, after `stop`."""

    def __init__(self, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> None:
        self.host, self.port, self._prefix = host, free_port(), prefix
        self._start()

    def _start(self) -> None:
        environ = {**os.environ, "SINK_SIZE": "1"}
        command = [*self._prefix, str(built("fastsink")), self.host, str(self.port)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)
        time.sleep(0.3)

    def count(self) -> int:
        """Messages since the last count; the sink starts anew."""
        self._process.terminate()
        assert self._process.stderr is not None
        said = self._process.stderr.read()
        self._process.wait()
        self._start()
        found = re.search(r"msgs=(\d+)", said)
        return int(found[1]) if found else 0

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


@contextlib.contextmanager
def sink(host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[Sink]:
    server = Sink(host, prefix)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def latency(milliseconds: int) -> Iterator[tuple[list[str], list[str], str]]:
    """Two network namespaces with that round trip between them: (prefix of clients, of servers, the servers' address).

    Raises:
        OSError: this machine does not allow it.
    """
    near, far = f"dgb{os.getpid()}a", f"dgb{os.getpid()}b"
    relay: subprocess.Popen[str] | None = None
    try:
        for name in (near, far):
            _ip("netns", "add", name)
        half = str(milliseconds * 1000 // 2)
        relay = subprocess.Popen([built("delay"), near, far, half, "1500"], stdout=subprocess.PIPE, text=True)
        assert relay.stdout is not None
        if relay.stdout.readline().strip() != "ready":
            msg = "no tun device"
            raise OSError(msg)
        for name, device, address in ((near, "tunA", "10.99.0.1"), (far, "tunB", "10.99.0.2")):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", near], ["ip", "netns", "exec", far], "10.99.0.2"
    finally:
        if relay is not None:
            relay.terminate()
            relay.wait()
        for name in (near, far):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        raise OSError(str(error)) from error


def timed(command: Sequence[str], messages: int) -> Run:
    """A program as a whole: its wall and CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu, messages)


def python_client(name: str, server: Sink, messages: int, *options: str, prefix: Sequence[str] = ()) -> Run:
    """A client of benchmarks.senders in its own process; it measures from its first connection to its last reply."""
    command = [*prefix, sys.executable, "-m", "benchmarks.senders", name, server.host, str(server.port), str(messages)]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))
