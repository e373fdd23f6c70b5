"""The read routes: the old service's, `/matches` with scores and explanations, and `/health`.

Handlers are coroutines that never wait: a read of the mapped file takes microseconds, less than
handing it to a thread. Each one uses the one snapshot it was given.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.errors import NOT_FOUND_USER, UNAVAILABLE, ApiError, invalid, json_response
from api.follower import Served, SnapshotFollower
from api.models import (
    ErrorAnswer,
    HealthAnswer,
    InvalidAnswer,
    MatchesAnswer,
    TuningAnswer,
    UnavailableAnswer,
)
from storage.serving import Match

TUNING_LIMIT = 100
SNAPSHOT_HEADER = "X-Hertz-Snapshot"

_MIN_ID, _MAX_ID = -(2**63), 2**63 - 1
_LONGEST_SHOWN = 40


def _error(description: str, code: str) -> dict[str, Any]:
    example = {"application/json": {"example": {"code": code, "data": None}}}
    return {"model": ErrorAnswer, "description": description, "content": example}


_READ_ERRORS: dict[int | str, dict[str, Any]] = {
    404: _error("The snapshot does not know this user", NOT_FOUND_USER),
    422: {"model": InvalidAnswer, "description": "A parameter is missing or not accepted"},
    500: _error("An error of the server itself", "INTERNAL_SERVER_ERROR"),
    503: _error("No snapshot can be served: see /health", UNAVAILABLE),
}

router = APIRouter()


def _follower(request: Request) -> SnapshotFollower:
    follower: SnapshotFollower = request.app.state.follower
    return follower


async def _served(request: Request) -> Served:
    served = _follower(request).served
    if served is None or not served.overlay.ready:  # nobody is shown whom a deletion may hide
        raise ApiError(503, UNAVAILABLE)
    return served


Snapshot = Annotated[Served, Depends(_served)]
TunedUser = Annotated[int, Query(alias="userId", gt=0, le=_MAX_ID, examples=[42])]
ListedUser = Annotated[int, Path(alias="userId", ge=_MIN_ID, le=_MAX_ID, examples=[42])]
CategoryName = Annotated[str, Query(description="A category of the policy", examples=["friend"])]


@router.get("/api/v1/tuning", response_model=TuningAnswer, responses=_READ_ERRORS)
async def tuning_v1(served: Snapshot, user_id: TunedUser) -> Response:
    """Ids of the user's best matches, up to 100, in the policy's first category."""
    return _tuning(served, user_id, served.reader.categories[0])


@router.get("/api/v3/tuning", response_model=TuningAnswer, responses=_READ_ERRORS)
async def tuning_v3(served: Snapshot, user_id: TunedUser, category: CategoryName) -> Response:
    """Ids of the user's best matches, up to 100, in a category."""
    return _tuning(served, user_id, category)


@router.get("/matches/{userId}", response_model=MatchesAnswer, responses=_READ_ERRORS)
async def matches(
    served: Snapshot,
    user_id: ListedUser,
    category: Annotated[str | None, Query(description="Default: the policy's first")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    language: Annotated[str | None, Query(description="Default: the policy's first")] = None,
) -> Response:
    """The user's list with scores, what they are made of, and explanations of the best."""
    reader = served.reader
    category = reader.categories[0] if category is None else category
    language = reader.languages[0] if language is None else language
    _check("query", "category", category, reader.categories)
    _check("query", "language", language, reader.languages)
    if _is_pending(served, "path", user_id):
        return _answer(served, _pending_list(served, user_id, category))
    entries = served.matches(category, user_id, limit)
    told = [reader.explanation(category, user_id, entry.other_id, language) for entry in entries]
    body = {
        "snapshot": served.manifest.run_id,
        "userId": user_id,
        "category": category,
        "status": "ready",
        "matches": [_entry(entry, text) for entry, text in zip(entries, told, strict=True)],
    }
    return _answer(served, body)


@router.get(
    "/api/v1/health", response_model=HealthAnswer, responses={503: {"model": UnavailableAnswer}}
)
@router.get("/health", response_model=HealthAnswer, responses={503: {"model": UnavailableAnswer}})
async def health(request: Request) -> Response:
    """What is served, or why nothing is."""
    served, problem = _follower(request).served, _follower(request).problem
    if served is None:
        return json_response({"status": "unavailable", "reason": problem}, 503)
    body = {
        "status": "ok",
        "snapshot": served.manifest.run_id,
        "created_at": served.manifest.created_at,
        "users": served.reader.users,
        "policy_hash": served.manifest.policy_hash,
        "notes": [note for note in (problem, served.overlay.problem) if note],
    }
    return _answer(served, body)


def _tuning(served: Served, user_id: int, category: str) -> Response:
    _check("query", "category", category, served.reader.categories)
    if _is_pending(served, "query", user_id):
        return _answer(served, {"code": "TUNING_PENDING", "data": None})
    ids = served.match_ids(category, user_id, TUNING_LIMIT)
    code = "TUNING_SUCCESS" if ids else "TUNING_SUCCESS_BUT_NO_MATCH"
    return _answer(served, {"code": code, "data": {"userIdList": ids} if ids else None})


def _check(place: str, field: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        reason = f"{value[:_LONGEST_SHOWN]!r} is not known; accepted: {', '.join(accepted)}"
        raise invalid(place, field, reason, "enum")


def _is_pending(served: Served, place: str, user_id: int) -> bool:
    """Whether the user waits for the next run; ends the request where nobody knows the user."""
    minimum = served.reader.id_minimum
    if user_id < minimum:
        reason = f"Input should be greater than or equal to {minimum}"
        raise invalid(place, "userId", reason, "greater_than_equal")
    standing = served.standing(user_id)
    if standing in (None, "gone"):
        raise ApiError(404, NOT_FOUND_USER)
    return standing == "pending"


def _pending_list(served: Served, user_id: int, category: str) -> dict[str, Any]:
    return {
        "snapshot": served.manifest.run_id,
        "userId": user_id,
        "category": category,
        "status": "pending",
        "matches": [],
    }


def _entry(match: Match, explanation: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "userId": match.other_id,
        "rank": match.rank,
        "mutual": match.mutual,
        "forward": match.forward,
        "backward": match.backward,
        "breakdown": {"forward": match.forward_terms, "backward": match.backward_terms},
        "explanation": explanation,
    }


def _answer(served: Served, body: dict[str, Any]) -> Response:
    return json_response(body, headers={SNAPSHOT_HEADER: served.manifest.run_id})
