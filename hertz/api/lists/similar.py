"""Answers `/similar`: the nearest profiles by embedding, with filters, from the snapshot's Chroma.

The first search loads Chroma and the vectors in a thread of its own, and so does the first one
after a new snapshot is served; before, they take neither time nor memory. The database's files are
checked against the manifest before they are loaded.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from hertz.api.errors import SIMILAR_UNAVAILABLE, UNAVAILABLE, ApiError, validation_error
from hertz.api.lists.reads import SHOWN_CHARACTERS, View, check_accepted, snapshot_response
from hertz.api.lists.routes import READ_ERRORS, PathUser, RequestView
from hertz.api.schemas import SimilarAnswer, error_response
from hertz.api.snapshot.follower import Served
from hertz.core.errors import SnapshotError
from hertz.storage.snapshot.chroma import FOLDER, ChromaReader
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import changed_files

logger = logging.getLogger(__name__)

LIMIT = 100

_MAX_CODE_LENGTH = 200
_FILTERS: dict[str, Any] = {
    "name": "filters",
    "in": "query",
    "style": "form",
    "explode": True,
    "description": "Code fields of the policy, each with one or more accepted codes (repeat the "
    "parameter): `?gender=FEMALE&ageGroup=AGE_20S&ageGroup=AGE_30S`",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
_ERRORS = READ_ERRORS | {
    503: error_response(
        "No snapshot can be served, or its Chroma database cannot be read; `/health` says why",
        UNAVAILABLE,
        SIMILAR_UNAVAILABLE,
    )
}

router = APIRouter(tags=["similarity"])


class Similarity:
    """The Chroma database of the served snapshot, opened by the first search.

    Attributes:
        problem: Why the last search failed; None if it did not.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "similar")
        self._reader: ChromaReader | None = None
        self._opened: Served | None = None
        self.problem: str | None = None

    @property
    def loaded(self) -> str | None:
        """Run id of the snapshot whose vectors are in memory; None before the first search."""
        opened = self._opened
        return opened.manifest.run_id if opened else None

    async def search(
        self, view: View, user_id: int, limit: int, accepted: dict[str, list[str]]
    ) -> list[tuple[int, float]]:
        """Returns the nearest visible users with their similarities, without blocking the loop.

        `accepted` has the accepted codes by field.

        Raises:
            ApiError: 503 if the database cannot be opened or searched.
        """
        hides = functools.partial(view.hides, user_id)
        loop = asyncio.get_running_loop()
        try:
            reader = await loop.run_in_executor(self._thread, self._open, view.served)
            found = await loop.run_in_executor(
                self._thread, reader.similar, user_id, limit, accepted, hides
            )
        except SnapshotError as problem:
            self.problem = str(problem)
            logger.warning("/similar cannot be answered: %s", problem)
            raise ApiError(503, SIMILAR_UNAVAILABLE) from problem
        self.problem = None
        return found

    def close(self) -> None:
        """Closes the database and ends the thread."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _open(self, served: Served) -> ChromaReader:
        """Returns the reader of a snapshot's database, opened and checked if it is a new one."""
        if self._reader is not None and self._opened is served:
            return self._reader
        self._close()
        manifest = read_manifest(served.folder)
        changed = changed_files(served.folder, manifest, f"{FOLDER}/")
        if changed:
            message = f"{served.folder}: {changed[0]} is missing or differs from its checksum"
            raise SnapshotError(message)
        self._reader = ChromaReader(served.folder)
        self._opened = served
        return self._reader

    def _close(self) -> None:
        """Closes the database if one is open."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._opened = None


@router.get(
    "/similar/{userId}",
    response_model=SimilarAnswer,
    responses=_ERRORS,
    openapi_extra={"parameters": [_FILTERS]},
)
async def similar(
    request: Request,
    view: RequestView,
    user_id: PathUser,
    limit: Annotated[int, Query(ge=1, le=LIMIT)] = 10,
) -> Response:
    """Returns users with the most similar profiles, filtered by codes; eligibility does not count.

    The first call loads the snapshot's vectors, which takes seconds.
    """
    accepted = _accepted_codes(view.served, request)
    pending = view.is_pending("path", user_id)
    similarity: Similarity = request.app.state.similarity
    found = [] if pending else await similarity.search(view, user_id, limit, accepted)
    body = {
        "snapshot": view.served.manifest.run_id,
        "userId": user_id,
        "similar": [{"userId": other, "similarity": value} for other, value in found],
    }
    return snapshot_response(view.served, body)


def _accepted_codes(served: Served, request: Request) -> dict[str, list[str]]:
    """Returns the accepted codes by field that a request's filters name."""
    policy = served.manifest.policy
    fields = policy.code_fields
    found: dict[str, list[str]] = {}
    for name, code in request.query_params.multi_items():
        if name == "limit":
            continue
        if name not in fields:
            reason = f"Not a filter; accepted: limit, {', '.join(fields)}"
            raise validation_error(name[:SHOWN_CHARACTERS], reason, "filter", "query")
        if policy.vocabulary(name):
            check_accepted("query", name, code, policy.shown_codes(name))
        elif not 0 < len(code) <= _MAX_CODE_LENGTH:
            reason = f"Expected 1 to {_MAX_CODE_LENGTH} characters, not {len(code)}"
            raise validation_error(name, reason, "filter", "query")
        found.setdefault(name, []).append(code)
    return found
