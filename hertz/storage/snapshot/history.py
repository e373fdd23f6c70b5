"""The run history: how each run ended, kept longer than the snapshots.

<home>/history/<run_id>.json   counts, seconds by stage, quality figures, outcome; no user's id
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from hertz.core.faults import fault_point
from hertz.reports.quality import without_ids
from hertz.reports.runs import Outcome, RunRecord
from hertz.storage.files import write_text
from hertz.storage.snapshot.manifest import Manifest
from hertz.storage.snapshot.stage_results import StageResult

FOLDER = "history"
KEPT = 1000  # files, of some kilobytes each
ERASED_REASON = "(erased: it named a user who was forgotten)"


def write_record(home: Path, run: RunRecord) -> None:
    """Writes the record of a run, replaces an earlier one, and removes the oldest of too many."""
    folder = home / FOLDER
    folder.mkdir(exist_ok=True)
    fault_point("history.before_record")
    write_text(folder / f"{run.run_id}.json", json.dumps(run.as_json()))
    for old in _paths(home)[:-KEPT]:
        old.unlink()


def record_of(
    manifest: Manifest, outcome: Outcome, reason: str = "", forced: bool = False
) -> RunRecord:
    """Returns the record of a run that made a snapshot, with the first line of the reason.

    `forced` means that a person published the run although the gate had held it.
    """
    seconds = manifest.stages.seconds
    return RunRecord(
        run_id=manifest.run_id,
        outcome=outcome,
        reason=reason.partition("\n")[0],
        forced=forced,
        ended_at=manifest.created_at,
        policy_hash=manifest.policy_hash,
        counts=manifest.counts,
        seconds=seconds,
        total_seconds=round(sum(seconds.values()), 3),
        quality=without_ids(manifest.quality),
    )


def failure_of(run_id: str, reason: str, results: Collection[StageResult] = ()) -> RunRecord:
    """Returns the record of a failed run: first line of the reason, seconds of finished stages."""
    seconds = {result.stage: result.seconds for result in results}
    return RunRecord(
        run_id=run_id,
        outcome="failed",
        reason=reason.partition("\n")[0],
        forced=False,
        ended_at=datetime.now(UTC).replace(microsecond=0),
        policy_hash="",
        counts=None,
        seconds=seconds,
        total_seconds=round(sum(seconds.values()), 3),
        quality=None,
    )


def is_recorded(home: Path, run_id: str) -> bool:
    """Returns whether the history has a record of a run."""
    return (home / FOLDER / f"{run_id}.json").exists()


def list_runs(home: Path, last: int | None = None) -> list[RunRecord]:
    """Returns the records of the `last` runs, or of all, oldest first.

    A file that cannot be read as a record is left out: the history must not stop a run.
    """
    paths = _paths(home)
    found = [_read(path) for path in (paths[-last:] if last else paths)]
    return [run for run in found if run]


def erase_from_history(home: Path, users: Collection[int]) -> dict[int, int]:
    """Erases users' ids from failed runs' reasons; returns the number of records for each user."""
    found = dict.fromkeys(users, 0)
    for run in list_runs(home):
        named = [user for user in users if re.search(rf"(?<!\d){user}(?!\d)", run.reason)]
        for user in named:
            found[user] += 1
        if named:
            write_record(home, run.model_copy(update={"reason": ERASED_REASON}))
    return found


def _paths(home: Path) -> list[Path]:
    """Returns the paths of all records, oldest first."""
    return sorted((home / FOLDER).glob("[!.]*.json"))


def _read(path: Path) -> RunRecord | None:
    """Returns the record in a file; None if there is none that fits the file's name."""
    try:
        run = RunRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return run if run.run_id == path.stem else None
