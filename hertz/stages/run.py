"""What every stage of a run shares: its id, its settings, the folder it builds, and its figures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hertz.core.errors import HertzError
from hertz.core.logs import set_run
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import record
from hertz.storage.snapshot.snapshots import locked_home, new_folder, new_run_id

logger = logging.getLogger(__name__)

UNTOLD = "it ended before it published; its log says why"

Progress = Callable[[str, int, int], None]  # (what is being done, done, in all)
Step = Callable[[int, int], None]


def no_progress(what: str, done: int, total: int) -> None:
    """For callers who show nothing."""


@dataclass(frozen=True)
class Run:
    """One run in progress.

    Attributes:
        id: Joins Parquet, Chroma, explanations, the log and the Prefect run.
        settings: The settings it was started with.
        folder: The snapshot being built.
        stages: Figures of each finished stage, `seconds` among them.
        progress: Where the stages report to.
    """

    id: str
    settings: Settings
    folder: Path
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    progress: Progress = no_progress

    def step(self, what: str) -> Step:
        """A progress callback of (done, in all) for one thing that takes long."""
        return partial(self.progress, what)

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what it puts into the yielded dict becomes its figures."""
        figures: dict[str, Any] = {}
        started = time.perf_counter()
        yield figures
        self.stages[name] = {"seconds": round(time.perf_counter() - started, 3), **figures}
        logger.info("run %s: %s %s", self.id, name, self.stages[name])


@contextmanager
def open_run(settings: Settings, progress: Progress = no_progress) -> Iterator[Run]:
    """Hold the home and start a run in an empty folder.

    Raises:
        LockedError: If another run holds the home.
        StorageError: If the home cannot be written.
    """
    run_id = new_run_id()
    with locked_home(settings.home, run_id):
        set_run(run_id)
        run = Run(run_id, settings, new_folder(settings.home, run_id), {}, progress)
        with _remembered(run):
            yield run
        set_run("")


@contextmanager
def _remembered(run: Run) -> Iterator[None]:
    """Write a run down as failed if it leaves its folder behind: neither published nor held."""
    reason = UNTOLD
    try:
        yield
    except HertzError as error:
        reason = str(error)
        raise
    except BaseException as error:  # its text may tell of a profile; the log has it
        reason = f"{type(error).__name__}; the run's log says more"
        raise
    finally:
        if run.folder.exists():
            try:
                record(run.settings.home, run.id, "failed", reason, {"stages": run.stages})
            except OSError as error:  # must not hide what went wrong before
                logger.warning("run %s: its end cannot be written down: %s", run.id, error)
