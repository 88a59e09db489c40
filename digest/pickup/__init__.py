r"""Pick up: new articles come in, from folders and from feed documents.

    source -> pick_up -> files that are new and whole          folder.py (left in place), claim.py (taken away)
           -> read    -> text -> drafts -> articles            document.py
                         |        |
                         |        +- page.py       a page as raw text: lines.py, locate.py, fields.py, dateline.py ...
                         |        +- markdown.py   with front matter    \
                         |        +- html.py       a page as HTML        } their parsers in the jail: inside/
                         |        +- feed.py       RSS, RDF, Atom       /
                         |        +- records.py    JSON: ours, ninjs, JSON Feed
                         +- decode.py
           -> Taken | Waiting | Aside                          found.py

    live source -> fetched, read as above                      live.py; found by discover.py (imported by name: the
                                                               jail's children load this package, and no HTTP client)
                -> what is news, what is an old acquaintance   arrivals.py (pure)
                -> when it is asked again                      poll.py (pure)

What comes out is plain text and fields (digest.model.Article). One bad file costs itself, one bad entry costs itself.
docs/pickup.md says what is picked up and how each format looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from digest.errors import PickupError
from digest.jail import Jail
from digest.model import Intake, Source, SourceKind
from digest.pickup import claim, folder
from digest.pickup.document import Reading, read, read_document
from digest.pickup.files import whole
from digest.pickup.found import Aside, Found, Taken, Waiting

SETTLE: Final = timedelta(seconds=2)  # a file changed more recently may still be growing


def pick_up(
    source: Source,
    root: Path,
    *,
    seen: Mapping[str, str],
    now: datetime,
    zone: tzinfo,
    jail: Jail,
    aside: Path,
    settle: timedelta = SETTLE,
) -> Iterator[Found]:
    """Look at a source once and yield what is new in it, file by file.

    Args:
        source: a folder, or a feed document, below `root`.
        root: the publication's folder; nothing outside of it is read, links or not.
        seen: origin -> signature of the files taken or put aside before; unchanged ones are passed over unopened.
            Not asked for files that are claimed: they are gone once taken.
        now: the time: of `first_seen`, and to tell files that are still growing.
        zone: of dates that name none (the publication's zone).
        jail: where parsers run.
        aside: the folder of files that could not be used; a folder per source is made in it.
        settle: how long a file must have been left alone.

    Yields:
        Taken (store its articles, remember its signature, then call its `done`), Waiting (nothing to do; the next run
        looks again) or Aside (remember its signature and the error).

    Raises:
        PickupError: the source itself is not there, or leads out of `root`.
    """
    base = folder.base_of(source, root)

    def reader(data: bytes, name: str) -> Reading:
        return read(data, name, source, now=now, zone=zone, jail=jail)

    mine = aside / source.key
    if source.kind is SourceKind.FEED:
        if base.is_dir():
            raise PickupError(
                f"source '{source.key}': a feed must be a file",
                where=source.location,
                remedy="name the file, or make it a folder source",
            )
        files = iter([(base.name, base)])
    else:
        if not base.is_dir():
            raise PickupError(
                f"source '{source.key}': a folder is expected",
                where=source.location,
                remedy="name the folder, or make it a feed source",
            )
        files = folder.walk(base, source)
        if source.intake is Intake.CLAIM:
            yield from claim.take(files, base, reader, now=now, settle=settle, aside=mine)
            return
    yield from folder.in_place(files, root.resolve(), reader, seen=seen, now=now, settle=settle, aside=mine)


def look(
    source: Source, root: Path, *, now: datetime, zone: tzinfo, jail: Jail
) -> Iterator[tuple[str, Reading | PickupError]]:
    """What a source holds, file by file, as if for the first time; nothing is moved, nothing is kept.

    Yields:
        The origin, with what was read or why it could not be.

    Raises:
        PickupError: the source itself is not there, or leads out of `root`.
    """
    base = folder.base_of(source, root)
    files = folder.walk(base, source) if base.is_dir() else iter([(base.name, base)])
    for origin, path in files:
        try:
            yield origin, read(whole(path, root.resolve()), origin, source, now=now, zone=zone, jail=jail)
        except PickupError as error:
            yield origin, error
        except OSError as error:
            yield (
                origin,
                PickupError(f"cannot be read: {error.strerror}", where=origin, remedy="mend it, or take it away"),
            )


__all__ = [
    "SETTLE",
    "Aside",
    "Found",
    "Reading",
    "Taken",
    "Waiting",
    "look",
    "pick_up",
    "read",
    "read_document",
]
