"""The engine: who does work that is due, and when. The same tasks in this process, or on whatever machine takes them.

    engine = engine_for(store_url, lease=30)
    engine.ask(Work.SEND, "weekly-2018-W29")        # from anywhere: returns at once
    await engine.run(perform, works, stop)          # in a process that works: calls `perform` for each task

Which engine it is follows from the store's URL alone: with SQLite the process that asks does the work (embedded.py),
with PostgreSQL the task waits in a queue for any worker (queue.py; the only procrastinate).

A task says what to look at, never what to do about it: what is due lives in the store, whose own claims keep two
workers from doing the same. So a task may be asked for twice, come late or be lost: the next tick asks again.
"""

from __future__ import annotations

from digest.engine.embedded import Embedded
from digest.engine.tasks import HERE, LANES, Engine, Perform, Task, Work

__all__ = ["HERE", "LANES", "Embedded", "Engine", "Perform", "Task", "Work", "engine_for"]


def engine_for(url: str, *, lease: float, concurrency: int) -> Engine:
    """The engine of a store.

    Args:
        url: the store's.
        lease: seconds without a sign of life after which a worker counts as dead.
        concurrency: ranges of campaigns that this process sends at once, where it has a say.

    Raises:
        ConfigError: PostgreSQL's driver or queue is not installed.
    """
    if not url.startswith("postgresql"):
        return Embedded()
    from digest.engine.queue import Queue  # noqa: PLC0415 - its library is an extra (digest-publisher[postgresql])

    return Queue(url, lease=lease, concurrency=concurrency)
