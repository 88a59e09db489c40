"""How the cost of an act grows with its input: a ratio of one machine with itself, so that a slow machine fails nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP = 8  # how much larger the large input is than the small one


def assert_linear(act: Callable[[T], object], small: T, large: T) -> None:
    """Fail where `act` needs far more CPU time for `large` than `STEP` times what it needs for `small`.

    `large` is `STEP` times as long as `small`. A cost that grows with the square would be 64 times as high; four
    times the linear cost (and half a second, for what is too quick to measure) is allowed for caches and collectors.
    """
    cost = _cpu(act, small)
    assert _cpu(act, large) < 4 * STEP * cost + 0.5, f"{STEP} times the input costs far more than {STEP} times {cost} s"


def _cpu(act: Callable[[T], object], given: T) -> float:
    begun = time.process_time()
    act(given)
    return time.process_time() - begun
