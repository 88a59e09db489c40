"""Several sender processes: what they say is added up; they end with their parent; who dies is started again."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.deliver.crew import Child, run_crew, speak
from digest.deliver.report import Progress, Report
from digest.errors import DeliveryError

DUE = datetime(2018, 7, 23, 8, tzinfo=UTC)


def report(accepted: int = 0, **more: object) -> Report:
    values = {"deferred": 0, "refused": 0, "uncertain": 0, "skipped": 0, "recovered": 0, "next_due": None, **more}
    return Report(accepted=accepted, **values)  # type: ignore[arg-type] # a table of arguments


def child(*lines: str, then: str = "") -> Child:
    """A process that says these lines, and then does something."""
    program = f"import os, sys, time\nfor line in {list(lines)!r}: print(line, flush=True)\n{then}"
    return Child(arguments=[sys.executable, "-I", "-S", "-c", program], environment=dict(os.environ))


async def crew(*children: Child, stop: asyncio.Event | None = None) -> tuple[Report, list[Progress]]:
    told: list[Progress] = []
    starts = [lambda one=one: one for one in children]
    return await run_crew(starts, progress=told.append, stop=stop or asyncio.Event()), told


async def test_reports_and_progress_are_added_up() -> None:
    one = child(
        speak(Progress(accepted=1)),
        speak(report(3, refused=1, refusals=("550 no",), next_due=DUE + timedelta(hours=1))),
    )
    two = child(
        speak(Progress(accepted=2, skipped=1)), speak(report(4, recovered=2, refusals=("550 no", "551"), next_due=DUE))
    )
    found, told = await crew(one, two)
    assert found == report(7, refused=1, recovered=2, refusals=("550 no", "551"), next_due=DUE)
    assert (told[-1].accepted, told[-1].skipped) == (3, 1)


async def test_it_waits_only_when_all_wait() -> None:
    waits = Progress(accepted=1, waiting=timedelta(seconds=5), why="for the server")
    _, told = await crew(child(speak(waits), speak(report())), child(speak(Progress()), speak(report())))
    assert told[-1].waiting == timedelta(0)
    _, told = await crew(child(speak(waits), speak(report())), child(speak(waits), speak(report())))
    assert (told[-1].waiting, told[-1].why) == (timedelta(seconds=5), "for the server")


async def test_who_dies_is_started_again_and_its_counts_do_not_go_back(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    dies_once = f"p = {str(mark)!r}\nif not os.path.exists(p): open(p, 'w').close(); os.kill(os.getpid(), 9)\n"
    found, told = await crew(child(speak(Progress(accepted=5)), then=f"{dies_once}print({speak(report(2))!r})"))
    assert found.accepted == 2
    assert [one.accepted for one in told] == [5, 10]


async def test_who_dies_for_ever_is_given_up() -> None:
    with pytest.raises(DeliveryError, match="again and again"):
        await crew(child(then="os._exit(1)"))


async def test_a_failure_of_one_ends_all() -> None:
    waits = child(then=f"sys.stdin.read(); print({speak(report(1))!r})")
    with pytest.raises(DeliveryError, match="refuses our password"):
        await crew(waits, child(speak(DeliveryError("it refuses our password"))))
    with pytest.raises(DeliveryError, match="no line of a report"):
        await crew(waits, child("hello"))


async def test_who_stops_for_a_fault_stops_all_and_it_is_said() -> None:
    waits = child(then=f"sys.stdin.read(); print({speak(report(1, stopped='it was asked to stop'))!r})")
    found, _ = await crew(waits, child(speak(report(stopped="6 of 9 refused", faulty=True))))
    assert (found.accepted, found.stopped, found.faulty) == (1, "6 of 9 refused", True)


async def test_asked_to_stop_it_asks_all() -> None:
    stop = asyncio.Event()
    stop.set()
    waits = child(then=f"sys.stdin.read(); print({speak(report(1, stopped='it was asked to stop'))!r})")
    found, _ = await crew(waits, waits, stop=stop)
    assert (found.accepted, found.stopped) == (2, "it was asked to stop")
