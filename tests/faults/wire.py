"""Machines in network namespaces of their own, each on a wire that delays, loses, and can be cut without a word.

The wire is a process between two TUN devices, one in either namespace: real TCP over packets that are late or lost, where
the kernel has no netem. Cut, nobody hears of it: no FIN, no RST, only silence.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LONGEST = 20_000  # packets on the way; more are lost
_names = count(1)


def _tun(name: str) -> int:
    found = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(found, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return found


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip() or f"ip {' '.join(arguments)}")


class Wire:
    """A namespace and the wire to it. `here` is this side's address, `there` the other's."""

    def __init__(self, delay: float, loss: float) -> None:
        number = next(_names)
        self.name = f"dg{os.getpid() % 100_000}n{number}"
        net = f"10.{77 + os.getpid() % 100}.{number}"
        self.here, self.there = f"{net}.1", f"{net}.2"
        _ip("netns", "add", self.name)
        try:
            near = _tun(self.name)
            _ip("addr", "add", f"{self.here}/30", "dev", self.name)
            _ip("link", "set", self.name, "up")
            self._process = subprocess.Popen(
                [*self.inside, sys.executable, "-m", "tests.faults.wire", str(near), f"{self.there}/30"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=[near],
                cwd=Path(__file__).parent.parent.parent,
            )
            os.close(near)
            assert self._process.stdout is not None
            assert self._process.stdout.readline(), "the wire did not start"
        except (OSError, AssertionError):
            _ip("netns", "del", self.name)
            raise
        self._as_usual = (delay, loss, loss)
        self.heal()

    @property
    def inside(self) -> tuple[str, ...]:
        """Before a command, lets it run there."""
        return ("ip", "netns", "exec", self.name)

    def _set(self, delay: float, out: float, back: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{delay} {out} {back}\n")
        self._process.stdin.flush()

    def heal(self) -> None:
        """As it was at first."""
        self._set(*self._as_usual)

    def cut(self) -> None:
        """Nothing comes through any more."""
        self._set(self._as_usual[0], 1, 1)

    def deafen(self) -> None:
        """What the machine says comes through, and no answer."""
        self._set(self._as_usual[0], self._as_usual[1], 1)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        _ip("netns", "del", self.name)


@contextmanager
def wires(many: int, *, delay: float, loss: float) -> Iterator[list[Wire]]:
    """So many, with a one-way delay in seconds and a share of packets lost; skipped where nobody lets us make them."""
    made: list[Wire] = []
    try:
        try:
            for _ in range(many):
                made.append(Wire(delay, loss))  # noqa: PERF401 - those made before one fails are to be closed
        except (OSError, FileNotFoundError) as error:
            pytest.skip(f"NO NETWORK NAMESPACES: {error}")
        yield made
    finally:
        for wire in made:
            wire.close()


def _carry(near: int, address: str) -> None:
    """The wire itself: reads "delay loss-out loss-back" on standard input, ends with it."""
    far = _tun("wire")
    _ip("addr", "add", address, "dev", "wire")
    _ip("link", "set", "wire", "up")
    _ip("link", "set", "lo", "up")
    _ip("route", "add", "default", "dev", "wire")
    print("ready", flush=True)
    chance = random.Random(9)
    delay, lost = 0.0, {far: 0.0, near: 0.0}
    waiting: list[tuple[float, int, int, bytes]] = []
    order = count()
    os.set_blocking(0, False)
    while True:
        wait = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([near, far, 0], [], [], wait)
        if 0 in ready:
            told = os.read(0, 4096)
            if not told:
                return
            delay, lost[far], lost[near] = map(float, told.split(b"\n")[-2].split())
        now = time.monotonic()
        for end in (near, far):
            while end in ready:
                try:
                    packet = os.read(end, 65536)
                except BlockingIOError:
                    break
                if chance.random() >= lost[end] and len(waiting) < _LONGEST:
                    heapq.heappush(waiting, (now + delay, next(order), near if end == far else far, packet))
        while waiting and waiting[0][0] <= now:
            try:
                os.write(waiting[0][2], waiting[0][3])
            except BlockingIOError:
                break
            heapq.heappop(waiting)


if __name__ == "__main__":
    _carry(int(sys.argv[1]), sys.argv[2])
