"""How every flow runs its stages: the same functions as the command line, one Prefect task each.

In: the stages of a run and its options. Out: the flow run's final state, whose message is the
first line that people read: what was done, or what was wrong and how to mend it.
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
from sqlalchemy.exc import InterfaceError, OperationalError

from hertz.core.errors import HertzError
from hertz.flows.support.artifacts import ProgressBars, show_report
from hertz.flows.support.parameters import HomeOptions
from hertz.flows.support.wait_for_home import once_free
from hertz.stages.nightly import Stage, Stages
from hertz.stages.prepare import prepare
from hertz.stages.run import Run, open_run

RETRIES_OF_A_DATABASE = (10, 60)  # seconds; files that cannot be read stay so
UNREACHABLE = "Unreachable"  # the state of a task that a second try may help
UNREACHED = (OSError, OperationalError, InterfaceError)
ROOT = Path(__file__).parents[3]


class BugError(HertzError):
    """Something that no one foresaw, told by its type and places."""


def run_stages(stages: Stages, options: HomeOptions) -> State:
    """Hold the home and run the stages in order as tasks; the state for the flow to end in."""
    show_stages()
    opened: Run | None = None
    try:
        with ExitStack() as held, told_without_values():
            settings = options.settings()
            opened = once_free(lambda: held.enter_context(open_run(settings, ProgressBars())))
            name_flow_run(opened.id)
            for stage in stages:
                ended = stage_task(stage, opened)(return_state=True)
                if not ended.is_completed():
                    raise HertzError(ended.message)
    except HertzError as error:
        if opened:
            show_report(opened)
        return Failed(message=str(error))
    show_report(opened)
    return Completed(message=f"run {opened.id}, home {settings.home}")


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
        retry_condition_fn=worth_another_try,
    )
    def run_stage() -> State | None:
        try:
            with told_without_values():
                stage(run)
        except HertzError as error:  # its message is all: no traceback in the log
            unreachable = isinstance(error.__cause__ or error.__context__, UNREACHED)
            return Failed(message=str(error), name=UNREACHABLE if unreachable else "Failed")
        return None

    return run_stage


def worth_another_try(task: object, task_run: object, state: State[Any]) -> bool:
    """Whether a failure was of input and output, which may work a minute later."""
    return state.name == UNREACHABLE


@contextmanager
def told_without_values() -> Iterator[None]:
    """Tell an error that no one foresaw by its type and places: its message may quote a profile.

    Raises:
        BugError: In the place of any error that is not Hertz's own.
    """
    with ExitStack() as stack:
        stack.push(_without_values)
        yield


def show_stages() -> None:
    """Shows each stage's figures in the flow run's log."""
    for name in ("hertz.stages", "hertz.flows"):
        logging.getLogger(name).setLevel(logging.INFO)


def name_flow_run(run_id: str) -> None:
    """Give the flow run in progress the run's id as its name and as a tag."""
    context = FlowRunContext.get()
    if context and context.flow_run:
        with get_client(sync_client=True) as client:
            tags = [*context.flow_run.tags, run_id]
            client.update_flow_run(context.flow_run.id, name=run_id, tags=tags)


def _without_values(kind: type[BaseException] | None, error: object, trace: Any) -> None:  # noqa: ANN401
    if kind is None or not issubclass(kind, Exception) or issubclass(kind, HertzError):
        return
    frames = traceback.extract_tb(trace)
    own = [f for f in frames if Path(f.filename).is_relative_to(ROOT) and ".venv" not in f.filename]
    places = [f"{Path(f.filename).name}:{f.lineno}" for f in [*own, *frames[-1:]]]
    message = f"a bug: {kind.__name__} at {' > '.join(dict.fromkeys(places))}; please report it"
    raise BugError(message) from None
