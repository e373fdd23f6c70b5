"""What `hertz doctor` sees of Prefect: the server, the nightly schedule, the worker. By HTTP alone.

In: PREFECT_API_URL. Out: findings by name, as (verdict, found, fix). A cron line needs no Prefect,
so without PREFECT_API_URL nothing is asked and nothing is wrong.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import httpx

Told = tuple[Literal["ok", "warning", "fault"], str, str]
SECONDS = 2.0
NAME = "nightly/nightly"


def examine() -> dict[str, Told]:
    """The findings."""
    address = os.environ.get("PREFECT_API_URL", "")
    if not address:
        return {"prefect server": ("ok", "not asked: PREFECT_API_URL is not set", "")}
    try:
        with httpx.Client(base_url=address, timeout=SECONDS) as client:
            server = client.get("/admin/version").raise_for_status().json()
            found: dict[str, Told] = {"prefect server": ("ok", f"{address}, {server}", "")}
            return found | {"schedule": _schedule(client), "worker": _worker(client)}
    except httpx.HTTPError as error:
        told = f"{address} does not answer ({type(error).__name__})"
        return {"prefect server": ("fault", told, "start it: make prefect, or docker compose up")}


def _schedule(client: httpx.Client) -> Told:
    answer = client.get(f"/deployments/name/{NAME}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return "fault", "no deployment `nightly`", "python -m hertz.flows.server.deploy"
    deployment = answer.raise_for_status().json()
    active = [s["schedule"] for s in deployment["schedules"] if s["active"]]
    if not active or deployment["paused"]:
        return "fault", "no active schedule of `nightly`", "switch it on in the UI: Deployments"
    return "ok", "; ".join(f"{s['cron']} {s['timezone']}" for s in active), ""


def _worker(client: httpx.Client) -> Told:
    asked = client.post("/work_pools/hertz/workers/filter", json={})
    if asked.status_code == httpx.codes.NOT_FOUND:
        return "fault", "no work pool `hertz`", "python -m hertz.flows.server.deploy"
    workers: list[dict[str, Any]] = asked.raise_for_status().json()
    online = [worker for worker in workers if worker["status"] == "ONLINE"]
    if not online:
        return "fault", "no worker is online", "start it: make prefect, or docker compose up"
    return "ok", f"{len(online)} online", ""
