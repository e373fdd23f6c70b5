"""Limits how many requests a caller may make: a token bucket for each caller, in memory."""

from __future__ import annotations

from typing import NamedTuple

_MAX_CALLERS = 10_000


class _Bucket(NamedTuple):
    """The tokens that a caller had left at a time, in seconds of a monotonic clock."""

    tokens: float
    time: float


class RateLimit:
    """Token buckets of callers.

    Args:
        rate: Tokens that a bucket gains each second; 0 for no limit.
        burst: Tokens of a full bucket, and so of a new caller.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[object, _Bucket] = {}

    def wait(self, caller: object, now: float) -> float:
        """Takes one token at a monotonic time; returns 0.0, or the seconds until there is one."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(caller)
        tokens = float(self._burst)
        if bucket is not None:
            tokens = min(tokens, bucket.tokens + (now - bucket.time) * self._rate)
        elif len(self._buckets) >= _MAX_CALLERS:
            self._drop_full(now)
        if tokens < 1:
            return (1 - tokens) / self._rate
        self._buckets[caller] = _Bucket(tokens - 1, now)
        return 0.0

    def _drop_full(self, now: float) -> None:
        """Drops the callers whose bucket is full again; if none is, drops everyone."""
        seconds = self._burst / self._rate
        kept = {caller: b for caller, b in self._buckets.items() if now - b.time < seconds}
        self._buckets = kept if len(kept) < _MAX_CALLERS else {}
