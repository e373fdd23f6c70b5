"""Collects what the console's first page shows: the served snapshot, its problems, and the runs.

In: the home and the application's health. Out: frozen values for the templates, and the bytes of a
run's report. A run id in an address is only compared with those that exist, never made a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hertz.api.console.rendering import age
from hertz.api.lists.why import public_name
from hertz.api.snapshot.follower import Served
from hertz.core.errors import SnapshotError
from hertz.core.interface_texts.catalogue import Language
from hertz.reports.runs import Outcome, RunRecord
from hertz.storage.snapshot.history import failure_of, list_runs, record_of
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import HELD, REPORT, list_held, list_snapshots

RUNS_SHOWN = 60


class ServedSnapshot(NamedTuple):
    """The served snapshot as shown.

    Attributes:
        run: Its run id.
        made: When it was made, in ISO format.
        age: How long ago that was, in words.
        users: Number of its users.
        policy: Name of its policy.
        policy_hash: Hash of its policy.
        embedding_model: Name of the embedding model.
        language_model: Name of the language model; None if the template voice wrote all texts.
        intake: Number of the last event of the intake that it contains.
    """

    run: str
    made: str
    age: str
    users: int
    policy: str
    policy_hash: str
    embedding_model: str
    language_model: str | None
    intake: int


@dataclass(frozen=True)
class Run:
    """The outcome of one run as shown; a number is None if the run left no record of it."""

    id: str
    outcome: str
    reason: str
    forced: bool
    ended: str
    age: str
    users: int | None
    matches: int | None
    explanations: int | None
    quarantined: int | None
    coverage: float | None
    seconds: float | None
    served: bool
    report: bool


@dataclass(frozen=True)
class Overview:
    """The content of the first page.

    Attributes:
        now: The served snapshot; None if there is none.
        notes: What is wrong with it, or why there is none.
        runs: Outcomes of the runs, newest first.
        older: Run ids of the kept snapshots that are not served, newest first.
        held: Run ids of the snapshots that the gate held.
    """

    now: ServedSnapshot | None
    notes: list[str]
    runs: list[Run]
    older: list[str]
    held: list[str]


def overview(home: Path, served: Served | None, notes: list[str], language: Language) -> Overview:
    """Returns the content of the first page.

    Args:
        home: The home directory.
        served: The served snapshot.
        notes: Problems, as `/health` lists them.
        language: Language of the page.
    """
    current = served.manifest.run_id if served else ""
    kept = _kept(home)
    held = _held(home)
    records = {run.run_id: run for run in list_runs(home, RUNS_SHOWN)}
    for run, folder in (kept | held).items():
        records.setdefault(run, _from_manifest(run, folder))
    folders = kept | held
    return Overview(
        now=_served_snapshot(served, language) if served else None,
        notes=notes,
        runs=[
            _run(record, folders.get(run), current, language)
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


def _served_snapshot(served: Served, language: Language) -> ServedSnapshot:
    """Returns the served snapshot as shown."""
    manifest = served.manifest
    return ServedSnapshot(
        run=manifest.run_id,
        made=manifest.created_at.isoformat(timespec="seconds"),
        age=age(manifest.created_at, language),
        users=served.reader.users,
        policy=manifest.policy_name,
        policy_hash=manifest.policy_hash,
        embedding_model=public_name(manifest.embedding_model),
        language_model=public_name(manifest.language_model or "") or None,
        intake=manifest.intake_sequence,
    )


def _from_manifest(run: str, folder: Path) -> RunRecord:
    """Returns the record of a run that left none, made from its snapshot's manifest."""
    outcome: Outcome = "held" if folder.name.startswith(HELD) else "published"
    try:
        return record_of(read_manifest(folder), outcome)
    except SnapshotError as error:
        return failure_of(run, str(error).replace(f"{folder}", run))


def _run(record: RunRecord, folder: Path | None, current: str, language: Language) -> Run:
    """Returns a run's record as shown."""
    counts = record.counts
    return Run(
        id=record.run_id,
        outcome=record.outcome,
        reason=record.reason,
        forced=record.forced,
        ended=record.ended_at.isoformat(),
        age=age(record.ended_at, language),
        users=counts.users if counts else None,
        matches=sum(counts.matches.values()) if counts else None,
        explanations=counts.explanations.total if counts else None,
        quarantined=counts.quarantined if counts else None,
        coverage=record.quality.overall.coverage if record.quality else None,
        seconds=record.total_seconds or None,
        served=record.run_id == current,
        report=folder is not None and (folder / REPORT).is_file(),
    )
