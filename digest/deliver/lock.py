"""One sender per installation: a lock that the operating system drops when its process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.errors import Busy


@contextmanager
def only_sender(path: Path) -> Iterator[None]:
    """Hold the lock at `path` (made when missing, never removed) while the block runs.

    An advisory `flock`: it holds between processes on one machine, not across a network file system. A child made by
    `fork` shares it; a program started by `exec` does not.

    Raises:
        Busy: another process holds it; the message names its process id.
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Busy(
                f"another sender (process {holder}) is at work: wait for it, or stop it; it holds {path}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)  # this drops the lock; the file stays, since removing it would race with the next one
