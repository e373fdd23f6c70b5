"""Whether the service can serve, what it serves, and what Prometheus wants to know.

`/health` and `/ready` need no key, so they tell no path of this machine.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hertz.api.errors import json_response
from hertz.api.lists.reads import answer
from hertz.api.lists.similar import Similarity
from hertz.api.middleware.metrics import MEDIA_TYPE, Metrics
from hertz.api.schemas import HealthAnswer, ReadyAnswer, UnavailableAnswer
from hertz.api.snapshot.follower import SnapshotFollower

_UNAVAILABLE = {"model": UnavailableAnswer, "description": "Nothing can be served, and why"}

router = APIRouter(tags=["operations"])


@router.get("/api/v1/health", response_model=HealthAnswer, responses={503: _UNAVAILABLE})
@router.get("/health", response_model=HealthAnswer, responses={503: _UNAVAILABLE})
async def health(request: Request) -> Response:
    """What is served, or why nothing is; notes say what is wrong while the last good one serves."""
    state = request.app.state
    follower: SnapshotFollower = state.follower
    similarity: Similarity = state.similarity
    served = follower.served
    if served is None:
        return _unavailable(request, follower)
    problems = (follower.problem, follower.overlay.problem, similarity.problem)
    body = {
        "status": "ok",
        "snapshot": served.manifest.run_id,
        "created_at": served.manifest.created_at.isoformat(),
        "users": served.reader.users,
        "policy_hash": served.manifest.policy_hash,
        "similar": {"loaded": similarity.loaded is not None, "snapshot": similarity.loaded},
        "notes": [_without_home(request, problem) for problem in problems if problem],
    }
    return answer(served, body)


@router.get("/ready", response_model=ReadyAnswer, responses={503: _UNAVAILABLE})
async def ready(request: Request) -> Response:
    """200 as soon as lists can be served, 503 before."""
    follower: SnapshotFollower = request.app.state.follower
    if follower.served is None:
        return _unavailable(request, follower)
    return answer(follower.served, {"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Requests, latencies, and what is served, for Prometheus."""
    found: Metrics = request.app.state.metrics
    return Response(found.render(), media_type=MEDIA_TYPE)


def _unavailable(request: Request, follower: SnapshotFollower) -> Response:
    reason = _without_home(request, str(follower.problem))
    return json_response({"status": "unavailable", "reason": reason}, 503)


def _without_home(request: Request, problem: str) -> str:
    home = str(request.app.state.home)
    return problem.replace(f"{home}/", "").replace(home, "the home")
