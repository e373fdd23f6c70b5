"""Answers the requests for lists from one snapshot, without the users who must not be shown.

Arguments are already of the right type. Everything that returns user ids asks `View.hides` about
each of them, unless `View.hides_nobody`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Request, Response
from starlette.datastructures import State

from hertz.api.errors import (
    CURSOR_EXPIRED,
    NOT_FOUND_USER,
    UNAVAILABLE,
    ApiError,
    Location,
    json_response,
    validation_error,
)
from hertz.api.snapshot.follower import Served, SnapshotFollower
from hertz.api.snapshot.overlay import Overlay
from hertz.policy.json_schema import MAX_ID

TUNING_LIMIT = 100
MAX_LIST_LENGTH = 1000  # the longest list that a policy allows, and the largest page
SNAPSHOT_HEADER = "X-Hertz-Snapshot"
MIN_ID = -(2**63)
SHOWN_CHARACTERS = 40  # of a value that is not accepted


@dataclass(frozen=True, slots=True)
class View:
    """The snapshot that one request sees from beginning to end, and what happened after it."""

    served: Served
    visibility: Overlay

    @property
    def hides_nobody(self) -> bool:
        """Whether everyone may be shown, which is so for nearly every request."""
        return self.visibility.is_empty

    def hides(self, user_id: int, other_id: int) -> bool:
        """Returns whether an answer to the user must leave the other out."""
        sequence = self.served.manifest.intake_sequence
        return self.visibility.hides(user_id, other_id, sequence)

    def is_pending(self, location: Location, user_id: int, field: str = "userId") -> bool:
        """Returns whether the user registered after the snapshot was made.

        Raises:
            RequestValidationError: The id is below the policy's smallest one.
            ApiError: 404 if there is no such user, or the user was removed.
        """
        reader = self.served.reader
        if user_id < reader.id_minimum:
            reason = f"Input should be greater than or equal to {reader.id_minimum}"
            raise validation_error(field, reason, "greater_than_equal", location)
        sequence = self.served.manifest.intake_sequence
        status = self.visibility.status(user_id, sequence, reader.has_user)
        if status in (None, "removed"):
            raise ApiError(404, NOT_FOUND_USER)
        return status == "pending"


class PageRequest(NamedTuple):
    """The arguments of a request for one page of a list.

    Attributes:
        category: Name of the category; None for the policy's first one.
        language: Language of the explanations; None for the policy's first one.
        cursor: `nextCursor` of the page before; None for the first page.
    """

    category: str | None = None
    limit: int = 100
    language: str | None = None
    cursor: str | None = None


class _Page(NamedTuple):
    """Rows of a stored list, and the position in it where the next page starts; 0 without one."""

    rows: list[tuple[Any, ...]]
    next_position: int


async def view_of(request: Request) -> View:
    """Returns the view of a request, or answers 503 if no snapshot can be served."""
    view = current_view(request.app.state)
    if view is None:
        raise ApiError(503, UNAVAILABLE)
    return view


def current_view(state: State) -> View | None:
    """Returns the view of a request that begins now; None if no snapshot can be served."""
    follower: SnapshotFollower = state.follower
    visibility: Overlay = state.visibility
    served = follower.served
    return View(served, visibility) if served is not None and visibility.ready else None


def tuning(view: View, user_id: int, category: str | None) -> Response:
    """Returns up to 100 ids of a user's matches, best first; by default in the first category."""
    reader = view.served.reader
    category = reader.categories[0] if category is None else category
    check_accepted("query", "category", category, reader.categories)
    if view.is_pending("query", user_id):
        return snapshot_response(view.served, {"code": "TUNING_PENDING", "data": None})
    if view.hides_nobody:
        ids = reader.match_ids(category, user_id, TUNING_LIMIT)
    else:
        listed = reader.match_ids(category, user_id, MAX_LIST_LENGTH)
        ids = [other for other in listed if not view.hides(user_id, other)][:TUNING_LIMIT]
    code = "TUNING_SUCCESS" if ids else "TUNING_SUCCESS_BUT_NO_MATCH"
    body = {"code": code, "data": {"userIdList": ids} if ids else None}
    return snapshot_response(view.served, body)


def matches(view: View, user_id: int, requested: PageRequest) -> Response:
    """Returns one page of a user's list with scores, contributions and explanations."""
    served = view.served
    reader = served.reader
    category = reader.categories[0] if requested.category is None else requested.category
    language = reader.languages[0] if requested.language is None else requested.language
    check_accepted("query", "category", category, reader.categories)
    check_accepted("query", "language", language, reader.languages)
    pending = view.is_pending("path", user_id)
    start = _position(served, user_id, category, requested.cursor) if requested.cursor else 0
    page = _Page([], 0) if pending else _page(view, user_id, category, start, requested.limit)
    next_cursor = None
    if page.next_position:
        next_cursor = _cursor(served, user_id, category, page.next_position)
    others = [row[0] for row in page.rows]
    body = served.encoders[category].encode_page(
        served.manifest.run_id,
        user_id,
        "pending" if pending else "ready",
        page.rows,
        reader.explanations(category, user_id, others, language),
        next_cursor,
    )
    headers = {SNAPSHOT_HEADER: served.manifest.run_id}
    return Response(body, headers=headers, media_type="application/json")


def check_accepted(location: Location, field: str, value: str, accepted: tuple[str, ...]) -> None:
    """Raises a validation error that names the accepted values unless the value is one."""
    if value not in accepted:
        reason = f"{value[:SHOWN_CHARACTERS]!r} is not known; accepted: {', '.join(accepted)}"
        raise validation_error(field, reason, "enum", location)


def snapshot_response(served: Served, body: dict[str, Any]) -> Response:
    """Returns a JSON answer whose header names the snapshot."""
    return json_response(body, headers={SNAPSHOT_HEADER: served.manifest.run_id})


def _page(view: View, user_id: int, category: str, start: int, limit: int) -> _Page:
    """Returns up to `limit` visible rows from a position of the stored list on."""
    # Positions count hidden rows too: a block between two pages neither repeats nor skips anyone.
    rows = view.served.reader.rows(category, user_id)
    if view.hides_nobody:
        end = start + limit
        return _Page(rows[start:end], end if end < len(rows) else 0)
    visible = [n for n in range(start, len(rows)) if not view.hides(user_id, rows[n][0])]
    end = visible[limit] if len(visible) > limit else 0
    return _Page([rows[n] for n in visible[:limit]], end)


def _cursor(served: Served, user_id: int, category: str, position: int) -> str:
    """Returns the cursor of a position in a list."""
    text = f"{served.manifest.run_id} {user_id} {category} {position}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(served: Served, user_id: int, category: str, cursor: str) -> int:
    """Returns the position that a cursor names in a list of the served snapshot."""
    field = "cursor"
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True)
        snapshot, *list_name, last = text.decode().split(" ")
        position = int(last)
    except (binascii.Error, ValueError):
        reason = "Not a cursor of this service"
        raise validation_error(field, reason, field, "query") from None
    if list_name != [str(user_id), category] or not 0 < position <= MAX_ID:
        reason = "Not a cursor of this list: take `nextCursor` of the page before"
        raise validation_error(field, reason, field, "query")
    if snapshot != served.manifest.run_id:
        raise ApiError(410, CURSOR_EXPIRED)
    return position
