"""The work pool as `make prefect` needs it: there, and without runs that no one works on.

In: the server that PREFECT_API_URL names, of which the caller is the only worker.
"""

from __future__ import annotations

from contextlib import suppress

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Crashed
from prefect.workers.process import ProcessWorker

IN_PROGRESS = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)


def create_pool(name: str) -> None:
    """Create the work pool unless it is there: one that someone paused or changed stays so."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=name, type="process", base_job_template=template)
    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(pool)


def end_lost_runs(name: str) -> int:
    """Mark runs as crashed that a killed worker left in progress; returns how many.

    Else each would hold its deployment's only place, and no run would ever start again.
    """
    in_progress = FlowRunFilter.model_validate({"state": {"type": {"any_": IN_PROGRESS}}})
    of_pool = WorkPoolFilter.model_validate({"name": {"any_": [name]}})
    crashed: State[None] = Crashed(message="Prefect ended while this run was in progress.")
    with get_client(sync_client=True) as client:
        lost = client.read_flow_runs(flow_run_filter=in_progress, work_pool_filter=of_pool)
        for run in lost:
            client.set_flow_run_state(run.id, crashed, force=True)
    return len(lost)
