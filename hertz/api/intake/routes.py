"""The write routes: register, update, delete, block. Each answer means: it is on the disk.

What is sent is checked by the policy as `prepare` checks a source. Registration costs one look into
the mapped snapshot and one insert, whatever the number of users.
"""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError

from hertz.api.errors import UNAVAILABLE, ApiError, invalid, json_response
from hertz.api.intake.writer import IntakeWriter
from hertz.api.schemas import ErrorAnswer, IntakeAnswer, InvalidAnswer
from hertz.api.snapshot.follower import SnapshotFollower
from hertz.core.errors import IntakeFullError, StorageError
from hertz.policy.fast_check import CheckedProfile, ProfileCheck
from hertz.policy.json_schema import MAX_ID, profile_example, profile_schema
from hertz.policy.model import Policy
from hertz.storage.intake.events import Kind, Outcome
from hertz.storage.intake.events import Request as Asked

DUPLICATE = "EMBEDDING_CONFLICT_DUPLICATE_ID"
KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
FULL = "INTAKE_FULL"
DOWN = "INTAKE_UNAVAILABLE"

_WHOLE_BODY = ("body", "(body)")
_OTHER = ("path", "otherId")
_OBJECT_ACCEPTED = "Input should be a JSON object"
_ANOTHER_USER = "Input should be another user"
_NO_BLOCKS = "the policy has no `eligibility.blocked` field that could hold a block"

_SUCCESS: dict[Kind, str] = {
    "register": "EMBEDDING_REGISTER_SUCCESS",
    "update": "EMBEDDING_UPDATE_SUCCESS",
    "delete": "EMBEDDING_DELETE_SUCCESS",
    "block": "BLOCK_SUCCESS",
    "unblock": "UNBLOCK_SUCCESS",
}
_UNKNOWN: dict[Kind, str] = {
    "update": "EMBEDDING_UPDATE_NOT_FOUND_USER",
    "delete": "EMBEDDING_DELETE_NOT_FOUND_USER",
    "block": "BLOCK_NOT_FOUND_USER",
    "unblock": "UNBLOCK_NOT_FOUND_USER",
}

UserId = Annotated[int, Path(alias="userId", ge=-MAX_ID, le=MAX_ID, examples=[42])]
OtherId = Annotated[int, Path(alias="otherId", ge=-MAX_ID, le=MAX_ID, examples=[7])]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same request is taken once; its answer is the same",
        examples=["9f1c2a7e-0b6d-4c58-a8f0-6a1f2b3c4d5e"],
    ),
]


def add_intake(app: FastAPI, home: FilePath, policy: Policy) -> None:
    """Give an application the write routes of a policy, and the thread that writes."""
    follower: SnapshotFollower = app.state.follower
    app.state.writer = IntakeWriter(home, follower.overlay, follower.knows)
    app.state.profile_check = ProfileCheck(policy)
    app.include_router(_router(policy))


def _router(policy: Policy) -> APIRouter:
    router = APIRouter(tags=["intake"], dependencies=[Depends(_writable)])
    body = {"requestBody": _request_body(policy)}
    for path in ("/api/v1/users", "/api/v3/users"):
        router.post(
            path,
            response_model=IntakeAnswer,
            responses=_answers("register"),
            openapi_extra=body,
        )(register)
    router.put(
        "/api/v3/users/{userId}",
        response_model=IntakeAnswer,
        responses=_answers("update"),
        openapi_extra=body,
    )(update)
    for path in ("/api/v2/users/{userId}", "/api/v3/users/{userId}"):
        router.delete(path, response_model=IntakeAnswer, responses=_answers("delete"))(delete)
    blocks = "/blocks/{userId}/{otherId}"
    router.post(blocks, response_model=IntakeAnswer, responses=_answers("block"))(block)
    router.delete(blocks, response_model=IntakeAnswer, responses=_answers("unblock"))(unblock)
    return router


async def register(request: Request, key: Key = None) -> Response:
    """Register a user. Durable when answered; in the lists after the next run."""
    checked = await _profile(request)
    asked = Asked("register", checked.user_id, profile=checked.columns, key=key)
    return await _take(request, asked)


async def update(request: Request, user_id: UserId, key: Key = None) -> Response:
    """Replace a user's whole profile. The lists follow with the next run."""
    checked = await _profile(request, user_id)
    return await _take(request, Asked("update", user_id, profile=checked.columns, key=key))


async def delete(request: Request, user_id: UserId, key: Key = None) -> Response:
    """Remove a user: from every answer at once, from all that is stored with the next run."""
    _check_id(request, "userId", user_id)
    return await _take(request, Asked("delete", user_id, key=key))


async def block(request: Request, user_id: UserId, other_id: OtherId, key: Key = None) -> Response:
    """Never show the two to each other again: at once, in both directions."""
    _check_pair(request, user_id, other_id)
    return await _take(request, Asked("block", user_id, other_id, key=key))


async def unblock(
    request: Request, user_id: UserId, other_id: OtherId, key: Key = None
) -> Response:
    """Take back a user's block of another; the next run may list the two again."""
    _check_pair(request, user_id, other_id)
    return await _take(request, Asked("unblock", user_id, other_id, key=key))


async def _writable(request: Request) -> None:
    """Without the snapshot nobody can tell who exists; before the first night nobody does."""
    follower: SnapshotFollower = request.app.state.follower
    if follower.served is None and follower.is_published:
        raise ApiError(503, UNAVAILABLE)


async def _profile(request: Request, user_id: int | None = None) -> CheckedProfile:
    """The profile in a request's body.

    Args:
        request: The request.
        user_id: Whose it must be; it may then leave the id out.
    """
    body, check = _json_object(await request.body()), _check_of(request)
    id_field = check.policy.id_field
    if user_id is not None:
        body.setdefault(id_field, user_id)
    checked = check.fast_check(body)
    if checked is None:
        checked = await asyncio.to_thread(check.check, body)
    problems = [
        {"loc": ("body", problem.field), "msg": problem.reason, "type": problem.kind}
        for problem in checked.problems
    ]
    if not problems and user_id not in (None, checked.user_id):
        reason = f"Input should be {user_id}, the id in the path"
        problems = [{"loc": ("body", id_field), "msg": reason, "type": "value_error"}]
    if problems:
        raise RequestValidationError(problems)
    return checked


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        reason = f"not JSON: {error}"
        raise invalid(*_WHOLE_BODY, reason, "json_invalid") from error
    if not isinstance(body, dict):
        raise invalid(*_WHOLE_BODY, _OBJECT_ACCEPTED, "dict_type")
    return body


async def _take(request: Request, asked: Asked) -> Response:
    writer: IntakeWriter = request.app.state.writer
    try:
        outcome: Outcome = await writer.submit(asked)
    except IntakeFullError as error:
        raise ApiError(507, FULL) from error
    except StorageError as error:
        raise ApiError(503, DOWN) from error
    if outcome.verdict == "exists":
        raise ApiError(409, DUPLICATE)
    if outcome.verdict == "unknown":
        raise ApiError(404, _UNKNOWN[asked.kind])
    if outcome.verdict == "key_reused":
        raise ApiError(422, KEY_REUSED)
    return json_response({"code": _SUCCESS[asked.kind], "data": None})


def _check_of(request: Request) -> ProfileCheck:
    check: ProfileCheck = request.app.state.profile_check
    return check


def _check_id(request: Request, field: str, user_id: int) -> None:
    minimum = _check_of(request).policy.id_minimum
    if user_id < minimum:
        reason = f"Input should be greater than or equal to {minimum}"
        place = "path"
        raise invalid(place, field, reason, "greater_than_equal")


def _check_pair(request: Request, user_id: int, other_id: int) -> None:
    _check_id(request, "userId", user_id)
    _check_id(request, "otherId", other_id)
    if user_id == other_id:
        raise invalid(*_OTHER, _ANOTHER_USER, "value_error")
    if not _check_of(request).policy.block_fields:
        raise invalid(*_OTHER, _NO_BLOCKS, "policy")


def _request_body(policy: Policy) -> dict[str, Any]:
    content = {"schema": profile_schema(policy), "example": profile_example(policy)}
    return {"required": True, "content": {"application/json": content}}


def _error(description: str, code: str) -> dict[str, Any]:
    example = {"application/json": {"example": {"code": code, "data": None}}}
    return {"model": ErrorAnswer, "description": description, "content": example}


def _answers(kind: Kind) -> dict[int | str, dict[str, Any]]:
    example = {"application/json": {"example": {"code": _SUCCESS[kind], "data": None}}}
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "Taken, and on the disk", "content": example},
        422: {
            "model": InvalidAnswer | ErrorAnswer,
            "description": "Not valid, with everything that is wrong; or a key used before for "
            f"another request ({KEY_REUSED})",
        },
        500: _error("An error of the server itself", "INTERNAL_SERVER_ERROR"),
        503: _error("The intake or the snapshot cannot be used: see /health", DOWN),
        507: _error("The disk is full; nothing was taken", FULL),
    }
    if kind == "register":
        answers[409] = _error("There is a user with this id", DUPLICATE)
    else:
        answers[404] = _error("There is no such user", _UNKNOWN[kind])
    return answers
