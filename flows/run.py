"""How every flow runs its stages: the same functions as the command line, one Prefect task each.

In: the stages of a run and its options. Out: the flow run's final state, whose message is the
first line that people read: what was done, or what was wrong and how to mend it.
"""

from __future__ import annotations

import logging

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed
from prefect.tasks import Task

from flows.parameters import HomeOptions
from flows.progress import ProgressBars, show_report
from matching.errors import HertzError
from stages.nightly import Stage, Stages
from stages.prepare import prepare
from stages.run import Run, open_run

RETRIES_OF_A_DATABASE = (10, 60)  # seconds; files that cannot be read stay so


def run_stages(stages: Stages, options: HomeOptions) -> State:
    """Hold the home and run the stages in order as tasks; the state for the flow to end in."""
    logging.getLogger("stages").setLevel(logging.INFO)  # each stage's figures, in the run's log
    try:
        with open_run(options.settings(), ProgressBars()) as run:
            name_flow_run(run.id)
            for stage in stages:
                ended = stage_task(stage, run)(return_state=True)
                if not ended.is_completed():
                    return Failed(message=ended.message)
    except HertzError as error:
        return Failed(message=str(error))
    show_report(run)
    return Completed(message=f"run {run.id}, home {run.settings.home}")


def stage_task(stage: Stage, run: Run) -> Task[[], State | None]:
    """The stage as a Prefect task without parameters: nothing is passed, hashed or kept."""
    from_database = stage is prepare and run.settings.source.query is not None

    @task(
        name=stage.__name__,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(RETRIES_OF_A_DATABASE) if from_database else 0,
        retry_delay_seconds=list(RETRIES_OF_A_DATABASE),
        retry_jitter_factor=0.5,
    )
    def run_stage() -> State | None:
        try:
            stage(run)
        except HertzError as error:  # its message is all: no traceback in the log
            return Failed(message=str(error))
        return None

    return run_stage


def name_flow_run(run_id: str) -> None:
    """Give the flow run in progress the run's id as its name and as a tag."""
    context = FlowRunContext.get()
    if context and context.flow_run:
        with get_client(sync_client=True) as client:
            tags = [*context.flow_run.tags, run_id]
            client.update_flow_run(context.flow_run.id, name=run_id, tags=tags)
