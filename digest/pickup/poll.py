"""When a live source is asked, and what an answer means for the next time. Pure: decides, asks nobody.

    due -> (fetched, read, settled) -> brought | unchanged | failed | gone -> the state to keep

A source is asked about four times per article that it brings, between every quarter of an hour and once a day. Errors
double the wait up to a day; nothing but its own word (410) ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from digest.model import SourceState

SHORTEST: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=1)
FIRST: Final = timedelta(hours=1)  # for a source whose entries carry no dates
_QUICKER, _SLOWER = 0.5, 1.25  # settles at one poll in four that brings something
_JITTER: Final = 0.1  # a tenth either way, so that sources do not march in step
_SMOOTH: Final = 0.7  # of the rhythm known so far, when it is seen anew


def due(state: SourceState, now: datetime) -> bool:
    """Whether a source should be asked now."""
    return state.gone is None and not state.stopped and (state.next_poll is None or state.next_poll <= now)


def brought(
    state: SourceState,
    *,
    new: int,
    dates: Iterable[datetime],
    now: datetime,
    jitter: float,
    fresh_for: timedelta | None,
) -> SourceState:
    """After an answer that was read.

    Args:
        state: before it.
        new: articles that were not known.
        dates: when the entries that it shows were published.
        now: the time.
        jitter: a random number from 0 to 1.
        fresh_for: how long the server says that its answer is fresh.
    """
    shown = rhythm_of(dates, now)
    if state.last_ok is None:
        interval = (shown or FIRST * 4) / 4
        rhythm = shown
    elif new:
        interval = state.interval * _QUICKER
        # What it shows reaches further back than what was seen here, unless it shows no dates.
        seen = shown or (now - (state.last_new or state.last_ok)) / new
        rhythm = seen if state.rhythm is None else state.rhythm * _SMOOTH + seen * (1 - _SMOOTH)
    else:
        interval, rhythm = state.interval * _SLOWER, state.rhythm
    interval = _bounded(interval)
    return replace(
        state,
        interval=interval,
        rhythm=rhythm,
        next_poll=_next(max(interval, min(fresh_for or SHORTEST, LONGEST)), now, jitter),
        last_poll=now,
        last_ok=now,
        last_new=now if new or state.last_new is None else state.last_new,
        failures=0,
        error="",
        gone=None,
    )


def unchanged(state: SourceState, *, now: datetime, jitter: float, fresh_for: timedelta | None) -> SourceState:
    """After "not modified"."""
    if state.last_ok is None:  # it cannot have brought anything new: nobody knew it
        state = replace(state, last_ok=now)
    return brought(state, new=0, dates=(), now=now, jitter=jitter, fresh_for=fresh_for)


def failed(
    state: SourceState, what: str, *, now: datetime, jitter: float, retry_after: timedelta | None = None
) -> SourceState:
    """After no answer, or one that cannot be used: wait twice as long each time, a day at most, and never give up."""
    failures = state.failures + 1
    wait = _bounded(min(state.interval, FIRST) * 2 ** min(failures - 1, 10))
    if retry_after is not None:
        wait = min(max(wait, retry_after), LONGEST)
    later = _next(wait, now, jitter)
    if retry_after is not None:
        later = max(later, now + min(retry_after, LONGEST))
    return replace(state, failures=failures, error=what, next_poll=later, last_poll=now)


def gone(state: SourceState, now: datetime) -> SourceState:
    """After 410: it is not asked again until an operator says so."""
    return replace(
        state, gone=now, next_poll=None, last_poll=now, error="the server says that it is gone for good (410)"
    )


def rhythm_of(dates: Iterable[datetime], now: datetime) -> timedelta | None:
    """How far apart articles usually are, by the twenty latest dates; None when fewer than three tell."""
    latest = sorted({date for date in dates if date <= now}, reverse=True)[:20]
    if len(latest) < 3:
        return None
    return timedelta(seconds=median((newer - older).total_seconds() for newer, older in pairwise(latest)))


def _bounded(interval: timedelta) -> timedelta:
    return min(max(interval, SHORTEST), LONGEST)


def _next(interval: timedelta, now: datetime, jitter: float) -> datetime:
    return now + min(interval * (1 - _JITTER + 2 * _JITTER * jitter), LONGEST)
