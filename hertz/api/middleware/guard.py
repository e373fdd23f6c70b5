"""Checks the key, the rate and the size of every request, then counts and logs it.

`/health`, `/ready` and the documentation need no key and have no rate limit; every other path has
both. The console asks people to sign in instead, so its requests pass without a key. Log and
metrics name the route's template and no path.
"""

from __future__ import annotations

import logging
import math
import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hertz.api.errors import TOO_LARGE, TOO_MANY, UNAUTHORIZED, ApiError, code_response
from hertz.api.lists.fast_path import ROUTE
from hertz.api.middleware.metrics import Metrics
from hertz.api.middleware.rate_limit import RateLimit
from hertz.api.middleware.security import Keys
from hertz.storage.settings import ApiSettings

_DOCUMENTATION = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
OPEN_PATHS = frozenset({"/health", "/api/v1/health", "/ready"} | _DOCUMENTATION)

CALLER = "hertz.caller"  # key of the request's scope: digest of the accepted API key, or None
_CONSOLE = re.compile(r"/console(/|\Z)")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_access_log = logging.getLogger("hertz.api.access")


class Guard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, keys: Keys, metrics: Metrics) -> None:
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._rates = RateLimit(settings.requests_per_second, settings.burst)
        self._max_body_bytes = settings.max_body_bytes
        self._logs_requests = settings.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on or refuses it, then counts and logs it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            refusal = None if scope["path"] in OPEN_PATHS else self._refusal(scope)
            if refusal is None:
                await self._app(scope, self._limited(scope, receive), send_and_note_status)
            else:
                answer = code_response(refusal.status, refusal.code, dict(refusal.headers or {}))
                await answer(scope, receive, send_and_note_status)
        finally:
            self._record(scope, status, time.perf_counter() - start)

    def _refusal(self, scope: Scope) -> ApiError | None:
        """Returns why a request is refused by its head alone; None if it is not."""
        caller = self._keys.caller(scope["headers"]) if self._keys.configured else None
        address = (scope.get("client") or ("",))[0]
        wait = self._rates.wait(caller or address, time.monotonic())
        if wait:
            return ApiError(429, TOO_MANY, {"Retry-After": str(math.ceil(wait))})
        scope[CALLER] = caller
        if self._keys.configured and caller is None and not _CONSOLE.match(scope["path"]):
            return ApiError(401, UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        length = _header(scope, b"content-length")
        if length is not None and (not length.isdigit() or int(length) > self._max_body_bytes):
            return ApiError(413, TOO_LARGE)
        return None

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Returns a receive that fails beyond the largest body."""
        if _header(scope, b"transfer-encoding") is None:  # the body's length is stated
            return receive
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise ApiError(413, TOO_LARGE)
            return message

        return receive_counted

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts and logs a request under the template of its route."""
        route = str(scope.get(ROUTE) or getattr(scope.get("route"), "path", "unmatched"))
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.observe(method, route, status, seconds)
        if self._logs_requests:
            _access_log.info('"%s %s" %d %.1f ms', method, route, status, seconds * 1000)


def _header(scope: Scope, name: bytes) -> bytes | None:
    """Returns the first header of a name; None without one."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None
