"""The read routes for lists: the old ones, `/matches` with scores, and why a match was made.

What is declared here is the contract and the OpenAPI document; `reads` has the answers.
Handlers are coroutines that never wait: a read of the mapped file takes microseconds, less than
handing it to a thread.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from hertz.api.errors import CURSOR_EXPIRED, NOT_FOUND_MATCH, NOT_FOUND_USER, UNAVAILABLE
from hertz.api.lists import reads, why
from hertz.api.lists.reads import MAX_ID, MIN_ID, Page, View, view_of
from hertz.api.schemas import ErrorAnswer, InvalidAnswer, MatchesAnswer, TuningAnswer
from hertz.api.schemas_why import WhyAnswer

Responses = dict[int | str, dict[str, Any]]


def error(description: str, *codes: str) -> dict[str, Any]:
    """The OpenAPI description of a failure, with an example of each of its codes."""
    examples = {code: {"value": {"code": code, "data": None}} for code in codes}
    content = {"application/json": {"examples": examples}}
    return {"model": ErrorAnswer, "description": description, "content": content}


READ_ERRORS: Responses = {
    404: error("The user is not known, or was deleted", NOT_FOUND_USER),
    422: {"model": InvalidAnswer, "description": "A parameter is missing or not accepted"},
    503: error("No snapshot can be served: see /health", UNAVAILABLE),
}
_MATCHES_ERRORS = READ_ERRORS | {
    410: error("The cursor is of an older snapshot: begin again without it", CURSOR_EXPIRED)
}
_WHY_ERRORS = READ_ERRORS | {
    404: error("One is not known, or the two are not matched", NOT_FOUND_USER, NOT_FOUND_MATCH)
}

router = APIRouter(tags=["lists"])

SeenBy = Annotated[View, Depends(view_of)]
PathUser = Annotated[int, Path(alias="userId", ge=MIN_ID, le=MAX_ID, examples=[42])]
OtherUser = Annotated[int, Path(alias="otherId", ge=MIN_ID, le=MAX_ID, examples=[7])]
_TunedUser = Annotated[int, Query(alias="userId", gt=0, le=MAX_ID, examples=[42])]
_Category = Annotated[str, Query(description="A category of the policy", examples=["friend"])]
_AnyCategory = Annotated[
    str | None,
    Query(description="A category of the policy; default: its first", examples=["friend"]),
]
_Language = Annotated[
    str | None,
    Query(description="A language of the policy; default: its first", examples=["ko"]),
]


@router.get("/api/v1/tuning", response_model=TuningAnswer, responses=READ_ERRORS)
async def tuning_v1(view: SeenBy, user_id: _TunedUser) -> Response:
    """Ids of the user's best matches, up to 100, in the policy's first category."""
    return reads.tuning(view, user_id, None)


@router.get("/api/v3/tuning", response_model=TuningAnswer, responses=READ_ERRORS)
async def tuning_v3(view: SeenBy, user_id: _TunedUser, category: _Category) -> Response:
    """Ids of the user's best matches, up to 100, in a category."""
    return reads.tuning(view, user_id, category)


@router.get("/matches/{userId}", response_model=MatchesAnswer, responses=_MATCHES_ERRORS)
async def matches(
    view: SeenBy,
    user_id: PathUser,
    category: _AnyCategory = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    language: _Language = None,
    cursor: Annotated[
        str | None, Query(description="`nextCursor` of the page before, same user and category")
    ] = None,
) -> Response:
    """The user's list with scores, what they are made of, and explanations of the best.

    `nextCursor` leads to the next page of the same snapshot; it is null on the last one. Once a
    newer snapshot is served, an older cursor gets 410: begin again without it.
    """
    return reads.matches(view, user_id, Page(category, limit, language, cursor))


@router.get("/matches/{userId}/{otherId}/why", response_model=WhyAnswer, responses=_WHY_ERRORS)
async def why_matched(
    view: SeenBy,
    user_id: PathUser,
    other_id: OtherUser,
    category: Annotated[
        str | None, Query(description="Default: the first in which the two are matched")
    ] = None,
    language: _Language = None,
) -> Response:
    """The record of why this match was made, fit to be handed to the user."""
    return why.why(view, user_id, other_id, category, language)
