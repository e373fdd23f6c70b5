"""What the hot reads answer: the lists, from one snapshot, less whom the user must not see.

In: a `View` (one a request) and arguments already of the right type. Out: the answer, or the error
that the routes document. Everything that returns user ids asks `View.hides` about each.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import State

from hertz.api.errors import (
    CURSOR_EXPIRED,
    NOT_FOUND_USER,
    UNAVAILABLE,
    ApiError,
    invalid,
    json_response,
)
from hertz.api.snapshot.follower import Served, SnapshotFollower
from hertz.api.snapshot.overlay import Standing
from hertz.storage.intake.queue import IsPublished

TUNING_LIMIT = 100
WHOLE_LIST = 1000  # the longest that a policy allows
SNAPSHOT_HEADER = "X-Hertz-Snapshot"
MIN_ID, MAX_ID = -(2**63), 2**63 - 1

_LONGEST_SHOWN = 40


class Visibility(Protocol):
    """What has happened since the snapshot: who is gone or new, and who must not see whom."""

    @property
    def ready(self) -> bool:
        """Whether it knows; nobody is shown anyone before."""

    @property
    def is_empty(self) -> bool:
        """Whether it hides nobody at all."""

    def standing(self, user_id: int, sequence: int, knows: IsPublished) -> Standing | None:
        """How a user stands; None where nobody knows the user."""

    def hides(self, user_id: int, other_id: int, sequence: int) -> bool:
        """Whether the other must not be shown to the user."""


@dataclass(frozen=True, slots=True)
class View:
    """What one request sees: one snapshot, and what has happened since."""

    served: Served
    visibility: Visibility

    @property
    def hides_nobody(self) -> bool:
        """Whether everyone may be shown: what nearly every request finds."""
        return self.visibility.is_empty

    def hides(self, user_id: int, other_id: int) -> bool:
        """Whether an answer to the user must leave the other out.

        Asked, after `hides_nobody`, by everything that returns user ids.
        """
        sequence = self.served.manifest.intake_sequence
        return self.visibility.hides(user_id, other_id, sequence)

    def is_pending(self, place: str, user_id: int, field: str = "userId") -> bool:
        """Whether the user is newer than the snapshot and waits for the next run.

        Raises:
            RequestValidationError: It is not valid as an id.
            ApiError: 404 where nobody knows the user, or the user was deleted.
        """
        reader, sequence = self.served.reader, self.served.manifest.intake_sequence
        if user_id < reader.id_minimum:
            reason = f"Input should be greater than or equal to {reader.id_minimum}"
            raise invalid(place, field, reason, "greater_than_equal")
        standing = self.visibility.standing(user_id, sequence, reader.has_user)
        if standing in (None, "gone"):
            raise ApiError(404, NOT_FOUND_USER)
        return standing == "pending"


class Page(NamedTuple):
    """What a request for one page of a list asks for."""

    category: str | None = None
    limit: int = 100
    language: str | None = None
    cursor: str | None = None


async def view_of(request: Request) -> View:
    """The view of a request.

    Raises:
        ApiError: 503 where no snapshot can be served.
    """
    view = view_now(request.app.state)
    if view is None:
        raise ApiError(503, UNAVAILABLE)
    return view


def view_now(state: State) -> View | None:
    """The view of a request that begins now; None where nothing can be served."""
    follower: SnapshotFollower = state.follower
    visibility: Visibility = state.visibility
    served = follower.served
    return View(served, visibility) if served is not None and visibility.ready else None


def tuning(view: View, user_id: int, category: str | None) -> Response:
    """The service's answer: up to 100 ids, best first."""
    reader = view.served.reader
    category = reader.categories[0] if category is None else category
    check_known("query", "category", category, reader.categories)
    if view.is_pending("query", user_id):
        return answer(view.served, {"code": "TUNING_PENDING", "data": None})
    if view.hides_nobody:
        ids = reader.match_ids(category, user_id, TUNING_LIMIT)
    else:
        whole = reader.match_ids(category, user_id, WHOLE_LIST)
        ids = [other for other in whole if not view.hides(user_id, other)][:TUNING_LIMIT]
    code = "TUNING_SUCCESS" if ids else "TUNING_SUCCESS_BUT_NO_MATCH"
    return answer(view.served, {"code": code, "data": {"userIdList": ids} if ids else None})


def matches(view: View, user_id: int, page: Page) -> Response:
    """One page of the user's list with scores, breakdowns and explanations."""
    reader = view.served.reader
    category = reader.categories[0] if page.category is None else page.category
    language = reader.languages[0] if page.language is None else page.language
    check_known("query", "category", category, reader.categories)
    check_known("query", "language", language, reader.languages)
    pending = view.is_pending("path", user_id)
    start = _start(view.served, user_id, category, page.cursor) if page.cursor else 0
    rows, end = ([], 0) if pending else _page(view, user_id, category, start, page.limit)
    told = reader.explanations(category, user_id, [row[0] for row in rows], language)
    cursor = _cursor(view.served, user_id, category, end) if end else None
    listing, run_id = view.served.listings[category], view.served.manifest.run_id
    status = "pending" if pending else "ready"
    body = listing.page(run_id, user_id, status, rows, told, cursor)
    return Response(body, headers={SNAPSHOT_HEADER: run_id}, media_type="application/json")


def check_known(place: str, field: str, value: str, accepted: tuple[str, ...]) -> None:
    """Raise a 422 that names what is accepted, unless the value is."""
    if value not in accepted:
        reason = f"{value[:_LONGEST_SHOWN]!r} is not known; accepted: {', '.join(accepted)}"
        raise invalid(place, field, reason, "enum")


def answer(served: Served, body: dict[str, Any]) -> Response:
    """A JSON answer that names its snapshot."""
    return json_response(body, headers={SNAPSHOT_HEADER: served.manifest.run_id})


def _page(
    view: View, user_id: int, category: str, start: int, limit: int
) -> tuple[list[tuple[Any, ...]], int]:
    """Up to `limit` visible rows from a place of the list on, and where the next page starts.

    0: there is none. A place is one of the stored list, so that a block between two pages neither
    repeats nor skips anyone.
    """
    rows = view.served.reader.rows(category, user_id)
    if view.hides_nobody:
        end = start + limit
        return rows[start:end], end if end < len(rows) else 0
    places = [n for n in range(start, len(rows)) if not view.hides(user_id, rows[n][0])]
    end = places[limit] if len(places) > limit else 0
    return [rows[n] for n in places[:limit]], end


def _cursor(served: Served, user_id: int, category: str, place: int) -> str:
    text = f"{served.manifest.run_id} {user_id} {category} {place}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _start(served: Served, user_id: int, category: str, cursor: str) -> int:
    """The place a cursor names.

    Raises:
        RequestValidationError: It is no cursor, or that of another list.
        ApiError: 410 where it is of a snapshot that is no longer served.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True)
        snapshot, *rest, place = text.decode().split(" ")
        start = int(place)
    except (binascii.Error, ValueError):
        of = "of this service"
        raise _no_cursor(of) from None
    if rest != [str(user_id), category] or not 0 < start <= MAX_ID:
        of = "of this list: take `nextCursor` of the page before"
        raise _no_cursor(of)
    if snapshot != served.manifest.run_id:
        raise ApiError(410, CURSOR_EXPIRED)
    return start


def _no_cursor(of: str) -> RequestValidationError:
    return invalid("query", "cursor", f"Not a cursor {of}", "cursor")
