"""What can be asked of an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias


class Work(StrEnum):
    """Kinds of work. What each does stands in `digest.schedule.jobs`."""

    PICK_UP = "pick_up"  # the sources that are due
    POLL = "poll"  # one live source, now: its key
    EDITIONS = "editions"  # what fell due
    COMPOSE = "compose"  # one draft anew: "digest/period"
    PUBLISH = "publish"  # pages and feeds, into this machine's folder
    PING = "ping"  # feeds that changed, to the hub
    SEND = "send"  # one edition: its id; "" for all that are due
    DELIVER = "deliver"  # a range of a campaign: "edition/first"
    LETTERS = "letters"  # requests of the public forms, and notices
    INBOX = "inbox"  # letters to the unsubscribe address
    BOUNCES = "bounces"  # mail that came back
    ERASE = "erase"  # one person: the address
    TIDY = "tidy"  # what has been kept long enough


# What is done one after the other within a process; lanes run side by side.
LANES: Final[Mapping[str, tuple[Work, ...]]] = {
    "newsroom": (Work.EDITIONS, Work.COMPOSE, Work.PICK_UP, Work.POLL, Work.PUBLISH),
    "hub": (Work.PING,),
    "sender": (Work.SEND,),
    "letters": (Work.LETTERS, Work.INBOX, Work.BOUNCES, Work.ERASE, Work.TIDY),
    "deliver": (Work.DELIVER,),  # several at once: `concurrency`
}
# What every machine does for itself: its web server shows the files of its own folder.
HERE: Final = frozenset({Work.PUBLISH})


@dataclass(frozen=True)
class Task:
    """One piece of work. Two that are equal are one while they wait."""

    work: Work
    what: str = ""  # which source, edition, range or person


Perform: TypeAlias = Callable[[Task], None]


class Engine(Protocol):
    """Where tasks wait, and who does them."""

    @property
    def apart(self) -> bool:
        """Whether other processes do work, too: then what is large is asked for in parts."""
        ...

    def ask(self, work: Work, what: str = "") -> None:
        """Let this be done soon. From any thread, at once; raises nothing: a tick asks again for what is lost."""
        ...

    async def run(self, perform: Perform, works: Collection[Work], stop: asyncio.Event) -> None:
        """Do what is asked for, of these kinds, until `stop` is set and what is in hand has come to its end.

        Args:
            perform: does a task, in a thread; raises nothing.
            works: what this process does.
            stop: ends it.
        """
        ...

    def close(self) -> None:
        """Let go of connections; what was asked for before is handed over first."""
        ...
