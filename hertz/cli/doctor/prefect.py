"""Checks Prefect for `hertz doctor`, by HTTP alone: the server, the nightly schedule, the worker.

In: PREFECT_API_URL. Out: a finding by name for each. Prefect is optional, because a cron line needs
none: without PREFECT_API_URL nothing is checked.
"""

from __future__ import annotations

import os
from typing import Any, Literal, NamedTuple

import httpx


class PrefectFinding(NamedTuple):
    """The result of one check: a verdict, the state in words, and the fix of a fault."""

    verdict: Literal["ok", "warning", "fault"]
    found: str
    fix: str = ""


SECONDS = 2.0
NAME = "nightly/nightly"
START = "start it: make prefect, or docker compose up"
DEPLOY = "run python -m hertz.flows.server.deploy"


def examine() -> dict[str, PrefectFinding]:
    """Returns the findings by name of what was checked."""
    address = os.environ.get("PREFECT_API_URL", "")
    if not address:
        return {"prefect server": PrefectFinding("ok", "not checked: PREFECT_API_URL is not set")}
    try:
        with httpx.Client(base_url=address, timeout=SECONDS) as client:
            version = client.get("/admin/version").raise_for_status().json()
            return {
                "prefect server": PrefectFinding("ok", f"{address}, {version}"),
                "schedule": _schedule(client),
                "worker": _worker(client),
            }
    except httpx.HTTPError as error:
        found = f"{address} does not answer ({type(error).__name__})"
        return {"prefect server": PrefectFinding("fault", found, START)}


def _schedule(client: httpx.Client) -> PrefectFinding:
    """Checks that the deployment `nightly` has an active schedule."""
    answer = client.get(f"/deployments/name/{NAME}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return PrefectFinding("fault", "no deployment `nightly`", DEPLOY)
    deployment = answer.raise_for_status().json()
    active = [s["schedule"] for s in deployment["schedules"] if s["active"]]
    if not active or deployment["paused"]:
        fix = "switch it on in the UI: Deployments"
        return PrefectFinding("fault", "no active schedule of `nightly`", fix)
    return PrefectFinding("ok", "; ".join(f"{s['cron']} {s['timezone']}" for s in active))


def _worker(client: httpx.Client) -> PrefectFinding:
    """Checks that a worker of the pool `hertz` is online."""
    answer = client.post("/work_pools/hertz/workers/filter", json={})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return PrefectFinding("fault", "no work pool `hertz`", DEPLOY)
    workers: list[dict[str, Any]] = answer.raise_for_status().json()
    online = [worker for worker in workers if worker["status"] == "ONLINE"]
    if not online:
        return PrefectFinding("fault", "no worker is online", START)
    return PrefectFinding("ok", f"{len(online)} online")
