"""Declares the routes that register, update, delete, block and unblock users.

An answer of success means that the request is on the disk. Profiles are checked by the policy, as
a run checks the rows of a source. A registration costs one look-up in the mapped snapshot and one
insert, whatever the number of users.
"""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError

from hertz.api.errors import UNAVAILABLE, ApiError, json_response, validation_error
from hertz.api.intake.writer import IntakeWriter
from hertz.api.schemas import ErrorAnswer, IntakeAnswer, InvalidAnswer, error_response
from hertz.api.snapshot.follower import SnapshotFollower
from hertz.core.errors import IntakeFullError, StorageError
from hertz.policy.fast_check import CheckedProfile, ProfileCheck
from hertz.policy.json_schema import MAX_ID, profile_example, profile_schema
from hertz.policy.model import Policy
from hertz.storage.intake.events import Request as IntakeRequest

DUPLICATE = "EMBEDDING_CONFLICT_DUPLICATE_ID"
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
FULL = "INTAKE_FULL"
DOWN = "INTAKE_UNAVAILABLE"

_BODY = "(body)"  # the field of an error that concerns the whole body


class _Codes(NamedTuple):
    """The codes of success and of an unknown user; None where an unknown user is no error."""

    success: str
    unknown: str | None


_CODES: dict[str, _Codes] = {
    "register": _Codes("EMBEDDING_REGISTER_SUCCESS", None),
    "update": _Codes("EMBEDDING_UPDATE_SUCCESS", "EMBEDDING_UPDATE_NOT_FOUND_USER"),
    "delete": _Codes("EMBEDDING_DELETE_SUCCESS", "EMBEDDING_DELETE_NOT_FOUND_USER"),
    "block": _Codes("BLOCK_SUCCESS", "BLOCK_NOT_FOUND_USER"),
    "unblock": _Codes("UNBLOCK_SUCCESS", "UNBLOCK_NOT_FOUND_USER"),
}

UserId = Annotated[int, Path(alias="userId", ge=-MAX_ID, le=MAX_ID, examples=[42])]
OtherId = Annotated[int, Path(alias="otherId", ge=-MAX_ID, le=MAX_ID, examples=[7])]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A request that is repeated with the same key is stored once and gets the "
        "same answer",
        examples=["9f1c2a7e-0b6d-4c58-a8f0-6a1f2b3c4d5e"],
    ),
]


def add_intake(app: FastAPI, home: FilePath, policy: Policy) -> None:
    """Adds the write routes of a policy, and the thread that writes, to an application."""
    follower: SnapshotFollower = app.state.follower
    app.state.writer = IntakeWriter(home, follower.overlay, follower.has_user)
    app.state.profile_check = ProfileCheck(policy)
    content = {"schema": profile_schema(policy), "example": profile_example(policy)}
    profile = {"requestBody": {"required": True, "content": {"application/json": content}}}
    router = APIRouter(tags=["intake"], dependencies=[Depends(_require_snapshot)])
    for method, path, handler, body in (
        ("POST", "/api/v1/users", register, profile),
        ("POST", "/api/v3/users", register, profile),
        ("PUT", "/api/v3/users/{userId}", update, profile),
        ("DELETE", "/api/v2/users/{userId}", delete, None),
        ("DELETE", "/api/v3/users/{userId}", delete, None),
        ("POST", "/blocks/{userId}/{otherId}", block, None),
        ("DELETE", "/blocks/{userId}/{otherId}", unblock, None),
    ):
        router.add_api_route(
            path,
            handler,
            methods=[method],
            response_model=IntakeAnswer,
            responses=_responses(handler.__name__),  # each has the name of its kind
            openapi_extra=body,
        )
    app.include_router(router)


async def register(request: Request, key: Key = None) -> Response:
    """Registers a user. The answer means that it is on the disk; the next run makes the lists."""
    checked = await _checked_profile(request)
    return await _submit(
        request, IntakeRequest("register", checked.user_id, profile=checked.columns, key=key)
    )


async def update(request: Request, user_id: UserId, key: Key = None) -> Response:
    """Replaces a user's whole profile. The next run brings the lists up to date."""
    checked = await _checked_profile(request, user_id)
    return await _submit(
        request, IntakeRequest("update", user_id, profile=checked.columns, key=key)
    )


async def delete(request: Request, user_id: UserId, key: Key = None) -> Response:
    """Removes a user from every answer at once, and from all stored files with the next run."""
    _check_id(request, "userId", user_id)
    return await _submit(request, IntakeRequest("delete", user_id, key=key))


async def block(request: Request, user_id: UserId, other_id: OtherId, key: Key = None) -> Response:
    """Hides two users from each other, at once and in both directions."""
    _check_pair(request, user_id, other_id)
    return await _submit(request, IntakeRequest("block", user_id, other_id, key=key))


async def unblock(
    request: Request, user_id: UserId, other_id: OtherId, key: Key = None
) -> Response:
    """Withdraws a user's block of another user; the next run may list the two again."""
    _check_pair(request, user_id, other_id)
    return await _submit(request, IntakeRequest("unblock", user_id, other_id, key=key))


async def _require_snapshot(request: Request) -> None:
    """Answers 503 if a snapshot, which decides who exists, was published and cannot be served."""
    follower: SnapshotFollower = request.app.state.follower
    if follower.served is None and follower.is_published:
        raise ApiError(503, UNAVAILABLE)


async def _checked_profile(request: Request, user_id: int | None = None) -> CheckedProfile:
    """Returns the profile in a request's body, which may leave out an id that is in the path."""
    check: ProfileCheck = request.app.state.profile_check
    id_field = check.policy.id_field
    body = _json_object(await request.body())
    if user_id is not None:
        body.setdefault(id_field, user_id)
    checked = check.fast_check(body)
    if checked is None:
        checked = await asyncio.to_thread(check.check, body)
    if checked.problems:
        raise RequestValidationError(
            [
                {"loc": ("body", problem.field), "msg": problem.reason, "type": problem.kind}
                for problem in checked.problems
            ]
        )
    if user_id not in (None, checked.user_id):
        reason = f"Input should be {user_id}, the id in the path"
        raise validation_error(id_field, reason, "value_error", "body")
    return checked


def _json_object(raw: bytes) -> dict[str, Any]:
    """Returns a body as a JSON object; anything else is a validation error."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise validation_error(_BODY, f"not JSON: {error}", "json_invalid", "body") from error
    if not isinstance(body, dict):
        raise validation_error(_BODY, "Input should be a JSON object", "dict_type", "body")
    return body


async def _submit(request: Request, asked: IntakeRequest) -> Response:
    """Writes a request to the intake and returns the answer to its outcome."""
    writer: IntakeWriter = request.app.state.writer
    try:
        outcome = await writer.submit(asked)
    except IntakeFullError as error:
        raise ApiError(507, FULL) from error
    except StorageError as error:
        raise ApiError(503, DOWN) from error
    codes = _CODES[asked.kind]
    if outcome.verdict == "exists":
        raise ApiError(409, DUPLICATE)
    if outcome.verdict == "unknown":
        raise ApiError(404, str(codes.unknown))
    if outcome.verdict == "key_reused":
        raise ApiError(422, KEY_REUSED)
    return json_response({"code": codes.success, "data": None})


def _check_id(request: Request, field: str, user_id: int) -> None:
    """Raises a validation error for an id below the policy's smallest one."""
    minimum = request.app.state.profile_check.policy.id_minimum
    if user_id < minimum:
        reason = f"Input should be greater than or equal to {minimum}"
        raise validation_error(field, reason, "greater_than_equal", "path")


def _check_pair(request: Request, user_id: int, other_id: int) -> None:
    """Raises a validation error unless a block of the pair can be stored."""
    field = "otherId"
    _check_id(request, "userId", user_id)
    _check_id(request, field, other_id)
    if user_id == other_id:
        raise validation_error(field, "Input should be another user", "value_error", "path")
    if not request.app.state.profile_check.policy.block_fields:
        reason = "the policy has no `eligibility.blocked` field that could hold a block"
        raise validation_error(field, reason, "policy", "path")


def _responses(kind: str) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI descriptions of the answers to one kind of request."""
    codes = _CODES[kind]
    example = {"application/json": {"example": {"code": codes.success, "data": None}}}
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "The request is on the disk", "content": example},
        422: {
            "model": InvalidAnswer | ErrorAnswer,
            "description": "The request is not valid, with everything that is wrong with it; or "
            f"its idempotency key was used for another request ({KEY_REUSED})",
        },
        500: error_response("The server failed", "INTERNAL_SERVER_ERROR"),
        503: error_response("The intake or the snapshot cannot be used; `/health` says why", DOWN),
        507: error_response("The disk is full; nothing was stored", FULL),
    }
    if codes.unknown is None:
        responses[409] = error_response("A user with this id exists", DUPLICATE)
    else:
        responses[404] = error_response("There is no such user", codes.unknown)
    return responses
