"""Counts requests by route template and status for Prometheus, and describes what is served.

No label ever holds an id. Each application has a registry of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from hertz.api.snapshot.follower import SnapshotFollower

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)  # seconds


class Metrics:
    """The metrics of one application and of the snapshot that it serves."""

    def __init__(self, follower: SnapshotFollower) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "hertz_requests", "Requests answered", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "hertz_request_seconds",
            "Seconds from the request's head to the end of its answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_SnapshotCollector(follower))
        ProcessCollector(registry=self._registry)
        self._cached_recorders = functools.lru_cache(1000)(self._recorders)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        count, observe_seconds = self._cached_recorders(method, route, status)
        count()
        observe_seconds(seconds)

    def render(self) -> bytes:
        """Returns all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _recorders(
        self, method: str, route: str, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        """Returns the functions that count a request of these labels and its seconds."""
        counter = self._requests.labels(method, route, str(status))
        return counter.inc, self._seconds.labels(method, route).observe


class _SnapshotCollector(Collector):
    """Describes the served snapshot whenever the metrics are read."""

    def __init__(self, follower: SnapshotFollower) -> None:
        self._follower = follower

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics of the served snapshot."""
        served = self._follower.served
        yield GaugeMetricFamily(
            "hertz_ready", "1 if a snapshot is served", value=float(served is not None)
        )
        yield GaugeMetricFamily(
            "hertz_snapshot_problem",
            "1 if the published snapshot is not the one served: see /health",
            value=float(self._follower.problem is not None),
        )
        if served is None:
            return
        age = (datetime.now(UTC) - served.manifest.created_at).total_seconds()
        yield GaugeMetricFamily(
            "hertz_snapshot_age_seconds", "Seconds since the served snapshot was made", value=age
        )
        yield GaugeMetricFamily(
            "hertz_users", "Users in the served snapshot", value=served.reader.users
        )
        info = {"run_id": served.manifest.run_id, "policy_hash": served.manifest.policy_hash}
        yield InfoMetricFamily("hertz_snapshot", "The served snapshot", value=info)
