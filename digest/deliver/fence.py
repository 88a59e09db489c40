"""Keeps a copy of an installation from sending: what the store says must match a file that lies outside it.

The file holds the site's id, where the installation was, and how far its sending had come. So

    the folder was copied        another place and another identity          refused
    the folder was moved         another place, the same identity            goes on, and notes the new place
    a backup was restored        the store is behind what is noted here      refused
    another machine, a new disk  no file, and a store that has sent before   refused
    a copy for trying out        no file, and a site that calls itself one   refused
    a new publication            no file, and nothing was ever sent          armed by itself

`Fence.arm` (an operator's act) makes what is there now the right one. Knows no SQL: figures come in.

Where several machines share a server's database, that is the installation, and each machine has such a file of its own.
The store then carries a mark, too: which database was armed. So

    one more machine             no file, and the mark is this database's    goes on, and notes what it finds
    a dump was restored          the mark is another database's              refused on every machine
    a backup was put back        the store is behind what one machine noted  refused there; that takes the mark away,
                                                                             and so it is refused on every machine

and one `digest arm`, on any of them, is enough.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from digest.errors import StateError

_DISARMED: Final = "nothing"  # what a machine leaves as the mark that finds the store restored
_REMEDY = "make sure that no other copy of it sends, then run `digest arm`"


COPY = "copy-"  # how the id of a site begins that was copied to try something out (`digest store copy --leave`)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What an installation is, and how far it has come. `campaign` and `attempts` only ever grow."""

    site: str  # the store's id
    place: str  # where its state is: a path, or the database's URL without its password
    identity: str  # what of it no copy has: device and inode of its state folder; "" where there is none
    campaign: int  # number of its last campaign; 0: it never sent
    attempts: int  # of that campaign, all deliveries together
    armed: str = ""  # the store's mark, where machines share it; "": nobody was asked yet
    shared: bool = False  # whether they do

    @property
    def binding(self) -> str:
        """What the store's mark says when it is armed, behind the number of the arming."""
        return f"{self.identity} {self.place}"

    @property
    def arming(self) -> int:
        """How often an operator has armed the shared store; 0: never."""
        return int(self.armed.partition(" ")[0] or 0)

    @property
    def bound(self) -> str:
        """What the store's mark says is armed; "" where it says nothing."""
        return self.armed.partition(" ")[2]

    @classmethod
    def here(cls, site: str, state: Path, progress: tuple[int, int]) -> Self:
        """What the installation is that keeps its state in this folder."""
        place = state.resolve()
        found = place.stat() if place.is_dir() else None
        identity = f"{found.st_dev}:{found.st_ino}" if found else ""
        return cls(site=site, place=str(place), identity=identity, campaign=progress[0], attempts=progress[1])

    @classmethod
    def of_server(cls, site: str, place: str, identity: str, progress: tuple[int, int], *, armed: str) -> Self:
        """What the installation is whose store is a server's database, shared by machines."""
        campaign, attempts = progress
        return cls(
            site=site,
            place=place,
            identity=identity,
            campaign=campaign,
            attempts=attempts,
            armed=armed,
            shared=True,
        )


class Fence:
    """The file outside the store.

    Args:
        file: where it is; made with its folders when there is none.
        mark: marks the store, where machines share it.
    """

    def __init__(self, file: Path, mark: Callable[[str], None] = lambda _mark: None) -> None:
        self.file = file
        self._mark = mark

    def check(self, look: Callable[[], Standing]) -> None:
        """Let an installation send, and note where it is; a new one arms itself.

        Args:
            look: what stands now. It looks after the note was read, so that sending that goes on beside this never
                makes the store seem to be behind.

        Raises:
            StateError: this looks like a copy, or like an older state; nothing may be sent.
        """
        noted = self._read()
        standing = look()
        if refused := self._compare(noted, standing):
            if noted is not None and standing.shared and _behind(standing, noted) and standing.bound != _DISARMED:
                self._mark(f"{standing.arming} {_DISARMED}")
            raise refused
        if standing.shared and not standing.armed:
            self.arm(standing)
        elif standing != noted:
            self.note(standing)

    def refusal(self, look: Callable[[], Standing]) -> StateError | None:
        """Why `check` would not let it send; None where it would. Notes nothing."""
        try:
            return self._compare(self._read(), look())
        except StateError as error:
            return error

    def _compare(self, noted: Standing | None, standing: Standing) -> StateError | None:
        if standing.armed and standing.bound.partition(" ")[0] != standing.identity:
            return _refusal("a copy of the database that was armed, or one that was restored")
        if noted is None:
            strange = standing.campaign or standing.site.startswith(COPY)
            if strange and standing.bound != standing.binding:
                return _refusal(f"not armed on this machine ({self.file} is not there)")
            return None
        if noted.site != standing.site:
            return _refusal(f"another publication than the one armed by {self.file}")
        if noted.place != standing.place and (noted.identity != standing.identity or not noted.identity):
            return _refusal(f"a copy of the one at {noted.place}")
        if _behind(standing, noted):
            return _refusal("older than what was sent from here: its store was restored from a backup")
        return None

    def arm(self, standing: Standing) -> None:
        """From now on this is the installation that sends.

        Raises:
            StateError: the file cannot be written.
        """
        if standing.shared:
            noted = self._read() if self.file.exists() else None
            number = max(standing.arming, noted.arming if noted else 0) + 1
            standing = replace(standing, armed=f"{number} {standing.binding}")
            self._mark(standing.armed)
        self.note(standing)

    def note(self, standing: Standing) -> None:
        """Note what the installation is and how far it has come, as one that is armed goes on.

        Raises:
            StateError: the file cannot be written.
        """
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}.{threading.get_ident()}")  # one for each writer
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(standing), indent=1) + "\n", encoding="utf-8")
            draft.replace(self.file)
        except OSError as error:
            raise StateError(
                "this publication",
                f"without a note of where it sends from: {self.file}: {error.strerror}",
                "send",
                "make its folder writable, or set delivery.site_file",
            ) from error

    def _read(self) -> Standing | None:
        try:
            return Standing(**json.loads(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise _refusal(f"not readable as armed: {self.file}: {error}") from error


def _behind(standing: Standing, noted: Standing) -> bool:
    """Whether the store has come less far than was noted here, and nobody armed it since."""
    return standing.arming <= noted.arming and (standing.campaign, standing.attempts) < (noted.campaign, noted.attempts)


def _refusal(state: str) -> StateError:
    return StateError("this publication", state, "send", _REMEDY)
