"""What the hot reads answer: the lists, from one snapshot, less whom the user must not see.

In: a `View` (one a request) and arguments already of the right type. Out: the answer, or the error
that the routes document. Everything that returns user ids asks `View.hidden_from` first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from api.errors import CURSOR_EXPIRED, NOT_FOUND_USER, UNAVAILABLE, ApiError, invalid, json_response
from api.follower import Served, SnapshotFollower

TUNING_LIMIT = 100
SNAPSHOT_HEADER = "X-Hertz-Snapshot"
MIN_ID, MAX_ID = -(2**63), 2**63 - 1

_LONGEST_SHOWN = 40


class Visibility(Protocol):
    """What has happened since the snapshot: who is gone, and who must not see whom."""

    def is_gone(self, user_id: int) -> bool:
        """Whether the user was deleted."""

    def hidden_from(self, user_id: int) -> Set[int]:
        """Everyone deleted, and everyone whom the user blocks or who blocks the user."""


class AllVisible:
    """Nothing has happened since the snapshot."""

    def is_gone(self, user_id: int) -> bool:
        """Nobody is."""
        return False

    def hidden_from(self, user_id: int) -> Set[int]:
        """Nobody is."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class View:
    """What one request sees: one snapshot, and what has happened since."""

    served: Served
    visibility: Visibility

    def hidden_from(self, user_id: int) -> Set[int]:
        """Whom an answer to the user must leave out; asked by everything that returns ids."""
        return self.visibility.hidden_from(user_id)

    def check_user(self, place: str, user_id: int, field: str = "userId") -> None:
        """Raise what a user gets who has no list: not valid as an id, deleted, or unknown."""
        minimum = self.served.reader.id_minimum
        if user_id < minimum:
            reason = f"Input should be greater than or equal to {minimum}"
            raise invalid(place, field, reason, "greater_than_equal")
        if not self.served.reader.has_user(user_id) or self.visibility.is_gone(user_id):
            raise ApiError(404, NOT_FOUND_USER)


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
    follower: SnapshotFollower = request.app.state.follower
    if follower.served is None:
        raise ApiError(503, UNAVAILABLE)
    return View(follower.served, request.app.state.visibility)


def tuning(view: View, user_id: int, category: str | None) -> Response:
    """The service's answer: up to 100 ids, best first."""
    reader = view.served.reader
    category = reader.categories[0] if category is None else category
    check_known("query", "category", category, reader.categories)
    view.check_user("query", user_id)
    hidden = view.hidden_from(user_id)
    ids = reader.match_ids(category, user_id, TUNING_LIMIT + len(hidden))
    if hidden:
        ids = [other for other in ids if other not in hidden][:TUNING_LIMIT]
    code = "TUNING_SUCCESS" if ids else "TUNING_SUCCESS_BUT_NO_MATCH"
    return answer(view.served, {"code": code, "data": {"userIdList": ids} if ids else None})


def matches(view: View, user_id: int, page: Page) -> Response:
    """One page of the user's list with scores, breakdowns and explanations."""
    reader = view.served.reader
    category = reader.categories[0] if page.category is None else page.category
    language = reader.languages[0] if page.language is None else page.language
    check_known("query", "category", category, reader.categories)
    check_known("query", "language", language, reader.languages)
    view.check_user("path", user_id)
    start = _start(view.served, user_id, category, page.cursor) if page.cursor else 0
    rows, end = _page(view, user_id, category, start, page.limit)
    told = reader.explanations(category, user_id, [row[0] for row in rows], language)
    cursor = _cursor(view.served, user_id, category, end) if end else None
    listing, run_id = view.served.listings[category], view.served.manifest.run_id
    body = listing.page(run_id, user_id, rows, told, cursor)
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
    hidden = view.hidden_from(user_id)
    places = [n for n in range(start, len(rows)) if rows[n][0] not in hidden]
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
