"""What the jail's tests run in the child."""

import os
import sys
import time
from pathlib import Path
from typing import Any


def echo(data: bytes, **arguments: Any) -> Any:
    return {"data": data.decode("latin-1"), **arguments}


def pid(data: bytes) -> int:
    return os.getpid()


def spin(data: bytes) -> None:
    while True:
        pass


def sleep(data: bytes) -> None:
    time.sleep(60)


def eat(data: bytes) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


_kept: list[bytearray] = []


def leak(data: bytes) -> int:
    _kept.append(bytearray(60 << 20))
    return len(_kept)


def die(data: bytes) -> None:
    os._exit(3)


def crash(data: bytes) -> None:
    os.abort()


def killed(data: bytes) -> None:
    os.kill(os.getpid(), 9)


def hang_up(data: bytes) -> None:
    for descriptor in range(3, 30):
        try:
            os.close(descriptor)
        except OSError:
            continue
    time.sleep(60)


def chatter(data: bytes) -> str:
    print("noise " * 1000)
    sys.stderr.write("noise")
    os.write(1, b"more noise")
    return "said"


def shout(data: bytes) -> str:
    return "x" * 200_000


def flood(data: bytes) -> None:
    """Answer past the protocol's own check: a header that announces too much."""
    for descriptor in range(3, 10):
        try:
            os.write(descriptor, b"+\xff\xff\xff\xff")
        except OSError:
            continue
    time.sleep(60)


def fail(data: bytes) -> None:
    raise ValueError("no such tag")


def not_json(data: bytes) -> Any:
    return {1, 2}


def surrogate(data: bytes) -> str:
    return "a\ud800b"


def write_file(data: bytes) -> None:
    Path(f"/tmp/digest-jail-{os.getpid()}").write_bytes(b"x")


def environment(data: bytes) -> list[str]:
    return sorted(os.environ)


def recurse(data: bytes) -> None:
    recurse(data)
