"""What goes wrong in a request, and the answer it gets: the service's codes, never a trace.

In: an exception raised in a route. Out: JSON, `{"code", "data": null}`, or for a request that is
not valid `{"error": {"code", "message", "details"}}`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

NOT_FOUND_USER = "TUNING_NOT_FOUND_USER"
NOT_FOUND_MATCH = "MATCH_NOT_FOUND"
CURSOR_EXPIRED = "CURSOR_EXPIRED"
UNAVAILABLE = "SNAPSHOT_UNAVAILABLE"
SIMILAR_UNAVAILABLE = "SIMILAR_UNAVAILABLE"
UNAUTHORIZED = "UNAUTHORIZED"
TOO_LARGE = "BODY_TOO_LARGE"
TOO_MANY = "TOO_MANY_REQUESTS"
INVALID = "BAD_REQUEST_VALIDATION_ERROR"


class ApiError(HTTPException):
    """Ends a request with a status and one of the service's codes."""

    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, code, headers)
        self.status = status
        self.code = code


def invalid(place: str, field: str, reason: str, kind: str) -> RequestValidationError:
    """The error of a value that only the snapshot's policy can tell is wrong.

    Args:
        place: "query" or "path".
        field: The parameter's name.
        reason: The value, and what is accepted.
        kind: A name for the check, as pydantic gives its own.
    """
    return RequestValidationError([{"loc": (place, field), "msg": reason, "type": kind}])


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def code_response(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    """The answer of a failure with its code."""
    return json_response({"code": code, "data": None}, status, headers)


def install(app: FastAPI) -> None:
    """Give every kind of failure its answer."""
    app.add_exception_handler(ApiError, _known)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _unexpected)


async def _known(_: Request, error: Any) -> Response:  # noqa: ANN401  starlette's type is too wide
    return code_response(error.status, error.code, error.headers)


async def _not_valid(_: Request, error: Any) -> Response:  # noqa: ANN401
    details = [
        {"field": ".".join(map(str, item["loc"][1:])), "reason": item["msg"], "type": item["type"]}
        for item in error.errors()
    ]
    message = "The request is not valid: " + "; ".join(
        f"{d['field']}: {d['reason']}" for d in details
    )
    return json_response({"error": {"code": INVALID, "message": message, "details": details}}, 422)


async def _no_route(_: Request, error: Any) -> Response:  # noqa: ANN401
    code = HTTPStatus(error.status_code).name
    return code_response(error.status_code, code, error.headers)


async def _unexpected(_: Request, __: Exception) -> Response:
    return code_response(500, "INTERNAL_SERVER_ERROR")
