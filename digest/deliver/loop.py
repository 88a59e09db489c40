"""The event loop that delivery runs in: uvloop where it is installed, asyncio's own where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

try:
    from uvloop import new_event_loop
except ImportError:  # an optional dependency: digest-publisher[fast]
    from asyncio import new_event_loop  # type: ignore[assignment] # of a base class

_T = TypeVar("_T")


def run_in_loop(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` to its end in a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)
