"""Adds to the OpenAPI document what all routes share: the keys and the errors of the middleware.

The guard around all routes answers 401, 413 and 429, and a handler of last resort answers 500, so
no route declares them.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from hertz.api.errors import TOO_LARGE, TOO_MANY, UNAUTHORIZED
from hertz.api.middleware.guard import OPEN_PATHS

_SECURITY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def complete_document(app: FastAPI) -> None:
    """Makes `app.openapi` return a document with the shared keys and errors in it."""
    framework_document = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = framework_document()
            document["components"]["securitySchemes"] = _SECURITY_SCHEMES
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete_operation(path, operation)
        return app.openapi_schema or {}

    app.openapi = completed  # type: ignore[method-assign]


def _complete_operation(path: str, operation: dict[str, Any]) -> None:
    """Adds the shared errors and the accepted keys to one operation, in place."""
    responses = operation["responses"]
    responses.setdefault("500", _error("The server failed", "INTERNAL_SERVER_ERROR"))
    if path in OPEN_PATHS:
        return
    operation["security"] = [{"key": []}, {"bearer": []}]
    responses["401"] = _error("The API key is missing or not accepted", UNAUTHORIZED)
    responses["413"] = _error("The body is larger than `[api] max_body_bytes`", TOO_LARGE)
    responses["429"] = _error(
        "Too many requests: try again after the seconds in Retry-After", TOO_MANY
    )
    responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}


def _error(description: str, code: str) -> dict[str, Any]:
    """Returns the OpenAPI description of an error with one code."""
    schema = {"$ref": "#/components/schemas/ErrorAnswer"}
    content = {"schema": schema, "example": {"code": code, "data": None}}
    return {"description": description, "content": {"application/json": content}}
