"""What is published as files of a folder: written atomically, only where bytes change, and removed when it is stale."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_WRITTEN: Final = "feeds/.written.json"  # what stands in a folder because we wrote it


def write(path: Path, content: bytes) -> bool:
    """Write a file atomically, if its bytes change; whether they did."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)  # a full disk would fill with drafts
        raise
    return True


def copy(source: Path, target: Path) -> bool:
    """The file, with its time, so that Last-Modified is the same there; whether it changed."""
    if not write(target, source.read_bytes()):
        return False
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    return True


def written(root: Path) -> list[str]:
    """The paths below a folder that we wrote; none that leads out of it."""
    try:
        paths = json.loads((root / _WRITTEN).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    sound = (path for path in paths if isinstance(path, str) and path.startswith("feeds/"))
    return [path for path in sound if not {"..", ".", ""} & set(path.split("/"))]


def settle(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Remove what we wrote before and is published no more, and note what stands there now."""
    now = sorted(paths)
    stale = tuple(sorted(set(written(root)) - set(now)))
    for path in stale:
        (root / path).unlink(missing_ok=True)
        for folder in (root / path).parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()
    write(root / _WRITTEN, json.dumps(now, indent=0).encode() + b"\n")
    return stale
