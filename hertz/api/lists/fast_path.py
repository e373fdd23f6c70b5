"""The short way of the hot reads: plain requests are answered before the framework sees them.

FastAPI's own way to a handler (router, exit stacks, dependencies, validation) takes longer than
the read. So a request for a list whose arguments are plainly right is answered here, by the same
functions; every other one (a missing or odd argument, an escape, an unknown user, any error) goes
the documented way, which decides. A test holds both ways to the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from hertz.api.errors import ApiError
from hertz.api.lists.reads import MAX_ID, Page, View, matches, tuning, view_now

ROUTE = "hertz.route"  # in the scope: the template of the route that answered

_PLAIN = re.compile(rb"([A-Za-z]+)=([A-Za-z0-9_-]+)")
_DIGITS = re.compile(r"[1-9][0-9]{0,18}")
_LIMIT = range(1, 1001)


class LeanReads:
    """Middleware that answers plain requests for lists and passes on all others."""

    def __init__(self, app: ASGIApp, state: FastAPI) -> None:
        self._app = app
        self._state = state.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        if scope["type"] == "http" and scope["method"] == "GET":
            found = self._answer(scope)
            if found is not None:
                await found(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        read = _READS.get(path)
        template, user = path, ""
        if read is None and path.startswith("/matches/"):
            read, template, user = _matches, "/matches/{userId}", path[9:]
        view = view_now(self._state)
        arguments = _arguments(scope["query_string"]) if read and view else None
        if arguments is None or read is None or view is None:
            return None
        try:
            found = read(view, user, arguments)
        except (ApiError, RequestValidationError):
            return None
        if found is not None:
            scope[ROUTE] = template
        return found


def _arguments(query: bytes) -> dict[str, str] | None:
    """The query's arguments; None unless all are plain and there are no two of a name."""
    found: dict[str, str] = {}
    for part in query.split(b"&") if query else ():
        plain = _PLAIN.fullmatch(part)
        if plain is None:
            return None
        found[plain[1].decode()] = plain[2].decode()
    return found if len(found) == (query.count(b"&") + 1 if query else 0) else None


def _user(text: str) -> int | None:
    return user if _DIGITS.fullmatch(text) and (user := int(text)) <= MAX_ID else None


def _tuning_v1(view: View, _: str, arguments: dict[str, str]) -> Response | None:
    user = _user(arguments.get("userId", ""))
    return tuning(view, user, None) if user and len(arguments) == 1 else None


def _tuning_v3(view: View, _: str, arguments: dict[str, str]) -> Response | None:
    user, category = _user(arguments.get("userId", "")), arguments.get("category")
    plain = user and category and len(arguments) == 2
    return tuning(view, user, category) if user and plain else None


def _matches(view: View, path: str, arguments: dict[str, str]) -> Response | None:
    user, limit = _user(path), arguments.pop("limit", "100")
    known = arguments.keys() <= {"category", "language", "cursor"}
    if not user or not known or not _DIGITS.fullmatch(limit) or int(limit) not in _LIMIT:
        return None
    return matches(view, user, Page(limit=int(limit), **arguments))


_READS: dict[str, Callable[[View, str, dict[str, str]], Response | None]] = {
    "/api/v1/tuning": _tuning_v1,
    "/api/v3/tuning": _tuning_v3,
}
