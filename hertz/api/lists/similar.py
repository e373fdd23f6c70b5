"""`/similar`: the nearest profiles by vector, with filters, through the snapshot's Chroma.

Chroma and its vectors are loaded by the first search, in a thread of their own, and again by the
first one after a new snapshot is served; until then they cost nothing. Before they are loaded the
database's files are checked against the manifest.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from hertz.api.errors import SIMILAR_UNAVAILABLE, UNAVAILABLE, ApiError, invalid
from hertz.api.lists.reads import View, answer, check_known
from hertz.api.lists.routes import READ_ERRORS, PathUser, SeenBy, error
from hertz.api.schemas_why import SimilarAnswer
from hertz.api.snapshot.follower import Served
from hertz.core.errors import SnapshotError
from hertz.storage.snapshot.chroma import FOLDER, ChromaReader
from hertz.storage.snapshot.snapshots import changed_files, read_manifest

logger = logging.getLogger(__name__)

LIMIT = 100

_LONGEST_CODE = 200
_FILTERS: dict[str, Any] = {
    "name": "filters",
    "in": "query",
    "style": "form",
    "explode": True,
    "description": "Code fields of the policy, each with one code or more (repeat the parameter): "
    "`?gender=FEMALE&ageGroup=AGE_20S&ageGroup=AGE_30S`",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
_ERRORS = READ_ERRORS | {
    503: error(
        "No snapshot can be served, or its Chroma database cannot: see /health",
        UNAVAILABLE,
        SIMILAR_UNAVAILABLE,
    )
}

router = APIRouter(tags=["similarity"])


class Similarity:
    """The Chroma database of the served snapshot, opened when first asked.

    Attributes:
        problem: Why the last search could not be answered; None if it was.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "similar")
        self._reader: ChromaReader | None = None
        self._of: Served | None = None
        self.problem: str | None = None

    @property
    def loaded(self) -> str | None:
        """The run id whose vectors are in memory."""
        of = self._of
        return of.manifest.run_id if of else None

    async def search(
        self, view: View, user_id: int, limit: int, accepted: dict[str, list[str]]
    ) -> list[tuple[int, float]]:
        """The nearest visible users; the event loop is free meanwhile.

        Raises:
            ApiError: 503 where the database cannot be opened or searched.
        """

        def hides(other: int) -> bool:
            return view.hides(user_id, other)

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
        """Let go of the database and the thread."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _open(self, served: Served) -> ChromaReader:
        if self._reader is not None and self._of is served:
            return self._reader
        self._close()
        manifest = read_manifest(served.folder)
        changed = changed_files(served.folder, manifest, f"{FOLDER}/")
        if changed:
            message = f"{served.folder}: {changed[0]} is missing or differs from its checksum"
            raise SnapshotError(message)
        self._reader = ChromaReader(served.folder)
        self._of = served
        return self._reader

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = self._of = None


@router.get(
    "/similar/{userId}",
    response_model=SimilarAnswer,
    responses=_ERRORS,
    openapi_extra={"parameters": [_FILTERS]},
)
async def similar(
    request: Request,
    view: SeenBy,
    user_id: PathUser,
    limit: Annotated[int, Query(ge=1, le=LIMIT)] = 10,
) -> Response:
    """Users with the most similar profiles, whoever may meet whom; filtered by codes.

    The first call loads the snapshot's vectors, which takes seconds.
    """
    accepted = _accepted(view.served, request)
    pending = view.is_pending("path", user_id)
    similarity: Similarity = request.app.state.similarity
    found = [] if pending else await similarity.search(view, user_id, limit, accepted)
    body = {
        "snapshot": view.served.manifest.run_id,
        "userId": user_id,
        "similar": [{"userId": other, "similarity": value} for other, value in found],
    }
    return answer(view.served, body)


def _accepted(served: Served, request: Request) -> dict[str, list[str]]:
    """The filters of a request, each checked against the policy.

    Raises:
        RequestValidationError: A filter is not a code field of the policy, or a code not accepted.
    """
    policy = served.manifest.policy
    fields = tuple(n for n, rule in policy.fields.items() if rule.kind in ("code", "ordered"))
    found: dict[str, list[str]] = {}
    for name, code in request.query_params.multi_items():
        if name == "limit":
            continue
        if name not in fields:
            reason = f"Not a filter; accepted: limit, {', '.join(fields)}"
            raise _refused(name[:40], reason)
        if policy.vocabulary(name):
            check_known("query", name, code, policy.shown_codes(name))
        elif not 0 < len(code) <= _LONGEST_CODE:
            reason = f"Expected 1 to {_LONGEST_CODE} characters, not {len(code)}"
            raise _refused(name, reason)
        found.setdefault(name, []).append(code)
    return found


def _refused(name: str, reason: str) -> RequestValidationError:
    return invalid("query", name, reason, "filter")
