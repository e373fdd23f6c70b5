"""Collects what the console's first page shows: the served snapshot, its problems, and the runs.

A run id in an address is only compared with those that exist, never made a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hertz.api.snapshot.follower import Served
from hertz.core.errors import SnapshotError
from hertz.reports.runs import Outcome, RunRecord
from hertz.storage.snapshot.history import failure_of, list_runs, record_of
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import HELD, REPORT, list_held, list_snapshots

RUNS_SHOWN = 60


class Run(NamedTuple):
    """One run as shown.

    Attributes:
        record: How it ended.
        served: Whether its snapshot is served.
        report: Whether its snapshot has a report.
    """

    record: RunRecord
    served: bool
    report: bool


@dataclass(frozen=True)
class Overview:
    """The content of the first page.

    Attributes:
        served: The served snapshot; None if there is none.
        notes: What is wrong with it, or why there is none.
        runs: The runs, newest first.
        older: Run ids of the kept snapshots that are not served, newest first.
        held: Run ids of the snapshots that the gate held.
    """

    served: Served | None
    notes: list[str]
    runs: list[Run]
    older: list[str]
    held: list[str]


def overview(home: Path, served: Served | None, notes: list[str]) -> Overview:
    """Returns the content of the first page; `notes` are the problems that `/health` lists."""
    current = served.manifest.run_id if served else ""
    kept = _kept(home)
    held = _held(home)
    folders = kept | held
    records = {record.run_id: record for record in list_runs(home, RUNS_SHOWN)}
    for run, folder in folders.items():
        records.setdefault(run, _from_manifest(run, folder))
    return Overview(
        served=served,
        notes=notes,
        runs=[
            Run(record, run == current, run in folders and (folders[run] / REPORT).is_file())
            for run, record in sorted(records.items(), reverse=True)[:RUNS_SHOWN]
        ],
        older=[run for run in sorted(kept, reverse=True) if run != current],
        held=sorted(held),
    )


def report(home: Path, run_id: str) -> bytes | None:
    """Returns the report in a snapshot that is kept or held; None without one."""
    folder = (_kept(home) | _held(home)).get(run_id)
    try:
        return (folder / REPORT).read_bytes() if folder else None
    except FileNotFoundError:
        return None


def _kept(home: Path) -> dict[str, Path]:
    """Returns the folders of the kept snapshots by run id."""
    return {snapshot.name: snapshot for snapshot in list_snapshots(home)}


def _held(home: Path) -> dict[str, Path]:
    """Returns the folders of the held snapshots by run id."""
    return {folder.name.removeprefix(HELD): folder for folder in list_held(home)}


def _from_manifest(run: str, folder: Path) -> RunRecord:
    """Returns the record of a run that left none, made from its snapshot's manifest."""
    outcome: Outcome = "held" if folder.name.startswith(HELD) else "published"
    try:
        return record_of(read_manifest(folder), outcome)
    except SnapshotError as error:
        return failure_of(run, str(error).replace(f"{folder}", run))
