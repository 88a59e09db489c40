"""A folder that articles are dropped into and left in: which files are ready, and what became of each.

    walk -> known? -> ready? -> read -> Taken | Waiting | Aside

The caller remembers `origin -> signature` of what was taken or put aside, and gives it back as `seen`. A bad file is
copied to `aside/<source>/` with its error beside it; the copy goes when the file has been mended.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from digest.errors import PickupError
from digest.model import Intake, Source
from digest.pickup.document import Reading
from digest.pickup.files import clear, growing, open_inside, put_copy, signature_of, snapshot, unchanged
from digest.pickup.found import Aside, Found, Taken, Waiting

TAKING: Final = "taking"  # below a folder that is claimed from: files that a process is at
TAKEN: Final = "taken"  # and those whose articles are stored

_PASSED_OVER: Final = re.compile(
    r"\..*|.*~|#.*#|(?:readme|license|licence|notice|copying|changelog|authors)(?:[.\-_].*)?"
    r"|.*\.(?:part|partial|tmp|temp|crdownload|download|swp|swx|bak|orig|filepart|error\.txt)",
    re.IGNORECASE | re.DOTALL,
)

Read = Callable[[bytes, str], Reading]


def base_of(source: Source, root: Path) -> Path:
    """The source's place on disk.

    Raises:
        PickupError: it is not there, or leads out of the publication's folder.
    """
    home = root.resolve()
    try:
        base = (home / source.location).resolve()
    except (OSError, ValueError, RuntimeError):
        base = Path(os.sep)
    if not base.is_relative_to(home):
        raise PickupError(
            f"source '{source.key}': '{source.location}' leads out of the publication's folder",
            where=source.location,
            remedy="give a path below it; links must stay inside too",
        )
    if not base.exists():
        raise PickupError(
            f"source '{source.key}': '{source.location}' is not there",
            where=source.location,
            remedy="make the folder, or mend the source's location",
        )
    return base


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern of a source's settings: `**/` any folders, `*` and `?` within a name; case does not matter."""
    out = ""
    for piece in re.split(r"(\*\*/|\*\*|\*|\?)", glob):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
    return re.compile(out, re.IGNORECASE | re.DOTALL)


def walk(base: Path, source: Source) -> Iterator[tuple[str, Path]]:
    """The files of a folder source that its patterns want, by name: their path below it, and where they are.

    Hidden files and folders, temporary names, README, LICENSE, NOTICE and the folders of claimed files are passed over;
    linked folders are not followed.
    """
    for folder, folders, names in os.walk(base, followlinks=False):
        here = Path(folder)
        own = {TAKING, TAKEN} if here == base and source.intake is Intake.CLAIM else set()
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in own)
        for name in sorted(names):
            if _PASSED_OVER.fullmatch(name):
                continue
            origin = (here / name).relative_to(base).as_posix()
            if any(_pattern(glob).fullmatch(origin) for glob in source.patterns):
                yield origin, here / name


def in_place(
    files: Iterator[tuple[str, Path]],
    home: Path,
    read: Read,
    *,
    seen: Mapping[str, str],
    now: datetime,
    settle: timedelta,
    aside: Path,
) -> Iterator[Found]:
    """Read files where they lie; those that `seen` knows are passed over without being opened."""
    for origin, path in files:
        try:
            info = path.stat()
            if unchanged(seen.get(origin), info) or stat.S_ISDIR(info.st_mode):
                continue
            if growing(info, now, settle):
                yield Waiting(origin=origin, reason="changed a moment ago; it may still be growing")
                continue
            descriptor = open_inside(path, home)
        except FileNotFoundError:
            if path.is_symlink():
                yield from _refused(origin, path, "a link to a file that is not there", seen)
            continue  # or it was taken away while we looked
        except PickupError as error:
            yield from _refused(origin, path, error.what, seen)
            continue
        except OSError as error:
            yield from _refused(origin, path, f"cannot be read: {error.strerror}", seen)
            continue
        try:
            shot = snapshot(descriptor)
        finally:
            os.close(descriptor)
        if not shot.steady:
            yield Waiting(origin=origin, reason="it changed while it was read")
            continue
        signature = signature_of(shot.after, shot.data)
        try:
            reading = read(shot.data, origin)
        except PickupError as error:
            put_copy(aside / origin, shot.data, error)
            yield Aside(origin=origin, signature=signature, error=error)
            continue
        clear(aside / origin)  # an earlier fault of it is mended
        yield Taken(origin=origin, signature=signature, articles=reading.articles, problems=reading.problems)


def _refused(origin: str, path: Path, what: str, seen: Mapping[str, str]) -> Iterator[Aside]:
    """Something that is not even opened: remembered by its own state, not copied."""
    try:
        signature = signature_of(path.lstat())
    except OSError:
        return
    if seen.get(origin) != signature:
        error = PickupError(what, where=origin, remedy="put a readable file there, inside the publication's folder")
        yield Aside(origin=origin, signature=signature, error=error)
