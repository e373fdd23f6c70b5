"""A run's artifacts in the Prefect UI: progress bars and a report, without a profile's values."""

from __future__ import annotations

import logging
import re
import time
from typing import cast
from uuid import UUID

import httpx
from prefect import artifacts

from hertz.reports.markdown import render_markdown
from hertz.reports.page import RUNS_SHOWN, plain
from hertz.stages.run import Run
from hertz.storage.snapshot.history import list_runs
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import REPORT, kept_folders

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_UPDATES = 2.0  # an update costs the server tens of milliseconds


class ProgressBars:
    """A progress callback that keeps one Prefect artifact for each kind of work.

    If the server does not answer, the bars stop with one warning and the run goes on.
    """

    def __init__(self) -> None:
        self._bars: dict[str, UUID] = {}
        self._next_update = 0.0
        self._reachable = True

    def __call__(self, what: str, done: int, total: int) -> None:
        """Updates the bar of `what` to `done` of `total`, at most every two seconds."""
        due = done >= total or what not in self._bars or time.monotonic() >= self._next_update
        if not (self._reachable and due):
            return
        try:
            self._show(what, 100.0 * done / total if total else 100.0)
        except httpx.HTTPError as error:
            self._reachable = False
            logger.warning("no more progress bars: the Prefect server does not answer: %s", error)
        self._next_update = time.monotonic() + SECONDS_BETWEEN_UPDATES

    def _show(self, what: str, percent: float) -> None:
        if what in self._bars:
            artifacts.update_progress_artifact(self._bars[what], percent)
        else:
            key = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")
            self._bars[what] = cast(UUID, artifacts.create_progress_artifact(percent, key, what))


def show_report(run: Run) -> None:
    """Leaves a finished run's report as an artifact of its flow run."""
    title = f"Run {run.id}: its report"
    artifacts.create_markdown_artifact(whole_report(run), "hertz-run", title)


def whole_report(run: Run) -> str:
    """Returns a run's stages and, if it built a snapshot, its quality figures and page's path."""
    parts = [report(run)]
    for folder in kept_folders(run.settings.home):
        if folder.name.endswith(run.id):
            runs = [r for r in list_runs(run.settings.home, RUNS_SHOWN) if r.run_id != run.id]
            parts += [render_markdown(read_manifest(folder), runs)]
            parts += [f"The report's page: `{folder / REPORT}`"]
    return "\n\n".join(parts)


def report(run: Run) -> str:
    """Returns the table of a run's stages in Markdown, with seconds and counts."""
    lines = [f"# Run {run.id}", "", "| stage | seconds | |", "|:--|--:|:--|"]
    for result in run.results.values():
        counts = [
            f"{key.replace('_', ' ')}: {plain(value)}"
            for key, value in result.as_json().items()
            if key != "seconds" and _shown(value)
        ]
        lines.append(f"| {result.stage} | {result.seconds:.1f} | {'; '.join(counts)} |")
    total = sum(result.seconds for result in run.results.values())
    lines += [f"| **all** | **{total:.1f}** | |", "", f"In `{run.settings.home}`."]
    return "\n".join(lines)


def _shown(value: object) -> bool:
    """Whether the table shows a figure: a count, counts by name or a name, but nothing empty."""
    if isinstance(value, dict):
        return bool(value) and all(isinstance(item, int) for item in value.values())
    return isinstance(value, int) or bool(value)
