"""Several sender processes for one campaign: each sends a range of its own, and what they say is added up.

    campaign ── ranges ──> child, child, ... ── lines of JSON ──> Progress, Report

A child is a command that says what it does by `speak`, a line each, and comes to an end when its standard input
closes: so children end with their parent, however that ended. A child that dies is started again on its range, which
it finds as any run finds what a dead process left. Limits hold over all: each child is given its share of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias

from pydantic import BaseModel

from digest.deliver.report import Progress, Report
from digest.errors import DeliveryError

Said: TypeAlias = "Progress | Report"

_STARTS: Final = 5  # of one child; what dies more often would die for ever
_COUNTS: Final = ("accepted", "deferred", "refused", "uncertain", "skipped")
_LONGEST_LINE: Final = 1 << 20


class _Line(BaseModel):
    """One line that a child says: one of the three."""

    progress: Progress | None = None
    report: Report | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Child:
    """How a child is started."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


def speak(said: Said | BaseException) -> str:
    """What a child says, as one line."""
    if isinstance(said, Progress):
        return _Line(progress=said).model_dump_json(exclude_defaults=True)
    if isinstance(said, Report):
        return _Line(report=said).model_dump_json(exclude_defaults=True)
    return _Line(failure=str(said)).model_dump_json(exclude_defaults=True)


async def run_crew(
    children: Sequence[Callable[[], Child]], *, progress: Callable[[Progress], None], stop: asyncio.Event
) -> Report:
    """Run a child per range until all have ended; what they said, as one.

    When one of them stops because the server, or a fault of ours, leaves it no way on, all are asked to end.

    Args:
        children: what starts each; called again, for a new hold of its range, when a child has died.
        progress: told how far all of them have come.
        stop: asks them to end.

    Raises:
        DeliveryError: a child failed, or died again and again; raised after the others have ended.
    """
    return await _Crew(children, progress, stop).run()


class _Crew:
    """The children of one run."""

    def __init__(
        self,
        children: Sequence[Callable[[], Child]],
        progress: Callable[[Progress], None],
        stop: asyncio.Event,
    ) -> None:
        self._children = children
        self._tell = progress
        self._stop = stop
        self._ending = asyncio.Event()
        self._far = [Progress() for _ in children]
        self._before = [Progress() for _ in children]  # of children that died: their counts do not go back
        self._failures: list[str] = []

    async def run(self) -> Report:
        watch = asyncio.create_task(self._watch())
        try:
            reports = await asyncio.gather(*(self._keep(place) for place in range(len(self._children))))
        finally:
            watch.cancel()
        if self._failures:
            raise DeliveryError("; ".join(dict.fromkeys(self._failures)))
        return together([report for report in reports if report is not None])

    async def _watch(self) -> None:
        await self._stop.wait()
        self._ending.set()

    async def _keep(self, place: int) -> Report | None:
        """Run one child, and again when it dies."""
        for _ in range(_STARTS):
            report = await self._child(place)
            if report is not None or self._failures or self._ending.is_set():
                return report
            self._before[place] = self._far[place]
        self._fail("a sender process died again and again: look at its output")
        return None

    async def _child(self, place: int) -> Report | None:
        how = self._children[place]()
        process = await asyncio.create_subprocess_exec(
            *how.arguments,
            env=how.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which asks the children to end
            limit=_LONGEST_LINE,
        )
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:  # cannot be: both are pipes
            raise DeliveryError("a sender process has no pipes")
        asking = asyncio.create_task(self._ask(stdin))
        report: Report | None = None
        try:
            async for raw in stdout:
                line = _Line.model_validate_json(raw)
                if line.progress is not None:
                    self._moved(place, line.progress)
                elif line.failure:
                    self._fail(line.failure)
                report = line.report or report
        except ValueError as error:
            self._fail(f"a sender process said what is no line of a report: {error}")
        finally:
            asking.cancel()
            stdin.close()
            await process.wait()
        if report is not None and report.stopped:
            self._ending.set()
        return report

    async def _ask(self, stdin: asyncio.StreamWriter) -> None:
        """Ask a child to end, when all are to."""
        await self._ending.wait()
        stdin.close()

    def _moved(self, place: int, progress: Progress) -> None:
        before = self._before[place]
        counts = {name: getattr(before, name) + getattr(progress, name) for name in _COUNTS}
        self._far[place] = replace(progress, **counts)
        total = Counter({name: sum(getattr(one, name) for one in self._far) for name in _COUNTS})
        waiting = min((one.waiting for one in self._far), default=timedelta(0))
        why = next((one.why for one in self._far if one.why), "") if waiting else ""
        self._tell(Progress(**total, waiting=waiting, why=why))

    def _fail(self, why: str) -> None:
        self._failures.append(why)
        self._ending.set()


def together(reports: Sequence[Report]) -> Report:
    """What several runs came to, as one."""
    due = [report.next_due for report in reports if report.next_due is not None]
    refusals = dict.fromkeys(refusal for report in reports for refusal in report.refusals)
    counts = {name: sum(getattr(one, name) for one in reports) for name in (*_COUNTS, "recovered")}
    return Report(
        **counts,
        next_due=min(due, default=None),
        stopped=next((one.stopped for one in reports if one.faulty), "")
        or next((one.stopped for one in reports if one.stopped), ""),
        faulty=any(one.faulty for one in reports),
        refusals=tuple(refusals)[:20],
    )
