"""Checks Prefect for `hertz doctor`, by HTTP alone: the server, the nightly schedule, the worker.

Prefect is optional: without PREFECT_API_URL nothing is checked, because a cron line needs none.
"""

from __future__ import annotations

import os

import httpx

from hertz.cli.doctor.finding import Finding

START = "start it: make prefect, or docker compose up"
DEPLOY = "run python -m hertz.flows.server.deploy"


def examine() -> dict[str, Finding]:
    """Returns the findings by name of what was checked."""
    address = os.environ.get("PREFECT_API_URL", "")
    if not address:
        return {"prefect server": Finding("ok", "not checked: PREFECT_API_URL is not set")}
    try:
        with httpx.Client(base_url=address, timeout=2) as client:
            version = client.get("/admin/version").raise_for_status().json()
            return {
                "prefect server": Finding("ok", f"{address}, {version}"),
                "schedule": _schedule(client),
                "worker": _worker(client),
            }
    except httpx.HTTPError as error:
        found = f"{address} does not answer ({type(error).__name__})"
        return {"prefect server": Finding("fault", found, START)}


def _schedule(client: httpx.Client) -> Finding:
    """Checks that the deployment `nightly` has an active schedule."""
    answer = client.get("/deployments/name/nightly/nightly")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return Finding("fault", "no deployment `nightly`", DEPLOY)
    deployment = answer.raise_for_status().json()
    active = [s["schedule"] for s in deployment["schedules"] if s["active"]]
    if not active or deployment["paused"]:
        fix = "switch it on in the UI: Deployments"
        return Finding("fault", "no active schedule of `nightly`", fix)
    return Finding("ok", "; ".join(f"{s['cron']} {s['timezone']}" for s in active))


def _worker(client: httpx.Client) -> Finding:
    """Checks that a worker of the pool `hertz` is online."""
    answer = client.post("/work_pools/hertz/workers/filter", json={})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return Finding("fault", "no work pool `hertz`", DEPLOY)
    online = sum(worker["status"] == "ONLINE" for worker in answer.raise_for_status().json())
    if online:
        return Finding("ok", f"{online} online")
    return Finding("fault", "no worker is online", START)
