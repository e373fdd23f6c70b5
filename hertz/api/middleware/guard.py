"""What every request passes first: key, rate and size, then the metrics and the access log.

In: the settings, the keys. Out: the application's answer, or 401, 413 or 429 in the service's
shape. `/health`, `/ready` and the documentation need no key and do not count; everything else
does, whether it exists or not. The console, which asks people to sign in, is told in the scope
whether a key came along. Log and metrics name the route's template, never a path.
"""

from __future__ import annotations

import logging
import math
import time
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hertz.api.errors import TOO_LARGE, TOO_MANY, UNAUTHORIZED, ApiError, code_response
from hertz.api.lists.fast_path import ROUTE
from hertz.api.middleware.metrics import Metrics
from hertz.api.middleware.security import Keys
from hertz.storage.settings import ApiSettings

_DOCUMENTATION = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
OPEN = frozenset({"/health", "/api/v1/health", "/ready"} | _DOCUMENTATION)

CALLER = "hertz.caller"  # in the scope: the digest of the key that came along
_CONSOLE = "/console"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_MOST_CALLERS = 10_000
_access = logging.getLogger("hertz.api.access")


class _Bucket(NamedTuple):
    left: float
    at: float


class RateLimit:
    """A bucket of requests for each caller: `burst` at once, refilled at `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[object, _Bucket] = {}

    def wait(self, caller: object, now: float) -> float:
        """Take one request; 0.0, or the seconds until there is one to take."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(caller)
        left = float(self._burst)
        if bucket is not None:
            left = min(left, bucket.left + (now - bucket.at) * self._rate)
        elif len(self._buckets) >= _MOST_CALLERS:
            self._forget_full(now)
        if left < 1:
            return (1 - left) / self._rate
        self._buckets[caller] = _Bucket(left - 1, now)
        return 0.0

    def _forget_full(self, now: float) -> None:
        """Drop callers whose bucket is full again; if none is, everyone: they start afresh."""
        full = self._burst / self._rate
        kept = {caller: b for caller, b in self._buckets.items() if now - b.at < full}
        self._buckets = kept if len(kept) < _MOST_CALLERS else {}


class Guard:
    """Middleware around everything."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, keys: Keys, metrics: Metrics) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._rates = RateLimit(settings.requests_per_second, settings.burst)
        self._largest = settings.max_body_bytes
        self._log = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it, then count and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            refusal = None if scope["path"] in OPEN else self._refusal(scope)
            if refusal is None:
                await self._app(scope, self._limited(scope, receive), noted)
            else:
                answer = code_response(refusal.status, refusal.code, dict(refusal.headers or {}))
                await answer(scope, receive, noted)
        finally:
            self._note(scope, status, time.perf_counter() - start)

    def _refusal(self, scope: Scope) -> ApiError | None:
        caller = self._keys.caller(scope["headers"]) if self._keys.configured else None
        address = (scope.get("client") or ("",))[0]
        wait = self._rates.wait(caller or address, time.monotonic())
        if wait:
            return ApiError(429, TOO_MANY, {"Retry-After": str(math.ceil(wait))})
        scope[CALLER] = caller
        if self._keys.configured and caller is None and not _is_console(scope["path"]):
            return ApiError(401, UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        length = _header(scope, b"content-length")
        if length is not None and (not length.isdigit() or int(length) > self._largest):
            return ApiError(413, TOO_LARGE)
        return None

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """For a body that does not tell its length: a receive that stops at the limit."""
        if _header(scope, b"transfer-encoding") is None:
            return receive
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._largest:
                raise ApiError(413, TOO_LARGE)
            return message

        return counted

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = str(scope.get(ROUTE) or getattr(scope.get("route"), "path", "unmatched"))
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.observe(method, route, status, seconds)
        if self._log:
            _access.info('"%s %s" %d %.1f ms', method, route, status, seconds * 1000)


def _is_console(path: str) -> bool:
    return path == _CONSOLE or path.startswith(f"{_CONSOLE}/")


def _header(scope: Scope, name: bytes) -> bytes | None:
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None
