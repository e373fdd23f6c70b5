"""Turns the errors of a request into its answer: one of the documented codes, never a trace.

The answer is JSON: `{"code", "data": null}`, or, for a request that is not valid, `{"error":
{"code", "message", "details"}}`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

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

Location = Literal["query", "path", "body"]


class ApiError(HTTPException):
    """Ends a request with a status and one of the documented codes."""

    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, code, headers)
        self.status = status
        self.code = code


def validation_error(
    field: str, reason: str, kind: str, location: Location
) -> RequestValidationError:
    """Returns the error of a value that the framework accepts and the policy or snapshot does not.

    Args:
        field: Name of the parameter or profile field.
        reason: What was found and what is accepted.
        kind: Name of the check, in the style of pydantic's own, such as `greater_than_equal`.
        location: The part of the request that holds the value.
    """
    return RequestValidationError([{"loc": (location, field), "msg": reason, "type": kind}])


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Returns a JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def code_response(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    """Returns the answer to a failed request: its code and no data."""
    return json_response({"code": code, "data": None}, status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Registers the handler of every kind of error."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)


async def _api_error(_: Request, error: Any) -> Response:  # noqa: ANN401  starlette's is too wide
    """Answers with the error's own status and code."""
    return code_response(error.status, error.code, error.headers)


async def _validation_error(_: Request, error: Any) -> Response:  # noqa: ANN401
    """Answers 422 with everything that is not valid."""
    details = [
        {"field": ".".join(map(str, item["loc"][1:])), "reason": item["msg"], "type": item["type"]}
        for item in error.errors()
    ]
    message = "The request is not valid: " + "; ".join(
        f"{d['field']}: {d['reason']}" for d in details
    )
    return json_response({"error": {"code": INVALID, "message": message, "details": details}}, 422)


async def _http_error(_: Request, error: Any) -> Response:  # noqa: ANN401
    """Answers an error of the framework, such as 404 or 405, with the name of its status."""
    code = HTTPStatus(error.status_code).name
    return code_response(error.status_code, code, error.headers)


async def _unexpected_error(_: Request, __: Exception) -> Response:
    """Answers 500; the log names the error's type and place."""
    return code_response(500, "INTERNAL_SERVER_ERROR")
