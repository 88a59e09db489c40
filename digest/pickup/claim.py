"""A folder that files are taken out of, each by one process only, none lost.

    rename into taking/ -> lock -> read -> Taken -> the caller stores -> done: rename into taken/

The name in `taking/` is made of the file's own number and time, so that no other file can have it. The lock (flock) is
held until `done`, and the kernel drops it when the process dies: a file in `taking/` that can be locked was left by a
dead process, and is picked up again. Storing the same article twice changes nothing, because its identity is the same.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import weakref
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from digest.errors import PickupError
from digest.pickup.files import growing, put_away, signature_of, snapshot
from digest.pickup.folder import TAKEN, TAKING, Read
from digest.pickup.found import Aside, Found, Taken, Waiting

_MARK: Final = re.compile(r"[0-9a-f]+-[0-9a-f]+~")


class _Claim:
    """A file in `taking/` that this process holds the lock of, until it is done with or forgotten."""

    def __init__(self, origin: str, path: Path, base: Path, descriptor: int) -> None:
        self.origin = origin
        self.path = path
        self.descriptor = descriptor
        self._base = base
        self._release = weakref.finalize(self, os.close, descriptor)

    def done(self) -> None:
        """Move the file on to `taken/`, never over another one, and drop the lock."""
        if not self._release.alive:
            return
        target = self._base / TAKEN / self.origin
        target.parent.mkdir(parents=True, exist_ok=True)
        for free in (target, target.with_name(self.path.name)):
            try:
                os.link(self.path, free)  # unlike rename, refuses to replace
                self.path.unlink()
                break
            except FileExistsError:
                continue
            except OSError:  # a file system without hard links
                if not free.exists():
                    self.path.rename(free)
                    break
        self.release()

    def release(self) -> None:
        """Drop the lock; a file that is still in `taking/` is anybody's again."""
        self._release()


def take(
    files: Iterator[tuple[str, Path]], base: Path, read: Read, *, now: datetime, settle: timedelta, aside: Path
) -> Iterator[Found]:
    """Take files out of the folder: first what a dead process left in `taking/`, then what is new."""
    for path in _leftovers(base):
        origin = (path.parent / path.name.partition("~")[2]).relative_to(base / TAKING).as_posix()
        yield from _read(origin, path, base, read, aside)
    for origin, path in files:
        try:
            info = path.lstat()
            if not stat.S_ISREG(info.st_mode):
                error = PickupError(
                    "not a file but a link, folder or device", where=origin, remedy="put the file there"
                )
                put_away(aside / origin, path, error)
                yield Aside(origin=origin, signature=signature_of(info), error=error)
                continue
            if growing(info, now, settle):
                yield Waiting(origin=origin, reason="changed a moment ago; it may still be growing")
                continue
            mine = base / TAKING / Path(origin).parent / f"{info.st_ino:x}-{info.st_mtime_ns:x}~{path.name}"
            mine.parent.mkdir(parents=True, exist_ok=True)
            path.rename(mine)
        except FileNotFoundError:
            continue  # another process was quicker
        yield from _read(origin, mine, base, read, aside)


def _leftovers(base: Path) -> list[Path]:
    return sorted(
        Path(folder) / name
        for folder, _, names in os.walk(base / TAKING, followlinks=False)
        for name in names
        if _MARK.match(name)
    )


def _lock(origin: str, path: Path, base: Path) -> _Claim | None:
    """The claim on a file, or None when a living process holds it or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    claim = _Claim(origin, path, base, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(os.fstat(descriptor), path.lstat())
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:  # held, or finished by its holder between our looking and locking
        claim.release()
        return None
    return claim


def _read(origin: str, path: Path, base: Path, read: Read, aside: Path) -> Iterator[Found]:
    try:
        claim = _lock(origin, path, base)
        if claim is None:
            return
        shot = snapshot(claim.descriptor)
    except OSError as error:
        yield Waiting(origin=origin, reason=f"in {TAKING}/, cannot be read now: {error.strerror}")
        return
    if not shot.steady:
        claim.release()
        yield Waiting(origin=origin, reason="it changed while it was read")
        return
    signature = signature_of(shot.after, shot.data)
    try:
        reading = read(shot.data, origin)
    except PickupError as error:
        put_away(aside / origin, path, error)
        claim.release()
        yield Aside(origin=origin, signature=signature, error=error)
        return
    yield Taken(
        origin=origin, signature=signature, articles=reading.articles, problems=reading.problems, finish=claim.done
    )
