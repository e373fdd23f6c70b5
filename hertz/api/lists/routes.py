"""Declares the read routes for lists and for the record of a match.

The answers are made in `reads` and `why`. The handlers are coroutines that never wait: a read of
the mapped file takes microseconds, less than handing it to a thread.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from hertz.api.errors import CURSOR_EXPIRED, NOT_FOUND_MATCH, NOT_FOUND_USER, UNAVAILABLE
from hertz.api.lists import reads, why
from hertz.api.lists.reads import MAX_LIST_LENGTH, MIN_ID, PageRequest, View, view_of
from hertz.api.schemas import InvalidAnswer, MatchesAnswer, TuningAnswer, WhyAnswer, error_response
from hertz.policy.json_schema import MAX_ID

READ_ERRORS: dict[int | str, dict[str, Any]] = {
    404: error_response("The user is not known, or was removed", NOT_FOUND_USER),
    422: {"model": InvalidAnswer, "description": "A parameter is missing or not accepted"},
    503: error_response("No snapshot can be served; `/health` says why", UNAVAILABLE),
}
_MATCHES_ERRORS = READ_ERRORS | {
    410: error_response(
        "The cursor belongs to an older snapshot: start again without a cursor", CURSOR_EXPIRED
    )
}
_WHY_ERRORS = READ_ERRORS | {
    404: error_response(
        "One of the users is not known, or the two are not matched", NOT_FOUND_USER, NOT_FOUND_MATCH
    )
}

router = APIRouter(tags=["lists"])

RequestView = Annotated[View, Depends(view_of)]
PathUser = Annotated[int, Path(alias="userId", ge=MIN_ID, le=MAX_ID, examples=[42])]
OtherUser = Annotated[int, Path(alias="otherId", ge=MIN_ID, le=MAX_ID, examples=[7])]
_QueryUser = Annotated[int, Query(alias="userId", gt=0, le=MAX_ID, examples=[42])]
_Category = Annotated[str, Query(description="A category of the policy", examples=["friend"])]
_OptionalCategory = Annotated[
    str | None,
    Query(description="A category of the policy; the first one by default", examples=["friend"]),
]
_Language = Annotated[
    str | None,
    Query(description="A language of the policy; the first one by default", examples=["ko"]),
]


@router.get("/api/v1/tuning", response_model=TuningAnswer, responses=READ_ERRORS)
async def tuning_v1(view: RequestView, user_id: _QueryUser) -> Response:
    """Returns up to 100 ids of the user's best matches in the policy's first category."""
    return reads.tuning(view, user_id, None)


@router.get("/api/v3/tuning", response_model=TuningAnswer, responses=READ_ERRORS)
async def tuning_v3(view: RequestView, user_id: _QueryUser, category: _Category) -> Response:
    """Returns up to 100 ids of the user's best matches in a category."""
    return reads.tuning(view, user_id, category)


@router.get("/matches/{userId}", response_model=MatchesAnswer, responses=_MATCHES_ERRORS)
async def matches(
    view: RequestView,
    user_id: PathUser,
    category: _OptionalCategory = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST_LENGTH)] = 100,
    language: _Language = None,
    cursor: Annotated[
        str | None,
        Query(description="`nextCursor` of the page before, for the same user and category"),
    ] = None,
) -> Response:
    """Returns one page of the user's match list with scores, contributions and explanations.

    `nextCursor` leads to the next page of the same snapshot; it is null on the last page. Once a
    newer snapshot is served, an older cursor is answered with 410: start again without a cursor.
    """
    return reads.matches(view, user_id, PageRequest(category, limit, language, cursor))


@router.get("/matches/{userId}/{otherId}/why", response_model=WhyAnswer, responses=_WHY_ERRORS)
async def why_matched(
    view: RequestView,
    user_id: PathUser,
    other_id: OtherUser,
    category: Annotated[
        str | None, Query(description="By default the first category in which the two are matched")
    ] = None,
    language: _Language = None,
) -> Response:
    """Returns the record of why two users were matched; it may be given to the user."""
    return why.why(view, user_id, other_id, category, language)
