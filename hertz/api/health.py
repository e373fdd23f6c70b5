"""The operating routes: health, readiness and the metrics for Prometheus.

`/health` and `/ready` need no key, so their answers name no path of this machine.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hertz.api.errors import json_response
from hertz.api.lists.reads import snapshot_response
from hertz.api.lists.similar import Similarity
from hertz.api.schemas import HealthAnswer, ReadyAnswer, UnavailableAnswer
from hertz.api.snapshot.follower import SnapshotFollower

_UNAVAILABLE = {"model": UnavailableAnswer, "description": "No snapshot can be served; says why"}

router = APIRouter(tags=["operations"])


@router.get("/api/v1/health", response_model=HealthAnswer, responses={503: _UNAVAILABLE})
@router.get("/health", response_model=HealthAnswer, responses={503: _UNAVAILABLE})
async def health(request: Request) -> Response:
    """Says which snapshot is served. `notes` lists problems that did not stop it from serving."""
    follower: SnapshotFollower = request.app.state.follower
    similarity: Similarity = request.app.state.similarity
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
    return snapshot_response(served, body)


@router.get("/ready", response_model=ReadyAnswer, responses={503: _UNAVAILABLE})
async def ready(request: Request) -> Response:
    """Answers 200 once a snapshot is served, and 503 before."""
    follower: SnapshotFollower = request.app.state.follower
    if follower.served is None:
        return _unavailable(request, follower)
    return snapshot_response(follower.served, {"status": "ready"})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Returns the metrics for Prometheus: requests, latencies and the served snapshot."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE_LATEST)


def _unavailable(request: Request, follower: SnapshotFollower) -> Response:
    """Returns the 503 answer with the reason why no snapshot is served."""
    reason = _without_home(request, str(follower.problem))
    return json_response({"status": "unavailable", "reason": reason}, 503)


def _without_home(request: Request, problem: str) -> str:
    """Returns a problem's text with paths relative to the home."""
    home = str(request.app.state.home)
    return problem.replace(f"{home}/", "").replace(home, "the home")
