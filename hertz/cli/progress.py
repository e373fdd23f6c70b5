"""Progress bars on a terminal. Elsewhere nothing is drawn: the log has each stage's figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hertz.stages.run import Progress as Report
from hertz.stages.run import no_progress


@contextmanager
def progress_bars() -> Iterator[Report]:
    """Yields a progress callback that draws one bar for each kind of work."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield no_progress
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(TextColumn("{task.description:<26}"), *columns, console=console) as shown:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield report
