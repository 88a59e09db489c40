"""How things stand, in one look at the store: what `digest status` tells a person, and Prometheus a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from digest.model import Condition, DeliveryState, DigestRule, EditionState
from digest.periods import Run, next_runs
from digest.settings import Settings
from digest.store import Health, Listed, Problem, Queue, RunState, Settled, Store

LITTLE: Final = 100 * 1024 * 1024  # bytes: with less that is free, a disk wants a look
_SHOWN: Final = 20  # lines of each kind that an operator is shown


@dataclass(frozen=True, kw_only=True)
class Coming:
    """The next runs of a digest, soonest first."""

    digest: str
    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """How a live source does: ok, quiet, held, failing, gone or new."""

    key: str
    condition: str
    last_ok: datetime | None
    failures: int
    error: str


@dataclass(frozen=True, kw_only=True)
class Last:
    """The newest edition that left, or is leaving, with the fates of its copies."""

    edition: Listed
    tally: Mapping[DeliveryState, int]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One look."""

    at: datetime
    coming: tuple[Coming, ...]
    last: Last | None
    waiting: tuple[Listed, ...]  # editions that wait for an operator: held, paused, or a draft that is due
    owed: tuple[Settled, ...]  # fell due, and not made yet
    queues: tuple[Queue, ...]
    oldest_due: float  # seconds for which the oldest copy that could go out has been waiting
    sources: tuple[SourceLine, ...]
    problems: tuple[Problem, ...]
    suppressions: int
    subscriptions: Mapping[str, int]  # by state
    editions: Mapping[str, int]  # by state
    unarmed: str = ""  # why this installation does not send: it is a copy, or was restored
    full: str = ""  # why the database's server cannot write: its disk is full
    room: Mapping[str, int] = field(default_factory=dict)  # folder that is written to -> bytes that are free there

    @property
    def cramped(self) -> Mapping[str, int]:
        """The folders in which little is free."""
        return {folder: free for folder, free in self.room.items() if free < LITTLE}


def look(
    store: Store,
    settings: Settings,
    now: datetime,
    *,
    count: int = 1,
    unarmed: str = "",
    room: Mapping[str, int] | None = None,
) -> Standing:
    """Look at the store.

    Args:
        store: the store.
        settings: for the digests and their schedules.
        now: the time.
        count: how many runs of each digest to tell.
        unarmed: why this installation does not send.
        room: bytes that are free in the folders that are written to.
    """
    listed = store.editions.list()
    left = (EditionState.SENDING, EditionState.PAUSED, EditionState.SENT)
    newest = max((one for one in listed if one.state in left), key=lambda one: one.changed, default=None)
    made = {one.edition for one in store.runs.latest(states=(RunState.MADE,), limit=1000)}
    waits = (EditionState.HELD, EditionState.PAUSED)
    queues = store.campaigns.queues()
    since = [moment for one in queues if one.state is EditionState.SENDING and (moment := one.due_since(now))]
    return Standing(
        at=now,
        coming=tuple(
            Coming(digest=rule.key, title=rule.title, runs=next_runs(rule, settings.zone, now, count))
            for rule in settings.digests
        ),
        last=None if newest is None else Last(edition=newest, tally=store.campaigns.tally(newest.id)),
        waiting=tuple(
            one for one in listed if one.state in waits or (one.state is EditionState.DRAFT and one.id in made)
        ),
        owed=store.runs.latest(states=(RunState.OWED,)),
        queues=queues,
        oldest_due=max(((now - moment).total_seconds() for moment in since), default=0.0),
        sources=tuple(
            SourceLine(
                key=one.state.key,
                condition=one.condition.value,
                last_ok=one.state.last_ok,
                failures=one.state.failures,
                error=one.state.error,
            )
            for one in store.sources.health(now)
        ),
        problems=store.sources.problems(),
        suppressions=store.subscribers.suppression_count(),
        subscriptions={state.value: number for state, number in store.subscribers.count().items()},
        editions=dict(Counter(one.state.value for one in listed)),
        unarmed=unarmed,
        full=store.no_room(),
        room=room or {},
    )


@dataclass(frozen=True, kw_only=True)
class NextEdition:
    """The edition of a digest that is due next; `edition` is None while there is no draft of it."""

    rule: DigestRule
    run: Run
    edition: Listed | None


@dataclass(frozen=True, kw_only=True)
class Today:
    """What an operator sees first. Nothing of it counts a table."""

    coming: tuple[NextEdition, ...]
    waiting: tuple[Listed, ...]  # editions that wait for an operator
    last: Listed | None  # the newest edition that left, or is leaving
    owed: tuple[Settled, ...]
    sources: tuple[Health, ...]  # those that do not do well
    problems: tuple[Problem, ...]


def today(store: Store, settings: Settings, now: datetime) -> Today:
    """What is due next, what waits for a decision, and what does not go well.

    Args:
        store: the store.
        settings: for the digests and their schedules.
        now: the time.
    """
    waits = store.editions.list(states=(EditionState.HELD, EditionState.PAUSED), limit=_SHOWN)
    due = {one.edition for one in store.runs.latest(states=(RunState.MADE,), limit=_SHOWN)}
    drafts = store.editions.list(states=(EditionState.DRAFT,), limit=_SHOWN)
    left = store.editions.list(states=(EditionState.SENDING, EditionState.PAUSED, EditionState.SENT), limit=_SHOWN)
    well = (Condition.OK, Condition.NEW)
    return Today(
        coming=tuple(
            NextEdition(rule=rule, run=run, edition=_edition_of(store, rule, run))
            for rule in settings.digests
            for run in next_runs(rule, settings.zone, now, 1)
        ),
        waiting=(*waits, *(one for one in drafts if one.id in due)),
        last=max(left, key=lambda one: one.changed, default=None),
        owed=store.runs.latest(states=(RunState.OWED,)),
        sources=tuple(one for one in store.sources.health(now) if one.condition not in well),
        problems=store.sources.problems()[:_SHOWN],
    )


def _edition_of(store: Store, rule: DigestRule, run: Run) -> Listed | None:
    recent = store.editions.list(rule.key, since=run.period.start.astimezone(UTC), limit=_SHOWN)
    return next((one for one in recent if one.period == run.period.key), None)
