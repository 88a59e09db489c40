"""Figures for Prometheus: what this process did, and how the store stands when it is asked.

Names and labels hold no address, title or id of a reader. The store is looked at once per scrape, in `Standing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from digest.deliver import Progress
from digest.standing import Standing

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BOUNCES: Final = ("hard", "soft", "full", "ours", "complaint", "ignored")
_OUTCOMES: Final = ("accepted", "deferred", "refused", "uncertain", "skipped")
_LATENCY: Final = (0.002, 0.01, 0.05, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_SECONDS: Final = (0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 1800)


class Metrics:
    """The figures of one process.

    Args:
        standing: how things stand now; asked at each scrape. None: only what this process did.
    """

    def __init__(self, standing: Callable[[], Standing] | None = None) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Histogram(
            "digest_job_seconds", "Duration of jobs", ["job"], registry=self._registry, buckets=_SECONDS
        )
        self._failures = Counter("digest_job_failures", "Jobs that failed", ["job"], registry=self._registry)
        self._copies = Counter("digest_copies", "Copies by outcome", ["outcome"], registry=self._registry)
        self._editions = Counter("digest_editions", "Editions made", ["state"], registry=self._registry)
        self._articles = Counter("digest_articles", "Articles picked up", ["change"], registry=self._registry)
        self._problems = Counter("digest_pickup_failures", "Items or sources not read", registry=self._registry)
        self._letters = Counter(
            "digest_letters", "Letters to the unsubscribe address", ["fate"], registry=self._registry
        )
        self._seconds = Histogram(
            "digest_copy_seconds",
            "Time that a server takes for a message",
            ["relay"],
            registry=self._registry,
            buckets=_LATENCY,
        )
        self._bounces = Counter("digest_bounces", "Mail that came back, by cause", ["cause"], registry=self._registry)
        for outcome in _OUTCOMES:
            self._copies.labels(outcome)
        for cause in BOUNCES:
            self._bounces.labels(cause)
        if standing is not None:
            self._registry.register(_Stands(standing))

    def text(self) -> bytes:
        """The figures in Prometheus' text format; its type is `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def page(self) -> tuple[str, bytes]:
        """Media type and content of /metrics."""
        return CONTENT_TYPE, self.text()

    @contextmanager
    def timed(self, job: str) -> Iterator[None]:
        """Measure a job."""
        began = perf_counter()
        try:
            yield
        finally:
            self._jobs.labels(job).observe(perf_counter() - began)

    def failed(self, job: str) -> None:
        """Count a job that failed."""
        self._failures.labels(job).inc()

    def sent(self, before: Progress, now: Progress) -> None:
        """Count what a run did between two reports of its progress."""
        for outcome in _OUTCOMES:
            self._copies.labels(outcome).inc(getattr(now, outcome) - getattr(before, outcome))

    def copy_took(self, relay: str, seconds: float) -> None:
        """Note how long a server took for a message, from its envelope to the last reply."""
        self._seconds.labels(relay).observe(seconds)

    def edition(self, state: str) -> None:
        """Count an edition that was made at its due time, by what became of it."""
        self._editions.labels(state).inc()

    def picked_up(self, *, new: int, edited: int, failures: int) -> None:
        """Count articles, and what could not be read."""
        self._articles.labels("new").inc(new)
        self._articles.labels("edited").inc(edited)
        self._problems.inc(failures)

    def came_back(self, causes: Mapping[str, int]) -> None:
        """Count letters of the bounce mailbox by their cause: those of `BounceCause`, complaint, ignored."""
        for cause, count in causes.items():
            self._bounces.labels(cause).inc(count)

    def letter(self, fate: str) -> None:
        """Count a letter: left, or ignored."""
        self._letters.labels(fate).inc()


class _Stands(Collector):
    """Gauges of how the store stands, made at each scrape."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry need not ask the store for names."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        now = self._standing()
        yield _gauge("digest_queue_copies", "Copies not yet at their end", sum(one.depth for one in now.queues))
        yield _gauge("digest_oldest_due_copy_seconds", "Age of the oldest copy that could go out", now.oldest_due)
        yield _gauge("digest_armed", "Whether this installation sends: no copy, and not restored", not now.unarmed)
        room = GaugeMetricFamily("digest_disk_free_bytes", "Room where this machine writes", labels=["folder"])
        for folder, free in now.room.items():
            room.add_metric([folder], free)
        yield room
        yield _gauge("digest_store_full", "Whether the database's server has no room to write", bool(now.full))
        yield _gauge("digest_problems", "Open problems", len(now.problems))
        yield _gauge("digest_suppressions", "Addresses that are not written to", now.suppressions)
        editions = GaugeMetricFamily("digest_editions_in_state", "Editions by state", labels=["state"])
        for state, count in now.editions.items():
            editions.add_metric([state], count)
        yield editions
        subscribers = GaugeMetricFamily("digest_subscriptions", "Subscriptions by state", labels=["state"])
        for state, count in now.subscriptions.items():
            subscribers.add_metric([state], count)
        yield subscribers
        due = GaugeMetricFamily("digest_next_run_timestamp_seconds", "When a digest is due next", labels=["digest"])
        for coming in now.coming:
            due.add_metric([coming.digest], coming.runs[0].at.timestamp())
        yield due
        polls = GaugeMetricFamily("digest_source_poll_age_seconds", "Time since a source answered", labels=["source"])
        sources = GaugeMetricFamily("digest_sources", "Live sources by condition", labels=["condition"])
        conditions: dict[str, int] = {}
        for one in now.sources:
            conditions[one.condition] = conditions.get(one.condition, 0) + 1
            if one.last_ok is not None:
                polls.add_metric([one.key], _age(now.at, one.last_ok))
        for condition, count in conditions.items():
            sources.add_metric([condition], count)
        yield polls
        yield sources


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _age(now: datetime, then: datetime) -> float:
    return max((now - then).total_seconds(), 0)
