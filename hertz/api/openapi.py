"""The OpenAPI document: what every route has in common is added here, to each, once.

Keys, 401, 413 and 429 come from the guard around all routes, and 500 from the last resort; no
route declares them.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from hertz.api.errors import TOO_LARGE, TOO_MANY, UNAUTHORIZED
from hertz.api.middleware.guard import OPEN

_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_ERROR = "#/components/schemas/ErrorAnswer"


def install(app: FastAPI) -> None:
    """Make the application's document whole."""
    made = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            document["components"]["securitySchemes"] = _SCHEMES
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete(path, operation)
        return app.openapi_schema or {}

    app.openapi = whole  # type: ignore[method-assign]


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.setdefault("500", _error("An error of the server itself", "INTERNAL_SERVER_ERROR"))
    if path in OPEN:
        return
    operation["security"] = [{"key": []}, {"bearer": []}]
    responses["401"] = _error("No key, or one that is not accepted", UNAUTHORIZED)
    responses["413"] = _error("The body is larger than [api] max_body_bytes", TOO_LARGE)
    responses["429"] = _error("Too many requests: wait Retry-After seconds", TOO_MANY)
    responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}


def _error(description: str, code: str) -> dict[str, Any]:
    content = {"schema": {"$ref": _ERROR}, "example": {"code": code, "data": None}}
    return {"description": description, "content": {"application/json": content}}
