"""A run in progress: its id, settings and folder, and the results of its finished stages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from hertz.core.errors import HertzError
from hertz.core.logs import set_run
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import failure_of, write_record
from hertz.storage.snapshot.snapshots import locked_home, new_folder, new_run_id
from hertz.storage.snapshot.stage_results import StageResult, StageResults

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # (what is being done, done, in all)
Step = Callable[[int, int], None]
_R = TypeVar("_R", bound=StageResult)


def no_progress(what: str, done: int, total: int) -> None:
    """Ignores the progress, for callers who show none."""


class Stopwatch:
    """Measures the duration of a stage, from its creation on."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start, to the millisecond."""
        return round(time.perf_counter() - self._started, 3)


@dataclass(frozen=True)
class Run:
    """One run in progress.

    Attributes:
        id: Id that Parquet, Chroma, explanations, the log and the Prefect run have in common.
        folder: Folder in which the snapshot is built.
        results: Results of the finished stages, by their type.
    """

    id: str
    settings: Settings
    folder: Path
    progress: Progress = no_progress
    results: dict[type[StageResult], StageResult] = field(default_factory=dict)

    def step(self, what: str) -> Step:
        """Returns a progress callback of (done, in all) for one piece of work."""
        return partial(self.progress, what)

    def record(self, result: _R) -> _R:
        """Records the result of a finished stage and logs it; returns it."""
        self.results[type(result)] = result
        logger.info("run %s: %s %s", self.id, result.stage, result.as_json())
        return result

    def result(self, of: type[_R]) -> _R:
        """Returns the result of a finished stage."""
        return cast(_R, self.results[of])

    def stage_results(self) -> StageResults:
        """Returns the results of all stages that make a snapshot."""
        return StageResults.model_validate({found.stage: found for found in self.results.values()})


@contextmanager
def open_run(settings: Settings, progress: Progress = no_progress) -> Iterator[Run]:
    """Locks the home and starts a run in an empty folder.

    Raises:
        LockedError: If another run holds the home.
        StorageError: If the home cannot be written.
    """
    run_id = new_run_id()
    with locked_home(settings.home, run_id):
        set_run(run_id)
        run = Run(run_id, settings, new_folder(settings.home, run_id), progress)
        with _recorded(run):
            yield run
        set_run("")


@contextmanager
def _recorded(run: Run) -> Iterator[None]:
    """Records a run as failed if it leaves its folder behind: neither published nor held."""
    reason = "it ended before it published; its log says why"
    try:
        yield
    except HertzError as error:
        reason = str(error)
        raise
    except BaseException as error:  # its text may contain a profile; the log has it
        reason = f"{type(error).__name__}; the run's log says more"
        raise
    finally:
        if run.folder.exists():
            try:
                failure = failure_of(run.id, reason, run.results.values())
                write_record(run.settings.home, failure)
            except OSError as error:  # must not hide the first error
                logger.warning("run %s: its end cannot be recorded: %s", run.id, error)
