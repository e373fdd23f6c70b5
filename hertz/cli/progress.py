"""Progress bars on a terminal. Elsewhere nothing is drawn: the log has each stage's figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rich.progress as bars
from rich.console import Console

from hertz.stages.run import Progress, no_progress


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Yields a progress callback that draws one bar for each kind of work."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield no_progress
        return
    columns = (
        bars.TextColumn("{task.description:<26}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
    )
    tasks: dict[str, bars.TaskID] = {}
    with bars.Progress(*columns, console=console) as shown:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield report
