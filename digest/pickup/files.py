"""Files with care: read as they stand, told apart by a signature, kept inside a folder, put aside with their error."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from digest.errors import PickupError
from digest.pickup.document import MAX_BYTES


def signature_of(info: os.stat_result, data: bytes | None = None) -> str:
    """Size, time and content of a file, so that an unchanged one is known without opening it."""
    digest = hashlib.sha256(data).hexdigest()[:32] if data is not None else ""
    return f"{info.st_size}-{info.st_mtime_ns}-{digest}"


def unchanged(seen: str | None, info: os.stat_result) -> bool:
    """Whether a file is still the one that this signature was made of, by size and time."""
    return seen is not None and seen.startswith(f"{info.st_size}-{info.st_mtime_ns}-")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A file as read: its bytes and what the system says about it before and after."""

    data: bytes
    before: os.stat_result
    after: os.stat_result

    @property
    def steady(self) -> bool:
        """Whether nothing was written while it was read."""
        return (self.before.st_size, self.before.st_mtime_ns) == (self.after.st_size, self.after.st_mtime_ns) and (
            self.before.st_size == len(self.data) or len(self.data) > MAX_BYTES
        )


def snapshot(descriptor: int) -> Snapshot:
    """Read an open file, up to one byte more than is allowed."""
    before = os.fstat(descriptor)
    with open(descriptor, "rb", closefd=False) as file:
        data = file.read(MAX_BYTES + 1)
    return Snapshot(data=data, before=before, after=os.fstat(descriptor))


def whole(path: Path, home: Path) -> bytes:
    """The bytes of a file inside a folder, up to one more than is allowed; errors as for `open_inside`."""
    descriptor = open_inside(path, home)
    try:
        return snapshot(descriptor).data
    finally:
        os.close(descriptor)


def growing(info: os.stat_result, now: datetime, settle: timedelta) -> bool:
    """Whether a file changed so recently that its writer may not be done.

    A time in the future (another machine's clock) says nothing and does not hold the file up: whether it holds still
    while it is read is looked at anyway.
    """
    age = now.timestamp() - info.st_mtime
    return -1.0 <= age < settle.total_seconds()


def open_inside(path: Path, home: Path) -> int:
    """Open a file for reading, after its links have been followed and found to stay inside.

    Raises:
        PickupError: it leads outside, or is not a file.
        OSError: it cannot be opened.
    """
    real = path.resolve()
    if not real.is_relative_to(home):
        raise PickupError(
            "a link that leads out of the publication's folder", where=path.name, remedy="put the file itself there"
        )
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PickupError("not a file", where=path.name, remedy="put a file there")
    return descriptor


# --------------------------------------------------------------------------------------------------------------
# Aside


def put_copy(target: Path, data: bytes, error: PickupError) -> None:
    """Keep a copy of a bad file, with its error beside it; the file itself stays where it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _write(target, data)
    _write(_note(target), f"{error}\n".encode())


def put_away(target: Path, path: Path, error: PickupError) -> None:
    """Move a bad file aside, with its error beside it. An earlier one of the same name gives way to a numbered name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    free, number = target, 1
    while os.path.lexists(free):
        number += 1
        free = target.with_name(f"{target.stem}~{number}{target.suffix}")
    _write(_note(free), f"{error}\n".encode())  # first: a file without its error is worse than the other way round
    shutil.move(path, free)


def clear(target: Path) -> None:
    """Forget what was put aside: the file has been mended."""
    for path in (target, _note(target)):
        path.unlink(missing_ok=True)


def _note(target: Path) -> Path:
    return target.with_name(f"{target.name}.error.txt")


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
