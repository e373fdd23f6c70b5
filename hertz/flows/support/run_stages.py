"""Runs the stages of a flow: the same functions as the command line's, each as a Prefect task.

The message of the final state is the first line that people read: what was done, or what is wrong.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed
from prefect.tasks import Task

from hertz.core.errors import HertzError
from hertz.flows.support.artifacts import ProgressBars, show_report
from hertz.flows.support.parameters import HomeOptions
from hertz.flows.support.wait_for_home import once_free
from hertz.stages.nightly import Stage, Stages
from hertz.stages.prepare import prepare
from hertz.stages.run import Run, open_run
from hertz.storage.sources import could_not_be_reached

DATABASE_RETRIES = (10, 60)  # seconds before each; a file that cannot be read fails the same way
UNREACHABLE = "Unreachable"  # name of the failed state after which a task is retried
ROOT = Path(__file__).parents[3]


class BugError(HertzError):
    """An unforeseen error, described by its type and the lines it passed through."""


def run_stages(stages: Stages, options: HomeOptions) -> State:
    """Holds the home that a form names, runs the stages in order, and returns the final state."""
    log_stages()
    run: Run | None = None
    try:
        with ExitStack() as held, without_error_values():
            settings = options.settings()
            run = once_free(lambda: held.enter_context(open_run(settings, ProgressBars())))
            name_flow_run(run.id)
            for stage in stages:
                state = stage_task(stage, run)(return_state=True)
                if not state.is_completed():
                    raise HertzError(state.message)
    except HertzError as error:
        if run:
            show_report(run)
        return Failed(message=str(error))
    show_report(run)
    return Completed(message=f"run {run.id}, home {settings.home}")


def stage_task(stage: Stage, run: Run) -> Task[[], State | None]:
    """Returns a stage as a Prefect task without parameters: Prefect hashes and keeps nothing."""
    from_database = stage is prepare and run.settings.source.query is not None

    @task(
        name=stage.__name__,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(DATABASE_RETRIES) if from_database else 0,
        retry_delay_seconds=list(DATABASE_RETRIES),
        retry_jitter_factor=0.5,
        retry_condition_fn=is_worth_a_retry,
    )
    def run_stage() -> State | None:
        try:
            with without_error_values():
                stage(run)
        except HertzError as error:  # returned, so that the log has its message and no traceback
            unreachable = could_not_be_reached(error)
            return Failed(message=str(error), name=UNREACHABLE if unreachable else "Failed")
        return None

    return run_stage


def is_worth_a_retry(task: object, task_run: object, state: State[Any]) -> bool:
    """Whether a task failed because its source could not be reached."""
    return state.name == UNREACHABLE


@contextmanager
def without_error_values() -> Iterator[None]:
    """Replaces unforeseen errors by their type and place: a message may quote a profile.

    Raises:
        BugError: An error was raised that is not a `HertzError`.
    """
    try:
        yield
    except HertzError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[1:]  # the first one is this function's
        own = [f for f in frames if _is_own(Path(f.filename))]
        places = [f"{Path(f.filename).name}:{f.lineno}" for f in [*own, *frames[-1:]]]
        place = " > ".join(dict.fromkeys(places))
        message = f"a bug: {type(error).__name__} at {place}; please report it"
        raise BugError(message) from None


def log_stages() -> None:
    """Writes each stage's figures to the flow run's log."""
    for name in ("hertz.stages", "hertz.flows"):
        logging.getLogger(name).setLevel(logging.INFO)


def name_flow_run(run_id: str) -> None:
    """Gives the current flow run the run's id as its name and as a tag."""
    context = FlowRunContext.get()
    if context and context.flow_run:
        with get_client(sync_client=True) as client:
            tags = [*context.flow_run.tags, run_id]
            client.update_flow_run(context.flow_run.id, name=run_id, tags=tags)


def _is_own(file: Path) -> bool:
    return file.is_relative_to(ROOT) and ".venv" not in str(file)
