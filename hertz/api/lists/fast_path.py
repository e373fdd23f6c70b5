"""Answers plainly valid requests for lists before the framework handles them.

The same functions answer, without FastAPI's routing, dependencies and validation, which take longer
than the read itself. Every other request (an unusual argument, any error) is passed on to the
documented route; a test compares the bytes. Measurements: docs/decisions/fast-path-of-reads.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from hertz.api.errors import ApiError
from hertz.api.lists.reads import MAX_LIST_LENGTH, PageRequest, View, current_view, matches, tuning
from hertz.policy.json_schema import MAX_ID

ROUTE = "hertz.route"  # key of the request's scope: template of the route that answered

_PLAIN_ARGUMENT = re.compile(rb"([A-Za-z]+)=([A-Za-z0-9_-]+)")
_POSITIVE = re.compile(r"[1-9][0-9]{0,18}")
_MATCHES = "/matches/"
_OPTIONAL_ARGUMENTS = {"category", "language", "cursor"}


class FastPath:
    """Middleware that answers plainly valid requests for lists and passes on all others."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request or passes it on to the application."""
        if scope["type"] == "http" and scope["method"] == "GET":
            response = self._response(scope)
            if response is not None:
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _response(self, scope: Scope) -> Response | None:
        """Returns the answer to a plainly valid request; None for any other request."""
        path: str = scope["path"]
        read = _READS.get(path)
        template = path
        user = ""
        if read is None and path.startswith(_MATCHES):
            read = _read_matches
            template = "/matches/{userId}"
            user = path[len(_MATCHES) :]
        if read is None or (view := current_view(self._state)) is None:
            return None
        arguments = _plain_arguments(scope["query_string"])
        if arguments is None:
            return None
        try:
            response = read(view, user, arguments)
        except (ApiError, RequestValidationError):
            return None
        if response is not None:
            scope[ROUTE] = template
        return response


def _plain_arguments(query: bytes) -> dict[str, str] | None:
    """Returns a query's arguments; None if one is empty or escaped, or a name comes twice."""
    if not query:
        return {}
    parts = query.split(b"&")
    found: dict[str, str] = {}
    for part in parts:
        plain = _PLAIN_ARGUMENT.fullmatch(part)
        if plain is None:
            return None
        found[plain[1].decode()] = plain[2].decode()
    return found if len(found) == len(parts) else None


def _user_id(text: str) -> int | None:
    """Returns a positive id in its usual notation; None for any other text."""
    return user if _POSITIVE.fullmatch(text) and (user := int(text)) <= MAX_ID else None


def _read_tuning_v1(view: View, _: str, arguments: dict[str, str]) -> Response | None:
    """Answers `/api/v1/tuning` if `userId` is its only argument."""
    user = _user_id(arguments.get("userId", ""))
    return tuning(view, user, None) if user and len(arguments) == 1 else None


def _read_tuning_v3(view: View, _: str, arguments: dict[str, str]) -> Response | None:
    """Answers `/api/v3/tuning` if `userId` and `category` are its only arguments."""
    user = _user_id(arguments.get("userId", ""))
    category = arguments.get("category")
    return tuning(view, user, category) if user and category and len(arguments) == 2 else None


def _read_matches(view: View, user_id: str, arguments: dict[str, str]) -> Response | None:
    """Answers `/matches/{userId}` if its arguments are known and the limit is in range."""
    user = _user_id(user_id)
    limit = arguments.pop("limit", "100")
    known = arguments.keys() <= _OPTIONAL_ARGUMENTS
    if not user or not known or not _POSITIVE.fullmatch(limit) or int(limit) > MAX_LIST_LENGTH:
        return None
    return matches(view, user, PageRequest(limit=int(limit), **arguments))


_READS: dict[str, Callable[[View, str, dict[str, str]], Response | None]] = {
    "/api/v1/tuning": _read_tuning_v1,
    "/api/v3/tuning": _read_tuning_v3,
}
