"""A small disk that can be filled and emptied: a tmpfs of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A folder on a file system of so many megabytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def room(self) -> int:
        """Bytes that are free."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Let nothing be free but so many bytes; again, where something was freed meanwhile."""
        with (self.path / "ballast").open("ab", buffering=0) as file:
            while (room := self.room - leave) > 0:
                try:
                    file.write(b"\0" * min(room, 1 << 20))
                except OSError:
                    return

    def empty(self) -> None:
        """Give the room back."""
        (self.path / "ballast").unlink(missing_ok=True)


@contextmanager
def disk(path: Path, megabytes: int) -> Iterator[Disk]:
    """A small file system there; the test is skipped where nobody lets us mount one."""
    path.mkdir(parents=True)
    path.chmod(0o777)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "digest-faults", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"NO SMALL DISK: {done.stderr.strip()[-200:]}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)
