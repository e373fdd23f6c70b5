"""Creates the work pool with its two queues, and ends runs that no process works on.

`runs` starts one run at a time, because a run holds the home and a second one would only wait.
`quick` has the urgent work: forgetting a user, publishing an older snapshot again.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Crashed
from prefect.workers.process import ProcessWorker

from hertz.flows.server.pool_name import POOL

QUEUES = {"runs": 1, "quick": 4}  # runs in progress at most
IN_PROGRESS = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)


def create_pool() -> None:
    """Creates the pool and the queues that are missing; what someone paused or changed stays."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=POOL, type="process", base_job_template=template)
    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):
            client.create_work_pool(pool)
        for name, limit in QUEUES.items():
            with suppress(ObjectAlreadyExists):
                client.create_work_queue(name, concurrency_limit=limit, work_pool_name=POOL)


def end_lost_runs(alive: Collection[UUID] = ()) -> int:
    """Marks runs as crashed that a dead worker left in progress, and returns their number.

    Otherwise they would block their queue until the automation of `automations.py` notices. The
    process of the runs `alive` goes on without a worker. No worker of the pool may be running.
    """
    in_progress = FlowRunFilter.model_validate({"state": {"type": {"any_": IN_PROGRESS}}})
    of_pool = WorkPoolFilter.model_validate({"name": {"any_": [POOL]}})
    crashed: State[None] = Crashed(message="Prefect ended while this run was in progress.")
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=in_progress, work_pool_filter=of_pool)
        lost = [run for run in found if run.id not in alive]
        for run in lost:
            client.set_flow_run_state(run.id, crashed, force=True)
    return len(lost)
